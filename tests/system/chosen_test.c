/* Functions that a resolver chose when the program was loaded (attribute ifunc): new code calls what was chosen then, by the
 * address that the program has for it. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct subject host;

static void start_host(const struct compiled_how *how)
{
	compiled_init(&host, how);
	setenv("RTF_OPTIMIZE", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_OPTIMIZE");
}

static void redefine_callers(void)
{
	compiled_assert_answer(&host, "1", "204 306 103 1");
	compiled_define(&host, "static long use(long n) { return sum(n, 1) * 2; }");
	compiled_define(&host, "static long use_local(long n) { return local_sum(n, 1) * 3; }");
	compiled_define(&host, "static sum_function *address(long n) { return n ? sum : local_sum; }");
	compiled_assert_answer(&host, "1", "204 306 103 1");
	compiled_define(&host, "static long use(long n) { return sum(n, 1) * 2 + 10000; }");
	compiled_define(
		&host,
		"static long use_local(long n) { sum_function *f = local_sum; return f(n, 1) * 3 + 10000; }");
	compiled_assert_answer(&host, "1", "10204 10306 103 1");
	compiled_assert_says(&host, 0, "sum(2, 3) + local_sum(4, 5)", "(long) 214");
	compiled_assert_says(&host, 0, "&sum == address(1)", "(int) 1");
}

static void callers_go_on_calling_what_was_chosen(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.flags = {"-w"}, .sources = {"chosen_host.c"}});
	redefine_callers();
}

static void so_do_optimised_callers_in_a_program_at_a_fixed_address(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.compiler = "gcc",
					  .flags = {"-w", "-O2", "-no-pie", "-fcf-protection"},
					  .sources = {"chosen_host.c"}});
	redefine_callers();
}

static void so_do_callers_without_a_linkage_table(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){
		.compiler = "gcc", .flags = {"-w", "-fno-plt", "-flto"}, .sources = {"chosen_host.c"}});
	redefine_callers();
}

static void so_do_callers_that_clang_built_and_lld_linked(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){
		.compiler = "clang", .flags = {"-w", "-O0", "-fuse-ld=lld"}, .sources = {"chosen_host.c"}});
	redefine_callers();
}

static void a_static_program_has_its_own_and_the_c_librarys(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.compiler = "gcc",
					  .flags = {"-w", "-static", "-O0"},
					  .sources = {"chosen_host.c"},
					  .with_archive = true});
	redefine_callers();
	compiled_define(&host, "#include <string.h>\n"
			       "static long use(long n) { char to[8] = \"\"; return (long)strlen(strcpy(to, "
			       "\"four\")) + n; }");
	compiled_assert_answer(&host, "1", "5 10306 103 1");
}

static void one_that_is_chosen_can_be_redefined(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.flags = {"-w"}, .sources = {"chosen_host.c"}});
	compiled_define(&host, "static long sum_fast(long a, long b) { return a * 10 + b; }");
	compiled_assert_answer(&host, "3", "62 93 32 1");
}

static void a_new_resolver_is_not_asked_and_that_is_told(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.flags = {"-w"}, .sources = {"chosen_host.c"}});
	compiled_assert_says(
		&host, 0, "static sum_function *resolve_sum(void) { return sum_plain; }",
		"resolve_sum ran when the program was loaded: calls of sum go on to what it chose then");
	compiled_assert_answer(&host, "1", "204 306 103 1");
}

static void what_is_chosen_cannot_be_defined(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.flags = {"-w"}, .sources = {"chosen_host.c"}});
	compiled_assert_refused(
		&host, "long sum(long a, long b) { return a * b; }", "unknown",
		"sum is what its resolver resolve_sum chose when the program was loaded: redefine "
		"the function that it chose");
	compiled_assert_says(&host, 0, "\\describe local_sum", "chosen by  resolve_local");
	compiled_assert_says(&host, 0, "\\describe atol", "its body is in none of the program's files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(callers_go_on_calling_what_was_chosen, compiled_group_fini),
		cmocka_unit_test_teardown(so_do_optimised_callers_in_a_program_at_a_fixed_address,
					  compiled_group_fini),
		cmocka_unit_test_teardown(so_do_callers_without_a_linkage_table, compiled_group_fini),
		cmocka_unit_test_teardown(so_do_callers_that_clang_built_and_lld_linked, compiled_group_fini),
		cmocka_unit_test_teardown(a_static_program_has_its_own_and_the_c_librarys,
					  compiled_group_fini),
		cmocka_unit_test_teardown(one_that_is_chosen_can_be_redefined, compiled_group_fini),
		cmocka_unit_test_teardown(a_new_resolver_is_not_asked_and_that_is_told, compiled_group_fini),
		cmocka_unit_test_teardown(what_is_chosen_cannot_be_defined, compiled_group_fini),
	};

	return cmocka_run_group_tests_name("system: functions that a resolver chooses", tests, NULL, NULL);
}
