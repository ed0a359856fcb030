#include "recent.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 16 << 20 };

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

/* One behind the other in a log, since each redefinition has several. Behind the moves stand its strings, each with its NUL:
 *
 *   RECENT_VERSION   text  slice hash
 *   RECENT_CHANGE    user
 *   RECENT_EVENT     kind  user  detail, "" if there is none
 */
struct entry {
	int64_t time;
	uint32_t size;     /* bytes, with what stands behind it, a multiple of its alignment */
	uint32_t function; /* RECENT_NO_FUNCTION of a change, and of an event without one */
	uint16_t what;     /* enum recent_what */
	uint16_t kind;     /* of a change, enum history_kind; of an event, whether it has a detail */
	uint32_t move_count;
	int number; /* of a version; of an event */
	union {
		struct { /* of a version */
			int parent, line;
			struct making *making;
		};
		struct { /* of a change: as in recent_entry */
			int64_t id, subject;
		};
	};
	struct recent_move moves[];
};

struct known {
	int64_t row; /* in the handle's history, 0: not looked up */
	char *module, *file, *name;
};

struct recent {
	char *log;           /* of entries, with room for BYTES_MAX; NULL: none was kept yet */
	size_t used;         /* bytes of it */
	size_t count;        /* entries */
	struct entry *last;  /* NULL: it was forgotten, or none was kept */
	struct making *made; /* the newest, NULL if no entry has it any more */
	size_t made_bytes;   /* what all makings take */
	struct known *functions;
	size_t function_count;
};

static const char *or_empty(const char *string)
{
	return string ? string : "";
}

static const char *common_string(const struct history_version *v, size_t i)
{
	const char *string;

	memcpy(&string, (const char *)v + common[i], sizeof(string));
	return or_empty(string);
}

static char *strings_of(const struct entry *entry)
{
	return (char *)&entry->moves[entry->move_count];
}

static const char *string_at(const struct entry *entry, size_t i)
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

/* --- functions ---------------------------------------------------------------------------------------------------- */

static bool same_function(const struct known *f, const struct history_function *key)
{
	return strcmp(f->name, key->name) == 0 && strcmp(f->file, key->file) == 0 &&
	       strcmp(f->module, key->module) == 0;
}

uint32_t recent_find(const struct recent *r, int64_t row)
{
	for (size_t i = r->function_count; i-- > 0;)
		if (r->functions[i].row == row)
			return (uint32_t)i;
	return RECENT_NO_FUNCTION;
}

static void known_fini(struct known *f)
{
	free(f->module);
	free(f->file);
	free(f->name);
}

uint32_t recent_take(struct recent *r, int64_t row, const struct history_function *key)
{
	for (size_t i = 0; i < r->function_count; i++) {
		if (same_function(&r->functions[i], key)) {
			r->functions[i].row = row;
			return (uint32_t)i;
		}
	}
	struct known *more = reallocarray(r->functions, r->function_count + 1, sizeof(*more));
	if (!more)
		return RECENT_NO_FUNCTION;
	r->functions = more;
	struct known *f = &more[r->function_count];
	*f = (struct known){row, strdup(key->module), strdup(key->file), strdup(key->name)};
	if (f->module && f->file && f->name)
		return (uint32_t)r->function_count++;
	known_fini(f);
	return RECENT_NO_FUNCTION;
}

size_t recent_functions(const struct recent *r)
{
	return r->function_count;
}

struct history_function recent_function(const struct recent *r, uint32_t function)
{
	const struct known *f = &r->functions[function];

	return (struct history_function){f->module, f->file, f->name};
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

struct recent *recent_new(void)
{
	return calloc(1, sizeof(struct recent));
}

static void entry_fini(struct recent *r, struct entry *entry)
{
	if (entry->what == RECENT_VERSION)
		making_release(r, entry->making);
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	for (struct entry *entry = NULL; (entry = entry_next(r, entry));)
		entry_fini(r, entry);
	for (size_t i = 0; i < r->function_count; i++)
		known_fini(&r->functions[i]);
	free(r->log);
	free(r->functions);
	free(r);
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

/* The log is as large as it may become from the start on: pages that nothing was written to take no memory, and a larger one in
 * the place of the old one would leave that behind. */
static bool make_room(struct recent *r, size_t size)
{
	while (r->used && r->used + r->made_bytes + size > BYTES_MAX)
		let_go(r);
	if (!r->log)
		r->log = malloc(BYTES_MAX);
	return r->log;
}

/* One more at the end, after `head`, with copies of these moves and strings; false where memory runs out, or it is too large. */
static bool keep(struct recent *r, const struct entry *head, const struct recent_move *moves,
		 const char *const *strings, size_t count)
{
	size_t size = sizeof(*head) + head->move_count * sizeof(head->moves[0]);

	for (size_t i = 0; i < count; i++)
		size += strlen(strings[i]) + 1;
	size = (size + _Alignof(struct entry) - 1) / _Alignof(struct entry) * _Alignof(struct entry);
	if (size > BYTES_MAX || !make_room(r, size))
		return false;

	r->last = entry_at(r, r->used);
	r->used += size;
	r->count++;
	*r->last = *head;
	r->last->size = (uint32_t)size;
	if (head->move_count)
		memcpy(r->last->moves, moves, head->move_count * sizeof(*moves));
	char *at = strings_of(r->last);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, strings[i]) + 1;
	return true;
}

static void add_version(struct recent *r, struct entry *head, const struct history_version *v)
{
	const char *strings[] = {or_empty(v->text), or_empty(v->slice_hash)};

	head->number = v->number;
	head->parent = v->parent;
	head->line = v->line;
	head->making = making_of(r, v);
	if (head->making && !keep(r, head, NULL, strings, 2))
		making_release(r, head->making);
}

void recent_add(struct recent *r, const struct recent_entry *entry)
{
	struct entry head = {.what = (uint16_t)entry->what, .time = entry->time, .function = entry->function};

	switch (entry->what) {
	case RECENT_VERSION:
		add_version(r, &head, &entry->version);
		break;
	case RECENT_CHANGE:
		head.kind = (uint16_t)entry->change.kind;
		head.move_count = (uint32_t)entry->change.count;
		head.id = entry->change.id;
		head.subject = entry->change.subject;
		keep(r, &head, entry->change.moves, (const char *[]){or_empty(entry->change.user)}, 1);
		break;
	case RECENT_EVENT:
		head.kind = entry->event.detail != NULL;
		head.number = entry->event.number;
		keep(r, &head, NULL,
		     (const char *[]){entry->event.kind, or_empty(entry->event.user),
				      or_empty(entry->event.detail)},
		     3);
		break;
	}
}

static struct history_version version_of(const struct entry *entry)
{
	struct history_version version = {
		.number = entry->number,
		.parent = entry->parent,
		.line = entry->line,
		.text = string_at(entry, 0),
		.slice_hash = string_at(entry, 1),
	};

	for (size_t i = 0; i < COMMON; i++)
		memcpy((char *)&version + common[i], &entry->making->strings[i], sizeof(char *));
	return version;
}

bool recent_next(const struct recent *r, size_t *at, struct recent_entry *out)
{
	if (*at >= r->used)
		return false;

	const struct entry *entry = entry_at(r, *at);
	*at += entry->size;
	*out = (struct recent_entry){
		.what = (enum recent_what)entry->what, .time = entry->time, .function = entry->function};
	switch (out->what) {
	case RECENT_VERSION:
		out->version = version_of(entry);
		break;
	case RECENT_CHANGE:
		out->change.kind = (enum history_kind)entry->kind;
		out->change.user = string_at(entry, 0);
		out->change.id = entry->id;
		out->change.subject = entry->subject;
		out->change.moves = entry->moves;
		out->change.count = entry->move_count;
		break;
	case RECENT_EVENT:
		out->event.kind = string_at(entry, 0);
		out->event.user = string_at(entry, 1);
		out->event.detail = entry->kind ? string_at(entry, 2) : NULL;
		out->event.number = entry->number;
		break;
	}
	return true;
}

size_t recent_count(const struct recent *r)
{
	return r->count;
}

void recent_forget(struct recent *r, int64_t change)
{
	if (!r->last || r->last->what != RECENT_CHANGE || r->last->id != change)
		return;
	r->used -= r->last->size;
	r->count--;
	r->last = NULL;
}

bool recent_last_move(const struct recent *r, int64_t *function, int *number)
{
	const struct entry *change = NULL;

	for (const struct entry *entry = NULL; (entry = entry_next(r, entry));)
		if (entry->what == RECENT_CHANGE)
			change = entry;
	if (!change)
		return false;
	*function = r->functions[change->moves[0].function].row;
	*number = change->moves[0].to;
	return change->id && *function;
}

void recent_forget_rows(struct recent *r)
{
	for (size_t i = 0; i < r->function_count; i++)
		r->functions[i].row = 0;
	for (struct entry *entry = NULL; (entry = entry_next(r, entry));)
		if (entry->what == RECENT_CHANGE)
			entry->id = entry->subject = 0;
}

void recent_renumber(struct recent *r, const struct history_function *key, int from, int to)
{
	for (struct entry *entry = NULL; (entry = entry_next(r, entry));) {
		for (size_t k = 0; k < entry->move_count; k++) {
			struct recent_move *move = &entry->moves[k];
			if (!same_function(&r->functions[move->function], key))
				continue;
			move->from = move->from == from ? to : move->from;
			move->to = move->to == from ? to : move->to;
		}
		if (entry->function != RECENT_NO_FUNCTION &&
		    same_function(&r->functions[entry->function], key))
			entry->number = entry->number == from ? to : entry->number;
	}
}
