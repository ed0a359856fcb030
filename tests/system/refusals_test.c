/* What is refused, and how it is said: each request gives an error of this class with these words, and the program goes on.
 * Refusals that other tests come by, they test themselves. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct refusal {
	const char *request, *class, *part;
};

static struct subject host;
static struct wire wire;
static int requests;

static void start_host(const struct compiled_how *how)
{
	compiled_init(&host, how);
	compiled_start(&host);
	wire_open(&wire, host.socket);
}

static int stop_host(void **state)
{
	(void)state;
	wire_close(&wire);
	subject_fini(&host);
	return 0;
}

static void assert_refused(const struct refusal *r)
{
	json_t *answer = wire_ask(&wire, ++requests, r->request), *error = json_object_get(answer, "error");
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!class || strcmp(class, r->class) != 0 || !strstr(message, r->part))
		fail_msg("%s: %s, %s; expected %s, %s", r->request, class ? class : "taken",
			 message ? message : "", r->class, r->part);
	json_decref(answer);
}

static void assert_all_refused(const struct refusal *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(&list[i]);
}

#define REFUSED(list) assert_all_refused(list, sizeof(list) / sizeof(*(list)))

static void what_is_no_command_says_its_usage(void **state)
{
	static const struct refusal list[] = {
		{"\\save -n", "usage", "usage: \\save NAME [-n]"},
		{"\\save add add", "usage", "usage: \\save NAME [-n]"},
		{"\\restore all", "usage", "usage: \\restore [--force]"},
		{"\\history lost", "usage", "usage: \\history [prune"},
		{"\\history prune --hours", "usage", "usage: \\history [prune"},
		{"\\follow perhaps", "usage", "usage: \\follow on|off"},
		{"\\list/x", "usage", "\\list takes no /x"},
		{"\\print/k calls", "usage", "F is one of x d u o t a c f s z"},
		{"\\print -elements many calls", "usage", "many is not a number from 0 to"},
		{"\\print  ;", "usage", "an expression is missing"},
		{"\\x/4k &calls", "usage", "\\x/NFU: N is a number"},
		{"\\x/9999999g &calls", "usage", "\\x shows 1 byte to 1 MiB"},
		{"\\x/s 8", "fault", "cannot access memory at 0x8"},
		{"\\forget nothing", "unknown", "this console has declared no nothing"},
		{"\\compare add 0 0 1, 2", "usage", "usage: \\compare NAME A B (ARGS)"},
		{"\\log add -n 0", "usage", "\\log -n 0 would show nothing"},
		{"\\probe add:30", "usage", "usage: \\probe NAME:LINE EXPR..."},
		{"\\edit add", "usage", "\\edit is rtf-console's own"},
		{"\\export add /tmp/add", "unknown", "add has no version in the history"},
		{"\\define add", "usage", "\\define NAME is followed by a definition"},
		{"\\LIST", "usage", "there is no command \\LIST: did you mean \\list?"},
		{"\\L", "usage", "did you mean \\list?"},
		{"\\DV", "usage", "did you mean \\vars?"},
		{"\\lsit", "usage", "did you mean \\list?"},
		{"\\rollbakc add", "usage", "did you mean \\rollback?"},
		{"\\sour add", "usage", "did you mean \\source?"},
		{"\\ab add", "usage", "there is no command \\ab: \\help lists them"},
	};

	(void)state;
	start_host(&(struct compiled_how){0});
	REFUSED(list);
	json_decref(wire_ask(&wire, ++requests, "int add(int a, int b) { return a * b; }"));
	assert_refused(&(struct refusal){"\\export add /proc/nowhere/to/go", "internal",
					 "cannot make /proc/nowhere"});
}

static void what_is_typed_and_cannot_be_says_why(void **state)
{
	static const struct refusal list[] = {
		{"\\check int x;", "usage",
		 "the text defines no function: \\check is followed by a definition"},
		{"\\check", "usage", "\\check is followed by a definition"},
		{"cals + 1", "compile", "use of undeclared identifier 'cals'; did you mean 'calls'?"},
		{"adb(1, 2)", "compile", "implicit declaration of function 'adb'; did you mean 'add'?"},
		{"int add(int left, int b) { return lefft + b; }", "compile", "; did you mean 'left'?"},
		{"int add(int a, int b) { return a; }\nint add(int a, int b) { return b; }", "usage",
		 "add is defined twice in this text"},
		{"#if 1", "usage", "at the prompt there are #include, #define and #undef"},
		{"#define", "compile", "a macro's name is missing"},
		{"$7", "unknown", "there is no value $7"},
		{"$0", "unknown", "there is no value $0"},
		{"struct hidden *p; *p", "compile", "hidden"},
		{"*(struct hidden *)8", "compile", "hidden"},
		{"*(char (*)[100 << 20])&calls", "usage", "more than the"},
		{"nowhere(1)", "compile", "nowhere"},
		{"factorial + factorial", "compile", "invalid operands"},
		{"*(int *)8 = 1", "fault", "SIGSEGV"},
		{"calls = \"text\" + 1.5", "compile", ""},
		{"char far[1 << 30];", "internal", "the arena has no room left for 1073741824 bytes of data"},
		{"static double price(struct order o) { return 1; }", "signature",
		 "the program has double price(const struct order *), this is double price(struct order)"},
		{"\\define add\nint nothing_here;", "usage", "the text does not define add"},
		{"\\define add\nint ad(int a, int b) { return a; }", "usage", "the text defines ad, not add"},
		{"\\rollback add", "usage", "add runs what was built: there is nothing before it"},
		{"\\rollback add 7", "unknown", "add has no version 7: 0, which was built, is the only one"},
		{"\\undo", "usage", "there is nothing to undo"},
		{"\\redo", "usage", "there is nothing to redo"},
		{"\\return 1", "usage", "no call waits"},
		{"\\source main", "unknown", "is not decorated: put REALTIMEFUNC before it"},
		{"\\source ad", "unknown", "did you mean add?"},
		{"calls@", "usage", "calls@: a count is missing behind the @"},
		{"int fresh_v; int fresh_f(int a) { return a; }", "usage",
		 "fresh_v: declare the session's variables first, in an entry of their own"},
		{"int fresh_f(int a) { return a; } 7;", "usage", "neither a declaration nor a function: 7"},
		{"int puts(const char *s) { return 0; }", "unknown",
		 "declares that name: one for this session needs another"},
		{"int ad(int a, int b) { return a; }", "unknown",
		 "did you mean add? For one of this session declare it first"},
		{"int fresh_f(a) int a; { return a; }", "usage",
		 "give the types of its parameters between the parentheses"},
		{"\\x/i add", "usage", "\\x does not disassemble: gdb does"},
		{"\\x", "usage", "[/NFU] ADDRESS; without one it goes on behind the last"},
		{"\\x &calls@2", "usage", "\\x takes an address, and how many units behind the stroke"},
		{"factorial::none", "unknown",
		 "there is no static variable none in a function factorial of the program"},
		{"\\describe nothing_at_all", "unknown",
		 "no function, variable, type or macro nothing_at_all"},
	};

	(void)state;
	start_host(&(struct compiled_how){0});
	REFUSED(list);
	assert_refused(&(struct refusal){"\\in nowhere.c", "unknown", "nowhere.c"});
	/* A function is a value, and is not kept as one. */
	json_decref(wire_ask(&wire, ++requests, "factorial"));
	assert_refused(&(struct refusal){"$1(3)", "usage", "$1 is a function: call it by its name"});
	compiled_assert_answer(&host, "add 3 4", "7 7");
}

static void a_reader_is_told_what_it_may_not(void **state)
{
	static const struct refusal list[] = {
		{"int add(int a, int b) { return a; }", "denied", "read-only"},
		{"\\define add\nint add(int a, int b) { return a; }", "denied", "read-only"},
		{"\\rollback add", "denied", "read-only"},
		{"\\undo", "denied", "read-only"},
		{"\\save add", "denied", "this connection is read-only: \\save changes something"},
		{"\\follow off", "denied", "this connection is read-only: \\follow changes something"},
		{"\\history prune --yes", "denied", "this connection is read-only: \\history prune --yes"},
		{"\\compare add 0 0 (1, 2)", "denied",
		 "this connection is read-only: \\compare changes something"},
		{"int x = 3;", "denied", "read-only"},
		{"calls = 3", "denied", "read-only"},
		{"add(1, 2)", "denied", "read-only"},
		{"\\cover add", "denied", "read-only"},
		{"\\trace add", "denied", "read-only"},
		{"\\guard add", "denied", "read-only"},
		{"\\restore", "denied", "read-only"},
		{"\\note add a remark", "denied", "read-only"},
	};
	static const char hello[] = "{\"id\":1,\"hello\":{\"version\":1,\"read_only\":true}}\n";

	(void)state;
	start_host(&(struct compiled_how){0});
	wire_send(&wire, hello, sizeof(hello) - 1);
	json_decref(wire_receive(&wire));
	requests = 1;
	REFUSED(list);
	json_t *answer = wire_ask(&wire, ++requests, "calls");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
}

static void what_was_turned_off_says_so(void **state)
{
	(void)state;
	setenv("RTF_WATCH", "0", 1);
	start_host(&(struct compiled_how){0});
	unsetenv("RTF_WATCH");
	assert_refused(&(struct refusal){"\\follow on", "usage", "it was started with RTF_WATCH=0"});
}

static void a_program_without_decorations_says_how_to_get_them(void **state)
{
	(void)state;
	start_host(&(struct compiled_how){.flags = {"-DREALTIMEFUNC=", "-w"}});
	assert_refused(
		&(struct refusal){"\\source nothing", "unknown",
				  "the program has no decorated function: put REALTIMEFUNC before one"});
	assert_refused(&(struct refusal){"add(1, 2)", "unknown", "the program has no decorated function"});
}

static void what_the_program_lost_is_named(void **state)
{
	static const struct refusal list[] = {
		{"\\source shortened", "unknown", "the compiler kept a changed copy alone"},
		{"\\source add", "unknown", "did you mean"},
		{"limit", "layout",
		 "the running program does not keep limit as one variable: its compiler optimised it away or "
		 "took it "
		 "apart, so its value is not known"},
		{"limit = 3", "layout", "does not keep limit as one variable"},
		{"int copy = limit", "layout", "does not keep limit as one variable"},
		{"if (limit) ;", "layout", "does not keep limit as one variable"},
	};
	static const struct compiled_how how = {
		.compiler = "gcc", .flags = {"-O2", "-w"}, .sources = {"lost_host.c"}};

	(void)state;
	start_host(&how);
	assert_refused(&list[0]);
	for (size_t i = 2; i < sizeof(list) / sizeof(*list); i++)
		assert_refused(&list[i]);
	compiled_assert_says(&host, 0, "({ int limit = 7; limit + 1; })", "= (int) 8");
	/* The file says otherwise by now. */
	char *path = compiled_path(&host, "lost_host.c"), *text = child_read_file(path);
	char *at = strstr(text, "int gone(");
	memcpy(at, "int went(", 9);
	assert_true(child_write_file(path, text));
	assert_refused(&(struct refusal){"\\save gone", "drift", "does not define gone any more"});
	assert_int_equal(remove(path), 0);
	assert_refused(&(struct refusal){"\\save gone", "internal", "cannot read"});
	free(text);
	free(path);
}

#define with(test) cmocka_unit_test_teardown(test, stop_host)

/* --- what more than one could mean, and what takes too long ---------------------------------------------------------- */

static void two_files_of_one_name_are_told_by_their_folders(void **state)
{
	const struct compiled_how how = {.sources = {"host.c", "host_other.c"}};
	static const char text[] =
		"#include \"rtf.h\"\nREALTIMEFUNC static int twin(int n) { return n + WHICH; }\n"
		"__attribute__((constructor(102))) static void use(void) { twin(1); }\n";
	char *command, *core = realpath("core", NULL), *output = NULL;

	(void)state;
	compiled_init(&host, &how);
	for (int i = 1; i <= 2; i++) {
		char *folder, *file;
		assert_true(asprintf(&folder, "%s/d%d", host.directory, i) > 0);
		assert_true(asprintf(&file, "%s/twin.c", folder) > 0);
		assert_int_equal(child_run((const char *const[]){"mkdir", folder, NULL}, NULL,
					   COMPILED_DEADLINE_MS, NULL),
				 0);
		assert_true(child_write_file(file, text));
		free(file);
		free(folder);
	}
	char *build = subject_built(""), *library = realpath(build, NULL);
	assert_true(
		asprintf(&command,
			 "cd %s && cc -g -I%s -DWHICH=1 -c d1/twin.c -o 1.o && cc -g -I%s -DWHICH=2 -c "
			 "d2/twin.c -o 2.o && "
			 "cc -g -I%s host.c host_other.c 1.o 2.o -o host -L%s -Wl,-rpath,%s -lrtf -lpthread",
			 host.directory, core, core, core, library, library) > 0);
	if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, COMPILED_DEADLINE_MS, &output))
		fail_msg("%s", output);
	compiled_start(&host);
	wire_open(&wire, host.socket);
	static const struct refusal list[] = {
		{"\\source twin", "ambiguous", "twin is ambiguous: d1/twin.c:twin, d2/twin.c:twin"},
		{"\\source twin.c:twin", "ambiguous", "d1/twin.c:twin, d2/twin.c:twin"},
	};
	REFUSED(list);
	json_decref(compiled_data(&host, "\\source d2/twin.c:twin"));
	free(output);
	free(command);
	free(library);
	free(build);
	free(core);
}

static void a_limit_of_time_is_told_from_an_interrupt(void **state)
{
	const struct compiled_how how = {.sources = {"host.c", "host_other.c"}};

	(void)state;
	compiled_init(&host, &how);
	compiled_start(&host);
	wire_open(&wire, host.socket);
	char *output = compiled_console(&host, 4, NULL, "--json", "-t", "1", "-c", "for (;;);", NULL);
	assert_non_null(strstr(output, "\"class\":\"timeout\""));
	free(output);
}

static void an_answer_is_short_however_long_the_line(void **state)
{
	const struct compiled_how how = {.sources = {"host.c", "host_other.c"}};
	enum { LONG = 10000000 };
	char *line = malloc(LONG + 1);

	(void)state;
	compiled_init(&host, &how);
	compiled_start(&host);
	wire_open(&wire, host.socket);
	memset(line, 'x', LONG);
	line[LONG] = '\0';
	char *output = compiled_console(&host, 3, line, "--color=never", NULL);
	assert_in_range(strlen(output), 1, 5000);
	free(output);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with(what_is_no_command_says_its_usage),
		with(what_is_typed_and_cannot_be_says_why),
		with(a_reader_is_told_what_it_may_not),
		with(what_was_turned_off_says_so),
		with(a_program_without_decorations_says_how_to_get_them),
		with(what_the_program_lost_is_named),
		cmocka_unit_test_teardown(two_files_of_one_name_are_told_by_their_folders, stop_host),
		cmocka_unit_test_teardown(a_limit_of_time_is_told_from_an_interrupt, stop_host),
		cmocka_unit_test_teardown(an_answer_is_short_however_long_the_line, stop_host),
	};

	return cmocka_run_group_tests_name("system: refusals", tests, NULL, NULL);
}
