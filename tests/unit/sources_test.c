/* The program's sources: found, kept, read again when they change; each function's text as a person wrote
 * it. */
#include "fixture.h"
#include "sources.h"
#include "words.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct sources *sources;
static struct target_unit unit;
static long seconds = 1000;

/* Gives the file a time that it never had. */
static void write_file(const char *path, const char *text)
{
	struct timespec now = {.tv_sec = ++seconds}, times[2] = {now, now};

	fixture_write(path, text);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_source(const char *text)
{
	write_file(fixture_path, text);
}

static struct source *found(void)
{
	struct source *source = NULL;

	assert_null(sources_find(sources, &unit, &source));
	return source;
}

static int open_sources(void **state)
{
	int failed = fixture_open(state);

	unit = (struct target_unit){
		.file = fixture_path, .directory = fixture_directory, .producer = "GNU C17 12.2.0 -O0"};
	return failed ? failed : (sources_new("-DGIVEN=3", NULL, &sources) ? -1 : 0);
}

static int close_sources(void **state)
{
	sources_free(sources);
	return fixture_close(state);
}

static void assert_not_found(const struct target_unit *u, enum error_class class, const char *says)
{
	struct source *source = NULL;
	struct error *e = sources_find(sources, u, &source);

	assert_non_null(e);
	assert_null(source);
	assert_int_equal(error_class(e), class);
	if (!strstr(error_message(e), says))
		fail_msg("`%s` does not say `%s`", error_message(e), says);
	error_free(e);
}

static void what_cannot_be_found_says_what_to_do(void **state)
{
	struct target_unit moved = {.file = "/no/such/place/a.c"};

	(void)state;
	assert_not_found(NULL, ERROR_UNKNOWN, "-g");
	assert_not_found(&moved, ERROR_UNKNOWN, "RTF_SOURCE_ROOT");
	write_source("#include \"nowhere.h\"\n");
	assert_not_found(&unit, ERROR_COMPILE, "nowhere.h");
}

static void a_source_is_read_with_the_users_flags_and_kept(void **state)
{
	(void)state;
	write_source("int f(void) { return GIVEN; }\n");
	struct source *source = found();
	struct index *index = source->index;
	assert_non_null(index_find_macro(index, "GIVEN", 5, index->size));
	assert_ptr_equal(found(), source);
	assert_ptr_equal(found()->index, index);
}

static void a_source_that_changed_is_read_again(void **state)
{
	(void)state;
	write_source("int before(void) { return 1; }\n");
	struct source *source = found();
	write_source("int after(void) { return 1; }\n");
	assert_ptr_equal(found(), source);
	assert_non_null(index_find_function(source->index, "after", 0));
	assert_null(index_find_function(source->index, "before", 0));
}

static void what_was_read_stays_while_the_file_is_wrong(void **state)
{
	(void)state;
	write_source("int kept(void) { return 1; }\n");
	struct source *source = found();
	write_source("#error half written\n");
	assert_not_found(&unit, ERROR_COMPILE, "half written");
	assert_non_null(index_find_function(source->index, "kept", 0));
	write_source("int kept(void) { return 2; }\n");
	assert_ptr_equal(found(), source);
}

static void a_functions_text_is_what_the_file_says(void **state)
{
	struct target_function f = {.name = "f", .line = 3}, made = {.name = "get_a", .line = 4},
			       gone = {.name = "gone"};
	unsigned line = 0;
	char *text = NULL;

	(void)state;
	write_source("#define N 3\n#define GET(n) int get_##n(void) { return N; }\nstatic int f(void) { "
		     "return N; } /* f */\nGET(a)\n");
	assert_null(source_function_text(found(), &f, &text, &line));
	assert_string_equal(text, "static int f(void) { return N; }");
	assert_int_equal(line, 3);
	free(text);
	assert_null(source_function_text(found(), &made, &text, &line));
	assert_string_equal(text, "int get_a(void) { return 3; }");
	assert_int_equal(line, 4);
	free(text);
	struct error *e = source_function_text(found(), &gone, &text, &line);
	assert_int_equal(error_class(e), ERROR_UNKNOWN);
	error_free(e);
}

static void of_several_definitions_the_one_at_the_line_is_meant(void **state)
{
	struct target_function second = {.name = "f", .line = 9}, nowhere = {.name = "f", .line = 90};
	unsigned nth = 7;

	(void)state;
	write_source("#define f f1\nint f(void)\n{\n\treturn 1;\n}\n#undef f\n\n#define f f1\nint f(int "
		     "a)\n{\n\treturn 2;\n}\n");
	second.name = nowhere.name = "f1";
	const struct index_declaration *d = source_definition(found(), &second, &nth);
	assert_int_equal(nth, 1);
	assert_int_equal(d->line, 9);
	d = source_definition(found(), &nowhere, &nth);
	assert_int_equal(nth, 0);
	assert_int_equal(d->line, 2);
	second.name = "none";
	assert_null(source_definition(found(), &second, &nth));
}

static void what_the_file_says_otherwise_by_now_is_known(void **state)
{
	static struct target_unit own; /* another: its source has no past */

	own = unit;
	struct source *source;

	(void)state;
	write_source("static int same(int a) { return a; }\nstatic int other(int a) { return a; }\nstatic "
		     "const int n = 1;\nint v = 1;\n");
	assert_null(sources_find(sources, &own, &source));
	assert_false(source_has_changed(source, "other"));
	write_source("/* more */\nstatic int same(int a)\n{ return a; }\nstatic int other(int a) { return "
		     "-a; }\nstatic const int n = 2;\nint v = 1;\n");
	assert_null(sources_find(sources, &own, &source));
	assert_false(source_has_changed(source, "same"));
	assert_true(source_has_changed(source, "other"));
	assert_true(source_has_changed(source, "n"));
	assert_false(source_has_changed(source, "v"));
	assert_true(source_is_constant(source, "n"));
	assert_false(source_is_constant(source, "v"));
	write_source("static int same(int a) { return a; }\nstatic int other(int a) { return a; }\nstatic "
		     "const int n = 1;\nint v = 1;\n");
	assert_null(sources_find(sources, &own, &source));
	assert_false(source_has_changed(source, "other"));
	assert_false(source_has_changed(source, "n"));
}

/* What is in the way of a file as it was: headers beside it, its own name, and lines. */
static void a_source_is_first_read_as_it_was_when_it_was_kept(void **state)
{
	static const char before[] = "#include \"beside.h\"\nint f(void) { return BESIDE; }\n"
				     "const char *g(void) { return __FILE__; }\n";
	static struct target_unit plain, own;
	struct source *source, *as_it_was;
	char header[4096];

	(void)state;
	snprintf(header, sizeof(header), "%s/beside.h", fixture_directory);
	fixture_write(header, "#define BESIDE 5\n");
	assert_int_equal(utimensat(AT_FDCWD, header, (struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0),
			 0);
	plain = own = unit;
	write_source(before);
	assert_null(sources_find(sources, &plain, &source));
	sources_keep(sources, &own);
	write_source("int after(void) { return 1; }\n");
	assert_null(sources_find(sources, &own, &as_it_was));
	assert_string_equal(as_it_was->index->source, before);
	assert_string_equal(as_it_was->index->text, source->index->text);
	assert_int_equal(as_it_was->modified.tv_sec, seconds - 1);
}

static void a_source_that_was_wrong_when_it_was_kept_is_read_as_it_is(void **state)
{
	static struct target_unit own;
	struct source *source;

	(void)state;
	own = unit;
	sources_forget(sources, true);
	write_source("#error kept so\n");
	sources_keep(sources, &own);
	assert_not_found(&own, ERROR_COMPILE, "kept so");
	write_source("int after(void) { return 1; }\n");
	assert_null(sources_find(sources, &own, &source));
	assert_non_null(index_find_function(source->index, "after", 0));
	assert_int_equal(source->modified.tv_sec, seconds);
}

/* A header that comes with another plug-in, long after. */
static void what_was_kept_of_a_header_goes_when_all_is_read(void **state)
{
	static struct target_unit first, later;
	static const char text[] = "#include \"kept.h\"\nint f(void) { return KEPT; }\n";
	struct source *source;
	char header[64];

	(void)state;
	snprintf(header, sizeof(header), "%s/kept.h", fixture_directory);
	first = later = unit;
	sources_forget(sources, true);
	write_source(text);
	write_file(header, "#define KEPT 1\n");
	sources_keep(sources, &first);
	write_file(header, "#define KEPT 2\n");
	assert_null(sources_find(sources, &first, &source));
	assert_non_null(strstr(source->index->text, "return 1;"));
	assert_true(sources_was_saved(sources, header));
	sources_forget(sources, true);
	assert_false(sources_was_saved(sources, header));
	sources_keep(sources, &later);
	assert_null(sources_find(sources, &later, &source));
	assert_non_null(strstr(source->index->text, "return 2;"));
}

/* --- while make is asked ---------------------------------------------------------------------------------------------- */

static struct sources *with_make;

static char *beside(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", fixture_directory, name) > 0);
	return path;
}

/* Make waits at the gate, and says then that the source is compiled so. Meanwhile it is read with the flags that are guessed, the
 * words or none, to the end. */
static void read_draft(const struct target_unit *own, const char *recipe, const char *before)
{
	char *makefile = beside("Makefile"), *gate = beside("gate"), *text;
	struct flags guess;

	assert_true(asprintf(&text, "X := $(shell cat gate)\na.o: a.c\n\tgcc %s -c a.c\n", recipe) > 0);
	write_file(makefile, text);
	assert_int_equal(mkfifo(gate, 0600), 0);
	write_source("#ifdef MORE\nint more(void) { return MORE; }\n#else\nint less(void) { return 1; }\n"
		     "#endif\n");
	assert_null(sources_new(NULL, NULL, &with_make));
	sources_set_followed(with_make, true);
	assert_null(sources_expect(with_make, own));
	assert_true(sources_ask_for(with_make, own));
	assert_true(sources_are_asked(with_make));
	assert_null(flags_guess(own, before, &guess));
	sources_draft(with_make, own, &guess);
	assert_true(sources_is_begun(with_make, own));
	struct pollfd ended = {sources_fd(with_make), POLLIN, 0};
	assert_int_equal(poll(&ended, 1, 60000), 1);
	sources_woken(with_make);
	free(text);
	free(gate);
	free(makefile);
}

static struct source *found_behind_gate(const struct target_unit *own)
{
	char *gate = beside("gate");
	int fd = open(gate, O_WRONLY | O_CLOEXEC);
	struct source *source = NULL;

	assert_true(fd >= 0);
	close(fd);
	assert_null(sources_find(with_make, own, &source));
	assert_int_equal(unlink(gate), 0);
	free(gate);
	return source;
}

static int forget_make(void **state)
{
	char *makefile = beside("Makefile");

	(void)state;
	sources_free(with_make);
	with_make = NULL;
	unlink(makefile);
	free(makefile);
	return 0;
}

/* The text that it has: one that was saved meanwhile is the follower's matter, as of any source that was being read. */
static void a_source_that_was_read_with_the_right_guess_is_not_read_again(void **state)
{
	static struct target_unit own;

	(void)state;
	own = unit;
	read_draft(&own, "-O0", NULL);
	write_source("int later(void) { return 2; }\n");
	struct source *source = found_behind_gate(&own);
	assert_non_null(index_find_function(source->index, "less", 0));
	assert_null(index_find_function(source->index, "later", 0));
	assert_string_equal(source->flags.origin, "make");
}

static void a_source_that_was_read_with_a_wrong_guess_is_read_as_make_says(void **state)
{
	static struct target_unit own;

	(void)state;
	own = unit;
	read_draft(&own, "-DMORE=7", NULL);
	struct source *source = found_behind_gate(&own);
	assert_non_null(index_find_function(source->index, "more", 0));
	assert_null(index_find_function(source->index, "less", 0));
	sources_woken(with_make); /* lets the other go */
	assert_null(sources_find(with_make, &own, &source));
	assert_non_null(index_find_function(source->index, "more", 0));
}

static void the_flags_of_another_run_are_a_guess_too(void **state)
{
	static struct target_unit own;
	char *words;

	(void)state;
	own = unit;
	read_draft(&own, "-DMORE=7", NULL);
	words = words_join(found_behind_gate(&own)->flags.argv);
	assert_non_null(words);
	forget_make(state);
	read_draft(&own, "-DMORE=7", words);
	write_source("int later(void) { return 2; }\n");
	struct source *source = found_behind_gate(&own);
	assert_non_null(index_find_function(source->index, "more", 0));
	forget_make(state);
	read_draft(&own, "-DMORE=8", words);
	source = found_behind_gate(&own);
	assert_non_null(strstr(source->index->text, "return 8;"));
	free(words);
}

/* Without a follower the file is looked at again. */
static void what_was_saved_since_it_was_read_is_read_where_nobody_follows(void **state)
{
	static struct target_unit own;

	(void)state;
	own = unit;
	read_draft(&own, "-O0", NULL);
	sources_set_followed(with_make, false);
	write_source("int later(void) { return 2; }\n");
	assert_non_null(index_find_function(found_behind_gate(&own)->index, "later", 0));
}

static void a_draft_that_nobody_asks_for_is_let_go(void **state)
{
	static struct target_unit own;
	char *gate = beside("gate");

	(void)state;
	own = unit;
	read_draft(&own, "-O0", NULL);
	int fd = open(gate, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(gate), 0);
	free(gate);
}

int main(void)
{
#define with_make_asked(test) cmocka_unit_test_teardown(test, forget_make)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_found_says_what_to_do),
		cmocka_unit_test(a_source_is_read_with_the_users_flags_and_kept),
		cmocka_unit_test(a_source_that_changed_is_read_again),
		cmocka_unit_test(what_was_read_stays_while_the_file_is_wrong),
		cmocka_unit_test(a_functions_text_is_what_the_file_says),
		cmocka_unit_test(of_several_definitions_the_one_at_the_line_is_meant),
		cmocka_unit_test(what_the_file_says_otherwise_by_now_is_known),
		cmocka_unit_test(a_source_is_first_read_as_it_was_when_it_was_kept),
		cmocka_unit_test(a_source_that_was_wrong_when_it_was_kept_is_read_as_it_is),
		cmocka_unit_test(what_was_kept_of_a_header_goes_when_all_is_read),
		with_make_asked(a_source_that_was_read_with_the_right_guess_is_not_read_again),
		with_make_asked(a_source_that_was_read_with_a_wrong_guess_is_read_as_make_says),
		with_make_asked(the_flags_of_another_run_are_a_guess_too),
		with_make_asked(what_was_saved_since_it_was_read_is_read_where_nobody_follows),
		with_make_asked(a_draft_that_nobody_asks_for_is_let_go),
	};

	return cmocka_run_group_tests(tests, open_sources, close_sources);
}
