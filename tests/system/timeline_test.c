/* The history as its users meet it: the log, diffs, going back over runs, restoring, saving, exporting, databases that
 * cannot be written, and many processes with one. */
#include "compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;
static char *original; /* host.c as it came */

static const char *source_path(void)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/host.c", host.directory);
	return path;
}

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	original = child_read_file(source_path());
	assert_non_null(original);
	compiled_start(&host);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	unsetenv("RTF_HISTORY");
	unsetenv("RTF_RESTORE");
	free(original);
	subject_fini(&host);
	return 0;
}

/* The file with one text in place of another, and the program built from it. */
static void edit_source(const char *old, const char *new)
{
	char *text = child_read_file(source_path()), *edited = child_replace(text, old, new);

	if (!edited)
		fail_msg("host.c has no %s", old);
	assert_true(child_write_file(source_path(), edited));
	free(text);
	free(edited);
}

static void define(const char *function, const char *text)
{
	subject_define(&host, function, text);
}

static const char add_minus[] = "int add(int a, int b) { return a - b; }";
static const char add_times[] = "int add(int a, int b) { return a * b; }";

/* --- the log ----------------------------------------------------------------------------------------------------- */

/* "kind function@version kind …" of the event log, the newest first. */
static void assert_events(const char *command, const char *expected)
{
	json_t *rows = compiled_data(&host, command), *row;
	char text[1024] = "";
	size_t i, used = 0;

	json_array_foreach(rows, i, row) {
		json_t *function = json_object_get(row, "function"),
		       *version = json_object_get(row, "version");
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 compiled_string(row, "kind"));
		if (json_is_string(function))
			used += (size_t)snprintf(
				text + used, sizeof(text) - used, " %s@%d", json_string_value(function),
				json_is_integer(version) ? (int)json_integer_value(version) : -1);
	}
	assert_string_equal(text, expected);
	json_decref(rows);
}

static void everything_that_happens_is_in_the_log(void **state)
{
	(void)state;
	define("add", add_minus);
	define("add", add_times);
	json_decref(compiled_data(&host, "\\rollback add 1"));
	json_decref(compiled_data(&host, "\\undo"));
	json_decref(compiled_data(&host, "\\note add@1 difference"));
	assert_events("\\log --events",
		      "noted add@1 undo add@2 rollback add@1 live add@2 defined add@2 live add@1"
		      " defined add@1 built add@0 started");
	assert_events("\\log sum --events", "");
	assert_events("\\log --faults", "");
	assert_events("\\log --events -n 2", "noted add@1 undo add@2");
	assert_events("\\log add --events --before 3", "built add@0");
	assert_events("\\log --events --since 1h -n 1", "noted add@1");
	assert_events("\\log --events --since 2999-01-01", "");
	compiled_assert_says(&host, 0, "\\log add -n 1", "what is older: \\log add --before 2 -n 1");
	compiled_assert_says(&host, 0, "\\log add --since 2020-01-01 -n 1", "--since 2020-01-01 -n 1");
	compiled_assert_says(&host, 0, "\\log add", "TIME                      COMPILER  NOTE");
	compiled_assert_says(&host, 0, "\\log --user nobody-at-all",
			     "nothing of that kind is in the history");
	json_t *rows = compiled_data(&host, "\\log add --before 2");
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(compiled_int(json_array_get(rows, 0), "version"), 1);
	json_decref(rows);
	compiled_assert_refused(&host, "\\log --since yesterday", "usage", "UTC");
	compiled_assert_refused(&host, "\\log --bogus", "usage", "--since");
	compiled_assert_refused(&host, "\\log add sum", "usage", "not sum");
	compiled_assert_refused(&host, "\\log -n", "usage", "needs a value");
}

/* The newest event is of this kind, and its detail ends in this text. */
static void assert_newest(const char *kind, const char *text)
{
	json_t *rows = compiled_data(&host, "\\log --events -n 1"), *row = json_array_get(rows, 0);
	const char *detail = compiled_string(row, "detail");
	size_t size = strlen(text), whole = strlen(detail);

	assert_string_equal(compiled_string(row, "kind"), kind);
	if (whole < size || strcmp(detail + whole - size, text) != 0)
		fail_msg("\"%s\" does not end in \"%s\"", detail, text);
	json_decref(rows);
}

static void nothing_that_was_typed_is_missing_from_the_log(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "int add(int a, int b) { return a +; }", "compile", "add");
	assert_newest("rejected", "\nint add(int a, int b) { return a +; }");
	compiled_assert_refused(&host, "long add(int a) { return a; }", "signature", "add");
	assert_newest("rejected", "\nlong add(int a) { return a; }");
	json_decref(subject_command(&host, "\\check\nint add(int a, int b) { return a *; }", 3));
	assert_newest("checked", "\nint add(int a, int b) { return a *; }");
	json_decref(compiled_data(&host, "\\check\nint add(int a, int b) { return a * b; }"));
	assert_newest("checked", "nothing against it\nint add(int a, int b) { return a * b; }");
	assert_events("\\log add --events",
		      "checked add@-1 checked add@-1 rejected add@-1 rejected add@-1 built add@0");
	compiled_assert_refused(&host, "int ad(int a) { return a; }", "unknown", "did you mean add?");
	assert_newest("rejected", "\nint ad(int a) { return a; }");
	json_decref(compiled_data(&host, "int nowhere(int a) { return a; }"));
	assert_newest("declared", "int nowhere(int a) { return a; }");
	compiled_assert_refused(&host, "no_such_name + 1", "compile", "no_such_name");
	assert_newest("rejected", "\nno_such_name + 1");
	json_decref(compiled_data(&host, "int mine = 3"));
	assert_newest("declared", "int mine = 3");
	json_decref(compiled_data(&host, "#define TWICE(n) (2 * (n))"));
	assert_newest("declared", "#define TWICE(n) (2 * (n))");
	json_decref(compiled_data(&host, "add(1, 2)"));
	assert_newest("evaluated", "add(1, 2)");
}

static void the_end_of_a_run_is_in_the_log(void **state)
{
	(void)state;
	define("add", add_minus);
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	compiled_start(&host);
	assert_events("\\log --events -n 2", "started ended");
}

static void a_diff_is_against_the_file_the_build_or_any_version(void **state)
{
	(void)state;
	define("add", add_minus);
	define("add", add_times);
	compiled_assert_says(&host, 0, "\\diff add", "+\treturn a + b;");
	compiled_assert_says(&host, 0, "\\diff add built", "+int add(int a, int b) { return a * b; }");
	compiled_assert_says(&host, 0, "\\diff add built file", "are the same");
	compiled_assert_says(&host, 0, "\\diff add 1 2", "-int add(int a, int b) { return a - b; }");
	compiled_assert_says(&host, 0, "\\diff add@1", "+int add(int a, int b) { return a * b; }");
	char *colored = compiled_console(&host, 0, NULL, "--color=always", "-c", "\\diff add 1 2", NULL);
	assert_non_null(strstr(colored, "\033["));
	free(colored);
	compiled_assert_refused(&host, "\\diff add 1 9", "unknown", "no version 9");
	compiled_assert_refused(&host, "\\diff add one", "usage", "one");
}

/* --- going back -------------------------------------------------------------------------------------------------- */

static void a_version_of_an_earlier_run_is_built_again(void **state)
{
	(void)state;
	define("add", add_minus);
	define("add", add_times);
	compiled_kill(&host);
	compiled_start(&host);
	compiled_assert_answer(&host, "add 7 3", "10 10");
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 7 3", "4 4");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 7 3", "10 10");
	json_decref(compiled_data(&host, "\\redo"));
	compiled_assert_answer(&host, "add 7 3", "4 4");
	assert_int_equal(subject_define(&host, "add", add_times), 3);
}

static void a_version_that_fits_no_longer_is_refused(void **state)
{
	(void)state;
	define("price", "static double price(const struct order *o) { return ++calls; }");
	compiled_kill(&host);
	edit_source("static int calls;", "static struct { int n; } calls;");
	edit_source("calls++;", "calls.n++;");
	edit_source("p, calls)", "p, calls.n)");
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	compiled_assert_refused(&host, "\\rollback price 1", "compile", "does not fit the running program");
	compiled_assert_answer(&host, "price 1 1", "1.2 after 1");
	compiled_assert_live(&host, "price", 0, 2, "built");
}

/* A static that a version added stays when the version does not: it keeps its value for whoever names it next. */
static void what_a_version_added_stays_when_it_goes(void **state)
{
	static const char step[] =
		"static int ticks(void) { static int n; static int step = 5; return n += step++; }";

	(void)state;
	compiled_assert_answer(&host, "ticks", "1");
	define("ticks", step);
	compiled_assert_answer(&host, "ticks", "6");
	subject_rollback(&host, "ticks", 0);
	compiled_assert_answer(&host, "ticks", "7"); /* n is the program's: it goes on */
	subject_rollback(&host, "ticks", 1);
	compiled_assert_answer(&host, "ticks", "13"); /* step had become 6 */
	define("ticks", "static int ticks(void) { static int n; static int step; return n += 100 * step; }");
	compiled_assert_answer(&host, "ticks", "713"); /* and 7 */
	compiled_kill(&host);
	compiled_start(&host);
	subject_rollback(&host, "ticks", 1);
	compiled_assert_answer(&host, "ticks", "5"); /* another process: n is 0, and step begins anew */
}

/* --- restoring --------------------------------------------------------------------------------------------------- */

/* What \restore says it left, and why. */
static json_t *restore(const char *command, const char *made_live)
{
	json_t *answer = subject_command(&host, command, 0),
	       *left = json_incref(json_object_get(answer, "left")), *row;
	char names[256] = "";
	size_t i;

	json_array_foreach(json_object_get(answer, "data"), i, row)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s@%d", i ? " " : "",
			 compiled_string(row, "function"), (int)compiled_int(row, "version"));
	assert_string_equal(names, made_live);
	json_decref(answer);
	return left;
}

static void assert_left(json_t *left, const char *function, const char *fate)
{
	json_t *row;
	size_t i;

	json_array_foreach(left, i, row) {
		if (strcmp(compiled_string(row, "function"), function) != 0)
			continue;
		assert_string_equal(compiled_string(row, "fate"), fate);
		return;
	}
	fail_msg("%s is not among what was left", function);
}

/* What the other consoles are told. */
static void await_changed(struct wire *other, const char *function, int version)
{
	json_t *event = wire_await_event(other, "changed");

	assert_string_equal(compiled_string(event, "function"), function);
	assert_int_equal(compiled_int(event, "version"), version);
	json_decref(event);
}

static void what_was_live_is_restored_as_one_change(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "\\restore", "unknown", "nothing to restore");
	define("add", add_minus);
	define("add", add_times);
	define("sum", "int sum(int count, ...) { return 42; }");
	define("greeting", "const char *greeting(void) { return \"hi\"; }");
	subject_rollback(&host, "greeting", 0);
	compiled_kill(&host);
	compiled_start(&host);
	compiled_assert_answer(&host, "add 7 3", "10 10");
	struct wire other;
	wire_listen(&other, host.socket);
	json_decref(restore("\\restore", "add@2 sum@1"));
	await_changed(&other, "add", 2);
	await_changed(&other, "sum", 1);
	wire_close(&other);
	compiled_assert_answer(&host, "add 7 3", "21 21");
	compiled_assert_answer(&host, "sum", "42");
	compiled_assert_answer(&host, "greeting", "hello");
	json_t *left = restore("\\restore", "");
	assert_left(left, "add", "already");
	json_decref(left);
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 7 3", "10 10");
	compiled_assert_answer(&host, "sum", "6");

	/* A run that changes nothing does not count. */
	json_decref(compiled_data(&host, "\\redo"));
	for (int i = 0; i < 2; i++) {
		compiled_engine(
			&host); /* it has one: otherwise it dies while it starts one, which may hold the socket */
		compiled_kill(&host);
		compiled_start(&host);
	}
	json_decref(restore("\\restore", "add@2 sum@1"));
}

/* Nothing is wrong with the history while the answer waits for a compiler. */
static void a_restore_that_waits_for_cc_says_nothing_of_the_history(void **state)
{
	(void)state;
	define("add", "int add(int a, int b) { __int128 wide = a; return (int)(wide * b); }");
	compiled_kill(&host);
	compiled_start(&host);
	json_t *answer = subject_command(&host, "\\restore", 0);
	if (json_object_get(answer, "news"))
		fail_msg("%s", json_string_value(json_object_get(answer, "news")));
	json_decref(answer);
	compiled_assert_answer(&host, "add 7 3", "21 21");
}

static void raw_history(const char *sql)
{
	char *pattern = compiled_path(&host, "rtf/*.db"), *message = NULL;
	glob_t found;
	sqlite3 *db;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(sqlite3_open(found.gl_pathv[0], &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
	globfree(&found);
	free(pattern);
}

static void a_restore_tells_what_it_leaves_and_why(void **state)
{
	(void)state;
	define("add", "int add(int a, int b)\n{\n\treturn a - b;\n}");
	define("price", "static double price(const struct order *o) { return ++calls; }");
	define("sum", "int sum(int count, ...) { return 42; }");
	define("ticks", "static int ticks(void) { return 9; }");
	define("factorial", "static long factorial(int n) { return 1; }");
	define("greeting", "const char *greeting(void) { return \"hi\"; }");
	define("stamp", "static int stamp(void) { return 7; }");
	compiled_kill(&host);
	raw_history("INSERT INTO event (process, kind, function, number, user, detail)"
		    " SELECT 1, 'fault', id, 1, '', 'SIGSEGV' FROM function WHERE name = 'sum'");
	edit_source("static int stamp(void)\n{\n\treturn 0;",
		    "static int stamp(void) { /* laid out anew */\n\treturn  0;"); /* stamp */
	edit_source("return a + b;",
		    "return a  -  b; /* as it was meant */");                /* add: the source says it now */
	edit_source("static int calls;", "static struct { int n; } calls;"); /* price: does not fit, */
	edit_source("\tcalls++;\n", "");                                     /* and its text is another */
	edit_source("p, calls)", "p, calls.n)");
	edit_source("REALTIMEFUNC\nstatic long factorial",
		    "static long factorial");                        /* factorial: not decorated any more */
	edit_source("return \"hello\";", "return \"hello again\";"); /* greeting: changed otherwise */
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	json_t *left = restore("\\restore", "stamp@1 ticks@1");
	assert_left(left, "add", "in-source");
	assert_left(left, "price", "changed");
	assert_left(left, "sum", "faulted");
	assert_left(left, "factorial", "gone");
	assert_left(left, "greeting", "changed");
	json_decref(left);
	json_decref(restore("\\restore --force", "greeting@1 sum@1"));
}

/* The source was saved right after the program was built, and long before it starts: a start is known by the tick. */
static void date_behind_program(void)
{
	struct timespec built = compiled_time(&host, "host");

	built.tv_sec += built.tv_nsec == 999999999;
	built.tv_nsec = (built.tv_nsec + 1) % 1000000000;
	compiled_set_time(&host, "host.c", built);
}

/* The file was saved after the program was built: what it says is not what runs. */
static void what_a_newer_source_says_is_restored_all_the_same(void **state)
{
	(void)state;
	compiled_engine(&host);
	compiled_kill(&host);
	edit_source("return a + b;", "return a - b;");
	date_behind_program();
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\diff add", "what was built may be other text");
	define("add", add_minus);
	compiled_kill(&host);
	compiled_start(&host);
	compiled_assert_answer(&host, "add 7 3", "10 10");
	json_decref(restore("\\restore", "add@1"));
	compiled_assert_answer(&host, "add 7 3", "4 4");
}

/* Nobody knows whether it was saved before the build or after it, and either way that version is what is wanted. */
static void what_a_newer_source_says_is_restored_after_a_build_too(void **state)
{
	(void)state;
	define("add", add_minus);
	define("greeting", "const char *greeting(void) { return \"hi\"; }");
	compiled_kill(&host);
	edit_source("return a + b;", "return a - b;");
	edit_source("return \"hello\";", "return \"hello again\";");
	compiled_build(&host, &(struct compiled_how){0});
	struct timespec built = compiled_time(&host, "host");
	built.tv_sec -= 10;
	compiled_set_time(&host, "host", built);
	date_behind_program();
	compiled_start(&host);
	json_t *left = restore("\\restore", "add@1");
	assert_left(left, "greeting", "changed");
	json_decref(left);
	compiled_assert_answer(&host, "add 7 3", "4 4");
}

static void force_restores_what_faulted_or_changed_but_not_what_cannot_fit(void **state)
{
	(void)state;
	define("price", "static double price(const struct order *o) { return ++calls; }");
	define("sum", "int sum(int count, ...) { return 42; }");
	define("greeting", "const char *greeting(void) { return \"hi\"; }");
	compiled_kill(&host);
	raw_history("INSERT INTO event (process, kind, function, number, user, detail)"
		    " SELECT 1, 'fault', id, 1, '', 'SIGSEGV' FROM function WHERE name = 'sum'");
	edit_source("static int calls;", "static struct { int n; } calls;");
	edit_source("calls++;", "calls.n++;");
	edit_source("p, calls)", "p, calls.n)");
	edit_source("return \"hello\";", "return \"hello again\";");
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\log sum", "faulted");
	json_t *left = restore("\\restore --force", "greeting@1 sum@1");
	assert_left(left, "price", "unfit");
	json_decref(left);
	compiled_assert_answer(&host, "sum", "42");
	compiled_assert_answer(&host, "greeting", "hi");
}

/* Which change of the source counts is told from the build before, which only restored. */
static void what_was_built_is_stored_also_by_a_run_that_only_restores(void **state)
{
	(void)state;
	define("add", add_minus);
	compiled_kill(&host);
	edit_source("return n + bias;", "return bias + n;");
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	json_decref(restore("\\restore", "add@1"));
	compiled_assert_says(&host, 0, "\\log add", "add       0 ");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_says(&host, 0, "\\log add", "add       0 live");
	json_decref(compiled_data(&host, "\\redo"));
	compiled_kill(&host);
	edit_source("return a + b;", "return a + b + 1000;");
	compiled_build(&host, &(struct compiled_how){0});
	compiled_start(&host);
	json_t *left = restore("\\restore", "");
	assert_left(left, "add", "changed");
	json_decref(left);
}

static void a_program_may_ask_for_it_at_its_start(void **state)
{
	(void)state;
	define("add", add_minus);
	compiled_kill(&host);
	setenv("RTF_RESTORE", "1", 1);
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\wait add 1 60", "version 1 of add is live");
	compiled_assert_answer(&host, "add 7 3", "4 4");
	subject_rollback(&host, "add", 0);
	kill(compiled_engine(&host), SIGKILL); /* the next engine of this run does not do it again */
	compiled_assert_live(&host, "add", 0, 2, "built");
}

/* --- saving ------------------------------------------------------------------------------------------------------ */

static void assert_source_says(const char *part, bool wanted)
{
	char *text = child_read_file(source_path());

	assert_non_null(text);
	if ((strstr(text, part) != NULL) != wanted)
		fail_msg("%s: %s", wanted ? "not in the file" : "in the file", part);
	free(text);
}

static void a_save_writes_the_live_version_into_its_file(void **state)
{
	(void)state;
	define("price", "double price(const struct order *o) { return 3; }");
	chmod(source_path(), 0640);
	compiled_assert_says(&host, 0, "\\save price -n",
			     "+static double price(const struct order *o) { return 3; }");
	assert_source_says("return 3;", false);
	compiled_assert_says(&host, 0, "\\save price", "says version 1 of price now");
	assert_source_says("REALTIMEFUNC\nstatic double price(const struct order *o) { return 3; "
			   "}\n\nREALTIMEFUNC\nint add",
			   true);
	struct stat st;
	assert_int_equal(stat(source_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	compiled_assert_live(&host, "price", 1, 2, "saved");
	compiled_assert_says(&host, 0, "\\save price", "says version 1 of price already");
	assert_events("\\log price --events -n 1", "saved price@1");

	/* With its helper, and back to what was built. */
	define("add", "#include <limits.h>\nstatic int twice(int n) { return 2 * n; }\nREALTIMEFUNC int "
		      "add(int a, int b)\n{\n"
		      "\treturn twice(a) + b;\n}");
	compiled_assert_says(&host, 0, "\\save add", "says version 1 of add now");
	assert_source_says("#include <limits.h>\nstatic int twice(int n) { return 2 * n; "
			   "}\n\nREALTIMEFUNC\nint add(int a, int b)\n{\n"
			   "\treturn twice(a) + b;\n}\n\nREALTIMEFUNC\nstatic int shifted",
			   true);
	compiled_assert_live(&host, "add", 1, 2, "saved");
	compiled_build(&host, &(struct compiled_how){0}); /* it compiles */
	subject_rollback(&host, "price", 0);
	compiled_assert_says(&host, 0, "\\save price", "says version 0 of price now");
	assert_source_says("\treturn o->qty * o->unit * (100 + tax_percent) / 100.0;\n", true);
}

static void a_file_that_has_moved_on_is_not_written(void **state)
{
	(void)state;
	define("add", add_minus);
	json_decref(compiled_data(&host, "\\follow off"));
	edit_source("return a + b;", "return b + a;");
	compiled_assert_refused(&host, "\\save add", "drift", "has moved on");
	compiled_assert_refused(&host, "\\save add -n", "drift", "has moved on");
	assert_source_says("return b + a;", true);
	edit_source("return b + a;", "return a + b;");
	edit_source("return n + bias;", "return bias + n;"); /* another function's business */
	json_decref(compiled_data(&host, "\\save add"));
	assert_source_says("return a - b;", true);
	assert_source_says("return bias + n;", true);
	compiled_assert_refused(&host, "\\save three_times", "usage", "a macro makes it");
	compiled_assert_refused(&host, "\\save nothing", "unknown", "nothing");
	char *output = compiled_console(&host, 3, NULL, "--read-only", "-c", "\\save add", NULL);
	assert_non_null(strstr(output, "read-only"));
	free(output);
}

static void a_save_that_was_refused_is_told_in_the_log(void **state)
{
	struct wire w;

	(void)state;
	wire_listen(&w, host.socket);
	json_decref(wire_ask(&w, 1, "\\source add"));
	edit_source("return a + b;", "return a +;");
	json_t *event = wire_receive(&w);
	assert_string_equal(compiled_string(event, "event"), "refused");
	json_decref(event);
	wire_close(&w);
	compiled_assert_says(&host, 0, "\\log add", "last save was refused");
	json_t *rows = compiled_data(&host, "\\log add");
	assert_non_null(json_object_get(json_array_get(rows, 0), "refused"));
	json_decref(rows);
}

/* --- exporting --------------------------------------------------------------------------------------------------- */

static void exported_versions_are_patches_for_git(void **state)
{
	char command[600];

	(void)state;
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	compiled_shell(
		&host,
		"git init -q . && git config user.name t && git config user.email t@t && git add host.c "
		"host_other.c && git commit -qm built");
	define("add", add_minus);
	define("price", "double price(const struct order *o) { return 3; }");
	define("add",
	       "static int half(int n) { return n / 2; }\nint add(int a, int b) { return half(a) + b; }");
	json_decref(compiled_data(&host, "\\note add@1 a – b, — übrigens"));
	json_decref(compiled_data(&host, "\\save add"));
	define("add", add_times);
	snprintf(command, sizeof(command), "\\export --all %s/out", host.directory);
	json_t *data = compiled_data(&host, command);
	assert_int_equal(compiled_int(data, "versions"), 4);
	assert_int_equal(compiled_int(data, "patches"), 4);
	json_decref(data);
	compiled_assert_refused(&host, command, "usage", "not empty");
	compiled_shell(
		&host,
		"test \"$(cat out/versions/host.c/add/1.c)\" = 'int add(int a, int b) { return a - b; }'");
	compiled_shell(&host, "git stash -q && git am -q out/*.patch");
	assert_source_says("REALTIMEFUNC\nint add(int a, int b) { return a * b; }\n", true);
	assert_source_says("half", false);
	assert_source_says("static double price(const struct order *o) { return 3; }", true);
	compiled_shell(&host, "git log --format=%s | head -1 | grep -q 'add: version 3'");
	compiled_shell(&host, "git log --format=%b | grep -q 'Note: a – b, — übrigens'");
	compiled_shell(&host, "test \"$(git log -1 --format=%ad --date=format:%Y)\" = \"$(date -u +%Y)\"");

	snprintf(command, sizeof(command), "\\export price %s/one", host.directory);
	json_decref(compiled_data(&host, command));
	compiled_shell(&host, "test -f one/0001-price-1.patch && test ! -e one/versions/host.c/add");
	compiled_assert_refused(&host, "\\export ticks /nowhere/at/all", "unknown", "no version");
	compiled_assert_refused(&host, "\\export price /proc/nowhere", "internal", "/proc/nowhere");
}

static void what_a_pruned_version_had_added_is_told(void **state)
{
	(void)state;
	define("add", "int add(int a, int b) { static int mine = 5; return a + b + mine; }");
	compiled_assert_says(&host, 0, "add::mine", "(int) 5");
	for (int i = 0; i < 3; i++)
		define("add", add_minus);
	raw_history("UPDATE version SET time = '2020-01-01T00:00:00.000Z'; UPDATE change SET time = "
		    "'2020-01-01T00:00:00.000Z'");
	json_t *done = compiled_data(&host, "\\history prune --days 30 --yes");
	assert_true(compiled_int(done, "versions") > 0);
	json_decref(done);
	compiled_assert_refused(&host, "add::mine", "unknown",
				" was added by a version of add whose text is not kept");
}

static void a_prune_says_first_what_it_would_remove(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		define("add", add_minus);
	compiled_kill(&host);
	compiled_start(&host);
	define("sum", "int sum(int count, ...) { return 42; }");
	compiled_kill(&host);
	compiled_start(&host);
	raw_history("UPDATE version SET time = '2020-01-01T00:00:00.000Z'; UPDATE change SET time = "
		    "'2020-01-01T00:00:00.000Z'");
	json_t *plan = compiled_data(&host, "\\history prune");
	assert_int_equal(compiled_int(plan, "versions"), 4);
	json_decref(plan);
	static const char ended[] =
		"{\"id\":1,\"command\":\"\\\\history prune --yes\"}\n{\"id\":2,\"interrupt\":1}\n";
	struct wire wire;
	wire_open(&wire, host.socket);
	wire_send(&wire, ended, sizeof(ended) - 1);
	json_t *answer = wire_receive(&wire);
	const json_t *error = json_object_get(answer, "error");
	assert_string_equal(json_string_value(json_object_get(error, "class")), "interrupted");
	assert_string_equal(json_string_value(json_object_get(error, "message")),
			    "interrupted: nothing was removed");
	json_decref(answer);
	wire_close(&wire);
	compiled_assert_live(&host, "add", 0, 6, "built");
	json_t *done = compiled_data(&host, "\\history prune --days 30 --yes");
	assert_int_equal(compiled_int(done, "versions"), 4);
	json_decref(done);
	compiled_assert_live(&host, "add", 0, 2, "built");
	assert_int_equal(subject_define(&host, "add", add_times), 6);
	compiled_assert_refused(&host, "\\source add@1", "unknown",
				"the history holds no version 1 of add any more");
	compiled_assert_refused(&host, "\\source add@99", "unknown",
				"add has no version 99: its newest is 6");
	compiled_assert_says(&host, 0, "\\history", "versions of");
	compiled_assert_refused(&host, "\\history prune --days -1", "usage", "-1 is no number of days");
	compiled_assert_refused(&host, "\\history shrink", "usage", "prune");
	compiled_assert_history_whole(&host);
}

/* --- histories that cannot be written ----------------------------------------------------------------------------- */

static char *history_path(void)
{
	json_t *status = compiled_data(&host, "\\status");
	char *path = strdup(compiled_string(status, "history"));

	json_decref(status);
	return path;
}

/* Defines in one command and returns what it says about the history, "" if it says nothing. */
static char *define_and_hear(const char *text, int version)
{
	json_t *answer = subject_command(&host, text, 0);
	const char *news = json_string_value(json_object_get(answer, "news"));
	char *copy = strdup(news ? news : "");

	assert_int_equal(compiled_int(json_array_get(json_object_get(answer, "data"), 0), "version"),
			 version);
	json_decref(answer);
	return copy;
}

/* Said with the first version that it concerns, and never again; everything goes on meanwhile. */
static void assert_goes_on(const char *reason, int next)
{
	char *first = define_and_hear(add_minus, next), *second = define_and_hear(add_times, next + 1);

	if (!strstr(first, reason) || !strstr(first, "kept in memory"))
		fail_msg("\"%s\" does not say %s", first, reason);
	assert_string_equal(second, "");
	compiled_assert_answer(&host, "add 7 3", "21 21");
	compiled_assert_says(&host, 0, "\\status", reason);
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 7 3", "4 4");
	json_decref(compiled_data(&host, "\\redo"));
	json_t *row = compiled_row(&host, "add");
	assert_int_equal(compiled_int(row, "version"), next + 1);
	json_decref(row);
	json_t *source = compiled_data(&host, "\\source add");
	assert_string_equal(compiled_string(source, "text"), add_times);
	json_decref(source);
	free(first);
	free(second);
}

/* Waits for the event that says so. */
static void await_well(void)
{
	struct wire w;
	bool well = false;

	wire_listen(&w, host.socket);
	while (!well) {
		json_t *event = wire_receive(&w);
		const char *text = json_string_value(json_object_get(event, "text"));
		assert_non_null(event);
		well = text && strstr(text, "can be written again");
		json_decref(event);
	}
	wire_close(&w);
}

/* And finds the versions in the file. */
static void assert_gets_well(int versions)
{
	await_well();
	json_t *rows = compiled_data(&host, "\\log add");
	assert_int_equal(json_array_size(rows), versions);
	json_decref(rows);
	char *path = history_path();
	sqlite3 *db;
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT count(*) FROM version AS v JOIN function AS f ON f.id = v.function"
				   " WHERE f.name = 'add' AND v.number > 0",
				   -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), versions - 1);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	free(path);
	assert_int_equal(subject_define(&host, "add", add_minus), versions);
}

static void a_locked_history_stops_nobody(void **state)
{
	sqlite3 *db;

	(void)state;
	define("add", add_minus);
	char *path = history_path();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_goes_on("locked by another process", 2);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_gets_well(4);
	compiled_assert_history_whole(&host);
	free(path);
}

static void limit_files_of(pid_t engine, rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(prlimit(engine, RLIMIT_FSIZE, NULL, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(prlimit(engine, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* No file may grow beyond a page: the next write of the database fails, wherever in its log it goes. */
static void a_full_disk_stops_nobody(void **state)
{
	(void)state;
	define("add", add_minus);
	char *path = history_path();
	pid_t engine = compiled_engine(&host);
	limit_files_of(engine, 4096);
	assert_goes_on(path, 2);
	limit_files_of(engine, RLIM_INFINITY);
	assert_gets_well(4);
	compiled_assert_history_whole(&host);
	free(path);
}

static void exec_on(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void assert_versions_of_add(int versions)
{
	json_t *rows = compiled_data(&host, "\\log add");

	assert_int_equal(json_array_size(rows), versions);
	json_decref(rows);
	compiled_assert_history_whole(&host);
}

static void a_history_that_is_moved_or_deleted_goes_on_where_it_was(void **state)
{
	char moved[600];

	(void)state;
	define("add", add_minus);
	char *path = history_path();
	snprintf(moved, sizeof(moved), "%s.moved", path);
	assert_int_equal(rename(path, moved), 0);
	char *news = define_and_hear(add_times, 2), *none = define_and_hear(add_minus, 3);
	assert_non_null(strstr(news, "moved away or deleted"));
	assert_string_equal(none, "");
	free(news);
	free(none);
	assert_versions_of_add(4);
	assert_int_equal(unlink(moved), 0);
	assert_int_equal(unlink(path), 0);
	news = define_and_hear(add_times, 4);
	assert_non_null(strstr(news, "moved away or deleted"));
	free(news);
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	compiled_start(&host);
	assert_versions_of_add(5);
	json_decref(restore("\\restore", "add@4"));

	/* Another history has its place: that one gets what comes now. */
	define("add", add_minus);
	assert_int_equal(rename(path, moved), 0);
	assert_true(child_write_file(path, ""));
	news = define_and_hear(add_times, 6);
	assert_non_null(strstr(news, "moved away or deleted"));
	await_well();
	assert_versions_of_add(2);
	assert_int_equal(unlink(moved), 0);
	free(news);
	free(path);
}

/* It is locked to the end of the run: the next one brings to the file what the last had answered. */
static void what_a_lock_kept_out_is_there_in_the_next_run(void **state)
{
	(void)state;
	define("add", add_minus);
	pid_t engine = compiled_engine(&host);
	const char *folder = getenv("TMPDIR");
	char *before = folder ? strdup(folder) : NULL;
	setenv("TMPDIR", host.directory, 1);
	compiled_kill(&host);
	compiled_await_end(engine);
	compiled_start(&host);
	engine = compiled_engine(&host);
	char *path = history_path();
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_goes_on("locked by another process", 2);
	compiled_kill(&host);
	compiled_await_end(engine);
	sqlite3_close(db);
	compiled_start(&host);
	compiled_assert_says(&host, 0, "\\log add", "add       3 ");
	json_decref(restore("\\restore", "add@3"));
	compiled_assert_answer(&host, "add 7 3", "21 21");
	raw_history("CREATE TEMP TABLE u (n NOT NULL);"
		    "INSERT INTO u SELECT nullif(count(*) = 1, 0) FROM event WHERE kind = 'rescued'");
	if (before)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
	free(path);
}

/* Before the program starts: what it finds is no use. */
static void begin_with(void (*spoil)(const char *path))
{
	char *path = history_path();

	define("add", add_minus);
	define("add", add_times);
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	spoil(path);
	compiled_start(&host);
	free(path);
}

static void make_newer(const char *path)
{
	exec_on(path, "PRAGMA user_version = 99");
}

static void cut_off(const char *path)
{
	struct stat st;

	exec_on(path, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
}

static void a_history_of_a_newer_schema_stops_nobody(void **state)
{
	(void)state;
	begin_with(make_newer);
	assert_goes_on("newer rtf", 3);
	char *path = history_path();
	exec_on(path, "PRAGMA user_version = 5");
	assert_gets_well(5);
	compiled_assert_history_whole(&host);
	free(path);
}

static void a_history_cut_off_in_the_middle_stops_nobody(void **state)
{
	char other[600], wal[600];

	(void)state;
	begin_with(cut_off);
	assert_goes_on("damaged", 1);
	char *path = history_path();
	snprintf(other, sizeof(other), "%s.damaged", path);
	assert_int_equal(rename(path, other), 0);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	unlink(wal);
	assert_gets_well(3);
	unlink(other);
	compiled_assert_history_whole(&host);
	free(path);
}

static void a_place_where_nothing_can_be_written_stops_nobody(void **state)
{
	(void)state;
	compiled_kill(&host);
	setenv("RTF_HISTORY", "/proc/nowhere/history.db", 1);
	compiled_start(&host);
	assert_goes_on("/proc/nowhere", 1);

	/* What was never stored is written elsewhere at the end. */
	char command[PATH_MAX + 16], rescued[PATH_MAX];
	const char *folder = getenv("TMPDIR");
	snprintf(rescued, sizeof(rescued), "%s/rtf-host-%d.db", folder && *folder ? folder : "/tmp",
		 host.program.pid);
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	struct stat st;
	assert_int_equal(stat(rescued, &st), 0);
	exec_on(rescued, "SELECT * FROM versions_live");
	snprintf(command, sizeof(command), "rm -f %s", rescued);
	compiled_shell(&host, command);
	unsetenv("RTF_HISTORY");
	compiled_start(&host);
}

/* --- many processes ----------------------------------------------------------------------------------------------- */

enum { PROCESSES = 10, ROUNDS = 12 };

static void ten_processes_share_one_history(void **state)
{
	struct subject hosts[PROCESSES] = {host};
	struct wire wires[PROCESSES];
	bool seen[PROCESSES * ROUNDS + 1] = {false};
	char text[160];

	(void)state;
	for (int i = 1; i < PROCESSES; i++) {
		hosts[i] = (struct subject){.directory = host.directory};
		assert_true(asprintf(&hosts[i].socket, "%s/other%d.sock", host.directory, i) > 0);
		compiled_start(&hosts[i]);
	}
	for (int i = 0; i < PROCESSES; i++) {
		wire_open(&wires[i], hosts[i].socket);
		json_decref(wire_ask(&wires[i], 1, "\\source add")); /* everybody is ready */
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PROCESSES; i++) {
			snprintf(text, sizeof(text), "int add(int a, int b) { (void)a, (void)b; return %d; }",
				 1000 * i + round);
			wire_command(&wires[i], 2 + round, text);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			json_t *answer = wire_receive(&wires[i]);
			assert_true(json_is_true(json_object_get(answer, "ok")));
			assert_null(json_object_get(answer, "news"));
			int version = (int)compiled_int(json_array_get(json_object_get(answer, "data"), 0),
							"version");
			assert_in_range(version, 1, PROCESSES * ROUNDS);
			assert_false(seen[version]);
			seen[version] = true;
			json_decref(answer);
		}
		wire_close(&wires[i]);
	}
	for (int i = 0; i < PROCESSES; i++) {
		snprintf(text, sizeof(text), "%d %d", 1000 * i + ROUNDS - 1, 1000 * i + ROUNDS - 1);
		compiled_assert_answer(&hosts[i], "add 0 0", text);
		json_t *row = compiled_row(&hosts[i], "add");
		assert_int_equal(compiled_int(row, "versions"), PROCESSES * ROUNDS + 1);
		json_decref(row);
	}
	json_t *status = compiled_data(&host, "\\status");
	assert_int_equal(json_array_size(json_object_get(status, "others")), PROCESSES - 1);
	json_decref(status);
	compiled_assert_says(&host, 0, "\\status", "shared    with pid ");
	raw_history("CREATE TEMP TABLE t AS SELECT 1 / (count(*) = 120) AS ok FROM version WHERE number > 0;"
		    "CREATE TEMP TABLE u (n NOT NULL); INSERT INTO u SELECT ok FROM t;"
		    "INSERT INTO u SELECT nullif(count(*) = 120, 0) FROM event WHERE kind = 'live';"
		    "INSERT INTO u SELECT nullif(count(*) = 120, 0) FROM event WHERE kind = 'defined'");
	compiled_assert_history_whole(&host);

	/* One command to all their consoles. */
	char *console = subject_built("rtf-console"), *pattern = compiled_path(&host, "*.sock"),
	     *output = NULL;
	assert_int_equal(
		child_run((const char *const[]){console, "--all", "-c", "\\rollback add 0", pattern, NULL},
			  NULL, COMPILED_DEADLINE_MS, &output),
		0);
	for (int i = 0; i < PROCESSES; i++) {
		assert_non_null(strstr(output, hosts[i].socket));
		compiled_assert_answer(&hosts[i], "add 7 3", "10 10");
	}
	free(output);
	free(pattern);
	free(console);
	for (int i = 1; i < PROCESSES; i++) {
		child_stop(&hosts[i].program, COMPILED_DEADLINE_MS);
		free(hosts[i].socket);
	}
	host.program = hosts[0].program;
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start_host, stop_host)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(everything_that_happens_is_in_the_log),
		WITH_HOST(nothing_that_was_typed_is_missing_from_the_log),
		WITH_HOST(the_end_of_a_run_is_in_the_log),
		WITH_HOST(a_diff_is_against_the_file_the_build_or_any_version),
		WITH_HOST(a_version_of_an_earlier_run_is_built_again),
		WITH_HOST(a_version_that_fits_no_longer_is_refused),
		WITH_HOST(what_a_version_added_stays_when_it_goes),
		WITH_HOST(what_was_live_is_restored_as_one_change),
		WITH_HOST(a_restore_that_waits_for_cc_says_nothing_of_the_history),
		WITH_HOST(a_restore_tells_what_it_leaves_and_why),
		WITH_HOST(what_a_newer_source_says_is_restored_all_the_same),
		WITH_HOST(what_a_newer_source_says_is_restored_after_a_build_too),
		WITH_HOST(force_restores_what_faulted_or_changed_but_not_what_cannot_fit),
		WITH_HOST(what_was_built_is_stored_also_by_a_run_that_only_restores),
		WITH_HOST(a_program_may_ask_for_it_at_its_start),
		WITH_HOST(a_save_writes_the_live_version_into_its_file),
		WITH_HOST(a_file_that_has_moved_on_is_not_written),
		WITH_HOST(a_save_that_was_refused_is_told_in_the_log),
		WITH_HOST(exported_versions_are_patches_for_git),
		WITH_HOST(a_prune_says_first_what_it_would_remove),
		WITH_HOST(what_a_pruned_version_had_added_is_told),
		WITH_HOST(a_locked_history_stops_nobody),
		WITH_HOST(a_full_disk_stops_nobody),
		WITH_HOST(a_history_that_is_moved_or_deleted_goes_on_where_it_was),
		WITH_HOST(what_a_lock_kept_out_is_there_in_the_next_run),
		WITH_HOST(a_history_of_a_newer_schema_stops_nobody),
		WITH_HOST(a_history_cut_off_in_the_middle_stops_nobody),
		WITH_HOST(a_place_where_nothing_can_be_written_stops_nobody),
		WITH_HOST(ten_processes_share_one_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
