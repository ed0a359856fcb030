/* Thread-local variables that versions add: each thread has its own, those that ran before among them, and each process. */
#include "compiled.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static const struct compiled_how ways[] = {
	{.compiler = "gcc", .flags = {"-w", "-O0"}, .sources = {"storage_host.c"}},
	{.compiler = "gcc", .flags = {"-w", "-O2"}, .sources = {"storage_host.c"}},
	{.compiler = "gcc", .flags = {"-w", "-O2", "-mtls-dialect=gnu2"}, .sources = {"storage_host.c"}},
	{.compiler = "gcc", .flags = {"-w", "-O2"}, .sources = {"storage_host.c"}, .with_archive = true},
	{.compiler = "clang", .flags = {"-w", "-O0"}, .sources = {"storage_host.c"}},
	{.compiler = "clang", .flags = {"-w", "-O2"}, .sources = {"storage_host.c"}},
};

static void assert_each_thread_has_its_own(void)
{
	compiled_assert_answer(&host, "", "101 101 101 101");
	compiled_define(&host, "int count(int n) { static __thread int mine = 5; return ++mine * 10 + n; }");
	compiled_assert_answer(&host, "", "60 60 60 60");
	compiled_assert_answer(&host, "", "70 70 60 70");
	/* The next version goes on with it, brings others, one at file scope, and has the program's too. */
	compiled_define(&host,
			"static __thread char name[300] = \"abc\";\n"
			"int count(int n) { static __thread int mine = 5, zero; name[0]++; own++; zero++;\n"
			"return ++mine * 10 + n + (name[0] - 'a') * 1000 + zero * 10000 + own * 100000; }");
	compiled_assert_answer(&host, "", "10211080 10211080 10111060 10211080");
	compiled_assert_answer(&host, "", "10322090 10322090 10111060 10322090");
}

static void each_thread_and_process_has_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		compiled_init(&host, &ways[i]);
		compiled_start(&host);
		assert_each_thread_has_its_own();
		compiled_stop(&host);
		subject_fini(&host);
	}
}

static int start(void **state)
{
	(void)state;
	compiled_init(&host, &ways[1]);
	compiled_start(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	compiled_stop(&host);
	subject_fini(&host);
	return 0;
}

static void they_are_kept_when_the_engine_is_another(void **state)
{
	(void)state;
	compiled_define(&host, "int count(int n) { static __thread int mine = 5; return ++mine; }");
	compiled_assert_answer(&host, "", "6 6 6 6");
	pid_t engine = compiled_engine(&host);
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	compiled_define(
		&host,
		"int count(int n) { static __thread int mine = 5, more = 8; return ++mine + 100 * ++more; }");
	compiled_assert_answer(&host, "", "907 907 906 907");
}

static void threads_that_end_give_their_memory_back(void **state)
{
	(void)state;
	compiled_define(&host, "int count(int n) { static __thread int mine = 5; return ++mine; }");
	compiled_assert_answer(&host, "ends 100", "0 more");
}

static void what_they_cannot_be_is_said(void **state)
{
	(void)state;
	compiled_define(&host, "int count(int n) { static __thread int mine = 5; return ++mine; }");
	compiled_assert_refused(&host, "int count(int n) { static int mine = 5; return ++mine; }", "layout",
				"mine is thread-local in the version before");
	compiled_assert_refused(&host, "count::mine", "unknown", "each thread has its own mine");
	compiled_assert_refused(&host, "int count(int n) { static __thread long mine = 5; return ++mine; }",
				"layout", "mine is another variable, of 4 bytes, in the version before");
	compiled_assert_refused(&host, "int count(int n) { static __thread int *at = &n0; static int n0; }",
				"compile", "n0");
	compiled_assert_refused(
		&host, "static int n0;\nint count(int n) { static __thread int *at = &n0; return *at; }",
		"compile",
		"at: a new thread-local variable cannot begin with an address: give it that when the "
		"function first runs");
	compiled_assert_refused(&host,
				"int count(int n) { static __thread char room[20000]; return room[n]; }",
				"internal", "the arena has no room left for thread-local variables");
	compiled_assert_refused(&host, "extern int own;\nint count(int n) { return own + n; }", "layout",
				"own is thread-local in the running program, and is not here");
	compiled_assert_refused(&host,
				"extern __thread int to_child[2];\nint count(int n) { return to_child[n]; }",
				"layout", "to_child is thread-local here, and is not in the running program");
	compiled_assert_answer(&host, "", "6 6 6 6");
}

/* Neither its room nor what it was to begin with. */
static void what_did_not_go_live_leaves_nothing(void **state)
{
	(void)state;
	for (int trial = 0; trial < 4; trial++)
		compiled_assert_refused(&host,
					"int nowhere(int n);\nint count(int n)\n"
					"{ static __thread char room[9000] = {7}; return nowhere(room[n]); }",
					"unknown", "nowhere");
	compiled_define(&host,
			"int count(int n) { static __thread char room[9000]; return ++*room + room[8999]; }");
	compiled_assert_answer(&host, "", "1 1 1 1");
	compiled_assert_answer(&host, "", "2 2 1 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thread_and_process_has_its_own),
		cmocka_unit_test_setup_teardown(they_are_kept_when_the_engine_is_another, start, stop),
		cmocka_unit_test_setup_teardown(threads_that_end_give_their_memory_back, start, stop),
		cmocka_unit_test_setup_teardown(what_they_cannot_be_is_said, start, stop),
		cmocka_unit_test_setup_teardown(what_did_not_go_live_leaves_nothing, start, stop),
	};

	return cmocka_run_group_tests_name("system: storage", tests, NULL, NULL);
}
