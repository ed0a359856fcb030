/* make demo: it runs to its end by itself, every answer being the expected one, and ends with a failure at the first that is
 * not. Nothing stays behind. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct subject place;

static int make_place(void **state)
{
	char *temporary;

	(void)state;
	subject_init(&place);
	temporary = compiled_path(&place, "tmp");
	assert_int_equal(mkdir(temporary, 0700), 0);
	setenv("TMPDIR", temporary, 1);
	setenv("P", place.directory, 1);
	free(temporary);
	return 0;
}

static int remove_place(void **state)
{
	(void)state;
	unsetenv("TMPDIR");
	subject_fini(&place);
	return 0;
}

/* A shell's command in the project's folder, which must end so; what it printed. */
static char *shell(const char *command, int status)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	char *output = NULL;

	int got = child_run(argv, NULL, COMPILED_DEADLINE_MS, &output);
	if (got != status)
		fail_msg("exit status %d, expected %d: %s", got, status, output ? output : "");
	return output;
}

static void assert_nothing_stays(void)
{
	char *left = shell("ls -A $P/tmp", 0);

	assert_string_equal(left, "");
	free(left);
	free(shell("! ls $P/*.sock 2>&1", 0));
}

static void the_demo_is_through_when_every_answer_was_the_expected_one(void **state)
{
	(void)state;
	char *output = shell("bash tests/demo/demo.sh", 0);
	assert_non_null(strstr(output, "The demo is through; every answer was the expected one."));
	free(output);
	output = shell("bash tests/demo/demo.sh $P/chosen.sock", 0);
	assert_non_null(strstr(output, "chosen.sock &"));
	free(output);
	assert_nothing_stays();
}

/* A curl that has another price, once; what runs in the background is the real one. */
static void an_answer_that_is_not_the_expected_one_is_a_failure(void **state)
{
	(void)state;
	free(shell("mkdir $P/bin && printf '%s\\n' '#!/bin/sh' \"real=$(command -v curl)\""
		   " 'case \"$*\" in *--rate*) exec $real \"$@\";; esac'"
		   " '$real \"$@\" | sed s/10.80/10.79/' >$P/bin/curl && chmod +x $P/bin/curl",
		   0));
	char *output = shell("PATH=$P/bin:$PATH bash tests/demo/demo.sh", 1);
	if (!strstr(output, "FAILED: expected four teas to cost 10.80; no '\"price\":10.80}' in this answer"))
		fail_msg("%s", output);
	free(output);
	assert_nothing_stays();
}

static void a_socket_that_cannot_be_is_a_failure(void **state)
{
	(void)state;
	char *output = shell("bash tests/demo/demo.sh $P/none/demo.sock", 1);
	assert_non_null(strstr(output, "FAILED: orders: no console"));
	free(output);
	assert_nothing_stays();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_demo_is_through_when_every_answer_was_the_expected_one),
		cmocka_unit_test(an_answer_that_is_not_the_expected_one_is_a_failure),
		cmocka_unit_test(a_socket_that_cannot_be_is_a_failure),
	};
	return cmocka_run_group_tests_name("system: the demo", tests, make_place, remove_place);
}
