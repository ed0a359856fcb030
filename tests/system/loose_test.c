/* Functions of a program in loose C (loose_host.c), each defined anew with its own text: the program goes on as it did. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct compiled_how how = {
	.compiler = "gcc",
	.flags = {"-w", "-O2", "-fpatchable-function-entry=16"},
	.sources = {"loose_host.c", "loose_other.c", "loose_third.c"},
};

static struct subject host;

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	return 0;
}

static void every_function_is_redefined_with_its_own_text(void **state)
{
	static const char *const functions[] = {"measure",     "sign",    "tell_used",
						"answer",      "mode_of", "other_sign",
						"widened_sum", "row",     "row_count"};

	(void)state;
	compiled_assert_answer(&host, "all", "126 1.5 -1 1 2 33 7");
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		compiled_redefine(&host, functions[i], "tcc");
	compiled_redefine(&host, "half", "cc");    /* its float comes as a double */
	compiled_redefine(&host, "widened", "cc"); /* libtcc does not take what it is declared as */
	compiled_assert_answer(&host, "all", "126 1.5 -1 1 2 33 7");
	compiled_assert_answer(&host, "plain", "5 of 6");
}

/* cc is told not to look into it, in a place where that means the function. */
static void a_macro_may_make_the_parameters_and_brackets_of_a_function(void **state)
{
	(void)state;
	compiled_define_by(&host, "second",
			   "int second ARGUMENTS(int, n)\n{\n\tva_start(rest, n);\n\t__int128 sum = n;\n"
			   "\tn = (int)(sum + va_arg(rest, int));\n\tEND_ARGUMENTS\n\treturn n;\n}",
			   "cc");
	compiled_assert_says(&host, 0, "second(1, 5)", "(int) 6");
}

/* It is defined in the old style, with a short, and this file has not called it when it was built. */
static void a_declaration_that_others_were_built_with_is_one(void **state)
{
	(void)state;
	compiled_define_by(
		&host, "other_sign",
		"int other_sign(unsigned n)\n{\n\treturn n > 100 ? -1 : distant((int)n + 0x10000);\n}",
		"tcc");
	compiled_assert_says(&host, 0, "other_sign(5)", "(int) 6");
}

/* What is written so anew is held against the definition. */
static void a_declaration_that_was_not_built_is_refused(void **state)
{
	(void)state;
	compiled_assert_refused(&host,
				"int sign(int n) { extern long other_sign(int); return other_sign(n); }",
				"compile", "other_sign");
	compiled_assert_refused(&host,
				"int mode_of(const char *name) { extern long measure(const char *, short, "
				"char); return measure(name, 1, 1); }",
				"compile", "measure");
}

/* As where a build makes them and removes them again. */
static void of_sources_that_are_gone_the_first_is_told_and_the_others_are_counted(void **state)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char *log = compiled_path(&host, "program.log"), *said = NULL;

	(void)state;
	compiled_shell(&host, "mkdir away && mv loose_*.c away");
	setenv("RTF_LOG", log, 1);
	compiled_start(&host);
	unsetenv("RTF_LOG");
	compiled_await_read(&host);
	do {
		free(said);
		said = child_read_file(log);
	} while (!(said && strstr(said, "2 more sources cannot be found either\n")) &&
		 child_clock() < deadline);
	assert_non_null(said);
	assert_non_null(strstr(said, "2 more sources cannot be found either\n"));
	assert_int_equal(compiled_count(said, "cannot find the source"), 1);
	assert_non_null(strstr(said, "; if the build made it and removed it, make it again\n"));
	compiled_shell(&host, "mv away/* .");
	free(said);
	free(log);
}

/* make knows of one that it makes and removes in one recipe by another name, if at all. */
static void a_source_that_make_does_not_know_is_read_as_the_one_beside_it(void **state)
{
	char *makefile = compiled_path(&host, "Makefile"), *make;

	(void)state;
	assert_true(child_write_file(
		makefile, ".SUFFIXES:\nother.o: loose_other.c\n\tgcc -DLOOSE=3 -c loose_other.c\n"));
	assert_true(asprintf(&make, "make -C %s", host.directory) > 0);
	setenv("RTF_MAKE", make, 1);
	unsetenv("RTF_CFLAGS");
	compiled_start(&host);
	unsetenv("RTF_MAKE");
	compiled_assert_says(&host, 0, "\\describe other_sign", "-DLOOSE=3");
	compiled_assert_says(&host, 0, "\\describe other_sign", "(from make)");
	compiled_assert_says(&host, 0, "\\describe sign", "-DLOOSE=3");
	compiled_assert_says(&host, 0, "\\describe sign", "(from make, of a source beside it)");
	compiled_define(&host, "int answer(int n) { return LOOSE; }");
	compiled_assert_says(&host, 0, "answer(1)", "(int) 3");
	assert_int_equal(unlink(makefile), 0);
	free(make);
	free(makefile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fresh_host(every_function_is_redefined_with_its_own_text),
		with_fresh_host(a_macro_may_make_the_parameters_and_brackets_of_a_function),
		with_fresh_host(a_declaration_that_others_were_built_with_is_one),
		with_fresh_host(a_declaration_that_was_not_built_is_refused),
		cmocka_unit_test_teardown(
			of_sources_that_are_gone_the_first_is_told_and_the_others_are_counted,
			compiled_each_stop),
		cmocka_unit_test_teardown(a_source_that_make_does_not_know_is_read_as_the_one_beside_it,
					  compiled_each_stop),
	};

	return cmocka_run_group_tests_name("system: loose C", tests, init, compiled_group_fini);
}
