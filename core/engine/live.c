#include "live.h"
#include "edit.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <sys/stat.h>
#include <unistd.h>

/* A variable that a version added to the program: the versions after it find it here. */
struct variable {
	const struct live_function *owner;
	char *name;
	unsigned nth;
	uint64_t address, size;
	bool file_scope; /* declared outside the function, so that other functions of the unit share it */
};

struct live {
	struct program *program;
	struct target *target;
	struct sources *sources;
	struct check *check;
	struct history *history;
	struct build_host host;
	char *warning;
	struct live_function **functions; /* by file, then line */
	size_t count;
	struct live_function **by_name; /* the same, by name */
	struct variable *variables;
	size_t variable_count, variable_room;
	size_t read_ahead; /* functions before this one have been seen */
};

/* Stands in the arena before each version's code, so that an engine that starts anew knows what the slots point to:
 *
 *      ┌──────┬───────────────────┬──────────────────────────────────┐
 *      │ note │ code, constants   │ the variables it added (if any)  │  … the next note, 16-aligned
 *      └──────┴───────────────────┴──────────────────────────────────┘
 */
struct note {
	uint32_t magic;
	uint32_t size; /* to the next note */
	uint32_t slot;
	int32_t number; /* of the version; -1: never stored */
	uint64_t entry;
	uint32_t entry_size;
	uint32_t variables_offset, variable_count;
	uint32_t reserved[3];
};

/* Followed by the name, NUL-terminated, padded to 8 bytes. */
struct note_variable {
	uint64_t address, size;
	uint32_t nth, file_scope;
};

enum { NOTE_MAGIC = 0x65746f6e, NOTE_ALIGN = 16 }; /* "note" */

_Static_assert(sizeof(struct note) % NOTE_ALIGN == 0, "code behind a note must stay aligned");

static size_t aligned(size_t size)
{
	return (size + NOTE_ALIGN - 1) & ~(size_t)(NOTE_ALIGN - 1);
}

/* --- looking up ------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct live_function *x = *(struct live_function *const *)a, *y = *(struct live_function *const *)b;

	return strcmp(x->at.name, y->at.name);
}

static int by_place(const void *a, const void *b)
{
	const struct live_function *x = *(struct live_function *const *)a, *y = *(struct live_function *const *)b;
	int files = strcmp(x->at.file ? x->at.file : "", y->at.file ? y->at.file : "");

	if (files)
		return files;
	return x->at.line != y->at.line ? (x->at.line < y->at.line ? -1 : 1) : strcmp(x->at.name, y->at.name);
}

/* First of the functions with that name in live->by_name; `*count` of them stand in a row. */
static size_t find_name(const struct live *l, const char *name, size_t *count)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(l->by_name[middle]->at.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < l->count && strcmp(l->by_name[low + *count]->at.name, name) == 0)
		++*count;
	return low;
}

/* Whether `file` is the path, or the end of it after a slash. */
static bool is_file(const char *path, const char *file)
{
	size_t n = strlen(path), m = strlen(file);

	return n >= m && strcmp(path + n - m, file) == 0 && (n == m || path[n - m - 1] == '/' || *file == '/');
}

struct undecorated {
	const char *name;
	bool found;
	char file[256];
	unsigned line;
};

static bool match_undecorated(void *context, const struct target_function *f)
{
	struct undecorated *u = context;

	if (strcmp(f->name, u->name) != 0)
		return true;
	u->found = true;
	snprintf(u->file, sizeof(u->file), "%s", f->file ? f->file : "");
	u->line = f->line;
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static struct error *explain_unknown(const struct live *l, const char *name, const char *file)
{
	struct undecorated u = {.name = name};
	const char *near = NULL;
	size_t least = 3, count;

	if (file && (find_name(l, name, &count), count))
		return error_new(ERROR_UNKNOWN, "%s has no decorated function %s", file, name);
	target_each_function(l->target, match_undecorated, &u);
	if (u.found)
		return error_new(ERROR_UNKNOWN,
				 "%s (%s:%u) is not decorated: put REALTIMEFUNC before it, or compile its file with "
				 "-fpatchable-function-entry=16",
				 name, base_name(u.file), u.line);
	for (size_t i = 0; i < l->count; i++) {
		size_t d = text_distance(name, l->by_name[i]->at.name);
		if (d < least && d < strlen(name)) {
			least = d;
			near = l->by_name[i]->at.name;
		}
	}
	if (near)
		return error_new(ERROR_UNKNOWN, "the program has no function %s: did you mean %s?", name, near);
	if (l->count == 0)
		return error_new(ERROR_UNKNOWN, "the program has no decorated function: put REALTIMEFUNC before one, or "
						"compile with -fpatchable-function-entry=16");
	return error_new(ERROR_UNKNOWN, "the program has no function %s", name);
}

struct error *live_find(const struct live *l, const char *name, const char *file, struct live_function **out)
{
	char prefix[512];
	size_t count, matches = 0;
	struct live_function *found = NULL;

	const char *colon = strrchr(name, ':');
	if (colon) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(colon - name), name);
		file = prefix;
		name = colon + 1;
	}
	size_t first = find_name(l, name, &count);
	for (size_t i = first; i < first + count; i++) {
		struct live_function *f = l->by_name[i];
		if (file && count > 1 && !(f->at.file && is_file(f->at.file, file)))
			continue;
		if (colon && count == 1 && !(f->at.file && is_file(f->at.file, file)))
			continue;
		found = f;
		matches++;
	}
	if (matches == 1) {
		*out = found;
		return NULL;
	}
	if (matches == 0)
		return explain_unknown(l, name, file);

	struct text candidates = {0};
	for (size_t i = first; i < first + count; i++)
		text_printf(&candidates, "%s%s:%s", i > first ? ", " : "", base_name(l->by_name[i]->at.file), name);
	struct error *e = error_new(ERROR_AMBIGUOUS, "%s is ambiguous: %s", name, candidates.bytes ? candidates.bytes : "");
	text_fini(&candidates);
	return e;
}

/* --- what builds ask ------------------------------------------------------------------------------------------- */

static bool entry_of(void *context, const struct target_unit *unit, const char *name, uint64_t *entry)
{
	const struct live *l = context;
	const struct live_function *other = NULL;
	size_t count, first = find_name(l, name, &count);

	for (size_t i = first; i < first + count; i++) {
		const struct live_function *f = l->by_name[i];
		if (f->at.unit == unit) {
			*entry = f->at.entry;
			return true;
		}
		if (f->at.external)
			other = f;
	}
	if (!other)
		return false;
	*entry = other->at.entry;
	return true;
}

static bool variable_of(void *context, const struct target_unit *unit, const char *function, const char *name, unsigned nth,
			uint64_t *address, uint64_t *size)
{
	const struct live *l = context;

	for (size_t i = 0; i < l->variable_count; i++) {
		const struct variable *v = &l->variables[i];
		if (v->owner->at.unit != unit || v->nth != nth || strcmp(v->name, name) != 0)
			continue;
		if (function ? v->file_scope || strcmp(v->owner->at.name, function) != 0 : !v->file_scope)
			continue;
		*address = v->address;
		*size = v->size;
		return true;
	}
	return false;
}

static bool keep_variable(struct live *l, const struct live_function *owner, const char *name, unsigned nth,
			  uint64_t address, uint64_t size, bool file_scope)
{
	if (l->variable_count == l->variable_room) {
		size_t room = l->variable_room ? l->variable_room * 2 : 16;
		void *more = realloc(l->variables, room * sizeof(*l->variables));
		if (!more)
			return false;
		l->variables = more;
		l->variable_room = room;
	}
	char *copy = strdup(name);
	if (!copy)
		return false;
	l->variables[l->variable_count++] = (struct variable){owner, copy, nth, address, size, file_scope};
	return true;
}

/* --- versions in memory ---------------------------------------------------------------------------------------- */

static bool keep_version(struct live_function *f, int number, uint64_t entry, uint32_t size)
{
	void *more = f->in_memory;

	/* Room for a power of two of them: grow when the count is one. */
	if ((f->in_memory_count & (f->in_memory_count - 1)) == 0)
		more = realloc(f->in_memory, (f->in_memory_count ? f->in_memory_count * 2 : 1) * sizeof(*f->in_memory));
	if (!more)
		return false;
	f->in_memory = more;
	f->in_memory[f->in_memory_count++] = (struct live_version){number, entry, size};
	return true;
}

static const struct live_version *find_version(const struct live_function *f, int number)
{
	for (size_t i = f->in_memory_count; i-- > 0;)
		if (f->in_memory[i].number == number)
			return &f->in_memory[i];
	return NULL;
}

static struct live_function *by_slot(const struct live *l, uint32_t arena, uint32_t slot)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->functions[i]->arena == arena && l->functions[i]->slot == slot)
			return l->functions[i];
	return NULL;
}

static void read_note_variables(struct live *l, const struct live_function *f, const unsigned char *note_at,
				const struct note *n)
{
	size_t at = n->variables_offset;

	for (uint32_t i = 0; i < n->variable_count; i++) {
		struct note_variable v;
		if (at + sizeof(v) > n->size)
			return;
		memcpy(&v, note_at + at, sizeof(v));
		const char *name = (const char *)note_at + at + sizeof(v);
		size_t length = strnlen(name, n->size - at - sizeof(v));
		if (at + sizeof(v) + length >= n->size)
			return;
		keep_variable(l, f, name, v.nth, v.address, v.size, v.file_scope);
		at += sizeof(v) + ((length + 8) & ~(size_t)7);
	}
}

/* What an engine before this one put into the arena. */
static void read_notes(struct live *l, uint32_t arena)
{
	struct link_region code;

	program_code(l->program, arena, &code);
	for (size_t at = 0; at + sizeof(struct note) <= code.size;) {
		struct note n;
		memcpy(&n, code.view + at, sizeof(n));
		if (n.magic != NOTE_MAGIC || n.size < sizeof(n) || n.size % NOTE_ALIGN || n.size > code.size - at)
			return;
		struct live_function *f = by_slot(l, arena, n.slot);
		if (f && n.number >= 0) {
			keep_version(f, n.number, n.entry, n.entry_size);
			read_note_variables(l, f, code.view + at, &n);
			if (program_target(l->program, arena, n.slot) == n.entry)
				f->live = n.number;
		}
		at += n.size;
	}
}

/* --- start ----------------------------------------------------------------------------------------------------- */

static void warn(struct live *l, struct error *e)
{
	if (!l->warning)
		l->warning = strdup(error_message(e));
	program_log(l->program, LOG_WARNING, "rtf: %s", error_message(e));
	error_free(e);
}

/* proc(5): field 22 of stat, behind a command name that may hold anything. */
static int64_t start_time(pid_t pid)
{
	char path[64];
	size_t size;
	long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *stat = text_read_file(path, &size);
	const char *behind = stat ? strrchr(stat, ')') : NULL;
	if (behind)
		sscanf(behind + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &ticks);
	free(stat);
	return ticks;
}

static char *default_history(const char *program)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	uint64_t hash = text_hash(TEXT_HASH_SEED, program, strlen(program));
	int n;

	if (state && *state == '/')
		n = asprintf(&path, "%s/rtf/%s-%08x.db", state, base_name(program), (unsigned)(hash ^ hash >> 32));
	else
		n = asprintf(&path, "%s/.local/state/rtf/%s-%08x.db", home ? home : "/tmp", base_name(program),
			     (unsigned)(hash ^ hash >> 32));
	return n < 0 ? NULL : path;
}

static struct error *open_history(struct live *l)
{
	const char *program = target_program(l->target);
	struct history_process process = {.pid = program_pid(l->program),
					  .program = program,
					  .build_id = target_build_id(l->target),
					  .started = start_time(program_pid(l->program))};
	const char *given = program_history_path(l->program);

	char *path = *given ? strdup(given) : default_history(program);
	if (!path)
		return error_memory();
	struct error *e = history_open(path, &process, &l->history);
	free(path);
	if (!e)
		return NULL;
	warn(l, error_context(e, "no history is kept"));
	return history_open(":memory:", &process, &l->history);
}

static struct error *add_function(struct live *l, uint32_t arena, uint32_t slot, size_t *room)
{
	struct live_function *f = calloc(1, sizeof(*f));

	if (!f)
		return error_memory();
	f->arena = arena;
	f->slot = slot;
	f->versions = 1;
	if (!target_function_at(l->target, program_sled(l->program, arena, slot), &f->at) || !f->at.name) {
		free(f); /* nobody could name it */
		return NULL;
	}
	if (l->count == *room) {
		*room = *room ? *room * 2 : 64;
		void *more = realloc(l->functions, *room * sizeof(*l->functions));
		if (!more) {
			free(f);
			return error_memory();
		}
		l->functions = more;
	}
	l->functions[l->count++] = f;
	return NULL;
}

static struct error *find_functions(struct live *l)
{
	size_t room = 0;

	for (uint32_t arena = 0; arena < program_arena_count(l->program); arena++) {
		for (uint32_t slot = 0; slot < program_slot_count(l->program, arena); slot++) {
			struct error *e = add_function(l, arena, slot, &room);
			if (e)
				return e;
		}
	}
	l->by_name = malloc((l->count + 1) * sizeof(*l->by_name));
	if (!l->by_name)
		return error_memory();
	if (l->count) {
		qsort(l->functions, l->count, sizeof(*l->functions), by_place);
		memcpy(l->by_name, l->functions, l->count * sizeof(*l->by_name));
		qsort(l->by_name, l->count, sizeof(*l->by_name), by_name);
	}
	for (uint32_t arena = 0; arena < program_arena_count(l->program); arena++)
		read_notes(l, arena);
	return NULL;
}

static struct history_function history_key(const struct live_function *f)
{
	return (struct history_function){.module = f->at.module, .file = f->at.file ? f->at.file : "", .name = f->at.name};
}

static bool know_function(void *context, int64_t row, const struct history_function *key, int count)
{
	struct live *l = context;
	size_t n, first = find_name(l, key->name, &n);

	for (size_t i = first; i < first + n; i++) {
		struct live_function *f = l->by_name[i];
		if (strcmp(f->at.module, key->module) != 0 || strcmp(f->at.file ? f->at.file : "", key->file) != 0)
			continue;
		f->row = row;
		f->versions = count > 0 ? count : 1;
	}
	return true;
}

struct error *live_new(struct program *program, struct compiler *compiler, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return error_memory();
	l->program = program;
	const char *root = program_source_root(program);
	struct error *e = target_new(program_pid(program), *root ? root : NULL, &l->target);
	if (!e)
		e = check_new(&l->check);
	if (!e)
		e = sources_new(getenv("RTF_CFLAGS"), &l->sources);
	if (!e)
		e = find_functions(l);
	if (!e)
		e = open_history(l);
	if (!e)
		e = history_each_function(l->history, know_function, l);
	if (e) {
		live_free(l);
		return e;
	}
	l->host = (struct build_host){.program = program,
				      .target = l->target,
				      .sources = l->sources,
				      .check = l->check,
				      .compiler = compiler,
				      .context = l,
				      .entry = entry_of,
				      .variable = variable_of};
	*out = l;
	return NULL;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		free(l->functions[i]->built_text);
		free(l->functions[i]->in_memory);
		free(l->functions[i]);
	}
	for (size_t i = 0; i < l->variable_count; i++)
		free(l->variables[i].name);
	free(l->variables);
	free(l->functions);
	free(l->by_name);
	free(l->warning);
	history_close(l->history);
	sources_free(l->sources);
	check_free(l->check);
	target_free(l->target);
	free(l);
}

const char *live_warning(const struct live *l)
{
	return l->warning;
}

struct history *live_history(const struct live *l)
{
	return l->history;
}

struct target *live_target(const struct live *l)
{
	return l->target;
}

size_t live_count(const struct live *l)
{
	return l->count;
}

struct live_function *live_function(const struct live *l, size_t i)
{
	return l->functions[i];
}

struct live_function *live_by_row(const struct live *l, int64_t row)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->functions[i]->row == row)
			return l->functions[i];
	return NULL;
}

/* --- texts ----------------------------------------------------------------------------------------------------- */

struct error *live_file_text(struct live *l, const struct live_function *f, char **text, unsigned *line)
{
	struct source *source;

	struct error *e = sources_find(l->sources, f->at.unit, &source);
	return e ? e : source_function_text(source, &f->at, text, line);
}

/* Keeps what was built before the file can change: for every function of the unit, once. */
static struct error *see_unit(struct live *l, const struct target_unit *unit)
{
	struct source *source;

	struct error *e = sources_find(l->sources, unit, &source);
	if (e)
		return e;
	for (size_t i = 0; i < l->count; i++) {
		struct live_function *f = l->functions[i];
		if (f->at.unit != unit || f->built_text)
			continue;
		e = source_function_text(source, &f->at, &f->built_text, &f->built_line);
		error_free(e); /* its own file does not define it: told when somebody asks */
	}
	return NULL;
}

bool live_read_ahead(struct live *l)
{
	while (l->read_ahead < l->count) {
		struct live_function *f = l->functions[l->read_ahead++];
		if (f->built_text || !f->at.unit)
			continue;
		bool same_as_before = l->read_ahead > 1 && l->functions[l->read_ahead - 2]->at.unit == f->at.unit;
		if (same_as_before)
			continue;
		error_free(see_unit(l, f->at.unit));
		return true;
	}
	return false;
}

struct version_copy {
	char *text;
	unsigned line;
};

static void copy_version(void *context, const struct history_version *v)
{
	struct version_copy *copy = context;

	copy->text = strdup(v->text);
	copy->line = (unsigned)v->line;
}

struct error *live_version_text(struct live *l, struct live_function *f, int number, char **text, unsigned *line)
{
	struct version_copy copy = {0};

	if (f->row) {
		struct error *e = history_get(l->history, f->row, number, copy_version, &copy);
		if (!e && copy.text) {
			*text = copy.text;
			*line = copy.line;
			return NULL;
		}
		if (!e || error_class(e) != ERROR_UNKNOWN)
			return e ? e : error_memory();
		error_free(e);
	}
	if (number != 0)
		return error_new(ERROR_UNKNOWN, "%s has no version %d", f->at.name, number);
	if (!f->built_text) {
		struct error *e = see_unit(l, f->at.unit);
		if (e)
			return error_context(e, "%s", f->at.name);
	}
	if (!f->built_text)
		return error_new(ERROR_UNKNOWN, "%s is not defined in %s any more", f->at.name,
				 f->at.file ? f->at.file : "any source");
	*text = strdup(f->built_text);
	*line = f->built_line;
	return *text ? NULL : error_memory();
}

char *live_signature(struct live *l, const struct live_function *f)
{
	struct source *source;
	unsigned nth;

	struct error *e = sources_find(l->sources, f->at.unit, &source);
	if (e) {
		error_free(e);
		return NULL;
	}
	const struct index_declaration *d = source_definition(source, &f->at, &nth);
	if (!d)
		return NULL;
	struct text line = {0};
	for (uint32_t i = d->begin; i < d->body; i++) {
		const char *c = source->index->text + i;
		if (*c == '#' && (i == 0 || c[-1] == '\n'))
			i += (uint32_t)strcspn(c, "\n");
		else if (!strchr(" \t\r\n", *c))
			text_append(&line, c, 1);
		else if (line.size && line.bytes[line.size - 1] != ' ')
			text_puts(&line, " ");
	}
	while (line.size && line.bytes[line.size - 1] == ' ')
		line.bytes[--line.size] = '\0';
	return text_take(&line);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

enum live_state live_state(struct live *l, struct live_function *f)
{
	char *file_text = NULL, *live_text = NULL;
	unsigned line;

	if (f->live == 0 && !f->built_text)
		return LIVE_BUILT; /* never looked at: nothing is known against it */
	struct error *e = live_file_text(l, f, &file_text, &line);
	if (!e)
		e = live_version_text(l, f, f->live, &live_text, &line);
	bool unknown = e != NULL;
	error_free(e);
	enum live_state state = f->live ? LIVE_LIVE : LIVE_BUILT;
	if (!unknown && same_text(file_text, live_text))
		state = f->live ? LIVE_SAVED : LIVE_BUILT;
	else if (!unknown && !same_text(file_text, f->built_text))
		state = LIVE_OUT_OF_SYNC;
	free(file_text);
	free(live_text);
	return state;
}

const char *live_state_name(enum live_state state)
{
	static const char *const names[] = {"built", "live", "saved", "out-of-sync", "refused"};

	return names[state];
}

/* --- a change: several functions at once ----------------------------------------------------------------------- */

void live_outcome_fini(struct live_outcome *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->results[i].why_cc);
	free(o->results);
	check_result_fini(&o->check);
	*o = (struct live_outcome){0};
}

enum { CHANGE_ARENAS = 64 };

/* One function in a change. */
struct part {
	struct live_function *function;
	char *text;     /* what is stored */
	const char *definition; /* in the edit's text, or `text` itself */
	size_t definition_size;
	struct build_request request;
	struct build build;
	bool built;         /* build_check was called */
	size_t note_at;     /* offset of its note in the arena's free code */
	uint64_t target;    /* what its slot gets */
	int from, to;       /* versions */
};

struct change {
	struct part *parts;
	size_t count;
	char *extra;
	size_t code[CHANGE_ARENAS], data[CHANGE_ARENAS]; /* bytes taken of each arena */
};

static void change_fini(struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->parts[i].built)
			build_fini(&c->parts[i].build);
		free(c->parts[i].text);
	}
	free(c->parts);
	free(c->extra);
}

/* ERROR_COMPILE and so on from a check that found something: its findings go to the outcome. */
static struct error *refuse(struct part *p, struct live_outcome *out)
{
	struct check_result *r = &p->build.check;
	struct error *e = error_new(r->class, "%s: %s", p->function->at.name, r->message ? r->message : "refused");

	check_result_fini(&out->check);
	out->check = *r;
	*r = (struct check_result){0};
	return e;
}

static struct error *check_parts(struct live *l, struct change *c, struct live_outcome *out)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct error *e = build_check(&l->host, &p->request, &p->build);
		p->built = true;
		if (e)
			return error_context(e, "%s", p->function->at.name);
		if (p->build.check.failed)
			return refuse(p, out);
		if (p->build.check.count && !out->check.count) {
			out->check = p->build.check; /* warnings */
			p->build.check = (struct check_result){.needs_cc = out->check.needs_cc, .constants = out->check.constants};
			out->check.constants = NULL;
		}
	}
	return NULL;
}

/* Whether the object's variable stands outside the function in the text: then its unit shares it. */
static bool at_file_scope(const struct part *p, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = index_find(p->build.source->index, INDEX_ORDINARY, name, length); i != INDEX_NONE;
	     i = p->build.source->index->names[i].next)
		if (p->build.source->index->names[i].kind == NAME_VARIABLE)
			return true;
	return p->request.extra && memmem(p->request.extra, p->request.extra_size, name, length);
}

/* Writes the note before the code that was just linked and the list of variables behind it. */
static struct error *write_note(struct live *l, struct part *p, size_t *code_used)
{
	const struct link_result *r = &p->build.link;
	struct link_region code, data;

	program_regions(l->program, p->function->arena, &code, &data);
	size_t at = aligned(*code_used);
	struct note n = {.magic = NOTE_MAGIC,
			 .slot = p->function->slot,
			 .number = -1,
			 .entry = r->entry,
			 .entry_size = (uint32_t)r->entry_size,
			 .variables_offset = (uint32_t)(at - p->note_at),
			 .variable_count = (uint32_t)r->variable_count};
	for (size_t i = 0; i < r->variable_count; i++) {
		const struct link_variable *from = &r->variables[i];
		size_t length = strlen(from->name);
		struct note_variable v = {from->address, from->size, from->nth, at_file_scope(p, from->name)};
		if (at + sizeof(v) + length + 8 > code.size)
			return error_new(ERROR_INTERNAL, "the arena is full");
		memcpy(code.view + at, &v, sizeof(v));
		memcpy(code.view + at + sizeof(v), from->name, length + 1);
		at += sizeof(v) + ((length + 8) & ~(size_t)7);
	}
	*code_used = aligned(at);
	if (*code_used > code.size)
		return error_new(ERROR_INTERNAL, "the arena is full");
	n.size = (uint32_t)(*code_used - p->note_at);
	memcpy(code.view + p->note_at, &n, sizeof(n));
	return NULL;
}

static struct error *link_parts(struct live *l, struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		uint32_t arena = p->function->arena;
		p->note_at = c->code[arena];
		c->code[arena] += sizeof(struct note);
		struct error *e = build_link(&l->host, &p->build, &c->code[arena], &c->data[arena]);
		if (!e)
			e = write_note(l, p, &c->code[arena]);
		if (e)
			return error_context(e, "%s", p->function->at.name);
		p->target = p->build.link.entry;
	}
	return NULL;
}

/* What the program's copy of the function was, stored before the first edit. */
static struct error *store_built(struct live *l, struct live_function *f)
{
	struct history_function key = history_key(f);
	char *text = NULL;
	unsigned line = 0;

	if (!f->row) {
		struct error *e = history_function_id(l->history, &key, &f->row);
		if (e)
			return e;
	}
	if (!f->built_text)
		error_free(see_unit(l, f->at.unit));
	if (f->built_text) {
		text = f->built_text;
		line = f->built_line;
	}
	struct history_version built = {.function = f->row,
					.text = text ? text : "",
					.slice_hash = "",
					.compiler = f->at.unit && f->at.unit->producer ? f->at.unit->producer : "",
					.flags = "",
					.user = "",
					.note = "",
					.file = f->at.file ? f->at.file : "",
					.line = (int)line};
	return history_add_built(l->history, &built);
}

static char *join_flags(char *const *argv)
{
	struct text t = {0};

	for (char *const *word = argv; word && *word; word++)
		text_printf(&t, "%s%s", word == argv ? "" : " ", *word);
	return text_take(&t);
}

/* Gives every part its number: in the history, or, where that fails, behind the last one known. */
static struct error *store_versions(struct live *l, struct change *c, const char *origin, const char *user)
{
	struct history_version *rows = calloc(c->count, sizeof(*rows));
	char **flags = calloc(c->count, sizeof(*flags));
	struct error *e = NULL;

	if (!rows || !flags) {
		free(rows);
		free(flags);
		return error_memory();
	}
	for (size_t i = 0; i < c->count && !e; i++) {
		struct part *p = &c->parts[i];
		e = store_built(l, p->function);
		flags[i] = join_flags(p->build.source->flags.argv);
		rows[i] = (struct history_version){.function = p->function->row,
						   .parent = p->function->live,
						   .text = p->text,
						   .slice_hash = p->build.slice.hash,
						   .backend = compile_backend_name(p->build.object.backend),
						   .compiler = build_compiler(&p->build),
						   .flags = flags[i] ? flags[i] : "",
						   .origin = origin,
						   .user = user,
						   .note = "",
						   .file = p->request.file,
						   .line = (int)p->request.line};
	}
	if (!e)
		e = history_add(l->history, rows, c->count);
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		p->from = p->function->live;
		p->to = rows[i].number;
		if (e) {
			p->to = p->function->versions;
			while (find_version(p->function, p->to))
				p->to++;
		}
		free(flags[i]);
	}
	free(flags);
	free(rows);
	if (e)
		warn(l, error_context(e, "this change is not in the history"));
	return NULL;
}

static struct error *publish(struct live *l, const struct change *c)
{
	struct message_publish *slots = calloc(c->count, sizeof(*slots));

	if (!slots)
		return error_memory();
	for (size_t i = 0; i < c->count; i++)
		slots[i] = (struct message_publish){c->parts[i].function->arena, c->parts[i].function->slot, c->parts[i].target};
	struct error *e = program_publish(l->program, slots, c->count);
	free(slots);
	return e;
}

static void record(struct live *l, const struct change *c, enum history_kind kind, int64_t subject, const char *user)
{
	struct history_move *moves = calloc(c->count, sizeof(*moves));
	size_t count = 0;

	for (size_t i = 0; moves && i < c->count; i++)
		if (c->parts[i].function->row)
			moves[count++] = (struct history_move){c->parts[i].function->row, c->parts[i].from, c->parts[i].to};
	struct error *e = !moves ? error_memory() : history_record(l->history, kind, user, subject, moves, count, NULL);
	free(moves);
	if (e)
		warn(l, error_context(e, "that these versions are live is not in the history"));
}

/* From here on the arena counts what was linked, whatever becomes of it. */
static struct error *commit_parts(struct live *l, struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct link_region code, data;
		if (!p->built)
			continue;
		program_regions(l->program, p->function->arena, &code, &data);
		int32_t number = p->to;
		memcpy(code.view + p->note_at + offsetof(struct note, number), &number, sizeof(number));
		if (!keep_version(p->function, p->to, p->target, (uint32_t)p->build.link.entry_size))
			return error_memory();
		for (size_t k = 0; k < p->build.link.variable_count; k++) {
			const struct link_variable *v = &p->build.link.variables[k];
			if (!keep_variable(l, p->function, v->name, v->nth, v->address, v->size, at_file_scope(p, v->name)))
				return error_memory();
		}
	}
	for (uint32_t arena = 0; arena < program_arena_count(l->program) && arena < CHANGE_ARENAS; arena++)
		if (c->code[arena])
			program_commit(l->program, arena, c->code[arena], c->data[arena]);
	return NULL;
}

static struct error *report(struct live_outcome *out, struct change *c, int64_t start, int64_t store_us)
{
	out->results = calloc(c->count + 1, sizeof(*out->results));
	if (!out->results)
		return error_memory();
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		out->results[out->count++] = (struct live_result){
			.function = p->function,
			.version = p->to,
			.backend = p->build.object.backend,
			.why_cc = p->build.object.backend == BACKEND_CC ? p->build.why_cc : NULL,
			.latency = {.total = build_now_us() - start,
				    .check = p->build.check_us,
				    .compile = p->build.compile_us,
				    .link = p->build.link_us,
				    .store = store_us},
		};
		if (p->build.object.backend == BACKEND_CC)
			p->build.why_cc = NULL;
	}
	return NULL;
}

static void mark_live(struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct live_function *f = c->parts[i].function;
		f->live = c->parts[i].to;
	}
}

/* --- defining -------------------------------------------------------------------------------------------------- */

/* What is stored of one function: its definition, with what it needs from around it. */
static char *stored_text(const struct change *c, const char *definition, size_t size)
{
	struct text t = {0};

	if (c->extra) {
		size_t begin = strspn(c->extra, " \t\r\n"), end = strlen(c->extra);
		while (end > begin && strchr(" \t\r\n", c->extra[end - 1]))
			end--;
		text_append(&t, c->extra + begin, end - begin);
		text_puts(&t, "\n\n");
	}
	text_append(&t, definition, size);
	return text_take(&t);
}

static struct error *find_parts(struct live *l, const struct live_request *q, const struct edit *edit, struct change *c)
{
	bool *taken = calloc(edit->count + 1, sizeof(*taken));

	c->parts = calloc(edit->count + 1, sizeof(*c->parts));
	if (!taken || !c->parts) {
		free(taken);
		return error_memory();
	}
	struct error *first_unknown = NULL, *e = NULL;
	for (size_t i = 0; i < edit->count && !e; i++) {
		struct live_function *f;
		e = live_find(l, q->name ? q->name : edit->functions[i].name, q->file, &f);
		if (e && error_class(e) == ERROR_UNKNOWN) {
			/* A helper that comes along with the function that needs it, or a mistake. */
			if (!first_unknown)
				first_unknown = e;
			else
				error_free(e);
			e = NULL;
			continue;
		}
		for (size_t k = 0; !e && k < c->count; k++)
			if (c->parts[k].function == f)
				e = error_new(ERROR_USAGE, "%s is defined twice in this text", f->at.name);
		if (e)
			break;
		taken[i] = true;
		c->parts[c->count++] = (struct part){
			.function = f,
			.definition = edit->text + edit->functions[i].begin,
			.definition_size = edit->functions[i].end - edit->functions[i].begin,
			.request = {.given_line = edit->functions[i].line},
		};
	}
	if (!e && !c->count && first_unknown) {
		e = first_unknown;
		first_unknown = NULL;
	} else if (!e && !c->count) {
		e = error_new(ERROR_USAGE, "the text defines no function");
	}
	error_free(first_unknown);
	if (!e)
		c->extra = edit_rest(edit, taken);
	free(taken);
	return e;
}

/* \define NAME: the whole text defines that one function, through a macro perhaps. */
static struct error *named_part(struct live *l, const struct live_request *q, struct change *c)
{
	struct live_function *f;

	struct error *e = live_find(l, q->name, q->file, &f);
	if (e)
		return e;
	c->parts = calloc(1, sizeof(*c->parts));
	if (!c->parts)
		return error_memory();
	c->count = 1;
	c->parts[0] = (struct part){.function = f,
				    .definition = q->text,
				    .definition_size = q->size,
				    .request = {.given_line = 1}};
	return NULL;
}

static struct error *prepare_parts(struct live *l, const struct live_request *q, struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct error *e = see_unit(l, p->function->at.unit);
		if (e)
			return error_context(e, "%s", p->function->at.name);
		p->text = stored_text(c, p->definition, p->definition_size);
		if (!p->text)
			return error_memory();
		p->request.function = &p->function->at;
		p->request.arena = p->function->arena;
		p->request.text = p->definition;
		p->request.size = p->definition_size;
		p->request.extra = c->extra;
		p->request.extra_size = c->extra ? strlen(c->extra) : 0;
		p->request.given_file = q->given_as ? q->given_as : "<console>";
		p->request.file = p->function->at.file;
		p->request.line = p->function->built_line ? p->function->built_line : p->function->at.line;
	}
	return NULL;
}

/* Everything behind the choice of functions. */
static struct error *make_live(struct live *l, const struct live_request *q, struct change *c, int64_t start,
			       struct live_outcome *out)
{
	struct error *e = prepare_parts(l, q, c);
	if (!e)
		e = check_parts(l, c, out);
	if (e || q->check_only)
		return e ? e : report(out, c, start, 0);
	e = link_parts(l, c);
	if (e)
		return e;
	int64_t store_start = build_now_us();
	e = store_versions(l, c, q->origin, q->user);
	int64_t store_us = build_now_us() - store_start;
	if (!e)
		e = commit_parts(l, c);
	if (!e)
		e = publish(l, c);
	if (e)
		return e;
	mark_live(c);
	for (size_t i = 0; i < c->count; i++)
		c->parts[i].function->versions++;
	store_start = build_now_us();
	record(l, c, HISTORY_DEFINE, 0, q->user);
	return report(out, c, start, store_us + build_now_us() - store_start);
}

struct error *live_define(struct live *l, const struct live_request *q, struct live_outcome *out)
{
	int64_t start = build_now_us();
	struct change c = {0};
	struct edit edit;

	*out = (struct live_outcome){0};
	struct error *e = edit_new(q->text, q->size, &edit);
	if (e)
		return e;
	if (q->name && edit.count != 1)
		e = named_part(l, q, &c);
	else
		e = find_parts(l, q, &edit, &c);
	if (!e)
		e = make_live(l, q, &c, start, out);
	edit_fini(&edit);
	change_fini(&c);
	return e;
}

/* --- going back ------------------------------------------------------------------------------------------------ */

/* A version that is not in memory (an earlier run's) is built again from its text. */
static struct error *rebuild(struct live *l, struct part *p, struct change *c, struct live_outcome *out)
{
	struct edit edit;
	unsigned line;
	struct error *e = live_version_text(l, p->function, p->to, &p->text, &line);

	if (!e)
		e = see_unit(l, p->function->at.unit);
	if (!e)
		e = edit_new(p->text, strlen(p->text), &edit);
	if (e)
		return e;
	bool *taken = calloc(edit.count + 1, sizeof(*taken));
	char *extra = NULL;
	p->definition = p->text;
	p->definition_size = strlen(p->text);
	p->request.given_line = 1;
	for (size_t i = 0; taken && i < edit.count; i++) {
		if (strcmp(edit.functions[i].name, p->function->at.name) != 0)
			continue;
		taken[i] = true;
		p->definition += edit.functions[i].begin;
		p->definition_size = edit.functions[i].end - edit.functions[i].begin;
		p->request.given_line = edit.functions[i].line;
		extra = edit_rest(&edit, taken);
		break;
	}
	p->request.function = &p->function->at;
	p->request.arena = p->function->arena;
	p->request.text = p->definition;
	p->request.size = p->definition_size;
	p->request.extra = extra;
	p->request.extra_size = extra ? strlen(extra) : 0;
	p->request.given_file = "<history>";
	p->request.file = p->function->at.file;
	p->request.line = line ? line : p->function->at.line;
	e = build_check(&l->host, &p->request, &p->build);
	p->built = true;
	if (!e && p->build.check.failed)
		e = refuse(p, out);
	if (!e) {
		uint32_t arena = p->function->arena;
		p->note_at = c->code[arena];
		c->code[arena] += sizeof(struct note);
		e = build_link(&l->host, &p->build, &c->code[arena], &c->data[arena]);
		if (!e)
			e = write_note(l, p, &c->code[arena]);
		if (!e)
			p->target = p->build.link.entry;
	}
	p->request.extra = NULL;
	free(extra);
	free(taken);
	edit_fini(&edit);
	return error_context(e, "version %d of %s does not fit the running program", p->to, p->function->at.name);
}

static struct error *aim(struct live *l, struct part *p, struct change *c, struct live_outcome *out)
{
	const struct live_version *v = find_version(p->function, p->to);

	p->from = p->function->live;
	if (p->to == 0)
		p->target = program_built(l->program, p->function->arena, p->function->slot);
	else if (v)
		p->target = v->entry;
	else
		return rebuild(l, p, c, out);
	return NULL;
}

/* Moves every part to its version, as one change. */
static struct error *move(struct live *l, struct change *c, enum history_kind kind, int64_t subject, const char *user,
			  int64_t start, struct live_outcome *out)
{
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && !e; i++)
		e = aim(l, &c->parts[i], c, out);
	if (!e)
		e = commit_parts(l, c);
	if (!e)
		e = publish(l, c);
	if (e)
		return e;
	mark_live(c);
	int64_t store_start = build_now_us();
	record(l, c, kind, subject, user);
	return report(out, c, start, build_now_us() - store_start);
}

static struct error *parent_of(struct live *l, struct live_function *f, int *number);

struct error *live_rollback(struct live *l, struct live_function *f, int number, const char *user, struct live_outcome *out)
{
	int64_t start = build_now_us();
	struct part part = {.function = f, .to = number};
	struct change c = {.count = 1};

	*out = (struct live_outcome){0};
	if (number < 0) {
		struct error *e = parent_of(l, f, &part.to);
		if (e)
			return e;
	}
	if (part.to > 0 && !find_version(f, part.to)) {
		char *text;
		unsigned line;
		struct error *e = live_version_text(l, f, part.to, &text, &line);
		if (e)
			return e;
		free(text);
	}
	c.parts = malloc(sizeof(part));
	if (!c.parts)
		return error_memory();
	c.parts[0] = part;
	struct error *e = NULL;
	if (f->row == 0)
		e = store_built(l, f);
	if (!e)
		e = move(l, &c, HISTORY_ROLLBACK, 0, user, start, out);
	change_fini(&c);
	return e;
}

static void take_parent(void *context, const struct history_version *v)
{
	*(int *)context = v->parent;
}

static struct error *parent_of(struct live *l, struct live_function *f, int *number)
{
	if (f->live == 0)
		return error_new(ERROR_USAGE, "%s runs what was built: there is nothing before it", f->at.name);
	*number = 0;
	if (!f->row)
		return NULL;
	struct error *e = history_get(l->history, f->row, f->live, take_parent, number);
	if (*number < 0)
		*number = 0;
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* a version that the history never got */
		e = NULL;
	}
	return e;
}

struct error *live_undo(struct live *l, bool redo, const char *user, struct live_outcome *out)
{
	int64_t start = build_now_us(), subject;
	struct history_move *moves = NULL;
	struct change c = {0};
	size_t count;

	*out = (struct live_outcome){0};
	struct error *e = history_next(l->history, redo, &subject, &moves, &count);
	if (e)
		return e;
	if (!subject) {
		free(moves);
		return error_new(ERROR_USAGE, redo ? "there is nothing to redo" : "there is nothing to undo");
	}
	c.parts = calloc(count + 1, sizeof(*c.parts));
	if (!c.parts)
		e = error_memory();
	for (size_t i = 0; i < count && !e; i++) {
		struct live_function *f = live_by_row(l, moves[i].function);
		if (!f)
			e = error_new(ERROR_INTERNAL, "the history names a function that the program does not have");
		else
			c.parts[c.count++] = (struct part){.function = f, .to = moves[i].to};
	}
	if (!e)
		e = move(l, &c, redo ? HISTORY_REDO : HISTORY_UNDO, subject, user, start, out);
	free(moves);
	change_fini(&c);
	return e;
}

struct error *live_slice(struct live *l, struct live_function *f, char **text)
{
	struct part p = {.function = f};
	unsigned line;

	struct error *e = live_version_text(l, f, f->live, &p.text, &line);
	if (!e) {
		p.request = (struct build_request){.function = &f->at,
						   .arena = f->arena,
						   .text = p.text,
						   .size = strlen(p.text),
						   .given_file = f->at.file,
						   .given_line = line,
						   .file = f->at.file,
						   .line = line};
		e = build_check(&l->host, &p.request, &p.build);
		p.built = true;
	}
	if (!e) {
		*text = strdup(p.build.slice.text);
		if (!*text)
			e = error_memory();
	}
	if (p.built)
		build_fini(&p.build);
	free(p.text);
	return e;
}
