/* Programs that are run: status, both outputs, much in both directions, and those that cannot be started. */
#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000 };

static struct run_output shell(const char *script, const char *directory, const char *input)
{
	struct run_output output;

	assert_null(run((const char *const[]){"sh", "-c", script, NULL}, directory, input, &output));
	return output;
}

static unsigned descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static char *many(size_t size)
{
	char *bytes = malloc(size + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(' ' + i % 90);
	bytes[size] = '\0';
	return bytes;
}

static void both_outputs_and_the_status_come_back(void **state)
{
	struct run_output o = shell("echo out; echo err >&2; exit 3", NULL, NULL);

	(void)state;
	assert_string_equal(o.out, "out\n");
	assert_int_equal(o.out_size, 4);
	assert_string_equal(o.err, "err\n");
	assert_int_equal(o.err_size, 4);
	assert_true(WIFEXITED(o.status));
	assert_int_equal(WEXITSTATUS(o.status), 3);
	run_output_fini(&o);
	assert_null(o.out);
}

static void a_silent_program_gives_empty_texts(void **state)
{
	struct run_output o = shell(":", NULL, NULL);

	(void)state;
	assert_string_equal(o.out, "");
	assert_string_equal(o.err, "");
	assert_int_equal(o.status, 0);
	run_output_fini(&o);
}

static void death_by_a_signal_is_told(void **state)
{
	struct run_output o = shell("kill -9 $$", NULL, NULL);

	(void)state;
	assert_true(WIFSIGNALED(o.status));
	assert_int_equal(WTERMSIG(o.status), 9);
	run_output_fini(&o);
}

static void it_runs_in_the_directory_asked_for(void **state)
{
	struct run_output o = shell("pwd", "/usr/lib", NULL);

	(void)state;
	assert_string_equal(o.out, "/usr/lib\n");
	run_output_fini(&o);
}

static void much_goes_both_ways_at_once(void **state)
{
	char *input = many(5 << 20);
	struct run_output o = shell("tee /dev/stderr", NULL, input);

	(void)state;
	assert_int_equal(o.out_size, 5 << 20);
	assert_int_equal(o.err_size, 5 << 20);
	assert_memory_equal(o.out, input, 5 << 20);
	assert_memory_equal(o.err, input, 5 << 20);
	run_output_fini(&o);
	free(input);
}

static void a_program_that_does_not_read_its_input_does_no_harm(void **state)
{
	char *input = many(1 << 20);
	struct run_output o = shell("exec <&-; echo done", NULL, input);

	(void)state;
	assert_string_equal(o.out, "done\n");
	run_output_fini(&o);
	free(input);
}

static void without_input_it_reads_an_end(void **state)
{
	struct run_output o = shell("cat; echo end", NULL, NULL);

	(void)state;
	assert_string_equal(o.out, "end\n");
	run_output_fini(&o);
}

static void what_cannot_be_started_is_an_error(void **state)
{
	struct run_output o;
	struct error *e = run((const char *const[]){"no-such-compiler", NULL}, NULL, NULL, &o);

	(void)state;
	assert_non_null(e);
	assert_non_null(strstr(error_message(e), "no-such-compiler"));
	assert_non_null(strstr(error_message(e), "No such file"));
	error_free(e);
	e = run((const char *const[]){"true", NULL}, "/no/such/directory", NULL, &o);
	assert_non_null(e);
	assert_non_null(strstr(error_message(e), "/no/such/directory"));
	error_free(e);
}

static void kill_process(const char *pid)
{
	assert_true(atoi(pid) > 1);
	assert_int_equal(kill(atoi(pid), SIGKILL), 0);
}

/* A compiler's cache, say, whose server was started along the way. */
static void what_it_leaves_running_is_not_waited_for(void **state)
{
	struct run_output o = shell("tail -f /dev/null & echo $!; echo word >&2", NULL, NULL);

	(void)state;
	assert_string_equal(o.err, "word\n");
	assert_int_equal(o.status, 0);
	kill_process(o.out);
	run_output_fini(&o);
}

static void one_that_takes_too_long_is_ended_with_all_that_it_started(void **state)
{
	const char *const argv[] = {"sh", "-c", "tail -f /dev/null & wait", NULL};
	struct run_output o;
	int held[2]; /* by whoever of them is alive */

	(void)state;
	assert_int_equal(pipe(held), 0);
	struct error *e = run_with(argv, &(struct run_options){.seconds = 1}, &o);
	assert_int_equal(error_class(e), ERROR_TIMEOUT);
	error_free(e);
	close(held[1]);
	struct pollfd end = {.fd = held[0]};
	assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
	close(held[0]);
}

static void errors_stand_among_the_output_where_that_is_asked_for(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo 1; echo 2 >&2; echo 3; echo $LC_ALL", NULL};
	struct run_output o;

	(void)state;
	setenv("LC_ALL", "de_DE", 1);
	assert_null(run_with(argv, &(struct run_options){.one_output = true, .plain = true, .most = 7}, &o));
	unsetenv("LC_ALL");
	assert_string_equal(o.out, "1\n2\n3\nC");
	assert_string_equal(o.err, "");
	run_output_fini(&o);
}

static void no_descriptor_stays_open(void **state)
{
	unsigned before = descriptors();
	struct run_output o = shell("cat", NULL, "x");
	struct error *e;

	(void)state;
	run_output_fini(&o);
	e = run((const char *const[]){"no-such-compiler", NULL}, NULL, NULL, &o);
	error_free(e);
	assert_int_equal(descriptors(), before);
}

static void the_child_gets_no_descriptor_of_ours(void **state)
{
	struct run_output o;
	unsigned inherited = 0, lines = 0;

	(void)state;
	for (int fd = 3; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		inherited += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	assert_null(run((const char *const[]){"ls", "/proc/self/fd", NULL}, NULL, "", &o));
	for (const char *p = o.out; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 3 + inherited + 1); /* one is ls's own, of the directory */
	run_output_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_outputs_and_the_status_come_back),
		cmocka_unit_test(a_silent_program_gives_empty_texts),
		cmocka_unit_test(death_by_a_signal_is_told),
		cmocka_unit_test(it_runs_in_the_directory_asked_for),
		cmocka_unit_test(much_goes_both_ways_at_once),
		cmocka_unit_test(a_program_that_does_not_read_its_input_does_no_harm),
		cmocka_unit_test(without_input_it_reads_an_end),
		cmocka_unit_test(what_cannot_be_started_is_an_error),
		cmocka_unit_test(what_it_leaves_running_is_not_waited_for),
		cmocka_unit_test(one_that_takes_too_long_is_ended_with_all_that_it_started),
		cmocka_unit_test(errors_stand_among_the_output_where_that_is_asked_for),
		cmocka_unit_test(no_descriptor_stays_open),
		cmocka_unit_test(the_child_gets_no_descriptor_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
