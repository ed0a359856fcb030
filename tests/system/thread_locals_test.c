/* Thread-local variables of the program's own, as libtcc's code reaches them. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

#define SOURCES \
	{ \
		"thread_locals_host.c", "thread_locals_part.c" \
	}

static const struct compiled_how ways[] = {
	{.compiler = "gcc", .flags = {"-w", "-O0"}, .sources = SOURCES},
	{.compiler = "gcc", .flags = {"-w", "-O2"}, .sources = SOURCES},
	{.compiler = "gcc", .flags = {"-w", "-O2", "-no-pie", "-fno-pie"}, .sources = SOURCES},
	{.compiler = "gcc", .flags = {"-w", "-O2", "-mtls-dialect=gnu2"}, .sources = SOURCES},
	{.compiler = "gcc", .flags = {"-w", "-O2"}, .sources = SOURCES, .with_archive = true},
	{.compiler = "clang", .flags = {"-w", "-O2"}, .sources = SOURCES},
};

static int stop(void **state)
{
	(void)state;
	compiled_stop(&host);
	subject_fini(&host);
	return 0;
}

static int start(void **state)
{
	(void)state;
	compiled_init(&host, &ways[1]);
	compiled_start(&host);
	return 0;
}

static void they_are_what_they_were_with_the_functions_own_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		compiled_init(&host, &ways[i]);
		compiled_start(&host);
		compiled_assert_answer(&host, "", "248 11, 248 11");
		compiled_redefine(&host, "all", "tcc");
		compiled_redefine(&host, "shadow", "tcc");
		compiled_assert_answer(&host, "", "353 11, 248 11");
		compiled_stop(&host);
		subject_fini(&host);
	}
}

#define SHADOWS(last) \
	"int shadow(int n)\n" \
	"{\n" \
	"	struct table { int n, chain; } s = {.n = n, .chain = 1}, *p = &s;\n" \
	"	enum { small = 30 };\n" \
	"	if (n > 1) goto chain;\n" \
	"	return 0;\n" \
	"chain:\n" \
	"	for (int table = 0; table < 2; table++) n += s.n + p->chain + table;\n" last "}"

static void names_that_are_others_are_left_alone(void **state)
{
	(void)state;
	compiled_define_by(&host, "shadow",
			   SHADOWS("	{ extern __thread int elsewhere; n += 0; }\n"
				   "	return n + small;\n"),
			   "cc"); /* for the declaration within */
	compiled_assert_answer(&host, "", "248 45, 248 45");
	compiled_define_by(
		&host, "shadow",
		SHADOWS("	return n + small + elsewhere + (int)table[1] + (int)sizeof(table);\n"),
		"tcc");
	compiled_assert_answer(&host, "", "353 90, 248 88");
}

static void code_that_a_macro_makes_reaches_them(void **state)
{
	(void)state;
	compiled_define_by(&host, "shadow",
			   "#define MINE(x) (x + table[1])\n"
			   "#define NAME elsewhere\n"
			   "int shadow(int i) { NAME = 40; return MINE(NAME + n * i); }",
			   "tcc");
	compiled_assert_answer(&host, "", "248 67, 248 67"); /* 40 + 6 * 4 + 3 */
}

/* In a block of the thread's that nothing stands at a known place in. */
static void those_that_versions_add_are_for_the_compiler(void **state)
{
	(void)state;
	compiled_define_by(&host, "shadow",
			   "static __thread int fresh = 3; int shadow(int i) { return fresh++ + n; }", "cc");
	compiled_assert_answer(&host, "", "248 9, 248 9");
	compiled_define_by(&host, "shadow",
			   "static __thread int fresh; int shadow(int i) { return fresh++ + n; }", "cc");
	compiled_assert_answer(&host, "", "353 11, 248 9");
}

static void their_values_are_evaluated(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0, "n", "5");
	compiled_assert_says(&host, 0, "table[2] + elsewhere", "10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_what_they_were_with_the_functions_own_texts),
		cmocka_unit_test_setup_teardown(names_that_are_others_are_left_alone, start, stop),
		cmocka_unit_test_setup_teardown(code_that_a_macro_makes_reaches_them, start, stop),
		cmocka_unit_test_setup_teardown(those_that_versions_add_are_for_the_compiler, start, stop),
		cmocka_unit_test_setup_teardown(their_values_are_evaluated, start, stop),
	};

	return cmocka_run_group_tests_name("thread_locals", tests, NULL, NULL);
}
