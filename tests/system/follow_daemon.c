/* A program that becomes a daemon after it has opened its console: at once or, with FOLLOW_LATER set, at the line `daemon`, in a
 * signal handler. `pid` tells its own, `handler` calls the function in a signal handler and tells how many threads there are
 * then; any other line calls it. */
#include <rtf.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Arguments in every kind of register, which the call must get as they were. */
REALTIMEFUNC
static double answer(int a, double b, long c, float d, const char *e, double f, int g, long h, double i)
{
	return a + b + (double)c + d + (double)strlen(e) + f + g + (double)h + i;
}

static double call(void)
{
	return answer(1, 0.5, 2, 0.25f, "abc", 0.125, 4, 5, 100);
}

static void on_signal(int signal)
{
	(void)signal;
	call();
}

static int became;

static void become_daemon(int signal)
{
	(void)signal;
	became = daemon(0, 1);
}

static int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	while (readdir(tasks))
		count++;
	closedir(tasks);
	return count - 2; /* . and .. */
}

int main(int argc, char **argv)
{
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start(argv[1]);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, become_daemon);
	if (!getenv("FOLLOW_LATER") && daemon(0, 1))
		return 1;
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "pid") == 0)
			printf("%d\n", (int)getpid());
		else if (strcmp(line, "daemon") == 0)
			printf("%d\n", (raise(SIGUSR2), became));
		else if (strcmp(line, "handler") == 0)
			printf("%d\n", (raise(SIGUSR1), count_threads()));
		else
			printf("%g\n", call());
	}
	return 0;
}
