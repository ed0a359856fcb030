/* Whom a saved header can reach, by words alone: who mentions what differs, or what mentions it, and nobody else; and all in doubt. */
#include "reach.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct reach *reach;
static struct kept *kept;
static char folder[] = "/tmp/rtf-reach-XXXXXX";
static int headers;

static int begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rtf-reach-XXXXXX");
	headers = 0;
	reach = reach_new();
	kept = kept_new();
	return mkdtemp(folder) && reach && kept ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	reach_free(reach);
	kept_free(kept);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

/* One more header of the program. */
static void keep(const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%d.h", folder, headers++);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	kept_add(kept, path);
	assert_non_null(kept_find(kept, path));
	kept_find(kept, path)->header = true;
}

static void save(const char *old, const char *fresh)
{
	reach_add(reach, old, strlen(old), fresh, strlen(fresh));
	reach_spread(reach, kept);
}

static bool touches(const char *text)
{
	return reach_touches(reach, text, strlen(text));
}

static void who_mentions_a_changed_macro_is_reached(void **state)
{
	(void)state;
	save("#define A 1\n#define B 2\n", "#define A 1\n#define B 3\n");
	assert_false(reach_is_all(reach));
	assert_true(touches("int f(void) { return B; }"));
	assert_true(touches("#if B > 2\n#endif\n"));
	assert_true(touches("#define C (B + 1)\n"));
	assert_false(touches("int f(void) { return A; } /* B */ const char *b = \"B\";\n#include \"B.h\"\n"));
}

static void comments_spaces_and_moves_reach_nobody(void **state)
{
	(void)state;
	save("#ifndef H\n#define H\nint f(void);\nstruct s { int a; };\n#endif\n",
	     "/* new */\n#ifndef H\n#define H\nstruct s {\n\tint a;\n};\n\nint f(void); // here\n#endif\n");
	assert_true(reach_is_empty(reach));
	assert_false(touches("int g(struct s *s) { return f(); }"));
}

static void names_are_those_that_are_declared(void **state)
{
	(void)state;
	save("static inline int up(const struct item *l, int n)\n{\n\treturn n;\n}\nextern size_t total;\n"
	     "enum { RED, GREEN };\nstruct box { int w; };\ntypedef int (*handler)(int code);\n",
	     "static inline int up(const struct item *l, int n)\n{\n\treturn n + 1;\n}\nextern size_t "
	     "total;\n"
	     "enum { RED, BLUE };\nstruct box { long w; };\ntypedef int (*handler)(long code);\n");
	assert_false(reach_is_all(reach));
	assert_true(touches("int a = up(0, 1);"));
	assert_true(touches("int a = GREEN;"));
	assert_true(touches("int a = BLUE;"));
	assert_true(touches("struct box *b;"));
	assert_true(touches("handler h;"));
	assert_false(
		touches("static int f(const struct item *l, int n, size_t w, int code) { return total; }"));
}

static void what_mentions_them_in_other_headers_is_reached_too(void **state)
{
	(void)state;
	keep("#include \"box.h\"\nstruct shelf { struct box boxes[3]; };\nstruct shelf *first(void);\n"
	     "static inline int one(void) { return 1; }\n");
	keep("#define FIRST_SHELF first()\n#define NONE 0\n");
	save("struct box { int w; };", "struct box { int w, h; };");
	assert_false(reach_is_all(reach));
	assert_true(touches("int w(void) { return FIRST_SHELF->boxes[0].w; }"));
	assert_true(reach_has(reach, "shelf"));
	assert_false(touches("int w(void) { return one() + NONE; }"));
}

static void names_that_are_pasted_together_count(void **state)
{
	(void)state;
	keep("#define CALL(name) run_##name()\n#define JOIN(a, b) a##b\n#define OTHER(name) walk_##name()\n");
	save("#define run_fast() 1\n", "#define run_fast() 2\n");
	assert_false(reach_is_all(reach));
	assert_true(touches("int f(void) { return CALL(fast); }"));
	assert_true(touches("int f(void) { return JOIN(run_, fast)(); }"));
	assert_true(touches("#define MINE(x) run_ ## x\n"));
	assert_false(touches("int f(void) { return OTHER(fast); }"));
	assert_false(touches("#define MINE(x) walk_ ## x\n"));
}

static void conditions_belong_to_what_they_hold(void **state)
{
	(void)state;
	save("#ifdef A\n#define X 1\n#else\n#define Y 1\n#endif\n",
	     "#ifdef A\n#else\n#define Y 1\n#define X 1\n#endif\n");
	assert_false(reach_is_all(reach));
	assert_true(touches("int x = X;"));
	assert_false(touches("int y = Y;"));
}

/* The declarations of C++ are no matter of C's. */
static void what_no_c_compiler_reads_does_not_count(void **state)
{
	(void)state;
	save("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f(void);\n#define N 1\n#ifdef "
	     "__cplusplus\n}\n#endif\n",
	     "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f(void);\n#define N 2\n#ifdef __cplusplus\n} "
	     "// C\n#endif\n");
	assert_false(reach_is_all(reach));
	assert_true(touches("int n = N;"));
	assert_false(touches("int n = f();"));
}

static void assert_all(const char *old, const char *fresh)
{
	struct reach *r = reach_new();

	assert_non_null(r);
	reach_add(r, old, strlen(old), fresh, strlen(fresh));
	reach_spread(r, kept);
	if (!reach_is_all(r))
		fail_msg("not all are reached by: %s", fresh);
	assert_true(reach_touches(r, "", 0));
	reach_free(r);
}

static void in_doubt_all_are_reached(void **state)
{
	(void)state;
	keep("#if LEVEL > 2\nint f(void);\n#endif\n");
	keep("#include CONFIGURED\n");
	assert_all("#if A\n#endif\n", "#if B\n#endif\n");
	assert_all("", "#include \"more.h\"\n");
	assert_all("", "#pragma pack(1)\n");
	assert_all("#define _GNU_SOURCE\n", "");
	assert_all("#define LEVEL 1\n", "#define LEVEL 3\n");
	assert_all("#define CONFIGURED \"a.h\"\n", "#define CONFIGURED \"b.h\"\n");
	assert_all("DECLARE(a);\n", "DECLARE(a);\nDECLARE(b);\n");
	assert_all("int x;\n", "int x; GLOBALS\n");
	assert_all("enum { LIST(A) };\n", "enum { LIST(A) LAST };\n");
	assert_all("int a;\n", "int a;\n}\n");
	assert_all("int a;\n", "int a; struct s {\n");
	assert_all("int a;\n", "#ifdef X\nint a;\n");
	assert_all("_Static_assert(sizeof(int) == 4, \"\");\n", "_Static_assert(sizeof(int) == 8, \"\");\n");
}

int main(void)
{
#define with_headers(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		with_headers(who_mentions_a_changed_macro_is_reached),
		with_headers(comments_spaces_and_moves_reach_nobody),
		with_headers(names_are_those_that_are_declared),
		with_headers(what_mentions_them_in_other_headers_is_reached_too),
		with_headers(names_that_are_pasted_together_count),
		with_headers(conditions_belong_to_what_they_hold),
		with_headers(what_no_c_compiler_reads_does_not_count),
		with_headers(in_doubt_all_are_reached),
	};

	return cmocka_run_group_tests_name("whom a header reaches", tests, NULL, NULL);
}
