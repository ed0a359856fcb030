/* A source that is generated of another file, which it names with #line: what people save is that one, and the source follows when
 * make has run. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct compiled_how how = {.sources = {"generated_host.c"}};

static struct subject host;
static struct wire wire; /* hears of saves */

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &how);
	compiled_copy_in(&host, "generated.y");
	compiled_shell(&host, "sed -i \"s,^\\(#line.* \\\"\\),\\1$PWD/,\" generated_host.c");
	compiled_build(&host, &how);
	return 0;
}

static int start(void **state)
{
	(void)state;
	compiled_start(&host);
	compiled_await_read(&host);
	wire_listen(&wire, host.socket);
	return 0;
}

static int stop(void **state)
{
	wire_close(&wire);
	return compiled_each_stop(state);
}

static void edit(const char *file, const char *from, const char *to)
{
	char *command;

	assert_true(asprintf(&command, "sed -i 's/n \\* %s;/n * %s;/' %s", from, to, file) > 0);
	compiled_shell(&host, command);
	free(command);
}

static void await(const char *kind)
{
	json_decref(wire_await_event(&wire, kind));
}

static void what_is_generated_after_its_grammar_was_saved_goes_live(void **state)
{
	(void)state;
	compiled_assert_answer(&host, "four", "8");
	edit("generated.y", "2", "3");
	await("unchanged"); /* it is for make to say what that comes to */
	compiled_assert_answer(&host, "four", "8");
	compiled_assert_says(&host, 0, "\\source times", "times(int n)");
	edit("generated_host.c", "2", "3");
	await("live");
	compiled_assert_answer(&host, "four", "12");
	edit("generated.y", "3", "4");
	await("unchanged");
	edit("generated_host.c", "3", "4");
	await("live");
	compiled_assert_answer(&host, "four", "16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_generated_after_its_grammar_was_saved_goes_live,
						start, stop),
	};

	return cmocka_run_group_tests_name("system: generated", tests, init, compiled_group_fini);
}
