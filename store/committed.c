#include "committed.h"
#include "database.h"
#include "recent.h"

#include <stdlib.h>

static struct recent *recent_of(struct history *h)
{
	if (!h->recent)
		h->recent = recent_new();
	return h->recent;
}

/* As the store's clock had it; false where it cannot be had. */
static bool get_time(struct history *h, enum statement which, int64_t id, int64_t *time)
{
	bool found = false;

	sqlite3_bind_int64(h->statements[which], 1, id);
	struct error *e = database_query(h, h->statements[which], &found, time);
	bool got = !e && found;
	error_free(e);
	return got;
}

/* By its key in the database. */
static uint32_t take_function(struct history *h, int64_t row)
{
	sqlite3_stmt *statement;
	uint32_t function = RECENT_NO_FUNCTION;
	bool found = false;
	struct error *e =
		database_prepare(h, "SELECT module, file, name FROM function WHERE id = ?1", &statement);

	if (!e) {
		sqlite3_bind_int64(statement, 1, row);
		e = database_step(h, statement, &found);
		struct history_function key = {(const char *)sqlite3_column_text(statement, 0),
					       (const char *)sqlite3_column_text(statement, 1),
					       (const char *)sqlite3_column_text(statement, 2)};
		if (!e && found && key.module && key.file && key.name)
			function = recent_take(h->recent, row, &key);
		sqlite3_finalize(statement);
	}
	error_free(e);
	return function;
}

static uint32_t find_function(struct history *h, int64_t row)
{
	uint32_t function = recent_find(h->recent, row);

	return function != RECENT_NO_FUNCTION ? function : take_function(h, row);
}

void committed_version(struct history *h, const struct history_version *v)
{
	struct recent_entry entry = {.what = RECENT_VERSION, .version = *v};

	if (!recent_of(h) || !get_time(h, VERSION_TIME, v->id, &entry.time))
		return;
	entry.function = find_function(h, v->function);
	if (entry.function != RECENT_NO_FUNCTION)
		recent_add(h->recent, &entry);
}

/* The caller's; NULL where a function is not known, or memory runs out. */
static struct recent_move *find_moves(struct history *h, const struct history_move *moves, size_t count)
{
	struct recent_move *found = calloc(count, sizeof(*found));

	for (size_t i = 0; i < count && found; i++) {
		found[i] =
			(struct recent_move){find_function(h, moves[i].function), moves[i].from, moves[i].to};
		if (found[i].function == RECENT_NO_FUNCTION) {
			free(found);
			return NULL;
		}
	}
	return found;
}

void committed_change(struct history *h, enum history_kind kind, const char *user, int64_t subject,
		      const struct history_move *moves, size_t count, int64_t id)
{
	struct recent_entry entry = {.what = RECENT_CHANGE,
				     .function = RECENT_NO_FUNCTION,
				     .change = {.kind = kind, .user = user, .id = id, .subject = subject}};

	if (!recent_of(h) || !get_time(h, CHANGE_TIME, id, &entry.time))
		return;
	struct recent_move *found = find_moves(h, moves, count);
	if (!found)
		return;
	entry.change.moves = found;
	entry.change.count = count;
	recent_add(h->recent, &entry);
	free(found);
}

void committed_not(struct history *h, int64_t change)
{
	if (h->recent)
		recent_forget(h->recent, change);
}

void committed_event(struct history *h, const char *kind, int64_t function, int number, const char *user,
		     const char *detail, int64_t id)
{
	struct recent_entry entry = {
		.what = RECENT_EVENT,
		.function = RECENT_NO_FUNCTION,
		.event = {.kind = kind, .user = user, .detail = detail, .number = number}};

	if (!recent_of(h) || !get_time(h, EVENT_TIME, id, &entry.time))
		return;
	if (function)
		entry.function = find_function(h, function);
	if (entry.function != RECENT_NO_FUNCTION || !function)
		recent_add(h->recent, &entry);
}

void committed_hand_over(struct history *from, struct history *to)
{
	if (!from->recent)
		return;
	recent_free(to->recent);
	to->recent = from->recent;
	from->recent = NULL;
	recent_forget_rows(to->recent);
}
