/* Functions of every shape, redefined in running programs built in every way: with their own text they mean what
 * they meant, with another they mean what the compiler would have made of it. See shapes/shapes.h.
 *
 * Three programs run side by side: the subject, its twin, which nobody changes, and one built with another EDIT,
 * which says what the subject must say once that word is replaced in all of its functions. */
#include "compiled.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OTHER_EDIT "1000000"

enum { ROUND_MS = 30000, STOP_MS = 5000 };

static struct subject host;
static struct child twin, other;
static struct wire wire;
static int requests;
static FILE *problems;
static char *problem_text;
static size_t problem_size;
static bool failed;

/* --- building and running ----------------------------------------------------------------------------- */

static void run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run_shell(const char *format, ...)
{
	char *command, *output = NULL;
	va_list arguments;

	va_start(arguments, format);
	assert_true(vasprintf(&command, format, arguments) > 0);
	va_end(arguments);
	if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, COMPILED_DEADLINE_MS, &output))
		fail_msg("%s: %.600s", command, output ? output : "");
	free(output);
	free(command);
}

/* shapes/NAME.c and what goes with it as DIRECTORY/PROGRAM. `finish`: a command behind it, in the directory. */
static void build(const char *compiler, const char *name, const char *program, const char *edit,
		  const char *finish)
{
	char *folder = subject_built(""), *library = realpath(folder, NULL), *more = strdup("");
	const char *d = host.directory;

	if (!strcmp(name, "state")) {
		run_shell("%s -g -w -Icore %s -shared -fPIC tests/system/shapes/state_library.c -o %s/lib%s.so "
			  "-L%s -lrtf",
			  compiler, edit, d, program, library);
		free(more);
		assert_true(asprintf(&more, "tests/system/shapes/state_other.c %s/lib%s.so", d, program) > 0);
	}
	run_shell("%s -g -w -Icore %s tests/system/shapes/%s.c %s -o %s/%s -L%s -lrtf -lm -Wl,-rpath,%s:%s", compiler,
		  edit, name, more, d, program, library, library, d);
	if (finish)
		run_shell("cd %s && %s", d, finish);
	free(more);
	free(library);
	free(folder);
}

static void start(struct child *p, const char *program, const char *socket)
{
	char *path = compiled_path(&host, program), line[256] = "";

	assert_true(child_start(p, (const char *const[]){path, socket, NULL}));
	if (!child_read_line(p, ROUND_MS, line, sizeof(line)) || strcmp(line, "ready"))
		fail_msg("%s did not get ready: %s", program, line);
	free(path);
}

static void start_all(const char *compiler, const char *name, const char *finish)
{
	subject_init(&host);
	unsetenv("RTF_CFLAGS");
	build(compiler, name, "subject", "", finish);
	build(compiler, name, "other", "-DEDIT=" OTHER_EDIT, NULL);
	start(&host.program, "subject", host.socket);
	start(&twin, "subject", "-");
	start(&other, "other", "-");
	wire_open(&wire, host.socket);
	problems = open_memstream(&problem_text, &problem_size);
	assert_non_null(problems);
}

/* Shows what went wrong; a test has several programs and fails at its end. */
static void stop_all(const char *compiler, const char *name)
{
	fclose(problems);
	if (problem_size)
		print_error("%s, %s:\n%s", compiler, name, problem_text);
	failed |= problem_size > 0;
	free(problem_text);
	wire_close(&wire);
	child_stop(&twin, STOP_MS);
	child_stop(&other, STOP_MS);
	subject_fini(&host);
}

/* --- probing ------------------------------------------------------------------------------------------ */

/* All probes' answers, a line each; malloc'ed. */
static char *probe(struct child *p)
{
	char line[256], *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	assert_true(child_send(p, "probe\n"));
	for (;;) {
		if (!child_read_line(p, ROUND_MS, line, sizeof(line))) {
			fprintf(problems, "the program died or hangs\n");
			break;
		}
		if (!strcmp(line, "end"))
			break;
		fprintf(out, "%s\n", line);
	}
	fclose(out);
	return all;
}

static void compare_lines(const char *when, const char *expected, const char *got)
{
	while (*expected || *got) {
		size_t n = strcspn(expected, "\n"), m = strcspn(got, "\n");
		if (n != m || memcmp(expected, got, n))
			fprintf(problems, "%s: expected %.*s, got %.*s\n", when, (int)n, expected, (int)m, got);
		expected += n + (expected[n] != '\0');
		got += m + (got[m] != '\0');
	}
}

/* One more round of every program; the subject must answer as the twin, or as the other. */
static void compare_round(const char *when, bool as_other)
{
	char *mine = probe(&host.program), *same = probe(&twin), *edited = probe(&other);

	compare_lines(when, as_other ? edited : same, mine);
	free(edited);
	free(same);
	free(mine);
}

/* --- redefining --------------------------------------------------------------------------------------- */

static json_t *ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *ask(const char *format, ...)
{
	va_list arguments;
	char *command;

	va_start(arguments, format);
	assert_true(vasprintf(&command, format, arguments) > 0);
	va_end(arguments);
	json_t *answer = wire_ask(&wire, ++requests, command);
	free(command);
	return answer;
}

static const char *message_of(json_t *answer)
{
	const char *message = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));

	return message ? message : "no message";
}

/* The text with each word EDIT replaced; malloc'ed, NULL if there is none. */
static char *edited_text(const char *text)
{
	static const char word[] = "EDIT";
	size_t size;
	char *all = NULL, before = ' ';
	bool found = false;
	FILE *out = open_memstream(&all, &size);

	while (*text) {
		bool here = !strncmp(text, word, 4) && !isalnum(before) && before != '_' && !isalnum(text[4]) &&
			    text[4] != '_';
		found |= here;
		before = *text;
		fwrite(here ? OTHER_EDIT : text, 1, here ? strlen(OTHER_EDIT) : 1, out);
		text += here ? 4 : 1;
	}
	fclose(out);
	if (found)
		return all;
	free(all);
	return NULL;
}

static void redefine(const char *handle, bool edit)
{
	json_t *source = ask("\\source %s@0", handle);
	const char *text = json_string_value(json_object_get(json_object_get(source, "data"), "text"));

	if (!text) {
		fprintf(problems, "%s has no source: %s\n", handle, message_of(source));
		json_decref(source);
		return;
	}
	char *other_text = edit ? edited_text(text) : strdup(text);
	json_t *answer = other_text ? ask("\\define %s\n%s", handle, other_text) : NULL;
	if (answer && !json_is_true(json_object_get(answer, "ok")))
		fprintf(problems, "%s was refused: %s\n", handle, message_of(answer));
	json_decref(answer);
	free(other_text);
	json_decref(source);
}

static void for_each_function(void (*act)(const char *handle, bool edit), bool edit)
{
	json_t *list = ask("\\list"), *row;
	size_t i;

	assert_true(json_array_size(json_object_get(list, "data")) > 0);
	json_array_foreach(json_object_get(list, "data"), i, row) {
		const char *unit = json_string_value(json_object_get(row, "unit"));
		const char *slash = unit ? strrchr(unit, '/') : NULL;
		char handle[512];
		snprintf(handle, sizeof(handle), "%s:%s", slash ? slash + 1 : "",
			 json_string_value(json_object_get(row, "function")));
		act(handle, edit);
	}
	json_decref(list);
}

static void roll_back(const char *handle, bool edit)
{
	json_t *answer = ask("\\rollback %s 0", handle);

	(void)edit;
	if (!json_is_true(json_object_get(answer, "ok")))
		fprintf(problems, "%s does not go back: %s\n", handle, message_of(answer));
	json_decref(answer);
}

static void try_own_text(const char *compiler, const char *name, const char *finish)
{
	start_all(compiler, name, finish);
	compare_round("as built", false);
	for_each_function(redefine, false);
	compare_round("with its own text", false);
	compare_round("once more", false);
}

static void try_shape(const char *compiler, const char *name, const char *finish)
{
	try_own_text(compiler, name, finish);
	for_each_function(redefine, true);
	compare_round("edited", true);
	for_each_function(roll_back, false);
	compare_round("rolled back", false);
	stop_all(compiler, name);
}

static void try_all(const char *compiler)
{
	try_shape(compiler, "state", NULL);
	try_shape(compiler, "functions", NULL);
	try_shape(compiler, "language", NULL);
	try_shape(compiler, "macros", NULL);
}

/* --- the ways ----------------------------------------------------------------------------------------- */

static void gcc_unoptimised(void **state)
{
	(void)state;
	try_all("gcc -O0");
	assert_false(failed);
}

static void gcc_optimised(void **state)
{
	(void)state;
	try_all("gcc -O2");
	assert_false(failed);
}

static void gcc_a_little_optimised_with_branch_protection(void **state)
{
	(void)state;
	try_shape("gcc -O1 -fcf-protection", "functions", NULL);
	try_shape("gcc -O1 -fcf-protection", "macros", NULL);
	assert_false(failed);
}

static void gcc_much_optimised_without_pie(void **state)
{
	(void)state;
	try_shape("gcc -O3 -no-pie -fno-pie", "state", NULL);
	try_shape("gcc -O3 -no-pie -fno-pie", "functions", NULL);
	assert_false(failed);
}

static void gcc_with_dwarf_in_other_files(void **state)
{
	(void)state;
	try_shape("gcc -O0 -gsplit-dwarf", "functions", NULL);
	try_shape("gcc -O2 -gdwarf-4", "state", "objcopy --only-keep-debug subject subject.debug && "
						"strip -g subject && objcopy --add-gnu-debuglink=subject.debug subject");
	assert_false(failed);
}

static void gcc_with_link_time_optimisation(void **state)
{
	(void)state;
	try_shape("gcc -O2 -flto", "state", NULL);
	try_shape("gcc -O2 -flto", "functions", NULL);
	assert_false(failed);
}

static void clang_unoptimised(void **state)
{
	(void)state;
	try_all("clang -O0");
	assert_false(failed);
}

/* What clang learnt about a function stays in its callers, so other text is another matter. */
static void clang_optimised(void **state)
{
	(void)state;
	try_own_text("clang -O2", "functions", NULL);
	stop_all("clang -O2", "functions");
	try_own_text("clang -O2 -gdwarf-4", "macros", NULL);
	stop_all("clang -O2 -gdwarf-4", "macros");
	assert_false(failed);
}

static int forget_failures(void **state)
{
	(void)state;
	failed = false;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gcc_unoptimised, forget_failures),
		cmocka_unit_test_setup(gcc_optimised, forget_failures),
		cmocka_unit_test_setup(gcc_a_little_optimised_with_branch_protection, forget_failures),
		cmocka_unit_test_setup(gcc_much_optimised_without_pie, forget_failures),
		cmocka_unit_test_setup(gcc_with_dwarf_in_other_files, forget_failures),
		cmocka_unit_test_setup(gcc_with_link_time_optimisation, forget_failures),
		cmocka_unit_test_setup(clang_unoptimised, forget_failures),
		cmocka_unit_test_setup(clang_optimised, forget_failures),
	};

	/* Which backend took a version is another test's question; here none comes between. */
	setenv("RTF_OPTIMIZE", "0", 1);
	return cmocka_run_group_tests_name("system: shapes", tests, NULL, NULL);
}
