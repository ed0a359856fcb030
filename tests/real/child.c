#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long long child_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int remaining(long long deadline)
{
	long long left = deadline - child_clock();

	return left < 0 ? 0 : (int)left;
}

/* The child's side: never returns. */
static void become(const char *const *argv, int input, int output, int error, pid_t parent)
{
	sigset_t none;

	/* The parent may be gone before the request to die with it is made. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(input, 0);
	dup2(output, 1);
	if (error >= 0)
		dup2(error, 2);
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static bool start(struct child *p, const char *const *argv, bool join_errors)
{
	int in[2], out[2];
	pid_t self = getpid();

	*p = (struct child){.input = -1, .output = -1};
	signal(SIGPIPE, SIG_IGN);
	if (pipe2(in, O_CLOEXEC))
		return false;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return false;
	}
	p->pid = fork();
	if (!p->pid)
		become(argv, in[0], out[1], join_errors ? out[1] : -1, self);
	close(in[0]);
	close(out[1]);
	p->input = in[1];
	p->output = out[0];
	if (p->pid > 0)
		return true;
	p->pid = 0;
	close(p->input);
	close(p->output);
	return false;
}

bool child_start(struct child *p, const char *const *argv)
{
	return start(p, argv, false);
}

bool child_send(struct child *p, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(p->input, text, left);
		if (n < 0)
			return false;
		text += n;
		left -= n;
	}
	return true;
}

/* Hands out the first line of the buffer, if there is a whole one. A longer line than `size` is cut. */
static bool take_line(struct child *p, char *line, size_t size)
{
	char *end = p->buffer ? memchr(p->buffer, '\n', p->filled) : NULL;

	if (!end)
		return false;
	size_t length = end - p->buffer;
	snprintf(line, size, "%.*s", (int)length, p->buffer);
	p->filled -= length + 1;
	memmove(p->buffer, end + 1, p->filled);
	return true;
}

/* Adds what the program printed to the buffer; false at the deadline, at the end, or if a line never ends. */
static bool fill(struct child *p, long long deadline)
{
	struct pollfd ready = {.fd = p->output, .events = POLLIN};

	if (!p->buffer && !(p->buffer = malloc(CHILD_LINE_MAX)))
		return false;
	if (p->filled == CHILD_LINE_MAX || poll(&ready, 1, remaining(deadline)) <= 0)
		return false;
	ssize_t n = read(p->output, p->buffer + p->filled, CHILD_LINE_MAX - p->filled);
	if (n <= 0)
		return false;
	p->filled += n;
	return true;
}

bool child_read_line(struct child *p, int deadline_ms, char *line, size_t size)
{
	long long deadline = child_clock() + deadline_ms;

	while (!take_line(p, line, size))
		if (!fill(p, deadline))
			return false;
	return true;
}

bool child_read_until(struct child *p, const char *part, int deadline_ms, char *line, size_t size)
{
	long long deadline = child_clock() + deadline_ms;

	while (child_read_line(p, remaining(deadline), line, size))
		if (strstr(line, part))
			return true;
	return false;
}

static bool has_ended(pid_t pid, long long deadline)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return false;
	int n = poll(&end, 1, remaining(deadline));
	close(fd);
	return n > 0;
}

static void release(struct child *p)
{
	if (p->input >= 0)
		close(p->input);
	if (p->output >= 0)
		close(p->output);
	free(p->buffer);
	*p = (struct child){.input = -1, .output = -1};
}

int child_stop(struct child *p, int deadline_ms)
{
	int status = -1;

	if (!p->pid)
		return -1;
	kill(p->pid, SIGTERM);
	if (!has_ended(p->pid, child_clock() + deadline_ms))
		kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	release(p);
	return status;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Feeds and drains at once, so that neither side waits for the other. False at the deadline. */
static bool converse(struct child *p, const char *input, long long deadline, FILE *all)
{
	size_t left = input ? strlen(input) : 0;
	char buffer[65536];

	fcntl(p->input, F_SETFL, O_NONBLOCK);
	for (;;) {
		if (!left && p->input >= 0) {
			close(p->input);
			p->input = -1;
		}
		struct pollfd fds[] = {
			{.fd = p->output, .events = POLLIN},
			{.fd = p->input, .events = POLLOUT},
		};
		if (poll(fds, 2, remaining(deadline)) <= 0)
			return false;
		if (fds[1].revents) {
			ssize_t n = write(p->input, input, left);
			if (n < 0 && errno != EAGAIN)
				left = 0; /* it reads no more, which is its right */
			else if (n > 0)
				input += n, left -= n;
		}
		if (!fds[0].revents)
			continue;
		ssize_t n = read(p->output, buffer, sizeof(buffer));
		if (n <= 0)
			return true;
		fwrite(buffer, 1, n, all);
	}
}

int child_run(const char *const *argv, const char *input, int deadline_ms, char **output)
{
	long long deadline = child_clock() + deadline_ms;
	struct child p;
	char *text = NULL;
	size_t size;
	int status = -1;
	FILE *all = open_memstream(&text, &size);

	if (!all || !start(&p, argv, true)) {
		if (all)
			fclose(all);
		goto out;
	}
	bool in_time = converse(&p, input, deadline, all) && has_ended(p.pid, deadline);
	fclose(all);
	if (!in_time)
		kill(p.pid, SIGKILL);
	waitpid(p.pid, &status, 0);
	status = in_time ? exit_code(status) : -1;
	release(&p);
out:
	if (output)
		*output = text;
	else
		free(text);
	return status;
}

char *child_directory_new(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (!base || strlen(base) > 60)
		base = "/tmp";
	if (asprintf(&path, "%s/rtf-test.XXXXXX", base) < 0)
		return NULL;
	if (mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st, (void)kind, (void)where;
	/* What another process takes away meanwhile, as an engine that ends does with its journal, is gone as well. */
	return remove(path) && errno != ENOENT ? -1 : 0;
}

void child_directory_remove(char *path)
{
	if (!path)
		return;
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

char *child_read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;

	if (!f)
		return NULL;
	if (!fstat(fileno(f), &st) && (text = malloc(st.st_size + 1)))
		text[fread(text, 1, st.st_size, f)] = '\0';
	fclose(f);
	return text;
}

bool child_write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return false;
	bool written = fputs(text, f) >= 0;
	return !fclose(f) && written;
}

char *child_cut_function(const char *text, const char *head)
{
	const char *begin = text;

	while ((begin = strstr(begin, head)) && begin != text && begin[-1] != '\n')
		begin++;
	const char *end = begin ? strstr(begin, "\n}\n") : NULL;
	return end ? strndup(begin, end + 3 - begin) : NULL;
}

char *child_replace(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *result;

	if (!at || asprintf(&result, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) < 0)
		return NULL;
	return result;
}
