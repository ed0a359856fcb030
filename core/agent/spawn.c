#include "spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "rtf-engine"

#ifndef RTF_LIBEXECDIR
#define RTF_LIBEXECDIR "/usr/local/libexec/rtf"
#endif

/* Finding. */

struct finder {
	char *path;
	size_t size;
};

static bool look_at(struct finder *f, const char *directory, const char *rest)
{
	struct stat st;

	return snprintf(f->path, f->size, "%s%s", directory, rest) < (int)f->size &&
	       access(f->path, X_OK) == 0 && stat(f->path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool look_near(struct finder *f, const char *directory)
{
	return look_at(f, directory, "/" NAME) || look_at(f, directory, "/../libexec/rtf/" NAME);
}

/* Cuts the file name off a path; false if there is no directory in it. */
static bool directory_of(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool look_near_library(struct finder *f)
{
	char path[PATH_MAX];
	Dl_info self;

	return dladdr((void *)spawn_find, &self) && self.dli_fname && realpath(self.dli_fname, path) &&
	       directory_of(path) && look_near(f, path);
}

static bool look_near_program(struct finder *f)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 0)
		return false;
	path[length] = '\0';
	return directory_of(path) && look_near(f, path);
}

/* A console may stand there as a link into the tree that it came with. */
static bool look_behind_console(struct finder *f, const char *directory)
{
	char path[PATH_MAX];

	return snprintf(f->path, f->size, "%s/rtf-console", directory) < (int)f->size &&
	       realpath(f->path, path) && directory_of(path) && look_near(f, path);
}

static bool look_in(struct finder *f, const char *search)
{
	while (search && *search) {
		char directory[PATH_MAX];
		size_t length = strcspn(search, ":");
		if (length && length < sizeof(directory)) {
			memcpy(directory, search, length);
			directory[length] = '\0';
			if (look_near(f, directory) || look_behind_console(f, directory))
				return true;
		}
		search += length + (search[length] == ':');
	}
	return false;
}

bool spawn_find(const char *wanted, const char *search, char *path, size_t size)
{
	struct finder f = {.path = path, .size = size};

	if (wanted) {
		if (look_at(&f, wanted, ""))
			return true;
		snprintf(path, size, "there is no " NAME " to run at %s", wanted);
		return false;
	}
	if (look_near_library(&f) || look_near_program(&f))
		return true;
	if (look_at(&f, RTF_LIBEXECDIR, "/" NAME) || look_in(&f, search))
		return true;
	snprintf(path, size,
		 "no " NAME " found beside the program, beside librtf, in " RTF_LIBEXECDIR
		 " or in PATH: start the program with RTF_ENGINE set to its path");
	return false;
}

static bool environment_keeps(const char *entry)
{
	return strncmp(entry, "LD_PRELOAD=", 11) && strncmp(entry, "RTF_SOCKET=", 11);
}

char **spawn_environment(void)
{
	size_t count = 1, bytes = 0;

	for (char **e = environ; e && *e; e++) {
		count++;
		bytes += strlen(*e) + 1;
	}
	char **copy = malloc(count * sizeof(*copy) + bytes);
	if (!copy)
		return NULL;

	char **out = copy, *text = (char *)(copy + count);
	for (char **e = environ; e && *e; e++) {
		if (!environment_keeps(*e))
			continue;
		*out++ = text;
		text = stpcpy(text, *e) + 1;
	}
	*out = NULL;
	return copy;
}

/* Starting.
 *
 *      agent thread ── clone ──► between: descriptors ── clone ──► engine: setsid, signals, execve
 *            ◄── reaped with __WCLONE ── exits; the engine is re-parented
 *
 * Both clones share memory and suspend their maker until they exec or exit, like vfork(): no page is copied
 * however large the program is, and pthread_atfork handlers don't run. Exit signal 0 makes `between`
 * invisible to the program's wait() and SIGCHLD; the engine, to which an exec gives SIGCHLD back, has another
 * parent by then. The two run on our memory with our thread's TLS: raw system calls only, nothing that a
 * sanitizer would instrument. */

struct launch {
	const char *path;
	char **environment;
	int channel, log;
	void *stack; /* of the engine, until its exec */
	int error;
};

/* glibc's clone() under the name that sanitizers leave alone: they take any clone for a fork, with memory of
 * its own. */
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

#define ON_BORROWED_MEMORY __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

/* The kernel's struct sigaction, all zero: SIG_DFL, no flags, no mask. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static ON_BORROWED_MEMORY void signals_reset(void)
{
	static const struct kernel_sigaction standard;
	static const unsigned long none;

	for (int signal = 1; signal <= 64; signal++)
		syscall(SYS_rt_sigaction, signal, &standard, NULL, sizeof(none));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/* Puts the channel and the standard descriptors in place, whatever numbers they had, and closes the rest: at once, because
 * a program that is killed meanwhile, and started again, must find its socket's name free. */
static ON_BORROWED_MEMORY int descriptors_place(const struct launch *l)
{
	enum { HIGH = 10 };
	long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
	long high_null = syscall(SYS_fcntl, null, F_DUPFD, HIGH);
	long high_log = l->log >= 0 ? syscall(SYS_fcntl, l->log, F_DUPFD, HIGH) : high_null;
	long high_channel = syscall(SYS_fcntl, l->channel, F_DUPFD, HIGH);

	if (null < 0 || high_null < 0 || high_log < 0 || high_channel < 0 ||
	    syscall(SYS_dup3, high_null, STDIN_FILENO, 0) < 0 ||
	    syscall(SYS_dup3, high_null, STDOUT_FILENO, 0) < 0 ||
	    syscall(SYS_dup3, high_log, STDERR_FILENO, 0) < 0 ||
	    syscall(SYS_dup3, high_channel, SPAWN_CHANNEL, 0) < 0)
		return -1;
	if (syscall(SYS_close_range, SPAWN_CHANNEL + 1, ~0U, 0) == 0)
		return 0;
	for (int fd = SPAWN_CHANNEL + 1; fd < 65536; fd++) /* a kernel before 5.11 */
		syscall(SYS_close, fd);
	return 0;
}

static ON_BORROWED_MEMORY int engine_main(void *launch)
{
	struct launch *l = launch;
	const char *arguments[] = {NAME, NULL};

	syscall(SYS_setsid);
	signals_reset();
	syscall(SYS_execve, l->path, arguments, l->environment);
	l->error = errno;
	syscall(SYS_exit, 127);
	return 0;
}

static ON_BORROWED_MEMORY int between_main(void *launch)
{
	struct launch *l = launch;

	if (descriptors_place(l) || __clone(engine_main, l->stack, CLONE_VM | CLONE_VFORK, l) < 0)
		l->error = errno;
	syscall(SYS_exit, 0);
	return 0;
}

int spawn_detached(const char *path, char **environment, int channel, int log)
{
	enum { STACK = 16384 };
	_Alignas(16) unsigned char stacks[2][STACK];
	struct launch l = {
		.path = path,
		.environment = environment,
		.channel = channel,
		.log = log,
		.stack = stacks[1] + STACK,
	};

	pid_t between = __clone(between_main, stacks[0] + STACK, CLONE_VM | CLONE_VFORK, &l);
	if (between < 0)
		return -errno;
	while (waitpid(between, NULL, __WCLONE) < 0 && errno == EINTR)
		;
	return -l.error;
}
