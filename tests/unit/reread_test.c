/* Sources that are read anew, several at once: each is what it says now, in whatever order it is taken. */
#include "fixture.h"
#include "reread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SOURCES = 9, BROKEN = 3, EMPTY = 5, WITHOUT_TYPE = 7 };

static struct target_unit units[SOURCES];
static struct source sources[SOURCES], *list[SOURCES];
static char paths[SOURCES][80];
static char *argv[] = {"gcc", NULL};

static const char *text_of(int i)
{
	static char text[64];

	snprintf(text, sizeof(text),
		 i == WITHOUT_TYPE ? "int f%d(missing_t x);\n" : "int f%d(void) { return 1; }\n", i);
	return i == BROKEN ? "#error never\n" : i == EMPTY ? "" : text;
}

static int open_sources(void **state)
{
	if (fixture_open(state))
		return -1;
	for (int i = 0; i < SOURCES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/s%d.c", fixture_directory, i);
		fixture_write(paths[i], text_of(i));
		units[i] = (struct target_unit){.file = paths[i], .directory = fixture_directory};
		sources[i] = (struct source){
			.unit = &units[i],
			.flags = {.argv = argv, .directory = fixture_directory, .origin = "the test"}};
		list[i] = &sources[i];
	}
	return 0;
}

static void assert_taken(struct reread *r, int i)
{
	struct index *ix = NULL;
	char name[8];

	struct error *e = reread_take(r, &sources[i], &ix);
	snprintf(name, sizeof(name), "f%d", i);
	if (i == BROKEN) {
		assert_non_null(e);
		assert_int_equal(error_class(e), ERROR_COMPILE);
	} else if (i == EMPTY) {
		assert_null(e);
		assert_null(ix);
	} else {
		assert_null(e);
		assert_int_not_equal(index_find(ix, INDEX_ORDINARY, name, strlen(name)), INDEX_NONE);
		assert_string_equal(ix->file, paths[i]);
	}
	error_free(e);
	index_free(ix);
}

static void assert_reviewed(struct reread *r, int i)
{
	struct check_result findings = {0};
	bool fails = i == BROKEN || i == WITHOUT_TYPE;

	assert_null(reread_review(r, &sources[i], &findings));
	assert_int_equal(findings.failed, fails);
	assert_int_equal(findings.count > 0, fails);
	if (fails)
		assert_string_equal(findings.diagnostics[0].file, paths[i]);
	check_result_fini(&findings);
}

static void all_are_read_in_whatever_order(void **state)
{
	(void)state;
	for (int reviews = 0; reviews < 2; reviews++) {
		struct reread *r = reread_begin(list, SOURCES, reviews);
		assert_non_null(r);
		for (int i = SOURCES - 1; i >= 0; i--)
			assert_taken(r, i);
		for (int i = 0; i < SOURCES; i++)
			assert_reviewed(r, i);
		reread_end(r);
	}
}

/* Whoever asks once more, or for what was not begun with, gets what is there then. */
static void what_was_not_begun_is_read_when_it_is_taken(void **state)
{
	struct reread *r = reread_begin(list, 2, true);

	(void)state;
	assert_non_null(r);
	assert_taken(r, 4);
	assert_taken(NULL, 6);
	assert_reviewed(r, WITHOUT_TYPE);
	assert_reviewed(NULL, BROKEN);
	assert_taken(r, 1);
	fixture_write(paths[1], "int later;\n");
	struct index *ix;
	assert_null(reread_take(r, &sources[1], &ix));
	assert_int_not_equal(index_find(ix, INDEX_ORDINARY, "later", 5), INDEX_NONE);
	index_free(ix);
	fixture_write(paths[1], text_of(1));
	reread_end(r);
}

static void what_nobody_takes_is_given_up(void **state)
{
	(void)state;
	for (size_t count = 1; count <= SOURCES; count++)
		reread_end(reread_begin(list, count, count % 2));
	reread_end(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_read_in_whatever_order),
		cmocka_unit_test(what_was_not_begun_is_read_when_it_is_taken),
		cmocka_unit_test(what_nobody_takes_is_given_up),
	};

	return cmocka_run_group_tests_name("reread", tests, open_sources, fixture_close);
}
