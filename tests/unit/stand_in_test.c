/* A history that cannot be written, the one in memory that takes its place, and how everything gets to the file. */
#include "history.h"
#include "log.h"
#include "stand_in.h"

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct history_process run = {100, "/opt/shop", "aa", .started = 7};
static const struct history_process other_run = {101, "/opt/shop", "aa", .started = 9};
static const struct history_function price = {.module = "shop", .file = "/src/shop.c", .name = "price"};
static const struct history_function total = {.module = "shop", .file = "/src/shop.c", .name = "total"};

struct fixture {
	char directory[64], path[128];
	struct history *history;
	int64_t price, total;
	char renumbered[256];
};

static void succeed(struct error *e)
{
	if (e)
		fail_msg("%s", error_message(e));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int make_directory(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->directory, sizeof(f->directory), "/tmp/stand_in_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/100%% shop?.db", f->directory);
	*state = f;
	return 0;
}

static int remove_directory(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

static void find_rows(struct fixture *f)
{
	succeed(history_function_id(f->history, &price, &f->price));
	succeed(history_function_id(f->history, &total, &f->total));
}

static void open_file(struct fixture *f)
{
	succeed(history_open(f->path, &run, &f->history));
	find_rows(f);
}

static void stand_in(struct fixture *f)
{
	history_close(f->history);
	succeed(stand_in_new(f->path, &run, &f->history));
	assert_true(stand_in_is(f->history));
	assert_string_equal(history_path(f->history), f->path);
	find_rows(f);
}

static int add(struct history *h, int64_t function, int parent, const char *text)
{
	struct history_version version = {.function = function,
					  .parent = parent,
					  .text = text,
					  .slice_hash = "5eed",
					  .backend = "tcc",
					  .compiler = "libtcc",
					  .flags = "-g",
					  .origin = "console",
					  .user = "ada",
					  .note = "",
					  .file = "/src/shop.c",
					  .line = 12};

	succeed(history_add(h, &version, 1));
	return version.number;
}

static int64_t record(struct history *h, enum history_kind kind, int64_t subject, int64_t function, int from,
		      int to)
{
	struct history_move move = {.function = function, .from = from, .to = to};
	int64_t change = 0;

	succeed(history_record(h, kind, "ada", subject, &move, 1, &change));
	return change;
}

static int define(struct history *h, int64_t function, int from, const char *text)
{
	int number = add(h, function, from, text);

	record(h, HISTORY_DEFINE, 0, function, from, number);
	return number;
}

static void take_renumbered(void *context, const struct history_function *function, int from, int to)
{
	struct fixture *f = context;
	size_t used = strlen(f->renumbered);

	snprintf(f->renumbered + used, sizeof(f->renumbered) - used, "%s %d is %d;", function->name, from,
		 to);
}

static void settle(struct fixture *f)
{
	struct history *fresh;

	succeed(stand_in_settle(f->history, &run, take_renumbered, f, &fresh));
	assert_false(stand_in_is(fresh));
	history_close(f->history);
	f->history = fresh;
	find_rows(f);
}

static void take_text(void *context, const struct history_version *version)
{
	snprintf(context, 64, "%s", version->text);
}

static void assert_text(struct fixture *f, int64_t function, int number, const char *expected)
{
	char text[64];

	succeed(history_find(f->history, function, number, take_text, text));
	assert_string_equal(text, expected);
}

static void assert_live(struct fixture *f, int64_t function, int expected)
{
	int number = -1;

	succeed(history_live(f->history, function, &number));
	assert_int_equal(number, expected);
}

static int64_t pending(struct fixture *f)
{
	int64_t versions = -1;

	succeed(stand_in_pending(f->history, &versions));
	return versions;
}

static void raw(struct fixture *f, const char *sql, char *answer, size_t size)
{
	sqlite3 *db;
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void assert_whole(struct fixture *f)
{
	char answer[128];

	raw(f, "PRAGMA integrity_check", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
	raw(f, "SELECT count(*) FROM pragma_foreign_key_check", answer, sizeof(answer));
	assert_string_equal(answer, "0");
	raw(f,
	    "SELECT count(*) FROM function AS f WHERE versions <> (SELECT count(*) FROM version AS v"
	    " WHERE v.function = f.id AND v.number > 0)",
	    answer, sizeof(answer));
	assert_string_equal(answer, "0");
}

/* --- the tests --------------------------------------------------------------------------------------------------- */

static void a_stand_in_knows_what_the_file_had(void **state)
{
	struct fixture *f = *state;

	open_file(f);
	define(f->history, f->price, 0, "one");
	define(f->history, f->price, 1, "two");
	define(f->history, f->total, 0, "sum");
	stand_in(f);
	assert_text(f, f->price, 1, "one");
	assert_text(f, f->price, 2, "two");
	assert_text(f, f->total, 1, "sum");
	assert_live(f, f->price, 2);
	assert_int_equal(pending(f), 0);
	assert_int_equal(define(f->history, f->price, 2, "three"), 3);
	assert_int_equal(pending(f), 1);
}

static void what_it_got_comes_into_the_file(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	int64_t change;
	size_t count;

	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	define(f->history, f->price, 1, "two");
	define(f->history, f->total, 0, "sum");
	succeed(history_note(f->history, f->price, 1, "ada", "the first"));
	succeed(history_event(f->history, "refused", f->total, -1, "ada", "no such type"));
	settle(f);
	assert_text(f, f->price, 2, "two");
	assert_text(f, f->total, 1, "sum");
	assert_live(f, f->price, 2);
	assert_live(f, f->total, 1);
	assert_string_equal(f->renumbered, "");
	char answer[128];
	raw(f, "SELECT note FROM version WHERE number = 1 ORDER BY id LIMIT 1", answer, sizeof(answer));
	assert_string_equal(answer, "the first");
	raw(f, "SELECT group_concat(kind, ' ') FROM (SELECT kind FROM event ORDER BY id)", answer,
	    sizeof(answer));
	assert_string_equal(answer, "started defined live defined live defined live noted refused");
	succeed(history_next(f->history, false, &change, &moves, &count));
	assert_int_equal(count, 1);
	assert_int_equal(moves[0].function, f->total);
	free(moves);
	assert_whole(f);
}

static bool count_version(void *context, const struct history_version *version,
			  const struct history_function *function)
{
	(void)version;
	(void)function;
	++*(int *)context;
	return true;
}

static bool count_event(void *context, const struct log_event *event)
{
	(void)event;
	++*(int *)context;
	return true;
}

static void what_was_stored_late_hides_nothing_that_is_younger(void **state)
{
	struct log_filter filter = {.since = "2029", .limit = 3};
	struct fixture *f = *state;
	int versions = 0, events = 0;
	char answer[8];

	open_file(f);
	for (int i = 0; i < 4; i++)
		define(f->history, f->price, i, "text");
	raw(f, "UPDATE version SET time = '2030-01-01' WHERE number IN (1, 3) RETURNING 1", answer,
	    sizeof(answer));
	raw(f, "UPDATE event SET time = '2030-01-01' WHERE number IN (1, 3) RETURNING 1", answer,
	    sizeof(answer));
	succeed(log_versions(f->history, &filter, count_version, &versions));
	assert_int_equal(versions, 2);
	succeed(log_events(f->history, &filter, count_event, &events));
	assert_int_equal(events, 3); /* of four: the limit */
}

enum { LATE = 300 };

/* However much of it there is. */
static void what_a_stand_in_kept_for_long_hides_nothing_that_is_younger(void **state)
{
	struct log_filter filter = {.since = "2029"};
	struct fixture *f = *state;
	int versions = 0, events = 0;
	char answer[8];

	open_file(f);
	define(f->history, f->price, 0, "text");
	raw(f, "UPDATE version SET time = '2030-01-01' RETURNING 1", answer, sizeof(answer));
	raw(f, "UPDATE event SET time = '2030-01-01' WHERE kind = 'live' RETURNING 1", answer,
	    sizeof(answer));
	stand_in(f);
	for (int i = 1; i <= LATE; i++)
		define(f->history, f->price, i, "text");
	settle(f);
	succeed(log_versions(f->history, &filter, count_version, &versions));
	assert_int_equal(versions, 1);
	filter.function = f->price;
	versions = 0;
	succeed(log_versions(f->history, &filter, count_version, &versions));
	assert_int_equal(versions, 1);
	succeed(log_events(f->history, &filter, count_event, &events));
	assert_int_equal(events, 1);
	assert_whole(f);

	/* Nor in another stand-in, which has read the file. */
	stand_in(f);
	filter.function = f->price;
	events = versions = 0;
	succeed(log_versions(f->history, &filter, count_version, &versions));
	assert_int_equal(versions, 1);
	succeed(log_events(f->history, &filter, count_event, &events));
	assert_int_equal(events, 1);
}

static void undo_reaches_over_the_gap(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	int64_t change;
	size_t count;

	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	succeed(history_next(f->history, false, &change, &moves, &count));
	assert_int_equal(count, 1);
	assert_int_equal(moves[0].to, 0);
	record(f->history, HISTORY_UNDO, change, f->price, 1, 0);
	free(moves);
	settle(f);
	assert_live(f, f->price, 0);
	succeed(history_next(f->history, true, &change, &moves, &count));
	assert_int_equal(count, 1);
	assert_int_equal(moves[0].to, 1);
	free(moves);
	assert_whole(f);
}

static void a_number_that_another_process_took_is_changed(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	define(f->history, f->price, 1, "ours, two");
	define(f->history, f->price, 2, "ours, three");
	succeed(history_open(f->path, &other_run, &other));
	assert_int_equal(define(other, f->price, 1, "theirs, two"), 2);
	history_close(other);
	settle(f);
	assert_string_equal(f->renumbered, "price 2 is 3;price 3 is 4;");
	assert_text(f, f->price, 2, "theirs, two");
	assert_text(f, f->price, 3, "ours, two");
	assert_text(f, f->price, 4, "ours, three");
	assert_live(f, f->price, 4);
	char answer[128];
	raw(f, "SELECT group_concat(number || ' from ' || parent, ', ') FROM version", answer,
	    sizeof(answer));
	assert_string_equal(answer, "1 from 0, 2 from 1, 3 from 1, 4 from 3");
	assert_whole(f);
}

static void a_note_follows_its_version(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	open_file(f);
	struct history_version built = {.function = f->price,
					.text = "built",
					.slice_hash = "5eed",
					.backend = "built",
					.compiler = "gcc",
					.flags = "",
					.origin = "built",
					.user = "ada",
					.note = "",
					.file = "/src/shop.c",
					.line = 12};
	succeed(history_add_built(f->history, &built));
	define(f->history, f->price, 0, "one");
	stand_in(f);
	define(f->history, f->price, 1, "ours, two");
	succeed(history_note(f->history, f->price, 0, "ada", "as it was"));
	succeed(history_note(f->history, f->price, 1, "ada", "too soon"));
	succeed(history_note(f->history, f->price, 1, "ada", "the first"));
	succeed(history_note(f->history, f->price, 2, "ada", "ours"));
	succeed(history_open(f->path, &other_run, &other));
	assert_int_equal(define(other, f->price, 1, "theirs, two"), 2);
	succeed(history_note(other, f->price, 2, "bob", "theirs"));
	history_close(other);
	settle(f);
	assert_string_equal(f->renumbered, "price 2 is 3;");
	char answer[128];
	raw(f,
	    "SELECT group_concat(number || ' ' || note, ', ') FROM (SELECT * FROM version ORDER BY number)",
	    answer, sizeof(answer));
	assert_string_equal(answer, "0 as it was, 1 the first, 2 theirs, 3 ours");
	assert_whole(f);
}

static void where_nothing_can_be_read_reserved_numbers_count(void **state)
{
	struct fixture *f = *state;

	mkdir(f->path, 0700);
	stand_in(f);
	succeed(history_reserve(f->history, f->price, 7));
	record(f->history, HISTORY_ROLLBACK, 0, f->price, 7,
	       6); /* from and to what only the program still has */
	assert_int_equal(define(f->history, f->price, 6, "eight"), 8);
	assert_int_equal(define(f->history, f->total, 0, "sum"), 1);
	rmdir(f->path);
	settle(f);
	assert_text(f, f->price, 8, "eight");
	assert_live(f, f->price, 8);
	assert_int_equal(define(f->history, f->price, 8, "nine"), 9);
	assert_whole(f);
}

static void as_long_as_the_file_is_locked_the_stand_in_goes_on(void **state)
{
	struct fixture *f = *state;
	struct history *fresh;
	sqlite3 *db;

	open_file(f);
	define(f->history, f->price, 0, "one");
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	stand_in(f);
	assert_text(f, f->price, 1, "one"); /* a writer keeps nobody from reading */
	define(f->history, f->price, 1, "two");
	struct error *e = stand_in_settle(f->history, &run, take_renumbered, f, &fresh);
	assert_non_null(e);
	error_free(e);
	define(f->history, f->price, 2, "three");
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	settle(f);
	assert_text(f, f->price, 3, "three");
	assert_live(f, f->price, 3);
	assert_whole(f);
}

static void a_file_of_schema_1_can_be_stood_in_for(void **state)
{
	struct fixture *f = *state;
	char sql[65536];
	sqlite3 *db;

	FILE *file = fopen("tests/unit/history/schema_1.sql", "r");
	assert_non_null(file);
	size_t size = fread(sql, 1, sizeof(sql) - 1, file);
	sql[size] = '\0';
	fclose(file);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "PRAGMA user_version = 1; INSERT INTO function (module, file, name) VALUES"
			     " ('shop', '/src/shop.c', 'price')",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	stand_in(f);
	define(f->history, f->price, 0, "one");
	settle(f);
	assert_text(f, f->price, 1, "one");
	assert_whole(f);
}

static void a_file_that_was_replaced_gets_all_that_is_new(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	int64_t change;
	size_t count;
	char wal[160];

	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	succeed(history_next(f->history, false, &change, &moves, &count));
	record(f->history, HISTORY_UNDO, change, f->price, 1, 0);
	free(moves);
	define(f->history, f->price, 0, "two");
	unlink(f->path);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	unlink(wal);
	settle(f);
	assert_text(f, f->price, 2, "two");
	assert_live(f, f->price, 2);
	assert_whole(f);
}

/* What it could read of a file that was deleted since is all that is left. */
static void a_new_file_gets_all_that_is_known_of_the_old_one(void **state)
{
	struct fixture *f = *state;
	char wal[160], answer[128];

	succeed(history_open(f->path, &other_run, &f->history));
	find_rows(f);
	define(f->history, f->total, 0, "of the other run");
	history_close(f->history);
	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	define(f->history, f->price, 1, "two");
	unlink(f->path);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	unlink(wal);
	settle(f);
	assert_text(f, f->price, 1, "one");
	assert_text(f, f->price, 2, "two");
	assert_text(f, f->total, 1, "of the other run");
	assert_live(f, f->price, 2);
	raw(f,
	    "SELECT group_concat(p.pid || ' ' || f.name || ' ' || v.number, ', ') FROM version AS v"
	    " JOIN process AS p ON p.id = v.process JOIN function AS f ON f.id = v.function",
	    answer, sizeof(answer));
	assert_string_equal(answer, "101 total 1, 100 price 1, 100 price 2");
	raw(f, "SELECT group_concat(kind, ' ') FROM events WHERE pid = 101", answer, sizeof(answer));
	assert_string_equal(answer, "live defined started");
	assert_whole(f);
}

enum { DAMAGED_VERSIONS = 400 };

static void cut_off(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size * 3 / 4), 0);
}

/* Whatever is on pages that are there: the older half at least, here. */
static void what_can_be_read_of_a_damaged_file_is_known(void **state)
{
	struct fixture *f = *state;
	char text[64], other[160];

	open_file(f);
	for (int i = 1; i <= DAMAGED_VERSIONS; i++) {
		snprintf(text, sizeof(text), "version %d", i);
		define(f->history, f->price, i - 1, text);
	}
	history_settle(f->history);
	history_close(f->history);
	f->history = NULL;
	cut_off(f->path);
	stand_in(f);
	succeed(history_reserve(f->history, f->price, DAMAGED_VERSIONS));
	assert_text(f, f->price, 1, "version 1");
	assert_text(f, f->price, DAMAGED_VERSIONS / 4, "version 100");
	assert_int_equal(define(f->history, f->price, 1, "on and on"), DAMAGED_VERSIONS + 1);
	snprintf(other, sizeof(other), "%s/damaged", f->directory);
	assert_int_equal(rename(f->path, other), 0);
	settle(f);
	assert_text(f, f->price, 1, "version 1");
	assert_text(f, f->price, DAMAGED_VERSIONS + 1, "on and on");
	assert_whole(f);
}

static void at_the_end_it_can_be_written_elsewhere(void **state)
{
	struct fixture *f = *state;

	mkdir(f->path, 0700);
	stand_in(f);
	define(f->history, f->price, 0, "one");
	char path[128];
	snprintf(path, sizeof(path), "%s/rescued.db", f->directory);
	succeed(stand_in_rescue(f->history, path));
	rmdir(f->path);
	strcpy(f->path, path);
	history_close(f->history);
	open_file(f);
	assert_text(f, f->price, 1, "one");
	assert_whole(f);
}

static void what_was_rescued_is_taken_in_once(void **state)
{
	struct fixture *f = *state;
	char path[128], other[128], answer[128];
	struct stat status;
	int64_t versions;

	open_file(f);
	define(f->history, f->price, 0, "one");
	stand_in(f);
	define(f->history, f->price, 1, "two");
	define(f->history, f->price, 2, "three");
	snprintf(path, sizeof(path), "%s/rescued.db", f->directory);
	mode_t mask = umask(0);
	succeed(stand_in_rescue(f->history, path));
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	history_close(f->history);

	/* Of another history it is not. */
	snprintf(other, sizeof(other), "%s/other.db", f->directory);
	succeed(history_open(other, &other_run, &f->history));
	succeed(stand_in_adopt(f->history, path, take_renumbered, f, &versions));
	assert_int_equal(versions, -1);
	history_close(f->history);

	succeed(history_open(f->path, &other_run, &f->history));
	find_rows(f);
	assert_int_equal(define(f->history, f->price, 0, "theirs"), 2);
	succeed(stand_in_adopt(f->history, path, take_renumbered, f, &versions));
	assert_int_equal(versions, 2);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(f->renumbered, "price 2 is 3;price 3 is 4;");
	assert_text(f, f->price, 4, "three");
	assert_live(f, f->price, 2); /* of the run that goes on */
	raw(f, "SELECT number FROM live JOIN process AS p ON p.id = process WHERE pid = 100", answer,
	    sizeof(answer));
	assert_string_equal(answer, "4");
	assert_whole(f);
	succeed(stand_in_adopt(f->history, path, take_renumbered, f, &versions));
	assert_int_equal(versions, -1);
}

/* Every row but those of processes, in order. */
static void dump(struct fixture *f, char *answer, size_t size)
{
	raw(f,
	    "SELECT group_concat(line, char(10)) FROM (SELECT 'version ' || json_array(function, number, "
	    "parent, text,"
	    " slice_hash, backend, compiler, flags, origin, user, time, note, file, line) AS line FROM "
	    "version"
	    " UNION ALL SELECT 'change ' || json_array(c.id, c.kind, subject, user, time, m.function, "
	    "from_number,"
	    " to_number) FROM change AS c JOIN move AS m ON m.change = c.id"
	    " UNION ALL SELECT 'live ' || json_array(function, number, change) FROM live"
	    " UNION ALL SELECT 'event ' || json_array(kind, function, number, user, time, detail) FROM event"
	    " WHERE kind = 'said')",
	    answer, size);
}

static void set_clock(struct fixture *f, const char *table)
{
	char sql[256], answer[16];

	snprintf(sql, sizeof(sql),
		 "CREATE TRIGGER %s_clock AFTER INSERT ON %s BEGIN"
		 " UPDATE %s SET time = printf('2001-02-03T04:05:06.%%03dZ', new.id) WHERE id = new.id; END",
		 table, table, table);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM sqlite_master WHERE name = '%s_clock'", table);
	raw(f, sql, answer, sizeof(answer));
	assert_string_equal(answer, "1");
}

static void add_otherwise(struct fixture *f, int parent)
{
	struct history_version version = {.function = f->total,
					  .parent = parent,
					  .text = "",
					  .slice_hash = "0ddba11",
					  .backend = "cc",
					  .compiler = "gcc 12",
					  .flags = "-O2",
					  .origin = "file",
					  .user = "grace",
					  .note = "as \"said\"",
					  .file = "/src/other.c",
					  .line = 700};

	succeed(history_add(f->history, &version, 1));
}

static void what_was_committed_is_known_whole_without_the_file(void **state)
{
	struct fixture *f = *state;
	struct history *without;
	char before[8192], after[8192], path[128];

	open_file(f);
	set_clock(f, "version");
	set_clock(f, "change");
	set_clock(f, "event");
	struct history_version built = {.function = f->price,
					.text = "as built",
					.slice_hash = "b",
					.compiler = "gcc",
					.flags = "",
					.user = "",
					.note = "",
					.file = "/src/shop.c",
					.line = 3};
	succeed(history_add_built(f->history, &built));
	define(f->history, f->price, 0, "one");
	add_otherwise(f, 0);
	int64_t change = record(f->history, HISTORY_DEFINE, 0, f->total, 0, 1);
	define(f->history, f->price, 1, "two");
	record(f->history, HISTORY_UNDO, change, f->total, 1, 0);
	succeed(history_event(f->history, "said", f->price, 2, "ada", "a detail"));
	succeed(history_event(f->history, "said", 0, 0, NULL, NULL));
	dump(f, before, sizeof(before));
	assert_non_null(strstr(before, "2001-02-03T04:05:06.003Z"));

	succeed(stand_in_repeating(f->history, &run, &without));
	history_close(f->history);
	f->history = without;
	snprintf(path, sizeof(path), "%s/rescued.db", f->directory);
	succeed(stand_in_rescue(f->history, path));
	strcpy(f->path, path);
	dump(f, after, sizeof(after));
	assert_string_equal(after, before);
}

/* More than recent.c keeps. */
static void of_very_much_the_newest_is_known_without_the_file(void **state)
{
	enum { VERSIONS = 20, LENGTH = 1 << 20 };
	struct fixture *f = *state;
	struct history *without;
	char *text = malloc(LENGTH + 1);
	int count = 0;

	assert_non_null(text);
	memset(text, 'x', LENGTH);
	text[LENGTH] = 0;
	open_file(f);
	for (int i = 0; i < VERSIONS; i++)
		define(f->history, f->price, i, text);
	define(f->history, f->price, VERSIONS, "the newest");
	free(text);
	succeed(stand_in_repeating(f->history, &run, &without));
	history_close(f->history);
	f->history = without;
	find_rows(f);
	assert_text(f, f->price, VERSIONS + 1, "the newest");
	assert_live(f, f->price, VERSIONS + 1);
	succeed(history_count(f->history, f->price, &count));
	assert_in_range(count, 8, VERSIONS);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
	static const struct CMUnitTest tests[] = {
		IN_DIRECTORY(a_stand_in_knows_what_the_file_had),
		IN_DIRECTORY(what_it_got_comes_into_the_file),
		IN_DIRECTORY(what_was_stored_late_hides_nothing_that_is_younger),
		IN_DIRECTORY(what_a_stand_in_kept_for_long_hides_nothing_that_is_younger),
		IN_DIRECTORY(undo_reaches_over_the_gap),
		IN_DIRECTORY(a_number_that_another_process_took_is_changed),
		IN_DIRECTORY(a_note_follows_its_version),
		IN_DIRECTORY(where_nothing_can_be_read_reserved_numbers_count),
		IN_DIRECTORY(as_long_as_the_file_is_locked_the_stand_in_goes_on),
		IN_DIRECTORY(a_file_of_schema_1_can_be_stood_in_for),
		IN_DIRECTORY(a_file_that_was_replaced_gets_all_that_is_new),
		IN_DIRECTORY(a_new_file_gets_all_that_is_known_of_the_old_one),
		IN_DIRECTORY(what_can_be_read_of_a_damaged_file_is_known),
		IN_DIRECTORY(at_the_end_it_can_be_written_elsewhere),
		IN_DIRECTORY(what_was_rescued_is_taken_in_once),
		IN_DIRECTORY(what_was_committed_is_known_whole_without_the_file),
		IN_DIRECTORY(of_very_much_the_newest_is_known_without_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
