#include "initialiser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char told[1024];
static const char *text;

/* "function/name@nth=initialiser " of each. */
static bool tell(void *context, const struct initialiser *i)
{
	size_t *rest = context;

	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%.*s/%.*s@%u%.*s ",
		 (int)i->function_length, i->function ? i->function : "", (int)i->length, i->name, i->nth,
		 (int)(i->end - i->begin), text + i->begin);
	return !*rest || --*rest;
}

static const char *all(const char *given, size_t most)
{
	*told = '\0';
	text = given;
	initialiser_each(given, strlen(given), tell, &most);
	return told;
}

static void variables_that_outlive_a_call_are_told(void **state)
{
	(void)state;
	assert_string_equal(all("static int a = 1, *b, c[] = {1, 2}; int d = 5; extern int e;", 0),
			    "/a@0= 1 /b@0 /c@0= {1, 2} /d@0= 5 ");
	assert_string_equal(
		all("int f(int n) { static int a = 1; int b = 2; { static my_t a = {n}; } return a; }\n"
		    "static struct s { int x; } s = {3}; int g(void) { static int a; return a; }",
		    0),
		"f/a@0= 1 f/a@1= {n} /s@0= {3} g/a@0 ");
	assert_string_equal(all("int f(void) { static int a, b; return 0; }", 1), "f/a@0 ");
}

static void constants_types_and_mere_mentions_are_not(void **state)
{
	(void)state;
	assert_string_equal(
		all("static const int a[] = {1}; static const char *b = \"x\"; static char *const c = 0;\n"
		    "typedef int t; int f(int); static __thread int d = 1; extern int e;",
		    0),
		"/b@0= \"x\" ");
	assert_string_equal(all("", 0), "");
	assert_string_equal(all("static", 0), "");
	assert_string_equal(all("int f(void) { static", 0), "");
}

static void one_is_found_again_in_another_text(void **state)
{
	static const char
		first[] = "int f(void) { static int a = 1; { static int a = 2; } return a; }",
		second[] =
			"static int a = 3; int f(void) { static int a /* one */ = 1; { static int a = 9; } }";
	struct initialiser wanted = {.name = "a", .length = 1, .function = "f", .function_length = 1}, x, y;

	(void)state;
	assert_true(initialiser_find(first, strlen(first), &wanted, &x));
	assert_true(initialiser_find(second, strlen(second), &wanted, &y));
	assert_true(initialiser_same(first, x.begin, x.end, second, y.begin, y.end));
	wanted.nth = 1;
	assert_true(initialiser_find(first, strlen(first), &wanted, &x));
	assert_true(initialiser_find(second, strlen(second), &wanted, &y));
	assert_false(initialiser_same(first, x.begin, x.end, second, y.begin, y.end));
	wanted.nth = 2;
	assert_false(initialiser_find(second, strlen(second), &wanted, &y));
	wanted = (struct initialiser){.name = "a", .length = 1};
	assert_false(initialiser_find(first, strlen(first), &wanted, &x));
	assert_true(initialiser_find(second, strlen(second), &wanted, &y));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_that_outlive_a_call_are_told),
		cmocka_unit_test(constants_types_and_mere_mentions_are_not),
		cmocka_unit_test(one_is_found_again_in_another_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
