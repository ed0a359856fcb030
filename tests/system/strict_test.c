/* The strict promise: a call made after a save returned runs the new text, or waits for it. No event is waited for here. */
#include "followed.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 40 };

static struct followed host;

/* rtf_sync waits for the engine to follow the sources; strict entries are there by then. */
static int start(void **state)
{
	(void)state;
	followed_init(&host);
	followed_assert_call(&host, "synced", 0, 0);
	return 0;
}

static int start_strict(void **state)
{
	setenv("RTF_STRICT", "1", 1);
	start(state);
	unsetenv("RTF_STRICT");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void save_round(int i)
{
	char old[64], new[64];

	snprintf(old, sizeof(old), i == 1 ? "n * FACTOR" : "n * %d", i + 99);
	snprintf(new, sizeof(new), "n * %d", i + 100);
	followed_edit(&host, "follow_host.c", old, new);
}

static void a_strict_call_after_a_save_runs_the_new_text(void **state)
{
	(void)state;
	for (int i = 1; i <= ROUNDS; i++) {
		save_round(i);
		followed_assert_call(&host, "scaled", 1, 100 + i);
	}
}

static void a_call_after_sync_runs_the_new_text(void **state)
{
	(void)state;
	for (int i = 1; i <= ROUNDS; i++) {
		save_round(i);
		followed_assert_call(&host, "synced", 0, 0);
		followed_assert_call(&host, "scaled", 1, 100 + i);
	}
}

static void a_header_that_two_files_include_is_waited_for(void **state)
{
	(void)state;
	followed_edit(&host, "follow_deep.h", "DEEP 1000", "DEEP 2000");
	followed_assert_call(&host, "other_deep", 0, -2000);
	followed_assert_call(&host, "deep", 0, 2000);
}

static void a_refused_save_is_waited_for_and_the_old_text_runs(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * FACTOOR");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_refused(&host, "FACTOOR");
	followed_edit(&host, "follow_host.c", "FACTOOR", "FACTOR * 2");
	followed_assert_call(&host, "scaled", 1, 6);
}

static void strict_functions_can_be_changed_at_the_console_and_go_back(void **state)
{
	(void)state;
	subject_define(&host.subject, "scaled", "static int scaled(int n) { return n * 9; }");
	followed_assert_call(&host, "scaled", 1, 9);
	subject_rollback(&host.subject, "scaled", 0);
	followed_assert_call(&host, "scaled", 1, 3);
	compiled_assert_live(&host.subject, "scaled", 0, 2, "built");
}

static void a_new_engine_finds_strict_entries(void **state)
{
	pid_t engine = compiled_engine(&host.subject);

	(void)state;
	subject_define(&host.subject, "scaled", "static int scaled(int n) { return n * 9; }");
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	followed_assert_call(&host, "scaled", 1, 9);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "live");
	followed_assert_call(&host, "synced", 0, 0);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_call(&host, "scaled", 1, 5);
}

static void an_engine_that_dies_holds_nobody_up(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++) {
		pid_t engine = compiled_engine(&host.subject);
		kill(engine, SIGKILL);
		followed_assert_call(&host, "plain", 1, 0);
		followed_assert_call(&host, "moved", 1, 2);
		compiled_await_end(engine);
	}
}

static int cost_of_a_call(void)
{
	return atoi(subject_ask(&host.subject, "cost 200000"));
}

static void a_strict_call_costs_a_system_call(void **state)
{
	int strict = cost_of_a_call();

	followed_fini(&host);
	start(state);
	int plain = cost_of_a_call();
	print_message("a call takes %d.%02d ns, a strict one %d.%02d ns\n", plain / 1000, plain / 10 % 100, strict / 1000,
		      strict / 10 % 100);
	assert_true(strict < 500000000); /* on any machine: none of them waits */
}

#define plainly(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define strictly(name) cmocka_unit_test_setup_teardown(name, start_strict, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		strictly(a_strict_call_after_a_save_runs_the_new_text),
		plainly(a_call_after_sync_runs_the_new_text),
		strictly(a_header_that_two_files_include_is_waited_for),
		strictly(a_refused_save_is_waited_for_and_the_old_text_runs),
		strictly(strict_functions_can_be_changed_at_the_console_and_go_back),
		strictly(a_new_engine_finds_strict_entries),
		strictly(an_engine_that_dies_holds_nobody_up),
		strictly(a_strict_call_costs_a_system_call),
	};

	return cmocka_run_group_tests_name("system: strict", tests, NULL, NULL);
}
