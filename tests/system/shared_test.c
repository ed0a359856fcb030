/* Saves of a header that several sources share. */
#include "followed.h"

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

static const char header[] =
	"#define FACTOR 1\n"
	"typedef int amount;\n"
	"typedef int extra;\n"
	"struct item { amount quantity; };\n"
	"int get_a(const struct item *), get_b(const struct item *), get_c(void), own(void);\n";

static const char source_a[] =
	"#include <rtf.h>\n"
	"#include <stdio.h>\n"
	"#include \"shared.h\"\n"
	"REALTIMEFUNC\n"
	"int get_a(const struct item *i)\n"
	"{\n"
	"	return i->quantity * FACTOR;\n"
	"}\n"
	"REALTIMEFUNC\n"
	"int own(void)\n"
	"{\n"
	"	return FACTOR + 0;\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	char line[64];\n"
	"	const struct item i = {10};\n"
	"	setvbuf(stdout, NULL, _IOLBF, 0);\n"
	"	if (argc > 1)\n"
	"		rtf_start(argv[1]);\n"
	"	puts(\"ready\");\n"
	"	while (fgets(line, sizeof(line), stdin))\n"
	"		printf(\"%d %d %d %d\\n\", get_a(&i), get_b(&i), get_c(), own());\n"
	"	return 0;\n"
	"}\n";

static const char source_b[] = "#include <rtf.h>\n"
			       "#include \"shared.h\"\n"
			       "extra unused;\n"
			       "REALTIMEFUNC\n"
			       "int get_b(const struct item *i)\n"
			       "{\n"
			       "	return i->quantity * FACTOR;\n"
			       "}\n";

static const char source_c[] = "#include <rtf.h>\n"
			       "#include \"shared.h\"\n"
			       "REALTIMEFUNC\n"
			       "int get_c(void)\n"
			       "{\n"
			       "	return FACTOR;\n"
			       "}\n";

/* One that writes down which whole files it is asked about. While there is a file `meet`, its runs for the preprocessed text of
 * b.c and c.c wait for each other: `alone` tells that the other did not come in ten seconds. */
static void write_compiler(void)
{
	const char *d = host.subject.directory;
	char *text, *path = compiled_path(&host.subject, "told-cc"), *core = realpath("core", NULL);

	assert_true(asprintf(&text,
			     "#!/bin/sh\n"
			     "cd %s\n"
			     "case \" $* \" in\n"
			     "*\" -fsyntax-only \"*) echo \"$*\" >>asked ;;\n"
			     "*\" -E \"*[bc].c\" \"*)\n"
			     "	[ -e meet ] && echo $$ >>here\n"
			     "	n=0\n"
			     "	while [ -e meet ] && [ $(wc -l <here) -lt 2 ]; do\n"
			     "		n=$((n + 1)); [ $n -lt 1000 ] || { >alone; break; }\n"
			     "		sleep 0.01\n"
			     "	done ;;\n"
			     "esac\n"
			     "exec ${CC:-cc} \"$@\"\n",
			     d) > 0);
	followed_write(&host, "told-cc", text);
	assert_int_equal(chmod(path, 0755), 0);
	followed_write(&host, "asked", "");
	free(text);

	text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	for (char c = 'a'; c <= 'c'; c++)
		fprintf(out,
			"%c{\"directory\": \"%s\", \"command\": \"%s -g -I%s -c %c.c\", \"file\": "
			"\"%s/%c.c\"}\n",
			c == 'a' ? '[' : ',', d, path, core, c, d, c);
	fputs("]\n", out);
	assert_int_equal(fclose(out), 0);
	followed_write(&host, "compile_commands.json", text);
	free(text);
	free(path);
	free(core);
}

static int start(void **state)
{
	(void)state;
	host = (struct followed){.events = {.fd = -1}};
	subject_init(&host.subject);
	followed_write(&host, "shared.h", header);
	followed_write(&host, "a.c", source_a);
	followed_write(&host, "b.c", source_b);
	followed_write(&host, "c.c", source_c);
	write_compiler();
	compiled_build(&host.subject, &(struct compiled_how){.sources = {"a.c", "b.c", "c.c"}});
	compiled_start(&host.subject);
	followed_listen(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static size_t files_asked_about(void)
{
	char *asked = followed_read(&host, "asked");
	size_t count = compiled_count(asked, "\n");

	free(asked);
	return count;
}

static void a_layout_is_refused_before_all_sources_are_read(void **state)
{
	(void)state;
	assert_int_equal(files_asked_about(), 0);
	followed_edit(&host, "shared.h", "amount quantity;", "amount weight, quantity;");
	followed_assert_refused(&host, "struct item");
	assert_int_equal(files_asked_about(), 1);
	compiled_assert_answer(&host.subject, "get", "10 10 1 1");
	followed_assert_state(&host, "get_c", "refused");
	followed_edit(&host, "shared.h", "amount weight, quantity;", "amount quantity;");
	followed_assert_unchanged(&host, "shared.h is in order again");
	followed_assert_state(&host, "get_a", "built");
	followed_assert_state(&host, "get_c", "built");

	followed_edit(&host, "shared.h", "FACTOR 1", "FACTOR 2");
	followed_assert_live(&host, "get_a get_b get_c own");
	compiled_assert_answer(&host.subject, "get", "20 20 2 2");
}

static void what_else_such_a_save_changed_goes_live_when_it_is_mended(void **state)
{
	(void)state;
	followed_edit(&host, "shared.h", "FACTOR 1\ntypedef int amount;", "FACTOR 3\ntypedef long amount;");
	followed_assert_refused(&host, "struct item");
	followed_edit(&host, "shared.h", "long", "int");
	followed_assert_live(&host, "get_a get_b get_c own");
	compiled_assert_answer(&host.subject, "get", "30 30 3 3");
}

static void it_may_be_mended_in_a_source(void **state)
{
	(void)state;
	followed_edit(&host, "b.c", "i->quantity * FACTOR", "i != 0");
	followed_assert_live(&host, "get_b");
	followed_edit(&host, "shared.h", "FACTOR 1\ntypedef int amount;", "FACTOR 3\ntypedef long amount;");
	followed_assert_refused(&host, "get_a: ");
	followed_edit(&host, "a.c", "i->quantity * FACTOR", "i ? 7 : FACTOR");
	followed_assert_live(&host, "get_a get_c own");
	compiled_assert_answer(&host.subject, "get", "7 1 3 3");
}

static void what_was_put_off_may_be_refused_in_its_turn(void **state)
{
	(void)state;
	followed_edit(&host, "shared.h", "FACTOR 1\ntypedef int amount;", "FACTOR 3\ntypedef long amount;");
	followed_assert_refused(&host, "get_a: ");
	followed_edit(&host, "a.c", "i->quantity * FACTOR", "i ? 7 : FACTOR");
	followed_assert_refused(&host, "get_b: ");
	compiled_assert_answer(&host.subject, "get", "10 10 1 1");
	followed_edit(&host, "b.c", "i->quantity * FACTOR", "i ? 8 : FACTOR");
	followed_assert_live(&host, "get_a get_b get_c own");
	compiled_assert_answer(&host.subject, "get", "7 8 3 3");
}

static void what_two_refused_saves_had_goes_live_when_both_are_mended(void **state)
{
	(void)state;
	followed_edit(&host, "shared.h", "FACTOR 1\ntypedef int amount;\ntypedef int extra;\n",
		      "FACTOR 2\ntypedef int amount;\n");
	followed_assert_refused(&host, "extra");
	followed_edit(&host, "shared.h", "typedef int amount;\n",
		      "typedef long amount;\ntypedef int extra;\n");
	followed_assert_refused(&host, "struct item");
	followed_edit(&host, "shared.h", "long", "int");
	followed_assert_live(&host, "get_a get_b get_c own");
	compiled_assert_answer(&host.subject, "get", "20 20 2 2");
}

static void a_source_that_is_no_c_keeps_only_its_own_back(void **state)
{
	(void)state;
	followed_edit(&host, "shared.h", "FACTOR 1\ntypedef int amount;\ntypedef int extra;\n",
		      "FACTOR 2\ntypedef long amount;\n");
	followed_assert_refused(&host, "get_a: ");
	followed_edit(&host, "a.c", "i->quantity * FACTOR", "i ? 7 : FACTOR");
	followed_assert_refused(&host, "extra");
	followed_edit(&host, "a.c", "FACTOR + 0", "FACTOR + 4");
	followed_assert_live(&host, "get_a get_c own"); /* what is no C holds nobody up */
	followed_edit(&host, "shared.h", "typedef long amount;\n",
		      "typedef int amount;\ntypedef int extra;\n");
	followed_assert_live(&host, "get_b");
	compiled_assert_answer(&host.subject, "get", "7 20 2 6");
}

static void sources_are_read_at_once_behind_the_first(void **state)
{
	char *alone = compiled_path(&host.subject, "alone"), *here;

	(void)state;
	followed_write(&host, "meet", "");
	followed_edit(&host, "shared.h", "FACTOR 1", "FACTOR 2");
	followed_assert_live(&host, "get_a get_b get_c own");
	compiled_assert_answer(&host.subject, "get", "20 20 2 2");
	here = followed_read(&host, "here");
	assert_int_equal(compiled_count(here, "\n"), 2);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		assert_int_not_equal(access(alone, F_OK), 0);
	free(here);
	free(alone);
}

int main(void)
{
#define with_host(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		with_host(a_layout_is_refused_before_all_sources_are_read),
		with_host(sources_are_read_at_once_behind_the_first),
		with_host(what_else_such_a_save_changed_goes_live_when_it_is_mended),
		with_host(it_may_be_mended_in_a_source),
		with_host(what_was_put_off_may_be_refused_in_its_turn),
		with_host(what_two_refused_saves_had_goes_live_when_both_are_mended),
		with_host(a_source_that_is_no_c_keeps_only_its_own_back),
	};

	return cmocka_run_group_tests_name("system: shared headers", tests, NULL, NULL);
}
