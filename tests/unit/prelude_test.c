#include "prelude.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *put(const char *text)
{
	char *whole = prelude_put(text, strlen(text));

	assert_non_null(whole);
	assert_string_equal(whole + strlen(whole) - strlen(text), text);
	return whole;
}

static void assert_lines(const char *text, unsigned lines)
{
	char *whole = put(text);
	unsigned count = 0;

	for (const char *at = whole; at < whole + strlen(whole) - strlen(text); at++)
		count += *at == '\n';
	assert_int_equal(count, lines);
	free(whole);
}

static void plain_text_gets_what_every_text_gets(void **state)
{
	(void)state;
	assert_lines("", 3);
	assert_lines("int f(void) { return 1; }\n", 3);
	assert_lines("_Static_assert(sizeof(int) == 4, \"rtf\"); int __builtin; int a__;\n", 3);
}

static void a_name_brings_its_line_and_those_that_this_one_needs(void **state)
{
	(void)state;
	assert_lines("int f(void) { __builtin_unreachable(); }\n", 4);
	assert_lines("int f(int a) { return __builtin_ctz(a); }", 5);
	char *whole = put("int f(int *p) { return __sync_bool_compare_and_swap(p, 1, 2); }");
	const char *function = strstr(whole, "unsigned long __rtf_compare_exchange(");
	const char *value = strstr(whole, "#define __sync_val_compare_and_swap("),
		   *truth = strstr(whole, "#define __sync_bool_compare_and_swap(");
	assert_true(function && function < value && value < truth);
	assert_null(strstr(whole, "__atomic"));
	free(whole);
}

static void a_name_counts_in_a_macro_too(void **state)
{
	(void)state;
	assert_lines("#define X(a) __builtin_popcountl(a)\nint f(int a) { return X(a); }", 5);
}

static void a_text_that_pastes_names_gets_every_line(void **state)
{
	(void)state;
	char *whole = put("#define X(a) __builtin_ ## a\nint f(int a) { return X(ctz)(a); }");

	assert_non_null(strstr(whole, "#define __builtin_ctz(x)"));
	assert_non_null(strstr(whole, "#define __atomic_store_n("));
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_gets_what_every_text_gets),
		cmocka_unit_test(a_name_brings_its_line_and_those_that_this_one_needs),
		cmocka_unit_test(a_name_counts_in_a_macro_too),
		cmocka_unit_test(a_text_that_pastes_names_gets_every_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
