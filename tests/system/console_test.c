/* rtf-console as scripts and people use it, against an engine of the test's own: a thread that listens on a
 * socket, speaks the protocol and does what the commands' names say (see answer()). RTF_BUILD is where
 * rtf-console is. */
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

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Appends what can be read to a text that grows; false at the end. */
static bool take_output(int fd, char **text, size_t *size)
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

static void send_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

static void send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

static void send_object(int fd, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	send_text(fd, text);
	send_text(fd, "\n");
	free(text);
	json_decref(object);
}

static void send_ok(int fd, json_int_t id, const char *command, const char *text)
{
	send_object(fd, json_pack("{s:I, s:b, s:s, s:{s:i, s:i}, s:s}", "id", id, "ok", true, "command",
				  command, "data", "z", 1, "a", 2, "text", text));
}

static void send_error(int fd, json_int_t id, const char *command, const char *class)
{
	send_object(fd,
		    json_pack("{s:I, s:b, s:s, s:{s:s, s:s}, s:s}", "id", id, "ok", false, "command", command,
			      "error", "class", class, "message", "so it is", "text", "error: so it is\n"));
}

static void send_huge(int fd, json_int_t id, size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	send_ok(fd, id, "huge", text);
	free(text);
}

/* Byte by byte, so that the console sees it in pieces. */
static void send_split(int fd, json_int_t id)
{
	char text[200];

	int n = snprintf(text, sizeof(text),
			 "{\"id\":%d,\"ok\":true,\"command\":\"split\",\"data\":1,\"text\":\"whole\\n\"}\n",
			 (int)id);
	for (int i = 0; i < n; i++)
		send_all(fd, text + i, 1);
}

/* As long as an engine takes that was not there yet. */
static void start(const struct server *s)
{
	struct pollfd stop = {.fd = s->stop[0], .events = POLLIN};

	poll(&stop, 1, START_MS);
}

/* What a command does is its name. False: the connection ends. */
static bool answer(struct server *s, int fd, json_int_t id, const char *command)
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

static void complete(int fd, json_int_t id, const json_t *request)
{
	const char *line = json_string_value(json_object_get(request, "line"));
	json_t *matches = strncmp(line, "pri", 3) == 0    ? json_pack("[s,s]", "price", "price_all")
			  : strncmp(line, "\\li", 3) == 0 ? json_pack("[s]", "\\list")
			  : strncmp(line, "o.q", 3) == 0  ? json_pack("[s]", "qty")
							  : json_array();

	send_object(fd, json_pack("{s:I, s:b, s:{s:i, s:o}}", "id", id, "ok", true, "data", "start",
				  strncmp(line, "o.q", 3) == 0 ? 2 : 0, "matches", matches));
}

static void take_interrupt(struct server *s, int fd, json_int_t id)
{
	if (id != s->held || !s->held_ends)
		return;
	send_error(fd, id, "hang", "interrupted");
	s->held = 0;
}

static bool take_request(struct server *s, int fd, const char *line)
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
static bool readable(const struct server *s, int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

	poll(fds, 2, -1);
	return !fds[1].revents;
}

/* Reads what has come and takes the whole lines in it; false at the end of the connection. */
static bool take_requests(struct server *s, int fd, char **text, size_t *size)
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

static void serve(struct server *s, int fd)
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

static void *server_main(void *context)
{
	struct server *s = context;

	while (readable(s, s->listener)) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve(s, fd);
	}
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void server_start(struct server *s)
{
	unlink(s->path);
	s->listener = listen_at(s->path);
	assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
	s->running = true;
}

static void server_stop(struct server *s)
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

static struct server *server_new(const char *name)
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

static void server_free(struct server *s)
{
	char command[120];

	server_stop(s);
	for (size_t i = 0; i < s->logged; i++)
		free(s->log[i]);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	assert_int_equal(system(command), 0);
	free(s);
}

static int make_server(void **state)
{
	*state = server_new("app.sock");
	return 0;
}

static int free_server(void **state)
{
	server_free(*state);
	return 0;
}

/* Waits until a request that contains `part` has come. */
static void wait_for_request(struct server *s, const char *part)
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
static const char *commands_of(struct server *s)
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

static void exec_console(const char *const *arguments, bool as_nobody)
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

static void run_start(struct run *r, struct how how, const char *const *arguments)
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

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Feeds standard input and takes both outputs until they end; the deadline is for each bit of progress. */
static void run_finish(struct run *r, const char *input, size_t input_size)
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

static void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct run run_how(struct how how, const char *const *arguments)
{
	struct run r;
	size_t size = how.input_size ? how.input_size : how.input ? strlen(how.input) : 0;

	run_start(&r, how, arguments);
	run_finish(&r, how.input, size);
	return r;
}

#define RUN(...)             run_how((struct how){0}, ARGUMENTS(__VA_ARGS__))
#define RUN_INPUT(text, ...) run_how((struct how){.input = (text)}, ARGUMENTS(__VA_ARGS__))

static void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in '%.2000s'", part, text);
}

static void assert_no_part(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in '%.2000s'", part, text);
}

/* Checks what a run has left and frees it. NULL is not looked at. */
static void expect(struct run r, int status, const char *out, const char *err_part)
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

/* --- usage and connection --- */

static void help_and_version_need_no_socket(void **state)
{
	(void)state;
	struct run r = RUN("--help");
	assert_int_equal(r.status, 0);
	assert_part(r.out, "--read-only");
	assert_string_equal(r.err, "");
	run_free(&r);
	r = RUN("--version");
	assert_int_equal(r.status, 0);
	assert_part(r.out, "rtf-console 0.");
	run_free(&r);
}

static void bad_usage_exits_1_and_says_what_is_wrong(void **state)
{
	struct server *s = *state;

	expect(run_how((struct how){0}, (const char *const[]){NULL}), 1, "",
	       "no socket given: rtf-console SOCKET, the path that the program gave rtf_start()");
	expect(RUN("--jsn", s->path), 1, "", "unknown option --jsn: did you mean --json?");
	expect(RUN("--readonly", s->path), 1, "", "did you mean --read-only?");
	expect(RUN("--frobnicate", s->path), 1, "",
	       "unknown option --frobnicate (rtf-console --help lists them)");
	expect(RUN("--json=x", s->path), 1, "", "--json takes no argument");
	expect(RUN("-x", s->path), 1, "", "unknown option -x (rtf-console --help lists them)");
	expect(RUN(s->path, "-c"), 1, "", "-c takes an argument");
	expect(RUN("-t", "soon", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("-t", "0", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("-t", "nan", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("--color=blue", s->path), 1, "", "--color is auto, always or never, not 'blue'");
	expect(RUN(s->path, s->path), 1, "", "one socket at a time, not also ");
	expect(RUN("-f", "/nonexistent/file", s->path), 1, "", "cannot read /nonexistent/file: No such file");
	expect(RUN("-f", "/", s->path), 1, "", "cannot read /: Is a directory");
	assert_int_equal(s->logged, 0);
}

static void a_socket_that_nobody_answers_exits_2_and_says_why(void **state)
{
	struct server *s = *state;
	char path[200], longer[200];

	snprintf(path, sizeof(path), "%s/none.sock", s->folder);
	expect(RUN("-c", "x", path), 2, "", ": no program has opened a console there");
	snprintf(path, sizeof(path), "%s/none/app.sock", s->folder);
	expect(RUN("-c", "x", path), 2, "", ": no program has opened a console there");

	snprintf(path, sizeof(path), "%s/dead.sock", s->folder);
	close(listen_at(path));
	expect(RUN("-c", "x", path), 2, "", "left by a program that has ended");

	snprintf(path, sizeof(path), "%s/file", s->folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	expect(RUN("-c", "x", path), 2, "", " is not a socket\n");

	struct sockaddr_un other = {.sun_family = AF_UNIX};
	snprintf(other.sun_path, sizeof(other.sun_path), "%s/other.sock", s->folder);
	int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(datagrams, (struct sockaddr *)&other, sizeof(other)), 0);
	expect(RUN("-c", "x", other.sun_path), 2, "", " is a socket of another kind, not a console");
	close(datagrams);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	expect(RUN("-c", "x", longer), 2, "", "a socket's path has 1 to 107 bytes, not 199");
	expect(RUN("-c", "x", ""), 2, "", "a socket's path has 1 to 107 bytes");
}

static void another_users_socket_exits_2_and_says_so(void **state)
{
	struct server *s = *state;
	const char *const *arguments = ARGUMENTS("-c", "x", s->path);

	chmod(s->folder, 0755);
	chmod(s->path, 0);
	expect(run_how((struct how){.as_nobody = true}, arguments), 2, "",
	       ": the program runs as another user");
}

static void a_full_backlog_ends_with_the_time_limit(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[16], count = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/busy.sock", s->folder);
	int listener = listen_at(address.sun_path);
	listen(listener, 0);
	do
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	while (connect(fds[count++], (struct sockaddr *)&address, sizeof(address)) == 0 && count < 16);
	expect(RUN("-t", "0.2", "-c", "x", address.sun_path), 2, "", " takes no connections: is it stopped?");
	while (count)
		close(fds[--count]);
	close(listener);
}

static void a_program_without_an_engine_says_so(void **state)
{
	struct server *s = *state;

	s->mode = NO_ENGINE;
	for (int i = 0; i < 20; i++) /* it may be gone before our hello is sent */
		expect(RUN("-c", "x", s->path), 2, "", "rtf-console: no engine found\n");
}

static void what_answers_wrongly_or_not_at_all_exits_2(void **state)
{
	struct server *s = *state;

	s->mode = SILENT;
	expect(RUN("-t", "0.2", "-c", "x", s->path), 2, "", "no answer from ");
	s->mode = CLOSING;
	expect(RUN("-c", "x", s->path), 2, "", "closed the connection");
	s->mode = GARBAGE;
	expect(RUN("-c", "x", s->path), 2, "", "does not speak rtf's protocol");
	s->mode = NEWER;
	expect(RUN("-c", "x", s->path), 2, "", "speaks version 2 of the protocol, this console version ");
}

static void the_shortest_limit_is_no_engines_that_has_to_be_started(void **state)
{
	struct server *s = *state;

	s->mode = STARTING;
	expect(RUN("-t", "0.1", "-c", "x", s->path), 0, "ran x\n", "");
}

/* The hello of the last connection. */
static json_t *last_hello(struct server *s)
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

static void expect_hello(struct server *s, bool text, bool read_only, bool events, bool color, int width)
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

static void hello_tells_what_the_options_ask_for(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, false, 80);
	setenv("COLUMNS", "132", 1);
	expect(RUN("--json", "--read-only", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, false, true, false, false, 132);
	unsetenv("COLUMNS");
	expect(RUN("--color=always", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, true, 80);
	expect(RUN("--color", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, true, 80);
	expect(RUN("--color=never", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, false, 80);
}

/* --- commands --- */

static void commands_run_in_order_and_stop_at_the_first_that_fails(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "\\list", "-c", "x = 3", s->path), 0, "ran \\list\nran x = 3\n", "");
	assert_string_equal(commands_of(s), "\\list\nx = 3\n");
	expect(RUN(s->path, "-c", "one", "-c", "fail compile", "-c", "two"), 3, "ran one\n",
	       "error: so it is\n");
	assert_no_part(commands_of(s), "two");
	expect(RUN("-c", "", "-c", " // x", "-c", "  \\list  ", s->path), 0, "ran \\list\n", "");
}

static void the_exit_status_tells_the_class(void **state)
{
	struct server *s = *state;
	static const struct {
		const char *command;
		int status;
	} cases[] = {
		{"fail usage", 3},       {"fail unknown", 3},   {"fail ambiguous", 3}, {"fail compile", 3},
		{"fail layout", 3},      {"fail signature", 3}, {"fail denied", 3},    {"fail drift", 3},
		{"fail internal", 3},    {"fail anything", 3},  {"fail fault", 4},     {"fail timeout", 4},
		{"fail interrupted", 4}, {"fine", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect(RUN("-c", cases[i].command, s->path), cases[i].status, NULL, NULL);
		expect(RUN("--json", "-c", cases[i].command, s->path), cases[i].status, NULL, "");
	}
}

static void json_answers_are_printed_as_they_came(void **state)
{
	struct server *s = *state;

	expect(RUN("--json", "-c", "bare", s->path), 0,
	       "{ \"id\": 1,  \"ok\": true, \"zeta\": 1.50, \"alpha\": \"\\u00e9\"}\n", "");
	expect(RUN("--json", "-c", "fail compile", s->path), 3,
	       "{\"id\":1,\"ok\":false,\"command\":\"fail "
	       "compile\",\"error\":{\"class\":\"compile\",\"message\":\"so it is\"},"
	       "\"text\":\"error: so it is\\n\"}\n",
	       "");
	expect(RUN_INPUT("a\nfail fault\nb\n", "--json", s->path), 4, NULL, "");
}

/* All that is printed is one object that says so. */
static void expect_failure(struct run r, int status, const char *command, const char *class, const char *part)
{
	json_t *object = json_loads(r.out, 0, NULL);
	const char *got_command, *got_class, *message;

	assert_int_equal(r.status, status);
	assert_string_equal(r.err, "");
	if (json_unpack(object, "{s:s, s:{s:s, s:s}}", "command", &got_command, "error", "class", &got_class,
			"message", &message))
		fail_msg("no failure: %.300s", r.out);
	assert_true(json_is_false(json_object_get(object, "ok")));
	assert_string_equal(got_command, command);
	assert_string_equal(got_class, class);
	assert_part(message, part);
	json_decref(object);
	run_free(&r);
}

static void with_json_every_failure_is_an_object(void **state)
{
	struct server *s = *state;
	char path[200];

	expect_failure(RUN("--frobnicate", "--json", s->path), 1, "", "usage", "unknown option --frobnicate");
	expect_failure(RUN("--json", "-t", "soon", s->path), 1, "", "usage", "-t takes a number");
	expect_failure(RUN("--json", "-c", "x"), 1, "", "usage", "no socket given");
	expect_failure(RUN("--json", "-f", "/nonexistent/file", s->path), 1, "", "usage",
		       "cannot read /nonexistent/file");
	expect_failure(RUN("--json", "-f", "/", s->path), 1, "", "usage", "Is a directory");
	snprintf(path, sizeof(path), "%s/none.sock", s->folder);
	expect_failure(RUN("--json", "-c", "\\list", path), 2, "", "unknown", "no socket at");
	snprintf(path, sizeof(path), "%s/none*.sock", s->folder);
	expect_failure(RUN("--json", "--all", "-c", "\\list", path), 2, "", "unknown", "no socket matches");
	expect_failure(RUN("--json", "-c", "\\source a\xff", s->path), 3, "\\source", "usage", "not UTF-8");
	expect_failure(RUN("--json", "-c", "vanish", s->path), 2, "", "internal", "connection lost");
	s->mode = NO_ENGINE;
	expect_failure(RUN("--json", "-c", "x", s->path), 2, "", "internal", "no engine");
	s->mode = GARBAGE;
	expect_failure(RUN("--json", "-c", "x", s->path), 2, "", "internal", "does not speak rtf's protocol");
}

static void with_json_quit_is_answered_like_any_command(void **state)
{
	struct server *s = *state;
	const char *answer = "{\"ok\":true,\"command\":\"\\\\quit\",\"data\":null}\n";

	expect(RUN("--json", "-c", "\\quit", s->path), 0, answer, "");
	expect(RUN_INPUT("quit\na\n", "--json", s->path), 0, answer, "");
}

static void standard_input_goes_on_after_a_failure_and_exits_with_the_worst(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("a\nfail compile\nb\nfail fault\nfail usage\nc", s->path), 4,
	       "ran a\nran b\nran c\n", "so it is");
	assert_string_equal(commands_of(s), "a\nfail compile\nb\nfail fault\nfail usage\nc\n");
	expect(RUN_INPUT("", s->path), 0, "", "");
}

static void lines_become_entries(void **state)
{
	struct server *s = *state;
	static const char input[] = "\xef\xbb\xbf// prices\n\n"
				    "\\list\r\n"
				    "REALTIMEFUNC\n"
				    "static double price(const struct order *o)\n"
				    "{\n"
				    "\n"
				    "\treturn o->qty; /* } */\n"
				    "}\n"
				    "foo_t *f(a)\n"
				    "\n"
				    "{ return 0; }\n"
				    "if (x)\n"
				    "\ty();\n"
				    "else\n"
				    "\tz();\n"
				    "  \\log price  \n"
				    "\\check\n"
				    "int g(void)\n"
				    "{\n"
				    "}\n"
				    "\\define h\n"
				    "int h(void) { return 3; }\n"
				    "#define X \\\n"
				    "\t3\n"
				    "static int open(int a)\n"
				    "\\status\n"
				    "int last(void) {\n";

	expect(RUN_INPUT(input, s->path), 0, NULL, "");
	assert_string_equal(
		commands_of(s),
		"\\list\n"
		"REALTIMEFUNC|static double price(const struct order *o)|{||\treturn o->qty; /* } */|}\n"
		"foo_t *f(a)||{ return 0; }\n"
		"if (x)|\ty();|else|\tz();\n"
		"\\log price\n"
		"\\check|int g(void)|{|}\n"
		"\\define h|int h(void) { return 3; }\n"
		"#define X \\|\t3\n"
		"static int open(int a)\n"
		"\\status\n"
		"int last(void) {\n");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static void files_and_commands_run_in_the_order_given(void **state)
{
	struct server *s = *state;
	char path[100];

	snprintf(path, sizeof(path), "%s/commands", s->folder);
	write_file(path, "b\nfail usage\nc\n");
	expect(RUN_INPUT("d\n", "-c", "a", "-f", path, "-f", "-", "-c", "e", s->path), 3,
	       "ran a\nran b\nran c\nran d\nran e\n", "so it is");
}

static void bare_words_that_everyone_tries_work(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("help\nquit\nnever\n", s->path), 0, "ran \\help\n", "");
	expect(RUN_INPUT("exit\nnever\n", s->path), 0, "", "");
	expect(RUN_INPUT("a\n  \\q  \nnever\n", s->path), 0, "ran a\n", "");
	expect(RUN("-c", "\\quit", "-c", "never", s->path), 0, "", "");
	expect(RUN_INPUT("fail usage\n\\quit\n", s->path), 3, "", NULL);
	assert_no_part(commands_of(s), "never");
	expect(RUN_INPUT("quit()\nhelp;\n", s->path), 0, "ran quit()\nran help;\n", "");
}

static void a_time_limit_interrupts_the_command_and_exits_4(void **state)
{
	struct server *s = *state;

	expect(RUN("-t", "0.1", "-c", "hang", "-c", "never", s->path), 4, "",
	       "ended by the time limit of 0.1 s");
	wait_for_request(s, "\"interrupt\":1");
	expect(RUN("-t", "0.1", "--json", "-c", "hang", s->path), 4, NULL, "");
	assert_no_part(commands_of(s), "never");
}

static void a_command_that_cannot_be_interrupted_is_given_up(void **state)
{
	struct server *s = *state;

	expect(RUN("-t", "0.1", "-c", "stuck", s->path), 4, "", "no answer within 0.1 s: gave up");
	expect(RUN("-t", "0.1", "--json", "-c", "stuck", s->path), 4,
	       "{\"ok\":false,\"command\":\"\",\"error\":{\"class\":\"timeout\","
	       "\"message\":\"no answer within 0.1 s: gave up\"}}\n",
	       "");
	expect(RUN("-t", "5", "-c", "quick", s->path), 0, "ran quick\n", "");
}

static void a_late_answer_is_not_taken_for_the_next_ones(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("late\nnext\n", "-t", "0.1", s->path), 4, "ran next\n", "gave up");
}

static void ctrl_c_interrupts_the_command_and_ends_the_run(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS("-c", "hang", "-c", "never", s->path));
	wait_for_request(s, "\"hang\"");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "error: so it is");

	run_start(&r, (struct how){0}, ARGUMENTS("-f", "-", s->path));
	assert_int_equal(write(r.in_fd, "a\nhang\nnever\n", 13), 13);
	wait_for_request(s, "\"id\":2,\"command\":\"hang\"");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "ran a\n", "so it is");
	assert_no_part(commands_of(s), "never");
}

static void the_source_to_be_edited_can_be_waited_for_too_long(void **state)
{
	struct server *s = *state;
	struct run r;

	setenv("EDITOR", "false", 1);
	run_start(&r, (struct how){0}, ARGUMENTS("-c", "\\edit hang", "-c", "never", s->path));
	wait_for_request(s, "source hang");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "error: so it is");
	assert_no_part(commands_of(s), "never");
	expect(RUN("-t", "0.1", "-c", "\\edit hang", s->path), 4, "", "ended by the time limit of 0.1 s");
	expect(RUN("-t", "0.1", "-c", "\\edit stuck", s->path), 4, "", "no answer within 0.1 s: gave up");
	expect(RUN("-c", "\\edit vanish", s->path), 2, "", "connection lost");
	unsetenv("EDITOR");
}

static void a_second_ctrl_c_gives_up(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS("-c", "stuck", s->path));
	wait_for_request(s, "\"stuck\"");
	kill(r.pid, SIGINT);
	wait_for_request(s, "\"interrupt\":1");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "gave up waiting for the answer");
}

static void ctrl_c_ends_the_wait_for_input(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS(s->path));
	assert_int_equal(write(r.in_fd, "a\n", 2), 2);
	while (!strchr(r.out ? r.out : "", '\n'))
		assert_true(take_output(r.out_fd, &r.out, &r.out_size));
	int in = dup(r.in_fd); /* the input does not end */
	kill(r.pid, SIGINT);
	run_finish(&r, "", 0);
	close(in);
	expect(r, 4, "ran a\n", "");
}

static void a_lost_connection_exits_2(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "vanish", "-c", "never", s->path), 2, "", "rtf-console: connection lost\n");
	expect(RUN("-c", "half", s->path), 2, "", "connection lost");
	expect(RUN_INPUT("a\nfail fault\nvanish\nnever\n", s->path), 2, "ran a\n", "connection lost");
	expect(RUN("-c", "last words", s->path), 0, "farewell\n", "");
	expect(RUN("-c", "last words", "-c", "never", s->path), 2, "farewell\n", "connection lost");
	expect(RUN("-c", "garbage", s->path), 2, "", "does not speak rtf's protocol");
}

static void a_connection_lost_while_input_is_awaited_exits_2(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS(s->path));
	assert_int_equal(write(r.in_fd, "last words\n", 11), 11);
	int in = dup(r.in_fd); /* the input does not end */
	run_finish(&r, "", 0);
	close(in);
	expect(r, 2, "farewell\n", "connection lost");
}

static void answers_in_pieces_and_huge_ones_arrive_whole(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "split", "-c", "a", s->path), 0, "whole\nran a\n", "");
	struct run r = RUN("-c", "huge", s->path);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.out_size, (40 << 20) + 1);
	run_free(&r);
}

static void events_do_not_mix_with_the_answers(void **state)
{
	struct server *s = *state;
	struct run r = RUN("-c", "event", "-c", "a", s->path);

	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "answer\nran a\n");
	assert_string_equal(r.err, "before\nmore\nafter\n");
	run_free(&r);
	r = RUN("--json", "-c", "event", "-c", "a", s->path);
	assert_no_part(r.out, "\"event\":");
	assert_part(r.err, "{\"event\":\"log\",\"text\":\"before\"}\n");
	run_free(&r);
	expect(RUN("-t", "0.2", "-c", "\\events", s->path), 4, "price saved\n", NULL);
}

static void what_json_cannot_carry_is_refused_here(void **state)
{
	struct server *s = *state;
	char *big = malloc((17 << 20) + 10);

	expect(RUN_INPUT("x = \"\xff\xfe\"\na\n", s->path), 3, "ran a\n", "that is not UTF-8: not sent");
	expect(RUN_INPUT("x\xc3\n", "--json", s->path), 3,
	       "{\"ok\":false,\"command\":\"\",\"error\":{\"class\":\"usage\",\"message\":\"that is not "
	       "UTF-8: not sent\"}}\n",
	       "");
	expect(RUN("-c", "\xff", s->path), 3, "", "not UTF-8");
	expect(run_how((struct how){.input = "x\0y\na\n", .input_size = 6}, ARGUMENTS(s->path)), 3, "ran a\n",
	       "a NUL byte cannot be part of a command: not sent");

	memset(big, 'x', 17 << 20);
	strcpy(big + (17 << 20), "\na\n");
	expect(RUN_INPUT(big, s->path), 3, "ran a\n", "that is more than 16 MiB for one command: not sent");
	assert_string_equal(commands_of(s), "a\na\na\n");
	strcpy(big + (10 << 20), "\nb\n");
	expect(RUN_INPUT(big, s->path), 0, NULL, "");
	free(big);
}

static void answers_that_cannot_be_written_exit_1(void **state)
{
	struct server *s = *state;

	expect(run_how((struct how){.out_file = "/dev/full"}, ARGUMENTS("-c", "a", s->path)), 1, "",
	       "cannot write the answers");
}

static void all_asks_every_socket_and_exits_with_the_worst(void **state)
{
	struct server *s = *state, *other = server_new("b.sock");
	char pattern[200], path[200], expected[1000];

	/* both in one folder, with a dead one and a file between */
	server_stop(other);
	snprintf(other->path, sizeof(other->path), "%s/z.sock", s->folder);
	server_start(other);
	snprintf(path, sizeof(path), "%s/m.sock", s->folder);
	write_file(path, "");
	snprintf(pattern, sizeof(pattern), "%s/*.sock", s->folder);

	snprintf(expected, sizeof(expected),
		 "==> %s <==\n==> %s <==\n(2 consoles with the same answer)\nran a\nran b\n2 consoles asked: "
		 "all did it\n",
		 s->path, other->path);
	expect(RUN("--all", "-c", "a", "-c", "b", pattern), 0, expected, "");
	expect(RUN_INPUT("a\nb\n", "--all", pattern), 0, expected, "");
	expect(RUN_INPUT("a\nb\n", "--all", s->path, other->path, s->path), 0, expected, "");

	snprintf(path, sizeof(path), "%s/c.sock", s->folder);
	close(listen_at(path));
	struct run dead = RUN("--all", "-c", "a", "-c", "b", pattern);
	assert_int_equal(dead.status, 2);
	assert_part(dead.err, "left by a program that has ended");
	assert_part(dead.out, "3 consoles asked: 2 did it, 1 did not; ");
	assert_part(strstr(dead.out, "did not"), path);
	assert_part(strstr(dead.out, "did not"), "left by a program that has ended");
	run_free(&dead);
	expect(RUN("--all", "-c", "fail fault", pattern), 4, NULL, "left by a program that has ended");
	expect(RUN("--all", "-c", "a", "/nonexistent/*.sock"), 2, "",
	       "no socket matches /nonexistent/*.sock");
	unlink(path);

	snprintf(expected, sizeof(expected), "{\"socket\":\"%s\",\"id\": 1,", s->path);
	struct run r = RUN("--all", "--json", "-c", "bare", pattern);
	assert_int_equal(r.status, 0);
	assert_int_equal(strncmp(r.out, expected, strlen(expected)), 0);
	for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *object = json_loads(line, 0, NULL);
		assert_non_null(json_string_value(json_object_get(object, "socket")));
		json_decref(object);
	}
	run_free(&r);

	/* Why some did not, once for each reason; and the sum for scripts. */
	r = RUN("--all", "-c", "fail fault", pattern);
	assert_part(r.out, "2 consoles asked: 0 did it, 2 did not; ");
	snprintf(expected, sizeof(expected), "%s, %s: ", s->path, other->path);
	assert_part(r.out, expected);
	run_free(&r);
	r = RUN("--all", "--json", "-c", "fail fault", pattern);
	assert_int_equal(r.status, 4);
	const char *sum = strstr(r.out, "\"command\":\"--all\"");
	assert_non_null(sum);
	while (sum > r.out && sum[-1] != '\n')
		sum--;
	json_t *object = json_loads(sum, 0, NULL), *data = json_object_get(object, "data");
	assert_true(json_is_false(json_object_get(object, "ok")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(object, "error"), "class")),
			    "fault");
	assert_int_equal(json_integer_value(json_object_get(data, "asked")), 2);
	assert_int_equal(json_integer_value(json_object_get(data, "done")), 0);
	assert_int_equal(json_array_size(json_object_get(data, "failed")), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(data, "failed"), 0), "socket")),
			    s->path);
	json_decref(object);
	run_free(&r);
	server_free(other);
}

/* --- a terminal --- */

struct terminal {
	int fd;
	pid_t pid;
	char *text; /* all that was shown */
	size_t size, seen;
};

static void terminal_start(struct terminal *t, const char *const *arguments)
{
	struct winsize size = {.ws_row = 24, .ws_col = 100};

	*t = (struct terminal){.text = calloc(1, 1)};
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		exec_console(arguments, false);
}

/* Waits until `part` is shown behind what was waited for before. */
static void terminal_expect(struct terminal *t, const char *part)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	for (;;) {
		const char *found = strstr(t->text + t->seen, part);
		if (found) {
			t->seen = (size_t)(found - t->text) + strlen(part);
			return;
		}
		struct pollfd fd = {.fd = t->fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		if (left <= 0 || poll(&fd, 1, (int)left) <= 0 || !take_output(t->fd, &t->text, &t->size))
			fail_msg("'%s' is not shown; after what was expected before: '%s'", part,
				 t->text + t->seen);
	}
}

static void terminal_type(struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

static void terminal_paste(struct terminal *t, const char *text)
{
	terminal_type(t, "\033[200~");
	terminal_type(t, text);
	terminal_type(t, "\033[201~");
}

static void terminal_end(struct terminal *t, int status)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct pollfd fd = {.fd = t->fd, .events = POLLIN};
	int found;

	while (poll(&fd, 1, (int)(deadline - now_ms())) > 0 && take_output(t->fd, &t->text, &t->size))
		;
	if (now_ms() >= deadline)
		kill(t->pid, SIGKILL);
	assert_int_equal(waitpid(t->pid, &found, 0), t->pid);
	if (exit_status(found) != status)
		fail_msg("exit status %d, not %d: %s", exit_status(found), status, t->text + t->seen);
	close(t->fd);
	free(t->text);
}

static int make_terminal_server(void **state)
{
	struct server *s = server_new("app.sock");

	setenv("XDG_STATE_HOME", s->folder, 1);
	setenv("TERM", "xterm", 1);
	setenv("INPUTRC", "/dev/null", 1);
	*state = s;
	return 0;
}

static void a_session_has_a_banner_and_a_prompt(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, ", connected to orders (pid 123), 7 functions. \\help for help.");
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, false, true, true, 100);
	terminal_type(&t, "\\list\r");
	terminal_expect(&t, "ran \\list\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "fail compile\r");
	terminal_expect(&t, "error: so it is\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\\q\r");
	terminal_end(&t, 0);

	terminal_start(&t, ARGUMENTS("--read-only", s->path));
	terminal_expect(&t, "7 functions, read-only.");
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, true, true, true, 100);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void no_color_is_honoured(void **state)
{
	struct server *s = *state;
	struct terminal t;

	setenv("NO_COLOR", "1", 1);
	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, false, true, false, 100);
	terminal_type(&t, "quit\r");
	terminal_end(&t, 0);
	unsetenv("NO_COLOR");
}

static void an_entry_of_several_lines_is_typed_recalled_and_kept(void **state)
{
	struct server *s = *state;
	struct terminal t;
	static const char twice[] = "int f(int a)|{|\treturn a;|}\nint f(int a)|{|\treturn a;|}\n";

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(int a)\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "{\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\026\treturn a;\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "}\r");
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\033[A");
	terminal_expect(&t, "return a;");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), twice);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\020\r"); /* Ctrl-P */
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	assert_int_equal(strlen(commands_of(s)), strlen(twice) / 2 * 3);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void empty_lines_inside_an_entry_are_kept(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\r");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(void) {\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "return 1; }\r");
	terminal_expect(&t, "ran int f");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "int f(void) {||return 1; }\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_pasted_function_is_one_entry(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "static int\r\tf(int a)\r{\r\r\treturn a;\r}\r");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran static int");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "static int|\tf(int a)|{||\treturn a;|}\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void several_entries_in_one_paste_run_in_order(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "x = 3\nint f(a)\n{\n}\n\n\\log f\nint g(");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran x = 3");
	terminal_expect(&t, "ran int f(a)");
	terminal_expect(&t, "ran \\log f");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "void);\r");
	terminal_expect(&t, "ran int g(");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "x = 3\nint f(a)|{|}\n\\log f\nint g(|void);\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_c_clears_the_entry(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "wrong");
	terminal_expect(&t, "wrong");
	terminal_type(&t, "\003");
	terminal_expect(&t, "^C");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\003");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "right\r");
	terminal_expect(&t, "ran right");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "right\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_c_interrupts_the_command_and_keeps_the_session(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "hang\nnever");
	terminal_type(&t, "\r");
	wait_for_request(s, "\"hang\"");
	terminal_type(&t, "\003");
	terminal_expect(&t, "error: so it is");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "stuck\r");
	wait_for_request(s, "\"stuck\"");
	terminal_type(&t, "\003");
	wait_for_request(s, "\"interrupt\":3");
	terminal_type(&t, "\003");
	terminal_expect(&t, "gave up waiting for the answer");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	assert_no_part(commands_of(s), "never");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_d_drops_an_open_entry_first(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\004");
	terminal_expect(&t, "was not complete and has not been run");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int g(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\\list\r");
	terminal_expect(&t, "was not complete");
	terminal_expect(&t, "ran \\list");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "\\list\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void tab_completes_what_the_engine_knows(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "pri\t");
	wait_for_request(s, "\"complete\":{\"line\":\"pri\",\"point\":3}");
	terminal_expect(&t, "ce");
	terminal_type(&t, "\t\t"); /* readline lists at the second Tab that adds nothing */
	terminal_expect(&t, "price_all");
	terminal_type(&t, "(&o)\r");
	terminal_expect(&t, "ran price(&o)");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\\li\tx\r");
	terminal_expect(&t, "ran \\list x");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "o.q\t\r");
	terminal_expect(&t, "ran o.qty");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "zzz\t\r");
	terminal_expect(&t, "ran zzz");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void an_event_is_shown_above_what_is_typed(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "soon\r");
	terminal_expect(&t, "wait for it");
	terminal_expect(&t, "something happened\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_lost_connection_is_made_anew_and_what_is_typed_stays(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "void");
	terminal_expect(&t, "void");
	server_stop(s);
	server_start(s);
	terminal_expect(&t, "connection lost, trying again");
	terminal_expect(&t, "connected again to orders (pid 123)");
	terminal_expect(&t, "orders- void");
	terminal_type(&t, ");\r");
	terminal_expect(&t, "ran int f(");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "int f(|void);\n");

	terminal_type(&t, "half typ");
	terminal_expect(&t, "half typ");
	server_stop(s);
	terminal_expect(&t, "connection lost: nobody listens at");
	terminal_end(&t, 2);

	server_start(s);
	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\020");
	terminal_expect(&t, "half typ");
	terminal_type(&t, "\003\004");
	terminal_end(&t, 0);
}

static void a_command_that_ends_the_connection_leaves_the_session(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "vanish\r");
	terminal_expect(&t, "connected again");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void the_window_may_change_its_size(void **state)
{
	struct server *s = *state;
	struct terminal t;
	struct winsize size = {.ws_row = 10, .ws_col = 20};

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a_long_name_for_twenty_columns");
	terminal_expect(&t, "columns");
	assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &size), 0);
	terminal_expect(&t, "orders> a_long_name"); /* drawn anew, broken at the edge */
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran a_long_name_for_twenty_columns");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_stopped_session_goes_on(void **state)
{
	struct server *s = *state;
	struct terminal t;
	int status;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "half");
	terminal_expect(&t, "half");
	terminal_type(&t, "\032"); /* Ctrl-Z */
	assert_int_equal(waitpid(t.pid, &status, WUNTRACED), t.pid);
	assert_true(WIFSTOPPED(status));
	terminal_expect(&t, "\033[?2004l"); /* bracketed paste off: the terminal is the shell's */
	kill(t.pid, SIGCONT);
	terminal_expect(&t, "orders> half");
	terminal_type(&t, " done\r");
	terminal_expect(&t, "ran half done");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void the_terminal_is_given_back_on_a_signal(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	kill(t.pid, SIGTERM);
	terminal_expect(&t, "\033[?2004l"); /* bracketed paste off */
	terminal_end(&t, 128 + SIGTERM);
}

int main(void)
{
	const char *build = getenv("RTF_BUILD");
#define PLAIN(name)    cmocka_unit_test_setup_teardown(name, make_server, free_server)
#define TERMINAL(name) cmocka_unit_test_setup_teardown(name, make_terminal_server, free_server)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_version_need_no_socket),
		PLAIN(bad_usage_exits_1_and_says_what_is_wrong),
		PLAIN(a_socket_that_nobody_answers_exits_2_and_says_why),
		PLAIN(another_users_socket_exits_2_and_says_so),
		PLAIN(a_full_backlog_ends_with_the_time_limit),
		PLAIN(a_program_without_an_engine_says_so),
		PLAIN(what_answers_wrongly_or_not_at_all_exits_2),
		PLAIN(the_shortest_limit_is_no_engines_that_has_to_be_started),
		PLAIN(hello_tells_what_the_options_ask_for),
		PLAIN(commands_run_in_order_and_stop_at_the_first_that_fails),
		PLAIN(the_exit_status_tells_the_class),
		PLAIN(json_answers_are_printed_as_they_came),
		PLAIN(with_json_every_failure_is_an_object),
		PLAIN(with_json_quit_is_answered_like_any_command),
		PLAIN(standard_input_goes_on_after_a_failure_and_exits_with_the_worst),
		PLAIN(lines_become_entries),
		PLAIN(files_and_commands_run_in_the_order_given),
		PLAIN(bare_words_that_everyone_tries_work),
		PLAIN(a_time_limit_interrupts_the_command_and_exits_4),
		PLAIN(a_command_that_cannot_be_interrupted_is_given_up),
		PLAIN(a_late_answer_is_not_taken_for_the_next_ones),
		PLAIN(ctrl_c_interrupts_the_command_and_ends_the_run),
		PLAIN(the_source_to_be_edited_can_be_waited_for_too_long),
		PLAIN(a_second_ctrl_c_gives_up),
		PLAIN(ctrl_c_ends_the_wait_for_input),
		PLAIN(a_lost_connection_exits_2),
		PLAIN(a_connection_lost_while_input_is_awaited_exits_2),
		PLAIN(answers_in_pieces_and_huge_ones_arrive_whole),
		PLAIN(events_do_not_mix_with_the_answers),
		PLAIN(what_json_cannot_carry_is_refused_here),
		PLAIN(answers_that_cannot_be_written_exit_1),
		PLAIN(all_asks_every_socket_and_exits_with_the_worst),
		TERMINAL(a_session_has_a_banner_and_a_prompt),
		TERMINAL(no_color_is_honoured),
		TERMINAL(an_entry_of_several_lines_is_typed_recalled_and_kept),
		TERMINAL(empty_lines_inside_an_entry_are_kept),
		TERMINAL(a_pasted_function_is_one_entry),
		TERMINAL(several_entries_in_one_paste_run_in_order),
		TERMINAL(ctrl_c_clears_the_entry),
		TERMINAL(ctrl_c_interrupts_the_command_and_keeps_the_session),
		TERMINAL(ctrl_d_drops_an_open_entry_first),
		TERMINAL(tab_completes_what_the_engine_knows),
		TERMINAL(an_event_is_shown_above_what_is_typed),
		TERMINAL(a_lost_connection_is_made_anew_and_what_is_typed_stays),
		TERMINAL(a_command_that_ends_the_connection_leaves_the_session),
		TERMINAL(the_window_may_change_its_size),
		TERMINAL(a_stopped_session_goes_on),
		TERMINAL(the_terminal_is_given_back_on_a_signal),
	};

	snprintf(console_path, sizeof(console_path), "%s/rtf-console", build ? build : "build");
	if (access(console_path, X_OK) != 0) {
		fprintf(stderr, "%s: %s\n", console_path, strerror(errno));
		return 1;
	}
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
