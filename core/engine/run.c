#include "run.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct child {
	pid_t pid;
	int in, out,
		err; /* our ends; -1 once closed; `in` is a socket's, so that a child that does not read its
			   * input costs no SIGPIPE */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct error *start(const char *const *argv, const char *directory, struct child *child)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int failed = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC)) {
		failed = errno;
	} else {
		posix_spawn_file_actions_init(&actions);
		posix_spawnattr_init(&attributes);
		sigemptyset(&none);
		sigfillset(&all);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		posix_spawn_file_actions_adddup2(&actions, in[0], 0);
		posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		posix_spawn_file_actions_adddup2(&actions, err[1], 2);
		if (directory && *directory)
			posix_spawn_file_actions_addchdir_np(&actions, directory);
		failed = posix_spawnp(&child->pid, argv[0], &actions, &attributes, (char *const *)argv,
				      environ);
		posix_spawn_file_actions_destroy(&actions);
		posix_spawnattr_destroy(&attributes);
	}
	close_end(&in[0]);
	close_end(&out[1]);
	close_end(&err[1]);
	if (failed) {
		close_end(&in[1]);
		close_end(&out[0]);
		close_end(&err[0]);
		return error_errno(failed, "cannot run %s in %s", argv[0], directory ? directory : ".");
	}
	child->in = in[1];
	child->out = out[0];
	child->err = err[0];
	return NULL;
}

static void drain(int *fd, struct text *into)
{
	char chunk[65536];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n > 0)
		text_append(into, chunk, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		close_end(fd);
}

static void feed(int *fd, const char **input, size_t *left)
{
	ssize_t n = send(*fd, *input, *left, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0) {
		*input += n;
		*left -= (size_t)n;
	}
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || !*left)
		close_end(fd);
}

int64_t run_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the child has closed both its outputs. False if that took too long. */
static bool converse(struct child *child, const char *input, int seconds, struct text *out, struct text *err)
{
	int64_t deadline = run_now_ms() + (int64_t)seconds * 1000;
	size_t input_left = input ? strlen(input) : 0;

	if (!input_left)
		close_end(&child->in);
	while (child->out >= 0 || child->err >= 0) {
		struct pollfd fds[3] = {
			{child->out, POLLIN, 0}, {child->err, POLLIN, 0}, {child->in, POLLOUT, 0}};
		int64_t left = deadline - run_now_ms();
		if (left <= 0)
			return false;
		if (poll(fds, 3, (int)left) < 0)
			continue;
		if (fds[0].revents)
			drain(&child->out, out);
		if (fds[1].revents)
			drain(&child->err, err);
		if (fds[2].revents)
			feed(&child->in, &input, &input_left);
	}
	return true;
}

struct error *run(const char *const *argv, const char *directory, const char *input,
		  struct run_output *output)
{
	return run_within(argv, directory, input, RUN_SECONDS, output);
}

struct error *run_within(const char *const *argv, const char *directory, const char *input, int seconds,
			 struct run_output *output)
{
	struct child child;
	struct text out = {0}, err = {0};
	int status;

	struct error *e = start(argv, directory, &child);
	if (e)
		return e;
	if (!converse(&child, input, seconds, &out, &err)) {
		kill(child.pid, SIGKILL);
		e = error_new(ERROR_TIMEOUT, "%s took longer than %d s and was ended", argv[0], seconds);
	}
	close_end(&child.in);
	close_end(&child.out);
	close_end(&child.err);
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!e && (out.failed || err.failed))
		e = error_memory();
	if (e) {
		text_fini(&out);
		text_fini(&err);
		return e;
	}
	output->status = status;
	output->out_size = out.size;
	output->err_size = err.size;
	output->out = text_take(&out);
	output->err = text_take(&err);
	if (!output->out || !output->err) {
		run_output_fini(output);
		return error_memory();
	}
	return NULL;
}

void run_output_fini(struct run_output *o)
{
	free(o->out);
	free(o->err);
	*o = (struct run_output){0};
}
