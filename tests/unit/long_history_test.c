/* What it costs to read a history does not grow with it: counted in the steps of sqlite's machine, which no busy machine
 * changes. `make bench` has the times, of a million versions. */
#include "database.h"
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
#include <unistd.h>

#include <cmocka.h>

enum { SHORT = 4000, LONG = 40000, PAGE = 100 };

/* One function has half of all versions; another user has made one, of it. */
struct fixture {
	char directory[64];
	struct history *history;
	int64_t many, few;
	long long steps;
};

static void succeed(struct error *e)
{
	if (e)
		fail_msg("%s", error_message(e));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static int count_steps(unsigned event, void *context, void *statement, void *time)
{
	struct fixture *f = context;

	(void)event, (void)time;
	f->steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
	return 0;
}

static void run_file(sqlite3 *db, const char *path)
{
	static char sql[65536];
	char *message = NULL;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t size = fread(sql, 1, sizeof(sql) - 1, file);
	sql[size] = '\0';
	fclose(file);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", path, message);
}

static void define(struct fixture *f, int64_t function, const char *user)
{
	struct history_version version = {.function = function,
					  .text = "int f(void);",
					  .slice_hash = "",
					  .backend = "tcc",
					  .compiler = "",
					  .flags = "",
					  .origin = "console",
					  .user = user,
					  .note = "",
					  .file = "/src/shop.c"};
	struct history_move move = {.function = function};

	succeed(history_add(f->history, &version, 1));
	move.to = version.number;
	succeed(history_record(f->history, HISTORY_DEFINE, user, 0, &move, 1, NULL));
}

static struct fixture *fill(int versions)
{
	static const struct history_function many = {"shop", "/src/shop.c", "many"},
					     few = {"shop", "/src/shop.c", "few"};
	struct history_process run = {.pid = 1, .program = "/opt/shop", .build_id = "aa", .started = 7};
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128], wanted[128];
	sqlite3 *db;

	assert_non_null(f);
	snprintf(f->directory, sizeof(f->directory), "/tmp/long_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(path, sizeof(path), "%s/shop.db", f->directory);
	succeed(history_open(path, &run, &f->history));
	succeed(history_function_id(f->history, &many, &f->many));
	succeed(history_function_id(f->history, &few, &f->few));
	define(f, f->many, "eve");
	history_close(f->history);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(wanted, sizeof(wanted),
		 "PRAGMA synchronous = OFF; CREATE TEMP TABLE wanted AS SELECT %d AS wanted", versions);
	assert_int_equal(sqlite3_exec(db, wanted, NULL, NULL, NULL), SQLITE_OK);
	run_file(db, "tests/bench/history.sql");
	sqlite3_close(db);
	run.pid = 2;
	succeed(history_open(path, &run, &f->history));
	sqlite3_trace_v2(f->history->db, SQLITE_TRACE_PROFILE, count_steps, f);
	return f;
}

static struct fixture *smaller, *larger;

static int fill_both(void **state)
{
	(void)state;
	smaller = fill(SHORT);
	larger = fill(LONG);
	return 0;
}

static void remove_one(struct fixture *f)
{
	history_close(f->history);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
}

static int remove_both(void **state)
{
	(void)state;
	remove_one(smaller);
	remove_one(larger);
	return 0;
}

static bool take_version(void *context, const struct history_version *v, const struct history_function *key)
{
	(void)v, (void)key;
	++*(int *)context;
	return true;
}

static bool take_event(void *context, const struct log_event *event)
{
	(void)event;
	++*(int *)context;
	return true;
}

static bool take_function(void *context, int64_t id, const struct history_function *key, int versions,
			  int newest)
{
	(void)id, (void)key, (void)versions, (void)newest;
	++*(int *)context;
	return true;
}

/* What is asked, of either history; gives how many rows came. */
static int rows_of_versions(struct fixture *f, struct log_filter filter)
{
	int count = 0;

	filter.limit = PAGE;
	succeed(log_versions(f->history, &filter, take_version, &count));
	return count;
}

static int rows_of_events(struct fixture *f, struct log_filter filter)
{
	int count = 0;

	filter.limit = PAGE;
	succeed(log_events(f->history, &filter, take_event, &count));
	return count;
}

/* The larger is ten times the smaller, and may take a few steps more for its deeper trees and longer numbers. */
static void assert_as_cheap(long long short_steps, long long long_steps, const char *what)
{
	if (long_steps > short_steps + short_steps / 10 + 300)
		fail_msg("%s takes %lld steps of %d versions, and %lld of %d", what, short_steps, SHORT,
			 long_steps, LONG);
}

#define COMPARE(what, expression) \
	do { \
		struct fixture *f = smaller; \
		f->steps = 0; \
		(void)(expression); \
		f = larger; \
		f->steps = 0; \
		(void)(expression); \
		assert_true(f->steps > 0); \
		assert_as_cheap(smaller->steps, larger->steps, what); \
	} while (0)

static void a_page_of_versions_costs_what_it_holds(void **state)
{
	(void)state;
	assert_int_equal(rows_of_versions(larger, (struct log_filter){0}), PAGE);
	COMPARE("\\log", rows_of_versions(f, (struct log_filter){0}));
	COMPARE("\\log --before", rows_of_versions(f, (struct log_filter){.before = SHORT / 2}));
	assert_int_equal(rows_of_versions(larger, (struct log_filter){.function = larger->many}), PAGE);
	COMPARE("\\log NAME", rows_of_versions(f, (struct log_filter){.function = f->many}));
	COMPARE("\\log NAME of the other", rows_of_versions(f, (struct log_filter){.function = f->few}));
	COMPARE("\\log --since", rows_of_versions(f, (struct log_filter){.since = "2030-01-01"}));
	COMPARE("\\log --since long ago", rows_of_versions(f, (struct log_filter){.since = "2000-01-01"}));
}

static void so_does_a_users(void **state)
{
	(void)state;
	assert_int_equal(rows_of_versions(larger, (struct log_filter){.user = "eve"}), 1);
	COMPARE("\\log --user", rows_of_versions(f, (struct log_filter){.user = "eve"}));
	COMPARE("\\log --user nobody", rows_of_versions(f, (struct log_filter){.user = "nobody"}));
	assert_int_equal(
		rows_of_versions(larger, (struct log_filter){.user = "eve", .function = larger->many}), 1);
	COMPARE("\\log NAME --user",
		rows_of_versions(f, (struct log_filter){.user = "eve", .function = f->many}));
	assert_int_equal(
		rows_of_versions(larger, (struct log_filter){.user = "eve", .function = larger->few}), 0);
	COMPARE("\\log NAME --user of another",
		rows_of_versions(f, (struct log_filter){.user = "eve", .function = f->few}));
	COMPARE("\\log NAME --user of most",
		rows_of_versions(f, (struct log_filter){.user = "ada", .function = f->few}));
}

static void so_does_a_page_of_events(void **state)
{
	struct log_filter by_eve = {.user = "eve"}, of_many = {.user = "eve"};

	(void)state;
	COMPARE("\\log --events", rows_of_events(f, (struct log_filter){0}));
	COMPARE("\\log --events NAME", rows_of_events(f, (struct log_filter){.function = f->many}));
	assert_int_equal(rows_of_events(larger, by_eve), 2);
	COMPARE("\\log --events --user", rows_of_events(f, by_eve));
	of_many.function = larger->many;
	assert_int_equal(rows_of_events(larger, of_many), 2);
	COMPARE("\\log --events NAME --user",
		rows_of_events(f, (struct log_filter){.user = "eve", .function = f->many}));
}

static struct error *ask_faults(struct fixture *f, int number)
{
	int count;

	return log_faults(f->history, f->many, number, &count);
}

static void so_do_faults(void **state)
{
	struct log_filter faults = {.kind = "fault", .limit = 4};
	int count = 0;

	(void)state;
	assert_int_equal(rows_of_events(larger, (struct log_filter){.kind = "fault"}), LONG / 1000);
	succeed(log_events(larger->history, &faults, take_event, &count));
	assert_int_equal(count, 4);
	COMPARE("\\log --faults", log_events(f->history, &faults, take_event, &count));
	faults.function = larger->few;
	COMPARE("\\log NAME --faults", log_events(f->history, &faults, take_event, &count));
	COMPARE("whether a version has faulted", ask_faults(f, 1000));
}

static struct error *list(struct fixture *f)
{
	int count = 0;

	struct error *e = history_each_function(f->history, take_function, &count);
	assert_int_equal(count, 2);
	return e;
}

static struct error *find(struct fixture *f, int number)
{
	int64_t change;
	struct history_move *moves = NULL;
	size_t count;
	struct error *e = history_next(f->history, false, &change, &moves, &count);

	free(moves);
	return e ? e : history_live(f->history, f->many, &number);
}

static struct error *last_run(struct fixture *f)
{
	int64_t run;

	return log_last_run(f->history, &run);
}

static void neither_do_a_start_nor_a_new_version_grow(void **state)
{
	(void)state;
	COMPARE("\\list", list(f));
	COMPARE("\\undo", find(f, 0));
	COMPARE("\\restore's last run", last_run(f)); /* both have as many runs */
	COMPARE("a definition", (define(f, f->many, "ada"), 0));
}

static void a_prune_goes_in_small_steps(void **state)
{
	struct prune_count planned, done;
	struct prune *p;
	bool more = true;

	(void)state;
	succeed(prune_new(larger->history, 0, &p));
	succeed(prune_plan_step(p, &more));
	prune_planned(p, &planned);
	assert_true(more && planned.versions > 0 && planned.versions < LONG / 2);
	while (more)
		succeed(prune_plan_step(p, &more));
	prune_planned(p, &planned);
	assert_true(planned.versions > LONG / 2);
	more = true;
	succeed(prune_step(p, &more));
	prune_done(p, &done);
	assert_true(more && done.versions > 0 && done.versions < planned.versions);
	while (more)
		succeed(prune_step(p, &more));
	prune_done(p, &done);
	assert_int_equal(done.versions, planned.versions);
	assert_true(done.bytes > 0);
	prune_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_of_versions_costs_what_it_holds),
		cmocka_unit_test(so_does_a_users),
		cmocka_unit_test(so_does_a_page_of_events),
		cmocka_unit_test(so_do_faults),
		cmocka_unit_test(neither_do_a_start_nor_a_new_version_grow),
		cmocka_unit_test(a_prune_goes_in_small_steps),
	};

	return cmocka_run_group_tests_name("unit: long histories", tests, fill_both, remove_both);
}
