/* A program to be a guest in: does one command a line from standard input, answers each with a line. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef PLAIN /* no rtf in the source at all */
#define REALTIMEFUNC
#define rtf_start(path) ((void)(path), -ENOSYS)
#define rtf_stop()      ((void)0)
#define rtf_poll()      ((void)0)
#else
#include <rtf.h>
#endif

/* In place of the C library's, for librtf as well: an engine that is installed on this machine is not there for it. */
int access(const char *path, int mode)
{
	if (strstr(path, "/libexec/rtf/rtf-engine") && !strstr(path, "/../")) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

static volatile int base; /* always 0, but no compiler knows */
static int children_ended, log_lines;
static FILE *child_in, *child_out;

int one(void);
int three(void);

REALTIMEFUNC
int one(void)
{
	return base + 1;
}

REALTIMEFUNC
static int two(int x, const char *format, ...)
{
	(void)format;
	return base + x;
}

#ifndef WITH_LIBRARY
REALTIMEFUNC
int three(void)
{
	return base + 3;
}
#endif

static void child_ended(int signal)
{
	(void)signal;
	children_ended++;
}

#if !defined(PLAIN) && !defined(RTF_DISABLE)
static void log_line(void *context, int level, const char *text)
{
	(void)level;
	(void)text;
	__atomic_add_fetch((int *)context, 1, __ATOMIC_RELAXED);
}

static long longest_ms; /* that a program took which the log was passed to */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As a program does that logs by way of another. */
static void log_by_program(void *context, int level, const char *text)
{
	long start = now_ms();
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	if (now_ms() - start > longest_ms)
		longest_ms = now_ms() - start;
	log_line(context, level, text);
}

static int start_logging_by_program(const char *path)
{
	struct rtf_options o = {.socket_path = path, .log = log_by_program, .log_context = &log_lines};

	return rtf_start_options(&o);
}

static int start_with(const char *path, int polled)
{
	struct rtf_options o = {
		.socket_path = path,
		.history_path = "/nowhere/history.db",
		.source_root = "/old=/new",
		.watch = RTF_OFF,
		.polled = polled,
		.log = log_line,
		.log_context = &log_lines,
	};

	return rtf_start_options(&o);
}
#else
static long longest_ms;

static int start_logging_by_program(const char *path)
{
	return rtf_start(path);
}

static int start_with(const char *path, int polled)
{
	(void)polled;
	return rtf_start(path);
}
#endif

/* All of the process that a guest could have changed. */
static void manners(void)
{
	char cwd[4096] = "?";
	sigset_t mask;
	mode_t mode = umask(0);

	umask(mode);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	printf("umask %o cwd %s blocked", (unsigned)mode, getcwd(cwd, sizeof(cwd)));
	for (int s = 1; s < 65; s++)
		if (sigismember(&mask, s) == 1)
			printf(" %d", s);
	printf(" handlers");
	for (int s = 1; s < 65; s++) {
		struct sigaction a;
		if (sigaction(s, NULL, &a) == 0 && a.sa_handler != SIG_DFL)
			printf(" %d=%lx", s, (unsigned long)a.sa_handler);
	}
	printf(" fds");
	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	puts("");
}

/* A child that does commands like its parent, over pipes. */
static void worker_start(void)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(1);
	fflush(stdout);
	if (fork() == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		return;
	}
	close(in[0]);
	close(out[1]);
	child_in = fdopen(in[1], "w");
	child_out = fdopen(out[0], "r");
	puts("forked");
}

static void worker_ask(const char *command)
{
	char line[512];

	fprintf(child_in, "%s\n", command);
	fflush(child_in);
	fputs(fgets(line, sizeof(line), child_out) ? line : "gone\n", stdout);
}

static void descriptors_leaked(void)
{
	int leaked = 0;

	for (int fd = 3; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		leaked += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	printf("%d\n", leaked);
}

/* Descriptors where the guest has its own, but for the arenas' files: sockets, an event. */
static int guests_descriptors(void)
{
	int count = 0;

	for (int fd = 64; fd < 1024; fd++) {
		struct stat st;
		count += fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
	}
	return count;
}

/* Forks while the console is being opened, again and again: no child may hold any part of it. */
static void race(const char *path)
{
	int held = 0, before = guests_descriptors();

	for (int i = 0; i < 30; i++) {
		int status = 0;
		rtf_start(path);
		for (volatile int spin = 0; spin < i * 10000; spin++)
			;
		pid_t child = fork();
		if (child == 0)
			_exit(guests_descriptors() - before);
		waitpid(child, &status, 0);
		held += WEXITSTATUS(status);
		rtf_stop();
	}
	printf("%d\n", held);
}

#ifdef SHORT_OF_MEMORY
extern void *__libc_realloc(void *block, size_t size);
static int begun;

__attribute__((constructor)) static void begin(void)
{
	begun = 1;
}

/* In place of the C library's: until the libraries' constructors have run there is no memory to note entries in. */
void *realloc(void *block, size_t size)
{
	return begun ? __libc_realloc(block, size) : NULL;
}
#endif

#ifdef INTERRUPTED
static int armed, forked;

/* In place of the C library's, for librtf as well: a signal comes in the middle of it. */
ssize_t write(int fd, const void *bytes, size_t size)
{
	if (armed) {
		armed = 0;
		raise(SIGUSR1);
	}
	return syscall(SYS_write, fd, bytes, size);
}

static void fork_in_handler(int signal)
{
	(void)signal;
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	forked += waitpid(child, NULL, 0) == child;
}

static void poll_interrupted(void)
{
	signal(SIGUSR1, fork_in_handler);
	armed = 1;
	rtf_poll();
	armed = 0;
	puts("polled");
}
#endif

/* A thread that is to end at its next chance, and comes by rtf_poll before that. */
static void *poll_cancelled(void *unused)
{
	pthread_cancel(pthread_self());
	rtf_poll();
	pthread_testcancel();
	return unused;
}

static void poll_in_cancelled_thread(void)
{
	pthread_t thread;
	void *end = NULL;

	if (pthread_create(&thread, NULL, poll_cancelled, NULL) == 0)
		pthread_join(thread, &end);
	puts(end == PTHREAD_CANCELED ? "cancelled" : "polled");
}

/* Microseconds that rtf_start takes, at best. */
static void quick(const char *path)
{
	long best = 1000000;

	for (int i = 0; i < 20; i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_MONOTONIC, &a);
		rtf_start(path);
		clock_gettime(CLOCK_MONOTONIC, &b);
		rtf_stop();
		long took = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
		best = took < best ? took : best;
	}
	printf("%ld\n", best);
}

static void answer(char *line)
{
	char *rest = strchr(line, ' ');

	if (rest)
		*rest++ = '\0';
	if (!strcmp(line, "call")) {
		printf("%d %d %d\n", one(), two(2, "%d", 2), three());
	} else if (!strcmp(line, "address")) {
		printf("%lx %lx %lx\n", (unsigned long)one, (unsigned long)two, (unsigned long)three);
	} else if (!strcmp(line, "variable")) {
		printf("%lx\n", (unsigned long)&base);
	} else if (!strcmp(line, "start")) {
		errno = 42;
		int result = rtf_start(rest);
		printf("%d %s\n", result, errno == 42 ? "kept" : "changed");
	} else if (!strcmp(line, "options")) {
		printf("%d\n", start_with(rest, 0));
	} else if (!strcmp(line, "polled")) {
		printf("%d\n", start_with(rest, 1));
	} else if (!strcmp(line, "log-by-program")) {
		printf("%d\n", start_logging_by_program(rest));
	} else if (!strcmp(line, "longest")) {
		printf("%ld\n", longest_ms);
	} else if (!strcmp(line, "poll")) {
		rtf_poll();
		puts("polled");
	} else if (!strcmp(line, "poll-cancelled")) {
		poll_in_cancelled_thread();
#ifdef INTERRUPTED
	} else if (!strcmp(line, "poll-interrupted")) {
		poll_interrupted();
	} else if (!strcmp(line, "forked")) {
		printf("%d\n", forked);
#endif
	} else if (!strcmp(line, "stop")) {
		rtf_stop();
		puts("stopped");
	} else if (!strcmp(line, "logged")) {
		printf("%d\n", __atomic_load_n(&log_lines, __ATOMIC_RELAXED));
	} else if (!strcmp(line, "manners")) {
		manners();
	} else if (!strcmp(line, "leaked")) {
		descriptors_leaked();
	} else if (!strcmp(line, "umask")) {
		printf("%o\n", (unsigned)umask((mode_t)strtoul(rest, NULL, 8)));
	} else if (!strcmp(line, "wait")) {
		errno = 0;
		pid_t got = waitpid(-1, NULL, WNOHANG | __WALL);
		printf("%d %s %d\n", (int)got, errno == ECHILD ? "no children" : "children", children_ended);
	} else if (!strcmp(line, "race")) {
		race(rest);
	} else if (!strcmp(line, "quick")) {
		quick(rest);
	} else if (!strcmp(line, "fork")) {
		worker_start();
	} else if (!strcmp(line, "child")) {
		worker_ask(rest);
	} else if (!strcmp(line, "child-ends")) {
		fclose(child_in);
		waitpid(-1, NULL, 0);
		puts("ended");
	} else {
		puts("what?");
	}
	fflush(stdout);
}

int main(void)
{
	char line[4096];

	signal(SIGCHLD, child_ended);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	return 0;
}
