/* Guarded runs and recorded faults in one process, and in what it forks meanwhile. */
#include "agent/fault.h"
#include "agent/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROGRAMS_OWN = 9 };

static unsigned char stack[CALL_STACK];
static void *volatile nowhere = (void *)16;

static void on_fault(int signal)
{
	(void)signal;
	_exit(PROGRAMS_OWN);
}

static void nothing(void *unused)
{
	(void)unused;
}

static void fault(void *place)
{
	*(volatile int *)place = 1;
}

/* Runs `function` in a child that is forked in the middle of a guarded run: its exit status. */
struct forking {
	void (*function)(void);
	int status;
};

static void fork_here(void *forking)
{
	struct forking *f = forking;
	pid_t child = fork();

	if (child == 0) {
		alarm(60);
		guard_forget();
		fault_leave();
		f->function();
		_exit(0);
	}
	waitpid(child, &f->status, 0);
}

static int status_of_child(void (*function)(void))
{
	struct forking f = {.function = function};
	struct message_called called;

	signal(SIGSEGV, on_fault);
	guard_run(fork_here, &f, &called, stack);
	signal(SIGSEGV, SIG_DFL);
	assert_int_equal(called.end, CALL_RETURNED);
	return f.status;
}

static void fault_plainly(void)
{
	fault(nowhere);
}

/* As a child does that opens a console of its own. */
static void begin_again_and_fault(void)
{
	struct message_called called;

	fault_expect(eventfd(0, EFD_CLOEXEC));
	guard_run(nothing, NULL, &called, stack);
	fault(nowhere);
}

static void a_fault_of_a_childs_is_the_programs_own(void **state)
{
	int status = status_of_child(fault_plainly);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), PROGRAMS_OWN);
}

static void a_child_that_begins_again_has_handlers_that_end(void **state)
{
	int status = status_of_child(begin_again_and_fault);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), PROGRAMS_OWN);
}

static void a_fault_in_a_guarded_run_is_its_end(void **state)
{
	struct message_called called;

	(void)state;
	guard_run(fault, nowhere, &called, stack);
	assert_int_equal(called.end, CALL_FAULT);
	assert_int_equal(called.signal, SIGSEGV);
	assert_int_equal(called.address, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_in_a_guarded_run_is_its_end),
		cmocka_unit_test(a_fault_of_a_childs_is_the_programs_own),
		cmocka_unit_test(a_child_that_begins_again_has_handlers_that_end),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
