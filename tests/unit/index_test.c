/* The index: names and macros by spelling, lines through markers, the text of a function where a person
 * wrote it; and held against libclang on real headers. */
#include "fixture.h"
#include "indexer.h"
#include "extent.h"
#include "libclang.h"
#include "text.h"
#include "uses.h"

#include <clang-c/Index.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

/* From preprocessed text in a block of exactly its size. */
static struct index *from_text(const char *text)
{
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);
	struct index *ix;

	assert_non_null(copy);
	memcpy(copy, text, size);
	assert_null(indexer_read_text("/a.c", copy, size, NULL, 0, &ix));
	return ix;
}

static const struct index_declaration *function(const struct index *ix, const char *name)
{
	const struct index_declaration *d = index_find_function(ix, name, 0);

	assert_non_null(d);
	return d;
}

static uint32_t find(const struct index *ix, enum index_space space, const char *name)
{
	return index_find(ix, space, name, strlen(name));
}

/* The body of the macro in force before the text `where` of the index, "" where there is none. */
static const char *macro_at(const struct index *ix, const char *name, const char *where)
{
	static char body[200];
	const char *at = memmem(ix->text, ix->size, where, strlen(where));

	assert_non_null(at);
	const struct index_macro *m = index_find_macro(ix, name, strlen(name), (uint32_t)(at - ix->text));
	snprintf(body, sizeof(body), "%.*s", m ? (int)(m->end - m->body_begin) : 0,
		 m ? ix->text + m->body_begin : "");
	return body;
}

static void the_initialiser_of_a_pointer_to_a_function_is_found(void **state)
{
	static const char text[] = "int f(int, int);\nint (*one)(int, int) = f, (*none)(int, int);\n";
	struct index *ix = from_text(text);
	uint32_t begin, end;

	(void)state;
	assert_true(index_find_initialiser(ix, "one", 3, &begin, &end));
	assert_int_equal(end - begin, 3);
	assert_memory_equal(ix->text + begin, "= f", 3);
	assert_true(index_find_initialiser(ix, "none", 4, &begin, &end));
	assert_int_equal(begin, end);
	assert_false(index_find_initialiser(ix, "f", 1, &begin, &end));
	index_free(ix);
}

static void a_name_finds_all_its_declarations_in_order(void **state)
{
	struct index *ix = from_text(
		"int f(void); struct f { int f; }; int f(void) { } typedef int t; int x; extern int x;");
	uint32_t i = find(ix, INDEX_ORDINARY, "f");

	(void)state;
	assert_int_equal(ix->names[i].kind, NAME_FUNCTION);
	assert_int_equal(ix->declarations[ix->names[i].declaration].kind, DECLARATION_NAMES);
	i = ix->names[i].next;
	assert_int_equal(ix->declarations[ix->names[i].declaration].kind, DECLARATION_FUNCTION);
	assert_int_equal(ix->names[i].next, INDEX_NONE);
	assert_int_equal(ix->names[find(ix, INDEX_TAG, "f")].kind, NAME_TAG);
	assert_int_equal(ix->names[find(ix, INDEX_MEMBER, "f")].kind, NAME_MEMBER);
	assert_int_equal(ix->names[find(ix, INDEX_ORDINARY, "t")].kind, NAME_TYPEDEF);
	assert_int_not_equal(ix->names[find(ix, INDEX_ORDINARY, "x")].next, INDEX_NONE);
	assert_int_equal(find(ix, INDEX_ORDINARY, "g"), INDEX_NONE);
	assert_int_equal(find(ix, INDEX_TAG, "t"), INDEX_NONE);
	index_free(ix);
}

static void many_names_are_all_found_again(void **state)
{
	struct text t = {0};
	char name[16];
	struct index *ix;

	(void)state;
	for (int i = 0; i < 5000; i++)
		text_printf(&t, "#define M%d %d\nint v%d; struct s%d { int m%d; };\n", i, i, i, i, i);
	size_t size = t.size;
	assert_null(indexer_read_text("/a.c", text_take(&t), size, NULL, 0, &ix));
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		assert_int_not_equal(find(ix, INDEX_ORDINARY, name), INDEX_NONE);
		name[0] = 's';
		assert_int_not_equal(find(ix, INDEX_TAG, name), INDEX_NONE);
		name[0] = 'm';
		assert_int_not_equal(find(ix, INDEX_MEMBER, name), INDEX_NONE);
		name[0] = 'M';
		assert_non_null(index_find_macro(ix, name, strlen(name), ix->size));
	}
	index_free(ix);
}

static void a_typedef_is_known_to_what_follows(void **state)
{
	struct index *ix = from_text("typedef struct s (*t); t (f)(void) { } t (*g)(void); t h(t), k;");

	(void)state;
	function(ix, "f");
	assert_int_equal(ix->names[find(ix, INDEX_ORDINARY, "g")].kind, NAME_VARIABLE);
	assert_int_equal(ix->names[find(ix, INDEX_ORDINARY, "h")].kind, NAME_FUNCTION);
	assert_int_equal(ix->names[find(ix, INDEX_ORDINARY, "k")].kind, NAME_VARIABLE);
	index_free(ix);
}

static void of_a_macro_the_last_definition_before_is_in_force(void **state)
{
	struct index *ix = from_text("int a;\n#define M 1\nint b;\n#undef M\nint c;\n#define M(x) 2\nint "
				     "d;\n#define M 3\nint e;\n");

	(void)state;
	assert_string_equal(macro_at(ix, "M", "int a"), "");
	assert_string_equal(macro_at(ix, "M", "int b"), " 1");
	assert_string_equal(macro_at(ix, "M", "int c"), "");
	assert_string_equal(macro_at(ix, "M", "int d"), "(x) 2");
	assert_string_equal(macro_at(ix, "M", "int e"), " 3");
	assert_string_equal(macro_at(ix, "N", "int e"), "");
	index_free(ix);
}

static void the_compilers_own_macros_are_known_as_such(void **state)
{
	struct index *ix = fixture_index_with("#define MINE 1\nint x;\n", "gcc", "-DGIVEN=2", NULL);

	(void)state;
	assert_string_equal(macro_at(ix, "MINE", "int x"), " 1");
	assert_string_equal(macro_at(ix, "GIVEN", "int x"), " 2");
	assert_false(index_find_macro(ix, "MINE", 4, ix->size)->builtin);
	assert_true(index_find_macro(ix, "__GNUC__", 8, ix->size)->builtin);
	assert_true(index_find_macro(ix, "GIVEN", 5, ix->size)->builtin);
	index_free(ix);
}

static unsigned pack_of(const struct index *ix, const char *tag)
{
	uint32_t i = find(ix, INDEX_TAG, tag);

	assert_int_not_equal(i, INDEX_NONE);
	return ix->declarations[ix->names[i].declaration].pack;
}

static void pragma_pack_is_a_stack(void **state)
{
	struct index *ix = from_text(
		"struct a { int x; };\n#pragma pack(1)\nstruct b { int x; };\n#pragma pack(push, 2)\n"
		"struct c { int x; };\n#pragma pack(push)\n#pragma pack(4)\nstruct d { int x; };\n"
		"#pragma pack(pop)\nstruct e { int x; };\n#pragma pack(pop)\nstruct f { int x; };\n"
		"#pragma pack()\nstruct g { int x; };\n#pragma pack(push, r16, 8)\nstruct h { int x; };\n"
		"#pragma pack(pop)\n#pragma pack(pop)\nstruct i { int x; };\n#pragma packed\n#pragma pack(2");

	(void)state;
	assert_int_equal(pack_of(ix, "a"), 0);
	assert_int_equal(pack_of(ix, "b"), 1);
	assert_int_equal(pack_of(ix, "c"), 2);
	assert_int_equal(pack_of(ix, "d"), 4);
	assert_int_equal(pack_of(ix, "e"), 2);
	assert_int_equal(pack_of(ix, "f"), 1);
	assert_int_equal(pack_of(ix, "g"), 0);
	assert_int_equal(pack_of(ix, "h"), 8);
	assert_int_equal(pack_of(ix, "i"), 0);
	index_free(ix);
}

static void a_deep_pack_stack_comes_back_to_where_it_was(void **state)
{
	struct text t = {0};
	struct index *ix;

	(void)state;
	text_puts(&t, "#pragma pack(2)\n");
	for (int i = 0; i < 40; i++)
		text_puts(&t, "#pragma pack(push, 1)\n");
	for (int i = 0; i < 40; i++)
		text_puts(&t, "#pragma pack(pop)\n");
	text_puts(&t, "struct a { int x; };\n");
	size_t size = t.size;
	assert_null(indexer_read_text("/a.c", text_take(&t), size, NULL, 0, &ix));
	assert_int_equal(pack_of(ix, "a"), 2);
	index_free(ix);
}

static void lines_and_files_follow_the_markers(void **state)
{
	struct index *ix = from_text("# 1 \"/a.c\"\n# 10 \"/b.h\" 1 3\n\nint f(void)\n{\n}\n# 3 \"/a.c\" "
				     "2\nint g(void)\n{\n# 20 \"/a.c\"\n}\n"
				     "# 5 \"/with \\\"quotes\\\" \\\\.h\"\nint h;\n# 7\nint k;\n# 9");
	const struct index_declaration
		*f = function(ix, "f"),
		*g = function(ix, "g"),
		*h = &ix->declarations[ix->names[find(ix, INDEX_ORDINARY, "h")].declaration],
		*k = &ix->declarations[ix->names[find(ix, INDEX_ORDINARY, "k")].declaration];

	(void)state;
	assert_string_equal(ix->files[f->file], "/b.h");
	assert_int_equal(f->line, 11);
	assert_int_equal(f->last_line, 13);
	assert_string_equal(ix->files[g->file], "/a.c");
	assert_int_equal(g->line, 3);
	assert_int_equal(g->last_line, 20);
	assert_string_equal(ix->files[h->file], "/with \"quotes\" \\.h");
	assert_int_equal(h->line, 5);
	assert_int_equal(k->line, 7);
	assert_string_equal(ix->files[k->file], ix->files[h->file]);
	index_free(ix);
}

static void any_prefix_of_a_text_can_be_indexed(void **state)
{
	static const char text[] =
		"# 1 \"/a.c\"\n# 3 \"b\\\"c\" 1 3 4\n#define M(a) a\n#undef M\n#pragma pack(push, 12)\n"
		"typedef int t; t f(t a)\n{\n# 12 \"/a.c\" 2\n return 0;\n}\nstruct s { int m; } v[] = { 1 "
		"};\n# 99";

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size + 1);
		struct index *ix;
		assert_non_null(copy);
		copy = realloc(copy, size ? size : 1);
		memcpy(copy, text, size);
		assert_null(indexer_read_text("/a.c", copy, size, text, size, &ix));
		index_free(ix);
	}
}

/* The function's own text; NULL if extent_find says that there is none. */
static char *source_of(const char *source, const char *compiler, const char *name, uint32_t *line)
{
	struct index *ix = fixture_index_with(source, compiler, "-DON", NULL);
	uint32_t begin, end;
	char *text = NULL;

	if (extent_find(ix, function(ix, name), &begin, &end, line))
		text = strndup(ix->source + begin, end - begin);
	index_free(ix);
	return text;
}

static void assert_source(const char *source, const char *name, const char *expected, uint32_t expected_line)
{
	static const char *const compilers[] = {"gcc", "clang"};

	for (size_t i = 0; i < 2; i++) {
		uint32_t line = 0;
		char *text = source_of(source, compilers[i], name, &line);
		if (!expected) {
			assert_null(text);
			continue;
		}
		assert_non_null(text);
		assert_string_equal(text, expected);
		assert_int_equal(line, expected_line);
		free(text);
	}
}

static void a_function_is_found_in_its_source_with_macros_and_comments(void **state)
{
	(void)state;
	assert_source("#define N 3\n#define API __attribute__((cold))\nint a;\n\nAPI static int\nf(void) /* "
		      "why */\n{\n\treturn N; // }\n}\nint g;\n",
		      "f", "API static int\nf(void) /* why */\n{\n\treturn N; // }\n}", 5);
}

/* As generated files have them that were changed, or were made of another state of the file that they name. */
static void lines_that_do_not_tell_the_truth_do_not_confuse(void **state)
{
	(void)state;
	assert_source("int f(int a)\n{\n#line 8\n\ta++;\n\treturn a;\n}\nint b;\nint g(void)\n{ return 1; }\n"
		      "int h(void) { return 2; }\nint i(void) { return 3; }\n",
		      "f", "int f(int a)\n{\n#line 8\n\ta++;\n\treturn a;\n}", 1);
	assert_source("int b;\n#line 4\nint f(int a)\n{\n\treturn a;\n}\nint h(void)\n{ return 2; }\n", "f",
		      NULL, 0);
	assert_source("static struct s { int a; } f(int a)\n{\n\tstruct s s = {a};\n\treturn s;\n}\n", "f",
		      "static struct s { int a; } f(int a)\n{\n\tstruct s s = {a};\n\treturn s;\n}", 1);
	assert_source("#define f renamed\nint f(int a) { return a; }\n", "renamed",
		      "int f(int a) { return a; }", 2);
	assert_source(
		"#define f renamed\n#line 5\nint f(int a) {\n return a; }\nint g(int a) {\n return a; }\n",
		"renamed", NULL, 0);
}

/* A file that the source names may be what it was made of, and says something else where it stands. */
static void what_was_made_of_another_file_is_read_where_it_was_compiled(void **state)
{
	static const char source[] =
		"int a;\nconst char *of = \"grammar.y\";\n#line 7 \"grammar.y\"\nint b;\nint f(int "
		"n)\n{\n\treturn n * A;\n"
		"# 30 \"grammar.y\"\n}\n#line 11 \"source.c\"\nint g(void)\n{\n\treturn 2;\n}\n"
		"#line 20 \"grammar.y\"\nint h(void) { return 3; }\n#line 21 \"other.y\"\nint i(void) { "
		"return 4; }\n";
	static const struct {
		const char *name, *text;
		uint32_t line;
	} cases[] = {
		{"f", "int f(int n)\n{\n\treturn n * A;\n# 30 \"grammar.y\"\n}", 8},
		{"h", "int h(void) { return 3; }", 20},
		{"i", "int i(void) { return 4; }", 21},
	};
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/grammar.y", fixture_directory);
	fixture_write(path, "\n\n\n\n\n\n\nint f(int n)\n{\n\treturn n * TEMPLATE;\n}\n");
	struct index *ix = fixture_index(source);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = NULL;
		uint32_t line = 0;
		assert_true(extent_included_text(ix, function(ix, cases[i].name), fixture_directory, &text,
						 &line));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(line, cases[i].line);
		free(text);
	}
	index_free(ix);
}

static void functions_that_share_a_line_are_told_apart(void **state)
{
	static const char source[] = "int a; int f(void) { return 1; } int g(void) { return 2; } int b;\nint "
				     "h(void) { return 3; }\n";

	(void)state;
	assert_source(source, "f", "int f(void) { return 1; }", 1);
	assert_source(source, "g", "int g(void) { return 2; }", 1);
	assert_source(source, "h", "int h(void) { return 3; }", 2);
	assert_source("struct s { int x; } *p; int f(void) { return 1; }\n", "f", "int f(void) { return 1; }",
		      1);
	assert_source("int f(int a); struct s { int x; }; int f(int a) { return a; } int g;\n", "f",
		      "int f(int a) { return a; }", 1);
	assert_source("int a; int f(a) int a; { return a; } int g;\n", "f", "int f(a) int a; { return a; }",
		      1);
	assert_source("/* old\n   don't */ int f(void) { return 1; }\n", "f", "int f(void) { return 1; }", 2);
	assert_source("int f(void) {\n return 1; } int g(void) {\n return 2; }\n", "g",
		      "int g(void) {\n return 2; }", 2);
}

static void what_an_if_shares_with_the_next_function_is_no_text(void **state)
{
	static const char source[] =
		"int g(int);\nint f(int a)\n{\n#ifdef ON\n\treturn g(a);\n}\nint g(int a)\n{\n#endif\n"
		"\treturn a;\n}\n";

	(void)state;
	assert_source(source, "f", NULL, 0);
	assert_source(source, "g", NULL, 0);
	/* libpng's: a branch of its own comes first. */
	static const char two[] =
		"int g(int);\nint f(int a)\n{\n#ifndef ON\n\tint r = a;\n#else\n\treturn g(a);\n}\n"
		"int g(int a)\n{\n\tint r = a;\n#endif\n\treturn r;\n}\n";
	assert_source(two, "f", NULL, 0);
	assert_source(two, "g", NULL, 0);
}

static void braces_in_branches_of_an_if_do_not_confuse(void **state)
{
	(void)state;
	assert_source("int f(int a)\n{\n#ifdef ON\n\tif (a) {\n#else\n\tif (!a) {\n#endif\n\t\ta = 1; "
		      "}\n\treturn a; }\nint b;\n",
		      "f",
		      "int f(int a)\n{\n#ifdef ON\n\tif (a) {\n#else\n\tif (!a) {\n#endif\n\t\ta = 1; "
		      "}\n\treturn a; }",
		      1);
	assert_source("int f(int a) {\n#ifndef ON\n\treturn 1; }\n#else\n\treturn 2; }\n#endif\nint b;\n",
		      "f", "int f(int a) {\n#ifndef ON\n\treturn 1; }\n#else\n\treturn 2; }\n#endif", 1);
	assert_source("int f(int a) {\n#ifdef ON\n\treturn 1; }\n#else\n\treturn 2; }\n#endif\nint b;\n", "f",
		      "int f(int a) {\n#ifdef ON\n\treturn 1; }\n#else\n\treturn 2; }\n#endif", 1);
	/* A head that is half of an #if cannot be cut out. */
	assert_source("#ifdef ON\nint f(int a) {\n#else\nint f(void) {\n#endif\n\treturn 1;\n}\n", "f", NULL,
		      0);
}

static void braces_from_macros_do_not_confuse(void **state)
{
	(void)state;
	assert_source("#define BEGIN {\n#define END }\nint f(int a) { if (a) BEGIN a = 1; } return "
		      "a;\n}\nint g(void) { return 1; }\n",
		      "f", "int f(int a) { if (a) BEGIN a = 1; } return a;\n}", 3);
	assert_source(
		"#define END }\nint f(int a) { if (a) { a = 1; END return a;\n}\nint g(void) { return 1; }\n",
		"f", "int f(int a) { if (a) { a = 1; END return a;\n}", 2);
}

static void a_macro_call_over_lines_ends_where_it_ends(void **state)
{
	(void)state;
	assert_source(
		"#define MAX(a, b) ((a) > (b) ? (a) : (b))\nint f(int a) { return MAX(a,\n\t3); }\nint g;\n",
		"f", "int f(int a) { return MAX(a,\n\t3); }", 2);
	assert_source("#define MAX(a, b) ((a) > (b) ? (a) : (b))\nint f(int a)\n{\n\treturn "
		      "MAX(a,\n\n\n\t3); }\nint g;\n",
		      "f", "int f(int a)\n{\n\treturn MAX(a,\n\n\n\t3); }", 2);
}

static void a_function_whose_name_a_macro_makes_has_its_text(void **state)
{
	(void)state;
	assert_source("#define NAMED(n) int get_##n(void)\nNAMED(a)\n{\n\treturn 1;\n}\n", "get_a",
		      "NAMED(a)\n{\n\treturn 1;\n}", 2);
}

static void a_function_that_a_macro_makes_whole_has_no_text(void **state)
{
	(void)state;
	assert_source(
		"#define GETTER(n) int get_##n(void) { return 1; }\nGETTER(a)\nint f(void) { return 1; }\n",
		"get_a", NULL, 0);
	assert_source(
		"#define WITH(n, b) int get_##n(void) b\nWITH(a, { return 1; })\nint f(void) { return 1; }\n",
		"get_a", NULL, 0);
}

static void a_function_of_a_header_has_no_text_in_the_file(void **state)
{
	char header[80];

	(void)state;
	snprintf(header, sizeof(header), "%s/a.h", fixture_directory);
	fixture_write(header, "static inline int f(void) { return 1; }\n");
	assert_source("#include \"a.h\"\nint g(void) { return f(); }\n", "f", NULL, 0);
	assert_source("#include \"a.h\"\nint g(void) { return f(); }\n", "g", "int g(void) { return f(); }",
		      2);
}

static void of_several_definitions_each_is_found_by_number(void **state)
{
	struct index *ix = from_text("int f(void);\nint f(void) { }\nint f(int a) { }\n");

	(void)state;
	assert_int_equal(index_find_function(ix, "f", 0)->line, 2);
	assert_int_equal(index_find_function(ix, "f", 1)->line, 3);
	assert_null(index_find_function(ix, "f", 2));
	assert_null(index_find_function(ix, "g", 0));
	index_free(ix);
}

static struct error *index_failing(const char *compiler, const char *path)
{
	char *argv[] = {(char *)compiler, NULL};
	struct flags flags = {.argv = argv, .directory = fixture_directory, .origin = "DWARF"};
	struct index *ix = NULL;
	struct error *e = indexer_read_file(path, &flags, &ix);

	assert_non_null(e);
	assert_null(ix);
	return e;
}

static void what_cannot_be_preprocessed_says_why(void **state)
{
	(void)state;
	fixture_write(fixture_path, "#include \"nowhere.h\"\n");
	struct error *e = index_failing("gcc", fixture_path);
	assert_int_equal(error_class(e), ERROR_COMPILE);
	assert_non_null(strstr(error_message(e), "nowhere.h"));
	assert_non_null(strstr(error_message(e), "DWARF"));
	error_free(e);
	e = index_failing("gcc", "/no/such/file.c");
	assert_non_null(strstr(error_message(e), "/no/such/file.c"));
	error_free(e);
	e = index_failing("no-such-compiler", fixture_path);
	assert_non_null(strstr(error_message(e), "no-such-compiler"));
	error_free(e);
}

static void a_warning_is_no_obstacle(void **state)
{
	struct index *ix =
		fixture_index_with("#warning \"old\"\nint f(void) { return 1; }\n", "gcc", "-Werror", NULL);

	(void)state;
	function(ix, "f");
	index_free(ix);
}

/* --- held against libclang ------------------------------------------------------------------------------ */

struct oracle {
	const struct index *ix;
	unsigned count, missing;
};

/* Whether the index has the name, of that kind. */
static void expect(struct oracle *o, enum index_space space, enum name_kind kind, CXCursor cursor)
{
	CXString string = clang_getCursorSpelling(cursor);
	const char *name = clang_getCString(string);
	bool found = !*name || strchr(name, '('); /* "(unnamed at …)" */

	for (uint32_t i = find(o->ix, space, name); !found && i != INDEX_NONE; i = o->ix->names[i].next)
		found = o->ix->names[i].kind == kind;
	o->count++;
	if (!found && o->missing++ < 10)
		print_error("libclang sees %s, of kind %d; the index does not\n", name, kind);
	clang_disposeString(string);
}

static enum CXChildVisitResult compare_cursor(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct oracle *o = data;
	bool whole = clang_isCursorDefinition(cursor);

	(void)parent;
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_FunctionDecl:
		expect(o, INDEX_ORDINARY, NAME_FUNCTION, cursor);
		return CXChildVisit_Continue;
	case CXCursor_VarDecl:
		expect(o, INDEX_ORDINARY, NAME_VARIABLE, cursor);
		return CXChildVisit_Continue;
	case CXCursor_TypedefDecl:
		expect(o, INDEX_ORDINARY, NAME_TYPEDEF, cursor);
		return CXChildVisit_Continue;
	case CXCursor_StructDecl:
	case CXCursor_UnionDecl:
	case CXCursor_EnumDecl:
		expect(o, INDEX_TAG, whole ? NAME_TAG : NAME_TAG_FORWARD, cursor);
		return CXChildVisit_Recurse;
	case CXCursor_EnumConstantDecl:
		expect(o, INDEX_ORDINARY, NAME_ENUMERATOR, cursor);
		return CXChildVisit_Continue;
	case CXCursor_FieldDecl:
		expect(o, INDEX_MEMBER, NAME_MEMBER, cursor);
		return CXChildVisit_Recurse;
	default:
		return CXChildVisit_Continue;
	}
}

/* Every definition that the index claims must be one for libclang too: counted, as both see them in the
 * same text. */
static enum CXChildVisitResult count_definition(CXCursor cursor, CXCursor parent, CXClientData data)
{
	unsigned *count = data;

	(void)parent;
	*count += clang_getCursorKind(cursor) == CXCursor_FunctionDecl && clang_isCursorDefinition(cursor);
	return CXChildVisit_Continue;
}

static unsigned compare_with_libclang(const char *source, const char *flag)
{
	struct index *ix = fixture_index_with(source, "gcc", flag, NULL);
	assert_null(libclang_load());
	CXIndex index = clang_createIndex(0, 0);
	struct CXUnsavedFile file = {"a.c", ix->text, ix->size};
	/* gcc's names for types that this libclang does not know. */
	const char *const arguments[] = {"-w",
					 "-xc",
					 "-D_Float32=float",
					 "-D_Float64=double",
					 "-D_Float32x=double",
					 "-D_Float64x=long double",
					 "-D_Float128=__float128"};
	CXTranslationUnit unit;
	struct oracle o = {.ix = ix};
	unsigned theirs = 0, ours = 0;

	assert_int_equal(clang_parseTranslationUnit2(index, "a.c", arguments, 7, &file, 1, 0, &unit),
			 CXError_Success);
	clang_visitChildren(clang_getTranslationUnitCursor(unit), compare_cursor, &o);
	clang_visitChildren(clang_getTranslationUnitCursor(unit), count_definition, &theirs);
	for (uint32_t i = 0; i < ix->declaration_count; i++)
		ours += ix->declarations[i].kind == DECLARATION_FUNCTION;
	assert_int_equal(o.missing, 0);
	assert_int_equal(ours, theirs);
	clang_disposeTranslationUnit(unit);
	clang_disposeIndex(index);
	index_free(ix);
	return o.count;
}

static void the_systems_headers_are_read_as_libclang_reads_them(void **state)
{
	static const char headers[] = "#define _GNU_SOURCE\n#include <stdio.h>\n#include "
				      "<stdlib.h>\n#include <string.h>\n#include <math.h>\n"
				      "#include <complex.h>\n#include <pthread.h>\n#include "
				      "<signal.h>\n#include <sys/socket.h>\n#include <netdb.h>\n"
				      "#include <netinet/in.h>\n#include <sys/stat.h>\n#include "
				      "<sys/epoll.h>\n#include <sys/mman.h>\n#include <poll.h>\n"
				      "#include <unistd.h>\n#include <fcntl.h>\n#include <wchar.h>\n#include "
				      "<wctype.h>\n#include <inttypes.h>\n"
				      "#include <setjmp.h>\n#include <time.h>\n#include <regex.h>\n#include "
				      "<glob.h>\n#include <spawn.h>\n"
				      "#include <link.h>\n#include <elf.h>\n#include <ucontext.h>\n#include "
				      "<search.h>\n#include <stdatomic.h>\n"
				      "#include <threads.h>\n#include <uchar.h>\n#include "
				      "<obstack.h>\n#include <argp.h>\n#include <printf.h>\n";

	(void)state;
	assert_true(compare_with_libclang(headers, NULL) > 4000);
	assert_true(compare_with_libclang(headers, "-O2") > 4000);
}

static void odd_declarations_are_read_as_libclang_reads_them(void **state)
{
	static const char source[] =
		"#include <stddef.h>\n"
		"typedef struct { int a; union { struct { int b, c; }; long d; }; } *p_t, v_t[2];\n"
		"enum { A, B = sizeof(int (*)[3]), C } e1, *e2; enum e { D = (A, B) } ;\n"
		"struct bits { unsigned x : 3, : 0, y : 5; _Bool z : 1; int (*call)(struct bits *, int n), "
		"*(*more[2])(void); };\n"
		"int (*returns(int a, struct only_here *p))(double), group, *of[3], (*many)(void);\n"
		"static inline int (f)(int n, int a[n]) { struct local { int l; } s; return s.l; }\n"
		"old(a, b) int a; struct bits *b; { return a; }\n"
		"extern int (asm_name)(int) __asm__(\"other\") __attribute__((nothrow));\n"
		"__extension__ typedef __typeof__(sizeof(int)) my_size; my_size total, (count);\n"
		"struct __attribute__((packed, aligned(2))) packed { char c; int i "
		"__attribute__((aligned(4))); } with_init = { 1, 2 };\n"
		"int text[] = { [0] = 1, [2] = (int){ 3 }, }, after = ({ int q = 1; q; });\n"
		"_Static_assert(sizeof(int) == 4, \"int, {;\"); __asm__(\".globl zz\");\n"
		"typedef int fn(int), *ip; int x, y; const char *const s = \"}{\" \";\";\n"
		"_Noreturn void stop(void); _Thread_local int tl; _Alignas(16) static char buffer[16];\n"
		"void (*signal_like(int sig, void (*func)(int)))(int) { return func; }\n"
		"struct forward; struct forward *fp; union u { int a; } *up; int last(void) { return 0; };\n";

	(void)state;
	assert_true(compare_with_libclang(source, NULL) > 60);
}

/* Only what cannot be told to be otherwise counts as never read. */
static void a_variable_that_is_only_written_is_told(void **state)
{
	static const char *const unread[] = {
		"v = n;",
		"if (n) v = n; else v++;",
		"n++; v += 2; --v;",
		"for (;;) { v++; }",
		"do v = 1; while (n);",
		"v = n++; n = 2;",
		"f(v = 2);",
		"for (v = 0; n; n--);",
		"if ((v = n) == 0) n = 1;",
		"v = n; n = v; if (v) { n = v + v; }",
		"v = h(n); f(v); v++;",
		"if (n) { v = f(1); n = f(v); }",
		"for (;;) { v = n; if (v) break; }",
		"if (n) { n = 1; } v = 2; switch (n) { case 1: { v = 3; n = v; } }"};
	static const char *const read[] = {"n = v;",
					   "v = v + 1;",
					   "return v;",
					   "n = v++;",
					   "n ? n : v++;",
					   "f(&v);",
					   "n = ({ v++; });",
					   "for (v++; n; n--);",
					   "n = (int)v++;",
					   "(v)++;",
					   "f(v += 2);",
					   "v = 1; f(&v);",
					   "n = *(v = 2, &v);",
					   "if (n) v = 1; n = v;",
					   "if (n) { v = 1; } n = v;",
					   "v = 1; h(2); n = v;",
					   "v = v + h(1);",
					   "switch (n) { case 1: v = 1; break; case 2: n = v; }",
					   "switch (n) { v = 1; case 2: n = v; }",
					   "if (n) goto l; v = 1; l: n = v;",
					   "for (;;) { n = v; v = 1; }",
					   "n = v == 1;"};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(unread) / sizeof(*unread); i++) {
		snprintf(text, sizeof(text),
			 "static int v = 1; int f(); static int h(int n) { return n; } void g(int n) { %s }",
			 unread[i]);
		struct index *ix = fixture_index(text);
		if (uses_read(ix, "v") || !uses_change(ix, "v"))
			fail_msg("%s: is told to read", unread[i]);
		index_free(ix);
	}
	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
		snprintf(text, sizeof(text),
			 "static int v = 1; int f(); static int h(int n) { return n; } int g(int n) { %s }",
			 read[i]);
		struct index *ix = fixture_index(text);
		if (!uses_read(ix, "v"))
			fail_msg("%s: is not told to read", read[i]);
		index_free(ix);
	}
}

/* Each body ends a text that begins so: all of them may change the variable, or none does. */
static void assert_changed(const char *before, const char *name, const char *const *bodies, bool may)
{
	char text[600];

	for (; *bodies; bodies++) {
		snprintf(text, sizeof(text), "%s%s }", before, *bodies);
		struct index *ix = fixture_index(text);
		if (uses_change(ix, name) != may)
			fail_msg("%s: is%s told to change %s", *bodies, may ? " not" : "", name);
		index_free(ix);
	}
}

/* Members, a function's own of the same name and an `&` of two operands change nothing of the file's. */
static void a_variable_is_changed_only_where_it_may_be(void **state)
{
	static const char *const kept[] = {
		"return n & v;",
		"return (n + 1) & v;",
		"return a[1] & v;",
		"p->v = 1; p->v++; (*p).v = 2;",
		"int v = 2; v++;",
		"int *a, v; v = 1;",
		"struct { int m; } v; v.m = 2;",
		"T v, *q; v++;",
		"return sizeof(v) & 3;",
		"g((struct s){.v = 1});",
		("return sizeof(char[1 - __builtin_types_compatible_p(__typeof__(v), "
		 "__typeof__(&(v)))]) + __alignof__(&v);"),
		"n += v; n -= v;",
		NULL};
	static const char *const changed[] = {"v = 1;",
					      "return n - --v;",
					      "f(&v);",
					      "p = (T *)&v;",
					      "return (T)&v;",
					      "return &v;",
					      "a[0] = 1 + (v = 2);",
					      "{ int v; v = 1; } v = 2;",
					      "extern int v; v = 2;",
					      "return sizeof(int[v++]);",
					      "return sizeof(n) + f(&v);",
					      "v++;",
					      NULL};
	static const char before[] = "typedef int T; struct s { int v; }; static int v = 1; "
				     "int g(int n, struct s *p, int *a) { ";

	(void)state;
	assert_changed(before, "v", kept, false);
	assert_changed(before, "v", changed, true);
	struct index *ix = fixture_index(
		"static int v = 1; int g(int *v) { *v = 1; v++; return *v; } int h(void) { return v; }");
	assert_false(uses_change(ix, "v"));
	index_free(ix);
	ix = fixture_index(
		"static const int table[2] = {1, 2}; static int filled[2]; static const char *word[1];"
		"int f(const void *); int g(void) { return f(table) + f(filled) + f(word); }");
	assert_false(uses_change(ix, "table"));
	assert_true(uses_change(ix, "filled"));
	assert_true(uses_change(ix, "word"));
	index_free(ix);
}

/* The address of a variable is given to one that is declared to look there, or to one that may write. */
static void what_is_lent_for_reading_is_not_changed(void **state)
{
	static const char *const kept[] = {"return look(&v, n);",
					   "return look((struct s *)p, n) + mix(p, n + f(1, 2), &v);",
					   "p = (struct s[]){1, look(&v, 3)};", NULL};
	static const char *const changed[] = {"return put(&v);",
					      "return mix(&v, n, p);",
					      "return look(p, put(&v));",
					      "return deep(&v);",
					      "return unknown(&v);",
					      "return look(&v.m, n);",
					      "look(p, n); v.m = 1;",
					      "return look(&v + 1, n);",
					      "return any(&v);",
					      "return (look)(&v, n);",
					      NULL};
	static const char before[] = "struct s { int m; }; static struct s v = {1}; typedef const struct s "
				     "*looks; int f(int, int);"
				     "int look(const struct s *, int); int mix(struct s *, int, struct s "
				     "const *p); int put(struct s *);"
				     "int deep(const struct s **); int any(); int g(struct s *p, int n) { ";

	(void)state;
	assert_changed(before, "v", kept, false);
	assert_changed(before, "v", changed, true);
}

/* What a pointer points to is another thing than the pointer. */
static void a_pointer_is_changed_only_itself(void **state)
{
	static const char *const kept[] = {"p[n] = 1;",         "p[n]++;", "*p = 2;", "*p += n;",
					   "return &p[1] - p;", "++p[n];", NULL};
	static const char *const changed[] = {"p = 0;", "p++;", "*p++ = 1;",           "return &p != 0;",
					      "++p;",   "--p;", "n = n * (p = 0, 1);", NULL};
	static const char before[] =
		"static int a[3], b[2]; static int * const *c, *p = &a[1], *q = b; int g(int n) { ";

	(void)state;
	assert_changed(before, "p", kept, false);
	assert_changed(before, "p", changed, true);
	for (size_t i = 0; i < 2; i++) {
		assert_changed(before, i ? "a" : "b", kept, true);
		assert_changed(before, i ? "a" : "b", changed, true);
	}
	/* Some of it are in the variable. */
	struct index *ix =
		fixture_index("static int *s[3], (*t)[2]; void g(int *n) { s[1] = n; t[1][0] = 2; }");
	assert_true(uses_change(ix, "s"));
	index_free(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pointer_is_changed_only_itself),
		cmocka_unit_test(what_is_lent_for_reading_is_not_changed),
		cmocka_unit_test(a_variable_is_changed_only_where_it_may_be),
		cmocka_unit_test(a_variable_that_is_only_written_is_told),
		cmocka_unit_test(a_name_finds_all_its_declarations_in_order),
		cmocka_unit_test(many_names_are_all_found_again),
		cmocka_unit_test(a_typedef_is_known_to_what_follows),
		cmocka_unit_test(of_a_macro_the_last_definition_before_is_in_force),
		cmocka_unit_test(the_compilers_own_macros_are_known_as_such),
		cmocka_unit_test(pragma_pack_is_a_stack),
		cmocka_unit_test(a_deep_pack_stack_comes_back_to_where_it_was),
		cmocka_unit_test(lines_and_files_follow_the_markers),
		cmocka_unit_test(any_prefix_of_a_text_can_be_indexed),
		cmocka_unit_test(a_function_is_found_in_its_source_with_macros_and_comments),
		cmocka_unit_test(lines_that_do_not_tell_the_truth_do_not_confuse),
		cmocka_unit_test(what_was_made_of_another_file_is_read_where_it_was_compiled),
		cmocka_unit_test(functions_that_share_a_line_are_told_apart),
		cmocka_unit_test(what_an_if_shares_with_the_next_function_is_no_text),
		cmocka_unit_test(braces_in_branches_of_an_if_do_not_confuse),
		cmocka_unit_test(braces_from_macros_do_not_confuse),
		cmocka_unit_test(a_macro_call_over_lines_ends_where_it_ends),
		cmocka_unit_test(a_function_whose_name_a_macro_makes_has_its_text),
		cmocka_unit_test(a_function_that_a_macro_makes_whole_has_no_text),
		cmocka_unit_test(a_function_of_a_header_has_no_text_in_the_file),
		cmocka_unit_test(of_several_definitions_each_is_found_by_number),
		cmocka_unit_test(what_cannot_be_preprocessed_says_why),
		cmocka_unit_test(a_warning_is_no_obstacle),
		cmocka_unit_test(the_systems_headers_are_read_as_libclang_reads_them),
		cmocka_unit_test(the_initialiser_of_a_pointer_to_a_function_is_found),
		cmocka_unit_test(odd_declarations_are_read_as_libclang_reads_them),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
