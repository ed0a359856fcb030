/* What libtcc made live is optimised in the background by the program's own compiler, and nobody notices but by the
 * clock. */
#include "compiled.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;

static void start_host(const char *level, const char *optimise)
{
	struct compiled_how how = {.flags = {level}};

	compiled_init(&host, &how);
	if (optimise)
		setenv("RTF_OPTIMIZE", optimise, 1);
	compiled_start(&host);
	unsetenv("RTF_OPTIMIZE");
}

/* Whether the newest version of the function runs optimised, as \log tells. */
static bool is_optimised(const char *command)
{
	json_t *rows = compiled_data(&host, command);
	json_t *row = json_array_get(rows, 0);
	bool optimised = json_is_true(json_object_get(row, "optimised"));

	if (optimised) {
		const char *compiler = json_string_value(json_object_get(row, "compiler"));
		assert_string_equal(json_string_value(json_object_get(row, "backend")), "cc");
		assert_non_null(compiler);
		assert_null(strstr(compiler, "tcc"));
		assert_true(strstr(compiler, "gcc") || strstr(compiler, "clang") || strstr(compiler, "cc"));
	}
	json_decref(rows);
	return optimised;
}

/* The engine is asked again and again: each question is an event of its loop. */
static void await_optimised(const char *command)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (!is_optimised(command))
		assert_true(child_clock() < deadline);
}

/* What \list says of the function's live version. */
static void assert_listed(const char *function, bool optimised)
{
	json_t *row = compiled_row(&host, function);
	char *command, *table;

	assert_int_equal(json_is_true(json_object_get(row, "optimised")), optimised);
	json_decref(row);
	assert_true(asprintf(&command, "\\list %s", function) > 0);
	table = compiled_console(&host, 0, NULL, "-c", command, NULL);
	assert_int_equal(strstr(table, "live, optimised") != NULL, optimised);
	free(table);
	free(command);
}

/* Until what runs is optimised, whatever an earlier run's was. */
static void await_listed(const char *function)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	bool optimised = false;

	while (!optimised) {
		json_t *row = compiled_row(&host, function);
		optimised = json_is_true(json_object_get(row, "optimised"));
		json_decref(row);
		assert_true(child_clock() < deadline);
	}
}

static void a_version_is_optimised_and_means_what_it_meant(void **state)
{
	(void)state;
	start_host("-O2", NULL);
	compiled_define(&host, "static int ticks(void) { static int n; return n += 10; }");
	compiled_assert_answer(&host, "ticks", "10");
	await_optimised("\\log ticks");
	assert_listed("ticks", true);
	assert_listed("add", false);
	compiled_assert_answer(&host, "ticks", "20");
	compiled_assert_live(&host, "ticks", 1, 2, "live");

	compiled_define(&host, "static long factorial(int n) { return n < 2 ? 100 : n * factorial(n - 1); }");
	await_optimised("\\log factorial");
	compiled_assert_answer(&host, "factorial 4", "2400");
	/* Recursion still goes through the entry: a newer version answers in the middle of the older one's. */
	compiled_define(&host, "static long factorial(int n) { return 7; }");
	compiled_assert_answer(&host, "factorial 4", "7");
	await_optimised("\\log factorial");
	compiled_assert_answer(&host, "factorial 4", "7");
	json_decref(compiled_data(&host, "\\rollback factorial 1"));
	compiled_assert_answer(&host, "factorial 4", "2400");
	compiled_assert_history_whole(&host);
}

/* A compiler that waits, whenever it is to compile, until somebody opens the pipe and closes it: the first time that one, later
 * the other, so that nobody takes the one who leaves for the one who comes. */
static void make_gate(void)
{
	char *core = realpath("core", NULL), *script = compiled_path(&host, "gated-cc"), *text,
	     *database = compiled_path(&host, "compile_commands.json");

	assert_non_null(core);
	compiled_shell(&host, "mkfifo first second");
	assert_true(
		asprintf(&text,
			 "#!/bin/sh\ncase \" $* \" in\n*' -c '*)\n\tpipe=second\n"
			 "\tmkdir '%1$s/begun' 2>/dev/null && pipe=first\n\tread line <'%1$s'/$pipe\nesac\n"
			 "exec cc \"$@\"\n",
			 host.directory) > 0);
	assert_true(child_write_file(script, text));
	compiled_shell(&host, "chmod +x gated-cc");
	free(text);
	assert_true(asprintf(&text,
			     "[{\"directory\": \"%1$s\", \"file\": \"host.c\", \"arguments\": "
			     "[\"%1$s/gated-cc\", \"-g\", \"-O2\", \"-I%2$s\", \"-c\", \"host.c\"]}]\n",
			     host.directory, core) > 0);
	assert_true(child_write_file(database, text));
	free(text);
	free(database);
	free(script);
	free(core);
}

/* Once the compiler waits; it goes on when the end that is returned is closed. */
static int await_gate(const char *name)
{
	char *path = compiled_path(&host, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	free(path);
	assert_true(fd >= 0);
	return fd;
}

static void what_a_newer_version_overtakes_does_not_take_its_place(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){.flags = {"-O2"}});
	make_gate();
	compiled_start(&host);
	compiled_define(&host, "int add(int a, int b) { return a * b; }");
	int gate = await_gate("first");
	compiled_define(&host, "int add(int a, int b) { return a * b + 1; }");
	close(gate);
	compiled_assert_answer(&host, "add 3 4", "13 13");
	close(await_gate("second"));
	await_optimised("\\log add");
	compiled_assert_answer(&host, "add 3 4", "13 13");
	json_t *rows = compiled_data(&host, "\\log add"), *older = json_array_get(rows, 1);
	assert_int_equal(compiled_int(older, "version"), 1);
	assert_false(json_is_true(json_object_get(older, "optimised")));
	assert_string_equal(compiled_string(older, "backend"), "tcc");
	json_decref(rows);
}

/* A version that was overtaken before its turn has it when it is gone back to, and so has one of an earlier run. */
static void what_is_gone_back_to_is_optimised_too(void **state)
{
	(void)state;
	start_host("-O2", NULL);
	compiled_define(&host, "int add(int a, int b) { return a * b; }");
	compiled_define(&host, "int add(int a, int b) { return a * b + 1; }");
	json_decref(compiled_data(&host, "\\rollback add 1"));
	await_optimised("\\log add --before 2");
	assert_listed("add", true);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_define(&host, "static int ticks(void) { static int n; return n += 10; }");
	compiled_kill(&host);
	compiled_start(&host);
	json_decref(compiled_data(&host, "\\restore"));
	await_listed("ticks");
	compiled_assert_answer(&host, "ticks", "10");
	compiled_assert_history_whole(&host);
}

/* The watched form is the compiler's already; what it was made from gets its turn, and is what runs afterwards. */
static void a_version_that_is_watched_is_optimised_too(void **state)
{
	(void)state;
	start_host("-O2", NULL);
	json_decref(compiled_data(&host, "\\cover add"));
	compiled_define(&host, "int add(int a, int b) { return a * b; }");
	await_optimised("\\log add --before 3");
	compiled_assert_live(&host, "add", 3, 4, "live");
	compiled_assert_answer(&host, "add 3 4", "12 12");
	json_decref(compiled_data(&host, "\\uncover add"));
	assert_listed("add", true);
	compiled_assert_answer(&host, "add 3 4", "12 12");
}

/* What stands in the arena is known to the engine that comes after. */
static void an_engine_that_starts_anew_knows_the_optimised_code(void **state)
{
	(void)state;
	start_host("-O2", NULL);
	compiled_define(&host, "int add(int a, int b) { return a * b; }");
	await_optimised("\\log add");
	pid_t engine = compiled_engine(&host);
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	compiled_assert_live(&host, "add", 1, 2, "live");
	assert_listed("add", true);
	assert_true(is_optimised("\\log add"));
	compiled_assert_answer(&host, "add 3 4", "12 12");
	json_decref(compiled_data(&host, "\\rollback add"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	json_decref(compiled_data(&host, "\\rollback add 1"));
	compiled_assert_answer(&host, "add 3 4", "12 12");
}

/* A second is what a version would have been optimised in thrice over: \wait is given that long to see another version
 * that never comes. */
static void assert_nothing_is_optimised(void)
{
	compiled_define(&host, "int add(int a, int b) { return a * b; }");
	free(compiled_console(&host, 4, NULL, "-c", "\\wait add 99 1", NULL));
	assert_false(is_optimised("\\log add"));
	compiled_assert_answer(&host, "add 3 4", "12 12");
}

static void the_environment_turns_it_off(void **state)
{
	(void)state;
	start_host("-O2", "0");
	assert_nothing_is_optimised();
}

static void what_was_built_without_optimising_is_left_as_it_is(void **state)
{
	(void)state;
	start_host("-O0", NULL);
	assert_nothing_is_optimised();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_version_is_optimised_and_means_what_it_meant,
					  compiled_group_fini),
		cmocka_unit_test_teardown(what_a_newer_version_overtakes_does_not_take_its_place,
					  compiled_group_fini),
		cmocka_unit_test_teardown(what_is_gone_back_to_is_optimised_too, compiled_group_fini),
		cmocka_unit_test_teardown(a_version_that_is_watched_is_optimised_too, compiled_group_fini),
		cmocka_unit_test_teardown(an_engine_that_starts_anew_knows_the_optimised_code,
					  compiled_group_fini),
		cmocka_unit_test_teardown(the_environment_turns_it_off, compiled_group_fini),
		cmocka_unit_test_teardown(what_was_built_without_optimising_is_left_as_it_is,
					  compiled_group_fini),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
