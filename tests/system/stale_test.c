/* A name that changes while code goes on which was not made anew: whoever that is, is named, at -O2 as at -O0, after a save
 * and at the console. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct followed host;

static void start(const char *level)
{
	struct compiled_how how = {.compiler = "gcc", .flags = {"-w", level}, .sources = {"stale_host.c"}};

	setenv("RTF_OPTIMIZE", "0", 1);
	followed_init_host(&host, &how);
	unsetenv("RTF_OPTIMIZE");
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static const char *string_of(json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* Saves the file with one change: its notes have the line (NULL: none about that name). */
static void save(const char *old, const char *new, const char *kind, const char *line, const char *not_about)
{
	followed_edit(&host, "stale_host.c", old, new);
	json_t *event = followed_await(&host, kind);
	const char *notes = string_of(event, "notes");
	char *whole = line ? child_replace("\n@\n", "@", line) : NULL, *lines;

	assert_true(asprintf(&lines, "\n%s", notes) > 0);
	if (line && !strstr(lines, whole))
		fail_msg("%s: told \"%s\", expected \"%s\"", new, notes, line);
	if (not_about && strstr(notes, not_about))
		fail_msg("%s: told \"%s\" about %s", new, notes, not_about);
	free(lines);
	free(whole);
	json_decref(event);
}

static void a_save_names_what_stays_at_O0(void **state)
{
	(void)state;
	start("-O0");
	save("limit = 10", "limit = 11", "live",
	     "limit has changed for decorated functions alone, elsewhere it stays what it was: quiet "
	     "(stale_host.c:44), plain (stale_host.c:49)",
	     "helper");
	save("{1, 2, 3}", "{1, 4, 3}", "live",
	     "table has changed for decorated functions alone, elsewhere it stays what it was: plain "
	     "(stale_host.c:49)",
	     "limit");
	/* Of two in one declaration the one that has changed; and the other when it does. */
	static const char keeps[] =
		" keeps the value it has: how it is initialised counts when the program is built";
	char line[160];
	snprintf(line, sizeof(line), "tax%s", keeps);
	save("tax = 20", "tax = 21", "unchanged", line, "toll");
	snprintf(line, sizeof(line), "toll%s", keeps);
	save("toll = 5", "toll = 6", "unchanged", line, "tax");
	save("shown = 4", "shown = 5", "live",
	     "shown has changed for decorated functions alone, elsewhere it stays what it was: plain "
	     "(stale_host.c:49)",
	     "tax");
	save("HIGH = 10", "HIGH = 12", "live",
	     "HIGH has changed for decorated functions alone, elsewhere it stays what it was: quiet "
	     "(stale_host.c:44), plain (stale_host.c:49)",
	     "LOW");
	save("return n * 2", "return n * 3", "live",
	     "helper is not decorated: its new text runs where a decorated function calls it, elsewhere what "
	     "was built: twice (stale_host.c:24)",
	     "limit");
	/* one() has the new values: 3 + 11 + 20 + 12 + 4 + 5 + 5 + 2, plain() those that were built in. */
	compiled_assert_answer(&host.subject, "1", "62 15 73");
}

static void a_save_names_what_stays_at_O2(void **state)
{
	(void)state;
	start("-O2");
	save("limit = 10", "limit = 11", "live",
	     "limit has changed for decorated functions alone, elsewhere it stays what it was: plain "
	     "(stale_host.c:49)",
	     "helper");
	/* By now a version has its own. */
	save("tax = 20", "tax = 21", "live",
	     "tax keeps the value it has: a version before this one has initialised it", "toll");
	save("toll = 5", "toll = 6", "unchanged",
	     "toll keeps the value it has: a version before this one has initialised it", "tax");
	save("TOP }", "TOP = 30 }", "live",
	     "TOP has changed for decorated functions alone, elsewhere it stays what it was: plain "
	     "(stale_host.c:49)",
	     "HIGH");
	save("return n * 2", "return n * 3", "live",
	     "helper is not decorated: its new text runs where a decorated function calls it, elsewhere what "
	     "was built: plain (stale_host.c:49)",
	     "twice");
	/* All that uses it is new. */
	save("return n + 1", "return n + 2", "live", NULL, "only_new");
}

static void a_static_that_was_folded_is_told_at_once(void **state)
{
	(void)state;
	start("-O2");
	save("tax = 20", "tax = 21", "live",
	     "tax has changed for decorated functions alone, elsewhere it stays what it was: plain "
	     "(stale_host.c:49)",
	     "toll");
	save("tax = 21", "tax = 22", "live",
	     "tax keeps the value it has: a version before this one has initialised it", NULL);
	/* Neither is a function gone that was inlined wherever it is called. */
	compiled_assert_refused(
		&host.subject, "\\source twice", "unknown",
		"twice (stale_host.c:24) was inlined wherever it is called, and has no code of its "
		"own: put REALTIMEFUNC before it");
	compiled_assert_refused(
		&host.subject, "static int twice(int n) { return 2; }", "unknown",
		"; for decorated functions alone, type the new text in one with that of such a "
		"function that calls it");
}

/* Defines at the console: its diagnostics have that one about the name. */
static void define(const char *text, const char *part)
{
	char *answer = compiled_console(&host.subject, 0, NULL, "--json", "-c", text, NULL);
	json_t *object = json_loads(answer, 0, NULL), *each;
	size_t i;
	bool told = !part;

	assert_non_null(object);
	json_array_foreach(json_object_get(object, "diagnostics"), i, each)
		told |= part && strcmp(string_of(each, "message"), part) == 0;
	if (!told)
		fail_msg("%s: told %s, expected %s", text, answer, part);
	json_decref(object);
	free(answer);
}

static void the_console_names_what_stays(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		start(i ? "-O2" : "-O0");
		define("static inline int helper(int n) { return n * 30; }\nint one(int n) { return "
		       "helper(n); }",
		       i ? "helper is this text's own: elsewhere it stays what it was: two "
			   "(stale_host.c:39), "
			   "plain (stale_host.c:49)"
			 : "helper is this text's own: elsewhere it stays what it was: twice "
			   "(stale_host.c:24)");
		define("static const int limit = 100;\nint one(int n) { return limit; }",
		       i ? "limit is this text's own: elsewhere it stays what it was: plain (stale_host.c:49)"
			 : "limit is this text's own: elsewhere it stays what it was: quiet "
			   "(stale_host.c:44), "
			   "plain (stale_host.c:49)");
		define("#define RATE 44\nint one(int n) { return RATE; }",
		       "RATE is this text's own: elsewhere it stays what it was: two (stale_host.c:39), "
		       "plain "
		       "(stale_host.c:49)");
		/* Both functions that the text defines have it. */
		define("#define RATE 45\nint one(int n) { return RATE; }\nstatic int two(int n) { return "
		       "RATE; }",
		       "RATE is this text's own: elsewhere it stays what it was: plain (stale_host.c:49)");
		compiled_assert_answer(&host.subject, "1", "45 45 73");
		if (!i)
			stop(NULL);
	}
}

static void every_changed_initialiser_is_told(void **state)
{
	(void)state;
	start("-O2");
	define("int one(int n) { return tax + toll; }", NULL);
	define("static int tax = 1, toll = 2;\nint one(int n) { return tax + toll; }",
	       "tax keeps the value it has: a version before this one has initialised it");
	define("static int tax = 10, toll = 20;\nint one(int n) { return tax + toll; }",
	       "toll keeps the value it has: a version before this one has initialised it");
	compiled_assert_answer(&host.subject, "1", "25 14 73");
}

#define with(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with(a_save_names_what_stays_at_O0),
		with(a_save_names_what_stays_at_O2),
		with(a_static_that_was_folded_is_told_at_once),
		with(the_console_names_what_stays),
		with(every_changed_initialiser_is_told),
	};

	return cmocka_run_group_tests_name("system: stale", tests, NULL, NULL);
}
