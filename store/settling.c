#include "settling.h"
#include "recent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error *settling_count(struct history *h, const char *sql, int64_t mark, int64_t *count)
{
	sqlite3_stmt *statement;
	bool found = false;
	struct error *e = database_prepare(h, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, mark);
	e = database_query(h, statement, &found, count);
	sqlite3_finalize(statement);
	return e;
}

/* --- rows and their numbers ------------------------------------------------------------------------------------  */

static struct error *map_add(struct map *map, int64_t function, int64_t from, int64_t to)
{
	if (map->count == map->room) {
		size_t room = map->room ? map->room * 2 : 64;
		struct mapped *more = reallocarray(map->items, room, sizeof(*more));
		if (!more)
			return error_memory();
		map->items = more;
		map->room = room;
	}
	map->items[map->count++] = (struct mapped){function, from, to};
	return NULL;
}

static int64_t map_get(const struct map *map, int64_t function, int64_t from)
{
	for (size_t i = map->count; i-- > 0;)
		if (map->items[i].function == function && map->items[i].from == from)
			return map->items[i].to;
	return from;
}

/* Runs `each` for every row of a query of the stand-in that takes the mark as ?1 and the run as ?2. */
static struct error *each_row(struct settling *s, const char *sql, int64_t mark,
			      struct error *(*each)(struct settling *, sqlite3_stmt *row))
{
	sqlite3_stmt *statement;
	bool row = true;
	struct error *e = database_prepare(s->from, sql, &statement);

	if (e)
		return e;
	if (sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_int64(statement, 1, s->afresh ? 0 : mark);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, s->from->process);
	while (!e && row) {
		e = database_step(s->from, statement, &row);
		if (!e && row)
			e = each(s, statement);
	}
	sqlite3_finalize(statement);
	return e;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

/* id, pid, started, boot, program, build_id, time; this run, whose row is there, keeps it */
static struct error *settle_process(struct settling *s, sqlite3_stmt *row)
{
	static const char *const steps[] = {"INSERT INTO process (pid, started, boot, program, build_id, "
					    "time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
					    " ON CONFLICT DO NOTHING",
					    "SELECT id FROM process WHERE pid = ?1 AND started = ?2 AND boot "
					    "= ?3 AND program = ?4 AND build_id = ?5"};
	int64_t id = sqlite3_column_int64(row, 0), there = s->to->process;
	struct error *e = NULL;
	bool found;

	for (size_t i = 0; i < 2 && !e && id != s->from->process; i++) {
		sqlite3_stmt *statement;
		e = database_prepare(s->to, steps[i], &statement);
		if (e)
			break;
		for (int k = 1; k <= sqlite3_bind_parameter_count(statement); k++)
			sqlite3_bind_value(statement, k, sqlite3_column_value(row, k));
		e = database_query(s->to, statement, &found, &there);
		sqlite3_finalize(statement);
	}
	return e ? e : map_add(&s->processes, 0, id, there);
}

/* The run in the file that a row of the stand-in belongs to. */
static int64_t process_for(const struct settling *s, int64_t process)
{
	return s->afresh ? map_get(&s->processes, 0, process) : s->to->process;
}

/* id, module, file, name */
static struct error *settle_function(struct settling *s, sqlite3_stmt *row)
{
	struct history_function function = {text_of(row, 1), text_of(row, 2), text_of(row, 3)};
	int64_t id = 0;

	struct error *e = database_add_function(s->to, &function, &id);
	return e ? e : map_add(&s->functions, 0, sqlite3_column_int64(row, 0), id);
}

/* The number that a version gets in the file: its own, unless that was given away. */
static struct error *number_for(struct settling *s, int64_t function, int number, int *given)
{
	bool taken = false;
	int newest = 0;

	struct error *e = database_has_version(s->to, function, number, &taken);
	if (!e && taken)
		e = database_newest(s->to, function, &newest);
	if (!e)
		*given = taken ? newest + 1 : number;
	return e;
}

static struct error *has_built(struct settling *s, int64_t function, const char *build_id, bool *found)
{
	sqlite3_stmt *statement = s->to->statements[HAS_BUILT];
	int64_t one;

	sqlite3_bind_int64(statement, 1, function);
	database_bind_text(statement, 2, build_id);
	return database_query(s->to, statement, found, &one);
}

/* This run's, of the same moment. */
static struct error *has_same_version(struct settling *s, sqlite3_stmt *row, int64_t function, bool *found)
{
	sqlite3_stmt *statement;
	int64_t one;
	struct error *e =
		database_prepare(s->to,
				 "SELECT 1 FROM version WHERE function = ?1 AND number = ?2 AND number > 0"
				 " AND process = ?3 AND time = ?4",
				 &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, function);
	sqlite3_bind_int(statement, 2, sqlite3_column_int(row, 2));
	sqlite3_bind_int64(statement, 3, s->to->process);
	database_bind_text(statement, 4, text_of(row, 14));
	e = database_query(s->to, statement, found, &one);
	sqlite3_finalize(statement);
	return e;
}

static struct error *insert_version(struct settling *s, sqlite3_stmt *row, int64_t function, int number)
{
	sqlite3_stmt *statement;
	int64_t text = 0, old = sqlite3_column_int64(row, 1);
	struct error *e = database_add_text(s->to, text_of(row, 4), &text);

	if (!e)
		e = database_prepare(
			s->to,
			"INSERT INTO version (function, number, build_id, process, parent, text, slice_hash, "
			"backend,"
			" compiler, flags, origin, user, note, file, line, time)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
			&statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, function);
	sqlite3_bind_int(statement, 2, number);
	if (number == 0)
		database_bind_text(statement, 3, text_of(row, 16));
	sqlite3_bind_int64(statement, 4, process_for(s, sqlite3_column_int64(row, 15)));
	if (sqlite3_column_type(row, 3) != SQLITE_NULL)
		sqlite3_bind_int64(statement, 5, map_get(&s->numbers, old, sqlite3_column_int64(row, 3)));
	sqlite3_bind_int64(statement, 6, text);
	for (int i = 7; i <= 14; i++)
		database_bind_text(statement, i, text_of(row, i - 2));
	sqlite3_bind_int64(statement, 15, sqlite3_column_int64(row, 13));
	database_bind_text(statement, 16, text_of(row, 14));
	e = database_run(s->to, statement);
	sqlite3_finalize(statement);
	return e;
}

/* id, function, number, parent, content, then slice_hash … file as of column 5, line, time, process, build_id */
static struct error *settle_version(struct settling *s, sqlite3_stmt *row)
{
	int64_t old = sqlite3_column_int64(row, 1), function = map_get(&s->functions, 0, old);
	int number = sqlite3_column_int(row, 2), given = number;
	bool built = false;

	struct error *e = number == 0 ? has_built(s, function, text_of(row, 16), &built)
				      : number_for(s, function, number, &given);
	if (!e && built)
		return map_add(&s->built, old, 0, -1);
	bool there = false;
	if (!e && s->from->again && number)
		e = has_same_version(s, row, function, &there);
	if (e || there)
		return e;
	if (given != number)
		e = map_add(&s->numbers, old, number, given);
	return e ? e : insert_version(s, row, function, given);
}

/* The change in the file that one of the stand-in takes back or does again; 0 if the file is another one by now. */
static struct error *subject_for(struct settling *s, int64_t subject, int64_t *out)
{
	int64_t mapped = map_get(&s->changes, 0, subject), there = 0;

	struct error *e = settling_count(s->to, "SELECT count(*) FROM change WHERE id = ?1", mapped, &there);
	if (!e)
		*out = there ? mapped : 0;
	return e;
}

/* This run's, of the same moment; 0: it has none. */
static struct error *find_same_change(struct settling *s, sqlite3_stmt *row, int64_t *id)
{
	sqlite3_stmt *statement;
	bool found;
	struct error *e = database_prepare(
		s->to, "SELECT id FROM temp.there_change WHERE time = ?1 AND kind = ?2", &statement);

	if (e)
		return e;
	database_bind_text(statement, 1, text_of(row, 4));
	database_bind_text(statement, 2, text_of(row, 1));
	e = database_query(s->to, statement, &found, id);
	sqlite3_finalize(statement);
	return e;
}

/* id, kind, subject, user, time, process */
static struct error *settle_change(struct settling *s, sqlite3_stmt *row)
{
	bool has_subject = sqlite3_column_type(row, 2) != SQLITE_NULL;
	sqlite3_stmt *statement;
	int64_t subject = 0, there = 0;
	struct error *e = s->from->again ? find_same_change(s, row, &there) : NULL;

	if (!e && there) {
		e = map_add(&s->there, 0, sqlite3_column_int64(row, 0), -1);
		return e ? e : map_add(&s->changes, 0, sqlite3_column_int64(row, 0), there);
	}
	if (!e && has_subject)
		e = subject_for(s, sqlite3_column_int64(row, 2), &subject);
	if (!e)
		e = database_prepare(
			s->to,
			"INSERT INTO change (process, kind, subject, user, time) VALUES (?1, ?2, ?3, ?4, ?5)",
			&statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, process_for(s, sqlite3_column_int64(row, 5)));
	database_bind_text(statement, 2, has_subject && !subject ? "rollback" : text_of(row, 1));
	if (subject)
		sqlite3_bind_int64(statement, 3, subject);
	database_bind_text(statement, 4, text_of(row, 3));
	database_bind_text(statement, 5, text_of(row, 4));
	e = database_run(s->to, statement);
	sqlite3_finalize(statement);
	return e ? e
		 : map_add(&s->changes, 0, sqlite3_column_int64(row, 0),
			   sqlite3_last_insert_rowid(s->to->db));
}

/* change, function, from_number, to_number, the change's process */
static struct error *settle_move(struct settling *s, sqlite3_stmt *row)
{
	int64_t old = sqlite3_column_int64(row, 1), function = map_get(&s->functions, 0, old);
	int64_t change = map_get(&s->changes, 0, sqlite3_column_int64(row, 0));
	int64_t to = map_get(&s->numbers, old, sqlite3_column_int64(row, 3));
	sqlite3_stmt *statement = s->to->statements[ADD_MOVE];

	if (map_get(&s->there, 0, sqlite3_column_int64(row, 0)) < 0)
		return NULL;
	sqlite3_bind_int64(statement, 1, change);
	sqlite3_bind_int64(statement, 2, function);
	sqlite3_bind_int64(statement, 3, map_get(&s->numbers, old, sqlite3_column_int64(row, 2)));
	sqlite3_bind_int64(statement, 4, to);
	struct error *e = database_run(s->to, statement);
	if (e)
		return e;
	statement = s->to->statements[MARK_LIVE];
	sqlite3_bind_int64(statement, 1, process_for(s, sqlite3_column_int64(row, 4)));
	sqlite3_bind_int64(statement, 2, function);
	sqlite3_bind_int64(statement, 3, to);
	sqlite3_bind_int64(statement, 4, change);
	return database_run(s->to, statement);
}

/* A move's detail is where it came from. */
static struct error *bind_detail(struct settling *s, sqlite3_stmt *statement, int64_t function,
				 const char *detail)
{
	char from[32];
	int number;

	if (!function || sscanf(detail, "from %d", &number) != 1) {
		database_bind_text(statement, 7, detail);
		return NULL;
	}
	snprintf(from, sizeof(from), "from %d", (int)map_get(&s->numbers, function, number));
	return sqlite3_bind_text(statement, 7, from, -1, SQLITE_TRANSIENT) == SQLITE_OK ? NULL
											: error_memory();
}

/* This run's, of the same moment. */
static struct error *has_same_event(struct settling *s, sqlite3_stmt *row, bool *found)
{
	bool about = sqlite3_column_type(row, 1) != SQLITE_NULL;
	sqlite3_stmt *statement;
	int64_t one;
	struct error *e = database_prepare(s->to,
					   "SELECT 1 FROM temp.there_event WHERE time = ?1 AND kind = ?2"
					   " AND function IS ?3 AND number IS ?4",
					   &statement);

	if (e)
		return e;
	database_bind_text(statement, 1, text_of(row, 4));
	database_bind_text(statement, 2, text_of(row, 0));
	if (about)
		sqlite3_bind_int64(statement, 3, map_get(&s->functions, 0, sqlite3_column_int64(row, 1)));
	sqlite3_bind_value(statement, 4, sqlite3_column_value(row, 2));
	e = database_query(s->to, statement, found, &one);
	sqlite3_finalize(statement);
	return e;
}

/* kind, function, number, user, time, detail, whether a move's, process */
static struct error *settle_event(struct settling *s, sqlite3_stmt *row)
{
	sqlite3_stmt *statement;
	bool about = sqlite3_column_type(row, 1) != SQLITE_NULL;
	int64_t old = sqlite3_column_int64(row, 1);

	if (strcmp(text_of(row, 0), "built") == 0 && map_get(&s->built, old, 0) < 0)
		return NULL;
	bool there = false;
	struct error *e = s->from->again ? has_same_event(s, row, &there) : NULL;
	if (e || there)
		return e;
	e = database_prepare(s->to,
			     "INSERT INTO event (process, kind, function, number, user, time, detail)"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			     &statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, process_for(s, sqlite3_column_int64(row, 7)));
	database_bind_text(statement, 2, text_of(row, 0));
	if (about)
		sqlite3_bind_int64(statement, 3, map_get(&s->functions, 0, old));
	if (sqlite3_column_type(row, 2) != SQLITE_NULL)
		sqlite3_bind_int64(statement, 4, map_get(&s->numbers, old, sqlite3_column_int64(row, 2)));
	database_bind_text(statement, 5, text_of(row, 3));
	database_bind_text(statement, 6, text_of(row, 4));
	if (sqlite3_column_type(row, 5) != SQLITE_NULL)
		e = bind_detail(s, statement, sqlite3_column_int(row, 6) ? old : 0, text_of(row, 5));
	if (!e)
		e = database_run(s->to, statement);
	sqlite3_finalize(statement);
	return e;
}

/* function, number, note; 0 is of this run's build */
static struct error *settle_note(struct settling *s, sqlite3_stmt *row)
{
	int64_t old = sqlite3_column_int64(row, 0), number = sqlite3_column_int64(row, 1);
	sqlite3_stmt *statement = s->to->statements[number == 0 ? NOTE_BUILT : NOTE_VERSION];

	sqlite3_bind_int64(statement, 1, map_get(&s->functions, 0, old));
	if (number == 0)
		database_bind_text(statement, 2, s->to->build_id);
	else
		sqlite3_bind_int64(statement, 2, map_get(&s->numbers, old, number));
	database_bind_text(statement, 3, text_of(row, 2));
	return database_run(s->to, statement);
}

#define EVENTS_OF \
	"SELECT kind, function, number, user, time, detail, kind IN ('live', 'rollback', 'undo', 'redo', " \
	"'restore')," \
	" process FROM event WHERE "

/* What triggers have logged by now gives way to the log as it was kept, in its order. */
static struct error *settle_events(struct settling *s, int64_t logged)
{
	sqlite3_stmt *statement;

	struct error *e = database_prepare(s->to, "DELETE FROM event WHERE id > ?1", &statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, logged);
	e = database_run(s->to, statement);
	sqlite3_finalize(statement);
	return e ? e
		 : each_row(s,
			    s->afresh
				    ? EVENTS_OF "id > ?1 AND (process <> ?2 OR kind <> 'started') ORDER BY id"
				    : EVENTS_OF "id > ?1 AND process = ?2 AND kind <> 'started' ORDER BY id",
			    s->from->events_before, settle_event);
}

/* Whether the file is another one than that of which the stand-in knows: a new one, which has no version yet. What the
 * stand-in could read of the old one is all that is left of it, or a part of it, then. */
static struct error *find_afresh(struct settling *s)
{
	int64_t versions = 0;
	struct error *e =
		database_ask(s->to, "SELECT count(*) FROM (SELECT 1 FROM version LIMIT 1)", &versions);

	if (e)
		return e;
	s->afresh = !versions && s->from->versions_before;
	return !s->afresh ? NULL
			  : each_row(s,
				     "SELECT id, pid, started, boot, program, build_id, time FROM process "
				     "ORDER BY id",
				     0, settle_process);
}

/* What came by now is noted as late, for searches by time. */
static struct error *note_late(struct settling *s, int64_t events, int64_t versions)
{
	sqlite3_stmt *statement;
	struct error *e = database_prepare(
		s->to,
		"INSERT INTO late (first_event, last_event, first_version, last_version)"
		" SELECT ?1 + 1, e.last, ?2 + 1, v.last FROM (SELECT coalesce(max(id), 0) AS last FROM "
		"event) AS e,"
		" (SELECT coalesce(max(id), 0) AS last FROM version) AS v WHERE e.last > ?1 OR v.last > ?2",
		&statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, events);
	sqlite3_bind_int64(statement, 2, versions);
	e = database_run(s->to, statement);
	sqlite3_finalize(statement);
	return e;
}

/* What the file has of this run, to be found fast. */
static struct error *note_there(struct settling *s)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "DROP TABLE IF EXISTS temp.there_change; DROP TABLE IF EXISTS temp.there_event;"
		 "CREATE TEMP TABLE there_change AS SELECT id, time, kind FROM change WHERE process = %lld;"
		 "CREATE INDEX temp.there_change_time ON there_change (time);"
		 "CREATE TEMP TABLE there_event AS SELECT time, kind, function, number FROM event WHERE "
		 "process = %lld;"
		 "CREATE INDEX temp.there_event_time ON there_event (time);",
		 (long long)s->to->process, (long long)s->to->process);
	return database_execute(s->to, sql);
}

struct error *settling_run(struct settling *s)
{
	struct history *from = s->from;
	int64_t logged = 0, versions = 0;

	struct error *e = database_ask(s->to, "SELECT coalesce(max(id), 0) FROM event", &logged);
	if (!e)
		e = database_ask(s->to, "SELECT coalesce(max(id), 0) FROM version", &versions);
	if (!e)
		e = find_afresh(s);
	if (!e && from->again)
		e = note_there(s);
	if (!e)
		e = each_row(s, "SELECT id, module, file, name FROM function", 0, settle_function);
	if (!e)
		e = each_row(
			s,
			"SELECT v.id, v.function, v.number, v.parent, t.content, v.slice_hash, v.backend, "
			"v.compiler,"
			" v.flags, v.origin, v.user, v.note, v.file, v.line, v.time, v.process, v.build_id"
			" FROM version AS v JOIN text AS t ON t.id = v.text WHERE v.id > ?1 ORDER BY v.id",
			from->versions_before, settle_version);
	if (!e)
		e = each_row(
			s,
			"SELECT id, kind, subject, user, time, process FROM change WHERE id > ?1 ORDER BY id",
			from->changes_before, settle_change);
	if (!e)
		e = each_row(
			s,
			"SELECT m.change, m.function, m.from_number, m.to_number, c.process FROM move AS m"
			" JOIN change AS c ON c.id = m.change WHERE m.change > ?1 ORDER BY m.change",
			from->changes_before, settle_move);
	if (!e)
		e = settle_events(s, logged);
	if (!e)
		e = each_row(s,
			     "SELECT function, number, detail FROM event"
			     " WHERE kind = 'noted' AND id > ?1 AND process = ?2 ORDER BY id",
			     from->events_before, settle_note);
	return e ? e : note_late(s, logged, versions);
}

void settling_fini(struct settling *s)
{
	free(s->processes.items);
	free(s->functions.items);
	free(s->numbers.items);
	free(s->changes.items);
	free(s->built.items);
	free(s->there.items);
}

struct error *settling_tell_renumbered(struct settling *s)
{
	for (size_t i = 0; i < s->numbers.count; i++) {
		const struct mapped *m = &s->numbers.items[i];
		sqlite3_stmt *statement;
		bool row = false;
		struct error *e = database_prepare(
			s->from, "SELECT module, file, name FROM function WHERE id = ?1", &statement);
		if (e)
			return e;
		sqlite3_bind_int64(statement, 1, m->function);
		e = database_step(s->from, statement, &row);
		struct history_function function = {text_of(statement, 0), text_of(statement, 1),
						    text_of(statement, 2)};
		if (!e && row) {
			if (s->from->recent)
				recent_renumber(s->from->recent, &function, (int)m->from, (int)m->to);
			s->renumbered(s->context, &function, (int)m->from, (int)m->to);
		}
		sqlite3_finalize(statement);
		if (e)
			return e;
	}
	return NULL;
}
