/* Functions that the build folded into one: one of them is not changed behind the others' backs. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct followed host;

static const struct compiled_how gold = {
	.compiler = "gcc",
	.flags = {"-w", "-O2", "-ffunction-sections", "-fuse-ld=gold", "-Wl,--icf=all"},
	.sources = {"folded_host.c"}};
static const struct compiled_how lld = {
	.compiler = "clang",
	.flags = {"-w", "-O0", "-ffunction-sections", "-fuse-ld=lld", "-Wl,--icf=all"},
	.sources = {"folded_host.c"}};
static const struct compiled_how gcc = {
	.compiler = "gcc",
	.flags = {"-w", "-O2", "-DWHOLE_FILE", "-fpatchable-function-entry=16"},
	.sources = {"folded_host.c"}};

static const struct compiled_how wrapped = {.compiler = "gcc",
					    .flags = {"-w", "-O2", "-fpatchable-function-entry=16"},
					    .sources = {"folded_wrapped.c", "folded_beside.c"}};

static const struct compiled_how library = {.compiler = "gcc",
					    .flags = {"-w", "-O2", "-fPIC", "-fpatchable-function-entry=16"},
					    .sources = {"folded_wrapped.c", "folded_beside.c"}};

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void assert_both_stay(const struct compiled_how *how)
{
	struct subject *s = &host.subject;
	char other[64];

	followed_init_host(&host, how);
	compiled_assert_answer(s, "1", "4 4 10");
	/* Which of them has the entry is the build's choice. */
	json_t *list = compiled_data(s, "\\list *");
	const char *name = NULL, *kept = "first";
	json_t *row;
	size_t i;
	json_array_foreach(list, i, row) {
		name = json_string_value(json_object_get(row, "function"));
		if (!strcmp(name, "second"))
			kept = "second";
	}
	json_decref(list);
	snprintf(other, sizeof(other), "%s", strcmp(kept, "first") ? "first" : "second");

	char *text, *said;
	assert_true(asprintf(&text, "long %s(long n) { return n * 100; }", kept) > 0);
	assert_true(asprintf(&said, "%s has its code in common with %s, which would change with it", kept,
			     other) > 0);
	compiled_assert_refused(s, text, "unknown", said);
	free(text);
	free(said);
	assert_true(asprintf(&text, "long %s(long n) { return n * 3 + 1; }", kept) > 0);
	json_decref(compiled_data(s, text));
	free(text);
	assert_true(asprintf(&text, "long %s(long n) { return n * 200; }", other) > 0);
	assert_true(asprintf(&said,
			     "%s has no entry of its own: its code is that of %s, the build folded them into "
			     "one (--icf of the linker, or gcc's -fipa-icf)",
			     other, kept) > 0);
	compiled_assert_refused(s, text, "unknown", said);
	free(text);
	free(said);

	assert_true(asprintf(&text, "\\describe %s", other) > 0);
	assert_true(asprintf(&said, "the build folded it into %s", kept) > 0);
	compiled_assert_says(s, 0, text, said);
	free(text);
	free(said);
	assert_true(asprintf(&text, "\\describe %s", kept) > 0);
	assert_true(asprintf(&said, "one with   %s", other) > 0);
	compiled_assert_says(s, 0, text, said);
	free(text);
	free(said);
	compiled_assert_answer(s, "1", "4 4 10");
	/* Another name is no other function. */
	json_decref(compiled_data(s, "long other(long n) { return n * 7; }"));
	compiled_assert_answer(s, "1", "4 4 14");
}

static void a_linker_that_folds_is_told(void **state)
{
	(void)state;
	assert_both_stay(&gold);
}

static void so_is_another_linker(void **state)
{
	(void)state;
	assert_both_stay(&lld);
}

static void so_is_a_compiler_that_folds(void **state)
{
	(void)state;
	assert_both_stay(&gcc);
}

static void a_save_that_changes_one_is_refused(void **state)
{
	(void)state;
	followed_init_host(&host, &gold);
	followed_edit(&host, "folded_host.c", "return n * 3 + 1;", "return n * 5;");
	followed_assert_refused(&host, "has its code in common with second");
	compiled_assert_answer(&host.subject, "1", "4 4 10");
}

static void one_with_an_entry_of_its_own_is_changed_alone(void **state)
{
	struct subject *s = &host.subject;
	static const char *const names[] = {"on_open", "on_close"};
	char text[128];

	(void)state;
	followed_init_host(&host, &wrapped);
	compiled_assert_answer(s, "0", "0 6");
	for (size_t i = 0; i < 2; i++) {
		json_t *data = compiled_data(s, i ? "\\list on_close" : "\\list on_open");
		const char *file = json_string_value(json_object_get(json_array_get(data, 0), "file"));
		assert_non_null(strstr(file, "folded_wrapped.c"));
		json_decref(data);
		snprintf(text, sizeof(text), "static void %s(void) { calls += %d; }", names[i], i ? 100 : 1);
		subject_define(s, names[i], text);
	}
	compiled_assert_answer(s, "0", "1 6");
	compiled_assert_answer(s, "1", "101 9");
}

static void a_function_that_calls_itself_by_another_name_is_one(void **state)
{
	(void)state;
	followed_init_host(&host, &library);
	compiled_assert_says(&host.subject, 0, "long sunk(long *a, long n) { return *a = n; }",
			     "sunk is now version 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_linker_that_folds_is_told, stop),
		cmocka_unit_test_teardown(so_is_another_linker, stop),
		cmocka_unit_test_teardown(so_is_a_compiler_that_folds, stop),
		cmocka_unit_test_teardown(a_save_that_changes_one_is_refused, stop),
		cmocka_unit_test_teardown(one_with_an_entry_of_its_own_is_changed_alone, stop),
		cmocka_unit_test_teardown(a_function_that_calls_itself_by_another_name_is_one, stop),
	};

	return cmocka_run_group_tests_name("system: functions that were folded into one", tests, NULL, NULL);
}
