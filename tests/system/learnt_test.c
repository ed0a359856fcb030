/* What an optimiser may have learnt of functions that it was not to look into: told where that may be, and once; and what
 * REALTIMEFUNC keeps clang from. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static const struct compiled_how by_word = {
	.compiler = "clang", .flags = {"-w", "-O2"}, .sources = {"learnt_host.c"}};
static const struct compiled_how by_flag = {.compiler = "clang",
					    .flags = {"-w", "-O2", "-fpatchable-function-entry=16"},
					    .sources = {"learnt_host.c"}};

static const struct compiled_how apart = {.compiler = "clang",
					  .flags = {"-w", "-O1", "-fpatchable-function-entry=16"},
					  .sources = {"learnt_host.c", "learnt_apart.c"}};

static int stop(void **state)
{
	(void)state;
	subject_fini(&host);
	return 0;
}

static void start(const struct compiled_how *how)
{
	compiled_init(&host, how);
	compiled_start(&host);
	compiled_assert_answer(&host, "2", "21 21");
}

/* The definition goes live, and this is said of it: parts of warnings, or with NULL nothing. */
static void assert_told(const char *text, const char *part)
{
	json_t *answer = subject_command(&host, text, 0);
	char *said = json_dumps(json_object_get(answer, "diagnostics"), JSON_ENCODE_ANY);

	if (!json_is_true(json_object_get(answer, "ok")) ||
	    (part ? !said || !strstr(said, part) : said && strstr(said, "may")))
		fail_msg("%s: %s", text, said ? said : "nothing is said");
	free(said);
	json_decref(answer);
}

static void arguments_are_passed_as_written(void **state)
{
	(void)state;
	start(&by_word);
	assert_told("static long first(long n) { struct pair p = {n, 100}; return weigh(&p, 1, 10); }", NULL);
	compiled_assert_answer(&host, "2", "1020 1020");
	assert_told("static long weigh(const struct pair *p, long unused, long factor)\n"
		    "{ return p->a + p->b + unused * 1000 + factor * 100; }",
		    "callers of weigh in its own file may go on with what clang learnt of it");
	compiled_assert_answer(&host, "3", "6705 2103");
}

static void it_is_told_once(void **state)
{
	static const char text[] = "static long weigh(const struct pair *p, long unused, long factor)\n"
				   "{ return p->a + unused + factor * %d; }";
	char first[200], second[200];

	(void)state;
	start(&by_word);
	snprintf(first, sizeof(first), text, 3);
	snprintf(second, sizeof(second), text, 4);
	assert_told(first, "what clang learnt of it");
	assert_told(second, NULL);
	assert_told("static long second(long n) { struct pair p = {n, 4}; return weigh(&p, 1, 3); }", NULL);
}

static void a_file_that_a_flag_decorates_is_fitted_and_told_so(void **state)
{
	(void)state;
	compiled_init(&host, &by_flag);
	compiled_shell(&host, "sed -i -e 's/^REALTIMEFUNC$/__attribute__((noinline))/' " /* and all arguments are passed: */
			      "-e 's/(void)unused/if (p->a == -unused) abort()/' -e 's/6, 7/6, 8/' learnt_host.c");
	compiled_build(&host, &by_flag);
	compiled_start(&host);
	compiled_assert_answer(&host, "2", "21 21");
	assert_told(
		"static long first(long n) { struct pair p = {n, 4}; return weigh(&p, 5, 7); }",
		"weigh may, as built, rely on what the program passed to it then, which the optimiser knew: "
		"compile with -O0, or decorate with REALTIMEFUNC");
	assert_told("static long first(long n) { struct pair p = {n, 5}; return weigh(&p, 6, 7); }", NULL);
}

/* Its callers pass what it needs in other registers than it is written with. */
static void a_function_whose_arguments_were_taken_away_is_refused_and_brought_along(void **state)
{
	(void)state;
	start(&apart);
	compiled_assert_refused(
		&host,
		"static int count(int *unused, const char *text, void *nothing, int which) { return 1; }",
		"signature", "count: clang knew all of its callers");
	compiled_define(&host,
			"int count_second(const char *text) { return count(counts, text, 0, 1) + 1; }");
	compiled_assert_says(&host, 0, "count_second(\"b\"), counts[1]", "(int) 98");
	compiled_assert_says(&host, 0, "count_first(\"c\"), counts[0]", "(int) 99");
}

static void a_function_that_is_not_passed_what_is_known_is_refused_and_brought_along(void **state)
{
	(void)state;
	start(&apart);
	compiled_assert_refused(
		&host, "static int store(const char *text, int *where, int by) { *where += *text; return *where; }",
		"signature", "store: clang knew all of its callers");
	compiled_define(&host, "int store_first(const char *text) { return store(text, counts + 1, 3); }");
	compiled_assert_says(&host, 0, "store_first(\"b\"), counts[1]", "(int) 294");
	compiled_assert_says(&host, 0, "store_second(\"cd\"), counts[0]", "(int) 200");
	compiled_define(&host, "static int keep(int n, float little, _Bool no, char letter)\n"
			       "{ return n + (int)(little * 4) + no * 100 + letter; }");
	compiled_assert_says(&host, 0, "keeper(1000, 2.5, 1, 'a')", "(int) 1207");
}

/* Its callers know what it returns, and it does not say so any more. */
static void a_function_whose_result_is_known_is_brought_along(void **state)
{
	(void)state;
	start(&apart);
	compiled_assert_says(&host, 0, "fail(\"a\")", "(int) -35");
	compiled_define(&host, "int try_first(const char *text) { return fail(text) * 2; }");
	compiled_define(&host,
			"int try_second(const char *text) { return refuse(text) * 3 + choose(\"x\"); }");
	compiled_assert_says(&host, 0, "try_first(\"b\")", "(int) -70");
	compiled_assert_says(&host, 0, "try_second(\"c\")", "(int) -140");
	compiled_define(&host, "static int fail(const char *why) { return -5; }");
	compiled_assert_says(&host, 0, "fail(\"a\")", "(int) -5");
	compiled_define(&host, "int try_first(const char *text) { return fail(text) * 4; }");
	compiled_assert_says(&host, 0, "try_first(\"b\")", "(int) -20");
	char *slice = compiled_console(&host, 0, NULL, "-c", "\\slice try_second", NULL);
	assert_null(strstr(slice, "? fail(why)")); /* what choose returns varies */
	assert_non_null(strstr(slice, "choose(const char *why)"));
	free(slice);
}

/* It would begin anew, or take the byte and what is behind it for an int. */
static void a_functions_static_that_is_kept_in_a_byte_is_refused(void **state)
{
	static const char lost[] = "does not keep %s as one variable";
	char begun[80], last[80];

	(void)state;
	snprintf(begun, sizeof(begun), lost, "begun");
	snprintf(last, sizeof(last), lost, "last");
	start(&apart);
	compiled_assert_says(&host, 0, "begin_once(5)", "(int) 5");
	compiled_assert_refused(
		&host,
		"int begin_once(int n) { static int begun; if (!begun) { begun = 1; counts[0] += n; } "
		"return counts[0]; }",
		"layout", begun);
	compiled_assert_says(&host, 0, "begin_once(5)", "(int) 5");
	compiled_assert_says(&host, 0, "alternate(1)", "(int) 5");
	compiled_assert_refused(&host, "int alternate(int n) { return other_than_before(n) + n; }", "layout",
				last);
	compiled_assert_says(&host, 0, "alternate(0)", "(int) 9");
	compiled_assert_refused(&host, "begin_once::begun", "layout",
				"does not keep begin_once::begun as one variable");
	compiled_assert_refused(&host, "other_than_before::last", "layout",
				"does not keep other_than_before::last as one variable");
	compiled_define(&host, "int begin_once(int n) { static int again; return again++ + n; }");
	compiled_assert_says(&host, 0, "begin_once(5)", "(int) 5");
	compiled_assert_says(&host, 0, "begin_once(5)", "(int) 6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(arguments_are_passed_as_written, stop),
		cmocka_unit_test_teardown(it_is_told_once, stop),
		cmocka_unit_test_teardown(
			a_function_whose_arguments_were_taken_away_is_refused_and_brought_along, stop),
		cmocka_unit_test_teardown(
			a_function_that_is_not_passed_what_is_known_is_refused_and_brought_along, stop),
		cmocka_unit_test_teardown(a_function_whose_result_is_known_is_brought_along, stop),
		cmocka_unit_test_teardown(a_functions_static_that_is_kept_in_a_byte_is_refused, stop),
		cmocka_unit_test_teardown(a_file_that_a_flag_decorates_is_fitted_and_told_so, stop),
	};

	return cmocka_run_group_tests_name("system: what optimisers learn", tests, NULL, NULL);
}
