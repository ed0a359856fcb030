/* Slices: a table of functions of every shape. Each slice must compile with gcc, clang and (where the
 * shape is one that libtcc takes) libtcc, must hold what the function needs and nothing else; its identity
 * changes when and only when its meaning does. */
#include "compile.h"
#include "extent.h"
#include "fixture.h"
#include "run.h"
#include "slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The program, as far as a slice asks. */
struct program {
	const char *absent, *decorated;     /* names between spaces */
	const char *bounds;                 /* " name=3 " */
	const struct target_layout *layout; /* of struct order, or NULL */
};

static bool lists(const char *names, const char *name, char end)
{
	char word[260];

	snprintf(word, sizeof(word), " %s%c", name, end);
	return names && strstr(names, word);
}

static enum slice_presence presence(void *context, const char *name)
{
	const struct program *p = context;

	if (lists(p->decorated, name, ' '))
		return SLICE_DECORATED;
	return lists(p->absent, name, ' ') ? SLICE_ABSENT : SLICE_PRESENT;
}

static bool bound(void *context, const char *name, uint64_t *elements)
{
	const struct program *p = context;
	char word[260];

	if (!lists(p->bounds, name, '='))
		return false;
	snprintf(word, sizeof(word), " %s=", name);
	*elements = strtoull(strstr(p->bounds, word) + strlen(word), NULL, 10);
	return true;
}

static bool layout(void *context, enum target_tag tag, const char *name, struct target_layout *out)
{
	const struct program *p = context;

	if (!p->layout || tag != TARGET_STRUCT || strcmp(name, "order") != 0)
		return false;
	*out = *p->layout;
	return true;
}

/* The function's slice; its text is `text`, or what the file says. */
static struct slice slice_of(struct index *ix, const char *name, const char *text, struct program *program,
			     const struct slice_request *more)
{
	struct slice_names names = {program, presence, bound, layout, NULL};
	struct slice_request request = more ? *more : (struct slice_request){0};
	struct slice slice;
	uint32_t begin, end, line = 1;

	request.index = ix;
	request.name = name;
	request.file = "a.c";
	request.text = text;
	request.size = text ? strlen(text) : 0;
	if (!text) {
		assert_true(extent_find(ix, index_find_function(ix, name, request.nth), &begin, &end, &line));
		request.text = ix->source + begin;
		request.size = end - begin;
	}
	request.line = line;
	assert_null(slice_new(&request, &names, &slice));
	assert_int_equal(strlen(slice.text), slice.size);
	return slice;
}

/* What the slice has before the definition, as one line without markers and doubled spaces. */
static char *declarations_of(const struct slice *s)
{
	const char *p = s->text;
	char *flat = malloc(s->size + 2), *out = flat;

	assert_non_null(flat);
	*out++ = ' ';
	for (unsigned line = 1; line < s->user_line; line++) {
		const char *end = strchr(p, '\n');
		if (strncmp(p, "# ", 2) != 0) {
			for (; p < end; p++)
				if ((*p != ' ' && *p != '\t') || out[-1] != ' ')
					*out++ = *p == '\t' ? ' ' : *p;
			if (out[-1] != ' ')
				*out++ = ' ';
		}
		p = end + 1;
	}
	*out = '\0';
	return flat;
}

static bool compiles_with(const char *compiler, const char *text)
{
	struct run_output o;
	bool gcc = strcmp(compiler, "gcc") == 0;
	const char *const argv[] = {compiler,
				    "-xc",
				    "-O1",
				    "-w",
				    "-Werror=implicit-function-declaration",
				    gcc ? "-Werror=implicit-int" : "-Werror",
				    "-S",
				    "-o",
				    "/dev/null",
				    "-",
				    NULL};

	assert_null(run(argv, NULL, text, &o));
	bool good = WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0;
	if (!good)
		print_error("%s: %s\n%s\n", compiler, o.err, text);
	run_output_fini(&o);
	return good;
}

enum compilers { ALL, NOT_TCC, GCC_ONLY };

static void assert_compiles(const char *text, enum compilers with)
{
	struct compile_object object = {0};
	char *why;

	assert_true(compiles_with("gcc", text));
	if (with != GCC_ONLY)
		assert_true(compiles_with("clang", text));
	if (with != ALL)
		return;
	assert_null(compile_tcc(text, &object, &why));
	if (why)
		print_error("libtcc: %s\n%s\n", why, text);
	assert_null(why);
	compile_object_fini(&object);
}

enum { WORDS = 8 };

struct shape {
	const char *about, *source;
	const char *needs[WORDS], *lacks[WORDS];
	struct program program;
	enum compilers with;
	const char *text, *extra, *also;
};

static void assert_shape(const struct shape *shape)
{
	struct index *ix = fixture_index(shape->source);
	struct program program = shape->program;
	struct slice_request more = {.extra = shape->extra,
				     .extra_size = shape->extra ? strlen(shape->extra) : 0,
				     .also = shape->also};

	for (int everything = 0; everything < 2; everything++) {
		more.everything = everything;
		struct slice slice = slice_of(ix, "f", shape->text, &program, &more);
		char *flat = declarations_of(&slice);
		for (size_t i = 0; i < WORDS && shape->needs[i] && !everything; i++)
			if (!strstr(flat, shape->needs[i]))
				fail_msg("%s: no `%s` in:%s", shape->about, shape->needs[i], flat);
		for (size_t i = 0; i < WORDS && shape->lacks[i] && !everything; i++)
			if (strstr(flat, shape->lacks[i]))
				fail_msg("%s: `%s` is not needed in:%s", shape->about, shape->lacks[i], flat);
		free(flat);
		assert_compiles(slice.text, shape->with);
		slice_fini(&slice);
	}
	index_free(ix);
}

static void assert_shapes(const struct shape *shapes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_shape(&shapes[i]);
}

/* What a shape leaves out is nothing. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define SHAPES(name, ...) \
	static void name(void **state) \
	{ \
		static const struct shape shapes[] = {__VA_ARGS__}; \
		(void)state; \
		assert_shapes(shapes, sizeof(shapes) / sizeof(*shapes)); \
	}

SHAPES(types_come_whole_only_where_the_text_looks_inside,
       {"through a pointer",
	"struct a { int unused; }; struct a *g(struct a *); struct a *f(struct a *p) { return g(p); }",
	{" struct a;", "struct a *g(struct a *);"},
	{"unused"}},
       {"a member",
	"struct b { int in_b; }; struct a { int m; struct b *b; }; int f(struct a *p) { return p->m; }",
	{"struct a { int m;", " struct b;"},
	{"in_b"}},
       {"two members deep",
	"struct b { int m; }; struct a { struct b *b; }; struct c { int in_c; }; int f(struct a *p) { return "
	"p->b->m; }",
	{"struct b { int m; }", "struct a {"},
	{"in_c"}},
       {"by value",
	"struct b { int x; }; struct a { struct b b; }; struct a g(void); int f(void) { struct a v = g(); "
	"return sizeof(v); }",
	{"struct b { int x; }", "struct a { struct b b; }"}},
       {"sizeof",
	"struct a { int x; }; unsigned long f(void) { return sizeof(struct a); }",
	{"struct a { int x; }"}},
       {"offsetof",
	"struct a { int x, y; }; unsigned long f(void) { return __builtin_offsetof(struct a, y); }",
	{"int x, y"}},
       {"a designated initialiser",
	"struct a { int x, y; }; int f(void) { struct a a = { .y = 1 }; return a.y; }",
	{"int x, y"}},
       {"a typedef of a forward struct",
	"typedef struct a *p_t; struct a { int x; }; int f(p_t p) { return p->x; }",
	{"typedef struct a *p_t;", "struct a { int x; }"}},
       {"a typedef with nothing before its name",
	"typedef struct a{ int unused; }a; void g(a *); void f(a *p) { g(p); }",
	{"typedef struct a a;"},
	{"unused"}},
       {"a typedef only mentioned",
	"typedef struct a { int unused; } a_t; void g(a_t *); void f(a_t *p) { g(p); }",
	{"typedef struct a a_t;"},
	{"unused"}},
       {"an anonymous struct by pointer",
	"typedef struct { int x; } a_t; int f(const a_t *p) { return p->x; }",
	{"typedef struct { int x; } a_t;"}},
       {"an anonymous struct that is only mentioned",
	"typedef struct { struct b { int x; } b; } a_t; void g(a_t *); void f(a_t *p) { g(p); }",
	{"struct b { int x; } b;"}},
       {"attributes before the tag",
	"struct __attribute__((packed)) a { char c; int x; }; struct b { struct a a; }; int f(struct b *b) { "
	"return b->a.x; }",
	{"__attribute__((packed)) a { char c; int x; }", " struct a;"},
	{"struct __attribute__;"}},
       {"an anonymous struct with attributes that is only mentioned",
	"typedef struct __attribute__((packed)) { char c; int x; } a_t; void g(a_t *); void f(a_t *p) { "
	"g(p); }",
	{"{ char c; int x; } a_t;"}},
       {"a packed struct that is only mentioned",
	"struct a { char c; int unused; } __attribute__((packed)); void g(struct a *); void f(struct a *p) { "
	"g(p); }",
	{" struct a;"},
	{"unused"}},
       {"pragma pack",
	"#pragma pack(push, 1)\nstruct a { char c; int x; };\n#pragma pack(pop)\nint f(struct a *p) { return "
	"p->x; }",
	{"#pragma pack(push, 1)", "#pragma pack(pop)"}},
       {"a union",
	"union u { int i; float f; }; struct b { union { int x; long y; }; }; float f(union u *u, struct b "
	"*b) { return b->y + u->f; }",
	{"union u { int i; float f; }", "union { int x; long y; }"}},
       {"a flexible array",
	"struct a { int n; char data[]; }; int f(struct a *a) { return a->data[a->n]; }",
	{"char data[]"}},
       {"enumerators",
	"enum { NONE }; enum colour { RED = 1, GREEN }; enum other { UNUSED }; int f(void) { return GREEN; }",
	{"enum colour { RED = 1, GREEN }"},
	{"NONE", "UNUSED"}},
       {"an enumerator inside a struct",
	"struct a { enum { IN = 3 } e; int x; }; int f(void) { return IN; }",
	{"IN = 3"}},
       {"an enum by its tag",
	"enum e { A, B }; int g(enum e); int f(enum e e) { return g(e); }",
	{"enum e { A, B }"}},
       {"an array parameter of a function that is called",
	"struct a { int x; }; int g(struct a v[4]); int f(struct a *p) { return g(p); }",
	{"struct a { int x; }"}},
       {"a nested tag on its own",
	"struct a { struct in { int x; } *p; int unused; }; int f(struct in *p) { return p->x; }",
	{"struct in { int x; }"}},
       {"typeof",
	"struct a { int x; }; struct a *all; int f(void) { __typeof__(*all) v = *all; return v.x; }",
	{"struct a { int x; }"}},
       {"members and parameters that are called like functions and variables",
	"int open(const char *); int index(int); extern int size; struct a { int open, (*index)(int size); "
	"}; "
	"int g(int index); int f(struct a *a) { return a->open + g(1); }",
	{"struct a { int open, (*index)(int size); }", "int g(int index);"},
	{"int open(const", "int index(int)", "extern int size"}},
       {"a member whose size is a variable's",
	"extern char path[10]; int g(void); struct a { char copy[sizeof(path) - 1]; __typeof__(g()) g; }; "
	"int f(struct a *a) { return a->copy[0]; }",
	{"extern char path[10];", "int g(void);"}},
       {"a local type",
	"int f(int a) { struct mine { int x; } m = { a }; typedef int t; return (t)m.x; }",
	{" struct mine;"}})

SHAPES(variables_are_extern_and_keep_their_values,
       {"a static",
	"static int n = 3; static int unused; int f(void) { return n++; }",
	{"extern int n ;"},
	{"= 3", "unused", "static"}},
       {"a group",
	"static int a = 1, *b = &a, c[2] = { 1, 2 }; int f(void) { return a + *b + c[1]; }",
	{"extern int a , *b , c[2] ;"},
	{"= 1", "= &a", "{ 1, 2 }"}},
       {"const in front", "const static int n = 3; int f(void) { return n; }", {"extern const"}, {"= 3"}},
       {"already extern",
	"extern int n; int n = 4; int f(void) { return n; }",
	{"extern int n;"},
	{"extern extern", "= 4"}},
       {"an array of unknown bound",
	"static const char *const table[] = { \"a\", \"b\" }; int f(void) { return sizeof(table); }",
	{"table[2]"},
	{"\"a\""},
	{.bounds = " table=2 "}},
       {"two such",
	"static int a[] = { 1 }, b[][2] = { { 1 } }; int f(void) { return sizeof(a) + sizeof(b); }",
	{"a[1]", "b[7][2]"},
	{"{ 1 }"},
	{.bounds = " a=1 b=7 "}},
       {"one whose bound nobody knows", "extern int a[]; int f(void) { return a[0]; }", {"extern int a[];"}},
       {"a struct that is defined with it",
	"static struct s { int x; } v = { 3 }, *p = &v; int f(void) { return v.x + p->x; }",
	{"struct s { int x; } v , *p ;"},
	{"= { 3 }"}},
       {"compound literals and commas",
	"static int *p = (int[]){ 1, 2, 3 }, q = ((void)0, 4); int f(void) { return *p + q; }",
	{"extern int *p , q ;"}},
       {"function pointers",
	"static int (*hook)(int) = 0, (*hooks[2])(int); int f(void) { return hook(1) + hooks[0](2); }",
	{"int (*hook)(int) , (*hooks[2])(int);"}},
       {"an asm label", "extern int n __asm__(\"other\"); int f(void) { return n; }", {"__asm__(\"other\")"}},
       {"thread-local",
	"static __thread int n; int f(void) { return n; }",
	{"extern", "__thread int n;"},
	{"static"},
	{0},
	NOT_TCC},
       {"one that the program lacks",
	"static const int lost = 7; static int kept = 8; int f(void) { return lost + kept; }",
	{"static const int lost = 7;", "extern int kept"},
	{"= 8"},
	{.absent = " lost "}},
       {"one that it lacks, with what it names",
	"enum { A = 5 }; static int other = 1; static const int *const lost[] = { [A] = &other }; int "
	"f(void) { return *lost[A]; }",
	{"lost[] = { [A] = &other }", "enum { A = 5 }", "extern int other"},
	{"other = 1"},
	{.absent = " lost "}})

SHAPES(functions_are_prototypes_or_come_with_their_bodies,
       {"another function",
	"static int g(int a) { return a + 41; } int f(void) { return g(1); }",
	{"int g(int a) ;"},
	{"41", "static"}},
       {"itself", "int f(int n) { return n ? n * f(n - 1) : 1; }", {"int f(int n) ;"}, {"n * f"}},
       {"an absent helper and what it needs",
	"static int deep = 1; static int h(int a) { return a + deep; } static int g(int a) { return h(a) + "
	"41; } int f(void) { return g(1); }",
	{"static int g(int a) { return h(a) + 41; }", "int h(int a) ;"},
	{"deep"},
	{.absent = " g "}},
       {"absent helpers and what they need",
	"static int deep = 1; static int h(int a) { return a + deep; } static int g(int a) { return h(a) + "
	"41; } int f(void) { return g(1); }",
	{"return h(a) + 41; }", "static int h(int a) { return a + deep; }", "extern int deep"},
	{"= 1"},
	{.absent = " g h "}},
       {"absent helpers that call each other",
	"static int g(int); static int h(int a) { return a ? g(a - 1) : 7; } static int g(int a) { return a "
	"? h(a - 1) : 8; } "
	"int f(void) { return h(3); }",
	{"static int h(int a) {", "static int g(int a) {", "static int g(int);"},
	{NULL},
	{.absent = " g h "}},
       {"an absent helper that calls it",
	"int f(int); static int g(int a) { return f(a); } int f(int a) { return a ? g(a - 1) : 0; }",
	{"static int g(int a) { return f(a); }", "int f(int);"},
	{NULL},
	{.absent = " g "}},
       {"an absent helper defined behind it, declared before",
	"static int g(int); int f(void) { return g(1); } static int n; static int g(int a) { return a + n; }",
	{"static int g(int a) { return a + n; }", "extern int n;"},
	{NULL},
	{.absent = " g "}},
       {"a decorated helper",
	"static inline int g(int a) { return a + 41; } int f(void) { return g(1); }",
	{"int g(int a) ;"},
	{"41", "inline", "static"},
	{.decorated = " g "}},
       {"static inline",
	"static inline int g(int a) { return a + 41; } int f(void) { return g(1); }",
	{"static int g(int a) { return a + 41; }"}},
       {"static inline with a static inside",
	"static inline int g(void) { static int calls = 41; return calls++; } int f(void) { return g(); }",
	{"int g(void) ;"},
	{"41", "inline"}},
       {"the same, absent",
	"static inline int g(void) { static int calls = 41; return calls++; } int f(void) { return g(); }",
	{"calls = 41"},
	{NULL},
	{.absent = " g "}},
       {"C99 inline",
	"inline int g(int a) { return a + 41; } extern int g(int); int f(void) { return g(1); }",
	{"static int g(int a) { return a + 41; }"}},
       {"gnu_inline that stands in for a library's",
	"int g(int); extern inline __attribute__((gnu_inline, always_inline)) int g(int a) { return a + 41; "
	"} int f(void) { return g(1); }",
	{"int g(int);"},
	{"41"},
	{.absent = " g "}},
       {"gnu_inline that stands alone",
	"extern inline __attribute__((gnu_inline, always_inline, artificial)) int g(int a) { return a + 41; "
	"} int f(void) { return g(1); }",
	{"a + 41"},
	{"extern static", "static extern"},
	{.absent = " g "}},
       {"old style",
	"int g(a, b) int a; char *b; { return a + 41; } int f(void) { return g(1, \"x\"); }",
	{"int g();"},
	{"41"}},
       {"itself in old style",
	"int f(a, b) int a; char *b; { return a ? f(a - 1, b) : 0; }",
	{"int f(int a, char *b);"},
	{NULL},
	{0},
	NOT_TCC},
       {"itself in old style, with what is promoted",
	"typedef unsigned char byte; typedef byte octet; typedef char *string; struct s { int a; };\n"
	"int f(a, b, c, d, e, g) short a; octet b; float c; string d; struct s e; register const byte *g;"
	"{ return a + b + (d != 0) + (c > 0) + e.a + *g; }",
	{"int f(int, int, double, string d, struct s e, register const byte *g);"},
	{NULL},
	{0},
	NOT_TCC},
       {"itself in old style, with a type that is not known",
	"int f(a) __typeof__(1 + 1) a; { return a; }",
	{"int f();"},
	{NULL},
	{0},
	NOT_TCC},
       {"itself, behind an old prototype",
	"int f();\nint f(int a) { return a; }",
	{"int f();", "int f(int a) ;"}},
       {"one that returns a function pointer",
	"typedef int (*h_t)(int); static int (*g(int a))(int) { return (h_t)0; } int f(void) { return "
	"g(1)(2); }",
	{"int (*g(int a))(int) ;"},
	{"return (h_t)0"}},
       {"attributes",
	"static int g(int) __attribute__((noinline, cold)); static __attribute__((noinline)) int g(int a) { "
	"return a; } int f(void) { return g(1); }",
	{"int g(int) __attribute__((noinline, cold));"},
	{"static"}},
       {"an asm label on a function",
	"int g(int) __asm__(\"other\"); int f(void) { return g(1); }",
	{"__asm__(\"other\")"}},
       {"its address in a table",
	"static int g(void) { return 41; } int f(void) { int (*t[])(void) = { g, f }; return t[0](); }",
	{"int g(void) ;"},
	{"41"}},
       {"libc",
	"#include <stdio.h>\n#include <string.h>\nint f(const char *s) { return printf(\"%zu\\n\", "
	"strlen(s)); }",
	{"printf", "strlen"},
	{"fopen", "memcpy", "struct _IO_FILE {"}},
       {"errno and stderr",
	"#include <errno.h>\n#include <stdio.h>\nint f(void) { fprintf(stderr, \"x\"); return errno; }",
	{"__errno_location", "stderr"},
	{"fopen"}},
       {"variadic",
	"#include <stdarg.h>\nint f(int n, ...) { va_list ap; va_start(ap, n); int a = va_arg(ap, int); "
	"va_end(ap); return a; }",
	{"va_list"}})

SHAPES(macros_are_those_in_force,
       {"one that needs another",
	"#define A 1\n#define B (A + C)\n#define C 2\n#define UNUSED 3\nint f(void) { return B; }",
	{"#define A 1", "#define B (A + C)", "#define C 2"},
	{"UNUSED"}},
       {"what its body names",
	"struct s { int x; }; static struct s *all; static int n;\n#define X(i) (all[i].x + n)\nint f(void) "
	"{ return X(1); }",
	{"struct s { int x; }", "extern int n;", "all;"}},
       {"redefined between functions",
	"#define M 41\nint g(void) { return M; }\n#undef M\n#define M 42\nint f(void) { return M; }\n#undef "
	"M\n#define M 43\nint h(void) { return M; }",
	{"#define M 42"},
	{"41", "43"}},
       {"whose name is pasted together",
	"#define HAVE_A_x 1\n#define HAVE_B_x 1\n#define HAVE_A_y 1\n#define HAVE(n) HAVE_##n##_x\nint "
	"f(void) { return "
	"HAVE(A); }",
	{"#define HAVE_A_x 1"},
	{"HAVE_B_x 1", "HAVE_A_y"}},
       {"whose name is pasted together of what others are made of",
	"#define ON 1\n#define PART_1 2\n#define PART(n) PART_(n)\n#define PART_(n) PART_ ##n\nint f(void) { "
	"return "
	"PART(ON); }",
	{"#define PART_1 2"}},
       {"undefined before",
	"#define M 41\nint g(void) { return M; }\n#undef M\nint f(void) { int M = 1; return M; }",
	{NULL},
	{"41"}},
       {"one over the name of a function",
	"int g(int);\n#define g(x) g((x) + 41)\nint f(void) { return g(1); }",
	{"int g(int);", "#define g(x) g((x) + 41)"}},
       {"one over the name of a system function",
	"#include <stdlib.h>\n#define malloc(n) my_malloc(n)\nvoid *my_malloc(size_t); void *f(void) { "
	"return malloc(3); }",
	{"my_malloc(size_t)", "#define malloc(n) my_malloc(n)"}},
       {"one over a keyword",
	"#define return return 41 +\nint f(void) { return 1; }",
	{"#define return return 41 +"}},
       {"linkage in a macro",
	"#define LOCAL static\n#define HELPER LOCAL inline\nHELPER int f(int a) { return a ? f(a - 1) : 0; }",
	{"#define LOCAL static", "#define LOCA_ ", "#define HELPER LOCAL inline", "#define HELPE_ LOCA_ ",
	 "int f(int a) ;"},
	{"HELPE_ LOCA_ inline"}},
       {"linkage in a macro of the head and of the body",
	"#define LOCAL static\nLOCAL int f(int a) { LOCAL int LOCA_; return a + LOCA_++; }",
	{"#define LOCAL static", "#define LOCAA "}},
       {"a macro with arguments in the head",
	"#define API(t) __attribute__((noinline)) static t\nAPI(int) f(int a) { return a ? f(a - 1) : 0; }",
	{"#define API(t) __attribute__((noinline)) static t", "#define AP_(t) __attribute__((noinline)) t"}},
       {"X-macros",
	"#define LIST(X) X(1, one) X(2, two)\nint f(int n) {\n#define CASE(v, name) case v: return "
	"sizeof(#name);\n switch (n) { LIST(CASE) }\n#undef CASE\n return 0; }",
	{"#define LIST(X) X(1, one) X(2, two)"}},
       {"stringised and variadic",
	"#include <stdio.h>\n#define SAY(fmt, ...) printf(#fmt \"%d\" , ##__VA_ARGS__)\nint f(int a) { "
	"return SAY(x y, a); }",
	{"#define SAY", "printf"}},
       {"conditionals in the text",
	"#define DEBUG 1\nint f(int a) {\n#if defined(DEBUG) && DEBUG\n return a;\n#else\n return "
	"nothing_such(a);\n#endif\n}",
	{"#define DEBUG 1"}},
       {"the compiler's own",
	"int f(void) {\n#ifdef __clang__\n return nothing_such();\n#elif __GNUC__ < 3\n return "
	"nothing_such();\n#endif\n return __GNUC__; }",
	{"#define __GNUC__"}},
       {"a prototype of a definition in the old style",
	"void f(int *x, char c);\nvoid f(x, c) int *x; char c; { *x = c; }",
	{"char c"},
	.with = NOT_TCC},
       {"where it stands", "const char *f(int *line) { *line = __LINE__; return __FILE__; }", {NULL}},
       {"offsetof and NULL",
	"#include <stddef.h>\nstruct s { int a, b; };\nvoid *f(int *p) { *p = offsetof(struct s, b); return "
	"NULL; }",
	{"#define offsetof", "#define NULL", "int a, b"}},
       {"assert",
	"#include <assert.h>\nint f(int a) { assert(a > 0); return a; }",
	{"#define assert", "__assert_fail"}})

SHAPES(the_dialect_of_gcc_is_kept,
       {"_Generic",
	"int g(int); long h(long); int f(long a) { return _Generic(a, int: g, long: h)(a); }",
	{"int g(int)", "long h(long)"}},
       {"statement expressions",
	"#define MAX(a, b) ({ __typeof__(a) x = (a), y = (b); x > y ? x : y; })\nint f(int a) { return "
	"MAX(a, 3); }",
	{"#define MAX"}},
       {"variable-length arrays",
	"int f(int n) { int a[n]; a[n - 1] = n; return a[n - 1] + (int)sizeof(a); }",
	{NULL}},
       {"computed goto",
	"int f(int n) { static void *labels[] = { &&a, &&b }; goto *labels[n]; a: return 1; b: return 2; }",
	{NULL}},
       {"inline assembly",
	"int f(int a) { __asm__(\"addl $1, %0\" : \"+r\"(a)); return a; }",
	{NULL},
	{NULL},
	{0},
	NOT_TCC},
       {"a weak reference",
	"__attribute__((weakref(\"g\"))) static int h(int); int f(int a) { return h(a); }",
	{"static __attribute__((weakref(\"g\"))) int h(int);"},
	{"extern"},
	{0},
	NOT_TCC},
       {"attributes in two brackets",
	"[[nodiscard]] int g(int); int f(int a) { return g(a); }",
	{"int g(int);"},
	{"nodiscard"}},
       {"case ranges", "int f(int a) { switch (a) { case 1 ... 5: return 1; default: return 0; } }", {NULL}},
       {"a compound literal",
	"struct s { int a, b; }; int g(const struct s *); int f(void) { return g(&(struct s){ .b = 1 }); }",
	{"struct s { int a, b; }"}},
       {"bit-fields", "struct s { unsigned a : 3, b : 5; }; int f(struct s *s) { return s->b; }", {"b : 5"}},
       {"__int128", "__int128 f(__int128 a) { return a * 3; }", {NULL}, {NULL}, {0}, NOT_TCC},
       {"complex",
	"#include <complex.h>\ndouble f(double _Complex z) { return creal(z * I); }",
	{"creal"},
	{NULL},
	{0},
	NOT_TCC},
       {"_Atomic", "static _Atomic int n; int f(void) { return ++n; }", {"extern _Atomic int n;"}},
       {"vectors",
	"#include <immintrin.h>\nint f(__m128i a) { return _mm_cvtsi128_si32(_mm_add_epi32(a, a)); }",
	{"_mm_add_epi32"},
	{"_mm_sub_epi32"},
	{.absent = " _mm_add_epi32 _mm_cvtsi128_si32 "},
	GCC_ONLY},
       {"nested functions",
	"int f(int a) { int g(int b) { return a + b; } return g(1); }",
	{NULL},
	{NULL},
	{0},
	GCC_ONLY},
       {"fortified headers",
	"#pragma GCC optimize \"O2\"\n#define _FORTIFY_SOURCE 2\n#define __OPTIMIZE__ 1\n#include "
	"<string.h>\n#include <stdio.h>\nint f(char *d, const char *s) { char b[8]; memcpy(b, s, 8); "
	"snprintf(d, 8, \"%s\", b); return 0; }",
	{"memcpy"},
	{NULL},
	{0},
	NOT_TCC})

SHAPES(new_text_brings_what_it_names,
       {"another type",
	"struct a { int x; }; struct b { int y; }; static struct b *bs; int f(struct a *p) { return p->x; }",
	{"struct b { int y; }", "extern struct b *bs;"},
	{"int x"},
	{0},
	ALL,
	"int f(struct a *p)\n{\n\treturn p ? bs->y : 0;\n}"},
       {"a new static",
	"int f(void) { return 1; }",
	{NULL},
	{NULL},
	{0},
	ALL,
	"int f(void) { static int calls; return ++calls; }"},
       {"what stands behind it in the file",
	"int f(void) { return 1; }\nint later(int); struct later { int x; };",
	{"int later(int);", "struct later { int x; }"},
	{NULL},
	{0},
	ALL,
	"int f(void) { struct later l = { 1 }; return later(l.x); }"},
       {"static in its head",
	"static inline int f(int a) { return a; }",
	{"int f(int a) ;"},
	{"static", "inline"},
	{0},
	ALL,
	"static inline int f(int a) { return a ? f(a - 1) : 1; }"},
       {"extra declarations",
	"static int n; int f(void) { return 1; }",
	{"extern int n;", "static int more = 4;", "#define TWICE(x) (2 * (x))"},
	{NULL},
	{0},
	ALL,
	"int f(void) { return TWICE(more) + n; }",
	"static int more = 4;\n#define TWICE(x) (2 * (x))"},
       {"extra hides the file's",
	"struct s { int old; };\n#define M old_macro\nenum { E = 41 };\nint f(void) { return 1; }",
	{"struct s { int fresh; };", "#define M 2"},
	{"int old", "old_macro", "41"},
	{0},
	ALL,
	"int f(void) { struct s s = { M }; return s.fresh + E; }",
	"struct s { int fresh; };\n#define M 2\nenum { E = 3 };"},
       {"extra of a typedef's type hides no typedef",
	"typedef int (*handler_t)(int); int f(void) { return 1; }",
	{"typedef int (*handler_t)(int);"},
	{NULL},
	{0},
	ALL,
	"int f(void) { return h ? h(1) : 0; }",
	"static handler_t (h);"},
       {"a new helper in the extra text",
	"static int n; int f(void) { return 1; }",
	{"extern int n;", "static int helper(void) { return n; }"},
	{NULL},
	{0},
	ALL,
	"int f(void) { return helper(); }",
	"static int helper(void) { return n; }"},
       {"names that a macro pastes",
	"static int get_one(void) { return 1; }\n#define GET(n) get_##n()\nint f(void) { return GET(one); }",
	{"int get_one(void) ;"},
	{NULL},
	{0},
	ALL,
	NULL,
	NULL,
	"get_one\n"})

static void a_second_definition_of_a_name_is_told_from_the_first(void **state)
{
	struct index *ix =
		fixture_index("#define M 1\nstatic int f(void)\n{\n\treturn M;\n}\n#define f f2\n#undef "
			      "M\n#define M 2\n#undef f\n"
			      "struct s { int x; };\nlong f(struct s *s)\n{\n\treturn s->x + M;\n}\n");
	struct program program = {0};
	struct slice first = slice_of(ix, "f", "static int f(void) { return M; }", &program, NULL);
	struct slice second = slice_of(ix, "f", "long f(struct s *s) { return s->x + M; }", &program,
				       &(struct slice_request){.nth = 1});

	(void)state;
	assert_non_null(strstr(first.text, "#define M 1"));
	assert_string_equal(first.prototype, "static int f(void)");
	assert_non_null(strstr(second.text, "#define M 2"));
	assert_string_equal(second.prototype, "long f(struct s *s)");
	assert_compiles(first.text, ALL);
	assert_compiles(second.text, ALL);
	slice_fini(&first);
	slice_fini(&second);
	index_free(ix);
}

static void a_function_new_to_the_file_has_a_slice(void **state)
{
	struct index *ix = fixture_index("static int n;\nint g(void) { return n; }\n");
	struct program program = {0};
	struct slice slice = slice_of(ix, "f", "int f(void) { return n + g(); }", &program, NULL);

	(void)state;
	assert_string_equal(slice.prototype, "");
	assert_compiles(slice.text, ALL);
	slice_fini(&slice);
	index_free(ix);
}

static const char *line_of(const char *text, unsigned line)
{
	while (--line)
		text = strchr(text, '\n') + 1;
	return text;
}

static void lines_and_columns_of_the_text_are_kept(void **state)
{
	static const char text[] = "static inline int\nf(void) { return __LINE__; }";
	struct index *ix = fixture_index("static int f(void) { return 1; }\n");
	struct program program = {0};
	static const char extra[] = "static int x;\n#define Y 1";
	struct slice_request more = {.extra = extra, .extra_size = sizeof(extra) - 1};
	struct slice slice = slice_of(ix, "f", text, &program, &more);

	(void)state;
	assert_memory_equal(line_of(slice.text, slice.user_line - 1), "# 1 \"a.c\"\n", 10);
	assert_memory_equal(line_of(slice.text, slice.user_line),
			    "              int\nf(void) { return __LINE__; }\n", 47);
	assert_int_equal(slice.user_lines, 2);
	assert_memory_equal(line_of(slice.text, slice.extra_line - 1), "# 1 \"a.c\"\nstatic int x;\n", 24);
	slice_fini(&slice);
	index_free(ix);
}

static void a_file_name_with_quotes_is_quoted(void **state)
{
	struct index *ix = fixture_index("int f(void) { return 1; }\n");
	struct slice_names names = {&(struct program){0}, presence, bound, layout, NULL};
	static const char text[] = "int f(void) { return sizeof(__FILE__); }";
	struct slice_request request = {.index = ix,
					.name = "f",
					.text = text,
					.size = sizeof(text) - 1,
					.file = "a \"b\" \\c.c",
					.line = 7};
	struct slice slice;

	(void)state;
	assert_null(slice_new(&request, &names, &slice));
	assert_non_null(strstr(slice.text, "# 7 \"a \\\"b\\\" \\\\c.c\"\n"));
	assert_compiles(slice.text, ALL);
	slice_fini(&slice);
	index_free(ix);
}

/* The names in them are found behind the preprocessor, but for those that it is only asked about. */
static void macros_that_included_files_ask_for_come_along(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/list.def", fixture_directory);
	fixture_write(path,
		      "#if defined(HAVE_ONE) && !defined(HAVE_NONE)\nX(1)\n#endif\n#include \"more.def\"\n");
	snprintf(path, sizeof(path), "%s/more.def", fixture_directory);
	fixture_write(path, "#ifdef HAVE_TWO\nX(SCALE(2))\n#endif\n#include \"list.def.none\"\n");
	struct index *ix = fixture_index("#define HAVE_ONE 1\n#define HAVE_TWO WIDE\n#define WIDE\n"
					 "#define SCALE(n) ((n) * 3)\n#define OTHER 1\n"
					 "int f(void)\n{\n\tint n = 0;\n#define X(v) n += v;\n#if 0\n"
					 "#include \"list.def\"\n#endif\n\treturn n;\n}\n");
	struct slice slice = slice_of(ix, "f", NULL, &(struct program){0}, NULL);
	static const char *const has[] = {"#define HAVE_ONE 1\n", "#define HAVE_TWO WIDE\n", "#define WIDE",
					  "#define SCALE(n) ((n) * 3)\n"};
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++)
		if (!strstr(slice.text, has[i]))
			fail_msg("there is no %s in %s", has[i], slice.text);
	assert_null(strstr(slice.text, "OTHER"));
	slice_fini(&slice);
	index_free(ix);
}

/* A compiler only warns of one in a literal. */
static void a_zero_byte_stays_in_its_place(void **state)
{
	static const char source[] = "static inline const char *g(void) { return \"a\0b\"; }\nint k;\n"
				     "int f(void) { return *g() + k; }\n";
	static const char text[] = "int f(void) { return *g() - k; }";
	struct slice_names names = {&(struct program){0}, presence, bound, layout, NULL};
	char hash[33] = "", *copy = malloc(sizeof(source));
	struct index *ix;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, source, sizeof(source));
	assert_null(indexer_read_text("/a.c", copy, sizeof(source) - 1, NULL, 0, &ix));
	for (int i = 0; i < 2; i++) {
		struct slice_request request = {.index = ix,
						.name = "f",
						.text = text,
						.size = sizeof(text) - 1,
						.file = "a.c",
						.line = 3};
		struct slice slice;
		assert_null(slice_new(&request, &names, &slice));
		assert_non_null(memmem(slice.text, slice.size, "\"a\0b\"", 5));
		assert_int_equal(i, strcmp(slice.hash, hash) == 0); /* the second time it is known */
		memcpy(hash, slice.hash, sizeof(hash));
		slice_fini(&slice);
	}
	index_free(ix);
}

/* --- guards --------------------------------------------------------------------------------------------- */

static const struct target_member members[] = {
	{.name = "id"},
	{.name = "qty", .bit_offset = 64},
	{.bit_offset = 128},
	{.name = "unit", .bit_offset = 128},
	{.name = "flag", .bit_offset = 192, .bit_size = 1},
};
static const struct target_layout order_layout = {32, 5, members};

static const char order_source[] =
	"struct order { long id; int qty; union { double unit; long raw; }; unsigned flag : 1; };\n"
	"int f(const struct order *o) { return o->qty + o->unit + o->flag; }\n";

static void what_the_text_relies_on_is_guarded(void **state)
{
	struct index *ix = fixture_index(order_source);
	struct program program = {.layout = &order_layout};
	struct slice slice = slice_of(ix, "f", NULL, &program, NULL);

	(void)state;
	assert_int_equal(slice.guard_count, 3);
	assert_string_equal(slice.guards[0].subject, "struct order");
	assert_false(slice.guards[0].offset);
	assert_int_equal(slice.guards[0].value, 32);
	assert_string_equal(slice.guards[1].subject, "struct order.qty");
	assert_true(slice.guards[1].offset);
	assert_int_equal(slice.guards[1].value, 8);
	assert_string_equal(slice.guards[2].subject, "struct order.unit");
	for (size_t i = 0; i < slice.guard_count; i++)
		assert_memory_equal(line_of(slice.text, slice.guards[i].line), "_Static_assert(", 15);
	assert_compiles(slice.text, ALL);
	slice_fini(&slice);
	index_free(ix);
}

static void what_is_only_mentioned_is_not_guarded(void **state)
{
	struct index *ix = fixture_index(
		"struct order { long id; }; void g(struct order *); void f(struct order *o) { g(o); }\n");
	struct program program = {.layout = &order_layout};
	struct slice slice = slice_of(ix, "f", NULL, &program, NULL);

	(void)state;
	assert_int_equal(slice.guard_count, 0);
	slice_fini(&slice);
	index_free(ix);
}

/* --- identity ------------------------------------------------------------------------------------------- */

static void hash_of(const char *source, const char *text, char hash[33])
{
	struct index *ix = fixture_index(source);
	struct program program = {0};
	struct slice slice = slice_of(ix, "f", text, &program, NULL);

	memcpy(hash, slice.hash, 33);
	assert_int_equal(strlen(hash), 32);
	slice_fini(&slice);
	index_free(ix);
}

static void space_comments_and_lines_do_not_change_the_identity(void **state)
{
	static const char *const same[] = {
		"#define M(x) (x + 1)\nstruct s { int a; };\nint f(struct s *s) {\n#if 1\n\treturn "
		"M(s->a);\n#endif\n}\n",
		"\n\n\n#define M(x)   (x + 1) /* one */\nint unrelated(void) { return 3; }\nstruct "
		"s\n{\n\tint a; // a\n};\n\n"
		"int f(struct s *s)\n{\n#if   1 /* on */\n\n\treturn  M( s->a ) ;\n# endif // off\n}\nint "
		"more;\n",
	};
	char first[33], second[33];

	(void)state;
	hash_of(same[0], NULL, first);
	hash_of(same[1], NULL, second);
	assert_string_equal(first, second);
}

static void what_changes_the_meaning_changes_the_identity(void **state)
{
	static const char *const sources[] = {
		"#define M 1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; } "
		"int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 2\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; } "
		"int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 1\nenum { E = 2 }; struct s { int a; }; static inline int g(int a) { return a; } "
		"int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 1\nenum { E = 1 }; struct s { long a; }; static inline int g(int a) { return a; } "
		"int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return -a; } "
		"int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; } "
		"long n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M 1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; } "
		"int n; int f(struct s *s) { return M + E + s->a - g(n); }",
		"#define M() 1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; "
		"} int n; int f(struct s *s) { return M + E + s->a + g(n); }",
		"#define M ()1\nenum { E = 1 }; struct s { int a; }; static inline int g(int a) { return a; "
		"} int n; int f(struct s *s) { return M + E + s->a + g(n); }",
	};
	enum { COUNT = sizeof(sources) / sizeof(*sources) };
	char hashes[COUNT][33];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		hash_of(sources[i], NULL, hashes[i]);
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(hashes[i], hashes[k]);
}

static void what_is_not_used_does_not_change_the_identity(void **state)
{
	char first[33], second[33];

	(void)state;
	hash_of("#define N 1\nstruct t { int a; }; static int n = 1; static int g(void) { return 1; } int "
		"f(void) { return n + g(); }\n",
		NULL, first);
	hash_of("#define N 2\nstruct t { long b; }; static int n = 2; static int g(void) { return 2; } int "
		"f(void) { return n + g(); }\n",
		NULL, second);
	assert_string_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_come_whole_only_where_the_text_looks_inside),
		cmocka_unit_test(variables_are_extern_and_keep_their_values),
		cmocka_unit_test(functions_are_prototypes_or_come_with_their_bodies),
		cmocka_unit_test(macros_are_those_in_force),
		cmocka_unit_test(the_dialect_of_gcc_is_kept),
		cmocka_unit_test(new_text_brings_what_it_names),
		cmocka_unit_test(a_second_definition_of_a_name_is_told_from_the_first),
		cmocka_unit_test(a_function_new_to_the_file_has_a_slice),
		cmocka_unit_test(lines_and_columns_of_the_text_are_kept),
		cmocka_unit_test(a_file_name_with_quotes_is_quoted),
		cmocka_unit_test(a_zero_byte_stays_in_its_place),
		cmocka_unit_test(macros_that_included_files_ask_for_come_along),
		cmocka_unit_test(what_the_text_relies_on_is_guarded),
		cmocka_unit_test(what_is_only_mentioned_is_not_guarded),
		cmocka_unit_test(space_comments_and_lines_do_not_change_the_identity),
		cmocka_unit_test(what_changes_the_meaning_changes_the_identity),
		cmocka_unit_test(what_is_not_used_does_not_change_the_identity),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
