/* Eight threads call a function while its versions change a hundred times a second: RTF_SECONDS of it (5). And the same
 * for a host that is watched for data races. */
#include "compiled.h"

#include <glob.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PERIOD_MS = 10 };

static struct subject host;

static int seconds(void)
{
	const char *value = getenv("RTF_SECONDS");

	return value && atoi(value) > 0 ? atoi(value) : 5;
}

static void number_to_host(const char *what, int number)
{
	char line[64], answer[32];

	snprintf(line, sizeof(line), "%s %d", what, number);
	snprintf(answer, sizeof(answer), "%d", number);
	compiled_assert_answer(&host, line, answer);
}

/* Until it is time for the next version: the connection is quiet, so this waits for nothing else. */
static void await_time(struct wire *w, long long time)
{
	struct pollfd quiet = {.fd = w->fd, .events = POLLIN};
	long long left = time - child_clock();

	if (left > 0)
		poll(&quiet, 1, (int)left);
}

/* Returns how many versions there were. */
static int change_often(struct wire *w, int for_seconds)
{
	long long begin = child_clock(), end = begin + for_seconds * 1000LL;
	int i = 0;

	while (child_clock() < end) {
		char text[160];
		i++;
		snprintf(text, sizeof(text),
			 i % 3 ? "static int stamp(void) { return %d; }"
			       : "static int stamp(void) { volatile int n = 0; while (n < 5000) n++; return "
				 "%d; }",
			 i);
		number_to_host("highest", i);
		json_t *answer = wire_ask(w, i, text);
		if (!json_is_true(json_object_get(answer, "ok")))
			fail_msg("version %d was refused", i);
		json_decref(answer);
		number_to_host("lowest", i);
		await_time(w, begin + (long long)i * PERIOD_MS);
	}
	return i;
}

static void every_call_of_eight_threads_belongs_to_a_version_of_its_time(void **state)
{
	struct wire w;

	(void)state;
	compiled_init(&host, &(struct compiled_how){.flags = {"-O2"}});
	setenv("RTF_OPTIMIZE", "0", 1);
	compiled_start(&host);
	unsetenv("RTF_OPTIMIZE");
	compiled_assert_answer(&host, "threads 8", "8");
	wire_open(&w, host.socket);
	int versions = change_often(&w, seconds());
	compiled_assert_answer(&host, "join", "0 wrong of many");
	wire_close(&w);
	print_message("%d versions in %d s\n", versions, seconds());
	compiled_assert_live(&host, "stamp", versions, versions + 1, "live");
}

static void the_thread_sanitizer_finds_nothing(void **state)
{
	struct wire w;
	glob_t found = {0};

	(void)state;
	compiled_init(&host,
		      &(struct compiled_how){.flags = {"-fsanitize=thread", "-O1"}, .with_archive = true});
	char *reports = compiled_path(&host, "tsan"), *options, *pattern;
	assert_true(asprintf(&options, "log_path=%s exitcode=0", reports) > 0);
	assert_true(asprintf(&pattern, "%s*", reports) > 0);
	setenv("TSAN_OPTIONS", options, 1);
	compiled_start(&host);
	unsetenv("TSAN_OPTIONS");
	compiled_assert_answer(&host, "threads 8", "8");
	wire_open(&w, host.socket);
	change_often(&w, 2);
	compiled_assert_answer(&host, "join", "0 wrong of many");
	wire_close(&w);
	compiled_assert_answer(&host, "stop", "0");
	if (glob(pattern, 0, NULL, &found) == 0) {
		char *report = child_read_file(found.gl_pathv[0]);
		fail_msg("%.900s", report ? report : "a report that cannot be read");
	}
	globfree(&found);
	free(pattern);
	free(options);
	free(reports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_call_of_eight_threads_belongs_to_a_version_of_its_time,
					  compiled_group_fini),
		cmocka_unit_test_teardown(the_thread_sanitizer_finds_nothing, compiled_group_fini),
	};

	return cmocka_run_group_tests_name("system: a crowd of threads", tests, NULL, NULL);
}
