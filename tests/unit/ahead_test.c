/* A text that comes in two pieces is read as one; whatever else comes is not taken for it. */
#include "ahead.h"
#include "libclang.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const plain[] = {"-xc", "-Wall"};
static const char *const other[] = {"-xc", "-w"};
static const char declared[] = "struct order { int quantity; };\n#define TWICE(x) \\\n\t((x) + (x))\n";
static const char definition[] = "int f(struct order *o)\n{\n\treturn TWICE(o->quantity);\n}\n";

static struct ahead *ahead;

static int open_ahead(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the engine does */
	if (libclang_load())
		return -1;
	ahead = ahead_new();
	return ahead ? 0 : -1;
}

static int close_ahead(void **state)
{
	(void)state;
	ahead_free(ahead);
	return 0;
}

static void begin(const char *text, const char *const *arguments)
{
	ahead_expect(ahead, "a.c", arguments, 2, text, strlen(text));
	ahead_begin(ahead);
}

/* The unit of both texts, one behind the other. */
static CXTranslationUnit finish(const char *beginning, const char *rest, const char *const *arguments)
{
	size_t size = strlen(beginning) + strlen(rest);
	char *whole = malloc(size + 1);

	assert_non_null(whole);
	snprintf(whole, size + 1, "%s%s", beginning, rest);
	CXTranslationUnit unit = ahead_finish(ahead, arguments, 2, whole, size);
	free(whole);
	return unit;
}

struct found {
	const char *name;
	unsigned line, column, offset;
};

static enum CXChildVisitResult find(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct found *f = data;
	CXString name = clang_getCursorSpelling(cursor);

	(void)parent;
	if (strcmp(clang_getCString(name), f->name) == 0)
		clang_getExpansionLocation(clang_getCursorLocation(cursor), NULL, &f->line, &f->column,
					   &f->offset);
	clang_disposeString(name);
	return CXChildVisit_Recurse;
}

static void assert_at(CXTranslationUnit unit, const char *name, unsigned line, unsigned column, size_t offset)
{
	struct found found = {.name = name};

	assert_non_null(unit);
	clang_visitChildren(clang_getTranslationUnitCursor(unit), find, &found);
	assert_int_equal(found.line, line);
	assert_int_equal(found.column, column);
	assert_int_equal(found.offset, offset);
}

static void two_pieces_are_read_as_one(void **state)
{
	(void)state;
	begin(declared, plain);
	CXTranslationUnit unit = finish(declared, definition, plain);
	assert_at(unit, "order", 1, 8, 7);
	assert_at(unit, "f", 4, 5, strlen(declared) + 4);
	assert_int_equal(clang_getNumDiagnostics(unit), 0);
}

static void a_beginning_may_be_empty_or_longer_than_a_pipe(void **state)
{
	enum { LONG = 300000 };
	char *long_text = malloc(LONG + 1);

	(void)state;
	begin("", plain);
	assert_at(finish("", "int f;\n", plain), "f", 1, 5, 4);
	assert_non_null(long_text);
	memset(long_text, ' ', LONG);
	memcpy(long_text + LONG - 8, "int g;\n\n", 9);
	begin(long_text, plain);
	assert_at(finish(long_text, "int f;\n", plain), "f", 3, 5, LONG + 4);
	begin("\n", plain);
	assert_at(finish("\n", long_text, plain), "g", 2, LONG - 8 + 5, LONG - 8 + 5);
	free(long_text);
}

static void nothing_is_taken_for_what_it_is_not(void **state)
{
	(void)state;
	assert_null(finish(declared, definition, plain));
	begin(declared, plain);
	assert_null(finish("struct other;\n", definition, plain));
	assert_null(finish("", "", plain));
	assert_null(finish(declared, definition, other));
	assert_non_null(finish(declared, definition, plain));
	assert_null(finish(declared, definition, plain)); /* that was it */
}

static void what_is_expected_now_counts(void **state)
{
	(void)state;
	begin("int old;\n", plain);
	begin(declared, plain);
	assert_null(finish("int old;\n", definition, plain));
	begin(declared, plain); /* goes on */
	assert_non_null(finish(declared, definition, plain));
	begin(declared, plain);
	begin(declared, other);
	assert_null(finish(declared, definition, plain));
	assert_non_null(finish(declared, definition, other));
	begin(declared, plain);
	assert_non_null(finish(declared, definition, plain));
}

static void a_unit_stays_as_it_is_while_the_next_is_read(void **state)
{
	(void)state;
	begin("int first;\n", plain);
	CXTranslationUnit unit = finish("int first;\n", "int f;\n", plain);
	for (int i = 0; i < 3; i++) {
		begin("int second;\n", plain);
		assert_at(unit, "first", 1, 5, 4);
	}
	CXTranslationUnit next = finish("int second;\n", "int f;\n", plain);
	assert_at(next, "second", 1, 5, 4);
	assert_at(unit, "first", 1, 5, 4);
}

/* The inclusion is in a comment then, and libclang ends without having read the rest. */
static void a_beginning_that_hides_the_rest_is_given_up(void **state)
{
	enum { LONG = 300000 };
	char *rest = calloc(LONG + 1, 1);

	(void)state;
	begin("int a; /* not closed\n", plain);
	assert_null(finish("int a; /* not closed\n", "*/ int f;\n", plain));
	assert_non_null(rest);
	memset(rest, '\n', LONG); /* more than the pipe takes */
	begin("int a; /* not closed\n", plain);
	assert_null(finish("int a; /* not closed\n", rest, plain));
	free(rest);
	begin(declared, plain);
	assert_non_null(finish(declared, definition, plain));
}

static void mistakes_are_told_where_they_stand(void **state)
{
	static const char wrong[] = "int f(struct order *o)\n{\n\treturn o->price;\n}\n";

	(void)state;
	begin(declared, plain);
	CXTranslationUnit unit = finish(declared, wrong, plain);
	assert_non_null(unit);
	assert_int_equal(clang_getNumDiagnostics(unit), 1);
	CXDiagnostic d = clang_getDiagnostic(unit, 0);
	unsigned line, column;
	clang_getExpansionLocation(clang_getDiagnosticLocation(d), NULL, &line, &column, NULL);
	assert_int_equal(line, 6);
	assert_int_equal(column, 12);
	clang_disposeDiagnostic(d);
}

static void a_zero_byte_ends_no_text(void **state)
{
	static const char zero[] = "const char *s = \"a\0b\";\n",
			  pragma[] = "char c = '\0';\n#pragma pack(1)\n";

	(void)state;
	ahead_expect(ahead, "a.c", plain, 2, zero, sizeof(zero) - 1);
	ahead_begin(ahead);
	CXTranslationUnit unit = ahead_finish(ahead, plain, 2, zero, sizeof(zero) - 1);
	assert_non_null(unit);
	ahead_expect(ahead, "a.c", plain, 2, pragma, sizeof(pragma) - 1);
	ahead_begin(ahead);
	assert_null(ahead_finish(ahead, plain, 2, pragma, sizeof(pragma) - 1));
}

static void one_that_waits_can_be_freed(void **state)
{
	(void)state;
	struct ahead *another = ahead_new();
	assert_non_null(another);
	ahead_expect(another, "a.c", plain, 2, declared, strlen(declared));
	ahead_begin(another);
	ahead_free(another);
	ahead_free(NULL);
	ahead_begin(NULL);
	assert_null(ahead_finish(NULL, plain, 2, "", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_pieces_are_read_as_one),
		cmocka_unit_test(a_beginning_may_be_empty_or_longer_than_a_pipe),
		cmocka_unit_test(nothing_is_taken_for_what_it_is_not),
		cmocka_unit_test(what_is_expected_now_counts),
		cmocka_unit_test(a_unit_stays_as_it_is_while_the_next_is_read),
		cmocka_unit_test(a_beginning_that_hides_the_rest_is_given_up),
		cmocka_unit_test(mistakes_are_told_where_they_stand),
		cmocka_unit_test(a_zero_byte_ends_no_text),
		cmocka_unit_test(one_that_waits_can_be_freed),
	};

	setenv("LIBCLANG_DISABLE_CRASH_RECOVERY", "1", 1);
	return cmocka_run_group_tests(tests, open_ahead, close_ahead);
}
