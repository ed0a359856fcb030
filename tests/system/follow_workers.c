/* A program of workers that it forked after its console was open: `N NAME` has worker N (0: the first process) answer. With
 * FOLLOW_STAY they stay when it has ended. */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4 };

static struct worker {
	int to, from;
	pid_t pid;
} workers[WORKERS + 1];

REALTIMEFUNC
static int answer(void)
{
	return 1;
}

/* What a program that is run from here sees of us: descriptors, mappings. */
static void describe(char *text, size_t size)
{
	FILE *f = popen("ls -l /proc/self/fd | grep -c -E 'rtf|memfd|inotify|sock'; grep -c rtf /proc/self/maps", "re");
	size_t used = 0;

	while (f && used + 1 < size && fgets(text + used, (int)(size - used), f)) {
		used += strcspn(text + used, "\n");
		text[used++] = ' ';
	}
	text[used ? used - 1 : 0] = '\0';
	if (f)
		pclose(f);
}

static void serve(const char *what, char *text, size_t size)
{
	if (strcmp(what, "answer") == 0)
		snprintf(text, size, "%d", answer());
	else if (strcmp(what, "exec") == 0)
		describe(text, size);
	else if (strcmp(what, "pid") == 0)
		snprintf(text, size, "%d", (int)getpid());
	else if (strcmp(what, "sync") == 0)
		snprintf(text, size, "%d", rtf_sync() != 0);
	else
		snprintf(text, size, "what is %s?", what);
}

static void work(int input, int output)
{
	char line[64], text[256];
	ssize_t n;

	while ((n = read(input, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		serve(line, text, sizeof(text));
		if (write(output, text, strlen(text)) < 0)
			break;
	}
	if (getenv("FOLLOW_STAY"))
		pause();
	_exit(0);
}

static void start_worker(struct worker *w)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		exit(1);
	w->pid = fork();
	if (!w->pid) {
		close(to[1]);
		close(from[0]);
		work(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
}

static void ask(int number, const char *what)
{
	char text[256];
	ssize_t n = 0;

	if (number == 0) {
		serve(what, text, sizeof(text));
	} else {
		if (write(workers[number].to, what, strlen(what)) > 0)
			n = read(workers[number].from, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
	}
	puts(text);
}

int main(int argc, char **argv)
{
	char line[64], what[64];
	int number;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start(argv[1]);
	for (int i = 1; i <= WORKERS; i++)
		start_worker(&workers[i]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%d %63s", &number, what) == 2 && number >= 0 && number <= WORKERS)
			ask(number, what);
	for (int i = 1; i <= WORKERS; i++) {
		close(workers[i].to);
		waitpid(workers[i].pid, NULL, 0);
	}
	return 0;
}
