#include "prune.h"
#include "database.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	STEP_ROWS = 5000,
	STEP_PAGES = 500,
	REWRITE_PAGES =
		8000 /* at most, of a file that cannot give its pages back one by one: a fifth of a second */
};

struct prune {
	struct history *history;
	char limit[40];                          /* what is older may go */
	int64_t version_at, change_at, event_at; /* rows up to these have been looked at */
	int64_t version_end, change_end, event_end;
	int64_t version_planned, change_planned, event_planned; /* rows up to these have been counted */
	int64_t newest_change;                                  /* when what is kept was found out */
	struct prune_count planned;
	int64_t pages; /* of the file at first */
	bool settled;  /* nothing is left to be made smaller */
	struct prune_count done;
};

/* Runs that go on, this one, the last that is over and those that changed something since the limit: temp.current. */
static struct error *find_current_runs(struct history *h, const char *limit)
{
	struct error *e =
		database_execute(h, "CREATE TEMP TABLE IF NOT EXISTS current (process INTEGER PRIMARY KEY);"
				    "DELETE FROM current");
	sqlite3_stmt *all, *add = NULL;
	bool row = true;
	int newest_ended = 0;

	if (!e)
		e = database_prepare(h,
				     "SELECT p.id, p.pid, p.started, p.boot, (SELECT c.id FROM change AS c "
				     "WHERE c.process = p.id"
				     " AND c.subject IS NULL ORDER BY c.id DESC LIMIT 1) AS newest,"
				     " (SELECT c.time >= ?1 FROM change AS c WHERE c.process = p.id"
				     " AND c.subject IS NULL ORDER BY c.id DESC LIMIT 1) FROM process AS p "
				     "ORDER BY newest DESC",
				     &all);
	if (e)
		return e;
	database_bind_text(all, 1, limit);
	e = database_prepare(h, "INSERT OR IGNORE INTO current VALUES (?1)", &add);
	while (!e && row) {
		e = database_step(h, all, &row);
		if (e || !row)
			break;
		int64_t run = sqlite3_column_int64(all, 0);
		const char *boot = (const char *)sqlite3_column_text(all, 3);
		bool goes_on = run == h->process ||
			       (boot && database_run_goes_on(sqlite3_column_int64(all, 1),
							     sqlite3_column_int64(all, 2), boot));
		bool last = !goes_on && sqlite3_column_type(all, 4) != SQLITE_NULL && newest_ended++ == 0;
		if (!goes_on && !last && !sqlite3_column_int(all, 5))
			continue;
		sqlite3_bind_int64(add, 1, run);
		e = database_run(h, add);
	}
	sqlite3_finalize(all);
	sqlite3_finalize(add);
	return e;
}

/* temp.kept: versions that stay though they are old; temp.kept_change: changes likewise, which are those that made live what
 * is, and what they took back or did again. */
static struct error *find_kept(struct history *h)
{
	return database_execute(
		h,
		"DROP TABLE IF EXISTS temp.kept; DROP TABLE IF EXISTS temp.kept_change;"
		"CREATE TEMP TABLE kept_change (id INTEGER PRIMARY KEY);"
		"INSERT OR IGNORE INTO kept_change SELECT change FROM live WHERE process IN (SELECT process "
		"FROM current);"
		"INSERT OR IGNORE INTO kept_change SELECT c.subject FROM kept_change AS k JOIN change AS c "
		"ON "
		"c.id = k.id WHERE c.subject IS NOT NULL;"
		"CREATE TEMP TABLE kept (id INTEGER PRIMARY KEY);"
		"INSERT OR IGNORE INTO kept SELECT v.id FROM live AS l JOIN version AS v ON v.function = "
		"l.function"
		" AND v.number = l.number AND v.number > 0 WHERE l.process IN (SELECT process FROM current);"
		"INSERT OR IGNORE INTO kept SELECT p.id FROM kept AS k JOIN version AS v ON v.id = k.id"
		" JOIN version AS p ON p.function = v.function AND p.number = v.parent AND p.number > 0;"
		/* One look into an index each: with IN of the two the whole of each function would be looked at. */
		"INSERT OR IGNORE INTO kept SELECT v.id FROM kept_change AS c CROSS JOIN move AS m ON "
		"m.change = "
		"c.id CROSS JOIN version AS v ON v.function = m.function AND v.number = m.from_number AND "
		"v.number > 0;"
		"INSERT OR IGNORE INTO kept SELECT v.id FROM kept_change AS c CROSS JOIN move AS m ON "
		"m.change = "
		"c.id CROSS JOIN version AS v ON v.function = m.function AND v.number = m.to_number AND "
		"v.number > 0;"
		"INSERT OR IGNORE INTO kept SELECT newest FROM (SELECT (SELECT v.id FROM version AS v"
		" WHERE v.function = f.id AND v.number > 0 ORDER BY v.number DESC LIMIT 1) AS newest FROM "
		"function AS f)"
		" WHERE newest IS NOT NULL;"
		"INSERT OR IGNORE INTO kept SELECT v.id FROM version AS v WHERE v.number = 0"
		" AND v.build_id IN (SELECT build_id FROM process WHERE id IN (SELECT process FROM "
		"current))");
}

static struct error *set_limit(struct prune *p, int days)
{
	sqlite3_stmt *statement;
	bool row = false;
	struct error *e =
		database_prepare(p->history, "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1)", &statement);
	char modifier[32];

	if (e)
		return e;
	snprintf(modifier, sizeof(modifier), "-%d days", days);
	database_bind_text(statement, 1, modifier);
	e = database_step(p->history, statement, &row);
	if (!e && row)
		snprintf(p->limit, sizeof(p->limit), "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return e;
}

/* A query with the limit as ?1 and rows from behind ?2 to ?3. */
static struct error *ask_range(struct prune *p, const char *sql, int64_t from, int64_t to, int64_t *value)
{
	sqlite3_stmt *statement;
	bool found = false;
	struct error *e = database_prepare(p->history, sql, &statement);

	if (e)
		return e;
	database_bind_text(statement, 1, p->limit);
	if (sqlite3_bind_parameter_count(statement) > 1) {
		sqlite3_bind_int64(statement, 2, from);
		sqlite3_bind_int64(statement, 3, to);
	}
	e = database_query(p->history, statement, &found, value);
	sqlite3_finalize(statement);
	return e;
}

/* Finds out what is kept, unless nothing has gone live since that was done. */
static struct error *keep_up(struct prune *p)
{
	int64_t newest = 0;
	struct error *e = database_ask(p->history, "SELECT coalesce(max(id), 0) + 1 FROM change", &newest);

	if (e || newest <= p->newest_change)
		return e;
	e = find_current_runs(p->history, p->limit);
	if (!e)
		e = find_kept(p->history);
	if (!e)
		p->newest_change = newest;
	return e;
}

struct error *prune_new(struct history *h, int days, struct prune **out)
{
	struct prune *p = calloc(1, sizeof(*p));

	if (!p)
		return error_memory();
	p->history = h;
	struct error *e = set_limit(p, days);
	if (!e)
		e = keep_up(p);
	if (!e)
		e = database_ask(h, "SELECT coalesce(max(id), 0) FROM version", &p->version_end);
	if (!e)
		e = database_ask(h, "SELECT coalesce(max(id), 0) FROM change", &p->change_end);
	if (!e)
		e = database_ask(h, "SELECT coalesce(max(id), 0) FROM event", &p->event_end);
	if (!e)
		e = database_ask(h, "PRAGMA page_count", &p->pages);
	if (e) {
		prune_free(p);
		return e;
	}
	*out = p;
	return NULL;
}

void prune_free(struct prune *p)
{
	free(p);
}

/* Conditions on what goes; ?1 is the limit, rows are in (?2, ?3]. */
#define OLD_VERSION \
	"id > ?2 AND id <= ?3 AND time < ?1 AND note = '' AND NOT EXISTS (SELECT 1 FROM kept AS k WHERE " \
	"k.id = version.id)"
#define OLD_CHANGE \
	"id > ?2 AND id <= ?3 AND time < ?1 AND id NOT IN (SELECT id FROM kept_change)" \
	" AND NOT EXISTS (SELECT 1 FROM change AS s WHERE s.subject = change.id AND s.time >= ?1)"
#define OLD_EVENT "id > ?2 AND id <= ?3 AND time < ?1 AND kind <> 'fault'"

static int64_t step_end(int64_t at, int64_t end)
{
	return at + STEP_ROWS < end ? at + STEP_ROWS : end;
}

/* Counts the next rows of a table. */
static struct error *count_some(struct prune *p, const char *sql, int64_t *at, int64_t end, int64_t *count)
{
	int64_t to = step_end(*at, end), some = 0;
	struct error *e = ask_range(p, sql, *at, to, &some);

	if (!e) {
		*at = to;
		*count += some;
	}
	return e;
}

struct error *prune_plan_step(struct prune *p, bool *more)
{
	struct error *e = keep_up(p);

	if (!e && p->version_planned < p->version_end)
		e = count_some(p, "SELECT count(*) FROM version WHERE " OLD_VERSION, &p->version_planned,
			       p->version_end, &p->planned.versions);
	else if (!e && p->change_planned < p->change_end)
		e = count_some(p, "SELECT count(*) FROM change WHERE " OLD_CHANGE, &p->change_planned,
			       p->change_end, &p->planned.changes);
	else if (!e && p->event_planned < p->event_end)
		e = count_some(p, "SELECT count(*) FROM event WHERE " OLD_EVENT, &p->event_planned,
			       p->event_end, &p->planned.events);
	if (!e)
		*more = p->version_planned < p->version_end || p->change_planned < p->change_end ||
			p->event_planned < p->event_end;
	return e;
}

void prune_planned(const struct prune *p, struct prune_count *out)
{
	*out = p->planned;
}

void prune_done(const struct prune *p, struct prune_count *out)
{
	*out = p->done;
}

/* Runs one statement for rows in (from, to]; adds how many it changed. */
static struct error *remove_range(struct prune *p, const char *sql, int64_t from, int64_t to,
				  int64_t *removed)
{
	sqlite3_stmt *statement;
	struct error *e = database_prepare(p->history, sql, &statement);

	if (e)
		return e;
	if (sqlite3_bind_parameter_count(statement) > 0) {
		database_bind_text(statement, 1, p->limit);
		sqlite3_bind_int64(statement, 2, from);
		sqlite3_bind_int64(statement, 3, to);
	}
	e = database_run(p->history, statement);
	if (!e && removed)
		*removed += sqlite3_changes(p->history->db);
	sqlite3_finalize(statement);
	return e;
}

static struct error *remove_versions(struct prune *p, int64_t to)
{
	struct error *e = remove_range(p, "CREATE TEMP TABLE IF NOT EXISTS unused (text INTEGER PRIMARY KEY)",
				       0, 0, NULL);

	if (!e)
		e = remove_range(p, "DELETE FROM unused", 0, 0, NULL);
	if (!e)
		e = remove_range(p,
				 "INSERT OR IGNORE INTO unused SELECT text FROM version WHERE " OLD_VERSION,
				 p->version_at, to, NULL);
	if (!e)
		e = remove_range(p, "DELETE FROM version WHERE " OLD_VERSION, p->version_at, to,
				 &p->done.versions);
	if (!e)
		e = remove_range(p,
				 "DELETE FROM text WHERE id IN (SELECT text FROM unused)"
				 " AND NOT EXISTS (SELECT 1 FROM version AS v WHERE v.text = text.id)",
				 0, 0, NULL);
	return e;
}

/* A change's moves and marks go with it; what took it back or did it again goes first, or it stays. */
static struct error *remove_changes(struct prune *p, int64_t to)
{
	struct error *e =
		remove_range(p,
			     "DELETE FROM live WHERE change IN (SELECT id FROM change WHERE " OLD_CHANGE ")"
			     " AND process NOT IN (SELECT process FROM current)",
			     p->change_at, to, NULL);
	if (!e)
		e = remove_range(
			p, "DELETE FROM move WHERE change IN (SELECT id FROM change WHERE " OLD_CHANGE ")",
			p->change_at, to, NULL);
	if (!e)
		e = remove_range(p, "DELETE FROM change WHERE " OLD_CHANGE, p->change_at, to,
				 &p->done.changes);
	return e;
}

static struct error *remove_some(struct prune *p)
{
	int64_t to;
	struct error *kept = keep_up(p);

	if (kept)
		return kept;
	if (p->version_at < p->version_end) {
		to = step_end(p->version_at, p->version_end);
		struct error *e = remove_versions(p, to);
		if (!e)
			p->version_at = to;
		return e;
	}
	if (p->change_at < p->change_end) {
		to = step_end(p->change_at, p->change_end);
		struct error *e = remove_changes(p, to);
		if (!e)
			p->change_at = to;
		return e;
	}
	to = step_end(p->event_at, p->event_end);
	struct error *e =
		remove_range(p, "DELETE FROM event WHERE " OLD_EVENT, p->event_at, to, &p->done.events);
	if (!e)
		p->event_at = to;
	return e;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static void count_other(void *context, const struct log_run *run)
{
	(void)run;
	++*(int *)context;
}

/* A file that was begun without this can give pages back only when it is written anew, and then it can from now on. */
static struct error *rewrite(struct prune *p, int64_t left)
{
	int others = 0;
	struct error *e = log_others(p->history, count_other, &others);

	if (!e && !others && left <= REWRITE_PAGES)
		e = database_execute(p->history, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
	return e;
}

/* Gives some of the free pages back, and notes when that was all. */
static struct error *shrink(struct prune *p)
{
	struct history *h = p->history;
	int64_t mode = 0, unused = 0, pages = 0, size = 0, unused_after = 0;
	char sql[64];

	struct error *e = database_ask(h, "PRAGMA auto_vacuum", &mode);
	if (!e)
		e = database_ask(h, "PRAGMA freelist_count", &unused);
	if (!e)
		e = database_ask(h, "PRAGMA page_count", &pages);
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", STEP_PAGES);
	if (!e && unused)
		e = mode ? database_execute(h, sql) : rewrite(p, pages - unused);
	if (!e)
		e = database_ask(h, "PRAGMA freelist_count", &unused_after);
	p->settled = e || !mode || !unused_after || unused_after >= unused;
	if (e || !p->settled)
		return e;
	history_settle(h); /* only then is the file itself smaller */
	e = database_ask(h, "PRAGMA page_count", &pages);
	if (!e)
		e = database_ask(h, "PRAGMA page_size", &size);
	if (!e)
		p->done.bytes = (p->pages - pages) * size;
	return e;
}

/* --- steps ------------------------------------------------------------------------------------------------------- */

static bool has_rows(const struct prune *p)
{
	return p->event_at < p->event_end || p->change_at < p->change_end || p->version_at < p->version_end;
}

/* Foreign keys are off meanwhile: nothing here leaves a reference dangling, and to have each deletion looked up in tables
 * that have no index for it would take hours. */
static struct error *remove_step(struct prune *p)
{
	struct prune before = *p;
	struct error *e = database_execute(p->history, "PRAGMA foreign_keys = OFF");

	if (!e)
		e = database_begin(p->history);
	if (!e)
		e = database_finish(p->history, remove_some(p));
	if (e)
		*p = before;
	error_free(database_execute(p->history, "PRAGMA foreign_keys = ON"));
	return e;
}

struct error *prune_step(struct prune *p, bool *more)
{
	struct error *e = has_rows(p) ? remove_step(p) : shrink(p);

	if (!e)
		*more = has_rows(p) || !p->settled;
	return e;
}
