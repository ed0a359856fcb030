#include "recent.h"
#include "database.h"
#include "stand_in.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 16 << 20 };

enum what { BUILT, VERSION, CHANGE, EVENT };

/* Strings are the entry's. */
struct entry {
	enum what what;
	char *time;
	size_t size; /* bytes that it takes, about */
	int64_t id;  /* of a change's row, 0: not known any more */
	int64_t subject;
	size_t function; /* which of the functions; of an event without one NO_FUNCTION */
	int number;      /* of an event */
	enum history_kind kind;
	char *event_kind, *user, *detail;
	struct history_version version; /* its strings are ours, too */
	struct history_move *moves;     /* `function` as above */
	size_t move_count;
};

struct known {
	int64_t row; /* in the handle's history, 0: not looked up */
	char *module, *file, *name;
};

struct recent {
	struct entry *entries;
	size_t count, room, bytes;
	struct known *functions;
	size_t function_count;
};

static const size_t NO_FUNCTION = (size_t)-1;

/* The strings of a version that are copied. */
static const size_t strings[] = {
	offsetof(struct history_version, text),    offsetof(struct history_version, slice_hash),
	offsetof(struct history_version, backend), offsetof(struct history_version, compiler),
	offsetof(struct history_version, flags),   offsetof(struct history_version, origin),
	offsetof(struct history_version, user),    offsetof(struct history_version, note),
	offsetof(struct history_version, file),
};

enum { STRINGS = sizeof(strings) / sizeof(strings[0]) };

static char **string_of(struct history_version *v, size_t i)
{
	return (char **)(void *)((char *)v + strings[i]);
}

static void entry_fini(struct entry *entry)
{
	if (entry->what == BUILT || entry->what == VERSION)
		for (size_t i = 0; i < STRINGS; i++)
			free(*string_of(&entry->version, i));
	free(entry->time);
	free(entry->event_kind);
	free(entry->user);
	free(entry->detail);
	free(entry->moves);
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		entry_fini(&r->entries[i]);
	for (size_t i = 0; i < r->function_count; i++) {
		free(r->functions[i].module);
		free(r->functions[i].file);
		free(r->functions[i].name);
	}
	free(r->entries);
	free(r->functions);
	free(r);
}

/* --- keeping ----------------------------------------------------------------------------------------------------- */

static struct recent *recent_of(struct history *h)
{
	if (!h->recent)
		h->recent = calloc(1, sizeof(*h->recent));
	return h->recent;
}

/* The oldest quarter. */
static void let_go(struct recent *r)
{
	size_t gone = r->count / 4 + 1;

	for (size_t i = 0; i < gone; i++) {
		r->bytes -= r->entries[i].size;
		entry_fini(&r->entries[i]);
	}
	r->count -= gone;
	memmove(r->entries, r->entries + gone, r->count * sizeof(*r->entries));
}

/* Takes the entry. */
static void keep(struct recent *r, struct entry *entry)
{
	if (r->bytes + entry->size > BYTES_MAX && r->count)
		let_go(r);
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct entry *more = reallocarray(r->entries, room, sizeof(*more));
		if (!more) {
			entry_fini(entry);
			return;
		}
		r->entries = more;
		r->room = room;
	}
	r->bytes += entry->size;
	r->entries[r->count++] = *entry;
}

static char *copy(const char *text, struct entry *entry)
{
	char *made = text ? strdup(text) : NULL;

	entry->size += text ? strlen(text) + 1 : 0;
	return made;
}

/* As the store's clock had it. */
static char *time_of(struct history *h, enum statement which, int64_t id)
{
	sqlite3_stmt *statement = h->statements[which];
	bool found = false;

	sqlite3_bind_int64(statement, 1, id);
	struct error *e = database_step(h, statement, &found);
	const char *text = e || !found ? NULL : (const char *)sqlite3_column_text(statement, 0);
	char *time = text ? strdup(text) : NULL;
	error_free(e);
	database_release(statement);
	return time;
}

static bool same_function(const struct known *f, const struct history_function *key)
{
	return strcmp(f->name, key->name) == 0 && strcmp(f->file, key->file) == 0 &&
	       strcmp(f->module, key->module) == 0;
}

/* Which of the functions it is, taken up if need be; NO_FUNCTION where memory runs out. */
static size_t take_function(struct recent *r, int64_t row, const struct history_function *key)
{
	for (size_t i = 0; i < r->function_count; i++) {
		if (same_function(&r->functions[i], key)) {
			r->functions[i].row = row;
			return i;
		}
	}
	struct known *more = reallocarray(r->functions, r->function_count + 1, sizeof(*more));
	if (!more)
		return NO_FUNCTION;
	r->functions = more;
	struct known *f = &more[r->function_count];
	*f = (struct known){row, strdup(key->module), strdup(key->file), strdup(key->name)};
	if (f->module && f->file && f->name)
		return r->function_count++;
	free(f->module);
	free(f->file);
	free(f->name);
	return NO_FUNCTION;
}

static size_t find_function(struct history *h, struct recent *r, int64_t row)
{
	sqlite3_stmt *statement;
	size_t which = NO_FUNCTION;
	bool found = false;

	for (size_t i = r->function_count; i-- > 0;)
		if (r->functions[i].row == row)
			return i;
	struct error *e =
		database_prepare(h, "SELECT module, file, name FROM function WHERE id = ?1", &statement);
	if (!e) {
		sqlite3_bind_int64(statement, 1, row);
		e = database_step(h, statement, &found);
		struct history_function key = {(const char *)sqlite3_column_text(statement, 0),
					       (const char *)sqlite3_column_text(statement, 1),
					       (const char *)sqlite3_column_text(statement, 2)};
		if (!e && found && key.module && key.file && key.name)
			which = take_function(r, row, &key);
		sqlite3_finalize(statement);
	}
	error_free(e);
	return which;
}

void recent_version(struct history *h, const struct history_version *v)
{
	struct recent *r = recent_of(h);
	struct entry entry = {.what = v->number ? VERSION : BUILT, .size = sizeof(entry), .version = *v};
	bool whole = true;

	if (!r)
		return;
	for (size_t i = 0; i < STRINGS; i++) {
		char **string = string_of(&entry.version, i);
		*string = copy(*string ? *string : "", &entry);
		whole &= *string != NULL;
	}
	entry.time = time_of(h, VERSION_TIME, v->id);
	entry.function = find_function(h, r, v->function);
	if (whole && entry.time && entry.function != NO_FUNCTION)
		keep(r, &entry);
	else
		entry_fini(&entry);
}

void recent_change(struct history *h, enum history_kind kind, const char *user, int64_t subject,
		   const struct history_move *moves, size_t count, int64_t id)
{
	struct recent *r = recent_of(h);
	struct entry entry = {.what = CHANGE,
			      .size = sizeof(entry) + count * sizeof(*moves),
			      .id = id,
			      .subject = subject,
			      .kind = kind};
	bool whole;

	if (!r)
		return;
	entry.user = copy(user ? user : "", &entry);
	entry.moves = calloc(count + 1, sizeof(*moves));
	entry.time = time_of(h, CHANGE_TIME, id);
	whole = entry.user && entry.moves && entry.time;
	for (size_t i = 0; i < count && whole; i++) {
		size_t function = find_function(h, r, moves[i].function);
		whole = function != NO_FUNCTION;
		entry.moves[entry.move_count++] =
			(struct history_move){(int64_t)function, moves[i].from, moves[i].to};
	}
	if (whole)
		keep(r, &entry);
	else
		entry_fini(&entry);
}

void recent_forget(struct history *h, int64_t change)
{
	struct recent *r = h->recent;
	struct entry *last = r && r->count ? &r->entries[r->count - 1] : NULL;

	if (!last || last->what != CHANGE || last->id != change)
		return;
	r->bytes -= last->size;
	entry_fini(last);
	r->count--;
}

void recent_event(struct history *h, const char *kind, int64_t function, int number, const char *user,
		  const char *detail, int64_t id)
{
	struct recent *r = recent_of(h);
	struct entry entry = {
		.what = EVENT, .size = sizeof(entry), .number = number, .function = NO_FUNCTION};

	if (!r)
		return;
	entry.event_kind = copy(kind, &entry);
	entry.user = copy(user ? user : "", &entry);
	entry.detail = copy(detail, &entry);
	entry.time = time_of(h, EVENT_TIME, id);
	if (function)
		entry.function = find_function(h, r, function);
	if (entry.event_kind && entry.user && entry.time && (entry.detail || !detail) &&
	    (entry.function != NO_FUNCTION || !function))
		keep(r, &entry);
	else
		entry_fini(&entry);
}

bool recent_last_move(const struct history *h, int64_t *function, int *number)
{
	const struct recent *r = h->recent;

	for (size_t i = r ? r->count : 0; i-- > 0;) {
		const struct entry *entry = &r->entries[i];
		if (entry->what != CHANGE)
			continue;
		*function = r->functions[entry->moves[0].function].row;
		*number = entry->moves[0].to;
		return entry->id && *function;
	}
	return false;
}

void recent_hand_over(struct history *from, struct history *to)
{
	struct recent *r = from->recent;

	if (!r)
		return;
	recent_free(to->recent);
	to->recent = r;
	from->recent = NULL;
	for (size_t i = 0; i < r->function_count; i++)
		r->functions[i].row = 0;
	for (size_t i = 0; i < r->count; i++)
		r->entries[i].id = 0;
}

void recent_renumber(struct history *h, const struct history_function *key, int from, int to)
{
	struct recent *r = h->recent;

	for (size_t i = 0; r && i < r->count; i++) {
		struct entry *entry = &r->entries[i];
		if (entry->what == CHANGE) {
			for (size_t k = 0; k < entry->move_count; k++) {
				struct history_move *move = &entry->moves[k];
				if (!same_function(&r->functions[move->function], key))
					continue;
				move->from = move->from == from ? to : move->from;
				move->to = move->to == from ? to : move->to;
			}
		} else if (entry->function != NO_FUNCTION &&
			   same_function(&r->functions[entry->function], key)) {
			int *number = entry->what == EVENT ? &entry->number : &entry->version.number;
			*number = *number == from ? to : *number;
		}
	}
}

/* --- once more ---------------------------------------------------------------------------------------------------- */

/* Where a row of each kind comes to lie, and what was there before. */
struct repeating {
	const struct recent *recent;
	struct history *to;
	int64_t *rows;    /* of the functions */
	int64_t *changes; /* of the entries that are changes */
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

static struct error *set_time(struct repeating *r, const char *sql, int64_t before, const char *time)
{
	sqlite3_stmt *statement;
	struct error *e = database_prepare(r->to, sql, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, before);
	database_bind_text(statement, 2, time);
	e = database_run(r->to, statement);
	sqlite3_finalize(statement);
	return e;
}

static struct error *set_times(struct repeating *r, const char *time)
{
	struct error *e = set_time(r, "UPDATE version SET time = ?2 WHERE id > ?1", r->versions_before, time);

	if (!e)
		e = set_time(r, "UPDATE change SET time = ?2 WHERE id > ?1", r->changes_before, time);
	return e ? e : set_time(r, "UPDATE event SET time = ?2 WHERE id > ?1", r->events_before, time);
}

static struct error *repeat_version(struct repeating *r, const struct entry *entry)
{
	struct history_version version = entry->version;

	version.function = r->rows[entry->function];
	if (entry->what == BUILT)
		return history_add_built(r->to, &version);
	/* It gets the next number. */
	struct error *e = stand_in_reserve(r->to, version.function, version.number - 1);
	return e ? e : history_add(r->to, &version, 1);
}

/* What it took back may have been let go. */
static int64_t subject_of(const struct repeating *r, const struct entry *entry)
{
	for (size_t i = 0; entry->subject && i < r->recent->count; i++)
		if (r->recent->entries[i].what == CHANGE && r->recent->entries[i].id == entry->subject)
			return r->changes[i];
	return 0;
}

static struct error *repeat_change(struct repeating *r, const struct entry *entry, int64_t *id)
{
	struct history_move *moves = calloc(entry->move_count + 1, sizeof(*moves));
	enum history_kind kind = entry->kind;
	int64_t subject = subject_of(r, entry);
	struct error *e = moves ? NULL : error_memory();

	if (!subject && (kind == HISTORY_UNDO || kind == HISTORY_REDO))
		kind = HISTORY_ROLLBACK;
	for (size_t i = 0; i < entry->move_count && !e; i++) {
		moves[i] = entry->moves[i];
		moves[i].function = r->rows[entry->moves[i].function];
		/* An earlier run's version has its number all the same. */
		e = stand_in_reserve(r->to, moves[i].function, moves[i].to);
	}
	if (!e)
		e = history_record(r->to, kind, entry->user, subject, moves, entry->move_count, id);
	free(moves);
	return e;
}

static struct error *repeat_entry(struct repeating *r, size_t i)
{
	const struct entry *entry = &r->recent->entries[i];
	struct error *e = mark(r);

	if (!e && entry->what == CHANGE)
		e = repeat_change(r, entry, &r->changes[i]);
	else if (!e && entry->what == EVENT)
		e = history_event(r->to, entry->event_kind,
				  entry->function == NO_FUNCTION ? 0 : r->rows[entry->function],
				  entry->number, entry->user, entry->detail);
	else if (!e)
		e = repeat_version(r, entry);
	return e ? e : set_times(r, entry->time);
}

static struct error *add_functions(struct repeating *r)
{
	struct error *e = NULL;

	for (size_t i = 0; i < r->recent->function_count && !e; i++) {
		const struct known *f = &r->recent->functions[i];
		e = history_function_id(r->to, &(struct history_function){f->module, f->file, f->name},
					&r->rows[i]);
	}
	return e;
}

struct error *recent_repeat(const struct history *from, struct history *to)
{
	static const struct recent nothing;
	struct repeating r = {.recent = from->recent ? from->recent : &nothing, .to = to};

	r.rows = calloc(r.recent->function_count + 1, sizeof(*r.rows));
	r.changes = calloc(r.recent->count + 1, sizeof(*r.changes));
	struct error *e = r.rows && r.changes ? add_functions(&r) : error_memory();
	for (size_t i = 0; i < r.recent->count && !e; i++)
		e = repeat_entry(&r, i);
	free(r.rows);
	free(r.changes);
	return e;
}
