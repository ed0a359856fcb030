/* Sources that are not in UTF-8 (latin_host.c): their text is shown, in JSON too, with each such byte as Latin-1 has it; and a save
 * of one is told to every console. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EACUTE "\303\251"

static struct subject host;
static const struct compiled_how named = {.sources = {"latin_host.c"}, .flags = {"-DNAMED"}};

static int init(void **state)
{
	static const struct compiled_how how = {.sources = {"latin_host.c"}};

	(void)state;
	compiled_init(&host, &how);
	compiled_shell(&host, "LC_ALL=C sed -i 's/EACUTE/\\xe9/g' latin_host.c");
	compiled_shell(&host, "echo 'REALTIMEFUNC __attribute__((used)) static int tax(void) { return 1; }'"
			      " >\"$(printf '\\351.h')\"");
	compiled_build(&host, &named);
	compiled_shell(&host, "cp -p latin_host.c built.c");
	return 0;
}

/* A connection that hears of what happens. */
static void listen_for_events(struct wire *wire)
{
	compiled_await_read(&host);
	wire_listen(wire, host.socket);
}

/* The source with another line in the place of one. */
static void save(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "LC_ALL=C sed 's/%s/%s/' built.c >saved && ! cmp -s saved built.c && mv saved latin_host.c",
		 from, to);
	compiled_shell(&host, command);
}

/* What is told of a save; the caller's. */
static json_t *save_and_hear(const char *from, const char *to, const char *kind)
{
	struct wire wire;

	listen_for_events(&wire);
	save(from, to);
	json_t *event = wire_await_event(&wire, kind);
	wire_close(&wire);
	return event;
}

/* And as it was, for the next test. */
static int stop(void **state)
{
	int failed = compiled_each_stop(state);

	compiled_shell(&host, "cp -p built.c latin_host.c");
	return failed;
}

static void assert_text(const char *command, const char *part)
{
	json_t *data = compiled_data(&host, command);

	if (!strstr(compiled_string(data, "text"), part))
		fail_msg("%s: %s", command, compiled_string(data, "text"));
	json_decref(data);
	compiled_assert_says(&host, 0, command, part);
}

static void its_text_is_shown(void **state)
{
	(void)state;
	assert_text("\\source price", "/* le prix de l'" EACUTE "t" EACUTE " */");
	assert_text("\\slice length", "\"" EACUTE "t" EACUTE "\"");
	assert_text("\\describe LABEL", "\"d" EACUTE "tail\"");
	compiled_define(&host, "static int price(int n) { return n + 2; }");
	assert_text("\\diff price", "+\t/* le prix de l'" EACUTE "t" EACUTE " */");
}

static void a_save_that_is_right_is_live_and_told(void **state)
{
	(void)state;
	json_t *event = save_and_hear("return n + 1", "return n + 5", "live");
	assert_non_null(strstr(compiled_string(event, "text"), "price"));
	json_decref(event);
	compiled_assert_answer(&host, "", "6 3 1");
	assert_text("\\source price", "return n + 5");
}

static void a_file_may_be_named_so(void **state)
{
	(void)state;
	json_t *row = compiled_row(&host, "tax");
	assert_non_null(strstr(compiled_string(row, "file"), "/" EACUTE ".h"));
	json_decref(row);
	json_t *defined = compiled_data(&host, "static int tax(void) { return 2; }");
	assert_int_equal(json_array_size(defined), 1);
	json_decref(defined);
	json_t *described = compiled_data(&host, "\\describe tax");
	assert_non_null(strstr(compiled_string(described, "file"), "/" EACUTE ".h"));
	json_decref(described);
}

/* gcc takes such a string as it is, and so do libtcc and cc. */
static void a_string_of_it_is_no_mistake(void **state)
{
	(void)state;
	json_t *event = save_and_hear("int n = 0", "int n = 10", "live");
	assert_null(json_object_get(event, "diagnostics"));
	json_decref(event);
	compiled_assert_answer(&host, "", "2 13 1");
}

static void a_save_that_is_wrong_is_told_with_its_line(void **state)
{
	(void)state;
	json_t *event = save_and_hear("return n + 1;", "return n + wrong; \\/\\/ \\xe9", "refused");
	assert_non_null(strstr(compiled_string(event, "text"), "return n + wrong; // " EACUTE));
	json_decref(event);
	compiled_assert_says(&host, 0, "\\list price", "refused");
}

/* They came by saves, and are in its encoding. */
static void its_versions_are_gone_back_to(void **state)
{
	(void)state;
	json_decref(save_and_hear("return n + 1", "return n + 5", "live"));
	compiled_define(&host, "static int price(int n) { return n + 2; }");
	compiled_assert_answer(&host, "", "3 3 1");
	json_decref(compiled_data(&host, "\\rollback price 1"));
	compiled_assert_answer(&host, "", "6 3 1");
	json_decref(compiled_data(&host, "\\trace price -n 1"));
	compiled_assert_answer(&host, "", "6 3 1");
}

static void its_versions_are_exported(void **state)
{
	(void)state;
	json_decref(save_and_hear("return n + 1", "return n + 5", "live"));
	compiled_define(&host, "static int price(int n) { return n + 2; }");
	char *directory = compiled_path(&host, "out"), command[600];
	snprintf(command, sizeof(command), "\\export price %s", directory);
	compiled_assert_says(&host, 0, command, "2 patches");
	compiled_shell(&host, "LC_ALL=C grep -aq \"prix de l'.t.\" out/0001-price-1.patch");
	free(directory);
}

/* The program is another one behind it. */
static void so_is_the_text_of_an_earlier_build(void **state)
{
	char command[128];

	(void)state;
	json_t *status = compiled_data(&host, "\\status");
	snprintf(command, sizeof(command), "\\source price@0.%s", compiled_string(status, "build_id"));
	json_decref(status);
	compiled_define(&host, "static int price(int n) { return n + 2; }");
	pid_t engine = compiled_engine(&host);
	compiled_kill(&host);
	compiled_await_end(engine);
	save("return n + 1", "return n + 5");
	compiled_build(&host, &named);
	compiled_start(&host);
	compiled_assert_answer(&host, "", "6 3 1");
	assert_text(command, "/* le prix de l'" EACUTE "t" EACUTE " */");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(its_text_is_shown, compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(a_save_that_is_right_is_live_and_told, compiled_each_start,
						stop),
		cmocka_unit_test_setup_teardown(a_file_may_be_named_so, compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(a_string_of_it_is_no_mistake, compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(a_save_that_is_wrong_is_told_with_its_line,
						compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(its_versions_are_gone_back_to, compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(its_versions_are_exported, compiled_each_start, stop),
		cmocka_unit_test_setup_teardown(so_is_the_text_of_an_earlier_build, compiled_each_start, stop),
	};

	return cmocka_run_group_tests(tests, init, compiled_group_fini);
}
