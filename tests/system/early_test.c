/* What is saved while the program starts: before the engine's first look at the files, and while it reads them. */
#include "followed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;
static char *engine;

static const struct compiled_how how = {.sources = {"follow_host.c", "follow_other.c"}};

static void write_script(const char *name, const char *format, const char *a, const char *b)
{
	char *text, *path = compiled_path(&host.subject, name);

	assert_true(asprintf(&text, format, a, b) > 0);
	assert_true(child_write_file(path, text));
	assert_int_equal(chmod(path, 0700), 0);
	free(text);
	free(path);
}

static int prepare(void **state)
{
	(void)state;
	followed_prepare_host(&host, &how);
	engine = strdup(getenv("RTF_ENGINE"));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	setenv("RTF_ENGINE", engine, 1);
	free(engine);
	followed_fini(&host);
	return 0;
}

/* --- while the source is read --------------------------------------------------------------------------------------- */

/* The compiler of that source: its first run waits until somebody writes to the pipe. */
static void make_gate_for(const char *source)
{
	char *core = realpath("core", NULL), *commands;

	assert_non_null(core);
	followed_run(&host, "mkfifo gate");
	write_script(
		"gated-cc",
		"#!/bin/sh\nif mkdir '%s/taken' 2>/dev/null; then read line <'%s/gate'; fi\nexec cc \"$@\"\n",
		host.subject.directory, host.subject.directory);
	assert_true(asprintf(&commands,
			     "[{\"directory\": \"%1$s\", \"file\": \"%3$s\", "
			     "\"arguments\": [\"%1$s/gated-cc\", \"-g\", \"-I%2$s\", \"-Iconf\", \"-c\", "
			     "\"%3$s\"]}]\n",
			     host.subject.directory, core, source) > 0);
	followed_write(&host, "compile_commands.json", commands);
	free(commands);
	free(core);
}

static void make_gate(void)
{
	make_gate_for("follow_host.c");
}

/* Once the compiler reads; it goes on when the end that is returned is closed. */
static int await_gate(void)
{
	char *path = compiled_path(&host.subject, "gate");
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	free(path);
	assert_true(fd >= 0);
	return fd;
}

static void await_version(const char *function)
{
	char command[64];

	snprintf(command, sizeof(command), "\\wait %s 1 120", function);
	json_decref(compiled_data(&host.subject, command));
}

static void a_save_while_the_source_is_read_is_one_like_any_other(void **state)
{
	(void)state;
	make_gate();
	compiled_start(&host.subject);
	int gate = await_gate();
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	close(gate);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "saved");
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	compiled_assert_says(&host.subject, 0, "\\diff scaled 0 1", "-\treturn n * FACTOR;");
	compiled_assert_says(&host.subject, 0, "\\source scaled@0", "n * FACTOR");
	followed_edit(&host, "follow_host.c", "n * 5", "n * FACTOR");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 3);
}

/* One that is beside the source, and one that it includes. */
static void a_header_that_is_saved_while_the_source_is_read_changes_who_uses_it(void **state)
{
	(void)state;
	make_gate();
	compiled_start(&host.subject);
	int gate = await_gate();
	followed_edit(&host, "follow_deep.h", "DEEP 1000", "DEEP 2000");
	followed_edit(&host, "follow.h", "OFFSET = 1", "OFFSET = 2");
	close(gate);
	await_version("deep");
	await_version("moved");
	followed_listen(&host);
	followed_assert_call(&host, "deep", 1, 2001);
	followed_assert_call(&host, "moved", 1, 3);
	compiled_assert_live(&host.subject, "scaled", 0, 1, "built");
	compiled_assert_live(&host.subject, "other", 0, 1, "built");
	compiled_assert_says(&host.subject, 0, "\\source moved@0", "n + OFFSET");
}

/* Its folder holds macros alone: debug information has no word of it, only the compiler's flags do. */
static void a_header_that_only_flags_lead_to_is_compared_too(void **state)
{
	char *folder = compiled_path(&host.subject, "conf"), *flag;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_true(asprintf(&flag, "-I%s", folder) > 0);
	followed_write(&host, "conf/conf.h", "#define CONFIGURED 3\n");
	followed_edit(&host, "follow_host.c", "#define FACTOR 3",
		      "#include <conf.h>\n#define FACTOR CONFIGURED");
	compiled_build(&host.subject, &(struct compiled_how){.flags = {flag},
							     .sources = {"follow_host.c", "follow_other.c"}});
	make_gate();
	compiled_start(&host.subject);
	int gate = await_gate();
	followed_edit(&host, "conf/conf.h", "CONFIGURED 3", "CONFIGURED 5");
	close(gate);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "saved");
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	free(flag);
	free(folder);
}

static void what_moves_below_an_early_save_keeps_its_lines(void **state)
{
	(void)state;
	make_gate();
	compiled_start(&host.subject);
	int gate = await_gate();
	followed_edit(&host, "follow_host.c", "#define FACTOR 3", "\n\n#define FACTOR 4");
	close(gate);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 4);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	compiled_assert_says(&host.subject, 0, "\\source scaled@0", "n * FACTOR");
}

/* Nothing that is asked while the compiler is held up waits for it. */
static void what_is_known_is_answered_while_a_source_is_read(void **state)
{
	(void)state;
	make_gate();
	compiled_start(&host.subject);
	int gate = await_gate();
	compiled_assert_live(&host.subject, "scaled", 0, 1, "built");
	json_t *row = compiled_row(&host.subject, "scaled");
	assert_string_equal(json_string_value(json_object_get(row, "signature")), "static int scaled(int n)");
	json_decref(row);
	compiled_assert_says(&host.subject, 0, "\\list oth*", "other");
	compiled_assert_says(&host.subject, 0, "\\source other", "return n + 5;");
	compiled_assert_says(&host.subject, 0, "\\status", "reading   1 source is still to be read");
	close(gate);
	followed_listen(&host);
	row = compiled_row(&host.subject, "scaled");
	assert_string_equal(json_string_value(json_object_get(row, "signature")), "static int scaled(int n)");
	json_decref(row);
}

/* --- while main()'s source is read ------------------------------------------------------------------------------------ */

static const struct compiled_how apart = {.sources = {"follow_host.c", "follow_other.c", "apart_main.c"},
					  .flags = {"-Dmain=follow_main"}};

static int prepare_apart(void **state)
{
	(void)state;
	followed_prepare_host(&host, &apart);
	engine = strdup(getenv("RTF_ENGINE"));
	return 0;
}

/* It has no decorated function: that a console is there is the one reason to read it. */
static void mains_source_is_read_for_a_console_and_a_definition_does_not_wait_for_it(void **state)
{
	(void)state;
	make_gate_for("apart_main.c");
	compiled_start(&host.subject);
	compiled_await_read(&host.subject);
	int gate = await_gate();
	compiled_define(&host.subject, "static int scaled(int n)\n{\n\treturn n * 7;\n}");
	followed_assert_call(&host, "scaled", 1, 7);
	compiled_define(&host.subject, "REALTIMEFUNC static int scaled(int n)\n{\n\treturn n * 8;\n}");
	followed_assert_call(&host, "scaled", 1, 8);
	close(gate);
	compiled_assert_says(&host.subject, 0, "apart_limit + 1", "= (int) 43");
	followed_listen(&host);
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
}

static void make_is_asked_once_for_mains_source_and_all_others(void **state)
{
	char *here = realpath(".", NULL), *map;

	(void)state;
	assert_true(asprintf(&map, "-fdebug-prefix-map=%s=%s", here, host.subject.directory) > 0);
	compiled_build(&host.subject,
		       &(struct compiled_how){.sources = {"follow_host.c", "follow_other.c", "apart_main.c"},
					      .flags = {"-Dmain=follow_main", map}});
	free(map);
	free(here);
	followed_write(&host, "Makefile",
		       "X := $(shell echo asked >>asked)\nhost: follow_host.c follow_other.c apart_main.c\n"
		       "\tcc -g -DBY_MAKE=5 -c follow_host.c -o a.o\n"
		       "\tcc -g -DBY_MAKE=6 -c follow_other.c -o b.o\n"
		       "\tcc -g -DBY_MAKE=7 -c apart_main.c -o c.o\n");
	compiled_start(&host.subject);
	followed_listen(&host);
	compiled_assert_says(&host.subject, 0, "apart_limit + BY_MAKE", "= (int) 49");
	compiled_define(&host.subject, "static int scaled(int n)\n{\n\treturn n * BY_MAKE;\n}");
	followed_assert_call(&host, "scaled", 1, 5);
	char *asked = followed_read(&host, "asked");
	assert_string_equal(asked, "asked\n");
	free(asked);
}

/* --- while make is asked ---------------------------------------------------------------------------------------------- */

static void what_is_known_is_answered_while_make_is_asked(void **state)
{
	char *core = realpath("core", NULL), *script = compiled_path(&host.subject, "gated-make"), *rule;

	(void)state;
	followed_run(&host, "mkfifo gate");
	write_script("gated-make",
		     "#!/bin/sh\nif mkdir '%s/taken' 2>/dev/null; then read line <'%s/gate'; fi\n"
		     "exec make \"$@\"\n",
		     host.subject.directory, host.subject.directory);
	assert_true(asprintf(&rule, "host: follow_host.c\n\tcc -g -I%s -c follow_host.c -o host\n", core) >
		    0);
	followed_write(&host, "Makefile", rule);
	setenv("RTF_MAKE", script, 1);
	compiled_start(&host.subject);
	unsetenv("RTF_MAKE");
	int gate = await_gate();
	compiled_assert_live(&host.subject, "scaled", 0, 1, "built");
	compiled_assert_says(&host.subject, 0, "\\status", "2 sources are still to be read");
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	compiled_assert_says(&host.subject, 0, "\\list oth*", "other");
	close(gate);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	free(rule);
	free(script);
	free(core);
}

/* --- while libclang is loaded ---------------------------------------------------------------------------------------- */

/* The engine with a dlopen() that waits at the gate, for libclang alone: before it, or as the loader's own work on a library. */
static void make_loading_gate(const char *flag)
{
	char *path = compiled_path(&host.subject, "gate"), *build;

	followed_run(&host, "mkfifo gate");
	compiled_copy_in(&host.subject, "slow_library.c");
	followed_write(&host, "loading.c",
		       "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <fcntl.h>\n#include <string.h>\n"
		       "#include <unistd.h>\n\nvoid *dlopen(const char *name, int flags)\n{\n"
		       "\tvoid *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "
		       "\"dlopen\");\n\n\tif (name && strncmp(name, \"libclang\", 8) == 0)\n#ifdef SLOW\n"
		       "\t\treal(SLOW, RTLD_NOW);\n#else\n\t\tread(open(GATE, O_RDONLY), (char[1]){0}, 1);\n"
		       "#endif\n\treturn real(name, flags);\n}\n");
	assert_true(asprintf(&build,
			     "#!/bin/sh\nset -e\ncd '%1$s'\nPIPE='-DGATE=\"%2$s\"'\n"
			     "${CC:-cc} -w -shared -fPIC \"$PIPE\" slow_library.c -o slow.so\n"
			     "exec ${CC:-cc} -w -shared -fPIC \"$PIPE\" %3$s loading.c -o loading.so\n",
			     host.subject.directory, path, flag) > 0);
	write_script("build-loading", "%s%s", build, "");
	free(build);
	followed_run(&host, "./build-loading");
	write_script("engine",
		     "#!/bin/sh\nexport LD_PRELOAD='%s/loading.so' "
		     "ASAN_OPTIONS=verify_asan_link_order=0\nexec '%s'\n",
		     host.subject.directory, engine);
	free(path);
	path = compiled_path(&host.subject, "engine");
	setenv("RTF_ENGINE", path, 1);
	free(path);
}

static void a_save_while_libclang_is_loaded_is_one_like_any_other(void **state)
{
	(void)state;
	make_loading_gate("");
	compiled_start(&host.subject);
	int gate = await_gate();
	compiled_assert_says(&host.subject, 0, "\\list moved", "built"); /* needs no libclang */
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	close(gate);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "saved");
	compiled_assert_live(&host.subject, "moved", 0, 1, "built");
	compiled_assert_says(&host.subject, 0, "\\diff scaled 0 1", "-\treturn n * FACTOR;");
}

static void sources_are_read_and_questions_answered_while_the_loader_works(void **state)
{
	char *flag;

	(void)state;
	assert_true(asprintf(&flag, "'-DSLOW=\"%s/slow.so\"'", host.subject.directory) > 0);
	make_loading_gate(flag);
	free(flag);
	compiled_start(&host.subject);
	int gate = await_gate();
	compiled_await_read(&host.subject);
	compiled_assert_says(&host.subject, 0, "\\source moved", "return n + OFFSET;");
	close(gate);
	compiled_define(&host.subject, "static int scaled(int n)\n{\n\treturn n * 7;\n}");
	followed_assert_call(&host, "scaled", 1, 7);
}

/* --- before the first look ------------------------------------------------------------------------------------------- */

static void what_was_built_is_not_known_and_what_is_live_is(void **state)
{
	(void)state;
	write_script("engine", "#!/bin/sh\nsed -i 's/n \\* FACTOR/n * 5/' '%s/follow_host.c'\nexec '%s'\n",
		     host.subject.directory, engine);
	char *script = compiled_path(&host.subject, "engine");
	setenv("RTF_ENGINE", script, 1);
	free(script);
	compiled_start(&host.subject);
	await_version("scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_listen(&host);
	compiled_assert_live(&host.subject, "scaled", 1, 2, "saved");
	compiled_assert_says(&host.subject, 0, "\\source scaled", "n * 5");
	compiled_assert_says(&host.subject, 0, "\\source moved", "n + OFFSET");
	compiled_assert_says(&host.subject, 0, "\\cover scaled", "is counted");
	followed_assert_call(&host, "scaled", 2, 10);
	compiled_assert_says(&host.subject, 0, "\\source scaled", "1  \treturn n * 5;");
	compiled_assert_says(&host.subject, 0, "\\guard moved", "is guarded");
	json_decref(wire_ask(&host.events, 3, "\\trace helped"));
	followed_assert_call(&host, "helped", 1, 101);
	compiled_assert_refused(&host.subject, "\\diff moved built", "unknown",
				"what was built is not known");
	compiled_assert_says(&host.subject, 0, "\\diff scaled", "are the same");
	followed_edit(&host, "follow_host.c", "n * 5", "n * 6");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_save_while_the_source_is_read_is_one_like_any_other,
						prepare, stop),
		cmocka_unit_test_setup_teardown(
			a_header_that_is_saved_while_the_source_is_read_changes_who_uses_it, prepare, stop),
		cmocka_unit_test_setup_teardown(a_header_that_only_flags_lead_to_is_compared_too, prepare,
						stop),
		cmocka_unit_test_setup_teardown(what_moves_below_an_early_save_keeps_its_lines, prepare,
						stop),
		cmocka_unit_test_setup_teardown(what_is_known_is_answered_while_a_source_is_read, prepare,
						stop),
		cmocka_unit_test_setup_teardown(
			mains_source_is_read_for_a_console_and_a_definition_does_not_wait_for_it,
			prepare_apart, stop),
		cmocka_unit_test_setup_teardown(make_is_asked_once_for_mains_source_and_all_others,
						prepare_apart, stop),
		cmocka_unit_test_setup_teardown(what_is_known_is_answered_while_make_is_asked, prepare, stop),
		cmocka_unit_test_setup_teardown(a_save_while_libclang_is_loaded_is_one_like_any_other,
						prepare, stop),
		cmocka_unit_test_setup_teardown(
			sources_are_read_and_questions_answered_while_the_loader_works, prepare, stop),
		cmocka_unit_test_setup_teardown(what_was_built_is_not_known_and_what_is_live_is, prepare,
						stop),
	};

	return cmocka_run_group_tests_name("system: saves while the program starts", tests, NULL, NULL);
}
