/* A program that closes every descriptor above the standard ones keeps the console that came by LD_PRELOAD. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct subject host;

static int start(void **state)
{
	(void)state;
	compiled_init(&host,
		      &(struct compiled_how){.sources = {"closing_host.c"},
					     .flags = {"-D_GNU_SOURCE", "-fpatchable-function-entry=16"},
					     .without_library = true});
	compiled_start_preloaded(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	subject_fini(&host);
	return 0;
}

static void assert_kept(const char *way, int version)
{
	char text[64], answer[16];

	compiled_assert_answer(&host, way, "closed");
	snprintf(text, sizeof(text), "int plain(int n) { return n * %d; }", version + 10);
	json_decref(compiled_data(&host, text));
	snprintf(answer, sizeof(answer), "%d", 5 * (version + 10));
	compiled_assert_answer(&host, "call 5", answer);
}

static void the_console_outlives_all_ways_to_close_what_is_open(void **state)
{
	static const char *const ways[] = {"each", "listed", "from", "range"};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		assert_kept(ways[i], (int)i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_console_outlives_all_ways_to_close_what_is_open, start,
						stop),
	};

	return cmocka_run_group_tests_name("system: a program that closes descriptors", tests, NULL, NULL);
}
