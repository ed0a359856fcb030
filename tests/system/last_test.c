/* A program that ends with its last thread does so though the console has threads of its own. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLAIN_MS = 5000 };

static struct subject host;

static int init(void **state)
{
	static const struct compiled_how how = {.sources = {"last_host.c"}};

	(void)state;
	compiled_init(&host, &how);
	return 0;
}

/* Where a sanitizer has a thread in each program, none of these ends. */
static bool ends_without_console(void)
{
	char *path = compiled_path(&host, "host"), *output = NULL;
	int status = child_run((const char *const[]){path, NULL}, "ask\nend\n", PLAIN_MS, &output);

	if (status >= 0)
		assert_string_equal(output, "ready\n1\nover\n");
	free(output);
	free(path);
	return status >= 0;
}

static void assert_says(const char *line, const char *expected)
{
	char answer[100] = "";

	assert_true(child_send(&host.program, line));
	assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, answer, sizeof(answer)));
	assert_string_equal(answer, expected);
}

/* Until the main thread is none of those that are shown. */
static void await_end_of_main(void)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	bool main_is_there = true;
	json_t *thread;
	size_t i;

	while (main_is_there) {
		json_t *threads = compiled_data(&host, "\\threads");
		main_is_there = false;
		json_array_foreach(threads, i, thread)
			main_is_there |=
				json_integer_value(json_object_get(thread, "thread")) == host.program.pid;
		assert_int_equal(json_array_size(threads), 1 + main_is_there);
		json_decref(threads);
		assert_true(child_clock() < deadline);
	}
}

static void it_ends_with_the_last_of_its_own(void **state)
{
	char line[100];

	(void)state;
	if (!ends_without_console())
		skip();
	compiled_start(&host);
	await_end_of_main();
	assert_says("ask\n", "1");
	compiled_define(&host, "int answer(void) { return 2; }");
	assert_says("ask\n", "2");
	assert_says("end\n", "over");
	assert_false(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	assert_int_equal(child_stop(&host.program, COMPILED_DEADLINE_MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_ends_with_the_last_of_its_own),
	};

	return cmocka_run_group_tests_name("last", tests, init, compiled_group_fini);
}
