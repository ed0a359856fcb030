/* Copies that an optimiser changed (.isra, .constprop, .part, .cold): who calls them is named, nobody takes one for the
 * function, and what is redefined is what the next call runs. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct way {
	struct compiled_how how;
	const char *clones[5]; /* that its compiler makes */
};

static struct subject host;

static const struct way ways[] = {
	{{.compiler = "gcc", .flags = {"-w", "-O2"}, .sources = {"clones_host.c"}},
	 {"scalar.isra", "constant.constprop", "parted.part", "chilled.cold"}},
	{{.compiler = "gcc", .flags = {"-w", "-O2", "-flto"}, .sources = {"clones_host.c"}},
	 {"constant.constprop", "parted.part", "chilled.cold"}},
	{{.compiler = "gcc", .flags = {"-w", "-O2", "-fwhole-program"}, .sources = {"clones_host.c"}},
	 {"scalar.isra", "constant.constprop", "parted.part", "chilled.cold"}},
	{{.compiler = "gcc", .flags = {"-w", "-O3", "-flto"}, .sources = {"clones_host.c"}},
	 {"constant.constprop", "chilled.cold"}},
};

static const char built[] = "10 299 155 356 5";

static void assert_has_clones(const struct way *way)
{
	char *path = compiled_path(&host, "host"), *symbols = NULL;

	assert_int_equal(
		child_run((const char *const[]){"nm", path, NULL}, NULL, COMPILED_DEADLINE_MS, &symbols), 0);
	for (const char *const *clone = way->clones; *clone; clone++)
		if (!strstr(symbols, *clone))
			fail_msg("the compiler made no %s: %.900s", *clone, symbols);
	free(symbols);
	free(path);
}

/* The text of a function as \source has it, entered again. */
static void redefine(const char *function)
{
	char command[64];

	snprintf(command, sizeof(command), "\\source %s", function);
	json_t *source = compiled_data(&host, command);
	compiled_define(&host, json_string_value(json_object_get(source, "text")));
	json_decref(source);
}

static void assert_told(void)
{
	compiled_assert_says(&host, 0, "\\describe scalar", "calls_scalar (clones_host.c:");
	compiled_assert_says(&host, 0, "\\describe constant", "calls_constant (clones_host.c:");
	compiled_assert_says(&host, 0, "\\describe parted", "calls_parted_too (clones_host.c:");
	compiled_assert_says(&host, 0, "\\describe chilled", "calls_chilled (clones_host.c:");
	compiled_assert_refused(
		&host, "static int constant(const char *text, int mode) { return 1000; }", "unknown",
		"of constant (clones_host.c:29) the compiler kept a changed copy alone, which no text "
		"can replace: put REALTIMEFUNC before it");
}

static void assert_runs_what_is_redefined(void)
{
	static const char *const functions[] = {"calls_scalar", "calls_constant", "calls_parted",
						"calls_parted_too", "calls_chilled"};

	compiled_assert_answer(&host, "", built);
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		redefine(functions[i]);
	compiled_assert_answer(&host, "", built);
	/* With another text of what was cloned; those that are not defined anew keep theirs. */
	compiled_define(
		&host,
		"static int constant(const char *text, int mode) { return mode; }\n"
		"int calls_constant(const char *text) { return constant(text, 3) + constant(text, 4); }");
	compiled_define(&host, "static int parted(int n) { return 1000 + n; }\n"
			       "int calls_parted(int n) { return parted(n); }");
	compiled_define(&host, "static int scalar(const struct wide *w) { return w->used; }\n"
			       "int calls_scalar(int n) { struct wide w = {.used = n}; return scalar(&w); }");
	compiled_define(&host, "static int chilled(int n) { return n + 7000; }\n"
			       "int calls_chilled(int n) { return chilled(n); }");
	compiled_assert_answer(&host, "", "5 7 1001 356 7004");
}

static void copies_are_told_and_never_run_for_the_function(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		compiled_init(&host, &ways[i].how);
		assert_has_clones(&ways[i]);
		compiled_start(&host);
		assert_told();
		assert_runs_what_is_redefined();
		compiled_stop(&host);
		subject_fini(&host);
	}
}

/* A copy has an entry of its own, which the program counts when it opens the console. */
static void copies_are_not_among_what_the_log_says_is_listed(void **state)
{
	static const struct compiled_how how = {.compiler = "gcc",
						.flags = {"-w", "-O2", "-fpatchable-function-entry=16"},
						.sources = {"clones_host.c"}};
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char *said = NULL, part[64];

	(void)state;
	compiled_init(&host, &how);
	char *log = compiled_path(&host, "program.log");
	setenv("RTF_LOG", log, 1);
	compiled_start(&host);
	unsetenv("RTF_LOG");
	json_t *list = compiled_data(&host, "\\list");
	snprintf(part, sizeof(part), ": \\list has the other %zu\n", json_array_size(list));
	json_decref(list);
	do {
		free(said);
		said = child_read_file(log);
	} while (!(said && strstr(said, "are followed\n")) && child_clock() < deadline);
	if (!said || !strstr(said, "copies that the compiler made") || !strstr(said, part))
		fail_msg("no %s in %s", part, said ? said : "");
	free(said);
	free(log);
	compiled_stop(&host);
	subject_fini(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_told_and_never_run_for_the_function),
		cmocka_unit_test(copies_are_not_among_what_the_log_says_is_listed),
	};

	return cmocka_run_group_tests_name("system: clones", tests, NULL, NULL);
}
