/* What is declared before a definition is in it, wherever both come from: an entry, several, standard input, a file of
 * commands. A paste in a terminal: prompt_test.c. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

#define INCLUDE "#include <limits.h>\n"
#define MACRO   "#define TWICE(x) ((x) * 2)\n"
#define TYPE    "struct pair { int a, b; };\n"
#define GLOBAL  "static int seen = 5;\n"
#define HELPER  "static int summed(struct pair p)\n{\n\treturn p.a + p.b;\n}\n"
#define DEFINITION \
	"static int shifted(int n)\n{\n\tstruct pair p = {TWICE(n), seen++};\n\n" \
	"\treturn summed(p) + (INT_MAX > 0 ? 100 : 0);\n}\n"
#define ALL INCLUDE MACRO TYPE GLOBAL HELPER DEFINITION

static void assert_redefined(void)
{
	compiled_assert_answer(&host, "shifted 3", "111 203");
	compiled_assert_answer(&host, "shifted 3", "112 203");
	compiled_assert_live(&host, "host.c:shifted", 1, 2, "live");
}

/* One \undo takes it all back, and \redo brings it. */
static void assert_one_change(void)
{
	compiled_assert_says(&host, 0, "\\undo", "shifted is now version 0");
	compiled_assert_answer(&host, "shifted 3", "103 203");
	compiled_assert_says(&host, 0, "\\redo", "shifted is now version 1");
	compiled_assert_answer(&host, "shifted 3", "113 203");
}

static void in_one_command(void **state)
{
	(void)state;
	free(compiled_console(&host, 0, NULL, "-c", "\\in host.c", "-c", ALL, NULL));
	assert_redefined();
	assert_one_change();
}

static void from_standard_input(void **state)
{
	(void)state;
	char *output = compiled_console(&host, 0, "\\in host.c\n" ALL "seen\n", "--color=never", NULL);
	assert_non_null(strstr(output, "shifted is now version 1"));
	assert_non_null(strstr(output, "with what was declared at this console: #include <limits.h>, pair"));
	free(output);
	assert_redefined();
	assert_one_change();
}

static void from_a_file_of_commands(void **state)
{
	char *path = compiled_path(&host, "commands");

	(void)state;
	assert_true(child_write_file(path, "\\in host.c\n" ALL));
	free(compiled_console(&host, 0, NULL, "-f", path, NULL));
	free(path);
	assert_redefined();
	assert_one_change();
}

static void in_several_commands(void **state)
{
	(void)state;
	free(compiled_console(&host, 0, NULL, "-c", "\\in host.c", "-c", INCLUDE, "-c", MACRO, "-c", TYPE,
			      "-c", GLOBAL, "-c", HELPER, "-c", DEFINITION, NULL));
	assert_redefined();
}

/* \define and \check see the same. */
static void define_and_check_have_them_too(void **state)
{
	(void)state;
	free(compiled_console(&host, 0,
			      "\\in host.c\n" INCLUDE MACRO TYPE GLOBAL HELPER "\\check " DEFINITION
			      "\\define shifted\n" DEFINITION,
			      "--color=never", NULL));
	assert_redefined();
}

static void a_variable_goes_on_with_its_value_and_stays_one(void **state)
{
	(void)state;
	char *output = compiled_console(
		&host, 0,
		"\\in host.c\nint seen = 5;\nseen = 70\n"
		"static int shifted(int n)\n{\n\treturn n + ++seen;\n}\nseen * 1000\nseen = 80\n",
		"--color=never", NULL);
	assert_non_null(strstr(output, "70000"));
	free(output);
	compiled_assert_answer(&host, "shifted 3", "84 203");
}

static void what_a_function_calls_its_own_is_its_own(void **state)
{
	(void)state;
	char *output =
		compiled_console(&host, 0,
				 "\\in host.c\nint n = 5, total = 7;\n"
				 "static int shifted(int n)\n{\n\tint total = n;\n\n\treturn total;\n}\n",
				 "--color=never", NULL);
	assert_null(strstr(output, "declared at this console"));
	free(output);
	compiled_assert_answer(&host, "shifted 3", "3 203");
}

static void the_files_own_variables_stay_the_files(void **state)
{
	(void)state;
	free(compiled_console(&host, 0,
			      "\\in host.c\nint bias = 7000;\n"
			      "static int shifted(int n)\n{\n\treturn n + bias + 1;\n}\n",
			      "--color=never", NULL));
	compiled_assert_answer(&host, "shifted 3", "104 203");
}

/* Functions that call each other, and one that is typed anew behind what uses it. */
static void helpers_may_call_each_other(void **state)
{
	(void)state;
	free(compiled_console(
		&host, 0,
		"\\in host.c\n"
		"static int is_odd(int n); static int is_even(int n) { return n ? is_odd(n - 1) : 1; } "
		"static int is_odd(int n) { return n ? is_even(n - 1) : 0; }\n"
		"static int limit(void);\nstatic int limit(void) { return 1; }\n"
		"#define LIMIT limit()\n"
		"static int shifted(int n)\n{\n\treturn is_odd(n) * 10 + is_even(n) + LIMIT;\n}\n",
		"--color=never", NULL));
	compiled_assert_answer(&host, "shifted 3", "11 203");
	compiled_assert_answer(&host, "shifted 4", "2 204");
}

static void a_new_structure_goes_to_a_helper_by_value(void **state)
{
	(void)state;
	free(compiled_console(
		&host, 0,
		"\\in host.c\n"
		"struct mixed { double d; int i; char text[3]; };\n"
		"static struct mixed half(struct mixed m) { m.d /= 2; m.text[1]++; return m; }\n"
		"static int shifted(int n)\n{\n\tstruct mixed m = half((struct mixed){n, 40, \"ab\"});\n\n"
		"\treturn (int)(m.d * 100) + m.i + m.text[1] - 'c';\n}\n",
		"--color=never", NULL));
	compiled_assert_answer(&host, "shifted 3", "190 203");
}

static void helpers_may_be_in_the_old_style(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0,
			     "static int scaled(a, b) int a; char b; { return a * b; }\n"
			     "static int plus(a, b)\n\tint a, b;\n{\n\treturn a + b;\n}\n"
			     "static long factorial(int n) { return scaled(n, 'a') + plus(n, 1) * 1000; }",
			     "factorial is now version 1 (tcc");
	compiled_assert_says(&host, 0, "factorial(2)", "(long) 3194");
}

/* It counts for nobody, and does not become the session's: it has the name of a function that the program has. */
static void a_changed_helper_alone_is_refused_with_what_would_do(void **state)
{
	static const char helper[] = "static int plain(int n) { return n * 7; }";
	char *both;

	(void)state;
	compiled_assert_refused(
		&host, helper, "unknown",
		"; for decorated functions alone, type the new text in one with that of such a "
		"function that calls it, or save it in its file");
	assert_true(asprintf(&both, "%s\nstatic long factorial(int n) { return plain(n); }", helper) > 0);
	compiled_assert_says(&host, 0, both, "factorial is now version 1");
	free(both);
	compiled_assert_says(&host, 0, "factorial(3)", "(long) 21");
}

/* Typed anew it reaches the versions that have it in their text, and with it what it needs itself. */
/* The other consoles hear of it. */
static void await_changed(struct wire *w, const char *function, int version)
{
	json_t *event;

	while ((event = wire_await_event(w, "changed")) && compiled_int(event, "version") != version)
		json_decref(event);
	assert_string_equal(compiled_string(event, "function"), function);
	json_decref(event);
}

static void a_helper_that_is_typed_anew_reaches_the_versions_that_took_it(void **state)
{
	struct wire other;

	(void)state;
	wire_listen(&other, host.socket);
	char *output = compiled_console(&host, 0,
					"\\in host.c\n" ALL HELPER "#define OFFSET 40\n"
					"static int summed(struct pair p) { return p.a - p.b + OFFSET; }\n",
					"--color=never", NULL);
	assert_int_equal(compiled_count(output, "summed is a function of this session"), 3);
	assert_int_equal(compiled_count(output, "with summed as it is now"), 1);
	assert_non_null(strstr(output, "shifted is now version 2 ("));
	free(output);
	await_changed(&other, "shifted", 2);
	wire_close(&other);
	compiled_assert_answer(&host, "shifted 3", "141 203");
	compiled_assert_live(&host, "host.c:shifted", 2, 3, "live");
	compiled_assert_says(&host, 0, "\\undo", "shifted is now version 1");
	compiled_assert_answer(&host, "shifted 3", "112 203");
}

/* From whatever console, and where the session cannot have it because it lacks what the version has. */
static void a_helper_of_one_entry_reaches_its_version_too(void **state)
{
	(void)state;
	free(compiled_console(&host, 0, NULL, "-c", "\\in host.c", "-c", ALL, NULL));
	compiled_assert_says(&host, 0, "static int summed(struct pair p) { return p.a * 10 + p.b; }",
			     "shifted is now version 2 (");
	compiled_assert_answer(&host, "shifted 3", "165 203");
}

static void a_version_that_a_new_helper_does_not_fit_goes_on_and_is_named(void **state)
{
	(void)state;
	char *output = compiled_console(&host, 0,
					"\\in host.c\n" INCLUDE MACRO TYPE GLOBAL HELPER DEFINITION
					"static int summed(struct pair p, int more)\n"
					"{\n\treturn p.a - p.b + more;\n}\n",
					"--color=never", NULL);
	assert_non_null(strstr(output, "shifted goes on with the summed that it was made with: "));
	free(output);
	compiled_assert_answer(&host, "shifted 3", "111 203");
	compiled_assert_live(&host, "host.c:shifted", 1, 2, "live");
}

/* The text has all that it needs: another console, and another run, make it live again. */
static void the_version_needs_no_console(void **state)
{
	(void)state;
	free(compiled_console(&host, 0, "\\in host.c\n" ALL, "--color=never", NULL));
	compiled_assert_says(&host, 0, "\\source host.c:shifted", "static int summed(struct pair p)");
	compiled_kill(&host);
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\restore", "shifted");
	assert_redefined();
}

static void a_fault_in_the_definition_keeps_its_line(void **state)
{
	(void)state;
	char *output = compiled_console(&host, 3,
					"\\in host.c\n" MACRO TYPE HELPER
					"static int shifted(int n)\n{\n\treturn TWICE(n) + missing;\n}\n",
					"--color=never", NULL);
	assert_non_null(strstr(output, "<console>:3:20: error: use of undeclared identifier 'missing'"));
	free(output);
	compiled_assert_answer(&host, "shifted 3", "103 203");
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, compiled_each_start, compiled_each_stop_whole)

/* Nothing of a definition that fails behind its link stays: not even the place of the variable that it came with. */
static void what_a_failed_definition_brought_is_nowhere(void **state)
{
	static const char commands[] =
		"\\in host.c\nstatic int kept[30000]\nkept[0] = 7\n"
		"extern int mprotect(void *, unsigned long, int);\n"
		"mprotect((void *)(((unsigned long)&kept[0] + 8192) & ~4095UL), 4096, 0)\n"
		"static int shifted(int n) { return kept[0] + n; }\n"
		"mprotect((void *)(((unsigned long)&kept[0] + 8192) & ~4095UL), 4096, 3)\n"
		"static int shifted(int n) { return kept[0] + n; }\n"
		"kept[0] * 1000\n";

	(void)state;
	char *output = compiled_console(&host, 4, commands, "--color=never", NULL);
	assert_non_null(strstr(output, "cannot read memory at "));
	assert_non_null(strstr(output, "host.c:shifted is now version 1"));
	assert_non_null(strstr(output, "(int) 7000"));
	free(output);
	compiled_assert_answer(&host, "shifted 3", "10 203");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(in_one_command),
		with_host(from_standard_input),
		with_host(from_a_file_of_commands),
		with_host(in_several_commands),
		with_host(define_and_check_have_them_too),
		with_host(a_variable_goes_on_with_its_value_and_stays_one),
		with_host(what_a_function_calls_its_own_is_its_own),
		with_host(the_files_own_variables_stay_the_files),
		with_host(helpers_may_call_each_other),
		with_host(a_new_structure_goes_to_a_helper_by_value),
		with_host(helpers_may_be_in_the_old_style),
		with_host(a_changed_helper_alone_is_refused_with_what_would_do),
		with_host(a_helper_that_is_typed_anew_reaches_the_versions_that_took_it),
		with_host(a_helper_of_one_entry_reaches_its_version_too),
		with_host(a_version_that_a_new_helper_does_not_fit_goes_on_and_is_named),
		with_host(the_version_needs_no_console),
		with_host(a_fault_in_the_definition_keeps_its_line),
		with_host(what_a_failed_definition_brought_is_nowhere),
	};

	compiled_init(&host, &(struct compiled_how){0});
	int failed = cmocka_run_group_tests_name("system: preamble", tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
