/* Whoever dies, at whatever moment: what runs goes on running, what was stored is there, the next command
 * works. */
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
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	RESTARTS = 5, /* of an engine that a program makes in a few seconds */
};

static struct subject host;

static void restart_host(void)
{
	child_stop(&host.program, COMPILED_DEADLINE_MS);
	compiled_start(&host);
}

/* A definition of add that returns NUMBER, and tells it in its text. */
static const char *add_text(int number)
{
	static char text[100];

	snprintf(text, sizeof(text), "int add(int a, int b) { (void)a, (void)b; return %d; }", number);
	return text;
}

static void assert_add_answers(int number)
{
	char answer[64];

	snprintf(answer, sizeof(answer), "%d %d", number, number);
	compiled_assert_answer(&host, "add 0 0", answer);
}

/* A connection that this engine has, and no other will get should it end. */
static void open_to_engine(struct wire *w)
{
	wire_open(w, host.socket);
	json_decref(wire_ask(w, 100, "\\status"));
}

static void kill_and_wait(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	compiled_await_end(pid);
}

/* --- the engine --------------------------------------------------------------------------------------- */

static void a_new_engine_knows_what_runs(void **state)
{
	(void)state;
	subject_define(&host, "add", add_text(11));
	subject_define(&host, "add", add_text(12));
	subject_rollback(&host, "add", 1);
	subject_define(&host, "ticks",
		       "static int ticks(void) { static int n; static int step = 5; return n += step++; }");
	compiled_assert_answer(&host, "ticks", "5");

	pid_t engine = compiled_engine(&host);
	kill_and_wait(engine);
	assert_add_answers(11);
	assert_int_not_equal(compiled_engine(&host), engine);
	compiled_assert_live(&host, "add", 1, 3, "live");
	compiled_assert_live(&host, "ticks", 1, 2, "live");
	compiled_assert_live(&host, "sum", 0, 1, "built");
	assert_add_answers(11);

	/* What a version added is still the variable of the versions after it. */
	subject_define(
		&host, "ticks",
		"static int ticks(void) { static int n; static int step = 5; return n += 10 * step; }");
	compiled_assert_answer(&host, "ticks", "65");
}

static void a_new_engine_goes_back_without_building(void **state)
{
	(void)state;
	subject_define(&host, "add", add_text(11));
	subject_define(&host, "add", add_text(12));
	kill_and_wait(compiled_engine(&host));

	json_t *data = compiled_data(&host, "\\rollback add 1"), *took = json_object_get(data, "latency_us");
	assert_int_equal(compiled_int(data, "version"), 1);
	assert_int_equal(
		compiled_int(took, "check") + compiled_int(took, "compile") + compiled_int(took, "link"), 0);
	json_decref(data);
	assert_add_answers(11);
	json_decref(compiled_data(&host, "\\undo"));
	assert_add_answers(12);
	json_decref(compiled_data(&host, "\\undo"));
	assert_add_answers(11);
	json_decref(compiled_data(&host, "\\redo"));
	assert_add_answers(12);
	subject_rollback(&host, "add", 0);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	assert_int_equal(subject_define(&host, "add", add_text(13)), 3);
	assert_add_answers(13);
}

/* The engine that serves now; 0 if none does, `*reason` is then what the console says of that. */
static pid_t next_engine(char **reason)
{
	char *console = subject_built("rtf-console"), *output;
	const char *const argv[] = {console, "--json", "-c", "\\status", host.socket, NULL};
	int status = child_run(argv, NULL, COMPILED_DEADLINE_MS, &output);
	pid_t pid = 0;

	if (status == 0) {
		json_t *answer = json_loads(output, JSON_DISABLE_EOF_CHECK, NULL);
		pid = (pid_t)compiled_int(json_object_get(answer, "data"), "engine_pid");
		json_decref(answer);
		free(output);
	} else {
		assert_int_equal(status, 2);
		*reason = output;
	}
	free(console);
	return pid;
}

static void an_engine_may_die_again_and_again(void **state)
{
	(void)state;
	for (int i = 1; i <= RESTARTS; i++) {
		assert_int_equal(subject_define(&host, "add", add_text(i)), i);
		kill_and_wait(compiled_engine(&host));
		assert_add_answers(i);
	}
	compiled_assert_live(&host, "add", RESTARTS, RESTARTS + 1, "live");

	/* Not for ever: what dies that often in a short time has a reason, which the console tells. On a slow machine the
	 * short time begins only now. */
	char *reason = NULL;
	for (pid_t engine = compiled_engine(&host); !reason; engine = next_engine(&reason))
		kill_and_wait(engine);
	assert_non_null(strstr(reason, "the engine keeps ending"));
	assert_add_answers(RESTARTS);
	free(reason);
}

static void open_connections_end_with_the_engine(void **state)
{
	struct wire w;

	(void)state;
	open_to_engine(&w);
	kill_and_wait(compiled_engine(&host));
	assert_null(wire_receive(&w));
	wire_close(&w);
	subject_define(&host, "add", add_text(1));
}

static void the_engines_children_end_with_it(void **state)
{
	pid_t engine = compiled_engine(&host), children[COMPILED_CHILDREN_MAX],
	      workers[COMPILED_CHILDREN_MAX];
	size_t count, working = 0;

	(void)state;
	subject_define(&host, "add", add_text(1));
	count = compiled_children(engine, children);
	if (count)
		working = compiled_children(children[0], workers);
	kill_and_wait(engine);
	while (count)
		compiled_await_end(children[--count]);
	while (working)
		compiled_await_end(workers[--working]);
}

/* What \list calls live is what answers, and everything that has a number can be made live. */
static void assert_truth_about_add(void)
{
	json_t *source = compiled_data(&host, "\\source add"), *log = compiled_data(&host, "\\log add"), *row;
	json_t *listed = compiled_row(&host, "add");
	int answer, live = compiled_int(source, "version");
	size_t i;

	assert_int_equal(sscanf(subject_ask(&host, "add 0 0"), "%d", &answer), 1);
	const char *text = json_string_value(json_object_get(source, "text")),
		   *tells = strstr(text, "return ");
	assert_int_equal(live ? atoi(tells + 7) : 0, answer);
	assert_int_equal(compiled_int(listed, "version"), live);
	assert_int_equal(compiled_int(listed, "versions"), json_array_size(log));
	json_array_foreach(log, i, row)
		assert_int_equal(json_is_true(json_object_get(row, "live")),
				 compiled_int(row, "version") == live);
	json_decref(source);
	json_decref(listed);
	json_decref(log);
	compiled_assert_history_whole(&host);
}

/* Definitions in a row, and the end of the engine once so many were answered: somewhere in the next one. */
static void an_engine_killed_in_mid_definition_leaves_all_or_nothing(void **state)
{
	int number = 0;

	(void)state;
	for (int answered = 0; answered < 12; answered++) {
		if (answered % RESTARTS == RESTARTS - 1)
			restart_host();
		pid_t engine = compiled_engine(&host);
		struct wire w;
		open_to_engine(&w);
		for (int i = 0; i < 16; i++)
			wire_command(&w, i, add_text(++number));
		for (int i = 0; i < answered; i++)
			json_decref(wire_receive(&w));
		kill_and_wait(engine);
		wire_close(&w);
		assert_truth_about_add();
	}
	json_t *log = compiled_data(&host, "\\log add"), *row;
	size_t i;
	json_array_foreach(log, i, row) {
		subject_rollback(&host, "add", compiled_int(row, "version"));
		assert_truth_about_add();
	}
	json_decref(log);
}

/* The moment when the history's log file is written: between a version's being stored and its being live. */
static void an_engine_killed_while_it_stores_leaves_all_or_nothing(void **state)
{
	char *directory = compiled_path(&host, "rtf");

	(void)state;
	for (int i = 1; i <= RESTARTS; i++) {
		pid_t engine = compiled_engine(&host);
		int watch = inotify_init1(IN_CLOEXEC);
		struct pollfd written = {.fd = watch, .events = POLLIN};
		struct wire w;
		open_to_engine(&w);
		assert_true(watch >= 0 && inotify_add_watch(watch, directory, IN_MODIFY) >= 0);
		wire_command(&w, 1, add_text(i));
		assert_int_equal(poll(&written, 1, COMPILED_DEADLINE_MS), 1);
		kill_and_wait(engine);
		close(watch);
		wire_close(&w);
		assert_truth_about_add();
	}
	free(directory);
}

static void a_stopped_engine_stops_nobody_else(void **state)
{
	pid_t engine = compiled_engine(&host);

	(void)state;
	subject_define(&host, "add", add_text(1));
	assert_int_equal(kill(engine, SIGSTOP), 0);
	char *output = compiled_console(&host, 2, NULL, "-t", "0.2", "-c", "\\list", NULL);
	assert_non_null(strstr(output, "no answer"));
	assert_add_answers(1);
	assert_int_equal(kill(engine, SIGCONT), 0);
	subject_define(&host, "add", add_text(2));
	assert_add_answers(2);
	free(output);
}

static long long number_in(sqlite3 *db, const char *query)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	long long number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* Until a version is stored, whose function the stopped program cannot be asked to call. What has been written is to be seen
 * only when its writer gives the lock back, of which no event tells: so that is waited for. */
static void await_stored_version(sqlite3 *db, int watch)
{
	struct pollfd written = {.fd = watch, .events = POLLIN};
	char events[4096];

	for (;;) {
		assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL), SQLITE_OK);
		if (number_in(db, "SELECT count(*) FROM version WHERE number > 0"))
			return;
		assert_int_equal(poll(&written, 1, COMPILED_DEADLINE_MS), 1);
		assert_true(read(watch, events, sizeof(events)) > 0);
	}
}

static void a_stopped_program_keeps_nobody_from_the_history(void **state)
{
	char *directory = compiled_path(&host, "rtf");
	json_t *status = compiled_data(&host, "\\status");
	int watch = inotify_init1(IN_CLOEXEC);
	struct wire w;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open_v2(json_string_value(json_object_get(status, "history")), &db,
					 SQLITE_OPEN_READWRITE, NULL),
			 SQLITE_OK);
	sqlite3_busy_timeout(db, COMPILED_DEADLINE_MS);
	assert_true(watch >= 0 && inotify_add_watch(watch, directory, IN_MODIFY) >= 0);
	open_to_engine(&w);
	assert_int_equal(kill(host.program.pid, SIGSTOP), 0);
	wire_command(&w, 2, add_text(1));
	await_stored_version(db, watch);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(number_in(db, "SELECT count(*) FROM live"), 0);

	assert_int_equal(kill(host.program.pid, SIGCONT), 0);
	json_decref(wire_receive(&w));
	assert_int_equal(number_in(db, "SELECT number FROM live"), 1);
	assert_add_answers(1);
	wire_close(&w);
	sqlite3_close(db);
	close(watch);
	json_decref(status);
	free(directory);
}

/* --- the compiler's process --------------------------------------------------------------------------- */

static void define_and_see(int number)
{
	subject_define(&host, "add", add_text(number));
	assert_add_answers(number);
}

static void the_compilers_end_is_not_the_engines(void **state)
{
	pid_t engine = compiled_engine(&host), children[COMPILED_CHILDREN_MAX];

	(void)state;
	define_and_see(1);
	size_t count = compiled_children(engine, children);
	assert_true(count >= 1);
	kill_and_wait(children[0]);
	for (int i = 2; i < 5; i++)
		define_and_see(i);
	assert_int_equal(compiled_engine(&host), engine);
}

/* An answer to nobody's question must not become the answer to the next: that would be another function's
 * code. */
static void an_idle_compilers_end_mixes_no_answers_up(void **state)
{
	pid_t engine = compiled_engine(&host), children[COMPILED_CHILDREN_MAX],
	      workers[COMPILED_CHILDREN_MAX];

	(void)state;
	define_and_see(1);
	for (int round = 0; round < 3; round++) {
		assert_true(compiled_children(engine, children) >= 1);
		assert_true(compiled_children(children[0], workers) >= 1);
		kill_and_wait(workers[0]);
		for (int i = 0; i < 3; i++)
			define_and_see(100 + 10 * round + i);
	}
	assert_int_equal(compiled_engine(&host), engine);
}

/* --- the program -------------------------------------------------------------------------------------- */

static void the_engine_leaves_with_the_program(void **state)
{
	pid_t engine = compiled_engine(&host);

	(void)state;
	define_and_see(1);
	compiled_kill(&host);
	compiled_await_end(engine);
	assert_int_equal(access(host.socket, F_OK), 0);
	free(compiled_console(&host, 2, NULL, "-c", "\\list", NULL));

	/* The next run takes the name over, and the history. */
	compiled_start(&host);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_live(&host, "add", 0, 2, "built");
	subject_rollback(&host, "add", 1);
	assert_add_answers(1);
}

static void a_program_that_ends_takes_its_socket_and_engine_along(void **state)
{
	pid_t engine = compiled_engine(&host);
	struct wire w;

	(void)state;
	open_to_engine(&w);
	close(host.program.input);
	host.program.input = -1;
	compiled_await_end(host.program.pid);
	compiled_await_end(engine);
	assert_null(wire_receive(&w));
	wire_close(&w);
	assert_int_equal(access(host.socket, F_OK), -1);
	child_stop(&host.program, COMPILED_DEADLINE_MS);
	compiled_start(&host);
}

static void two_runs_at_once_share_the_history(void **state)
{
	struct subject other = host;

	(void)state;
	other.program = (struct child){0};
	assert_true(asprintf(&other.socket, "%s/other.sock", host.directory) > 0);
	compiled_start(&other);
	assert_int_equal(subject_define(&host, "add", add_text(1)), 1);
	assert_int_equal(subject_define(&other, "add", add_text(2)), 2);
	assert_int_equal(subject_define(&host, "add", add_text(3)), 3);
	assert_add_answers(3);
	assert_string_equal(subject_ask(&other, "add 0 0"), "2 2");
	subject_rollback(&other, "add", 3);
	assert_string_equal(subject_ask(&other, "add 0 0"), "3 3");
	json_decref(compiled_data(&host, "\\undo"));
	assert_add_answers(1);
	assert_string_equal(subject_ask(&other, "add 0 0"), "3 3");
	child_stop(&other.program, COMPILED_DEADLINE_MS);
	free(other.socket);
}

/* --- the console -------------------------------------------------------------------------------------- */

static void a_killed_console_leaves_nothing_half_done(void **state)
{
	char *path = subject_built("rtf-console");
	struct child console;
	char line[1024];

	(void)state;
	assert_true(child_start(&console, (const char *const[]){path, "-f", "-", host.socket, NULL}));
	assert_true(child_send(&console, "\\list add\nint add(int a, int b)\n{\n\treturn 77"));
	assert_true(child_read_until(&console, "built", COMPILED_DEADLINE_MS, line, sizeof(line)));
	kill(console.pid, SIGKILL);
	child_stop(&console, COMPILED_DEADLINE_MS);
	compiled_assert_live(&host, "add", 0, 1, "built");
	compiled_assert_answer(&host, "add 3 4", "7 7");
	define_and_see(5);
	free(path);
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, compiled_each_start, compiled_each_stop_whole)

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(a_new_engine_knows_what_runs),
		with_host(a_new_engine_goes_back_without_building),
		with_host(an_engine_may_die_again_and_again),
		with_host(open_connections_end_with_the_engine),
		with_host(the_engines_children_end_with_it),
		with_host(an_engine_killed_in_mid_definition_leaves_all_or_nothing),
		with_host(an_engine_killed_while_it_stores_leaves_all_or_nothing),
		with_host(a_stopped_engine_stops_nobody_else),
		with_host(a_stopped_program_keeps_nobody_from_the_history),
		with_host(the_compilers_end_is_not_the_engines),
		with_host(an_idle_compilers_end_mixes_no_answers_up),
		with_host(the_engine_leaves_with_the_program),
		with_host(a_program_that_ends_takes_its_socket_and_engine_along),
		with_host(two_runs_at_once_share_the_history),
		with_host(a_killed_console_leaves_nothing_half_done),
	};

	return cmocka_run_group_tests_name("system: who dies when", tests, init, compiled_group_fini);
}
