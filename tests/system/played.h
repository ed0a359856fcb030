/* rtf-console run by a test, against an engine of the test's own: a thread that listens on a socket, speaks the protocol and does
 * what the commands' names say (see answer()). RTF_BUILD is where rtf-console is. Failures end the test. */
#ifndef TESTS_PLAYED_H
#define TESTS_PLAYED_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
enum { DEADLINE_MS = 60000, LOG_MAX = 256, STEP = 8 << 20 /* bytes that a buffer grows by */ };

static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Appends what can be read to a text that grows; false at the end. */
static inline bool take_output(int fd, char **text, size_t *size)
{
	char chunk[65536];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n <= 0)
		return false;
	if (*size == 0 || *size / STEP != (*size + (size_t)n) / STEP)
		*text = realloc(*text, ((*size + (size_t)n) / STEP + 1) * STEP + 1);
	memcpy(*text + *size, chunk, (size_t)n);
	*size += (size_t)n;
	(*text)[*size] = '\0';
	return true;
}

/* --- the engine that the console talks to --- */

enum mode { NORMAL, NO_ENGINE, SILENT, CLOSING, GARBAGE, NEWER, STARTING };

enum { START_MS = 300 };

struct server {
	char folder[64], path[100];
	_Atomic enum mode mode;
	int listener, stop[2];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *log[LOG_MAX]; /* requests, as they came */
	size_t logged;
	bool running;
	json_int_t held; /* the command that is not answered yet */
	bool held_ends;  /* ... and is, once it is interrupted */
};

static inline void send_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

static inline void send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

static inline void send_object(int fd, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	send_text(fd, text);
	send_text(fd, "\n");
	free(text);
	json_decref(object);
}

static inline void send_ok(int fd, json_int_t id, const char *command, const char *text)
{
	send_object(fd, json_pack("{s:I, s:b, s:s, s:{s:i, s:i}, s:s}", "id", id, "ok", true, "command",
				  command, "data", "z", 1, "a", 2, "text", text));
}

static inline void send_error(int fd, json_int_t id, const char *command, const char *class)
{
	send_object(fd,
		    json_pack("{s:I, s:b, s:s, s:{s:s, s:s}, s:s}", "id", id, "ok", false, "command", command,
			      "error", "class", class, "message", "so it is", "text", "error: so it is\n"));
}

static inline void send_huge(int fd, json_int_t id, size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	send_ok(fd, id, "huge", text);
	free(text);
}

/* Byte by byte, so that the console sees it in pieces. */
static inline void send_split(int fd, json_int_t id)
{
	char text[200];

	int n = snprintf(text, sizeof(text),
			 "{\"id\":%d,\"ok\":true,\"command\":\"split\",\"data\":1,\"text\":\"whole\\n\"}\n",
			 (int)id);
	for (int i = 0; i < n; i++)
		send_all(fd, text + i, 1);
}

/* As long as an engine takes that was not there yet. */
static inline void start(const struct server *s)
{
	struct pollfd stop = {.fd = s->stop[0], .events = POLLIN};

	poll(&stop, 1, START_MS);
}

/* What a command does is its name. False: the connection ends. */
static inline bool answer(struct server *s, int fd, json_int_t id, const char *command)
{
	char text[400];

	if (strncmp(command, "\\source ", 8) == 0)
		command += 8;
	if (s->held && strcmp(command, "next") == 0)
		send_ok(fd, s->held, "late", "too late\n");
	if (strncmp(command, "fail ", 5) == 0) {
		send_error(fd, id, command, command + 5);
	} else if (strcmp(command, "hang") == 0 || strcmp(command, "stuck") == 0 ||
		   strcmp(command, "late") == 0) {
		s->held = id;
		s->held_ends = strcmp(command, "hang") == 0;
	} else if (strcmp(command, "\\events") == 0) {
		send_text(fd, "{\"event\":\"log\",\"text\":\"price saved\"}\n");
		s->held = id;
		s->held_ends = true;
	} else if (strcmp(command, "vanish") == 0) {
		return false;
	} else if (strcmp(command, "last words") == 0) {
		send_ok(fd, id, command, "farewell\n");
		return false;
	} else if (strcmp(command, "half") == 0) {
		send_text(fd, "{\"id\":1,\"ok\":tr");
		return false;
	} else if (strcmp(command, "huge") == 0) {
		send_huge(fd, id, 40 << 20);
	} else if (strcmp(command, "split") == 0) {
		send_split(fd, id);
	} else if (strcmp(command, "garbage") == 0) {
		send_text(fd, "HTTP/1.1 400 Bad Request\n");
	} else if (strcmp(command, "event") == 0) {
		send_text(fd, "{\"event\":\"log\",\"text\":\"before\"}\n{\"id\":null,\"event\":\"log\","
			      "\"text\":\"more\"}\n");
		send_ok(fd, id, command, "answer\n");
		send_text(fd, "{\"event\":\"log\",\"text\":\"after\"}\n");
	} else if (strcmp(command, "soon") == 0) {
		send_ok(fd, id, command, "wait for it\n");
		send_text(fd, "{\"event\":\"log\",\"text\":\"something happened\"}\n");
	} else if (strcmp(command, "bare") == 0) {
		snprintf(text, sizeof(text),
			 "{ \"id\": %d,  \"ok\": true, \"zeta\": 1.50, \"alpha\": \"\\u00e9\"}\n", (int)id);
		send_text(fd, text);
	} else {
		snprintf(text, sizeof(text), "ran %.300s\n", command);
		send_ok(fd, id, command, text);
	}
	return true;
}

static inline void complete(int fd, json_int_t id, const json_t *request)
{
	const char *line = json_string_value(json_object_get(request, "line"));
	json_t *matches = strncmp(line, "pri", 3) == 0    ? json_pack("[s,s]", "price", "price_all")
			  : strncmp(line, "\\li", 3) == 0 ? json_pack("[s]", "\\list")
			  : strncmp(line, "o.q", 3) == 0  ? json_pack("[s]", "qty")
							  : json_array();

	send_object(fd, json_pack("{s:I, s:b, s:{s:i, s:o}}", "id", id, "ok", true, "data", "start",
				  strncmp(line, "o.q", 3) == 0 ? 2 : 0, "matches", matches));
}

static inline void take_interrupt(struct server *s, int fd, json_int_t id)
{
	if (id != s->held || !s->held_ends)
		return;
	send_error(fd, id, "hang", "interrupted");
	s->held = 0;
}

static inline bool take_request(struct server *s, int fd, const char *line)
{
	json_t *request = json_loads(line, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	const char *command = json_string_value(json_object_get(request, "command"));
	bool stays = true;

	pthread_mutex_lock(&s->lock);
	if (s->logged < LOG_MAX)
		s->log[s->logged++] = strdup(line);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);

	if (s->mode == STARTING && json_object_get(request, "hello"))
		start(s);
	if (s->mode == SILENT || s->mode == GARBAGE)
		command = NULL;
	else if (json_object_get(request, "hello"))
		send_object(fd, json_pack("{s:i, s:b, s:s, s:{s:i, s:i, s:s, s:i}}", "id", 0, "ok", true,
					  "command", "hello", "data", "version", s->mode == NEWER ? 2 : 1,
					  "pid", 123, "program", "/x/orders", "functions", 7));
	else if (json_object_get(request, "complete"))
		complete(fd, id, json_object_get(request, "complete"));
	else if (json_object_get(request, "interrupt"))
		take_interrupt(s, fd, json_integer_value(json_object_get(request, "interrupt")));
	if (command)
		stays = answer(s, fd, id, command);
	json_decref(request);
	return stays;
}

/* Waits until `fd` can be read; false if the server is to stop. */
static inline bool readable(const struct server *s, int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

	poll(fds, 2, -1);
	return !fds[1].revents;
}

/* Reads what has come and takes the whole lines in it; false at the end of the connection. */
static inline bool take_requests(struct server *s, int fd, char **text, size_t *size)
{
	size_t before = *size;
	char *newline;

	if (!take_output(fd, text, size))
		return false;
	while ((newline = memchr(*text + before, '\n', *size - before))) {
		size_t length = (size_t)(newline + 1 - *text);
		*newline = '\0';
		if (!take_request(s, fd, *text))
			return false;
		*size -= length;
		memmove(*text, newline + 1, *size);
		before = 0;
	}
	return true;
}

static inline void serve(struct server *s, int fd)
{
	bool listens = s->mode != NO_ENGINE && s->mode != CLOSING;
	char *text = NULL;
	size_t size = 0;

	s->held = 0;
	if (s->mode == NO_ENGINE)
		send_text(fd, "{\"ok\":false,\"error\":{\"class\":\"internal\",\"message\":\"no engine "
			      "found\"}}\n");
	else if (s->mode == GARBAGE)
		send_text(fd, "220 mail.example\n");
	while (listens && readable(s, fd) && take_requests(s, fd, &text, &size))
		;
	free(text);
	close(fd);
}

static inline void *server_main(void *context)
{
	struct server *s = context;

	while (readable(s, s->listener)) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve(s, fd);
	}
	return NULL;
}

static inline int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static inline void server_start(struct server *s)
{
	unlink(s->path);
	s->listener = listen_at(s->path);
	assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
	s->running = true;
}

static inline void server_stop(struct server *s)
{
	if (!s->running)
		return;
	assert_int_equal(write(s->stop[1], "x", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->listener);
	close(s->stop[0]);
	close(s->stop[1]);
	s->running = false;
}

static inline struct server *server_new(const char *name)
{
	struct server *s = calloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	strcpy(s->folder, "/tmp/console_test.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, name);
	server_start(s);
	return s;
}

static inline void server_free(struct server *s)
{
	char command[120];

	server_stop(s);
	for (size_t i = 0; i < s->logged; i++)
		free(s->log[i]);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	assert_int_equal(system(command), 0);
	free(s);
}

static inline int make_server(void **state)
{
	*state = server_new("app.sock");
	return 0;
}

static inline int free_server(void **state)
{
	server_free(*state);
	return 0;
}

/* Waits until a request that contains `part` has come. */
static inline void wait_for_request(struct server *s, const char *part)
{
	struct timespec until;
	bool found = false;
	size_t seen = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_MS / 1000;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		for (; seen < s->logged && !found; seen++)
			found = strstr(s->log[seen], part) != NULL;
		if (found || pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&s->lock);
	if (!found)
		fail_msg("no request with %s came", part);
}

/* The commands that came, one a line, newlines within one as `|`. */
static inline const char *commands_of(struct server *s)
{
	static char text[65536];
	size_t size = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->logged; i++) {
		json_t *request = json_loads(s->log[i], 0, NULL);
		const char *command = json_string_value(json_object_get(request, "command"));
		for (; command && *command && size < sizeof(text) - 2; command++)
			text[size++] = *command == '\n' ? '|' : *command;
		if (command)
			text[size++] = '\n';
		json_decref(request);
	}
	pthread_mutex_unlock(&s->lock);
	text[size] = '\0';
	return text;
}

/* --- running rtf-console --- */

static char console_path[4096];

struct run {
	pid_t pid;
	int out_fd, err_fd, in_fd;
	char *out, *err;
	size_t out_size, err_size;
	int status; /* exit status, or 128 + the signal */
};

struct how {
	const char *input; /* standard input, NULL: empty */
	size_t input_size; /* 0: strlen */
	bool as_nobody;    /* without root's rights */
	const char *out_file;
};

static inline void exec_console(const char *const *arguments, bool as_nobody)
{
	char *argv[32] = {console_path};
	extern char **environ;
	int binary = open(console_path, O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = (char *)arguments[i];
	if (as_nobody && geteuid() == 0 && (setgid(65534) || setuid(65534)))
		_exit(126);
	fexecve(binary, argv, environ);
	_exit(127);
}

static inline void run_start(struct run *r, struct how how, const char *const *arguments)
{
	int in[2], out[2], err[2];

	*r = (struct run){0};
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		dup2(in[0], 0);
		dup2(how.out_file ? open(how.out_file, O_WRONLY) : out[1], 1);
		dup2(err[1], 2);
		exec_console(arguments, how.as_nobody);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	r->in_fd = in[1];
	r->out_fd = out[0];
	r->err_fd = err[0];
}

static inline int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Feeds standard input and takes both outputs until they end; the deadline is for each bit of progress. */
static inline void run_finish(struct run *r, const char *input, size_t input_size)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	bool out = true, err = true;

	r->out = r->out ? r->out : calloc(1, 1);
	r->err = calloc(1, 1);
	fcntl(r->in_fd, F_SETFL, O_NONBLOCK);
	while (out || err) {
		if (!input_size && r->in_fd >= 0) {
			close(r->in_fd);
			r->in_fd = -1;
		}
		struct pollfd fds[] = {
			{.fd = out ? r->out_fd : -1, .events = POLLIN},
			{.fd = err ? r->err_fd : -1, .events = POLLIN},
			{.fd = r->in_fd, .events = POLLOUT},
		};
		if (poll(fds, 3, 1000) > 0) {
			deadline = now_ms() + DEADLINE_MS;
		} else if (now_ms() > deadline) {
			kill(r->pid, SIGKILL);
			fail_msg("rtf-console does not end; so far: %s%s", r->out, r->err);
		}
		if (fds[0].revents)
			out = take_output(r->out_fd, &r->out, &r->out_size);
		if (fds[1].revents)
			err = take_output(r->err_fd, &r->err, &r->err_size);
		if (fds[2].revents) {
			ssize_t n = write(r->in_fd, input, input_size);
			if (n < 0 && errno != EAGAIN)
				input_size = 0;
			input += n > 0 ? n : 0;
			input_size -= n > 0 ? (size_t)n : 0;
		}
	}
	assert_int_equal(waitpid(r->pid, &r->status, 0), r->pid);
	r->status = exit_status(r->status);
	close(r->out_fd);
	close(r->err_fd);
	if (r->in_fd >= 0)
		close(r->in_fd);
}

static inline void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct run run_how(struct how how, const char *const *arguments)
{
	struct run r;
	size_t size = how.input_size ? how.input_size : how.input ? strlen(how.input) : 0;

	run_start(&r, how, arguments);
	run_finish(&r, how.input, size);
	return r;
}

#define RUN(...)             run_how((struct how){0}, ARGUMENTS(__VA_ARGS__))
#define RUN_INPUT(text, ...) run_how((struct how){.input = (text)}, ARGUMENTS(__VA_ARGS__))

static inline void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in '%.2000s'", part, text);
}

static inline void assert_no_part(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in '%.2000s'", part, text);
}

/* Checks what a run has left and frees it. NULL is not looked at. */
static inline void expect(struct run r, int status, const char *out, const char *err_part)
{
	if (r.status != status)
		fail_msg("exit status %d, not %d: %.1000s%.1000s", r.status, status, r.out, r.err);
	if (out)
		assert_string_equal(r.out, out);
	if (err_part && *err_part)
		assert_part(r.err, err_part);
	else if (err_part)
		assert_string_equal(r.err, "");
	run_free(&r);
}

/* The hello of the last connection. */
static inline json_t *last_hello(struct server *s)
{
	json_t *hello = NULL;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->logged; i++) {
		if (!strstr(s->log[i], "\"hello\""))
			continue;
		json_decref(hello);
		hello = json_loads(s->log[i], 0, NULL);
	}
	pthread_mutex_unlock(&s->lock);
	return hello;
}

static inline void expect_hello(struct server *s, bool text, bool read_only, bool events, bool color,
				int width)
{
	int id, version, is_text, is_read_only, has_events, is_color, is_width;
	json_t *hello = last_hello(s);

	assert_int_equal(json_unpack(hello, "{s:i, s:{s:i, s:b, s:b, s:b, s:b, s:i!}!}", "id", &id, "hello",
				     "version", &version, "text", &is_text, "read_only", &is_read_only,
				     "events", &has_events, "color", &is_color, "width", &is_width),
			 0);
	assert_int_equal(id, 0);
	assert_int_equal(version, 1);
	assert_int_equal(is_text, text);
	assert_int_equal(is_read_only, read_only);
	assert_int_equal(has_events, events);
	assert_int_equal(is_color, color);
	assert_int_equal(is_width, width);
	json_decref(hello);
}

#endif
