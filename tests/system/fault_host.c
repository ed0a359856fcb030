/* A program whose functions may fault, in any thread, with and without a handler of its own. Lines as in host.c:
 *
 *     handler     from now on SIGSEGV is caught: the call is left, and what the handler saw is printed
 *     call N      risky(N), whose result is printed
 *     thread N    the same in another thread
 *     crowd N     risky(16) in N threads at once
 *     plain       a fault in a function that is not decorated
 *     chain       over that a handler that hands on to what it found there; unchain: it takes itself away; chained: how
 *                 often it was called
 *     farewell    from now on whatever catches SIGSEGV says so, waits for a line and lets the program end by it
 *     whose       who handles SIGSEGV: nobody, us, or somebody else
 *     heed        from now on it is noted what risky(1) is when somebody begins to handle SIGSEGV; heeded: what it was */
#include <rtf.h>

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __thread sigjmp_buf out;
static int caught;
static void *caught_at;

REALTIMEFUNC
static int risky(int n)
{
	return n + 1;
}

static int heeding, heeded;

/* In place of the C library's, for librtf as well. */
int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	int (*real)(int, const struct sigaction *, struct sigaction *) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "sigaction");
	if (heeding && signal == SIGSEGV && action && action->sa_handler != SIG_DFL)
		heeded = risky(1);
	return real(signal, action, before);
}

static int measure(const char *text)
{
	return (int)strlen(text);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	caught++;
	caught_at = info->si_addr;
	siglongjmp(out, 1);
}

static void call(int n)
{
	if (sigsetjmp(out, 1) == 0)
		printf("%d\n", risky(n));
	else
		printf("caught %d at %p\n", caught, caught_at);
}

static void *run_thread(void *n)
{
	call(*(int *)n);
	return NULL;
}

static void call_in_thread(int n)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_thread, &n) == 0)
		pthread_join(thread, NULL);
}

static pthread_barrier_t together;

static void *run_in_crowd(void *n)
{
	pthread_barrier_wait(&together);
	if (sigsetjmp(out, 1) == 0)
		risky(*(int *)n);
	return NULL;
}

static void call_in_crowd(int threads)
{
	pthread_t crowd[64];
	int n = 16;

	pthread_barrier_init(&together, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&crowd[i], NULL, run_in_crowd, &n))
			abort();
	for (int i = 0; i < threads; i++)
		pthread_join(crowd[i], NULL);
	puts("all of them");
}

static void catch (void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	puts("ours");
}

static struct sigaction found;
static int chained;

static void on_fault_before(int signal, siginfo_t *info, void *context)
{
	chained++;
	found.sa_sigaction(signal, info, context);
}

static void chain(void)
{
	struct sigaction action = {.sa_sigaction = on_fault_before, .sa_flags = SA_SIGINFO};

	printf("%d\n", sigaction(SIGSEGV, &action, &found) == 0);
}

static void on_last_fault(int signal)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	char line[64];

	sigaction(signal, &usual, NULL);
	puts("farewell");
	fgets(line, sizeof(line), stdin);
}

static void say_farewell(void)
{
	const struct sigaction action = {.sa_handler = on_last_fault};

	printf("%d\n", sigaction(SIGSEGV, &action, NULL) == 0);
}

static const char *whose(void)
{
	struct sigaction action;

	sigaction(SIGSEGV, NULL, &action);
	if (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL)
		return "nobody";
	return action.sa_sigaction == on_fault || action.sa_sigaction == on_fault_before ? "ours"
											 : "somebody";
}

static void plain(volatile int *p)
{
	if (sigsetjmp(out, 1) == 0)
		*p = 1;
	printf("caught %d at %p\n", caught, caught_at);
}

int main(int argc, char **argv)
{
	char line[256];
	int n = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && rtf_start(argv[1]))
		return 1;
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "call %d", &n) == 1)
			call(n);
		else if (sscanf(line, "thread %d", &n) == 1)
			call_in_thread(n);
		else if (sscanf(line, "crowd %d", &n) == 1)
			call_in_crowd(n);
		else if (!strncmp(line, "handler", 7))
			catch ();
		else if (!strncmp(line, "plain", 5))
			plain((int *)16);
		else if (!strcmp(line, "chain\n"))
			chain();
		else if (!strcmp(line, "unchain\n"))
			printf("%d\n", sigaction(SIGSEGV, &found, NULL) == 0);
		else if (!strcmp(line, "chained\n"))
			printf("%d\n", chained);
		else if (!strcmp(line, "farewell\n"))
			say_farewell();
		else if (!strcmp(line, "heed\n"))
			printf("%d\n", heeding = 1);
		else if (!strcmp(line, "heeded\n"))
			printf("%d\n", heeded);
		else if (!strncmp(line, "whose", 5))
			puts(whose());
		else
			printf("%d\n", measure(line));
	}
	return 0;
}
