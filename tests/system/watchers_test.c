/* Functions that are counted, traced and probed while the program goes on: what the consoles are told is what the program
 * did, and what the program does is what it would do anyway. */
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
static struct wire wire; /* the console that watches */
static int asked;

static int start_host(void **state)
{
	(void)state;
	compiled_start(&host);
	wire_open(&wire, host.socket);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	if (wire.fd >= 0)
		wire_close(&wire);
	compiled_assert_history_whole(&host);
	compiled_stop(&host);
	return 0;
}

/* Waits until \list says that of the function: "cover", or NULL for nothing. */
static void await_watch(const char *function, const char *watch)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (;;) {
		json_t *row = compiled_row(&host, function);
		const char *now = json_string_value(json_object_get(row, "watch"));
		bool same = watch ? now && strcmp(now, watch) == 0 : !now;
		json_decref(row);
		if (same)
			return;
		if (child_clock() > deadline)
			fail_msg("%s is still not %s", function, watch ? watch : "plain");
	}
}

/* How often a line of the function's file ran, by \source; -1: it is not counted. */
static int count_of(const char *function, const char *source_line)
{
	char command[100];
	snprintf(command, sizeof(command), "\\source %s", function);
	json_t *data = wire_data(&wire, command), *row;
	const char *text = compiled_string(data, "text"), *at = strstr(text, source_line);
	int line = (int)json_integer_value(json_object_get(data, "line")), count = -1;
	size_t i;

	assert_non_null(at);
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	json_array_foreach(json_object_get(data, "counts"), i, row)
		if (json_integer_value(json_object_get(row, "line")) == line)
			count = (int)json_integer_value(json_object_get(row, "count"));
	json_decref(data);
	return count;
}

/* The line of the host's source that holds `part`. */
static int source_line(const char *part)
{
	char *path = compiled_path(&host, "host.c"), *text = child_read_file(path),
	     *at = text ? strstr(text, part) : NULL;
	int line = 1;

	assert_non_null(at);
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	free(text);
	free(path);
	return line;
}

/* --- \cover -------------------------------------------------------------------------------------------------------- */

static const char sign[] =
	"static long factorial(int n)\n{\n\tif (n < 0 && n != -5)\n\t\treturn -1;\n\treturn n ? 1 : 0;\n}";

static void lines_and_branches_are_counted_as_the_program_runs_them(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	compiled_assert_answer(&host, "factorial 3", "1");
	compiled_assert_answer(&host, "factorial -3", "-1");
	compiled_assert_answer(&host, "factorial -5", "1");

	assert_int_equal(count_of("factorial", "if (n < 0"), 3);
	assert_int_equal(count_of("factorial", "return -1"), 1);
	assert_int_equal(count_of("factorial", "return n ?"), 2);
	assert_int_equal(count_of("factorial", "{"), -1);
	json_t *list = wire_data(&wire, "\\cover factorial"), *data = json_array_get(list, 0);
	json_t *outcome = json_array_get(json_object_get(data, "outcomes"), 1);
	assert_string_equal(compiled_string(outcome, "text"), "n != -5");
	assert_int_equal(json_integer_value(json_object_get(outcome, "true")), 1);
	assert_int_equal(json_integer_value(json_object_get(outcome, "false")), 1);
	json_t *branches = json_object_get(data, "branches"), *lines = json_object_get(data, "lines");
	assert_int_equal(json_integer_value(json_object_get(branches, "taken")), 5);
	assert_int_equal(json_integer_value(json_object_get(branches, "total")), 6);
	assert_int_equal(json_integer_value(json_object_get(lines, "run")), 3);
	json_decref(list);
	compiled_assert_says(&host, 0, "\\cover", "3 of 3 lines run, 5 of 6 branch outcomes taken");
	compiled_assert_says(&host, 0, "\\cover factorial", "true 2, false never");
}

static void what_counts_and_records_is_none_of_the_programs_variables(void **state)
{
	size_t i, before;
	json_t *row, *rows;

	(void)state;
	rows = wire_data(&wire, "\\vars");
	before = json_array_size(rows);
	assert_true(before > 0);
	json_decref(rows);
	wire_ok(&wire, "\\cover factorial");
	wire_ok(&wire, "\\trace factorial");
	rows = wire_data(&wire, "\\vars *");
	json_array_foreach(rows, i, row)
		assert_ptr_equal(strstr(compiled_string(row, "name"), "rtf_"), NULL);
	json_decref(rows);
	rows = wire_data(&wire, "\\vars");
	assert_int_equal(json_array_size(rows), before);
	json_decref(rows);
}

static void uncover_goes_back_to_the_version_that_was_counted(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	json_t *row = compiled_row(&host, "factorial");
	assert_string_equal(compiled_string(row, "watch"), "cover");
	assert_string_equal(compiled_string(row, "state"), "live");
	assert_int_equal(json_integer_value(json_object_get(row, "version")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "plain")), 1);
	json_decref(row);
	wire_ok(&wire, "\\uncover factorial");
	compiled_assert_live(&host, "factorial", 1, 3, "live");
	compiled_assert_answer(&host, "factorial 3", "1");
	json_t *log = compiled_data(&host, "\\log factorial"), *version = json_array_get(log, 0);
	assert_string_equal(compiled_string(version, "origin"), "cover");
	assert_int_equal(json_integer_value(json_object_get(version, "parent")), 1);
	json_decref(log);
	compiled_assert_refused(&host, "\\uncover factorial", "usage", "not counted");
}

static void statics_keep_their_values_while_they_are_counted(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "ticks", "1");
	wire_ok(&wire, "\\cover ticks");
	compiled_assert_answer(&host, "ticks", "2");
	wire_ok(&wire, "\\uncover ticks");
	compiled_assert_answer(&host, "ticks", "3");
	compiled_assert_live(&host, "ticks", 0, 2, "built");
}

static void a_new_definition_is_counted_anew(void **state)
{
	(void)state;
	wire_ok(&wire, "\\cover factorial");
	compiled_assert_answer(&host, "factorial 3", "6");
	assert_int_equal(
		subject_define(&host, "factorial", "static long factorial(int n)\n{\n\treturn n + 2;\n}"), 2);
	await_watch("factorial", "cover");
	compiled_assert_answer(&host, "factorial 3", "5");
	assert_int_equal(count_of("factorial", "return n + 2"), 1);
	json_decref(compiled_data(&host, "\\wait factorial 2 5"));
	compiled_assert_live(&host, "factorial", 3, 4, "live");
}

static void a_rollback_ends_the_counting(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	subject_rollback(&host, "factorial", 0);
	compiled_assert_live(&host, "factorial", 0, 3, "built");
	compiled_assert_refused(&host, "\\uncover factorial", "usage", "not counted");
	compiled_assert_answer(&host, "factorial 3", "6");
}

static void undo_passes_over_instrumented_versions(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	wire_ok(&wire, "\\undo");
	compiled_assert_live(&host, "factorial", 0, 3, "built");
	wire_ok(&wire, "\\redo");
	compiled_assert_live(&host, "factorial", 1, 3, "live");
}

static void a_rollback_of_what_is_counted_goes_to_what_was_before_it(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	char *answer = compiled_console(&host, 0, NULL, "-c", "\\rollback factorial", NULL);
	assert_non_null(strstr(answer, "factorial is now version 0 (as built), and no longer counted"));
	free(answer);
	compiled_assert_live(&host, "factorial", 0, 3, "built");
	wire_ok(&wire, "\\cover factorial");
	compiled_assert_refused(&host, "\\rollback factorial", "usage", "runs what was built");
}

static void lose_engine(void)
{
	pid_t engine = compiled_engine(&host);

	kill(engine, SIGKILL);
	compiled_await_end(engine);
}

static void a_new_engine_takes_back_what_was_instrumented(void **state)
{
	(void)state;
	wire_ok(&wire, "\\cover factorial");
	lose_engine();
	compiled_assert_live(&host, "factorial", 0, 2, "built");
	compiled_assert_answer(&host, "factorial 3", "6");
}

/* What was made live stays, and is the last change. */
static void a_new_engine_takes_back_no_change(void **state)
{
	(void)state;
	subject_define(&host, "factorial", sign);
	wire_ok(&wire, "\\cover factorial");
	lose_engine();
	compiled_assert_live(&host, "factorial", 1, 3, "live");
	compiled_assert_answer(&host, "factorial 3", "1");
	wire_close(&wire);
	wire_open(&wire, host.socket);
	wire_ok(&wire, "\\undo");
	compiled_assert_live(&host, "factorial", 0, 3, "built");
}

static void a_new_engine_needs_no_history_to_take_back(void **state)
{
	(void)state;
	wire_ok(&wire, "\\cover factorial");
	lose_engine();
	compiled_assert_live(&host, "factorial", 0, 2, "built");
}

static void a_read_only_console_can_look_and_not_count(void **state)
{
	(void)state;
	free(compiled_console(&host, 3, NULL, "--read-only", "-c", "\\cover add", NULL));
	free(compiled_console(&host, 3, NULL, "--read-only", "-c", "\\trace add", NULL));
	free(compiled_console(&host, 3, NULL, "--read-only", "-c", "\\probe add:1 a", NULL));
	wire_ok(&wire, "\\cover add");
	free(compiled_console(&host, 0, NULL, "--read-only", "-c", "\\cover add", NULL));
}

/* --- \trace -------------------------------------------------------------------------------------------------------- */

static void calls_are_told_with_typed_arguments_and_results(void **state)
{
	(void)state;
	wire_ok(&wire, "\\trace price");
	wire_ok(&wire, "\\trace greeting");
	compiled_assert_answer(&host, "price 2 1.5", "3.6 after 1");
	json_t *event = wire_await_event(&wire, "trace"),
	       *order = json_object_get(json_object_get(event, "args"), "o");
	order = json_object_get(order, "value");
	assert_string_equal(compiled_string(event, "function"), "price");
	assert_int_equal(json_integer_value(json_object_get(order, "qty")), 2);
	assert_true(json_real_value(json_object_get(order, "unit")) == 1.5);
	assert_string_equal(compiled_string(order, "name"), "nut");
	assert_true(json_real_value(json_object_get(event, "result")) == 3.6);
	assert_int_equal(json_integer_value(json_object_get(event, "thread")), host.program.pid);
	assert_true(json_real_value(json_object_get(event, "us")) >= 0);
	assert_non_null(strstr(compiled_string(event, "text"), "{qty = 2, unit = 1.5, name = \"nut\""));
	json_decref(event);
	compiled_assert_answer(&host, "greeting", "hello");
	event = wire_await_event(&wire, "trace");
	assert_string_equal(compiled_string(event, "result"), "hello");
	json_decref(event);
	wire_ok(&wire, "\\untrace *");
	await_watch("price", NULL);
	compiled_assert_live(&host, "greeting", 0, 2, "built");
}

/* In the text that runs then the struct has no members. */
static void a_trace_looks_into_what_the_text_only_passes_on(void **state)
{
	(void)state;
	subject_define(&host, "price",
		       "static double price(const struct order *o)\n{\n\treturn o ? 2 : 1;\n}");
	for (int probe = 0; probe < 2; probe++) {
		wire_ok(&wire, probe ? "\\probe price:23 o" : "\\trace price");
		compiled_assert_answer(&host, "price 2 1.5", "2 after 0");
		json_t *event = wire_await_event(&wire, probe ? "probe" : "trace");
		if (!strstr(compiled_string(event, "text"), "{qty = 2, unit = 1.5, name = \"nut\""))
			fail_msg("%s", compiled_string(event, "text"));
		json_decref(event);
		wire_ok(&wire, probe ? "\\unprobe *" : "\\untrace *");
	}
	/* What lies behind a pointer in a struct was not recorded. */
	wire_ok(&wire, "\\probe price:23 (struct { const struct order *p; }){o}");
	compiled_assert_answer(&host, "price 2 1.5", "2 after 0");
	json_t *event = wire_await_event(&wire, "probe");
	const char *text = compiled_string(event, "text");
	if (!strstr(text, "{p = 0x") || strstr(text, "qty"))
		fail_msg("%s", text);
	json_decref(event);
	wire_ok(&wire, "\\unprobe *");
}

static void a_trace_ends_after_its_count(void **state)
{
	(void)state;
	wire_ok(&wire, "\\trace add if a > 1 -n 3");
	compiled_assert_answer(&host, "add 1 1", "2 2"); /* two calls each */
	compiled_assert_answer(&host, "add 2 1", "3 3");
	compiled_assert_answer(&host, "add 3 1", "4 4");
	for (int i = 0; i < 3; i++) {
		json_t *event = wire_await_event(&wire, "trace");
		assert_int_equal(json_integer_value(json_object_get(json_object_get(event, "args"), "a")),
				 i < 2 ? 2 : 3);
		json_decref(event);
	}
	json_t *end = wire_await_event(&wire, "watch-end");
	assert_int_equal(json_integer_value(json_object_get(end, "shown")), 3);
	json_decref(end);
	compiled_assert_live(&host, "add", 0, 2, "built");
}

static void one_call_is_not_told_as_many(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0, "\\trace add -n 1",
			     "add is traced: the next call, until \\untrace add\n");
	compiled_assert_says(&host, 0, "\\probe add:30 a -n 1",
			     ":30 is probed, the next time, until \\unprobe add:30\n");
	wire_ok(&wire, "\\trace add -n 1");
	compiled_assert_answer(&host, "add 1 1", "2 2");
	json_t *end = wire_await_event(&wire, "watch-end");
	assert_non_null(strstr(compiled_string(end, "text"), "the one asked for was shown"));
	json_decref(end);
}

static void a_condition_that_does_not_fit_changes_nothing(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\trace add if a > none", "compile", "none");
	compiled_assert_refused(&host, "\\trace add if a >", "compile", "");
	compiled_assert_refused(&host, "\\trace add -n 0", "usage", "usage");
	compiled_assert_refused(&host, "\\trace add a > 1", "usage", "usage");
	compiled_assert_refused(&host, "\\trace nothing", "unknown", "nothing");
	compiled_assert_refused(&host, "\\untrace add", "usage", "does not trace");
	compiled_assert_live(&host, "add", 0, 1, "built");
}

static void a_trace_ends_with_its_console(void **state)
{
	(void)state;
	wire_ok(&wire, "\\cover add");
	wire_ok(&wire, "\\trace add");
	await_watch("add", "cover+trace");
	compiled_assert_answer(&host, "add 1 2", "3 3");
	wire_close(&wire);
	await_watch("add", "cover");
	wire_open(&wire, host.socket);
	/* What was counted before is still counted. */
	assert_int_equal(count_of("add", "return a + b"), 2);
}

static void every_shape_of_function_can_be_traced(void **state)
{
	(void)state;
	wire_ok(&wire, "\\trace sum");
	wire_ok(&wire, "\\trace three_times");
	wire_ok(&wire, "\\trace factorial");
	compiled_assert_answer(&host, "sum", "6");
	json_t *event = wire_await_event(&wire, "trace");
	assert_int_equal(json_integer_value(json_object_get(event, "result")), 6);
	json_decref(event);
	compiled_assert_answer(&host, "three_times 4", "12");
	event = wire_await_event(&wire, "trace");
	assert_int_equal(json_integer_value(json_object_get(event, "result")), 12);
	json_decref(event);
	compiled_assert_answer(&host, "factorial 3", "6");
	for (long result = 1; result <= 6; result += result == 1 ? 1 : 4) {
		event = wire_await_event(&wire, "trace"); /* the innermost call ends first */
		assert_int_equal(json_integer_value(json_object_get(event, "result")), result);
		json_decref(event);
	}
}

static void a_trace_goes_on_with_a_new_definition_and_ends_with_a_rollback(void **state)
{
	(void)state;
	wire_ok(&wire, "\\trace add");
	assert_int_equal(subject_define(&host, "add", "int add(int first, int b) { return first - b; }"), 2);
	await_watch("add", "trace");
	assert_string_equal(subject_ask(&host, "add 5 3"), "2 2");
	json_t *event = wire_await_event(&wire, "trace");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(event, "args"), "first")), 5);
	assert_int_equal(json_integer_value(json_object_get(event, "version")), 2);
	json_decref(event);
	subject_rollback(&host, "add", 0);
	event = wire_await_event(&wire, "watch-end");
	assert_non_null(strstr(compiled_string(event, "message"), "version 0"));
	json_decref(event);
}

/* Threads call as often as they can: what is shown is bounded, and no call is lost or done twice. */
static void a_trace_of_many_threads_is_bounded_by_rate(void **state)
{
	(void)state;
	assert_string_equal(subject_ask(&host, "threads 4"), "4");
	wire_ok(&wire, "\\cover stamp");
	long long start = child_clock();
	wire_ok(&wire, "\\trace stamp -n 300");
	json_t *end = wire_await_event(&wire, "watch-end");
	long long took = child_clock() - start;
	assert_int_equal(json_integer_value(json_object_get(end, "shown")), 300);
	json_decref(end);
	if (took < 200)
		fail_msg("300 records came within %lld ms: more than 1,000 a second", took);
	assert_string_equal(subject_ask(&host, "join"), "0 wrong of many");
	await_watch("stamp", "cover");
}

/* --- \probe -------------------------------------------------------------------------------------------------------- */

static void a_probe_tells_values_where_its_line_is_reached(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "\\probe price:%d o->qty o->unit * 2, tax_percent o->name",
		 source_line("return o->qty * o->unit"));
	wire_ok(&wire, command);
	compiled_assert_answer(&host, "price 2 1.5", "3.6 after 1");
	json_t *event = wire_await_event(&wire, "probe"), *values = json_object_get(event, "values");
	assert_int_equal(json_object_size(values), 4);
	assert_int_equal(json_integer_value(json_object_get(values, "o->qty")), 2);
	assert_true(json_real_value(json_object_get(values, "o->unit * 2")) == 3.0);
	assert_int_equal(json_integer_value(json_object_get(values, "tax_percent")), 20);
	assert_string_equal(compiled_string(values, "o->name"), "nut");
	json_decref(event);
	wire_ok(&wire, "\\unprobe price");
	compiled_assert_live(&host, "price", 0, 2, "built");
}

static void versions_that_only_watched_are_folded_in_the_log(void **state)
{
	(void)state;
	subject_define(&host, "add", "int add(int a, int b) { return a + b + 0; }");
	wire_ok(&wire, "\\trace add");
	wire_ok(&wire, "\\cover add");
	char *whole = compiled_console(&host, 0, NULL, "-c", "\\log add", NULL);
	assert_null(strstr(whole, "  trace  "));
	assert_non_null(strstr(whole, "cover+trace"));
	assert_non_null(strstr(whole, "and 1 that only watched"));
	free(whole);
	compiled_assert_says(&host, 0, "\\log add --all", "  trace  ");
	json_t *log = compiled_data(&host, "\\log add");
	assert_int_equal(json_array_size(log), 4);
	json_decref(log);
}

/* The end of a watch that met a fault, and the number of records before it. */
static int await_fault(const char *kind, const char *message)
{
	int records = 0;

	for (json_t *event; (event = wire_receive(&wire)); json_decref(event)) {
		const char *name = compiled_string(event, "event");
		records += strcmp(name, kind) == 0;
		if (strcmp(name, "watch-end") != 0)
			continue;
		assert_non_null(strstr(compiled_string(event, "message"), message));
		json_decref(event);
		return records;
	}
	fail_msg("the engine closed the connection");
	return 0;
}

/* In the program's own call, and in one from a prompt: the call goes on, and only the watch is over. */
static void a_fault_in_what_a_watch_evaluates_ends_the_watch_alone(void **state)
{
	char command[120];

	(void)state;
	snprintf(command, sizeof(command), "\\probe add:%d a, *(int *)(a == 7 ? 8 : (long)&a)",
		 source_line("return a + b"));
	wire_ok(&wire, "\\cover add");
	wire_ok(&wire, command);
	assert_int_equal(atoi(subject_ask(&host, "add 1 1")), 2);
	assert_int_equal(atoi(subject_ask(&host, "add 7 1")), 8);
	assert_int_equal(await_fault("probe", "SIGSEGV at address 0x8"), 2); /* two calls */
	await_watch("add", "cover");
	assert_int_equal(atoi(subject_ask(&host, "add 7 2")), 9);

	wire_ok(&wire, "\\trace add if *(int *)(a == 7 ? 16 : (long)&a)");
	assert_int_equal(atoi(subject_ask(&host, "add 7 1")), 8);
	assert_int_equal(await_fault("trace", "SIGSEGV at address 0x10"), 0);
	await_watch("add", "cover");

	wire_ok(&wire, "\\trace add if a / b");
	compiled_assert_says(&host, 0, "add(7, 0)", "7");
	assert_int_equal(await_fault("trace", "its condition met SIGFPE"), 0);
	compiled_assert_says(&host, 0, "add(7, 1)", "8");
	/* Nothing was wrong with a version. */
	json_t *log = compiled_data(&host, "\\log");
	char *text = json_dumps(log, 0);
	assert_null(strstr(text, "faulted"));
	free(text);
	json_decref(log);
}

/* A program neither hangs nor ends because of what a watch evaluates. */
static void what_a_watch_evaluates_cannot_stop_the_program(void **state)
{
	char command[120];

	(void)state;
	snprintf(command, sizeof(command), "\\probe add:%d ({ while (a == 7); a; })",
		 source_line("return a + b"));
	wire_ok(&wire, command);
	assert_int_equal(atoi(subject_ask(&host, "add 1 1")), 2);
	assert_int_equal(atoi(subject_ask(&host, "add 7 1")), 8);
	assert_int_equal(await_fault("probe", "an expression of it took longer than a second"), 2);
	await_watch("add", NULL);
	assert_int_equal(atoi(subject_ask(&host, "add 7 2")), 9);

	wire_ok(&wire, "\\trace add if ({ while (b == 5); 1; })");
	compiled_assert_says(&host, 0, "add(7, 5)", "12");
	assert_int_equal(await_fault("trace", "its condition took longer than a second"), 0);
	await_watch("add", NULL);

	wire_ok(&wire, "\\trace add if (exit(3), 1)");
	assert_int_equal(atoi(subject_ask(&host, "add 7 2")), 9);
	assert_int_equal(await_fault("trace", "its condition called exit(3)"), 0);
	await_watch("add", NULL);
	/* By code that nobody has prepared for that. */
	wire_ok(&wire, "static long factorial(int n)\n{\n\tif (n == 4)\n\t\texit(n);\n\treturn n;\n}");
	wire_ok(&wire, "\\trace add if factorial(b)");
	assert_int_equal(atoi(subject_ask(&host, "add 7 4")), 11);
	assert_int_equal(await_fault("trace", "its condition called exit(4)"), 0);
	await_watch("add", NULL);
	wire_ok(&wire, "\\trace add if factorial(b)");
	assert_int_equal(atoi(subject_ask(&host, "add 1 4")), 5);
	assert_int_equal(await_fault("trace", "its condition called exit(4)"), 0);
	compiled_assert_live(&host, "add", 0, 6, "built");
}

static void a_probe_that_does_not_fit_changes_nothing(void **state)
{
	char command[100];

	(void)state;
	compiled_assert_refused(&host, "\\probe add:9999 a", "unknown", "9999");
	compiled_assert_refused(&host, "\\probe add a", "usage", "NAME:LINE");
	snprintf(command, sizeof(command), "\\probe add:%d nothing", source_line("return a + b"));
	compiled_assert_refused(&host, command, "compile", "nothing");
	compiled_assert_refused(&host, "\\unprobe add", "usage", "does not probe");
	compiled_assert_live(&host, "add", 0, 1, "built");
}

/* The error is at that column of what was typed, and says so. */
static void assert_caret(const char *command, int column, const char *message)
{
	json_t *answer = wire_ask(&wire, ++asked, command), *error = json_object_get(answer, "error");
	json_t *first = json_array_get(json_object_get(error, "diagnostics"), 0);
	char caret[200];

	assert_non_null(first);
	if (json_integer_value(json_object_get(first, "column")) != column ||
	    !strstr(compiled_string(first, "message"), message))
		fail_msg("%s: column %d, %s", command,
			 (int)json_integer_value(json_object_get(first, "column")),
			 compiled_string(first, "message"));
	assert_string_equal(compiled_string(first, "file"), "<console>");
	json_decref(answer);
	snprintf(caret, sizeof(caret), "%s\n      | %*s\n", command, column, "^");
	compiled_assert_says(&host, 3, command, caret);
}

static void an_expression_that_does_not_fit_is_shown_with_a_caret(void **state)
{
	char command[100];

	(void)state;
	assert_caret("\\trace add if a == nothing -n 3", 20, "undeclared identifier 'nothing'");
	assert_caret("\\trace price if o->nix", 20, "no member named 'nix'");
	assert_caret("\\trace add if (a == 3", 22, "expected ')'");
	assert_caret("\\guard add return a + nix", 23, "undeclared identifier 'nix'");
	assert_caret("\\guard add return \"x\"", 19, "incompatible pointer to integer");
	snprintf(command, sizeof(command), "\\probe add:%d a, b + nix", source_line("return a + b;"));
	assert_caret(command, (int)strlen(command) - 2, "undeclared identifier 'nix'");
	compiled_assert_live(&host, "add", 0, 1, "built");
}

/* Two consoles, one function: each hears of its own. */
static void consoles_watch_the_same_function_each_for_itself(void **state)
{
	struct wire other;

	(void)state;
	wire_open(&other, host.socket);
	json_decref(wire_ask(&other, 1, "\\trace add if a == 7"));
	wire_ok(&wire, "\\trace add if a != 7");
	assert_int_equal(atoi(subject_ask(&host, "add 7 1")), 8);
	assert_int_equal(atoi(subject_ask(&host, "add 1 1")), 2);
	json_t *event = wire_await_event(&wire, "trace");
	assert_int_equal(json_integer_value(json_object_get(event, "result")), 2);
	json_decref(event);
	event = wire_receive(&other);
	assert_int_equal(json_integer_value(json_object_get(event, "result")), 8);
	json_decref(event);
	wire_close(&other);
	await_watch("add", "trace");
	wire_ok(&wire, "\\untrace add");
	await_watch("add", NULL);
}

/* Nothing can be written there; what the engine keeps in memory it writes to the temporary folder at its end. */
static int start_without_history(void **state)
{
	setenv("RTF_HISTORY", "/proc/nowhere/history.db", 1);
	setenv("TMPDIR", host.directory, 1);
	return start_host(state);
}

static int stop_without_history(void **state)
{
	(void)state;
	wire_close(&wire);
	compiled_stop(&host);
	unsetenv("TMPDIR");
	unsetenv("RTF_HISTORY");
	return 0;
}

#define with_host(f) cmocka_unit_test_setup_teardown(f, start_host, stop_host)

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(lines_and_branches_are_counted_as_the_program_runs_them),
		with_host(what_counts_and_records_is_none_of_the_programs_variables),
		with_host(uncover_goes_back_to_the_version_that_was_counted),
		with_host(statics_keep_their_values_while_they_are_counted),
		with_host(a_new_definition_is_counted_anew),
		with_host(a_rollback_ends_the_counting),
		with_host(undo_passes_over_instrumented_versions),
		with_host(a_rollback_of_what_is_counted_goes_to_what_was_before_it),
		with_host(a_new_engine_takes_back_what_was_instrumented),
		with_host(a_new_engine_takes_back_no_change),
		cmocka_unit_test_setup_teardown(a_new_engine_needs_no_history_to_take_back,
						start_without_history, stop_without_history),
		with_host(a_read_only_console_can_look_and_not_count),
		with_host(calls_are_told_with_typed_arguments_and_results),
		with_host(a_trace_looks_into_what_the_text_only_passes_on),
		with_host(a_trace_ends_after_its_count),
		with_host(one_call_is_not_told_as_many),
		with_host(a_condition_that_does_not_fit_changes_nothing),
		with_host(a_trace_ends_with_its_console),
		with_host(every_shape_of_function_can_be_traced),
		with_host(a_trace_goes_on_with_a_new_definition_and_ends_with_a_rollback),
		with_host(a_trace_of_many_threads_is_bounded_by_rate),
		with_host(a_probe_tells_values_where_its_line_is_reached),
		with_host(versions_that_only_watched_are_folded_in_the_log),
		with_host(a_fault_in_what_a_watch_evaluates_ends_the_watch_alone),
		with_host(what_a_watch_evaluates_cannot_stop_the_program),
		with_host(a_probe_that_does_not_fit_changes_nothing),
		with_host(an_expression_that_does_not_fit_is_shown_with_a_caret),
		with_host(consoles_watch_the_same_function_each_for_itself),
	};

	return cmocka_run_group_tests_name("system: watching", tests, init, compiled_group_fini);
}
