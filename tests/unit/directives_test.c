/* Which preprocessor lines libtcc may obey otherwise than the program's compiler. */
#include "directives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_differs(bool differs, const char *text)
{
	if (directives_may_differ(text, strlen(text)) != differs)
		fail_msg("%s, but: %s", differs ? "it may differ" : "it cannot differ", text);
}

static void what_compares_and_chooses_cannot_differ(void **state)
{
	(void)state;
	assert_differs(false, "int f(void) { return 1; }\n");
	assert_differs(false, "#ifdef A\n#elif defined B && !defined(C)\n#else\n#endif\n");
	assert_differs(false, "#define V 0x7fff0000\n#if V > 0 ? (V & 1) != 'a' : V % 3\n#endif\n");
	assert_differs(false, "#define V (1 << 31)\n#if defined V && defined(V)\n#endif\nint n = V - 1;\n");
	assert_differs(false, "#define V W\n#define W V\n#define U 1\n#ifdef V\n#endif\n");
}

static void what_counts_may_differ(void **state)
{
	(void)state;
	assert_differs(true, "#if (1 << 31) < 0\n#endif\n");
	assert_differs(true, "#if 0\n#elif ~0U == 0xffffffff\n#endif\n");
	assert_differs(true, "#define V (W)\n#define W U\n#define U -1\n#if V == 0xffffffff\n#endif\n");
	assert_differs(true, "#define V(a) ((a) * 65536)\n#if V(65536)\n#endif\n");
	assert_differs(true, "#define V W\n#define W V\n#if V\n#endif\n");
	assert_differs(true, "#if '\\377' < 0\n#endif\n");
	assert_differs(true, "# 1 \"x.c\"\n#define V\n # \tif (1 << 31) < 0\n#endif\n");
	assert_differs(true, "#\\\nif (1 << 31) < 0\n#endif\n");
	assert_differs(true, "int n; #\n#/**/if (1 << 31) < 0\n#endif\n");
}

static void what_asks_the_compiler_or_for_a_file_may_differ(void **state)
{
	(void)state;
	assert_differs(true, "#if __has_attribute(noinline)\n#endif\n");
	assert_differs(true, "#define ASKS __has_include(<x.h>)\n#if ASKS\n#endif\n");
	assert_differs(true, "int f(void)\n{\n#include \"x.def\"\n}\n");
	assert_differs(true, "#define FILE <x.def>\n#include FILE\n");
	assert_differs(false, "const char *s = \"#include <x.h>\";\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_compares_and_chooses_cannot_differ),
		cmocka_unit_test(what_counts_may_differ),
		cmocka_unit_test(what_asks_the_compiler_or_for_a_file_may_differ),
	};

	return cmocka_run_group_tests_name("directives", tests, NULL, NULL);
}
