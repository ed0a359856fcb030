/* A program whose main thread ends by pthread_exit(), as other threads go on: one answers `ask` on standard input until `end`,
 * and is the last. What the program has registered for its end says `over`. Its threads are called much like the console's.
 *
 *     last_host [SOCKET] */
#include <rtf.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

REALTIMEFUNC
int answer(void)
{
	return 1;
}

static void say_over(void)
{
	puts("over");
	fflush(stdout);
}

static void *serve(void *unused)
{
	char line[100];

	while (fgets(line, sizeof(line), stdin) && strcmp(line, "end\n") != 0) {
		printf("%d\n", answer());
		fflush(stdout);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "rtf-host");
	if (argc > 1)
		rtf_start(argv[1]);
	atexit(say_over);
	puts("ready");
	fflush(stdout);
	if (pthread_create(&thread, NULL, serve, NULL))
		return 1;
	pthread_exit(NULL);
}
