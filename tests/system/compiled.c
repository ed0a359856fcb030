#include "compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 48 };

/* --- building ----------------------------------------------------------------------------------------- */

char *compiled_path(const struct subject *s, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", s->directory, name) > 0);
	return path;
}

static void copy_file(const char *from, const char *to)
{
	char *text = child_read_file(from);

	if (!text || !child_write_file(to, text))
		fail_msg("cannot copy %s to %s", from, to);
	free(text);
}

void compiled_copy(const struct subject *s, const char *from, const char *to)
{
	char *source = compiled_path(s, from), *target = compiled_path(s, to);

	copy_file(source, target);
	free(source);
	free(target);
}

static const char *const *sources_of(const struct compiled_how *how)
{
	static const char *const both[] = {"host.c", "host_other.c", NULL};

	return how->sources[0] ? how->sources : both;
}

struct timespec compiled_time(const struct subject *s, const char *name)
{
	char *path = compiled_path(s, name);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	free(path);
	return status.st_mtim;
}

void compiled_set_time(const struct subject *s, const char *name, struct timespec time)
{
	char *path = compiled_path(s, name);

	assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){time, time}, 0), 0);
	free(path);
}

void compiled_copy_in(const struct subject *s, const char *name)
{
	char *path = compiled_path(s, name), *from;

	assert_true(asprintf(&from, "tests/system/%s", name) > 0);
	copy_file(from, path);
	free(from);
	free(path);
}

static char *absolute(char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		fail_msg("there is no %s", path);
	free(path);
	return real;
}

void compiled_build(const struct subject *s, const struct compiled_how *how)
{
	const char *compiler = how->compiler ? how->compiler : getenv("CC");
	const char *argv[WORDS_MAX] = {compiler && *compiler ? compiler : "cc", "-g"};
	char *owned[8], *output = NULL;
	size_t n = 2, m = 0;
	char *header = absolute(strdup("core")), *build = absolute(subject_built(""));

	assert_true(asprintf(&owned[m++], "-I%s", header) > 0);
	argv[n++] = owned[0];
	for (const char *const *flag = how->flags; *flag; flag++)
		argv[n++] = *flag;
	for (const char *const *source = sources_of(how); *source; source++)
		argv[n++] = owned[m++] = compiled_path(s, *source);
	argv[n++] = "-o";
	argv[n++] = owned[m++] = compiled_path(s, "host");
	if (how->with_archive) {
		argv[n++] = owned[m++] = subject_built("librtf.a");
	} else if (!how->without_library) {
		assert_true(asprintf(&owned[m++], "-L%s", build) > 0);
		argv[n++] = owned[m - 1];
		assert_true(asprintf(&owned[m++], "-Wl,-rpath,%s", build) > 0);
		argv[n++] = owned[m - 1];
		argv[n++] = "-lrtf";
	}
	argv[n++] = "-lpthread";
	if (child_run(argv, NULL, COMPILED_DEADLINE_MS, &output))
		fail_msg("the host does not compile: %.900s", output ? output : "");
	free(output);
	while (m)
		free(owned[--m]);
	free(header);
	free(build);
}

static struct subject *subject; /* of the fixtures */

void compiled_init(struct subject *s, const struct compiled_how *how)
{
	subject = s;
	subject_init(s);
	unsetenv("RTF_SOURCE_ROOT");
	unsetenv("RTF_CFLAGS");
	/* An engine built with sanitizers tells nobody what they find: it has to die of it. */
	setenv("UBSAN_OPTIONS", "halt_on_error=1", 0);
	setenv("TSAN_OPTIONS", "halt_on_error=1", 0);
	compiled_copy_in(s, "host.h");
	for (const char *const *source = sources_of(how); *source; source++)
		compiled_copy_in(s, *source);
	compiled_build(s, how);
}

/* --- running ------------------------------------------------------------------------------------------ */

static void start(struct subject *s, const char *const *argv)
{
	char line[256] = "";

	assert_true(child_start(&s->program, argv));
	if (!child_read_line(&s->program, SUBJECT_DEADLINE_MS, line, sizeof(line)) || strcmp(line, "ready"))
		fail_msg("the host did not get ready: %s", line);
}

void compiled_start(struct subject *s)
{
	char *path = compiled_path(s, "host");

	start(s, (const char *const[]){path, s->socket, NULL});
	free(path);
}

void compiled_start_without_console(struct subject *s)
{
	char *path = compiled_path(s, "host");

	start(s, (const char *const[]){path, NULL});
	free(path);
}

void compiled_start_preloaded(struct subject *s)
{
	char *path = compiled_path(s, "host"), *library = absolute(subject_built("librtf.so")), *preload,
	     *socket_path;

	assert_true(asprintf(&preload, "LD_PRELOAD=%s", library) > 0);
	assert_true(asprintf(&socket_path, "RTF_SOCKET=%s", s->socket) > 0);
	start(s, (const char *const[]){"env", preload, socket_path, path, NULL});
	free(preload);
	free(socket_path);
	free(library);
	free(path);
}

void compiled_kill(struct subject *s)
{
	kill(s->program.pid, SIGKILL);
	child_stop(&s->program, COMPILED_DEADLINE_MS);
}

void compiled_assert_answer(struct subject *s, const char *line, const char *answer)
{
	const char *got = subject_ask(s, line);

	if (strcmp(got, answer) != 0)
		fail_msg("%s: %s, expected %s", line, got, answer);
}

/* The children of a process: kernels that have no /proc/PID/task/TID/children cannot build this engine
 * either. */
size_t compiled_children(pid_t pid, pid_t *children)
{
	char path[64];
	size_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		fail_msg("cannot read %s", path);
	for (int child; count < COMPILED_CHILDREN_MAX && fscanf(f, "%d", &child) == 1;)
		children[count++] = child;
	fclose(f);
	return count;
}

void compiled_await_end(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};

	if (fd < 0 && errno == ESRCH)
		return;
	assert_true(fd >= 0);
	int n = poll(&end, 1, COMPILED_DEADLINE_MS);
	close(fd);
	if (n != 1)
		fail_msg("process %d has not ended", (int)pid);
}

static bool is_engine(pid_t pid)
{
	char path[64], name[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *f = fopen(path, "re");
	bool read = f && fgets(name, sizeof(name), f);
	if (f)
		fclose(f);
	return read && strcmp(name, "rtf-engine\n") == 0;
}

/* Those that any thread of the program has started; none once it has ended. */
static size_t find_engines(pid_t program, pid_t *engines)
{
	char pattern[64];
	glob_t lists = {0};
	size_t count = 0;

	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/children", (int)program);
	if (program > 0 && glob(pattern, 0, NULL, &lists) != 0)
		return 0;
	for (size_t i = 0; i < lists.gl_pathc; i++) {
		FILE *f = fopen(lists.gl_pathv[i], "re");
		for (int child; f && count < COMPILED_CHILDREN_MAX && fscanf(f, "%d", &child) == 1;)
			if (is_engine(child))
				engines[count++] = child;
		if (f)
			fclose(f);
	}
	globfree(&lists);
	return count;
}

/* An engine outlives its program for a moment, and would put back the history that is removed here. */
void compiled_stop(struct subject *s)
{
	pid_t engines[COMPILED_CHILDREN_MAX];
	size_t count = find_engines(s->program.pid, engines);

	child_stop(&s->program, COMPILED_DEADLINE_MS);
	for (size_t i = 0; i < count; i++)
		compiled_await_end(engines[i]);
	child_directory_remove(compiled_path(s, "rtf"));
}

/* --- consoles ----------------------------------------------------------------------------------------- */

char *compiled_console(const struct subject *s, int status, const char *input, const char *option, ...)
{
	char *console = subject_built("rtf-console"), *output = NULL;
	const char *argv[WORDS_MAX] = {console};
	size_t n = 1;
	va_list options;

	va_start(options, option);
	for (; option; option = va_arg(options, const char *)) {
		assert_true(n + 2 < WORDS_MAX);
		argv[n++] = option;
	}
	va_end(options);
	argv[n] = s->socket;
	int got = child_run(argv, input, COMPILED_DEADLINE_MS, &output);
	if (got != status)
		fail_msg("exit status %d, expected %d, and this output: %.800s", got, status,
			 output ? output : "");
	free(console);
	return output;
}

void compiled_assert_says(const struct subject *s, int status, const char *command, const char *part)
{
	char *output = compiled_console(s, status, NULL, "-c", command, NULL);

	if (!strstr(output, part))
		fail_msg("%.200s: %.600s\nwithout: %.200s", command, output, part);
	free(output);
}

void compiled_assert_refused(struct subject *s, const char *command, const char *class, const char *part)
{
	json_t *answer = subject_command(s, command, 3), *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "class"));
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_true(json_is_false(json_object_get(answer, "ok")));
	if (!got || !message || strcmp(got, class) != 0 || !strstr(message, part))
		fail_msg("%.100s: %s: %.600s\nexpected %s: %s", command, got ? got : "",
			 message ? message : "", class, part);
	json_decref(answer);
}

json_t *compiled_data(struct subject *s, const char *command)
{
	json_t *answer = subject_command(s, command, 0), *data = json_incref(json_object_get(answer, "data"));

	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_non_null(data);
	json_decref(answer);
	return data;
}

json_t *compiled_row(struct subject *s, const char *function)
{
	char command[128];

	snprintf(command, sizeof(command), "\\list %s", function);
	json_t *rows = compiled_data(s, command), *row = json_incref(json_array_get(rows, 0));
	if (json_array_size(rows) != 1)
		fail_msg("%s has %zu rows", command, json_array_size(rows));
	json_decref(rows);
	return row;
}

void compiled_assert_live(struct subject *s, const char *function, int version, int versions,
			  const char *state)
{
	json_t *row = compiled_row(s, function);
	int live = (int)json_integer_value(json_object_get(row, "version"));
	int count = (int)json_integer_value(json_object_get(row, "versions"));
	const char *is = json_string_value(json_object_get(row, "state"));

	if (live != version || count != versions || strcmp(is, state) != 0)
		fail_msg("%s: version %d of %d, %s; expected %d of %d, %s", function, live, count, is,
			 version, versions, state);
	json_decref(row);
}

int compiled_to_read(struct subject *s)
{
	json_t *status = compiled_data(s, "\\status");
	int left = (int)json_integer_value(json_object_get(status, "to_read"));

	json_decref(status);
	return left;
}

void compiled_await_read(struct subject *s)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (int left; (left = compiled_to_read(s));)
		if (child_clock() > deadline)
			fail_msg("%d sources were not read in time", left);
}

pid_t compiled_engine(struct subject *s)
{
	json_t *status = compiled_data(s, "\\status");
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "engine_pid"));

	json_decref(status);
	assert_true(pid > 1);
	return pid;
}

/* --- the history -------------------------------------------------------------------------------------- */

static char *history_file(const struct subject *s)
{
	char *pattern = compiled_path(s, "rtf/*.db");
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	char *path = strdup(found.gl_pathv[0]);
	globfree(&found);
	free(pattern);
	return path;
}

static int take_finding(void *context, int columns, char **values, char **names)
{
	char *findings = context;
	size_t used = strlen(findings);

	(void)names;
	snprintf(findings + used, 512 - used, "%s ", columns && values[0] ? values[0] : "?");
	return 0;
}

void compiled_assert_history_whole(const struct subject *s)
{
	char *path = history_file(s), findings[512] = "";
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, COMPILED_DEADLINE_MS);
	if (sqlite3_exec(db, "PRAGMA integrity_check; PRAGMA foreign_key_check", take_finding, findings,
			 NULL))
		fail_msg("%s: %s (%d)", path, sqlite3_errmsg(db), sqlite3_extended_errcode(db));
	assert_string_equal(findings, "ok ");
	sqlite3_close(db);
	free(path);
}

/* --- fixtures ----------------------------------------------------------------------------------------- */

int compiled_each_start(void **state)
{
	(void)state;
	compiled_start(subject);
	return 0;
}

int compiled_each_stop(void **state)
{
	(void)state;
	compiled_stop(subject);
	return 0;
}

int compiled_each_stop_whole(void **state)
{
	(void)state;
	compiled_assert_history_whole(subject);
	compiled_stop(subject);
	return 0;
}

int compiled_group_fini(void **state)
{
	(void)state;
	subject_fini(subject);
	return 0;
}

/* --- what answers say --------------------------------------------------------------------------------- */

void compiled_define(struct subject *s, const char *text)
{
	json_decref(compiled_data(s, text));
}

const char *compiled_string(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("there is no %s", key);
	return text;
}

void compiled_define_by(struct subject *s, const char *function, const char *text, const char *backend)
{
	char *command;

	assert_true(asprintf(&command, "\\define %s\n%s", function, text) > 0);
	json_t *versions = compiled_data(s, command), *first = json_array_get(versions, 0);
	if (strcmp(compiled_string(first, "backend"), backend) != 0)
		fail_msg("%s: %s", function, json_dumps(first, 0));
	json_decref(versions);
	free(command);
}

void compiled_redefine(struct subject *s, const char *function, const char *backend)
{
	char *command;

	assert_true(asprintf(&command, "\\source %s", function) > 0);
	json_t *source = compiled_data(s, command);
	compiled_define_by(s, function, compiled_string(source, "text"), backend);
	json_decref(source);
	free(command);
}

int compiled_int(json_t *object, const char *key)
{
	if (!json_is_integer(json_object_get(object, key)))
		fail_msg("there is no %s", key);
	return (int)json_integer_value(json_object_get(object, key));
}

size_t compiled_count(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

void compiled_shell(const struct subject *s, const char *command)
{
	char *output = NULL, *whole;

	assert_true(asprintf(&whole, "cd '%s' && %s", s->directory, command) > 0);
	int status = child_run((const char *const[]){"sh", "-ec", whole, NULL}, NULL, COMPILED_DEADLINE_MS,
			       &output);
	if (status)
		fail_msg("%s: %d: %.700s", command, status, output ? output : "");
	free(whole);
	free(output);
}

/* --- a connection of the test's own ------------------------------------------------------------------- */

void wire_open(struct wire *w, const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*w = (struct wire){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(w->fd >= 0 && strlen(socket_path) < sizeof(address.sun_path));
	strcpy(address.sun_path, socket_path);
	if (connect(w->fd, (struct sockaddr *)&address, sizeof(address)))
		fail_msg("cannot connect to %s: %s", socket_path, strerror(errno));
}

void wire_close(struct wire *w)
{
	close(w->fd);
	free(w->data);
	*w = (struct wire){.fd = -1};
}

void wire_send(struct wire *w, const char *bytes, size_t size)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (size) {
		struct pollfd ready = {.fd = w->fd, .events = POLLOUT};
		if (child_clock() >= deadline || poll(&ready, 1, COMPILED_DEADLINE_MS) != 1)
			fail_msg("the engine does not read: %zu bytes left", size);
		ssize_t n = send(w->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			fail_msg("cannot send to the engine: %s", strerror(errno));
		bytes += n;
		size -= (size_t)n;
	}
}

void wire_command(struct wire *w, int id, const char *command)
{
	json_t *request = json_pack("{s:i, s:s}", "id", id, "command", command);
	char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;

	assert_non_null(line);
	wire_send(w, line, strlen(line));
	wire_send(w, "\n", 1);
	free(line);
	json_decref(request);
}

/* Waits for bytes; false at the end of the stream. */
static bool wire_fill(struct wire *w, long long deadline)
{
	struct pollfd ready = {.fd = w->fd, .events = POLLIN};
	long long left = deadline - child_clock();

	if (w->size == w->room) {
		w->room = w->room ? w->room * 2 : 65536;
		w->data = realloc(w->data, w->room);
		assert_non_null(w->data);
	}
	if (left <= 0 || poll(&ready, 1, (int)left) != 1)
		fail_msg("no answer within the deadline; so far: %.*s", (int)(w->size < 500 ? w->size : 500),
			 w->data);
	ssize_t n = recv(w->fd, w->data + w->size, w->room - w->size, 0);
	if (n <= 0)
		return false;
	w->size += (size_t)n;
	return true;
}

json_t *wire_receive(struct wire *w)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	size_t seen = 0;
	char *end;

	while (!(end = w->size > seen ? memchr(w->data + seen, '\n', w->size - seen) : NULL)) {
		seen = w->size;
		if (!wire_fill(w, deadline))
			return NULL;
	}
	size_t length = (size_t)(end - w->data);
	json_t *object = json_loadb(w->data, length, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(object))
		fail_msg("not a JSON object: %.*s", (int)(length < 500 ? length : 500), w->data);
	w->size -= length + 1;
	memmove(w->data, end + 1, w->size);
	return object;
}

void wire_listen(struct wire *w, const char *socket_path)
{
	static const char hello[] = "{\"id\":0,\"hello\":{\"version\":1,\"events\":true}}\n";

	wire_open(w, socket_path);
	wire_send(w, hello, sizeof(hello) - 1);
	json_decref(wire_receive(w));
}

json_t *wire_ask(struct wire *w, int id, const char *command)
{
	json_t *answer;

	wire_command(w, id, command);
	while ((answer = wire_receive(w)) && json_integer_value(json_object_get(answer, "id")) != id)
		json_decref(answer);
	if (!answer)
		fail_msg("the engine closed the connection: %.200s", command);
	return answer;
}

json_t *wire_data(struct wire *w, const char *command)
{
	enum { OWN = 1 << 20 }; /* above what a test numbers itself */
	json_t *answer = wire_ask(w, OWN + ++w->asked, command), *data = json_object_get(answer, "data");

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%s: %s", command, compiled_string(json_object_get(answer, "error"), "message"));
	json_incref(data);
	json_decref(answer);
	return data;
}

void wire_ok(struct wire *w, const char *command)
{
	json_decref(wire_data(w, command));
}

json_t *wire_await_event(struct wire *w, const char *kind)
{
	for (json_t *object; (object = wire_receive(w)); json_decref(object)) {
		const char *event = json_string_value(json_object_get(object, "event"));
		if (event && strcmp(event, kind) == 0)
			return object;
	}
	fail_msg("the engine closed the connection before a %s", kind);
	return NULL;
}
