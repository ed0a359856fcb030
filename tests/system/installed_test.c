/* make: an installed tree works from the folder that it was installed to, whatever the library was built for before; and
 * what is missing is said. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char source[] =
	"#include <rtf.h>\n#include <stdio.h>\n\n"
	"REALTIMEFUNC\nstatic int answer(int n)\n{\n\treturn n + 1;\n}\n\n"
	"int main(int argc, char **argv)\n{\n"
	"\tprintf(argc == 2 && !rtf_start(argv[1]) ? \"ready\\n\" : \"no console\\n\");\n"
	"\tfflush(stdout);\n\treturn getchar() == EOF ? answer(-1) : 1;\n}\n";

static struct subject host;

static int init(void **state)
{
	(void)state;
	subject_init(&host);
	unsetenv("RTF_ENGINE");
	unsetenv("RTF_SOCKET");
	return 0;
}

static int fini(void **state)
{
	(void)state;
	subject_fini(&host);
	return 0;
}

/* A shell's command in the project's folder, $P being the subject's folder. Returns what it printed. */
static char *shell(const char *command)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	char *output = NULL;

	setenv("P", host.directory, 1);
	if (child_run(argv, NULL, COMPILED_DEADLINE_MS, &output) != 0)
		fail_msg("%s: %s", command, output ? output : "");
	return output;
}

/* As this build was made: what make was told stands in MAKEFLAGS, but for what the tests are told. */
static void install(const char *name)
{
	char command[200];

	snprintf(command, sizeof(command), "make install SAN=$RTF_SAN PREFIX=$P/%s", name);
	free(shell(command));
}

static struct timespec changed(const char *name)
{
	char *path = subject_built(name);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	free(path);
	return status.st_mtim;
}

/* Linked with librtf.a, which cannot look beside itself. */
static void assert_console_answers(const char *name)
{
	char command[400], line[64] = "";
	char *program = compiled_path(&host, "app");

	snprintf(command, sizeof(command),
		 "export PKG_CONFIG_PATH=$P/%s/lib/pkgconfig && ${CC:-cc} -g $P/app.c -o $P/app"
		 " $(pkg-config --cflags rtf) -Wl,-Bstatic $(pkg-config --libs rtf) -Wl,-Bdynamic",
		 name);
	free(shell(command));
	assert_true(child_start(&host.program, (const char *const[]){program, host.socket, NULL}));
	assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	assert_string_equal(line, "ready");
	snprintf(command, sizeof(command), "$P/%s/bin/rtf-console -c 'answer(40)' %s", name, host.socket);
	char *output = shell(command);
	assert_string_equal(output, "$1 = (int) 41\n");
	free(output);
	snprintf(command, sizeof(command), "readlink /proc/%d/exe", (int)compiled_engine(&host));
	output = shell(command);
	assert_non_null(strstr(output, name));
	free(output);
	child_stop(&host.program, COMPILED_DEADLINE_MS);
	free(program);
}

static void each_prefix_has_a_tree_that_finds_itself(void **state)
{
	char *path = compiled_path(&host, "app.c");

	(void)state;
	assert_true(child_write_file(path, source));
	free(path);
	install("one");
	struct timespec before = changed("rtf-engine");
	install("two");
	struct timespec after = changed("rtf-engine");
	assert_true(before.tv_sec == after.tv_sec && before.tv_nsec == after.tv_nsec);
	assert_console_answers("two");
	assert_console_answers("one");
}

static char *ask_program(int status)
{
	const char *const argv[] = {"sh", "-c", "$P/console/rtf-console -c 'answer(40)' $P/app.sock", NULL};
	char *program = compiled_path(&host, "app"), *socket = compiled_path(&host, "app.sock"),
	     *output = NULL, line[64];

	assert_true(child_start(&host.program, (const char *const[]){program, socket, NULL}));
	assert_true(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	assert_string_equal(line, "ready");
	assert_int_equal(child_run(argv, NULL, COMPILED_DEADLINE_MS, &output), status);
	child_stop(&host.program, COMPILED_DEADLINE_MS);
	free(program);
	free(socket);
	return output;
}

/* The tree has moved since the program was linked with its archive, and its console is in PATH as a link. */
static void a_tree_that_moved_is_found_by_the_console_in_path(void **state)
{
	char *path = compiled_path(&host, "app.c"), *before = strdup(getenv("PATH")), *search = NULL;

	(void)state;
	assert_true(child_write_file(path, source));
	install("old");
	free(shell("export PKG_CONFIG_PATH=$P/old/lib/pkgconfig && ${CC:-cc} -g $P/app.c -o $P/app"
		   " $(pkg-config --cflags rtf) -Wl,-Bstatic $(pkg-config --libs rtf) -Wl,-Bdynamic &&"
		   " mv $P/old $P/new && mkdir $P/console && ln -s $P/new/bin/rtf-console $P/console"));
	char *output = ask_program(2);
	const char *told = strstr(output, "no rtf-engine found ");
	assert_non_null(told);
	assert_non_null(strstr(told, ": start the program with RTF_ENGINE set to its path\n"));
	assert_true(strlen(told) < 300);
	free(output);
	assert_true(asprintf(&search, "%s:%s/console", before, host.directory) > 0);
	setenv("PATH", search, 1);
	output = ask_program(0);
	assert_string_equal(output, "$1 = (int) 41\n");
	setenv("PATH", before, 1);
	free(output);
	free(search);
	free(before);
	free(path);
}

static void what_building_needs_is_named_where_it_is_missing(void **state)
{
	char *output = NULL;
	const char *const argv[] = {"sh", "-c", "make LLVM= B=$P/none", NULL};

	(void)state;
	setenv("P", host.directory, 1);
	assert_int_equal(child_run(argv, NULL, COMPILED_DEADLINE_MS, &output), 2);
	assert_non_null(strstr(output, "'make deps' installs what building needs"));
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_prefix_has_a_tree_that_finds_itself, init, fini),
		cmocka_unit_test_setup_teardown(a_tree_that_moved_is_found_by_the_console_in_path, init,
						fini),
		cmocka_unit_test_setup_teardown(what_building_needs_is_named_where_it_is_missing, init, fini),
	};

	return cmocka_run_group_tests_name("system: an installed tree", tests, NULL, NULL);
}
