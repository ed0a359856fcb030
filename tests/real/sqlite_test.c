/* SQLite's 269,000 lines, built with -fpatchable-function-entry=16 and no source change. */
#include "subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char QUESTION[] = "select substr('hello', 2, 3)";

static struct subject sqlite;

struct progress {
	unsigned long queries, errors;
};

static struct progress progress(void)
{
	const char *answer = subject_ask(&sqlite, "progress");
	struct progress p;

	if (sscanf(answer, "%lu queries, %lu errors", &p.queries, &p.errors) != 2)
		fail_msg("not a progress report: %s", answer);
	return p;
}

/* The busy thread has run queries, and none failed, since `before`. */
static void assert_queries_go_on(struct progress before)
{
	long long deadline = child_clock() + SUBJECT_DEADLINE_MS;
	struct progress now;

	do {
		now = progress();
		assert_int_equal(now.errors, 0);
		if (now.queries > before.queries)
			return;
	} while (child_clock() < deadline);
	fail_msg("the query thread stands still at %lu queries", now.queries);
}

/* substrFunc as it stands in sqlite3.c, with one piece of its text changed. The caller's. */
static char *changed_substr(const char *old, const char *new)
{
	char *path = subject_source("sqlite3/sqlite3.c");
	char *text = child_read_file(path);
	char *function = text ? child_cut_function(text, "static void substrFunc(") : NULL;
	char *changed = function ? child_replace(function, old, new) : NULL;

	if (!changed)
		fail_msg("%s has no substrFunc with \"%s\"", path, old);
	free(function);
	free(text);
	free(path);
	return changed;
}

static void every_function_of_sqlite_is_listed(void **state)
{
	json_t *answer = subject_command(&sqlite, "\\list", 0);
	json_t *functions = json_object_get(answer, "data"), *f;
	size_t i, found = 0;

	(void)state;
	print_message("%zu functions\n", json_array_size(functions));
	assert_true(json_array_size(functions) >= 2600);
	json_array_foreach(functions, i, f) {
		if (strcmp(json_string_value(json_object_get(f, "function")), "substrFunc"))
			continue;
		found++;
		assert_non_null(strstr(json_string_value(json_object_get(f, "file")), "sqlite3.c"));
		assert_true(json_integer_value(json_object_get(f, "line")) > 0);
		assert_int_equal(json_integer_value(json_object_get(f, "version")), 0);
		assert_string_equal(json_string_value(json_object_get(f, "state")), "built");
	}
	assert_int_equal(found, 1);
	json_decref(answer);
}

static void a_redefined_substr_answers_the_next_query_while_others_run(void **state)
{
	char *moved = changed_substr("p1 = sqlite3_value_int64(argv[1]);",
				     "p1 = sqlite3_value_int64(argv[1]) + 1;");

	(void)state;
	assert_string_equal(subject_ask(&sqlite, QUESTION), "ell");
	struct progress before = progress();

	subject_define(&sqlite, "substrFunc", moved);
	assert_string_equal(subject_ask(&sqlite, QUESTION), "llo");
	assert_queries_go_on(before);

	before = progress();
	subject_rollback(&sqlite, "substrFunc", 0);
	assert_string_equal(subject_ask(&sqlite, QUESTION), "ell");
	assert_queries_go_on(before);
	free(moved);
}

static void a_definition_with_an_error_leaves_substr_as_it_was(void **state)
{
	char *wrong = changed_substr("sqlite3_value_type(argv[0])", "sqlite3_value_type(argw[0])");
	struct progress before = progress();
	json_t *answer = subject_command(&sqlite, wrong, 3);
	json_t *error = json_object_get(answer, "error");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(error, "class")), "compile");
	assert_true(json_array_size(json_object_get(answer, "diagnostics")) ||
		    json_array_size(json_object_get(error, "diagnostics")));
	assert_string_equal(subject_ask(&sqlite, QUESTION), "ell");
	assert_queries_go_on(before);
	json_decref(answer);
	free(wrong);
}

static int start_sqlite(void **state)
{
	(void)state;
	subject_init(&sqlite);
	subject_start(&sqlite, "tests/real/sqlite_host", NULL);
	return 0;
}

static int stop_sqlite(void **state)
{
	(void)state;
	subject_fini(&sqlite);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_of_sqlite_is_listed),
		cmocka_unit_test(a_redefined_substr_answers_the_next_query_while_others_run),
		cmocka_unit_test(a_definition_with_an_error_leaves_substr_as_it_was),
	};

	return cmocka_run_group_tests_name("real programs: sqlite", tests, start_sqlite, stop_sqlite);
}
