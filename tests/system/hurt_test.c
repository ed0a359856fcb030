/* Histories that are hurt while a program uses them: told once, with the next answer; everything goes on, and what could not
 * be stored is stored when it can be. */
#include "compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { VERSIONS = 60 };

static struct subject host;
static char *path; /* of the history */

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	json_t *status = compiled_data(&host, "\\status");
	path = strdup(compiled_string(status, "history"));
	json_decref(status);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	free(path);
	subject_fini(&host);
	return 0;
}

static const char *add_text(int number)
{
	static char text[200];

	snprintf(text, sizeof(text), "int add(int a, int b) { (void)a, (void)b; return %d; /* %0100d */ }",
		 number, number);
	return text;
}

/* Defines add, and returns what is said of the history with that: "" for nothing. */
static char *define_and_hear(int number)
{
	json_t *answer = subject_command(&host, add_text(number), 0);
	const char *news = json_string_value(json_object_get(answer, "news"));
	char *copy = strdup(news ? news : "");
	json_t *row = json_array_get(json_object_get(answer, "data"), 0);

	assert_int_equal(json_integer_value(json_object_get(row, "version")), number);
	json_decref(answer);
	return copy;
}

static void assert_said_once(const char *reason, int number)
{
	char *first = define_and_hear(number), *second = define_and_hear(number + 1);

	if (!strstr(first, reason))
		fail_msg("\"%s\" does not say %s", first, reason);
	assert_string_equal(second, "");
	compiled_assert_says(&host, 0, "\\status", reason);
	free(first);
	free(second);
}

static void assert_source(int version)
{
	char command[64];

	snprintf(command, sizeof(command), "\\source add@%d", version);
	json_t *source = compiled_data(&host, command);
	assert_string_equal(compiled_string(source, "text"), add_text(version));
	json_decref(source);
}

/* Looking and going back, on what is known in memory. */
static void assert_goes_on(int live)
{
	char answer[64];

	assert_source(live);
	assert_source(1);
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 0 0", "1 1");
	json_decref(compiled_data(&host, "\\undo"));
	snprintf(answer, sizeof(answer), "%d %d", live, live);
	compiled_assert_answer(&host, "add 0 0", answer);
	json_t *rows = compiled_data(&host, "\\log add -n 1");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "version")), live);
	assert_true(json_is_true(json_object_get(json_array_get(rows, 0), "live")));
	json_decref(rows);
}

static void hear_that_it_is_well(struct wire *w)
{
	bool well = false;

	while (!well) {
		json_t *event = wire_receive(w);
		const char *text = json_string_value(json_object_get(event, "text"));
		assert_non_null(event);
		well = text && strstr(text, "can be written again");
		json_decref(event);
	}
	wire_close(w);
}

static void await_well(void)
{
	struct wire w;

	wire_listen(&w, host.socket);
	hear_that_it_is_well(&w);
}

static void exec_on_file(const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

/* As somebody else sees it. */
static void assert_stored(int version)
{
	char sql[500];

	snprintf(sql, sizeof(sql),
		 "CREATE TEMP TABLE t (n NOT NULL); INSERT INTO t SELECT nullif(count(*), 0) FROM version"
		 " JOIN text ON text.id = version.text WHERE number = %d AND content = '%s'",
		 version, add_text(version));
	exec_on_file(sql);
}

static void a_log_file_that_is_deleted_loses_nothing(void **state)
{
	char name[600];

	(void)state;
	free(define_and_hear(1));
	free(define_and_hear(2));
	snprintf(name, sizeof(name), "%s-wal", path);
	assert_int_equal(unlink(name), 0);
	snprintf(name, sizeof(name), "%s-shm", path);
	assert_int_equal(unlink(name), 0);
	char *news = define_and_hear(3);
	assert_non_null(strstr(news, "-wal"));
	assert_non_null(strstr(news, "was moved away or deleted"));
	free(news);
	await_well();
	for (int i = 1; i <= 3; i++)
		assert_stored(i);
	compiled_assert_history_whole(&host);
}

static void a_history_that_is_cut_off_while_it_is_open_stops_nobody(void **state)
{
	char name[600];
	struct stat status;

	(void)state;
	for (int i = 1; i <= VERSIONS; i++)
		free(define_and_hear(i));
	exec_on_file("PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size * 7 / 8), 0);
	assert_said_once("is damaged", VERSIONS + 1);
	assert_goes_on(VERSIONS + 2);

	/* Moved away, as it was told: what is known comes into a new one. */
	snprintf(name, sizeof(name), "%s.damaged", path);
	assert_int_equal(rename(path, name), 0);
	await_well();
	assert_stored(1);
	assert_stored(VERSIONS + 1);
	assert_stored(VERSIONS + 2);
	compiled_assert_history_whole(&host);
	json_t *row = compiled_row(&host, "add");
	assert_int_equal(json_integer_value(json_object_get(row, "version")), VERSIONS + 2);
	json_decref(row);
}

/* A newer rtf begins to use the history, and gives it another schema, under our hands. */
static void a_history_that_a_newer_rtf_takes_over_is_left_alone(void **state)
{
	(void)state;
	free(define_and_hear(1));
	exec_on_file("PRAGMA user_version = 99");
	assert_said_once("newer rtf", 2);
	assert_goes_on(3);
	exec_on_file(
		"CREATE TEMP TABLE t (n NOT NULL); INSERT INTO t SELECT nullif(count(*) = 1, 0) FROM version"
		" WHERE number > 0; PRAGMA user_version = 5");
	await_well();
	assert_stored(3);
	compiled_assert_history_whole(&host);
}

/* --- a file that is overwritten --------------------------------------------------------------------------------------- */

/* As cp does it: the file stays the same, with other bytes. */
static void overwrite(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static char *read_whole(size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat status;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	*size = (size_t)status.st_size;
	char *bytes = malloc(*size + 1);
	assert_int_equal(fread(bytes, 1, *size, file), *size);
	fclose(file);
	return bytes;
}

static void assert_versions(int count)
{
	char sql[200];

	snprintf(
		sql, sizeof(sql),
		"CREATE TEMP TABLE t (n NOT NULL); INSERT INTO t SELECT nullif(count(*) = %d, 0) FROM version"
		" WHERE number > 0",
		count);
	exec_on_file(sql);
}

static void an_older_copy_that_is_put_over_the_open_history_loses_nothing(void **state)
{
	size_t size;

	(void)state;
	free(define_and_hear(1));
	free(define_and_hear(2));
	exec_on_file("PRAGMA wal_checkpoint(TRUNCATE)");
	char *copy = read_whole(&size);
	free(define_and_hear(3));
	json_decref(compiled_data(&host, "\\note add@3 the good one"));
	subject_rollback(&host, "add", 1);
	json_decref(compiled_data(&host, "\\undo"));
	free(define_and_hear(4));
	exec_on_file("PRAGMA wal_checkpoint(TRUNCATE)"); /* nothing of it is left in the log file */
	overwrite(copy, size);
	struct wire w;
	wire_listen(&w, host.socket);
	char *first = define_and_hear(5);
	assert_non_null(strstr(first, "was overwritten while it was in use"));
	free(first);
	free(define_and_hear(6)); /* it may be well again by now */
	hear_that_it_is_well(&w);
	for (int i = 1; i <= 6; i++)
		assert_stored(i);
	assert_versions(6); /* none twice */
	compiled_assert_history_whole(&host);
	compiled_assert_says(&host, 0, "\\log add -n 4", "the good one");
	json_decref(compiled_data(&host, "\\undo"));
	compiled_assert_answer(&host, "add 0 0", "5 5");
	free(copy);
}

static void what_is_no_history_is_left_alone_where_it_overwrites_one(void **state)
{
	static const char poem[] = "The file says something else now.\n";
	char name[600];

	(void)state;
	free(define_and_hear(1));
	exec_on_file("PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(poem, sizeof(poem) - 1);
	assert_said_once("was overwritten while it was in use", 2);
	assert_goes_on(3);
	size_t size;
	char *bytes = read_whole(&size);
	assert_int_equal(size, sizeof(poem) - 1);
	assert_memory_equal(bytes, poem, size);
	free(bytes);

	snprintf(name, sizeof(name), "%s.poem", path);
	assert_int_equal(rename(path, name), 0);
	await_well();
	for (int i = 1; i <= 3; i++)
		assert_stored(i);
	assert_versions(3);
	compiled_assert_history_whole(&host);
}

/* Who only looks is told, too. */
static void a_history_that_was_overwritten_is_noticed_by_a_look(void **state)
{
	size_t size;
	char *copy = read_whole(&size); /* before anything was written */

	(void)state;
	free(define_and_hear(1));
	exec_on_file("PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(copy, size);
	json_t *answer = subject_command(&host, "\\list", 0);
	const char *news = json_string_value(json_object_get(answer, "news"));
	assert_non_null(news);
	assert_non_null(strstr(news, "was overwritten"));
	json_decref(answer);
	await_well();
	assert_stored(1);
	free(copy);
}

/* sqlite's own writing is none. */
static void pages_that_others_move_to_their_place_are_no_overwriting(void **state)
{
	(void)state;
	for (int i = 1; i <= 6; i++) {
		char *news = define_and_hear(i);
		assert_string_equal(news, "");
		free(news);
		exec_on_file(i % 2 ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA wal_checkpoint(PASSIVE)");
	}
	json_t *history = compiled_data(&host, "\\history");
	assert_true(json_is_true(json_object_get(history, "stored")));
	json_decref(history);
	compiled_assert_history_whole(&host);
}

/* --- a directory that is read-only ---------------------------------------------------------------------------------- */

/* Root writes where nobody may; whatever this process starts from now on does not, as any user's processes do not. */
static void obey_modes(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return; /* close_directory notices */
	for (int i = 0; i < 2; i++) {
		__u32 lost = i == CAP_TO_INDEX(CAP_DAC_OVERRIDE) ? CAP_TO_MASK(CAP_DAC_OVERRIDE) : 0;
		sets[i].permitted &= ~lost;
		sets[i].effective &= ~lost;
		sets[i].inheritable &= ~lost;
	}
	syscall(SYS_capset, &header, sets);
}

/* The history's. */
static void set_directory(mode_t mode)
{
	char *copy = strdup(path);

	assert_int_equal(chmod(dirname(copy), mode), 0);
	free(copy);
}

static void close_directory(void)
{
	char probe[600];

	set_directory(0555);
	snprintf(probe, sizeof(probe), "%s.probe", path);
	int fd = open(probe, O_WRONLY | O_CREAT, 0600);
	if (fd >= 0)
		fail_msg("this machine lets us write into a directory that is read-only: what rtf does then "
			 "cannot be tried");
	assert_int_equal(errno, EACCES);
}

static int open_and_stop_host(void **state)
{
	set_directory(0755);
	return stop_host(state);
}

/* Its log file is gone with its engine then: where it stays behind, it can be written. */
static void end_host(void)
{
	pid_t engine = compiled_engine(&host);

	compiled_kill(&host);
	compiled_await_end(engine);
}

static void a_history_in_a_directory_that_is_read_only_stops_nobody(void **state)
{
	(void)state;
	free(define_and_hear(1));
	free(define_and_hear(2));
	end_host();
	close_directory();
	compiled_start(&host);
	assert_said_once("cannot be written: its directory is read-only",
			 3); /* it goes on with the next number */
	assert_goes_on(4);
	set_directory(0755);
	await_well();
	for (int i = 1; i <= 4; i++)
		assert_stored(i);
	compiled_assert_history_whole(&host);
	compiled_assert_answer(&host, "add 0 0", "4 4");
}

static void a_directory_in_which_no_history_can_be_made_stops_nobody(void **state)
{
	(void)state;
	end_host();
	assert_int_equal(unlink(path), 0);
	close_directory();
	compiled_start(&host);
	assert_said_once("cannot make", 1);
	assert_goes_on(2);
	set_directory(0755);
	await_well();
	assert_stored(1);
	assert_stored(2);
	compiled_assert_history_whole(&host);
}

static void a_directory_that_becomes_read_only_while_its_history_is_open_changes_nothing(void **state)
{
	(void)state;
	free(define_and_hear(1));
	close_directory();
	for (int i = 2; i <= 4; i++) {
		char *news = define_and_hear(i);
		assert_string_equal(news, "");
		free(news);
		assert_stored(i);
	}
	compiled_assert_history_whole(&host);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, start_host, open_and_stop_host)
#define WITH_HOST(test)    cmocka_unit_test_setup_teardown(test, start_host, stop_host)
	static const struct CMUnitTest tests[] = {
		WITH_HOST(a_log_file_that_is_deleted_loses_nothing),
		WITH_HOST(a_history_that_is_cut_off_while_it_is_open_stops_nobody),
		WITH_HOST(a_history_that_a_newer_rtf_takes_over_is_left_alone),
		WITH_HOST(an_older_copy_that_is_put_over_the_open_history_loses_nothing),
		WITH_HOST(what_is_no_history_is_left_alone_where_it_overwrites_one),
		WITH_HOST(a_history_that_was_overwritten_is_noticed_by_a_look),
		WITH_HOST(pages_that_others_move_to_their_place_are_no_overwriting),
		IN_DIRECTORY(a_history_in_a_directory_that_is_read_only_stops_nobody),
		IN_DIRECTORY(a_directory_in_which_no_history_can_be_made_stops_nobody),
		IN_DIRECTORY(a_directory_that_becomes_read_only_while_its_history_is_open_changes_nothing),
	};

	obey_modes();

	return cmocka_run_group_tests(tests, NULL, NULL);
}
