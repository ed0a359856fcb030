/* What an answer tells of a definition that nothing is wrong with, and what it takes for granted: that initialisers and
 * constants are the program's, that statics go on, that a version's own names are known to the next. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;
static struct wire wire;
static int requests;

static void start_host(const char *compiler, const char *flag, const char *more)
{
	struct compiled_how how = {
		.compiler = compiler, .flags = {"-w", flag, more}, .sources = {"told_host.c"}};

	compiled_init(&host, &how);
	setenv("RTF_OPTIMIZE", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_OPTIMIZE");
	/* \list reads every source, so that what is saved from then on is not missed. */
	wire_listen(&wire, host.socket);
	requests = 1;
	json_decref(wire_ask(&wire, ++requests, "\\list"));
}

static int stop_host(void **state)
{
	(void)state;
	wire_close(&wire);
	subject_fini(&host);
	return 0;
}

static json_t *ask(const char *text)
{
	return wire_ask(&wire, ++requests, text);
}

static const char *first_of(json_t *answer, const char *list, const char *member)
{
	const char *got =
		json_string_value(json_object_get(json_array_get(json_object_get(answer, list), 0), member));

	return got ? got : "";
}

/* The text goes live, and the first warning contains `part` (NULL: there is none). */
static void define(const char *text, const char *part)
{
	json_t *answer = ask(text);
	const char *warning = first_of(answer, "diagnostics", "message");

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%s: %s", text,
			 json_string_value(json_object_get(json_object_get(answer, "error"), "message")));
	if (part ? !strstr(warning, part) : *warning)
		fail_msg("%s: told \"%s\", expected %s", text, warning, part ? part : "nothing");
	json_decref(answer);
}

static void refuse(const char *text, const char *class, const char *part)
{
	json_t *answer = ask(text), *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "class"));
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!got || strcmp(got, class) || !strstr(message, part))
		fail_msg("%s: %s, %s", text, got ? got : "taken", message ? message : "");
	json_decref(answer);
}

/* Calls every function with n; the place'th of what they return. */
static long answer_of(const char *n, unsigned place)
{
	const char *at = subject_ask(&host, n);

	while (place-- && at)
		at = strchr(at, ' ') + 1;
	return strtol(at, NULL, 10);
}

enum { BIASED, COUNTING, COUNTING_FROM, LEVELED, OLD_STYLE, PROTOTYPED, AROUND, TAXED };

/* --- statics and their initialisers ------------------------------------------------------------------ */

static void a_typed_initialiser_is_told_and_does_nothing(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("static int bias = 100;\nlong biased(int n) { return n + bias; }",
	       "bias keeps the value it has");
	assert_int_equal(answer_of("1", BIASED), 6);
	/* It is the file's variable, also for the others. */
	define("static int bias = 5;\nlong biased(int n) { return n + bias++; }", NULL);
	assert_int_equal(answer_of("1", BIASED), 6);
	assert_int_equal(answer_of("1", BIASED), 7);
	compiled_assert_says(&host, 0, "bias", "(int) 7");
	define("static int bias;\nlong biased(int n) { return n + bias; }", "bias keeps the value it has");
	refuse("static long bias = 5;\nlong biased(int n) { return n + bias; }", "layout",
	       "bias is int in the running program, long here");
}

static void a_changed_initialiser_of_a_functions_static_is_told(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	assert_int_equal(answer_of("1", COUNTING_FROM), 21);
	define("static long counting_from(void) { static int n = 20, m[] = {1, 2}; return n++ + m[1]; }",
	       NULL);
	define("static long counting_from(void) { static int n = 30, m[] = {1, 2}; return n++ + m[1]; }",
	       "n keeps the value it has: how it is initialised counts when the program is built");
	assert_int_equal(answer_of("1", COUNTING_FROM), 23);
	define("static long counting_from(void) { static int n = 30, m[] = {1, 2}; static long more = 400; "
	       "return n++ + more++; }",
	       NULL);
	assert_int_equal(answer_of("1", COUNTING_FROM), 422);
	define("static long counting_from(void) { static int n = 30; static long more = 500; return n + "
	       "more; }",
	       "more keeps the value it has: a version before this one has initialised it");
	assert_int_equal(answer_of("1", COUNTING_FROM), 424);
}

/* A static of a function does not stand for the file's of the same name, nor the other way. */
static void names_inside_and_outside_are_kept_apart(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("long biased(int n) { static int other_bias = 7; return n + bias + other_bias++; }", NULL);
	assert_int_equal(answer_of("1", BIASED), 13);
	define("long prototyped(long a, int b) { return other_bias; }", NULL);
	assert_int_equal(answer_of("1", PROTOTYPED), 50);
	define("long biased(int n) { static int other_bias = 7; return n + other_bias++; }", NULL);
	assert_int_equal(answer_of("1", BIASED), 10);
	define("static int both = 1000;\nlong biased(int n) { int before = both++; static int both = 1; "
	       "return before + "
	       "both++; }",
	       NULL);
	assert_int_equal(answer_of("1", BIASED), 1001);
	define("static int both;\nlong biased(int n) { int before = both++; static int both = 1; return "
	       "before * 2 + "
	       "both++; }",
	       "both keeps");
	assert_int_equal(answer_of("1", BIASED), 2004);
}

static void a_typed_table_is_the_new_texts(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("static const int table[] = {1, 2, 3};\nlong biased(int n) { return table[n]; }", NULL);
	assert_int_equal(answer_of("1", BIASED), 2);
	define("static const int table[] = {1, 20, 3, 4};\nlong biased(int n) { return table[n]; }", NULL);
	assert_int_equal(answer_of("1", BIASED), 20);
}

static void what_the_optimiser_took_for_constant_is_told(void **state)
{
	(void)state;
	start_host("gcc", "-O2", NULL);
	define("long leveled(int n) { nobody_asks += n; return nobody_asks; }", "nobody_asks begins anew");
	assert_int_equal(answer_of("4", LEVELED), 7);
	define("long leveled(int n) { return nobody_asks += n; }", NULL);
	assert_int_equal(answer_of("4", LEVELED), 11);
}

/* --- constants ---------------------------------------------------------------------------------------- */

static void a_constant_that_other_code_knows_otherwise_is_told(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("enum level { LOW = 1, HIGH = 20 };\nlong leveled(int n) { return HIGH; }",
	       "HIGH is 20 here and was 10 when the program was built");
	assert_int_equal(answer_of("1", LEVELED), 20);
	define("enum level { LOW = 1, HIGH = 10, HIGHER };\nlong leveled(int n) { return HIGHER; }", NULL);
	assert_int_equal(answer_of("1", LEVELED), 11);
}

static void what_concerns_several_functions_is_told_once(void **state)
{
	json_t *answer, *all, *one;
	size_t i, told = 0;

	(void)state;
	start_host("gcc", "-O0", NULL);
	answer = ask("enum level { LOW = 1, HIGH = 20 };\nlong leveled(int n) { return HIGH; }\n"
		     "long biased(int n) { return HIGH; }");
	all = json_object_get(answer, "diagnostics");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_array_foreach(all, i, one)
		told += strstr(json_string_value(json_object_get(one, "message")), "HIGH is 20 here") != NULL;
	assert_int_equal(told, 1);
	json_decref(answer);
}

/* What the optimiser put into it is seen by nobody who saves it and waits. */
static void main_is_not_called_again(void **state)
{
	(void)state;
	start_host("gcc", "-O0", "-fpatchable-function-entry=16");
	define("int main(int argc, char **argv) { return argc; }",
	       "main was called at the program's start: that call goes on as it began");
	define("long leveled(int n) { return 7; }", NULL);
	assert_int_equal(answer_of("1", LEVELED), 7);
}

/* What libtcc is not asked for, as the answer says. */
static void define_by_cc(const char *text, const char *why)
{
	json_t *answer = ask(text);

	if (!strstr(first_of(answer, "data", "why_cc"), why))
		fail_msg("%s: not \"%s\" but \"%s\"", text, why, first_of(answer, "data", "why_cc"));
	json_decref(answer);
}

static void a_constant_of_the_highest_bit_is_what_it_was(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("long leveled(int n) { flags = FLAG_TOP; return flags > 0; }", NULL);
	assert_int_equal(answer_of("1", LEVELED), 1);
	define_by_cc("long leveled(int n) { wide = WIDE_TOP; return wide > 0; }",
		     "an enumeration constant of 2^63 or more");
	assert_int_equal(answer_of("1", LEVELED), 1);
	define_by_cc("long leveled(int n) { enum { MASK = ~0ull }; return MASK > 0; }",
		     "an enumeration constant of 2^63 or more");
	assert_int_equal(answer_of("1", LEVELED), 1);
	compiled_assert_says(&host, 0, "\\describe enum flag", "FLAG_TOP = 2147483648,");
	compiled_assert_says(&host, 0, "\\describe enum wide", "WIDE_TOP = 9223372036854775808,");
	compiled_assert_says(&host, 0, "flags", "(enum flag) FLAG_TOP\n");
	compiled_assert_says(&host, 0, "wide", "(enum wide) WIDE_TOP\n");
	compiled_assert_says(&host, 0, "(enum flag)(FLAG_LOW | FLAG_TOP)", "(FLAG_LOW | FLAG_TOP)\n");
}

/* Its file with another text of the same size in one place. */
static void save(const char *old, const char *new)
{
	char *path = compiled_path(&host, "told_host.c"), *text = child_read_file(path);
	char *at = strstr(text, old);

	memcpy(at, new, strlen(new));
	assert_true(child_write_file(path, text));
	free(text);
	free(path);
}

static void a_saved_constant_is_told_as_well(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	define("long leveled(int n) { return HIGH + n; }", NULL);
	save("HIGH = 10", "HIGH = 15");
	for (bool told = false; !told;) {
		json_t *event = wire_receive(&wire);
		assert_non_null(event);
		told = strstr(first_of(event, "diagnostics", "message"),
			      "HIGH is 15 here and was 10 when the program was built") != NULL;
		json_decref(event);
	}
}

static void assert_noted(const char *part)
{
	json_t *event = wire_await_event(&wire, "live");
	const char *notes = json_string_value(json_object_get(event, "notes"));

	if (!notes || !strstr(notes, part))
		fail_msg("%s", notes ? notes : "no notes");
	json_decref(event);
}

/* There is none in the program whose value could be kept; then there is one. */
static void a_saved_initialiser_of_what_the_optimiser_took_for_constant_is_told(void **state)
{
	(void)state;
	start_host("gcc", "-O2", NULL);
	assert_int_equal(answer_of("1", TAXED), 1);
	save("percent = 100;", "percent = 700;");
	assert_noted("percent begins with what the file says now: the compiler took it for a constant");
	assert_int_equal(answer_of("1", TAXED), 7);
	save("percent = 700;", "percent = 100;");
	assert_noted("percent keeps the value it has: a version before this one has initialised it");
	assert_int_equal(answer_of("1", TAXED), 7);
}

/* --- signatures ---------------------------------------------------------------------------------------- */

static void a_signature_behind_an_old_prototype_is_held_to(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	refuse("long prototyped(long a) { return a; }", "signature",
	       "the program has long prototyped(long, int), this is long prototyped(long)");
	define("long prototyped(long first, int second) { return first; }", NULL);
	assert_int_equal(answer_of("1", PROTOTYPED), 1);
	refuse("static long old_style(long a) { return a; }", "signature",
	       "the program has long old_style(long, int, const char *), this is long old_style(long)");
	refuse("static long old_style(a, b) long a; short b; { return a; }", "signature",
	       "this is long old_style(long, int)");
	refuse("static long old_style(a, b, c) long a; short b; int c; { return a; }", "signature",
	       "this is long old_style(long, int, int)");
	define("static long old_style(x, y, z) long x; short y; const char *z; { return x - y; }", NULL);
	assert_int_equal(answer_of("1", OLD_STYLE), -1);
	define("static long old_style(long x, int y, const char *z) { return x * 10 + y; }", NULL);
	assert_int_equal(answer_of("1", OLD_STYLE), 12);
}

static void a_macro_of_the_head_means_in_the_body_what_it_means(void **state)
{
	(void)state;
	start_host("gcc", "-O0", NULL);
	assert_int_equal(answer_of("1", COUNTING), 1);
	define("LOCAL long counting(void) { LOCAL int n = 1; return 100 + n++; }", NULL);
	assert_int_equal(answer_of("1", COUNTING), 102);
	assert_int_equal(answer_of("1", COUNTING), 103);
	json_decref(ask("\\cover counting"));
	assert_int_equal(answer_of("1", COUNTING), 104);
	json_decref(ask("\\uncover counting"));
	assert_int_equal(answer_of("1", COUNTING), 105);
}

/* --- inlined calls -------------------------------------------------------------------------------------- */

/* The functions that the answer says keep their copy, with a blank behind each. */
static void assert_inlined_in(const char *request, const char *names)
{
	json_t *answer = ask(request), *data = json_object_get(answer, "data"), *each;
	char text[256] = "";
	size_t i;

	if (json_is_array(data))
		data = json_array_get(data, 0);
	json_array_foreach(json_object_get(data, "inlined_in"), i, each) {
		const char *name = json_string_value(json_object_get(each, "function"));
		if (!strstr(text, name))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", name);
	}
	assert_string_equal(text, names);
	json_decref(answer);
}

static void a_call_that_was_inlined_is_told_by_its_caller(void **state)
{
	(void)state;
	start_host("gcc", "-O2", "-fpatchable-function-entry=16");
	compiled_assert_says(&host, 0, "\\describe small", "inlined in around (told_host.c:");
	compiled_assert_says(&host, 0, "\\trace small", "it was inlined in around (told_host.c:");
	define("long small(long n) { return n * 300; }", "small was inlined in around (told_host.c:");
	assert_inlined_in("long small(long n) { return n * 300; }", "around ");
	assert_inlined_in("\\describe small", "around ");
	define("long tiny(long n) { return n * 500; }", "tiny was inlined in a");
	assert_int_equal(answer_of("1", AROUND), 34);
	define("long around(long n) { return small(n) + small(n + 1); }", NULL);
	assert_int_equal(answer_of("1", AROUND), 900);
	/* By now nobody goes on with the old copy. */
	assert_inlined_in("\\describe small", "");
	assert_inlined_in("long small(long n) { return n * 350; }", "");
	define("long small(long n) { return n * 400; }", NULL);
	assert_int_equal(answer_of("1", AROUND), 1200);
}

static void a_call_that_was_inlined_in_pieces_is_told_by_its_caller(void **state)
{
	(void)state;
	start_host("clang", "-O2", "-fpatchable-function-entry=16");
	assert_inlined_in("\\describe seldom", "main ");
}

#define with(test) cmocka_unit_test_teardown(test, stop_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with(a_typed_initialiser_is_told_and_does_nothing),
		with(a_changed_initialiser_of_a_functions_static_is_told),
		with(names_inside_and_outside_are_kept_apart),
		with(a_typed_table_is_the_new_texts),
		with(what_the_optimiser_took_for_constant_is_told),
		with(a_constant_that_other_code_knows_otherwise_is_told),
		with(what_concerns_several_functions_is_told_once),
		with(main_is_not_called_again),
		with(a_constant_of_the_highest_bit_is_what_it_was),
		with(a_saved_constant_is_told_as_well),
		with(a_saved_initialiser_of_what_the_optimiser_took_for_constant_is_told),
		with(a_signature_behind_an_old_prototype_is_held_to),
		with(a_macro_of_the_head_means_in_the_body_what_it_means),
		with(a_call_that_was_inlined_is_told_by_its_caller),
		with(a_call_that_was_inlined_in_pieces_is_told_by_its_caller),
	};

	return cmocka_run_group_tests_name("system: told", tests, NULL, NULL);
}
