/* Entries: which text is complete, and what goes on in the next line. */
#include "entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What completeness rests on: how the text falls into tokens. */
static void text_falls_into_the_tokens_of_the_standard(void **state)
{
	(void)state;
	static const struct {
		const char *text, *tokens; /* their spellings, a space behind each */
	} cases[] = {
		{"a+++b->c", "a ++ + b -> c "},
		{"x<<=3...", "x <<= 3... "},
		{"f(1.5e+3, .5, 0x1p-3)", "f ( 1.5e+3 , .5 , 0x1p-3 ) "},
		{"L\"a\" u8\"b\" U'c' L d", "L\"a\" u8\"b\" U'c' L d "},
		{"\"a\\\"b\" '\\''", "\"a\\\"b\" '\\'' "},
		{"a/*b*/c//d\ne", "a c e "},
		{"a // b \\\nc\nd", "a d "},
		{"#define A /* x\n */ 3 // c\nb", "#define A /* x\n */ 3 // c b "},
		{"a # b", "a # b "},
		{"<: :> <% %>", "<: :> <% %> "},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token_reader r;
		struct token t;
		char found[200] = "";
		token_reader_init(&r, cases[i].text, (uint32_t)strlen(cases[i].text));
		for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
			strncat(found, cases[i].text + t.begin, t.end - t.begin);
			strcat(found, " ");
		}
		assert_string_equal(found, cases[i].tokens);
	}
}

static enum entry_state judge(const char *text)
{
	return entry_judge(text, strlen(text));
}

static void expect_all(const char *const *texts, enum entry_state state)
{
	static const char *const names[] = {"empty", "open", "complete"};

	for (; *texts; texts++) {
		enum entry_state found = judge(*texts);
		if (found != state)
			fail_msg("%s, not %s: %s", names[found], names[state], *texts);
	}
}

static void white_space_and_comments_are_empty(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",     " ",  "\t\r", "\n\n", "// price", "/* price */", "/* a\n b */", "  /* a */ // b",
		"\f\v", NULL,
	};
	expect_all(texts, ENTRY_EMPTY);
}

static void expressions_and_statements_are_complete(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"price(&o)",
		"a * f(x)",
		"x = 3",
		"x",
		"$1",
		"$",
		"42",
		"sizeof x",
		"sizeof(int)",
		"sizeof(struct order)",
		"*p",
		"&o",
		"o.qty",
		"o->qty",
		"x++",
		"x--",
		"--x",
		"!x",
		"(int)x",
		"(struct order *)p",
		"a[3]",
		"\"text\"",
		"\"a\" \"b\"",
		"'c'",
		"'('",
		"\"(\"",
		"f(\")\")",
		"f('(')",
		"x = y;",
		"x = 3; y = 4;",
		"return 3;",
		"return f(x)",
		"{ int i = 3; f(i); }",
		"if (x) y = 3;",
		"if (x) { y = 3; }",
		"for (int i = 0; i < 3; i++) f(i);",
		"while (f(x));",
		"do { f(x); } while (y);",
		"switch (x) { case 1: f(); }",
		"goto out;",
		"(struct order){.qty = 3}",
		"f((struct order){.qty = 3}, x)",
		"f(\n\tx,\n\ty)",
		"x /* y */",
		"x // y",
		"va_arg(ap, int)",
		"offsetof(struct order, qty)",
		"container_of(p, struct order, node)",
		"f(void *)",
		"({ int i = 3; i; })",
		"x ? y : z",
		"f(sizeof(int), sizeof x)",
		"f(a, b * c)",
		"main(argc, argv)",
		"a <: 3 :>",
		"asm(\"nop\")",
		"__asm__ volatile (\"nop\")",
		"_Static_assert(1, \"x\")",
		"p x",
		"f()",
		"f(x)(y)",
		"(*fp)(x)",
		"table[3](x)",
		"x = f(y)",
		"int x = f(y)",
		"\xc3\xa9t\xc3\xa9 = 3",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
}

static void declarations_are_complete(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"int x;",
		"int x",
		"int x = 3",
		"int x, y",
		"unsigned long n",
		"const char *s = \"a;b\"",
		"struct order o",
		"struct order o = {.qty = 3}",
		"struct order o = {\n\t.qty = 3,\n}",
		"struct order *o, **p",
		"int a[3]",
		"int a[] = {1, 2, 3};",
		"struct order;",
		"struct order { int qty; };",
		"struct order {\n\tint qty;\n};",
		"struct order { int qty; }",
		"enum color { RED, GREEN };",
		"typedef int number;",
		"typedef struct order order_t;",
		"typedef struct {\n\tint x;\n} pair;",
		"order_t o",
		"order_t *o;",
		"static int n;",
		"extern int n;",
		"extern int f(int);",
		"double price(const struct order *o);",
		"static inline int f(void);",
		"int (*fp)(int)",
		"int (*fp)(int);",
		"typeof(x) y = x",
		"__typeof__(x) y",
		"_Alignas(16) char buffer[64]",
		"int x __attribute__((aligned(8)))",
		"static int f(int) __attribute__((noinline));",
		"_Atomic int n",
		"_Atomic(int) n",
		"unsigned x",
		"REALTIMEFUNC int f(int);",
		"int x; int y",
		"ATTR(x) int y;",
		"static ATTR(x) int y;",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
}

static void function_definitions_are_complete_at_their_closing_brace(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"int f(void) { return 3; }",
		"static double price(const struct order *o)\n{\n\treturn o->qty;\n}",
		"REALTIMEFUNC\nstatic double price(const struct order *o)\n{\n\treturn o->qty;\n}",
		"static int\nf(int a,\n  int b)\n{\n\treturn a + b;\n}",
		"int f(a, b)\n\tint a;\n\tchar *b;\n{\n\treturn a;\n}",
		"void (*f(int n))(int)\n{\n\treturn 0;\n}",
		"int f(void)\n{\n\tif (x) {\n\t} else {\n\t}\n\treturn 0;\n}",
		"int f(void)\n{\n\tstruct order o = {.qty = 3};\n\treturn o.qty;\n}",
		"int f(void) {}\nint g(void) {}",
		"int f(void)\n{\n#ifdef X\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n\treturn 0;\n}",
		"int f(void)\n{\n#ifdef X\n\treturn 1;\n}\n#else\n\treturn 0;\n}\n#endif",
		"int f(void)\n{\n#ifdef A\n\tif (a) {\n#else\n#ifdef B\n\tif (b) { if (c) {\n#else\n\tif (c) "
		"{\n#endif\n"
		"#endif\n\t}\n#ifdef B\n\t}\n#endif\n#ifdef A\n\t}\n\t}\n#endif\n\treturn 1;\n}",
		"int f(void)\n{\n#ifndef X\n\tif (a) {\n#else\n\tif (a) { if (b) {\n#endif\n#ifdef "
		"X\n\t}\n#endif\n"
		"\t}\n\treturn 0;\n}",
		"int f(void)\n{\n#if !X\n\tif (a)\n#endif\n\t{\n#if X\n\t{{\n#endif\n\t}\n\treturn 0;\n}",
		"int f(void) __attribute__((noinline))\n{\n}",
		"__attribute__((noinline)) int f(void)\n{\n}",
		"int f(void)\n{\n\treturn 3; /* } */\n}",
		"int f(void)\n<%\n\treturn 3;\n%>",
		"foo_t *f(struct order *o)\n{\n}",
		"int f(void)\n{\n\tputs(\"}\");\n\treturn '}';\n}",
		"int f(void)\n{\n\tdo {\n\t\tg();\n\t} while (x);\n}",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
}

static void an_open_bracket_comment_or_line_goes_on(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"f(",
		"f(x,",
		"a[",
		"{",
		"int f(void) {",
		"int f(void)\n{\n\treturn 3;",
		"struct order o = {",
		"if (x) {",
		"int f(void)\n{\n\tif (x) {\n\t}",
		"/*",
		"/* a\n",
		"x /* y",
		"x = \\",
		"#define X \\",
		"#define X 1 \\\n\t+ 2 \\",
		"#define X /* a",
		"// a \\",
		"\"a\\",
		"#if 1",
		"#ifdef X\nint x;",
		"#ifndef X\nint x;\n#else",
		"# if X\nint f(void) {}\n",
		"int f(void)\n{\n#ifdef X\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n\treturn 0;",
		"int f(void)\n{\n#ifdef X\n\t}\n\t}\n#endif\n\treturn 0;",
		"int f(void)\n{\n#ifdef X\n\t}\n\t}\n",
		"f(\"a\"",
		"f(/* ) */",
		"f(')'",
		"<%",
		"a <: 3",
		"typedef struct {\n\tint x;\n}",
		"struct order {",
		"int f(void) {\n\n\n",
		"({ x;",
		NULL,
	};
	expect_all(texts, ENTRY_OPEN);
}

static void a_function_head_waits_for_its_body(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"static double price(const struct order *o)",
		"REALTIMEFUNC",
		"static inline",
		"static struct x *",
		"static int",
		"unsigned long",
		"const char *",
		"struct order",
		"void",
		"static foo_t",
		"REALTIMEFUNC foo_t",
		"int main(void)",
		"int f()",
		"foo_t f(int a)",
		"foo_t f(a)",
		"foo_t *f(struct order *o)",
		"foo_t *f(void)",
		"foo_t *f(size_t n)",
		"foo_t *f(const foo_t *p)",
		"foo_t *f(const char *format, ...)",
		"int f(a, b)",
		"int f(a, b)\n\tint a;",
		"int f(a, b)\n\tint a;\n\tchar *b;",
		"f(struct order *o)",
		"void (*f(int n))(int)",
		"int f(int a)\n\n",
		"int f(int a) // b",
		"int f(int a) /* b */",
		"int f(int a) __attribute__((noinline))",
		"__attribute__((x)) int f(int a)",
		"EXPORT static int f(int a)",
		"EXPORT int f(int a)",
		"extern int f(int)",
		"REALTIMEFUNC\nstatic int f(int a)",
		"XML_Bool XMLCALL\nf(XML_Parser parser)",
		"static int\nf(int a,\n  int b)",
		"_Noreturn void die(void)",
		"int x; int f(int a)",
		"typeof(x) f(int a)",
		"int f(void) {}\nstatic int g(void)",
		"REALTIMEFUNC int x",
		NULL,
	};
	expect_all(texts, ENTRY_OPEN);
}

static void an_operator_or_a_statement_head_at_the_end_goes_on(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"a +",       "a = b *",     "a &&",          "a ||",
		"x =",       "x ?",         "x ? y :",       "a,",
		"o.",        "o->",         "a <<",          "x +=",
		"!",         "a =\n\tb +",  "if (x)",        "for (;;)",
		"while (x)", "switch (x)",  "else",          "if (x) y(); else",
		"do",        "do { f(); }", "if (x) if (y)", "for (int i = 0; i < 3; i++)",
		NULL,
	};
	expect_all(texts, ENTRY_OPEN);
}

static void an_unterminated_literal_does_not_wait_forever(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"\"abc",
		"x = \"abc",
		"puts(\"abc)",
		"f('a)",
		"'",
		"int f(void)\n{\n\tputs(\"abc);\n\treturn 3;\n}",
		"int f(void)\n{\n\tif (c == '()\n\t\treturn 3;\n}",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
	assert_int_equal(judge("int f(void)\n{\n\tputs(\"abc);"), ENTRY_OPEN);
}

static void brackets_that_do_not_match_do_not_wait_forever(void **state)
{
	(void)state;
	static const char *const texts[] = {
		")",
		"}",
		"]",
		"f(x))",
		"f(x]",
		"int f(void)\n{\n\tg(x;\n}",
		"int f(void)\n{\n\ta[3;\n}",
		"int f(void)\n{\n\tg(x));\n}",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
	assert_int_equal(judge("int f(void)\n{\n\tg(x));"), ENTRY_OPEN);

	char deep[3000];
	memset(deep, '(', sizeof(deep));
	assert_int_equal(entry_judge(deep, sizeof(deep)), ENTRY_COMPLETE);
}

static void directives_are_complete_lines(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"#include <stdio.h>",
		"#include \"orders.h\"",
		"#define X 1",
		"#define F(x) \\\n\t((x) + 1)",
		"#define X \\\n",
		"#undef X",
		"#if 1\nint x;\n#endif",
		"#define OPEN {",
		"#define OPEN (",
		"#error don't",
		"#",
		"%: define X",
		"#ifdef X\nint x;\n#elif Y\nint y;\n#else\nint z;\n#endif",
		"#define X /* a\n b */ 3",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
}

static void commands_are_one_line(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"\\list",
		"\\log price",
		"  \\list",
		"\\",
		"\\?",
		"\\in orders.c",
		"\\note price it (was",
		"\\p/x {",
		"\\chec",
		"\\checks",
		"\\define",
		"\\define ",
		"\\note x /*",
		"\\guard f return (",
		NULL,
	};
	expect_all(texts, ENTRY_COMPLETE);
}

static void check_and_define_take_the_definition_that_follows(void **state)
{
	(void)state;
	static const char *const open[] = {
		"\\check",
		"\\check\n",
		"\\check\n// price",
		"\\check\nint f(void)",
		"\\check\nint f(void)\n{",
		"\\define price",
		"\\define orders.c:price\n",
		"\\define price\nstatic int\nprice(void)\n{\n",
		"\\check int f(void)",
		"  \\check",
		NULL,
	};
	static const char *const complete[] = {
		"\\check\nint f(void)\n{\n}",
		"\\check int f(void) {}",
		"\\define price\nint f(void)\n{\n\treturn 3;\n}",
		"\\check\nint x;",
		"\\define orders.c:price\nint price(void) { return 3; }",
		NULL,
	};
	expect_all(open, ENTRY_OPEN);
	expect_all(complete, ENTRY_COMPLETE);
}

static void a_command_ends_an_entry_that_is_open(void **state)
{
	(void)state;
	static const struct {
		const char *text, *line;
		bool ends;
	} cases[] = {
		{"static int f(int a)", "\\list", true},
		{"f(", "  \\q", true},
		{"\\check", "\\list", true},
		{"int f(void) {", "\\?", true},
		{"/* doxygen", "\\brief x", false},
		{"#define X \\", "\\list", false},
		{"f(", "x", false},
		{"f(", "", false},
		{"f(", "\\", false},
		{"f(", "\\\"", false},
		{"x = 3", "\\list", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry e;
		entry_init(&e);
		assert_true(entry_add(&e, cases[i].text, strlen(cases[i].text)));
		if (entry_is_ended_by(&e, cases[i].line, strlen(cases[i].line)) != cases[i].ends)
			fail_msg("%s / %s", cases[i].text, cases[i].line);
		entry_fini(&e);
	}
}

static void a_complete_entry_may_go_on_in_a_line_that_is_there_already(void **state)
{
	(void)state;
	static const struct {
		const char *text, *next;
		bool goes_on;
	} cases[] = {
		{"main(argc, argv)", "{", true},
		{"foo_t *f(a)", "{ return 0; }", true},
		{"foreach(item)", "\t{", true},
		{"x = 3", "{ f(); }", false},
		{"int x;", "{ f(); }", false},
		{"int f(void) {}", "{", false},
		{"#define X", "{", false},
		{"\\list", "{", false},
		{"if (x) { y(); }", "else", true},
		{"if (x) y();", "\telse z();", true},
		{"f(x)", "else", false},
		{"if (x) y();", "elsewhere()", false},
		{"XML_Bool XMLCALL", "XML_ParserReset(XML_Parser parser, const XML_Char *name) {", true},
		{"foo_t", "f(struct order *o,", true},
		{"foo_t *x", "f(void)", true},
		{"int x", "price(&o)", false},
		{"x", "y", false},
		{"x", "", false},
		{"f(", "{", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry e;
		entry_init(&e);
		assert_true(entry_add(&e, cases[i].text, strlen(cases[i].text)));
		if (entry_goes_on_with(&e, cases[i].next, strlen(cases[i].next)) != cases[i].goes_on)
			fail_msg("%s / %s", cases[i].text, cases[i].next);
		entry_fini(&e);
	}
}

/* Line by line or as one text, the answer at each line end is the same. */
static void lines_added_one_by_one_say_the_same_as_the_whole(void **state)
{
	(void)state;
	static const char text[] =
		"/* a\n * long { comment\n */\nREALTIMEFUNC\nstatic double\nprice(const struct order *o, /* "
		"the\n order */\n"
		"      int n)\n{\n#define TWICE(x) \\\n\t((x) + \\\n\t (x))\n\tif (n > 3) "
		"{\n\t\tputs(\"}\"); // }\n\t}\n"
		"#ifdef X\n\tfor (;;) {\n#else\n\twhile (1) {\n#endif\n\t}\n\treturn n;\n}";
	static const char lines_open[] = "OOEOOOOOOOOOOOOOOOOOOOC";
	struct entry e;
	size_t line = 0;

	entry_init(&e);
	for (const char *p = text; p; line++) {
		const char *end = strchrnul(p, '\n');
		assert_true(entry_add(&e, p, (size_t)(end - p)));
		assert_int_equal(e.state, lines_open[line] == 'O'   ? ENTRY_OPEN
					  : lines_open[line] == 'E' ? ENTRY_EMPTY
								    : ENTRY_COMPLETE);
		assert_int_equal(entry_judge(text, (size_t)(end - text)), e.state);
		p = *end ? end + 1 : NULL;
	}
	assert_int_equal(line, sizeof(lines_open) - 1);
	assert_string_equal(e.text, text);
	entry_clear(&e);
	assert_int_equal(e.state, ENTRY_EMPTY);
	assert_true(entry_add(&e, "x", 1));
	assert_int_equal(e.state, ENTRY_COMPLETE);
	assert_string_equal(e.text, "x");
	entry_fini(&e);
}

static void any_bytes_are_judged(void **state)
{
	(void)state;
	unsigned seed = 7;
	static const char alphabet[] = "(){}[]\"'\\\n\n/*#;=,. axif\0\xff<%:>";
	char text[64];

	for (int round = 0; round < 20000; round++) {
		size_t size = round % sizeof(text);
		for (size_t i = 0; i < size; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		enum entry_state found = entry_judge(text, size);
		assert_true(found == ENTRY_EMPTY || found == ENTRY_OPEN || found == ENTRY_COMPLETE);
	}
}

static void an_entry_of_many_lines_costs_its_lines(void **state)
{
	(void)state;
	struct entry e;
	static const char line[] = "\tif (f(x)) { y[3] = \"}\"; }";

	entry_init(&e);
	assert_true(entry_add(&e, "int f(void) {", 13));
	for (int i = 0; i < 300000; i++) /* quadratic, this would take hours */
		assert_true(entry_add(&e, line, sizeof(line) - 1));
	assert_int_equal(e.state, ENTRY_OPEN);
	assert_true(entry_add(&e, "/*", 2));
	for (int i = 0; i < 300000; i++)
		assert_true(entry_add(&e, "long comment", 12));
	assert_int_equal(e.state, ENTRY_OPEN);
	assert_true(entry_add(&e, "*/ }", 4));
	assert_int_equal(e.state, ENTRY_COMPLETE);
	entry_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_falls_into_the_tokens_of_the_standard),
		cmocka_unit_test(white_space_and_comments_are_empty),
		cmocka_unit_test(expressions_and_statements_are_complete),
		cmocka_unit_test(declarations_are_complete),
		cmocka_unit_test(function_definitions_are_complete_at_their_closing_brace),
		cmocka_unit_test(an_open_bracket_comment_or_line_goes_on),
		cmocka_unit_test(a_function_head_waits_for_its_body),
		cmocka_unit_test(an_operator_or_a_statement_head_at_the_end_goes_on),
		cmocka_unit_test(an_unterminated_literal_does_not_wait_forever),
		cmocka_unit_test(brackets_that_do_not_match_do_not_wait_forever),
		cmocka_unit_test(directives_are_complete_lines),
		cmocka_unit_test(commands_are_one_line),
		cmocka_unit_test(check_and_define_take_the_definition_that_follows),
		cmocka_unit_test(a_command_ends_an_entry_that_is_open),
		cmocka_unit_test(a_complete_entry_may_go_on_in_a_line_that_is_there_already),
		cmocka_unit_test(lines_added_one_by_one_say_the_same_as_the_whole),
		cmocka_unit_test(any_bytes_are_judged),
		cmocka_unit_test(an_entry_of_many_lines_costs_its_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
