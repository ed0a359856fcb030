#include "sources.h"
#include "clock.h"
#include "headers.h"
#include "indexer.h"
#include "originals.h"
#include "spare.h"
#include "text.h"
#include "words.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPARES = 4, AT_ONCE_MAX = 4 };

struct then;

struct entry {
	struct source source; /* first: a source is its entry */
	struct timespec modified;
	const struct sources *home;
	struct kept_file *kept; /* until the first index is made; NULL: what is on disk counts */
	struct then *then;      /* for the reader, where a header is not what it was */
	pthread_t reader;
	bool being_read;   /* by that thread, which alone has the next two until it is joined */
	atomic_bool ended; /* it has come to its end */
	struct index *fresh;
	struct error *unread;
	struct entry *next;
};

struct sources {
	char *cflags;
	struct commands *commands;
	struct recipes *recipes;
	const struct target_unit *expected; /* the last one: a unit's functions come one after the other */
	struct kept *kept;
	int ended; /* eventfd(2): readers that have come to their end */
	bool followed, forgets;
	struct source_entries of_program;
	struct entry *entries;
	struct entry *draft;         /* one more, which is read with flags that may not be its own */
	bool drafted, wasted;        /* there was one; they are not */
	struct spare spares[SPARES]; /* for those that are read first */
	size_t used;                 /* of them */
};

struct error *sources_new(const char *cflags, const char *make, struct sources **out)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s || (cflags && !(s->cflags = strdup(cflags)))) {
		free(s);
		return error_memory();
	}
	for (size_t i = 0; i < SPARES; i++)
		spare_init(&s->spares[i]);
	s->kept = kept_new();
	s->commands = commands_new();
	s->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct error *e = s->ended < 0             ? error_errno(errno, "cannot make an eventfd")
			  : s->kept && s->commands ? recipes_new(make, &s->recipes)
						   : error_memory();
	if (e)
		sources_free(s);
	else
		*out = s;
	return e;
}

struct error *sources_expect(struct sources *s, const struct target_unit *unit)
{
	if (unit == s->expected)
		return NULL;
	s->expected = unit;
	return recipes_expect(s->recipes, unit);
}

static void then_free(struct then *);

static void entry_free(struct entry *entry)
{
	if (entry->being_read) {
		pthread_join(entry->reader, NULL);
		index_free(entry->fresh);
		error_free(entry->unread);
	}
	kept_release(entry->home->kept, entry->kept);
	then_free(entry->then);
	originals_free(entry->source.originals);
	flags_fini(&entry->source.flags);
	index_free(entry->source.index);
	free(entry);
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	for (struct entry *entry = s->entries, *next; entry; entry = next) {
		next = entry->next;
		entry_free(entry);
	}
	if (s->draft)
		entry_free(s->draft);
	for (size_t i = 0; i < SPARES; i++)
		spare_fini(&s->spares[i]);
	commands_free(s->commands);
	recipes_free(s->recipes);
	kept_free(s->kept);
	if (s->ended >= 0)
		close(s->ended);
	free(s->cflags);
	free(s);
}

size_t sources_at_once(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 1 ? 1 : processors > AT_ONCE_MAX ? AT_ONCE_MAX : (size_t)processors;
}

void sources_set_entries(struct sources *s, source_entry_fn *has, void *context)
{
	s->of_program = (struct source_entries){has, context};
}

void sources_set_followed(struct sources *s, bool followed)
{
	s->followed = followed;
}

void sources_each(struct sources *s, bool (*each)(void *context, struct source *), void *context)
{
	for (struct entry *entry = s->entries; entry; entry = entry->next)
		if (!entry->being_read && !each(context, &entry->source))
			return;
}

bool sources_was_saved(const struct sources *s, const char *path)
{
	const struct kept_file *kept = kept_find(s->kept, path);

	return kept && kept->header && !kept_is_current(kept);
}

static void take_later(struct timespec *newest, struct timespec t)
{
	if (clock_is_later(t, *newest))
		*newest = t;
}

static bool take_newest(void *context, const char *path)
{
	struct entry *entry = context;
	const struct kept_file *kept = kept_find(entry->home->kept, path);
	struct stat st;

	if (kept && !kept->header)
		kept = kept == entry->kept ? kept : NULL;
	if (kept)
		take_later(&entry->source.modified, kept->modified);
	else if (stat(path, &st) == 0)
		take_later(&entry->source.modified, st.st_mtim);
	return true;
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

/* What is kept for a source, its own file first. */
struct then {
	struct preprocess_file *files;
	const struct kept_file **seen; /* those, and other units' own files, which count as they are now */
	size_t count, seen_count, room;
	bool stale; /* a header says something else by now */
	bool owned; /* the files' bytes and paths are copies */
	bool failed;
};

static void then_free(struct then *then)
{
	for (size_t i = 0; then && then->owned && i < then->count; i++) {
		free((char *)then->files[i].path);
		free((char *)then->files[i].bytes);
	}
	if (then) {
		free(then->files);
		free(then->seen);
	}
	free(then);
}

static void add_file(struct then *then, const struct kept_file *f)
{
	then->files[then->count++] = (struct preprocess_file){f->path, f->bytes, f->size};
}

/* For later: what is kept may be replaced. False without memory. */
static bool own_files(struct then *then)
{
	bool whole = true;

	for (size_t i = 0; i < then->count; i++) {
		struct preprocess_file *f = &then->files[i];
		char *bytes = malloc(f->size + 1);
		if (bytes)
			memcpy(bytes, f->bytes, f->size);
		*f = (struct preprocess_file){strdup(f->path), bytes, f->size};
		whole &= f->path && bytes;
	}
	then->owned = true;
	return whole;
}

static bool add_then(void *context, struct kept_file *f)
{
	struct then *then = context;

	for (size_t i = 0; i < then->seen_count; i++)
		if (then->seen[i] == f)
			return false;
	if (then->seen_count == then->room)
		return false;
	then->seen[then->seen_count++] = f;
	if (f->header) {
		then->stale = then->stale || !kept_is_current(f);
		add_file(then, f);
	}
	return true;
}

static void count_then(void *context, const struct kept_file *f)
{
	((struct then *)context)->room += f != NULL;
}

/* What the file and its headers said when they were kept. NULL without memory. */
static struct then *then_new(const struct entry *entry)
{
	struct then *then = calloc(1, sizeof(*then));

	if (!then)
		return NULL;
	then->room = 1;
	kept_each(entry->home->kept, count_then, then);
	then->files = calloc(then->room, sizeof(*then->files));
	then->seen = calloc(then->room, sizeof(*then->seen));
	then->failed = !then->files || !then->seen;
	if (!then->failed) {
		then->seen[then->seen_count++] = entry->kept;
		add_file(then, entry->kept);
		headers_each(entry->home->kept, entry->source.unit, &entry->source.flags, entry->kept,
			     add_then, then);
	}
	if (!then->failed)
		return then;
	then_free(then);
	return NULL;
}

static struct error *read_then(const struct entry *entry, const struct then *then, struct index **out)
{
	return indexer_read_files(entry->source.unit->file, &entry->source.flags, then->files, then->count,
				  out);
}

/* Its own file alone. */
static struct error *read_own(const struct entry *entry, struct index **out)
{
	const struct kept_file *own = entry->kept;
	struct preprocess_file file = {own->path, own->bytes, own->size};

	return indexer_read_files(own->path, &entry->source.flags, &file, 1, out);
}

/* Headers that say something else than what is kept are read as that: not a reader's matter, for what is kept changes. */
static void prepare_reading(struct entry *entry)
{
	struct then *then = entry->kept ? then_new(entry) : NULL;

	if (then && then->stale && own_files(then))
		entry->then = then;
	else
		then_free(then);
}

/* The file as it was kept, where it is not that any more, or may have been written to while it was read. */
static struct error *read_index(const struct entry *entry, struct index **out)
{
	const struct kept_file *kept = entry->kept;
	const struct source *s = &entry->source;

	if (entry->then)
		return read_then(entry, entry->then, out);
	if (!kept || kept_is_current(kept)) {
		struct error *e = indexer_read_file(s->unit->file, &s->flags, out);
		if (!kept || kept_is_current(kept))
			return e;
		if (!e)
			index_free(*out);
		error_free(e);
		*out = NULL;
	}
	return read_own(entry, out);
}

static bool is_as_kept(void *context, const char *path)
{
	const struct entry *entry = context;
	const struct kept_file *kept = kept_find(entry->home->kept, path);

	return !kept || kept == entry->kept || kept_is_current(kept);
}

/* A first index, or the error in place of one, that was made when a header did not say any more what is kept of it: made again.
 * Not for a reader's thread, others of which may keep more meanwhile. */
static struct error *read_again(struct entry *entry, struct error *e, struct index **fresh)
{
	struct index *index = NULL;
	bool changed = e != NULL;

	if (!entry->kept || entry->then)
		return e;
	if (!e) {
		struct entry as_read = {.source = entry->source, .home = entry->home, .kept = entry->kept};
		as_read.source.index = *fresh;
		changed = !source_each_file(&as_read.source, is_as_kept, &as_read);
	}
	struct then *then = changed ? then_new(entry) : NULL;
	struct error *failed = then && (!e || then->stale) ? read_then(entry, then, &index) : NULL;
	then_free(then);
	error_free(failed); /* its headers were found in another way than ours: it stays as it was read */
	if (!index)
		return e;
	if (!e)
		index_free(*fresh);
	error_free(e);
	*fresh = index;
	return NULL;
}

static void let_go(struct entry *entry)
{
	struct kept_file *kept = entry->kept;

	entry->kept = NULL;
	then_free(entry->then);
	entry->then = NULL;
	if (kept && entry->home->forgets)
		kept_forget_file(entry->home->kept, kept);
	kept_release(entry->home->kept, kept);
}

/* What was kept may be a text that somebody was in the middle of: then the file as it is now is the first that says anything. */
static struct error *read_now(struct entry *entry, struct error *e, struct index **fresh)
{
	if (!e || !entry->kept || kept_is_current(entry->kept))
		return e;
	error_free(e);
	let_go(entry);
	return indexer_read_file(entry->source.unit->file, &entry->source.flags, fresh);
}

static struct error *finish_first(struct entry *entry, struct error *e, struct index **fresh)
{
	return read_now(entry, read_again(entry, e, fresh), fresh);
}

/* The first index is made: what was kept has served its purpose. */
static void take_times(struct entry *entry)
{
	source_each_file(&entry->source, take_newest, entry);
	entry->source.own_modified = entry->kept ? entry->kept->modified : entry->modified;
	let_go(entry);
}

static struct error *refresh(struct entry *entry, struct timespec modified)
{
	struct index *fresh;

	prepare_reading(entry);
	struct error *e = finish_first(entry, read_index(entry, &fresh), &fresh);
	if (!e)
		e = source_replace(&entry->source, fresh);
	if (!e)
		entry->modified = modified;
	return e;
}

/* Without an index. Takes the flags. */
static struct error *entry_new(struct sources *s, const struct target_unit *unit, struct timespec modified,
			       struct flags *flags, struct entry **out)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry) {
		flags_fini(flags);
		return error_memory();
	}
	entry->source.unit = unit;
	entry->source.entries = &s->of_program;
	entry->source.flags = *flags;
	entry->home = s;
	entry->kept = kept_find(s->kept, unit->file);
	if (entry->kept)
		kept_take(entry->kept);
	entry->modified = modified;
	if (entry->kept)
		headers_keep(s->kept, unit, &entry->source.flags);
	clock_gettime(CLOCK_REALTIME_COARSE, &entry->source.read);
	*out = entry;
	return NULL;
}

static bool has_draft(const struct sources *s, const struct target_unit *unit)
{
	return s->draft && !s->wasted && s->draft->source.unit == unit;
}

/* The draft of the unit, if it was begun with these flags; NULL: there is none, or it is of no use. */
static struct entry *take_draft(struct sources *s, const struct target_unit *unit, const struct flags *flags)
{
	struct entry *draft = s->draft;

	if (!has_draft(s, unit))
		return NULL;
	s->wasted = !flags_are_same(&draft->source.flags, flags);
	if (s->wasted)
		return NULL;
	s->draft = NULL;
	return draft;
}

/* With its flags and without an index, or with a reader at work. */
static struct error *add(struct sources *s, const struct target_unit *unit, struct timespec modified,
			 struct entry **out)
{
	struct flags flags;

	struct error *e = sources_flags(s, unit, &flags);
	if (e)
		return e;
	struct entry *entry = take_draft(s, unit, &flags);
	if (entry)
		flags_fini(&flags);
	else
		e = entry_new(s, unit, modified, &flags, &entry);
	if (e)
		return e;
	entry->next = s->entries;
	s->entries = entry;
	*out = entry;
	return NULL;
}

static void drop(struct sources *s, struct entry *entry)
{
	struct entry **at = &s->entries;

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	entry_free(entry);
}

static struct entry *find_entry(const struct sources *s, const struct target_unit *unit)
{
	struct entry *entry = s->entries;

	while (entry && entry->source.unit != unit)
		entry = entry->next;
	return entry;
}

/* Or it was, and what it said is kept. */
static bool is_there(const struct sources *s, const struct target_unit *unit, struct stat *st)
{
	*st = (struct stat){0};
	return stat(unit->file, st) == 0 || kept_find(s->kept, unit->file);
}

void sources_keep(struct sources *s, const struct target_unit *unit)
{
	if (find_entry(s, unit))
		return;
	kept_add(s->kept, unit->file);
	headers_keep(s->kept, unit, NULL);
}

void sources_keep_headers(struct sources *s, const struct target_unit *unit)
{
	struct flags flags;

	if (find_entry(s, unit))
		return;
	struct error *e = sources_flags(s, unit, &flags);
	if (!e) {
		headers_keep(s->kept, unit, &flags);
		flags_fini(&flags);
	}
	error_free(e); /* who reads it has it again */
}

bool sources_ask_for(struct sources *s, const struct target_unit *unit)
{
	if (!flags_need_make(unit, s->cflags, s->commands))
		return false;
	recipes_begin(s->recipes, s->ended);
	return true;
}

bool sources_are_asked(const struct sources *s)
{
	return recipes_are_asked(s->recipes);
}

void sources_hurry(struct sources *s)
{
	recipes_hurry(s->recipes);
}

void sources_put_off(struct sources *s, const struct target_unit *unit)
{
	struct kept_file *kept = kept_find(s->kept, unit->file);

	if (kept)
		kept->later = true;
}

void sources_recall(struct sources *s, const struct target_unit *unit)
{
	struct kept_file *kept = kept_find(s->kept, unit->file);

	if (kept)
		kept->later = false;
}

bool sources_is_put_off(const struct sources *s, const struct target_unit *unit)
{
	const struct kept_file *kept = kept_find(s->kept, unit->file);

	return kept && kept->later && !find_entry(s, unit);
}

struct inclusion {
	bool (*wanted)(const void *context, const struct kept_file *);
	const void *context;
	struct words seen;
	bool found;
};

static bool look_for(void *context, struct kept_file *f)
{
	struct inclusion *i = context;

	i->found |= i->wanted(i->context, f);
	if (i->found || words_have(&i->seen, f->path))
		return false;
	words_add(&i->seen, f->path);
	return true;
}

bool sources_includes(struct sources *s, const struct target_unit *unit,
		      bool (*wanted)(const void *context, const struct kept_file *), const void *context)
{
	struct kept_file *own = kept_find(s->kept, unit->file);
	struct inclusion inclusion = {
		.wanted = wanted, .context = context, .found = !own || wanted(context, own)};
	struct flags flags;

	if (inclusion.found)
		return true;
	struct error *e = sources_flags(s, unit, &flags);
	headers_each(s->kept, unit, e ? NULL : &flags, own, look_for, &inclusion);
	if (!e)
		flags_fini(&flags);
	error_free(e);
	bool includes = inclusion.found || inclusion.seen.failed;
	words_fini(&inclusion.seen);
	return includes;
}

void sources_forget(struct sources *s, bool all)
{
	s->forgets = true;
	for (const struct entry *entry = s->entries; entry && !all; entry = entry->next) {
		struct kept_file *kept = entry->kept ? NULL : kept_find(s->kept, entry->source.unit->file);
		if (kept)
			kept_forget_file(s->kept, kept);
	}
	if (all)
		kept_forget(s->kept);
}

struct error *sources_flags(struct sources *s, const struct target_unit *unit, struct flags *out)
{
	return flags_new(unit, s->cflags, s->commands, s->recipes, out);
}

struct error *sources_early_flags(struct sources *s, const struct target_unit *unit, struct flags *out)
{
	return flags_new(unit, s->cflags, s->commands, NULL, out);
}

struct kept *sources_all_kept(const struct sources *s)
{
	return s->kept;
}

static void *read_entry(void *context)
{
	struct entry *entry = context;

	entry->unread = read_index(entry, &entry->fresh);
	atomic_store(&entry->ended, true);
	eventfd_write(entry->home->ended, 1);
	return NULL;
}

static void begin_reading(struct sources *s, struct entry *entry)
{
	prepare_reading(entry);
	entry->being_read = spare_start(s->used < SPARES ? &s->spares[s->used++] : NULL, &entry->reader,
					read_entry, entry) == 0;
}

void sources_begin(struct sources *s, const struct target_unit *unit)
{
	struct entry *entry;
	struct stat st;

	/* What goes wrong here goes wrong again when somebody asks, and is told then. */
	if (!unit || find_entry(s, unit) || !is_there(s, unit, &st))
		return;
	struct error *e = add(s, unit, st.st_mtim, &entry);
	if (!e && !entry->being_read)
		begin_reading(s, entry);
	if (!e && !entry->being_read)
		drop(s, entry);
	error_free(e);
}

void sources_draft(struct sources *s, const struct target_unit *unit, struct flags *flags)
{
	struct stat st;

	if (s->drafted || !sources_are_asked(s) || find_entry(s, unit) || !is_there(s, unit, &st)) {
		flags_fini(flags);
		return;
	}
	s->drafted = true;
	struct error *e = entry_new(s, unit, st.st_mtim, flags, &s->draft);
	if (!e)
		begin_reading(s, s->draft);
	if (!e && !s->draft->being_read) {
		entry_free(s->draft);
		s->draft = NULL;
	}
	error_free(e);
}

bool sources_is_busy(const struct sources *s, const struct target_unit *unit)
{
	const struct entry *entry = find_entry(s, unit);

	return entry && entry->being_read && !atomic_load(&entry->ended);
}

/* A draft may be what is used. */
bool sources_is_begun(const struct sources *s, const struct target_unit *unit)
{
	return find_entry(s, unit) || has_draft(s, unit);
}

int sources_fd(const struct sources *s)
{
	return s->ended;
}

void sources_woken(struct sources *s)
{
	eventfd_read(s->ended, &(eventfd_t){0});
	if (!s->wasted || !s->draft || !atomic_load(&s->draft->ended))
		return;
	entry_free(s->draft);
	s->draft = NULL;
}

bool sources_has(const struct sources *s, const struct target_unit *unit)
{
	const struct entry *entry = find_entry(s, unit);

	return entry && !entry->being_read;
}

struct kept_file *sources_kept(const struct sources *s, const struct target_unit *unit)
{
	return sources_has(s, unit) ? NULL : kept_find(s->kept, unit->file);
}

/* Waits for what sources_begin began. */
static struct error *finish(struct entry *entry)
{
	if (!entry->being_read)
		return NULL;
	pthread_join(entry->reader, NULL);
	entry->being_read = false;
	struct error *e = finish_first(entry, entry->unread, &entry->fresh);
	if (e)
		return e;
	e = source_replace(&entry->source, entry->fresh);
	if (!e)
		take_times(entry);
	return e;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

struct error *sources_find(struct sources *s, const struct target_unit *unit, struct source **out)
{
	struct error *e = NULL;
	struct entry *entry;
	struct stat st;

	if (!unit)
		return error_new(ERROR_UNKNOWN,
				 "the program has no debug information for it: compile with -g");
	if (has_draft(s, unit))
		sources_begin(s, unit); /* with it, or anew */
	entry = find_entry(s, unit);
	if (entry && (e = finish(entry))) {
		drop(s, entry);
		return e;
	}
	if (entry && s->followed) {
		*out = &entry->source;
		return NULL;
	}
	if (!is_there(s, unit, &st)) {
		if (!entry)
			return error_new(
				ERROR_UNKNOWN,
				"cannot find the source %s (%s): if it was moved since the build, "
				"start the program with "
				"RTF_SOURCE_ROOT=OLD=NEW; if the build made it and removed it, make it again",
				unit->file, strerror(errno));
	} else if (!entry) {
		e = add(s, unit, st.st_mtim, &entry);
		if (!e && (e = refresh(entry, st.st_mtim)))
			drop(s, entry);
		else if (!e)
			take_times(entry);
	} else if (!same_time(entry->modified, st.st_mtim)) {
		e = refresh(entry, st.st_mtim);
	}
	if (e)
		return e;
	*out = &entry->source;
	return NULL;
}
