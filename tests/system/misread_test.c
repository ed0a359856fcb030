/* A source that was compiled with a -D that nothing tells of is found out by the lines that the program has code of. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char told[] = " was read otherwise than it was built (the program has code of line ";

static struct subject host;

static void start_with(const char *compiler, const char *level, const char *macro, const char *cflags)
{
	const struct compiled_how how = {.compiler = compiler,
					 .flags = {level, macro},
					 .sources = {"misread_host.c", "misread_numbered.c"}};

	compiled_init(&host, &how);
	/* As what generators write: lines have the numbers of others, and the file another spelling. */
	compiled_shell(&host, "sed -i \"s,\\\"misread,\\\"$PWD/./misread,\" misread_numbered.c");
	compiled_build(&host, &how);
	if (cflags)
		setenv("RTF_CFLAGS", cflags, 1);
	compiled_start(&host);
	unsetenv("RTF_CFLAGS");
}

static void stop(void)
{
	compiled_stop(&host);
	subject_fini(&host);
}

/* What a console prints of that command. */
static void assert_told(const char *command, bool is)
{
	char *output = compiled_console(&host, 0, "", "-c", command, NULL);

	if (!!strstr(output, told) != is)
		fail_msg("%s: %s", command, output);
	free(output);
}

static const char width[] = "int width(int n) { return n * FACTOR + 1; }";

static void lines_that_are_passed_over_and_have_code_are_told(void **state)
{
	static const char *const how[][2] = {
		{"gcc", "-O0"}, {"gcc", "-O2"}, {"clang", "-O0"}, {"clang", "-O2"}};

	(void)state;
	for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++) {
		start_with(how[i][0], how[i][1], "-DWIDE", NULL);
		compiled_assert_answer(&host, "four", "wide 4 40");
		assert_told(width, true);
		compiled_assert_answer(&host, "four", "wide 4 9"); /* as it says, and as it warned of */
		assert_told("\\define depth\nint depth(int n) { return n; }", true);
		compiled_assert_refused(&host, "int width(int n) { return beyond(n); }", "compile",
					"beyond"); /* the macro's other side */
		compiled_assert_refused(&host, "int width(int n) { return beyond(n); }", "compile", told);
		stop();
	}
}

static void where_nothing_differs_nothing_is_told(void **state)
{
	(void)state;
	start_with("gcc", "-O0", "-DNARROW", NULL);
	assert_told(width, false);
	assert_told("int depth(int n) { return n; }", false);
	assert_told("int numbered(int n) { return n + 1; }", false);
	stop();
	start_with("gcc", "-O0", "-DWIDE", "-DWIDE");
	assert_told(width, false);
	compiled_assert_answer(&host, "four", "wide 4 41");
	stop();
}

/* A later run of the same program, with the right flags, does not go on with what the first took for built. */
static void what_was_read_with_other_flags_is_read_anew(void **state)
{
	(void)state;
	start_with("gcc", "-O0", "-DWIDE", NULL);
	compiled_assert_says(&host, 0, "\\source sized", "n + 32");
	compiled_define(&host, "int sized(int n) { return n; }");
	compiled_assert_says(&host, 0, "\\source sized@0", "n + 32");
	for (int run = 0; run < 2; run++) {
		compiled_kill(&host);
		setenv("RTF_CFLAGS", "-DWIDE", 1);
		compiled_start(&host);
		unsetenv("RTF_CFLAGS");
		compiled_await_read(&host);
		compiled_assert_says(&host, 0, "\\source sized", "n + 64");
		compiled_define(&host, "int sized(int n) { return n + 1; }");
		compiled_assert_says(&host, 0, "\\source sized@0", "n + 64");
	}
	compiled_kill(&host);
	compiled_start(&host); /* and with none once more */
	compiled_await_read(&host);
	compiled_assert_says(&host, 0, "\\source sized", "n + 32");
	stop();
}

static void save(const char *from, const char *to)
{
	char *command;

	assert_true(asprintf(&command, "sed -i 's/%s/%s/' misread_host.c", from, to) > 0);
	compiled_shell(&host, command);
	free(command);
}

/* It is what the program was built of that counts, not what was saved since. */
static void a_save_is_told_of_it_too(void **state)
{
	(void)state;
	start_with("gcc", "-O0", "-DWIDE", NULL);
	struct wire wire;
	compiled_await_read(&host);
	wire_listen(&wire, host.socket);
	save("#if 0", "#if 0 \\&\\& 1");
	save("return n \\* FACTOR;", "return n * FACTOR + 5;");
	json_decref(wire_await_event(&wire, "live"));
	wire_close(&wire);
	compiled_assert_answer(&host, "four", "wide 4 13");
	assert_told(width, true);
	stop();
}

/* Its lines say nothing of what was built. */
static void of_a_source_that_is_newer_than_the_program_nothing_is_told(void **state)
{
	(void)state;
	const struct compiled_how how = {.compiler = "gcc",
					 .flags = {"-O0", "-DWIDE"},
					 .sources = {"misread_host.c", "misread_numbered.c"}};
	compiled_init(&host, &how);
	struct timespec later = compiled_time(&host, "host");
	later.tv_sec++;
	compiled_set_time(&host, "misread_host.c", later);
	compiled_start(&host);
	assert_told(width, false);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_are_passed_over_and_have_code_are_told),
		cmocka_unit_test(where_nothing_differs_nothing_is_told),
		cmocka_unit_test(what_was_read_with_other_flags_is_read_anew),
		cmocka_unit_test(a_save_is_told_of_it_too),
		cmocka_unit_test(of_a_source_that_is_newer_than_the_program_nothing_is_told),
	};

	return cmocka_run_group_tests_name("system: misread", tests, NULL, NULL);
}
