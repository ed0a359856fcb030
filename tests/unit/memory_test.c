/* Memory that runs out: each allocation of an operation fails in turn, from the first to the last. The
 * operation must say so and leave nothing behind; the sanitizer's leak check looks after the second.
 *
 * malloc and its kin are this program's own and hand on to the C library's, or to the sanitizer's where
 * one is. */
#include "edit.h"
#include "flags.h"
#include "index.h"
#include "indexer.h"
#include "name_table.h"
#include "slice.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__interceptor_malloc(size_t) __attribute__((weak));
extern void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
extern void *__interceptor_realloc(void *, size_t) __attribute__((weak));

static unsigned long until_failure; /* allocations that still succeed; 0: all do */
static unsigned long failures;

static bool fails(void)
{
	if (!until_failure || --until_failure)
		return false;
	failures++;
	errno = ENOMEM;
	return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

static char outcome[33]; /* of an operation that succeeded, where it tells */

/* Runs `operation` with the first allocation failing, then the second, until it succeeds. It may succeed
 * before, as the C library's qsort gets on without memory, if the outcome is the same. */
static void assert_steps(struct error *(*operation)(void), unsigned long at_least)
{
	unsigned long step = 0;
	bool done = false;
	char before[33] = "";

	while (!done) {
		assert_true(step < 100000);
		failures = 0;
		until_failure = ++step;
		struct error *e = operation();
		until_failure = 0;
		done = !failures;
		if (e && done)
			fail_msg("%s", error_message(e));
		if (!e && !done && !*outcome)
			fail_msg("allocation %lu failed unnoticed", step);
		if (!e && *before)
			assert_string_equal(outcome, before);
		if (!e)
			strcpy(before, outcome);
		error_free(e);
	}
	assert_true(step > at_least);
}

/* Enough of everything that each array and table grows. */
static char *source;
static size_t source_size;
static struct index *ix;

static int make_source(void **state)
{
	struct text t = {0};

	(void)state;
	text_puts(&t, "# 1 \"/a.c\"\n#pragma pack(push, 1)\nstruct order { int qty; struct { int deep; } in; "
		      "};\n#pragma pack(pop)\n"
		      "typedef struct order order_t;\nstatic int table[] = { 1, 2 }, other = 3;\n");
	for (int i = 0; i < 700; i++)
		text_printf(&t,
			    "# %d \"/h%d.h\" 1\n#define M%d(x) ((x) + v%d.m%d)\nstruct s%d { int m%d; } v%d "
			    "= { 1 };\n"
			    "static inline int g%d(struct s%d *p) { return p->m%d + table[0]; }\n",
			    i + 1, i % 70, i, i, i, i, i, i, i, i, i);
	text_puts(&t, "# 900 \"/a.c\"\nint f(order_t *o)\n{\n\treturn o->qty;\n}\n");
	source_size = t.size;
	source = text_take(&t);
	return source ? 0 : -1;
}

static int free_source(void **state)
{
	(void)state;
	index_free(ix);
	ix = NULL;
	free(source);
	return 0;
}

static struct error *make_index(void)
{
	char *copy = malloc(source_size);
	struct index *fresh;

	if (!copy)
		return error_memory();
	memcpy(copy, source, source_size);
	struct error *e = indexer_read_text("/a.c", copy, source_size, source, source_size, &fresh);
	if (!e)
		index_free(fresh);
	return e;
}

static void an_index_without_memory_is_none(void **state)
{
	(void)state;
	assert_steps(make_index, 40); /* twice that where strndup's are not a sanitizer's */
}

static enum slice_presence presence(void *context, const char *name)
{
	(void)context;
	return *name == 'g' ? SLICE_ABSENT : SLICE_PRESENT;
}

static bool bound(void *context, const char *name, uint64_t *elements)
{
	(void)context;
	*elements = 2;
	return strcmp(name, "table") == 0;
}

static bool layout(void *context, enum target_tag tag, const char *name, struct target_layout *out)
{
	static const struct target_member members[] = {{.name = "qty", .bit_offset = 0},
						       {.name = "deep", .bit_offset = 32}};

	(void)context;
	*out = (struct target_layout){8, 2, members};
	return tag == TARGET_STRUCT && strcmp(name, "order") == 0;
}

static char *definition;

static struct error *make_slice(void)
{
	static const char extra[] = "struct mine { int x; };\n#define MINE 3\nstatic struct mine mine;";
	struct slice_names names = {NULL, presence, bound, layout, NULL};
	struct slice_request request = {.index = ix,
					.name = "f",
					.text = definition,
					.size = strlen(definition),
					.file = "a\"b.c",
					.line = 3,
					.extra = extra,
					.extra_size = sizeof(extra) - 1,
					.also = "table\n"};
	struct slice slice;

	struct error *e = slice_new(&request, &names, &slice);
	if (e)
		return e;
	strcpy(outcome, slice.hash);
	slice_fini(&slice);
	return e;
}

static void a_slice_without_memory_is_none(void **state)
{
	struct text t = {0};

	(void)state;
	char *copy = malloc(source_size);
	assert_non_null(copy);
	memcpy(copy, source, source_size);
	assert_null(indexer_read_text("/a.c", copy, source_size, source, source_size, &ix));
	text_puts(&t, "static int f(order_t *o)\n{\n\tint sum = o->qty + o->in.deep + mine.x + MINE;\n");
	for (int i = 0; i < 150; i++)
		text_printf(&t, "\tsum += g%d(&v%d) + M%d(%d);\n", i, i, i, i);
	text_puts(&t, "\treturn sum;\n}");
	definition = text_take(&t);
	assert_non_null(definition);
	assert_steps(make_slice, 30);
	outcome[0] = '\0';
	free(definition);
}

static struct error *make_edit(void)
{
	static const char text[] =
		"int a(void) { }\nint b(void) { }\nint c(void) { }\nint d(void) { }\nint e(int x) { }\n"
		"struct { int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r; } x = { 1 }, y = { 2 };\n"
		"int b1 = 1, b2 = 2, b3 = 3, b4 = 4, b5 = 5, b6 = 6;\n";
	static const bool leave_out[5] = {true, false, true, true, true};
	struct edit edit;

	struct error *e = edit_new(text, sizeof(text) - 1, &edit);
	if (e)
		return e;
	char *rest = edit_rest(&edit, leave_out);
	if (!rest)
		e = error_memory();
	free(rest);
	edit_fini(&edit);
	return e;
}

static void an_edit_without_memory_is_none(void **state)
{
	(void)state;
	assert_steps(make_edit, 3);
}

static struct error *make_flags(void)
{
	const char *const directories[] = {"/home/a", "/home/b", NULL};
	struct target_unit unit = {.file = "/nowhere/a.c",
				   .directory = "/nowhere",
				   .producer = "GNU C17 9.4.0 -mavx -O2 -g",
				   .include_directories = directories};
	struct commands *commands = commands_new();
	struct flags flags;

	struct error *e =
		commands ? flags_new(&unit, "-DA='b c' -I\"x y\"", commands, NULL, &flags) : error_memory();
	if (!e)
		flags_fini(&flags);
	commands_free(commands);
	return e;
}

static void flags_without_memory_are_none(void **state)
{
	(void)state;
	assert_steps(make_flags, 10);
}

static struct error *make_text(void)
{
	struct text t = {0};

	for (int i = 0; i < 1000; i++)
		text_printf(&t, "%d", i);
	text_puts(&t, "end");
	char *bytes = text_take(&t);
	if (!bytes)
		return error_memory();
	free(bytes);
	return NULL;
}

static void a_text_without_memory_is_none(void **state)
{
	(void)state;
	assert_steps(make_text, 3);
}

/* What was put before memory ran out is there, and what could not be put is not. */
static struct error *make_table(void)
{
	struct name_table names = {.copies = true};
	bool failed = false;
	uint32_t put = 0;

	for (uint32_t i = 0; i < 100 && !failed; i++) {
		char name[8];
		put += name_table_add(&names, name, (size_t)snprintf(name, sizeof(name), "%u", i), &failed);
	}
	assert_int_equal(names.count, put);
	assert_int_equal(put == 100, !failed);
	for (uint32_t i = 0; i <= put; i++) {
		char name[8];
		size_t length = (size_t)snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(name_table_has(&names, name, length), i < put);
	}
	name_table_fini(&names);
	return failed ? error_memory() : NULL;
}

static void a_table_without_memory_has_what_it_had(void **state)
{
	(void)state;
	assert_steps(make_table, 3);
}

/* An error without memory is the one that needs none, or the one there was. */
static void errors_without_memory_are_errors_still(void **state)
{
	(void)state;
	until_failure = 1;
	struct error *e = error_new(ERROR_DRIFT, "%d", 1);
	assert_ptr_equal(e, error_memory());
	until_failure = 0;
	e = error_new(ERROR_DRIFT, "inside");
	until_failure = 1;
	e = error_context(e, "outside");
	until_failure = 0;
	assert_string_equal(error_message(e), "inside");
	error_free(e);
	e = error_new(ERROR_DRIFT, "inside");
	until_failure = 2;
	e = error_context(e, "outside");
	until_failure = 0;
	assert_int_not_equal(error_class(e), ERROR_USAGE);
	error_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_index_without_memory_is_none, make_source, free_source),
		cmocka_unit_test_setup_teardown(a_slice_without_memory_is_none, make_source, free_source),
		cmocka_unit_test(an_edit_without_memory_is_none),
		cmocka_unit_test(flags_without_memory_are_none),
		cmocka_unit_test(a_text_without_memory_is_none),
		cmocka_unit_test(a_table_without_memory_has_what_it_had),
		cmocka_unit_test(errors_without_memory_are_errors_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
