/* Long histories: reading pages of them back, letting old versions go, and databases of earlier schemas. */
#include "history.h"
#include "log.h"
#include "prune.h"

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct history_function price = {.module = "shop", .file = "/src/shop.c", .name = "price"};
static const struct history_function total = {.module = "shop", .file = "/src/shop.c", .name = "total"};

struct fixture {
	char directory[64], path[128];
	struct history *history;
	sqlite3 *raw;
	int64_t price, total;
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
	snprintf(f->directory, sizeof(f->directory), "/tmp/prune_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/shop.db", f->directory);
	assert_int_equal(sqlite3_open(f->path, &f->raw), SQLITE_OK);
	sqlite3_busy_timeout(f->raw, 5000);
	*state = f;
	return 0;
}

static int remove_directory(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	sqlite3_close(f->raw);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

static void open_run(struct fixture *f, int64_t pid, const char *build_id)
{
	struct history_process run = {.pid = pid, .program = "/opt/shop", .build_id = build_id, .started = 7};

	history_close(f->history);
	succeed(history_open(f->path, &run, &f->history));
	succeed(history_function_id(f->history, &price, &f->price));
	succeed(history_function_id(f->history, &total, &f->total));
}

static void raw(struct fixture *f, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(f->raw, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static const char *raw_text(struct fixture *f, const char *sql)
{
	static char answer[512];
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(f->raw, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(f->raw));
	snprintf(answer, sizeof(answer), "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return answer;
}

static void assert_whole(struct fixture *f)
{
	assert_string_equal(raw_text(f, "PRAGMA integrity_check"), "ok");
	assert_string_equal(raw_text(f, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
	assert_string_equal(raw_text(f,
				     "SELECT count(*) FROM function AS f WHERE versions <> (SELECT count(*)"
				     " FROM version AS v WHERE v.function = f.id AND v.number > 0)"),
			    "0");
	assert_string_equal(
		raw_text(f, "SELECT count(*) FROM text WHERE id NOT IN (SELECT text FROM version)"), "0");
}

static int define_as(struct fixture *f, int64_t function, int from, const char *text, const char *user)
{
	struct history_version version = {.function = function,
					  .parent = from,
					  .text = text,
					  .slice_hash = "5eed",
					  .backend = "tcc",
					  .compiler = "libtcc",
					  .flags = "-g",
					  .origin = "console",
					  .user = user,
					  .note = "",
					  .file = "/src/shop.c"};
	succeed(history_add(f->history, &version, 1));
	struct history_move move = {.function = function, .from = from, .to = version.number};
	succeed(history_record(f->history, HISTORY_DEFINE, user, 0, &move, 1, NULL));
	return version.number;
}

static int define(struct fixture *f, int64_t function, int from, const char *text)
{
	return define_as(f, function, from, text, "ada");
}

/* Everything that is there so far happened long ago. */
static void grow_old(struct fixture *f)
{
	raw(f, "UPDATE version SET time = '2020-01-01T00:00:00.000Z'; UPDATE change SET time = "
	       "'2020-01-01T00:00:00.000Z';"
	       "UPDATE event SET time = '2020-01-01T00:00:00.000Z'; UPDATE process SET time = "
	       "'2020-01-01T00:00:00.000Z'");
}

static struct prune_count prune_all(struct fixture *f, int days)
{
	struct prune_count planned, done;
	struct prune *p;
	bool more = true;

	succeed(prune_new(f->history, days, &p));
	while (more)
		succeed(prune_plan_step(p, &more));
	prune_planned(p, &planned);
	for (more = true; more;)
		succeed(prune_step(p, &more));
	prune_done(p, &done);
	prune_free(p);
	assert_int_equal(planned.versions, done.versions);
	assert_int_equal(planned.changes, done.changes);
	assert_int_equal(planned.events, done.events);
	assert_whole(f);
	return done;
}

/* --- what a prune keeps ------------------------------------------------------------------------------------------ */

static void what_is_younger_than_the_limit_stays(void **state)
{
	struct fixture *f = *state;

	open_run(f, 1, "aa");
	for (int i = 0; i < 5; i++)
		define(f, f->price, i, "text");
	open_run(f, 2, "aa");
	assert_int_equal(prune_all(f, 1).versions, 0);
	assert_string_equal(raw_text(f, "SELECT versions FROM function WHERE name = 'price'"), "5");
}

static void old_versions_go_but_those_that_matter(void **state)
{
	struct fixture *f = *state;
	char text[32];

	open_run(f, 1, "aa");
	for (int i = 0; i < 9; i++) {
		snprintf(text, sizeof(text), "text %d", i + 1);
		define(f, f->price, i, text);
	}
	succeed(history_note(f->history, f->price, 3, "ada", "the good one"));
	open_run(f, 2, "aa");
	define(f, f->total, 0, "sum");
	struct history_move back = {
		.function = f->price, .from = 0, .to = 5}; /* live at the end of the last run */
	succeed(history_record(f->history, HISTORY_ROLLBACK, "ada", 0, &back, 1, NULL));
	open_run(f, 3, "aa");
	grow_old(f);
	struct prune_count done = prune_all(f, 30);
	/* 3: noted; 5: live at the end; 4: its parent; 9: the newest. */
	assert_string_equal(raw_text(f, "SELECT group_concat(number, ' ') FROM (SELECT number FROM version"
					" WHERE function = 1 ORDER BY number)"),
			    "3 4 5 9");
	assert_int_equal(done.versions, 5);
	assert_int_equal(done.changes, 9);
	assert_string_equal(raw_text(f, "SELECT count(*) FROM text"), "5");
	assert_int_equal(define(f, f->price, 0, "ten"), 10);
}

/* Between the plan and a step somebody goes back. */
static void what_goes_live_while_it_is_pruned_stays(void **state)
{
	struct history_move back = {.from = 5, .to = 2};
	struct fixture *f = *state;
	struct prune *p;
	bool more = true;

	open_run(f, 1, "aa");
	for (int i = 0; i < 5; i++)
		define(f, f->price, i, "text");
	grow_old(f);
	succeed(prune_new(f->history, 30, &p));
	while (more)
		succeed(prune_plan_step(p, &more));
	back.function = f->price;
	succeed(history_record(f->history, HISTORY_ROLLBACK, "ada", 0, &back, 1, NULL));
	for (more = true; more;)
		succeed(prune_step(p, &more));
	prune_free(p);
	/* 2: live; 1: its parent; 5: what undoing that goes back to, and the newest. */
	assert_string_equal(raw_text(f, "SELECT group_concat(number, ' ') FROM (SELECT number FROM version"
					" WHERE number > 0 ORDER BY number)"),
			    "1 2 5");
	assert_whole(f);
}

static void what_a_run_that_goes_on_made_long_ago_goes_but_what_is_live(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	int64_t change;
	size_t count;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	define(f, f->price, 1, "two");
	define(f, f->price, 2, "three");
	define(f, f->price, 3, "four");
	succeed(history_note(f->history, f->price, 1, "ada", "the first"));
	grow_old(f);
	define(f, f->total, 0, "sum");
	struct prune_count done = prune_all(f, 30);
	/* 1: noted; 3: the parent of 4, which is live. */
	assert_int_equal(done.versions, 1);
	assert_int_equal(done.changes, 3);
	for (int i = 0; i < 2; i++) {
		succeed(history_next(f->history, false, &change, &moves, &count));
		assert_int_equal(moves[0].to, i ? 3 : 0);
		succeed(history_record(f->history, HISTORY_UNDO, "ada", change, moves, count, NULL));
		free(moves);
	}
	succeed(history_next(f->history, false, &change, &moves, &count));
	assert_int_equal(change, 0);
	grow_old(f); /* what took a change back is nothing without it */
	prune_all(f, 30);
	succeed(history_next(f->history, true, &change, &moves, &count));
	assert_int_equal(moves[0].to, 4);
	free(moves);
}

static void what_was_taken_back_goes_with_what_took_it_back(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	int64_t change;
	size_t count;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	succeed(history_next(f->history, false, &change, &moves, &count));
	succeed(history_record(f->history, HISTORY_UNDO, "ada", change, moves, count, NULL));
	free(moves);
	open_run(f, 2, "aa");
	define(f, f->total, 0, "sum");
	open_run(f, 3, "aa");
	grow_old(f);
	assert_int_equal(prune_all(f, 30).changes, 2);
}

/* Does the next one, and returns the version that is live then; -1: there is none. */
static int go(struct fixture *f, bool redo)
{
	struct history_move *moves;
	int64_t change;
	size_t count;

	succeed(history_next(f->history, redo, &change, &moves, &count));
	if (change)
		succeed(history_record(f->history, redo ? HISTORY_REDO : HISTORY_UNDO, "ada", change, moves,
				       count, NULL));
	int to = change ? moves[0].to : -1;
	free(moves);
	return to;
}

/* What took the change back first goes, what did it again stays. */
static void what_was_done_again_can_be_taken_back_and_done_again_after_a_prune(void **state)
{
	struct fixture *f = *state;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	assert_int_equal(go(f, false), 0);
	assert_int_equal(go(f, true), 1);
	grow_old(f);
	assert_int_equal(prune_all(f, 30).changes, 1);
	assert_int_equal(go(f, false), 0);
	assert_int_equal(go(f, false), -1);
	assert_int_equal(go(f, true), 1);
	assert_int_equal(go(f, true), -1);
}

static void versions_of_builds_that_nobody_runs_go(void **state)
{
	struct fixture *f = *state;
	struct history_version built = {.text = "built",
					.slice_hash = "",
					.compiler = "",
					.flags = "",
					.user = "",
					.note = "",
					.file = "/src/shop.c"};

	open_run(f, 1, "aa");
	built.function = f->price;
	succeed(history_add_built(f->history, &built));
	define(f, f->price, 0, "one");
	open_run(f, 2, "bb");
	built.text = "built anew";
	succeed(history_add_built(f->history, &built));
	define(f, f->price, 0, "two");
	open_run(f, 3, "bb");
	grow_old(f);
	prune_all(f, 30);
	assert_string_equal(raw_text(f, "SELECT group_concat(content, ', ') FROM text"), "built anew, two");
}

static void faults_stay(void **state)
{
	struct fixture *f = *state;
	int faults = 0;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	succeed(history_event(f->history, "fault", f->price, 1, "", "SIGSEGV"));
	open_run(f, 2, "aa");
	define(f, f->total, 0, "sum");
	open_run(f, 3, "aa");
	grow_old(f);
	prune_all(f, 30);
	succeed(log_faults(f->history, f->price, 1, &faults));
	assert_int_equal(faults, 1);
}

/* --- the log ----------------------------------------------------------------------------------------------------- */

static bool list_event(void *context, const struct log_event *event)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 512 - used, "%s%s %s %d", used ? ", " : "", event->kind,
		 event->name ? event->name : "-", event->number);
	return true;
}

static const char *events(struct fixture *f, const struct log_filter *filter)
{
	static char text[512];

	*text = '\0';
	succeed(log_events(f->history, filter, list_event, text));
	return text;
}

static void events_are_found_by_function_kind_user_and_time(void **state)
{
	struct fixture *f = *state;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	grow_old(f);
	define_as(f, f->total, 0, "sum", "bob");
	succeed(history_event(f->history, "fault", f->price, 1, "", "SIGSEGV"));
	assert_string_equal(
		events(f, &(struct log_filter){0}),
		"fault price 1, live total 1, defined total 1, live price 1, defined price 1, started - -1");
	assert_string_equal(events(f, &(struct log_filter){.function = f->price}),
			    "fault price 1, live price 1, defined price 1");
	assert_string_equal(events(f, &(struct log_filter){.kind = "fault"}), "fault price 1");
	assert_string_equal(events(f, &(struct log_filter){.kind = "fault", .function = f->total}), "");
	assert_string_equal(events(f, &(struct log_filter){.user = "bob"}), "live total 1, defined total 1");
	assert_string_equal(events(f, &(struct log_filter){.since = "2021"}),
			    "fault price 1, live total 1, defined total 1");
	assert_string_equal(events(f, &(struct log_filter){.before = 4, .limit = 2}),
			    "live price 1, defined price 1");
}

static bool list_version(void *context, const struct history_version *v, const struct history_function *f)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 512 - used, "%s%s %d", used ? ", " : "", f->name, v->number);
	return true;
}

static const char *versions(struct fixture *f, const struct log_filter *filter)
{
	static char text[512];

	*text = '\0';
	succeed(log_versions(f->history, filter, list_version, text));
	return text;
}

static void versions_are_found_by_user_and_time(void **state)
{
	struct fixture *f = *state;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	grow_old(f);
	define_as(f, f->price, 1, "two", "bob");
	define(f, f->total, 0, "sum");
	assert_string_equal(versions(f, &(struct log_filter){.user = "bob"}), "price 2");
	assert_string_equal(versions(f, &(struct log_filter){.user = "ada", .limit = 1}), "total 1");
	assert_string_equal(
		versions(f, &(struct log_filter){.user = "ada", .function = f->price, .limit = 1}),
		"price 1");
	assert_string_equal(versions(f, &(struct log_filter){.since = "2021"}), "total 1, price 2");
	assert_string_equal(versions(f, &(struct log_filter){.since = "2021", .function = f->price}),
			    "price 2");
	assert_string_equal(versions(f, &(struct log_filter){.user = "eve"}), "");
}

static bool list_live(void *context, const struct history_version *v, const struct history_function *f,
		      const char *built)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 512 - used, "%s%s %d was %s", used ? ", " : "", f->name, v->number,
		 built ? built : "unknown");
	return true;
}

static void the_last_run_is_the_ended_one_with_the_newest_change(void **state)
{
	struct fixture *f = *state;
	struct history_version built = {.text = "built",
					.slice_hash = "",
					.compiler = "",
					.flags = "",
					.user = "",
					.note = "",
					.file = "/src/shop.c"};
	int64_t first, last = -1;
	char text[512] = "";

	open_run(f, 1, "aa");
	succeed(log_last_run(f->history, &last));
	assert_int_equal(last, 0);
	built.function = f->price;
	succeed(history_add_built(f->history, &built));
	define(f, f->price, 0, "one");
	define(f, f->total, 0, "sum");
	first = strtoll(raw_text(f, "SELECT id FROM process WHERE pid = 1"), NULL, 10);
	open_run(f, 2, "aa"); /* changes nothing */
	struct history *running;
	struct history_process self = {.pid = getpid(),
				       .program = "/opt/shop",
				       .build_id = "aa",
				       .started = history_process_started(getpid())};
	succeed(history_open(f->path, &self, &running)); /* changes something, and goes on */
	struct history_move move = {.function = f->price, .from = 0, .to = 1};
	succeed(history_record(running, HISTORY_ROLLBACK, "ada", 0, &move, 1, NULL));
	history_close(running);
	open_run(f, 3, "bb");
	succeed(log_last_run(f->history, &last));
	assert_int_equal(last, first);
	succeed(log_live_in(f->history, last, list_live, text));
	assert_string_equal(text, "price 1 was built, total 1 was unknown");
}

static void count_other(void *context, const struct log_run *run)
{
	assert_true(run->running);
	*(int64_t *)context = run->pid;
}

static void who_else_is_there_is_told(void **state)
{
	struct fixture *f = *state;
	struct history *other;
	int64_t pid = 0;
	struct history_process self = {.pid = getpid(),
				       .program = "/opt/shop",
				       .build_id = "aa",
				       .started = history_process_started(getpid())};

	open_run(f, 1, "aa");
	open_run(f, 2, "aa");
	succeed(log_others(f->history, count_other, &pid));
	assert_int_equal(pid, 0);
	succeed(history_open(f->path, &self, &other));
	succeed(log_others(f->history, count_other, &pid));
	assert_int_equal(pid, getpid());
	history_close(other);
}

/* --- schemas ----------------------------------------------------------------------------------------------------- */

static void raw_file(struct fixture *f, const char *path)
{
	static char sql[65536];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t size = fread(sql, 1, sizeof(sql) - 1, file);
	sql[size] = '\0';
	fclose(file);
	raw(f, sql);
}

/* The steps of before, as they were released, up to that schema. */
static void bring_up_to_date_from(struct fixture *f, int schema)
{
	char sql[256];

	raw_file(f, "tests/unit/history/schema_1.sql");
	raw(f, "PRAGMA user_version = 1;"
	       "INSERT INTO process (pid, started, boot, program, build_id, time)"
	       " VALUES (9, 9, 'b', '/opt/shop', 'aa', '2020-01-01T00:00:00.000Z');"
	       "INSERT INTO function (module, file, name) VALUES ('shop', '/src/shop.c', 'price');"
	       "INSERT INTO text (hash, content) VALUES (1, 'one');"
	       "INSERT INTO version (function, number, process, parent, text, slice_hash, backend, compiler, "
	       "flags, origin,"
	       " user, time, note, file, line) VALUES (1, 1, 1, 0, 1, '', 'tcc', '', '', 'console', 'ada',"
	       " '2020-01-01T00:00:02.000Z', '', '', 1);"
	       "INSERT INTO event (process, kind, function, user, time) VALUES (1, 'refused', 1, 'ada', "
	       "'2020-01-01T00:00:01.000Z');"
	       "INSERT INTO change (process, kind, user, time) VALUES (1, 'define', 'ada', "
	       "'2020-01-01T00:00:03.000Z');"
	       "INSERT INTO move VALUES (1, 1, 0, 1); INSERT INTO live VALUES (1, 1, 1, 1)");
	if (schema > 1)
		raw_file(f, "tests/unit/history/schema_2.sql");
	if (schema > 2)
		raw_file(f, "tests/unit/history/schema_3.sql");
	if (schema > 3)
		raw_file(f, "tests/unit/history/schema_4.sql");
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", schema);
	raw(f, sql);
	open_run(f, 1, "aa");
	assert_string_equal(raw_text(f, "PRAGMA user_version"), "5");
	assert_string_equal(events(f, &(struct log_filter){.function = f->price}),
			    "live price 1, defined price 1, refused price -1");
	assert_int_equal(define(f, f->price, 1, "two"), 2);
	assert_whole(f);
	/* The same tables, indexes, triggers and views as in a new one. */
	char path[160];
	snprintf(path, sizeof(path), "%s/new.db", f->directory);
	struct history *fresh;
	struct history_process run = {.pid = 1, .program = "/opt/shop", .build_id = "aa", .started = 7};
	succeed(history_open(path, &run, &fresh));
	history_close(fresh);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS fresh", path);
	raw(f, sql);
	assert_string_equal(
		raw_text(f, "SELECT count(*) FROM (SELECT type, name, sql FROM main.sqlite_master EXCEPT"
			    " SELECT type, name, sql FROM fresh.sqlite_master)"),
		"0");
	assert_string_equal(
		raw_text(f, "SELECT count(*) FROM (SELECT type, name, sql FROM fresh.sqlite_master EXCEPT"
			    " SELECT type, name, sql FROM main.sqlite_master)"),
		"0");
}

static void a_database_of_schema_1_is_brought_up_to_date(void **state)
{
	bring_up_to_date_from(*state, 1);
}

static void a_database_of_schema_2_is_brought_up_to_date(void **state)
{
	bring_up_to_date_from(*state, 2);
}

static void a_database_of_schema_3_is_brought_up_to_date(void **state)
{
	bring_up_to_date_from(*state, 3);
}

static void a_database_of_schema_4_is_brought_up_to_date(void **state)
{
	bring_up_to_date_from(*state, 4);
}

static bool count_event(void *context, const struct log_event *event)
{
	(void)event;
	++*(int *)context;
	return true;
}

static bool count_version(void *context, const struct history_version *v, const struct history_function *key)
{
	(void)v, (void)key;
	++*(int *)context;
	return true;
}

/* More of them than a search by time looks past by itself. */
static void what_came_late_before_that_was_noted_hides_nothing(void **state)
{
	struct log_filter filter = {.since = "2021-01-01", .kind = "live"};
	struct fixture *f = *state;
	int events_found = 0, versions_found = 0;

	open_run(f, 1, "aa");
	define(f, f->price, 0, "one");
	for (int i = 1; i < 400; i++)
		define(f, f->price, i, "late");
	raw(f,
	    "UPDATE version SET time = '2020-01-01T00:00:00.000Z' WHERE number > 1;"
	    "UPDATE event SET time = '2020-01-01T00:00:00.000Z' WHERE number > 1; PRAGMA user_version = 4");
	open_run(f, 2, "aa");
	succeed(log_events(f->history, &filter, count_event, &events_found));
	assert_int_equal(events_found, 1);
	filter.kind = NULL;
	succeed(log_versions(f->history, &filter, count_version, &versions_found));
	assert_int_equal(versions_found, 1);
}

/* --- the file's size --------------------------------------------------------------------------------------------- */

static long long bytes_of(const struct fixture *f)
{
	struct stat status;

	assert_int_equal(stat(f->path, &status), 0);
	return status.st_size;
}

static void define_large_ones(struct fixture *f)
{
	static char text[20000];

	for (int i = 0; i < 50; i++) {
		memset(text, 'a' + i % 26, sizeof(text) - 1);
		text[0] = (char)('0' + i / 26);
		define(f, f->price, i, text);
	}
	open_run(f, 2, "aa");
	define(f, f->total, 0, "sum");
	open_run(f, 3, "aa");
	grow_old(f);
	history_settle(f->history);
	assert_true(bytes_of(f) > 50 * 20000);
}

static void a_prune_makes_the_file_smaller(void **state)
{
	struct fixture *f = *state;

	open_run(f, 1, "aa");
	define_large_ones(f);
	long long before = bytes_of(f);
	struct prune_count done = prune_all(f, 30);
	assert_true(done.bytes > 40 * 20000);
	assert_int_equal(bytes_of(f), before - done.bytes);
	assert_string_equal(raw_text(f, "PRAGMA freelist_count"), "0");
}

static void a_small_file_from_before_is_written_anew_unless_it_is_shared(void **state)
{
	struct fixture *f = *state;

	raw(f,
	    "PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t");
	open_run(f, 1, "aa");
	assert_string_equal(raw_text(f, "PRAGMA auto_vacuum"), "0");
	define_large_ones(f);
	long long before = bytes_of(f);
	assert_true(prune_all(f, 30).bytes > 40 * 20000);
	assert_true(bytes_of(f) < before / 2);
	assert_string_equal(raw_text(f, "PRAGMA auto_vacuum"), "2");
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
	static const struct CMUnitTest tests[] = {
		IN_DIRECTORY(what_is_younger_than_the_limit_stays),
		IN_DIRECTORY(old_versions_go_but_those_that_matter),
		IN_DIRECTORY(what_goes_live_while_it_is_pruned_stays),
		IN_DIRECTORY(what_a_run_that_goes_on_made_long_ago_goes_but_what_is_live),
		IN_DIRECTORY(what_was_taken_back_goes_with_what_took_it_back),
		IN_DIRECTORY(what_was_done_again_can_be_taken_back_and_done_again_after_a_prune),
		IN_DIRECTORY(versions_of_builds_that_nobody_runs_go),
		IN_DIRECTORY(faults_stay),
		IN_DIRECTORY(events_are_found_by_function_kind_user_and_time),
		IN_DIRECTORY(versions_are_found_by_user_and_time),
		IN_DIRECTORY(the_last_run_is_the_ended_one_with_the_newest_change),
		IN_DIRECTORY(who_else_is_there_is_told),
		IN_DIRECTORY(a_database_of_schema_1_is_brought_up_to_date),
		IN_DIRECTORY(a_database_of_schema_2_is_brought_up_to_date),
		IN_DIRECTORY(a_database_of_schema_3_is_brought_up_to_date),
		IN_DIRECTORY(a_database_of_schema_4_is_brought_up_to_date),
		IN_DIRECTORY(what_came_late_before_that_was_noted_hides_nothing),
		IN_DIRECTORY(a_prune_makes_the_file_smaller),
		IN_DIRECTORY(a_small_file_from_before_is_written_anew_unless_it_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
