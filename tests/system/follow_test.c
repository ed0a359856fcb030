/* Save the file and the next call runs it: what counts as a change, what is refused and how it heals, what happens to
 * functions that come and go. How editors save is in editors_test.c. */
#include "followed.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;

static int start(void **state)
{
	(void)state;
	followed_init(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

/* --- what counts --------------------------------------------------------------------------------------------------- */

static void a_saved_body_is_live_for_the_next_call(void **state)
{
	(void)state;
	followed_assert_call(&host, "scaled", 2, 6);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOR + 1");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 7);
	followed_assert_state(&host, "scaled", "saved");
	followed_edit(&host, "follow_host.c", "n * FACTOR + 1", "n * FACTOR + 2");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 8);
}

static void statics_are_shared_with_what_was_built(void **state)
{
	(void)state;
	followed_assert_call(&host, "counted", 2, 2);
	followed_edit(&host, "follow_host.c", "calls += n;", "calls += n * 10;");
	followed_assert_live(&host, "counted");
	followed_assert_call(&host, "counted", 2, 22);
}

static void a_macro_reaches_those_who_use_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "#define FACTOR 3", "#define FACTOR 4");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 8);
}

static void an_enumeration_constant_in_a_header_reaches_those_who_use_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow.h", "OFFSET = 1", "OFFSET = 11");
	followed_assert_live(&host, "moved");
	followed_assert_call(&host, "moved", 2, 13);
}

static void an_inline_function_reaches_those_who_call_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow.h", "return n * 2;", "return n * 2 + 1;");
	followed_assert_live(&host, "doubled");
	followed_assert_call(&host, "doubled", 4, 9);
}

static void a_static_helper_reaches_those_who_call_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n + 100;", "return n + 200;");
	json_t *event = followed_await(&host, "live");
	assert_int_equal(json_array_size(json_object_get(event, "functions")), 1);
	assert_non_null(
		strstr(json_string_value(json_object_get(event, "notes")), "helper is not decorated"));
	json_decref(event);
	followed_assert_call(&host, "helped", 1, 201);
	followed_edit(&host, "follow_host.c", "return n + 200;", "return n + 100;");
	json_decref(followed_await(&host, "live"));
	followed_assert_call(&host, "helped", 1, 101);
}

static void a_constant_table_reaches_those_who_read_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "{10, 20, 30}", "{10, 21, 30}");
	followed_assert_live(&host, "looked_up");
	followed_assert_call(&host, "looked_up", 1, 21);
}

/* One that libtcc does not take has all wait for the compiler; the news is of the file that was saved. */
static void a_save_that_waits_for_the_compiler_is_told_by_its_file(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n + DEEP;",
		      "char *p = __builtin_alloca(8); *p = 0; return n + DEEP + *p;");
	followed_assert_live(&host, "deep");
	followed_edit(&host, "follow_deep.h", "DEEP 1000", "DEEP 3000");
	json_t *event = followed_await(&host, "live");
	const char *file = json_string_value(json_object_get(event, "file"));
	if (!file || !strstr(file, "follow_deep.h"))
		fail_msg("%s", file ? file : "no file");
	json_decref(event);
	followed_assert_call(&host, "deep", 1, 3001);
	followed_assert_call(&host, "other_deep", 1, -2999);
}

static void a_header_below_a_header_reaches_two_files_at_once(void **state)
{
	(void)state;
	followed_edit(&host, "follow_deep.h", "DEEP 1000", "DEEP 2000");
	followed_assert_live(&host, "deep other_deep");
	followed_assert_call(&host, "deep", 1, 2001);
	followed_assert_call(&host, "other_deep", 1, -1999);
	compiled_assert_says(&host.subject, 0, "\\undo", "deep");
	followed_assert_call(&host, "deep", 1, 1001);
	followed_assert_call(&host, "other_deep", 1, -999);
}

/* An X-macro's list, in the middle of a body. */
static void a_file_that_a_body_includes_is_part_of_it(void **state)
{
	(void)state;
	followed_write(&host, "list.def", "ITEM(10)\nITEM(200)\n");
	followed_edit(&host, "follow_host.c", "return n * FACTOR;",
		      "int sum = n;\n#define ITEM(value) sum += value;\n#include \"list.def\"\n#undef ITEM\n"
		      "\treturn sum;");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 212);
	followed_write(&host, "list.def", "ITEM(10)\nITEM(200)\nITEM(bias * 1000)\n");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 7212);
	followed_write(&host, "list.def", "ITEM(10) /* ten */\nITEM(200)\nITEM(bias * 1000)\n");
	followed_assert_unchanged(&host, NULL);
	/* Which of it counts the file's macros say. */
	followed_write(&host, "list.def",
		       "#ifdef FACTOR\nITEM(10)\n#endif\n#ifndef FACTOR\nITEM(5)\n#endif\n#if FACTOR == 3\n"
		       "ITEM(300)\n#endif\n");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 312);
}

static void comments_and_spaces_alone_change_nothing(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "\treturn n * FACTOR;",
		      "\t/* by FACTOR */\n\n\treturn n*FACTOR;");
	followed_assert_unchanged(&host, NULL);
	followed_edit(&host, "follow_host.c", "#define FACTOR 3", "/* above */\n\n\n#define FACTOR\t3");
	followed_assert_unchanged(&host, NULL);
	followed_edit(&host, "follow.h", "enum { OFFSET = 1 };", "enum {\n\tOFFSET = 1, /* one */\n};");
	json_decref(followed_await(&host, "live")); /* the comma is a token */
	compiled_assert_live(&host.subject, "scaled", 0, 1, "built");
}

static void the_same_bytes_again_change_nothing(void **state)
{
	char *text = followed_read(&host, "follow_host.c");

	(void)state;
	followed_write(&host, "follow_host.c", text);
	followed_assert_unchanged(&host, NULL);
	free(text);
}

/* Whoever saves the file again wants what it says; what was typed at the console is newer than the file. */
static void a_save_that_was_undone_is_live_when_it_is_saved_again(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOR + 1");
	followed_assert_live(&host, "scaled");
	compiled_assert_says(&host.subject, 0, "\\undo", "scaled");
	followed_assert_call(&host, "scaled", 2, 6);
	followed_edit(&host, "follow_host.c", "n + OFFSET", "n + OFFSET + 1");
	followed_assert_live(&host, "moved"); /* another function's save leaves it alone */
	subject_define(&host.subject, "moved", "int moved(int n)\n{\n\treturn n * 4;\n}");
	char *text = followed_read(&host, "follow_host.c");
	followed_write(&host, "follow_host.c", text);
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 7);
	followed_assert_call(&host, "moved", 2, 8);
	followed_assert_state(&host, "scaled", "saved");
	followed_write(&host, "follow_host.c", text);
	followed_assert_unchanged(&host, NULL);
	free(text);
}

static void reverting_takes_effect(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOR + 1");
	followed_assert_live(&host, "scaled");
	followed_edit(&host, "follow_host.c", "n * FACTOR + 1", "n * FACTOR");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 6);
	followed_assert_state(&host, "scaled", "saved");
}

/* A body that was taken alone, and then the whole file as it was. */
static void reverting_with_the_rest_of_the_file_takes_effect(void **state)
{
	char *before = followed_read(&host, "follow_host.c"), *after;

	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOR + 1");
	followed_assert_live(&host, "scaled");
	after = child_replace(before, "{10, 20, 30}", "{11, 20, 30}");
	followed_write(&host, "follow_host.c", after);
	followed_assert_live(&host, "scaled looked_up");
	followed_assert_call(&host, "scaled", 2, 6);
	free(before);
	free(after);
}

static void several_functions_in_one_save_are_one_change(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5"), *more;

	(void)state;
	more = child_replace(text, "n + OFFSET", "n + 50");
	followed_write(&host, "follow_host.c", more);
	followed_assert_live(&host, "scaled moved");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_assert_call(&host, "moved", 1, 51);
	compiled_assert_says(&host.subject, 0, "\\undo", "moved");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_call(&host, "moved", 1, 2);
	free(text);
	free(more);
}

/* Bodies that grow and shrink, and two functions on one line: what stands behind them is found where it is then. */
static void bodies_of_other_sizes_are_found_one_by_one(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		static const char *const scaled[] = {"n * FACTOR;", "n * FACTOR + 1;\n\n\n\t/* { */", "n;"};
		static const char *const line[] = {"return __LINE__;", "return n + __LINE__;",
						   "\n\n\treturn 1 + __LINE__;"};
		static const char *const other[] = {"n + 5;", "n + 55;\n\t/* } */\n", "n;"};
		if (!i)
			continue;
		char *first = followed_edited(&host, "follow_host.c", scaled[i - 1], scaled[i]);
		char *second = child_replace(first, line[i - 1], line[i]);
		followed_write(&host, "follow_host.c", second);
		followed_assert_live(&host, "scaled line");
		followed_edit(&host, "follow_other.c", other[i - 1], other[i]);
		followed_assert_live(&host, "other");
		free(first);
		free(second);
	}
	followed_assert_call(&host, "scaled", 7, 7);
	followed_assert_call(&host, "line", 0, 81);
	followed_assert_call(&host, "other", 7, 7);
}

static void an_initialiser_is_reported_and_not_applied(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "bias = 7", "bias = 8");
	followed_assert_unchanged(&host, "bias keeps the value it has");
	followed_assert_call(&host, "biased", 1, 8);
}

static void an_undecorated_function_is_said_to_stay(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n - 1;", "return n - 2;");
	followed_assert_unchanged(&host, "plain is not decorated");
	followed_assert_call(&host, "plain", 5, 4);
}

/* --- errors -------------------------------------------------------------------------------------------------------- */

static void an_error_in_a_body_is_shown_and_heals(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n * FACTOR;", "return n * FACTOOR;");
	json_t *event = followed_await(&host, "refused");
	json_t *first = json_array_get(json_object_get(event, "diagnostics"), 0);
	const char *text = json_string_value(json_object_get(event, "text"));
	char *file = compiled_path(&host.subject, "follow_host.c");
	assert_string_equal(json_string_value(json_object_get(first, "file")), file);
	assert_int_equal(json_integer_value(json_object_get(first, "line")), 28);
	assert_non_null(strstr(text, "return n * FACTOOR;"));
	assert_non_null(strstr(text, "^"));
	json_decref(event);
	free(file);
	followed_assert_call(&host, "scaled", 2, 6);
	followed_assert_state(&host, "scaled", "refused");
	compiled_assert_says(&host.subject, 0, "\\log scaled", "FACTOOR");

	followed_edit(&host, "follow_host.c", "FACTOOR", "FACTOR * 2");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 12);
	followed_assert_state(&host, "scaled", "saved");
}

static void taking_the_error_back_heals(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR;", "n * ;");
	followed_assert_refused(&host, "expected expression");
	followed_assert_state(&host, "scaled", "refused");
	followed_edit(&host, "follow_host.c", "n * ;", "n * FACTOR;");
	followed_assert_unchanged(&host, "follow_host.c is in order again");
	followed_assert_state(&host, "scaled", "built");
}

static void a_save_that_goes_by_cc_says_why(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n * FACTOR;", "return (int)((__int128)n * FACTOR);");
	json_t *event = followed_await(&host, "live"),
	       *row = json_array_get(json_object_get(event, "functions"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "backend")), "cc");
	assert_true(json_is_string(json_object_get(row, "why_cc")));
	assert_non_null(strstr(json_string_value(json_object_get(event, "text")), "  by cc, not libtcc: "));
	json_decref(event);
	followed_assert_call(&host, "scaled", 2, 6);
}

static void an_open_brace_breaks_nothing_else(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "\treturn n * FACTOR;\n}",
		      "\tif (n) {\n\treturn n * FACTOR;\n}");
	followed_assert_refused(&host, "follow_host.c");
	followed_assert_call(&host, "scaled", 2, 6);
	followed_assert_call(&host, "moved", 2, 3);
	followed_edit(&host, "follow_host.c", "\tif (n) {\n\treturn n * FACTOR;\n}",
		      "\tif (n)\n\t\treturn n * 7;\n\treturn 1;\n}");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 14);
}

static void an_error_between_functions_is_shown(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "static int calls;", "static int calls\n");
	followed_assert_refused(&host, "error");
	followed_edit(&host, "follow_host.c", "static int calls\n", "static int calls;");
	followed_assert_unchanged(&host, "follow_host.c is in order again");
	followed_edit(&host, "follow_host.c", "static int calls;", "static int calls;\nnonsense here;");
	followed_assert_refused(&host, "nonsense");
	followed_edit(&host, "follow_host.c", "nonsense here;", "");
	followed_assert_unchanged(&host, "follow_host.c is in order again");
}

static void an_error_in_a_helper_refuses_its_callers(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return n + 100;", "return n + nothing;");
	followed_assert_refused(&host, "nothing");
	followed_assert_call(&host, "helped", 1, 101);
}

static void a_missing_header_is_shown(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "#include \"follow.h\"",
		      "#include \"follow.h\"\n#include \"missing.h\"");
	followed_assert_refused(&host, "missing.h");
	followed_write(&host, "missing.h", "#define MISSING 1\n");
	followed_assert_unchanged(&host, "follow_host.c is in order again");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOR + MISSING");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 7);
	followed_write(&host, "missing.h", "#define MISSING 2\n");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 8);
}

static void a_header_that_comes_later_heals(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "#include \"follow.h\"",
		      "#include \"follow.h\"\n#include \"later.h\"");
	followed_assert_refused(&host, "later.h");
	followed_assert_state(&host, "scaled", "refused");
	followed_assert_state(&host, "other", "built");
	compiled_assert_says(&host.subject, 0, "\\log scaled", "refused");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * LATER");
	followed_assert_refused(&host, "later.h");
	followed_write(&host, "later.h", "#define LATER 9\n");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 2, 18);
	followed_assert_state(&host, "scaled", "saved");
	followed_assert_state(&host, "moved", "built");
}

static void one_error_holds_up_the_whole_save(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5"), *more;

	(void)state;
	more = child_replace(text, "n + OFFSET", "n + OFFSETS");
	followed_write(&host, "follow_host.c", more);
	followed_assert_refused(&host, "OFFSETS");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_state(&host, "scaled", "refused");
	followed_assert_state(&host, "moved", "refused");
	followed_edit(&host, "follow_host.c", "n + OFFSETS", "n + 50");
	followed_assert_live(&host, "scaled moved");
	free(text);
	free(more);
}

static void a_refused_function_does_not_hold_up_later_saves(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOOR");
	followed_assert_refused(&host, "FACTOOR");
	followed_edit(&host, "follow_host.c", "n + OFFSET", "n + 50");
	followed_assert_live(&host, "moved");
	followed_assert_state(&host, "scaled", "refused");
	followed_edit(&host, "follow_other.c", "n + 5", "n + 6");
	followed_assert_live(&host, "other");
}

static void a_changed_layout_is_refused_by_name(void **state)
{
	(void)state;
	followed_edit(&host, "follow.h", "\tint quantity;\n", "\tint quantity;\n\tlong weight;\n");
	followed_assert_refused(&host, "struct item");
	followed_assert_call(&host, "quantity", 3, 3);
	followed_assert_state(&host, "quantity", "refused");
	compiled_assert_says(&host.subject, 0, "\\log quantity", "struct item");
	followed_edit(&host, "follow.h", "\tlong weight;\n", "");
	followed_assert_unchanged(&host, "follow.h is in order again");
	followed_assert_state(&host, "quantity", "built");
}

/* What has been found to hold is not asked again, until it says something else. */
static void a_layout_that_held_for_a_version_is_refused_when_it_changes(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "return i.quantity;", "return i.quantity + 1;");
	followed_assert_live(&host, "quantity");
	followed_edit(&host, "follow_host.c", "return i.quantity + 1;", "return i.quantity + 2;");
	followed_assert_live(&host, "quantity");
	followed_edit(&host, "follow.h", "\tint quantity;\n", "\tlong weight;\n\tint quantity;\n");
	followed_assert_refused(&host, "struct item");
	followed_assert_call(&host, "quantity", 3, 5);
}

/* Saved, refused with those words, and taken back. */
static void assert_change_refused(const char *file, const char *old, const char *new, const char *part)
{
	char *before = followed_read(&host, file);

	followed_edit(&host, file, old, new);
	followed_assert_refused(&host, part);
	followed_write(&host, file, before);
	json_decref(followed_await(&host, "unchanged"));
	free(before);
}

static void a_variable_of_another_type_is_refused_by_name(void **state)
{
	static const char file[] = "follow_host.c";

	(void)state;
	assert_change_refused(file, "word[8]", "word[16]",
			      "word is char [8] in the running program, char[16] here");
	assert_change_refused(file, "int bias", "double bias",
			      "bias is int in the running program, double here");
	assert_change_refused(file, "int bias", "float bias",
			      "bias is int in the running program, float here");
	assert_change_refused(file, "int bias", "unsigned bias",
			      "bias is int in the running program, unsigned int");
	assert_change_refused(file, "int bias", "long bias", "bias is int in the running program, long here");
	assert_change_refused(file, "static int last", "static float last",
			      "last is int in the running program");
	followed_assert_call(&host, "biased", 1, 8);
}

static void a_member_of_another_type_is_refused_by_name(void **state)
{
	(void)state;
	assert_change_refused("follow.h", "int quantity", "float quantity",
			      "struct item.quantity is int in the running program, float here");
	assert_change_refused(
		"follow.h", "low : 3, high : 5", "high : 5, low : 3",
		"struct item.high is 5 bits from bit 131 on in the running program, 5 bits from bit "
		"128 on here");
	followed_edit(&host, "follow.h", "double unit", "double price");
	json_decref(followed_await(&host, "live")); /* another name for the same is no other type */
}

static void a_prototype_of_what_is_not_decorated_is_held_to_the_program(void **state)
{
	(void)state;
	assert_change_refused("follow_host.c", "int less(int n);", "int less(double n);",
			      "the program has int less(int), here it is int less(double)");
	assert_change_refused("follow_host.c", "int less(int n);", "long less(int n);",
			      "here it is long less(int)");
	assert_change_refused("follow_host.c", "int less(int n);", "int less(int n, ...);",
			      "here it is int less(int, ...)");
	followed_assert_call(&host, "spelled", 0, 96);
}

static void a_changed_signature_is_refused_with_both(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "static int scaled(int n)", "static int scaled(long n)");
	followed_assert_refused(&host, "int scaled(long)");
	followed_assert_call(&host, "scaled", 2, 6);
	followed_assert_state(&host, "scaled", "refused");
	compiled_assert_says(&host.subject, 0, "\\log scaled", "int scaled(int)");
}

/* --- functions that come and go ------------------------------------------------------------------------------------ */

static void a_deleted_function_goes_on_running(void **state)
{
	char *text = followed_read(&host, "follow_other.c");
	char *without = child_replace(text, "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 5;\n}\n", "");

	(void)state;
	assert_non_null(without);
	followed_write(&host, "follow_other.c", without);
	followed_assert_unchanged(
		&host, "follow_other.c does not define other any more: what was built goes on running");
	followed_assert_call(&host, "other", 1, 6);
	followed_write(&host, "follow_other.c", text);
	followed_assert_unchanged(&host, NULL);
	followed_edit(&host, "follow_other.c", "n + 5", "n + 15");
	followed_assert_live(&host, "other");
	followed_assert_call(&host, "other", 1, 16);
	free(text);
	free(without);
}

static void a_renamed_function_goes_on_running_under_its_old_name(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "static int counted(int n)",
				     "static int counting(int n)"),
	     *more;

	(void)state;
	more = child_replace(text, "counted}", "counting}");
	followed_write(&host, "follow_host.c", more);
	json_t *event = followed_await(&host, "unchanged");
	const char *notes = json_string_value(json_object_get(event, "notes"));
	assert_non_null(strstr(notes, "follow_host.c does not define counted any more"));
	assert_non_null(strstr(notes, "counting is new"));
	json_decref(event);
	followed_assert_call(&host, "counted", 1, 1);
	free(text);
	free(more);
}

static void a_function_without_its_decorator_is_followed_on(void **state)
{
	(void)state;
	followed_edit(&host, "follow_other.c", "REALTIMEFUNC\nint other(", "int other(");
	followed_assert_unchanged(&host, "other is not decorated any more: it is followed all the same");
	followed_edit(&host, "follow_other.c", "n + 5", "n + 15");
	followed_assert_live(&host, "other");
	followed_assert_call(&host, "other", 1, 16);
}

static void a_function_that_gets_a_decorator_needs_a_build(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "static int plain(", "REALTIMEFUNC\nstatic int plain(");
	followed_assert_unchanged(&host, "plain is decorated now");
}

static void a_new_function_is_part_of_those_that_call_it(void **state)
{
	(void)state;
	followed_edit(&host, "follow_other.c", "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 5;",
		      "REALTIMEFUNC\nstatic int added(int n)\n{\n\treturn n * 1000;\n}\n\n"
		      "REALTIMEFUNC\nint other(int n)\n{\n\treturn added(n) + 5;");
	json_t *event = followed_await(&host, "live");
	assert_non_null(strstr(json_string_value(json_object_get(event, "notes")), "added is new"));
	json_decref(event);
	followed_assert_call(&host, "other", 2, 2005);
	followed_edit(&host, "follow_other.c", "n * 1000", "n * 100");
	followed_assert_live(&host, "other");
	followed_assert_call(&host, "other", 2, 205);
}

/* One that another file sees, too; a static of its name is another variable. */
static void a_new_global_is_one_for_all_files(void **state)
{
	(void)state;
	followed_edit(&host, "follow_other.c", "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 5;",
		      "int total = 100;\n\nREALTIMEFUNC\nint other(int n)\n{\n\treturn total += n;");
	followed_assert_live(&host, "other");
	followed_assert_call(&host, "other", 2, 102);
	followed_edit(&host, "follow_other.c", "total += n;", "total += n * 10;");
	followed_assert_live(&host, "other");
	followed_assert_call(&host, "other", 2, 122);
	followed_edit(
		&host, "follow_host.c", "REALTIMEFUNC\nstatic int scaled(int n)\n{\n\treturn n * FACTOR;",
		"extern int total;\n\nREALTIMEFUNC\nstatic int scaled(int n)\n{\n\treturn n + total--;");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 3, 125);
	followed_assert_call(&host, "other", 0, 121);
	followed_edit(&host, "follow_host.c", "extern int total;", "static int total = 7;");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 3, 10);
	followed_assert_call(&host, "other", 0, 121);
}

static void a_function_moved_within_its_file_stays_itself(void **state)
{
	static const char definition[] = "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 5;\n}\n";
	char *text = followed_edited(&host, "follow_other.c", definition, ""), *moved;

	(void)state;
	assert_true(asprintf(&moved, "%s\n%s", text, definition) > 0);
	followed_write(&host, "follow_other.c", moved);
	followed_assert_unchanged(&host, NULL);
	followed_edit(&host, "follow_other.c", "n + 5", "n + 15");
	followed_assert_live(&host, "other");
	free(text);
	free(moved);
}

static void a_function_moved_to_another_file_needs_a_build(void **state)
{
	char *text = followed_edited(&host, "follow_other.c",
				     "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 5;\n}\n", "");

	(void)state;
	followed_edit(&host, "follow_host.c", "static int plain(",
		      "REALTIMEFUNC\nint other(int n)\n{\n\treturn n + 6;\n}\n\nstatic int plain(");
	followed_assert_unchanged(
		&host, "other is in follow_host.c now: that counts when the program is built again");
	followed_write(&host, "follow_other.c", text);
	followed_assert_unchanged(&host, "follow_host.c does, which counts when the program is built again");
	followed_assert_call(&host, "other", 1, 6);
	free(text);
}

/* --- lines, switches, consoles ------------------------------------------------------------------------------------- */

static void lines_are_the_files_after_an_edit_above(void **state)
{
	(void)state;
	followed_assert_call(&host, "line", 0, 78);
	followed_edit(&host, "follow_host.c", "static int calls;", "static int calls;\n\n\n\n\n");
	followed_assert_unchanged(&host, NULL);
	followed_edit(&host, "follow_host.c", "\t(void)n;\n\treturn __LINE__;",
		      "\t(void)n;\n\n\treturn __LINE__;");
	followed_assert_unchanged(&host, NULL); /* blank lines are spaces */
	followed_edit(&host, "follow_host.c", "return __LINE__;", "return __LINE__ + n;");
	followed_assert_live(&host, "line");
	followed_assert_call(&host, "line", 0, 84);
}

static int listed_line(const char *function)
{
	json_t *row = compiled_row(&host.subject, function);
	int line = compiled_int(row, "line");

	json_decref(row);
	return line;
}

/* Of one that was not touched, too. */
static void a_function_is_listed_where_its_file_has_it(void **state)
{
	(void)state;
	int before = listed_line("line"), after;
	followed_edit(&host, "follow_host.c", "static int calls;", "static int calls;\n\n\n\n\n");
	followed_assert_unchanged(&host, NULL);
	after = listed_line("line");
	assert_int_equal(after, before + 5);
	json_t *about = compiled_data(&host.subject, "\\describe line");
	assert_int_equal(compiled_int(about, "line"), after);
	json_decref(about);
}

static void assert_scaled(struct wire *w, int value)
{
	json_t *data = wire_data(w, "scaled(1)");

	assert_int_equal(json_integer_value(json_object_get(data, "value")), value);
	json_decref(data);
}

/* Nothing is waited for in between; the last goes by the compiler. */
static void who_asks_after_a_save_is_answered_with_it(void **state)
{
	enum { SAVES = 30 };
	char old[64] = "n * FACTOR", new[64];
	struct wire w;

	(void)state;
	wire_open(&w, host.subject.socket);
	assert_scaled(&w, 3);
	for (int i = 0; i < SAVES; i++) {
		snprintf(new, sizeof(new), "n * %d", 100 + i);
		followed_edit(&host, "follow_host.c", old, new);
		assert_scaled(&w, 100 + i);
		strcpy(old, new);
	}
	followed_edit(&host, "follow_host.c", old, "*(int *)__builtin_alloca(n) * 0 + 70");
	assert_scaled(&w, 70);
	wire_close(&w);
}

/* One that a lock holds up is not waited for. */
static void who_asks_while_a_save_is_held_up_is_answered(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.subject.socket);
	followed_run(&host, "git init -q . && touch .git/index.lock");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	assert_scaled(&w, 3);
	assert_scaled(&w, 3);
	followed_run(&host, "rm .git/index.lock");
	followed_assert_live(&host, "scaled");
	assert_scaled(&w, 5);
	wire_close(&w);
}

static void follow_off_holds_saves_until_it_is_on_again(void **state)
{
	(void)state;
	json_decref(compiled_data(&host.subject, "\\follow off"));
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	json_decref(followed_await(&host, "held"));
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_state(&host, "scaled", "out-of-sync");
	json_decref(compiled_data(&host.subject, "\\follow on"));
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
}

static void a_console_edit_and_the_file_tell_their_states(void **state)
{
	(void)state;
	subject_define(&host.subject, "scaled", "static int scaled(int n)\n{\n\treturn n * 9;\n}");
	followed_assert_state(&host, "scaled", "live");
	followed_edit(&host, "follow_host.c", "return n * FACTOR;", "return n * 9;");
	json_decref(followed_await(&host, "unchanged"));
	followed_assert_state(&host, "scaled", "saved");
	subject_define(&host.subject, "scaled", "static int scaled(int n)\n{\n\treturn n * 10;\n}");
	followed_assert_state(&host, "scaled", "out-of-sync");
	followed_edit(&host, "follow_host.c", "return n * 9;", "return n * 11;");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 11);
}

/* The next event about what a console changed says so. */
static void assert_changed(const char *says)
{
	json_t *event = wire_await_event(&host.events, "changed");
	const char *text = json_string_value(json_object_get(event, "text"));

	if (!text || !strstr(text, says))
		fail_msg("%s, expected %s", text ? text : "no event", says);
	json_decref(event);
}

static void what_one_console_changes_is_told_to_the_others(void **state)
{
	(void)state;
	subject_define(&host.subject, "scaled", "static int scaled(int n)\n{\n\treturn n * 10;\n}");
	assert_changed(": scaled is now version 1\n");
	subject_rollback(&host.subject, "scaled", 0);
	assert_changed(": scaled is now version 0 (as built)\n");
	json_decref(compiled_data(&host.subject, "\\undo"));
	assert_changed(": scaled is now version 1\n");
}

/* Waits until the program's log has that line: the engine tells its listeners without waiting for the program. */
static void await_logged(const char *line)
{
	char *path = compiled_path(&host.subject, "program.log"), *log, changes[4096];
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	struct pollfd changed = {.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN};

	assert_true(inotify_add_watch(changed.fd, path, IN_MODIFY) >= 0);
	while (!strstr(log = followed_read(&host, "program.log"), line)) {
		long long left = deadline - child_clock();
		if (left <= 0 || poll(&changed, 1, (int)left) != 1)
			fail_msg("the log lacks: %s\n%.600s", line, log);
		assert_true(read(changed.fd, changes, sizeof(changes)) > 0);
		free(log);
	}
	close(changed.fd);
	free(log);
	free(path);
}

static void the_log_tells_of_saves(void **state)
{
	(void)state;
	json_decref(compiled_data(&host.subject, "\\list"));
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	await_logged("scaled is now version 1 (follow_host.c saved, tcc, ");
}

static void a_polled_programs_save_waits_for_its_poll(void **state)
{
	(void)state;
	followed_edit(&host, "follow_polled.c", "n + 1", "n + 2");
	json_t *event = followed_await(&host, "live");
	assert_non_null(strstr(json_string_value(json_object_get(event, "text")), "waits for rtf_poll()"));
	json_decref(event);
	followed_assert_call(&host, "answer", 1, 2);
	compiled_assert_says(&host.subject, 0, "\\list", "saved, waits for rtf_poll()");
	compiled_assert_answer(&host.subject, "poll 1", "3");
	char *list = compiled_console(&host.subject, 0, NULL, "-c", "\\list", NULL);
	assert_null(strstr(list, "waits"));
	free(list);
}

static int start_polled(void **state)
{
	(void)state;
	followed_init_host(&host, &(struct compiled_how){.sources = {"follow_polled.c"}});
	return 0;
}

/* --- before an engine has read the file ---------------------------------------------------------------------------- */

static void a_save_while_no_engine_runs_goes_live(void **state)
{
	pid_t engine = compiled_engine(&host.subject);

	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	followed_assert_state(&host, "scaled", "saved"); /* and the engine is done with that save */
	followed_assert_call(&host, "synced", 0, 0);     /* and has read every source */
	assert_int_equal(kill(engine, SIGSTOP), 0);
	followed_edit(&host, "follow_other.c", "n + 5", "n + 15");
	assert_int_equal(kill(engine, SIGKILL), 0);
	compiled_await_end(engine);
	compiled_assert_says(&host.subject, 0, "\\wait other 1 60", "1");
	followed_assert_call(&host, "other", 1, 16);
	followed_assert_call(&host, "scaled", 1, 5);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "saved"); /* nothing of that file was missed */
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	compiled_assert_says(&host.subject, 3, "\\source other@0", "what was built is not known");
}

static void follow_off_outlives_the_engine(void **state)
{
	pid_t engine = compiled_engine(&host.subject);

	(void)state;
	json_decref(compiled_data(&host.subject, "\\follow off"));
	assert_int_equal(kill(engine, SIGKILL), 0);
	compiled_await_end(engine);
	wire_close(&host.events);
	followed_listen(&host);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	json_decref(followed_await(&host, "held"));
	followed_assert_call(&host, "scaled", 1, 3);
	json_decref(compiled_data(&host.subject, "\\follow on"));
	followed_assert_live(&host, "scaled");
}

static void a_file_that_is_gone_or_empty_is_told(void **state)
{
	char *text = followed_read(&host, "follow_other.c");

	(void)state;
	followed_run(&host, "mv follow_other.c elsewhere.c");
	followed_assert_unchanged(&host, "follow_other.c is gone");
	followed_assert_call(&host, "other", 1, 6);
	followed_write(&host, "follow_other.c", text);
	followed_assert_unchanged(&host, NULL);
	followed_write(&host, "follow_deep.h", "");
	followed_assert_unchanged(&host, "follow_deep.h is empty");
	free(text);
}

static void a_file_without_decorated_functions_is_told(void **state)
{
	(void)state;
	followed_edit(&host, "follow_other.c", "n + 5", "n + 6");
	followed_assert_unchanged(&host, "follow_other.c has no decorated function");
	followed_edit(&host, "follow_other.c", "int other(", "REALTIMEFUNC int other(");
	followed_assert_unchanged(&host, "follow_other.c has decorated functions now");
}

static int start_plain(void **state)
{
	(void)state;
	followed_prepare(&host);
	followed_run(&host, "sed -i 's/^REALTIMEFUNC$//' follow_other.c");
	followed_start(&host);
	followed_assert_call(&host, "synced", 0, 0);
	return 0;
}

static void an_edit_between_build_and_start_is_not_what_was_built(void **state)
{
	(void)state;
	followed_assert_state(&host, "scaled", "out-of-sync");
	compiled_assert_says(&host.subject, 0, "\\source scaled", "is newer than the program");
	followed_assert_state(&host, "other", "built");
	await_logged("newer than the program");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_edit(&host, "follow_host.c", "n * 5", "n * 6");
	followed_assert_live(&host, "scaled");
	followed_edit(&host, "follow_host.c", "n * 6", "n * 5");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
}

static void what_was_compiled_without_debug_information_is_told(void **state)
{
	(void)state;
	await_logged("have no debug information and cannot be changed: compile with -g");
}

static int start_without_debug_information(void **state)
{
	(void)state;
	followed_prepare_host(&host, &(struct compiled_how){.flags = {"-g0"},
							    .sources = {"follow_host.c", "follow_other.c"}});
	char *path = compiled_path(&host.subject, "program.log");
	setenv("RTF_LOG", path, 1);
	free(path);
	compiled_start(&host.subject);
	followed_listen(&host);
	unsetenv("RTF_LOG");
	return 0;
}

static int start_edited(void **state)
{
	(void)state;
	followed_prepare_host(&host, &(struct compiled_how){.sources = {"follow_host.c", "follow_other.c"}});
	char *path = compiled_path(&host.subject, "program.log");
	setenv("RTF_LOG", path, 1);
	free(path);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	/* The program's file is newer than rtf.h, too, which this tree may have since a moment ago. */
	followed_run(&host, "touch -d '2 minutes ago' follow*.[ch] && touch -d '3 seconds ago' host && "
			    "touch -d '2 seconds ago' follow_host.c");
	compiled_start(&host.subject);
	followed_listen(&host);
	unsetenv("RTF_LOG");
	return 0;
}

static void a_lock_that_holds_saves_up_is_told(void **state)
{
	(void)state;
	followed_run(&host, "git init -q . && touch .git/index.lock");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	await_logged("the repository has an index.lock");
	followed_run(&host, "rm .git/index.lock");
	followed_assert_live(&host, "scaled");
}

static void of_files_that_are_saved_together_each_function_is_told_with_its_own(void **state)
{
	(void)state;
	followed_run(&host, "git init -q . && touch .git/index.lock");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_edit(&host, "follow_other.c", "n + 5", "n + 15");
	followed_run(&host, "rm .git/index.lock");
	json_t *event = followed_await(&host, "live");
	const char *text = json_string_value(json_object_get(event, "text"));
	if (!strstr(text, "scaled is now version 1 (follow_host.c saved") ||
	    !strstr(text, "other is now version 1 (follow_other.c saved"))
		fail_msg("%s", text);
	json_decref(event);
}

static int start_with_log(void **state)
{
	(void)state;
	followed_prepare(&host);
	char *path = compiled_path(&host.subject, "program.log");
	setenv("RTF_LOG", path, 1);
	free(path);
	followed_start(&host);
	unsetenv("RTF_LOG");
	return 0;
}

#define with_host(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(of_files_that_are_saved_together_each_function_is_told_with_its_own),
		with_host(a_saved_body_is_live_for_the_next_call),
		with_host(statics_are_shared_with_what_was_built),
		with_host(a_macro_reaches_those_who_use_it),
		with_host(an_enumeration_constant_in_a_header_reaches_those_who_use_it),
		with_host(an_inline_function_reaches_those_who_call_it),
		with_host(a_static_helper_reaches_those_who_call_it),
		with_host(a_constant_table_reaches_those_who_read_it),
		with_host(a_header_below_a_header_reaches_two_files_at_once),
		with_host(a_save_that_waits_for_the_compiler_is_told_by_its_file),
		with_host(a_file_that_a_body_includes_is_part_of_it),
		with_host(comments_and_spaces_alone_change_nothing),
		with_host(the_same_bytes_again_change_nothing),
		with_host(a_save_that_was_undone_is_live_when_it_is_saved_again),
		with_host(reverting_takes_effect),
		with_host(reverting_with_the_rest_of_the_file_takes_effect),
		with_host(several_functions_in_one_save_are_one_change),
		with_host(bodies_of_other_sizes_are_found_one_by_one),
		with_host(an_initialiser_is_reported_and_not_applied),
		with_host(an_undecorated_function_is_said_to_stay),
		with_host(an_error_in_a_body_is_shown_and_heals),
		with_host(taking_the_error_back_heals),
		with_host(a_save_that_goes_by_cc_says_why),
		with_host(an_open_brace_breaks_nothing_else),
		with_host(an_error_between_functions_is_shown),
		with_host(an_error_in_a_helper_refuses_its_callers),
		with_host(a_missing_header_is_shown),
		with_host(a_header_that_comes_later_heals),
		with_host(one_error_holds_up_the_whole_save),
		with_host(a_refused_function_does_not_hold_up_later_saves),
		with_host(a_changed_layout_is_refused_by_name),
		with_host(a_layout_that_held_for_a_version_is_refused_when_it_changes),
		with_host(a_variable_of_another_type_is_refused_by_name),
		with_host(a_member_of_another_type_is_refused_by_name),
		with_host(a_prototype_of_what_is_not_decorated_is_held_to_the_program),
		with_host(a_changed_signature_is_refused_with_both),
		with_host(a_deleted_function_goes_on_running),
		with_host(a_renamed_function_goes_on_running_under_its_old_name),
		with_host(a_function_without_its_decorator_is_followed_on),
		with_host(a_function_that_gets_a_decorator_needs_a_build),
		with_host(a_new_function_is_part_of_those_that_call_it),
		with_host(a_new_global_is_one_for_all_files),
		with_host(a_function_moved_within_its_file_stays_itself),
		with_host(a_function_moved_to_another_file_needs_a_build),
		with_host(lines_are_the_files_after_an_edit_above),
		with_host(a_function_is_listed_where_its_file_has_it),
		with_host(who_asks_after_a_save_is_answered_with_it),
		with_host(who_asks_while_a_save_is_held_up_is_answered),
		with_host(follow_off_holds_saves_until_it_is_on_again),
		with_host(a_console_edit_and_the_file_tell_their_states),
		cmocka_unit_test_setup_teardown(the_log_tells_of_saves, start_with_log, stop),
		cmocka_unit_test_setup_teardown(a_lock_that_holds_saves_up_is_told, start_with_log, stop),
		with_host(a_save_while_no_engine_runs_goes_live),
		cmocka_unit_test_setup_teardown(a_polled_programs_save_waits_for_its_poll, start_polled,
						stop),
		with_host(follow_off_outlives_the_engine),
		with_host(a_file_that_is_gone_or_empty_is_told),
		with_host(what_one_console_changes_is_told_to_the_others),
		cmocka_unit_test_setup_teardown(a_file_without_decorated_functions_is_told, start_plain,
						stop),
		cmocka_unit_test_setup_teardown(what_was_compiled_without_debug_information_is_told,
						start_without_debug_information, stop),
		cmocka_unit_test_setup_teardown(an_edit_between_build_and_start_is_not_what_was_built,
						start_edited, stop),
	};

	return cmocka_run_group_tests_name("system: following", tests, NULL, NULL);
}
