/* libtcc's process: what is begun before it is asked for never becomes the answer to anything else. */
#include "compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char first[] = "int first_function(void) { return 1; }\n";
static const char second[] = "int second_function(void) { return 2; }\n";
static const char wrong[] = "int wrong_function(void) { return }\n";

static struct compiler *compiler;

static int start(void **state)
{
	(void)state;
	return compiler_new(&compiler) ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	compiler_free(compiler);
	return 0;
}

/* The object that comes back defines that name, and not another. */
static void assert_compiles(const char *text, const char *name, const char *not)
{
	struct compile_object object = {0};
	char *why = NULL;

	assert_null(compiler_compile(compiler, text, &object, &why));
	assert_null(why);
	assert_non_null(memmem(object.bytes, object.size, name, strlen(name)));
	assert_null(memmem(object.bytes, object.size, not, strlen(not)));
	compile_object_fini(&object);
}

static void assert_refused(const char *text)
{
	struct compile_object object = {0};
	char *why = NULL;

	assert_null(compiler_compile(compiler, text, &object, &why));
	assert_non_null(why);
	free(why);
}

static void a_text_that_was_begun_is_answered_once(void **state)
{
	(void)state;
	compiler_begin(compiler, first);
	assert_compiles(first, "first_function", "second_function");
	assert_compiles(first, "first_function", "second_function");
	assert_compiles(second, "second_function", "first_function");
}

static void another_text_than_the_one_begun_gets_its_own_answer(void **state)
{
	(void)state;
	compiler_begin(compiler, first);
	assert_compiles(second, "second_function", "first_function");
	compiler_begin(compiler, first);
	compiler_begin(compiler, second);
	assert_compiles(second, "second_function", "first_function");
	assert_compiles(first, "first_function", "second_function");
}

static void a_wrong_text_that_was_begun_harms_nothing(void **state)
{
	(void)state;
	compiler_begin(compiler, wrong);
	assert_compiles(first, "first_function", "second_function");
	compiler_begin(compiler, wrong);
	assert_refused(wrong);
	compiler_begin(compiler, wrong);
	compiler_begin(compiler, wrong);
	assert_refused(wrong);
	assert_compiles(second, "second_function", "first_function");
}

/* Larger than what a socket holds, both ways. */
static void a_large_text_may_be_begun(void **state)
{
	enum { FUNCTIONS = 20000 };
	size_t room = (size_t)FUNCTIONS * 64, size = 0;
	char *large = malloc(room);

	(void)state;
	assert_non_null(large);
	for (int i = 0; i < FUNCTIONS; i++)
		size += (size_t)snprintf(large + size, room - size, "int large_%d(int n) { return n + %d; }\n", i, i);
	compiler_begin(compiler, large);
	assert_compiles(first, "first_function", "large_1");
	compiler_begin(compiler, large);
	assert_compiles(large, "large_19999", "first_function");
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_that_was_begun_is_answered_once),
		cmocka_unit_test(another_text_than_the_one_begun_gets_its_own_answer),
		cmocka_unit_test(a_wrong_text_that_was_begun_harms_nothing),
		cmocka_unit_test(a_large_text_may_be_begun),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
