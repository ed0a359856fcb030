#include "committed.h"
#include "database.h"
#include "hash.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* --- functions ------------------------------------------------------------------------------------------ */

static void bind_function(sqlite3_stmt *statement, const struct history_function *function)
{
	database_bind_text(statement, 1, function->module);
	database_bind_text(statement, 2, function->file);
	database_bind_text(statement, 3, function->name);
}

static struct error *find_function(struct history *h, const struct history_function *function, bool *found,
				   int64_t *id)
{
	bind_function(h->statements[FIND_FUNCTION], function);
	return database_query(h, h->statements[FIND_FUNCTION], found, id);
}

struct error *database_add_function(struct history *h, const struct history_function *function, int64_t *id)
{
	bool found = false;

	bind_function(h->statements[ADD_FUNCTION], function);
	struct error *e = database_run(h, h->statements[ADD_FUNCTION]);
	return e ? e : find_function(h, function, &found, id);
}

struct error *history_function_id(struct history *h, const struct history_function *function, int64_t *id)
{
	bool found = false;
	int64_t row = 0;
	struct error *e = find_function(h, function, &found, &row);

	if (!e && !found) {
		e = database_begin(h);
		e = database_finish(h, e ? e : database_add_function(h, function, &row));
	}
	if (!e)
		*id = row;
	return e;
}

static struct error *unknown_version(struct history *h, int64_t function, int number)
{
	sqlite3_stmt *statement = h->statements[NAME_FUNCTION];
	bool found = false;

	sqlite3_bind_int64(statement, 1, function);
	struct error *e = database_step(h, statement, &found);
	const char *name = e || !found ? NULL : (const char *)sqlite3_column_text(statement, 0);
	if (!e && !name)
		e = error_new(ERROR_UNKNOWN, "the history %s has no function %lld", h->path,
			      (long long)function);
	else if (!e && number == 0)
		e = error_new(ERROR_UNKNOWN, "the history has no version 0 of %s for this build", name);
	else if (!e)
		e = error_new(ERROR_UNKNOWN, "%s has no version %d", name, number);
	database_release(statement);
	return e;
}

/* --- versions ------------------------------------------------------------------------------------------- */

struct error *database_add_text(struct history *h, const char *text, int64_t *id)
{
	int64_t hash = hash_text(text);
	bool found = false;

	sqlite3_bind_int64(h->statements[FIND_TEXT], 1, hash);
	database_bind_text(h->statements[FIND_TEXT], 2, text);
	struct error *e = database_query(h, h->statements[FIND_TEXT], &found, id);
	if (e || found)
		return e;

	sqlite3_bind_int64(h->statements[ADD_TEXT], 1, hash);
	database_bind_text(h->statements[ADD_TEXT], 2, text);
	e = database_run(h, h->statements[ADD_TEXT]);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

/* One row of the version table, within a transaction; number 0 is bound to this run's build id. */
static struct error *add_row(struct history *h, const struct history_version *version, int64_t *id)
{
	sqlite3_stmt *statement = h->statements[ADD_VERSION];
	int64_t text = 0;
	struct error *e = database_add_text(h, version->text ? version->text : "", &text);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, version->function);
	sqlite3_bind_int(statement, 2, version->number);
	if (version->number == 0)
		database_bind_text(statement, 3, h->build_id);
	sqlite3_bind_int64(statement, 4, h->process);
	if (version->parent >= 0)
		sqlite3_bind_int(statement, 5, version->parent);
	sqlite3_bind_int64(statement, 6, text);
	database_bind_text(statement, 7, version->slice_hash);
	database_bind_text(statement, 8, version->backend);
	database_bind_text(statement, 9, version->compiler);
	database_bind_text(statement, 10, version->flags);
	database_bind_text(statement, 11, version->origin);
	database_bind_text(statement, 12, version->user);
	database_bind_text(statement, 13, version->note);
	database_bind_text(statement, 14, version->file);
	sqlite3_bind_int(statement, 15, version->line);
	e = database_run(h, statement);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

static struct error *has_built(struct history *h, int64_t function, bool *found)
{
	int64_t one;

	sqlite3_bind_int64(h->statements[HAS_BUILT], 1, function);
	database_bind_text(h->statements[HAS_BUILT], 2, h->build_id);
	return database_query(h, h->statements[HAS_BUILT], found, &one);
}

/* `*id` stays 0 if it was there. */
static struct error *add_built_row(struct history *h, const struct history_version *version, int64_t *id)
{
	bool found = false;
	/* Again: another process may have been first. */
	struct error *e = has_built(h, version->function, &found);

	return e || found ? e : add_row(h, version, id);
}

static struct error *renew_built(struct history *h, const struct history_version *version)
{
	sqlite3_stmt *statement = h->statements[RENEW_BUILT];
	int64_t text = 0;
	struct error *e = database_add_text(h, version->text, &text);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, version->function);
	database_bind_text(statement, 2, h->build_id);
	sqlite3_bind_int64(statement, 3, text);
	database_bind_text(statement, 4, version->flags);
	database_bind_text(statement, 5, version->file);
	sqlite3_bind_int(statement, 6, version->line);
	return database_run(h, statement);
}

struct error *history_renew_built(struct history *h, const struct history_version *version)
{
	struct error *e = database_begin(h);

	return database_finish(h, e ? e : renew_built(h, version));
}

struct error *history_add_built(struct history *h, const struct history_version *version)
{
	bool found = false;
	struct history_version built = *version;
	struct error *e = has_built(h, version->function, &found);

	if (e || found)
		return e;
	built.number = 0;
	built.parent = -1;
	built.origin = "built";
	built.backend = "built";
	built.id = 0;
	e = database_begin(h);
	e = database_finish(h, e ? e : add_built_row(h, &built, &built.id));
	if (!e && built.id)
		committed_version(h, &built);
	return e;
}

struct error *history_reserve(struct history *h, int64_t function, int number)
{
	for (size_t i = 0; i < h->reserved_count; i++) {
		if (h->reserved[i].function != function)
			continue;
		if (h->reserved[i].number < number)
			h->reserved[i].number = number;
		return NULL;
	}
	struct reserved *more = reallocarray(h->reserved, h->reserved_count + 1, sizeof(*more));
	if (!more)
		return error_memory();
	more[h->reserved_count++] = (struct reserved){function, number};
	h->reserved = more;
	return NULL;
}

struct error *database_newest(struct history *h, int64_t function, int *number)
{
	bool found = false;
	int64_t newest = 0;

	sqlite3_bind_int64(h->statements[NEWEST_NUMBER], 1, function);
	struct error *e = database_query(h, h->statements[NEWEST_NUMBER], &found, &newest);
	if (!e && newest >= INT_MAX)
		return error_new(ERROR_INTERNAL, "the history %s has no version numbers left", h->path);
	for (size_t i = 0; i < h->reserved_count; i++)
		if (h->reserved[i].function == function && h->reserved[i].number > newest)
			newest = h->reserved[i].number;
	if (!e)
		*number = (int)newest;
	return e;
}

struct given {
	int64_t id;
	int number;
};

static struct error *add_numbered(struct history *h, const struct history_version *version,
				  struct given *given)
{
	struct history_version numbered = *version;
	int newest = 0;
	struct error *e = database_newest(h, version->function, &newest);

	if (e)
		return e;
	numbered.number = given->number = newest + 1;
	return add_row(h, &numbered, &given->id);
}

static struct error *add_all(struct history *h, const struct history_version *versions, size_t count,
			     struct given *given)
{
	for (size_t i = 0; i < count; i++) {
		struct error *e = add_numbered(h, &versions[i], &given[i]);
		if (e)
			return e;
	}
	return NULL;
}

struct error *history_add(struct history *h, struct history_version *versions, size_t count)
{
	if (!count)
		return NULL;

	/* Kept aside, so that a failure leaves the caller's versions as they were. */
	struct given *given = calloc(count, sizeof(*given));
	if (!given)
		return error_memory();

	struct error *e = database_begin(h);
	e = database_finish(h, e ? e : add_all(h, versions, count, given));
	for (size_t i = 0; !e && i < count; i++) {
		versions[i].id = given[i].id;
		versions[i].number = given[i].number;
		committed_version(h, &versions[i]);
	}
	free(given);
	return e;
}

/* Every text column is NOT NULL, so a null pointer here is want of memory or damage. */
static const char *column_text(sqlite3_stmt *statement, int column, bool *lost)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	if (!text)
		*lost = true;
	return text;
}

struct error *database_read_version(struct history *h, sqlite3_stmt *row, struct history_version *version,
				    struct history_function *function)
{
	bool lost = false;

	*version = (struct history_version){
		.id = sqlite3_column_int64(row, 0),
		.function = sqlite3_column_int64(row, 1),
		.number = sqlite3_column_int(row, 2),
		.parent = sqlite3_column_int(row, 3),
		.text = column_text(row, 4, &lost),
		.slice_hash = column_text(row, 5, &lost),
		.backend = column_text(row, 6, &lost),
		.compiler = column_text(row, 7, &lost),
		.flags = column_text(row, 8, &lost),
		.origin = column_text(row, 9, &lost),
		.user = column_text(row, 10, &lost),
		.time = column_text(row, 11, &lost),
		.note = column_text(row, 12, &lost),
		.file = column_text(row, 13, &lost),
		.line = sqlite3_column_int(row, 14),
		.live = sqlite3_column_int(row, 15),
	};
	*function = (struct history_function){
		.module = column_text(row, 16, &lost),
		.file = column_text(row, 17, &lost),
		.name = column_text(row, 18, &lost),
	};
	if (version->number == 0)
		version->build_id = column_text(row, 19, &lost);
	version->live &= !version->build_id || strcmp(version->build_id, h->build_id) == 0;
	if (!lost)
		return NULL;
	if (sqlite3_errcode(h->db) == SQLITE_NOMEM)
		return error_memory();
	return error_new(ERROR_INTERNAL, "the history %s is damaged: version row %lld is incomplete", h->path,
			 (long long)version->id);
}

static void bind_version(struct history *h, sqlite3_stmt *statement, int64_t function, int64_t number)
{
	sqlite3_bind_int64(statement, 1, h->process);
	database_bind_text(statement, 2, h->build_id);
	sqlite3_bind_int64(statement, 3, function);
	sqlite3_bind_int64(statement, 4, number);
}

struct error *history_find(struct history *h, int64_t function, int number,
			   void (*with)(void *context, const struct history_version *), void *context)
{
	sqlite3_stmt *statement = h->statements[number == 0 ? GET_BUILT : GET_VERSION];
	struct history_version version;
	struct history_function owner;
	bool found = false;

	bind_version(h, statement, function, number);
	struct error *e = database_step(h, statement, &found);
	if (!e && found)
		e = database_read_version(h, statement, &version, &owner);
	if (!e && found)
		with(context, &version);
	database_release(statement);
	return e || found ? e : unknown_version(h, function, number);
}

struct error *history_each_function(struct history *h,
				    bool (*each)(void *context, int64_t id, const struct history_function *,
						 int versions, int newest),
				    void *context)
{
	sqlite3_stmt *statement = h->statements[EACH_FUNCTION];
	struct error *e = NULL;
	bool row = true, more = true;

	while (!e && more) {
		e = database_step(h, statement, &row);
		if (e || !row)
			break;
		struct history_function function = {
			.module = (const char *)sqlite3_column_text(statement, 1),
			.file = (const char *)sqlite3_column_text(statement, 2),
			.name = (const char *)sqlite3_column_text(statement, 3),
		};
		if (!function.module || !function.file || !function.name)
			e = error_memory();
		else
			more = each(context, sqlite3_column_int64(statement, 0), &function,
				    sqlite3_column_int(statement, 4), sqlite3_column_int(statement, 5));
	}
	database_release(statement);
	return e;
}

/* PRAGMA data_version: another number once another connection has committed. */
struct error *history_changed(struct history *h, bool *changed)
{
	int64_t version = 0;
	struct error *e = history_is_overwritten(h) ? history_overwritten(h)
						    : database_ask(h, "PRAGMA data_version", &version);

	if (e)
		return e;
	*changed = version != h->data_version;
	h->data_version = version;
	return NULL;
}

struct error *history_count(struct history *h, int64_t function, int *count)
{
	bool found = false;
	int64_t versions = 0;

	sqlite3_bind_int64(h->statements[COUNT_VERSIONS], 1, function);
	database_bind_text(h->statements[COUNT_VERSIONS], 2, h->build_id);
	struct error *e = database_query(h, h->statements[COUNT_VERSIONS], &found, &versions);
	if (e)
		return e;
	if (!found)
		return unknown_version(h, function, 0);
	*count = (int)versions;
	return NULL;
}

static struct error *add_event(struct history *h, const char *kind, int64_t function, int number,
			       const char *user, const char *detail, int64_t *id)
{
	sqlite3_stmt *statement = h->statements[ADD_EVENT];

	sqlite3_bind_int64(statement, 1, h->process);
	database_bind_text(statement, 2, kind);
	if (function)
		sqlite3_bind_int64(statement, 3, function);
	if (number >= 0)
		sqlite3_bind_int(statement, 4, number);
	database_bind_text(statement, 5, user);
	if (detail)
		database_bind_text(statement, 6, detail);
	struct error *e = database_run(h, statement);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

static struct error *set_note(struct history *h, int64_t function, int number, const char *note)
{
	sqlite3_stmt *statement = h->statements[number == 0 ? NOTE_BUILT : NOTE_VERSION];

	sqlite3_bind_int64(statement, 1, function);
	if (number == 0)
		database_bind_text(statement, 2, h->build_id);
	else
		sqlite3_bind_int(statement, 2, number);
	database_bind_text(statement, 3, note);
	struct error *e = database_run(h, statement);
	if (!e && sqlite3_changes(h->db) == 0)
		e = unknown_version(h, function, number);
	return e;
}

struct error *history_note(struct history *h, int64_t function, int number, const char *user,
			   const char *note)
{
	struct error *e = database_begin(h);
	int64_t id = 0;

	if (!e)
		e = set_note(h, function, number, note);
	e = database_finish(h, e ? e : add_event(h, "noted", function, number, user, note, &id));
	if (!e)
		committed_event(h, "noted", function, number, user, note, id);
	return e;
}

/* --- changes -------------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[HISTORY_DEFINE] = "define", [HISTORY_ROLLBACK] = "rollback", [HISTORY_UNDO] = "undo",
	[HISTORY_REDO] = "redo",     [HISTORY_RESTORE] = "restore",
};

static struct error *add_change(struct history *h, enum history_kind kind, const char *user, int64_t subject,
				int64_t *id)
{
	sqlite3_stmt *statement = h->statements[ADD_CHANGE];

	sqlite3_bind_int64(statement, 1, h->process);
	database_bind_text(statement, 2, kind_names[kind]);
	if (subject)
		sqlite3_bind_int64(statement, 3, subject);
	database_bind_text(statement, 4, user);
	struct error *e = database_run(h, statement);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

struct error *database_has_version(struct history *h, int64_t function, int number, bool *found)
{
	int64_t one;

	sqlite3_bind_int64(h->statements[HAS_VERSION], 1, function);
	sqlite3_bind_int(h->statements[HAS_VERSION], 2, number);
	return database_query(h, h->statements[HAS_VERSION], found, &one);
}

/* Number 0 always exists in the program, whether or not its text could be stored; and so does what a stand-in was told
 * of. */
static struct error *require_version(struct history *h, int64_t function, int number)
{
	bool found = number == 0;

	for (size_t i = 0; i < h->reserved_count && !found; i++)
		found = h->reserved[i].function == function && number <= h->reserved[i].number;
	if (found)
		return NULL;
	struct error *e = database_has_version(h, function, number, &found);
	return e || found ? e : unknown_version(h, function, number);
}

static struct error *add_move(struct history *h, int64_t change, const struct history_move *move)
{
	sqlite3_stmt *statement = h->statements[ADD_MOVE];
	struct error *e = require_version(h, move->function, move->to);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, change);
	sqlite3_bind_int64(statement, 2, move->function);
	sqlite3_bind_int(statement, 3, move->from);
	sqlite3_bind_int(statement, 4, move->to);
	e = database_run(h, statement);
	if (e)
		return e;

	statement = h->statements[MARK_LIVE];
	sqlite3_bind_int64(statement, 1, h->process);
	sqlite3_bind_int64(statement, 2, move->function);
	sqlite3_bind_int(statement, 3, move->to);
	sqlite3_bind_int64(statement, 4, change);
	return database_run(h, statement);
}

static struct error *record_moves(struct history *h, int64_t change, const struct history_move *moves,
				  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct error *e = add_move(h, change, &moves[i]);
		if (e)
			return e;
	}
	return NULL;
}

static struct error *record_change(struct history *h, enum history_kind kind, const char *user,
				   int64_t subject, const struct history_move *moves, size_t count,
				   int64_t *id)
{
	bool takes_subject = kind == HISTORY_UNDO || kind == HISTORY_REDO;

	if (!count || takes_subject != (subject != 0))
		return error_new(ERROR_INTERNAL, "a change has moves, and a subject to undo or redo");

	struct error *e = database_begin(h);
	if (!e)
		e = add_change(h, kind, user, subject, id);
	return e ? e : record_moves(h, *id, moves, count);
}

struct error *history_record(struct history *h, enum history_kind kind, const char *user, int64_t subject,
			     const struct history_move *moves, size_t count, int64_t *change)
{
	int64_t id = 0;
	struct error *e = database_finish(h, record_change(h, kind, user, subject, moves, count, &id));

	if (!e)
		committed_change(h, kind, user, subject, moves, count, id);
	if (!e && change)
		*change = id;
	return e;
}

struct error *history_record_begin(struct history *h, enum history_kind kind, const char *user,
				   int64_t subject, const struct history_move *moves, size_t count)
{
	struct error *e = record_change(h, kind, user, subject, moves, count, &h->begun);

	if (e)
		return database_finish(h, e);
	committed_change(h, kind, user, subject, moves, count, h->begun);
	return NULL;
}

struct error *history_record_end(struct history *h, bool keep)
{
	struct error *e = keep ? database_finish(h, NULL) : NULL;

	if (!keep)
		database_roll_back(h);
	if (!keep || e)
		committed_not(h, h->begun);
	return e;
}

static struct error *grow(struct history_move **moves, size_t count, size_t *room)
{
	if (count < *room)
		return NULL;

	size_t more = *room ? *room * 2 : 8;
	struct history_move *grown = reallocarray(*moves, more, sizeof(**moves));
	if (!grown)
		return error_memory();
	*moves = grown;
	*room = more;
	return NULL;
}

/* The moves of a change as they were made or, with `back`, in the other direction. */
static struct error *load_moves(struct history *h, int64_t change, bool back, struct history_move **moves,
				size_t *count)
{
	sqlite3_stmt *statement = h->statements[EACH_MOVE];
	struct error *e;
	size_t room = 0;
	bool row = false;

	sqlite3_bind_int64(statement, 1, change);
	while (!(e = database_step(h, statement, &row)) && row) {
		e = grow(moves, *count, &room);
		if (e)
			break;
		(*moves)[(*count)++] = (struct history_move){
			.function = sqlite3_column_int64(statement, 0),
			.from = sqlite3_column_int(statement, back ? 2 : 1),
			.to = sqlite3_column_int(statement, back ? 1 : 2),
		};
	}
	database_release(statement);
	return e;
}

struct error *history_next(struct history *h, bool redo, int64_t *change, struct history_move **moves,
			   size_t *count)
{
	sqlite3_stmt *statement = h->statements[redo ? NEXT_REDO : NEXT_UNDO];
	struct history_move *loaded = NULL;
	size_t loaded_count = 0;
	int64_t id = 0;
	bool found = false;

	sqlite3_bind_int64(statement, 1, h->process);
	struct error *e = database_query(h, statement, &found, &id);
	if (!e && found)
		e = load_moves(h, id, !redo, &loaded, &loaded_count);
	if (e) {
		free(loaded);
		return e;
	}
	*change = id;
	*moves = loaded;
	*count = loaded_count;
	return NULL;
}

struct error *history_live(struct history *h, int64_t function, int *number)
{
	bool found = false;
	int64_t live = 0;

	sqlite3_bind_int64(h->statements[FIND_LIVE], 1, h->process);
	sqlite3_bind_int64(h->statements[FIND_LIVE], 2, function);
	struct error *e = database_query(h, h->statements[FIND_LIVE], &found, &live);
	if (!e)
		*number = (int)live;
	return e;
}

/* --- events --------------------------------------------------------------------------------------------- */

struct error *history_event(struct history *h, const char *kind, int64_t function, int number,
			    const char *user, const char *detail)
{
	struct error *e = database_begin(h);
	int64_t id = 0;

	e = database_finish(h, e ? e : add_event(h, kind, function, number, user, detail, &id));
	if (!e)
		committed_event(h, kind, function, number, user, detail, id);
	return e;
}

/* A run's end is its last event, so that of a run with an event among the newest it is there, too. Faults are kept when
 * the rest is pruned, and prove nothing. */
enum { NEWEST_EVENTS = 5000 };

static const char silent_runs[] =
	"SELECT p.id, p.pid, p.started, p.boot FROM process AS p JOIN"
	" (SELECT process, kind FROM event ORDER BY id DESC LIMIT ?2) AS e ON e.process = p.id"
	" WHERE p.id <> ?1 GROUP BY p.id HAVING max(e.kind = 'ended') = 0 AND max(e.kind <> 'fault') = 1";

/* The next of these runs that is over; 0: there is none. */
static struct error *next_silent_run(struct history *h, sqlite3_stmt *statement, int64_t *id)
{
	bool row = true;

	*id = 0;
	while (row && !*id) {
		struct error *e = database_step(h, statement, &row);
		if (e)
			return e;
		const char *boot = row ? (const char *)sqlite3_column_text(statement, 3) : NULL;
		if (boot && !database_run_goes_on(sqlite3_column_int64(statement, 1),
						  sqlite3_column_int64(statement, 2), boot))
			*id = sqlite3_column_int64(statement, 0);
	}
	return NULL;
}

static struct error *end_run(struct history *h, int64_t id, const char *detail)
{
	sqlite3_stmt *statement = h->statements[ADD_EVENT];

	sqlite3_bind_int64(statement, 1, id);
	database_bind_text(statement, 2, "ended");
	database_bind_text(statement, 5, "");
	database_bind_text(statement, 6, detail);
	return database_run(h, statement);
}

/* `detail` NULL: only finds out whether there is one. */
static struct error *each_silent_run(struct history *h, const char *detail, bool *any)
{
	sqlite3_stmt *statement;
	int64_t id = 0;
	struct error *e = database_prepare(h, silent_runs, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, h->process);
	sqlite3_bind_int(statement, 2, NEWEST_EVENTS);
	while (!(e = next_silent_run(h, statement, &id)) && id) {
		*any = true;
		e = detail ? end_run(h, id, detail) : NULL;
		if (e || !detail)
			break;
	}
	sqlite3_finalize(statement);
	return e;
}

struct error *history_end_runs(struct history *h, const char *detail)
{
	bool any = false;
	struct error *e = each_silent_run(h, NULL, &any);

	if (e || !any)
		return e;
	e = database_begin(h);
	/* Again, as another process may have been first. */
	return database_finish(h, e ? e : each_silent_run(h, detail, &any));
}
