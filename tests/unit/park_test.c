/* Who is in a guarded call, and who was. */
#include "agent/park.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
{
	(void)state;
	park_watch(eventfd(0, EFD_CLOEXEC));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	park_end();
	park_forget();
	return 0;
}

/* Ends inside the call: whether that was guarded. */
static void *end_inside(void *unused)
{
	struct park_frame frame;

	(void)unused;
	park_enter(&frame, 1);
	return (void *)(uintptr_t)(frame.magic != 0);
}

static bool is_guarded_elsewhere(void)
{
	pthread_t thread;
	void *guarded;

	assert_int_equal(pthread_create(&thread, NULL, end_inside, NULL), 0);
	assert_int_equal(pthread_join(thread, &guarded), 0);
	return guarded;
}

static void threads_that_end_inside_make_room(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * PARK_THREADS; i++)
		if (!is_guarded_elsewhere())
			fail_msg("call %d is not guarded", i);
}

static void a_call_around_others_stays_guarded(void **state)
{
	struct park_frame outer, inner;

	(void)state;
	park_enter(&outer, 1);
	for (int i = 0; i < 2 * PARK_THREADS; i++)
		assert_true(is_guarded_elsewhere());
	park_enter(&inner, 1);
	assert_true(inner.magic && outer.magic);
	park_leave(&inner);
	park_leave(&outer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_that_end_inside_make_room, start, stop),
		cmocka_unit_test_setup_teardown(a_call_around_others_stays_guarded, start, stop),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
