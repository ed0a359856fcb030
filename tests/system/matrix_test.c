/* One small program in the ways that compilers, linkers, debug formats and build systems make it: each choice with every
 * other one at least once, or with RTF_MATRIX=all every way to compile it (make check-long). See matrix_host.c. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHOICES = 5, ROUND_MS = 30000 };

struct dimension {
	const char *name;
	const char *choices[CHOICES + 1];
};

enum { COMPILER, LEVEL, LINK, PLACE, PROTECTION, DWARF, DEBUG_INFORMATION, FLAGS, ROOT, DIMENSIONS };

static const struct dimension dimensions[DIMENSIONS] = {
	{"compiler", {"gcc", "clang"}},
	{"level", {"-O0", "-O1", "-O2", "-O3"}},
	{"link", {"", "-flto"}},
	{"place", {"-fPIE -pie", "-fno-pie -no-pie"}},
	{"protection", {"-fcf-protection=none", "-fcf-protection=full"}},
	{"DWARF", {"-gdwarf-5", "-gdwarf-4"}},
	{"debug information", {"inside", "split", "debuglink", "build-id"}},
	{"flags", {"RTF_CFLAGS", "cmake", "meson", "bear", "-g3"}},
	{"root", {"in place", "moved"}},
};

typedef unsigned char combination[DIMENSIONS];

static unsigned count_of(unsigned dimension)
{
	unsigned count = 0;

	while (dimensions[dimension].choices[count])
		count++;
	return count;
}

static const char *choice(const combination c, unsigned dimension)
{
	return dimensions[dimension].choices[c[dimension]];
}

static bool is(const combination c, unsigned dimension, const char *wanted)
{
	return strcmp(choice(c, dimension), wanted) == 0;
}

/* What compilers do not offer. clang tells DWARF nothing of its command line, and when its linker optimises it looks into
 * every function, so that no decoration holds. Neither compiler splits DWARF when the linker is to optimise (gcc's split
 * files then have no code, clang's linker writes them elsewhere), and gcc's split macros name nothing. */
static bool exists(const combination c)
{
	return !(is(c, COMPILER, "clang") && is(c, LINK, "-flto") && !is(c, LEVEL, "-O0")) &&
	       !(is(c, COMPILER, "clang") && is(c, FLAGS, "-g3")) &&
	       !(is(c, DEBUG_INFORMATION, "split") && (is(c, LINK, "-flto") || is(c, FLAGS, "-g3")));
}

/* --- one program -------------------------------------------------------------------------------------- */

static struct subject host;
static struct wire wire;
static int requests;

static void run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run_shell(const char *format, ...)
{
	char *command, *whole, *output = NULL;
	va_list arguments;

	va_start(arguments, format);
	assert_true(vasprintf(&command, format, arguments) > 0);
	va_end(arguments);
	assert_true(asprintf(&whole, "cd %s && %s", host.directory, command) > 0);
	if (child_run((const char *const[]){"sh", "-c", whole, NULL}, NULL, COMPILED_DEADLINE_MS, &output))
		fail_msg("%s: %.600s", command, output ? output : "");
	free(output);
	free(whole);
	free(command);
}

/* What build systems write: a command as a string, relative to a build folder, or as a list of words. */
static void write_database(const combination c, const char *options, const char *folder, const char *core)
{
	const char *d = host.directory, *compiler = choice(c, COMPILER);
	char *path = compiled_path(&host, "build/compile_commands.json"), *text = NULL;

	if (is(c, FLAGS, "cmake"))
		assert_true(asprintf(&text,
				     "[{\n  \"directory\": \"%s/build\",\n  \"command\": \"/usr/bin/%s "
				     "-DSCALE=10 %s "
				     "-I%s -I%s/%s/include -o CMakeFiles/host.dir/matrix_host.c.o -c "
				     "%s/%s/matrix_host.c\",\n"
				     "  \"file\": \"%s/%s/matrix_host.c\"\n}]\n",
				     d, compiler, options, core, d, folder, d, folder, d, folder) > 0);
	else if (is(c, FLAGS, "meson"))
		assert_true(asprintf(&text,
				     "[{\"directory\": \"%s/build\", \"command\": \"%s -Ihost.p -I. -I.. "
				     "-I%s -I../%s/include "
				     "-fdiagnostics-color=always -Wall %s -DSCALE=10 -MD -MQ host.p/m.c.o "
				     "-MF host.p/m.c.o.d "
				     "-o host.p/m.c.o -c ../%s/matrix_host.c\", \"file\": "
				     "\"../%s/matrix_host.c\", "
				     "\"output\": \"host.p/m.c.o\"}]\n",
				     d, compiler, core, folder, options, folder, folder) > 0);
	else
		assert_true(
			asprintf(&text,
				 "[{\"arguments\": [\"%s\", \"-c\", \"-O2\", \"-DSCALE=10\", \"-I%s\", "
				 "\"-I%s/include\", "
				 "\"-o\", \"host\", \"%s/matrix_host.c\"], \"directory\": \"%s\", \"file\": "
				 "\"%s/matrix_host.c\", \"output\": \"host\"}]\n",
				 compiler, core, folder, folder, d, folder) > 0);
	assert_true(child_write_file(path, text));
	free(text);
	free(path);
}

static void build(const combination c)
{
	char *folder = subject_built(""), *library = realpath(folder, NULL), *core = realpath("core", NULL);
	bool clang_lto = is(c, COMPILER, "clang") && is(c, LINK, "-flto"), g3 = is(c, FLAGS, "-g3");
	bool database = is(c, FLAGS, "cmake") || is(c, FLAGS, "meson") || is(c, FLAGS, "bear");
	char *options, *map = NULL, *debug = NULL;

	run_shell("mkdir -p build src/include debug/.build-id && mv matrix_host.c src && mv matrix_unit.h "
		  "src/include");
	assert_true(asprintf(&options, "%s %s %s %s %s%s %s", choice(c, LEVEL), choice(c, LINK),
			     choice(c, PLACE), choice(c, PROTECTION), choice(c, DWARF),
			     is(c, DEBUG_INFORMATION, "split") ? " -gsplit-dwarf" : "",
			     g3 ? "-g3" : "-g") > 0);
	run_shell("%s -w %s -DSCALE=10 -I%s -Isrc/include -c src/matrix_host.c -o host.o && "
		  "%s %s%s host.o -o host -Wl,--build-id -L%s -Wl,-rpath,%s -lrtf",
		  choice(c, COMPILER), options, core, choice(c, COMPILER), options,
		  clang_lto ? " -fuse-ld=lld" : "", library, library);
	if (is(c, DEBUG_INFORMATION, "debuglink"))
		run_shell("objcopy --only-keep-debug host host.debug && strip -g host && "
			  "objcopy --add-gnu-debuglink=host.debug host");
	if (is(c, DEBUG_INFORMATION, "build-id"))
		run_shell("id=$(readelf -n host | sed -n 's/.*Build ID: //p') && two=$(echo $id | cut -c1-2) "
			  "&& "
			  "mkdir debug/.build-id/$two && objcopy --only-keep-debug host "
			  "debug/.build-id/$two/$(echo $id | cut -c3-).debug && strip -g host");
	if (is(c, ROOT, "moved")) {
		run_shell("mv src moved");
		assert_true(asprintf(&map, "%s/src=%s/moved", host.directory, host.directory) > 0);
		setenv("RTF_SOURCE_ROOT", map, 1);
	}
	if (database)
		write_database(c, options, map ? "moved" : "src", core);
	if (is(c, FLAGS, "RTF_CFLAGS"))
		setenv("RTF_CFLAGS", map ? "-DSCALE=10 -Imoved/include" : "-DSCALE=10 -Isrc/include", 1);
	if (is(c, DEBUG_INFORMATION, "build-id")) {
		debug = compiled_path(&host, "debug");
		setenv("RTF_DEBUG_PATH", debug, 1);
	}
	free(debug);
	free(map);
	free(options);
	free(core);
	free(library);
	free(folder);
}

/* The answer to a request that must succeed. */
static json_t *ask(const char *text)
{
	json_t *answer = wire_ask(&wire, ++requests, text);

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%.100s: %s", text,
			 json_string_value(json_object_get(json_object_get(answer, "error"), "message")));
	return answer;
}

/* Optimised clang keeps none for a function whose callers are in its file: that is told, and calls with values that it
 * could not guess are new ones all the same. */
static bool promises(const combination c)
{
	return !(is(c, COMPILER, "clang") && !is(c, LEVEL, "-O0"));
}

static void assert_answer(const combination c, const char *guessed, const char *others)
{
	const char *got = subject_ask(&host, "all");
	size_t length = strlen(got), end = strlen(others);

	if (length < end || strcmp(got + length - end, others) != 0 ||
	    (promises(c) && strncmp(got, guessed, strlen(guessed)) != 0))
		fail_msg("%s, expected %s %s", got, guessed, others);
}

static void try_functions(const combination c)
{
	const char *origin = is(c, FLAGS, "RTF_CFLAGS") ? "RTF_CFLAGS"
			     : is(c, FLAGS, "-g3")      ? "DWARF"
							: "compile_commands.json";

	compiled_assert_answer(&host, "all", "3 3 16 16 21 0");
	json_t *described = ask("\\describe scaled");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(described, "data"), "flags_from")), origin);
	json_decref(described);
	json_t *answer = ask(
		"int three(void) { return 4; }\nint other_three(void) { return 5; }\n"
		"int square(int a) { return a * a + 1; }\nint other_square(int a) { return a * a - 1; }\n"
		"int scaled(struct unit u) { static int calls; return u.factor * SCALE * 10 + ++calls; }");
	assert_true(promises(c) == (json_array_size(json_object_get(answer, "diagnostics")) == 0));
	json_decref(answer);
	assert_answer(c, "4 5 17 15", "202 0");
	/* By the program's own compiler, too. */
	json_decref(ask("int three(void) { __int128 n = 6; return (int)n; }\n"
			"int scaled(struct unit u) { static int calls; __int128 n = SCALE; return u.factor * "
			"(int)n + ++calls; }"));
	assert_answer(c, "6 5 17 15", "23 0");
	json_decref(ask("\\undo"));
	json_decref(ask("\\undo"));
	compiled_assert_answer(&host, "all", "3 3 16 16 24 0");
}

static void try_combination(const combination c)
{
	static const char *const sources[] = {"matrix_host.c", "matrix_unit.h"};
	subject_init(&host);
	for (size_t i = 0; i < 2; i++) {
		char *from, *to = compiled_path(&host, sources[i]);
		assert_true(asprintf(&from, "tests/system/%s", sources[i]) > 0);
		char *text = child_read_file(from);
		assert_true(text && child_write_file(to, text));
		free(text);
		free(from);
		free(to);
	}
	unsetenv("RTF_SOURCE_ROOT");
	unsetenv("RTF_CFLAGS");
	unsetenv("RTF_DEBUG_PATH");
	setenv("RTF_OPTIMIZE", "0", 1);
	build(c);
	compiled_start(&host);
	wire_open(&wire, host.socket);
	try_functions(c);
	wire_close(&wire);
	subject_fini(&host);
}

/* --- all of them, or each choice with each ------------------------------------------------------------ */

static bool next_combination(combination c)
{
	for (unsigned i = 0; i < DIMENSIONS; i++) {
		if (++c[i] < count_of(i))
			return true;
		c[i] = 0;
	}
	return false;
}

/* [a dimension][its choice][another one][its choice]: they have been together. */
static bool met[DIMENSIONS][CHOICES][DIMENSIONS][CHOICES];

static unsigned new_meetings(const combination c)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DIMENSIONS; i++)
		for (unsigned k = i + 1; k < DIMENSIONS; k++)
			count += !met[i][c[i]][k][c[k]];
	return count;
}

/* The combination that brings most together that was not yet; false if nothing is left. */
static bool choose(combination out)
{
	combination c = {0};
	unsigned most = 0;

	do {
		unsigned fresh = exists(c) ? new_meetings(c) : 0;
		if (fresh <= most)
			continue;
		most = fresh;
		memcpy(out, c, sizeof(c));
	} while (next_combination(c));
	for (unsigned i = 0; most && i < DIMENSIONS; i++)
		for (unsigned k = i + 1; k < DIMENSIONS; k++)
			met[i][out[i]][k][out[k]] = true;
	return most;
}

/* --- two at a time, each in a process of its own ------------------------------------------------------ */

enum { AT_ONCE = 2 };

struct running {
	pid_t pid; /* 0: nothing runs here */
	combination what;
	FILE *output;
};

static struct running running[AT_ONCE];
static const char *self;
static unsigned tried, failures;

static char *spell(const combination c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < DIMENSIONS; i++)
		fprintf(out, "%s%s", i ? ", " : "", *choice(c, i) ? choice(c, i) : "-");
	fclose(out);
	return text;
}

static void start(struct running *r, const combination c)
{
	char number[DIMENSIONS + 1] = "";

	memcpy(r->what, c, sizeof(r->what));
	for (unsigned i = 0; i < DIMENSIONS; i++)
		number[i] = (char)('0' + c[i]);
	r->output = tmpfile();
	assert_non_null(r->output);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid > 0)
		return;
	dup2(fileno(r->output), STDOUT_FILENO);
	dup2(fileno(r->output), STDERR_FILENO);
	setenv("RTF_MATRIX", number, 1);
	execl(self, self, (char *)NULL);
	_exit(127);
}

static void end(struct running *r, int status)
{
	char *name = spell(r->what), line[512];

	tried++;
	if (status) {
		failures++;
		print_error("%s:\n", name);
		rewind(r->output);
		while (fgets(line, sizeof(line), r->output))
			if (*line != '[' || strstr(line, "ERROR"))
				print_error("    %s", line);
	}
	fclose(r->output);
	r->pid = 0;
	free(name);
}

static void await_one(void)
{
	int status;
	pid_t pid = wait(&status);

	assert_true(pid > 0);
	for (size_t i = 0; i < AT_ONCE; i++)
		if (running[i].pid == pid)
			end(&running[i], status);
}

static void run(const combination c)
{
	for (;;) {
		for (size_t i = 0; i < AT_ONCE; i++)
			if (!running[i].pid) {
				start(&running[i], c);
				return;
			}
		await_one();
	}
}

static bool any_runs(void)
{
	bool any = false;

	for (size_t i = 0; i < AT_ONCE; i++)
		any |= running[i].pid != 0;
	return any;
}

static void every_choice_works_with_every_other(void **state)
{
	const char *all = getenv("RTF_MATRIX");
	combination c = {0};

	(void)state;
	if (all && strcmp(all, "all") == 0) {
		/* Where the flags come from and where the source lies has nothing to do with the code: each in turn. */
		for (unsigned turn = 0; !c[FLAGS] && !c[ROOT]; turn++) {
			combination what;
			memcpy(what, c, sizeof(what));
			what[FLAGS] = turn % count_of(FLAGS);
			what[ROOT] = turn / count_of(FLAGS) % count_of(ROOT);
			if (exists(what))
				run(what);
			next_combination(c);
		}
	} else {
		while (choose(c))
			run(c);
	}
	while (any_runs())
		await_one();
	print_message("%u combinations\n", tried);
	assert_int_equal(failures, 0);
}

static void this_combination_works(void **state)
{
	const char *number = getenv("RTF_MATRIX");
	combination c;

	(void)state;
	for (unsigned i = 0; i < DIMENSIONS; i++)
		c[i] = (unsigned char)(number[i] - '0');
	try_combination(c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest all[] = {cmocka_unit_test(every_choice_works_with_every_other)};
	const struct CMUnitTest one[] = {cmocka_unit_test(this_combination_works)};
	const char *which = getenv("RTF_MATRIX");

	(void)argc;
	self = argv[0];
	if (which && strlen(which) == DIMENSIONS)
		return cmocka_run_group_tests_name("system: one of the matrix", one, NULL, NULL);
	return cmocka_run_group_tests_name("system: matrix", all, NULL, NULL);
}
