#include "run.h"
#include "clock.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct child {
	pid_t pid;
	int pidfd;    /* -1: there is none to be had, and the end of its outputs is its own */
	int out, err; /* our ends, -1 once closed */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- the start ------------------------------------------------------------------------------------------------- */

/* A file that holds the text, to be read from its beginning; -1 and errno on failure. */
static int file_of(const char *text)
{
	size_t size = text ? strlen(text) : 0;
	int fd = memfd_create("input", MFD_CLOEXEC);

	for (size_t done = 0; fd >= 0 && done < size;) {
		ssize_t put = pwrite(fd, text + done, size - done, (off_t)done);
		if (put < 0 && errno != EINTR)
			close_end(&fd);
		else if (put > 0)
			done += (size_t)put;
	}
	return fd;
}

/* A pipe whose end for us does not block. */
static bool open_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

/* The environment with LC_ALL=C. Borrowed strings, array owned; NULL without memory. */
static char **plain_environment(void)
{
	size_t count = 0, used = 0;

	while (environ && environ[count])
		count++;
	char **copy = calloc(count + 2, sizeof(*copy));
	if (!copy)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "LC_ALL=", 7) != 0)
			copy[used++] = environ[i];
	copy[used] = (char *)"LC_ALL=C";
	return copy;
}

/* Returns an errno, or 0. */
static int spawn(const char *const *argv, const struct run_options *options, const int fds[3], pid_t *pid)
{
	char **plain = options->plain ? plain_environment() : NULL;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	if (options->plain && !plain)
		return ENOMEM;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int failed = 0;
	for (int i = 0; i < 3 && !failed; i++)
		failed = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	if (!failed && options->directory && *options->directory)
		failed = posix_spawn_file_actions_addchdir_np(&actions, options->directory);
	if (!failed)
		failed = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)argv,
				      plain ? plain : environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(plain);
	return failed;
}

static struct error *start(const char *const *argv, const struct run_options *options, struct child *child)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, in = file_of(options->input);
	const char *directory = options->directory && *options->directory ? options->directory : ".";
	int failed = 0;

	if (in < 0 || !open_pipe(out) || (!options->one_output && !open_pipe(err)))
		failed = errno;
	else
		failed = spawn(argv, options, (int[]){in, out[1], options->one_output ? out[1] : err[1]},
			       &child->pid);
	close_end(&in);
	close_end(&out[1]);
	close_end(&err[1]);
	if (failed) {
		close_end(&out[0]);
		close_end(&err[0]);
		return error_errno(failed, "cannot run %s in %s", argv[0], directory);
	}
	child->pidfd = pidfd_open(child->pid, 0);
	child->out = out[0];
	child->err = err[0];
	return NULL;
}

/* --- the conversation ------------------------------------------------------------------------------------------ */

/* What a pipe holds, at most; closes it at its end. */
static void drain(int *fd, size_t most, struct text *into)
{
	char chunk[65536];

	if (*fd < 0)
		return;
	ssize_t n = read(*fd, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_end(fd);
		return;
	}
	size_t got = (size_t)n, room = most ? most - into->size : got;
	text_append(into, chunk, got < room ? got : room);
}

/* Until the child has ended; or says why it is to be killed. */
static struct error *converse(struct child *child, const char *name, const struct run_options *options,
			      struct text *out, struct text *err)
{
	int seconds = options->seconds ? options->seconds : RUN_SECONDS;
	int64_t deadline = clock_now_us() + (int64_t)seconds * 1000000;
	bool ended = false;

	while (!ended && (child->pidfd >= 0 || child->out >= 0 || child->err >= 0)) {
		struct pollfd fds[4] = {{child->out, POLLIN, 0},
					{child->err, POLLIN, 0},
					{child->pidfd, POLLIN, 0},
					{options->stop ? options->stop : -1, POLLIN, 0}};
		int64_t left = (deadline - clock_now_us()) / 1000;
		if (left <= 0)
			return error_new(ERROR_TIMEOUT, "%s took longer than %d s and was ended", name,
					 seconds);
		if (poll(fds, 4, (int)left) < 0)
			continue;
		if (fds[3].revents)
			return error_new(ERROR_INTERRUPTED, "%s was ended", name);
		ended = fds[2].revents != 0; /* what it printed last is in the pipes then */
		drain(&child->out, options->most, out);
		drain(&child->err, options->most, err);
	}
	return NULL;
}

static struct error *hand_over(struct text *out, struct text *err, int status, struct run_output *output)
{
	struct run_output o = {.status = status, .out_size = out->size, .err_size = err->size};

	o.out = text_take(out);
	o.err = text_take(err);
	if (!o.out || !o.err) {
		run_output_fini(&o);
		return error_memory();
	}
	*output = o;
	return NULL;
}

struct error *run_with(const char *const *argv, const struct run_options *options, struct run_output *output)
{
	struct text out = {0}, err = {0};
	struct child child;
	int status = 0;

	struct error *e = start(argv, options, &child);
	if (e)
		return e;
	e = converse(&child, argv[0], options, &out, &err);
	if (e)
		kill(-child.pid, SIGKILL);
	close_end(&child.pidfd);
	close_end(&child.out);
	close_end(&child.err);
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!e)
		return hand_over(&out, &err, status, output);
	text_fini(&out);
	text_fini(&err);
	return e;
}

struct error *run(const char *const *argv, const char *directory, const char *input,
		  struct run_output *output)
{
	return run_with(argv, &(struct run_options){.directory = directory, .input = input}, output);
}

void run_output_fini(struct run_output *o)
{
	free(o->out);
	free(o->err);
	*o = (struct run_output){0};
}

struct error *run_make_folder(const char *name, char **out)
{
	const char *places[] = {getenv("TMPDIR"), "/tmp"};
	int failed = ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *path = NULL;
		if (!places[i] || *places[i] != '/')
			continue;
		if (asprintf(&path, "%s/%s-XXXXXX", places[i], name) < 0)
			return error_memory();
		if (mkdtemp(path)) {
			*out = path;
			return NULL;
		}
		failed = errno;
		free(path);
	}
	return error_errno(failed, "cannot make a directory for the compiler's files");
}
