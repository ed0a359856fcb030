/* Growing texts, files read whole, hashes, near misses; and errors, which are texts with a class. */
#include "error.h"
#include "heading.h"
#include "kept.h"
#include "text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void what_was_appended_is_taken_in_order(void **state)
{
	struct text t = {0};

	(void)state;
	text_puts(&t, "a");
	text_append(&t, "b\0c", 3);
	text_printf(&t, "%d%s", 7, "x");
	assert_int_equal(t.size, 6);
	char *bytes = text_take(&t);
	assert_memory_equal(bytes, "ab\0c7x", 7);
	assert_null(t.bytes);
	free(bytes);
}

static void words_are_put_on_one_line(void **state)
{
	static const char text[] = "\tint\n  f(void) \n", more[] = " {\r\n";
	struct text t = {0};

	(void)state;
	text_append_words(&t, text, sizeof(text) - 1);
	assert_string_equal(t.bytes, "int f(void)");
	text_append_words(&t, more, sizeof(more) - 1);
	text_append_words(&t, " \n", 2);
	char *line = text_take(&t);
	assert_string_equal(line, "int f(void) {");
	free(line);
}

static void an_empty_text_is_taken_as_one(void **state)
{
	struct text t = {0};

	(void)state;
	char *bytes = text_take(&t);
	assert_string_equal(bytes, "");
	free(bytes);
}

static void a_text_grows_far(void **state)
{
	struct text t = {0};

	(void)state;
	for (int i = 0; i < 100000; i++)
		text_printf(&t, "%05d,", i);
	assert_int_equal(t.size, 600000);
	assert_memory_equal(t.bytes + 6 * 4321, "04321,04322", 11);
	text_fini(&t);
	assert_null(t.bytes);
}

static void a_text_too_large_fails_when_it_is_taken(void **state)
{
	struct text t = {0};

	(void)state;
	text_puts(&t, "a");
	text_append(&t, "", SIZE_MAX / 2);
	assert_true(t.failed);
	text_puts(&t, "b");
	assert_null(text_take(&t));
	assert_false(t.failed);
}

static void files_and_pipes_are_read_whole(void **state)
{
	char path[] = "/tmp/rtf-text-XXXXXX", pipe_path[64];
	int fd = mkstemp(path), ends[2];
	char *large = malloc(200000);
	size_t size = 0;

	(void)state;
	assert_true(fd >= 0 && large);
	memset(large, 'x', 200000);
	assert_int_equal(write(fd, large, 200000), 200000);
	char *bytes = text_read_file(path, &size);
	assert_int_equal(size, 200000);
	assert_memory_equal(bytes, large, size);
	assert_int_equal(bytes[size], '\0');
	free(bytes);
	assert_int_equal(ftruncate(fd, 0), 0);
	bytes = text_read_file(path, &size);
	assert_int_equal(size, 0);
	assert_string_equal(bytes, "");
	free(bytes);
	close(fd);
	unlink(path);

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped", 5), 5);
	close(ends[1]);
	snprintf(pipe_path, sizeof(pipe_path), "/proc/self/fd/%d", ends[0]);
	bytes = text_read_file(pipe_path, &size);
	close(ends[0]);
	assert_string_equal(bytes, "piped");
	free(bytes);
	free(large);
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
	size_t size = 77;

	(void)state;
	assert_null(text_read_file("/no/such/file", &size));
	assert_int_equal(errno, ENOENT);
	assert_null(text_read_file("/tmp", &size));
	assert_int_equal(errno, EISDIR);
	assert_int_equal(size, 77);
}

static void the_hash_is_fnv_1a(void **state)
{
	(void)state;
	/* From the published test vectors of FNV-1a, 64 bits. */
	assert_true(text_hash(TEXT_HASH_SEED, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(text_hash(TEXT_HASH_SEED, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(text_hash(TEXT_HASH_SEED, "foobar", 6) == UINT64_C(0x85944171f73967e8));
	assert_true(text_hash(text_hash(TEXT_HASH_SEED, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

static void distance_counts_single_edits(void **state)
{
	char word[80];

	(void)state;
	assert_int_equal(text_distance("price", "price"), 0);
	assert_int_equal(text_distance("price", "prize"), 1);
	assert_int_equal(text_distance("price", "pice"), 1);
	assert_int_equal(text_distance("price", "prices"), 1);
	assert_int_equal(text_distance("lsit", "list"), 1);
	assert_int_equal(text_distance("pirec", "price"), 2);
	assert_int_equal(text_distance("abcd", "cdab"), 4);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	memset(word, 'a', sizeof(word));
	word[62] = '\0';
	assert_int_equal(text_distance(word, word), 0);
	word[62] = 'a';
	word[63] = '\0';
	assert_true(text_distance(word, "a") == SIZE_MAX);
	assert_true(text_distance("a", word) == SIZE_MAX);
}

static void an_error_has_a_class_and_a_message(void **state)
{
	struct error *e = error_new(ERROR_DRIFT, "%s moved on by %d", "a.c", 3);

	(void)state;
	assert_int_equal(error_class(e), ERROR_DRIFT);
	assert_string_equal(error_message(e), "a.c moved on by 3");
	assert_string_equal(error_class_name(error_class(e)), "drift");
	error_free(e);
	error_free(NULL);
}

static void errno_stands_behind_the_message(void **state)
{
	struct error *e = error_errno(ENOENT, "cannot open %s", "x%sy");

	(void)state;
	assert_int_equal(error_class(e), ERROR_INTERNAL);
	assert_string_equal(error_message(e), "cannot open x%sy: No such file or directory");
	error_free(e);
}

static void context_goes_in_front_and_keeps_the_class(void **state)
{
	struct error *e = error_new(ERROR_COMPILE, "100%% wrong");

	(void)state;
	e = error_context(e, "in %s", "a%d.c");
	e = error_context(e, "%s", "");
	assert_int_equal(error_class(e), ERROR_COMPILE);
	assert_string_equal(error_message(e), ": in a%d.c: 100% wrong");
	error_free(e);
	assert_null(error_context(NULL, "nothing"));
}

static void the_error_without_memory_needs_none(void **state)
{
	struct error *e = error_memory();

	(void)state;
	assert_int_equal(error_class(e), ERROR_INTERNAL);
	assert_string_equal(error_message(e), "out of memory");
	error_free(e);
	assert_string_equal(error_message(error_memory()), "out of memory");
	e = error_context(error_memory(), "while reading");
	assert_string_equal(error_message(e), "while reading: out of memory");
	error_free(e);
}

static void every_class_has_its_name(void **state)
{
#define X(name, text) assert_string_equal(error_class_name(ERROR_##name), text);
	(void)state;
	ERROR_CLASSES(X)
#undef X
}

/* Of the function `f` at that line of a source. */
static void assert_heading(const char *text, unsigned line, const char *expected)
{
	struct kept_file file = {.bytes = (char *)text, .size = strlen(text)};
	char *head = heading_find(file.bytes, file.size, "f", kept_line(&file, line));

	if (!expected)
		assert_null(head);
	else
		assert_string_equal(head, expected);
	free(head);
}

static void a_functions_head_is_found_by_its_line(void **state)
{
	(void)state;
	assert_heading("int f(void)\n{\n}\n", 1, "int f(void)");
	assert_heading("#include <a.h>\n\nREALTIMEFUNC\nstatic int f(int count, ...)\n{\n}\n", 4,
		       "static int f(int count, ...)");
	assert_heading("int n;\nREALTIMEFUNC static const char *\nf(int a,\n  int b) {", 3,
		       "static const char * f(int a, int b)");
	assert_heading("int n; int f(void) {", 1, "int f(void)");
	assert_heading("}\nint f(int (*g)(int)) {", 2, "int f(int (*g)(int))");
	assert_heading("int f(/* none */ void) {", 1, NULL);
	assert_heading("int f(a) int a; {", 1, NULL);
	assert_heading("FUNCTION(f)\n{", 1, NULL);
	assert_heading("int f(void);\n", 1, NULL);
	assert_heading("int g(void) {}\n", 1, NULL);
	assert_heading("int f(void) {}\n", 9, NULL);
	assert_heading("int f(", 1, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_appended_is_taken_in_order),
		cmocka_unit_test(words_are_put_on_one_line),
		cmocka_unit_test(an_empty_text_is_taken_as_one),
		cmocka_unit_test(a_text_grows_far),
		cmocka_unit_test(a_text_too_large_fails_when_it_is_taken),
		cmocka_unit_test(files_and_pipes_are_read_whole),
		cmocka_unit_test(a_file_that_cannot_be_read_says_why),
		cmocka_unit_test(the_hash_is_fnv_1a),
		cmocka_unit_test(distance_counts_single_edits),
		cmocka_unit_test(an_error_has_a_class_and_a_message),
		cmocka_unit_test(errno_stands_behind_the_message),
		cmocka_unit_test(context_goes_in_front_and_keeps_the_class),
		cmocka_unit_test(the_error_without_memory_needs_none),
		cmocka_unit_test(every_class_has_its_name),
		cmocka_unit_test(a_functions_head_is_found_by_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
