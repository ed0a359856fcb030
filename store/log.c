#include "log.h"
#include "database.h"
#include "hash.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- versions --------------------------------------------------------------------------------------------------- */

/* Rows in a row that are older than what is asked for. */
struct older {
	bool of_events; /* not versions */
	int in_a_row;
};

struct walk {
	bool (*each)(void *context, const struct history_version *, const struct history_function *);
	void *context;
	int limit; /* how many more; negative: all */
	const char *since, *user;
	bool stopped;       /* by `each` */
	struct older older; /* than `since` */
};

/* Rows are in the order in which they were stored. What a stand-in kept was made earlier: such rows do not count. Nor does it
 * matter if the clock was put back a little: so many others may come before a younger one. */
enum { OLDER_MAX = 200 };

static struct error *is_late(struct history *h, bool of_events, int64_t id, bool *late)
{
	sqlite3_stmt *statement = h->statements[of_events ? LATE_EVENT : LATE_VERSION];
	int64_t one;

	sqlite3_bind_int64(statement, 1, id);
	return database_query(h, statement, late, &one);
}

/* Whether a row is older than is asked for. */
static struct error *is_older(struct history *h, struct older *older, const char *time, const char *since,
			      int64_t id, bool *out)
{
	bool late = false;

	*out = since && strcmp(time, since) < 0;
	if (!*out) {
		older->in_a_row = 0;
		return NULL;
	}
	struct error *e = is_late(h, older->of_events, id, &late);
	older->in_a_row += !late;
	return e;
}

static void hand_out(struct walk *walk, const struct history_version *version,
		     const struct history_function *function)
{
	if (walk->user && strcmp(version->user, walk->user) != 0)
		return;
	walk->stopped = !walk->each(walk->context, version, function);
	if (walk->limit > 0)
		walk->limit--;
}

/* Hands out the rows of a bound statement. */
static struct error *walk_rows(struct history *h, sqlite3_stmt *statement, struct walk *walk)
{
	struct history_version version;
	struct history_function function;
	bool row = false;

	walk->older = (struct older){0};
	while (walk->limit && !walk->stopped && walk->older.in_a_row < OLDER_MAX) {
		bool older = false;
		struct error *e = database_step(h, statement, &row);
		if (!e && row)
			e = database_read_version(h, statement, &version, &function);
		if (!e && row)
			e = is_older(h, &walk->older, version.time, walk->since, version.id, &older);
		if (e || !row)
			return e;
		if (!older)
			hand_out(walk, &version, &function);
	}
	return NULL;
}

static struct error *walk_statement(struct history *h, sqlite3_stmt *statement, bool built, int64_t function,
				    int64_t before, struct walk *walk)
{
	sqlite3_bind_int64(statement, 1, h->process);
	database_bind_text(statement, 2, h->build_id);
	sqlite3_bind_int64(statement, 3, function);
	sqlite3_bind_int64(statement, 4, built ? 0 : before);
	if (!built)
		sqlite3_bind_int(statement, 5, walk->since ? -1 : walk->limit);
	struct error *e = walk_rows(h, statement, walk);
	database_release(statement);
	return e;
}

/* A user's versions, of all functions or of one, have an index each. */
static struct error *walk_user(struct history *h, int64_t function, int64_t before, struct walk *walk)
{
	static const char of_all[] =
		SELECT_VERSION "WHERE v.user = ?6 AND v.id < ?4 AND (v.number > 0 OR v.build_id = ?2)"
			       " ORDER BY v.id DESC LIMIT ?5";
	static const char of_one[] =
		SELECT_VERSION "WHERE v.function = ?3 AND v.user = ?6 AND v.number > 0 AND v.number < ?4"
			       " ORDER BY v.number DESC LIMIT ?5";
	sqlite3_stmt *statement;
	struct error *e = database_prepare(h, function ? of_one : of_all, &statement);

	if (e)
		return e;
	database_bind_text(statement, 6, walk->user);
	e = walk_statement(h, statement, false, function, before, walk);
	sqlite3_finalize(statement);
	return e;
}

struct error *log_versions(struct history *h, const struct log_filter *filter,
			   bool (*each)(void *context, const struct history_version *,
					const struct history_function *),
			   void *context)
{
	struct walk walk = {.each = each,
			    .context = context,
			    .limit = filter->limit > 0 ? filter->limit : -1,
			    .since = filter->since,
			    .user = filter->user};
	int64_t before = filter->before > 0 ? filter->before : INT64_MAX;

	if (!filter->function && filter->user)
		return walk_user(h, 0, before, &walk);
	if (!filter->function)
		return walk_statement(h, h->statements[EACH_OF_ALL], false, 0, before, &walk);
	struct error *e = filter->user ? walk_user(h, filter->function, before, &walk)
				       : walk_statement(h, h->statements[EACH_OF_FUNCTION], false,
							filter->function, before, &walk);
	return e ? e : walk_statement(h, h->statements[GET_BUILT], true, filter->function, 0, &walk);
}

struct error *log_built(struct history *h, int64_t function,
			bool (*each)(void *context, const struct history_version *,
				     const struct history_function *),
			void *context)
{
	struct walk walk = {.each = each, .context = context, .limit = -1};
	sqlite3_stmt *statement;
	struct error *e = database_prepare(
		h,
		SELECT_VERSION "WHERE v.function = ?3 AND v.number = ?4 AND v.number = 0 ORDER BY v.id DESC",
		&statement);

	if (e)
		return e;
	e = walk_statement(h, statement, true, function, 0, &walk);
	sqlite3_finalize(statement);
	return e;
}

struct error *log_has_text(struct history *h, int64_t function, const char *text, bool *found)
{
	sqlite3_stmt *statement;
	int64_t one;
	bool row = false;
	struct error *e = database_prepare(
		h,
		"SELECT 1 FROM text AS t JOIN version AS v ON v.text = t.id AND v.function = ?1"
		" WHERE t.hash = ?2 AND t.content = ?3 LIMIT 1",
		&statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, function);
	sqlite3_bind_int64(statement, 2, hash_text(text));
	database_bind_text(statement, 3, text);
	e = database_query(h, statement, &row, &one);
	sqlite3_finalize(statement);
	if (!e)
		*found = row;
	return e;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

struct error *log_newest_change(struct history *h, int64_t *id)
{
	return database_ask(h, "SELECT coalesce(max(id), 0) FROM change", id);
}

struct error *log_moves(struct history *h, int64_t function, int64_t after, int64_t to,
			bool (*each)(void *context, const struct log_move *), void *context)
{
	static const char sql[] =
		"SELECT c.id, c.kind, c.user, c.time, p.build_id, m.function, m.from_number, m.to_number"
		" FROM change AS c CROSS JOIN process AS p ON p.id = c.process CROSS JOIN move AS m ON "
		"m.change = c.id"
		" WHERE (?1 = 0 OR m.function = ?1) AND c.id > ?2 AND c.id <= ?3 ORDER BY c.id, m.function";
	sqlite3_stmt *statement;
	bool row = true, more = true;
	struct error *e = database_prepare(h, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, function);
	sqlite3_bind_int64(statement, 2, after);
	sqlite3_bind_int64(statement, 3, to);
	while (!e && more) {
		e = database_step(h, statement, &row);
		if (e || !row)
			break;
		struct log_move move = {
			.change = sqlite3_column_int64(statement, 0),
			.kind = (const char *)sqlite3_column_text(statement, 1),
			.user = (const char *)sqlite3_column_text(statement, 2),
			.time = (const char *)sqlite3_column_text(statement, 3),
			.build_id = (const char *)sqlite3_column_text(statement, 4),
			.function = sqlite3_column_int64(statement, 5),
			.from = sqlite3_column_int(statement, 6),
			.to = sqlite3_column_int(statement, 7),
		};
		if (!move.kind || !move.user || !move.time || !move.build_id)
			e = error_memory();
		else
			more = each(context, &move);
	}
	sqlite3_finalize(statement);
	return e;
}

/* --- events ----------------------------------------------------------------------------------------------------- */

#define SELECT_EVENT(index) \
	"SELECT e.id, e.time, e.user, e.kind, e.detail, coalesce(e.function, 0), f.name, " \
	"coalesce(e.number, -1), p.pid, f.file FROM event AS e " index \
	" LEFT JOIN function AS f ON f.id = e.function LEFT JOIN process AS p ON p.id = e.process" \
	" WHERE e.id < ?1 AND (?2 = 0 OR e.function = ?2) AND (?3 IS NULL OR e.user = ?3)" \
	" AND (?4 IS NULL OR e.kind = ?4)"

#define NEWEST_FIRST " ORDER BY e.id DESC"

/* How many events a condition with one parameter has, but no more than FEW: what it takes to find out is bounded. */
enum { FEW = 5000 };

static struct error *count_few(struct history *h, const char *sql, const struct log_filter *filter,
			       int64_t *count)
{
	sqlite3_stmt *statement;
	bool found = false;
	struct error *e = database_prepare(h, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int(statement, 1, FEW);
	sqlite3_bind_int64(statement, 2, filter->function);
	if (sqlite3_bind_parameter_count(statement) > 2)
		database_bind_text(statement, 3, filter->user);
	e = database_query(h, statement, &found, count);
	sqlite3_finalize(statement);
	return e;
}

/* Of one function's events and one user's those are looked through that are fewer. */
static struct error *user_has_fewer(struct history *h, const struct log_filter *filter, bool *out)
{
	int64_t his = 0, its = 0;

	struct error *e = count_few(
		h, "SELECT count(*) FROM (SELECT 1 FROM event WHERE user = ?3 AND ?2 <> 0 LIMIT ?1)", filter,
		&his);
	if (!e)
		e = count_few(h, "SELECT count(*) FROM (SELECT 1 FROM event WHERE function = ?2 LIMIT ?1)",
			      filter, &its);
	if (!e)
		*out = his < its;
	return e;
}

/* Which index serves. The conditions are spelled out once more because they choose it. */
static struct error *event_sql(struct history *h, const struct log_filter *filter, const char **sql)
{
	bool faults = filter->kind && strcmp(filter->kind, "fault") == 0, by_user = filter->user != NULL;

	if (faults) {
		*sql = filter->function
			       ? SELECT_EVENT(
					 "INDEXED BY event_fault_of_function") " AND e.kind = 'fault' AND "
									       "e.function = ?2" NEWEST_FIRST
			       : SELECT_EVENT("INDEXED BY event_fault_newest") " AND e.kind = "
									       "'fault'" NEWEST_FIRST;
		return NULL;
	}
	if (by_user && filter->function) {
		struct error *e = user_has_fewer(h, filter, &by_user);
		if (e)
			return e;
	}
	if (by_user)
		*sql = SELECT_EVENT("INDEXED BY event_by_user") " AND e.user = ?3" NEWEST_FIRST;
	else if (filter->function)
		*sql = SELECT_EVENT("INDEXED BY event_by_function") " AND e.function = ?2" NEWEST_FIRST;
	else
		*sql = SELECT_EVENT("NOT INDEXED") NEWEST_FIRST;
	return NULL;
}

static struct error *read_event(struct history *h, sqlite3_stmt *row, struct log_event *event)
{
	*event = (struct log_event){
		.id = sqlite3_column_int64(row, 0),
		.time = (const char *)sqlite3_column_text(row, 1),
		.user = (const char *)sqlite3_column_text(row, 2),
		.kind = (const char *)sqlite3_column_text(row, 3),
		.detail = (const char *)sqlite3_column_text(row, 4),
		.function = sqlite3_column_int64(row, 5),
		.name = (const char *)sqlite3_column_text(row, 6),
		.number = sqlite3_column_int(row, 7),
		.pid = sqlite3_column_int64(row, 8),
		.file = (const char *)sqlite3_column_text(row, 9),
	};
	if (event->time && event->user && event->kind)
		return NULL;
	return sqlite3_errcode(h->db) == SQLITE_NOMEM
		       ? error_memory()
		       : error_new(ERROR_INTERNAL, "the history %s is damaged: event %lld is incomplete",
				   h->path, (long long)event->id);
}

static struct error *walk_events(struct history *h, sqlite3_stmt *statement, const struct log_filter *filter,
				 bool (*each)(void *context, const struct log_event *), void *context)
{
	struct log_event event;
	bool row = true, more = true;
	struct older seen = {.of_events = true};
	int given = 0;

	while (more && seen.in_a_row < OLDER_MAX && (filter->limit <= 0 || given < filter->limit)) {
		bool older = false;
		struct error *e = database_step(h, statement, &row);
		if (!e && row)
			e = read_event(h, statement, &event);
		if (!e && row)
			e = is_older(h, &seen, event.time, filter->since, event.id, &older);
		if (e || !row)
			return e;
		if (older)
			continue;
		more = each(context, &event);
		given++;
	}
	return NULL;
}

struct error *log_events(struct history *h, const struct log_filter *filter,
			 bool (*each)(void *context, const struct log_event *), void *context)
{
	sqlite3_stmt *statement;
	const char *sql;
	struct error *e = event_sql(h, filter, &sql);

	if (!e)
		e = database_prepare(h, sql, &statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, filter->before > 0 ? filter->before : INT64_MAX);
	sqlite3_bind_int64(statement, 2, filter->function);
	if (filter->user)
		database_bind_text(statement, 3, filter->user);
	if (filter->kind)
		database_bind_text(statement, 4, filter->kind);
	e = walk_events(h, statement, filter, each, context);
	sqlite3_finalize(statement);
	return e;
}

struct error *log_faults(struct history *h, int64_t function, int number, int *count)
{
	sqlite3_stmt *statement = h->statements[COUNT_FAULTS];
	int64_t faults = 0;
	bool found = false;

	sqlite3_bind_int64(statement, 1, function);
	sqlite3_bind_int(statement, 2, number);
	struct error *e = database_query(h, statement, &found, &faults);
	if (!e)
		*count = (int)faults;
	return e;
}

/* --- runs ------------------------------------------------------------------------------------------------------- */

#define SELECT_RUN "SELECT p.id, p.pid, p.started, p.boot, p.program, p.build_id, p.time FROM process AS p "

static struct error *read_run(sqlite3_stmt *row, struct log_run *run)
{
	const char *boot = (const char *)sqlite3_column_text(row, 3);

	*run = (struct log_run){
		.id = sqlite3_column_int64(row, 0),
		.pid = sqlite3_column_int64(row, 1),
		.program = (const char *)sqlite3_column_text(row, 4),
		.build_id = (const char *)sqlite3_column_text(row, 5),
		.time = (const char *)sqlite3_column_text(row, 6),
		.running = boot && database_run_goes_on(sqlite3_column_int64(row, 1),
							sqlite3_column_int64(row, 2), boot),
	};
	return boot && run->program && run->build_id && run->time ? NULL : error_memory();
}

struct error *log_others(struct history *h, void (*each)(void *context, const struct log_run *),
			 void *context)
{
	sqlite3_stmt *statement;
	struct log_run run;
	bool row = true;
	struct error *e =
		database_prepare(h,
				 SELECT_RUN "WHERE p.boot = (SELECT s.boot FROM process AS s WHERE s.id = ?1)"
					    " AND p.id <> ?1 ORDER BY p.id",
				 &statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, h->process);
	while (!e && row) {
		e = database_step(h, statement, &row);
		if (e || !row)
			break;
		e = read_run(statement, &run);
		if (!e && run.running)
			each(context, &run);
	}
	sqlite3_finalize(statement);
	return e;
}

struct error *log_has_changes(struct history *h, bool *out)
{
	sqlite3_stmt *statement;
	int64_t one;
	bool found = false;
	struct error *e = database_prepare(
		h, "SELECT 1 FROM change WHERE process = ?1 AND subject IS NULL LIMIT 1", &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, h->process);
	e = database_query(h, statement, &found, &one);
	sqlite3_finalize(statement);
	if (!e)
		*out = found;
	return e;
}

struct error *log_find_run(struct history *h, int64_t id, void (*with)(void *context, const struct log_run *),
			   void *context)
{
	sqlite3_stmt *statement;
	struct log_run run;
	bool row = false;
	struct error *e = database_prepare(h, SELECT_RUN "WHERE p.id = ?1", &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, id);
	e = database_step(h, statement, &row);
	if (!e && !row)
		e = error_new(ERROR_UNKNOWN, "the history %s has no run %lld", h->path, (long long)id);
	if (!e)
		e = read_run(statement, &run);
	if (!e)
		with(context, &run);
	sqlite3_finalize(statement);
	return e;
}

/* One look into an index for each run. */
struct error *log_last_run(struct history *h, int64_t *id)
{
	sqlite3_stmt *statement;
	struct log_run run;
	int64_t last = 0;
	bool row = true;
	struct error *e = database_prepare(h,
					   "SELECT p.id, p.pid, p.started, p.boot, p.program, p.build_id, "
					   "p.time, (SELECT c.id FROM change AS c"
					   " WHERE c.process = p.id AND c.subject IS NULL ORDER BY c.id DESC "
					   "LIMIT 1) AS newest FROM process AS p"
					   " WHERE p.id <> ?1 AND newest IS NOT NULL ORDER BY newest DESC",
					   &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, h->process);
	while (!e && !last) {
		e = database_step(h, statement, &row);
		if (e || !row)
			break;
		e = read_run(statement, &run);
		if (!e && !run.running)
			last = run.id;
	}
	sqlite3_finalize(statement);
	if (!e)
		*id = last;
	return e;
}

struct error *log_live_in(struct history *h, int64_t run,
			  bool (*each)(void *context, const struct history_version *,
				       const struct history_function *, const char *built),
			  void *context)
{
	/* Column 20 is the text of that run's version 0. */
	static const char sql[] =
		"SELECT v.id, v.function, v.number, coalesce(v.parent, -1), t.content, v.slice_hash, "
		"v.backend, v.compiler,"
		" v.flags, v.origin, v.user, v.time, v.note, v.file, v.line, 1, f.module, f.file, f.name,"
		" v.build_id,"
		" (SELECT bt.content FROM process AS p JOIN version AS b ON b.function = v.function AND "
		"b.number = 0"
		"  AND b.build_id = p.build_id JOIN text AS bt ON bt.id = b.text WHERE p.id = ?1)"
		" FROM live AS l CROSS JOIN version AS v ON v.function = l.function AND v.number = l.number "
		"AND v.number > 0"
		" JOIN text AS t ON t.id = v.text JOIN function AS f ON f.id = v.function"
		" WHERE l.process = ?1 AND l.number > 0 ORDER BY f.file, f.name";
	struct history_version version;
	struct history_function function;
	sqlite3_stmt *statement;
	bool row = true, more = true;
	struct error *e = database_prepare(h, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, run);
	while (!e && more) {
		e = database_step(h, statement, &row);
		if (e || !row)
			break;
		e = database_read_version(h, statement, &version, &function);
		if (!e)
			more = each(context, &version, &function,
				    (const char *)sqlite3_column_text(statement, 20));
	}
	sqlite3_finalize(statement);
	return e;
}

/* --- size ------------------------------------------------------------------------------------------------------- */

struct error *log_size(struct history *h, struct log_size *out)
{
	struct log_size size = {0};
	int64_t page = 0, pages = 0, unused = 0;
	struct {
		const char *sql;
		int64_t *value;
	} const asked[] = {
		{"SELECT count(*) FROM function", &size.functions},
		{"SELECT total(versions) FROM function", &size.versions},
		{"SELECT count(*) FROM text", &size.texts},
		{"SELECT count(*) FROM change", &size.changes},
		{"SELECT count(*) FROM event", &size.events},
		{"SELECT count(*) FROM process", &size.runs},
		{"PRAGMA page_size", &page},
		{"PRAGMA page_count", &pages},
		{"PRAGMA freelist_count", &unused},
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct error *e = database_ask(h, asked[i].sql, asked[i].value);
		if (e)
			return e;
	}
	size.bytes = pages * page;
	size.free_bytes = unused * page;
	*out = size;
	return NULL;
}
