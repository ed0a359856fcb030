/* Histories as files and as patches: git takes the series on the tree that was built, and ends with what is live. */
#include "compiled.h"

#include <setjmp.h>
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

static int stop_host(void **state)
{
	(void)state;
	subject_fini(&host);
	return 0;
}

static void shell(const char *command)
{
	char *output = NULL, *whole;

	assert_true(asprintf(&whole, "cd '%s' && %s", host.directory, command) > 0);
	int status = child_run((const char *const[]){"sh", "-ec", whole, NULL}, NULL, COMPILED_DEADLINE_MS,
			       &output);
	if (status)
		fail_msg("%s: %d: %.700s", command, status, output ? output : "");
	free(whole);
	free(output);
}

static void commit_built(void)
{
	shell("git init -q . && git config user.name t && git config user.email t@t && git add *.c && "
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
	json_decref(compiled_data(&host, "int add(int a, int b) { return a - b; }\n"
					 "long factorial(int n) { return n; }"));
	json_decref(compiled_data(&host, "int add(int a, int b) { return a * b; }"));
	json_decref(compiled_data(&host, "\\undo"));
	json_decref(compiled_data(&host, "\\rollback factorial 0"));
	export("--all", "out", 3, 4);
	shell("ls out | grep -qx 0001-add-1-and-1-more.patch");
	shell("git am -q out/*.patch");
	shell("test \"$(git log --format=%s -n 3 --skip 1)\" = \"add: back to version 1 (undo)\n"
	      "add: version 2\nadd: version 1, factorial: version 1\"");
	shell("test \"$(git log -n 1 --format=%s)\" = 'factorial: back to version 0 (rollback)'");
	assert_says("host.c", original, "int add(int a, int b)\n{\n\treturn a + b;\n}",
		    "int add(int a, int b) { return a - b; }");

	/* Of one function: what was in others is not in it. */
	shell("git reset -q --hard HEAD~4");
	export("factorial", "one", 1, 2);
	shell("git am -q one/*.patch");
	assert_says("host.c", original, "bias", "bias");
	free(original);
}

static void a_save_of_several_functions_is_one_patch(void **state)
{
	struct wire w;

	(void)state;
	commit_built();
	wire_open(&w, host.socket);
	json_decref(wire_ask(&w, 1, "\\source add"));
	char *path = compiled_path(&host, "host.c"), *text = child_read_file(path);
	char *half = child_replace(text, "return a + b;", "return a - b;"),
	     *edited = child_replace(half, "return n + bias;", "return n - bias;");
	assert_true(child_write_file(path, edited));
	json_decref(wire_ask(&w, 2, "\\wait shifted 1 60"));
	wire_close(&w);
	export("--all", "out", 2, 1);
	shell("git stash -q && git am -q out/*.patch");
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
	shell("git am -q out/*.patch && git log -n 1 --format=%s | grep -qx 'factorial: back to version 0 "
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
	shell("git stash -q && git am -q out/*.patch");
	shell("git log -n 1 --skip 1 --format=%s | grep -qx 'add: version 0 (built)'");
	shell("git show HEAD~1 | grep -qx '+\treturn b + a;'");
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
	shell("git am -q out/*.patch && git diff --quiet");
	char *text = child_read_file(path),
	     *once = child_replace(odd_text, "return n; /*", "return n + 1; /*"),
	     *wanted = child_replace(once, "return n;", "return 2 * n;");
	assert_string_equal(text, wanted);
	free(wanted);
	free(once);
	free(text);
	free(path);
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start_host, stop_host)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(what_went_live_together_is_one_patch),
		WITH_HOST(a_save_of_several_functions_is_one_patch),
		WITH_HOST(the_series_ends_with_what_is_live_in_this_run),
		WITH_HOST(the_series_begins_with_the_first_build),
		WITH_HOST(files_are_patched_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
