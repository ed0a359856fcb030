/* How far a save reaches: past the text that it changes, to every decorated function whose next call is to be another
 * one, and no further. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;

static void start_built(const struct compiled_how *how)
{
	host = (struct followed){.events = {.fd = -1}};
	subject_init(&host.subject);
	compiled_copy_in(&host.subject, "reach_host.c");
	compiled_copy_in(&host.subject, "reach_part.h");
	compiled_build(&host.subject, how);
	compiled_start(&host.subject);
	followed_listen(&host);
}

static int start(void **state)
{
	(void)state;
	start_built(&(struct compiled_how){.sources = {"reach_host.c"}});
	return 0;
}

/* Helpers are inlined, and the program has no copy of them. */
static int start_optimised(void **state)
{
	(void)state;
	start_built(&(struct compiled_how){.flags = {"-O2"}, .sources = {"reach_host.c"}});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

/* The next save goes live with these functions, and says `note`. */
static void assert_live_with_note(const char *function, const char *note)
{
	json_t *event = followed_await(&host, "live"), *list = json_object_get(event, "functions");
	const char *notes = json_string_value(json_object_get(event, "notes"));

	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "function")),
			    function);
	if (!notes || !strstr(notes, note))
		fail_msg("the save was to say: %s\nbut: %s", note, notes ? notes : "nothing");
	json_decref(event);
}

static void a_helper_behind_helpers_reaches_those_who_call_the_first(void **state)
{
	(void)state;
	followed_assert_call(&host, "chained", 1, 23);
	followed_edit(&host, "reach_host.c", "return n + 1;", "return n + 2;");
	assert_live_with_note("chained", "innermost is not decorated");
	followed_assert_call(&host, "chained", 1, 33);
	followed_assert_call(&host, "outer", 1, 23); /* called by what is not decorated */
	followed_edit(&host, "reach_host.c", "return n + 2;", "return n + 1;");
	assert_live_with_note("chained", "innermost is not decorated");
	followed_assert_call(&host, "chained", 1, 23);
}

static void an_enumeration_constant_reaches_through_a_helper(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "STEP = 1", "STEP = 5");
	followed_assert_live(&host, "stepped");
	followed_assert_call(&host, "stepped", 1, 6);
}

static void a_helper_in_a_constant_table_reaches_those_who_read_it(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "return n + 100;", "return n + 200;");
	assert_live_with_note("operated", "plus is not decorated");
	followed_assert_call(&host, "operated", 1, 201);
}

static void a_helper_that_calls_a_decorated_function_stays_itself(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "return open_to_all(n);", "return open_to_all(n) + 1;");
	followed_assert_live(&host, "opened");
	followed_assert_call(&host, "apart", 10, 12);
	followed_edit(&host, "reach_host.c", "enum { STEP", "enum { OTHER, STEP");
	followed_assert_live(&host, "stepped");
	followed_edit(&host, "reach_host.c", "return opened(n) * 2;", "return opened(n) * 3;");
	assert_live_with_note("apart", "through_an_entry is not decorated");
	followed_assert_call(&host, "apart", 10, 18);
}

static void a_constant_table_of_all_files_reaches_those_who_read_it(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "{2, 3, 5, 7}", "{2, 3, 55, 7}");
	followed_assert_live(&host, "prime");
	followed_assert_call(&host, "prime", 2, 55);
	followed_edit(&host, "reach_host.c", "{2, 3, 55, 7}", "{2, 3, 5, 7}");
	followed_assert_live(&host, "prime");
	followed_assert_call(&host, "prime", 2, 5);
}

static void a_constant_table_of_a_nameless_type_reaches_those_who_read_it(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "{\"min\", 60}", "{\"minute\", 61}");
	followed_assert_live(&host, "in_units");
	followed_assert_call(&host, "in_units", 1, 67);
}

static void an_external_function_reaches_those_who_call_it_in_its_file(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "return n - 5;", "return n - 7;");
	assert_live_with_note("opened", "open_to_all is not decorated");
	followed_assert_call(&host, "opened", 10, 3);
	followed_assert_call(&host, "open_to_all", 10, 5);
}

static void a_new_external_function_is_part_of_those_that_call_it(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c",
		      "REALTIMEFUNC\nstatic int opened(int n)\n{\n\treturn open_to_all(n);",
		      "int brand_new(int n)\n{\n\treturn n * 1000;\n}\n\n"
		      "REALTIMEFUNC\nstatic int opened(int n)\n{\n\treturn brand_new(n);");
	followed_assert_live(&host, "opened");
	followed_assert_call(&host, "opened", 2, 2000);
}

/* The first save of it, before anything else has been compared. */
static void a_function_of_an_included_file_is_live_with_its_first_save(void **state)
{
	(void)state;
	followed_edit(&host, "reach_part.h", "n + PART", "n + PART + 1");
	followed_assert_live(&host, "parted");
	followed_assert_call(&host, "parted", 2, 43);
	followed_edit(&host, "reach_part.h", "n + PART + 1", "n + PART");
	followed_assert_live(&host, "parted");
	followed_assert_call(&host, "parted", 2, 42);
	followed_assert_state(&host, "parted", "saved");
}

static void a_macro_of_an_included_file_is_live_with_its_first_save(void **state)
{
	(void)state;
	followed_edit(&host, "reach_part.h", "PART 40", "PART 50");
	followed_assert_live(&host, "parted");
	followed_assert_call(&host, "parted", 2, 52);
	followed_edit(&host, "reach_part.h", "PART 50", "PART 40");
	followed_assert_live(&host, "parted");
	followed_assert_call(&host, "parted", 2, 42);
}

static void comments_in_an_included_file_change_nothing(void **state)
{
	(void)state;
	followed_edit(&host, "reach_part.h", "\treturn n + PART;", "\t/* forty */\n\n\treturn n+PART;");
	followed_assert_unchanged(&host, NULL);
	compiled_assert_live(&host.subject, "parted", 0, 1, "built");
}

/* What other code wrote into one would be read as the other. A new name for a place is another matter. */
static void members_that_swap_their_names_are_refused(void **state)
{
	(void)state;
	followed_edit(&host, "reach_host.c", "int first, last;", "int last, first;");
	followed_assert_refused(&host, "struct span");
	followed_assert_call(&host, "spanned", 3, 7);
	followed_assert_state(&host, "spanned", "refused");
	followed_edit(&host, "reach_host.c", "int last, first;", "int begin, last;");
	followed_assert_refused(&host, "first");
	char *text = followed_edited(&host, "reach_host.c", ".first = n", ".begin = n + 1"),
	     *renamed = child_replace(text, "s.last - s.first", "s.last - s.begin");
	followed_write(&host, "reach_host.c", renamed);
	followed_assert_live(&host, "spanned");
	followed_assert_call(&host, "spanned", 3, 6);
	free(renamed);
	free(text);
}

/* Another file's functions cannot have it before it is built: only what is said of this file is true. */
static void a_renamed_external_function_is_said_to_be_its_files_own(void **state)
{
	(void)state;
	char *text = followed_edited(&host, "reach_host.c", "int open_to_all(int n)\n{",
				     "REALTIMEFUNC int renamed(int n)\n{"),
	     *renamed = child_replace(text, "return open_to_all(n);", "return renamed(n) + 1;"),
	     *declared = child_replace(renamed, "int open_to_all(int n);",
				       "int open_to_all(int n);\nint renamed(int n);");
	followed_write(&host, "reach_host.c", declared);
	assert_live_with_note("opened",
			      "renamed is new: it is a part of the functions of its file that call it");
	followed_assert_call(&host, "opened", 10, 6);
	followed_assert_call(&host, "open_to_all", 10, 5);
	free(declared);
	free(renamed);
	free(text);
}

#define with_host(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(a_helper_behind_helpers_reaches_those_who_call_the_first),
		cmocka_unit_test_setup_teardown(a_helper_behind_helpers_reaches_those_who_call_the_first,
						start_optimised, stop),
		with_host(an_enumeration_constant_reaches_through_a_helper),
		with_host(a_helper_in_a_constant_table_reaches_those_who_read_it),
		with_host(a_helper_that_calls_a_decorated_function_stays_itself),
		with_host(a_constant_table_of_all_files_reaches_those_who_read_it),
		with_host(a_constant_table_of_a_nameless_type_reaches_those_who_read_it),
		with_host(an_external_function_reaches_those_who_call_it_in_its_file),
		with_host(a_new_external_function_is_part_of_those_that_call_it),
		with_host(a_function_of_an_included_file_is_live_with_its_first_save),
		with_host(a_macro_of_an_included_file_is_live_with_its_first_save),
		with_host(comments_in_an_included_file_change_nothing),
		with_host(members_that_swap_their_names_are_refused),
		with_host(a_renamed_external_function_is_said_to_be_its_files_own),
	};

	return cmocka_run_group_tests_name("system: how far a save reaches", tests, NULL, NULL);
}
