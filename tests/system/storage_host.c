/* A program that counts in threads and in a child, all of which it has before anybody changes it.
 *
 *     storage_host SOCKET       each line of standard input: what count() says in main, in a thread, in a new one, in a child;
 *                               "ends N" makes N threads call it and end, and says by how much the mappings have grown */
#include <rtf.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread int own = 100;

REALTIMEFUNC int count(int n)
{
	return ++own + n;
}

static int to_thread[2], from_thread[2], to_child[2], from_child[2];

static void serve(int in, int out)
{
	char asked;

	while (read(in, &asked, 1) == 1) {
		int n = count(0);
		if (write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void *run_thread(void *unused)
{
	serve(to_thread[0], from_thread[1]);
	return unused;
}

static void *run_once(void *result)
{
	*(int *)result = count(0);
	return NULL;
}

static int ask(int to, int from)
{
	int n = -1;

	if (write(to, "", 1) != 1 || read(from, &n, sizeof(n)) != sizeof(n))
		return -1;
	return n;
}

static int in_new_thread(void)
{
	pthread_t thread;
	int n = -1;

	if (pthread_create(&thread, NULL, run_once, &n) == 0)
		pthread_join(thread, NULL);
	return n;
}

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int lines = 0, c;

	while (f && (c = getc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char line[64];

	if (argc < 2 || pipe(to_thread) || pipe(from_thread) || pipe(to_child) || pipe(from_child) ||
	    rtf_start(argv[1]))
		return 1;
	if (fork() == 0) {
		close(to_child[1]); /* its end is ours */
		serve(to_child[0], from_child[1]);
		_exit(0);
	}
	if (pthread_create(&thread, NULL, run_thread, NULL))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int ends = 0, before;
		if (sscanf(line, "ends %d", &ends) == 1) {
			in_new_thread(); /* stacks are kept for the next */
			before = mappings();
			while (ends--)
				in_new_thread();
			printf("%d more\n", mappings() > before + 4);
		} else {
			printf("%d %d %d %d\n", count(0), ask(to_thread[1], from_thread[0]), in_new_thread(),
			       ask(to_child[1], from_child[0]));
		}
		fflush(stdout);
	}
	return 0;
}
