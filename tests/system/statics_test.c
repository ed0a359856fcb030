/* Static variables go on with their values when the functions that have them get their own texts as new versions. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BEFORE = 3, LINES = 6 };

static struct subject host;

static const struct compiled_how ways[] = {
	{.compiler = "gcc", .flags = {"-w", "-O0", "-lm"}, .sources = {"statics_host.c"}},
	{.compiler = "gcc", .flags = {"-w", "-O2", "-lm"}, .sources = {"statics_host.c"}},
	{.compiler = "clang", .flags = {"-w", "-O0", "-lm"}, .sources = {"statics_host.c"}},
};

static const char *const functions[] = {"add", "first", "run", "greet", "signs", "order"};

static void they_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char *built[LINES];
		compiled_init(&host, &ways[i]);
		compiled_start(&host);
		for (int n = 0; n < LINES; n++)
			built[n] = strdup(subject_ask(&host, ""));
		compiled_stop(&host);
		compiled_start(&host);
		for (int n = 0; n < LINES; n++) {
			for (size_t k = 0; n == BEFORE && k < sizeof(functions) / sizeof(*functions); k++)
				compiled_redefine(&host, functions[k], "tcc");
			assert_string_equal(subject_ask(&host, ""), built[n]);
			free(built[n]);
		}
		compiled_stop(&host);
		subject_fini(&host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_go_on),
	};

	return cmocka_run_group_tests_name("statics", tests, NULL, NULL);
}
