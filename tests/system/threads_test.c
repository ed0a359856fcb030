/* Where the program's threads are, and that they notice nothing of being looked at. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include <cmocka.h>

static const struct compiled_how how = {.sources = {"threads_host.c"}},
				 clang = {.compiler = "clang", .sources = {"threads_host.c"}};

static struct subject host;
static struct wire wire;

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	return 0;
}

static int start(void **state)
{
	(void)state;
	compiled_start(&host);
	wire_listen(&wire, host.socket);
	return 0;
}

static int stop(void **state)
{
	wire_close(&wire);
	return compiled_each_stop(state);
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, start, stop)

/* The host's answer to a line. */
static void assert_host_says(const char *line, const char *expected)
{
	char answer[100] = "";

	assert_true(child_send(&host.program, line));
	assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, answer, sizeof(answer)));
	assert_string_equal(answer, expected);
}

/* A call of that function, among what \threads tells; NULL: no thread is inside. */
static json_t *find_frame(const json_t *threads, const char *function)
{
	json_t *thread, *frame;
	size_t i, k;

	json_array_foreach((json_t *)threads, i, thread)
		json_array_foreach(json_object_get(thread, "frames"), k, frame)
			if (strcmp(compiled_string(frame, "function"), function) == 0)
				return frame;
	return NULL;
}

/* Waits until a thread is inside that function: what the command told then. */
static json_t *await_inside(const char *command, const char *function)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (;;) {
		json_t *threads = wire_data(&wire, command);
		if (find_frame(threads, function))
			return threads;
		json_decref(threads);
		assert_true(child_clock() < deadline);
	}
}

static void each_thread_is_shown_and_notices_nothing(void **state)
{
	static const char *const functions[] = {"in_epoll", "in_recv",      "in_sigtimedwait",
						"in_poll",  "in_nanosleep", "in_futex"};
	enum { LOOKS = 50 };

	(void)state;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		json_t *threads = await_inside("\\threads", functions[i]);
		json_t *frame = find_frame(threads, functions[i]), *first = json_array_get(threads, 0);
		assert_true(strstr(compiled_string(frame, "file"), "threads_host.c") != NULL);
		assert_true(json_integer_value(json_object_get(frame, "line")) > 0);
		assert_non_null(find_frame(threads, "wait_in"));
		assert_non_null(find_frame(threads, "main"));
		assert_int_equal(json_integer_value(json_object_get(first, "thread")), host.program.pid);
		json_decref(threads);
	}
	for (int i = 0; i < LOOKS; i++)
		wire_ok(&wire, "\\threads");
	assert_host_says("back\n", "back 0");
}

static void what_was_inlined_is_a_call_all_the_same(void **state)
{
	(void)state;
	json_t *threads = await_inside("\\threads", "rest");
	json_t *callee = find_frame(threads, "rest"), *caller = find_frame(threads, "in_poll");
	assert_true(json_is_true(json_object_get(callee, "inlined")));
	assert_null(json_object_get(caller, "inlined"));
	assert_true(strstr(compiled_string(callee, "file"), "threads_host.c") != NULL);
	assert_true(json_integer_value(json_object_get(callee, "line")) + 5 ==
		    json_integer_value(json_object_get(caller, "line")));
	assert_string_equal(compiled_string(callee, "pc"), compiled_string(caller, "pc"));
	json_decref(threads);
}

/* The code that the console itself runs in the program is no part of that. */
static void the_consoles_own_threads_are_not_shown(void **state)
{
	json_t *thread;
	size_t i;

	(void)state;
	wire_ok(&wire, "going");
	json_t *threads = wire_data(&wire, "\\threads");
	json_array_foreach(threads, i, thread)
		assert_int_not_equal(strncmp(compiled_string(thread, "name"), "rtf-", 4), 0);
	assert_true(json_array_size(threads) > 0);
	json_decref(threads);
}

static void assert_inside(const char *function, int version, int live)
{
	json_t *threads = await_inside("\\threads spin", function), *frame = find_frame(threads, function);

	assert_int_equal(json_integer_value(json_object_get(frame, "version")), version);
	assert_int_equal(json_integer_value(json_object_get(frame, "live")), live);
	json_decref(threads);
}

static void await_spun(int count)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char line[100], expected[100];

	snprintf(expected, sizeof(expected), "spun %d", count);
	do {
		assert_true(child_clock() < deadline);
		assert_true(child_send(&host.program, "spun\n"));
		assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	} while (strcmp(line, expected) != 0);
}

static void define_spin(int step)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "int spin(int n)\n{\n\twhile (__atomic_load_n(&going, __ATOMIC_RELAXED))\n\t\tn += %d;\n"
		 "\treturn n;\n}",
		 step);
	compiled_define(&host, text);
}

static void who_is_still_inside_an_older_version_is_told(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0, "\\threads spin", " is inside spin");
	assert_true(child_send(&host.program, "spin\n"));
	assert_inside("spin", 0, 0);
	define_spin(2);
	assert_inside("spin", 0, 1);
	compiled_assert_says(&host, 0, "\\threads spin", "), as built: version 1 is live");
	assert_true(child_send(&host.program, "spin\n"));
	assert_inside("spin@1", 1, 1);
	wire_ok(&wire, "\\rollback spin 0");
	assert_inside("spin@1", 1, 0);
	compiled_assert_says(&host, 0, "\\threads spin", "), version 0 is live");
	wire_ok(&wire, "going = 0;");
	await_spun(2);
	compiled_assert_says(&host, 0, "\\threads spin", "threads is inside spin");
}

static void assert_told(int live, int threads, const char *text)
{
	json_t *event = wire_await_event(&wire, "inside");

	assert_string_equal(compiled_string(event, "function"), "spin");
	assert_int_equal(json_integer_value(json_object_get(event, "live")), live);
	assert_int_equal(json_integer_value(json_object_get(event, "threads")), threads);
	assert_true(json_integer_value(json_object_get(event, "line")) > 0);
	assert_true(strstr(compiled_string(event, "text"), text) != NULL);
	json_decref(event);
}

/* Whoever changes a function that does not return is not left wondering. */
static void that_a_change_does_not_reach_a_call_is_told_unasked(void **state)
{
	(void)state;
	assert_true(child_send(&host.program, "spin\n"));
	assert_inside("spin", 0, 0);
	define_spin(2);
	assert_told(1, 1, " (threads_host.c:");
	assert_true(child_send(&host.program, "spin\n"));
	assert_inside("spin@1", 1, 1);
	define_spin(3);
	assert_told(2, 2, ", and 1 more are inside older versions: those calls go on as they began");
	wire_ok(&wire, "going = 0;");
	await_spun(2);
	assert_host_says("back\n", "back 0");
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\threads 1", "unknown", "the program has no thread 1");
	compiled_assert_refused(&host, "\\threads spinn", "unknown", "spin");
}

/* A debugger has its threads: nobody else may look then, and the program goes on. */
static void a_program_that_is_debugged_is_not_looked_at(void **state)
{
	pid_t pid = host.program.pid;

	(void)state;
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	compiled_assert_refused(&host, "\\threads", "denied",
				"; a debugger has them, or the system forbids it");
	assert_host_says("back\n", "back 0");
	compiled_kill(&host);
	compiled_start(&host);
}

/* Which writes no table of the addresses that its units have. */
static void lines_of_what_clang_built_are_told(void **state)
{
	(void)state;
	stop(state);
	compiled_build(&host, &clang);
	start(state);
	json_t *threads = await_inside("\\threads", "in_poll");
	json_t *frame = find_frame(threads, "in_poll");
	assert_non_null(json_object_get(frame, "file"));
	assert_true(strstr(compiled_string(frame, "file"), "threads_host.c") != NULL);
	assert_true(json_integer_value(json_object_get(frame, "line")) > 0);
	json_decref(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(each_thread_is_shown_and_notices_nothing),
		with_host(what_was_inlined_is_a_call_all_the_same),
		with_host(the_consoles_own_threads_are_not_shown),
		with_host(who_is_still_inside_an_older_version_is_told),
		with_host(that_a_change_does_not_reach_a_call_is_told_unasked),
		with_host(what_is_not_there_is_said),
		with_host(a_program_that_is_debugged_is_not_looked_at),
		with_host(lines_of_what_clang_built_are_told),
	};

	return cmocka_run_group_tests_name("threads", tests, init, compiled_group_fini);
}
