/* The target, against programs that say of themselves what it should find (target/shapes.h), built in many
 * ways. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- fixtures: building, starting, listening ----------------------------------------------------- */

enum { DEADLINE_MS = 60000, OUTPUT = 65536 };

static char sources[PATH_MAX], work[PATH_MAX];

/* Runs a shell command in the scratch directory, where $S is the folder of the sources. */
static void __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
	char command[4096], whole[sizeof(command) + 2 * PATH_MAX + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "cd '%s' && S='%s' && { %s\n} >log 2>&1 || { cat log >&2; false; }",
		 work, sources, command);
	if (system(whole) != 0)
		fail_msg("this command failed: %s", command);
}

struct fixture {
	pid_t pid;
	int to, from;
	char said[OUTPUT];
	struct target *target;
};

static struct fixture fixtures[2];
static char last_fact[512]; /* that was checked: cmocka's message alone would not tell which */

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* What the program says until it is ready; replaces what it said before. */
static void listen_to(struct fixture *fixture)
{
	long deadline = now_ms() + DEADLINE_MS;
	size_t length = 0;

	for (;;) {
		struct pollfd wait = {.fd = fixture->from, .events = POLLIN};
		long left = deadline - now_ms();
		ssize_t count;

		if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
			fail_msg("the program is silent");
		count = read(fixture->from, fixture->said + length, sizeof(fixture->said) - 1 - length);
		if (count <= 0)
			fail_msg("the program ended");
		length += (size_t)count;
		fixture->said[length] = '\0';
		if (length >= 6 && strcmp(fixture->said + length - 6, "ready\n") == 0)
			return;
	}
}

static void tell(struct fixture *fixture, const char *line)
{
	assert_int_equal(write(fixture->to, line, strlen(line)), strlen(line));
	assert_int_equal(write(fixture->to, "\n", 1), 1);
	listen_to(fixture);
}

static void start(struct fixture *fixture, const char *program)
{
	char path[PATH_MAX + 64];
	int to[2], from[2];

	snprintf(path, sizeof(path), "%s/%s", work, program);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	fixture->target = NULL;
	fixture->pid = fork();
	if (fixture->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	fixture->to = to[1];
	fixture->from = from[0];
	listen_to(fixture);
}

static void stop(struct fixture *fixture)
{
	int status;

	target_free(fixture->target);
	close(fixture->to);
	close(fixture->from);
	assert_int_equal(waitpid(fixture->pid, &status, 0), fixture->pid);
	fixture->pid = 0;
}

/* Those of a test that failed. */
static int stop_all(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		if (!fixtures[i].pid)
			continue;
		print_error("the last fact was: %s\n", last_fact);
		stop(&fixtures[i]);
	}
	return 0;
}

static void must(struct error *error)
{
	if (error)
		fail_msg("%s", error_message(error));
}

static struct target *open_target(struct fixture *fixture)
{
	must(target_new(fixture->pid, NULL, &fixture->target));
	return fixture->target;
}

static char *word(char **rest)
{
	char *token = strsep(rest, " ");

	assert_non_null(token);
	return token;
}

static uint64_t number(char **rest)
{
	return strtoull(word(rest), NULL, 0);
}

/* --- looking for one function among all ---------------------------------------------------------- */

struct wanted {
	const char *file, *name; /* the source file without directories and ".c"; NULL is any */
	struct target_function found;
	unsigned count;
};

static bool is_source(const char *path, const char *stem)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strncmp(base, stem, strlen(stem)) == 0 && strcmp(base + strlen(stem), ".c") == 0;
}

static bool match_function(void *context, const struct target_function *function)
{
	struct wanted *wanted = context;

	if (strcmp(function->name, wanted->name) == 0 &&
	    (!wanted->file || is_source(function->unit->file, wanted->file))) {
		wanted->found = *function;
		wanted->count++;
	}
	return true;
}

static struct target_function function_named(struct target *target, const char *file, const char *name)
{
	struct wanted wanted = {.file = file, .name = name};

	target_each_function(target, match_function, &wanted);
	if (wanted.count != 1)
		fail_msg("%u functions %s in %s", wanted.count, name, file ? file : "all files");
	return wanted.found;
}

static bool match_unit(void *context, const struct target_function *function)
{
	struct wanted *wanted = context;

	wanted->found = *function;
	wanted->count = is_source(function->unit->file, wanted->file);
	return !wanted->count;
}

static const struct target_unit *unit_named(struct target *target, const char *file)
{
	struct wanted wanted = {.file = file};

	target_each_function(target, match_unit, &wanted);
	if (!wanted.count)
		fail_msg("no unit %s", file);
	return wanted.found.unit;
}

/* --- what a line of the program says must be what the target says -------------------------------- */

static enum target_tag tag_named(const char *keyword)
{
	static const char *const keywords[] = {"struct", "union", "enum", "typedef"};

	for (enum target_tag tag = TARGET_STRUCT; tag <= TARGET_TYPEDEF; tag++)
		if (strcmp(keywords[tag], keyword) == 0)
			return tag;
	fail();
	return TARGET_STRUCT;
}

static bool layout_named(struct target *target, const struct target_unit *unit, char **rest,
			 struct target_layout *layout)
{
	enum target_tag tag = tag_named(word(rest));

	return target_find_layout(target, unit, tag, word(rest), layout);
}

static void check_size(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_layout layout;

	assert_true(layout_named(target, unit, rest, &layout));
	assert_int_equal(layout.size, number(rest));
}

static void check_incomplete(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_layout layout;

	assert_false(layout_named(target, unit, rest, &layout));
}

static void check_member(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_layout layout;
	const char *name;

	assert_true(layout_named(target, unit, rest, &layout));
	name = word(rest);
	for (size_t i = 0; i < layout.count; i++) {
		const struct target_member *member = &layout.members[i];
		if (!member->name || strcmp(member->name, name) != 0)
			continue;
		assert_int_equal(member->bit_offset, number(rest));
		assert_int_equal(member->bit_size, number(rest));
		return;
	}
	fail_msg("no member %s", name);
}

static void check_constant(struct target *target, const struct target_unit *unit, char **rest)
{
	int64_t value;

	assert_true(target_find_enumerator(target, unit, word(rest), &value));
	assert_int_equal(value, strtoll(word(rest), NULL, 0));
}

static void check_bound(struct target *target, const struct target_unit *unit, char **rest)
{
	uint64_t bound;

	assert_true(target_find_bound(target, unit, word(rest), &bound));
	assert_int_equal(bound, number(rest));
}

static void check_unbounded(struct target *target, const struct target_unit *unit, char **rest)
{
	uint64_t bound;

	assert_false(target_find_bound(target, unit, word(rest), &bound));
}

static void check_find(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_symbol symbol;
	const char *name = word(rest);
	uint64_t size;

	if (!target_find(target, unit, name, &symbol))
		fail_msg("%s is not found in %s", name, unit->file);
	assert_int_equal(symbol.address, number(rest));
	size = number(rest);
	assert_int_equal(symbol.function, size == 0);
	if (size)
		assert_int_equal(symbol.size, size);
	assert_false(symbol.thread_local);
	assert_int_equal(symbol.internal, strcmp(word(rest), "internal") == 0);
}

static void check_absent(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_symbol symbol;

	assert_false(target_find(target, unit, word(rest), &symbol));
}

static void check_function(struct target *target, const struct target_unit *unit, char **rest)
{
	const char *name = word(rest);
	uint64_t address = number(rest);
	unsigned line = (unsigned)number(rest);
	bool internal = strcmp(word(rest), "internal") == 0;
	struct target_function function;
	struct target_symbol symbol;

	assert_true(target_function_at(target, address, &function));
	assert_string_equal(function.name, name);
	assert_int_equal(function.entry, address);
	assert_int_equal(function.line, line);
	assert_int_equal(function.external, !internal);
	assert_ptr_equal(function.unit, unit);
	assert_string_equal(function.file, unit->file);
	assert_string_equal(function.module, unit->module);
	assert_true(function.size > 0);
	assert_false(function.clone);
	assert_true(target_find(target, unit, name, &symbol));
	assert_true(symbol.function);
	assert_int_equal(symbol.address, address);
	assert_int_equal(symbol.internal, internal);
}

static void check_local(struct target *target, const struct target_unit *unit, char **rest)
{
	const char *function_name = word(rest), *name = word(rest);
	unsigned nth = (unsigned)number(rest);
	struct target_symbol owner, symbol;
	struct target_function function;

	assert_true(target_find(target, unit, function_name, &owner));
	assert_true(target_function_at(target, owner.address, &function));
	assert_true(target_find_local(target, &function, name, nth, &symbol));
	assert_int_equal(symbol.address, number(rest));
	assert_true(symbol.internal);
	assert_false(target_find_local(target, &function, name, 3, &symbol));
	assert_false(target_find_local(target, &function, "nobody", 0, &symbol));
}

static void check_thread(struct target *target, const struct target_unit *unit, char **rest)
{
	struct target_symbol symbol;
	uint64_t offset;

	assert_true(target_find(target, unit, word(rest), &symbol));
	assert_true(symbol.thread_local);
	assert_true(target_tls_offset(target, unit, symbol.address, &offset));
	assert_int_equal((int64_t)offset, strtoll(word(rest), NULL, 0));
}

static void check_sled(struct target *target, uint64_t sled)
{
	struct target_function function;

	assert_true(target_function_at(target, sled, &function));
	assert_true(sled - function.entry <= 4);
	assert_true(function.unit && function.line);
}

typedef void check_fn(struct target *, const struct target_unit *, char **rest);

static check_fn *check_named(const char *kind)
{
	static const struct {
		const char *kind;
		check_fn *check;
	} checks[] = {
		{"size", check_size},         {"member", check_member}, {"incomplete", check_incomplete},
		{"constant", check_constant}, {"bound", check_bound},   {"unbounded", check_unbounded},
		{"find", check_find},         {"absent", check_absent}, {"function", check_function},
		{"local", check_local},       {"thread", check_thread},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (strcmp(checks[i].kind, kind) == 0)
			return checks[i].check;
	fail_msg("the program says %s", kind);
	return NULL;
}

static void check_line(struct target *target, char *line)
{
	char *rest = line;
	const char *kind;
	check_fn *check;

	snprintf(last_fact, sizeof(last_fact), "%s", line);
	kind = word(&rest);
	if (strcmp(kind, "sled") == 0) {
		check_sled(target, number(&rest));
		return;
	}
	check = check_named(kind);
	check(target, unit_named(target, word(&rest)), &rest);
}

/* Everything that the program said, which is at least `facts` lines. */
static void check_all(struct target *target, const struct fixture *fixture, unsigned facts)
{
	char said[OUTPUT], *rest = said, *line;
	unsigned count = 0;

	memcpy(said, fixture->said, sizeof(said));
	while ((line = strsep(&rest, "\n")) && strcmp(line, "ready") != 0) {
		check_line(target, line);
		count++;
	}
	assert_true(count >= facts);
}

static uint64_t said_address(const struct fixture *fixture, const char *fact)
{
	const char *line = strstr(fixture->said, fact);

	assert_non_null(line);
	return strtoull(line + strlen(fact), NULL, 0);
}

/* --- the same facts, however the program was built ----------------------------------------------- */

enum { FACTS = 75 };

static void check_build(const char *compiler, const char *flags)
{
	struct fixture *fixture = &fixtures[0];

	print_message("       - %s %s\n", compiler, flags);
	run("rm -rf app *.o *.dwo; %s -g %s $S/first.c $S/second.c -o app -ldl", compiler, flags);
	start(fixture, "app");
	check_all(open_target(fixture), fixture, FACTS);
	stop(fixture);
}

static void facts_hold_for_every_compiler_level_and_dwarf(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char *const levels[] = {"-O0", "-O2"};
	static const char *const others[] = {"-gdwarf-4 -fPIE -pie", "-gdwarf-5 -fno-pie -no-pie"};
	char flags[128];

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(flags, sizeof(flags), "%s %s", levels[i / 2 % 2], others[i % 2]);
		check_build(compilers[i / 4], flags);
	}
}

static void facts_hold_with_link_time_optimisation(void **state)
{
	(void)state;
	check_build("gcc", "-O2 -flto");
	check_build("gcc", "-O2 -flto -flto-partition=max -DRENAMED");
}

static void facts_hold_with_split_dwarf(void **state)
{
	(void)state;
	check_build("gcc", "-O0 -gdwarf-5 -gsplit-dwarf");
	check_build("gcc", "-O0 -gdwarf-4 -gsplit-dwarf");
	check_build("clang", "-O0 -gdwarf-5 -gsplit-dwarf");
	check_build("clang", "-O2 -gdwarf-4 -gsplit-dwarf");
}

static void facts_hold_with_type_units(void **state)
{
	(void)state;
	check_build("gcc", "-O0 -gdwarf-5 -fdebug-types-section");
	check_build("gcc", "-O0 -gdwarf-4 -fdebug-types-section");
}

static void facts_hold_where_a_landing_pad_comes_before_the_sled(void **state)
{
	(void)state;
	check_build("gcc", "-O0 -fcf-protection=full");
	check_build("clang", "-O2 -fcf-protection=full");
}

static void facts_hold_where_the_linker_drops_what_is_unused(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target_symbol symbol;

	(void)state;
	check_build("gcc", "-O0 -ffunction-sections -fdata-sections -Wl,--gc-sections");
	start(fixture, "app");
	open_target(fixture);
	assert_false(
		target_find(fixture->target, unit_named(fixture->target, "first"), "never_called", &symbol));
	stop(fixture);
}

static void facts_hold_with_compressed_debug_sections(void **state)
{
	(void)state;
	check_build("gcc", "-O0 -gz=zlib");
}

static void facts_hold_where_dwz_has_moved_what_units_share(void **state)
{
	struct fixture *fixture = &fixtures[0];

	(void)state;
	run("gcc -g -O0 -fno-eliminate-unused-debug-types $S/first.c $S/second.c $S/plugin.c -o app -ldl && "
	    "dwz app && readelf --debug-dump=info app | grep -q DW_TAG_partial_unit");
	start(fixture, "app");
	check_all(open_target(fixture), fixture, FACTS);
	stop(fixture);
}

static void facts_hold_where_debug_information_is_in_a_file_of_its_own(void **state)
{
	struct fixture *fixture = &fixtures[0];

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl && objcopy --only-keep-debug app app.debug && "
	    "strip app && "
	    "objcopy --add-gnu-debuglink=app.debug app");
	start(fixture, "app");
	check_all(open_target(fixture), fixture, FACTS);
	stop(fixture);
	run("rm app.debug");
}

/* --- programs that know less about themselves ---------------------------------------------------- */

static void facts_hold_for_a_program_in_shared_memory(void **state)
{
	struct fixture *fixture = &fixtures[0];
	char shared[PATH_MAX + 8], where[PATH_MAX];

	(void)state;
	run("gcc -g $S/first.c $S/second.c -o app -ldl && mkdir private && cp app private");
	run("shm=$(mktemp -d /dev/shm/target-test-XXXXXX) && cp app $shm && test -x $shm/app && ln -s $shm shared ||"
	    " { rm -rf $shm; ln -s private shared; }");
	snprintf(shared, sizeof(shared), "%s/shared", work);
	assert_non_null(realpath(shared, where));
	print_message("       - %s\n", where); /* not where the machine allows no program there */
	start(fixture, "shared/app");
	check_all(open_target(fixture), fixture, FACTS);
	stop(fixture);
	run("rm -rf $(realpath shared) shared private");
}

static void without_dwarf_functions_are_known_by_their_symbols(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	struct target_function function;
	struct target_symbol symbol;
	uint64_t tick;

	(void)state;
	run("gcc -O0 $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	target = open_target(fixture);
	tick = said_address(fixture, "function first tick ");
	assert_true(target_function_at(target, tick + 4, &function));
	assert_string_equal(function.name, "tick");
	assert_string_equal(function.module, "app");
	assert_int_equal(function.entry, tick);
	assert_int_equal(function.line, 0);
	assert_null(function.unit);
	assert_false(function.external);
	assert_false(target_find_local(target, &function, "calls", 0, &symbol));
	assert_true(target_find(target, NULL, "exported_table", &symbol));
	assert_int_equal(symbol.address, said_address(fixture, "find first exported_table "));
	assert_true(target_find(target, NULL, "hidden_number", &symbol));
	assert_false(target_find(target, NULL, "counter", &symbol));
	stop(fixture);
}

static void in_a_stripped_program_only_what_it_exports_has_a_name(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	struct target_function function;

	(void)state;
	run("gcc -O0 -rdynamic $S/first.c $S/second.c -o app -ldl && strip app");
	start(fixture, "app");
	target = open_target(fixture);
	assert_true(target_function_at(target, said_address(fixture, "function second shared "), &function));
	assert_string_equal(function.name, "shared");
	assert_true(function.external);
	assert_false(target_function_at(target, said_address(fixture, "function first tick "), &function));
	stop(fixture);
}

static void a_build_id_is_what_the_linker_wrote_else_a_hash_of_the_file(void **state)
{
	struct fixture *fixture = &fixtures[0], *again = &fixtures[1];
	char line[128] = "";
	FILE *file;

	(void)state;
	run("gcc -O0 -Wl,--build-id $S/first.c $S/second.c -o app -ldl && "
	    "readelf -n app | sed -n 's/.*Build ID: //p' >id");
	start(fixture, "app");
	open_target(fixture);
	file = fopen(strcat(strcpy(line, work), "/id"), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(target_build_id(fixture->target), line);
	stop(fixture);

	run("gcc -O0 -Wl,--build-id=none $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	run("gcc -O1 -Wl,--build-id=none $S/first.c $S/second.c -o app2 -ldl");
	start(again, "app2");
	open_target(fixture);
	open_target(again);
	assert_int_equal(strlen(target_build_id(fixture->target)), 32);
	assert_string_not_equal(target_build_id(fixture->target), target_build_id(again->target));
	stop(fixture);
	stop(again);
}

static void a_process_that_is_gone_is_an_error(void **state)
{
	struct target *target = NULL;
	struct error *error;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	error = target_new(pid, NULL, &target);
	assert_non_null(error);
	assert_null(target);
	error_free(error);
}

/* --- programs that change under us --------------------------------------------------------------- */

static void a_program_rebuilt_while_it_runs_is_seen_as_it_runs(void **state)
{
	struct fixture *fixture = &fixtures[0];
	char program[PATH_MAX + 8];

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	run("rm app && gcc -g -O2 -fno-pie -no-pie $S/second.c -c -o app");
	check_all(open_target(fixture), fixture, FACTS);
	snprintf(program, sizeof(program), "%s/app", work);
	assert_string_equal(target_program(fixture->target), program);
	stop(fixture);
}

static void units_stay_known_when_the_program_is_rebuilt_and_the_target_refreshed(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	const struct target_unit *unit;
	struct target_symbol symbol;

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	target = open_target(fixture);
	unit = unit_named(target, "second");
	run("rm app && gcc -g -O2 $S/first.c $S/second.c -o app -ldl");
	must(target_refresh(target));
	assert_true(target_find(target, unit, "counter", &symbol));
	assert_int_equal(symbol.address, said_address(fixture, "find second counter "));
	check_all(target, fixture, FACTS);
	stop(fixture);
}

static void a_library_is_known_once_it_is_loaded_and_forgotten_once_it_is_not(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	struct target_function function;
	struct target_symbol symbol;
	uint64_t offset, tick;

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl && "
	    "gcc -g -O0 -fPIC -shared $S/plugin.c -Wl,--version-script=$S/plugin.map -o plugin.so");
	start(fixture, "app");
	target = open_target(fixture);
	tell(fixture, "load ./../nowhere.so");
	tell(fixture, "load plugin.so"); /* dlopen looks for it in the library path only */
	assert_string_equal(fixture->said, "ready\n");

	char load[PATH_MAX + 32];
	snprintf(load, sizeof(load), "load %s/plugin.so", work);
	tell(fixture, load);
	tick = said_address(fixture, "function plugin plugin_tick ");
	assert_false(target_function_at(target, tick, &function));
	must(target_refresh(target));
	assert_true(target_function_at(target, tick, &function));
	assert_string_equal(function.module, "plugin.so");
	check_all(target, fixture, 7);
	assert_true(target_find(target, function.unit, "plugin_thread", &symbol));
	assert_true(symbol.thread_local);
	assert_false(target_tls_offset(target, function.unit, symbol.address, &offset));

	tell(fixture, "unload");
	must(target_refresh(target));
	assert_false(target_find(target, function.unit, "counter", &symbol));
	assert_false(target_find_local(target, &function, "calls", 0, &symbol));
	assert_string_equal(function.name, "plugin_tick");
	assert_string_equal(function.unit->module, "plugin.so");
	stop(fixture);
}

static void a_library_built_anew_and_loaded_again_is_another_module(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	char load[PATH_MAX + 32];

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl && gcc -g -O0 -fPIC -shared $S/plugin.c -o "
	    "plugin.so");
	snprintf(load, sizeof(load), "load %s/plugin.so", work);
	start(fixture, "app");
	target = open_target(fixture);
	for (int level = 0; level <= 2; level++) {
		/* The new file is there before the old one goes, so that it cannot have its inode again. */
		run("gcc -g -O%d -fPIC -shared $S/plugin.c -o plugin.new && mv plugin.new plugin.so", level);
		tell(fixture, load);
		must(target_refresh(target));
		check_all(target, fixture, 7);
		tell(fixture, "unload");
	}
	stop(fixture);
}

/* --- sharper questions, each with a program of its own ------------------------------------------- */

static void write_source(const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", work, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

#define SERVE "puts(\"ready\"); fflush(stdout); (void)!getchar();"

/* The linker makes it local, and no debug information tells of it; what was local before is another file's. */
static void what_an_assembler_file_hides_is_the_modules(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	struct target_symbol symbol;

	(void)state;
	write_source("spare.S", "\t.text\n\t.globl spare\n\t.hidden spare\nspare:\tret\nbesides:\tret\n"
				"\t.section .note.GNU-stack,\"\",@progbits\n");
	write_source("main.c", "#include <stdio.h>\nvoid spare(void);\nint main(void) { spare();" SERVE
			       " return 0; }\n");
	run("gcc -c spare.S && gcc -g main.c spare.o -o app && nm app | grep -q 't spare'");
	start(fixture, "app");
	target = open_target(fixture);
	assert_true(target_find(target, NULL, "spare", &symbol));
	assert_true(symbol.function);
	assert_false(symbol.internal);
	assert_false(target_find(target, NULL, "besides", &symbol));
	stop(fixture);
}

static bool match_clone(void *context, const struct target_function *function)
{
	struct wanted *wanted = context;

	if (strcmp(function->name, wanted->name) == 0 && function->clone)
		wanted->count++;
	return true;
}

static void a_function_that_survives_only_as_a_clone_is_not_there(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	struct wanted wanted = {.name = "scaled"};
	struct target_symbol symbol;

	(void)state;
	write_source(
		"clone.c",
		"#include <stdio.h>\n"
		"__attribute__((noinline)) static int scaled(int x, int by) { printf(\"%d\\n\", x); return x "
		"* by; }\n"
		"__attribute__((noinline)) static int whole(int x) { __asm__ volatile(\"\"); return x; }\n"
		"int main(int c, char **v) { (void)v; int r = scaled(c, 3) + scaled(c + 1, 3) + "
		"whole(c);" SERVE " return r == 1; }\n");
	run("gcc -g -O2 -fpatchable-function-entry=16 clone.c -o app && nm app | grep -q 'scaled.constprop'");
	start(fixture, "app");
	target = open_target(fixture);
	assert_false(target_find(target, unit_named(target, "clone"), "scaled", &symbol));
	assert_true(target_find(target, unit_named(target, "clone"), "whole", &symbol));
	target_each_function(target, match_clone, &wanted);
	assert_int_equal(wanted.count, 1);
	stop(fixture);
}

static void a_variable_that_is_not_kept_as_its_type_says_is_not_there(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target_symbol symbol;

	(void)state;
	write_source("flag.c", "#include <stdio.h>\n"
			       "static int flag;\n"
			       "static int never_set = 4;\n"
			       "__attribute__((noinline)) void set(void) { flag = 1; }\n"
			       "__attribute__((noinline)) int get(void) { return flag ? never_set : 7; }\n"
			       "int main(void) { set(); " SERVE " return get() == 4; }\n");
	run("clang -g -O2 flag.c -o app && nm -S app | grep -q '^[0-9a-f]* 0*1 . flag'");
	start(fixture, "app");
	open_target(fixture);
	assert_false(target_find(fixture->target, unit_named(fixture->target, "flag"), "flag", &symbol));
	assert_false(target_find(fixture->target, unit_named(fixture->target, "flag"), "never_set", &symbol));
	stop(fixture);
}

/* In DWARF's words; in none, where a value is the linker's to know; in a function that is inlined everywhere; in pieces. */
static void a_functions_static_that_is_not_kept_as_its_type_says_is_lost(void **state)
{
	struct fixture *fixture = &fixtures[0];
	const struct target_unit *unit;
	struct target_symbol symbol;
	struct target *target;

	(void)state;
	write_source(
		"kept.c",
		"#include <stdio.h>\n"
		"#pragma weak nowhere\n"
		"extern void nowhere(void);\n"
		"static int weak = -1;\n"
		"static __thread int weak_of_thread = -1;\n"
		"static int once(int n) { static int done; if (done) return n; done = 1; return 0; }\n"
		"static int split(int n) { static struct { int a, b; } st; { static int whole; whole += n;\n"
		"  st.a += n + whole; } return st.b++ + st.a; }\n"
		"__attribute__((noinline)) int weakly(int n) { static int at = 7; int was = at;\n"
		"  weak = weak_of_thread = nowhere == NULL; if (n) at = nowhere == NULL; return was; }\n"
		"__attribute__((noinline)) int twice(int n) { { static int a = 2; if (n > 4) a = 9; n += a; }\n"
		"  { static int a; a += n; n += a; } return n; }\n"
		"int main(int c, char **v) { (void)v;\n"
		"  int r = once(c) + split(c) + split(2) + weakly(c) + twice(c) + weak + weak_of_thread;" SERVE
		" return r == 1; }\n");
	run("clang -g -O2 kept.c -o app && nm -S app > nm && grep -q ' 0*1 . weak$' nm && "
	    "grep -q ' 0*1 . weak_of_thread$' nm && grep -q ' 0*1 . once.done$' nm && "
	    "grep -q ' 0*4 . split.st.1$' nm && grep -q ' 0*1 . weakly.at$' nm && grep -q ' 0*1 . twice.a$' nm");
	start(fixture, "app");
	target = open_target(fixture);
	unit = unit_named(target, "kept");
	assert_false(target_find(target, unit, "weak", &symbol));
	assert_true(target_has_lost(target, unit, "weak"));
	assert_false(target_find(target, unit, "weak_of_thread", &symbol));
	assert_true(target_has_lost(target, unit, "weak_of_thread"));
	assert_false(target_find_helper_local(target, unit, "once", "done", 0, &symbol));
	assert_true(target_has_lost_helper_local(target, unit, "once", "done", 0));
	assert_false(target_find_helper_local(target, unit, "split", "st", 0, &symbol));
	assert_true(target_has_lost_helper_local(target, unit, "split", "st", 0));
	assert_true(target_find_helper_local(target, unit, "split", "whole", 0, &symbol));
	assert_false(target_has_lost_helper_local(target, unit, "split", "whole", 0));
	assert_false(target_find_helper_local(target, unit, "weakly", "at", 0, &symbol));
	assert_true(target_has_lost_helper_local(target, unit, "weakly", "at", 0));
	assert_false(target_find_helper_local(target, unit, "twice", "a", 0, &symbol));
	assert_true(target_has_lost_helper_local(target, unit, "twice", "a", 0));
	assert_true(target_find_helper_local(target, unit, "twice", "a", 1, &symbol));
	assert_int_equal(symbol.size, 4);
	assert_false(target_has_lost_helper_local(target, unit, "twice", "a", 1));
	stop(fixture);
}

static void a_weak_definition_that_lost_is_not_what_the_name_means(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target_symbol symbol;

	(void)state;
	write_source("weak.c",
		     "#include <stdio.h>\n"
		     "__attribute__((weak)) int chosen(void) { return 1; }\n"
		     "int main(void) { printf(\"at %p\\n\", (void *)chosen); " SERVE " return 0; }\n");
	write_source("strong.c", "int chosen(void);\nint chosen(void) { return 2; }\n");
	run("gcc -g -O0 weak.c strong.c -o app");
	start(fixture, "app");
	open_target(fixture);
	assert_true(target_find(fixture->target, unit_named(fixture->target, "weak"), "chosen", &symbol));
	assert_int_equal(symbol.address, said_address(fixture, "at "));
	stop(fixture);
}

static void a_librarys_variable_that_the_program_copied_is_where_the_program_has_it(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target_symbol symbol;
	struct target_function function;

	(void)state;
	write_source(
		"library.c",
		"int copied = 5, own = 6; int touch(void); __attribute__((patchable_function_entry(16)))\n"
		"int touch(void) { return copied++ + own++; }\n");
	write_source("user.c",
		     "#include <stdio.h>\n"
		     "extern int copied; int touch(void);\n"
		     "int main(void) { printf(\"at %p\\n\", (void *)&copied); " SERVE " return touch(); }\n");
	run("gcc -g -O0 -fPIC -shared library.c -o library.so && "
	    "gcc -g -O0 -fno-pie -no-pie user.c -o app -L. -l:library.so -Wl,-rpath,'$ORIGIN'");
	start(fixture, "app");
	open_target(fixture);
	function = function_named(fixture->target, "library", "touch");
	assert_true(target_find(fixture->target, function.unit, "copied", &symbol));
	assert_int_equal(symbol.address, said_address(fixture, "at "));
	assert_true(target_find(fixture->target, function.unit, "own", &symbol));
	assert_true(symbol.address > function.entry);
	assert_true(target_find(fixture->target, unit_named(fixture->target, "user"), "copied", &symbol));
	assert_int_equal(symbol.address, said_address(fixture, "at "));
	stop(fixture);
}

static void an_uncertain_count_of_statics_is_no_answer(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target_function function;
	struct target_symbol symbol;

	(void)state;
	write_source("count.c",
		     "#include <stdio.h>\n"
		     "__attribute__((noipa)) int f(int c) {\n"
		     "	if (c > 5) { static int n = 4; c += n; }\n" /* a constant to the optimiser */
		     "	else { static int n = 5; c += n++; }\n"
		     "	return c; }\n"
		     "int main(int c, char **v) { (void)v; int r = f(c); " SERVE " return r == 3; }\n");
	run("gcc -g -O2 count.c -o app");
	start(fixture, "app");
	function = function_named(open_target(fixture), "count", "f");
	assert_false(target_find_local(fixture->target, &function, "n", 0, &symbol));
	assert_false(target_find_local(fixture->target, &function, "n", 1, &symbol));
	stop(fixture);

	run("gcc -g -O0 count.c -o app");
	start(fixture, "app");
	function = function_named(open_target(fixture), "count", "f");
	assert_true(target_find_local(fixture->target, &function, "n", 1, &symbol));
	stop(fixture);
}

static void anonymous_members_are_listed_with_those_inside_them_behind(void **state)
{
	static const char *const names[] = {"kind", NULL, NULL, "lo", "hi", "both", "at", "named"};
	struct fixture *fixture = &fixtures[0];
	struct target_layout layout, again;

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	open_target(fixture);
	assert_true(target_find_layout(fixture->target, unit_named(fixture->target, "first"), TARGET_STRUCT,
				       "nested", &layout));
	assert_int_equal(layout.count, sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < layout.count; i++) {
		if (names[i])
			assert_string_equal(layout.members[i].name, names[i]);
		else
			assert_null(layout.members[i].name);
	}
	assert_true(target_find_layout(fixture->target, unit_named(fixture->target, "first"), TARGET_TYPEDEF,
				       "nested_t", &again));
	assert_ptr_equal(again.members, layout.members);
	stop(fixture);
}

static void a_unit_tells_how_and_where_it_was_compiled(void **state)
{
	static const struct {
		const char *command;
		bool clang, optimized;
	} builds[] = {{"gcc -O0", false, false},          {"gcc -O2", false, true},
		      {"gcc -O2 -O0", false, false},      {"gcc -Og", false, true},
		      {"clang -O0", true, false},         {"clang -O1", true, true},
		      {"clang -O2 -gdwarf-4", true, true}};
	struct fixture *fixture = &fixtures[0];
	const struct target_unit *unit;

	(void)state;
	run("mkdir -p deep/down inc && touch inc/some.h && ln -sf deep/down here");
	write_source("inc/some.h", "static __attribute__((noinline)) int some(int x) { return x + 1; }\n");
	write_source("deep/told.c", "#include <stdio.h>\n#include \"some.h\"\n"
				    "int main(void) { " SERVE " return some(getchar()) == 3; }\n");
	for (size_t i = 0; i < sizeof(builds) / sizeof(*builds); i++) {
		char expected[2 * PATH_MAX];

		run("cd deep/down && %s -g -I ../../inc ../told.c -o ../../app", builds[i].command);
		start(fixture, "app");
		unit = unit_named(open_target(fixture), "told");
		snprintf(expected, sizeof(expected), "%s/deep/told.c", work);
		assert_string_equal(unit->file, expected);
		snprintf(expected, sizeof(expected), "%s/deep/down", work);
		assert_string_equal(unit->directory, expected);
		assert_string_equal(unit->module, "app");
		assert_int_equal(unit->clang, builds[i].clang);
		assert_int_equal(unit->optimized, builds[i].optimized);
		assert_non_null(strstr(unit->producer, builds[i].clang ? "clang" : "GNU C"));
		snprintf(expected, sizeof(expected), "%s/inc", work);
		for (size_t d = 0;; d++) {
			if (!unit->include_directories[d])
				fail_msg("%s is not known to %s", expected, builds[i].command);
			if (strcmp(unit->include_directories[d], expected) == 0)
				break;
		}
		stop(fixture);
	}
}

static void moved_sources_are_where_the_mapping_says(void **state)
{
	struct fixture *fixture = &fixtures[0];
	char mapping[PATH_MAX + 32];
	struct target_function function;

	(void)state;
	run("mkdir -p old && cp $S/first.c $S/second.c $S/shapes.h old && gcc -g -O0 old/first.c "
	    "old/second.c -o app -ldl");
	snprintf(mapping, sizeof(mapping), "%s/old=/new/place", work);
	start(fixture, "app");
	must(target_new(fixture->pid, mapping, &fixture->target));
	function = function_named(fixture->target, "first", "tick");
	assert_string_equal(function.file, "/new/place/first.c");
	assert_string_equal(function.unit->file, "/new/place/first.c");
	assert_string_equal(function.unit->directory, work);
	stop(fixture);

	run("cd old && gcc -g -O0 -ffile-prefix-map=$(pwd)=. first.c second.c -o ../app -ldl");
	start(fixture, "app");
	must(target_new(fixture->pid, ".=/new/place", &fixture->target));
	function = function_named(fixture->target, "second", "tick");
	assert_string_equal(function.file, "/new/place/second.c");
	assert_string_equal(function.unit->directory, "/new/place");
	stop(fixture);
}

static void an_address_is_described_by_the_symbol_below_it(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	uint64_t shared;
	char text[64], tight[8];

	(void)state;
	run("gcc -g -O0 $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	target = open_target(fixture);
	shared = said_address(fixture, "function second shared ");
	assert_true(target_describe_address(target, shared, text, sizeof(text)));
	assert_string_equal(text, "shared in app");
	assert_true(target_describe_address(target, shared + 18, text, sizeof(text)));
	assert_string_equal(text, "shared+0x12 in app");
	assert_true(target_describe_address(target, shared, tight, sizeof(tight)));
	assert_string_equal(tight, "shared ");
	assert_false(target_describe_address(target, 16, text, sizeof(text)));
	assert_false(target_describe_address(target, UINT64_MAX, text, sizeof(text)));
	stop(fixture);
}

/* A static function of a stripped module is not called by the name of whatever exported one stands before it. */
static void an_address_behind_a_symbols_end_is_the_modules(void **state)
{
	struct fixture *fixture = &fixtures[0];
	struct target *target;
	uint64_t hidden;
	char text[64];

	(void)state;
	run("gcc -O0 -rdynamic -s $S/first.c $S/second.c -o app -ldl");
	start(fixture, "app");
	target = open_target(fixture);
	hidden = said_address(fixture, "function second tick ");
	assert_true(target_describe_address(target, hidden, text, sizeof(text)));
	assert_memory_equal(text, "0x", 2);
	assert_string_equal(strchr(text, ' '), " in app");
	stop(fixture);
}

/* --- running ------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static int remove_work(void **state)
{
	(void)state;
	return nftw(work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_work(void **state)
{
	char folder[PATH_MAX] = __FILE__, *dot = strrchr(folder, '_');

	(void)state;
	*dot = '\0'; /* tests/unit/target */
	if (!realpath(folder, sources)) {
		fprintf(stderr, "%s is not here: run this test in the project's top folder\n", folder);
		return -1;
	}
	snprintf(work, sizeof(work), "%s/target-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(work) ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_teardown(name, stop_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(facts_hold_for_every_compiler_level_and_dwarf),
		TEST(facts_hold_with_link_time_optimisation),
		TEST(facts_hold_with_split_dwarf),
		TEST(facts_hold_with_type_units),
		TEST(facts_hold_where_a_landing_pad_comes_before_the_sled),
		TEST(facts_hold_where_the_linker_drops_what_is_unused),
		TEST(facts_hold_with_compressed_debug_sections),
		TEST(facts_hold_where_dwz_has_moved_what_units_share),
		TEST(facts_hold_where_debug_information_is_in_a_file_of_its_own),
		TEST(facts_hold_for_a_program_in_shared_memory),
		TEST(without_dwarf_functions_are_known_by_their_symbols),
		TEST(in_a_stripped_program_only_what_it_exports_has_a_name),
		TEST(a_build_id_is_what_the_linker_wrote_else_a_hash_of_the_file),
		TEST(a_process_that_is_gone_is_an_error),
		TEST(a_program_rebuilt_while_it_runs_is_seen_as_it_runs),
		TEST(units_stay_known_when_the_program_is_rebuilt_and_the_target_refreshed),
		TEST(a_library_is_known_once_it_is_loaded_and_forgotten_once_it_is_not),
		TEST(a_library_built_anew_and_loaded_again_is_another_module),
		TEST(what_an_assembler_file_hides_is_the_modules),
		TEST(a_function_that_survives_only_as_a_clone_is_not_there),
		TEST(a_variable_that_is_not_kept_as_its_type_says_is_not_there),
		TEST(a_functions_static_that_is_not_kept_as_its_type_says_is_lost),
		TEST(a_weak_definition_that_lost_is_not_what_the_name_means),
		TEST(a_librarys_variable_that_the_program_copied_is_where_the_program_has_it),
		TEST(an_uncertain_count_of_statics_is_no_answer),
		TEST(anonymous_members_are_listed_with_those_inside_them_behind),
		TEST(a_unit_tells_how_and_where_it_was_compiled),
		TEST(moved_sources_are_where_the_mapping_says),
		TEST(an_address_is_described_by_the_symbol_below_it),
		TEST(an_address_behind_a_symbols_end_is_the_modules),
	};

	return cmocka_run_group_tests_name("target", tests, make_work, remove_work);
}
