/* A program whose threads end below functions that have something to clean up.
 *
 *     unwind_host SOCKET    a line `exit` or `cancel` of standard input ends a thread that way; answered is what ran of
 *                           the cleanups, innermost first */
#include <rtf.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char ran[256];
static int cancelled;

static void clean(const char **what)
{
	strcat(ran, *what);
	strcat(ran, " ");
}

#define CLEANED(name, what) const char *name __attribute__((cleanup(clean))) = what

/* Never returns: neither to what was built above it nor to a newer version. */
__attribute__((noinline)) static void end(void)
{
	CLEANED(mine, "end");

	if (!cancelled)
		pthread_exit(NULL);
	pthread_cancel(pthread_self());
	for (;;)
		pause();
}

REALTIMEFUNC void inner(int depth)
{
	CLEANED(mine, "inner");

	if (depth)
		inner(depth - 1);
	else
		end();
}

REALTIMEFUNC static void middle(int depth)
{
	CLEANED(mine, "middle");
	inner(depth);
}

__attribute__((noinline)) static void outer(void)
{
	CLEANED(mine, "outer");
	middle(1);
}

static void *run(void *unused)
{
	CLEANED(mine, "thread");

	outer();
	return unused;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		pthread_t thread;
		cancelled = line[0] == 'c';
		ran[0] = '\0';
		pthread_create(&thread, NULL, run, NULL);
		pthread_join(thread, NULL);
		printf("%s\n", ran);
		fflush(stdout);
	}
	return 0;
}
