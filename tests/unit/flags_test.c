/* How a unit was compiled: command lines, compilation databases wherever they stand, DWARF's word. */
#include "flags.h"
#include "given.h"
#include "words.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct recipes *recipes; /* NULL: make is not asked */
static char root[] = "/tmp/rtf-flags-XXXXXX";
static char path[PATH_MAX];

static const char *under_root(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(under_root(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* A fresh tree: ROOT/project/{src,include,build}, with project/src/a.c. */
static int make_tree(void **state)
{
	(void)state;
	strcpy(root, "/tmp/rtf-flags-XXXXXX");
	if (!mkdtemp(root) || mkdir(under_root("project"), 0700) || mkdir(under_root("project/src"), 0700) ||
	    mkdir(under_root("project/build"), 0700))
		return -1;
	write_file("project/src/a.c", "int a;\n");
	return 0;
}

static int remove_tree(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static const char *joined(char *const *words)
{
	static char line[4096];
	size_t used = 0;

	line[0] = '\0';
	for (; words && *words; words++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s<%s>", used ? " " : "", *words);
	return line;
}

static void assert_split(const char *line, const char *expected)
{
	struct words words = {0};

	words_split(&words, line);
	assert_false(words.failed);
	assert_string_equal(joined(words.items), expected);
	words_fini(&words);
}

static void assert_joined(const char *const *words, const char *expected)
{
	char *line = words_join((char *const *)words);
	struct words again = {0};

	assert_string_equal(line, expected);
	words_split(&again, line);
	assert_false(again.failed);
	for (size_t i = 0; words[i]; i++)
		assert_string_equal(again.items[i], words[i]);
	words_fini(&again);
	free(line);
}

static void what_is_joined_is_split_into_the_same(void **state)
{
	(void)state;
	assert_joined((const char *const[]){"gcc", "-DX=1", "-I/a/b", NULL}, "gcc -DX=1 -I/a/b");
	assert_joined((const char *const[]){"gcc", "-fmacro-prefix-map=/my shop/=", "", NULL},
		      "gcc '-fmacro-prefix-map=/my shop/=' ''");
	assert_joined((const char *const[]){"-DS=\"it's\"", "a\\b", "\t", NULL},
		      "'-DS=\"it'\\''s\"' 'a\\b' '\t'");
	assert_joined((const char *const[]){NULL}, "");
}

static void a_line_is_split_as_a_shell_would(void **state)
{
	(void)state;
	assert_split("", "");
	assert_split("  \t\n", "");
	assert_split("gcc -c  a.c\n", "<gcc> <-c> <a.c>");
	assert_split("'a b'c \"d e\"f", "<a bc> <d ef>");
	assert_split("a\\ b \\\"c\\\" \\\\", "<a b> <\"c\"> <\\>");
	assert_split("'\\' \"\\\"\\\\\\$\\`\\n\"", "<\\> <\"\\$`\\n>");
	assert_split("'' \"\" x", "<> <> <x>");
	assert_split("-DNAME='\"text\"' -DB=\\\"x\\ y\\\"", "<-DNAME=\"text\"> <-DB=\"x y\">");
	assert_split("\"it's\" 'say \"hi\"'", "<it's> <say \"hi\">");
	assert_split("'never ends", "<never ends>");
	assert_split("ends\\", "<ends\\>");
}

/* The flags of ROOT/project/src/a.c, built in `directory` (under the root), as "ORIGIN DIRECTORY: <word>
 * …", the root spelled as ROOT. The last of all, the source's own folder, is held against it here and left
 * out. */
static const char *flags_of(const struct target_unit *given, const char *directory, const char *cflags)
{
	static char text[8192];
	char built_in[PATH_MAX], file[PATH_MAX], raw[8192];
	struct target_unit unit = given ? *given : (struct target_unit){.producer = "GNU C17 12.2.0 -O2"};
	struct flags flags;
	size_t used = 0;

	snprintf(built_in, sizeof(built_in), "%s", under_root(directory));
	snprintf(file, sizeof(file), "%s", under_root("project/src/a.c"));
	unit.directory = built_in;
	unit.file = file;
	struct commands *commands = commands_new();
	assert_null(flags_new(&unit, cflags, commands, recipes, &flags));
	commands_free(commands);
	snprintf(raw, sizeof(raw), "%s %s: %s", flags.origin, flags.directory, joined(flags.argv));
	for (const char *p = raw; *p; p++) {
		if (strncmp(p, root, strlen(root)) == 0) {
			used += (size_t)sprintf(text + used, "ROOT");
			p += strlen(root) - 1;
		} else {
			text[used++] = *p;
		}
	}
	text[used] = '\0';
	flags_fini(&flags);
	assert_null(flags.argv);
	static const char last[] = " <-iquote> <ROOT/project/src>";
	assert_true(used > sizeof(last));
	assert_string_equal(text + used - (sizeof(last) - 1), last);
	text[used - (sizeof(last) - 1)] = '\0';
	return text;
}

static void write_database(const char *name, const char *format)
{
	char text[4096];
	size_t used = 0;

	for (const char *p = format; *p; p++) {
		if (*p == '@')
			used += (size_t)sprintf(text + used, "%s", root);
		else
			text[used++] = *p;
	}
	text[used] = '\0';
	write_file(name, text);
}

static void a_command_gives_its_flags_without_input_and_output(void **state)
{
	(void)state;
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/project\",\"file\":\"src/b.c\",\"command\":\"cc -DB src/b.c\"},"
		       "{\"directory\":\"@/project\",\"file\":\"src/a.c\","
		       "\"command\":\"gcc-12 -std=c99 -I include -DX=\\\"a b\\\" -MD -MP -MT a.o -MFa.d -O2 "
		       "-o a.o -c src/a.c\"}]");
	assert_string_equal(flags_of(NULL, "project", NULL),
			    "compile_commands.json ROOT/project: <gcc-12> <-std=c99> <-I> "
			    "<ROOT/project/include> <-DX=a b> <-O2> "
			    "<-fmacro-prefix-map=ROOT/project/include/=include/>");
}

static void arguments_are_taken_as_they_are(void **state)
{
	(void)state;
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/project\",\"file\":\"@/project/src/a.c\","
		       "\"arguments\":[\"clang\",\"-DX=a "
		       "b\\\"\",\"-include\",\"x.h\",\"-oa.o\",\"-c\",\"@/project/src/a.c\"]}]");
	assert_string_equal(flags_of(NULL, "project", NULL),
			    "compile_commands.json ROOT/project: <clang> <-DX=a b\"> <-include> <x.h>");
}

static void an_input_spelled_otherwise_than_the_file_is_left_out(void **state)
{
	(void)state;
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/project/build\",\"file\":\"@/project/src/a.c\",\"command\":\"cc "
		       "-c ../src/a.c -DA\"}]");
	assert_string_equal(flags_of(NULL, "project", NULL),
			    "compile_commands.json ROOT/project/build: <cc> <-DA>");
}

static void a_path_through_a_link_is_the_same_file(void **state)
{
	char link[PATH_MAX];

	(void)state;
	snprintf(link, sizeof(link), "%s/elsewhere", root);
	assert_int_equal(symlink(under_root("project"), link), 0);
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/elsewhere/build/..\",\"file\":\"./src/../src/"
		       "a.c\",\"command\":\"cc -DA -c src/a.c\"}]");
	assert_string_equal(flags_of(NULL, "project", NULL),
			    "compile_commands.json ROOT/elsewhere/build/..: <cc> <-DA>");
}

static void the_database_may_stand_above_or_in_a_build_folder(void **state)
{
	static const char entry[] =
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":\"cc -DHERE src/a.c\"}]";
	static const char found[] = "compile_commands.json ROOT/project: <cc> <-DHERE>";
	static const char *const places[] = {"project/compile_commands.json",
					     "project/build/compile_commands.json", "compile_commands.json",
					     "project/src/compile_commands.json"};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		write_database(places[i], entry);
		assert_string_equal(flags_of(NULL, "project/build", NULL), found);
		assert_string_equal(flags_of(NULL, "nowhere", NULL), found); /* beside or above the source */
		assert_int_equal(unlink(under_root(places[i])), 0);
	}
}

static void a_database_without_the_file_is_passed_over(void **state)
{
	(void)state;
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/project\",\"file\":\"src/b.c\",\"command\":\"cc -DB src/b.c\"}]");
	write_database("compile_commands.json", "[{\"directory\":\"@\",\"file\":\"project/src/"
						"a.c\",\"command\":\"cc -DABOVE project/src/a.c\"}]");
	assert_string_equal(flags_of(NULL, "project", NULL), "compile_commands.json ROOT: <cc> <-DABOVE>");
}

/* As a source is compiled for a static and for a shared library, where no folder says which is which. */
static void of_several_commands_the_one_like_the_build_is_taken(void **state)
{
	const struct target_unit plain = {.producer = "GNU C17 12.2.0 -O2 -g", .module = "app"},
				 shared = {.producer = "GNU C17 12.2.0 -O2 -g -fPIC -fvisibility=hidden",
					   .module = "libapp.so.1"},
				 clang = {.producer = "clang version 3.4.5", .clang = true, .module = "app"},
				 clang_shared = {.producer = "clang version 3.4.5",
						 .clang = true,
						 .module = "libapp.so.1"};

	(void)state;
	write_database(
		"project/compile_commands.json",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":\"cc -DPLAIN -c src/a.c\"},"
		"{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":"
		"\"cc -fPIC -DSHARED -c src/a.c\"}]");
	assert_non_null(strstr(flags_of(&plain, "project", NULL), "<-DPLAIN>"));
	assert_non_null(strstr(flags_of(&clang, "project", NULL), "<-DPLAIN>"));
	assert_non_null(strstr(flags_of(&shared, "project", NULL), "<-DSHARED>"));
	assert_non_null(strstr(flags_of(&clang_shared, "project", NULL), "<-DSHARED>"));
}

static void a_database_that_is_none_is_passed_over(void **state)
{
	static const char *const malformed[] = {
		"",
		"{",
		"[]",
		"{}",
		"[1,null,\"x\",[]]",
		"[{\"directory\":1,\"file\":2,\"command\":3}]",
		"[{\"file\":\"@/project/src/a.c\",\"command\":\"cc\"}]",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\"}]",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":\"\"}]",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"arguments\":[]}]",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"arguments\":{\"a\":1}}]",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"arguments\":[1,2]}]",
		/* of several, none has a command */
		("[{\"directory\":\"@/project\",\"file\":\"src/a.c\"},"
		 "{\"directory\":\"@/project\",\"file\":\"src/a.c\"}]"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		write_database("project/compile_commands.json", malformed[i]);
		assert_non_null(strstr(flags_of(NULL, "project", NULL), "DWARF ROOT/project: <gcc"));
	}
}

static void without_a_database_dwarf_tells(void **state)
{
	const char *const directories[] = {"/home/include", "/usr/include", "/usr/lib/gcc/include", NULL};
	struct target_unit unit = {
		.producer = "GNU C11 9.4.0 -mavx2 -march=x86-64 -g -O2 -flto=auto -fPIC -funsigned-char",
		.include_directories = directories};

	(void)state;
	assert_string_equal(
		flags_of(&unit, "project", NULL),
		"DWARF ROOT/project: <gcc> <-mavx2> <-march=x86-64> <-g> <-O2> <-fPIC> <-funsigned-char> "
		"<-std=gnu11> <-I> </home/include> <-idirafter> </home> <-idirafter> <ROOT/project>");
	unit.producer = "GNU C17 9.4.0 -std=c99";
	unit.include_directories = NULL;
	assert_string_equal(flags_of(&unit, "project", ""),
			    "DWARF ROOT/project: <gcc> <-std=c99> <-idirafter> <ROOT/project>");
	unit.producer = NULL;
	assert_string_equal(flags_of(&unit, "project", NULL),
			    "DWARF ROOT/project: <gcc> <-idirafter> <ROOT/project>");
	unit.producer = "Debian clang version 3.4.5";
	unit.clang = true;
	assert_string_equal(flags_of(&unit, "project", NULL),
			    "DWARF ROOT/project: <clang> <-idirafter> <ROOT/project>");
}

/* "lib/string.h" is not <string.h>, but gnulib's is. */
static void a_folder_with_namesakes_of_the_library_does_not_hide_it(void **state)
{
	char folder[PATH_MAX];
	const char *const directories[] = {folder, NULL};
	const struct target_unit unit = {.producer = "GNU C17 9.4.0", .include_directories = directories};

	(void)state;
	snprintf(folder, sizeof(folder), "%s", under_root("project/src"));
	write_file("project/src/string.h", "#include_next <string.h>\n");
	assert_non_null(strstr(flags_of(&unit, "project/build", NULL), "<-I> <ROOT/project/src>"));
	write_file("project/src/string.h", "char *words(const char *);\n");
	assert_non_null(strstr(flags_of(&unit, "project/build", NULL),
			       "<-std=gnu17> <-iquote> <ROOT/project/src> <-idirafter> <ROOT/project/src>"));
}

static void the_compilers_version_counts_where_it_is_installed(void **state)
{
	struct target_unit unit = {.producer = "GNU C17 12.2.0 -O2"};
	bool installed = access("/usr/bin/gcc-12", X_OK) == 0;

	(void)state;
	assert_string_equal(
		flags_of(&unit, "project", NULL),
		installed ? "DWARF ROOT/project: <gcc-12> <-O2> <-std=gnu17> <-idirafter> <ROOT/project>"
			  : "DWARF ROOT/project: <gcc> <-O2> <-std=gnu17> <-idirafter> <ROOT/project>");
}

static void the_users_flags_stand_behind(void **state)
{
	struct target_unit unit = {.producer = "GNU C17 9.4.0 -O1 -std=gnu89"};

	(void)state;
	assert_string_equal(flags_of(&unit, "project", "-Iinc -DA='x y'"),
			    "RTF_CFLAGS ROOT/project: <gcc> <-O1> <-std=gnu89> <-IROOT/project/inc> <-DA=x "
			    "y> <-idirafter> <ROOT/project> "
			    "<-fmacro-prefix-map=ROOT/project/inc/=inc/>");
	write_database(
		"project/compile_commands.json",
		"[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":\"cc -DHERE src/a.c\"}]");
	assert_string_equal(flags_of(&unit, "project", "-DNOT"),
			    "compile_commands.json ROOT/project: <cc> <-DHERE>");
}

/* A compiler that another program calls has its options behind both names. */
static void a_file_is_named_as_the_compiler_was_given_it(void **state)
{
	static const struct target_unit relative = {.given = "src/a.c"}, absolute = {.given = "/p/src/a.c"},
					other = {.given = "src/b.c"};
	static char *const words[] = {"gcc", "-fmacro-prefix-map=/p/=./", "-fmacro-prefix-map=/p/inc/=inc/",
				      "-O2", NULL};
	static const struct {
		const char *file, *name;
	} files[] = {{"/p/a.c", "./a.c"}, {"/p/inc/a.h", "inc/a.h"}, {"/pp/a.c", "/pp/a.c"}};

	(void)state;
	write_database("project/compile_commands.json",
		       "[{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"command\":\"ccache cc -I@/inc "
		       "-I@/project/src/inc -iquote src/../lib/ -c src/a.c\"}]");
	assert_string_equal(flags_of(&relative, "project", NULL),
			    "compile_commands.json ROOT/project: <ccache> <cc> "
			    "<-fmacro-prefix-map=ROOT/project/src/=src/> <-IROOT/inc> "
			    "<-IROOT/project/src/inc> <-iquote> <ROOT/project/src/../lib/> "
			    "<-fmacro-prefix-map=ROOT/project/src/../lib/=src/../lib/> "
			    "<-fmacro-prefix-map=ROOT/project/src/inc/=ROOT/project/src/inc/>");
	assert_null(strstr(flags_of(&absolute, "project", NULL), "project/src/="));
	assert_null(strstr(flags_of(&other, "project", NULL), "project/src/="));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *name = given_name(words, files[i].file);
		assert_string_equal(name, files[i].name);
		free(name);
	}
}

static void a_unit_without_a_directory_has_flags(void **state)
{
	struct target_unit unit = {.file = "/no/such/place/a.c"};
	struct flags flags;

	struct commands *commands = commands_new();

	(void)state;
	assert_null(flags_new(&unit, NULL, commands, NULL, &flags));
	commands_free(commands);
	assert_string_equal(flags.directory, "/");
	assert_string_equal(flags.argv[0], "gcc");
	flags_fini(&flags);
}

struct entries {
	const json_t *items[4];
	size_t count;
};

static bool add_entry(void *context, const json_t *entry)
{
	struct entries *e = context;

	e->items[e->count++] = entry;
	return e->count < 4;
}

static struct entries entries_of(struct commands *c, const char *file)
{
	struct entries found = {.count = 0};
	char database[PATH_MAX], wanted[PATH_MAX];

	snprintf(database, sizeof(database), "%s", under_root("project/compile_commands.json"));
	snprintf(wanted, sizeof(wanted), "%s", under_root(file));
	assert_true(commands_each(c, database, wanted, add_entry, &found));
	return found;
}

static void a_database_is_read_once_until_it_changes(void **state)
{
	static const char two[] =
		"[{\"directory\":\"@/project\",\"file\":\"src/b.c\"},"
		"{\"directory\":\"@/project\",\"file\":\"src/a.c\",\"output\":\"1\"},"
		"{\"directory\":\"@/project/src\",\"file\":\"../src/a.c\",\"output\":\"2\"}]";
	struct commands *c = commands_new();

	(void)state;
	write_database("project/compile_commands.json", two);
	struct entries first = entries_of(c, "project/src/a.c"), again = entries_of(c, "project/src/a.c");
	assert_int_equal(first.count, 2);
	assert_string_equal(json_string_value(json_object_get(first.items[0], "output")), "1");
	assert_string_equal(json_string_value(json_object_get(first.items[1], "output")), "2");
	assert_ptr_equal(first.items[0], again.items[0]); /* as it was read then */
	assert_int_equal(entries_of(c, "project/src/none.c").count, 0);
	write_database("project/compile_commands.json", "[]");
	assert_int_equal(entries_of(c, "project/src/a.c").count, 0);
	commands_free(c);
}

/* What DWARF has no word of: -D, and a folder whose headers hold nothing but macros. */
static void make_tells_what_the_preprocessor_was_told(void **state)
{
	const char *const directories[] = {"/home/include", NULL};
	const struct target_unit gcc = {.producer = "GNU C17 9.4.0 -O2 -g",
					.given = "../src/a.c",
					.include_directories = directories},
				 clang = {.producer = "Debian clang version 3.4.5",
					  .clang = true,
					  .given = "../src/a.c"};

	(void)state;
	write_file("project/build/Makefile", "a.o: ../src/a.c\n\tccache cc -DA='\"x y\"' -I ../inc -Iconf "
					     "-include conf.h -std=c99 -O1 -Wall "
					     "-MD -MF a.d -c -o a.o ../src/a.c\n");
	assert_null(recipes_new(NULL, &recipes));
	assert_string_equal(flags_of(&gcc, "project/build", NULL),
			    "make ROOT/project/build: <gcc> <-fmacro-prefix-map=ROOT/project/src/=../src/> "
			    "<-O2> <-g> <-std=gnu17> <-DA=\"x y\"> <-I> "
			    "<ROOT/project/build/../inc> <-IROOT/project/build/conf> <-include> <conf.h> "
			    "<-fmacro-prefix-map=ROOT/project/build/../inc/=../inc/> "
			    "<-fmacro-prefix-map=ROOT/project/build/conf/=conf/> "
			    "<-idirafter> </home/include> <-idirafter> </home>");
	assert_string_equal(flags_of(&clang, "project/build", NULL),
			    "make ROOT/project/build: <clang> "
			    "<-fmacro-prefix-map=ROOT/project/src/=../src/> <-DA=\"x y\"> <-I> "
			    "<ROOT/project/build/../inc> <-IROOT/project/build/conf> <-include> <conf.h> "
			    "<-std=c99> <-O1> <-fmacro-prefix-map=ROOT/project/build/../inc/=../inc/> "
			    "<-fmacro-prefix-map=ROOT/project/build/conf/=conf/>");
	assert_string_equal(
		flags_of(&gcc, "project/build", "-DMINE"),
		"RTF_CFLAGS ROOT/project/build: <gcc> "
		"<-fmacro-prefix-map=ROOT/project/src/=../src/> <-O2> <-g> <-std=gnu17> <-I> </home/include> "
		"<-DMINE> <-idirafter> </home> <-idirafter> <ROOT/project/build>");
	recipes_free(recipes);
	recipes = NULL;
}

/* gcc takes the later of two options for one folder, and would find a header of the same name elsewhere first. */
static void a_folder_that_make_names_is_not_named_again(void **state)
{
	char folder[PATH_MAX];
	const char *const directories[] = {folder, NULL};
	const struct target_unit gcc = {
		.producer = "GNU C17 9.4.0", .given = "../src/a.c", .include_directories = directories};

	(void)state;
	write_file("project/build/Makefile", "a.o: ../src/a.c\n\tcc -I../src -c -o a.o ../src/a.c\n");
	snprintf(folder, sizeof(folder), "%s", under_root("project/src"));
	assert_null(recipes_new(NULL, &recipes));
	const char *flags = flags_of(&gcc, "project/build", NULL);
	assert_non_null(strstr(flags, "<-IROOT/project/build/../src>"));
	assert_null(strstr(flags, "<-idirafter> <ROOT/project/src>"));
	recipes_free(recipes);
	recipes = NULL;
}

int main(void)
{
#define in_a_tree(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_split_as_a_shell_would),
		cmocka_unit_test(what_is_joined_is_split_into_the_same),
		in_a_tree(a_command_gives_its_flags_without_input_and_output),
		in_a_tree(arguments_are_taken_as_they_are),
		in_a_tree(an_input_spelled_otherwise_than_the_file_is_left_out),
		in_a_tree(a_path_through_a_link_is_the_same_file),
		in_a_tree(the_database_may_stand_above_or_in_a_build_folder),
		in_a_tree(a_database_without_the_file_is_passed_over),
		in_a_tree(of_several_commands_the_one_like_the_build_is_taken),
		in_a_tree(a_database_that_is_none_is_passed_over),
		in_a_tree(a_database_is_read_once_until_it_changes),
		in_a_tree(without_a_database_dwarf_tells),
		in_a_tree(a_folder_with_namesakes_of_the_library_does_not_hide_it),
		in_a_tree(the_compilers_version_counts_where_it_is_installed),
		in_a_tree(the_users_flags_stand_behind),
		in_a_tree(make_tells_what_the_preprocessor_was_told),
		in_a_tree(a_folder_that_make_names_is_not_named_again),
		in_a_tree(a_file_is_named_as_the_compiler_was_given_it),
		cmocka_unit_test(a_unit_without_a_directory_has_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
