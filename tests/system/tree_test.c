/* A program of some hundred files: reading them takes its time, in which it is used and its files are saved already.
 * RTF_TREE is another number of files. */
#include "followed.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	FILES = 200,
	IN_FOLDER = 20,
	CHECKED_OUT = 50,
	EARLY = 100,
	RARE = 77, /* the one file that uses that macro */
	EXTRA = 90 /* the same */
};

static struct followed host;
static int files;

/* --- the tree ------------------------------------------------------------------------------------------------------ */

static void name_of(int i, char name[64])
{
	snprintf(name, 64, "d%03d/u%04d.c", i / IN_FOLDER, i);
}

static void write_file(int i, int answer)
{
	char name[64], text[256];

	name_of(i, name);
	snprintf(text, sizeof(text),
		 "#include <rtf.h>\n#include \"../shared.h\"\n\nREALTIMEFUNC\nint f%d(int n)\n{\n\treturn n "
		 "+ SHARED + %d%s;\n}\n\nREALTIMEFUNC\nint g%d(int n)\n{\n\treturn n;\n}\n",
		 i, answer,
		 i == RARE    ? " + RARE"
		 : i == EXTRA ? " + EXTRA"
			      : "",
		 i);
	followed_write(&host, name, text);
}

static void write_main(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("#include <rtf.h>\n#include <stdio.h>\n", f);
	for (int i = 0; i < files; i++)
		fprintf(f, "int f%d(int n);\n", i);
	fputs("static int (*const all[])(int n) = {", f);
	for (int i = 0; i < files; i++)
		fprintf(f, "f%d, ", i);
	fputs("};\n\nint main(int argc, char **argv)\n{\n\tint i;\n\n\tsetvbuf(stdout, 0, _IOLBF, 0);\n"
	      "\tif (argc > 1)\n\t\trtf_start(argv[1]);\n\tputs(\"ready\");\n"
	      "\twhile (scanf(\"f%d\", &i) == 1 && getchar() != EOF)\n\t\tprintf(\"%d\\n\", all[i](0));\n}\n",
	      f);
	fclose(f);
	followed_write(&host, "main.c", text);
	free(text);
}

static char *replace_all(char *text, const char *from, const char *to)
{
	char *replaced;

	while ((replaced = child_replace(text, from, to))) {
		free(text);
		text = replaced;
	}
	return text;
}

/* What the compiler makes of one file, with this file's names in it: then only the assembler runs for each. A compiler for
 * each would take most of the time. */
static void write_assembly(const char *template, int i)
{
	char name[64], folder[16], unit[16], function[16], other[16], number[16], *path;

	snprintf(name, sizeof(name), "d%03d/u%04d.s", i / IN_FOLDER, i);
	snprintf(folder, sizeof(folder), "d%03d", i / IN_FOLDER);
	snprintf(unit, sizeof(unit), "u%04d", i);
	snprintf(function, sizeof(function), "f%d", i);
	snprintf(other, sizeof(other), "g%d", i);
	snprintf(number, sizeof(number), "%d", i);
	char *text = replace_all(strdup(template), "dTEMPLATE", folder);
	text = replace_all(text, "uTEMPLATE", unit);
	text = replace_all(text, "fTEMPLATE", function);
	text = replace_all(text, "gTEMPLATE", other);
	text = replace_all(text, "7654321", number);
	path = compiled_path(&host.subject, name);
	assert_true(child_write_file(path, text));
	free(path);
	free(text);
}

static char *compile_template(const char *core)
{
	char *command;

	assert_true(
		asprintf(&command,
			 "mkdir dTEMPLATE && cd dTEMPLATE && sed 's/f0/fTEMPLATE/; s/g0/gTEMPLATE/; s/+ 0;/+ "
			 "7654321;/' "
			 "../d000/u0000.c "
			 "> uTEMPLATE.c && ${CC:-cc} -g -I%s -S uTEMPLATE.c && cp uTEMPLATE.s .. && cd .. && "
			 "rm -r dTEMPLATE",
			 core) > 0);
	followed_run(&host, command);
	free(command);
	return followed_read(&host, "uTEMPLATE.s");
}

static void make_tree(void)
{
	char *core = realpath("core", NULL), *built = subject_built(""), *library = realpath(built, NULL),
	     *command;

	followed_write(&host, "shared.h",
		       "#define SHARED 0\n#define RARE 0\n"
		       "#ifdef SHARED_BY_FLAGS\n#include SHARED_BY_FLAGS\n#endif\n"
		       "#ifdef SHARED_BY_NOBODY\n#include SHARED_BY_NOBODY\n#endif\n");
	followed_write(&host, "extra.h", "#define EXTRA 0\n");
	for (int i = 0; i < files; i++) {
		char folder[64], *path;
		snprintf(folder, sizeof(folder), "d%03d", i / IN_FOLDER);
		path = compiled_path(&host.subject, folder);
		if (i % IN_FOLDER == 0)
			assert_int_equal(mkdir(path, 0700), 0);
		free(path);
		write_file(i, i);
	}
	char *template = compile_template(core);
	for (int i = 0; i < files; i++)
		write_assembly(template, i);
	free(template);
	write_main();
	assert_true(asprintf(&command,
			     "ls d*/*.s | xargs -P2 -n50 sh -c 'for f; do as -o \"${f%%.s}.o\" \"$f\" || "
			     "exit 1; done' sh && "
			     "${CC:-cc} -g -I%s main.c d*/*.o -o host -L%s -Wl,-rpath,%s -lrtf -lpthread",
			     core, library, library) > 0);
	followed_run(&host, command);
	free(command);
	free(library);
	free(built);
	free(core);
}

/* --- the run ------------------------------------------------------------------------------------------------------- */

/* Without a question that has every source read. */
static void listen_to_saves(void)
{
	wire_listen(&host.events, host.subject.socket);
}

static int start(void **state)
{
	const char *wanted = getenv("RTF_TREE");

	(void)state;
	files = wanted ? atoi(wanted) : FILES;
	host = (struct followed){.events = {.fd = -1}};
	subject_init(&host.subject);
	unsetenv("RTF_SOURCE_ROOT");
	char *core = realpath("core", NULL), *flags;
	assert_true(asprintf(&flags, "-I%s -DSHARED_BY_FLAGS='\"extra.h\"'", core) > 0);
	setenv("RTF_CFLAGS", flags, 1);
	free(flags);
	free(core);
	make_tree();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static int read_later(void)
{
	json_t *status = compiled_data(&host.subject, "\\status");
	int later = (int)json_integer_value(json_object_get(status, "later"));

	json_decref(status);
	return later;
}

/* Once the engine has chosen what it does not read ahead. */
static void await_put_off(void)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (!read_later())
		if (child_clock() > deadline)
			fail_msg("all sources are read ahead");
}

/* One of those that are not read ahead. */
static void a_file_that_was_not_read_yet_is_saved(void **state)
{
	char call[16], answer[16], name[16], command[32];

	(void)state;
	snprintf(call, sizeof(call), "f%d", EARLY);
	compiled_start(&host.subject);
	listen_to_saves();
	await_put_off();
	int later = read_later();
	write_file(EARLY, 100000);
	snprintf(name, sizeof(name), "f%d", EARLY);
	followed_assert_live(&host, name);
	snprintf(answer, sizeof(answer), "%d", 100000);
	compiled_assert_answer(&host.subject, call, answer);
	assert_true(read_later() >= later - 1);
	compiled_await_read(&host.subject);
	compiled_assert_live(&host.subject, name, 1, 2, "saved");
	snprintf(command, sizeof(command), "\\diff %s 0 1", name);
	compiled_assert_says(&host.subject, 0, command, "+ SHARED + 100000;"); /* what was built is known */
}

static void write_many(int add)
{
	for (int i = 0; i < CHECKED_OUT; i++)
		write_file(i, i + add);
}

/* As git does it: under its lock, one file after the other. */
static void fifty_files_are_checked_out(void **state)
{
	char names[CHECKED_OUT * 5] = "", answer[16];

	(void)state;
	for (int i = 0; i < CHECKED_OUT; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%sf%d", i ? " " : "", i);
	followed_run(&host, "git init -q . && touch .git/index.lock");
	write_many(1000);
	followed_run(&host, "rm .git/index.lock");
	followed_assert_live(&host, names);
	for (int i = 0; i < CHECKED_OUT; i++) {
		char call[16];
		snprintf(call, sizeof(call), "f%d", i);
		snprintf(answer, sizeof(answer), "%d", 1000 + i);
		compiled_assert_answer(&host.subject, call, answer);
	}
	compiled_assert_says(&host.subject, 0, "\\undo", "f49 is now version 0");
	compiled_assert_answer(&host.subject, "f0", "0");
	compiled_assert_answer(&host.subject, "f49", "49");
}

/* Most files of a large tree are nobody's matter: they are read when a save can have changed what they are. */
static void a_header_that_all_include_has_those_read_that_it_changes(void **state)
{
	int later = read_later();
	char name[16];

	(void)state;
	assert_true(later > 0);
	followed_edit(&host, "shared.h", "RARE 0", "RARE 5");
	snprintf(name, sizeof(name), "f%d", RARE);
	followed_assert_live(&host, name);
	compiled_assert_answer(&host.subject, name, "82");
	assert_int_equal(read_later(), later - 1);
	followed_edit(&host, "shared.h", "RARE 5", "RARE 5 /* so many */");
	followed_assert_unchanged(&host, NULL);
	assert_int_equal(read_later(), later - 1);
}

/* Which header a macro names may be for the compiler's flags to say. */
static void a_header_that_the_flags_name_has_those_read_that_it_changes(void **state)
{
	int later = read_later();
	char name[16];

	(void)state;
	followed_edit(&host, "extra.h", "EXTRA 0", "EXTRA 7");
	snprintf(name, sizeof(name), "f%d", EXTRA);
	followed_assert_live(&host, name);
	compiled_assert_answer(&host.subject, name, "97");
	assert_int_equal(read_later(), later - 1);
}

/* One source shows it as well as all do. */
static void a_header_with_an_error_is_refused_without_reading_all_that_include_it(void **state)
{
	int later = read_later();
	char name[16];

	(void)state;
	followed_edit(&host, "shared.h", "#define RARE", "int broken = ;\n#define RARE");
	followed_assert_refused(&host, "shared.h:2:14: error: expected expression");
	assert_true(read_later() >= later - 1);
	followed_edit(&host, "shared.h", "int broken = ;\n", "");
	followed_assert_unchanged(&host, "in order again");
	followed_edit(&host, "shared.h", "RARE 5", "RARE 6");
	snprintf(name, sizeof(name), "f%d", RARE);
	followed_assert_live(&host, name);
	assert_true(read_later() >= later - 1);
}

/* The header is another one by now; what it was is what it is for this file. */
static void a_file_is_read_long_after_a_header_was_saved(void **state)
{
	int later = read_later();
	char name[16], command[32];

	(void)state;
	snprintf(name, sizeof(name), "f%d", RARE + 1);
	write_file(RARE + 1, 3000);
	followed_assert_live(&host, name);
	compiled_assert_answer(&host.subject, name, "3000");
	assert_int_equal(read_later(), later - 1);
	snprintf(command, sizeof(command), "\\diff %s 0 1", name);
	compiled_assert_says(&host.subject, 0, command, "+ SHARED + 3000;");
	snprintf(command, sizeof(command), "\\source f%d", RARE + 2);
	compiled_assert_says(&host.subject, 0, command, "+ SHARED + 79;");
	assert_int_equal(read_later(), later - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_was_not_read_yet_is_saved),
		cmocka_unit_test(fifty_files_are_checked_out),
		cmocka_unit_test(a_header_that_all_include_has_those_read_that_it_changes),
		cmocka_unit_test(a_header_that_the_flags_name_has_those_read_that_it_changes),
		cmocka_unit_test(a_header_with_an_error_is_refused_without_reading_all_that_include_it),
		cmocka_unit_test(a_file_is_read_long_after_a_header_was_saved),
	};

	return cmocka_run_group_tests_name("system: a tree of files", tests, start, stop);
}
