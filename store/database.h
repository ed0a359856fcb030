/* The database below the history, for the store's own files: statements, transactions, opening.
 *
 * Every function leaves the statement that it stepped released, database_step excepted. Strings are borrowed by a
 * statement until it is released. */
#ifndef RTF_DATABASE_H
#define RTF_DATABASE_H

#include "error.h"
#include "handle.h"
#include "history.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parameters of every query that hands out versions: ?1 run, ?2 build id, ?3 function, ?4 number or id,
 * ?5 limit. CROSS JOIN: the versions lead, whatever the planner thinks. */
#define SELECT_VERSION \
	"SELECT v.id, v.function, v.number, coalesce(v.parent, -1), t.content, v.slice_hash, v.backend," \
	" v.compiler, v.flags, v.origin, v.user, v.time, v.note, v.file, v.line," \
	" v.number = coalesce((SELECT l.number FROM live AS l" \
	" WHERE l.process = ?1 AND l.function = v.function), 0)," \
	" f.module, f.file, f.name, v.build_id" \
	" FROM version AS v CROSS JOIN text AS t ON t.id = v.text" \
	" CROSS JOIN function AS f ON f.id = v.function "

/* Engines take turns, and each is waited for; somebody else who keeps the lock and writes nothing is not. */
enum {
	DATABASE_PATIENCE_MS = 2000,
	DATABASE_TURNS = 5, /* of the patience: where many engines take turns, one may come last */
	DATABASE_STILL_MS = 150,
	DATABASE_STRANGERS = 8, /* between two looks an engine may have taken its turn */
};

/* What sqlite says went wrong, as an error that names the file. Called before the statement is released. */
struct error *database_failure(const struct history *);

struct error *database_execute(struct history *, const char *sql);
struct error *database_prepare(struct history *, const char *sql,
			       sqlite3_stmt **out); /* sqlite3_finalize ends it */

void database_bind_text(sqlite3_stmt *, int index, const char *text); /* NULL is "" */
void database_release(sqlite3_stmt *);

/* Runs a statement that gives no rows. */
struct error *database_run(struct history *, sqlite3_stmt *);

/* Steps to the next row. The caller releases the statement, rows left or not. */
struct error *database_step(struct history *, sqlite3_stmt *, bool *row);

/* Runs a query for one number; `*found`, false where there is no row, then leaves `*value` as it was. */
struct error *database_query(struct history *, sqlite3_stmt *, bool *found, int64_t *value);

/* The same for a query that is asked once. */
struct error *database_ask(struct history *, const char *sql, int64_t *value);

struct error *database_begin(struct history *);

/* Takes back what the transaction has done, if there is one. */
void database_roll_back(struct history *);

/* Commits if `e` is NULL, else rolls back; gives the error of the whole transaction. */
struct error *database_finish(struct history *, struct error *e);

/* What history_open does; `patience` as in the handle. `prepare`, if not NULL, is called once the tables are there and
 * before the run is known. */
struct error *database_open(const char *path, const struct history_process *, int64_t patience,
			    struct error *(*prepare)(struct history *, const void *context),
			    const void *context, struct history **out);

/* Whether the process of a run is running now, as proc(5) has it. */
bool database_run_goes_on(int64_t pid, int64_t started, const char *boot);

/* The version of a SELECT_VERSION row, and its function; good until the next step. */
struct error *database_read_version(struct history *, sqlite3_stmt *row, struct history_version *,
				    struct history_function *);

/* A function's row, made if need be, and a text's, within a transaction. */
struct error *database_add_function(struct history *, const struct history_function *, int64_t *id);
struct error *database_add_text(struct history *, const char *text, int64_t *id);

/* The row of a run becomes the handle's, made if need be, within a transaction; `boot` as in the table. */
struct error *database_add_process(struct history *, const struct history_process *, const char *boot);

/* All of it as a database at `path`, which must not exist yet; mode 0600. */
struct error *database_copy(struct history *, const char *path);

/* Makes the file at `path` readable as `file.TABLE`; `how` is the query of an SQLite URI: mode=ro, immutable=1. */
struct error *database_attach(struct history *, const char *path, const char *how);

/* The highest number of a function, 0 if it has none; and whether it has one. */
struct error *database_newest(struct history *, int64_t function, int *number);
struct error *database_has_version(struct history *, int64_t function, int number, bool *found);

#endif
