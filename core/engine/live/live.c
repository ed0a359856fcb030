#include "live.h"
#include "clock.h"
#include "images.h"
#include "namesakes.h"
#include "sources.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

struct live {
	struct program *program;
	struct target *target;
	struct sources *sources;
	struct check *check;
	struct claims *claims;
	struct live_keeper *keeper;
	struct build_host host;
	char *warning;
	struct live_function **functions; /* by file, then line */
	size_t count;
	struct live_function **by_name; /* the same, by name */
	struct live_variable *variables;
	size_t variable_count, variable_room;
	void (*successor)(void *context, struct live_function *, int version, struct build *);
	void *successor_context;
	bool (*watcher)(void *context, struct live_function *);
	void *watcher_context;
	struct error *(*forerunner)(void *context, struct live_function *, const char *text, unsigned line);
	void *forerunner_context;
	struct images *images;
	struct live_reading reading;
	size_t room; /* in `functions` */
	int64_t moved_us;
	const struct target_unit *main_unit;
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

struct live_function *const *live_named(const struct live *l, const char *name, size_t *count)
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
	return &l->by_name[low];
}

struct live_function *const *live_by_name(const struct live *l)
{
	return l->by_name;
}

/* --- what builds ask ------------------------------------------------------------------------------------------- */

/* Of functions that units share a name for, the one that `unit` means: what it has itself under that name, a variable too or a
 * static function that was inlined everywhere, hides those of others. */
static const struct live_function *visible(const struct live *l, struct live_function *const *named,
					   size_t count, const struct target_unit *unit, const char *name)
{
	const struct live_function *other = NULL;
	struct target_symbol symbol;

	for (size_t i = 0; i < count; i++)
		if (named[i]->at.unit == unit)
			return named[i];
	bool found = count && unit && target_find(l->target, unit, name, &symbol);
	for (size_t i = 0; i < count; i++)
		if (named[i]->at.external && (!found || named[i]->at.entry == symbol.address))
			other = named[i];
	return !found && other && unit && target_hides(l->target, unit, name) ? NULL : other;
}

static bool entry_of(void *context, const struct target_unit *unit, const char *name, uint64_t *entry)
{
	const struct live *l = context;
	size_t count;
	struct live_function *const *named = live_named(l, name, &count);
	const struct live_function *f = visible(l, named, count, unit, name);

	if (!f)
		return false;
	*entry = f->at.entry;
	return true;
}

static bool is_redefined(void *context, const struct target_unit *unit, const char *name)
{
	const struct live *l = context;
	size_t count;
	struct live_function *const *named = live_named(l, name, &count);
	const struct live_function *f = visible(l, named, count, unit, name);

	return f && live_plain(f) != 0;
}

static bool has_entry(void *context, const struct target_unit *unit, const char *name)
{
	uint64_t entry;

	return entry_of(context, unit, name, &entry);
}

/* Whether the unit's file declares the variable as one of all files; `defined`: and defines it. */
static bool is_shared(const struct live *l, const struct target_unit *unit, const char *name, bool defined)
{
	struct source *source;

	struct error *e = unit ? sources_find(live_host(l)->sources, unit, &source) : error_memory();
	if (e) {
		error_free(e);
		return false;
	}
	const struct index *ix = source->index;
	bool any = false, any_static = false, any_definition = false;
	for (uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name)); i != INDEX_NONE;
	     i = ix->names[i].next) {
		const struct index_declaration *d = &ix->declarations[ix->names[i].declaration];
		any_static |= d->is_static || ix->names[i].kind != NAME_VARIABLE;
		any_definition |= !d->is_extern;
		any = true;
	}
	return any && !any_static && (any_definition || !defined);
}

/* What a version of another file's function has added for all files. */
static const struct live_variable *find_shared(const struct live *l, const struct target_unit *unit,
					       const char *name)
{
	for (size_t i = 0; i < l->variable_count; i++) {
		const struct live_variable *v = &l->variables[i];
		if (v->file_scope && v->owner->at.unit != unit && strcmp(v->name, name) == 0 &&
		    is_shared(l, unit, name, false) && is_shared(l, v->owner->at.unit, name, true))
			return v;
	}
	return NULL;
}

static bool variable_of(void *context, const struct target_unit *unit, const char *function, const char *name,
			unsigned nth, uint64_t *address, uint64_t *size)
{
	const struct live *l = context;

	for (size_t i = 0; i < l->variable_count; i++) {
		const struct live_variable *v = &l->variables[i];
		if (v->owner->at.unit != unit || v->nth != nth || strcmp(v->name, name) != 0)
			continue;
		if (function ? v->file_scope || strcmp(v->owner->at.name, function) != 0 : !v->file_scope)
			continue;
		*address = v->address;
		*size = v->size;
		return true;
	}
	const struct live_variable *shared = function || nth ? NULL : find_shared(l, unit, name);
	if (!shared)
		return false;
	*address = shared->address;
	*size = shared->size;
	return true;
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
	l->variables[l->variable_count++] = (struct live_variable){
		owner, name, added->nth, added->address, added->size, added->file_scope};
	return true;
}

const struct live_variable *live_variable(const struct live *l, size_t i)
{
	return i < l->variable_count ? &l->variables[i] : NULL;
}

struct live_variable_mark live_variable_mark(const struct live *l)
{
	return (struct live_variable_mark){l->variable_count,
					   thread_room_mark(program_thread_room(l->program))};
}

void live_forget_variables(struct live *l, struct live_variable_mark mark)
{
	while (l->variable_count > mark.count)
		free(l->variables[--l->variable_count].name);
	thread_room_forget(program_thread_room(l->program), mark.thread);
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

void live_remove_version(struct live_function *f, int number)
{
	if (f->in_memory_count && f->in_memory[f->in_memory_count - 1].number == number)
		f->in_memory_count--;
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
	/* The second of a number is its optimised code: change_optimised. */
	if (live_in_memory(f, note->number))
		live_optimised_version(f, note->number, note->entry, note->entry_size);
	else
		live_add_version(f, note->number, note->entry, note->entry_size);
	f->newest = note->number > f->newest ? note->number : f->newest;
	f->versions = note->number >= f->versions ? note->number + 1 : f->versions;
	if (program_target(r->live->program, r->arena, note->slot) != note->entry)
		return;
	f->live = note->number;
	f->plain = note->plain;
	if (note->instrumented)
		snprintf(f->instrumented, sizeof(f->instrumented), "watch");
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
	program_log(l->program, LOG_WARNING, "%s", error_message(e));
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

/* Who came or went may have the name of one that is here. */
static struct error *spell_functions(struct live *l)
{
	size_t count;

	for (size_t i = 0; i < l->count; i += count) {
		struct live_function *const *named = live_named(l, l->by_name[i]->at.name, &count);
		for (size_t k = 0; k < count; k++) {
			char *name = namesakes_spell(named, count, k);
			if (!name)
				return error_memory();
			free(named[k]->name);
			named[k]->name = name;
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
	return spell_functions(l);
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

	claims_forget(l->claims);
	if (!e)
		e = retire_functions(l, went);
	if (e)
		return e;
	size_t before = l->count;
	e = add_functions(l);
	*came = l->count - before;
	struct error *unsorted = sort_functions(l);
	l->reading.ahead = 0;
	if (e || unsorted) {
		error_free(e ? unsorted : NULL);
		return e ? e : unsorted;
	}
	return live_read_rows(l);
}

/* What consoles type is read as the source of main() has it: who is asked for the flags of all is asked for its, too. */
static struct error *expect_main(struct live *l)
{
	struct target_function f;

	if (!l->count || !target_main(l->target, &f) || !f.unit)
		return NULL;
	l->main_unit = f.unit;
	return sources_expect(l->sources, f.unit);
}

static struct error *find_functions(struct live *l)
{
	struct error *e = add_functions(l);

	if (!e)
		e = expect_main(l);
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

struct live_function *live_by_key(const struct live *l, const struct history_function *key)
{
	size_t n;
	struct live_function *const *named = live_named(l, key->name, &n);

	for (size_t i = 0; i < n; i++) {
		struct live_function *f = named[i];
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
	struct live_function *f = live_by_key(context, key);

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
	if (e && history_is_overwritten(l->keeper->history))
		l->keeper->lose(l, &e);
	error_free(e); /* what was known is shown */
}

void live_refresh_all(struct live *l)
{
	error_free(history_each_function(l->keeper->history, know_function, l));
}

void live_renumber(struct live *l, const struct history_function *key, int from, int to)
{
	struct live_function *f = live_by_key(l, key);
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
	struct error *e = target_new(program_thread(program), *root ? root : NULL, &l->target);
	l->reading.started = program_started(program);
	l->reading.followed = program_followed(program);
	l->images = images_new(program);
	if (!e && !l->images)
		e = error_memory();
	if (!e)
		e = check_new(&l->check);
	if (!e)
		e = claims_new(&l->claims);
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
				      .claims = l->claims,
				      .compiler = compiler,
				      .versions = {l, entry_of, is_redefined, variable_of}};
	sources_set_entries(l->sources, has_entry, l);
	*out = l;
	return NULL;
}

static void function_free(struct live_function *f)
{
	free(f->name);
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
	free(l->reading.unread);
	sources_free(l->sources);
	claims_free(l->claims);
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

void live_set_forerunner(struct live *l,
			 struct error *(*prepare)(void *context, struct live_function *, const char *text,
						  unsigned line),
			 void *context)
{
	l->forerunner = prepare;
	l->forerunner_context = context;
}

struct error *live_ask_forerunner(struct live *l, struct live_function *f, const char *text, unsigned line)
{
	return l->forerunner ? l->forerunner(l->forerunner_context, f, text, line) : NULL;
}

void live_set_turns(struct live *l, struct turns *turns)
{
	l->host.turns = turns;
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

struct live_reading *live_reading(struct live *l)
{
	return &l->reading;
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

const struct target_unit *live_main_unit(const struct live *l)
{
	return l->main_unit;
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

void live_note_moved(struct live *l, struct live_function *f)
{
	f->moved_us = l->moved_us = clock_now_us();
}

int64_t live_moved_us(const struct live *l)
{
	return l->moved_us;
}

int live_plain(const struct live_function *f)
{
	return *f->instrumented ? f->plain : f->live;
}

struct build_request live_request(const struct live_function *f, const char *text, size_t size, unsigned line)
{
	return (struct build_request){.function = &f->at,
				      .arena = f->arena,
				      .text = text,
				      .size = size,
				      .given_file = f->at.file,
				      .given_line = line,
				      .file = f->at.file,
				      .line = line};
}
