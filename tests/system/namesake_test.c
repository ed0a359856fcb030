/* A name that the chosen file has for a function of its own is no other file's, though no code of it is left. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static void in_its_file_the_other_is_not_meant(void **state)
{
	static const char *const commands[] = {"static int get(int n) { return n + 2; }", "\\source get",
					       "\\trace get", "\\rollback get 0"};

	(void)state;
	compiled_assert_answer(&host, "", "2 1001");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		char *said = compiled_console(&host, 3, NULL, "-c", "\\in namesake_host.c", "-c", commands[i],
					      NULL);
		if (!strstr(said, "get (namesake_host.c:9) is not decorated, or was inlined wherever it is "
				  "called") ||
		    !strstr(said, "Another file has a function of that name"))
			fail_msg("%s: %s", commands[i], said);
		free(said);
	}
	compiled_assert_refused(&host, "\\source namesake_host.c:get", "unknown", "get (namesake_host.c:9)");
	compiled_assert_answer(&host, "", "2 1001");
}

static void elsewhere_it_is(void **state)
{
	(void)state;
	json_decref(compiled_data(&host, "static int get(int n) { return n + 2000; }"));
	compiled_assert_answer(&host, "", "2 2001");
	free(compiled_console(&host, 0, NULL, "-c", "\\in namesake_other.c", "-c",
			      "static int get(int n) { return n + 3000; }", NULL));
	compiled_assert_answer(&host, "", "2 3001");
}

static void what_a_file_has_for_itself_is_not_the_others(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "m", "9");
	compiled_define(&host, "int mixed(int n)\n{\n\tlevel += n;\n\treturn level + twice(n);\n}");
	compiled_assert_answer(&host, "m", "10");
	compiled_assert_answer(&host, "m", "11");
	compiled_define(&host, "int mixed(int n)\n{\n\treturn level + twice(n) + spare(n);\n}");
	compiled_assert_answer(&host, "m", "112");
	compiled_assert_says(&host, 0, "level", "(int) 9");
	compiled_assert_says(&host, 0, "spare(1)", "(int) 101");
}

int main(void)
{
	const struct compiled_how how = {.sources = {"namesake_host.c", "namesake_other.c"}};
	const struct CMUnitTest tests[] = {
		with_fresh_host(in_its_file_the_other_is_not_meant),
		with_fresh_host(elsewhere_it_is),
		with_fresh_host(what_a_file_has_for_itself_is_not_the_others),
	};

	compiled_init(&host, &how);
	return cmocka_run_group_tests_name("namesake", tests, NULL, compiled_group_fini);
}
