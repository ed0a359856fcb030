/* How a program was compiled, learned from what build systems themselves write: cmake, meson and bear build a small project
 * here, with folders and macros that only they know of, and its functions are redefined. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;
static char *core, *library;

/* Made twice from one source, as two programs with other macros; the one that runs is the second. */
static const char source[] = "#include <rtf.h>\n"
			     "#include <stdio.h>\n"
			     "#include \"service/config.h\"\n"
			     "#include \"plain.h\"\n"
			     "#include \"beside.h\"\n"
			     "\n"
			     "REALTIMEFUNC int price(int n)\n"
			     "{\n"
			     "\treturn n * SCALE + LEVEL + PLAIN;\n"
			     "}\n"
			     "\n"
			     "REALTIMEFUNC const char *files(void)\n"
			     "{\n"
			     "\tstatic char names[1000];\n"
			     "\n"
			     "\tsnprintf(names, sizeof(names), \"%s %s %s\", __FILE__, config_file(), "
			     "beside_file());\n"
			     "\treturn names;\n"
			     "}\n"
			     "\n"
			     "REALTIMEFUNC const char *label(void)\n"
			     "{\n"
			     "\treturn NAME;\n"
			     "}\n"
			     "\n"
			     "int main(int argc, char **argv)\n"
			     "{\n"
			     "\tchar line[100];\n"
			     "\n"
			     "\tif (argc > 1)\n"
			     "\t\trtf_start(argv[1]);\n"
			     "\tputs(\"ready\");\n"
			     "\tfflush(stdout);\n"
			     "\twhile (fgets(line, sizeof(line), stdin)) {\n"
			     "\t\tif (*line == 'f')\n"
			     "\t\t\tputs(files());\n"
			     "\t\telse\n"
			     "\t\t\tprintf(\"%d %s\\n\", price(2), label());\n"
			     "\t\tfflush(stdout);\n"
			     "\t}\n"
			     "\treturn 0;\n"
			     "}\n";

static const char cmake[] =
	"cmake_minimum_required(VERSION 3.18)\n"
	"project(service C)\n"
	"set(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"
	"foreach(name other service)\n"
	"  add_executable(${name} src/service.c)\n"
	"  target_include_directories(${name} PRIVATE include \"plain folder\" %s)\n"
	"  target_compile_options(${name} PRIVATE -g)\n"
	"  target_link_libraries(${name} %s/librtf.so)\n"
	"endforeach()\n"
	"target_compile_definitions(other PRIVATE SCALE=1 NAME=\"other\")\n"
	"target_compile_definitions(service PRIVATE SCALE=10 \"NAME=\\\"it's its name\\\"\")\n";

static const char meson[] =
	"project('service', 'c', default_options: ['buildtype=debug'])\n"
	"folders = include_directories('include', 'plain folder')\n"
	"args = ['-I%s']\n"
	"links = ['-L%s', '-lrtf', '-Wl,-rpath,%s']\n"
	"executable('other', 'src/service.c', include_directories: folders, link_args: links,\n"
	"  c_args: args + ['-DSCALE=1', '-DNAME=\"other\"'])\n"
	"executable('service', 'src/service.c', include_directories: folders, link_args: links,\n"
	"  c_args: args + ['-DSCALE=10', '-DNAME=\"it\\'s its name\"'])\n";

/* Compiled from a folder beside the sources. */
static const char makefile[] =
	"service: ../src/service.c\n"
	"\t$(CC) -g -DSCALE=10 '-DNAME=\"it'\\''s its name\"' -I ../include '-I../plain folder' -I%s -c "
	"../src/service.c -o service.o\n"
	"\t$(CC) service.o -o service -L%s -lrtf -Wl,-rpath,%s\n";

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
		fail_msg("%s: %.900s", command, output ? output : "");
	free(output);
	free(whole);
	free(command);
}

static void write_file(const char *name, const char *text)
{
	char *path = compiled_path(&host, name);

	assert_true(child_write_file(path, text));
	free(path);
}

static void __attribute__((format(printf, 2, 3))) write_build(const char *name, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	assert_true(vasprintf(&text, format, arguments) > 0);
	va_end(arguments);
	write_file(name, text);
	free(text);
}

static int make_project(void **state)
{
	char *folder = subject_built("");

	(void)state;
	unsetenv("RTF_CFLAGS");
	unsetenv("RTF_SOURCE_ROOT");
	subject_init(&host);
	library = realpath(folder, NULL);
	core = realpath("core", NULL);
	free(folder);
	run_shell("mkdir -p src include/service 'plain folder'");
	write_file("src/service.c", source);
	write_file("include/service/config.h", "#define LEVEL 7\n"
					       "static inline const char *config_file(void)\n"
					       "{\n\treturn __FILE__;\n}\n");
	write_file("src/beside.h", "static inline const char *beside_file(void)\n{\n\treturn __FILE__;\n}\n");
	write_file("plain folder/plain.h", "#define PLAIN 100\n");
	return 0;
}

static int remove_project(void **state)
{
	(void)state;
	free(core);
	free(library);
	subject_fini(&host);
	return 0;
}

/* What __FILE__ was where the program was built, by whatever names its compiler was given the files, it is in a new version:
 * in the source's text, and in the body of a header's function that the program has no copy of. */
static void assert_names_its_files(void)
{
	char *built = strdup(subject_ask(&host, "files"));

	assert_non_null(built);
	json_decref(compiled_data(
		&host,
		"const char *files(void)\n{\n\tstatic char names[1000];\n\n"
		"\tsnprintf(names, sizeof(names), \"%s %s %s\", __FILE__, config_file(), beside_file());\n"
		"\treturn names;\n}"));
	compiled_assert_answer(&host, "files", built);
	free(built);
}

/* DIRECTORY/PROGRAM says what it was built with, and what it is redefined with has the same macros and folders. */
static void assert_redefines(const char *program, const char *flags_from)
{
	char *path = compiled_path(&host, program), *file = compiled_path(&host, "src/service.c"),
	     line[64] = "";

	assert_true(child_start(&host.program, (const char *const[]){path, host.socket, NULL}));
	if (!child_read_line(&host.program, SUBJECT_DEADLINE_MS, line, sizeof(line)) ||
	    strcmp(line, "ready") != 0)
		fail_msg("%s did not get ready: %s", program, line);
	compiled_assert_answer(&host, "", "127 it's its name");
	json_t *described = compiled_data(&host, "\\describe price");
	assert_string_equal(json_string_value(json_object_get(described, "flags_from")), flags_from);
	assert_string_equal(json_string_value(json_object_get(described, "file")), file);
	json_decref(described);
	json_t *changed =
		compiled_data(&host, "int price(int n) { return n * SCALE + LEVEL + PLAIN + 1000; }\n"
				     "const char *label(void) { return NAME \"!\"; }");
	assert_int_equal(json_array_size(changed), 2);
	json_decref(changed);
	compiled_assert_answer(&host, "", "1127 it's its name!");
	assert_names_its_files();
	/* By the program's own compiler, with the same flags. */
	json_decref(compiled_data(&host, "int price(int n) { return (int)((__int128)n * SCALE) + LEVEL; }"));
	compiled_assert_answer(&host, "", "27 it's its name!");
	compiled_stop(&host);
	free(file);
	free(path);
}

static void of_cmake_and_make(void **state)
{
	(void)state;
	write_build("CMakeLists.txt", cmake, core, library);
	run_shell("cmake -S . -B out -G 'Unix Makefiles' && cmake --build out");
	assert_redefines("out/service", "compile_commands.json");
}

static void of_cmake_and_ninja(void **state)
{
	(void)state;
	write_build("CMakeLists.txt", cmake, core, library);
	run_shell("cmake -S . -B out -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo && cmake --build out");
	assert_redefines("out/service", "compile_commands.json");
}

static void of_meson(void **state)
{
	(void)state;
	write_build("meson.build", meson, core, library, library);
	run_shell("meson setup out && ninja -C out");
	assert_redefines("out/service", "compile_commands.json");
}

static void of_bear(void **state)
{
	(void)state;
	run_shell("mkdir out");
	write_build("out/Makefile", makefile, core, library, library);
	run_shell("cd out && bear -- make && rm Makefile");
	assert_redefines("out/service", "compile_commands.json");
}

static void of_make(void **state)
{
	(void)state;
	run_shell("mkdir out");
	write_build("out/Makefile", makefile, core, library, library);
	run_shell("make -C out");
	assert_redefines("out/service", "make");
}

#define with_project(test) cmocka_unit_test_setup_teardown(test, make_project, remove_project)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_project(of_cmake_and_make), with_project(of_cmake_and_ninja),
		with_project(of_meson),          with_project(of_bear),
		with_project(of_make),
	};

	return cmocka_run_group_tests_name("system: build systems", tests, NULL, NULL);
}
