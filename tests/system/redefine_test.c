/* The main road, with nothing replaced: a real program, its real engine, a real console for each command. */
#include "compiled.h"

#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

/* Requires that a value has these members, in json_unpack's notation. */
static void assert_members(json_t *value, const char *format, ...)
{
	json_error_t error;
	va_list args;

	va_start(args, format);
	int failed = json_vunpack_ex(value, &error, 0, format, args);
	va_end(args);
	if (failed) {
		char *text = json_dumps(value, JSON_ENCODE_ANY);
		fail_msg("%s: %.700s", error.text, text ? text : "");
	}
}

static void define(const char *function, int version, const char *text)
{
	assert_int_equal(subject_define(&host, function, text), version);
}

/* --- what the commands say ---------------------------------------------------------------------------- */

static void status_tells_who_runs_what(void **state)
{
	json_t *data = compiled_data(&host, "\\status"), *changed;
	int pid, engine, clients, functions;
	json_int_t uptime;
	char *program, *build_id, *history, *path = compiled_path(&host, "host");

	(void)state;
	assert_members(data, "{s:i, s:s, s:s, s:I, s:s, s:i, s:i, s:i, s:o}", "pid", &pid, "program",
		       &program, "build_id", &build_id, "uptime_s", &uptime, "history", &history,
		       "engine_pid", &engine, "clients", &clients, "functions", &functions, "changed",
		       &changed);
	assert_int_equal(pid, host.program.pid);
	assert_string_equal(program, path);
	assert_true(strlen(build_id) >= 16 && strspn(build_id, "0123456789abcdef") == strlen(build_id));
	assert_memory_equal(history, host.directory, strlen(host.directory));
	assert_true(engine > 1 && engine != pid);
	assert_int_equal(clients, 1);
	assert_int_equal(functions, 10);
	assert_int_equal(json_array_size(changed), 0);
	json_decref(data);
	free(path);

	define("add", 1, "int add(int a, int b) { return a * b; }");
	data = compiled_data(&host, "\\status");
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "changed"), 0)), "add");
	json_decref(data);
	compiled_assert_says(&host, 0, "\\status", "1 not as built: add");
}

static void status_names_the_first_of_many(void **state)
{
	json_t *rows = compiled_data(&host, "\\list"), *row;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(rows), 10);
	json_array_foreach(rows, i, row) {
		char *command;

		assert_true(asprintf(&command, "\\source %s:%s", compiled_string(row, "file"),
				     compiled_string(row, "function")) > 0);
		json_t *source = compiled_data(&host, command);
		free(command);
		assert_true(asprintf(&command, "\\define %s:%s\n%s", compiled_string(row, "file"),
				     compiled_string(row, "function"), compiled_string(source, "text")) > 0);
		json_decref(compiled_data(&host, command));
		json_decref(source);
		free(command);
	}
	json_decref(rows);
	compiled_assert_says(&host, 0, "\\status", " and 2 more: see \\list");
	json_t *data = compiled_data(&host, "\\status");
	assert_int_equal(json_array_size(json_object_get(data, "changed")), 10);
	json_decref(data);
}

static json_int_t uptime(void)
{
	json_t *data = compiled_data(&host, "\\status");
	json_int_t seconds = json_integer_value(json_object_get(data, "uptime_s"));

	json_decref(data);
	return seconds;
}

static void the_program_is_as_old_as_it_is_whichever_engine_tells(void **state)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	pid_t engine = compiled_engine(&host);

	(void)state;
	while (uptime() < 2)
		assert_true(child_clock() < deadline);
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	assert_true(uptime() >= 2);
	assert_int_not_equal(compiled_engine(&host), engine);
}

static void list_shows_every_decorated_function(void **state)
{
	json_t *rows = compiled_data(&host, "\\list"), *row;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(rows), 10);
	json_array_foreach(rows, i, row) {
		char *function, *file, *module, *kind, *signature;
		int line, version, versions;
		assert_members(row, "{s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s}", "function", &function, "file",
			       &file, "line", &line, "module", &module, "version", &version, "versions",
			       &versions, "state", &kind, "signature", &signature);
		assert_string_equal(module, "host");
		assert_string_equal(kind, "built");
		assert_true(line > 0 && version == 0 && versions == 1);
	}
	json_decref(rows);

	compiled_await_read(&host);
	row = compiled_row(&host, "sum");
	assert_string_equal(compiled_string(row, "signature"), "static int sum(int count, ...)");
	json_decref(row);
	row = compiled_row(&host, "three_times");
	assert_string_equal(compiled_string(row, "signature"), "static int three_times(int n)");
	json_decref(row);
}

static void list_takes_a_pattern(void **state)
{
	json_t *rows = compiled_data(&host, "\\l *i*s");

	(void)state;
	assert_int_equal(json_array_size(rows), 2); /* ticks, three_times */
	json_decref(rows);
	rows = compiled_data(&host, "\\list host_other.c:*");
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	rows = compiled_data(&host, "\\list nothing*");
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	compiled_assert_says(&host, 0, "\\list nothing*", "no decorated function has a name like that");
	compiled_assert_says(&host, 0, "\\l pri*", "price");
}

static void source_shows_any_version(void **state)
{
	char *function, *file, *text, *path = compiled_path(&host, "host.c");
	int version, line;

	(void)state;
	define("add", 1, "int add(int a, int b)\n{\n\treturn a * b;\n}");
	json_t *data = compiled_data(&host, "\\source add");
	assert_members(data, "{s:s, s:i, s:s, s:i, s:s}", "function", &function, "version", &version, "file",
		       &file, "line", &line, "text", &text);
	assert_string_equal(function, "add");
	assert_string_equal(file, path);
	assert_string_equal(text, "int add(int a, int b)\n{\n\treturn a * b;\n}");
	assert_int_equal(version, 1);
	json_decref(data);

	data = compiled_data(&host, "\\sf add@0");
	assert_int_equal(compiled_int(data, "version"), 0);
	assert_string_equal(compiled_string(data, "text"), "int add(int a, int b)\n{\n\treturn a + b;\n}");
	json_decref(data);
	compiled_assert_says(&host, 0, "\\source add@0", "return a + b;");
	free(path);
}

static void log_tells_every_version_newest_first(void **state)
{
	int version, parent, live;
	char *function, *origin, *user, *time, *backend, *note;

	(void)state;
	define("add", 1, "int add(int a, int b) { return a * b; }");
	define("add", 2, "int add(int a, int b) { return a - b; }");
	subject_rollback(&host, "add", 1);
	define("add", 3, "int add(int a, int b) { return a / b; }");
	json_decref(compiled_data(&host, "\\note add@2 a bad idea"));

	json_t *rows = compiled_data(&host, "\\log add");
	assert_int_equal(json_array_size(rows), 4);
	static const int parents[] = {1, 1, 0};
	for (int i = 0; i < 3; i++) {
		assert_members(json_array_get(rows, i), "{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:b, s:s}",
			       "function", &function, "version", &version, "parent", &parent, "origin",
			       &origin, "user", &user, "time", &time, "backend", &backend, "live", &live,
			       "note", &note);
		assert_int_equal(version, 3 - i);
		assert_int_equal(parent, parents[i]);
		assert_string_equal(function, "add");
		assert_string_equal(origin, "console");
		assert_string_equal(note, version == 2 ? "a bad idea" : "");
		assert_int_equal(live, version == 3);
		assert_true(*user && (strcmp(backend, "tcc") == 0 || strcmp(backend, "cc") == 0));
		/* 2026-01-02T03:04:05.678Z */
		assert_true(strlen(time) >= 20 && time[4] == '-' && time[10] == 'T' &&
			    time[strlen(time) - 1] == 'Z');
	}
	json_t *built = json_array_get(rows, 3);
	assert_string_equal(compiled_string(built, "origin"), "built");
	assert_true(json_is_null(json_object_get(built, "parent")));
	json_decref(rows);

	define("sum", 1, "static int sum(int count, ...) { return count; }");
	rows = compiled_data(&host, "\\log");
	assert_int_equal(json_array_size(rows), 6);
	assert_string_equal(compiled_string(json_array_get(rows, 0), "function"), "sum");
	json_decref(rows);
	compiled_assert_says(&host, 0, "\\log add", "a bad idea");
}

static void diff_compares_versions_and_the_file(void **state)
{
	char *function, *text, *file;
	int from, to;

	(void)state;
	define("add", 1, "int add(int a, int b)\n{\n\treturn a * b;\n}");
	json_t *data = compiled_data(&host, "\\diff add");
	assert_members(data, "{s:s, s:i, s:s, s:s}", "function", &function, "from", &from, "to", &file,
		       "text", &text);
	assert_int_equal(from, 1);
	assert_string_equal(file, "file");
	assert_non_null(strstr(text, "-\treturn a * b;\n+\treturn a + b;\n"));
	json_decref(data);

	define("add", 2, "int add(int a, int b)\n{\n\treturn a - b;\n}");
	data = compiled_data(&host, "\\diff add 1 2");
	assert_members(data, "{s:s, s:i, s:i, s:s}", "function", &function, "from", &from, "to", &to, "text",
		       &text);
	assert_int_equal(from, 1);
	assert_int_equal(to, 2);
	assert_non_null(strstr(text, "-\treturn a * b;\n+\treturn a - b;\n"));
	json_decref(data);
	data = compiled_data(&host, "\\diff add 0");
	assert_int_equal(compiled_int(data, "to"), 2);
	json_decref(data);
	compiled_assert_says(&host, 0, "\\diff sum", "are the same");
}

static void help_tells_long_and_short_names(void **state)
{
	json_t *all = compiled_data(&host, "\\help"), *one;

	(void)state;
	assert_true(json_array_size(all) >= 14);
	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *command = json_array_get(all, i);
		const char *name = compiled_string(command, "name"),
			   *example = compiled_string(command, "example");
		if (example[0] != '\\' || strncmp(example + 1, name, strlen(name)) != 0 ||
		    isalpha(example[1 + strlen(name)]))
			fail_msg("\\%s: %s", name, example);
	}
	json_decref(all);
	one = compiled_data(&host, "\\? l");
	assert_int_equal(json_array_size(one), 1);
	json_decref(one);
	compiled_assert_says(&host, 0, "\\help rollback", "\\rollback NAME [N]");
	compiled_assert_says(&host, 0, "\\help rollback", " for example ");
	compiled_assert_says(&host, 0, "\\help rollback", " \\rollback price 0\n");
	compiled_assert_says(&host, 0, "help", "\\undo");
	compiled_assert_refused(&host, "\\help rolback", "unknown", "did you mean \\rollback?");
}

/* A console tells how many columns it has. */
static void help_fits_the_screen(void **state)
{
	static const char requests[] = "{\"id\":0,\"hello\":{\"version\":1,\"text\":true,\"width\":80}}\n"
				       "{\"id\":1,\"command\":\"\\\\help\"}\n";
	struct wire w;
	size_t lines = 0;

	(void)state;
	wire_open(&w, host.socket);
	wire_send(&w, requests, strlen(requests));
	json_decref(wire_receive(&w));
	json_t *answer = wire_receive(&w);
	for (const char *at = compiled_string(answer, "text"); *at; at += strcspn(at, "\n") + 1, lines++)
		if (strcspn(at, "\n") >= 80)
			fail_msg("%.*s", (int)strcspn(at, "\n"), at);
	assert_true(lines > 50);
	json_decref(answer);
	wire_close(&w);
}

/* The heads of entries: `.B*` lines behind `.TP` that name a command; `\rollback` is written `\erollback` there. */
static bool has_entry(const char *page, const char *command)
{
	char name[64];
	size_t length = strlen(command);

	snprintf(name, sizeof(name), "\\e%s", command);
	for (const char *at = page; (at = strstr(at, "\n.TP\n.B")); at++) {
		const char *line = at + 5, *end = line + strcspn(line, "\n");
		for (const char *word = line; (word = strstr(word, name)) && word < end; word++)
			if (!isalnum((unsigned char)word[2 + length]) && strchr(" \"", word[-1]))
				return true;
	}
	return false;
}

/* Each command at the head of an entry is one that there is. */
static void assert_entries_exist(const char *page, json_t *commands)
{
	for (const char *at = page; (at = strstr(at, "\n.TP\n.B")); at++) {
		char name[64];
		json_t *row;
		size_t i;
		bool known = false;
		if (sscanf(at + 5, "%*[.BRI] %*[\"]\\e%63[a-z]", name) != 1 &&
		    sscanf(at + 5, "%*[.BRI] \\e%63[a-z]", name) != 1)
			continue;
		json_array_foreach(commands, i, row)
			known |= strcmp(json_string_value(json_object_get(row, "name")), name) == 0;
		if (!known)
			fail_msg("rtf-console(1) has \\%s, which is no command", name);
	}
}

static void the_manual_page_has_every_command_and_no_other(void **state)
{
	json_t *commands = compiled_data(&host, "\\help"), *row;
	char *page = child_read_file("man/rtf-console.1");
	size_t i;

	(void)state;
	assert_non_null(page);
	assert_true(has_entry(page, "redo") && !has_entry(page, "lis"));
	json_array_foreach(commands, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));
		if (!has_entry(page, name))
			fail_msg("rtf-console(1) lacks \\%s", name);
	}
	assert_entries_exist(page, commands);
	free(page);
	json_decref(commands);
}

static void a_near_miss_is_answered_with_the_right_spelling(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\lst", "usage", "did you mean \\list?");
	compiled_assert_refused(&host, "\\rolback add", "usage", "did you mean \\rollback?");
	compiled_assert_refused(&host, "\\xyzzyx", "usage", "there is no command \\xyzzyx");
	compiled_assert_refused(&host, "\\source ad", "unknown", "did you mean add?");
	compiled_assert_refused(&host, "int ad(int a, int b) { return 1; }", "unknown", "did you mean add?");
	compiled_assert_refused(&host, "\\rollback", "usage", "usage: \\rollback NAME [N]");
	compiled_assert_refused(&host, "\\source add@x", "usage", "a version is a number");
	compiled_assert_refused(&host, "\\rollback add x", "usage", "not a version number");
	compiled_assert_refused(&host, "\\rollback add 7", "unknown", "add has no version 7");
}

static void quit_ends_the_console_and_not_the_program(void **state)
{
	static const char *const words[] = {"\\quit", "\\q", "quit", "exit"};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		free(compiled_console(&host, 0, NULL, "-c", words[i], "-c", "\\rollback nothing", NULL));
	compiled_assert_answer(&host, "add 1 2", "3 3");
}

/* --- definitions -------------------------------------------------------------------------------------- */

static void a_definition_is_live_for_the_next_call(void **state)
{
	char *function, *backend;
	int version;
	json_int_t total, check, compile, link, store;

	(void)state;
	compiled_assert_answer(&host, "add 3 4", "7 7");
	json_t *data = compiled_data(&host, "int add(int a, int b) { return a * b; }");
	assert_int_equal(json_array_size(data), 1);
	assert_members(json_array_get(data, 0), "{s:s, s:i, s:s, s:{s:I, s:I, s:I, s:I, s:I}}", "function",
		       &function, "version", &version, "backend", &backend, "latency_us", "total", &total,
		       "check", &check, "compile", &compile, "link", &link, "store", &store);
	assert_int_equal(version, 1);
	assert_true(total > 0 && check > 0 && compile > 0 && total >= check + compile + link);
	json_decref(data);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_live(&host, "add", 1, 2, "live");
	compiled_assert_says(&host, 0, "int add(int a, int b) { return a - b; }", "add is now version 2");
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
}

static void statics_keep_their_values_over_versions(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "price 2 10", "24 after 1");
	define("price", 1,
	       "static double price(const struct order *o)\n"
	       "{\n\tcalls++;\n\ttax_percent++;\n\treturn o->qty * o->unit * (100 + tax_percent);\n}");
	compiled_assert_answer(&host, "price 2 10", "2420 after 2");
	define("price", 2,
	       "static double price(const struct order *o) { return calls * 1000 + tax_percent + 0 * o->qty; "
	       "}");
	compiled_assert_answer(&host, "price 2 10", "2021 after 2");
	subject_rollback(&host, "price", 0);
	compiled_assert_answer(&host, "price 2 10", "24.2 after 3");
}

static void a_functions_own_static_is_the_same_variable_in_every_version(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "ticks", "1");
	define("ticks", 1, "static int ticks(void) { static int n; return n += 10; }");
	compiled_assert_answer(&host, "ticks", "11");
	define("ticks", 2,
	       "static int ticks(void) { static int n; static int step = 7; return n += step++; }");
	compiled_assert_answer(&host, "ticks", "18"); /* 7, and 8 is next */
	define("ticks", 3,
	       "static int ticks(void) { static int n; static int step = 500; return n += step; }");
	compiled_assert_answer(&host, "ticks", "26");
	subject_rollback(&host, "ticks", 0);
	compiled_assert_answer(&host, "ticks", "27");
}

static void a_file_static_that_a_version_adds_is_kept_for_the_next(void **state)
{
	(void)state;
	define("sum", 1, "static int added = 5;\nstatic int sum(int count, ...) { return added += count; }");
	compiled_assert_answer(&host, "sum", "8");
	define("sum", 2,
	       "static int added = 5;\nstatic int sum(int count, ...) { return added += 100 * count; }");
	compiled_assert_answer(&host, "sum", "308");
	subject_rollback(&host, "sum", 1);
	compiled_assert_answer(&host, "sum", "311");
}

static void what_comes_along_with_a_function_is_its_own(void **state)
{
	(void)state;
	define("add", 1,
	       "#include <string.h>\n"
	       "#define TEN 10\n"
	       "typedef struct { int left, right; } pair;\n"
	       "static int helper(pair p) { return p.left * TEN + p.right; }\n"
	       "int add(int a, int b) { return helper((pair){a, b}) + (int)strlen(\"four\"); }");
	compiled_assert_answer(&host, "add 3 2", "36 36");
	json_t *data = compiled_data(&host, "\\source add");
	assert_non_null(strstr(compiled_string(data, "text"), "#define TEN 10"));
	assert_non_null(strstr(compiled_string(data, "text"), "static int helper"));
	json_decref(data);
	define("add", 2, "int add(int a, int b) { return a + b; }");
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 3 2", "36 36");
}

/* A jump table or a list of cases in a file of its own, beside the source. */
static void a_body_may_include_a_file_beside_its_own(void **state)
{
	char *path = compiled_path(&host, "cases.h");
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fputs("case 3: b *= WEIGHT; break;\ndefault: b = -b;\n", file);
	assert_int_equal(fclose(file), 0);
	free(path);
	define("add", 1,
	       "#define WEIGHT 100\nint add(int a, int b)\n{\n\tswitch (a) {\n#include "
	       "\"cases.h\"\n\t}\n\treturn b;\n}");
	compiled_assert_answer(&host, "add 3 2", "200 200");
	compiled_assert_answer(&host, "add 4 2", "-2 -2");
	compiled_assert_refused(&host, "int add(int a, int b)\n{\n#include \"nowhere.h\"\n\treturn b;\n}",
				"compile", "nowhere.h");
}

static void recursion_goes_through_the_newest_version(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "factorial 4", "24");
	define("factorial", 1, "static long factorial(int n) { return n < 2 ? 100 : n * factorial(n - 1); }");
	compiled_assert_answer(&host, "factorial 4", "2400");
	subject_rollback(&host, "factorial", 0);
	compiled_assert_answer(&host, "factorial 4", "24");
}

static void a_variadic_function_stays_one(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "sum", "6");
	define("sum", 1,
	       "static int sum(int count, ...)\n"
	       "{\n\tva_list list;\n\tint product = 1;\n\n\tva_start(list, count);\n"
	       "\twhile (count-- > 0)\n\t\tproduct = product * 10 + va_arg(list, int);\n"
	       "\tva_end(list);\n\treturn product;\n}");
	compiled_assert_answer(&host, "sum", "1123");
}

static void function_pointers_stay_equal(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "pointer", "same");
	define("add", 1, "int add(int a, int b) { return is_add(add) ? a - b : -1; }");
	compiled_assert_answer(&host, "pointer", "same");
	compiled_assert_answer(&host, "add 9 4", "5 5");
}

static void same_names_in_two_files_are_two_functions_and_two_variables(void **state)
{
	static const char text[] = "static int shifted(int n) { return n - bias; }";

	(void)state;
	compiled_assert_answer(&host, "shifted 1", "101 201");
	compiled_assert_refused(&host, text, "ambiguous", "host.c:shifted, host_other.c:shifted");
	compiled_assert_refused(&host, "\\source shifted", "ambiguous",
				"host.c:shifted, host_other.c:shifted");

	free(compiled_console(&host, 0, NULL, "-c", "\\in host_other.c", "-c", text, NULL));
	compiled_assert_answer(&host, "shifted 1", "101 -199");
	free(compiled_console(&host, 0, NULL, "-c",
			      "\\define host.c:shifted\nstatic int shifted(int n) { return n * bias; }",
			      NULL));
	compiled_assert_answer(&host, "shifted 3", "300 -197");
	json_decref(compiled_data(&host, "\\rollback host_other.c:shifted 0"));
	compiled_assert_answer(&host, "shifted 3", "300 203");
	json_decref(compiled_data(&host, "\\source host.c:shifted@1"));
	compiled_assert_refused(&host, "\\source elsewhere.c:shifted", "unknown",
				"elsewhere.c has no decorated function shifted");
	compiled_assert_refused(&host, "\\in elsewhere.c", "unknown", "elsewhere.c");
}

static void define_names_a_function_that_a_macro_spells(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "three_times 5", "15");
	json_decref(compiled_data(&host, "\\define three_times\nTIMES(three, 30)"));
	compiled_assert_answer(&host, "three_times 5", "150");
	json_decref(compiled_data(
		&host, "\\define three_times\nstatic int three_times(int n)\n{\n\treturn n + 3;\n}"));
	compiled_assert_answer(&host, "three_times 5", "8");
	json_decref(compiled_data(&host, "\\define three_times\nstatic int six(int n) { return 6 * n; }\n"
					 "static int three_times(int n) { return six(n); }"));
	compiled_assert_answer(&host, "three_times 5", "30");
	subject_rollback(&host, "three_times", 1);
	compiled_assert_answer(&host, "three_times 5", "150");
	subject_rollback(&host, "three_times", 0);
	compiled_assert_answer(&host, "three_times 5", "15");
	compiled_assert_refused(&host, "\\define three_times\nstatic int four_times(int n) { return 4 * n; }",
				"usage", "four_times");
	compiled_assert_refused(&host, "\\define three_times", "usage", "is followed by a definition");
	compiled_assert_refused(&host, "\\define nothing\nint nothing(void) { return 1; }", "unknown",
				"nothing");
	compiled_assert_answer(&host, "three_times 5", "15");
}

static void several_functions_live_together_or_not_at_all(void **state)
{
	(void)state;
	json_t *data = compiled_data(&host, "int add(int a, int b) { return a * b; }\n"
					    "static const char *greeting(void) { return \"moin\"; }");
	assert_int_equal(json_array_size(data), 2);
	json_decref(data);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_answer(&host, "greeting", "moin");

	compiled_assert_refused(&host,
				"int add(int a, int b) { return 1; }\n"
				"static const char *greeting(void) { return nope; }",
				"compile", "nope");
	compiled_assert_refused(&host,
				"int add(int a, int b) { return 1; }\nint add(int a, int b) { return 2; }",
				"usage", "add is defined twice");
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_answer(&host, "greeting", "moin");
	compiled_assert_live(&host, "add", 1, 2, "live");
	compiled_assert_live(&host, "greeting", 1, 2, "live");
}

static void undo_and_redo_take_a_change_as_a_whole(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\undo", "usage", "nothing to undo");
	compiled_assert_refused(&host, "\\redo", "usage", "nothing to redo");
	define("add", 1, "int add(int a, int b) { return a * b; }");
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }\n"
					 "static const char *greeting(void) { return \"moin\"; }"));

	json_t *data = compiled_data(&host, "\\undo"), *row;
	assert_int_equal(json_array_size(data), 2);
	size_t i;
	json_array_foreach(data, i, row)
		assert_int_equal(compiled_int(row, "version"),
				 strcmp(compiled_string(row, "function"), "add") == 0);
	json_decref(data);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_answer(&host, "greeting", "hello");

	json_decref(compiled_data(&host, "\\redo"));
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	compiled_assert_answer(&host, "greeting", "moin");
	json_decref(compiled_data(&host, "\\undo"));
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_refused(&host, "\\undo", "usage", "nothing to undo");
	json_decref(compiled_data(&host, "\\redo"));
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_says(&host, 0, "\\undo", "add is now version 0 (as built)");
}

static void rollback_goes_to_the_parent_or_where_it_is_told(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\rollback add", "usage", "nothing before it");
	define("add", 1, "int add(int a, int b) { return a * b; }");
	define("add", 2, "int add(int a, int b) { return a - b; }");
	subject_rollback(&host, "add", 1);
	define("add", 3, "int add(int a, int b) { return a / b; }");
	json_t *data = compiled_data(&host, "\\rollback add");
	assert_string_equal(compiled_string(data, "function"), "add");
	assert_int_equal(compiled_int(data, "version"), 1); /* not 2: the parent */
	json_decref(data);
	compiled_assert_answer(&host, "add 8 4", "32 32");
	subject_rollback(&host, "add", 2);
	compiled_assert_answer(&host, "add 8 4", "4 4");
	json_decref(compiled_data(&host, "\\rollback add@3"));
	compiled_assert_answer(&host, "add 8 4", "2 2");
	subject_rollback(&host, "add", 0);
	compiled_assert_answer(&host, "add 8 4", "12 12");
	compiled_assert_live(&host, "add", 0, 4, "built");
	compiled_assert_history_whole(&host);
}

/* The oldest complaint about such tools: the built text, typed again, must take effect. */
static void the_built_text_typed_again_takes_effect(void **state)
{
	(void)state;
	define("add", 1, "int add(int a, int b) { return 0; }");
	define("add", 2, "int add(int a, int b)\n{\n\treturn a + b;\n}");
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_live(&host, "add", 2, 3, "saved");
}

static void check_changes_nothing(void **state)
{
	(void)state;
	json_t *data = compiled_data(&host, "\\check int add(int a, int b) { return 0; }");
	assert_string_equal(compiled_string(json_array_get(data, 0), "function"), "add");
	json_decref(data);
	compiled_assert_says(&host, 0, "\\check\nint add(int a, int b) { return 0; }", "add");
	compiled_assert_refused(&host, "\\check\nint add(int a, int b) { return nope; }", "compile", "nope");
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_live(&host, "add", 0, 1, "built");
	compiled_assert_refused(&host, "\\undo", "usage", "nothing to undo");
}

/* --- texts as people have them ------------------------------------------------------------------------ */

static void a_file_and_standard_input_hold_commands(void **state)
{
	static const char script[] = "\\list add\n"
				     "int add(int a, int b)\n"
				     "{\n"
				     "\treturn a * b; /* } */\n"
				     "}\n"
				     "\\note add from a script\n"
				     "static const char *greeting(void)\n"
				     "{\n"
				     "\treturn \"{\";\n"
				     "}\n";
	char *path = compiled_path(&host, "script");

	(void)state;
	free(compiled_console(&host, 0, script, "-f", "-", NULL));
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_answer(&host, "greeting", "{");
	assert_true(child_write_file(path, script));
	free(compiled_console(&host, 0, NULL, "-f", path, NULL));
	compiled_assert_live(&host, "add", 2, 3, "live");
	free(compiled_console(&host, 0, "int add(int a, int b) { return a - b; }\n\\undo\n\\redo\n",
			      "--color=never", NULL));
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	/* A script goes on behind what fails, and its status tells. */
	free(compiled_console(&host, 3, "int add(int a, int b) { return nope; }\n\\rollback add 0\n",
			      "--color=never", NULL));
	compiled_assert_answer(&host, "add 3 4", "7 7");
	free(path);
}

static void line_ends_comments_and_digraphs_are_no_obstacle(void **state)
{
	(void)state;
	free(compiled_console(&host, 0, "int add(int a, int b)\r\n{\r\n\treturn a * b; // product\r\n}\r\n",
			      "--color=never", NULL));
	compiled_assert_answer(&host, "add 3 4", "12 12");
	define("add", 2,
	       "/* before */ int /* between } */ add(int a, int b) // {\n{ /* \" */ return a - b; }");
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	define("add", 3, "int add(int a, int b)\n<%\n\tint x<:2:> = <% a, b %>;\n\n\treturn x<:1:>;\n%>");
	compiled_assert_answer(&host, "add 3 4", "4 4");
	define("add", 4, "int add(a, b)\n\tint a;\n\tint b;\n{\n\treturn 2 * a \\\n\t\t+ b;\n}");
	compiled_assert_answer(&host, "add 3 4", "10 10");
}

static void unicode_goes_through_unchanged(void **state)
{
	(void)state;
	define("greeting", 1,
	       "static const char *greeting(void)\n{\n\treturn \"gr\303\274\303\237 \342\230\203 "
	       "\360\237\230\200\"; /* \304\215 */\n}");
	compiled_assert_answer(&host, "greeting", "gr\303\274\303\237 \342\230\203 \360\237\230\200");
	json_t *data = compiled_data(&host, "\\source greeting");
	assert_non_null(strstr(compiled_string(data, "text"), "/* \304\215 */"));
	json_decref(data);
}

static void line_and_file_are_the_sources(void **state)
{
	json_t *row = compiled_row(&host, "add");
	int line = compiled_int(row, "line");
	char expected[64];

	(void)state;
	json_decref(row);
	define("add", 1, "int add(int a, int b)\n{\n\t(void)a, (void)b;\n\treturn __LINE__;\n}");
	snprintf(expected, sizeof(expected), "%d %d", line + 3, line + 3);
	compiled_assert_answer(&host, "add 1 1", expected);
	define("greeting", 1,
	       "static const char *greeting(void)\n{\n\treturn strrchr(__FILE__, '/') + 1;\n}");
	compiled_assert_answer(&host, "greeting", "host.c");
	define("greeting", 2, "static const char *greeting(void)\n{\n\treturn __func__;\n}");
	compiled_assert_answer(&host, "greeting", "greeting");
}

/* --- the next run ------------------------------------------------------------------------------------- */

static void the_next_run_goes_on_with_the_history(void **state)
{
	(void)state;
	define("add", 1, "int add(int a, int b) { return a * b; }");
	define("add", 2, "#define MINUS -\nint add(int a, int b) { return a MINUS b; }");
	json_decref(compiled_data(&host, "\\note add@1 the good one"));
	child_stop(&host.program, COMPILED_DEADLINE_MS);

	compiled_start(&host);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_live(&host, "add", 0, 3, "built");
	compiled_assert_says(&host, 0, "\\log add", "the good one");
	compiled_assert_refused(&host, "\\undo", "usage",
				"nothing to undo"); /* another run's changes are not this one's */
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	subject_rollback(&host, "add", 2);
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	define("add", 3, "int add(int a, int b) { return a / b; }");
	compiled_assert_answer(&host, "add 8 4", "2 2");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 8 4", "4 4");
	compiled_assert_history_whole(&host);
}

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fresh_host(status_tells_who_runs_what),
		with_fresh_host(status_names_the_first_of_many),
		with_fresh_host(the_program_is_as_old_as_it_is_whichever_engine_tells),
		with_fresh_host(list_shows_every_decorated_function),
		with_fresh_host(list_takes_a_pattern),
		with_fresh_host(source_shows_any_version),
		with_fresh_host(log_tells_every_version_newest_first),
		with_fresh_host(diff_compares_versions_and_the_file),
		with_fresh_host(help_tells_long_and_short_names),
		with_fresh_host(help_fits_the_screen),
		with_fresh_host(the_manual_page_has_every_command_and_no_other),
		with_fresh_host(a_near_miss_is_answered_with_the_right_spelling),
		with_fresh_host(quit_ends_the_console_and_not_the_program),
		with_fresh_host(a_definition_is_live_for_the_next_call),
		with_fresh_host(statics_keep_their_values_over_versions),
		with_fresh_host(a_functions_own_static_is_the_same_variable_in_every_version),
		with_fresh_host(a_file_static_that_a_version_adds_is_kept_for_the_next),
		with_fresh_host(what_comes_along_with_a_function_is_its_own),
		with_fresh_host(a_body_may_include_a_file_beside_its_own),
		with_fresh_host(recursion_goes_through_the_newest_version),
		with_fresh_host(a_variadic_function_stays_one),
		with_fresh_host(function_pointers_stay_equal),
		with_fresh_host(same_names_in_two_files_are_two_functions_and_two_variables),
		with_fresh_host(define_names_a_function_that_a_macro_spells),
		with_fresh_host(several_functions_live_together_or_not_at_all),
		with_fresh_host(undo_and_redo_take_a_change_as_a_whole),
		with_fresh_host(rollback_goes_to_the_parent_or_where_it_is_told),
		with_fresh_host(the_built_text_typed_again_takes_effect),
		with_fresh_host(check_changes_nothing),
		with_fresh_host(a_file_and_standard_input_hold_commands),
		with_fresh_host(line_ends_comments_and_digraphs_are_no_obstacle),
		with_fresh_host(unicode_goes_through_unchanged),
		with_fresh_host(line_and_file_are_the_sources),
		with_fresh_host(the_next_run_goes_on_with_the_history),
	};

	return cmocka_run_group_tests_name("system: redefining", tests, init, compiled_group_fini);
}
