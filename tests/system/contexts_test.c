/* Code that is inside a version, or that was handed out as a pointer, while the file is saved: coroutines finish in the
 * version that they are in, callbacks that were registered before run the new one. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct followed host;

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void a_suspended_coroutine_finishes_in_its_version(void **state)
{
	(void)state;
	followed_init_host(&host, &(struct compiled_how){.sources = {"follow_coroutine.c"}, .flags = {"-Wl,--no-as-needed,-lpcl"}});
	compiled_assert_answer(&host.subject, "begin 1", "2 begun");
	followed_edit(&host, "follow_coroutine.c", "begun * 1000 + 1;", "begun * 1000 + 2;");
	followed_assert_live(&host, "work");
	compiled_assert_answer(&host.subject, "begin 2", "4 begun");
	followed_edit(&host, "follow_coroutine.c", "begun * 1000 + 2;", "begun * 1000 + 3;");
	followed_assert_live(&host, "work");
	compiled_assert_answer(&host.subject, "begin 3", "6 begun");

	/* Each its own version, all the same data. */
	compiled_assert_answer(&host.subject, "end 2", "6022 6022");
	compiled_assert_answer(&host.subject, "end 1", "6011 6011");
	compiled_assert_answer(&host.subject, "end 3", "6033 6033");
}

static void next_lines(const char *line, const char *timer)
{
	char got[256];

	compiled_assert_answer(&host.subject, "x", line);
	assert_true(child_read_line(&host.subject.program, COMPILED_DEADLINE_MS, got, sizeof(got)));
	assert_string_equal(got, timer);
}

static void callbacks_run_the_new_version(const char *source, const char *library)
{
	followed_init_host(&host, &(struct compiled_how){.sources = {source}, .flags = {library}});
	next_lines("line 1", "timer 1 after 1");
	followed_edit(&host, source, "line 1", "line 2");
	followed_assert_live(&host, "on_read");
	followed_edit(&host, source, "timer 1", "timer 2");
	followed_assert_live(&host, "on_timer");
	next_lines("line 2", "timer 2 after 2");
}

static void a_libuv_callback_runs_the_new_version(void **state)
{
	(void)state;
	callbacks_run_the_new_version("follow_libuv.c", "-Wl,--no-as-needed,-luv");
}

static void a_libevent_callback_runs_the_new_version(void **state)
{
	(void)state;
	callbacks_run_the_new_version("follow_libevent.c", "-Wl,--no-as-needed,-levent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_suspended_coroutine_finishes_in_its_version, stop),
		cmocka_unit_test_teardown(a_libuv_callback_runs_the_new_version, stop),
		cmocka_unit_test_teardown(a_libevent_callback_runs_the_new_version, stop),
	};

	return cmocka_run_group_tests_name("system: coroutines and callbacks", tests, NULL, NULL);
}
