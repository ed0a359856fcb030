/* Faults on their way from the thread that meets them to the agent, with no engine to hold them up but the test. */
#include "agent/fault.c"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000 };

struct arena arena_all[ARENA_MAX];
uint32_t arena_count;

uint32_t arena_total(void)
{
	return arena_count;
}

bool arena_has_code(uint64_t address)
{
	(void)address;
	return true; /* every fault is a version's */
}

const char *__tsan_default_options(void) __attribute__((visibility("default")));

/* A child that is forked while there are threads begins one of its own here. */
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

static int wake;
static unsigned char taken[MESSAGE_MAX];

static int set_up(void **state)
{
	(void)state;
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memset(&faults, 0, sizeof(faults));
	fault_expect(wake);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	fault_forget();
	close(wake);
	return 0;
}

/* A thread's fault by that signal, up to where it would be handed on. */
static void *meet_fault(void *signal)
{
	siginfo_t info = {.si_code = SEGV_MAPERR};
	ucontext_t context;

	getcontext(&context);
	record((int)(intptr_t)signal, &info, &context);
	return NULL;
}

static pthread_t begin(int signal)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, meet_fault, (void *)(intptr_t)signal), 0);
	return thread;
}

/* Waits until a fault is to be taken, and takes it: its signal. */
static int take(void)
{
	struct pollfd p = {.fd = wake, .events = POLLIN};
	struct message_called called;
	uint64_t count;

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	assert_int_equal(read(wake, &count, sizeof(count)), sizeof(count));
	assert_true(fault_take(taken) >= sizeof(called));
	memcpy(&called, taken, sizeof(called));
	return called.signal;
}

static void a_thread_goes_on_once_its_fault_is_known(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		pthread_t thread = begin(SIGSEGV);
		assert_int_equal(take(), SIGSEGV);
		fault_known();
		pthread_join(thread, NULL);
	}
}

/* The engine takes its time with the first one: what it says at last is not about another. */
static void a_thread_that_gives_up_waiting_leaves_its_fault_to_the_agent(void **state)
{
	(void)state;
	pthread_t first = begin(SIGSEGV);
	assert_int_equal(take(), SIGSEGV);
	pthread_join(first, NULL);
	pthread_join(begin(SIGBUS), NULL); /* one at a time: its turn does not come */
	assert_int_equal(faults.fault.signal, SIGSEGV);
	fault_known();
	pthread_t third = begin(SIGFPE);
	assert_int_equal(take(), SIGFPE);
	fault_known();
	pthread_join(third, NULL);
}

static void a_fault_that_nobody_takes_in_time_makes_room(void **state)
{
	(void)state;
	uint64_t count;
	pthread_join(begin(SIGSEGV), NULL);
	assert_int_equal(fault_take(taken), 0);
	assert_int_equal(read(wake, &count, sizeof(count)), sizeof(count));
	pthread_t second = begin(SIGBUS);
	assert_int_equal(take(), SIGBUS);
	fault_known();
	pthread_join(second, NULL);
}

static void no_thread_goes_on_before_all_faults_are_known(void **state)
{
	long long deadline = now_ms() + DEADLINE_MS;

	(void)state;
	pthread_t first = begin(SIGSEGV);
	assert_int_equal(take(), SIGSEGV);
	pthread_t second = begin(SIGBUS);
	while (__atomic_load_n(&faults.pending, __ATOMIC_ACQUIRE) != 2)
		assert_true(now_ms() < deadline);
	fault_known();
	assert_int_equal(take(), SIGBUS);
	assert_int_equal(pthread_tryjoin_np(first, NULL), EBUSY);
	fault_known();
	pthread_join(first, NULL);
	pthread_join(second, NULL);
}

/* The thread that would free the record is the parent's. */
static void a_child_forked_meanwhile_has_a_record_of_its_own(void **state)
{
	int status;

	(void)state;
	pthread_t thread = begin(SIGSEGV);
	assert_int_equal(take(), SIGSEGV);
	pid_t child = fork();
	if (child == 0) {
		fault_leave();
		wake = eventfd(0, EFD_CLOEXEC);
		fault_expect(wake);
		begin(SIGBUS);
		_exit(take() != SIGBUS);
	}
	fault_known();
	pthread_join(thread, NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void *lend_and_look(void *unused)
{
	stack_t stack;

	signals_lend_stack();
	(void)unused;
	return sigaltstack(NULL, &stack) || stack.ss_flags & SS_DISABLE ? NULL : stack.ss_sp;
}

static void a_stack_that_is_lent_is_had_again_when_its_thread_has_ended(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		void *lent = NULL;
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, lend_and_look, NULL), 0);
		pthread_join(thread, &lent);
		assert_non_null(lent);
	}
}

/* --- what the program's handlers do ----------------------------------------------------------------------------------- */

static void set_handler(int signal, void (*handler)(int))
{
	const struct sigaction action = {.sa_handler = handler};

	assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static void set_itself(int signal)
{
	set_handler(signal, set_itself);
}

static void let_end(int signal)
{
	set_handler(signal, SIG_DFL);
}

static bool is_covered(int signal)
{
	struct sigaction now;
	unsigned level;

	assert_int_equal(sigaction(signal, NULL, &now), 0);
	return is_ours(&now, &level);
}

/* A fault of this thread, whose handler returns. */
static void meet_here(int signal)
{
	siginfo_t info = {.si_code = SEGV_MAPERR};
	struct sigaction now;
	ucontext_t context;

	getcontext(&context);
	assert_int_equal(sigaction(signal, NULL, &now), 0);
	__atomic_store_n(&faults.pid, 0, __ATOMIC_RELEASE); /* nobody is there to take it */
	now.sa_sigaction(signal, &info, &context);
}

static void a_handler_that_is_set_by_a_fault_is_covered_again(void **state)
{
	(void)state;
	set_handler(SIGSEGV, set_itself);
	for (int i = 0; i < 3; i++) {
		fault_look();
		assert_true(is_covered(SIGSEGV));
		meet_here(SIGSEGV);
		assert_false(is_covered(SIGSEGV));
	}
	set_handler(SIGFPE, set_itself);
	fault_look();
	assert_true(is_covered(SIGFPE));
	set_handler(SIGSEGV, SIG_DFL);
	set_handler(SIGFPE, SIG_DFL);
}

static void a_fault_that_is_let_end_the_program_is_left_alone(void **state)
{
	(void)state;
	set_handler(SIGSEGV, let_end);
	fault_look();
	meet_here(SIGSEGV);
	fault_look();
	assert_false(is_covered(SIGSEGV));
	assert_true(is_covered(SIGFPE)); /* which has no handler of the program's either */
	fault_expect(wake);
	assert_false(is_covered(SIGSEGV));
	assert_int_equal(fault_patience(), HANDED_MS);

	/* It goes on all the same. */
	faults.handed_ms[index_of(SIGSEGV)] -= HANDED_MS;
	fault_look();
	assert_true(is_covered(SIGSEGV));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, clean_up)
	const struct CMUnitTest tests[] = {
		TEST(a_thread_goes_on_once_its_fault_is_known),
		TEST(a_thread_that_gives_up_waiting_leaves_its_fault_to_the_agent),
		TEST(a_fault_that_nobody_takes_in_time_makes_room),
		TEST(no_thread_goes_on_before_all_faults_are_known),
		TEST(a_stack_that_is_lent_is_had_again_when_its_thread_has_ended),
		TEST(a_child_forked_meanwhile_has_a_record_of_its_own),
		TEST(a_handler_that_is_set_by_a_fault_is_covered_again),
		TEST(a_fault_that_is_let_end_the_program_is_left_alone),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
