/* What \log says of versions whose name or number alone does not tell them: functions of one name, and what other builds of the
 * program were made from. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	return 0;
}

static void edit_source(const char *old, const char *new)
{
	char *path = compiled_path(&host, "host.c"), *text = child_read_file(path),
	     *edited = child_replace(text, old, new);

	if (!edited)
		fail_msg("host.c has no %s", old);
	assert_true(child_write_file(path, edited));
	free(edited);
	free(text);
	free(path);
}

static void build_again_as(const char *id, const char *old, const char *new)
{
	const struct compiled_how how = {.flags = {id}};
	pid_t engine = compiled_engine(&host);

	compiled_kill(&host);
	compiled_await_end(engine);
	edit_source(old, new);
	compiled_build(&host, &how);
	compiled_start(&host);
}

static void build_again(const char *old, const char *new)
{
	build_again_as(NULL, old, new);
}

/* libc settles what TZ says when the first in the process asks for the time of day. */
static void a_log_leaves_the_time_zone_to_the_program(void **state)
{
	char *log = compiled_path(&host, "log");

	(void)state;
	compiled_kill(&host);
	assert_int_equal(setenv("RTF_LOG", log, 1), 0);
	compiled_start(&host);
	assert_int_equal(unsetenv("RTF_LOG"), 0);
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	char *lines = child_read_file(log);
	assert_non_null(strstr(lines, "Z rtf["));
	free(lines);
	free(log);
	char *said = compiled_console(
		&host, 0, NULL, "-c", "#include <stdlib.h>", "-c", "#include <time.h>", "-c",
		"setenv(\"TZ\", \"ABC3\", 1)", "-c",
		"({ time_t zero = 0; struct tm then; localtime_r(&zero, &then); then.tm_hour; })", NULL);
	if (!strstr(said, "(int) 21"))
		fail_msg("%s", said);
	free(said);
}

static void functions_of_one_name_are_told_apart(void **state)
{
	(void)state;
	json_decref(compiled_data(&host, "\\define host.c:shifted\nstatic int shifted(int n) { return n; }"));
	json_decref(compiled_data(&host,
				  "\\define host_other.c:shifted\nstatic int shifted(int n) { return 1; }"));
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	compiled_assert_says(&host, 0, "\\log", "\nhost.c:shifted        1 live");
	compiled_assert_says(&host, 0, "\\log", "\nhost_other.c:shifted  1 live");
	compiled_assert_says(&host, 0, "\\log", "\nadd                   1 live");
	compiled_assert_says(&host, 0, "\\log host.c:shifted -n 1", "\nhost.c:shifted  1 live");
	compiled_assert_says(&host, 0, "\\log --events", "  host_other.c:shifted@1");
	compiled_assert_says(&host, 0, "\\log --events", "  add@1");
	json_decref(compiled_data(&host, "\\define host.c:shifted\nstatic int shifted(int n) { return n; }"));
	compiled_assert_says(&host, 0, "\\log host.c:shifted -n 1",
			     "what is older: \\log host.c:shifted --before 2 -n 1");
	json_t *rows = compiled_data(&host, "\\log -n 1");
	const char *file = json_string_value(json_object_get(json_array_get(rows, 0), "file"));
	assert_non_null(file);
	assert_non_null(strstr(file, "/host.c"));
	json_decref(rows);
}

static void define_shifted(const char *body)
{
	char text[200];

	snprintf(text, sizeof(text), "\\define host.c:shifted\nstatic int shifted(int n) { %s }", body);
	compiled_assert_says(&host, 0, text, "host.c:shifted is now version ");
}

/* Whatever changes it says which of them it was. */
static void answers_tell_functions_of_one_name_apart(void **state)
{
	pid_t engine = compiled_engine(&host);

	(void)state;
	define_shifted("return n;");
	define_shifted("return n + 1;");
	compiled_assert_says(&host, 0, "\\rollback host.c:shifted 0",
			     "host.c:shifted is now version 0 (as built)");
	compiled_assert_says(&host, 0, "\\undo", "host.c:shifted is now version 2");
	compiled_assert_says(&host, 0, "\\redo", "host.c:shifted is now version 0");
	compiled_assert_says(&host, 0, "\\rollback host.c:shifted 1", "host.c:shifted is now version 1");
	compiled_assert_says(&host, 0, "\\note host.c:shifted good", "noted with host.c:shifted@1");
	compiled_assert_says(&host, 0, "\\source host.c:shifted", "host.c:shifted, version 1, live");
	compiled_assert_says(&host, 0, "\\diff host.c:shifted 1 2",
			     "--- host.c:shifted@1\n+++ host.c:shifted@2");
	compiled_assert_says(&host, 0, "\\wait host.c:shifted 1", "host.c:shifted is version 1");
	compiled_assert_says(&host, 0, "\\status", "1 not as built: host.c:shifted\n");
	compiled_assert_says(&host, 0, "\\compare host.c:shifted 1 2 (4)", "host.c:shifted@2 = (int) 5");
	compiled_assert_refused(&host, "\\rollback host.c:shifted 9", "unknown",
				"host.c:shifted has no version 9: it has 0 to 2");
	json_t *moved = compiled_data(&host, "\\rollback host.c:shifted 2");
	assert_non_null(strstr(json_string_value(json_object_get(moved, "file")), "/host.c"));
	json_decref(moved);
	compiled_kill(&host);
	compiled_await_end(engine);
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\restore", "version 2 of host.c:shifted is live");
}

static void a_log_that_has_nothing_says_so(void **state)
{
	(void)state;
	define_shifted("return n;");
	compiled_assert_says(&host, 0, "\\log --user nobody", "nothing of that kind is in the history");
	compiled_assert_says(&host, 0, "\\log --since 2999-01-01", "nothing of that kind is in the history");
}

static void a_function_that_was_never_touched_has_the_time_of_its_build(void **state)
{
	(void)state;
	json_t *rows = compiled_data(&host, "\\log ticks"), *row = json_array_get(rows, 0);
	const char *time = json_string_value(json_object_get(row, "time"));
	int year, month, day, hour, minute, second, thousandth, used = 0;

	assert_int_equal(json_array_size(rows), 1);
	assert_non_null(time);
	if (sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second,
		   &thousandth, &used) != 7 ||
	    time[used])
		fail_msg("\"%s\" is no time", time);
	json_decref(rows);
}

/* "0.3f2a9c01", as \log has it of the row at the end. */
static char *spelled_last(const char *command)
{
	json_t *rows = compiled_data(&host, command), *row = json_array_get(rows, json_array_size(rows) - 1);
	const char *build = json_string_value(json_object_get(row, "build_id"));
	char *spelled;

	assert_int_equal(json_integer_value(json_object_get(row, "version")), 0);
	assert_true(json_is_false(json_object_get(row, "live")));
	assert_non_null(build);
	assert_true(asprintf(&spelled, "0.%.8s", build) > 0);
	compiled_assert_says(&host, 0, command, spelled);
	json_decref(rows);
	return spelled;
}

static void what_an_earlier_build_had_is_listed_and_comes_back(void **state)
{
	char command[128];

	(void)state;
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	build_again("return a + b;", "return a * b;");
	json_decref(compiled_data(&host, "int add(int a, int b) { return 5; }"));
	char *first = spelled_last("\\log add");
	snprintf(command, sizeof(command), "\\source add@%s", first);
	compiled_assert_says(&host, 0, command, "return a + b;");
	snprintf(command, sizeof(command), "\\diff add %s 0", first);
	compiled_assert_says(&host, 0, command, "-\treturn a + b;\n+\treturn a * b;");
	snprintf(command, sizeof(command), "\\rollback add %s", first);
	json_t *data = compiled_data(&host, command);
	assert_int_equal(json_integer_value(json_object_get(data, "version")), 3);
	json_decref(data);
	compiled_assert_answer(&host, "add 7 3", "10 10");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 7 3", "5 5");
	snprintf(command, sizeof(command), "\\note add@%s text", first);
	compiled_assert_refused(&host, command, "usage",
				": that is another build's; \\source, \\diff and \\rollback take it");
	/* As long as a whole id: a shorter one could be how an id of these builds begins. */
	compiled_assert_refused(&host, "\\source add@0.0000000000000000000000000000000000000000", "unknown",
				"the history has no text of add for a build 0000000000000000");

	/* A build that says the same again has no row of its own, unless all are wanted. */
	build_again("return n + bias;", "return bias + n;");
	json_decref(compiled_data(&host, "int add(int a, int b) { return 6; }"));
	json_t *rows = compiled_data(&host, "\\log add"), *all = compiled_data(&host, "\\log add --all");
	assert_int_equal(json_array_size(rows), 6); /* 4 to 1, 0, and the first build's */
	assert_int_equal(json_array_size(all), 7);
	json_decref(rows);
	json_decref(all);
	char *same = spelled_last("\\log add");
	assert_string_equal(same, first);
	free(same);
	free(first);
}

static void a_build_is_spelled_so_that_it_is_the_only_one(void **state)
{
	(void)state;
	build_again_as("-Wl,--build-id=0xab01000000000000000000000000000000000000", "return a + b;",
		       "return a * b;");
	json_decref(compiled_data(&host, "int add(int a, int b) { return 1; }"));
	build_again_as("-Wl,--build-id=0xab02000000000000000000000000000000000000", "return a * b;",
		       "return a / b;");
	json_decref(compiled_data(&host, "int add(int a, int b) { return 2; }"));
	build_again_as("-Wl,--build-id=0xcd03000000000000000000000000000000000000", "return a / b;",
		       "return a % b;");
	compiled_assert_refused(&host, "\\source add@0.ab", "ambiguous", "several builds' ids begin with ab");
	compiled_assert_says(&host, 0, "\\source add@0.ab01", "return a * b;");
	compiled_assert_says(&host, 0, "\\source add@0.ab02", "return a / b;");
	compiled_assert_says(&host, 0, "\\source add@0.cd", "return a % b;");
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start_host, compiled_group_fini)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(functions_of_one_name_are_told_apart),
		WITH_HOST(answers_tell_functions_of_one_name_apart),
		WITH_HOST(a_log_that_has_nothing_says_so),
		WITH_HOST(a_log_leaves_the_time_zone_to_the_program),
		WITH_HOST(a_function_that_was_never_touched_has_the_time_of_its_build),
		WITH_HOST(what_an_earlier_build_had_is_listed_and_comes_back),
		WITH_HOST(a_build_is_spelled_so_that_it_is_the_only_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
