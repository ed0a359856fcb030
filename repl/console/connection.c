#include "connection.h"
#include "wake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PROTOCOL_VERSION = 1,
	REPLY_MAX = 1 << 30, /* bytes of one line from the engine */
	RETRY_MS = 50,
	HELLO_TRIES = 3, /* an engine that dies may take connections along that it never saw */
	NOBODY = -1,     /* no request has that id */
};

void connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->received.begin = c->received.end = c->received.scanned = 0;
}

/* Why nobody can be reached at a path, as a person would say it. */
static struct error *connect_error(const char *path, int errnum)
{
	struct stat st;

	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return error_new(ERROR_UNKNOWN, "no socket at %s: no program has opened a console there",
				 path);
	case ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			return error_new(ERROR_UNKNOWN, "%s is not a socket", path);
		return error_new(ERROR_UNKNOWN, "nobody listens at %s: left by a program that has ended",
				 path);
	case EACCES:
	case EPERM:
		return error_new(ERROR_DENIED,
				 "no permission to connect to %s: the program runs as another user", path);
	case EPROTOTYPE:
		return error_new(ERROR_UNKNOWN, "%s is a socket of another kind, not a console", path);
	case EAGAIN:
		return error_new(ERROR_TIMEOUT, "the program at %s takes no connections: is it stopped?",
				 path);
	default:
		return error_errno(errnum, "cannot connect to %s", path);
	}
}

static unsigned wait_for(struct connection *c, int64_t deadline, short events)
{
	return wake_wait(c->fd, events, -1, deadline, &c->interrupted);
}

void connection_pause(struct connection *c)
{
	wait_for(c, wake_now_ms() + RETRY_MS, 0);
}

/* Connects; waits until `deadline` while the program's backlog is full. */
static struct error *connection_open(struct connection *c, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(c->socket);
	int failed;

	if (length == 0 || length >= sizeof(address.sun_path))
		return error_new(ERROR_USAGE, "a socket's path has 1 to %zu bytes, not %zu",
				 sizeof(address.sun_path) - 1, length);
	memcpy(address.sun_path, c->socket, length + 1);
	c->foreign = false;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(errno, "cannot make a socket");
	while ((failed = connect(fd, (struct sockaddr *)&address, sizeof(address))) < 0) {
		if (errno != EAGAIN || wake_now_ms() >= deadline || c->interrupted)
			break;
		connection_pause(c);
	}
	if (failed) {
		struct error *e = connect_error(c->socket, errno);
		close(fd);
		return e;
	}
	c->fd = fd;
	return NULL;
}

bool connection_fill(struct connection *c)
{
	struct buffer *b = &c->received;

	if (b->begin == b->end)
		b->begin = b->end = b->scanned = 0;
	if (b->begin > 65536)
		buffer_compact(b);
	if (b->end - b->begin > REPLY_MAX || !buffer_reserve(b, 65536))
		return false;
	ssize_t n = recv(c->fd, b->data + b->end, b->capacity - b->end, 0);
	if (n > 0)
		b->end += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* The next whole line that has arrived, NUL in place of its newline; NULL: none. Valid until the next
 * connection_fill. */
static char *connection_line(struct connection *c, size_t *size)
{
	struct buffer *b = &c->received;

	if (b->scanned == b->end)
		return NULL;
	char *newline = memchr(b->data + b->scanned, '\n', b->end - b->scanned);
	if (!newline) {
		b->scanned = b->end;
		return NULL;
	}
	char *start = b->data + b->begin;
	*newline = '\0';
	*size = (size_t)(newline - start);
	b->begin = b->scanned = (size_t)(newline + 1 - b->data);
	return start;
}

enum sent connection_send(struct connection *c, json_t *request, int64_t deadline)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0, done = 0;
	enum sent result = SENT;

	if (text)
		text[size++] = '\n'; /* over the NUL */
	else
		result = SEND_LOST;
	while (result == SENT && done < size) {
		ssize_t n = send(c->fd, text + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			break; /* there may be last words to read */
		if (errno != EAGAIN && errno != EINTR)
			result = SEND_LOST;
		else if ((wait_for(c, deadline, POLLIN | POLLOUT) & WAKE_SOCKET) && !connection_fill(c))
			break;
		else if (c->interrupted || (deadline >= 0 && wake_now_ms() >= deadline))
			result = SEND_ENDED;
	}
	free(text);
	json_decref(request);
	if (result != SENT)
		connection_close(c);
	return result;
}

void answer_fini(struct answer *r)
{
	json_decref(r->root);
	free(r->raw);
	*r = (struct answer){0};
}

/* Acts on one line: an event is shown, the answer to request `id` goes to `out`, an answer that nobody waits
 * for any more is dropped. At hello (id 0) an error without id is the answer: it comes from a program without
 * an engine. */
static enum outcome take_line(struct connection *c, const char *text, size_t size, json_int_t id,
			      struct answer *out)
{
	json_t *root = json_loadb(text, size, JSON_ALLOW_NUL, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		c->foreign = true;
		connection_close(c);
		return OUTCOME_LOST;
	}
	const json_t *answered = json_object_get(root, "id");
	bool refusal = id == 0 && json_is_false(json_object_get(root, "ok"));
	if (!json_is_integer(answered) && !refusal) {
		c->event(c->context, root, text);
	} else if (refusal || json_integer_value(answered) == id) {
		out->root = root;
		out->raw = strdup(text);
		return OUTCOME_ANSWER;
	}
	json_decref(root);
	return OUTCOME_NONE;
}

/* Acts on what has arrived, up to the answer to `id`. */
static enum outcome take_lines(struct connection *c, json_int_t id, struct answer *out)
{
	enum outcome outcome = OUTCOME_NONE;
	size_t size;
	char *text;

	while (outcome == OUTCOME_NONE && (text = connection_line(c, &size)))
		outcome = take_line(c, text, size, id, out);
	return outcome;
}

enum outcome connection_await(struct connection *c, json_int_t id, int64_t deadline, struct answer *out)
{
	for (;;) {
		enum outcome outcome = c->fd < 0 ? OUTCOME_LOST : take_lines(c, id, out);
		if (outcome != OUTCOME_NONE)
			return outcome;
		if (c->interrupted)
			return OUTCOME_INTERRUPTED;
		if (deadline >= 0 && wake_now_ms() >= deadline)
			return OUTCOME_LATE;
		if ((wait_for(c, deadline, POLLIN) & WAKE_SOCKET) && !connection_fill(c)) {
			connection_close(c);
			return OUTCOME_LOST;
		}
	}
}

struct error *connection_lost(const struct connection *c)
{
	if (c->foreign)
		return error_new(ERROR_INTERNAL, "what answers at %s does not speak rtf's protocol",
				 c->socket);
	return error_new(ERROR_INTERNAL, "connection lost");
}

static int terminal_width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	int width = columns ? atoi(columns) : 0;
	return width > 0 ? width : 80;
}

bool connection_resized(struct connection *c)
{
	int before = c->width;

	c->width = terminal_width();
	return c->width != before;
}

/* The program's file name without what a terminal would act upon. */
static char *program_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *name = strdup(slash ? slash + 1 : path ? path : "");

	for (char *p = name; p && *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	if (name && *name)
		return name;
	free(name);
	return strdup("rtf");
}

static struct error *hello_refused(const struct connection *c, const json_t *root)
{
	const json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *class = json_string_value(json_object_get(error, "class"));

	return error_new(error_class_named(class ? class : ""), "%s", message ? message : c->socket);
}

static struct error *hello_accept(struct connection *c, const json_t *root)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *version = json_object_get(data, "version");

	if (!json_is_true(json_object_get(root, "ok")))
		return hello_refused(c, root);
	if (json_integer_value(version) != PROTOCOL_VERSION)
		return error_new(ERROR_INTERNAL,
				 "%s speaks version %" JSON_INTEGER_FORMAT
				 " of the protocol, this console version %d",
				 c->socket, json_integer_value(version), PROTOCOL_VERSION);
	free(c->program);
	c->program = program_name(json_string_value(json_object_get(data, "program")));
	c->pid = json_integer_value(json_object_get(data, "pid"));
	c->functions = json_integer_value(json_object_get(data, "functions"));
	return NULL;
}

/* `*hung_up` is set where nobody has looked at the connection. */
static struct error *say_hello(struct connection *c, const struct options *options, bool interactive,
			       int64_t deadline, bool *hung_up)
{
	struct answer answer = {0};
	enum outcome outcome = OUTCOME_LATE;
	struct error *e;

	c->width = terminal_width();
	json_t *hello = json_pack("{s:i, s:{s:i, s:b, s:b, s:b, s:b, s:i}}", "id", 0, "hello", "version",
				  PROTOCOL_VERSION, "text", !options->json, "read_only", options->read_only,
				  "events", interactive, "color", options_color(options), "width", c->width);
	switch (connection_send(c, hello, deadline)) {
	case SENT:
		outcome = connection_await(c, 0, deadline, &answer);
		break;
	case SEND_LOST:
		outcome = OUTCOME_LOST;
		break;
	case SEND_ENDED:
		break;
	}
	if (outcome == OUTCOME_ANSWER) {
		e = hello_accept(c, answer.root);
		answer_fini(&answer);
		return e;
	}
	if (c->interrupted)
		return error_new(ERROR_INTERRUPTED, "interrupted while connecting to %s", c->socket);
	if (outcome == OUTCOME_LATE)
		return error_new(ERROR_TIMEOUT, "no answer from %s", c->socket);
	if (c->foreign)
		return connection_lost(c);
	*hung_up = true;
	return error_new(ERROR_INTERNAL, "%s closed the connection before it answered", c->socket);
}

struct error *connection_connect(struct connection *c, const struct options *options, bool interactive,
				 int64_t limit_ms)
{
	int64_t deadline = wake_now_ms() + limit_ms;

	for (int tries = 1;; tries++) {
		bool hung_up = false;
		struct error *e = connection_open(c, deadline);
		if (!e)
			e = say_hello(c, options, interactive, deadline, &hung_up);
		if (!e)
			return NULL;
		connection_close(c);
		if (!hung_up || tries == HELLO_TRIES)
			return e;
		error_free(e);
	}
}

void connection_take(struct connection *c)
{
	struct answer unused = {0};

	if (c->fd >= 0)
		take_lines(c, NOBODY, &unused);
}

void connection_fini(struct connection *c)
{
	connection_close(c);
	free(c->received.data);
	free(c->program);
}
