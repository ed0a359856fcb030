/* A program whose functions can fault: each line on standard input is done by a thread of its own, whose result is a line
 * on standard output, so that one that waits holds up no other.
 *
 *     guard_host SOCKET */
#include <rtf.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
	int number;
	const char *path;
};

struct pair {
	long first, second;
};

static int served;

REALTIMEFUNC
static int length_of(const struct request *r, int extra)
{
	served++;
	return (int)strlen(r->path) + extra;
}

REALTIMEFUNC
static void touch(int *place)
{
	*place = 1;
}

REALTIMEFUNC
static int quotient(int a, int b)
{
	return a / b;
}

REALTIMEFUNC
static struct pair give_up(int number)
{
	if (number < 0)
		abort();
	return (struct pair){number, served};
}

REALTIMEFUNC
static int outer(const struct request *r)
{
	return length_of(r, 100) + 1;
}

/* Arguments of all kinds; one has no address. */
REALTIMEFUNC
static double pick(register int n, const double weights[2], struct pair p, const char *name,
		   int (*how)(const char *))
{
	return weights[n] + (double)p.first + how(name);
}

REALTIMEFUNC
static int any(int n, ...)
{
	return n;
}

static void say(const char *what, long result)
{
	printf("%s %ld\n", what, result);
}

static void *serve(void *line)
{
	int n = 0;
	char what[32] = "";

	sscanf(line, "%31s %d", what, &n);
	struct request r = {n, n ? "/four" : NULL};
	if (!strcmp(what, "length"))
		say(what, length_of(&r, n));
	else if (!strcmp(what, "touch"))
		say(what, (touch(n ? &n : NULL), n));
	else if (!strcmp(what, "quotient"))
		say(what, quotient(100, n));
	else if (!strcmp(what, "give_up"))
		say(what, give_up(n).first);
	else if (!strcmp(what, "outer"))
		say(what, outer(&r));
	else if (!strcmp(what, "pick"))
		say(what, (long)pick(n, n ? NULL : (double[]){1, 2}, (struct pair){n, -n}, "four", puts));
	else if (!strcmp(what, "any"))
		say(what, any(n));
	else if (!strcmp(what, "served"))
		say(what, served);
	else if (!strcmp(what, "stop"))
		say(what, (rtf_stop(), 0));
	free(line);
	return NULL;
}

/* The program has a handler of its own: faults that nobody guards end here. */
static void on_fault(int signal)
{
	(void)signal;
	static const char text[] = "the program's own handler\n";
	fwrite(text, 1, sizeof(text) - 1, stdout);
	fflush(stdout);
	_Exit(9);
}

int main(int argc, char **argv)
{
	char line[200];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGFPE, on_fault);
	if (argc > 1 && rtf_start(argv[1]))
		puts("rtf_start failed");
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, serve, strdup(line)) == 0)
			pthread_detach(thread);
	}
	return 0;
}
