/* Static functions of a source that is compiled itself and included by another: each is reached by the file that was compiled. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static void each_is_reached(void **state)
{
	const struct compiled_how how = {.sources = {"twice_host.c", "twice_part.c"}};

	(void)state;
	compiled_init(&host, &how);
	compiled_start(&host);
	compiled_assert_answer(&host, "", "20 30");
	compiled_assert_says(&host, 3, "\\source step", "twice_host.c:step, twice_part.c:step");
	compiled_assert_says(&host, 0, "\\list step", "twice_part.c:step");
	json_decref(compiled_data(
		&host, "\\define twice_host.c:step\nstatic int step(int n) { return n + 5 + STEP; }"));
	compiled_assert_answer(&host, "", "70 30");
	json_decref(compiled_data(
		&host, "\\define twice_part.c:step\nstatic int step(int n) { return n + 7 + STEP; }"));
	compiled_assert_answer(&host, "", "70 100");
	compiled_assert_says(&host, 0, "\\rollback twice_host.c:step 0", "version 0");
	compiled_assert_answer(&host, "", "20 100");
}

static int stop(void **state)
{
	(void)state;
	compiled_stop(&host);
	subject_fini(&host);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_is_reached, stop),
	};

	return cmocka_run_group_tests_name("twice", tests, NULL, NULL);
}
