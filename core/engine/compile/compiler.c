#include "compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPILER_SECONDS = 20, COMPILER_MAX = 64 << 20, WORKER_TEXTS = 500 };

/* The bell is rung before a text is sent: who sends through a socket is taken by the kernel for somebody who now waits, and
 * the worker would be woken on the sender's processor, behind libclang, though another one is idle. */
struct compiler {
	int socket, bell;
	pid_t pid;   /* of the process that forks the workers */
	char *begun; /* a text that was sent and whose answer was not read, or NULL */
};

/* A request is a size and the text; an answer this and as many bytes: the object, or a sentence. */
enum answer_kind { ANSWER_OBJECT, ANSWER_WHY, ANSWER_ERROR };

struct answer {
	uint32_t kind, size;
};

/* --- whole reads and writes ------------------------------------------------------------------------------------ */

/* Head and body in one piece, mostly: who reads them is woken once. */
static bool write_both(int fd, const void *head, size_t head_size, const void *body, size_t body_size)
{
	struct iovec parts[] = {{(void *)head, head_size}, {(void *)body, body_size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	while (parts[0].iov_len || parts[1].iov_len) {
		ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		for (size_t i = 0, left = (size_t)n; i < 2; i++) {
			size_t taken = left < parts[i].iov_len ? left : parts[i].iov_len;
			parts[i].iov_base = (char *)parts[i].iov_base + taken;
			parts[i].iov_len -= taken;
			left -= taken;
		}
	}
	return true;
}

/* False at the end, too, and where the socket's own time limit is over. */
static bool read_all(int fd, void *bytes, size_t size)
{
	char *p = bytes;

	while (size) {
		ssize_t n = recv(fd, p, size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* --- the worker and its parent, in their own processes --------------------------------------------------------- */

static bool send_answer(int fd, enum answer_kind kind, const void *bytes, size_t size)
{
	struct answer a = {.kind = kind, .size = (uint32_t)size};

	return write_both(fd, &a, sizeof(a), bytes, size);
}

/* One text. False: this process has compiled enough. */
static bool work(int fd, char *text)
{
	struct compile_object object = {0};
	char *why = NULL;
	bool clean = false;

	struct error *e = compile_tcc(text, &object, &why);
	if (e) {
		send_answer(fd, ANSWER_ERROR, error_message(e), strlen(error_message(e)));
		error_free(e);
	} else if (why) {
		send_answer(fd, ANSWER_WHY, why, strlen(why));
		free(why);
	} else {
		clean = send_answer(fd, ANSWER_OBJECT, object.bytes, object.size);
		compile_object_fini(&object);
	}
	return clean;
}

enum worker_end { WORKER_DONE, WORKER_REPLACE };

/* False: the engine is gone. */
static bool wait_for_bell(int fd, int bell)
{
	struct pollfd either[] = {{.fd = bell, .events = POLLIN}, {.fd = fd}};
	eventfd_t rings;

	while (poll(either, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !either[1].revents && eventfd_read(bell, &rings) == 0;
}

static enum worker_end run_worker(int fd, int bell)
{
	for (int texts = 0; texts < WORKER_TEXTS; texts++) {
		uint32_t size;
		if (!wait_for_bell(fd, bell))
			return WORKER_DONE;
		if (!read_all(fd, &size, sizeof(size)) || size > COMPILER_MAX)
			return WORKER_DONE;
		char *text = malloc((size_t)size + 1);
		if (!text || !read_all(fd, text, size))
			return WORKER_DONE;
		text[size] = '\0';
		bool clean = work(fd, text);
		free(text);
		if (!clean)
			return WORKER_REPLACE;
	}
	return WORKER_REPLACE;
}

/* Forks one worker after another until the engine is gone or a worker dies. That is told by the end of this process: an
 * answer from here could be one that nobody asked for, and be taken for the next text's. */
static void run_parent(int fd, int bell)
{
	for (;;) {
		int status;
		pid_t worker = fork();
		if (worker < 0)
			return;
		if (worker == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(run_worker(fd, bell));
		}
		while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status) == WORKER_DONE)
			return;
	}
}

/* --- the engine's side ----------------------------------------------------------------------------------------- */

static void close_all(struct compiler *c)
{
	if (c->socket >= 0)
		close(c->socket);
	if (c->bell >= 0)
		close(c->bell);
	c->socket = c->bell = -1;
}

/* The child's side of the fork. */
static void __attribute__((noreturn)) become_parent(int socket, int bell)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "rtf-compiler");
	/* Nothing but these two: the program's channel must not stay open here when the engine dies. */
	socket = fcntl(socket, F_DUPFD, 5);
	bell = fcntl(bell, F_DUPFD, 5);
	dup2(socket, 3);
	dup2(bell, 4);
	close_range(5, ~0U, 0);
	run_parent(3, 4);
	_exit(0);
}

static struct error *start(struct compiler *c)
{
	const struct timeval patience = {.tv_sec = COMPILER_SECONDS};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return error_errno(errno, "cannot start the compiler's process");
	c->socket = pair[0];
	c->bell = eventfd(0, EFD_CLOEXEC);
	pid_t pid = c->bell < 0 ? -1 : fork();
	if (pid == 0)
		become_parent(pair[1], c->bell);
	int saved = errno;
	close(pair[1]);
	if (pid < 0) {
		close_all(c);
		return error_errno(saved, "cannot start the compiler's process");
	}
	/* A stall of this length is a failure; the worker waits as long as it takes. */
	setsockopt(c->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	c->pid = pid;
	return NULL;
}

static void stop(struct compiler *c)
{
	if (c->pid <= 0)
		return;
	close_all(c);
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	free(c->begun);
	c->begun = NULL;
}

struct error *compiler_new(struct compiler **out)
{
	struct compiler *c = calloc(1, sizeof(*c));

	if (!c)
		return error_memory();
	struct error *e = start(c);
	if (e) {
		free(c);
		return e;
	}
	*out = c;
	return NULL;
}

void compiler_free(struct compiler *c)
{
	if (c)
		stop(c);
	free(c);
}

/* The answer's bytes with a NUL behind them; false if the process did not answer. */
static bool receive_answer(struct compiler *c, struct answer *a, unsigned char **bytes)
{
	if (!read_all(c->socket, a, sizeof(*a)) || a->size > COMPILER_MAX)
		return false;
	*bytes = malloc((size_t)a->size + 1);
	if (!*bytes)
		return false;
	(*bytes)[a->size] = '\0';
	if (read_all(c->socket, *bytes, a->size))
		return true;
	free(*bytes);
	return false;
}

static bool send_text(struct compiler *c, const char *text)
{
	uint32_t size = (uint32_t)strlen(text);

	return eventfd_write(c->bell, 1) == 0 && write_both(c->socket, &size, sizeof(size), text, size);
}

/* Hands the text to the process, which may have ended since the last one: then to a new one. */
static struct error *submit(struct compiler *c, const char *text, bool *sent)
{
	*sent = false;
	for (int tries = 0; tries < 2 && !*sent; tries++) {
		if (c->pid <= 0) {
			struct error *e = start(c);
			if (e)
				return e;
		}
		*sent = send_text(c, text);
		if (!*sent)
			stop(c);
	}
	return NULL;
}

/* Reads the answer to what was begun, which nobody wants. */
static void forget(struct compiler *c)
{
	unsigned char *bytes;
	struct answer a;

	if (!c->begun)
		return;
	if (!receive_answer(c, &a, &bytes)) {
		stop(c);
		return;
	}
	free(bytes);
	free(c->begun);
	c->begun = NULL;
}

void compiler_begin(struct compiler *c, const char *text)
{
	bool sent;

	forget(c);
	char *copy = strdup(text);
	struct error *e = copy ? submit(c, text, &sent) : NULL;
	if (copy && !e && sent)
		c->begun = copy;
	else
		free(copy);
	error_free(e); /* told when it is asked for */
}

/* Sends the text unless it was begun. */
static struct error *submit_once(struct compiler *c, const char *text, bool *sent)
{
	*sent = c->begun && strcmp(c->begun, text) == 0;
	if (!*sent)
		forget(c);
	free(c->begun);
	c->begun = NULL;
	return *sent ? NULL : submit(c, text, sent);
}

struct error *compiler_compile(struct compiler *c, const char *text, struct compile_object *out, char **why)
{
	struct answer a;
	unsigned char *bytes;
	bool sent;

	*why = NULL;
	struct error *e = submit_once(c, text, &sent);
	if (e)
		return e;
	if (!sent || !receive_answer(c, &a, &bytes)) {
		stop(c);
		*why = strdup("libtcc crashed on this text, or took too long");
		return *why ? NULL : error_memory();
	}
	if (a.kind == ANSWER_OBJECT) {
		*out = (struct compile_object){.bytes = bytes, .size = a.size, .backend = BACKEND_TCC};
		return NULL;
	}
	if (a.kind == ANSWER_WHY) {
		*why = (char *)bytes;
		return NULL;
	}
	e = error_new(ERROR_INTERNAL, "%s", (char *)bytes);
	free(bytes);
	return e;
}
