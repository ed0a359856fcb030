/* Coroutines of two kinds, libpcl's and ucontext's, that stop in the middle of a decorated function: `begin N` starts one
 * of each and says how far they came, `end N` lets them finish and says what they returned. */
#include <rtf.h>

#include <pcl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { COUNT = 4, STACK = 65536 };

static struct routine {
	int number, result;
	coroutine_t coroutine;
	ucontext_t inside, outside;
	char *stack;
} pcl[COUNT], context[COUNT];

static int begun;

static void pause_pcl(struct routine *r)
{
	(void)r;
	co_resume();
}

static void pause_context(struct routine *r)
{
	swapcontext(&r->inside, &r->outside);
}

REALTIMEFUNC
static int work(struct routine *r, void (*pause)(struct routine *r))
{
	int mine = r->number * 10;

	begun++;
	pause(r);
	return mine + begun * 1000 + 1;
}

static void run_pcl(void *routine)
{
	struct routine *r = routine;

	r->result = work(r, pause_pcl);
}

static void run_context(unsigned number)
{
	context[number].result = work(&context[number], pause_context);
}

static void begin(int n)
{
	pcl[n].number = context[n].number = n;
	pcl[n].coroutine = co_create((void *)run_pcl, &pcl[n], NULL, STACK);
	co_call(pcl[n].coroutine);
	context[n].stack = malloc(STACK);
	getcontext(&context[n].inside);
	context[n].inside.uc_stack.ss_sp = context[n].stack;
	context[n].inside.uc_stack.ss_size = STACK;
	context[n].inside.uc_link = &context[n].outside;
	makecontext(&context[n].inside, (void (*)(void))run_context, 1, n);
	swapcontext(&context[n].outside, &context[n].inside);
	printf("%d begun\n", begun);
}

static void end(int n)
{
	co_call(pcl[n].coroutine);
	swapcontext(&context[n].outside, &context[n].inside);
	printf("%d %d\n", pcl[n].result, context[n].result);
	free(context[n].stack);
}

int main(int argc, char **argv)
{
	char line[64];
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	co_thread_init();
	if (argc > 1)
		rtf_start(argv[1]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "begin %d", &n) == 1)
			begin(n);
		else if (sscanf(line, "end %d", &n) == 1)
			end(n);
	}
	co_thread_cleanup();
	return 0;
}
