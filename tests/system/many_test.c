/* Changes of very many functions at once: a header's macro that all of them use. */
#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HUNDREDS = 450, TOO_MANY = 4097 };

static struct followed host;
static int functions;

static const char opening[] = "#include <rtf.h>\n#include <stdio.h>\n#include \"many.h\"\n";

static const char closing[] = "int main(int argc, char **argv)\n"
			      "{\n"
			      "	char line[64];\n"
			      "	setvbuf(stdout, NULL, _IOLBF, 0);\n"
			      "	if (argc > 1)\n"
			      "		rtf_start(argv[1]);\n"
			      "	puts(\"ready\");\n"
			      "	while (fgets(line, sizeof(line), stdin))\n"
			      "		printf(\"%d\\n\", sum());\n"
			      "	return 0;\n"
			      "}\n";

/* Functions f0, f1, ..., each of which returns its number times STEP. */
static void write_source(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(opening, out);
	for (int i = 0; i < functions; i++)
		fprintf(out, "REALTIMEFUNC\nstatic int f%d(void)\n{\n\treturn %d * STEP;\n}\n", i, i);
	fputs("static int sum(void)\n{\n\tint n = 0;\n", out);
	for (int i = 0; i < functions; i++)
		fprintf(out, "\tn += f%d();\n", i);
	fputs("\treturn n;\n}\n", out);
	fputs(closing, out);
	assert_int_equal(fclose(out), 0);
	followed_write(&host, "many.c", text);
	free(text);
}

static int start(int count)
{
	functions = count;
	host = (struct followed){.events = {.fd = -1}};
	subject_init(&host.subject);
	followed_write(&host, "many.h", "#define STEP 1\n");
	write_source();
	compiled_build(&host.subject, &(struct compiled_how){.sources = {"many.c"}});
	compiled_start(&host.subject);
	followed_listen(&host);
	return 0;
}

static int start_hundreds(void **state)
{
	(void)state;
	return start(HUNDREDS);
}

static int start_too_many(void **state)
{
	(void)state;
	return start(TOO_MANY);
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void assert_sum(int step)
{
	char sum[32];

	snprintf(sum, sizeof(sum), "%d", step * functions * (functions - 1) / 2);
	compiled_assert_answer(&host.subject, "sum", sum);
}

static void a_saved_header_changes_hundreds_of_functions_together(void **state)
{
	pid_t engine = compiled_engine(&host.subject);

	(void)state;
	assert_sum(1);
	followed_edit(&host, "many.h", "STEP 1", "STEP 2");
	json_t *event = followed_await(&host, "live");
	assert_int_equal(json_array_size(json_object_get(event, "functions")), functions);
	json_decref(event);
	assert_sum(2);
	json_decref(compiled_data(&host.subject, "\\undo"));
	assert_sum(1);
	assert_int_equal(compiled_engine(&host.subject), engine);
}

static void what_is_too_much_for_one_change_is_refused_before_it_is_stored(void **state)
{
	(void)state;
	followed_edit(&host, "many.h", "STEP 1", "STEP 2");
	followed_assert_refused(&host, "more than 4096 functions at once");
	compiled_assert_live(&host.subject, "f0", 0, 1, "refused");
	json_t *log = compiled_data(&host.subject, "\\log f0");
	assert_int_equal(json_array_size(log), 1);
	json_decref(log);
	assert_sum(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_saved_header_changes_hundreds_of_functions_together,
						start_hundreds, stop),
		cmocka_unit_test_setup_teardown(
			what_is_too_much_for_one_change_is_refused_before_it_is_stored, start_too_many, stop),
	};

	return cmocka_run_group_tests_name("system: many functions", tests, NULL, NULL);
}
