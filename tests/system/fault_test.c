/* Faults in live versions are in the history before the program's own handler runs, or its end comes. */
#include "compiled.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct subject host;

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){.sources = {"fault_host.c", NULL}});
	compiled_start(&host);
	return 0;
}

static const char crash[] = "static int risky(int n) { return *(volatile int *)(long)n; }";

static int recorded(void)
{
	json_t *faults = compiled_data(&host, "\\log --faults");
	int count = (int)json_array_size(faults);

	json_decref(faults);
	return count;
}

/* The newest one's text has these parts. */
static void assert_recorded(int count, int version, const char *first, const char *second)
{
	json_t *faults = compiled_data(&host, "\\log --faults"), *newest = json_array_get(faults, 0);
	const char *detail = json_string_value(json_object_get(newest, "detail"));

	if (json_array_size(faults) != (size_t)count) {
		char *all = json_dumps(faults, JSON_INDENT(1));
		fail_msg("%zu faults, not %d: %s", json_array_size(faults), count, all);
	}
	assert_int_equal(json_integer_value(json_object_get(newest, "version")), version);
	assert_string_equal(json_string_value(json_object_get(newest, "function")), "risky");
	if (!detail || !strstr(detail, first) || !strstr(detail, second))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", detail ? detail : "", first, second);
	json_decref(faults);
}

/* The program must end by that signal. */
static void end_by(const char *line, int signal)
{
	pid_t engine = compiled_engine(&host);
	char text[256];

	assert_true(child_send(&host.program, line) && child_send(&host.program, "\n"));
	assert_false(child_read_line(&host.program, COMPILED_DEADLINE_MS, text, sizeof(text)));
	int status = child_stop(&host.program, COMPILED_DEADLINE_MS);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
	compiled_await_end(engine);
	compiled_start(&host);
}

static void a_fault_is_recorded_before_the_program_ends(void **state)
{
	(void)state;
	subject_define(&host, "risky", "static int risky(int n) { return n + 2; }");
	subject_define(&host, "risky", crash);
	end_by("call 16", SIGSEGV);
	assert_recorded(1, 2, "SIGSEGV at address 0x10 in risky@2", "call (fault_host.c:");
	compiled_assert_says(&host, 0, "\\log risky", "faulted");
	compiled_assert_says(&host, 0, "\\restore", "is left alone: it has faulted");
	compiled_assert_answer(&host, "call 1", "2");
	compiled_assert_says(&host, 0, "\\restore --force", "version 2 of risky is live");
	compiled_assert_says(&host, 0, "\\log --events -n 1", "restore");
}

/* Where the thread's stack has no room for a handler: the main thread has another one for that. */
static void a_stack_that_is_used_up_is_recorded(void **state)
{
	(void)state;
	subject_define(&host, "risky",
		       "static int risky(int n)\n{\n\tvolatile char room[4096];\n\n\troom[n & 4095] = 1;\n"
		       "\treturn n ? risky(n + 1) + room[0] : 0;\n}");
	end_by("call 1", SIGSEGV);
	assert_recorded(1, 1, "SIGSEGV at address 0x", "in risky@1");
}

static void threads_that_fault_at_once_are_all_recorded(void **state)
{
	static const int crowds[] = {2, 4, 8};
	int count = 0;

	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", crash);
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++) {
		char line[32];
		snprintf(line, sizeof(line), "crowd %d", crowds[i]);
		compiled_assert_answer(&host, line, "all of them");
		count += crowds[i];
		assert_recorded(count, 1, "SIGSEGV at address 0x10 in risky", "run_in_crowd");
	}
}

/* Whoever comes second would end the program before the first one is recorded. */
static void a_program_ends_by_several_faults_only_once_they_are_recorded(void **state)
{
	(void)state;
	for (int version = 1; version <= 6; version++) {
		subject_define(&host, "risky", crash);
		end_by("crowd 8", SIGSEGV);
		assert_true(recorded() >= version);
		compiled_assert_says(&host, 0, "\\restore", "is left alone: it has faulted");
	}
}

static void a_handler_of_the_program_has_its_turn_afterwards(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "call 16", "caught 1 at 0x10");
	assert_recorded(1, 1, "SIGSEGV at address 0x10", "main (fault_host.c:");
	compiled_assert_answer(&host, "thread 32", "caught 2 at 0x20");
	assert_recorded(2, 1, "SIGSEGV at address 0x20", "run_thread (fault_host.c:");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "call 1", "2");
	compiled_assert_answer(&host, "whose", "ours");
}

static void a_fault_in_what_a_version_calls_is_its_own(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", "static int risky(int n) { return measure((const char *)(long)n); }");
	compiled_assert_answer(&host, "call 16", "caught 1 at 0x10");
	assert_recorded(1, 1, "SIGSEGV at address 0x10 in", "risky@1");
}

static void a_fault_is_recorded_though_an_evaluation_runs(void **state)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	struct wire w;

	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", crash);
	wire_open(&w, host.socket);
	wire_command(&w, 7, "while (1) heeded = 77;");
	while (strcmp(subject_ask(&host, "heeded"), "77") != 0)
		assert_true(child_clock() < deadline);
	compiled_assert_answer(&host, "call 16", "caught 1 at 0x10");
	assert_recorded(1, 1, "SIGSEGV at address 0x10", "main (fault_host.c:");
	wire_close(&w);
}

static void a_fault_elsewhere_is_the_programs_business(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "plain", "caught 1 at 0x10");
	assert_int_equal(recorded(), 0);
}

static void there_is_a_handler_only_while_a_version_is_live(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "whose", "nobody");
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "whose", "somebody");
	subject_rollback(&host, "risky", 0);
	compiled_assert_answer(&host, "whose", "nobody");
	subject_rollback(&host, "risky", 1);
	subject_rollback(&host, "risky", 0);
	compiled_assert_answer(&host, "whose", "nobody");
}

static void a_handler_is_there_before_the_first_version_is_live(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "heed", "1");
	subject_define(&host, "risky", "static int risky(int n) { return n + 2; }");
	compiled_assert_answer(&host, "call 1", "3");
	compiled_assert_answer(&host, "heeded", "2");
}

/* The agent looks again by itself. */
static void await_somebody(void)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (strcmp(subject_ask(&host, "whose"), "somebody") != 0)
		assert_true(child_clock() < deadline);
}

static void a_handler_that_is_set_later_has_its_turn_too(void **state)
{
	(void)state;
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "handler", "ours");
	await_somebody();
	compiled_assert_answer(&host, "call 16", "caught 1 at 0x10");
	assert_recorded(1, 1, "SIGSEGV at address 0x10", "main (fault_host.c:");
	subject_rollback(&host, "risky", 0);
	compiled_assert_answer(&host, "whose", "ours");
	/* Again and again the same one. */
	for (int i = 0; i < 10; i++) {
		subject_rollback(&host, "risky", 1);
		compiled_assert_answer(&host, "handler", "ours");
		await_somebody();
		subject_rollback(&host, "risky", 0);
		compiled_assert_answer(&host, "whose", "ours");
	}
}

static void a_handler_that_is_set_over_ours_may_hand_on_to_it(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "handler", "ours");
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "chain", "1");
	await_somebody();
	compiled_assert_answer(&host, "call 16", "caught 1 at 0x10");
	compiled_assert_answer(&host, "chained", "1");
	assert_int_equal(recorded(), 1);
	/* It takes itself away: what it had found there is what handles faults again. */
	compiled_assert_answer(&host, "unchain", "1");
	compiled_assert_answer(&host, "call 32", "caught 2 at 0x20");
	compiled_assert_answer(&host, "chained", "1");
	assert_int_equal(recorded(), 2);
	subject_rollback(&host, "risky", 0);
	compiled_assert_answer(&host, "whose", "ours");
}

/* As handlers do that write a trace: the fault is repeated, and nobody is to meet it again. */
static void a_handler_of_the_program_may_end_it(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "farewell", "1");
	subject_define(&host, "risky", crash);
	compiled_assert_answer(&host, "call 16", "farewell");
	assert_int_equal(recorded(), 1); /* which makes the agent look for handlers */
	end_by("", SIGSEGV);
	assert_recorded(1, 1, "SIGSEGV at address 0x10", "main (fault_host.c:");
}

static void abort_and_division_by_zero_are_faults(void **state)
{
	(void)state;
	subject_define(&host, "risky",
		       "extern void abort(void);\nstatic int risky(int n) { abort(); return n; }");
	end_by("call 1", SIGABRT);
	assert_recorded(1, 1, "SIGABRT in", "risky@1");
	subject_define(&host, "risky", "static int risky(int n) { return 1 / n; }");
	end_by("call 0", SIGFPE);
	assert_recorded(2, 2, "SIGFPE in risky@2", "main");
}

static void a_wedged_engine_does_not_hold_a_fault_up_for_ever(void **state)
{
	pid_t engine;
	char text[256];

	(void)state;
	subject_define(&host, "risky", crash);
	engine = compiled_engine(&host);
	assert_int_equal(kill(engine, SIGSTOP), 0);
	assert_true(child_send(&host.program, "call 16\n"));
	assert_false(child_read_line(&host.program, COMPILED_DEADLINE_MS, text, sizeof(text)));
	int status = child_stop(&host.program, COMPILED_DEADLINE_MS);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_int_equal(kill(engine, SIGCONT), 0);
	compiled_await_end(engine);
	compiled_start(&host);
	assert_int_equal(recorded(), 1); /* its message was there */
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start_host, compiled_group_fini)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(a_fault_is_recorded_before_the_program_ends),
		WITH_HOST(a_stack_that_is_used_up_is_recorded),
		WITH_HOST(threads_that_fault_at_once_are_all_recorded),
		WITH_HOST(a_program_ends_by_several_faults_only_once_they_are_recorded),
		WITH_HOST(a_handler_of_the_program_has_its_turn_afterwards),
		WITH_HOST(a_fault_in_what_a_version_calls_is_its_own),
		WITH_HOST(a_fault_is_recorded_though_an_evaluation_runs),
		WITH_HOST(a_fault_elsewhere_is_the_programs_business),
		WITH_HOST(a_handler_that_is_set_later_has_its_turn_too),
		WITH_HOST(a_handler_that_is_set_over_ours_may_hand_on_to_it),
		WITH_HOST(there_is_a_handler_only_while_a_version_is_live),
		WITH_HOST(a_handler_is_there_before_the_first_version_is_live),
		WITH_HOST(a_handler_of_the_program_may_end_it),
		WITH_HOST(abort_and_division_by_zero_are_faults),
		WITH_HOST(a_wedged_engine_does_not_hold_a_fault_up_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
