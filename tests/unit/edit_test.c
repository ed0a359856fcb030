/* Edits: the functions of a text that somebody gave, and what stands around them. */
#include "edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct edit edit_of(const char *text)
{
	struct edit edit;

	assert_null(edit_new(text, strlen(text), &edit));
	return edit;
}

static char *rest_of(const char *text)
{
	static const bool all[8] = {true, true, true, true, true, true, true, true};
	struct edit edit = edit_of(text);
	char *rest = edit_rest(&edit, all);

	edit_fini(&edit);
	return rest;
}

static bool accepts(const char *bytes, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct edit edit;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	struct error *e = edit_new(copy, size, &edit);
	bool accepted = !e;
	if (e)
		assert_string_equal(error_message(e), "the text holds a NUL byte");
	else
		edit_fini(&edit);
	error_free(e);
	free(copy);
	return accepted;
}

static void several_functions_are_found_with_their_lines(void **state)
{
	static const char text[] = "static int n;\n\nint f(void)\n{\n\treturn n;\n}\nAPI int g(int a) { "
				   "return a; } int h(void) { }\n";
	struct edit edit = edit_of(text);

	(void)state;
	assert_int_equal(edit.count, 3);
	assert_string_equal(edit.functions[0].name, "f");
	assert_int_equal(edit.functions[0].line, 3);
	assert_memory_equal(text + edit.functions[0].begin, "int f(void)\n", 12);
	assert_memory_equal(text + edit.functions[0].end - 2, "\n}\nAPI", 6);
	assert_string_equal(edit.functions[1].name, "g");
	assert_int_equal(edit.functions[1].line, 7);
	assert_memory_equal(text + edit.functions[1].begin, "API int g", 9);
	assert_string_equal(edit.functions[2].name, "h");
	assert_int_equal(edit.functions[2].line, 7);
	edit_fini(&edit);
}

static void text_without_a_function_has_none(void **state)
{
	static const char *const texts[] = {"",
					    " \n/* int f(void) { } */\n",
					    "int f(void);",
					    "1 + 2",
					    "struct s { int a; };",
					    "int a[] = { 1 };",
					    "#define F int f(void) { }\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct edit edit = edit_of(texts[i]);
		assert_int_equal(edit.count, 0);
		edit_fini(&edit);
	}
}

static void a_function_that_is_cut_off_is_one_nonetheless(void **state)
{
	struct edit edit = edit_of("int f(void) { if (a) { return 1; }");

	(void)state;
	assert_int_equal(edit.count, 1);
	assert_string_equal(edit.functions[0].name, "f");
	assert_int_equal(edit.functions[0].end, edit.size);
	edit_fini(&edit);
}

static void the_rest_keeps_its_lines_and_columns(void **state)
{
	char *rest = rest_of("#define A 1\nint f(void)\n{\n}\tint x; int g(void) { }\nint y;");

	(void)state;
	assert_string_equal(rest, "#define A 1\n           \n \n \tint x;                \nint y;");
	free(rest);
}

static void only_the_functions_that_are_named_are_left_out(void **state)
{
	struct edit edit = edit_of("int f(void) { }\nint g(void) { }\n");
	char *rest = edit_rest(&edit, (bool[]){false, true});

	(void)state;
	assert_string_equal(rest, "int f(void) { }\n               \n");
	free(rest);
	edit_fini(&edit);
}

static void nothing_but_comments_is_no_rest(void **state)
{
	(void)state;
	assert_null(rest_of("/* adds */\nint f(void) { }\n// done\n"));
	assert_null(rest_of(""));
}

/* A source may be in any encoding; what comes from a console is UTF-8 when it is here. */
static void a_text_is_taken_whatever_its_encoding(void **state)
{
	static const char latin[] = "int f(void) { return '\xe9'; } /* caf\xe9 */ int g(void) { return 2; }";
	struct edit edit = edit_of(latin);

	(void)state;
	assert_int_equal(edit.count, 2);
	assert_string_equal(edit.functions[1].name, "g");
	edit_fini(&edit);
	assert_true(accepts("caf\xc3\xa9 \xe2\x82\xac", 8));
}

static void a_text_with_a_nul_byte_is_refused(void **state)
{
	(void)state;
	assert_true(accepts("int x; int y;", 13));
	assert_false(accepts("int x;\0int y;", 13));
	assert_false(accepts("\0", 1));
}

static void sixteen_mebibytes_are_the_limit(void **state)
{
	size_t limit = 16 << 20;
	char *text = malloc(limit + 1);
	struct edit edit;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', limit + 1);
	assert_null(edit_new(text, limit, &edit));
	edit_fini(&edit);
	struct error *e = edit_new(text, limit + 1, &edit);
	assert_non_null(e);
	assert_int_equal(error_class(e), ERROR_USAGE);
	assert_non_null(strstr(error_message(e), "bytes, more than the 16 MiB that one entry may have"));
	error_free(e);
	free(text);
}

static void a_long_text_of_many_functions_costs_no_square(void **state)
{
	enum { TIMES = 400000, SIZE = 10 };
	char *text = malloc((size_t)TIMES * SIZE);
	struct edit edit;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < TIMES; i++)
		memcpy(text + i * SIZE, "\nint f(){}", SIZE);
	assert_null(edit_new(text, (size_t)TIMES * SIZE, &edit));
	assert_int_equal(edit.count, TIMES);
	assert_int_equal(edit.functions[TIMES - 1].line, TIMES + 1);
	edit_fini(&edit);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_functions_are_found_with_their_lines),
		cmocka_unit_test(text_without_a_function_has_none),
		cmocka_unit_test(a_function_that_is_cut_off_is_one_nonetheless),
		cmocka_unit_test(the_rest_keeps_its_lines_and_columns),
		cmocka_unit_test(only_the_functions_that_are_named_are_left_out),
		cmocka_unit_test(nothing_but_comments_is_no_rest),
		cmocka_unit_test(a_text_is_taken_whatever_its_encoding),
		cmocka_unit_test(a_text_with_a_nul_byte_is_refused),
		cmocka_unit_test(sixteen_mebibytes_are_the_limit),
		cmocka_unit_test(a_long_text_of_many_functions_costs_no_square),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
