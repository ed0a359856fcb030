/* What libclang says of a slice: of the text that was given, in its lines and columns; of layouts and
 * signatures that the program relies on; and what must not be left to libtcc. */
#include "check.h"
#include "cursor.h"
#include "fixture.h"
#include "libclang.h"
#include "warm.h"

#include <clang-c/Index.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

static struct check *check;
static struct check_result result;
static bool ahead;            /* each slice is one that was expected */
static unsigned seen, joined; /* of those with f: how many, and how many of two files */

/* The program: everything is present; struct order as given. */
static const struct target_layout *order_layout;

static enum slice_presence present(void *context, const char *name)
{
	(void)context;
	(void)name;
	return SLICE_PRESENT;
}

static bool layout(void *context, enum target_tag tag, const char *name, struct target_layout *out)
{
	(void)context;
	if (!order_layout || tag != TARGET_STRUCT || strcmp(name, "order") != 0)
		return false;
	*out = *order_layout;
	return true;
}

struct given {
	const char *source, *text, *extra;
	const char *flag;
	bool guards_held;
};

static void count_joined(void)
{
	CXCursor function = cursor_find_function(check_unit(check), "f");

	if (clang_Cursor_isNull(function))
		return;
	seen++;
	joined += !clang_Location_isFromMainFile(clang_getCursorLocation(function));
}

/* Fills `result` for function f; its text is called given.c and begins at line 100 there. */
static void check_given(const struct given *g)
{
	struct index *ix = fixture_index_with(g->source, "gcc", g->flag, NULL);
	struct slice_names names = {NULL, present, NULL, layout, NULL};
	struct slice_request request = {.index = ix,
					.name = "f",
					.text = g->text,
					.size = strlen(g->text),
					.file = "/a.c",
					.line = 7,
					.extra = g->extra,
					.extra_size = g->extra ? strlen(g->extra) : 0};
	const char *const argv[] = {"gcc", g->flag, NULL};
	const struct check_place place = {.file = "given.c", .line = 100, .extra_file = "given.c"};
	struct slice slice;

	check_result_fini(&result);
	assert_null(slice_new(&request, &names, &slice));
	slice.guards_held = g->guards_held;
	if (ahead) {
		check_expect(check, &slice, argv);
		check_read_ahead(check);
	}
	assert_null(check_slice(check, &slice, "f", argv, &place, &result));
	if (ahead)
		count_joined();
	slice_fini(&slice);
	index_free(ix);
}

static void check_text(const char *source, const char *text)
{
	check_given(&(struct given){.source = source, .text = text});
}

static const struct check_diagnostic *only_diagnostic(void)
{
	assert_int_equal(result.count, 1);
	return &result.diagnostics[0];
}

static int open_check(void **state)
{
	struct error *e = check_new(&check);

	error_free(e);
	return e ? -1 : fixture_open(state);
}

static int close_check(void **state)
{
	check_result_fini(&result);
	check_free(check);
	return fixture_close(state);
}

static void good_text_passes(void **state)
{
	(void)state;
	check_text("struct order { int qty; }; int f(struct order *o) { return o->qty; }",
		   "int f(struct order *o) { return o->qty * 2; }");
	assert_false(result.failed);
	assert_int_equal(result.count, 0);
	assert_false(result.needs_cc);
	assert_null(result.missing);
	assert_null(result.constants);
	assert_string_equal(result.signature, "int f(struct order *)");
}

static void a_variable_may_have_a_builtins_name(void **state)
{
	(void)state;
	check_text("static int index, abs; static double exp; int f(int a) { return a; }",
		   "int f(int a) { return index + abs + (int)exp + a; }");
	assert_false(result.failed);
	assert_int_equal(result.count, 0);
	check_text("int index; int printf(const char *, ...); int f(int a) { return a; }",
		   "int f(int a) { return index + printf(\"%s\", a); }");
	assert_false(result.failed);
	assert_non_null(strstr(only_diagnostic()->message, "format specifies type"));
}

static void an_error_stands_at_its_line_and_column(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }", "static int f(int a)\n{\n\tint n = a\n\treturn n;\n}");
	const struct check_diagnostic *d = only_diagnostic();
	assert_true(result.failed);
	assert_int_equal(result.class, ERROR_COMPILE);
	assert_string_equal(d->file, "given.c");
	assert_int_equal(d->line, 102);
	assert_int_equal(d->column, 11);
	assert_string_equal(d->severity, "error");
	assert_string_equal(d->source, "\tint n = a");
	assert_string_equal(result.message, d->message);
	assert_non_null(strstr(d->message, "expected ';'"));
}

/* The loader's attributes are left out of the slice; also of a macro that goes over several lines. */
static void an_error_below_a_list_of_attributes_stands_at_its_line(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }",
		   "#define EARLY __attribute__((constructor( \\\n\t101)))\n"
		   "__attribute__((destructor(\n\t102\n))) EARLY int f(int a)\n{\n\treturn b;\n}");
	const struct check_diagnostic *d = only_diagnostic();
	assert_string_equal(d->message, "use of undeclared identifier 'b'");
	assert_int_equal(d->line, 106);
	assert_string_equal(d->source, "\treturn b;");
}

/* gcc takes them in every dialect. */
static void attributes_in_double_brackets_are_taken(void **state)
{
	(void)state;
	check_given(&(struct given){
		.source = "[[nodiscard]] int g(int a [[maybe_unused]], int b);\n"
			  "[[gnu::cold]] [[deprecated(\"]]\")]] int h(void);\n"
			  "struct [[gnu::packed]] pair { char c; int i; };\n"
			  "#define FALLTHROUGH [[__fallthrough__]]\n"
			  "[[nodiscard]] int f(int a) { return a; }",
		.text = "[[nodiscard]] int f(int a)\n{\n\tstruct pair p = {1, 2};\n\t[[maybe_unused]] int "
			"m[2] = {g(h(), p.i)};\n"
			"\tswitch (a) {\n\tcase 1:\n\t\ta += m[m[0]];\n\t\tFALLTHROUGH;\n\tcase "
			"2:\n\t\treturn \"[[a]]\"[a] + sizeof(p);\n"
			"\t}\n\treturn a;\n}",
		.flag = "-std=gnu17"});
	assert_int_equal(result.count, 0);
	assert_false(result.failed);
}

static void the_source_line_is_as_it_was_given(void **state)
{
	(void)state;
	check_text("static int f(int a) { return a; }", "static inline int f(int a) { return b; }");
	assert_string_equal(only_diagnostic()->source, "static inline int f(int a) { return b; }");
	assert_int_equal(only_diagnostic()->column, 37);
}

static void an_error_in_the_extra_text_counts_from_its_first_line(void **state)
{
	(void)state;
	check_given(&(struct given){"int f(void) { return 1; }", "int f(void) { return x; }",
				    "#define X 1\n\nstatic int x = ;", NULL, false});
	const struct check_diagnostic *d = only_diagnostic();
	assert_string_equal(d->file, "given.c");
	assert_int_equal(d->line, 3);
	assert_int_equal(d->column, 16);
	assert_string_equal(d->source, "static int x = ;");
}

static void an_error_through_a_macro_stands_where_it_is_used(void **state)
{
	(void)state;
	check_text("#define BAD(x) ((x) + nothing)\nint f(int a) { return a; }",
		   "int f(int a)\n{\n\treturn BAD(a);\n}");
	assert_int_equal(only_diagnostic()->line, 102);
	assert_int_equal(only_diagnostic()->column, 9);
}

static void an_error_in_the_files_declarations_stands_in_the_file(void **state)
{
	(void)state;
	check_text("int a;\n\nextern __typeof__(nothing) n;\nint f(void) { return 1; }",
		   "int f(void) { return n; }");
	assert_true(result.failed);
	assert_string_equal(result.diagnostics[0].file, fixture_path);
	assert_int_equal(result.diagnostics[0].line, 3);
}

static void several_errors_come_in_order(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }", "int f(int a)\n{\n\tb = 1;\n\tc = 2;\n\treturn d;\n}");
	assert_int_equal(result.count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(result.diagnostics[i].line, 102 + i);
	assert_string_equal(result.missing, "b\nc\nd\n");
}

static void warnings_are_of_the_users_text_alone(void **state)
{
	(void)state;
	check_text(
		"#define CAST(p) ((int)(p))\nstatic inline int g(int a) { if (a = 3) return 1; return 0; }\n"
		"int f(int a) { return g(a); }",
		"int f(int a)\n{\n\tif (a = 4)\n\t\treturn g(a);\n\treturn 0;\n}");
	assert_false(result.failed);
	const struct check_diagnostic *d = only_diagnostic();
	assert_string_equal(d->severity, "warning");
	assert_int_equal(d->line, 102);
}

static void a_warning_in_the_extra_text_is_told(void **state)
{
	(void)state;
	check_given(&(struct given){"int f(void) { return 1; }", "int f(void) { return g(1); }",
				    "static int g(int a)\n{ if (a = 3) return 1; return 0; }", NULL, false});
	assert_int_equal(only_diagnostic()->line, 2);
}

static void another_signature_is_told_with_both(void **state)
{
	(void)state;
	check_text("struct order;\nstatic double f(const struct order *o) { return 0; }",
		   "static double f(struct order *o, int n) { return n; }");
	assert_true(result.failed);
	assert_int_equal(result.class, ERROR_SIGNATURE);
	assert_string_equal(result.message,
			    "the signature differs: the program has double f(const struct order *), "
			    "this is double f(struct order *, int)");
	check_text("int f(int a) { return a; }", "long f(int a) { return a; }");
	assert_int_equal(result.class, ERROR_SIGNATURE);
	check_text("char *f(void) { return 0; }", "const char *f(void) { return 0; }");
	assert_int_equal(result.class, ERROR_SIGNATURE);
	assert_string_equal(
		result.message,
		"the signature differs: the program has char *f(void), this is const char *f(void)");
}

static void another_linkage_is_no_other_signature(void **state)
{
	(void)state;
	check_text("static int f(int a) { return a; }", "int f(int a) { return a; }");
	assert_false(result.failed);
	check_text("int f(int a) { return a; }", "static inline int f(int b) { return b; }");
	assert_false(result.failed);
}

static const struct target_member members[] = {{.name = "id", .bit_offset = 0},
					       {.name = "qty", .bit_offset = 96}};

static void a_layout_that_changed_is_told_with_both_sizes(void **state)
{
	struct target_layout was = {24, 2, members};

	(void)state;
	order_layout = &was;
	check_text("struct order { long id; int qty; };\nint f(struct order *o) { return o->qty; }",
		   "int f(struct order *o) { return o->qty; }");
	order_layout = NULL;
	assert_true(result.failed);
	assert_int_equal(result.class, ERROR_LAYOUT);
	assert_string_equal(result.message, "struct order has size 24 in the running program, 16 here");
	assert_int_equal(result.count, 2);
	assert_string_equal(result.diagnostics[1].message,
			    "struct order.qty is at byte 12 in the running program, 8 here");
	/* Where the type stands, not an assertion that nobody has written. */
	assert_int_equal(result.diagnostics[0].line, 1);
	assert_string_equal(result.diagnostics[0].source, "struct order { long id; int qty; };");
}

/* Here it does not hold, to show that it is not asked; what else there is to say is said of the same place. */
static void an_assertion_that_is_known_to_hold_is_not_read(void **state)
{
	struct target_layout was = {24, 2, members};
	struct given given = {.source = "struct order { long id; int qty; };\n"
					"int f(struct order *o) { return o->qty; }",
			      .text = "int f(struct order *o)\n{\n\treturn o->qty + rebate;\n}",
			      .guards_held = true};

	(void)state;
	order_layout = &was;
	check_given(&given);
	order_layout = NULL;
	assert_int_equal(result.class, ERROR_COMPILE);
	const struct check_diagnostic *d = only_diagnostic();
	assert_string_equal(d->message, "use of undeclared identifier 'rebate'");
	assert_int_equal(d->line, 102);
	assert_int_equal(d->column, 18);
	assert_string_equal(d->source, "\treturn o->qty + rebate;");
}

/* It stands behind the definition, whose text is another one each time. */
static void an_assertion_of_a_type_that_the_text_defines_is_always_read(void **state)
{
	struct target_layout was = {24, 2, members};
	struct given given = {
		.source = "struct order { long id; int pad, qty; long note; } f(void)\n"
			  "{\n\treturn (struct order){.id = 1};\n}",
		.text = "struct order { long id; int pad, qty; } f(void) { return (struct order){.id = 1}; }",
		.guards_held = true};

	(void)state;
	order_layout = &was;
	check_given(&given);
	order_layout = NULL;
	assert_int_equal(result.class, ERROR_LAYOUT);
	assert_string_equal(result.message, "struct order has size 24 in the running program, 16 here");
}

static void a_layout_that_is_the_same_passes(void **state)
{
	struct target_layout is = {
		16, 2,
		(struct target_member[]){{.name = "id", .bit_offset = 0}, {.name = "qty", .bit_offset = 64}}};

	(void)state;
	order_layout = &is;
	check_text("struct order { long id; int qty; };\nint f(struct order *o) { return o->qty; }",
		   "int f(struct order *o) { return o->qty; }");
	order_layout = NULL;
	assert_false(result.failed);
}

static void a_missing_name_is_named(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }", "int f(int a) { return helper(a); }");
	assert_string_equal(result.missing, "helper\n");
	assert_true(result.failed);
	check_text("int f(int a) { return a; }", "int f(int a) { thing_t t = a; return t; }");
	assert_memory_equal(result.missing, "thing_t\n", 8);
	check_text("int f(int a) { return a; }", "int f(int a) { return printf(\"%d\", a); }");
	assert_string_equal(result.missing, "printf\n");
}

static void a_type_that_is_incomplete_is_said(void **state)
{
	(void)state;
	check_text("struct hidden; int f(struct hidden *h) { return !h; }",
		   "int f(struct hidden *h) { struct hidden v; return sizeof(v); }");
	assert_true(result.incomplete);
	check_text("int f(int a) { return a; }", "int f(int a) { return b; }");
	assert_false(result.incomplete);
}

static void shapes_that_libtcc_passes_otherwise_need_cc(void **state)
{
	static const struct {
		const char *source, *text;
		bool needs_cc;
	} shapes[] = {
		{"struct s { struct { int a, b; } in; int c; };",
		 "int f(struct s o) { struct s s = { .in = o.in, .in.b = 2 }; return s.in.a; }", true},
		{"", "int f(int a) { int b[3] = { [1] = a++, [1] = 2 }; return b[1] + a; }", true},
		{"", "int f(int a) { int b[3] = { [1] = a++, [0] = 2 }; return b[1] + a; }", false},
		{"", "int f(int a, char b, double c, float d, void *e) { return a; }", false},
		{"struct s { double d; int i; }; int g(struct s *);",
		 "int f(int a) { struct s s = { a, a }; return g(&s); }", false},
		{"struct s { double d; int i; };", "int f(struct s s) { return s.i; }", true},
		{"struct s { double d; int i; };", "struct s f(int a) { struct s s = { a, a }; return s; }",
		 true},
		{"struct s { double d; int i; }; int g(struct s);",
		 "int f(int a) { struct s s = { a, a }; return g(s); }", true},
		{"struct s { double d; int i; }; struct s g(void);", "int f(int a) { return g().i; }", true},
		{"struct s { double d; int i; }; int (*hook)(struct s);",
		 "int f(int a) { struct s s = { a, a }; return hook(s); }", true},
		{"struct s { double d; int i; }; int g(int, ...);",
		 "int f(int a) { struct s s = { a, a }; return g(1, s); }", true},
		{"#include <stdarg.h>\nstruct s { double d; int i; };",
		 "int f(int n, ...) { va_list ap; va_start(ap, n); struct s s = va_arg(ap, struct s); "
		 "va_end(ap); return s.i; }",
		 true},
		{"struct b { unsigned a : 1, b : 1; }; int g(struct b *);",
		 "int f(int a) { struct b s = { a }; return g(&s); }", false},
		{"#include <stdarg.h>\nstruct s { double d; int i; }; int g(struct s *);",
		 "int f(int n, struct s *a, struct s *b) { struct s c = *a; *b = c; return g(&c); }", false},
		{"struct s { int a[200]; int n; char rest[]; }; int g(struct s);",
		 "int f(struct s *s) { return g(*s) + s->n; }", false},
		{"struct s { int a[200]; };  int g(struct s);",
		 "int f(struct s *s) { return g(*s) + s->a[0]; }", false},
		{"struct s { char a[200]; double _Complex z; }; int g(struct s);",
		 "int f(struct s *s) { return g(*s) + s->a[0]; }", true},
		{"struct s { _Atomic int n; int m; }; extern struct s v;", "int f(void) { return v.m; }",
		 false},
		{"struct s { _Atomic int n; int m; }; extern struct s v;", "int f(void) { return v.n; }",
		 false},
		{"struct s { _Atomic(int) n; int m; }; extern struct s v;",
		 "int f(struct s *s) { _Atomic int *p = &v.n; return *p + (s->n ? s[1].n : 2); }", false},
		{"struct s { _Atomic int n; int m; }; extern struct s v;",
		 "int f(void) { v.n = 3; return 0; }", true},
		{"struct s { _Atomic int n; int m; }; extern struct s v;",
		 "int f(_Atomic int *p) { *p += 3; return 0; }", true},
		{"extern _Atomic(_Atomic(int) *) p;", "_Atomic(int) *f(void) { return p++; }", true},
		{"extern _Atomic int n;", "int f(void) { return __atomic_fetch_add(&n, 1, 5); }", false},
		{"extern _Atomic long double n;", "int f(void) { return n > 1; }", true},
		{"extern _Atomic int n;", "int f(void) { return ++n; }", true},
		{"extern _Atomic int n;", "int f(void) { return (int)sizeof(int); }", false},
		{"", "int f(int a) { _Atomic int n = a; return n; }", true},
		{"struct p { char c[3]; }; struct s { _Atomic struct p p; int m; }; extern struct s v;",
		 "int f(void) { return v.m; }", true},
		{"", "double _Complex f(double a) { return a; }", true},
		{"", "__int128 f(int a) { return a; }", true},
		{"__int128 g(int);", "int f(int a) { return (int)g(a); }", true},
		{"typedef int v4 __attribute__((vector_size(16))); v4 g(v4);",
		 "int f(v4 *a) { *a = g(*a); return 0; }", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		check_text(shapes[i].source, shapes[i].text);
		if (result.failed || result.needs_cc != shapes[i].needs_cc)
			fail_msg("%s %s: %s, cc %s", shapes[i].source, shapes[i].text,
				 result.failed ? result.message : "good",
				 result.needs_cc ? "needed" : "not needed");
	}
}

static void constant_statics_are_listed(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }",
		   "int f(int a)\n{\n\tstatic const int table[] = { 1, 2 };\n\tstatic const char *text = "
		   "\"x\";\n"
		   "\tstatic const char *const fixed = \"y\"; static char *const grid[2][2]; static char "
		   "*moving[2];\n\tconst int local = 3;\n\tstatic int counter;\n"
		   "\t(void)grid; (void)moving; return table[a] + *text + *fixed + local + counter++;\n}");
	assert_false(result.failed);
	assert_string_equal(result.constants[0], "table");
	assert_string_equal(result.constants[1], "fixed");
	assert_string_equal(result.constants[2], "grid");
	assert_null(result.constants[3]);
}

static void the_programs_dialect_is_taken_over(void **state)
{
	(void)state;
	check_given(&(struct given){"int f(void) { return 1; }",
				    "int f(void) { return (char)-1 < 0 ? nothing : 1; }", NULL, NULL, false});
	assert_true(result.failed);
	check_given(&(struct given){"int f(void) { return 1; }",
				    "int f(void) { _Static_assert((char)-1 > 0, \"unsigned\"); return 1; }",
				    NULL, "-funsigned-char", false});
	assert_false(result.failed);
	check_given(&(struct given){"int f(void) { return 1; }",
				    "int f(void) { struct s { char c; long n; };\n"
				    "_Static_assert(sizeof(struct s) == 10, \"packed\"); return 1; }",
				    NULL, "-fpack-struct=2", false});
	assert_false(result.failed);
	check_given(&(struct given){"int f(void) { return 1; }", "int f(void) { int asm = 1; return asm; }",
				    NULL, "-std=c99", false});
	assert_false(result.failed);
	check_given(&(struct given){"int f(void) { return 1; }", "int f(void) { int asm = 1; return asm; }",
				    NULL, "-std=gnu99", false});
	assert_true(result.failed);
}

static void text_that_is_no_c_is_told_and_nothing_breaks(void **state)
{
	static const char *const texts[] = {"",
					    "}",
					    "int f(",
					    "int f(void) {",
					    "#",
					    "#error don't",
					    "int f(void) { /*",
					    "\"",
					    "int f(void) { return 1; } }",
					    "int f(void) { return `; }",
					    "#include \"nowhere.h\"\nint f(void) { return 1; }"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		check_text("int f(void) { return 1; }", texts[i]);
		if (*texts[i] && strcmp(texts[i], "#") != 0)
			assert_true(result.failed);
	}
	check_text("int f(void) { return 1; }", "int f(void) { return 2; }");
	assert_false(result.failed);
}

/* In a file that is included libclang says of an inline function what it does not say of the main file's. */
static void an_inline_function_may_name_a_static_variable(void **state)
{
	(void)state;
	check_text("int f(int a) { return a; }",
		   "int f(int a) { return a; }\nstatic int n;\ninline int g(int a) { return a + n; }");
	assert_false(result.failed);
	assert_int_equal(result.count, 0);
}

static void a_condition_may_begin_before_the_definition(void **state)
{
	(void)state;
	check_given(&(struct given){.source = "int f(int a) { return a; }",
				    .text = "int f(int a) { return a + 1; }\n#endif\n",
				    .extra = "#if 1\nstruct two { char c; };"});
	assert_false(result.failed);
}

static int expect_each(void **state)
{
	ahead = true;
	return open_check(state);
}

static void most_slices_were_read_ahead(void **state)
{
	(void)state;
	assert_int_equal(ahead, seen > 0);
	assert_true(joined >= seen / 2);
}

/* Whatever libclang began with, a slice is read as its own flags say. */
static void what_it_begins_with_is_no_other_slices_matter(void **state)
{
	const char *const argv[] = {"gcc", "-O2", "-funsigned-char", NULL};
	const char *const is_unsigned =
				  "int f(void)\n{\n\t_Static_assert((char)-1 > 0, \"\");\n\treturn 0;\n}",
			  *const is_signed =
				  "int f(void)\n{\n\t_Static_assert((char)-1 < 0, \"\");\n\treturn 0;\n}";
	const struct {
		const char *flag, *text;
		bool failed;
	} slices[] = {
		{"-funsigned-char", is_unsigned, false},
		{"-O0", is_unsigned, true},
		{"-O0", is_signed, false},
		{"-funsigned-char", is_signed, true},
	};

	(void)state;
	check_begin(check, argv);
	for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++) {
		check_given(&(struct given){
			.source = "int f(void);\n", .text = slices[i].text, .flag = slices[i].flag});
		assert_int_equal(result.failed, slices[i].failed);
	}
	check_begin(check, argv); /* once is enough */
}

/* It would be no use, or do harm, if libclang stopped in it. */
static void what_libclang_begins_with_is_c(void **state)
{
	struct CXUnsavedFile file = {"warm.c", warm_text, strlen(warm_text)};
	const char *const arguments[] = {"-undef", "-nostdinc"};
	CXTranslationUnit read = NULL;

	(void)state;
	assert_null(libclang_load());
	CXIndex clang = clang_createIndex(0, 0);
	assert_int_equal(clang_parseTranslationUnit2(clang, "warm.c", arguments, 2, &file, 1, 0, &read),
			 CXError_Success);
	for (unsigned i = 0; i < clang_getNumDiagnostics(read); i++) {
		CXDiagnostic d = clang_getDiagnostic(read, i);
		assert_true(clang_getDiagnosticSeverity(d) < CXDiagnostic_Error);
		clang_disposeDiagnostic(d);
	}
	assert_false(clang_Cursor_isNull(cursor_find_function(read, "sum")));
	clang_disposeTranslationUnit(read);
	clang_disposeIndex(clang);
}

static int open_fresh_check(void **state)
{
	check_free(check);
	check = NULL;
	struct error *e = check_new(&check);

	(void)state;
	error_free(e);
	return e ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_it_begins_with_is_no_other_slices_matter, open_fresh_check),
		cmocka_unit_test(what_libclang_begins_with_is_c),
		cmocka_unit_test(good_text_passes),
		cmocka_unit_test(a_variable_may_have_a_builtins_name),
		cmocka_unit_test(an_error_stands_at_its_line_and_column),
		cmocka_unit_test(an_error_below_a_list_of_attributes_stands_at_its_line),
		cmocka_unit_test(attributes_in_double_brackets_are_taken),
		cmocka_unit_test(the_source_line_is_as_it_was_given),
		cmocka_unit_test(an_error_in_the_extra_text_counts_from_its_first_line),
		cmocka_unit_test(an_error_through_a_macro_stands_where_it_is_used),
		cmocka_unit_test(an_error_in_the_files_declarations_stands_in_the_file),
		cmocka_unit_test(several_errors_come_in_order),
		cmocka_unit_test(warnings_are_of_the_users_text_alone),
		cmocka_unit_test(a_warning_in_the_extra_text_is_told),
		cmocka_unit_test(another_signature_is_told_with_both),
		cmocka_unit_test(another_linkage_is_no_other_signature),
		cmocka_unit_test(a_layout_that_changed_is_told_with_both_sizes),
		cmocka_unit_test(an_assertion_that_is_known_to_hold_is_not_read),
		cmocka_unit_test(an_assertion_of_a_type_that_the_text_defines_is_always_read),
		cmocka_unit_test(a_layout_that_is_the_same_passes),
		cmocka_unit_test(a_missing_name_is_named),
		cmocka_unit_test(a_type_that_is_incomplete_is_said),
		cmocka_unit_test(shapes_that_libtcc_passes_otherwise_need_cc),
		cmocka_unit_test(constant_statics_are_listed),
		cmocka_unit_test(the_programs_dialect_is_taken_over),
		cmocka_unit_test(text_that_is_no_c_is_told_and_nothing_breaks),
		cmocka_unit_test(an_inline_function_may_name_a_static_variable),
		cmocka_unit_test(a_condition_may_begin_before_the_definition),
		cmocka_unit_test(most_slices_were_read_ahead),
	};

	/* All that is said of a slice is the same where its beginning was read before. */
	return cmocka_run_group_tests_name("check", tests, open_check, close_check) +
	       cmocka_run_group_tests_name("check, read ahead", tests, expect_each, close_check);
}
