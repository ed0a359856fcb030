/* Bad input of every kind: each gets one clear sentence, and leaves the program running and the history
 * whole. */
#include "compiled.h"

#include <errno.h>
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
#include <unistd.h>

#include <cmocka.h>

enum { MB = 1 << 20 };

static struct subject host;

/* Whatever a test did: the program calls its functions, its engine changes them, and the history is a
 * database. */
static int assert_unharmed(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "greeting", "hello");
	subject_define(&host, "greeting", "static const char *greeting(void) { return \"still here\"; }");
	compiled_assert_answer(&host, "greeting", "still here");
	compiled_assert_history_whole(&host);
	compiled_stop(&host);
	return 0;
}

/* --- texts -------------------------------------------------------------------------------------------- */

static void every_refusal_has_its_class_and_one_sentence(void **state)
{
	static const struct {
		const char *command, *class, *part;
	} cases[] = {
		{"\\check int nothing(void) { return 1; }", "unknown", "the program has no function nothing"},
		{"static int shifted(int n) { return n; }", "ambiguous",
		 "host.c:shifted, host_other.c:shifted"},
		{"static int plain(int n) { return n; }", "unknown", "plain (host.c:"},
		{"static int plain(int n) { return n; }", "unknown",
		 "is not decorated: put REALTIMEFUNC before it"},
		{"int add(int a, int b) { return a +; }", "compile", "expected expression"},
		{"int add(int a, int b) { return missing(a); }", "compile", "missing"},
		{"int add(int a, int b) { return \"text\" * 2; }", "compile", "invalid operands"},
		{"int add(int a, int b) { return a + b;", "compile", "expected '}'"},
		{"#include <no/such/header.h>\nint add(int a, int b) { return 1; }", "compile",
		 "no/such/header.h"},
		{"#error stop here\nint add(int a, int b) { return 1; }", "compile", "stop here"},
		{"long add(int a, int b) { return 1; }", "signature",
		 "the program has int add(int, int), this is long add(int, int)"},
		{"int add(int a) { return 1; }", "signature", "this is int add(int)"},
		{"static int sum(int count, int first) { return count + first; }", "signature",
		 "int sum(int, ...)"},
		{"struct order { int qty; };\nstatic double price(const struct order *o) { return o->qty; }",
		 "layout", "struct order has size 32 in the running program, 4 here"},
		{"struct order { double unit; int qty; char name[16]; };\n"
		 "static double price(const struct order *o) { return o->qty * o->unit; }",
		 "layout", "struct order"},
		{"int x = ;", "compile", "expected expression"},
		{"}", "compile", "extraneous '}'"},
		{"\\source nothing", "unknown", "nothing"},
		{"\\source add@99999999999999999999", "usage", "a version is a number"},
		{"\\source", "usage", "usage: \\source NAME[@N]"},
		{"\\rollback add -1", "usage", "not a version number"},
		{"\\", "usage", "a command's name is missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		compiled_assert_refused(&host, cases[i].command, cases[i].class, cases[i].part);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_answer(&host, "price 2 10", "24 after 1");
}

static void assert_diagnostic(const char *command, int line, int column, const char *part)
{
	json_t *answer = subject_command(&host, command, 3);
	json_t *all = json_object_get(json_object_get(answer, "error"), "diagnostics"),
	       *first = json_array_get(all, 0);
	char *file, *severity, *message;
	int at_line, at_column;

	if (json_unpack(first, "{s:s, s:i, s:i, s:s, s:s}", "file", &file, "line", &at_line, "column",
			&at_column, "severity", &severity, "message", &message))
		fail_msg("no diagnostics: %.300s", command);
	if (at_line != line || at_column != column || !strstr(message, part))
		fail_msg("%s:%d:%d: %s, expected %d:%d: %s", file, at_line, at_column, message, line, column,
			 part);
	assert_string_equal(severity, "error");
	json_decref(answer);
}

static void diagnostics_count_lines_of_the_given_text(void **state)
{
	(void)state;
	assert_diagnostic("int add(int a, int b)\n{\n\treturn c;\n}", 3, 9, "'c'");
	assert_diagnostic("static int x;\n\n/* why */\nint add(int a, int b)\n{\n\n\treturn a +;\n}", 7, 12,
			  "expected expression");
	assert_diagnostic("\n\n   int add(int a, int b) { return d; }", 3, 35, "'d'");
	assert_diagnostic("/* { */ int add(int a, int b) { return d; }", 1, 40, "'d'");
	assert_diagnostic(
		"static int helper(int n)\n{\n\treturn e;\n}\nint add(int a, int b) { return helper(a); }", 3,
		9, "'e'");
	assert_diagnostic("\\check\nint add(int a, int b)\n{\n\treturn c;\n}", 3, 9, "'c'");
	compiled_assert_says(&host, 3, "int add(int a, int b)\n{\n\treturn c;\n}",
			     "<console>:3:9: error: use of undeclared identifier 'c'\n    3 | \treturn c;\n  "
			     "    | \t       ^");
}

static void nothing_typed_is_nothing_done(void **state)
{
	struct wire w;

	(void)state;
	free(compiled_console(&host, 0, NULL, "-c", "", "-c", "  \n ", NULL));
	free(compiled_console(&host, 0, "\n\n  \n", "--color=never", NULL));
	wire_open(&w, host.socket);
	json_t *answer = wire_ask(&w, 1, "  \n");
	assert_true(json_is_false(json_object_get(answer, "ok")));
	json_decref(answer);
	wire_close(&w);
}

/* `begin`, as many x as it takes, `end`. */
static char *text_of(size_t size, const char *begin, const char *end)
{
	char *text = malloc(size + strlen(begin) + strlen(end) + 1);

	assert_non_null(text);
	char *at = stpcpy(text, begin);
	memset(at, 'x', size);
	strcpy(at + size, end);
	return text;
}

static void ten_megabytes_are_an_entry_like_any_other(void **state)
{
	char *name = text_of(10 * MB, "", "\n");
	char *comment = text_of(10 * MB, "int add(int a, int b)\n{\n\treturn a * b; /* ", " */\n}\n");

	(void)state;
	free(compiled_console(&host, 3, name, "--color=never", NULL));
	free(compiled_console(&host, 0, comment, "--color=never", NULL));
	compiled_assert_answer(&host, "add 3 4", "12 12");
	free(name);
	free(comment);
}

static void thirty_megabytes_are_refused_by_the_console(void **state)
{
	char *text = text_of(30 * MB, "int add(int a, int b) { return 0; /* ", " */ }\n");
	char *output = compiled_console(&host, 3, text, "--color=never", NULL);

	(void)state;
	assert_non_null(strstr(output, "16 MiB"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	free(output);
	free(text);
}

/* Sends what the engine will take of it. */
static void send_while_open(struct wire *w, const char *bytes, size_t size)
{
	while (size) {
		struct pollfd ready = {.fd = w->fd, .events = POLLOUT};
		if (poll(&ready, 1, COMPILED_DEADLINE_MS) != 1)
			fail_msg("the engine neither reads nor closes");
		ssize_t n = send(w->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
}

static void thirty_megabytes_on_the_wire_end_that_connection_alone(void **state)
{
	char *text = text_of(30 * MB, "{\"id\":1,\"command\":\"", "\"}\n");
	struct wire other, w;

	(void)state;
	wire_open(&other, host.socket);
	wire_open(&w, host.socket);
	send_while_open(&w, text, strlen(text));
	json_t *answer = wire_receive(&w);
	if (!answer ||
	    !strstr(json_string_value(json_object_get(json_object_get(answer, "error"), "message")),
		    "the request is too long"))
		fail_msg("the request of 30 MB was not refused");
	json_decref(answer);
	assert_null(wire_receive(&w));
	json_decref(wire_ask(&other, 5, "\\status"));
	wire_close(&w);
	wire_close(&other);
	free(text);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	char *path = compiled_path(&host, "zero"), *output;
	FILE *zero = fopen(path, "we");

	(void)state;
	output = compiled_console(&host, 3, "int add(int a, int b) { return sizeof \"\377\376\"; }\n",
				  "--color=never", NULL);
	assert_non_null(strstr(output, "not UTF-8"));
	free(output);
	assert_non_null(zero);
	static const char text[] = "int add(int a, int b) { return 0;\0 }\n";
	fwrite(text, 1, sizeof(text) - 1, zero);
	fclose(zero);
	output = compiled_console(&host, 3, NULL, "-f", path, NULL);
	assert_non_null(strstr(output, "NUL"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	free(output);
	free(path);
}

/* --- the protocol ------------------------------------------------------------------------------------- */

static void assert_line_refused(struct wire *w, const char *bytes, size_t size)
{
	wire_send(w, bytes, size);
	wire_send(w, "\n", 1);
	json_t *answer = wire_receive(w), *error = json_object_get(answer, "error");
	if (!answer || !json_is_false(json_object_get(answer, "ok")) ||
	    !json_string_value(json_object_get(error, "message")) ||
	    strcmp(json_string_value(json_object_get(error, "class")), "usage") != 0)
		fail_msg("not refused: %.*s", (int)(size < 200 ? size : 200), bytes);
	json_decref(answer);
}

static void malformed_requests_are_answered_and_the_next_one_is_served(void **state)
{
	static const char *const lines[] = {
		"{",
		"}",
		"[]",
		"1",
		"null",
		"\"text\"",
		"{}",
		"{\"id\":1}",
		"{\"id\":\"1\",\"command\":\"\\\\list\"}",
		"{\"id\":1.5,\"command\":\"\\\\list\"}",
		"{\"command\":\"\\\\list\"}",
		"{\"id\":1,\"command\":7}",
		"{\"id\":1,\"command\":\"\\u0000\"}",
		"{\"id\":1,\"command\":\"\\ud800\"}",
		"{\"id\":1,\"command\":\"\377\"}",
		"{\"id\":99999999999999999999,\"command\":\"\\\\list\"}",
		"{\"id\":1,\"command\":\"\\\\list\"} {}",
		"\\list",
		"GET / HTTP/1.1\r",
	};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_line_refused(&w, lines[i], strlen(lines[i]));
	assert_line_refused(&w, "{\"id\":1,\0\"command\":\"x\"}", 24);
	char *deep = malloc(MB);
	memset(deep, '[', MB);
	assert_line_refused(&w, deep, MB);
	memcpy(deep, "{\"id\":", 6);
	assert_line_refused(&w, deep, MB);
	free(deep);
	wire_send(&w, "\n\n\r\n", 3);
	json_t *answer = wire_ask(&w, 12, "\\list add");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	wire_close(&w);
}

/* Takes answers, one a line, without keeping them. */
static void await_answers(const struct wire *w, int count)
{
	static char bytes[1 << 16];
	struct pollfd ready = {.fd = w->fd, .events = POLLIN};

	while (count > 0) {
		if (poll(&ready, 1, COMPILED_DEADLINE_MS) != 1)
			fail_msg("%d answers are missing", count);
		ssize_t n = recv(w->fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			fail_msg("the engine closed the connection; %d answers are missing", count);
		for (ssize_t i = 0; i < n; i++)
			count -= bytes[i] == '\n';
	}
	assert_int_equal(count, 0);
}

static void any_number_of_requests_may_stand_behind_one_that_waits(void **state)
{
	enum { COUNT = 50000 };
	static const char request[] = "{\"id\":1,\"command\":\"\\\\wait add 1\"}\n";
	char *requests = malloc(COUNT * (sizeof(request) - 1) + 1), *end = requests;
	struct wire w;

	(void)state;
	assert_non_null(requests);
	for (int i = 0; i < COUNT; i++)
		end = stpcpy(end, request);
	wire_open(&w, host.socket);
	wire_send(&w, requests, (size_t)(end - requests));
	json_decref(compiled_data(&host, "int add(int a, int b) { return a * b; }"));
	await_answers(&w, COUNT);
	wire_close(&w);
	free(requests);
}

static void what_only_mentions_an_interrupt_waits_its_turn(void **state)
{
	static const char requests[] = "{\"id\":1,\"command\":\"\\\\wait add 1\"}\n"
				       "{\"id\":2,\"command\":\"\\\\wait add 2\",\"x\":\"interrupt\"}\n"
				       "{\"id\":3,\"command\":\"\\\\list add\",\"interrupt\":\"1\"}\n"
				       "{\"id\":4,\"interrupt\" : 1}\n"
				       "{\"id\":5,\"\\u0069nterrupt\":2}\n";
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	wire_send(&w, requests, sizeof(requests) - 1);
	for (int i = 1; i <= 3; i++) {
		json_t *answer = wire_receive(&w);
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
		assert_true(json_is_true(json_object_get(answer, "ok")) == (i == 3));
		json_decref(answer);
	}
	wire_close(&w);
}

/* Waits until so many consoles are connected, the one that asks included. */
static void await_clients(int count)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	int clients;

	do {
		json_t *status = compiled_data(&host, "\\status");
		clients = (int)json_integer_value(json_object_get(status, "clients"));
		json_decref(status);
	} while (clients != count && child_clock() < deadline);
	assert_int_equal(clients, count);
}

static void a_console_may_vanish_at_any_moment(void **state)
{
	static const char half[] = "{\"id\":1,\"command\":\"int add(int a, int b) { ret";

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct wire w;
		wire_open(&w, host.socket);
		if (i % 5 == 1)
			wire_send(&w, half, sizeof(half) - 1);
		else if (i % 5 == 2)
			wire_command(&w, 1, "int add(int a, int b) { return a * b; }");
		else if (i % 5 == 3)
			wire_command(&w, 1, "\\help"), wire_command(&w, 2, "\\rollback add 0");
		else if (i % 5 == 4)
			shutdown(w.fd, SHUT_WR);
		wire_close(&w);
	}
	await_clients(1);
	/* What was sent whole was done, what was not was not. */
	json_t *row = compiled_row(&host, "add");
	assert_int_equal(json_integer_value(json_object_get(row, "versions")), 11);
	json_decref(row);
}

static void a_console_that_never_reads_is_given_up_and_holds_nobody(void **state)
{
	char *text = text_of(MB, "int add(int a, int b) { return a * b; /* ", " */ }");
	struct wire deaf, other;

	(void)state;
	wire_open(&deaf, host.socket);
	wire_open(&other, host.socket);
	json_decref(wire_ask(&deaf, 1, text));
	for (int i = 2; i < 200; i++) {
		static const char request[] = "{\"id\":2,\"command\":\"\\\\source add\"}\n";
		send_while_open(&deaf, request, sizeof(request) - 1);
		if (i % 20 == 0)
			json_decref(wire_ask(&other, i, "\\list add"));
	}
	struct pollfd gone = {.fd = deaf.fd, .events = 0};
	if (poll(&gone, 1, COMPILED_DEADLINE_MS) != 1 || !(gone.revents & (POLLHUP | POLLERR)))
		fail_msg("the engine still holds what a console does not read");
	json_decref(wire_ask(&other, 1000, "\\status"));
	wire_close(&deaf);
	wire_close(&other);
	free(text);
}

static void fifty_consoles_at_once_are_all_served(void **state)
{
	enum { COUNT = 50 };
	static struct wire w[COUNT];
	bool seen[COUNT + 1] = {false};

	(void)state;
	for (int i = 0; i < COUNT; i++)
		wire_open(&w[i], host.socket);
	for (int i = 0; i < COUNT; i++) {
		char text[100];
		snprintf(text, sizeof(text), "int add(int a, int b) { return a + b + %d; }", i);
		wire_command(&w[i], i, text);
	}
	for (int i = 0; i < COUNT; i++) {
		json_t *answer = wire_receive(&w[i]);
		json_t *row = json_array_get(json_object_get(answer, "data"), 0);
		int version = (int)json_integer_value(json_object_get(row, "version"));
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
		assert_true(version >= 1 && version <= COUNT && !seen[version]);
		seen[version] = true;
		json_decref(answer);
	}
	json_t *answer = wire_ask(&w[COUNT - 1], 100, "\\status");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "data"), "clients")),
			 COUNT);
	json_decref(answer);
	for (int i = 0; i < COUNT; i++)
		wire_close(&w[i]);
	compiled_assert_live(&host, "add", COUNT, COUNT + 1, "live");
}

static void there_is_an_end_to_how_many_consoles_are_served(void **state)
{
	enum { COUNT = 300 };
	static struct wire w[COUNT];
	int served = 0;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		wire_open(&w[i], host.socket);
		wire_command(&w[i], i, "\\list add");
	}
	for (int i = 0; i < COUNT; i++) {
		json_t *answer = wire_receive(&w[i]);
		if (!answer)
			fail_msg("console %d was left without a word", i);
		if (json_is_true(json_object_get(answer, "ok")))
			served++;
		else
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
				"denied");
		json_decref(answer);
	}
	assert_true(served >= 100 && served < COUNT);
	for (int i = 0; i < COUNT; i++)
		wire_close(&w[i]);
	await_clients(1);
}

static void a_read_only_connection_looks_and_does_not_touch(void **state)
{
	static const char *const denied[] = {
		"int add(int a, int b) { return 0; }",
		"\\define add\nint add(int a, int b) { return 0; }",
		"\\rollback add 0",
		"\\undo",
		"\\redo",
		"\\note add@0 hello",
	};

	(void)state;
	subject_define(&host, "add", "int add(int a, int b) { return a * b; }");
	free(compiled_console(&host, 0, NULL, "--read-only", "-c", "\\list", "-c", "\\source add", "-c",
			      "\\log", "-c", "\\check\nint add(int a, int b) { return 0; }", NULL));
	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
		char *output =
			compiled_console(&host, 3, NULL, "--json", "--read-only", "-c", denied[i], NULL);
		assert_non_null(strstr(output, "\"class\":\"denied\""));
		free(output);
	}

	struct wire w;
	wire_open(&w, host.socket);
	static const char hello[] = "{\"id\":1,\"hello\":{\"version\":1,\"read_only\":true}}\n"
				    "{\"id\":2,\"hello\":{\"version\":1,\"read_only\":false}}\n";
	wire_send(&w, hello, sizeof(hello) - 1);
	json_decref(wire_receive(&w));
	json_decref(wire_receive(&w));
	json_t *answer = wire_ask(&w, 3, denied[0]);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	json_decref(answer);
	wire_close(&w);
	compiled_assert_answer(&host, "add 3 4", "12 12");
}

/* --- sockets ------------------------------------------------------------------------------------------ */

static void assert_start(const char *path, int result)
{
	char line[400], expected[16];

	snprintf(line, sizeof(line), "start %s", path);
	snprintf(expected, sizeof(expected), "%d", result);
	compiled_assert_answer(&host, line, expected);
}

static void a_socket_that_cannot_be_is_an_errno_and_the_program_goes_on(void **state)
{
	char *source = compiled_path(&host, "host.c"), *under = compiled_path(&host, "host.c/s");
	char *missing = compiled_path(&host, "missing/s"), *before = child_read_file(source);
	char name[200];

	(void)state;
	compiled_start_without_console(&host);
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[108] = '\0';
	assert_start(name, -ENAMETOOLONG);
	assert_start("", -EINVAL);
	assert_start(missing, -ENOENT);
	assert_start(under, -ENOTDIR);
	assert_start(source, -EEXIST);
	char *after = child_read_file(source);
	assert_string_equal(after, before);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	assert_start(host.socket, 0);
	assert_start(host.socket, -EALREADY);
	subject_define(&host, "add", "int add(int a, int b) { return a * b; }");
	compiled_assert_answer(&host, "stop", "0");
	compiled_assert_answer(&host, "add 3 4", "12 12");
	assert_int_equal(access(host.socket, F_OK), -1);
	compiled_stop(&host);
	free(after);
	free(before);
	free(source);
	free(under);
	free(missing);
}

static void a_live_programs_socket_is_left_to_it_and_a_dead_ones_replaced(void **state)
{
	struct subject first = host;

	(void)state;
	compiled_start(&first);
	compiled_start_without_console(&host);
	assert_start(host.socket, -EADDRINUSE);
	json_t *status = compiled_data(&host, "\\status");
	assert_int_equal(json_integer_value(json_object_get(status, "pid")), first.program.pid);
	json_decref(status);

	compiled_kill(&first);
	assert_int_equal(access(host.socket, F_OK), 0);
	free(compiled_console(&host, 2, NULL, "-c", "\\list", NULL));
	assert_start(host.socket, 0);
	status = compiled_data(&host, "\\status");
	assert_int_equal(json_integer_value(json_object_get(status, "pid")), host.program.pid);
	json_decref(status);
	compiled_stop(&host);
}

/* --- what the engine does not find -------------------------------------------------------------------- */

static void without_an_engine_the_console_says_so(void **state)
{
	char *engine = strdup(getenv("RTF_ENGINE"));

	(void)state;
	setenv("RTF_ENGINE", "/nonexistent/rtf-engine", 1);
	compiled_start(&host);
	char *output = compiled_console(&host, 2, NULL, "-c", "\\list", NULL);
	assert_non_null(strstr(output, "/nonexistent/rtf-engine"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	setenv("RTF_ENGINE", engine, 1);
	compiled_stop(&host);
	free(output);
	free(engine);
}

static void move_sources(const char *to)
{
	static const char *const names[] = {"host.c", "host_other.c", "host.h"};

	for (size_t i = 0; i < 3; i++) {
		char *from = compiled_path(&host, names[i]), *target;
		assert_true(asprintf(&target, "%s/%s", to, names[i]) > 0);
		assert_int_equal(rename(from, target), 0);
		free(from);
		free(target);
	}
}

static void sources_that_moved_are_found_again_by_the_source_root(void **state)
{
	static const char text[] = "int add(int a, int b) { return a * b; }";
	char *moved = compiled_path(&host, "moved"), *root;

	(void)state;
	assert_int_equal(mkdir(moved, 0700), 0);
	move_sources(moved);
	compiled_start(&host);
	compiled_assert_refused(&host, text, "unknown", "RTF_SOURCE_ROOT=OLD=NEW");
	json_decref(compiled_data(&host, "\\list"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_stop(&host);

	assert_true(asprintf(&root, "%s=%s", host.directory, moved) > 0);
	setenv("RTF_SOURCE_ROOT", root, 1);
	compiled_start(&host);
	subject_define(&host, "add", text);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	unsetenv("RTF_SOURCE_ROOT");
	compiled_stop(&host);

	struct subject back = host;
	host.directory = moved;
	move_sources(back.directory);
	host = back;
	free(root);
	free(moved);
}

static void without_debug_information_the_answer_says_what_to_compile_with(void **state)
{
	char *path = compiled_path(&host, "host");

	(void)state;
	assert_int_equal(
		child_run((const char *const[]){"strip", "-g", path, NULL}, NULL, COMPILED_DEADLINE_MS, NULL),
		0);
	compiled_start(&host);
	compiled_assert_refused(&host, "int add(int a, int b) { return a * b; }", "unknown",
				"compile with -g");
	compiled_assert_refused(&host, "\\source add", "unknown", "compile with -g");
	char *list = compiled_console(&host, 0, NULL, "-c", "\\list add", NULL);
	assert_non_null(strstr(list, "add       ?     0 "));
	assert_non_null(strstr(list, "\n?: compiled without -g, and cannot be changed\n"));
	free(list);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_stop(&host);

	assert_int_equal(
		child_run((const char *const[]){"strip", path, NULL}, NULL, COMPILED_DEADLINE_MS, NULL), 0);
	compiled_start(&host);
	compiled_assert_refused(&host, "int add(int a, int b) { return a * b; }", "unknown", "-g");
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_stop(&host);
	compiled_build(&host, &(struct compiled_how){0});
	free(path);
}

/* --- the history -------------------------------------------------------------------------------------- */

static int versions_in(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *count;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT count(*) FROM version WHERE number > 0", -1, &count, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(count), SQLITE_ROW);
	int versions = sqlite3_column_int(count, 0);
	sqlite3_finalize(count);
	sqlite3_close(db);
	return versions;
}

/* The program with a history that cannot be one: everything works, the log says once what is amiss, and what was
 * typed is in a file of its own at the end. */
static void assert_works_without_history(const char *history)
{
	char *log = compiled_path(&host, "log"), *rescued;

	unlink(log);
	setenv("RTF_HISTORY", history, 1);
	setenv("RTF_LOG", log, 1);
	setenv("TMPDIR", host.directory, 1);
	compiled_start(&host);
	subject_define(&host, "add", "int add(int a, int b) { return a * b; }");
	subject_define(&host, "add", "int add(int a, int b) { return a - b; }");
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	compiled_assert_says(&host, 0, "\\status", "what happens is kept in memory");
	assert_true(asprintf(&rescued, "%s/rtf-host-%d.db", host.directory, (int)host.program.pid) > 0);
	pid_t engine = compiled_engine(&host);
	unsetenv("RTF_HISTORY");
	unsetenv("RTF_LOG");
	unsetenv("TMPDIR");
	compiled_stop(&host);
	compiled_await_end(engine);
	char *said = child_read_file(log);
	if (!said || compiled_count(said, "what happens is kept in memory") != 1 || !strstr(said, history) ||
	    !strstr(said, rescued))
		fail_msg("the log says: %s", said ? said : "nothing");
	assert_int_equal(versions_in(rescued), 2);
	unlink(rescued);
	free(rescued);
	free(said);
	free(log);
}

static void a_history_that_cannot_be_made_costs_history_alone(void **state)
{
	char *under = compiled_path(&host, "host.c/history.db");

	(void)state;
	assert_works_without_history(under);
	free(under);
}

static void a_file_that_is_no_history_is_not_touched(void **state)
{
	static const char not_one[] = "Dear diary,\nthis is no database, but it is mine.\n";
	char *path = compiled_path(&host, "diary");

	(void)state;
	assert_true(child_write_file(path, not_one));
	assert_works_without_history(path);
	char *after = child_read_file(path);
	assert_string_equal(after, not_one);
	free(after);

	sqlite3 *db;
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TABLE contacts (name TEXT); INSERT INTO contacts VALUES ('A')",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_works_without_history(path);
	free(path);
}

static void damage(const char *path)
{
	FILE *f = fopen(path, "r+e");
	char noise[3000];

	assert_non_null(f);
	memset(noise, 0xa5, sizeof(noise));
	fseek(f, 100, SEEK_SET);
	assert_int_equal(fwrite(noise, 1, sizeof(noise), f), sizeof(noise));
	fclose(f);
}

static void a_damaged_history_costs_history_alone(void **state)
{
	char *path = compiled_path(&host, "kept.db");

	(void)state;
	setenv("RTF_HISTORY", path, 1);
	compiled_start(&host);
	subject_define(&host, "add", "int add(int a, int b) { return a * b; }");
	pid_t engine = compiled_engine(&host);
	compiled_stop(&host);
	compiled_await_end(engine);
	damage(path);
	assert_works_without_history(path);
	free(path);
}

/* Waits until \status has nothing to warn of. */
static void await_no_warning(void)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	bool warned = true;

	while (warned && child_clock() < deadline) {
		json_t *status = compiled_data(&host, "\\status");
		warned = json_object_get(status, "warning") != NULL;
		json_decref(status);
	}
	assert_false(warned);
}

static void a_history_that_another_holds_gets_everything_later(void **state)
{
	char *path = compiled_path(&host, "held.db");
	sqlite3 *db;

	(void)state;
	setenv("RTF_HISTORY", path, 1);
	compiled_start(&host);
	subject_define(&host, "add", "int add(int a, int b) { return a * b; }");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	subject_define(&host, "add", "int add(int a, int b) { return a - b; }");
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	compiled_assert_says(&host, 0, "\\status", "what happens is kept in memory");
	assert_int_equal(versions_in(path), 1);
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	await_no_warning();
	assert_int_equal(versions_in(path), 2);
	subject_define(&host, "add", "int add(int a, int b) { return a / b; }");
	compiled_assert_answer(&host, "add 8 4", "2 2");
	compiled_assert_live(&host, "add", 3, 4, "live");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 8 4", "4 4");
	unsetenv("RTF_HISTORY");
	compiled_stop(&host);
	free(path);
}

#define unharmed(test) cmocka_unit_test_setup_teardown(test, compiled_each_start, assert_unharmed)

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unharmed(every_refusal_has_its_class_and_one_sentence),
		unharmed(diagnostics_count_lines_of_the_given_text),
		unharmed(nothing_typed_is_nothing_done),
		unharmed(ten_megabytes_are_an_entry_like_any_other),
		unharmed(thirty_megabytes_are_refused_by_the_console),
		unharmed(thirty_megabytes_on_the_wire_end_that_connection_alone),
		unharmed(bytes_that_are_no_text_are_refused),
		unharmed(malformed_requests_are_answered_and_the_next_one_is_served),
		unharmed(any_number_of_requests_may_stand_behind_one_that_waits),
		unharmed(what_only_mentions_an_interrupt_waits_its_turn),
		unharmed(a_console_may_vanish_at_any_moment),
		unharmed(a_console_that_never_reads_is_given_up_and_holds_nobody),
		unharmed(fifty_consoles_at_once_are_all_served),
		unharmed(there_is_an_end_to_how_many_consoles_are_served),
		unharmed(a_read_only_connection_looks_and_does_not_touch),
		cmocka_unit_test(a_socket_that_cannot_be_is_an_errno_and_the_program_goes_on),
		cmocka_unit_test(a_live_programs_socket_is_left_to_it_and_a_dead_ones_replaced),
		cmocka_unit_test(without_an_engine_the_console_says_so),
		cmocka_unit_test(sources_that_moved_are_found_again_by_the_source_root),
		cmocka_unit_test(without_debug_information_the_answer_says_what_to_compile_with),
		cmocka_unit_test(a_history_that_cannot_be_made_costs_history_alone),
		cmocka_unit_test(a_file_that_is_no_history_is_not_touched),
		cmocka_unit_test(a_damaged_history_costs_history_alone),
		cmocka_unit_test(a_history_that_another_holds_gets_everything_later),
	};

	return cmocka_run_group_tests_name("system: bad input", tests, init, compiled_group_fini);
}
