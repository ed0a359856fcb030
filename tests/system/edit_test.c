/* \edit: a version, or what was typed last, in the person's own editor. The editors here are sed and shells. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	unsetenv("VISUAL");
	compiled_start(&host);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	subject_fini(&host);
	unsetenv("EDITOR");
	unsetenv("VISUAL");
	return 0;
}

static void assert_edit(int status, const char *command, const char *part)
{
	char *output = compiled_console(&host, status, NULL, "-c", command, NULL);

	if (!strstr(output, part))
		fail_msg("%s: no \"%s\" in: %s", command, part, output);
	free(output);
}

static void what_the_editor_leaves_is_live(void **state)
{
	(void)state;
	setenv("EDITOR", "sed -i 's/a + b/a * b/'", 1);
	assert_edit(0, "\\edit add", "add is now version 1");
	compiled_assert_answer(&host, "add 3 4", "12 12");
	setenv("VISUAL", "sed -i 's/a + b/a - b/'", 1); /* goes before EDITOR */
	assert_edit(0, "\\e add@0", "add is now version 2");
	compiled_assert_answer(&host, "add 3 4", "-1 -1");
	setenv("VISUAL", "sed -i 's/n/n + 1 - 1/'", 1);
	assert_edit(3, "\\edit shifted", "ambiguous");
}

static void an_editor_that_changes_nothing_or_fails_costs_nothing(void **state)
{
	(void)state;
	setenv("EDITOR", "true", 1);
	assert_edit(0, "\\edit add", "");
	setenv("EDITOR", "false", 1);
	assert_edit(3, "\\edit add", "");
	setenv("EDITOR", "true", 1);
	assert_edit(3, "\\edit nothing", "");
	compiled_assert_live(&host, "add", 0, 1, "built");
}

/* Where commands come through a pipe an editor gets none of them, and one that needs a terminal is not begun. */
static void without_a_terminal_an_editor_is_a_command_that_changes_the_file(void **state)
{
	static const char typed[] = "\\edit add\n";

	(void)state;
	setenv("EDITOR", "test /dev/null -ef /dev/stdin && sed -i 's/a + b/a * b/'", 1);
	free(compiled_console(&host, 0, typed, "-f", "-", NULL));
	compiled_assert_live(&host, "add", 1, 2, "live");
	setenv("EDITOR", "false", 1);
	assert_edit(3, "\\edit add", "the editor failed: nothing was changed; it has no terminal here");
	unsetenv("EDITOR");
	assert_edit(3, "\\edit add", "\\edit would open vi, which needs a terminal: set EDITOR to a command");
	compiled_assert_live(&host, "add", 1, 2, "live");
}

/* The editor is told the line of the error, and what it mends is entered in place of what was typed. */
static void alone_it_takes_what_was_typed_to_its_first_error(void **state)
{
	static const char typed[] =
		"int add(int a, int b)\n{\n\tint sum = a * 2;\n\treturn sum + c;\n}\n\\edit\n";

	(void)state;
	setenv("EDITOR", "sh -c 'test \"$1\" = +4 && sed -i \"s/+ c/+ b/\" \"$2\"' sh", 1);
	free(compiled_console(&host, 3, typed, "-f", "-", NULL));
	compiled_assert_answer(&host, "add 3 4", "10 10");
	compiled_assert_live(&host, "add", 1, 2, "live");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_editor_leaves_is_live, start_host, stop_host),
		cmocka_unit_test_setup_teardown(an_editor_that_changes_nothing_or_fails_costs_nothing,
						start_host, stop_host),
		cmocka_unit_test_setup_teardown(
			without_a_terminal_an_editor_is_a_command_that_changes_the_file, start_host,
			stop_host),
		cmocka_unit_test_setup_teardown(alone_it_takes_what_was_typed_to_its_first_error, start_host,
						stop_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
