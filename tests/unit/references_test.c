/* What texts and declarations refer to, and how. */
#include "references.h"
#include "indexer.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char file[] = "struct order { int quantity; };\n"
			   "typedef struct order order_t;\n"
			   "enum { ROOM = 4 };\n"
			   "int total;\n"
			   "int add(int, int);\n";

static struct index *from_text(const char *text)
{
	size_t size = strlen(text);
	char *copy = strndup(text, size);
	struct index *ix;

	assert_non_null(copy);
	assert_null(indexer_read_text("/a.c", copy, size, NULL, 0, &ix));
	return ix;
}

/* One as a word: `s:order*` is `struct order` behind a pointer. Ordinary ones that the file lacks are in brackets. */
static void put(struct text *out, const char *text, const struct reference *n)
{
	int length = (int)(n->end - n->begin);
	const char *name = text + n->begin, *by = n->by_value ? n->element ? "[" : "" : "*";

	if (n->kind == REFERENCE_MEMBER)
		text_printf(out, " .%.*s", length, name);
	else if (n->kind == REFERENCE_DIRECTIVE)
		text_printf(out, " <%.*s>", length, name);
	else if (n->kind == REFERENCE_TAG)
		text_printf(out, " %c:%.*s%s", n->keyword, length, name, by);
	else if (n->kind == REFERENCE_ORDINARY && n->first == INDEX_NONE)
		text_printf(out, " (%.*s)", length, name);
	else if (n->kind == REFERENCE_ORDINARY)
		text_printf(out, " %.*s%s%s", length, name, by, n->in_code ? "" : "?");
}

static void assert_refers(const struct index *ix, const char *text, bool code, const char *expected)
{
	struct reference_reader r;
	struct reference n;
	struct text found = {0};

	reference_reader_init(&r, ix, text, 0, (uint32_t)strlen(text), code);
	while (reference_next(&r, &n))
		put(&found, text, &n);
	assert_string_equal(found.bytes ? found.bytes : "", expected);
	text_fini(&found);
}

static void names_are_told_with_their_use(void **state)
{
	struct index *ix = from_text(file);

	(void)state;
	assert_refers(ix, "", true, "");
	assert_refers(ix, "total = add(1, ROOM);", true, " total add ROOM");
	assert_refers(ix, "struct order o; o.total = p->ROOM;", true, " s:order (o) (o) .total (p) .ROOM");
	assert_refers(ix, "const struct order volatile *p; order_t const *q;", true,
		      " s:order* (p) order_t* (q)");
	assert_refers(ix, "enum color c; union u *v;", true, " e:color (c) u:u* (v)");
	assert_refers(ix, "struct { int n; } x; struct __attribute__((packed)) tag y;", true,
		      " (n) (x) s:tag (y)");
	assert_refers(ix, "#include \"order.h\"\nreturn total;", true, " <#include \"order.h\"> total");
	assert_refers(ix, "\"total\" /* add */ '\\0' 1.e", true, "");
	index_free(ix);
}

static void in_a_declaration_only_operands_are_code(void **state)
{
	struct index *ix = from_text(file);

	(void)state;
	assert_refers(ix, "struct line { int total; order_t *add; };", false,
		      " s:line total? order_t*? add?");
	assert_refers(ix, "int f(struct order o, order_t list[], char room[sizeof(total)]);", false,
		      " (f) s:order (o) order_t[? (list) (room) total");
	assert_refers(ix, "typeof(total) other, total;", false, " (typeof) total (other) total?");
	index_free(ix);
}

static void assert_declared(struct index *ix, const char *name, const char *expected, const char *record)
{
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name));
	struct text found = {0};

	if (i == INDEX_NONE)
		i = index_find(ix, INDEX_TAG, name, strlen(name));
	assert_int_not_equal(i, INDEX_NONE);
	const struct index_declaration *d = &ix->declarations[ix->names[i].declaration];
	const struct references *all = references_of(ix, d);
	assert_non_null(all);
	assert_ptr_equal(references_of(ix, d), all); /* read once */
	for (uint32_t k = 0; k < all->count; k++)
		put(&found, ix->text, &all->items[k]);
	assert_string_equal(found.bytes ? found.bytes : "", expected);
	assert_int_equal(all->record.end - all->record.begin, strlen(record));
	assert_memory_equal(ix->text + all->record.begin, record, strlen(record));
	text_fini(&found);
}

/* What is not in the index is of no use to anybody, and so is what the slice is cut without. */
static void what_a_declaration_refers_to_stays_with_the_index(void **state)
{
	static const char more[] =
		"struct order { int quantity; };\n"
		"typedef struct order order_t;\n"
		"int add(int, int);\n"
		"struct list { struct order *first; struct list *next; unknown_t x; } all = {add};\n"
		"struct { order_t one; } nameless;\n"
		"int sum(order_t *o, int add)\n{\n\treturn nameless.one.quantity;\n}\n"
		"int (*const table[])(int, int) = {add, add}, count = sizeof(order_t);\n";
	struct index *ix = from_text(more);

	(void)state;
	assert_declared(ix, "order", " s:order", "{ int quantity; }");
	assert_declared(ix, "order_t", " s:order order_t?", "");
	assert_declared(ix, "all", " s:list s:order* s:list* all?",
			"{ struct order *first; struct list *next; unknown_t x; }");
	assert_declared(ix, "nameless", " order_t? nameless?", "");
	assert_declared(ix, "sum", " sum? order_t*? add?", "");
	assert_declared(ix, "table", " table[? count?", "");
	index_free(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_told_with_their_use),
		cmocka_unit_test(in_a_declaration_only_operands_are_code),
		cmocka_unit_test(what_a_declaration_refers_to_stays_with_the_index),
	};

	return cmocka_run_group_tests_name("references", tests, NULL, NULL);
}
