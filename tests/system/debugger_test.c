/* What gdb, perf and the program's own unwinder know of new code. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;
static struct child gdb;

static int start(void **state)
{
	(void)state;
	followed_init(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	child_stop(&gdb, COMPILED_DEADLINE_MS);
	followed_fini(&host);
	return 0;
}

/* gdb on the running host, with these commands. */
static void start_gdb(const char *commands)
{
	char pid[32], *path = compiled_path(&host.subject, "commands");

	snprintf(pid, sizeof(pid), "%d", (int)host.subject.program.pid);
	followed_write(&host, "commands", commands);
	assert_true(child_start(&gdb, (const char *const[]){"gdb", "-nx", "-q", "-batch", "-x", path, "-p", pid, NULL}));
	free(path);
}

static void await_gdb(const char *part)
{
	char line[4096];

	if (!child_read_until(&gdb, part, COMPILED_DEADLINE_MS, line, sizeof(line)))
		fail_msg("gdb never said: %s", part);
}

/* Lines above the function have moved, and lines inside are not where they were. */
static void change_helped(void)
{
	char *text = followed_edited(&host, "follow_host.c", "static int calls;", "static int calls;\n\n\n");
	char *more = child_replace(text, "\treturn helper(n);", "\tint k = helper(n);\n\n\tk++;\n\treturn k;");

	followed_write(&host, "follow_host.c", more);
	followed_assert_live(&host, "helped");
	free(text);
	free(more);
}

/* The line that has this text, from 1. */
static int line_of(const char *part)
{
	char *text = followed_read(&host, "follow_host.c"), *at = strstr(text, part);
	int line = 1;

	assert_non_null(at);
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	free(text);
	return line;
}

static void await_line(const char *part)
{
	char text[256];

	snprintf(text, sizeof(text), "follow_host.c:%d", line_of(part));
	await_gdb(text);
}

static void assert_answered(const char *answer)
{
	char line[64];

	assert_true(child_read_line(&host.subject.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	assert_string_equal(line, answer);
}

static void await_end_of_gdb(void)
{
	char line[4096];

	while (child_read_line(&gdb, COMPILED_DEADLINE_MS, line, sizeof(line)))
		;
}

/* The first stop is at the entry, where what was built begins; the second in the version. */
static void gdb_stops_in_a_new_version_and_knows_its_lines(void **state)
{
	(void)state;
	change_helped();
	start_gdb("set pagination off\nset confirm off\nbreak helped\necho attached\\n\ncontinue\ncontinue\n"
		  "break helper\ncontinue\nbacktrace\ndelete\ndetach\n");
	await_gdb("attached");
	assert_true(child_send(&host.subject.program, "helped 4\n"));
	await_gdb("hit Breakpoint");
	await_gdb("hit Breakpoint");
	await_gdb("helper (");
	await_line("int k = helper(n);"); /* the frame that called it */
	await_gdb("in answer (name=");
	await_gdb("in main (");
	assert_answered("105");
	await_end_of_gdb();
}

static void gdb_knows_the_lines_of_what_cc_had_to_compile(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "\treturn helper(n);", "\t__int128 k = helper(n);\n\n\tk++;\n\treturn (int)k;");
	followed_assert_live(&host, "helped");
	start_gdb("set pagination off\nset confirm off\nbreak helper\necho attached\\n\ncontinue\nbacktrace\ndelete\ndetach\n");
	await_gdb("attached");
	assert_true(child_send(&host.subject.program, "helped 4\n"));
	await_gdb("hit Breakpoint");
	await_line("__int128 k = helper(n);"); /* the frame that called it */
	await_gdb("in answer (name=");
	await_gdb("in main (");
	assert_answered("105");
	await_end_of_gdb();
}

static void a_breakpoint_set_before_is_in_every_new_version(void **state)
{
	(void)state;
	start_gdb("set pagination off\nset confirm off\nbreak helped\necho attached\\n\ncontinue\ncontinue\nnext\nbacktrace\n"
		  "delete\ndetach\n");
	await_gdb("attached");
	change_helped();
	assert_true(child_send(&host.subject.program, "helped 4\n"));
	await_gdb("hit Breakpoint");
	await_gdb("hit Breakpoint");
	await_line("k++;");
	await_gdb("in answer (name=");
	await_gdb("in main (");
	assert_answered("105");
	await_end_of_gdb();
}

static void unwinding_passes_through_new_code(void **state)
{
	int frames = atoi(subject_ask(&host.subject, "framed 0"));

	(void)state;
	assert_true(frames >= 4);
	followed_edit(&host, "follow_host.c", "count_frames() + n", "count_frames() + n + 100");
	followed_assert_live(&host, "framed");
	followed_assert_call(&host, "framed", 0, frames + 100);
	/* libtcc cannot have this one. */
	followed_edit(&host, "follow_host.c", "count_frames() + n + 100", "(int)((__int128)count_frames() + n + 200)");
	followed_assert_live(&host, "framed");
	json_t *log = compiled_data(&host.subject, "\\log framed");
	assert_string_equal(json_string_value(json_object_get(json_array_get(log, 0), "backend")), "cc");
	json_decref(log);
	followed_assert_call(&host, "framed", 0, frames + 200);
}

static int start_with_perf(void **state)
{
	setenv("RTF_PERF", "1", 1);
	start(state);
	unsetenv("RTF_PERF");
	return 0;
}

static void perf_gets_a_map_if_it_is_wanted(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)host.subject.program.pid);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	char *map = child_read_file(path), name[32] = "";
	unsigned long long address = 0, size = 0;
	assert_non_null(map);
	assert_int_equal(sscanf(map, "%llx %llx %31s", &address, &size, name), 3);
	assert_string_equal(name, "scaled");
	assert_true(address && size > 4 && size < 1000);
	free(map);
	unlink(path);
}

#define with_host(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(gdb_stops_in_a_new_version_and_knows_its_lines),
		with_host(gdb_knows_the_lines_of_what_cc_had_to_compile),
		with_host(a_breakpoint_set_before_is_in_every_new_version),
		with_host(unwinding_passes_through_new_code),
		cmocka_unit_test_setup_teardown(perf_gets_a_map_if_it_is_wanted, start_with_perf, stop),
	};

	return cmocka_run_group_tests_name("system: debuggers", tests, NULL, NULL);
}
