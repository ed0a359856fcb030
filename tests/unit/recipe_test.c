/* What make tells of a source: recipes of all kinds, and what is not run while asking. */
#include "recipe.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/rtf-recipe-XXXXXX";
static struct recipes *recipes;

static const char *under_root(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned turn;
	char *at = path[turn++ % 4];

	snprintf(at, PATH_MAX, "%s%s%s", root, *name ? "/" : "", name);
	return at;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(under_root(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ROOT/{src,sub}, with src/a.c, src/b.c and sub/c.c. */
static int make_tree(void **state)
{
	(void)state;
	strcpy(root, "/tmp/rtf-recipe-XXXXXX");
	if (!mkdtemp(root) || mkdir(under_root("src"), 0700) || mkdir(under_root("sub"), 0700))
		return -1;
	write_file("src/a.c", "int a;\n");
	write_file("src/b.c", "int b;\n");
	write_file("sub/c.c", "int c;\n");
	struct error *e = recipes_new(NULL, &recipes);
	error_free(e);
	return e ? -1 : 0;
}

static int remove_tree(void **state)
{
	char command[64];

	(void)state;
	recipes_free(recipes);
	recipes = NULL;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static const char *producer, *module, *defined; /* of the units that are asked for */

static bool defines(const struct target_unit *unit, const char *name)
{
	(void)unit;
	return defined && strcmp(name, defined) == 0;
}

/* "DIRECTORY: word word …" of the source, built in `directory` as `given`; the root spelled as ROOT. "" is nothing. */
static const char *recipe_of(const char *file, const char *directory, const char *given)
{
	static char text[4096];
	struct target_unit unit = {.file = under_root(file),
				   .directory = under_root(directory),
				   .given = given,
				   .producer = producer,
				   .module = module,
				   .defines = defines};
	struct recipe recipe;
	size_t used = 0;

	assert_null(recipes_find(recipes, &unit, &recipe));
	text[0] = '\0';
	if (recipe.words) {
		assert_int_equal(strncmp(recipe.directory, root, strlen(root)), 0);
		used = (size_t)snprintf(text, sizeof(text), "ROOT%s:", recipe.directory + strlen(root));
	}
	for (char **word = recipe.words; word && *word; word++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", *word);
	recipe_fini(&recipe);
	return text;
}

static bool exists(const char *name)
{
	return access(under_root(name), F_OK) == 0;
}

static void the_command_that_compiles_a_source_is_found(void **state)
{
	(void)state;
	write_file("a.o", ""); /* newer than its source */
	write_file("Makefile", "X := $(shell echo -DFROM_SHELL=1)\n"
			       "all: a.o b.o\n"
			       "a.o: src/a.c\n"
			       "\t@echo CC src/a.c; gcc $(X) -DNAME='\"a b\"' \\\n"
			       "\t  -Iinc -c -o a.o src/a.c && touch done\n"
			       "b.o: src/b.c\n"
			       "\tcd src && gcc -I.. -c b.c -o ../b.o\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: gcc -DFROM_SHELL=1 -DNAME=\"a b\" -Iinc -c -o a.o src/a.c");
	assert_string_equal(recipe_of("src/b.c", "src", "b.c"), "ROOT/src: gcc -I.. -c b.c -o ../b.o");
	assert_false(exists("b.o") || exists("done"));
}

/* Opens the gate that make waits at, once it does. */
static pid_t open_gate(void)
{
	pid_t child = fork();

	if (child == 0) {
		int fd = open(under_root("gate"), O_WRONLY);
		_exit(fd < 0);
	}
	return child;
}

static void who_asks_while_make_is_asked_has_its_answer(void **state)
{
	struct target_unit unit = {
		.file = under_root("src/a.c"), .directory = under_root(""), .given = "src/a.c"};
	int wake = eventfd(0, EFD_CLOEXEC), status;
	struct stat asked;

	(void)state;
	assert_true(wake >= 0);
	assert_int_equal(mkfifo(under_root("gate"), 0600), 0);
	write_file("Makefile", "X := $(shell printf x >> asked; cat gate)\n"
			       "a.o: src/a.c\n"
			       "\tgcc -DONE -c -o a.o src/a.c\n");
	assert_null(recipes_expect(recipes, &unit));
	recipes_begin(recipes, wake);
	assert_true(recipes_are_asked(recipes));
	assert_null(recipes_expect(recipes, &unit)); /* known: waits for nobody, and neither does this */
	recipes_begin(recipes, wake);
	assert_true(recipes_are_asked(recipes));

	pid_t child = open_gate();
	assert_true(child > 0);
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: gcc -DONE -c -o a.o src/a.c");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(recipes_are_asked(recipes));
	assert_int_equal(stat(under_root("asked"), &asked), 0);
	assert_int_equal(asked.st_size, 1); /* one make has answered both */
	close(wake);
}

static bool appears(const char *name)
{
	for (int i = 0; i < 6000 && !exists(name); i++)
		poll(NULL, 0, 10);
	return exists(name);
}

/* The first question waits at the gate; one with goals leaves a file. */
static void hurry(const struct target_unit *unit, int wake, const char *rules)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "X := $(if $(MAKECMDGOALS),$(shell echo x >>second),$(shell cat gate))\n%s", rules);
	write_file("Makefile", text);
	assert_int_equal(mkfifo(under_root("gate"), 0600), 0);
	assert_null(recipes_expect(recipes, unit));
	recipes_hurry(recipes); /* nothing is asked yet */
	recipes_begin(recipes, wake);
	recipes_hurry(recipes);
	recipes_hurry(recipes);
	assert_true(appears("second"));
	assert_true(recipes_are_asked(recipes));
}

static off_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(under_root(name), &st), 0);
	return st.st_size;
}

static void both_questions_are_asked_at_once_for_who_waits(void **state)
{
	struct target_unit unit = {
		.file = under_root("src/a.c"), .directory = under_root(""), .given = "src/a.c"};
	int wake = eventfd(0, EFD_CLOEXEC), status;

	(void)state;
	hurry(&unit, wake,
	      "all: b.o\nb.o: src/b.c\n\tcc -c src/b.c\nsrc/a.o: src/a.c\n\tcc -DTWO -c src/a.c\n");
	pid_t child = open_gate();
	assert_true(child > 0);
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DTWO -c src/a.c");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(size_of("second"), sizeof("x\n") - 1); /* it is not asked again */
	recipes_hurry(recipes);
	close(wake);
}

/* As if nobody had waited, also where make would have made the object in another way. */
static void where_the_first_answer_has_the_source_the_second_does_not_count(void **state)
{
	struct target_unit unit = {
		.file = under_root("src/a.c"), .directory = under_root(""), .given = "src/a.c"};
	int wake = eventfd(0, EFD_CLOEXEC), status;

	(void)state;
	hurry(&unit, wake,
	      "all: a.o\na.o: src/a.c\n\tcc -DONE -c src/a.c\n"
	      "src/a.o: src/a.c\n\tcc -DTWO -c src/a.c\n");
	pid_t child = open_gate();
	assert_true(child > 0);
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DONE -c src/a.c");
	assert_int_equal(waitpid(child, &status, 0), child);
	close(wake);
}

/* As nginx, redis and automake have it: a makefile that calls another. */
static void makes_in_makes_are_followed(void **state)
{
	(void)state;
	write_file("Makefile", "all:\n\t$(MAKE) -f rules.mk\n\tcd sub && $(MAKE) all\n");
	write_file("rules.mk", "a.o: src/a.c\n\tcc -c -I src \\\n\t\t-o a.o \\\n\t\tsrc/a.c\n");
	write_file("a.o", ""); /* newer than its source: only -W makes it old */
	write_file("sub/c.o", "");
	write_file("sub/Makefile",
		   "Z := $(shell echo -DDEEP)\nall: c.o\nc.o: c.c\n\tcc $(Z) -c -o c.o ../sub/c.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -c -I src -o a.o src/a.c");
	assert_string_equal(recipe_of("sub/c.c", "sub", "c.c"), "ROOT/sub: cc -DDEEP -c -o c.o ../sub/c.c");
}

/* As openssl has it. Each make knows what has changed. */
static void makes_behind_each_other_are_followed(void **state)
{
	(void)state;
	write_file("x-a.o", "");
	write_file("x-b.o", "");
	write_file("Makefile", "all:\n\t\"$(MAKE)\" x-a.o && \"$(MAKE)\" x-b.o\n"
			       "x-a.o: src/a.c\n\tcc -DA -c src/a.c\nx-b.o: src/b.c\n\tcc -DB -c src/b.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DA -c src/a.c");
	assert_string_equal(recipe_of("src/b.c", "", "src/b.c"), "ROOT: cc -DB -c src/b.c");
}

static void automakes_way_of_naming_a_source_is_understood(void **state)
{
	(void)state;
	write_file("Makefile", "all: x-a.o\nx-a.o: src/a.c\n\tdepbase=`echo x-a.o | sed 's/o$$//'`;\\\n"
			       "\tgcc -DHAVE_CONFIG_H -I. -c -o x-a.o "
			       "`test -f 'src/a.c' || echo './'`src/a.c &&\\\n\tmv x y\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: gcc -DHAVE_CONFIG_H -I. -c -o x-a.o src/a.c");
	recipes_free(recipes);
	assert_null(recipes_new(NULL, &recipes));
	write_file("Makefile", "x-a.o: src/a.c\n\tgcc -DB -c -o x-a.o `test -f 'a.c' || echo 'src/'`a.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: gcc -DB -c -o x-a.o src/a.c");
}

/* As gnuplot has it, by the name that a program is installed under. */
static void what_commands_in_a_command_print_is_in_it(void **state)
{
	(void)state;
	write_file("version", "2.9\n");
	write_file(
		"Makefile",
		"all: a.o b.o\na.o: src/a.c\n"
		"\tgcc -DHAVE_CONFIG_H -DX11=\\\"`echo x_11 | sed 's,x,y z,;s,1,\\$$,'`\\\" '-DQ=`no`' \\\n"
		"\t\"-DV='$$(cat version | (tr -d .))'\" -I. -c src/a.c && touch done\n"
		"b.o: src/b.c\n\tcc -DA -DB=`false` -DC=\\` -c src/b.c || touch done\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: gcc -DHAVE_CONFIG_H -DX11=\"y z_$1\" -DQ=`no` -DV='29' -I. -c src/a.c");
	assert_string_equal(recipe_of("src/b.c", "", "src/b.c"), "ROOT: cc -DA -DB= -DC=` -c src/b.c");
	assert_false(exists("done"));
}

/* As dnsmasq has it: what a submake is told is in quotes, and partly found out by commands. */
static void a_make_that_is_told_more_than_plain_words_is_followed(void **state)
{
	(void)state;
	write_file("version", "2.9");
	write_file("Makefile", "version = -DVERSION='\\\"`cat ../version`\\\"'\n"
			       "all:\n\t@cd src && $(MAKE) \\\n"
			       " flags=\"$(version) $$(echo -DA) `echo -DB | cat`\" other='x; y' \\\n"
			       " -f ../Makefile a.o\n"
			       "a.o: a.c\n\tcc $(flags) -c a.c\n");
	assert_string_equal(recipe_of("src/a.c", "src", "a.c"),
			    "ROOT/src: cc -DVERSION=\"2.9\" -DA -DB -c a.c");
}

/* A loop over folders is no command of make alone and is not run; automake has a goal for what comes behind it. */
static void automakes_own_folder_is_asked_for_where_others_come_first(void **state)
{
	(void)state;
	write_file("Makefile", "all: config.h\n\t$(MAKE) all-recursive\nconfig.h:\n"
			       "all-recursive:\n\tfor d in sub; do (cd $$d && $(MAKE) all); done; "
			       "$(MAKE) all-am\n"
			       "all-am: x-a.o\nx-a.o: src/a.c\n\tgcc -DHAVE_CONFIG_H -c -o x-a.o src/a.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: gcc -DHAVE_CONFIG_H -c -o x-a.o src/a.c");
}

static void a_source_that_the_first_goal_does_not_need_is_asked_for_by_its_object(void **state)
{
	(void)state;
	write_file("Makefile", "help:\n\t@echo make all\nall: src/a.o b.o\n"
			       "%.o: %.c\n\tcc -DA -c $< -o $@\nb.o: src/b.c\n\tcc -DB -c src/b.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DA -c src/a.c -o src/a.o");
	assert_string_equal(recipe_of("src/b.c", "", "src/b.c"), "ROOT: cc -DB -c src/b.c");
}

/* make has a rule of its own for a.o, with no flag of this program's. */
static void makes_own_rule_does_not_pass_for_the_makefiles(void **state)
{
	static const char makefile[] = "CC = cc\nCFLAGS = -DA\nhelp:\n\t@echo make all\nall: lib-a.o\n"
				       "lib-a.o: src/a.c\n\tcc -DLIB -c src/a.c -o $@\n";

	(void)state;
	write_file("Makefile", makefile);
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "");
	recipes_free(recipes);
	assert_null(recipes_new(NULL, &recipes));
	write_file("src/a.o", ""); /* it was made so */
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DA -c -o src/a.o src/a.c");
}

/* A program and what is made of the same sources for its tests; its commands as automake has them, or not. */
static void as_automake_writes_it_a_command_is_as_alike(void **state)
{
	(void)state;
	write_file("Makefile", "all: app test\n"
			       "app: app-a.o\n"
			       "\tgcc -o app app-a.o\n"
			       "test: a.o\n"
			       "\tgcc -o test a.o\n"
			       "app-a.o: src/a.c\n"
			       "\tgcc -DAPP -O2 -c -o app-a.o `test -f 'src/a.c' || echo './'`src/a.c\n"
			       "a.o: src/a.c\n"
			       "\tgcc -O2 -c -o a.o src/a.c\n");
	producer = "GNU C17 12.2.0 -mtune=generic -g -O2";
	module = "app";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: gcc -DAPP -O2 -c -o app-a.o src/a.c");
	module = "test";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: gcc -O2 -c -o a.o src/a.c");
	producer = module = NULL;
}

static void a_tree_that_is_built_elsewhere_is_asked_where_it_is_built(void **state)
{
	(void)state;
	assert_int_equal(mkdir(under_root("build"), 0700), 0);
	write_file("build/lib_a.o", ""); /* newer than its source */
	write_file("build/lib_c.o", "");
	write_file("build/Makefile", "VPATH = ../src:..\n"
				     "all: lib_a.o lib_c.o\n"
				     "lib_a.o: a.c\n"
				     "\tgcc -DA -c -o lib_a.o `test -f 'a.c' || echo '../src/'`a.c\n"
				     "lib_c.o: sub/c.c\n"
				     "\tgcc -DC -c -o lib_c.o $<\n");
	assert_string_equal(recipe_of("src/a.c", "build", "../src/a.c"),
			    "ROOT/build: gcc -DA -c -o lib_a.o ../src/a.c");
	assert_string_equal(recipe_of("sub/c.c", "build", "../sub/c.c"),
			    "ROOT/build: gcc -DC -c -o lib_c.o ../sub/c.c");
}

/* configure was called by its whole path. */
static void a_source_has_the_name_that_its_makefile_finds_it_by(void **state)
{
	char rules[2 * PATH_MAX], given[PATH_MAX];

	(void)state;
	assert_int_equal(mkdir(under_root("out"), 0700) || mkdir(under_root("out/build"), 0700), 0);
	write_file("out/build/c.o", ""); /* newer than its source */
	snprintf(rules, sizeof(rules),
		 "VPATH = %s/src\nall: c.o\nc.o: ../sub/c.c\n"
		 "\tgcc -c `test -f '../sub/c.c' || echo '$(VPATH)/'`../sub/c.c -o c.o\n",
		 root);
	write_file("out/build/Makefile", rules);
	snprintf(given, sizeof(given), "%s/src/../sub/c.c", root);
	const char *recipe = recipe_of("sub/c.c", "out/build", given);
	assert_int_equal(strncmp(recipe, "ROOT/out/build: gcc -c ", 23), 0);
	assert_non_null(strstr(recipe, "/src/../sub/c.c -o c.o"));
}

static void of_commands_that_are_alike_the_one_of_the_program_is_found(void **state)
{
	static const char *const modules[] = {"app", "app-debug", "else", NULL};
	static const char *const found[] = {
		"ROOT: gcc -DNDEBUG -c -o app-a.o src/a.c", "ROOT: gcc -DDEBUG -c -o debug-a.o src/a.c",
		"ROOT: gcc -DDEBUG -c -o debug-a.o src/a.c", "ROOT: gcc -DDEBUG -c -o debug-a.o src/a.c"};

	(void)state;
	write_file("Makefile", "all: app-debug app\n"
			       "app: app-a.o app-b.o\n"
			       "\tgcc -o bin/app \\\n"
			       "\t\tapp-b.o app-a.o\n"
			       "app-debug: debug-a.o\n"
			       "\tgcc debug-a.o -o app-debug\n"
			       "app-a.o: src/a.c\n"
			       "\tgcc -DNDEBUG -c -o app-a.o src/a.c\n"
			       "debug-a.o: src/a.c\n"
			       "\tgcc -DDEBUG -c -o debug-a.o src/a.c\n"
			       "app-b.o: src/b.c\n"
			       "\tgcc -DNDEBUG -c -o app-b.o src/b.c\n");
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		module = modules[i];
		assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), found[i]);
	}
	module = NULL;
}

/* As coreutils makes one program of many: the sources' mains are told apart by their names. */
static void of_commands_that_are_alike_the_one_with_the_units_names_is_found(void **state)
{
	(void)state;
	write_file("Makefile",
		   "all: one.o two.o\none.o: src/a.c\n\tcc -DSIZE=8 -Dmain=one_main -DBITS=main -c "
		   "src/a.c -o one.o\n"
		   "two.o: src/a.c\n\tcc -DSIZE=16 -Dmain=two_main -c src/a.c -o two.o\n");
	defined = "two_main";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: cc -DSIZE=16 -Dmain=two_main -c src/a.c -o two.o");
	defined = "one_main";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: cc -DSIZE=8 -Dmain=one_main -DBITS=main -c src/a.c -o one.o");
	defined = NULL;
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: cc -DSIZE=8 -Dmain=one_main -DBITS=main -c src/a.c -o one.o");
}

/* As libraries are made that are there twice, static and shared. */
static void of_several_commands_the_one_like_the_build_is_found(void **state)
{
	(void)state;
	write_file("Makefile", "all: a.o a.lo\na.o: src/a.c\n\tcc -O3 -c -o a.o src/a.c\n"
			       "a.lo: src/a.c\n\tcc -O3 -fPIC -DTHREADS -c -o a.lo src/a.c\n");
	producer = "GNU C17 12.2.0 -g -O2 -fPIC";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"),
			    "ROOT: cc -O3 -fPIC -DTHREADS -c -o a.lo src/a.c");
	producer = "GNU C17 12.2.0 -g -O2";
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -O3 -c -o a.o src/a.c");
	producer = NULL;
}

/* make runs these even with -n. */
static void nothing_is_built_and_nothing_removed_by_asking(void **state)
{
	(void)state;
	write_file("precious", "");
	write_file("Makefile", "all: a.o\n-include made.mk\n"
			       "made.mk: Makefile\n\techo 'Y = 1' > $@\n"
			       "a.o: src/a.c\n"
			       "\t+rm precious\n"
			       "\trm precious; $(MAKE) --version\n"
			       "\t$(MAKE) -f none.mk; rm precious\n"
			       "\t$(MAKE) -f none.mk \"x\" 'y' && rm precious\n"
			       "\t\"$(MAKE)\" -f none.mk && $(MAKE) all; rm precious\n"
			       "\t$(MAKE) -f none.mk && $(MAKE) all & rm precious\n"
			       "\t$(MAKE) --version && rm precious && $(MAKE) all\n"
			       "\t$(MAKE) -f none.mk \"x'\" | rm precious \"'\"\n"
			       "\tcd src && rm ../precious && $(MAKE) all\n"
			       "\tcc -c src/a.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -c src/a.c");
	assert_true(exists("precious"));
	assert_false(exists("made.mk"));
}

static void all_units_of_a_directory_are_asked_for_at_once(void **state)
{
	struct target_unit other = {.file = under_root("src/b.c"), .directory = under_root("")};

	(void)state;
	write_file("Makefile", "X := $(shell echo asked >>count)\nall: a.o b.o\n"
			       "a.o: src/a.c\n\tcc -DA -c src/a.c\nb.o: src/b.c\n\tcc -DB -c src/b.c\n");
	assert_null(recipes_expect(recipes, &other));
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DA -c src/a.c");
	assert_string_equal(recipe_of("src/b.c", "", "src/b.c"), "ROOT: cc -DB -c src/b.c");
	struct stat st;
	assert_int_equal(stat(under_root("count"), &st), 0);
	assert_int_equal(st.st_size, sizeof("asked\n") - 1);
}

static void where_make_knows_nothing_there_is_no_command(void **state)
{
	(void)state;
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), ""); /* no makefile */
	write_file("Makefile", "all: b.o\nb.o: src/b.c\n\tcc -c src/b.c\nbroken\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), ""); /* one with an error */
	recipes_free(recipes);
	assert_null(recipes_new("0", &recipes));
	write_file("Makefile", "all: a.o\na.o: src/a.c\n\tcc -c src/a.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), ""); /* not to be asked */
	recipes_free(recipes);
	assert_null(recipes_new("no-such-make -f", &recipes));
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "");
	recipes_free(recipes);
	assert_null(recipes_new("make -f other.mk", &recipes));
	write_file("other.mk", "all: a.o\na.o: src/a.c\n\tcc -DOTHER -c src/a.c\n");
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "ROOT: cc -DOTHER -c src/a.c");
}

/* It would run what they write into $(shell …). */
static void a_makefile_that_anybody_may_write_is_not_read(void **state)
{
	(void)state;
	write_file("Makefile", "X := $(shell touch ran)\nall: a.o\na.o: src/a.c\n\tcc -c src/a.c\n");
	assert_int_equal(chmod(under_root("Makefile"), 0666), 0);
	assert_string_equal(recipe_of("src/a.c", "", "src/a.c"), "");
	assert_false(exists("ran"));
}

#define with_tree(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(the_command_that_compiles_a_source_is_found),
		with_tree(who_asks_while_make_is_asked_has_its_answer),
		with_tree(both_questions_are_asked_at_once_for_who_waits),
		with_tree(where_the_first_answer_has_the_source_the_second_does_not_count),
		with_tree(makes_in_makes_are_followed),
		with_tree(makes_behind_each_other_are_followed),
		with_tree(automakes_way_of_naming_a_source_is_understood),
		with_tree(what_commands_in_a_command_print_is_in_it),
		with_tree(a_make_that_is_told_more_than_plain_words_is_followed),
		with_tree(automakes_own_folder_is_asked_for_where_others_come_first),
		with_tree(a_source_that_the_first_goal_does_not_need_is_asked_for_by_its_object),
		with_tree(makes_own_rule_does_not_pass_for_the_makefiles),
		with_tree(of_several_commands_the_one_like_the_build_is_found),
		with_tree(as_automake_writes_it_a_command_is_as_alike),
		with_tree(of_commands_that_are_alike_the_one_with_the_units_names_is_found),
		with_tree(a_tree_that_is_built_elsewhere_is_asked_where_it_is_built),
		with_tree(a_source_has_the_name_that_its_makefile_finds_it_by),
		with_tree(of_commands_that_are_alike_the_one_of_the_program_is_found),
		with_tree(nothing_is_built_and_nothing_removed_by_asking),
		with_tree(all_units_of_a_directory_are_asked_for_at_once),
		with_tree(where_make_knows_nothing_there_is_no_command),
		with_tree(a_makefile_that_anybody_may_write_is_not_read),
	};

	return cmocka_run_group_tests_name("unit: recipe", tests, NULL, NULL);
}
