/* A fault in new code is told with the line of the text that the person saved or typed, whoever compiled it. */
#include "followed.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct followed host;

static int start_with(const struct compiled_how *how)
{
	followed_init_host(&host, how);
	compiled_assert_answer(&host.subject, "handler", "ours");
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with(&(struct compiled_how){.sources = {"fault_host.c", NULL}});
}

static int start_optimised(void **state)
{
	(void)state;
	return start_with(&(struct compiled_how){.sources = {"fault_host.c", NULL}, .flags = {"-O2"}});
}

/* As make does it mostly: the compiler is given the source by a name in its folder, whose own name may have a blank. */
static int start_by_short_name(void **state)
{
	const struct compiled_how how = {.sources = {"fault_host.c", NULL}};
	char *core = realpath("core", NULL), *built = subject_built(""), *build = realpath(built, NULL),
	     *command;

	(void)state;
	assert_true(core && build);
	followed_prepare_host(&host, &how);
	assert_true(asprintf(&command,
			     "mkdir 'my host' && cp fault_host.c 'my host' && cd 'my host' && "
			     "${CC:-cc} -g -I%s fault_host.c -o ../host -L%s -Wl,-rpath,%s -lrtf -lpthread",
			     core, build, build) > 0);
	followed_run(&host, command);
	free(command);
	free(core);
	free(built);
	free(build);
	compiled_start(&host.subject);
	followed_listen(&host);
	compiled_assert_answer(&host.subject, "handler", "ours");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void define(const char *text)
{
	json_decref(compiled_data(&host.subject, text));
}

/* The newest fault's text, the caller's. */
static char *newest_fault(void)
{
	json_t *faults = compiled_data(&host.subject, "\\log --faults");
	const char *detail = json_string_value(json_object_get(json_array_get(faults, 0), "detail"));
	char *copy = detail ? strdup(detail) : NULL;

	assert_non_null(copy);
	json_decref(faults);
	return copy;
}

static void assert_fault_says(const char *part, const char *caller)
{
	char *text = newest_fault();

	if (!strstr(text, part) || !strstr(text, caller))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", text, part, caller);
	free(text);
}

static int line_of(const char *name, const char *part)
{
	char *text = followed_read(&host, name), *at = strstr(text, part);
	int line = 1;

	assert_non_null(at);
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	free(text);
	return line;
}

static void assert_fault_in_file(int version, const char *part)
{
	char place[64];

	snprintf(place, sizeof(place), "risky@%d (fault_host.c:%d)", version, line_of("fault_host.c", part));
	assert_fault_says(place, "call (fault_host.c:");
}

static const char body[] =
	"static int risky(int n)\n{\n\tint k = n;\n\n\tk++;\n\treturn *(volatile int *)(long)n + k;\n}";
static const char body_for_cc[] = "static int risky(int n)\n{\n\t__int128 k = n;\n\n\tk++;\n\treturn "
				  "*(volatile int *)(long)n + (int)k;\n}";

static void what_was_typed_has_its_own_lines(void **state)
{
	(void)state;
	define(body);
	compiled_assert_answer(&host.subject, "call 16", "caught 1 at 0x10");
	assert_fault_says("SIGSEGV at address 0x10 in risky@1 (<console>:6)", "call (fault_host.c:");
}

static void so_has_what_only_the_programs_compiler_can_have(void **state)
{
	(void)state;
	define(body_for_cc);
	compiled_assert_answer(&host.subject, "call 16", "caught 1 at 0x10");
	assert_fault_says("SIGSEGV at address 0x10 in risky@1 (<console>:6)", "call (fault_host.c:");
}

static void what_was_typed_along_has_lines_too(void **state)
{
	(void)state;
	define("#define NEXT 1\n\nstatic int helper(int n)\n{\n\treturn *(volatile int *)(long)n;\n}\n\n"
	       "static int risky(int n)\n{\n\tn += NEXT;\n\treturn helper(n) + 1;\n}");
	compiled_assert_answer(&host.subject, "call 15", "caught 1 at 0x10");
	assert_fault_says("SIGSEGV at address 0x10 in risky@1 (<console>:5)", "risky@1 (<console>:11)");
}

static void what_was_saved_has_the_files_lines(void **state)
{
	(void)state;
	followed_edit(&host, "fault_host.c", "\treturn n + 1;",
		      "\tint k = n;\n\n\tk++;\n\treturn *(volatile int *)(long)n + k;");
	followed_assert_live(&host, "risky");
	compiled_assert_answer(&host.subject, "call 16", "caught 1 at 0x10");
	assert_fault_in_file(1, "return *(volatile int *)(long)n");
	char *text = followed_edited(&host, "fault_host.c", "\tint k = n;\n", "\n\n\t__int128 k = n;\n");
	char *whole = child_replace(text, "(long)n + k;", "(long)n + (int)k;");
	followed_write(&host, "fault_host.c", whole);
	followed_assert_live(&host, "risky");
	compiled_assert_answer(&host.subject, "call 16", "caught 2 at 0x10");
	assert_fault_in_file(2, "return *(volatile int *)(long)n");
	free(whole);
	free(text);
}

static void another_engine_knows_them_as_well(void **state)
{
	pid_t engine = compiled_engine(&host.subject);

	(void)state;
	define(body);
	assert_int_equal(kill(engine, SIGKILL), 0);
	compiled_await_end(engine);
	assert_int_not_equal(compiled_engine(&host.subject), engine);
	compiled_assert_answer(&host.subject, "call 16", "caught 1 at 0x10");
	assert_fault_says("SIGSEGV at address 0x10 in risky@1 (<console>:6)", "call (fault_host.c:");
}

static bool is_optimised(void)
{
	json_t *rows = compiled_data(&host.subject, "\\log risky");
	bool optimised = json_is_true(json_object_get(json_array_get(rows, 0), "optimised"));

	json_decref(rows);
	return optimised;
}

/* The engine is asked again and again: each question is an event of its loop. */
static void optimised_code_has_its_lines_and_its_callers(void **state)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char place[64];

	(void)state;
	define("static int risky(int n)\n{\n\tint text[64] = {n};\n\n\tfor (int i = 1; i < 64; i++)\n"
	       "\t\ttext[i] = text[i - 1] * 3 + measure(\"a\");\n\treturn *(volatile int *)(long)n + "
	       "text[n];\n}");
	while (!is_optimised())
		assert_true(child_clock() < deadline);
	compiled_assert_answer(&host.subject, "call 16", "caught 1 at 0x10");
	assert_fault_says("SIGSEGV at address 0x10 in risky@1 (<console>:7)", "main (fault_host.c:");
	define("static int risky(int n)\n{\n\treturn measure((const char *)(long)n) + n;\n}");
	while (!is_optimised())
		assert_true(child_clock() < deadline);
	compiled_assert_answer(&host.subject, "call 16", "caught 2 at 0x10");
	/* What it calls was inlined where it was built, and so it is here. */
	snprintf(place, sizeof(place), "called from risky@2 (fault_host.c:%d)",
		 line_of("fault_host.c", "return (int)strlen"));
	assert_fault_says(place, "main (fault_host.c:");
}

static void an_evaluation_says_where_as_well(void **state)
{
	(void)state;
	define(body);
	compiled_assert_says(&host.subject, 4, "risky(16)", "in risky@1 (<console>:6)");
}

static void await_parked(void)
{
	for (json_t *event; (event = wire_receive(&host.events)); json_decref(event)) {
		const char *kind = json_string_value(json_object_get(event, "event"));
		if (!kind || strcmp(kind, "parked") != 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(event, "file")), "<console>");
		assert_int_equal(json_integer_value(json_object_get(event, "line")), 6);
		json_decref(event);
		return;
	}
	fail_msg("the engine closed the connection");
}

static void a_parked_call_says_where_it_is(void **state)
{
	char *text;

	(void)state;
	define(body);
	define("\\guard risky");
	assert_true(child_send(&host.subject.program, "call 16\n"));
	await_parked();
	compiled_assert_says(&host.subject, 0, "\\guard", "at address 0x10 in risky@2 (<console>:6)");
	compiled_assert_says(&host.subject, 0, "\\status", "call 1 of risky");
	compiled_assert_says(&host.subject, 0, "\\status", "(<console>:6)");
	define("\\return 7");
	text = newest_fault();
	assert_non_null(strstr(text, "risky@2 (<console>:6)"));
	free(text);
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start, stop)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(what_was_typed_has_its_own_lines),
		cmocka_unit_test_setup_teardown(what_was_typed_has_its_own_lines, start_by_short_name, stop),
		WITH_HOST(so_has_what_only_the_programs_compiler_can_have),
		cmocka_unit_test_setup_teardown(so_has_what_only_the_programs_compiler_can_have,
						start_by_short_name, stop),
		WITH_HOST(what_was_typed_along_has_lines_too),
		WITH_HOST(what_was_saved_has_the_files_lines),
		WITH_HOST(another_engine_knows_them_as_well),
		cmocka_unit_test_setup_teardown(optimised_code_has_its_lines_and_its_callers, start_optimised,
						stop),
		WITH_HOST(an_evaluation_says_where_as_well),
		WITH_HOST(a_parked_call_says_where_it_is),
	};

	return cmocka_run_group_tests_name("system: lines of faults", tests, NULL, NULL);
}
