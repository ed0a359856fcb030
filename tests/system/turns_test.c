/* A console that waits for the program's own compiler waits alone, and what it gets is true of what is live by then. The
 * compiler is a script that can be held up. */
#include "compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;
static struct wire waiting, other;
static int asked;

/* --- a compiler that waits --------------------------------------------------------------------------------------- */

static void write_file(const char *name, mode_t mode, const char *text)
{
	char *path = compiled_path(&host, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	free(path);
}

/* It compiles at once unless there is a file `held`; then it leaves its number in `started` and waits for `go`. */
static void write_compiler(void)
{
	const char *d = host.directory;
	char *script, *database, *go = compiled_path(&host, "go"), *core = realpath("core", NULL);

	assert_non_null(core);

	assert_true(asprintf(&script,
			     "#!/bin/sh\n"
			     "case \" $* \" in *\" -fPIC \"*)\n"
			     "	if [ -e %s/held ]; then echo $$ >%s/new; mv %s/new %s/started; cat %s/go; "
			     "fi\n"
			     "esac\n"
			     "exec ${CC:-cc} \"$@\"\n",
			     d, d, d, d, d) > 0);
	write_file("slow-cc", 0755, script);
	assert_true(asprintf(&database,
			     "[{\"directory\": \"%s\", \"command\": \"%s/slow-cc -g -I%s -c host.c\", "
			     "\"file\": \"%s/host.c\"}]\n",
			     d, d, core, d) > 0);
	write_file("compile_commands.json", 0644, database);
	assert_int_equal(mkfifo(go, 0600), 0);
	free(script);
	free(database);
	free(core);
	free(go);
}

static void hold(void)
{
	char *path = compiled_path(&host, "started");

	unlink(path);
	free(path);
	write_file("held", 0644, "");
}

/* The number of the compiler that is held up. */
static pid_t await_compiler(void)
{
	char *path = compiled_path(&host, "started"), *text;
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (access(path, F_OK)) {
		poll(NULL, 0, 5);
		if (child_clock() > deadline)
			fail_msg("no compiler was started");
	}
	text = child_read_file(path);
	assert_non_null(text);
	pid_t pid = (pid_t)atol(text);
	free(text);
	free(path);
	return pid;
}

static void let_go_of_next(void)
{
	char *path = compiled_path(&host, "held");

	unlink(path);
	free(path);
}

static void let_go_of_this(void)
{
	char *go = compiled_path(&host, "go");

	int fd = open(go, O_WRONLY | O_CLOEXEC); /* once the compiler reads it */
	assert_true(fd >= 0);
	close(fd);
	free(go);
}

static void let_go(void)
{
	let_go_of_next();
	let_go_of_this();
}

/* --- the consoles ------------------------------------------------------------------------------------------------ */

static struct timespec source_time;

/* The source as it was built, and its time: a program's start is known by the tick, and the next one's engine would take what was
 * written right before for a save. */
static void put_back(void)
{
	compiled_copy_in(&host, "host.c");
	compiled_set_time(&host, "host.c", source_time);
}

static int start_host(void **state)
{
	(void)state;
	let_go_of_next();
	compiled_start(&host);
	wire_open(&waiting, host.socket);
	wire_open(&other, host.socket);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	if (waiting.fd >= 0)
		wire_close(&waiting);
	wire_close(&other);
	compiled_assert_history_whole(&host);
	compiled_stop(&host);
	put_back();
	return 0;
}

/* A command whose compiler is held up; its number. */
static pid_t begin(const char *command)
{
	hold();
	wire_command(&waiting, ++asked, command);
	return await_compiler();
}

/* Nothing has come for the console that waits. */
static void assert_waits(void)
{
	char byte;

	assert_int_equal(recv(waiting.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* What the waiting console's command came to. The data, or the error; the caller's. */
static json_t *await_answer(int id, bool ok)
{
	for (json_t *object; (object = wire_receive(&waiting)); json_decref(object)) {
		if (json_integer_value(json_object_get(object, "id")) != id)
			continue;
		assert_int_equal(json_is_true(json_object_get(object, "ok")), ok);
		json_t *data = json_incref(json_object_get(object, ok ? "data" : "error"));
		json_decref(object);
		return data;
	}
	fail_msg("the engine closed the connection before it answered");
	return NULL;
}

static void assert_error(json_t *error, const char *class, const char *part)
{
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_string_equal(json_string_value(json_object_get(error, "class")), class);
	if (!message || !strstr(message, part))
		fail_msg("%s is not in: %s", part, message);
	json_decref(error);
}

/* The host's command add calls that function twice and says both results. */
static void assert_traced(const char *both, int result, int version)
{
	compiled_assert_answer(&host, "add 1 2", both);
	json_t *event = wire_await_event(&waiting, "trace");
	assert_int_equal(json_integer_value(json_object_get(event, "result")), result);
	assert_int_equal(json_integer_value(json_object_get(event, "version")), version);
	json_decref(event);
}

/* Waits until \list says that of the function, NULL for nothing. */
static void await_watch(const char *function, const char *watch)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (;;) {
		json_t *row = compiled_row(&host, function);
		const char *now = json_string_value(json_object_get(row, "watch"));
		bool same = watch ? now && strcmp(now, watch) == 0 : !now;
		json_decref(row);
		if (same)
			return;
		if (child_clock() > deadline)
			fail_msg("%s is still not %s", function, watch ? watch : "plain");
	}
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static const char plus_one[] = "int add(int a, int b)\n{\n\treturn a + b + 1;\n}";
static const char wide[] = "int add(int a, int b)\n{\n\t__int128 sum = a;\n\treturn (int)(sum + b + 100);\n}";

static void others_are_answered_while_one_waits_for_the_compiler(void **state)
{
	(void)state;
	begin("\\trace add");
	int id = asked;
	wire_ok(&other, "\\list");
	json_t *value = wire_data(&other, "20 + 3");
	assert_string_equal(json_string_value(json_object_get(value, "text")), "23");
	json_decref(value);
	wire_ok(&other, "static long factorial(int n)\n{\n\treturn n + 7;\n}");
	compiled_assert_answer(&host, "factorial 1", "8");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	assert_waits();
	let_go();
	json_decref(await_answer(id, true));
	assert_traced("3 3", 3, 0);
}

static void a_watch_is_of_what_is_live_when_its_compiler_has_run(void **state)
{
	(void)state;
	begin("\\trace add");
	int id = asked;
	wire_ok(&other, plus_one);
	compiled_assert_answer(&host, "add 1 2", "4 4");
	let_go();
	json_decref(await_answer(id, true));
	assert_traced("4 4", 4, 1);
}

static void a_definition_that_another_overtook_is_refused(void **state)
{
	(void)state;
	begin(wide);
	int id = asked;
	wire_ok(&other, plus_one);
	let_go();
	assert_error(await_answer(id, false), "drift",
		     "version 1 of add was made live while this was compiled");
	compiled_assert_answer(&host, "add 1 2", "4 4");
	wire_command(&waiting, ++asked, wide);
	json_t *rows = await_answer(asked, true), *row = json_array_get(rows, 0);
	assert_string_equal(json_string_value(json_object_get(row, "backend")), "cc");
	assert_int_equal(json_integer_value(json_object_get(row, "version")), 2);
	json_decref(rows);
	compiled_assert_answer(&host, "add 1 2", "103 103");
}

static void a_compiler_is_ended_with_the_console_that_waited_for_it(void **state)
{
	(void)state;
	pid_t compiler = begin("\\trace add");
	wire_close(&waiting);
	waiting.fd = -1;
	compiled_await_end(compiler);
	compiled_assert_live(&host, "add", 0, 1, "built");
	let_go_of_next();
	wire_ok(&other, "\\trace add");
	compiled_assert_answer(&host, "add 1 2", "3 3");
}

static void an_interrupt_ends_the_compiler_and_changes_nothing(void **state)
{
	char request[80];

	(void)state;
	pid_t compiler = begin("\\cover add");
	int id = asked;
	snprintf(request, sizeof(request), "{\"id\":%d,\"interrupt\":%d}\n", ++asked, id);
	wire_send(&waiting, request, strlen(request));
	assert_error(await_answer(id, false), "interrupted",
		     "interrupted while the compiler ran: nothing has changed");
	compiled_await_end(compiler);
	compiled_assert_live(&host, "add", 0, 1, "built");
	let_go_of_next();
	wire_command(&waiting, ++asked, "\\cover add");
	json_decref(await_answer(asked, true));
	await_watch("add", "cover");
}

static void who_waits_behind_another_builds_on_what_that_one_made_live(void **state)
{
	(void)state;
	begin("\\trace add if a == 1");
	int id = asked, second = ++asked;
	wire_command(&other, second, "\\cover add");
	let_go();
	json_decref(await_answer(id, true));
	for (json_t *answer = NULL; !answer; json_decref(answer)) {
		answer = wire_receive(&other);
		assert_non_null(answer);
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), second);
		assert_true(json_is_true(json_object_get(answer, "ok")));
	}
	await_watch("add", "cover+trace");
	assert_traced("3 3", 3, 0);
}

static void a_new_definition_of_a_watched_function_keeps_nobody_waiting(void **state)
{
	(void)state;
	json_decref(wire_ask(&waiting, ++asked, "\\trace add"));
	begin(plus_one);
	int id = asked;
	wire_ok(&other, "\\list");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	let_go_of_this(); /* no other is needed: that would be held up */
	json_decref(await_answer(id, true));
	json_t *row = compiled_row(&host, "add");
	int plain = (int)json_integer_value(json_object_get(row, "plain"));
	json_decref(row);
	assert_traced("4 4", 4, plain);
}

static void a_watch_that_ends_beside_another_keeps_nobody_waiting(void **state)
{
	(void)state;
	json_decref(wire_ask(&waiting, ++asked, "\\trace add"));
	wire_ok(&other, "\\trace add if a == 7");
	wire_ok(&other, "\\probe add:30 a");
	hold();
	wire_ok(&other, "\\untrace add");
	await_compiler();
	wire_ok(&other, "\\list");
	wire_ok(&other, "\\unprobe *");
	let_go();
	assert_traced("3 3", 3, 0);
	await_watch("add", "trace");
}

static void assert_value(json_t *data, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(data, "text")), text);
	json_decref(data);
}

static void an_expression_that_needs_the_compiler_keeps_nobody_waiting(void **state)
{
	(void)state;
	begin("(int)((__int128)20 << 1)");
	int id = asked;
	wire_ok(&other, "\\list");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	assert_waits();
	let_go_of_this(); /* one is all it needs */
	assert_value(await_answer(id, true), "40");
}

/* What it has noted and placed in the program is the same when it is tried again. */
static void what_an_expression_writes_is_told_once_the_compiler_has_run(void **state)
{
	(void)state;
	begin("tax_percent = (int)(*(__int128[]){7} * 3)");
	int id = asked;
	assert_value(wire_data(&other, "tax_percent"), "20");
	let_go_of_this();
	assert_value(await_answer(id, true), "21");
	wire_ok(&other, "\\undo");
	assert_value(wire_data(&other, "tax_percent"), "20");
}

/* Version 1 of an earlier run: it is built again. */
static void going_back_to_what_is_not_in_memory_keeps_nobody_waiting(void **state)
{
	(void)state;
	json_decref(wire_ask(&other, ++asked, wide));
	wire_close(&waiting);
	wire_close(&other);
	compiled_kill(&host);
	compiled_start(&host);
	wire_open(&waiting, host.socket);
	wire_open(&other, host.socket);
	begin("\\rollback add 1");
	int id = asked;
	wire_ok(&other, "\\list");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	assert_waits();
	let_go_of_this();
	json_decref(await_answer(id, true));
	compiled_assert_answer(&host, "add 1 2", "103 103");
}

static void save_with(const char *body)
{
	char *path = compiled_path(&host, "host.c"), *text = child_read_file(path);
	char *saved = child_replace(text, "\treturn a + b;\n", body);

	assert_true(child_write_file(path, saved));
	free(saved);
	free(text);
	free(path);
}

static void restore_file(void)
{
	compiled_copy_in(&host, "host.c");
}

/* Whether what was saved is on its way, as \status has it. */
static void assert_saving(bool saving)
{
	json_t *data = wire_data(&other, "\\status");

	assert_int_equal(json_is_true(json_object_get(data, "saving")), saving);
	json_decref(data);
}

static void a_save_that_needs_the_compiler_keeps_nobody_waiting(void **state)
{
	(void)state;
	compiled_await_read(&host);
	hold();
	save_with("\t__int128 sum = a;\n\treturn (int)(sum + b + 100);\n");
	await_compiler();
	wire_ok(&other, "\\list");
	assert_saving(true);
	wire_ok(&other, "static long factorial(int n)\n{\n\treturn n + 7;\n}");
	compiled_assert_answer(&host, "factorial 1", "8");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	let_go_of_this();
	wire_ok(&other, "\\wait add 1 100");
	assert_saving(false);
	compiled_assert_answer(&host, "add 1 2", "103 103");
	compiled_assert_live(&host, "add", 1, 2, "saved");
	restore_file();
	let_go_of_next();
	wire_ok(&other, "\\wait add 2 100");
}

/* What is saved meanwhile comes behind it. */
static void a_save_waits_behind_one_that_waits(void **state)
{
	(void)state;
	compiled_await_read(&host);
	hold();
	save_with("\t__int128 sum = a;\n\treturn (int)(sum + b + 100);\n");
	await_compiler();
	restore_file();
	wire_ok(&other, "\\list");
	let_go();
	wire_ok(&other, "\\wait add 2 100");
	compiled_assert_answer(&host, "add 1 2", "3 3");
}

static void a_save_of_a_watched_function_keeps_nobody_waiting(void **state)
{
	(void)state;
	compiled_await_read(&host);
	json_decref(wire_ask(&waiting, ++asked, "\\trace add"));
	hold();
	save_with("\treturn a + b + 1;\n");
	await_compiler();
	wire_ok(&other, "\\list");
	let_go();
	wire_ok(&other, "\\wait add 2 100"); /* 1 is the one that traces */
	assert_traced("4 4", 4, 2);
}

#define with_host(f) cmocka_unit_test_setup_teardown(f, start_host, stop_host)

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	source_time = compiled_time(&host, "host.c");
	write_compiler();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(others_are_answered_while_one_waits_for_the_compiler),
		with_host(a_watch_is_of_what_is_live_when_its_compiler_has_run),
		with_host(a_definition_that_another_overtook_is_refused),
		with_host(a_compiler_is_ended_with_the_console_that_waited_for_it),
		with_host(an_interrupt_ends_the_compiler_and_changes_nothing),
		with_host(who_waits_behind_another_builds_on_what_that_one_made_live),
		with_host(a_new_definition_of_a_watched_function_keeps_nobody_waiting),
		with_host(a_watch_that_ends_beside_another_keeps_nobody_waiting),
		with_host(an_expression_that_needs_the_compiler_keeps_nobody_waiting),
		with_host(what_an_expression_writes_is_told_once_the_compiler_has_run),
		with_host(going_back_to_what_is_not_in_memory_keeps_nobody_waiting),
		with_host(a_save_that_needs_the_compiler_keeps_nobody_waiting),
		with_host(a_save_waits_behind_one_that_waits),
		with_host(a_save_of_a_watched_function_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests_name("system: turns with the compiler", tests, init,
					   compiled_group_fini);
}
