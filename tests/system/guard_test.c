/* Faults in guarded functions: the call waits, the others go on, and somebody who has repaired the function or knows a value
 * lets it go on. */
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
static struct wire wire; /* a console that hears events */

static const struct compiled_how how = {.sources = {"guard_host.c"}};

static int start_host(void **state)
{
	(void)state;
	compiled_start(&host);
	wire_listen(&wire, host.socket);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	wire_close(&wire);
	compiled_stop(&host);
	return 0;
}

static void tell_host(const char *line)
{
	assert_true(child_send(&host.program, line));
}

static void await_line(const char *expected)
{
	char line[200] = "";

	if (!child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)) ||
	    strcmp(line, expected) != 0)
		fail_msg("the program says %s, not %s", line, expected);
}

/* Waits for a call of that function to be parked; its number. */
static int await_parked(const char *function, const char *signal)
{
	json_t *event = wire_await_event(&wire, "parked");
	int call = (int)json_integer_value(json_object_get(event, "call"));

	assert_string_equal(compiled_string(event, "function"), function);
	assert_string_equal(compiled_string(event, "signal"), signal);
	json_decref(event);
	return call;
}

/* Waits until a new engine has been told of the calls that wait. */
static size_t await_count(size_t count)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	size_t now;

	do {
		json_t *data = compiled_data(&host, "\\guard");
		now = json_array_size(json_object_get(data, "parked"));
		json_decref(data);
	} while (now != count && child_clock() < deadline);
	return now;
}

static const char repaired[] =
	"static int length_of(const struct request *r, int extra)\n{\n\treturn r->path ? "
	"(int)strlen(r->path) + extra : -extra - 7;\n}";

/* --- the tests ----------------------------------------------------------------------------------------------------- */

static void a_fault_parks_the_call_and_the_others_go_on(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	json_t *event = wire_await_event(&wire, "fault");
	assert_string_equal(compiled_string(event, "function"), "length_of");
	assert_int_equal(json_integer_value(json_object_get(event, "version")), 1);
	/* What stands around the function is no call of it. */
	const char *calls = strstr(compiled_string(event, "text"), "  length_of@1 (guard_host.c:");
	assert_non_null(calls);
	assert_null(strstr(calls + 1, "  length_of@1"));
	assert_non_null(strstr(calls, "  serve (guard_host.c:"));
	assert_null(strstr(calls, "<guard>"));
	json_decref(event);
	assert_int_equal(await_parked("length_of", "SEGV"), 1);
	tell_host("length 2\n");
	await_line("length 7");
	tell_host("served 0\n");
	await_line("served 2");
	compiled_assert_says(&host, 0, "\\guard", "call 1 of length_of(r=0x");
	compiled_assert_says(&host, 0, "\\guard", " -> {number = 0, path = 0x0}, extra=0) in thread");
	compiled_assert_says(&host, 0, "\\list length_of", "guard");
}

/* That pick was called with 1, and where what it was called with stands in the text. */
static void assert_pick_told(void)
{
	json_t *event = wire_await_event(&wire, "parked");
	json_t *args = json_object_get(event, "args"), *address = json_object_get(args, "how");
	json_t *expected = json_pack("{s:i, s:n, s:{s:i, s:i}, s:s, s:O}", "n", 1, "weights", "p", "first", 1,
				     "second", -1, "name", "four", "how", address ? address : json_null());
	const char *text = compiled_string(event, "text");

	assert_true(json_equal(args, expected));
	assert_non_null(strstr(json_string_value(address), "puts>"));
	assert_non_null(strstr(text, " of pick(n=1, weights=0x0, p={first = 1, second = -1}, name=0x"));
	assert_non_null(strstr(text, " \"four\", how=0x"));
	json_decref(expected);
	json_decref(event);
}

static void what_a_call_that_waits_was_made_with_is_told(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard pick");
	tell_host("pick 1\n");
	assert_pick_told();
	wire_ok(&wire, "\\return weights[n]"); /* faults likewise */
	assert_pick_told();
	compiled_define(&host, "static double pick(register int n, const double weights[2], struct pair p, "
			       "const char *name,\n"
			       "\t\t   int (*how)(const char *))\n{\n"
			       "\treturn how(name) + *weights + (double)p.second;\n}");
	wire_ok(&wire, "\\retry");
	assert_pick_told();
	wire_ok(&wire, "\\return 5");
	await_line("four");
	await_line("pick 5");
	json_t *data = compiled_data(&host, "\\guard");
	assert_int_equal(json_array_size(json_object_get(data, "parked")), 0);
	json_decref(data);
}

/* The address that a division by zero comes with is its instruction's: nothing there was accessed. */
static void a_division_by_zero_has_no_address(void **state)
{
	(void)state;
	compiled_define(&host, "static int length_of(const struct request *r, int extra)\n{\n"
			       "\treturn extra / (r->path != 0);\n}");
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "FPE");
	compiled_assert_says(&host, 0, "\\guard", "waits after SIGFPE in length_of@2");
	wire_ok(&wire, "\\return 5");
	await_line("length 5");
}

static void a_call_is_parked_though_an_evaluation_runs(void **state)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char line[200] = "";
	struct wire other;

	(void)state;
	wire_ok(&wire, "\\guard length_of");
	wire_open(&other, host.socket);
	wire_command(&other, 7, "while (1) served = 77;");
	while (strcmp(line, "served 77") != 0) {
		tell_host("served 0\n");
		assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
		assert_true(child_clock() < deadline);
	}
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	wire_close(&other);
	wire_ok(&wire, "\\return 5");
	await_line("length 5");
}

static void retry_calls_the_new_definition_with_the_same_arguments(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	wire_ok(&wire, "\\retry"); /* nothing is repaired yet */
	await_parked("length_of", "SEGV");
	assert_int_equal(subject_define(&host, "length_of", repaired), 2);
	wire_ok(&wire, "\\retry");
	await_line("length -7");
	assert_int_equal(await_count(0), 0);
	compiled_assert_refused(&host, "\\retry", "usage", "no call waits");
}

static void return_gives_the_caller_a_value(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	wire_ok(&wire, "\\guard touch");
	wire_ok(&wire, "\\guard give_up");
	tell_host("length 0\n");
	int call = await_parked("length_of", "SEGV");
	tell_host("touch 0\n");
	await_parked("touch", "SEGV");
	tell_host("give_up -3\n");
	int last = await_parked("give_up", "ABRT");
	compiled_assert_refused(&host, "\\return", "usage", "int");
	compiled_assert_refused(&host, "\\return nothing", "compile", "nothing");
	compiled_assert_refused(&host, "\\return @99 1", "unknown", "99");
	wire_ok(&wire, "\\return served * 10 + r->number + extra");
	await_line("length 10");
	wire_ok(&wire, "\\return");
	await_line("touch 0");
	char command[100];
	snprintf(command, sizeof(command), "\\return @%d (struct pair){number * 2, 0}", last);
	wire_ok(&wire, command);
	await_line("give_up -6");
	assert_true(call < last);
}

static void a_value_that_faults_leaves_the_call_waiting(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	wire_ok(&wire, "\\return (int)strlen(r->path)");
	await_parked("length_of", "SEGV");
	wire_ok(&wire, "\\return extra - 1");
	await_line("length -1");
	wire_ok(&wire, "\\guard quotient return *(int *)8");
	tell_host("quotient 0\n");
	await_parked("quotient", "SEGV");
	wire_ok(&wire, "\\return a");
	await_line("quotient 100");
}

static void a_value_of_another_type_is_refused(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	compiled_assert_refused(&host, "\\return \"abc\"", "compile", "length_of cannot return \"abc\"");
	compiled_assert_refused(&host, "\\return (struct pair){1, 2}", "compile", "struct pair");
	compiled_assert_refused(&host, "\\guard quotient return \"abc\"", "compile",
				"quotient cannot return");
	compiled_assert_live(&host, "quotient", 0, 1, "built");
	wire_ok(&wire, "\\return 2.5");
	await_line("length 2");
}

static void a_guard_may_return_at_once(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of return -1 - extra");
	wire_ok(&wire, "\\guard touch return");
	tell_host("length 0\n");
	await_line("length -1");
	tell_host("touch 0\n");
	await_line("touch 0");
	tell_host("length 3\n");
	await_line("length 8");
	compiled_assert_refused(&host, "\\guard quotient return", "usage", "return something");
	compiled_assert_refused(&host, "\\guard quotient return b + none", "compile", "none");
	compiled_assert_refused(&host, "\\guard quotient retrun 1", "usage", "usage");
	compiled_assert_live(&host, "quotient", 0, 1, "built");
}

static void each_kind_of_fault_is_caught_though_the_program_has_a_handler(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard quotient");
	tell_host("quotient 0\n");
	await_parked("quotient", "FPE");
	wire_ok(&wire, "\\return a + b");
	await_line("quotient 100");
	/* Without the guard the fault is the program's. */
	wire_ok(&wire, "\\unguard quotient");
	tell_host("quotient 0\n");
	await_line("the program's own handler");
}

static void the_innermost_guarded_call_waits(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard outer");
	wire_ok(&wire, "\\guard length_of");
	tell_host("outer 0\n");
	await_parked("length_of", "SEGV");
	wire_ok(&wire, "\\return 5");
	await_line("outer 6");
	wire_ok(&wire, "\\unguard length_of");
	tell_host("outer 0\n");
	await_parked("outer", "SEGV");
	wire_ok(&wire, "\\return 9");
	await_line("outer 9");
}

static void many_calls_wait_and_go_on_together(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	for (int i = 0; i < 40; i++)
		tell_host("length 0\n");
	assert_int_equal(await_count(40), 40);
	tell_host("length 1\n");
	await_line("length 6");
	subject_define(&host, "length_of", repaired);
	wire_ok(&wire, "\\retry");
	for (int i = 0; i < 40; i++)
		await_line("length -7");
	assert_int_equal(await_count(0), 0);
}

static void a_new_engine_knows_what_waits(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	pid_t engine = compiled_engine(&host);
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	assert_int_equal(await_count(1), 1);
	compiled_assert_live(&host, "length_of", 0, 2, "built");
	wire_close(&wire);
	wire_listen(&wire, host.socket);
	wire_ok(&wire, "\\return 77");
	await_line("length 77");
}

static void what_waits_is_tried_again_when_the_console_closes(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	subject_define(&host, "length_of", repaired);
	tell_host("stop 0\n");
	char line[2][200];
	for (int i = 0; i < 2; i++)
		assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, line[i], sizeof(line[i])));
	int stopped = strcmp(line[0], "stop 0") == 0 ? 0 : 1;
	assert_string_equal(line[stopped], "stop 0");
	assert_string_equal(line[!stopped], "length -7");
}

static void what_cannot_be_called_again_is_not_guarded(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\guard any", "usage", "any number");
	compiled_assert_refused(&host, "\\unguard any", "usage", "not guarded");
	compiled_assert_refused(&host, "\\guard nothing", "unknown", "nothing");
	free(compiled_console(&host, 3, NULL, "--read-only", "-c", "\\guard length_of", NULL));
	free(compiled_console(&host, 0, NULL, "--read-only", "-c", "\\guard", NULL));
}

static void a_rollback_leaves_the_version_that_faulted_and_says_that_it_is_not_guarded(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard touch");
	subject_define(&host, "touch", "static void touch(int *place) { *(int *)8 = 1; (void)place; }");
	tell_host("touch 5\n");
	await_parked("touch", "SEGV");
	char *answer = compiled_console(&host, 0, NULL, "-c", "\\rollback touch", "-c", "\\retry", NULL);
	assert_non_null(strstr(answer, "touch is now version 0 (as built), and no longer guarded\n"));
	free(answer);
	await_line("touch 1");
}

/* A fault names that version. */
static void a_new_definition_says_as_which_version_it_runs_guarded(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard touch");
	char *answer = compiled_console(&host, 0, NULL, "-c", "static void touch(int *place) { *place = 2; }",
					"-c", "\\unguard touch", "-c",
					"static void touch(int *place) { *place = 3; }", NULL);
	assert_non_null(strstr(answer, "touch is now version 2 (tcc, "));
	assert_non_null(strstr(answer, " ms); with guard it runs as 3\n"));
	assert_non_null(strstr(answer, "touch is version 2, without a guard\n"));
	assert_null(strstr(answer, "runs as 4"));
	free(answer);
}

static void a_guarded_function_is_counted_and_traced_as_any(void **state)
{
	(void)state;
	wire_ok(&wire, "\\cover length_of");
	wire_ok(&wire, "\\trace length_of");
	wire_ok(&wire, "\\guard length_of");
	tell_host("length 3\n");
	await_line("length 8");
	json_t *event = wire_await_event(&wire, "trace");
	assert_int_equal(json_integer_value(json_object_get(event, "result")), 8);
	json_decref(event);
	tell_host("length 0\n");
	await_parked("length_of", "SEGV");
	json_t *list = wire_data(&wire, "\\cover length_of"),
	       *lines = json_object_get(json_array_get(list, 0), "lines");
	assert_int_equal(json_integer_value(json_object_get(lines, "run")), 2);
	json_decref(list);
	json_t *row = compiled_row(&host, "length_of");
	assert_string_equal(compiled_string(row, "watch"), "cover+trace+guard");
	json_decref(row);
	wire_ok(&wire, "\\return 1");
	await_line("length 1");
}

/* A probe of a line that a new definition does not have is over; the guard is not. */
static void a_guard_outlives_a_probe_that_does_not_fit(void **state)
{
	(void)state;
	wire_ok(&wire, "\\guard touch return");
	wire_ok(&wire, "\\trace touch");
	json_t *row = compiled_row(&host, "touch");
	char probe[64];
	snprintf(probe, sizeof(probe), "\\probe touch:%d place",
		 (int)json_integer_value(json_object_get(row, "line")) + 2);
	json_decref(row);
	wire_ok(&wire, probe);
	subject_define(&host, "touch", "static void touch(int *place) { *place = 4; }");
	json_t *event = wire_await_event(&wire, "watch-end");
	assert_string_equal(compiled_string(event, "kind"), "probe");
	json_decref(event);
	row = compiled_row(&host, "touch");
	assert_string_equal(compiled_string(row, "watch"), "trace+guard");
	json_decref(row);
	tell_host("touch 0\n");
	await_line("touch 0");
}

#define with_host(f) cmocka_unit_test_setup_teardown(f, start_host, stop_host)

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(a_fault_parks_the_call_and_the_others_go_on),
		with_host(what_a_call_that_waits_was_made_with_is_told),
		with_host(a_division_by_zero_has_no_address),
		with_host(a_call_is_parked_though_an_evaluation_runs),
		with_host(retry_calls_the_new_definition_with_the_same_arguments),
		with_host(return_gives_the_caller_a_value),
		with_host(a_value_that_faults_leaves_the_call_waiting),
		with_host(a_value_of_another_type_is_refused),
		with_host(a_guard_may_return_at_once),
		with_host(each_kind_of_fault_is_caught_though_the_program_has_a_handler),
		with_host(the_innermost_guarded_call_waits),
		with_host(many_calls_wait_and_go_on_together),
		with_host(a_new_engine_knows_what_waits),
		with_host(what_waits_is_tried_again_when_the_console_closes),
		with_host(what_cannot_be_called_again_is_not_guarded),
		with_host(a_rollback_leaves_the_version_that_faulted_and_says_that_it_is_not_guarded),
		with_host(a_new_definition_says_as_which_version_it_runs_guarded),
		with_host(a_guarded_function_is_counted_and_traced_as_any),
		with_host(a_guard_outlives_a_probe_that_does_not_fit),
	};

	return cmocka_run_group_tests_name("system: guarding", tests, init, compiled_group_fini);
}
