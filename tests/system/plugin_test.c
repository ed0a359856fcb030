/* Functions of modules that come with dlopen() while the program runs, and go with dlclose(). */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;
static char *plugin;

/* plugin_part.c as DIRECTORY/libpart.so. */
static void build_plugin(const char *flags)
{
	char *command, *output = NULL, *header = realpath("core", NULL),
		       *source = compiled_path(&host, "plugin_part.c");
	const char *compiler = getenv("CC");

	if (access(source, F_OK))
		compiled_copy_in(&host, "plugin_part.c");
	free(source);
	assert_true(asprintf(&command,
			     "cd %s && %s -g -w -shared -fPIC %s -I%s plugin_part.c -o libpart.new && mv "
			     "libpart.new libpart.so",
			     host.directory, compiler && *compiler ? compiler : "cc", flags, header) > 0);
	if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, COMPILED_DEADLINE_MS, &output))
		fail_msg("%s: %s", command, output);
	free(output);
	free(command);
	free(header);
}

static void prepare(const struct compiled_how *how, const char *flags)
{
	compiled_init(&host, how);
	build_plugin(flags);
	plugin = compiled_path(&host, "libpart.so");
}

static void start(const char *flags)
{
	const struct compiled_how how = {.sources = {"plugin_host.c"}, .flags = {"-ldl"}};

	prepare(&how, flags);
	compiled_start(&host);
}

static int stop(void **state)
{
	(void)state;
	subject_fini(&host);
	free(plugin);
	plugin = NULL;
	unsetenv("RTF_LOG");
	return 0;
}

static void tell(const char *verb, const char *path, const char *answer)
{
	char *line;

	assert_true(asprintf(&line, "%s %s", verb, path) > 0);
	assert_string_equal(subject_ask(&host, line), answer);
	free(line);
}

/* How many functions \list has in modules called that. */
static size_t listed(const char *module)
{
	json_t *rows = compiled_data(&host, "\\list"), *row;
	size_t i, count = 0;

	json_array_foreach(rows, i, row)
		count += strcmp(json_string_value(json_object_get(row, "module")), module) == 0;
	json_decref(rows);
	return count;
}

static void await_listed(size_t count)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (listed("libpart.so") != count)
		if (child_clock() > deadline)
			fail_msg("%zu functions of the plug-in are listed", listed("libpart.so"));
}

#define COUNTED_TRIPLE "static long counted(long n) { return n * 3 + ++calls; }"

static void a_source_that_is_in_two_modules_is_told_by_their_names(void **state)
{
	const struct compiled_how how = {.sources = {"plugin_host.c", "plugin_part.c"}, .flags = {"-ldl"}};

	(void)state;
	prepare(&how, "");
	compiled_start(&host);
	tell("open", plugin, "opened");
	await_listed(2);
	compiled_assert_says(&host, 3, "\\source counted", "counted is ambiguous: ");
	compiled_assert_says(&host, 0, "\\list", "host:counted ");
	compiled_assert_says(&host, 0, "\\list", "libpart.so:counted ");
	compiled_assert_says(&host, 3, "\\source plugin_part.c:counted", "host:counted");
	compiled_assert_says(&host, 3, "\\source plugin_part.c:counted", "libpart.so:counted");
	json_decref(compiled_data(&host, "\\define libpart.so:counted\n" COUNTED_TRIPLE));
	compiled_assert_answer(&host, "call 5", "1167"); /* 15 + 101 */
	json_decref(compiled_data(&host, "\\define host:counted\nstatic long counted(long n) { return 0; }"));
	compiled_assert_answer(&host, "call 5", "1177");
	compiled_assert_says(&host, 0, "\\rollback libpart.so:counted 0", "counted is now version 0");
	compiled_assert_answer(&host, "call 5", "1137"); /* 10 + 103 */
}

static void a_plugins_functions_are_redefined_like_any_others(void **state)
{
	(void)state;
	start("");
	assert_int_equal(listed("libpart.so"), 0);
	tell("open", plugin, "opened");
	await_listed(2);
	compiled_assert_answer(&host, "call 5", "1117"); /* 10 + 101 */
	assert_int_equal(subject_define(&host, "counted", COUNTED_TRIPLE), 1);
	compiled_assert_answer(&host, "call 5", "1177"); /* 15 + 102 */
	/* A thread-local of the plug-in's, and a static helper; in the function that dlsym() once gave. */
	subject_define(&host, "plugin_answer",
		       "long plugin_answer(long n) { return counted(n) * 1000 + helper(n) + ++here; }");
	compiled_assert_answer(&host, "call 5", "118018"); /* (15 + 103) * 1000, 10 + 8 */
	subject_rollback(&host, "counted", 0);
	subject_rollback(&host, "plugin_answer", 0);
	compiled_assert_answer(&host, "call 5", "1148"); /* 10 + 104 */
	compiled_assert_says(&host, 0, "calls", "(long) 104");
}

static void a_plugin_that_a_constructor_opens_is_like_any_other(void **state)
{
	const struct compiled_how how = {.sources = {"plugin_host.c"}, .flags = {"-ldl"}};

	(void)state;
	prepare(&how, "");
	setenv("EARLY_PLUGIN", plugin, 1);
	compiled_start(&host);
	unsetenv("EARLY_PLUGIN");
	await_listed(2);
	compiled_assert_answer(&host, "call 5", "1117");
	subject_define(&host, "counted", COUNTED_TRIPLE);
	compiled_assert_answer(&host, "call 5", "1177");
}

/* A library that came along with it is seen by nobody else (RTLD_LOCAL). */
static void what_a_plugin_alone_depends_on_can_be_called(void **state)
{
	const struct compiled_how how = {.sources = {"plugin_host.c"}, .flags = {"-ldl"}};

	(void)state;
	compiled_init(&host, &how);
	compiled_shell(
		&host,
		"echo 'long part_value = 7; long of_part(long n) { return n * part_value; }' >part.c && "
		"cc -shared -fPIC part.c -o libneeded.so");
	build_plugin("-Wl,--no-as-needed -L. -lneeded -Wl,-rpath,'$ORIGIN'");
	plugin = compiled_path(&host, "libpart.so");
	compiled_start(&host);
	tell("open", plugin, "opened");
	await_listed(2);
	subject_define(&host, "counted",
		       "extern long part_value; long of_part(long);\n"
		       "static long counted(long n) { return of_part(n) * 1000 + part_value++; }");
	compiled_assert_answer(&host, "call 5", "350077"); /* (35 * 1000 + 7) * 10 + 7 */
	compiled_assert_answer(&host, "call 5", "400087");
	/* To the program it is not there. */
	compiled_assert_refused(&host, "long of_part(long); int resident(int n) { return (int)of_part(n); }",
				"unknown", "of_part");
}

static void a_function_of_a_plugin_that_was_closed_is_not_there(void **state)
{
	(void)state;
	start("");
	tell("open", plugin, "opened");
	await_listed(2);
	subject_define(&host, "counted", COUNTED_TRIPLE);
	assert_string_equal(subject_ask(&host, "close"), "0");
	await_listed(0);
	compiled_assert_refused(&host, COUNTED_TRIPLE, "compile",
				"the program has no function counted, and as one of this session");
	assert_int_equal(subject_define(&host, "resident", "int resident(int n) { return n + 2; }"), 1);
}

static void a_plugin_that_was_built_anew_runs_what_was_built(void **state)
{
	(void)state;
	start("");
	tell("open", plugin, "opened");
	await_listed(2);
	assert_int_equal(subject_define(&host, "counted", COUNTED_TRIPLE), 1);
	compiled_assert_answer(&host, "call 1", "1047");
	assert_string_equal(subject_ask(&host, "close"), "0");
	await_listed(0);

	char *source = compiled_path(&host, "plugin_part.c"), *text = child_read_file(source),
	     *changed = child_replace(text, "calls = 100", "pad, calls = 500");
	assert_true(child_write_file(source, changed));
	build_plugin("");
	tell("open", plugin, "opened");
	await_listed(2);
	compiled_assert_live(&host, "counted", 0, 2, "built");
	compiled_assert_answer(&host, "call 1", "5037"); /* 2 + 501 */
	/* Its history goes on, and the version of before is built for where things are now. */
	subject_rollback(&host, "counted", 1);
	compiled_assert_answer(&host, "call 1", "5057"); /* 3 + 502 */
	free(changed);
	free(text);
	free(source);
}

static void opening_and_closing_many_times_leaves_one_of_each(void **state)
{
	(void)state;
	start("");
	for (int i = 0; i < 100; i++) {
		tell("open", plugin, "opened");
		compiled_assert_answer(&host, "call 0", "1017");
		assert_string_equal(subject_ask(&host, "close"), "0");
	}
	tell("open", plugin, "opened");
	await_listed(2);
	subject_define(&host, "counted", COUNTED_TRIPLE);
	compiled_assert_answer(&host, "call 1", "1047");
}

/* With the compiler's flag alone, in a program that knows nothing of us. */
static void a_plugin_without_a_source_change_in_a_program_without(void **state)
{
	(void)state;
	const struct compiled_how how = {
		.sources = {"plugin_host.c"}, .flags = {"-DRTF_DISABLE", "-ldl"}, .without_library = true};

	prepare(&how, "-DRTF_DISABLE -fpatchable-function-entry=16");
	setenv("RTF_SOCKET", host.socket, 1);
	compiled_start_preloaded(&host);
	unsetenv("RTF_SOCKET");
	tell("open", plugin, "opened");
	compiled_assert_answer(&host, "call 5", "1117");
}

static void what_another_thread_may_have_stays_as_built_and_is_told(void **state)
{
	char *log, *text;
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	const struct compiled_how how = {.sources = {"plugin_host.c"},
					 .flags = {"-ldl", "-Wl,-rpath,$ORIGIN"}};

	(void)state;
	prepare(&how, "");
	log = compiled_path(&host, "log");
	setenv("RTF_LOG", log, 1);
	compiled_start(&host);
	tell("open", "libpart.so", "opened"); /* its folder is the program's to know */
	compiled_assert_answer(&host, "call 5", "1117");
	tell("open", plugin, "opened"); /* there already: nothing comes, and nothing is told */
	assert_int_equal(listed("libpart.so"), 0);
	/* The next module that comes brings it to light. */
	tell("open", "/lib/x86_64-linux-gnu/libm.so.6",
	     "/lib/x86_64-linux-gnu/libm.so.6: undefined symbol: plugin_answer");
	while ((text = child_read_file(log)) && !strstr(text, "other threads may be in it already")) {
		free(text);
		if (child_clock() > deadline)
			fail_msg("it was not told");
		json_decref(compiled_data(&host, "\\status"));
	}
	free(text);
	free(log);
	assert_int_equal(listed("libpart.so"), 0);
	subject_define(&host, "resident", "int resident(int n) { return n + 2; }");
}

/* In the middle of an entry is no place to be when it is written. */
static void a_plugin_whose_constructor_starts_a_thread_stays_as_built(void **state)
{
	char *source;

	(void)state;
	start("");
	source = compiled_path(&host, "plugin_part.c");
	char *text = child_read_file(source), *more;
	assert_true(asprintf(&more,
			     "%s\n#include <pthread.h>\n#include <unistd.h>\n"
			     "static void *spin(void *n) { for (;;) counted(1), pause(); return n; }\n"
			     "__attribute__((constructor)) static void begin(void)\n"
			     "{ pthread_t t; pthread_create(&t, 0, spin, 0); }\n",
			     text) > 0);
	assert_true(child_write_file(source, more));
	build_plugin("-lpthread");
	tell("open", plugin, "opened");
	subject_define(&host, "resident", "int resident(int n) { return n + 2; }");
	assert_int_equal(listed("libpart.so"), 0);
	free(more);
	free(text);
	free(source);
}

/* Slots are shared with forked children: one of them that adds its own would take its parent's. */
static void a_forked_childs_plugins_are_its_own(void **state)
{
	(void)state;
	start("");
	tell("fork", plugin, "13"); /* 1037 in eight bits */
	tell("open", plugin, "opened");
	await_listed(2);
	subject_define(&host, "counted", COUNTED_TRIPLE);
	compiled_assert_answer(&host, "call 1", "1047");
}

/* With the plug-in open. */
static void start_followed(struct followed *f)
{
	const struct compiled_how how = {.sources = {"plugin_host.c"}, .flags = {"-ldl"}};

	followed_prepare_host(f, &how);
	host = f->subject;
	build_plugin("");
	plugin = compiled_path(&host, "libpart.so");
	compiled_start(&f->subject);
	host = f->subject;
	followed_listen(f);
	tell("open", plugin, "opened");
	await_listed(2);
}

static void stop_followed(struct followed *f)
{
	f->subject = host;
	followed_fini(f);
	host = (struct subject){0};
	free(plugin);
	plugin = NULL;
}

static void a_saved_plugin_is_live_for_the_next_call(void **state)
{
	struct followed f = {0};

	(void)state;
	start_followed(&f);
	json_decref(compiled_data(&host, "\\source counted")); /* it is read, and so followed, from here on */
	followed_edit(&f, "plugin_part.c", "n * 2", "n * 4");
	followed_assert_live(&f, "counted");
	compiled_assert_answer(&host, "call 5", "1217"); /* 20 + 101 */
	stop_followed(&f);
}

static void await_all_read(void)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (;;) {
		char *status = compiled_console(&host, 0, NULL, "-c", "\\status", NULL);
		bool read = !strstr(status, "still to be read");
		free(status);
		if (read)
			return;
		if (child_clock() > deadline)
			fail_msg("the sources are still read");
	}
}

/* What the file said at the first time is not what the second was built from. */
static void a_plugin_that_was_built_anew_shows_what_was_built(void **state)
{
	struct followed f = {0};

	(void)state;
	start_followed(&f);
	await_all_read();
	compiled_assert_says(&host, 0, "\\source counted@0", "helper(n) + ++calls;");
	assert_string_equal(subject_ask(&host, "close"), "0");
	await_listed(0);

	char *source = compiled_path(&host, "plugin_part.c"), *text = child_read_file(source),
	     *changed = child_replace(text, "++calls;", "++calls + 7;");
	assert_true(child_write_file(source, changed));
	build_plugin("");
	tell("open", plugin, "opened");
	await_listed(2);
	compiled_assert_says(&host, 0, "\\source counted@0", "++calls + 7;");
	compiled_assert_live(&host, "counted", 0, 1, "built");
	compiled_assert_answer(&host, "call 1", "1107"); /* 2 + 101 + 7 */
	free(changed);
	free(text);
	free(source);
	stop_followed(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_source_that_is_in_two_modules_is_told_by_their_names, stop),
		cmocka_unit_test_teardown(a_plugins_functions_are_redefined_like_any_others, stop),
		cmocka_unit_test_teardown(a_plugin_that_a_constructor_opens_is_like_any_other, stop),
		cmocka_unit_test_teardown(what_a_plugin_alone_depends_on_can_be_called, stop),
		cmocka_unit_test_teardown(a_function_of_a_plugin_that_was_closed_is_not_there, stop),
		cmocka_unit_test_teardown(a_plugin_that_was_built_anew_runs_what_was_built, stop),
		cmocka_unit_test_teardown(opening_and_closing_many_times_leaves_one_of_each, stop),
		cmocka_unit_test_teardown(a_plugin_without_a_source_change_in_a_program_without, stop),
		cmocka_unit_test_teardown(what_another_thread_may_have_stays_as_built_and_is_told, stop),
		cmocka_unit_test_teardown(a_plugin_whose_constructor_starts_a_thread_stays_as_built, stop),
		cmocka_unit_test_teardown(a_forked_childs_plugins_are_its_own, stop),
		cmocka_unit_test(a_saved_plugin_is_live_for_the_next_call),
		cmocka_unit_test(a_plugin_that_was_built_anew_shows_what_was_built),
	};

	return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
