/* The reasons of refusals that no other test asks for: each command fails with this class and this sentence, and with the exit
 * status that the class has. tests/unit/refusals_test.c finds the sentences that nothing asks for. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct reason {
	const char *command, *class, *sentence;
};

static struct subject host;
static const struct compiled_how how = {.flags = {"-w"}, .sources = {"reasons_host.c"}};

static void start(void)
{
	compiled_init(&host, &how);
	/* What a test writes into the sources is there for it to find, and goes nowhere by itself. */
	setenv("RTF_WATCH", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_WATCH");
}

static void assert_all(const struct reason *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		compiled_assert_refused(&host, list[i].command, list[i].class, list[i].sentence);
}

#define ALL(list) assert_all(list, sizeof(list) / sizeof(*(list)))

static void what_cannot_be_watched_says_why(void **state)
{
	static const struct reason list[] = {
		{"\\cover bodied", "usage",
		 "the body of bodied is made by a macro: there is no text to watch"},
		{"\\guard renamed return 1", "usage", "renamed cannot be guarded: a macro makes its name"},
		{"\\guard choosy return 1", "usage",
		 "preprocessor lines stand among the parameters of choosy"},
		{"\\cover nothing", "usage", "nothing has nothing that could be counted"},
		{"\\probe counted:9999 n", "unknown",
		 "no statement of counted begins on line 9999 or behind it"},
		{"\\trace counted if", "usage", "usage: \\trace NAME [if COND] [-n COUNT]"},
		{"\\untrace counted", "usage", "this console does not trace counted"},
		{"\\unprobe counted", "usage", "this console does not probe counted"},
		{"\\probe counted:x n", "usage",
		 "counted:x: a place is NAME:LINE, the line that of the file"},
		{"\\guard total_of return 1", "usage",
		 "total_of cannot be guarded: nobody can call it again with the same arguments, as it takes "
		 "any "
		 "number of them"},
		{"\\guard unnamed return 1", "usage",
		 "unnamed cannot be guarded: an argument of it has no name"},
		{"\\guard counted return", "usage", "counted cannot be guarded: it must return something"},
		{"\\uncover counted", "usage", "counted is not counted"},
		{"\\guard counted perhaps", "usage", "usage: \\guard NAME [return EXPR]"},
	};

	(void)state;
	start();
	compiled_define(&host, "\\define bodied\nint bodied(int n) BODY");
	ALL(list);
}

static void what_is_laid_out_otherwise_says_how(void **state)
{
	static const struct reason list[] = {
		{"int counted(int n) { static int total[4]; return total[0] += n; }", "layout",
		 "total is int in the running program, int[4] here"},
		{"struct pair { struct { int a; float b; } in; int c; };\n"
		 "int paired(const struct pair *p) { return p->in.b; }",
		 "layout", "struct pair.in has other members in the running program"},
		{"char added[64];\nint counted(int n) { return added[0] + n; }", "layout",
		 "added has 8 bytes in the running program, 64 here"},
	};

	(void)state;
	start();
	compiled_define(&host, "long added = 7;\nint counted(int n) { return n + added; }");
	ALL(list);
}

static void what_is_too_much_says_how_much_there_may_be(void **state)
{
	char text[2000] = "int v0", path[6000] = "\\export --all /";
	struct wire wire;
	int id = 1;

	(void)state;
	start();
	wire_open(&wire, host.socket);
	for (int i = 1; i <= 64; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", v%d%s", i, i == 64 ? ";" : "");
	compiled_assert_refused(&host, text, "usage", "more than 64 variables in one entry");
	compiled_define(&host, "int counted(int n) { return n; }");
	compiled_assert_refused(&host, "\\export counted /", "usage",
				"/ is not empty: export into a new directory");
	memset(path + strlen(path), 'x', 5000);
	compiled_assert_refused(&host, path, "usage", " is too long a path");
	for (bool refused = false; !refused;) {
		json_t *answer = wire_ask(&wire, ++id, "\\trace counted -n 5");
		json_t *why = json_object_get(json_object_get(answer, "error"), "message");
		refused = why != NULL;
		assert_true(id < 100);
		if (refused)
			assert_string_equal(json_string_value(why),
					    "counted is traced and probed 16 times: that is all");
		json_decref(answer);
	}
	wire_close(&wire);
}

static void assert_wrong(struct wire *wire, const char *request, const char *message)
{
	wire_send(wire, request, strlen(request));
	json_t *answer = wire_receive(wire), *error = json_object_get(answer, "error");

	assert_string_equal(json_string_value(json_object_get(error, "class")), "usage");
	assert_string_equal(json_string_value(json_object_get(error, "message")), message);
	json_decref(answer);
}

static void what_is_no_request_says_what_one_is(void **state)
{
	struct wire wire;

	(void)state;
	start();
	wire_open(&wire, host.socket);
	assert_wrong(&wire, "{\"command\":\"x\"}\n", "a request needs an \"id\", an integer");
	assert_wrong(&wire, "{\"id\":2,\"command\":\" \"}\n", "the entry is empty");
	assert_wrong(&wire, "{\"id\":3}\n", "a request needs a \"command\", a string");
	static const char waits[] =
		"{\"id\":4,\"command\":\"\\\\wait counted 9\"}\n{\"id\":5,\"interrupt\":4}\n";
	wire_send(&wire, waits, sizeof(waits) - 1);
	json_t *answer = wire_receive(&wire), *error = json_object_get(answer, "error");
	assert_string_equal(json_string_value(json_object_get(error, "class")), "interrupted");
	assert_string_equal(json_string_value(json_object_get(error, "message")),
			    "interrupted: counted is version 0, not 9");
	json_decref(answer);
	wire_close(&wire);
}

/* A function that its file does not have when the engine first reads it. */
static void what_was_built_is_not_known_where_the_file_has_lost_it(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		compiled_init(&host, &how);
		char *path = compiled_path(&host, "reasons_host.c"), *text = child_read_file(path);
		char *without = child_replace(text, "int counted(int n)", "int renumbered(int n)");
		assert_true(child_write_file(path, without));
		if (old)
			assert_int_equal(
				child_run((const char *const[]){"touch", "-d", "2001-01-01", path, NULL},
					  NULL, COMPILED_DEADLINE_MS, NULL),
				0);
		compiled_start(&host);
		compiled_assert_refused(
			&host, "\\source counted@0", "unknown",
			old ? "does not define counted: it has changed, or is compiled with -D"
			    : "counted: what was built is not known: reasons_host.c was saved "
			      "before it was first read");
		free(without);
		free(text);
		free(path);
		if (!old)
			compiled_group_fini(NULL);
	}
}

static void what_is_asked_wrongly_says_how_to_ask(void **state)
{
	static const struct reason list[] = {
		{"\\restore", "unknown",
		 "no run before this one changed anything: there is nothing to restore"},
		{"\\history prune --years 3", "usage", "usage: \\history [prune [--days N] [--yes]]"},
		{"\\source counted@x", "usage", "counted@x: a version is a number, as in NAME@2"},
		{"\\rollback counted x", "usage", "x is not a version number"},
		{"\\in nowhere.c", "unknown", "no decorated function stands in a file nowhere.c"},
		{"\\describe struct hidden", "unknown", "struct hidden is only mentioned, nowhere defined"},
		{"\\describe struct nothing_at_all", "unknown",
		 "no source has a struct nothing_at_all: \\types lists those that there are"},
		{"auto q = 3;", "compile", "q: a type is missing; __auto_type takes that of the initialiser"},
		{"\\export --all nowhere/", "unknown", "no function has a version in the history"},
		{"1@3", "usage", "1@3: what stands before the @ is no place in memory"},
		{"calls@1.5", "usage", "calls@1.5: the count is no integer"},
		{"(*nobody)@1", "compile", "incomplete"},
		{"*nobody", "compile", "incomplete"},
		{"#include \"nowhere.h\"", "compile", "nowhere.h"},
		{"counted@x(1)", "usage", "a version is a number: counted@0 is what was built"},
		{"\\log --since", "usage", "\\log --since needs a value"},
		{"calls@0", "usage", "calls@0: a count is 1 or more, this is 0"},
		{"*(char (*)[100 << 20])&calls", "usage", "MiB that are shown at once: name a part of it"},
		{"\\retry 77", "usage", "no call waits"},
		{"\\log --since yesterday", "usage",
		 "yesterday is no time: 90s, 10m, 2h and 3d are ago; 2026-01-31 and 2026-01-31T14:30 are "
		 "UTC"},
		{"\\log --whatever", "usage",
		 "\\log takes a NAME and -n COUNT, --before N, --since TIME, --user USER, --all, --faults, "
		 "--events; not --whatever"},
		{"\\diff counted@1 2 3", "usage", "usage: \\diff NAME [A [B]], or \\diff NAME@A [B]"},
	};

	(void)state;
	start();
	ALL(list);
	free(compiled_console(&host, 4, NULL, "-c", "\\wait counted 99 1", NULL));
	char *output = compiled_console(&host, 4, NULL, "--json", "-c", "\\wait counted 99 1", NULL);
	assert_non_null(strstr(output, "\"class\":\"timeout\""));
	assert_non_null(strstr(output, "counted is still version 0, not 99"));
	free(output);
	output = compiled_console(&host, 4, NULL, "--json", "-t", "1", "-c", "for (;;);", NULL);
	assert_non_null(strstr(
		output, "; locks that it held and memory that it took stay so: the time limit is over"));
	free(output);
}

static void what_cannot_be_saved_says_why(void **state)
{
	(void)state;
	start();
	compiled_define(&host, "\\define made\nMAKE(made)");
	compiled_assert_refused(&host, "\\save made", "usage",
				"as text: a macro makes it, a header or another source holds it, or an #if "
				"begins or ends in it");
	compiled_define(&host, "int counted(int n) { return n; }");
	char *path = compiled_path(&host, "reasons_host.c"), *text = child_read_file(path);
	char *moved = child_replace(text, "total += n;", "total -= n;");
	assert_true(child_write_file(path, moved));
	compiled_assert_refused(&host, "\\save counted", "drift",
				"has moved on: what it says of counted is no version of it; \\diff counted "
				"shows how they differ");
	free(moved);
	free(text);
	free(path);
}

static void a_source_that_is_not_what_was_built_says_so(void **state)
{
	static const struct compiled_how with_extra = {
		.compiler = "gcc", .flags = {"-w", "-DEXTRA"}, .sources = {"reasons_host.c"}};

	(void)state;
	compiled_init(&host, &with_extra);
	compiled_start(&host);
	compiled_assert_refused(
		&host, "\\diff only_with", "unknown",
		": it has changed, or is compiled with -D, which DWARF tells of gcc's -g3 alone "
		"(else RTF_CFLAGS or compile_commands.json must)");
}

/* make EXTRA=-DEXTRA built it: a make that is not told so answers otherwise. */
static void what_make_was_told_on_its_command_line_is_asked_for(void **state)
{
	static const struct compiled_how with_extra = {
		.compiler = "gcc", .flags = {"-w", "-DEXTRA"}, .sources = {"reasons_host.c"}};

	(void)state;
	compiled_init(&host, &with_extra);
	char *path = compiled_path(&host, "Makefile");
	assert_true(child_write_file(path, "host.o: reasons_host.c\n\tgcc $(EXTRA) -c reasons_host.c\n"));
	free(path);
	assert_true(asprintf(&path, "make -C %s", host.directory) > 0);
	setenv("RTF_MAKE", path, 1);
	free(path);
	compiled_start(&host);
	unsetenv("RTF_MAKE");
	compiled_assert_refused(
		&host, "\\diff only_with", "unknown",
		": it has changed, or was compiled with other -D than make tells (RTF_MAKE can say "
		"make VARIABLE=VALUE; gcc's -g3 leaves all -D in the program)");
	compiled_assert_refused(&host, "\\define without\nint without(int n) { return when_without(n); }",
				"unknown", "the program has no when_without, which ");
	compiled_assert_refused(
		&host, "\\define without\nint without(int n) { return when_without(n); }", "unknown",
		"reasons_host.c declares: it has changed, or was compiled with other -D than make tells (");
	static const char size_up[] = "int size_up(const struct sized *s) { return s->n + 1; }";
	compiled_assert_refused(&host, size_up, "layout",
				"struct sized has size 8 in the running program, 4 here: reasons_host.c was "
				"read otherwise than it was built (the program has code of line ");
	compiled_assert_refused(&host, size_up, "layout",
				", which is passed over here): it has changed, or was compiled with other -D "
				"than make tells (RTF_MAKE can say make VARIABLE=VALUE");
	/* What is typed along is not the file's. */
	compiled_assert_refused(
		&host, "struct sized { char n; };\nint size_up(const struct sized *s) { return s->n; }",
		"layout", "struct sized has size 8 in the running program, 1 here");
}

/* Lines of a source that is newer than the program tell nothing. */
static void so_is_it_where_only_a_layout_tells(void **state)
{
	static const struct compiled_how with_extra = {
		.compiler = "gcc", .flags = {"-w", "-DEXTRA"}, .sources = {"reasons_host.c"}};

	(void)state;
	compiled_init(&host, &with_extra);
	struct timespec later = compiled_time(&host, "host");
	later.tv_sec++;
	compiled_set_time(&host, "reasons_host.c", later);
	setenv("RTF_MAKE", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_MAKE");
	compiled_assert_refused(&host, "int size_up(const struct sized *s) { return s->n + 1; }", "layout",
				"struct sized has size 8 in the running program, 4 here: if no file of "
				"reasons_host.c has changed since, it was compiled with -D, which DWARF");
}

/* At once, in the log, too: its functions are no copies that the compiler made. */
static void a_program_without_names_says_so(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	compiled_shell(&host, "strip host");
	char *log = compiled_path(&host, "program.log");
	setenv("RTF_LOG", log, 1);
	compiled_start(&host);
	unsetenv("RTF_LOG");
	compiled_assert_refused(&host, "\\source counted", "unknown", "were stripped: compile it with -g");
	compiled_await_read(&host);
	char *said = child_read_file(log);
	assert_non_null(said);
	assert_non_null(strstr(said, "were stripped: compile it with -g"));
	assert_null(strstr(said, "copies that the compiler made"));
	free(said);
	free(log);
}

static void a_source_that_is_gone_says_so(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	char *path = compiled_path(&host, "reasons_host.c");
	assert_true(child_write_file(path, "#include \"nowhere.h\"\n"));
	compiled_start(&host);
	compiled_assert_refused(&host, "\\source counted", "compile",
				"reasons_host.c cannot be preprocessed with the flags from ");
	free(path);
	compiled_group_fini(NULL);
	compiled_init(&host, &how);
	path = compiled_path(&host, "reasons_host.c");
	assert_int_equal(unlink(path), 0);
	free(path);
	compiled_start(&host);
	compiled_assert_refused(&host, "\\source counted", "unknown",
				": if it was moved since the build, start the program with "
				"RTF_SOURCE_ROOT=OLD=NEW");
}

static void a_program_without_debug_information_says_so(void **state)
{
	static const struct compiled_how without = {.flags = {"-w", "-g0"}, .sources = {"reasons_host.c"}};

	(void)state;
	compiled_init(&host, &without);
	compiled_start(&host);
	compiled_assert_refused(&host, "\\source counted", "unknown",
				"counted: the program has no debug information for it: compile with -g");
	compiled_assert_refused(&host, "calls", "unknown",
				"the program has no debug information: compile it with -g");
}

/* A call that waits, and a \return that does not say what. */
static void a_parked_call_is_told_what_it_lacks(void **state)
{
	(void)state;
	start();
	compiled_define(&host, "int faulty(int n) { return *(volatile int *)8 + n; }");
	compiled_define(&host, "\\guard faulty");
	assert_true(child_send(&host.program, "1\n"));
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	for (size_t waiting = 0; !waiting;) {
		json_t *data = compiled_data(&host, "\\guard");
		waiting = json_array_size(json_object_get(data, "parked"));
		json_decref(data);
		assert_true(child_clock() < deadline);
	}
	compiled_assert_refused(&host, "\\return", "usage", "faulty returns int: say which, \\return EXPR");
	compiled_assert_refused(&host, "\\retry 77", "unknown",
				"there is no call 77: \\guard lists those that wait");
	compiled_define(&host, "\\return 5");
}

/* An evaluation that waits for what does not come. */
static void what_is_waited_for_is_said(void **state)
{
	static const struct compiled_how polled = {.flags = {"-w"}, .sources = {"follow_polled.c"}};
	struct wire first, second;

	(void)state;
	compiled_init(&host, &polled);
	compiled_start(&host);
	char *output = compiled_console(&host, 4, NULL, "-t", "1", "-c", "answer(1)", NULL);
	assert_non_null(strstr(output, "interrupted: the program has not come to rtf_poll()"));
	free(output);
	compiled_group_fini(NULL);
	start();
	wire_open(&first, host.socket);
	wire_command(&first, 1, "calls = 77; for (;;);");
	wire_open(&second, host.socket);
	/* Until the first one runs, the second may be done before it. */
	for (bool runs = false; !runs;) {
		json_t *data = compiled_data(&host, "\\vars calls");
		runs = json_integer_value(json_object_get(json_array_get(data, 0), "value")) == 77;
		json_decref(data);
	}
	static const char waits[] = "{\"id\":4,\"command\":\"made(1)\"}\n{\"id\":5,\"interrupt\":4}\n";
	wire_send(&second, waits, sizeof(waits) - 1);
	json_t *answer = wire_receive(&second), *error = json_object_get(answer, "error");
	assert_string_equal(json_string_value(json_object_get(error, "class")), "interrupted");
	assert_string_equal(json_string_value(json_object_get(error, "message")),
			    "interrupted: another evaluation was still running");
	json_decref(answer);
	wire_close(&second);
	wire_close(&first);
}

#define with(test) cmocka_unit_test_teardown(test, compiled_group_fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with(what_cannot_be_watched_says_why),
		with(what_is_laid_out_otherwise_says_how),
		with(what_is_too_much_says_how_much_there_may_be),
		with(what_is_no_request_says_what_one_is),
		with(what_was_built_is_not_known_where_the_file_has_lost_it),
		with(what_is_asked_wrongly_says_how_to_ask),
		with(what_cannot_be_saved_says_why),
		with(a_source_that_is_not_what_was_built_says_so),
		with(what_make_was_told_on_its_command_line_is_asked_for),
		with(so_is_it_where_only_a_layout_tells),
		with(a_program_without_names_says_so),
		with(a_source_that_is_gone_says_so),
		with(a_program_without_debug_information_says_so),
		with(what_is_waited_for_is_said),
		with(a_parked_call_is_told_what_it_lacks),
	};

	return cmocka_run_group_tests_name("system: reasons", tests, NULL, NULL);
}
