/* rtf-console: options, the connection, one-shot and interactive use.
 *
 * One thread and one poll(): the terminal or another input, the socket, and a signalfd for what the keyboard
 * sends. The engine renders what people read; this program prints it. */
#include "entry.h"
#include "error.h"
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

enum { PROTOCOL_VERSION = 1 };

/* Of several, the highest is the exit status. */
enum status { STATUS_DONE, STATUS_LOCAL, STATUS_LOST, STATUS_FAILED, STATUS_ENDED };

enum {
	COMMAND_MAX = 16 << 20, /* bytes of one command */
	REPLY_MAX = 1 << 30,    /* bytes of one line from the engine */
	INPUT_MAX = 512 << 20,  /* bytes of one line, and with --all of one input */
	HELLO_MS = 30000,       /* a large program's engine may be reading its symbols */
	GRACE_MS = 500,         /* for the answer of a command that was interrupted because of -t */
	RECONNECT_MS = 2000,
	RETRY_MS = 50,
	HELLO_TRIES = 3,        /* an engine that dies may take connections along that it never saw */
	COMPLETE_MS = 400,
};

/* What -c and -f ask for, in the order given. */
struct action {
	const char *text; /* -c's command; NULL: `file` */
	const char *file; /* "-" is standard input */
};

struct options {
	struct action *actions;
	size_t action_count;
	char **sockets;
	size_t socket_count;
	int64_t limit_ms; /* -1: none */
	bool json, read_only, all;
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
};

/* Lines to come: from a file descriptor, or all of them in memory already. */
struct input {
	int fd; /* -1: only what is in the buffer */
	bool begun, ended;
	char *data;
	size_t begin, end, capacity;
	size_t scanned; /* no newline in [begin, scanned) */
};

struct console {
	const struct options *options;
	const char *socket;
	int fd; /* -1: not connected */
	char *data;
	size_t begin, end, capacity, scanned; /* received bytes, as in struct input */
	json_int_t next_id;
	char *program; /* its file name, for the prompt */
	json_int_t pid, functions;

	bool interactive;
	bool heading_shown; /* with --all: the socket's name stands above its answers */
	bool interrupted;   /* Ctrl-C, not yet acted upon */
	bool stop;          /* Ctrl-C ended the run */
	bool quit;          /* \quit */
	bool lost_reported;
	bool following;     /* the running command is \events: events are its answer */
	bool holding;       /* readline is at work: events wait in `held` */
	char **held;
	size_t held_count;
};

/* The one answer to a request. */
struct reply {
	json_t *root;
	char *raw; /* the line as it came */
};

static int signals = -1; /* signalfd */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum status worse(enum status a, enum status b)
{
	return a > b ? a : b;
}

static void __attribute__((format(printf, 1, 2))) complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rtf-console: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void print_text(FILE *out, const char *text, size_t size)
{
	if (out == stderr)
		fflush(stdout);
	fwrite(text, 1, size, out);
	if (size && text[size - 1] != '\n')
		fputc('\n', out);
	fflush(out);
}

/* --- signals ----------------------------------------------------------------------------------------- */

/* Ctrl-C and, on a terminal, what else its keys and its window send arrive at `signals`. What the parent had
 * ignored stays ignored. */
static void signals_take(bool interactive)
{
	static const int wanted[] = {SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < (interactive ? sizeof(wanted) / sizeof(wanted[0]) : 1); i++) {
		struct sigaction old;
		if (sigaction(wanted[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaddset(&set, wanted[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Gives the terminal back and dies of the signal, as the parent expects. */
static void die_of(int number)
{
	sigset_t set;

	line_fini();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
}

static void signals_read(struct console *c)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT)
			c->interrupted = true;
		else if (info.ssi_signo == SIGWINCH)
			line_resize();
		else if (info.ssi_signo == SIGTSTP)
			line_suspend();
		else
			die_of((int)info.ssi_signo);
	}
}

enum { WAKE_SOCKET = 1, WAKE_INPUT = 2 };

/* Waits for the socket, for `input` (unless it is -1), for a signal or until `deadline` (unless it is -1).
 * Returns what is ready; 0 is a signal or the deadline. */
static unsigned console_wait(struct console *c, int input, int64_t deadline, short socket_events)
{
	struct pollfd fds[] = {
		{.fd = c->fd, .events = socket_events},
		{.fd = input, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};
	int64_t left = deadline < 0 ? -1 : deadline - now_ms();

	if (deadline >= 0 && left < 0)
		left = 0;
	if (poll(fds, 3, left > INT_MAX ? INT_MAX : (int)left) < 0)
		return 0;
	if (fds[2].revents)
		signals_read(c);
	return (fds[0].revents ? WAKE_SOCKET : 0) | (fds[1].revents ? WAKE_INPUT : 0);
}

/* --- the connection ---------------------------------------------------------------------------------- */

static void connection_close(struct console *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->begin = c->end = c->scanned = 0;
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

/* Connects; waits until `deadline` while the program's backlog is full. */
static struct error *connection_open(struct console *c, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(c->socket);
	int failed;

	if (length == 0 || length >= sizeof(address.sun_path))
		return error_new(ERROR_USAGE, "a socket's path has 1 to %zu bytes, not %zu",
				 sizeof(address.sun_path) - 1, length);
	memcpy(address.sun_path, c->socket, length + 1);

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(errno, "cannot make a socket");
	while ((failed = connect(fd, (struct sockaddr *)&address, sizeof(address))) < 0) {
		if (errno != EAGAIN || now_ms() >= deadline || c->interrupted)
			break;
		console_wait(c, -1, now_ms() + RETRY_MS, 0);
	}
	if (failed) {
		struct error *e = connect_error(c->socket, errno);
		close(fd);
		return e;
	}
	c->fd = fd;
	return NULL;
}

static bool buffer_reserve(char **data, size_t *capacity, size_t needed)
{
	size_t size = *capacity ? *capacity : 65536;

	if (needed <= *capacity)
		return true;
	while (size < needed)
		size *= 2;
	char *grown = realloc(*data, size);
	if (!grown)
		return false;
	*data = grown;
	*capacity = size;
	return true;
}

/* Takes what has arrived. False: the connection is lost. */
static bool connection_fill(struct console *c)
{
	if (c->begin == c->end)
		c->begin = c->end = c->scanned = 0;
	if (c->begin > 65536) {
		memmove(c->data, c->data + c->begin, c->end - c->begin);
		c->scanned -= c->begin;
		c->end -= c->begin;
		c->begin = 0;
	}
	if (c->end - c->begin > REPLY_MAX || !buffer_reserve(&c->data, &c->capacity, c->end + 65536))
		return false;
	ssize_t n = recv(c->fd, c->data + c->end, c->capacity - c->end, 0);
	if (n > 0)
		c->end += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* The next whole line that has arrived, NUL in place of its newline; NULL: none. Valid until the next
 * connection_fill. */
static char *connection_line(struct console *c, size_t *size)
{
	if (c->scanned == c->end)
		return NULL;
	char *newline = memchr(c->data + c->scanned, '\n', c->end - c->scanned);
	if (!newline) {
		c->scanned = c->end;
		return NULL;
	}
	char *start = c->data + c->begin;
	*newline = '\0';
	*size = (size_t)(newline - start);
	c->begin = c->scanned = (size_t)(newline + 1 - c->data);
	return start;
}

enum sent { SENT, SEND_LOST, SEND_ENDED };

/* Sends a line; takes what arrives meanwhile, so that two that both talk much do not wait for each other.
 * Time and Ctrl-C end it; the connection is then closed, for what follows half a line is not understood. */
static enum sent connection_send(struct console *c, json_t *request, int64_t deadline)
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
		else if ((console_wait(c, -1, deadline, POLLIN | POLLOUT) & WAKE_SOCKET) &&
			 !connection_fill(c))
			break;
		else if (c->interrupted || (deadline >= 0 && now_ms() >= deadline))
			result = SEND_ENDED;
	}
	free(text);
	json_decref(request);
	if (result != SENT)
		connection_close(c);
	return result;
}

static void reply_fini(struct reply *r)
{
	json_decref(r->root);
	free(r->raw);
	*r = (struct reply){0};
}

/* --- output ------------------------------------------------------------------------------------------ */

static void show_heading(struct console *c)
{
	if (!c->options->all || c->options->json || c->heading_shown)
		return;
	printf("==> %s <==\n", c->socket);
	fflush(stdout);
	c->heading_shown = true;
}

/* A JSON answer as it came; with --all its socket's name is put before its other members. */
static void print_json(const struct console *c, const char *raw)
{
	const char *rest = strchr(raw, '{');

	if (!c->options->all || !rest) {
		print_text(stdout, raw, strlen(raw));
		return;
	}
	json_t *name = json_string(c->socket);
	char *quoted = json_dumps(name, JSON_ENCODE_ANY);
	rest += 1 + strspn(rest + 1, " \t\r");
	printf("{\"socket\":%s%s%s\n", quoted ? quoted : "null", *rest == '}' ? "" : ",", rest);
	fflush(stdout);
	free(quoted);
	json_decref(name);
}

/* --- events ------------------------------------------------------------------------------------------ */

static void show_event_text(struct console *c, const char *text, size_t size)
{
	if (c->interactive)
		line_print(text, size);
	else
		print_text(c->following ? stdout : stderr, text, size);
}

/* An event, or an error that answers no request: for people its text, for scripts the object. Outside an
 * interactive session and \events standard output belongs to the answers alone. */
static void show_event(struct console *c, const json_t *root, const char *raw)
{
	if (c->following && c->options->json) {
		print_json(c, raw);
		return;
	}

	const json_t *text = json_object_get(root, "text");
	const json_t *message = json_object_get(json_object_get(root, "error"), "message");

	if (!text)
		text = message;
	if (c->options->json || !json_is_string(text))
		show_event_text(c, raw, strlen(raw));
	else
		show_event_text(c, json_string_value(text), json_string_length(text));
}

static void hold_event(struct console *c, const char *raw)
{
	char **held = realloc(c->held, (c->held_count + 1) * sizeof(*held));

	if (!held)
		return;
	c->held = held;
	held[c->held_count] = strdup(raw);
	if (held[c->held_count])
		c->held_count++;
}

static void take_event(struct console *c, const json_t *root, const char *raw)
{
	if (c->holding)
		hold_event(c, raw);
	else
		show_event(c, root, raw);
}

static void show_held_events(struct console *c)
{
	for (size_t i = 0; i < c->held_count; i++) {
		json_t *root = json_loads(c->held[i], JSON_ALLOW_NUL, NULL);
		show_event(c, root, c->held[i]);
		json_decref(root);
		free(c->held[i]);
	}
	free(c->held);
	c->held = NULL;
	c->held_count = 0;
}

/* --- requests ---------------------------------------------------------------------------------------- */

enum outcome { OUTCOME_NONE, OUTCOME_REPLY, OUTCOME_LOST, OUTCOME_LATE, OUTCOME_INTERRUPTED };

/* Acts on one line: an event is shown, the answer to request `id` goes to `out`, an answer that nobody waits
 * for any more is dropped. At hello (id 0) an error without id is the answer: it comes from a program without
 * an engine. */
static enum outcome take_line(struct console *c, const char *text, size_t size, json_int_t id,
			      struct reply *out)
{
	json_t *root = json_loadb(text, size, JSON_ALLOW_NUL, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		complain("what answers at %s does not speak rtf's protocol", c->socket);
		connection_close(c);
		return OUTCOME_LOST;
	}
	const json_t *answered = json_object_get(root, "id");
	bool refusal = id == 0 && json_is_false(json_object_get(root, "ok"));
	if (!json_is_integer(answered) && !refusal) {
		take_event(c, root, text);
	} else if (refusal || json_integer_value(answered) == id) {
		out->root = root;
		out->raw = strdup(text);
		return OUTCOME_REPLY;
	}
	json_decref(root);
	return OUTCOME_NONE;
}

/* Acts on what has arrived, up to the answer to `id` (-1: no answer is awaited). */
static enum outcome take_lines(struct console *c, json_int_t id, struct reply *out)
{
	enum outcome outcome = OUTCOME_NONE;
	size_t size;
	char *text;

	while (outcome == OUTCOME_NONE && (text = connection_line(c, &size)))
		outcome = take_line(c, text, size, id, out);
	return outcome;
}

static enum outcome await(struct console *c, json_int_t id, int64_t deadline, struct reply *out)
{
	for (;;) {
		enum outcome outcome = c->fd < 0 ? OUTCOME_LOST : take_lines(c, id, out);
		if (outcome != OUTCOME_NONE)
			return outcome;
		if (c->interrupted)
			return OUTCOME_INTERRUPTED;
		if (deadline >= 0 && now_ms() >= deadline)
			return OUTCOME_LATE;
		if ((console_wait(c, -1, deadline, POLLIN) & WAKE_SOCKET) && !connection_fill(c)) {
			connection_close(c);
			return OUTCOME_LOST;
		}
	}
}

static bool color_wanted(const struct options *options)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	if (options->json || options->color == COLOR_NEVER)
		return false;
	if (options->color == COLOR_ALWAYS)
		return true;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
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

static struct error *hello_refused(const struct console *c, const json_t *root)
{
	const char *message = json_string_value(json_object_get(json_object_get(root, "error"), "message"));

	return error_new(ERROR_DENIED, "%s", message ? message : c->socket);
}

static struct error *hello_accept(struct console *c, const json_t *root)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *version = json_object_get(data, "version");

	if (!json_is_true(json_object_get(root, "ok")))
		return hello_refused(c, root);
	if (json_integer_value(version) != PROTOCOL_VERSION)
		return error_new(ERROR_INTERNAL, "%s speaks version %" JSON_INTEGER_FORMAT
				 " of the protocol, this console version %d",
				 c->socket, json_integer_value(version), PROTOCOL_VERSION);
	free(c->program);
	c->program = program_name(json_string_value(json_object_get(data, "program")));
	c->pid = json_integer_value(json_object_get(data, "pid"));
	c->functions = json_integer_value(json_object_get(data, "functions"));
	return NULL;
}

/* `*hung_up` is set where nobody has looked at the connection. */
static struct error *say_hello(struct console *c, int64_t deadline, bool *hung_up)
{
	struct reply reply = {0};
	enum outcome outcome = OUTCOME_LATE;
	struct error *e;

	json_t *hello =
		json_pack("{s:i, s:{s:i, s:b, s:b, s:b, s:b, s:i}}", "id", 0, "hello", "version", PROTOCOL_VERSION,
			  "text", !c->options->json, "read_only", c->options->read_only, "events",
			  c->interactive, "color", color_wanted(c->options), "width", terminal_width());
	switch (connection_send(c, hello, deadline)) {
	case SENT:
		outcome = await(c, 0, deadline, &reply);
		break;
	case SEND_LOST:
		outcome = OUTCOME_LOST;
		break;
	case SEND_ENDED:
		break;
	}
	if (outcome == OUTCOME_REPLY) {
		e = hello_accept(c, reply.root);
		reply_fini(&reply);
		return e;
	}
	if (c->interrupted)
		return error_new(ERROR_INTERRUPTED, "interrupted while connecting to %s", c->socket);
	if (outcome == OUTCOME_LATE)
		return error_new(ERROR_TIMEOUT, "no answer from %s", c->socket);
	*hung_up = true;
	return error_new(ERROR_INTERNAL, "%s closed the connection before it answered", c->socket);
}

static struct error *console_connect(struct console *c, int64_t limit_ms)
{
	int64_t deadline = now_ms() + limit_ms;

	for (int tries = 1;; tries++) {
		bool hung_up = false;
		struct error *e = connection_open(c, deadline);
		if (!e)
			e = say_hello(c, deadline, &hung_up);
		if (!e)
			return NULL;
		connection_close(c);
		if (!hung_up || tries == HELLO_TRIES)
			return e;
		error_free(e);
	}
}

/* --- answers ----------------------------------------------------------------------------------------- */

static enum status class_status(const char *class)
{
	if (class && (strcmp(class, "fault") == 0 || strcmp(class, "timeout") == 0 ||
		      strcmp(class, "interrupted") == 0))
		return STATUS_ENDED;
	return STATUS_FAILED;
}

static enum status reply_status(const json_t *root)
{
	if (json_is_true(json_object_get(root, "ok")))
		return STATUS_DONE;
	return class_status(json_string_value(json_object_get(json_object_get(root, "error"), "class")));
}

static enum status show_reply(struct console *c, const struct reply *reply)
{
	const json_t *text = json_object_get(reply->root, "text");
	enum status status = reply_status(reply->root);
	FILE *out = status == STATUS_DONE ? stdout : stderr;

	show_heading(c);
	if (c->options->json) {
		print_json(c, reply->raw ? reply->raw : "{}");
		return status;
	}
	if (!json_is_string(text))
		text = json_object_get(json_object_get(reply->root, "error"), "message");
	if (json_is_string(text))
		print_text(out, json_string_value(text), json_string_length(text));
	return status;
}

/* A failure that the engine did not tell, in the form that its answers have. */
static enum status fail(struct console *c, const char *command, enum error_class class, const char *message)
{
	const char *name = error_class_name(class);

	show_heading(c);
	if (!c->options->json) {
		complain("%s", message);
		return class_status(name);
	}
	json_t *reply = json_pack("{s:b, s:s, s:{s:s, s:s}}", "ok", false, "command", command, "error",
				  "class", name, "message", message);
	char *raw = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	if (raw)
		print_json(c, raw);
	free(raw);
	json_decref(reply);
	return class_status(name);
}

static void send_interrupt(struct console *c, json_int_t id)
{
	connection_send(c, json_pack("{s:I, s:I}", "id", ++c->next_id, "interrupt", id), now_ms() + GRACE_MS);
}

/* Ctrl-C ends a script as a whole, but only the command of an interactive session. */
static void note_interrupt(struct console *c)
{
	c->interrupted = false;
	c->stop = true;
}

/* An interactive session says so when it tries to connect again. */
static enum status report_lost(struct console *c)
{
	if (!c->interactive && !c->lost_reported)
		complain("connection lost");
	c->lost_reported = true;
	return STATUS_LOST;
}

static enum status report_late(struct console *c, const char *command)
{
	char message[80];

	snprintf(message, sizeof(message), "no answer within %g s: gave up",
		 (double)c->options->limit_ms / 1000);
	return fail(c, command, ERROR_TIMEOUT, message);
}

/* Waits for the answer to request `id` and shows it. */
static enum status await_answer(struct console *c, const char *command, json_int_t id, int64_t deadline)
{
	struct reply reply = {0};
	bool late = false, interrupted = false;

	for (;;) {
		enum outcome outcome = await(c, id, deadline, &reply);
		if (outcome == OUTCOME_REPLY)
			break;
		if (outcome == OUTCOME_LOST || outcome == OUTCOME_NONE)
			return report_lost(c);
		if (outcome == OUTCOME_LATE) {
			if (late)
				return report_late(c, command);
			late = true;
			deadline = now_ms() + GRACE_MS;
		} else {
			note_interrupt(c);
			if (interrupted)
				return fail(c, command, ERROR_INTERRUPTED, "gave up waiting for the answer");
			interrupted = true;
		}
		send_interrupt(c, id);
	}

	enum status status = show_reply(c, &reply);
	if (status != STATUS_DONE && late && !c->options->json)
		complain("ended by the time limit of %g s", (double)c->options->limit_ms / 1000);
	if ((status != STATUS_DONE && late) || (interrupted && !c->interactive))
		status = STATUS_ENDED;
	reply_fini(&reply);
	return status;
}

static bool is_events(const char *command)
{
	return strncmp(command, "\\events", 7) == 0 && (command[7] == '\0' || command[7] == ' ');
}

/* Has the engine run one command, `size` bytes. */
static enum status ask(struct console *c, const char *command, size_t size)
{
	if (size > COMMAND_MAX)
		return fail(c, "", ERROR_USAGE, "that is more than 16 MiB for one command: not sent");
	if (memchr(command, '\0', size))
		return fail(c, "", ERROR_USAGE, "a NUL byte cannot be part of a command: not sent");
	json_t *text = json_stringn(command, size);
	if (!text)
		return fail(c, "", ERROR_USAGE, "that is not UTF-8: not sent");
	if (c->fd < 0) {
		json_decref(text);
		return report_lost(c);
	}

	json_int_t id = ++c->next_id;
	int64_t deadline = c->options->limit_ms < 0 ? -1 : now_ms() + c->options->limit_ms;
	enum status status;

	switch (connection_send(c, json_pack("{s:I, s:o}", "id", id, "command", text), deadline)) {
	case SEND_LOST:
		return report_lost(c);
	case SEND_ENDED:
		if (!c->interrupted)
			return report_late(c, command);
		note_interrupt(c);
		return fail(c, command, ERROR_INTERRUPTED, "gave up sending the command");
	case SENT:
		break;
	}
	c->following = is_events(command);
	status = await_answer(c, command, id, deadline);
	c->following = false;
	return status;
}

/* --- commands ---------------------------------------------------------------------------------------- */

static bool trimmed_is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* Runs one entry or one -c: what is ours here, the rest in the engine. */
static enum status run_command(struct console *c, const char *text, size_t size)
{
	static const char blanks[] = " \t\r\n\f\v";
	const char *start = text;
	size_t length = size;

	while (length && memchr(blanks, *start, sizeof(blanks) - 1)) {
		start++;
		length--;
	}
	while (length && memchr(blanks, start[length - 1], sizeof(blanks) - 1))
		length--;

	if (trimmed_is(start, length, "\\quit") || trimmed_is(start, length, "\\q") ||
	    trimmed_is(start, length, "quit") || trimmed_is(start, length, "exit")) {
		c->quit = true;
		return STATUS_DONE;
	}
	if (trimmed_is(start, length, "help"))
		return ask(c, "\\help", 5);
	if (length && *start == '\\')
		return ask(c, start, length);
	return ask(c, text, size); /* C as typed: the engine tells lines and columns of it */
}

/* A -c's text. Nothing but white space and comments is nothing to do. */
static enum status run_text(struct console *c, const char *text)
{
	size_t size = strlen(text);

	if (entry_judge(text, size) == ENTRY_EMPTY)
		return STATUS_DONE;
	return run_command(c, text, size);
}

/* --- input ------------------------------------------------------------------------------------------- */

static void input_fini(struct input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->data);
}

/* Reads once. False: nothing more will come. */
static bool input_fill(struct input *in)
{
	if (in->fd < 0 || in->ended)
		return false;
	if (in->begin) {
		memmove(in->data, in->data + in->begin, in->end - in->begin);
		in->scanned -= in->begin;
		in->end -= in->begin;
		in->begin = 0;
	}
	ssize_t n = -1;
	if (in->end < INPUT_MAX && buffer_reserve(&in->data, &in->capacity, in->end + 65536))
		n = read(in->fd, in->data + in->end, 65536);
	if (n < 0 && (errno == EINTR || errno == EAGAIN) && in->end < INPUT_MAX)
		return true;
	if (n < 0)
		complain("cannot read any further: %s",
			 in->end < INPUT_MAX ? strerror(errno) : "a line too long");
	in->ended = n <= 0;
	in->end += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Where the line that begins at `from` ends; false if that is not known yet. */
static bool input_line_end(struct input *in, size_t from, size_t *end)
{
	size_t scanned = from > in->scanned ? from : in->scanned;
	const char *newline = scanned < in->end ? memchr(in->data + scanned, '\n', in->end - scanned) : NULL;

	if (newline) {
		*end = (size_t)(newline - in->data);
		return true;
	}
	if (from == in->begin)
		in->scanned = in->end;
	*end = in->end;
	return (in->ended || in->fd < 0) && from < in->end;
}

static size_t line_length(const char *text, size_t size)
{
	return size && text[size - 1] == '\r' ? size - 1 : size;
}

/* The next line that has been read already, without its end; false: none. Valid until the next input_
 * call. */
static bool input_take(struct input *in, const char **text, size_t *size)
{
	size_t end;

	if (in->begin >= in->end || !input_line_end(in, in->begin, &end))
		return false;
	if (!in->begun && in->fd >= 0 && end - in->begin >= 3 &&
	    memcmp(in->data + in->begin, "\xef\xbb\xbf", 3) == 0)
		in->begin += 3; /* a byte order mark */
	in->begun = true;
	*text = in->data + in->begin;
	*size = line_length(*text, end - in->begin);
	in->begin = end < in->end ? end + 1 : end;
	in->scanned = in->begin;
	return true;
}

/* Acts on what came while no answer is awaited, or behind one: events and late answers. */
static void take_events(struct console *c)
{
	struct reply unused = {0};

	if (c->fd >= 0)
		take_lines(c, -1, &unused);
}

static void take_socket(struct console *c)
{
	if (!connection_fill(c))
		connection_close(c);
	take_events(c);
}

/* Waits for the next line. False at the end, after Ctrl-C and when the connection is lost. */
static bool input_next(struct console *c, struct input *in, const char **text, size_t *size)
{
	while (!input_take(in, text, size)) {
		if (in->fd < 0 || in->ended)
			return false;
		take_events(c);
		unsigned wake = console_wait(c, in->fd, -1, POLLIN);
		if (wake & WAKE_SOCKET)
			take_socket(c);
		if (c->fd < 0)
			return false;
		if (c->interrupted) {
			note_interrupt(c);
			return false;
		}
		if ((wake & WAKE_INPUT) && !input_fill(in) && in->begin >= in->end)
			return false;
	}
	return true;
}

static bool input_is_ready(const struct input *in)
{
	struct pollfd fd = {.fd = in->fd, .events = POLLIN};

	return in->fd >= 0 && !in->ended && poll(&fd, 1, 0) > 0;
}

/* The next line that is not blank, if it has been read or can be without waiting for it. */
static bool input_peek(struct input *in, const char **text, size_t *size)
{
	for (size_t from = in->begin;;) {
		size_t end;
		if (from < in->end && input_line_end(in, from, &end)) {
			*text = in->data + from;
			*size = line_length(*text, end - from);
			if (strspn(*text, " \t\f\v\r") < *size)
				return true;
			from = end < in->end ? end + 1 : end;
			continue;
		}
		if (!input_is_ready(in))
			return false;
		from -= in->begin; /* reading moves what is left to the front */
		input_fill(in);
	}
}

/* --- entries ----------------------------------------------------------------------------------------- */

static enum status run_entry(struct console *c, struct entry *e)
{
	if (c->interactive)
		line_remember(e->text);
	enum status status = run_command(c, e->text, e->size);
	entry_clear(e);
	return status;
}

/* An entry that cannot be completed any more: a script's is sent, so that the compiler says what is missing;
 * a person's is kept in the line history. */
static enum status end_open_entry(struct console *c, struct entry *e)
{
	if (e->state != ENTRY_OPEN) {
		entry_clear(e);
		return STATUS_DONE;
	}
	if (!c->interactive)
		return run_entry(c, e);
	complain("the entry was not complete and has not been run (it is in the line history)");
	line_remember(e->text);
	entry_clear(e);
	return STATUS_DONE;
}

/* Runs the entries that the lines of `in` make up, the first going on in `e`, where the last may stay open.
 * Returns the worst status. */
static enum status run_entries(struct console *c, struct input *in, struct entry *e)
{
	enum status status = STATUS_DONE;
	const char *text;
	size_t size;

	while (!c->quit && !c->stop && input_next(c, in, &text, &size)) {
		if (entry_is_ended_by(e, text, size)) {
			status = worse(status, end_open_entry(c, e));
			if (c->stop || c->fd < 0)
				break;
		}
		if (!entry_add(e, text, size)) {
			status = worse(status, fail(c, "", ERROR_USAGE, "out of memory for that entry"));
			entry_clear(e);
			continue;
		}
		if (e->state == ENTRY_EMPTY)
			entry_clear(e);
		if (e->state != ENTRY_COMPLETE)
			continue;
		if (input_peek(in, &text, &size) && entry_goes_on_with(e, text, size))
			continue;
		status = worse(status, run_entry(c, e));
		if (c->fd < 0)
			break;
	}
	return status;
}

/* A file or standard input: goes on after a failure, as psql and sqlite3 do. */
static enum status run_input(struct console *c, struct input *in)
{
	struct entry e;

	entry_init(&e);
	enum status status = run_entries(c, in, &e);
	if (!c->stop && c->fd >= 0 && !c->quit)
		status = worse(status, end_open_entry(c, &e));
	if (c->stop)
		status = STATUS_ENDED;
	else if (c->fd < 0 && !c->quit)
		status = report_lost(c); /* whatever failed before: the rest has not been run */
	entry_fini(&e);
	return status;
}

/* --- interactive ------------------------------------------------------------------------------------- */

static void print_banner(const struct console *c)
{
	printf("rtf %s, connected to %s (pid %" JSON_INTEGER_FORMAT "), %" JSON_INTEGER_FORMAT
	       " function%s%s. \\help for help.\n",
	       RTF_VERSION, c->program, c->pid, c->functions, c->functions == 1 ? "" : "s",
	       c->options->read_only ? ", read-only" : "");
	fflush(stdout);
}

static char **words_of(const json_t *matches)
{
	size_t count = json_array_size(matches);
	char **words = count ? calloc(count + 1, sizeof(*words)) : NULL;

	for (size_t i = 0, kept = 0; words && i < count; i++) {
		const char *word = json_string_value(json_array_get(matches, i));
		if (word && (words[kept] = strdup(word)))
			kept++;
	}
	return words;
}

/* line_completer: asks the engine, but does not let a busy one keep the keyboard waiting. */
static char **complete(void *context, const char *text, size_t point, size_t *start)
{
	struct console *c = context;
	struct reply reply = {0};
	json_int_t id = ++c->next_id;
	int64_t deadline = now_ms() + COMPLETE_MS;
	char **words = NULL;

	if (c->fd < 0)
		return NULL;
	json_t *request = json_pack("{s:I, s:{s:s, s:I}}", "id", id, "complete", "line", text, "point",
				    (json_int_t)point);
	if (!request || connection_send(c, request, deadline) != SENT ||
	    await(c, id, deadline, &reply) != OUTCOME_REPLY)
		return NULL;

	const json_t *data = json_object_get(reply.root, "data");
	json_int_t from = json_integer_value(json_object_get(data, "start"));
	if (from >= 0 && (size_t)from <= point) {
		*start = (size_t)from;
		words = words_of(json_object_get(data, "matches"));
	}
	reply_fini(&reply);
	return words;
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	line_print(text, (size_t)n);
	free(text);
}

/* What is typed and will not be run, for the session after this one. */
static void keep_typed(struct entry *e)
{
	const char *typed = line_typed();

	if (*typed && !entry_add(e, typed, strlen(typed)))
		return;
	if (e->size)
		line_remember(e->text);
	entry_clear(e);
}

/* The engine may have been started anew by the program, or the program by its author. If nobody answers, what
 * is typed goes to the line history. */
static bool reconnect(struct console *c, struct entry *typed)
{
	int64_t deadline = now_ms() + RECONNECT_MS;
	json_int_t pid = c->pid;
	struct error *e = NULL;

	say("rtf-console: connection lost, trying again");
	do {
		error_free(e);
		e = console_connect(c, deadline - now_ms());
		if (e)
			console_wait(c, -1, now_ms() + RETRY_MS, 0);
	} while (e && !c->interrupted && now_ms() < deadline);
	if (e) {
		keep_typed(typed);
		line_discard();
		complain("connection lost: %s", error_message(e));
		error_free(e);
		return false;
	}
	say("rtf-console: connected again to %s (pid %" JSON_INTEGER_FORMAT "%s)", c->program, c->pid,
	    c->pid == pid ? "" : ", another process than before");
	return true;
}

static void show_prompt(const struct console *c, const struct entry *e)
{
	char prompt[300];

	snprintf(prompt, sizeof(prompt), "%.250s%c ", c->program, e->state == ENTRY_OPEN ? '-' : '>');
	line_start(prompt);
}

static void clear_typed(struct console *c, struct entry *e)
{
	c->interrupted = c->stop = false;
	line_discard();
	entry_clear(e);
	puts("^C");
	fflush(stdout);
}

static void run_typed(struct console *c, struct entry *e, char *text)
{
	struct input in = {.fd = -1, .data = text, .end = strlen(text)};

	run_entries(c, &in, e);
	if (c->fd < 0 && in.begin < in.end)
		line_remember(text + in.begin);
	c->stop = false;
	input_fini(&in);
}

static void take_keys(struct console *c, struct entry *e)
{
	char *text;

	c->holding = true;
	enum line_event event = line_read(&text);
	c->holding = false;
	show_held_events(c);
	if (event == LINE_TEXT) {
		run_typed(c, e, text);
	} else if (event == LINE_END) {
		putchar('\n');
		c->quit = e->state != ENTRY_OPEN;
		end_open_entry(c, e);
	}
}

static enum status run_interactive(struct console *c)
{
	char *history = line_history_path();
	enum status status = STATUS_DONE;
	struct entry e;

	entry_init(&e);
	if (!line_init(history, complete, c))
		complain("the line history %s cannot be kept: %s", history, strerror(errno));
	if (!c->options->json)
		print_banner(c);
	while (!c->quit) {
		take_events(c);
		if (c->fd < 0 && !reconnect(c, &e)) {
			status = STATUS_LOST;
			break;
		}
		show_prompt(c, &e);
		unsigned wake = console_wait(c, STDIN_FILENO, -1, POLLIN);
		if (wake & WAKE_SOCKET)
			take_socket(c);
		if (c->interrupted)
			clear_typed(c, &e);
		else if (wake & WAKE_INPUT)
			take_keys(c, &e);
	}
	line_fini();
	entry_fini(&e);
	free(history);
	return status;
}

/* --- runs -------------------------------------------------------------------------------------------- */

static bool open_input(const char *file, struct input *in)
{
	bool standard = strcmp(file, "-") == 0;

	*in = (struct input){.fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)};
	struct stat st;
	if (in->fd < 0 || fstat(in->fd, &st) < 0) {
		complain("cannot read %s: %s", file, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		complain("cannot read %s: %s", file, strerror(EISDIR));
		input_fini(in);
		return false;
	}
	return true;
}

/* What the options ask for, in order; `inputs` has the open file of each -f. A -c that fails is the last. */
static enum status run_actions(struct console *c, struct input *inputs)
{
	enum status status = STATUS_DONE;

	for (size_t i = 0; i < c->options->action_count && !c->quit && !c->stop; i++) {
		const struct action *action = &c->options->actions[i];
		enum status one = action->text ? run_text(c, action->text) : run_input(c, &inputs[i]);
		status = worse(status, one);
		if (one == STATUS_LOST)
			return STATUS_LOST;
		if (action->text && one != STATUS_DONE)
			break;
	}
	return c->stop ? STATUS_ENDED : status;
}

static int64_t hello_limit(const struct options *options)
{
	return options->limit_ms >= 0 ? options->limit_ms : HELLO_MS;
}

static void console_fini(struct console *c)
{
	connection_close(c);
	free(c->data);
	free(c->program);
}

/* With --all a program that cannot be reached is one answer among others. */
static enum status report_unreachable(struct console *c, struct error *e)
{
	enum status status = error_class(e) == ERROR_INTERRUPTED ? STATUS_ENDED : STATUS_LOST;

	if (c->options->all && c->options->json)
		fail(c, "", error_class(e), error_message(e));
	else
		complain("%s", error_message(e));
	error_free(e);
	return status;
}

static enum status run_socket(const struct options *options, const char *socket, struct input *inputs,
			      bool *stop)
{
	struct console c = {.options = options, .socket = socket, .fd = -1};
	enum status status;

	c.interactive = options->action_count == 0;
	struct error *e = console_connect(&c, hello_limit(options));
	if (e)
		status = report_unreachable(&c, e);
	else if (c.interactive)
		status = run_interactive(&c);
	else
		status = run_actions(&c, inputs);
	*stop = c.stop || c.interrupted;
	console_fini(&c);
	return status;
}

/* With --all the inputs are read to their ends first: each socket gets all of them. */
static bool slurp_inputs(struct input *inputs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		while (input_fill(&inputs[i]))
			;
		if (inputs[i].fd >= 0 && inputs[i].end >= INPUT_MAX)
			return false;
	}
	return true;
}

static void rewind_inputs(struct input *inputs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		inputs[i].begun = false;
		inputs[i].begin = inputs[i].scanned = 0;
	}
}

static bool is_among(const char *path, char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(paths[i], path) == 0)
			return true;
	}
	return false;
}

/* Runs everything on each socket that a pattern names, but for those named before and what is no socket. */
static enum status run_pattern(const struct options *options, size_t nth, struct input *inputs, bool *stop)
{
	const char *pattern = options->sockets[nth];
	enum status status = STATUS_DONE;
	size_t run = 0;
	glob_t found;

	if (is_among(pattern, options->sockets, nth))
		return STATUS_DONE;
	if (glob(pattern, GLOB_NOMAGIC, NULL, &found) != 0) {
		complain("no socket matches %s", pattern);
		return STATUS_LOST;
	}
	for (size_t i = 0; i < found.gl_pathc && !*stop; i++) {
		const char *path = found.gl_pathv[i];
		struct stat st;
		bool named = strcmp(path, pattern) == 0;
		if (!named && (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode)))
			continue;
		run++;
		if (!named && is_among(path, options->sockets, options->socket_count))
			continue; /* named by itself too */
		rewind_inputs(inputs, options->action_count);
		status = worse(status, run_socket(options, path, inputs, stop));
	}
	globfree(&found);
	if (run)
		return status;
	complain("no socket matches %s", pattern);
	return STATUS_LOST;
}

static enum status run_all(const struct options *options, struct input *inputs)
{
	enum status status = STATUS_DONE;
	bool stop = false;

	if (!slurp_inputs(inputs, options->action_count))
		return STATUS_LOCAL;
	signals_take(false); /* until now Ctrl-C ends this program like any other */
	for (size_t i = 0; i < options->socket_count && !stop; i++)
		status = worse(status, run_pattern(options, i, inputs, &stop));
	return status;
}

static enum status run_one(const struct options *options, struct input *inputs)
{
	bool stop;

	signals_take(options->action_count == 0);
	return run_socket(options, options->sockets[0], inputs, &stop);
}

static enum status run(const struct options *options)
{
	struct input *inputs = calloc(options->action_count + 1, sizeof(*inputs));
	enum status status = STATUS_DONE;
	size_t opened = 0;

	for (; inputs && opened < options->action_count; opened++) {
		const struct action *action = &options->actions[opened];
		inputs[opened].fd = -1;
		if (action->file && !open_input(action->file, &inputs[opened]))
			break;
	}
	if (opened < options->action_count || !inputs)
		status = STATUS_LOCAL;
	else if (options->all)
		status = run_all(options, inputs);
	else
		status = run_one(options, inputs);
	for (size_t i = 0; i < opened; i++)
		input_fini(&inputs[i]);
	free(inputs);
	return status;
}

/* --- options ----------------------------------------------------------------------------------------- */

enum { OPTION_JSON = 256, OPTION_READ_ONLY, OPTION_ALL, OPTION_COLOR };

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"read-only", no_argument, NULL, OPTION_READ_ONLY},
	{"all", no_argument, NULL, OPTION_ALL},
	{"color", optional_argument, NULL, OPTION_COLOR},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static const char help_text[] =
	"Usage: rtf-console [OPTION]... SOCKET\n"
	"Looks into a running program and changes its functions, over the socket that the program opened.\n"
	"On a terminal it asks for commands, otherwise it reads them from standard input.\n"
	"\n"
	"  -c CMD          run CMD and exit; may be repeated, stops at the first that fails\n"
	"  -f FILE         run the commands in FILE (-: standard input) and exit; goes on after a failure\n"
	"      --json      print one JSON object a line, for every command\n"
	"  -t SEC          give up waiting for one command after SEC seconds\n"
	"      --read-only only look: the connection cannot change anything\n"
	"      --all       SOCKET is a pattern (or several): every console it names gets the commands\n"
	"      --color=auto|always|never   NO_COLOR is honoured\n"
	"  -h, --help      print this\n"
	"  -V, --version   print the version\n"
	"\n"
	"Exit status: 0 all done, 1 bad usage or a local failure, 2 no connection, or it was lost,\n"
	"3 a command, a compilation or an evaluation failed, 4 a fault was contained, or a time limit\n"
	"or Ctrl-C ended it.\n"
	"Once connected, \\help lists the commands.\n";

/* Single edits (a byte more, less or another) from `a` to `b`, counted up to 3. */
static unsigned edits(const char *a, const char *b)
{
	enum { LONGEST = 31 };
	unsigned row[LONGEST + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > LONGEST || n > LONGEST)
		return 3;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = change < shift ? change : shift;
		}
	}
	return row[n] < 3 ? row[n] : 3;
}

/* `word` is the argument that getopt could not use, `letter` its short option or 0. */
static void complain_of_option(const char *word, int letter)
{
	if (letter) {
		complain("unknown option -%c (rtf-console --help lists them)", letter);
		return;
	}
	size_t length = strcspn(word + 2, "=");
	char name[32];
	snprintf(name, sizeof(name), "%.*s", length > 31 ? 31 : (int)length, word + 2);
	for (const struct option *o = long_options; o->name; o++) {
		if (strcmp(name, o->name) == 0) {
			complain("--%s takes no argument", name);
			return;
		}
	}
	for (const struct option *o = long_options; o->name; o++) {
		if (edits(name, o->name) < 3) {
			complain("unknown option --%.*s: did you mean --%s?", (int)length, word + 2, o->name);
			return;
		}
	}
	complain("unknown option --%.*s (rtf-console --help lists them)", (int)length, word + 2);
}

static bool parse_limit(const char *text, int64_t *limit_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0) || seconds > 1e9) {
		complain("-t takes a number of seconds greater than 0, not '%s'", text);
		return false;
	}
	*limit_ms = (int64_t)(seconds * 1000 + 0.999);
	return true;
}

static bool parse_color(const char *text, struct options *o)
{
	if (!text || strcmp(text, "always") == 0)
		o->color = COLOR_ALWAYS;
	else if (strcmp(text, "never") == 0)
		o->color = COLOR_NEVER;
	else if (strcmp(text, "auto") == 0)
		o->color = COLOR_AUTO;
	else
		complain("--color is auto, always or never, not '%s'", text);
	return !text || strcmp(text, "always") == 0 || strcmp(text, "never") == 0 ||
	       strcmp(text, "auto") == 0;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":c:f:t:hV", long_options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			o->actions[o->action_count++] = (struct action){.text = optarg};
			break;
		case 'f':
			o->actions[o->action_count++] = (struct action){.file = optarg};
			break;
		case 't':
			if (!parse_limit(optarg, &o->limit_ms))
				return false;
			break;
		case OPTION_JSON:
			o->json = true;
			break;
		case OPTION_READ_ONLY:
			o->read_only = true;
			break;
		case OPTION_ALL:
			o->all = true;
			break;
		case OPTION_COLOR:
			if (!parse_color(optarg, o))
				return false;
			break;
		case 'h':
			fputs(help_text, stdout);
			exit(fflush(stdout) ? STATUS_LOCAL : STATUS_DONE);
		case 'V':
			puts("rtf-console " RTF_VERSION);
			exit(fflush(stdout) ? STATUS_LOCAL : STATUS_DONE);
		case ':':
			complain("-%c takes an argument", optopt);
			return false;
		default:
			complain_of_option(argv[optind - 1], optopt < 256 ? optopt : 0);
			return false;
		}
	}
	o->sockets = argv + optind;
	o->socket_count = (size_t)(argc - optind);
	return true;
}

/* Checks what the options mean together. Without -c and -f: standard input, unless a person sits at it. */
static bool settle_options(struct options *o)
{
	if (o->socket_count == 0) {
		complain("no socket given: rtf-console SOCKET, the path that the program gave rtf_start()");
		return false;
	}
	if (o->socket_count > 1 && !o->all) {
		complain("one socket at a time, not also %s (or --all)", o->sockets[1]);
		return false;
	}
	if (o->action_count || (!o->all && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return true;
	if (o->all && isatty(STDIN_FILENO)) {
		complain("--all takes its commands from -c, -f or standard input, not from a terminal");
		return false;
	}
	o->actions[o->action_count++] = (struct action){.file = "-"};
	return true;
}

/* So that what a socket, a pipe or a file of ours is never gets a number that stdio uses. */
static void open_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
			_exit(STATUS_LOCAL);
	}
}

int main(int argc, char **argv)
{
	struct options options = {.limit_ms = -1};

	open_standard_files();
	options.actions = calloc((size_t)argc + 1, sizeof(*options.actions));
	if (!options.actions || !parse_options(argc, argv, &options) || !settle_options(&options)) {
		free(options.actions);
		return STATUS_LOCAL;
	}
	enum status status = run(&options);
	free(options.actions);
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the answers: %s", strerror(errno));
		status = worse(status, STATUS_LOCAL);
	}
	return status;
}
