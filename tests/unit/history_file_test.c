/* The store's file: what is opened and what is refused, damage, several processes, full disks and want of memory. */
#include "stored.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* --- opening ------------------------------------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void open_below(struct fixture *f, mode_t mask, const char *name)
{
	char path[256], wal[300], directory[256];

	snprintf(path, sizeof(path), "%s/%s/b/shop.db", f->directory, name);
	mode_t before = umask(mask);
	struct error *e = history_open(path, &first_run, &f->history);
	umask(before);
	succeed(e);
	assert_string_equal(history_path(f->history), path);
	assert_int_equal(mode_of(path), 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(mode_of(wal), 0600);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	assert_int_equal(mode_of(wal), 0600);
	snprintf(directory, sizeof(directory), "%s/%s", f->directory, name);
	assert_int_equal(mode_of(directory), 0700);
	strcat(directory, "/b");
	assert_int_equal(mode_of(directory), 0700);
	history_close(f->history);
	f->history = NULL;
}

static void directories_and_file_are_private_whatever_the_umask(void **state)
{
	open_below(*state, 0, "open");
	open_below(*state, 0777, "closed");
}

static void a_history_in_memory_works(void **state)
{
	struct history *h;
	int64_t id;

	(void)state;
	succeed(history_open(":memory:", &first_run, &h));
	succeed(history_function_id(h, &price, &id));
	define(h, id, 0, "int price;");
	assert_int_equal(live(h, id), 1);
	history_close(h);
	history_close(NULL);
}

static void an_empty_file_becomes_a_history(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
	open_as(f, &first_run);
	assert_int_equal(mode_of(f->path), 0644); /* whoever made it chose that */
	assert_int_equal(add(f->history, f->price, 0, "int price;"), 1);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	f->history = NULL;
	raw(f, "PRAGMA user_version = 99");
	struct error *e = history_open(f->path, &second_run, &f->history);
	assert_non_null(strstr(error_message(e), f->path));
	refuse(e, ERROR_INTERNAL, "newer rtf: its schema is 99, ours is 5");
	assert_null(f->history);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 1);
}

static void the_database_of_another_program_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;

	raw(f, "CREATE TABLE recipe (name)");
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "database of another program");
	raw(f, "PRAGMA user_version = 1");
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "database of another program");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM sqlite_master"), 1);
	char mode[16];
	raw_text(f, "PRAGMA journal_mode", mode, sizeof(mode));
	assert_string_equal(mode, "delete");
}

static void a_path_that_cannot_be_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 64];

	refuse(history_open("", &first_run, &f->history), ERROR_INTERNAL, "empty");
	refuse(history_open(f->directory, &first_run, &f->history), ERROR_INTERNAL, f->directory);

	open_as(f, &first_run);
	history_close(f->history);
	f->history = NULL;
	snprintf(path, sizeof(path), "%s/below.db", f->path);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, path);
	snprintf(path, sizeof(path), "%s/below/more.db", f->path);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "Not a directory");

	memset(path, 'x', sizeof(path));
	snprintf(path, sizeof(path), "%s/", f->directory);
	memset(path + strlen(path), 'x', PATH_MAX);
	path[PATH_MAX + 32] = '\0';
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "File name too long");

	snprintf(path, sizeof(path), "%s/pipe.db", f->directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "not a regular file");
	snprintf(path, sizeof(path), "%s/dangling.db", f->directory);
	assert_int_equal(symlink("/nonexistent/history", path), 0);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, path);
	assert_null(f->history);
}

/* Runs `child` in a process of its own, where nothing is allowed that the mode bits forbid: root's rights are
 * given up. Its return value is the exit status. */
static int run_without_rights(int (*child)(struct fixture *), struct fixture *f)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		struct __user_cap_data_struct none[2] = {0};
		_exit(syscall(SYS_capset, &header, none) ? 99 : child(f));
	}

	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_is_refused(struct fixture *f)
{
	struct history *h;
	struct error *e = history_open(f->path, &first_run, &h);

	if (!e)
		return 1;
	bool named = strstr(error_message(e), f->path);
	error_free(e);
	return named ? 0 : 2;
}

static void a_directory_that_is_read_only_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->directory, 0500), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->directory, 0700), 0);
	open_as(f, &first_run);
	history_close(f->history);
	f->history = NULL;

	/* Now the file is there, but not what WAL needs beside it. */
	assert_int_equal(chmod(f->directory, 0500), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->directory, 0700), 0);
}

static void a_file_that_is_read_only_is_refused(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	f->history = NULL;
	assert_int_equal(chmod(f->path, 0400), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
	open_as(f, &first_run);
}

/* --- damage -------------------------------------------------------------------------------------------- */

static void overwrite(const char *path, off_t offset, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char *garbage = malloc(length);

	assert_true(fd >= 0);
	assert_non_null(garbage);
	memset(garbage, 0xa5, length);
	assert_int_equal(pwrite(fd, garbage, length, offset), (ssize_t)length);
	free(garbage);
	close(fd);
}

static void fill(struct fixture *f)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 40; i++) {
		snprintf(text + 1980, 20, "%d", i);
		define(f->history, f->price, i, text);
	}
	history_close(f->history);
	f->history = NULL;
}

static void what_is_no_database_is_refused(void **state)
{
	struct fixture *f = *state;

	overwrite(f->path, 0, 10000);
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "is no history");
	assert_null(f->history);
}

static void a_damaged_file_is_refused(void **state)
{
	struct fixture *f = *state;

	fill(f);
	overwrite(f->path, 4096, 30 * 4096);
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "is damaged");
	assert_null(f->history);
}

static void a_file_cut_short_is_refused(void **state)
{
	struct fixture *f = *state;

	fill(f);
	/* Down to two bytes: sqlite takes a file of one for an empty one. */
	for (off_t size = 20 * 4096; size > 1; size /= 2) {
		assert_int_equal(truncate(f->path, size), 0);
		refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, f->path);
	}
}

static void damage_to_one_table_leaves_the_others_usable(void **state)
{
	struct fixture *f = *state;
	int64_t page;

	fill(f);
	page = raw_number(f, "SELECT rootpage FROM sqlite_master WHERE name = 'text'");
	overwrite(f->path, (off_t)(page - 1) * 4096, 4096);
	open_as(f, &first_run);
	struct copy copy;
	refuse(history_find(f->history, f->price, 1, keep, &copy), ERROR_INTERNAL, "is damaged");
	struct history_version version = make_version(f->price, 1, "int price;");
	refuse(history_add(f->history, &version, 1), ERROR_INTERNAL, "is damaged");
	assert_int_equal(count(f->history, f->price), 40);
	assert_int_equal(live(f->history, f->price), 40);
	succeed(history_event(f->history, "fault", f->price, 40, "ada", "the store is damaged"));
}

/* --- several processes --------------------------------------------------------------------------------- */

/* Adds `rounds` versions as process `pid`, answering each on `report`; returns the exit status. */
static int add_many(const struct fixture *f, int64_t pid, int rounds, int report)
{
	struct history_process run = {.pid = pid, .program = "/opt/shop", .build_id = "aa", .started = 1};
	struct history *h;
	int64_t id;
	struct error *e = history_open(f->path, &run, &h);

	if (!e)
		e = history_function_id(h, &price, &id);
	for (int i = 0; !e && i < rounds; i++) {
		struct history_version version = make_version(id, i, "int price;");
		e = history_add(h, &version, 1);
		struct history_move move = {.function = id, .from = i, .to = version.number};
		if (!e)
			e = history_record(h, HISTORY_DEFINE, "ada", 0, &move, 1, NULL);
		if (!e && write(report, &version.number, sizeof(int)) != sizeof(int))
			return 2;
	}
	if (e) {
		fprintf(stderr, "    %s\n", error_message(e));
		return 1;
	}
	history_close(h);
	return 0;
}

static pid_t start_adding(const struct fixture *f, int64_t run, int rounds, const int start[2],
			  const int report[2])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;
		close(start[1]);
		close(report[0]);
		_exit(read(start[0], &byte, 1) == 0 ? add_many(f, run, rounds, report[1]) : 3);
	}
	return pid;
}

enum { PROCESSES = 10 };

/* Ten processes begin at once to add versions, to a database that they may have to make; `seen` is set for
 * the numbers that they were given. */
static void add_from_ten(const struct fixture *f, int rounds, bool *seen)
{
	pid_t pids[PROCESSES];
	int start[2], report[2], number, status;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(report), 0);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = start_adding(f, 1000 + i, rounds, start, report);
	close(start[0]);
	close(start[1]); /* go */
	close(report[1]);
	while (read(report[0], &number, sizeof(number)) == sizeof(number)) {
		assert_in_range(number, 1, PROCESSES * rounds);
		assert_false(seen[number]);
		seen[number] = true;
	}
	close(report[0]);
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static void ten_processes_never_share_a_number(void **state)
{
	enum { ROUNDS = 60 };
	struct fixture *f = *state;
	bool seen[PROCESSES * ROUNDS + 1] = {false};

	add_from_ten(f, ROUNDS, seen);
	for (int i = 1; i <= PROCESSES * ROUNDS; i++)
		assert_true(seen[i]);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM live"), PROCESSES);
	assert_intact(f);
}

static void ten_processes_may_make_one_history_at_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		bool seen[PROCESSES + 1] = {false};
		snprintf(f->path, sizeof(f->path), "%s/%d.db", f->directory, i);
		add_from_ten(f, 1, seen);
		assert_int_equal(raw_number(f, "SELECT versions FROM function"), PROCESSES);
	}
}

static void a_writer_that_is_killed_loses_nothing_that_was_answered(void **state)
{
	struct fixture *f = *state;
	int start[2], report[2], number = 0, status;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(report), 0);
	pid_t pid = start_adding(f, 1000, INT_MAX, start, report);
	close(start[0]);
	close(start[1]);
	close(report[1]);
	struct pollfd answer = {.fd = report[0], .events = POLLIN};
	while (number < 100) {
		assert_int_equal(poll(&answer, 1, 60000), 1);
		assert_int_equal(read(report[0], &number, sizeof(number)), sizeof(number));
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(report[0], &number, sizeof(number)) == sizeof(number))
		continue;
	close(report[0]);

	open_as(f, &second_run);
	assert_true(count(f->history, f->price) >= number);
	assert_int_equal(get(f->history, f->price, number).version.number, number);
	number = count(f->history, f->price);
	assert_int_equal(add(f->history, f->price, 0, "a"), number + 1);
	assert_intact(f);
}

static void a_database_that_stays_locked_is_an_error_and_not_for_ever(void **state)
{
	struct fixture *f = *state;
	struct history_version version = make_version(f->price, 0, "a");
	struct history_move move = {.function = f->price};
	sqlite3 *other = open_raw(f);
	struct history *late = NULL;
	int64_t id;

	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	refuse(history_open(f->path, &second_run, &late), ERROR_INTERNAL, "locked by another process");
	assert_null(late); /* that took the store's own time limit */

	sqlite3_busy_timeout(f->connection, 10);
	refuse(history_add(f->history, &version, 1), ERROR_INTERNAL, "locked by another process");
	refuse(history_add_built(f->history, &version), ERROR_INTERNAL, f->path);
	refuse_change(f->history, HISTORY_DEFINE, 0, &move, 1, ERROR_INTERNAL, "locked");
	refuse(history_note(f->history, f->price, 0, "ada", "x"), ERROR_INTERNAL, "locked");
	refuse(history_event(f->history, "fault", 0, -1, "ada", NULL), ERROR_INTERNAL, "locked");
	const struct history_function new = {.module = "shop", .file = "/src/shop.c", .name = "new"};
	refuse(history_function_id(f->history, &new, &id), ERROR_INTERNAL, "locked");
	assert_int_equal(count(f->history, f->price), 0); /* reading goes on */

	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	succeed(history_add(f->history, &version, 1));
	assert_int_equal(version.number, 1);
}

enum { WRITING_MS = 3000, WRITE_EVERY_MS = 100 };

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* One long transaction, which goes on writing; `held` is told once it has the lock. */
static int write_for_long(const struct fixture *f, int held)
{
	sqlite3 *db = open_raw(f);
	long long end = now_ms() + WRITING_MS;
	bool written = sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE large (bytes)",
				    NULL, NULL, NULL) == SQLITE_OK;

	close(held);
	while (written && now_ms() < end) {
		written = sqlite3_exec(db, "INSERT INTO large VALUES (zeroblob(100000))", NULL, NULL, NULL) ==
			  SQLITE_OK;
		poll(NULL, 0, WRITE_EVERY_MS);
	}
	return !written || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK;
}

static void a_lock_is_waited_for_longer_while_somebody_writes(void **state)
{
	struct fixture *f = *state;
	int held[2], status;
	char byte;

	assert_int_equal(pipe(held), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(held[0]);
		_exit(write_for_long(f, held[1]));
	}
	close(held[1]);
	assert_int_equal(read(held[0], &byte, 1), 0);
	close(held[0]);
	assert_int_equal(add(f->history, f->price, 0, "a"), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- failures, one after the other --------------------------------------------------------------------- */

/* All that writes, one transaction after the other, as an engine would. */
struct writing {
	int stage; /* how many transactions are done; a call goes on from there */
	const char *text, *other_text;
	struct history_move moves[2];
};

static struct error *write_stage(struct fixture *f, struct writing *w)
{
	struct history_version versions[] = {
		make_version(f->price, 0, w->text),
		make_version(f->total, 0, w->other_text),
	};
	struct error *e;

	switch (w->stage) {
	case 0:
		return history_add_built(f->history, &versions[0]);
	case 1:
		e = history_add(f->history, versions, 2);
		for (int i = 0; i < 2; i++)
			w->moves[i] = (struct history_move){versions[i].function, 0, versions[i].number};
		return e;
	case 2:
		return history_record(f->history, HISTORY_DEFINE, "ada", 0, w->moves, 2, NULL);
	case 3:
		return history_note(f->history, f->price, w->moves[0].to, "ada", w->text);
	default:
		return history_event(f->history, "defined", f->price, w->moves[0].to, "ada", w->text);
	}
}

static struct error *write_all(struct fixture *f, struct writing *w)
{
	for (; w->stage < 5; w->stage++) {
		struct error *e = write_stage(f, w);
		if (e)
			return e;
	}
	return NULL;
}

#define LONG_TEXT 30000

static void fill_texts(struct writing *w, char text[2][LONG_TEXT])
{
	for (int i = 0; i < 2; i++) {
		memset(text[i], 'x' + i, LONG_TEXT - 1);
		text[i][LONG_TEXT - 1] = '\0';
	}
	*w = (struct writing){.text = text[0], .other_text = text[1]};
}

/* Versions of the two functions come in pairs, and so do moves. */
static void assert_no_half_is_there(struct fixture *f)
{
	assert_int_equal(raw_number(f, "SELECT sum(versions * CASE name WHEN 'price' THEN 1 ELSE -1 END)"
				       " FROM function"),
			 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM move"),
			 2 * raw_number(f, "SELECT count(*) FROM change"));
	assert_intact(f);
}

static void a_full_database_fails_cleanly_at_every_page(void **state)
{
	struct fixture *f = *state;
	char texts[2][LONG_TEXT], sql[64];
	struct writing writing;
	struct error *e;
	int failures = 0, pages = (int)raw_number(f, "PRAGMA page_count");

	fill_texts(&writing, texts);
	for (;; failures++) {
		snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages + failures);
		assert_int_equal(sqlite3_exec(f->connection, sql, NULL, NULL, NULL), SQLITE_OK);
		e = write_all(f, &writing);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, "full");
		assert_no_half_is_there(f);
		assert_in_range(failures, 0, 100);
	}
	assert_in_range(failures, 20, 100);
	assert_no_half_is_there(f);
}

static void limit_files_to(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_the_system_refuses_fails_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	char texts[2][LONG_TEXT], wal[160];
	struct writing writing;
	struct stat status;
	struct error *e;
	int failures = 0;

	signal(SIGXFSZ, SIG_IGN);
	fill_texts(&writing, texts);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &status), 0);
	for (;; failures++) {
		limit_files_to((rlim_t)status.st_size + 1500 * (rlim_t)failures);
		e = write_all(f, &writing);
		limit_files_to(RLIM_INFINITY);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, f->path);
		if (failures % 16 == 0)
			assert_no_half_is_there(f);
		assert_in_range(failures, 0, 1000);
	}
	assert_in_range(failures, 50, 1000);
	assert_no_half_is_there(f);
	signal(SIGXFSZ, SIG_DFL);
}

static void opening_without_room_fails_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	struct error *e;
	int failures = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (;; failures++) {
		limit_files_to(3000 * (rlim_t)failures);
		e = history_open(f->path, &first_run, &f->history);
		limit_files_to(RLIM_INFINITY);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, f->path);
		assert_null(f->history);
		assert_in_range(failures, 0, 1000);
	}
	assert_in_range(failures, 10, 1000);
	open_as(f, &first_run);
	add(f->history, f->price, 0, "a");
	assert_intact(f);
	signal(SIGXFSZ, SIG_DFL);
}

/* The step after `step`: each of the first, then fewer and fewer, as there are thousands that are alike. */
static int next_step(int step)
{
	return step < 64 ? step + 1 : step + step / 32;
}

static void opening_without_memory_fails_cleanly_at_every_point(void **state)
{
	struct error *e;
	struct history *h = NULL;
	int failures = 0;

	(void)state;
	for (int n = 1;; n = next_step(n)) {
		allocations_left = n;
		e = history_open(":memory:", &first_run, &h);
		bool failed = allocations_left == 0;
		allocations_left = -1;
		if (!failed)
			break;
		if (e)
			failures++;
		else
			history_close(h); /* sqlite could do without that one */
		error_free(e);
		h = NULL;
	}
	assert_null(e);
	assert_true(failures > 20);
	history_close(h);
}

static struct error *use_all(struct fixture *f)
{
	struct listing listing = {.text = ""};
	struct copy copy;
	struct history_move *moves = NULL;
	size_t moved;
	int64_t change;
	int number;
	struct writing writing = {.text = "int x;", .other_text = "int y;"};
	struct error *e = write_all(f, &writing);

	if (!e)
		e = history_next(f->history, false, &change, &moves, &moved);
	if (!e)
		e = history_record(f->history, HISTORY_UNDO, "ada", change, moves, moved, NULL);
	free(moves);
	if (!e)
		e = history_live(f->history, f->price, &number);
	if (!e)
		e = history_count(f->history, f->price, &number);
	if (!e)
		e = history_find(f->history, f->price, 1, keep, &copy);
	if (!e)
		e = log_versions(f->history, &(struct log_filter){.limit = 9}, list, &listing);
	if (!e)
		e = log_versions(f->history, &(struct log_filter){.function = f->price, .limit = 9}, list,
				 &listing);
	return e;
}

static void calls_without_memory_fail_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	struct error *e;
	int failures = 0;

	for (int n = 1;; n++) {
		allocations_left = n;
		e = use_all(f);
		bool failed = allocations_left == 0;
		allocations_left = -1;
		if (!failed)
			break;
		if (e) {
			assert_string_equal(error_message(e), "out of memory");
			failures++;
		}
		error_free(e);
		succeed(history_event(f->history, "after", 0, -1, "ada", NULL)); /* the handle is usable */
		if (n % 8 == 0)
			assert_no_half_is_there(f);
	}
	assert_null(e);
	assert_true(failures > 10);
	assert_no_half_is_there(f);
}

/* --- a long history ------------------------------------------------------------------------------------ */

/* What sqlite did for the handle's statements since the last call: steps of its virtual machine. */
static int steps_taken(const struct fixture *f)
{
	int steps = 0;

	for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(f->connection, s));)
		steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
	return steps;
}

static void no_call_costs_more_with_a_long_history(void **state)
{
	struct fixture *f = *state;

	succeed(use_all(f));
	steps_taken(f);
	succeed(use_all(f));
	int steps = steps_taken(f);

	raw(f, "INSERT INTO version (function, number, process, parent, text, slice_hash, backend, compiler,"
	       " flags, origin, user, note, file, line) WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL"
	       " SELECT i + 1 FROM n WHERE i < 50000) SELECT f.id, i, 1, i - 1, 1, '', 'tcc', '', '',"
	       " 'console', 'ada', '', '', 0 FROM n, function AS f");
	raw(f, "INSERT INTO change (process, kind, user) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
	       " SELECT i + 1 FROM n WHERE i < 50000) SELECT 1, 'define', 'ada' FROM n;"
	       "INSERT INTO move SELECT c.id, f.id, 1, 2 FROM change AS c, function AS f WHERE c.id > 4");
	assert_int_equal(count(f->history, f->price), 50001);
	steps_taken(f);
	succeed(use_all(f));
	assert_in_range(steps_taken(f), 1, steps * 2);
	assert_int_equal(count(f->history, f->price), 50002);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_DIRECTORY(directories_and_file_are_private_whatever_the_umask),
		IN_DIRECTORY(a_history_in_memory_works),
		IN_DIRECTORY(an_empty_file_becomes_a_history),
		WITH_HISTORY(a_newer_schema_is_refused_and_left_alone),
		IN_DIRECTORY(the_database_of_another_program_is_refused_and_left_alone),
		IN_DIRECTORY(a_path_that_cannot_be_is_refused_by_name),
		IN_DIRECTORY(a_directory_that_is_read_only_is_refused),
		WITH_HISTORY(a_file_that_is_read_only_is_refused),
		IN_DIRECTORY(what_is_no_database_is_refused),
		WITH_HISTORY(a_damaged_file_is_refused),
		WITH_HISTORY(a_file_cut_short_is_refused),
		WITH_HISTORY(damage_to_one_table_leaves_the_others_usable),
		IN_DIRECTORY(ten_processes_never_share_a_number),
		IN_DIRECTORY(ten_processes_may_make_one_history_at_once),
		IN_DIRECTORY(a_writer_that_is_killed_loses_nothing_that_was_answered),
		WITH_HISTORY(a_database_that_stays_locked_is_an_error_and_not_for_ever),
		WITH_HISTORY(a_lock_is_waited_for_longer_while_somebody_writes),
		WITH_HISTORY(a_full_database_fails_cleanly_at_every_page),
		WITH_HISTORY(a_write_that_the_system_refuses_fails_cleanly_at_every_point),
		IN_DIRECTORY(opening_without_room_fails_cleanly_at_every_point),
		IN_DIRECTORY(opening_without_memory_fails_cleanly_at_every_point),
		WITH_HISTORY(calls_without_memory_fail_cleanly_at_every_point),
		WITH_HISTORY(no_call_costs_more_with_a_long_history),
	};

	watch_sqlite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
