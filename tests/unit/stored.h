/* A history in a directory of its own, and what its tests say and ask of it, also past the store. Failures end the test. */
#ifndef RTF_TEST_STORED_H
#define RTF_TEST_STORED_H

#include "history.h"
#include "log.h"

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

/* --- what the tests know of sqlite --------------------------------------------------------------------- */

static sqlite3 *newest_connection; /* opened last: after history_open, the history's own */
static int allocations_left = -1;  /* that which makes this 0 fails; negative: none does */
static sqlite3_mem_methods plain;

static inline bool allocation_fails(void)
{
	return allocations_left > 0 && --allocations_left == 0;
}

static inline void *failing_malloc(int size)
{
	return allocation_fails() ? NULL : plain.xMalloc(size);
}

static inline void *failing_realloc(void *memory, int size)
{
	return allocation_fails() ? NULL : plain.xRealloc(memory, size);
}

static inline int remember_connection(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	newest_connection = db;
	return SQLITE_OK;
}

static inline void watch_sqlite(void)
{
	sqlite3_mem_methods failing;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
	failing = plain;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	sqlite3_auto_extension((void (*)(void))remember_connection);
}

/* --- a history in a directory of its own --------------------------------------------------------------- */

struct fixture {
	char directory[64], path[128];
	struct history *history;
	sqlite3 *connection;
	int64_t price, total;
};

static const struct history_process first_run = {100, "/opt/shop", "aa", .started = 7};
static const struct history_process second_run = {101, "/opt/shop", "aa", .started = 9};
static const struct history_process rebuilt_run = {102, "/opt/shop", "bb", .started = 11};
static const struct history_function price = {.module = "shop", .file = "/src/shop.c", .name = "price"};
static const struct history_function total = {.module = "shop", .file = "/src/shop.c", .name = "total"};

static inline void succeed(struct error *e)
{
	if (e)
		fail_msg("%s", error_message(e));
}

static inline void refuse(struct error *e, enum error_class class, const char *words)
{
	assert_non_null(e);
	if (!strstr(error_message(e), words))
		fail_msg("\"%s\" does not say \"%s\"", error_message(e), words);
	assert_int_equal(error_class(e), class);
	error_free(e);
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline int make_directory(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->directory, sizeof(f->directory), "/tmp/history_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/shop.db", f->directory);
	*state = f;
	return 0;
}

static inline void open_as(struct fixture *f, const struct history_process *run)
{
	history_close(f->history);
	f->history = NULL;
	succeed(history_open(f->path, run, &f->history));
	f->connection = newest_connection;
	succeed(history_function_id(f->history, &price, &f->price));
	succeed(history_function_id(f->history, &total, &f->total));
}

static inline int make_history(void **state)
{
	make_directory(state);
	open_as(*state, &first_run);
	return 0;
}

static inline int remove_directory(void **state)
{
	struct fixture *f = *state;

	allocations_left = -1;
	history_close(f->history);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

/* The database seen by somebody else. */
static inline sqlite3 *open_raw(const struct fixture *f)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	return db;
}

static inline void raw(const struct fixture *f, const char *sql)
{
	sqlite3 *db = open_raw(f);
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

/* The first column of the first row, as text. */
static inline void raw_text(const struct fixture *f, const char *sql, char *buffer, size_t size)
{
	sqlite3 *db = open_raw(f);
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	snprintf(buffer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static inline int64_t raw_number(const struct fixture *f, const char *sql)
{
	char text[64];

	raw_text(f, sql, text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static inline void assert_intact(const struct fixture *f)
{
	char text[256];

	raw_text(f, "PRAGMA integrity_check", text, sizeof(text));
	assert_string_equal(text, "ok");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM function AS f WHERE versions <> (SELECT count(*)"
				       " FROM version AS v WHERE v.function = f.id AND v.number > 0)"),
			 0);
}

static inline struct history_version make_version(int64_t function, int parent, const char *text)
{
	return (struct history_version){
		.function = function,
		.parent = parent,
		.text = text,
		.slice_hash = "5eed",
		.backend = "tcc",
		.compiler = "libtcc 0.9.27",
		.flags = "-O0 -g",
		.origin = "console",
		.user = "ada",
		.note = "",
		.file = "/src/shop.c",
		.line = 12,
	};
}

static inline int add(struct history *h, int64_t function, int parent, const char *text)
{
	struct history_version version = make_version(function, parent, text);

	succeed(history_add(h, &version, 1));
	return version.number;
}

static inline void add_built(struct history *h, int64_t function, const char *text)
{
	struct history_version version = make_version(function, 3, text);

	succeed(history_add_built(h, &version));
}

static inline int64_t record(struct history *h, enum history_kind kind, int64_t subject, int64_t function,
			     int from, int to)
{
	struct history_move move = {.function = function, .from = from, .to = to};
	int64_t change = 0;

	succeed(history_record(h, kind, "ada", subject, &move, 1, &change));
	return change;
}

static inline int64_t define(struct history *h, int64_t function, int from, const char *text)
{
	return record(h, HISTORY_DEFINE, 0, function, from, add(h, function, from, text));
}

static inline int live(struct history *h, int64_t function)
{
	int number = -1;

	succeed(history_live(h, function, &number));
	return number;
}

static inline int count(struct history *h, int64_t function)
{
	int versions = -1;

	succeed(history_count(h, function, &versions));
	return versions;
}

/* A version that outlives the callback. */
struct copy {
	struct history_version version;
	char text[256], note[64], time[32], origin[16], backend[16], user[16], file[64];
};

static inline void keep(void *context, const struct history_version *version)
{
	struct copy *copy = context;

	assert_true(version->text && version->note && version->time && version->file);
	copy->version = *version;
	snprintf(copy->text, sizeof(copy->text), "%s", version->text);
	snprintf(copy->note, sizeof(copy->note), "%s", version->note);
	snprintf(copy->time, sizeof(copy->time), "%s", version->time);
	snprintf(copy->origin, sizeof(copy->origin), "%s", version->origin);
	snprintf(copy->backend, sizeof(copy->backend), "%s", version->backend);
	snprintf(copy->user, sizeof(copy->user), "%s", version->user);
	snprintf(copy->file, sizeof(copy->file), "%s", version->file);
}

static inline struct copy get(struct history *h, int64_t function, int number)
{
	struct copy copy = {0};

	succeed(history_find(h, function, number, keep, &copy));
	return copy;
}

/* What log_versions gave, as "price1 total1 price0" with a star behind what is live. */
struct listing {
	char text[512];
	int64_t last_id;
	int stop_after; /* 0: never */
};

static inline bool list(void *context, const struct history_version *version,
			const struct history_function *function)
{
	struct listing *listing = context;
	size_t length = strlen(listing->text);

	snprintf(listing->text + length, sizeof(listing->text) - length, "%s%s%d%s", length ? " " : "",
		 function->name, version->number, version->live ? "*" : "");
	listing->last_id = version->id;
	return !listing->stop_after || --listing->stop_after > 0;
}

static inline void assert_listed(struct history *h, int64_t function, int64_t before, int limit,
				 const char *expected)
{
	struct listing listing = {.text = ""};

	struct log_filter filter = {.function = function, .before = before, .limit = limit};
	succeed(log_versions(h, &filter, list, &listing));
	assert_string_equal(listing.text, expected);
}

static inline void refuse_change(struct history *h, enum history_kind kind, int64_t subject,
				 const struct history_move *moves, size_t moved, enum error_class class,
				 const char *words)
{
	int64_t change = 77;

	refuse(history_record(h, kind, "ada", subject, moves, moved, &change), class, words);
	assert_int_equal(change, 77);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
#define WITH_HISTORY(test) cmocka_unit_test_setup_teardown(test, make_history, remove_directory)

#endif
