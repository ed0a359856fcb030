#include "session.h"
#include "scope.h"
#include "command.h"
#include "niceness.h"
#include "show.h"
#include "watchers.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROTOCOL_VERSION = 1 };

struct session {
	struct host *host;
	int socket;
	struct text in, out;
	size_t served; /* of `in`: done with */
	size_t next; /* of `in`: the next line to look at; what stands between waits for the command that waits */
	size_t scanned; /* of `in`: no newline between `next` and here */
	size_t sent;    /* of `out` */
	bool wants_text, closing;
	bool late;               /* a limit of time is over for the command that waits */
	struct waiting *waiting; /* the command that is not answered yet, or NULL */
	json_t *waiting_id;
	char waiting_command[64];
	struct console_state state;
};

static void hear(struct listener *, json_t *event);

/* --- life ------------------------------------------------------------------------------------------------------ */

static char *peer_name(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct passwd *entry = NULL;
	char *name = NULL;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return strdup("unknown");
	entry = getpwuid(peer.uid);
	if (entry)
		return strdup(entry->pw_name);
	return asprintf(&name, "%u", peer.uid) < 0 ? NULL : name;
}

/* Where the peer was started, if that can be seen: relative paths in its commands are meant from there. */
static char *peer_directory(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char link[64], path[PATH_MAX];

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return NULL;
	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)peer.pid);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return NULL;
	path[length] = '\0';
	return strdup(path);
}

struct error *session_new(struct host *host, int socket, struct session **out)
{
	static const char full[] =
		"{\"id\":null,\"ok\":false,\"command\":\"\",\"error\":{\"class\":\"denied\",\"message\":"
		"\"too many consoles are connected: close one\"}}\n";

	if (host->count >= SESSION_COUNT_MAX) {
		send(socket, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(socket);
		return error_new(ERROR_DENIED, "too many consoles are connected");
	}
	struct session *s = calloc(1, sizeof(*s));
	char *user = peer_name(socket);
	if (!s || !user) {
		free(s);
		free(user);
		close(socket);
		return error_memory();
	}
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
	s->host = host;
	s->socket = socket;
	s->state = (struct console_state){.host = host, .user = user, .directory = peer_directory(socket)};
	s->state.listener.hear = hear;
	host_join(host, &s->state.listener);
	*out = s;
	return NULL;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	host_leave(s->host, &s->state.listener);
	watchers_leave(s->host->watchers, &s->state);
	if (s->waiting)
		s->waiting->free(s->waiting);
	json_decref(s->waiting_id);
	close(s->socket);
	text_fini(&s->in);
	text_fini(&s->out);
	scope_free(s->state.scope);
	free(s->state.user);
	free(s->state.directory);
	free(s->state.file);
	free(s);
}

static struct session *of_listener(struct listener *l)
{
	return l ? (struct session *)((char *)l - offsetof(struct session, state.listener)) : NULL;
}

struct session *session_first(const struct host *host)
{
	return of_listener(host->first);
}

struct session *session_next(const struct session *s)
{
	return of_listener(s->state.listener.next);
}

int session_socket(const struct session *s)
{
	return s->socket;
}

short session_events(const struct session *s)
{
	/* A console with much unread input waiting is not read from: that is what a full socket is for. */
	bool full = s->waiting && s->in.size > SESSION_REQUEST_MAX / 2;

	return (short)((s->closing || full ? 0 : POLLIN) | (s->sent < s->out.size ? POLLOUT : 0));
}

/* --- sending --------------------------------------------------------------------------------------------------- */

/* Takes bytes out of what has arrived or is to be sent. */
static void drop(struct text *t, size_t begin, size_t end)
{
	memmove(t->bytes + begin, t->bytes + end, t->size - end);
	t->size -= end - begin;
}

static bool flush(struct session *s)
{
	while (s->sent < s->out.size) {
		ssize_t n = send(s->socket, s->out.bytes + s->sent, s->out.size - s->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.size)
		text_fini(&s->out);
	else if (s->sent > s->out.size / 2) /* a console may never have read all of it */
		drop(&s->out, 0, s->sent);
	else
		return true;
	s->sent = 0;
	return true;
}

/* Takes the reference. */
static bool send_json(struct session *s, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(object);
	if (!line)
		return false;
	text_puts(&s->out, line);
	text_puts(&s->out, "\n");
	free(line);
	if (s->out.failed || s->out.size - s->sent > SESSION_BACKLOG)
		return false;
	return flush(s);
}

static void hear(struct listener *l, json_t *event)
{
	struct session *s = of_listener(l);

	if (!s->closing && !send_json(s, json_incref(event)))
		s->closing = true;
}

/* To all that want events and to the reply that is on its way to `to` (or NULL); kept until somebody listens. */
static void tell_news(struct host *host, struct session *to, json_t *reply, struct text *text)
{
	char *news = to || host_is_heard(host) ? record_take_news(host->live) : NULL;

	if (!news)
		return;
	if (to) {
		json_object_set_new(reply, "news", show_string(news));
		text_printf(text, "%s\n", news);
	}
	json_t *event = json_pack("{s:s, s:o}", "event", "history", "text", json_sprintf("%s\n", news));
	host_tell_others(host, to ? &to->state.listener : NULL, event);
	free(news);
}

void session_tell_news(struct host *host)
{
	tell_news(host, NULL, NULL, NULL);
}

/* --- requests -------------------------------------------------------------------------------------------------- */

static bool answer_hello(struct session *s, json_t *id, json_t *hello)
{
	struct live *live = s->host->live;
	json_int_t version = json_integer_value(json_object_get(hello, "version"));

	s->wants_text = json_is_true(json_object_get(hello, "text"));
	s->state.listener.events = json_is_true(json_object_get(hello, "events"));
	s->state.color = json_is_true(json_object_get(hello, "color"));
	s->state.width = (int)json_integer_value(json_object_get(hello, "width"));
	if (json_is_true(json_object_get(hello, "read_only")))
		s->state.read_only = true; /* never back */
	if (version != PROTOCOL_VERSION) {
		char message[128];
		snprintf(message, sizeof(message), "this engine speaks protocol version %d, the console %lld",
			 PROTOCOL_VERSION, (long long)version);
		return send_json(s, json_pack("{s:O, s:b, s:s, s:{s:s, s:s}}", "id", id, "ok", 0, "command",
					      "hello", "error", "class", "usage", "message", message));
	}
	return send_json(s, json_pack("{s:O, s:b, s:s, s:{s:i, s:i, s:o, s:i, s:i, s:o}}", "id", id, "ok", 1,
				      "command", "hello", "data", "version", PROTOCOL_VERSION, "pid",
				      (int)program_pid(s->host->program), "program",
				      show_string(target_program(live_target(live))), "engine_pid",
				      (int)getpid(), "functions", (int)live_count(live), "commands",
				      command_names()));
}

static bool answer_complete(struct session *s, json_t *id, json_t *complete)
{
	const char *line = json_string_value(json_object_get(complete, "line"));
	json_int_t point = json_integer_value(json_object_get(complete, "point"));
	size_t start = 0;
	json_t *matches = line && point >= 0 && (size_t)point <= strlen(line)
				  ? command_complete(&s->state, line, (size_t)point, &start)
				  : json_array();

	return send_json(s, json_pack("{s:O, s:b, s:s, s:{s:i, s:o}}", "id", id, "ok", 1, "command",
				      "complete", "data", "start", (int)start, "matches", matches));
}

/* What a command came to, as one object. Takes the reply and the error. */
static bool send_reply(struct session *s, json_t *id, struct reply *reply, struct error *e)
{
	json_t *object;

	if (!e) {
		object = json_pack("{s:O, s:b, s:s, s:o}", "id", id, "ok", 1, "command", reply->command,
				   "data", reply->data ? reply->data : json_null());
		if (reply->diagnostics)
			json_object_set_new(object, "diagnostics", reply->diagnostics);
		if (reply->more)
			json_object_update(object, reply->more);
	} else {
		object = json_pack("{s:O, s:b, s:s, s:{s:s, s:o}}", "id", id, "ok", 0, "command",
				   reply->command, "error", "class", error_class_name(error_class(e)),
				   "message", show_string(error_message(e)));
		if (reply->diagnostics)
			json_object_set_new(json_object_get(object, "error"), "diagnostics",
					    reply->diagnostics);
		if (reply->more)
			json_object_update(json_object_get(object, "error"), reply->more);
		json_decref(reply->data);
		/* Diagnostics say it already; everything else is one line. */
		if (!reply->told && (!reply->text.size || error_class(e) != ERROR_COMPILE))
			text_printf(&reply->text, "error: %s\n", error_message(e));
		error_free(e);
	}
	json_decref(reply->more);
	tell_news(s->host, s, object, &reply->text);
	if (s->wants_text && reply->text.bytes)
		json_object_set_new(object, "text", show_stringn(reply->text.bytes, reply->text.size));
	text_fini(&reply->text);
	return send_json(s, object);
}

/* What nobody is to be told. */
static void drop_reply(struct reply *reply)
{
	json_decref(reply->data);
	json_decref(reply->diagnostics);
	json_decref(reply->more);
	text_fini(&reply->text);
}

/* A command that waits may have its answer by now: lines that stood behind it are next then. */
static bool tick(struct session *s, bool interrupted)
{
	struct reply reply = {.command = s->waiting_command};
	struct error *e = NULL;

	if (!s->waiting || !s->waiting->ready(s->waiting, &s->state, interrupted, &reply, &e))
		return true;
	s->waiting->free(s->waiting);
	if (e && reply.waiting)
		reply.waiting->free(reply.waiting);
	s->waiting = e ? NULL : reply.waiting; /* it came to wait for something else */
	if (s->waiting) {
		drop_reply(&reply);
		return tick(s, interrupted);
	}
	s->next = s->scanned = s->served;
	if (e && s->late && error_class(e) == ERROR_INTERRUPTED) {
		struct error *late = error_new(ERROR_TIMEOUT, "%s: the time limit is over", error_message(e));
		error_free(e);
		e = late;
	}
	json_t *id = s->waiting_id;
	s->waiting_id = NULL;
	bool alive = send_reply(s, id, &reply, e);
	json_decref(id);
	return alive;
}

static bool answer_command(struct session *s, json_t *id, const char *command, size_t size)
{
	struct reply reply = {.command = ""};

	niceness_expect(s->host->niceness, NICENESS_ASKED);
	struct error *e = command_run(&s->state, command, size, &reply);
	if (e && reply.waiting)
		reply.waiting->free(reply.waiting);
	if (e || !reply.waiting)
		return send_reply(s, id, &reply, e);
	s->waiting = reply.waiting;
	s->late = false;
	s->waiting_id = json_incref(id);
	snprintf(s->waiting_command, sizeof(s->waiting_command), "%s", reply.command);
	drop_reply(&reply);
	return tick(s, false);
}

bool session_is_idle(const struct session *s)
{
	return !s->waiting;
}

bool session_waits(const struct session *s)
{
	return s->waiting && !s->waiting->outside;
}

int64_t session_deadline(const struct session *s)
{
	return s->waiting ? s->waiting->deadline_us : 0;
}

static bool refuse_line(struct session *s, const char *message)
{
	return send_json(s, json_pack("{s:n, s:b, s:s, s:{s:s, s:s}}", "id", "ok", 0, "command", "", "error",
				      "class", "usage", "message", message));
}

/* "late": it is for a limit of time, and not because somebody wants it. */
static bool interrupt(struct session *s, const json_t *request)
{
	if (json_integer_value(json_object_get(request, "interrupt")) != json_integer_value(s->waiting_id))
		return true;
	s->late |= json_is_true(json_object_get(request, "late"));
	return tick(s, true);
}

static bool serve_line(struct session *s, const char *line, size_t size)
{
	json_error_t failure;
	bool alive;

	if (size == 0)
		return true;
	json_t *request = json_loadb(line, size, 0, &failure);
	if (!json_is_object(request)) {
		char message[JSON_ERROR_TEXT_LENGTH + 64];
		snprintf(message, sizeof(message), "a request is one JSON object a line: %s",
			 request ? "this is something else" : failure.text);
		json_decref(request);
		return refuse_line(s, message);
	}
	json_t *id = json_object_get(request, "id");
	json_t *command = json_object_get(request, "command"), *width = json_object_get(request, "width");
	if (json_is_integer(width))
		s->state.width = (int)json_integer_value(width);
	if (!json_is_integer(id))
		alive = refuse_line(s, "a request needs an \"id\", an integer");
	else if (json_is_integer(json_object_get(request, "interrupt")))
		alive = interrupt(s, request);
	else if (json_is_object(json_object_get(request, "hello")))
		alive = answer_hello(s, id, json_object_get(request, "hello"));
	else if (json_is_object(json_object_get(request, "complete")))
		alive = answer_complete(s, id, json_object_get(request, "complete"));
	else if (json_is_string(command))
		alive = answer_command(s, id, json_string_value(command), json_string_length(command));
	else
		alive = refuse_line(s, "a request needs a \"command\", a string");
	json_decref(request);
	return alive;
}

/* An interrupt may overtake: it is the one thing that is done while a command waits. */
static bool is_interrupt(const char *line, size_t size)
{
	json_t *request = json_loadb(line, size, 0, NULL);
	bool is = json_is_integer(json_object_get(request, "id")) &&
		  json_is_integer(json_object_get(request, "interrupt"));

	json_decref(request);
	return is;
}

/* Where the next line ends, or NULL. */
static const char *find_newline(struct session *s)
{
	const char *newline = s->scanned < s->in.size
				      ? memchr(s->in.bytes + s->scanned, '\n', s->in.size - s->scanned)
				      : NULL;

	if (!newline)
		s->scanned = s->in.size;
	return newline;
}

/* Every whole line that has arrived, as far as they can be served now. One after the other and none within another: any
 * number of them may stand behind a command that waits. */
static bool serve_lines(struct session *s)
{
	for (const char *newline; (newline = find_newline(s));) {
		char *line = s->in.bytes + s->next;
		size_t size = (size_t)(newline - line);
		bool waits = s->waiting != NULL;
		s->next = s->scanned = s->next + size + 1;
		if (waits && !is_interrupt(line, size))
			continue;
		if (!waits)
			s->served = s->next;
		if (!serve_line(s, line, size))
			return false;
		if (waits)
			memset(line, '\n', size); /* done with, between others that are not */
	}
	if (s->served)
		drop(&s->in, 0, s->served);
	s->next -= s->served;
	s->scanned -= s->served;
	s->served = 0;
	if (s->in.size > SESSION_REQUEST_MAX) {
		refuse_line(s, "the request is too long");
		return false;
	}
	return true;
}

bool session_tick(struct session *s)
{
	bool waited = s->waiting != NULL;

	/* One that does not read is never ready for anything: nobody else would find it. */
	if (s->closing || !tick(s, false))
		return false;
	/* Requests that came in the meantime are next. */
	return !waited || s->waiting || serve_lines(s);
}

bool session_serve(struct session *s, short revents)
{
	char chunk[65536];

	if (s->closing || (revents & POLLNVAL))
		return false;
	if ((revents & POLLOUT) && !flush(s))
		return false;
	if (!(revents & (POLLIN | POLLHUP | POLLERR)))
		return true;
	/* One piece a turn: who sends without end has no more than the others. */
	ssize_t n = recv(s->socket, chunk, sizeof(chunk), 0);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	text_append(&s->in, chunk, (size_t)n);
	return !s->in.failed && serve_lines(s);
}
