#include "recent.h"
#include "database.h"
#include "stand_in.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 16 << 20 };

enum what { BUILT, VERSION, CHANGE, EVENT };

/* What one version's strings have in common with the next one's, mostly: how it was made. Those of an entry point to it. */
struct making {
	size_t uses;
	char *strings[];
};

/* The strings of a version that a making has, and those that the version has for itself. */
static const size_t common[] = {
	offsetof(struct history_version, backend), offsetof(struct history_version, compiler),
	offsetof(struct history_version, flags),   offsetof(struct history_version, origin),
	offsetof(struct history_version, user),    offsetof(struct history_version, note),
	offsetof(struct history_version, file),
};

enum { COMMON = sizeof(common) / sizeof(common[0]) };

struct move {
	uint32_t function; /* which of the functions */
	int from, to;
};

/* One behind the other in a log, since each redefinition has several. Behind the moves stand its strings, each with its NUL:
 *
 *   BUILT, VERSION   text  slice hash
 *   CHANGE           user
 *   EVENT            kind  user  detail, "" if there is none
 */
struct entry {
	int64_t time;      /* milliseconds since 1970 */
	uint32_t size;     /* bytes, with what stands behind it, a multiple of its alignment */
	uint32_t function; /* which of the functions; of a change, and of an event without one, NO_FUNCTION */
	uint16_t what;     /* enum what */
	uint16_t kind;     /* of a change, enum history_kind; of an event, whether it has a detail */
	uint32_t move_count;
	int number; /* of a version; of an event */
	union {
		struct { /* of a version */
			int parent, line;
			struct making *making;
		};
		struct { /* of a change: row ids, 0 for none, or one that is not known any more */
			int64_t id, subject;
		};
	};
	struct move moves[];
};

struct known {
	int64_t row; /* in the handle's history, 0: not looked up */
	char *module, *file, *name;
};

struct recent {
	char *log;           /* of entries */
	size_t used, room;   /* bytes of it */
	size_t count;        /* entries */
	struct entry *last;  /* NULL: it was forgotten, or none was kept */
	struct making *made; /* the newest, NULL if no entry has it any more */
	size_t made_bytes;   /* what all makings take */
	struct known *functions;
	size_t function_count;
};

static const uint32_t NO_FUNCTION = UINT32_MAX;

static const char *common_string(const struct history_version *v, size_t i)
{
	const char *string;

	memcpy(&string, (const char *)v + common[i], sizeof(string));
	return string ? string : "";
}

static bool is_version(const struct entry *entry)
{
	return entry->what == BUILT || entry->what == VERSION;
}

static char *strings_of(struct entry *entry)
{
	return (char *)&entry->moves[entry->move_count];
}

static const char *string_at(struct entry *entry, size_t i)
{
	const char *at = strings_of(entry);

	while (i--)
		at += strlen(at) + 1;
	return at;
}

/* The one that begins at an offset. */
static struct entry *entry_at(const struct recent *r, size_t offset)
{
	return (struct entry *)(void *)(r->log + offset);
}

/* The one behind it, the first one behind NULL; NULL: there is none. */
static struct entry *entry_next(const struct recent *r, const struct entry *entry)
{
	size_t offset = entry ? (size_t)((const char *)entry - r->log) + entry->size : 0;

	return offset < r->used ? entry_at(r, offset) : NULL;
}

/* --- how versions were made ---------------------------------------------------------------------------------------- */

static size_t making_bytes(const struct making *making)
{
	size_t bytes = sizeof(*making) + COMMON * sizeof(making->strings[0]);

	for (size_t i = 0; i < COMMON; i++)
		bytes += strlen(making->strings[i]) + 1;
	return bytes;
}

static void making_free(struct making *making)
{
	for (size_t i = 0; i < COMMON; i++)
		free(making->strings[i]);
	free(making);
}

static void making_release(struct recent *r, struct making *making)
{
	if (--making->uses)
		return;
	if (r->made == making)
		r->made = NULL;
	r->made_bytes -= making_bytes(making);
	making_free(making);
}

static struct making *making_new(const struct history_version *v)
{
	struct making *making = calloc(1, sizeof(*making) + COMMON * sizeof(making->strings[0]));
	bool whole = making;

	for (size_t i = 0; i < COMMON && whole; i++) {
		making->strings[i] = strdup(common_string(v, i));
		whole = making->strings[i] != NULL;
	}
	if (whole)
		return making;
	if (making)
		making_free(making);
	return NULL;
}

static bool made_so(const struct making *making, const struct history_version *v)
{
	for (size_t i = 0; i < COMMON; i++)
		if (strcmp(making->strings[i], common_string(v, i)) != 0)
			return false;
	return true;
}

/* How this version was made, with one use more; NULL where memory runs out. */
static struct making *making_of(struct recent *r, const struct history_version *v)
{
	if (!r->made || !made_so(r->made, v)) {
		struct making *making = making_new(v);
		if (!making)
			return NULL;
		r->made_bytes += making_bytes(making);
		r->made = making;
	}
	r->made->uses++;
	return r->made;
}

/* --- keeping ----------------------------------------------------------------------------------------------------- */

static void entry_fini(struct recent *r, struct entry *entry)
{
	if (is_version(entry))
		making_release(r, entry->making);
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	for (struct entry *entry = NULL; (entry = entry_next(r, entry));)
		entry_fini(r, entry);
	for (size_t i = 0; i < r->function_count; i++) {
		free(r->functions[i].module);
		free(r->functions[i].file);
		free(r->functions[i].name);
	}
	free(r->log);
	free(r->functions);
	free(r);
}

static struct recent *recent_of(struct history *h)
{
	if (!h->recent)
		h->recent = calloc(1, sizeof(*h->recent));
	return h->recent;
}

/* The oldest quarter, and one. */
static void let_go(struct recent *r)
{
	size_t gone = 0;

	while (gone <= r->used / 4) {
		struct entry *oldest = entry_at(r, gone);
		gone += oldest->size;
		entry_fini(r, oldest);
		r->count--;
	}
	r->used -= gone;
	r->last = NULL;
	memmove(r->log, r->log + gone, r->used);
}

static bool make_room(struct recent *r, size_t size)
{
	while (r->used && r->used + r->made_bytes + size > BYTES_MAX)
		let_go(r);
	if (r->room - r->used >= size)
		return true;

	size_t room = r->room * 2 > r->used + size ? r->room * 2 : r->used + size;
	char *more = realloc(r->log, room);
	if (!more)
		return false;
	r->log = more;
	r->room = room;
	return true;
}

/* One more at the end, after `head`, its moves not set yet, with copies of these strings; NULL where memory runs out, or it is too
 * large. */
static struct entry *keep(struct recent *r, const struct entry *head, const char *const *strings,
			  size_t count)
{
	size_t size = sizeof(*head) + head->move_count * sizeof(head->moves[0]);

	for (size_t i = 0; i < count; i++)
		size += strlen(strings[i]) + 1;
	size = (size + _Alignof(struct entry) - 1) / _Alignof(struct entry) * _Alignof(struct entry);
	if (size > BYTES_MAX || !make_room(r, size))
		return NULL;

	r->last = entry_at(r, r->used);
	r->used += size;
	r->count++;
	*r->last = *head;
	r->last->size = (uint32_t)size;
	char *at = strings_of(r->last);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, strings[i]) + 1;
	return r->last;
}

static void forget_last(struct recent *r)
{
	r->used -= r->last->size;
	r->count--;
	entry_fini(r, r->last);
	r->last = NULL;
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

static bool same_function(const struct known *f, const struct history_function *key)
{
	return strcmp(f->name, key->name) == 0 && strcmp(f->file, key->file) == 0 &&
	       strcmp(f->module, key->module) == 0;
}

/* Which of the functions it is, taken up if need be; NO_FUNCTION where memory runs out. */
static uint32_t take_function(struct recent *r, int64_t row, const struct history_function *key)
{
	for (size_t i = 0; i < r->function_count; i++) {
		if (same_function(&r->functions[i], key)) {
			r->functions[i].row = row;
			return (uint32_t)i;
		}
	}
	struct known *more = reallocarray(r->functions, r->function_count + 1, sizeof(*more));
	if (!more)
		return NO_FUNCTION;
	r->functions = more;
	struct known *f = &more[r->function_count];
	*f = (struct known){row, strdup(key->module), strdup(key->file), strdup(key->name)};
	if (f->module && f->file && f->name)
		return (uint32_t)r->function_count++;
	free(f->module);
	free(f->file);
	free(f->name);
	return NO_FUNCTION;
}

static uint32_t find_function(struct history *h, struct recent *r, int64_t row)
{
	sqlite3_stmt *statement;
	uint32_t which = NO_FUNCTION;
	bool found = false;

	for (size_t i = r->function_count; i-- > 0;)
		if (r->functions[i].row == row)
			return (uint32_t)i;
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
	struct entry head = {.what = v->number ? VERSION : BUILT,
			     .number = v->number,
			     .parent = v->parent,
			     .line = v->line};
	const char *strings[] = {v->text ? v->text : "", v->slice_hash ? v->slice_hash : ""};

	if (!r || !get_time(h, VERSION_TIME, v->id, &head.time))
		return;
	head.function = find_function(h, r, v->function);
	head.making = head.function == NO_FUNCTION ? NULL : making_of(r, v);
	if (head.making && !keep(r, &head, strings, 2))
		making_release(r, head.making);
}

void recent_change(struct history *h, enum history_kind kind, const char *user, int64_t subject,
		   const struct history_move *moves, size_t count, int64_t id)
{
	struct recent *r = recent_of(h);
	struct entry head = {.what = CHANGE,
			     .kind = (uint16_t)kind,
			     .function = NO_FUNCTION,
			     .move_count = (uint32_t)count,
			     .id = id,
			     .subject = subject};

	if (!r || !get_time(h, CHANGE_TIME, id, &head.time))
		return;
	struct entry *entry = keep(r, &head, (const char *[]){user ? user : ""}, 1);
	for (size_t i = 0; i < count && entry; i++) {
		uint32_t function = find_function(h, r, moves[i].function);
		entry->moves[i] = (struct move){function, moves[i].from, moves[i].to};
		if (function == NO_FUNCTION) {
			forget_last(r);
			return;
		}
	}
}

void recent_forget(struct history *h, int64_t change)
{
	struct recent *r = h->recent;

	if (r && r->last && r->last->what == CHANGE && r->last->id == change)
		forget_last(r);
}

void recent_event(struct history *h, const char *kind, int64_t function, int number, const char *user,
		  const char *detail, int64_t id)
{
	struct recent *r = recent_of(h);
	struct entry head = {
		.what = EVENT, .kind = detail != NULL, .number = number, .function = NO_FUNCTION};
	const char *strings[] = {kind, user ? user : "", detail ? detail : ""};

	if (!r || !get_time(h, EVENT_TIME, id, &head.time))
		return;
	if (function)
		head.function = find_function(h, r, function);
	if (head.function != NO_FUNCTION || !function)
		keep(r, &head, strings, 3);
}

bool recent_last_move(const struct history *h, int64_t *function, int *number)
{
	const struct recent *r = h->recent;
	const struct entry *change = NULL;

	for (const struct entry *entry = NULL; r && (entry = entry_next(r, entry));)
		if (entry->what == CHANGE)
			change = entry;
	if (!change)
		return false;
	*function = r->functions[change->moves[0].function].row;
	*number = change->moves[0].to;
	return change->id && *function;
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
	for (struct entry *entry = NULL; (entry = entry_next(r, entry));)
		if (entry->what == CHANGE)
			entry->id = entry->subject = 0;
}

void recent_renumber(struct history *h, const struct history_function *key, int from, int to)
{
	struct recent *r = h->recent;

	for (struct entry *entry = NULL; r && (entry = entry_next(r, entry));) {
		for (size_t k = 0; k < entry->move_count; k++) {
			struct move *move = &entry->moves[k];
			if (!same_function(&r->functions[move->function], key))
				continue;
			move->from = move->from == from ? to : move->from;
			move->to = move->to == from ? to : move->to;
		}
		if (entry->function != NO_FUNCTION && same_function(&r->functions[entry->function], key))
			entry->number = entry->number == from ? to : entry->number;
	}
}

/* --- once more ---------------------------------------------------------------------------------------------------- */

/* Where a row of each kind comes to lie, and what was there before. */
struct repeating {
	const struct recent *recent;
	struct history *to;
	int64_t *rows;    /* of the functions */
	int64_t *changes; /* of the entries that are changes, by their place */
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

static struct error *repeat_version(struct repeating *r, struct entry *entry)
{
	struct history_version version = {
		.function = r->rows[entry->function],
		.number = entry->number,
		.parent = entry->parent,
		.line = entry->line,
		.text = string_at(entry, 0),
		.slice_hash = string_at(entry, 1),
	};

	for (size_t i = 0; i < COMMON; i++)
		memcpy((char *)&version + common[i], &entry->making->strings[i], sizeof(char *));
	if (entry->what == BUILT)
		return history_add_built(r->to, &version);
	/* It gets the next number. */
	struct error *e = stand_in_reserve(r->to, version.function, version.number - 1);
	return e ? e : history_add(r->to, &version, 1);
}

/* What it took back may have been let go. */
static int64_t subject_of(const struct repeating *r, const struct entry *change)
{
	size_t i = 0;

	for (const struct entry *entry = NULL; change->subject && (entry = entry_next(r->recent, entry)); i++)
		if (entry->what == CHANGE && entry->id == change->subject)
			return r->changes[i];
	return 0;
}

static struct error *repeat_change(struct repeating *r, struct entry *entry, int64_t *id)
{
	struct history_move *moves = calloc(entry->move_count + 1, sizeof(*moves));
	enum history_kind kind = (enum history_kind)entry->kind;
	int64_t subject = subject_of(r, entry);
	struct error *e = moves ? NULL : error_memory();

	if (!subject && (kind == HISTORY_UNDO || kind == HISTORY_REDO))
		kind = HISTORY_ROLLBACK;
	for (size_t i = 0; i < entry->move_count && !e; i++) {
		const struct move *move = &entry->moves[i];
		moves[i] = (struct history_move){r->rows[move->function], move->from, move->to};
		/* An earlier run's version has its number all the same. */
		e = stand_in_reserve(r->to, moves[i].function, moves[i].to);
	}
	if (!e)
		e = history_record(r->to, kind, string_at(entry, 0), subject, moves, entry->move_count, id);
	free(moves);
	return e;
}

static struct error *repeat_event(struct repeating *r, struct entry *entry)
{
	return history_event(r->to, string_at(entry, 0),
			     entry->function == NO_FUNCTION ? 0 : r->rows[entry->function], entry->number,
			     string_at(entry, 1), entry->kind ? string_at(entry, 2) : NULL);
}

/* The place-th one. */
static struct error *repeat_entry(struct repeating *r, struct entry *entry, size_t place)
{
	struct error *e = mark(r);

	if (!e && entry->what == CHANGE)
		e = repeat_change(r, entry, &r->changes[place]);
	else if (!e && entry->what == EVENT)
		e = repeat_event(r, entry);
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
	size_t place = 0;
	for (struct entry *entry = NULL; !e && (entry = entry_next(r.recent, entry)); place++)
		e = repeat_entry(&r, entry, place);
	free(r.rows);
	free(r.changes);
	return e;
}
