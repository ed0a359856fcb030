/* \save: what is written into the file, and that all else in it stays as it is, byte for byte. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;

static int prepare(void **state)
{
	(void)state;
	followed_prepare(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

/* The file is what it was but for `old`, which is `new` by now. */
static void assert_written(const char *before, const char *old, const char *new)
{
	char *after = followed_read(&host, "follow_host.c"), *expected = child_replace(before, old, new);

	if (!expected)
		fail_msg("the file did not contain: %s", old);
	if (strcmp(after, expected) != 0) {
		size_t at = 0;
		while (after[at] && after[at] == expected[at])
			at++;
		fail_msg("expected: %.80s\nbut: %.80s", expected + at, after + at);
	}
	free(after);
	free(expected);
}

static void a_decorator_on_the_functions_line_stays(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "REALTIMEFUNC\nstatic int scaled",
		      "REALTIMEFUNC static int scaled");
	followed_edit(&host, "follow_host.c", "REALTIMEFUNC\nstatic int moved",
		      "static REALTIMEFUNC int moved");
	followed_start(&host);
	char *before = followed_read(&host, "follow_host.c");
	subject_define(&host.subject, "scaled", "int scaled(int n)\n{\n\treturn n * 9;\n}");
	json_decref(compiled_data(&host.subject, "\\save scaled"));
	assert_written(before, "n * FACTOR", "n * 9");
	free(before);
	before = followed_read(&host, "follow_host.c");
	subject_define(&host.subject, "moved", "int moved(int n)\n{\n\treturn n - OFFSET;\n}");
	json_decref(compiled_data(&host.subject, "\\save moved"));
	assert_written(before, "n + OFFSET", "n - OFFSET");
	compiled_assert_says(&host.subject, 0, "\\save moved", "already");
	free(before);
	before = followed_read(&host, "follow_host.c");
	subject_rollback(&host.subject, "scaled", 0);
	json_decref(compiled_data(&host.subject, "\\save scaled"));
	assert_written(before, "n * 9", "n * FACTOR");
	followed_assert_call(&host, "scaled", 2, 6);
	free(before);
}

static void line_ends_are_the_files(void **state)
{
	(void)state;
	followed_run(&host,
		     "sed -i 's/$/\\r/' follow_host.c && printf '\\357\\273\\277' | cat - follow_host.c > "
		     "with_mark.c && mv with_mark.c follow_host.c");
	followed_start(&host);
	char *before = followed_read(&host, "follow_host.c");
	subject_define(&host.subject, "scaled", "static int scaled(int n)\n{\n\treturn n * 9;\n}");
	json_decref(compiled_data(&host.subject, "\\save scaled"));
	assert_written(before, "n * FACTOR", "n * 9");
	followed_assert_state(&host, "scaled", "saved");
	compiled_assert_says(&host.subject, 0, "\\save scaled", "already");
	subject_rollback(&host.subject, "scaled", 0);
	json_decref(compiled_data(&host.subject, "\\save scaled"));
	assert_written(before, "FACTOR 3", "FACTOR 3");
	free(before);
}

static void a_link_stays_a_link_and_what_it_leads_to_keeps_its_mode(void **state)
{
	struct stat st;

	(void)state;
	followed_run(&host,
		     "mkdir real && mv follow_host.c real/ && ln -s real/follow_host.c follow_host.c && "
		     "cp follow.h follow_deep.h real/ && chmod 604 real/follow_host.c");
	followed_start(&host);
	char *before = followed_read(&host, "real/follow_host.c");
	subject_define(&host.subject, "scaled", "static int scaled(int n)\n{\n\treturn n * 9;\n}");
	json_decref(compiled_data(&host.subject, "\\save scaled"));
	assert_written(before, "n * FACTOR", "n * 9");
	char *path = compiled_path(&host.subject, "follow_host.c");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	free(path);
	free(before);
}

#define with_files(name) cmocka_unit_test_setup_teardown(name, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_files(a_decorator_on_the_functions_line_stays),
		with_files(line_ends_are_the_files),
		with_files(a_link_stays_a_link_and_what_it_leads_to_keeps_its_mode),
	};

	return cmocka_run_group_tests_name("system: versions written into files", tests, NULL, NULL);
}
