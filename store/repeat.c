#include "repeat.h"
#include "database.h"
#include "recent.h"

#include <stdlib.h>

/* Where a row of each kind comes to lie, and what was there before. */
struct repeating {
	const struct recent *recent;
	struct history *to;
	int64_t *rows;    /* of the functions */
	int64_t *changes; /* of the entries that are changes, by their place in the log */
	int64_t versions_before, changes_before, events_before;
};

static struct error *mark(struct repeating *r)
{
	struct error *e =
		database_ask(r->to, "SELECT coalesce(max(id), 0) FROM version", &r->versions_before);

	if (!e)
		e = database_ask(r->to, "SELECT coalesce(max(id), 0) FROM change", &r->changes_before);
	return e ? e : database_ask(r->to, "SELECT coalesce(max(id), 0) FROM event", &r->events_before);
}

/* As the schema writes it. */
#define TIME_SET \
	" SET time = strftime('%Y-%m-%dT%H:%M:%S', ?2 / 1000, 'unixepoch') || printf('.%03dZ', ?2 % 1000)" \
	" WHERE id > ?1"

static struct error *set_time(struct repeating *r, const char *sql, int64_t before, int64_t time)
{
	sqlite3_stmt *statement;
	struct error *e = database_prepare(r->to, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int64(statement, 2, time);
	e = database_run(r->to, statement);
	sqlite3_finalize(statement);
	return e;
}

static struct error *set_times(struct repeating *r, int64_t time)
{
	struct error *e = set_time(r, "UPDATE version" TIME_SET, r->versions_before, time);

	if (!e)
		e = set_time(r, "UPDATE change" TIME_SET, r->changes_before, time);
	return e ? e : set_time(r, "UPDATE event" TIME_SET, r->events_before, time);
}

static struct error *repeat_version(struct repeating *r, const struct recent_entry *entry)
{
	struct history_version version = entry->version;

	version.function = r->rows[entry->function];
	if (!version.number)
		return history_add_built(r->to, &version);
	/* It gets the next number. */
	struct error *e = history_reserve(r->to, version.function, version.number - 1);
	return e ? e : history_add(r->to, &version, 1);
}

/* What it took back may have been let go. */
static int64_t subject_of(const struct repeating *r, int64_t subject)
{
	struct recent_entry entry;
	size_t at = 0;

	for (size_t place = 0; subject && recent_next(r->recent, &at, &entry); place++)
		if (entry.what == RECENT_CHANGE && entry.change.id == subject)
			return r->changes[place];
	return 0;
}

static struct error *repeat_change(struct repeating *r, const struct recent_entry *entry, int64_t *id)
{
	size_t count = entry->change.count;
	struct history_move *moves = calloc(count, sizeof(*moves));
	enum history_kind kind = entry->change.kind;
	int64_t subject = subject_of(r, entry->change.subject);
	struct error *e = moves ? NULL : error_memory();

	if (!subject && (kind == HISTORY_UNDO || kind == HISTORY_REDO))
		kind = HISTORY_ROLLBACK;
	for (size_t i = 0; i < count && !e; i++) {
		const struct recent_move *move = &entry->change.moves[i];
		moves[i] = (struct history_move){r->rows[move->function], move->from, move->to};
		/* An earlier run's version has its number all the same. */
		e = history_reserve(r->to, moves[i].function, moves[i].to);
	}
	if (!e)
		e = history_record(r->to, kind, entry->change.user, subject, moves, count, id);
	free(moves);
	return e;
}

static struct error *repeat_event(struct repeating *r, const struct recent_entry *entry)
{
	int64_t function = entry->function == RECENT_NO_FUNCTION ? 0 : r->rows[entry->function];

	return history_event(r->to, entry->event.kind, function, entry->event.number, entry->event.user,
			     entry->event.detail);
}

/* The place-th one. */
static struct error *repeat_entry(struct repeating *r, const struct recent_entry *entry, size_t place)
{
	struct error *e = mark(r);

	if (!e && entry->what == RECENT_CHANGE)
		e = repeat_change(r, entry, &r->changes[place]);
	else if (!e && entry->what == RECENT_EVENT)
		e = repeat_event(r, entry);
	else if (!e)
		e = repeat_version(r, entry);
	return e ? e : set_times(r, entry->time);
}

static struct error *add_functions(struct repeating *r)
{
	struct error *e = NULL;

	for (size_t i = 0; i < recent_functions(r->recent) && !e; i++) {
		struct history_function function = recent_function(r->recent, (uint32_t)i);
		e = history_function_id(r->to, &function, &r->rows[i]);
	}
	return e;
}

struct error *repeat_committed(const struct recent *recent, struct history *to)
{
	struct repeating r = {.recent = recent, .to = to};
	struct recent_entry entry;
	size_t at = 0;

	r.rows = calloc(recent_functions(recent) + 1, sizeof(*r.rows));
	r.changes = calloc(recent_count(recent) + 1, sizeof(*r.changes));
	struct error *e = r.rows && r.changes ? add_functions(&r) : error_memory();
	for (size_t place = 0; !e && recent_next(recent, &at, &entry); place++)
		e = repeat_entry(&r, &entry, place);
	free(r.rows);
	free(r.changes);
	return e;
}
