/* Who is in a guarded call, and who was. */
#include "agent/park.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
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

static __attribute__((noinline)) void exit_in_a_guarded_call(void)
{
	struct park_frame frame;

	park_enter(&frame, 1);
	park_exit(3, NULL);
	park_leave(&frame);
}

static void exit_in_a_guarded_call_of_a_watch_ends_what_it_evaluates(void **state)
{
	struct park_frame frame;

	(void)state;
	park_enter(&frame, 0);
	if (sigsetjmp((struct __jmp_buf_tag *)frame.out, 0) == 0) {
		exit_in_a_guarded_call();
		fail_msg("it would end the program");
	}
	assert_int_equal(frame.signal, WATCH_EXITED);
	assert_int_equal(frame.address, 3);
	park_enter(&frame, 1);
	park_exit(3, NULL); /* a call that no watch has made: the program's to end */
	park_leave(&frame);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	park_catch_watch(signal, info, context);
	_exit(9);
}

static void on_signal(int unused)
{
	(void)unused;
	raise(SIGSEGV);
}

static void what_is_left_with_a_handler_of_the_programs_in_it_has_its_signals_again(void **state)
{
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	struct sigaction handler = {.sa_handler = on_signal}, before[2];
	struct park_frame frame;
	sigset_t blocked;

	(void)state;
	sigaction(SIGSEGV, &fault, &before[0]);
	sigaction(SIGUSR1, &handler, &before[1]);
	park_enter(&frame, 0);
	if (sigsetjmp((struct __jmp_buf_tag *)frame.out, 0) == 0) {
		raise(SIGUSR1);
		fail_msg("nothing was left");
	}
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGSEGV));
	assert_false(sigismember(&blocked, SIGUSR1));
	sigaction(SIGSEGV, &before[0], NULL);
	sigaction(SIGUSR1, &before[1], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_that_end_inside_make_room, start, stop),
		cmocka_unit_test_setup_teardown(a_call_around_others_stays_guarded, start, stop),
		cmocka_unit_test_setup_teardown(exit_in_a_guarded_call_of_a_watch_ends_what_it_evaluates,
						start, stop),
		cmocka_unit_test_setup_teardown(
			what_is_left_with_a_handler_of_the_programs_in_it_has_its_signals_again, start, stop),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
