/* Threads that end below a new version: what stands above it is cleaned up as if it had been built so. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct subject host;

static void start_host(const char *compiler, const char *level)
{
	const struct compiled_how how = {
		.compiler = compiler, .flags = {level, "-fexceptions", "-w"}, .sources = {"unwind_host.c"}};

	compiled_init(&host, &how);
	setenv("RTF_OPTIMIZE", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_OPTIMIZE");
}

static void assert_both_clean_up(const char *all)
{
	compiled_assert_answer(&host, "exit", all);
	compiled_assert_answer(&host, "cancel", all);
}

/* `backend`: of what has nothing to clean up. Optimised, end() comes along with its body, which has. */
static void redefine_and_end(const char *backend)
{
	assert_both_clean_up("end inner inner middle outer thread ");
	compiled_define(&host, "void inner(int depth) { CLEANED(mine, \"INNER\"); CLEANED(more, \"more\");"
			       " if (depth) inner(depth - 1); else end(); }");
	assert_both_clean_up("end more INNER more INNER middle outer thread ");
	compiled_define(&host,
			"static void middle(int depth) { CLEANED(mine, \"MIDDLE\"); inner(depth - 1); }");
	assert_both_clean_up("end more INNER MIDDLE outer thread ");
	/* Nothing to clean up in it: its table has no word of a personality. */
	json_t *defined = compiled_data(&host, "void inner(int depth) { end(); }");
	assert_string_equal(compiled_string(json_array_get(defined, 0), "backend"), backend);
	json_decref(defined);
	assert_both_clean_up("end MIDDLE outer thread ");
}

static void cleanups_of_a_new_version_and_above_it_run(void **state)
{
	(void)state;
	start_host("gcc", "-O0");
	redefine_and_end("tcc");
}

static void cleanups_run_in_optimised_code(void **state)
{
	(void)state;
	start_host("gcc", "-O2");
	redefine_and_end("cc");
}

static void cleanups_run_in_clangs_code(void **state)
{
	(void)state;
	start_host("clang", "-O0");
	redefine_and_end("tcc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(cleanups_of_a_new_version_and_above_it_run, compiled_group_fini),
		cmocka_unit_test_teardown(cleanups_run_in_optimised_code, compiled_group_fini),
		cmocka_unit_test_teardown(cleanups_run_in_clangs_code, compiled_group_fini),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
