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

enum { ROUND_MS = 180000, STOP_MS = 5000 };

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

/* FROM/NAME.c and what goes with it as DIRECTORY/PROGRAM. `finish`: a command behind it, in the directory. */
static void build_from(const char *from, const char *compiler, const char *name, const char *program,
		       const char *edit, const char *finish)
{
	char *folder = subject_built(""), *library = realpath(folder, NULL), *more = strdup("");
	const char *d = host.directory;

	if (!strcmp(name, "state")) {
		run_shell(
			"%s -g -w -Icore %s -shared -fPIC tests/system/shapes/state_library.c -o %s/lib%s.so "
			"-L%s -lrtf",
			compiler, edit, d, program, library);
		free(more);
		assert_true(asprintf(&more, "tests/system/shapes/state_other.c %s/lib%s.so", d, program) > 0);
	}
	run_shell("%s -g -w -Icore %s %s/%s.c %s -o %s/%s -L%s -lrtf -lm -Wl,-rpath,%s:%s", compiler, edit,
		  from, name, more, d, program, library, library, d);
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

static void start_programs(void)
{
	unsetenv("RTF_CFLAGS");
	start(&host.program, "subject", host.socket);
	start(&twin, "subject", "-");
	start(&other, "other", "-");
	wire_open(&wire, host.socket);
	problems = open_memstream(&problem_text, &problem_size);
	assert_non_null(problems);
}

static void start_all(const char *compiler, const char *name, const char *finish)
{
	subject_init(&host);
	build_from("tests/system/shapes", compiler, name, "subject", "", finish);
	build_from("tests/system/shapes", compiler, name, "other", "-DEDIT=" OTHER_EDIT, NULL);
	start_programs();
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
			fprintf(problems, "%s: expected %.*s, got %.*s\n", when, (int)n, expected, (int)m,
				got);
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
		bool here = !strncmp(text, word, 4) && !isalnum(before) && before != '_' &&
			    !isalnum(text[4]) && text[4] != '_';
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
	try_shape("gcc -O2 -gdwarf-4", "state",
		  "objcopy --only-keep-debug subject subject.debug && "
		  "strip -g subject && objcopy --add-gnu-debuglink=subject.debug subject");
	assert_false(failed);
}

/* Thread-locals of a library in the block that threads begin with, and by way of a descriptor. */
static void gcc_with_other_ways_to_thread_locals(void **state)
{
	(void)state;
	try_shape("gcc -O0 -ftls-model=initial-exec", "state", NULL);
	try_shape("gcc -O2 -mtls-dialect=gnu2", "state", NULL);
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
	try_own_text("clang -O2", "language", NULL);
	stop_all("clang -O2", "language");
	try_own_text("clang -O2 -gdwarf-4", "macros", NULL);
	stop_all("clang -O2 -gdwarf-4", "macros");
	assert_false(failed);
}

/* --- texts that bring something new -------------------------------------------------------------------- */

/* The answer of one probe in a round of its own. */
static long answer_of(const char *name)
{
	char *all = probe(&host.program), *line = all;
	long value = -1;
	size_t length = strlen(name);

	while (line && (strncmp(line, name, length) || line[length] != ' '))
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	if (line)
		value = strtol(line + length, NULL, 10);
	else
		fprintf(problems, "there is no probe %s\n", name);
	free(all);
	return value;
}

/* After this text, the probe answers so. */
static void expect(const char *text, const char *name, long value)
{
	json_t *answer = ask("%s", text);
	bool taken = json_is_true(json_object_get(answer, "ok"));
	long got = taken ? answer_of(name) : 0;

	if (!taken)
		fprintf(problems, "%.200s was refused: %s\n", text, message_of(answer));
	else if (got != value)
		fprintf(problems, "%.200s: %s is %ld, expected %ld\n", text, name, got, value);
	json_decref(answer);
}

/* This text is refused, with an error of this class that says all of these (up to a NULL). */
static void refuse(const char *text, const char *class, ...)
{
	json_t *answer = ask("%s", text), *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "class")), *part;
	va_list parts;

	if (!got || strcmp(got, class))
		fprintf(problems, "%.200s: class %s, expected %s (%s)\n", text, got ? got : "none", class,
			message_of(answer));
	va_start(parts, class);
	while ((part = va_arg(parts, const char *)))
		if (!strstr(message_of(answer), part))
			fprintf(problems, "%.200s: it does not say \"%s\": %s\n", text, part,
				message_of(answer));
	va_end(parts);
	json_decref(answer);
}

static void bring_new_things(const char *compiler)
{
	start_all(compiler, "state", NULL);
	/* A static that one version adds is there for the next, and for other functions of the file. */
	expect("static int added = 5;\nlong identity(long n) { return n + added++; }", "identity", 8);
	expect("static int added = 5;\nlong identity(long n) { return n * 100 + added++; }", "identity", 306);
	expect("static int added = 7;\nstatic long strings(void) { return added * 1000; }", "strings", 7000);
	expect("static long tables(int n) { static int calls = 40; return ++calls; }", "tables", 41);
	expect("static long tables(int n) { static int calls = 40; return ++calls * 2; }", "tables", 84);
	/* A helper, a type, a macro, a constant, a header. */
	expect("#include <math.h>\n#include <ctype.h>\n#define FACTOR 3\n"
	       "enum shade { DARK = 10 };\nstruct fresh { int a; enum shade s; };\n"
	       "static int scaled(const struct fresh *f) { return f->a * FACTOR + f->s; }\n"
	       "static const int offsets[] = {1, 20, 300};\n"
	       "long identity(long n) { struct fresh f = {(int)n, DARK}; "
	       "return scaled(&f) + offsets[2] + (long)floor(2.5) + (toupper('a') == 'A'); }",
	       "identity", 9 + 10 + 300 + 2 + 1);
	/* A function of a library that the program has, but never called; and one that it does not have. */
	expect("long identity(long n) { return strpbrk(\"abc\", \"xc\")[0] == 0x63; }", "identity", 1);
	refuse("unsigned long crc32(unsigned long, const char *, unsigned);\n"
	       "long identity(long n) { return (long)crc32(0, \"x\", 1); }",
	       "unknown", "crc32", NULL);
	refuse("long identity(long n) { return nowhere(n); }", "compile", "nowhere", NULL);
	/* It is there once a library that has it is loaded. */
	run_shell("cd %s && echo 'long fetched(long n) { return n * 30; }' >fetched.c && "
		  "cc -shared -fPIC fetched.c -o libfetched.so",
		  host.directory);
	refuse("long fetched(long);\nlong identity(long n) { return fetched(n); }", "unknown", "fetched", NULL);
	json_decref(ask("#include <dlfcn.h>"));
	json_decref(ask("dlopen(\"%s/libfetched.so\", RTLD_NOW | RTLD_GLOBAL)", host.directory));
	expect("long fetched(long);\nlong identity(long n) { return fetched(n); }", "identity", 90);
	/* A variable of all files. */
	expect("int fresh_global = 9;\nlong identity(long n) { return n + fresh_global++; }", "identity", 12);
	expect("int fresh_global = 9;\nlong identity(long n) { return n * 100 + fresh_global; }", "identity",
	       310);
	/* A longer table is the version's own. */
	expect("static long tables(int n) { static const struct { const char *name; int value; } named[] = "
	       "{{\"a\", 1}, {\"b\", 2}, {\"c\", 3}, {\"d\", 4}}; return named[n + 1].value + "
	       "(long)sizeof(named); }",
	       "tables", 4 + 64);
	expect("static const int squares[] = {0, 1, 4, 9, 16, 25, 36};\n"
	       "static long tables(int n) { return squares[6] + (long)sizeof(squares); }",
	       "tables", 36 + 28);
	stop_all(compiler, "what is new");
}

static void texts_may_bring_what_is_new(void **state)
{
	(void)state;
	bring_new_things("gcc -O0");
	bring_new_things("gcc -O2");
	bring_new_things("clang -O0");
	assert_false(failed);
}

/* What else has its name, outside or in another function, is not a function's own variable. */
static void keep_apart(const char *compiler)
{
	start_all(compiler, "state", NULL);
	expect("static long local_static(void) { static int n = 1; return ++n; }", "local_static", 2);
	expect("static const int n = 30;\n"
	       "static long local_static(void) { long r = n; static int n = 1; return r + ++n; }",
	       "local_static", 30 + 3);
	expect("static const int n = 30;\n"
	       "static long local_static(void) { long r = n; static int n = 1; return r + ++n + (__int128)0; "
	       "}",
	       "local_static", 30 + 4);
	expect("static int fresh(void) { static int n = 500; return n++; }\n"
	       "static long local_static(void) { static int n = 1; return fresh() * 100 + ++n; }",
	       "local_static", 50000 + 5);
	expect("static int fresh(void) { static int n = 500; return n++; }\n"
	       "static long local_static(void) { static int n = 1; return fresh() * 100 + ++n; }",
	       "local_static", 50100 + 6);
	expect("static inline int fresh(void) { static int n = 700; return n++; }\n"
	       "static long local_static(void) { static int n = 1; return fresh() * 100 + ++n; }",
	       "local_static", 70000 + 7);
	stop_all(compiler, "statics of one name");
}

static void a_functions_static_keeps_its_value_whatever_else_has_its_name(void **state)
{
	(void)state;
	keep_apart("gcc -O0");
	keep_apart("gcc -O2");
	keep_apart("clang -O0");
	assert_false(failed);
}

static void what_does_not_fit_is_refused_with_both_sides(void **state)
{
	(void)state;
	start_all("gcc -O0", "functions", NULL);
	refuse("static long take(struct small s, struct pair p, int l) { return 1; }", "signature",
	       "long take(struct small, struct pair, struct large)", "int", NULL);
	refuse("struct pair { long a; double b; int c; };\n"
	       "static struct pair make_pair(long a, double b) { return (struct pair){a, b, 1}; }",
	       "layout", "struct pair", "16", "24", NULL);
	refuse("struct small { short b, a; };\n"
	       "static struct small make_small(int a) { return (struct small){.a = a, .b = 1}; }",
	       "layout", "struct small.a", "2", "0", NULL);
	stop_all("gcc -O0", "guards");
	start_all("gcc -O0", "state", NULL);
	refuse("static long local_static(void) { static long n = 1; return n++; }", "layout",
	       "n is int in the running", "long here", NULL);
	refuse("long library_thread(int n) { inside_thread += n; return 1; }", "unknown", "library_thread",
	       "not decorated", NULL);
	stop_all("gcc -O0", "guards");
	assert_false(failed);
}

/* A flag decorates all functions of a file but keeps the optimiser from none. */
static void what_the_optimiser_fitted_to_its_callers_is_told(void **state)
{
	(void)state;
	try_own_text("gcc -O2 -fpatchable-function-entry=16", "functions", NULL);
	stop_all("gcc -O2, a whole file decorated", "functions");
	start_all("gcc -O2 -fpatchable-function-entry=16", "functions", NULL); /* it is said once */
	json_t *answer = ask("static long helpers(int n) { return deep(n * 500); }");
	json_t *first = json_array_get(json_object_get(answer, "diagnostics"), 0);
	const char *message = json_string_value(json_object_get(first, "message"));
	if (!message || !strstr(message, "deep") || !strstr(message, "-flive-patching=inline-clone"))
		fprintf(problems, "no warning of deep(): %s\n", message ? message : message_of(answer));
	json_decref(answer);
	stop_all("gcc -O2, a whole file decorated", "functions");
	try_shape("gcc -O2 -fpatchable-function-entry=16 -flive-patching=inline-clone", "functions", NULL);
	assert_false(failed);
}

/* clang keeps the members of a static structure as variables of their own. */
static void a_static_that_was_taken_apart_is_said_to_be_lost(void **state)
{
	(void)state;
	start_all("clang -O2", "state", NULL);
	refuse("long fields(void) { return nameless.x; }", "layout", "does not keep nameless as one variable",
	       NULL);
	compare_round("after a refusal", false);
	stop_all("clang -O2", "state");
	/* A pointer that things are known by, folded into its users: another "nobody" would be somebody. */
	start_all("gcc -O0", "state", NULL);
	expect("long identity(long n) { return is_nobody(nobody); }", "identity", 1);
	stop_all("gcc -O0", "state");
	start_all("gcc -O2", "state", NULL);
	refuse("long identity(long n) { return is_nobody(nobody); }", "layout", "does not keep nobody", NULL);
	stop_all("gcc -O2", "state");
	assert_false(failed);
}

/* A byte order mark and carriage returns, as editors of other systems write them. */
static void files_of_other_systems_are_read(void **state)
{
	(void)state;
	subject_init(&host);
	run_shell("for f in macros.c template.h; do printf '\\357\\273\\277' > %s/$f; "
		  "sed 's/$/\\r/' tests/system/shapes/$f >> %s/$f; done; cp tests/system/shapes/shapes.h %s",
		  host.directory, host.directory, host.directory);
	char *folder = strdup(host.directory);
	build_from(folder, "gcc -O0", "macros", "subject", "", NULL);
	build_from(folder, "gcc -O0", "macros", "other", "-DEDIT=" OTHER_EDIT, NULL);
	start_programs();
	for_each_function(redefine, false);
	compare_round("with its own text", false);
	for_each_function(redefine, true);
	compare_round("edited", true);
	stop_all("gcc -O0", "macros with carriage returns");
	free(folder);
	assert_false(failed);
}

/* With its own text. By libtcc, or for this reason not. */
static void go(const char *name, const char *reason)
{
	json_t *source = ask("\\source %s@0", name);
	json_t *answer = ask("\\define %s\n%s", name,
			     json_string_value(json_object_get(json_object_get(source, "data"), "text")));
	json_t *row = json_array_get(json_object_get(answer, "data"), 0);
	const char *backend = json_string_value(json_object_get(row, "backend"));
	const char *why = json_string_value(json_object_get(row, "why_cc"));

	if (!backend || (!reason && strcmp(backend, "tcc")))
		fprintf(problems, "%s does not go by libtcc: %s\n", name, why ? why : message_of(answer));
	else if (reason && (!why || !strstr(why, reason)))
		fprintf(problems, "%s: not \"%s\" but: %s\n", name, reason, why ? why : backend);
	json_decref(answer);
	json_decref(source);
}

static void go_by_libtcc(const char *name)
{
	go(name, NULL);
}

/* libtcc alone would read behind them, or leave some of their bits as they were. */
static void structures_of_odd_sizes_and_bit_fields_go_by_libtcc(void **state)
{
	(void)state;
	start_all("gcc -O2", "language", NULL);
	go_by_libtcc("bit_fields");
	go_by_libtcc("bit_fields_from_macros");
	go_by_libtcc("last_triple");
	go_by_libtcc("odd_sizes");
	go_by_libtcc("odd_sizes_from_macros");
	go_by_libtcc("lines_of_a_cache");
	go_by_libtcc("enumerated");
	go_by_libtcc("packed_enumerations");
	compare_round("by libtcc", false);
	stop_all("gcc -O2", "language");
	assert_false(failed);
}

/* Where the slice does no more than declare or read them, or leaves it to the compiler's own operations. */
static void atomic_variables_and_the_unions_of_sockets_go_by_libtcc(void **state)
{
	(void)state;
	try_shape("gcc -O0", "atomics", NULL);
	try_shape("gcc -O2", "atomics", NULL);
	try_shape("clang -O0", "atomics", NULL);
	start_all("gcc -O2", "atomics", NULL);
	go_by_libtcc("beside_one");
	go_by_libtcc("read_only");
	go_by_libtcc("counted");
	go_by_libtcc("socket_family");
	compare_round("by libtcc", false);
	stop_all("gcc -O2", "atomics");
	assert_false(failed);
}

/* A #pragma counts for what stands behind it, also in a slice. */
static void pragmas_mean_what_they_meant(void **state)
{
	(void)state;
	try_shape("gcc -O0", "pragmas", NULL);
	try_shape("gcc -O2", "pragmas", NULL);
	try_shape("clang -O0", "pragmas", NULL);
	assert_false(failed);
}

static void what_is_spelled_in_rare_ways_means_what_it_meant(void **state)
{
	(void)state;
	try_shape("gcc -O0", "dialect", NULL);
	try_shape("gcc -O2 -mtls-dialect=gnu2", "dialect", NULL);
	try_shape("clang -O0", "dialect", NULL);
	try_own_text("clang -O2", "dialect", NULL);
	stop_all("clang -O2", "dialect");
	start_all("gcc -O0", "dialect", NULL);
	go_by_libtcc("runs_before_main");
	go_by_libtcc("runs_too");
	refuse("static struct pair { int a; long b, c; } make_pair(int n) { struct pair p = {n, n}; return "
	       "p; }",
	       "layout", "struct pair has size 16 in the running program, 24 here", NULL);
	stop_all("gcc -O0", "dialect");
	assert_false(failed);
}

static void rarer_forms_mean_what_they_meant(void **state)
{
	(void)state;
	try_shape("gcc -O0", "variations", NULL);
	try_shape("gcc -O2", "variations", NULL);
	try_shape("clang -O0", "variations", NULL);
	start_all("gcc -O0", "variations", NULL);
	go_by_libtcc("included_inside");
	go_by_libtcc("of_conditions");
	go_by_libtcc("of_plain_conditions");
	go_by_libtcc("of_macros");
	go_by_libtcc("of_bounds");
	go("of_arrays", "a parameter that points to an array of variable length");
	go("wide_text", "UTF-16 and UTF-32 literals");
	go("by_registers", "inline assembler");
	go("large_values", "128-bit integers");
	go("with_inner", "libclang does not take what the program's compiler does: ");
	compare_round("by libtcc", false);
	stop_all("gcc -O0", "variations");
	assert_false(failed);
}

static void statics_of_what_was_inlined_everywhere_are_shown_or_said_to_have_no_type(void **state)
{
	(void)state;
	start_all("gcc -O2", "functions", NULL);
	json_t *answer = ask("\\print inlined::last");
	const char *text = json_string_value(json_object_get(json_object_get(answer, "data"), "text"));
	if (!text || strcmp(text, "3"))
		fprintf(problems, "inlined::last is %s\n", text ? text : message_of(answer));
	json_decref(answer);
	refuse("\\print inlined::first", "unknown", "there is no static variable first in a function inlined", NULL);
	stop_all("gcc -O2", "functions");
	start_all("clang -O2", "functions", NULL);
	refuse("\\print inlined::last", "unknown", "inlined::last lies at 0x",
	       "but its compiler inlined the function everywhere and tells nowhere of what type it is", NULL);
	stop_all("clang -O2", "functions");
	assert_false(failed);
}

/* What grows a stack is hidden in the program: versions do without, and say so. */
static void a_program_that_splits_its_stack_is_told_that_versions_do_not(void **state)
{
	(void)state;
	try_shape("gcc -O2 -fsplit-stack", "dialect", NULL);
	start_all("gcc -O0 -fsplit-stack", "dialect", NULL);
	json_t *answer = ask("long target(int n) { __int128 wide = n; return wide * 5; }");
	json_t *first = json_array_get(json_object_get(answer, "diagnostics"), 0);
	const char *message = json_string_value(json_object_get(first, "message"));
	if (!message || !strstr(message, "is compiled with -fsplit-stack: this version"))
		fprintf(problems, "no warning: %s\n", message ? message : message_of(answer));
	json_decref(answer);
	compare_round("by cc", false);
	stop_all("gcc -O0 -fsplit-stack", "dialect");
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
		cmocka_unit_test_setup(gcc_with_other_ways_to_thread_locals, forget_failures),
		cmocka_unit_test_setup(gcc_with_link_time_optimisation, forget_failures),
		cmocka_unit_test_setup(clang_unoptimised, forget_failures),
		cmocka_unit_test_setup(clang_optimised, forget_failures),
		cmocka_unit_test_setup(texts_may_bring_what_is_new, forget_failures),
		cmocka_unit_test_setup(a_functions_static_keeps_its_value_whatever_else_has_its_name,
				       forget_failures),
		cmocka_unit_test_setup(what_does_not_fit_is_refused_with_both_sides, forget_failures),
		cmocka_unit_test_setup(a_static_that_was_taken_apart_is_said_to_be_lost, forget_failures),
		cmocka_unit_test_setup(what_the_optimiser_fitted_to_its_callers_is_told, forget_failures),
		cmocka_unit_test_setup(files_of_other_systems_are_read, forget_failures),
		cmocka_unit_test_setup(structures_of_odd_sizes_and_bit_fields_go_by_libtcc, forget_failures),
		cmocka_unit_test_setup(atomic_variables_and_the_unions_of_sockets_go_by_libtcc,
				       forget_failures),
		cmocka_unit_test_setup(pragmas_mean_what_they_meant, forget_failures),
		cmocka_unit_test_setup(what_is_spelled_in_rare_ways_means_what_it_meant, forget_failures),
		cmocka_unit_test_setup(rarer_forms_mean_what_they_meant, forget_failures),
		cmocka_unit_test_setup(statics_of_what_was_inlined_everywhere_are_shown_or_said_to_have_no_type,
				       forget_failures),
		cmocka_unit_test_setup(a_program_that_splits_its_stack_is_told_that_versions_do_not,
				       forget_failures),
	};

	/* Which backend took a version is another test's question; here none comes between. */
	setenv("RTF_OPTIMIZE", "0", 1);
	return cmocka_run_group_tests_name("system: shapes", tests, NULL, NULL);
}
