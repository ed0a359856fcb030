/* Histories as files and as patches: git takes the series on the tree that was built, and ends with what is live. */
#include "compiled.h"

#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static int start_host(void **state)
{
	(void)state;
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	return 0;
}

static void commit_built(void)
{
	compiled_shell(
		&host,
		"git init -q . && git config user.name t && git config user.email t@t && git add *.c && "
		"git commit -qm built");
}

static void export(const char *what, const char *directory, int versions, int patches)
{
	char command[600];

	snprintf(command, sizeof(command), "\\export %s %s/%s", what, host.directory, directory);
	json_t *data = compiled_data(&host, command);
	assert_int_equal(json_integer_value(json_object_get(data, "versions")), versions);
	assert_int_equal(json_integer_value(json_object_get(data, "patches")), patches);
	assert_int_equal(json_integer_value(json_object_get(data, "unchanged")), 0);
	json_decref(data);
}

static void edit_file(const char *name, const char *old, const char *new)
{
	char *path = compiled_path(&host, name), *text = child_read_file(path),
	     *edited = child_replace(text, old, new);

	if (!edited)
		fail_msg("%s has no %s", name, old);
	assert_true(child_write_file(path, edited));
	free(edited);
	free(text);
	free(path);
}

/* The file as git has it now says this instead of what was built, and nothing else is different. */
static void assert_says(const char *name, const char *original, const char *old, const char *new)
{
	char *path = compiled_path(&host, name), *text = child_read_file(path),
	     *wanted = child_replace(original, old, new);

	assert_non_null(wanted);
	assert_string_equal(text, wanted);
	free(wanted);
	free(text);
	free(path);
}

static char *read_file(const char *name)
{
	char *path = compiled_path(&host, name), *text = child_read_file(path);

	assert_non_null(text);
	free(path);
	return text;
}

static void what_went_live_together_is_one_patch(void **state)
{
	(void)state;
	commit_built();
	char *original = read_file("host.c");
	json_decref(compiled_data(&host, "\\follow off")); /* what git writes is none of it */
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }\n"
					 "long factorial(int n) { return n; }"));
	json_decref(compiled_data(&host, "int add(int a, int b) { return a * b; }"));
	json_decref(compiled_data(&host, "\\undo"));
	json_decref(compiled_data(&host, "\\rollback factorial 0"));
	export("--all", "out", 3, 4);
	compiled_shell(&host, "ls out | grep -qx 0001-add-1-and-1-more.patch");
	compiled_shell(&host, "git am -q out/*.patch");
	compiled_shell(&host,
		       "test \"$(git log --format=%s -n 3 --skip 1)\" = \"add: back to version 1 (undo)\n"
		       "add: version 2\nadd: version 1, factorial: version 1\"");
	compiled_shell(&host,
		       "test \"$(git log -n 1 --format=%s)\" = 'factorial: back to version 0 (rollback)'");
	assert_says("host.c", original, "int add(int a, int b)\n{\n\treturn a + b;\n}",
		    "int add(int a, int b) { return a - b; }");

	/* Of one function: what was in others is not in it. */
	compiled_shell(&host, "git reset -q --hard HEAD~4");
	export("factorial", "one", 1, 2);
	compiled_shell(&host, "git am -q one/*.patch");
	assert_says("host.c", original, "bias", "bias");
	free(original);
}

static void a_save_of_several_functions_is_one_patch(void **state)
{
	struct wire w;

	(void)state;
	commit_built();
	wire_open(&w, host.socket);
	wire_ok(&w, "\\source add");
	char *path = compiled_path(&host, "host.c"), *text = child_read_file(path);
	char *half = child_replace(text, "return a + b;", "return a - b;"),
	     *edited = child_replace(half, "return n + bias;", "return n - bias;");
	assert_true(child_write_file(path, edited));
	wire_ok(&w, "\\wait host.c:shifted 1 60");
	wire_close(&w);
	export("--all", "out", 2, 1);
	compiled_shell(&host, "git stash -q && git am -q out/*.patch");
	char *now = child_read_file(path);
	assert_string_equal(now, edited);
	free(now);
	free(edited);
	free(half);
	free(text);
	free(path);
}

/* The run before ended with another version than this one has live. */
static void the_series_ends_with_what_is_live_in_this_run(void **state)
{
	(void)state;
	commit_built();
	char *original = read_file("host.c");
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	json_decref(compiled_data(&host, "long factorial(int n) { return n; }"));
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	compiled_start(&host);
	json_decref(compiled_data(&host, "int add(int a, int b) { return a * b; }"));
	export("--all", "out", 3, 4);
	compiled_shell(
		&host,
		"git am -q out/*.patch && git log -n 1 --format=%s | grep -qx 'factorial: back to version 0 "
		"(live now)'");
	assert_says("host.c", original, "int add(int a, int b)\n{\n\treturn a + b;\n}",
		    "int add(int a, int b) { return a * b; }");
	free(original);
}

/* Rebuilt from another text: the series begins with the first build's. */
static void the_series_begins_with_the_first_build(void **state)
{
	(void)state;
	commit_built();
	char *original = read_file("host.c");
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	edit_file("host.c", "return a + b;", "return b + a;");
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	json_decref(compiled_data(&host, "int add(int a, int b) { return a * b; }"));
	export("add", "out", 2, 3);
	compiled_shell(&host, "git stash -q && git am -q out/*.patch");
	compiled_shell(&host, "git log -n 1 --skip 1 --format=%s | grep -qx 'add: version 0 (built)'");
	compiled_shell(&host, "git show HEAD~1 | grep -qx '+\treturn b + a;'");
	assert_says("host.c", original, "int add(int a, int b)\n{\n\treturn a + b;\n}",
		    "int add(int a, int b) { return a * b; }");
	free(original);
}

static const char odd_name[] = "odd \"name\" of it.c";
static const char odd_text[] =
	"\xef\xbb\xbf#include <rtf.h>\r\nREALTIMEFUNC\r\nint odd(int n)\r\n{\r\n"
	"\treturn n; /* \xc3\xbc = 1 */\r\n}\r\n\r\nREALTIMEFUNC int even(int n)\r\n{\r\n\treturn n;\r\n}";

static void files_are_patched_byte_for_byte(void **state)
{
	(void)state;
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	char *path = compiled_path(&host, odd_name);
	assert_true(child_write_file(path, odd_text));
	compiled_build(&host, &(struct compiled_how){.sources = {"host.c", "host_other.c", odd_name}});
	compiled_start(&host);
	commit_built();
	json_decref(compiled_data(&host, "int odd(int n)\n{\n\treturn n + 1; /* \xc3\xbc = 1 */\n}"));
	json_decref(compiled_data(&host, "int even(int n)\n{\n\treturn 2 * n;\n}"));
	export("--all", "out", 2, 2);
	compiled_shell(&host, "git am -q out/*.patch && git diff --quiet");
	char *text = child_read_file(path),
	     *once = child_replace(odd_text, "return n; /*", "return n + 1; /*"),
	     *wanted = child_replace(once, "return n;", "return 2 * n;");
	assert_string_equal(text, wanted);
	free(wanted);
	free(once);
	free(text);
	free(path);
}

static void rebuild_with(const char *old, const char *new)
{
	pid_t engine = compiled_engine(&host);

	compiled_kill(&host);
	compiled_await_end(engine);
	edit_file("host.c", old, new);
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
}

/* A function that the program has for a while. */
static void a_function_that_is_gone_is_exported_from_the_history(void **state)
{
	static const char main_head[] = "int main(",
			  with[] = "REALTIMEFUNC int passing(int a)\n{\n\treturn a;\n}\n\nint main(";
	char command[600];

	(void)state;
	rebuild_with(main_head, with);
	json_decref(compiled_data(&host, "int passing(int a) { return a + 1; }"));
	json_decref(compiled_data(&host, "int passing(int a) { return a + 2; }"));
	rebuild_with(with, main_head);
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	export("--all", "out", 3, 1);
	compiled_shell(
		&host,
		"test \"$(cat out/versions/host.c/passing/2.c)\" = 'int passing(int a) { return a + 2; }'");
	compiled_shell(&host, "test -f out/versions/host.c/passing/1.c -a -f out/versions/host.c/add/1.c");
	snprintf(command, sizeof(command), "\\export --all %s/other", host.directory);
	compiled_assert_says(&host, 0, command,
			     "one of the functions is not in the program any more: it has no patches");
	export("passing", "one", 2, 0);
	export("host.c:passing", "same", 2, 0);
	compiled_shell(&host, "diff -r one same");
	compiled_assert_refused(&host, "\\export passing2 /tmp/none", "unknown",
				"the program has no function passing2");
	compiled_assert_refused(&host, "\\export host_other.c:passing /tmp/none", "unknown", "passing");
}

enum { LONG = 100000 };

static void grow_history(void)
{
	json_t *status = compiled_data(&host, "\\status");
	char sql[1000], *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(json_string_value(json_object_get(status, "history")), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < "
		 "%d)"
		 " INSERT INTO version (function, number, process, parent, text, slice_hash, backend, "
		 "compiler, flags,"
		 " origin, user, note, file, line) SELECT v.function, i, v.process, i - 1, v.text, "
		 "v.slice_hash,"
		 " v.backend, v.compiler, v.flags, v.origin, v.user, '', v.file, v.line FROM n, version AS v"
		 " WHERE v.number = 1; COMMIT",
		 LONG);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
	json_decref(status);
}

/* Given up in the middle: to write all of it, and to remove it again, is a disk's work for minutes. */
static void others_are_answered_while_a_long_history_is_exported(void **state)
{
	static const char interrupt[] = "{\"id\":2,\"interrupt\":1}\n";
	char command[600];
	struct wire w, other;
	int id = 0;

	(void)state;
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }"));
	grow_history();
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	snprintf(command, sizeof(command), "\\export --all %s/out", host.directory);
	wire_command(&w, 1, command);
	for (int i = 1; i <= 20; i++) {
		json_decref(wire_ask(&other, i, "\\list add"));
		/* Who waits for its end is answered behind it. */
		assert_int_equal(poll(&(struct pollfd){.fd = w.fd, .events = POLLIN}, 1, 0), 0);
	}
	wire_send(&w, interrupt, sizeof(interrupt) - 1);
	while (id != 1) {
		json_t *answer = wire_receive(&w), *error = json_object_get(answer, "error");
		assert_non_null(answer);
		id = (int)json_integer_value(json_object_get(answer, "id"));
		if (id == 1)
			assert_non_null(strstr(json_string_value(json_object_get(error, "message")),
					       "interrupted: a part of it is in "));
		json_decref(answer);
	}
	wire_close(&w);
	wire_close(&other);
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start_host, compiled_group_fini)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(what_went_live_together_is_one_patch),
		WITH_HOST(a_save_of_several_functions_is_one_patch),
		WITH_HOST(the_series_ends_with_what_is_live_in_this_run),
		WITH_HOST(the_series_begins_with_the_first_build),
		WITH_HOST(files_are_patched_byte_for_byte),
		WITH_HOST(a_function_that_is_gone_is_exported_from_the_history),
		WITH_HOST(others_are_answered_while_a_long_history_is_exported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
