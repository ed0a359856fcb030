#include "live.h"
#include "images.h"
#include "text.h"
#include "token.h"

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
	struct live_keeper *keeper;
	struct build_host host;
	char *warning;
	char *unread;                     /* why the first of the sources that cannot be read cannot */
	struct live_function **functions; /* by file, then line */
	size_t count;
	struct live_function **by_name; /* the same, by name */
	struct variable *variables;
	size_t variable_count, variable_room;
	void (*successor)(void *context, struct live_function *, int version, struct build *);
	void *successor_context;
	bool (*watcher)(void *context, struct live_function *);
	void *watcher_context;
	struct images *images;
	size_t read_ahead; /* functions before this one have been seen */
	size_t room;       /* in `functions` */
	uint32_t *slots_known, arenas_known;
	struct live_function **retired; /* whose modules went */
	size_t retired_count;
};

/* --- looking up ------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct live_function *x = *(struct live_function *const *)a,
				   *y = *(struct live_function *const *)b;

	return strcmp(x->at.name, y->at.name);
}

static int by_place(const void *a, const void *b)
{
	const struct live_function *x = *(struct live_function *const *)a,
				   *y = *(struct live_function *const *)b;
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

struct undecorated {
	const char *name;
	bool found, clone;
	char file[256];
	unsigned line;
};

static bool match_undecorated(void *context, const struct target_function *f)
{
	struct undecorated *u = context;

	if (strcmp(f->name, u->name) != 0)
		return true;
	u->found = true;
	u->clone = f->clone;
	snprintf(u->file, sizeof(u->file), "%s", f->file ? f->file : "");
	u->line = f->line;
	return false;
}

static bool has_slots(const struct live *l)
{
	for (uint32_t arena = 0; arena < program_arena_count(l->program); arena++)
		if (program_slot_count(l->program, arena))
			return true;
	return false;
}

static struct error *explain_unknown(const struct live *l, const char *name, const char *file)
{
	struct undecorated u = {.name = name};
	const char *near = NULL;
	size_t least = 3, count;

	if (file && (find_name(l, name, &count), count))
		return error_new(ERROR_UNKNOWN, "%s has no decorated function %s", file, name);
	target_each_function(l->target, match_undecorated, &u);
	if (u.clone)
		return error_new(ERROR_UNKNOWN,
				 "of %s (%s:%u) the compiler kept a changed copy alone, which no text can "
				 "replace: put "
				 "REALTIMEFUNC before it",
				 name, text_base_name(u.file), u.line);
	if (u.found)
		return error_new(
			ERROR_UNKNOWN,
			"%s (%s:%u) is not decorated: put REALTIMEFUNC before it, or compile its file with "
			"-fpatchable-function-entry=16",
			name, text_base_name(u.file), u.line);
	for (size_t i = 0; i < l->count; i++) {
		size_t d = text_distance(name, l->by_name[i]->at.name);
		if (d < least && d < strlen(name)) {
			least = d;
			near = l->by_name[i]->at.name;
		}
	}
	if (near)
		return error_new(ERROR_UNKNOWN, "the program has no function %s: did you mean %s?", name,
				 near);
	if (l->count == 0 && has_slots(l))
		return error_new(
			ERROR_UNKNOWN,
			"the names of the program's functions were stripped: compile it with -g, and do "
			"not strip it");
	if (l->count == 0)
		return error_new(ERROR_UNKNOWN,
				 "the program has no decorated function: put REALTIMEFUNC before one, or "
				 "compile with -fpatchable-function-entry=16");
	return error_new(ERROR_UNKNOWN, "the program has no function %s", name);
}

/* The file that defines the function, or the one that includes that: a header's functions are in many. */
static bool stands_in(const struct live_function *f, const char *file)
{
	return text_path_is(f->at.file, file) || (f->at.unit && text_path_is(f->at.unit->file, file));
}

/* What tells function `which` from the others of its name: its file, or the file that was compiled. */
static const char *place_of(const struct live *l, size_t first, size_t count, size_t which)
{
	const struct target_function *f = &l->by_name[which]->at;
	unsigned same = 0;

	for (size_t i = first; i < first + count; i++)
		same += f->file && l->by_name[i]->at.file && strcmp(f->file, l->by_name[i]->at.file) == 0;
	return text_base_name(same > 1 && f->unit ? f->unit->file : f->file);
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
		if (file && count > 1 && !stands_in(f, file))
			continue;
		if (colon && count == 1 && !stands_in(f, file))
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
		text_printf(&candidates, "%s%s:%s", i > first ? ", " : "", place_of(l, first, count, i),
			    name);
	struct error *e = error_new(ERROR_AMBIGUOUS, "%s is ambiguous: %s", name,
				    candidates.bytes ? candidates.bytes : "");
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

static bool variable_of(void *context, const struct target_unit *unit, const char *function, const char *name,
			unsigned nth, uint64_t *address, uint64_t *size)
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

bool live_add_variable(struct live *l, const struct live_function *owner, const struct note_variable *added)
{
	if (l->variable_count == l->variable_room) {
		size_t room = l->variable_room ? l->variable_room * 2 : 16;
		void *more = realloc(l->variables, room * sizeof(*l->variables));
		if (!more)
			return false;
		l->variables = more;
		l->variable_room = room;
	}
	char *name = strdup(added->name);
	if (!name)
		return false;
	l->variables[l->variable_count++] =
		(struct variable){owner, name, added->nth, added->address, added->size, added->file_scope};
	return true;
}

size_t live_variable_mark(const struct live *l)
{
	return l->variable_count;
}

void live_forget_variables(struct live *l, size_t mark)
{
	while (l->variable_count > mark)
		free(l->variables[--l->variable_count].name);
}

/* --- versions in memory ---------------------------------------------------------------------------------------- */

bool live_add_version(struct live_function *f, int number, uint64_t entry, uint32_t size)
{
	void *more = f->in_memory;

	/* Room for a power of two of them: grow when the count is one. */
	if ((f->in_memory_count & (f->in_memory_count - 1)) == 0)
		more = realloc(f->in_memory,
			       (f->in_memory_count ? f->in_memory_count * 2 : 1) * sizeof(*f->in_memory));
	if (!more)
		return false;
	f->in_memory = more;
	f->in_memory[f->in_memory_count++] =
		(struct live_version){.number = number, .entry = entry, .size = size};
	return true;
}

void live_optimised_version(struct live_function *f, int number, uint64_t entry, uint32_t size)
{
	for (size_t i = f->in_memory_count; i-- > 0;)
		if (f->in_memory[i].number == number)
			f->in_memory[i] = (struct live_version){number, entry, size, true};
}

const struct live_version *live_in_memory(const struct live_function *f, int number)
{
	for (size_t i = f->in_memory_count; i-- > 0;)
		if (f->in_memory[i].number == number)
			return &f->in_memory[i];
	return NULL;
}

/* The arena's functions by their slots, NULL where a slot has none that can be named: there may be many notes. */
struct reading {
	struct live *live;
	uint32_t arena, slots;
	struct live_function **by_slot;
};

static struct live_function *by_slot(const struct reading *r, uint32_t slot)
{
	return slot < r->slots ? r->by_slot[slot] : NULL;
}

static void know_version(void *context, const struct note *note)
{
	const struct reading *r = context;
	struct live_function *f = by_slot(r, note->slot);

	if (!f || note->number < 0)
		return;
	live_add_version(f, note->number, note->entry, note->entry_size);
	f->newest = note->number > f->newest ? note->number : f->newest;
	f->versions = note->number >= f->versions ? note->number + 1 : f->versions;
	if (program_target(r->live->program, r->arena, note->slot) == note->entry)
		f->live = note->number;
}

static void know_variable(void *context, const struct note *note, const struct note_variable *v)
{
	const struct reading *r = context;
	struct live_function *f = by_slot(r, note->slot);

	if (f && note->number >= 0)
		live_add_variable(r->live, f, v);
}

/* What an engine before this one put into the arena. */
static struct error *read_notes(struct live *l, uint32_t arena)
{
	struct reading reading = {.live = l, .arena = arena, .slots = program_slot_count(l->program, arena)};
	struct link_region code;

	reading.by_slot = calloc((size_t)reading.slots + 1, sizeof(*reading.by_slot));
	if (!reading.by_slot)
		return error_memory();
	for (size_t i = 0; i < l->count; i++)
		if (l->functions[i]->arena == arena && l->functions[i]->slot < reading.slots)
			reading.by_slot[l->functions[i]->slot] = l->functions[i];
	program_code(l->program, arena, &code);
	note_each(&code, know_version, know_variable, &reading);
	free(reading.by_slot);
	return NULL;
}

/* --- start ----------------------------------------------------------------------------------------------------- */

void live_warn(struct live *l, struct error *e)
{
	if (!l->warning)
		l->warning = strdup(error_message(e));
	program_log(l->program, LOG_WARNING, "rtf: %s", error_message(e));
	error_free(e);
}

static struct error *add_function(struct live *l, uint32_t arena, uint32_t slot)
{
	uint64_t sled = program_sled(l->program, arena, slot);
	struct live_function *f = sled ? calloc(1, sizeof(*f)) : NULL;

	if (!sled)
		return NULL; /* its module went */

	if (!f)
		return error_memory();
	f->arena = arena;
	f->slot = slot;
	f->versions = 1;
	if (!target_function_at(l->target, sled, &f->at) || !f->at.name || f->at.clone) {
		free(f); /* nobody could name it, or it takes other arguments than its text says */
		return NULL;
	}
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void *more = realloc(l->functions, room * sizeof(*l->functions));
		if (!more) {
			free(f);
			return error_memory();
		}
		l->functions = more;
		l->room = room;
	}
	l->functions[l->count++] = f;
	return f->at.unit ? sources_expect(l->sources, f->at.unit) : NULL;
}

/* Behind the slots that are known. */
static struct error *add_functions(struct live *l)
{
	uint32_t arenas = program_arena_count(l->program);
	void *more = realloc(l->slots_known, (arenas + 1) * sizeof(*l->slots_known));

	if (!more)
		return error_memory();
	l->slots_known = more;
	for (; l->arenas_known < arenas; l->arenas_known++)
		l->slots_known[l->arenas_known] = 0;
	for (uint32_t arena = 0; arena < arenas; arena++) {
		uint32_t *slot = &l->slots_known[arena];
		for (uint32_t count = program_slot_count(l->program, arena); *slot < count; ++*slot) {
			struct error *e = add_function(l, arena, *slot);
			if (e)
				return e;
		}
	}
	return NULL;
}

static struct error *sort_functions(struct live *l)
{
	void *names = realloc(l->by_name, (l->count + 1) * sizeof(*l->by_name));

	if (!names)
		return error_memory();
	l->by_name = names;
	if (l->count) {
		qsort(l->functions, l->count, sizeof(*l->functions), by_place);
		memcpy(l->by_name, l->functions, l->count * sizeof(*l->by_name));
		qsort(l->by_name, l->count, sizeof(*l->by_name), by_name);
	}
	return NULL;
}

/* Somebody may still speak of them. */
static struct error *retire_functions(struct live *l, size_t *went)
{
	size_t kept = 0;
	void *more = realloc(l->retired, (l->retired_count + l->count + 1) * sizeof(*l->retired));

	if (!more)
		return error_memory();
	l->retired = more;
	for (size_t i = 0; i < l->count; i++) {
		struct live_function *f = l->functions[i];
		if (program_sled(l->program, f->arena, f->slot))
			l->functions[kept++] = f;
		else
			l->retired[l->retired_count++] = f;
	}
	*went = l->count - kept;
	l->count = kept;
	return NULL;
}

struct error *live_renew(struct live *l, size_t *came, size_t *went)
{
	struct error *e = target_refresh(l->target);

	if (!e)
		e = retire_functions(l, went);
	if (e)
		return e;
	size_t before = l->count;
	e = add_functions(l);
	*came = l->count - before;
	struct error *unsorted = sort_functions(l);
	l->read_ahead = 0;
	if (e || unsorted) {
		error_free(e ? unsorted : NULL);
		return e ? e : unsorted;
	}
	return live_read_rows(l);
}

static struct error *find_functions(struct live *l)
{
	struct error *e = add_functions(l);

	if (!e)
		e = sort_functions(l);
	for (uint32_t arena = 0; arena < program_arena_count(l->program) && !e; arena++)
		e = read_notes(l, arena);
	return e;
}

/* The file that was compiled: of a header's functions each includer has its own. */
static const char *history_file(const struct live_function *f)
{
	if (f->at.unit)
		return f->at.unit->file;
	return f->at.file ? f->at.file : "";
}

struct history_function live_key(const struct live_function *f)
{
	return (struct history_function){.module = f->at.module, .file = history_file(f), .name = f->at.name};
}

static struct live_function *by_key(const struct live *l, const struct history_function *key)
{
	size_t n, first = find_name(l, key->name, &n);

	for (size_t i = first; i < first + n; i++) {
		struct live_function *f = l->by_name[i];
		if (strcmp(f->at.module, key->module) == 0 && strcmp(history_file(f), key->file) == 0)
			return f;
	}
	return NULL;
}

static bool live_is_whole(const struct live *l)
{
	return l->keeper->whole(l);
}

static bool know_function(void *context, int64_t row, const struct history_function *key, int count,
			  int newest)
{
	struct live_function *f = by_key(context, key);

	if (!f)
		return true;
	f->row = row;
	f->versions = count > f->versions || live_is_whole(context) ? count : f->versions;
	f->newest = newest > f->newest ? newest : f->newest;
	return true;
}

struct error *live_read_rows(struct live *l)
{
	bool changed;

	for (size_t i = 0; i < l->count; i++)
		l->functions[i]->row = 0;
	error_free(history_changed(l->keeper->history, &changed));
	return history_each_function(l->keeper->history, know_function, l);
}

void live_refresh(struct live *l)
{
	bool changed = false;
	struct error *e = history_changed(l->keeper->history, &changed);

	if (!e && changed)
		e = history_each_function(l->keeper->history, know_function, l);
	error_free(e); /* what was known is shown */
}

void live_refresh_all(struct live *l)
{
	error_free(history_each_function(l->keeper->history, know_function, l));
}

void live_renumber(struct live *l, const struct history_function *key, int from, int to)
{
	struct live_function *f = by_key(l, key);
	struct link_region code;

	if (!f)
		return;
	for (size_t i = 0; i < f->in_memory_count; i++)
		if (f->in_memory[i].number == from)
			f->in_memory[i].number = to;
	if (f->live == from)
		f->live = to;
	if (f->plain == from)
		f->plain = to;
	program_code(l->program, f->arena, &code);
	note_renumber(&code, f->slot, from, to);
}

struct error *live_new(struct program *program, struct compiler *compiler, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return error_memory();
	l->program = program;
	const char *root = program_source_root(program);
	struct error *e = target_new(program_pid(program), *root ? root : NULL, &l->target);
	l->images = images_new(program);
	if (!e && !l->images)
		e = error_memory();
	if (!e)
		e = check_new(&l->check);
	if (!e)
		e = sources_new(getenv("RTF_CFLAGS"), getenv("RTF_MAKE"), &l->sources);
	if (!e)
		e = find_functions(l);
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

static void function_free(struct live_function *f)
{
	free(f->built_text);
	free(f->saved.prototype);
	free(f->in_memory);
	free(f);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		function_free(l->functions[i]);
	for (size_t i = 0; i < l->retired_count; i++)
		function_free(l->retired[i]);
	free(l->retired);
	free(l->slots_known);
	for (size_t i = 0; i < l->variable_count; i++)
		free(l->variables[i].name);
	free(l->variables);
	free(l->functions);
	free(l->by_name);
	free(l->warning);
	images_free(l->images);
	free(l->unread);
	sources_free(l->sources);
	check_free(l->check);
	target_free(l->target);
	free(l);
}

struct images *live_images(const struct live *l)
{
	return l->images;
}

const char *live_warning(const struct live *l)
{
	return l->warning;
}

void live_forget_warning(struct live *l)
{
	free(l->warning);
	l->warning = NULL;
}

struct live_keeper *live_keeper(const struct live *l)
{
	return l->keeper;
}

void live_set_keeper(struct live *l, struct live_keeper *keeper)
{
	l->keeper = keeper;
}

struct history *live_history(const struct live *l)
{
	return l->keeper->history;
}

void live_set_watcher(struct live *l, bool (*follow)(void *context, struct live_function *), void *context)
{
	l->watcher = follow;
	l->watcher_context = context;
}

bool live_ask_watcher(struct live *l, struct live_function *f)
{
	return l->watcher && l->watcher(l->watcher_context, f);
}

void live_set_successor(struct live *l,
			void (*told)(void *context, struct live_function *, int version, struct build *),
			void *context)
{
	l->successor = told;
	l->successor_context = context;
}

void live_tell_successor(struct live *l, struct live_function *f, int version, struct build *build)
{
	if (l->successor)
		l->successor(l->successor_context, f, version, build);
}

struct program *live_program(const struct live *l)
{
	return l->program;
}

const struct build_host *live_host(const struct live *l)
{
	return &l->host;
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

/* A run before this one, of the very same build, has stored what was built, perhaps before the file was edited. */
static bool take_built_before(struct live *l, struct live_function *f)
{
	struct version_copy copy = {0};

	if (!f->row)
		return false;
	error_free(history_find(live_history(l), f->row, 0, copy_version, &copy));
	if (copy.text && *copy.text) {
		f->built_text = copy.text;
		f->built_line = copy.line;
		return true;
	}
	free(copy.text);
	return false;
}

/* Keeps what was built before the file can change: for every function of the unit, once. */
struct error *live_see_unit(struct live *l, const struct target_unit *unit)
{
	struct source *source;

	struct error *e = sources_find(l->sources, unit, &source);
	if (e)
		return e;
	for (size_t i = 0; i < l->count; i++) {
		struct live_function *f = l->functions[i];
		if (f->at.unit != unit || f->built_text)
			continue;
		if (take_built_before(l, f))
			continue;
		e = source_function_text(source, &f->at, &f->built_text, &f->built_line);
		error_free(e); /* its own file does not define it: told when somebody asks */
	}
	return NULL;
}

/* Where the first one of a unit was inlined is known when all are. */
static bool stop(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	(void)context;
	(void)address;
	(void)caller;
	(void)file;
	(void)line;
	return false;
}

/* Its functions are listed, but no save of theirs and no definition can go live before that is mended. */
static void note_unread(struct live *l, struct error *e)
{
	if (!e)
		return;
	program_log(l->program, LOG_WARNING, "rtf: %s", error_message(e));
	if (!l->unread)
		l->unread = strdup(error_message(e));
	error_free(e);
}

bool live_read_ahead(struct live *l)
{
	while (l->read_ahead < l->count) {
		struct live_function *f = l->functions[l->read_ahead++];
		if (f->at.unit && f->at.unit->optimized)
			target_each_inlined(l->target, &f->at, stop, NULL);
		if (f->built_text || !f->at.unit)
			continue;
		bool same_as_before =
			l->read_ahead > 1 && l->functions[l->read_ahead - 2]->at.unit == f->at.unit;
		if (same_as_before)
			continue;
		note_unread(l, live_see_unit(l, f->at.unit));
		return true;
	}
	return false;
}

const char *live_unread(const struct live *l, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < l->read_ahead; i++)
		*count += l->functions[i]->at.unit && !l->functions[i]->built_text;
	return *count ? l->unread : NULL;
}

struct error *live_version_text(struct live *l, struct live_function *f, int number, char **text,
				unsigned *line)
{
	struct version_copy copy = {0};

	if (f->row) {
		struct error *e = history_find(live_history(l), f->row, number, copy_version, &copy);
		if (l->keeper->lose(l, &e))
			e = f->row ? history_find(live_history(l), f->row, number, copy_version, &copy)
				   : error_new(ERROR_UNKNOWN, "no row");
		if (!e && !copy.text)
			return error_memory();
		/* A version 0 without a text was stored when its source could not be read: it may be there now. */
		if (!e && (number || *copy.text)) {
			*text = copy.text;
			*line = copy.line;
			return NULL;
		}
		free(copy.text);
		if (e && error_class(e) != ERROR_UNKNOWN)
			return e;
		error_free(e);
	}
	if (number != 0)
		return error_new(ERROR_UNKNOWN, "%s has no version %d", f->at.name, number);
	if (!f->built_text) {
		struct error *e = live_see_unit(l, f->at.unit);
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

/* A definition behind its linkage and decoration, which are the file's matter. */
static const char *bare_definition(const char *text)
{
	static const char *const words[] = {"REALTIMEFUNC", "static"};

	for (size_t i = 0; i < 2; i++) {
		text += strspn(text, " \t\r\n");
		size_t length = strlen(words[i]);
		if (strncmp(text, words[i], length) == 0 && strchr(" \t\r\n", text[length]) && text[length])
			text += length;
	}
	return text + strspn(text, " \t\r\n");
}

bool live_says(const char *file_text, const char *text)
{
	if (!file_text || !text)
		return false;
	const char *definition = bare_definition(file_text);
	size_t size = strlen(definition), whole = strlen(text);
	while (whole && strchr(" \t\r\n", text[whole - 1]))
		whole--;
	if (!size || whole < size || memcmp(text + whole - size, definition, size) != 0)
		return false;
	/* Before it stand helpers, or nothing but decoration. */
	return whole == size || strchr(" \t\r\n", text[whole - size - 1]);
}

/* The text's tokens, a blank before and behind each: comments and spaces do not count. NULL without memory. */
static char *tokens_text(const char *text)
{
	struct token_reader r;
	struct token t;
	struct text plain = {0};

	token_reader_init(&r, text, (uint32_t)strlen(text));
	text_puts(&plain, " ");
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		text_printf(&plain, "%.*s ", (int)(t.end - t.begin), text + t.begin);
	return text_take(&plain);
}

/* live_says, but for comments and spaces. */
static bool means_same(const char *file_text, const char *text)
{
	if (live_says(file_text, text))
		return true;
	if (!file_text || !text)
		return false;
	char *definition = tokens_text(bare_definition(file_text)), *whole = tokens_text(text);
	size_t size = definition ? strlen(definition) : 0, all = whole ? strlen(whole) : 0;
	bool same = size > 1 && all >= size && memcmp(whole + all - size, definition, size) == 0;
	free(definition);
	free(whole);
	return same;
}

enum live_state live_state(struct live *l, struct live_function *f)
{
	char *file_text = NULL, *live_text = NULL, *built_text = NULL;
	unsigned line;

	if (f->refused)
		return LIVE_REFUSED;
	int number = live_plain(f);
	if (number == 0 && !f->built_text)
		return LIVE_BUILT; /* never looked at: nothing is known against it */
	struct error *e = live_file_text(l, f, &file_text, &line);
	if (!e)
		e = live_version_text(l, f, number, &live_text, &line);
	bool same = means_same(file_text, live_text);
	if (!e && !same) /* an engine before this one may have seen what was built, and this one not yet */
		e = live_version_text(l, f, 0, &built_text, &line);
	bool unknown = e != NULL;
	error_free(e);
	enum live_state state = number ? LIVE_LIVE : LIVE_BUILT;
	if (!unknown && same)
		state = number ? LIVE_SAVED : LIVE_BUILT;
	else if (!unknown && *built_text && !means_same(file_text, built_text))
		state = LIVE_OUT_OF_SYNC;
	free(file_text);
	free(live_text);
	free(built_text);
	return state;
}

int live_plain(const struct live_function *f)
{
	return *f->instrumented ? f->plain : f->live;
}

const char *live_state_name(enum live_state state)
{
	static const char *const names[] = {"built", "live", "saved", "out-of-sync", "refused"};

	return names[state];
}

struct error *live_store_built(struct live *l, struct live_function *f)
{
	struct history_function key = live_key(f);
	char *text = NULL;
	unsigned line = 0;

	if (!f->row) {
		struct error *e = history_function_id(live_history(l), &key, &f->row);
		if (e)
			return e;
	}
	if (!f->built_text)
		error_free(live_see_unit(l, f->at.unit));
	if (f->built_text) {
		text = f->built_text;
		line = f->built_line;
	}
	struct history_version built = {.function = f->row,
					.text = text ? text : "",
					.slice_hash = "",
					.compiler = f->at.unit && f->at.unit->producer ? f->at.unit->producer
										       : "",
					.flags = "",
					.user = "",
					.note = "",
					.file = f->at.file ? f->at.file : "",
					.line = (int)line};
	return history_add_built(live_history(l), &built);
}

struct error *live_slice(struct live *l, struct live_function *f, char **text)
{
	struct build build = {0};
	char *live_text = NULL;
	unsigned line;

	struct error *e = live_version_text(l, f, f->live, &live_text, &line);
	if (e)
		return e;
	struct build_request request = {.function = &f->at,
					.arena = f->arena,
					.text = live_text,
					.size = strlen(live_text),
					.given_file = f->at.file,
					.given_line = line,
					.file = f->at.file,
					.line = line};
	e = build_check(&l->host, &request, &build);
	if (!e) {
		*text = strdup(build.slice.text);
		if (!*text)
			e = error_memory();
	}
	build_fini(&build);
	free(live_text);
	return e;
}
