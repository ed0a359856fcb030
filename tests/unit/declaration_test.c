/* Declarations: what each kind of text declares, where it begins and ends. */
#include "declaration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_type(void *context, const char *name, uint32_t length)
{
	(void)context;
	return length > 2 && memcmp(name + length - 2, "_t", 2) == 0;
}

/* Every declaration on one line of its own: kind (F, N, O; in lower case if incomplete), flags, names by
 * kind (f v t e s - m), `[]` behind a name without bound, `=TEXT` for each cut. The text is read from a
 * copy of exactly its size. */
static const char *declared_by(const char *text, size_t size, bool preprocessed)
{
	static char out[16384];
	static const char kinds[] = "EFNO", name_kinds[] = "fvtes-m";
	char *copy = malloc(size ? size : 1);
	struct declaration_reader r;
	struct declaration d = {0};
	size_t used = 0;
	uint32_t at = 0;

	assert_non_null(copy);
	memcpy(copy, text, size);
	out[0] = '\0';
	declaration_reader_init(&r, copy, (uint32_t)size);
	if (preprocessed)
		r.is_type = is_type;
#define SAY(...) \
	(used += (size_t)snprintf(out + used, sizeof(out) - used, __VA_ARGS__), \
	 assert_true(used < sizeof(out)))
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d)) {
		assert_true(d.begin >= at && d.end > d.begin && d.end <= size);
		assert_false(d.out_of_memory);
		at = d.end;
		SAY("%s%c", used ? "\n" : "", kinds[d.kind] + (d.complete ? 0 : 'a' - 'A'));
		SAY("%s%s%s%s%s%s%s", d.is_typedef ? " typedef" : "", d.is_static ? " static" : "",
		    d.is_extern ? " extern" : "", d.is_inline ? " inline" : "",
		    d.is_thread_local ? " thread" : "", d.old_style ? " old" : "",
		    d.has_directive ? " #" : "");
		for (size_t i = 0; i < d.name_count; i++)
			SAY(" %c:%.*s%s", name_kinds[d.names[i].kind],
			    (int)(d.names[i].end - d.names[i].begin), copy + d.names[i].begin,
			    d.names[i].bound ? "[]" : "");
		for (size_t i = 0; i < d.cut_count; i++)
			SAY(" %.*s", (int)(d.cuts[i].end - d.cuts[i].begin), copy + d.cuts[i].begin);
	}
#undef SAY
	declaration_fini(&d);
	free(copy);
	return out;
}

static const char *declared(const char *text)
{
	return declared_by(text, strlen(text), true);
}

/* As a person types it: no typedef is known. */
static const char *typed(const char *text)
{
	return declared_by(text, strlen(text), false);
}

static void a_group_declares_each_of_its_names(void **state)
{
	(void)state;
	assert_string_equal(declared("int a, *b[3], (*f)(int), g(void), (*(h))[2];"),
			    "N v:a v:b v:f f:g v:h");
	assert_string_equal(declared("typedef int a_t, *b_t, (*c_t)(int), d_t(int), e_t[3];"),
			    "N typedef t:a_t t:b_t t:c_t t:d_t t:e_t");
	assert_string_equal(declared("struct s { int m; } x, *y, f(void);"), "N s:s m:m v:x v:y f:f");
}

static void functions_are_found_however_they_are_wrapped(void **state)
{
	(void)state;
	assert_string_equal(declared("int f(void) { return 1; } int x;"), "F f:f\nN v:x");
	assert_string_equal(declared("int (f)(void) { }"), "F f:f");
	assert_string_equal(declared("int (*f(int a))(double) { }"), "F f:f");
	assert_string_equal(declared("int (*(f)(int a))(double) { }"), "F f:f");
	assert_string_equal(declared("void (*signal(int n, void (*h)(int)))(int);"), "N f:signal");
	assert_string_equal(declared("int (*(*f(void))(int))[3] { }"), "F f:f");
	assert_string_equal(declared("int (*(*p)(int))(int);"), "N v:p");
	assert_string_equal(declared("int (*table[4])(int) = { f, g };"), "N v:table = { f, g }");
	assert_string_equal(declared("struct x *f(void) { }"), "F -:x f:f");
	assert_string_equal(declared("size_t f(size_t) ; size_t *g(a_t a) { }"), "N f:f\nF f:g");
	assert_string_equal(declared("size_t (*f(void))[3] { } size_t (g)(void) { }"), "F f:f\nF f:g");
	assert_string_equal(declared("main() { }"), "F f:main");
	assert_string_equal(declared("unsigned long long int f(int a[static 3], ...) { }"), "F f:f");
}

static void old_style_definitions_are_functions(void **state)
{
	(void)state;
	assert_string_equal(declared("int f(a, b) int a; char *b; { } int g;"), "F old f:f\nN v:g");
	assert_string_equal(declared("f(a) size_t a; { } int g;"), "F old f:f\nN v:g");
	assert_string_equal(declared("int f(a) int (*a)(void); { }"), "F old f:f");
	assert_string_equal(declared("int f(); int g(void) { }"), "N f:f\nF f:g");
	assert_string_equal(typed("int f(a) NOTHROW; int g(void) { }"), "N f:f\nF f:g");
	assert_string_equal(typed("int f() NOTHROW; int g(void) { }"), "N f:f\nF f:g");
	assert_string_equal(typed("int f(size_t) NOTHROW { }"), "F f:f");
}

static void attributes_stand_anywhere(void **state)
{
	(void)state;
	assert_string_equal(declared("__attribute__((noinline)) static int f(void) { }"), "F static f:f");
	assert_string_equal(
		declared("static int __attribute__((noinline)) f(void) __attribute__((cold)) { }"),
		"F static f:f");
	assert_string_equal(declared("static size_t __attribute__((noinline)) f(void) { }"), "F static f:f");
	assert_string_equal(declared("int (__attribute__((x)) f)(void) { }"), "F f:f");
	assert_string_equal(declared("int x __attribute__((aligned(8))) = 3, y __asm__(\"z\");"),
			    "N v:x v:y = 3");
	assert_string_equal(
		declared("struct __attribute__((packed)) s { int a; } __attribute__((aligned(4))) v;"),
		"N s:s m:a v:v");
	assert_string_equal(declared("struct __attribute__((packed)) { int a; } v;"), "N m:a v:v");
	assert_string_equal(declared("enum __attribute__((packed)) e { A __attribute__((x)) = 1, B };"),
			    "N s:e e:A e:B");
	assert_string_equal(declared("_Alignas(16) static int v; _Alignas(int) char c;"),
			    "N static v:v\nN v:c");
	assert_string_equal(declared("__declspec(dllexport) int f(void) { }"), "F f:f");
	assert_string_equal(
		declared("extern int f(const char *, ...) __attribute__((format(printf, 1, 2)));"),
		"N extern f:f");
	assert_string_equal(declared("int f(void) __asm__(\"g\") __attribute__((nothrow));"), "N f:f");
}

static void attributes_in_brackets_stand_anywhere(void **state)
{
	(void)state;
	assert_string_equal(declared("[[nodiscard]] [[gnu::cold]] static int f([[x]] int a) [[y]] { }"),
			    "F static f:f");
	assert_string_equal(
		declared("struct [[gnu::packed]] s { int a [[x]]; char b [[y(\"]\")]] [2]; } [[z]] v;"),
		"N s:s m:a m:b v:v");
	assert_string_equal(declared("enum [[x]] e { A [[y]] = 1, B };\nsize_t [[x]] v [[y]] = 3, w;"),
			    "N s:e e:A e:B\nN v:v v:w = 3");

	/* They belong to what they stand in front of. */
	static const char text[] = "int a; [[gnu::aligned(32)]] typedef int t;";
	struct declaration_reader r;
	struct declaration d = {0};
	declaration_reader_init(&r, text, sizeof(text) - 1);
	declaration_next(&r, &d);
	assert_int_equal(d.end, 6);
	declaration_next(&r, &d);
	assert_int_equal(d.begin, 7);
	declaration_fini(&d);
}

static void specifiers_come_in_any_order(void **state)
{
	(void)state;
	assert_string_equal(declared("int static const x = 1; long extern int y;"),
			    "N static v:x = 1\nN extern v:y");
	assert_string_equal(declared("static __inline__ int f(void) { } inline static int g(void) { }"),
			    "F static inline f:f\nF static inline f:g");
	assert_string_equal(declared("static __thread int a; _Thread_local int b;"),
			    "N static thread v:a\nN thread v:b");
	assert_string_equal(declared("__extension__ typedef long long a_t; int typedef b_t;"),
			    "N typedef t:a_t\nN typedef t:b_t");
	assert_string_equal(declared("__extension__ _Static_assert(1, \"\"); int a;"), "O\nN v:a");
	assert_string_equal(
		declared("[[nodiscard]] [[gnu::deprecated(\"]];\")]] int *f(void); "
			 "struct [[gnu::packed]] s { int a; }; [[maybe_unused]] static int b[2];"),
		"N f:f\nN s:s m:a\nN static v:b");
	assert_string_equal(
		declared("_Noreturn void f(void); _Atomic(int) a; _Atomic int b; size_t _Atomic c;"),
		"N f:f\nN v:a\nN v:b\nN v:c");
}

static void typeof_names_a_type(void **state)
{
	(void)state;
	assert_string_equal(declared("__typeof__(x) y; typeof(int *) p = 0; __typeof(f(1)) g(void) { }"),
			    "N v:y\nN v:p = 0\nF f:g");
	assert_string_equal(declared("static __typeof__(int (*)(int)) f;"), "N static v:f");
}

static void assertions_and_asm_are_neither(void **state)
{
	(void)state;
	assert_string_equal(declared("_Static_assert(sizeof(int) == 4, \"int\"); int x;"), "O\nN v:x");
	assert_string_equal(declared("__asm__(\".globl f\"); asm volatile (\"\" : : ); int x;"),
			    "O\nO\nN v:x");
	assert_string_equal(declared("; int x;;"), "N\nN v:x\nN");
	assert_string_equal(declared("_Static_assert(1, \"cut off\")"), "o");
}

static void tags_are_declared_wherever_they_stand(void **state)
{
	(void)state;
	assert_string_equal(declared("struct a { struct b { enum { X, Y = 3 } e; union c *u; } b[2]; } ;"),
			    "N s:a s:b e:X e:Y m:e -:c m:u m:b");
	assert_string_equal(declared("struct a; struct b *p; enum e { A = (1, 2), B = sizeof(int[3]), };"),
			    "N -:a\nN -:b v:p\nN s:e e:A e:B");
	assert_string_equal(declared("typedef struct { int a; } *p_t; typedef enum { Q } q_t;"),
			    "N typedef m:a t:p_t\nN typedef e:Q t:q_t");
}

static void members_are_found_in_all_their_forms(void **state)
{
	(void)state;
	assert_string_equal(
		declared("struct s { int a, *b, c[3][4], d : 3, : 5, (*e)(int x, int y), (*f[2])(int z); };"),
		"N s:s m:a m:b m:c m:d m:e m:f");
	assert_string_equal(
		declared("struct s { struct { int a; }; union { int b; char c; } u; size_t n; };"),
		"N s:s m:a m:b m:c m:u m:n");
	assert_string_equal(declared("struct s { _Static_assert(sizeof(x) == 4, \"x\"); __typeof__(y) z; };"),
			    "N s:s m:z");
	assert_string_equal(declared("struct s { int n; char data[]; };"), "N s:s m:n m:data");
	assert_string_equal(declared("struct s { _Alignas(16) int a __attribute__((packed)); };"),
			    "N s:s m:a");
}

static void initialisers_are_cut_whole(void **state)
{
	(void)state;
	assert_string_equal(
		declared("int a[] = { 1, { 2, 3 }, [4] = 5 }, b = f(1, 2), *c = (int[]){ 6, 7 };"),
		"N v:a[] v:b v:c = { 1, { 2, 3 }, [4] = 5 } = f(1, 2) = (int[]){ 6, 7 }");
	assert_string_equal(declared("char s[] = \"a,;}\" \"b\", t[][2] = { 0 }, u[3];"),
			    "N v:s[] v:t[] v:u = \"a,;}\" \"b\" = { 0 }");
	assert_string_equal(declared("int x = ({ int y = 1; y; }), z;"), "N v:x v:z = ({ int y = 1; y; })");
	assert_string_equal(declared("int a = b == c;"), "N v:a = b == c");
}

static void macros_among_the_specifiers_are_looked_past(void **state)
{
	(void)state;
	assert_string_equal(typed("API int CALL f(void) { }"), "F f:f");
	assert_string_equal(typed("REALTIMEFUNC\nstatic double price(const struct order *o) { }"),
			    "F static f:price");
	assert_string_equal(typed("API order *f(order *o) { }"), "F f:f");
	assert_string_equal(typed("static order f(order o) NOTHROW { }"), "F static f:f");
	assert_string_equal(typed("static order_t __attribute__((noinline)) f(void) { }"), "F static f:f");
	assert_string_equal(typed("LUA_API int (lua_gettop) (lua_State *L) { }"), "F f:lua_gettop");
	assert_string_equal(typed("CJSON_PUBLIC(const char *) cJSON_Error(void) { }"), "F f:cJSON_Error");
	assert_string_equal(typed("CJSON_PUBLIC(cJSON_bool) cJSON_IsTrue(const cJSON *i) { }"),
			    "F f:cJSON_IsTrue");
	assert_string_equal(typed("MODULE(\"x\") static int f(void) { }"), "F static f:f");
	assert_string_equal(typed("order f(int a) NONNULL(1) { }"), "F f:f");
	assert_string_equal(typed("int (WINAPI *handler)(int);"), "N v:handler");
	assert_string_equal(typed("DEFINE(name) { }"), "F f:DEFINE");
}

static void digraphs_are_brackets(void **state)
{
	(void)state;
	assert_string_equal(declared("int f(void) <% int a<:2:>; %> int b<::> = <% 1, 2 %>;"),
			    "F f:f\nN v:b[] = <% 1, 2 %>");
}

static void each_branch_of_an_if_may_open_the_braces(void **state)
{
	(void)state;
	assert_string_equal(
		typed("int f(int a)\n{\n#if A\n if (a) {\n#else\n if (!a) {\n#endif\n }\n}\nint g;"),
		"F # f:f\nN v:g");
	assert_string_equal(
		typed("#if A\nint f(int a) {\n#else\nint f(void) {\n#endif\n return 1;\n}\nint g;"),
		"F # f:f\nN v:g");
	/* Behind one head each branch may have a body. */
	assert_string_equal(
		typed("int f(int a)\n#if 0\n{\n return 1;\n}\n#else\n{\n return 2; }\n#endif\nint g;"),
		"F # f:f\nN v:g");
	assert_string_equal(
		typed("int f(int a)\n#ifdef A\n{\n}\n#elif B\n{ {\n} }\n#else\n{ }\n#endif\nint g;"),
		"F # f:f\nN v:g");
	assert_string_equal(typed("int f(void) {\n#if A\n return 1; }\n#else\n return 2; }\n#endif\nint g;"),
			    "F # f:f\nN v:g");
	/* The first branches do not fit together: `B` is asked for only where `A` is not defined. */
	assert_string_equal(
		typed("int f(void) {\n#ifdef A\n if (a) {\n#else\n#ifdef B\n if (b) { if (c) {\n"
		      "#else\n if (c) {\n#endif\n#endif\n }\n#ifdef B\n }\n#endif\n return 1;\n}\n"
		      "int g;"),
		"F # f:f\nN v:g");
	assert_string_equal(
		typed("int f(void) {\n#if A\n if (a) { if (b) {\n#elif B\n{{{\n#else\n if (a) {\n#endif\n }\n"
		      " return 1; }\nint g;"),
		"F # f:f\nN v:g");
	/* Neither do: what the first say stands. */
	assert_string_equal(typed("int f(void) {\n#if A\n}\n#else\n{ {\n#endif\n return 1;\n}\nint g;"),
			    "F # f:f\nN v:return\nO\nN v:g");
}

static void the_end_may_come_anywhere(void **state)
{
	(void)state;
	assert_string_equal(declared("int f(void) { if (x) {"), "f f:f");
	assert_string_equal(declared("struct x *f(void"), "o -:x f:f");
	assert_string_equal(declared("int x"), "o v:x");
	assert_string_equal(declared("int x = 3"), "o v:x = 3");
	assert_string_equal(declared("int x int y;"), "N v:y");
	assert_string_equal(declared("} int x;"), "O\nN v:x");
}

static void a_declaration_that_is_cut_off_ends_with_the_text(void **state)
{
	static const char *const texts[] = {"int f(void) { a; b", "int x, y",    "_Static_assert(1, \"a\")",
					    "struct s { int a",   "enum e { A,", "int x = { 1, 2",
					    "int f(a) int a"};
	struct declaration_reader r;
	struct declaration d = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		declaration_reader_init(&r, texts[i], (uint32_t)strlen(texts[i]));
		declaration_next(&r, &d);
		assert_false(d.complete);
		assert_int_equal(d.end, strlen(texts[i]));
		declaration_next(&r, &d);
		assert_int_equal(d.kind, DECLARATION_END);
	}
	declaration_fini(&d);
}

static void offsets_point_at_what_they_say(void **state)
{
	static const char text[] =
		"\n# 1 \"a\"\n static struct s *const f(int a) { return 0; }\n# 2 \"b\"\nint x;";
	struct declaration_reader r;
	struct declaration d = {0};

	(void)state;
	declaration_reader_init(&r, text, sizeof(text) - 1);
	declaration_next(&r, &d);
	assert_memory_equal(text + d.begin, "static", 6);
	assert_memory_equal(text + d.specifiers, "*const", 6);
	assert_memory_equal(text + d.first_name, "f(int", 5);
	assert_memory_equal(text + d.body, "{ return", 8);
	assert_memory_equal(text + d.end - 3, "; }\n", 4);
	assert_false(d.has_directive);
	declaration_next(&r, &d);
	assert_memory_equal(text + d.begin, "int x;", 6);
	assert_false(d.has_directive);
	declaration_fini(&d);
}

static unsigned directives;

static void count_directive(void *context, const struct token *t)
{
	(void)context;
	(void)t;
	directives++;
}

static void each_directive_is_told_once(void **state)
{
	static const char text[] = "# 1\nint\n# 2\nf(\n# 3\nint a)\n# 4\n{\n# 5\nint b\n# 6\n; }\n# 7\n"
				   "struct s\n# 8\n{ int a;\n# 9\n}\n# 10\n; API\n# 11\nint x\n# 12\n = {\n# "
				   "13\n 1 };\n# 14\n_Static_assert(\n# 15\n1);\n# 16\n";
	struct declaration_reader r;
	struct declaration d = {0};

	(void)state;
	directives = 0;
	declaration_reader_init(&r, text, sizeof(text) - 1);
	r.directive = count_directive;
	do
		declaration_next(&r, &d);
	while (d.kind != DECLARATION_END);
	assert_int_equal(directives, 16);
	declaration_fini(&d);
}

static const char everything[] =
	"extern int printf(const char *, ...) __attribute__((format(printf, 1, 2)));\n"
	"typedef struct node { struct node *next; enum { RED, BLACK = 1 << 3 } colour : 2; union { int i; "
	"float f[3]; }; "
	"int (*compare)(const void *, const void *); } node_t, *node_p;\n"
	"#pragma pack(push, 1)\nstatic const int table[] = { 1, [3] = 2, }, *p = &table[1];\n#define X 3\n"
	"int (*choose(int n))(double) { if (n) { return 0; } return (int (*)(double))({ n; }); }\n"
	"old(a, b) int a; char *b; { return a; }\n_Static_assert(sizeof(int) == 4, "
	"\"}\");\n__asm__(\"nop\");\n"
	"API(int) CALL g(void) <% %> __typeof__(1) h; _Atomic(int) i; @ $ } ] ) int int int * ( = , ;";

static void every_prefix_ends(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(everything); size++) {
		declared_by(everything, size, true);
		declared_by(everything, size, false);
	}
	for (size_t from = 0; from < sizeof(everything) - 1; from++)
		declared_by(everything + from, sizeof(everything) - 1 - from, true);
}

static void structs_nested_without_end_do_not_exhaust_the_stack(void **state)
{
	enum { TIMES = 1 << 20 };
	char *text = malloc(TIMES * 7);
	struct declaration_reader r;
	struct declaration d = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < TIMES; i++)
		memcpy(text + i * 7, "struct{", 7);
	declaration_reader_init(&r, text, TIMES * 7);
	declaration_next(&r, &d);
	assert_false(d.complete);
	declaration_next(&r, &d);
	assert_int_equal(d.kind, DECLARATION_END);
	declaration_fini(&d);
	free(text);
}

static void the_word_before_a_tag_is_found_behind_attributes(void **state)
{
	static const struct {
		const char *text, *word;
	} shapes[] = {{"struct tag;", "struct"},
		      {"typedef union __attribute__((packed, aligned(4))) tag { int a; } u;", "union"},
		      {"struct outer { enum tag { A } a; } o;", "enum"},
		      {"union /* struct */ tag *f(void);", "union"}};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const char *tag = strstr(shapes[i].text, "tag");
		assert_string_equal(declaration_tag_word(shapes[i].text, 0, (uint32_t)(tag - shapes[i].text)),
				    shapes[i].word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_declares_each_of_its_names),
		cmocka_unit_test(functions_are_found_however_they_are_wrapped),
		cmocka_unit_test(old_style_definitions_are_functions),
		cmocka_unit_test(attributes_stand_anywhere),
		cmocka_unit_test(attributes_in_brackets_stand_anywhere),
		cmocka_unit_test(specifiers_come_in_any_order),
		cmocka_unit_test(typeof_names_a_type),
		cmocka_unit_test(assertions_and_asm_are_neither),
		cmocka_unit_test(tags_are_declared_wherever_they_stand),
		cmocka_unit_test(members_are_found_in_all_their_forms),
		cmocka_unit_test(initialisers_are_cut_whole),
		cmocka_unit_test(macros_among_the_specifiers_are_looked_past),
		cmocka_unit_test(digraphs_are_brackets),
		cmocka_unit_test(each_branch_of_an_if_may_open_the_braces),
		cmocka_unit_test(the_end_may_come_anywhere),
		cmocka_unit_test(a_declaration_that_is_cut_off_ends_with_the_text),
		cmocka_unit_test(offsets_point_at_what_they_say),
		cmocka_unit_test(each_directive_is_told_once),
		cmocka_unit_test(every_prefix_ends),
		cmocka_unit_test(structs_nested_without_end_do_not_exhaust_the_stack),
		cmocka_unit_test(the_word_before_a_tag_is_found_behind_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
