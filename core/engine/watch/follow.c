#include "follow.h"
#include "clock.h"
#include "save.h"
#include "strict.h"
#include "text.h"
#include "texts.h"
#include "turns.h"
#include "unread.h"
#include "watch.h"
#include "words.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

struct follow {
	struct live *live;
	struct watch *watch;
	void (*tell)(void *context, const struct follow_news *);
	void *context;
	char *user;
	bool on;
	bool complete;
	bool keeps;                  /* for sources that are still to be read (sources_keep) */
	bool warned;                 /* that a folder cannot be watched */
	struct save_source *sources; /* whose files are watched */
	size_t count;
	unsigned saves;
	size_t polled;     /* folders: as many as that was told of */
	struct turn turn;  /* of the save that waits for the compiler */
	char *waits;       /* the file of that save, or NULL */
	char *waits_notes; /* what there was to say of it */
	int64_t waits_since;
	char *refused;      /* the file of the last save that was, or NULL */
	uint64_t served_ns; /* when saves were last looked for */
	const char **due;   /* saved files, whose sources are being read: the watch's; NULL ends them */
	int64_t due_since;
	const char **served;  /* the same, once they are read */
	struct unread unread; /* for those */
	size_t preparing;     /* for unread_prepare */
	bool prepared;
	struct missing *items; /* files that are gone or empty, until they are there again or that is told */
	size_t missing_count;
};

struct missing {
	const char *path; /* the watch's */
	int64_t until;
};

enum { MISSING_US = 1000000 };

static void watch_file(struct follow *f, const char *path)
{
	struct error *e = watch_add(f->watch, path);

	if (e && !f->warned) {
		f->warned = true;
		live_warn(f->live, e);
	} else {
		error_free(e);
	}
}

/* The files of all units, and what they say: read they are later, and a save in between is one like any other. */
static void watch_units(struct follow *f)
{
	struct sources *sources = live_host(f->live)->sources;
	const struct target_unit *last = NULL;

	for (size_t i = 0; i < live_count(f->live); i++) {
		const struct target_unit *unit = live_function(f->live, i)->at.unit;
		if (unit && unit != last) {
			watch_file(f, unit->file);
			sources_keep(sources, unit);
		}
		last = unit;
	}
	last = NULL;
	for (size_t i = 0; i < live_count(f->live); i++) {
		const struct target_unit *unit = live_function(f->live, i)->at.unit;
		if (unit && unit != last && sources_ask_for(sources, unit))
			break;
		last = unit;
	}
	f->keeps = true;
	f->preparing = 0;
	f->prepared = false;
}

static void watch_kept(void *context, const struct kept_file *file)
{
	if (file->header)
		watch_file(context, file->path);
}

bool follow_prepare(struct follow *f)
{
	if (f->prepared)
		return false;
	if (unread_prepare(f->live, &f->preparing))
		return true;
	f->prepared = true;
	kept_each(sources_all_kept(live_host(f->live)->sources), watch_kept, f);
	return false;
}

struct error *follow_new(struct live *live, void (*tell)(void *context, const struct follow_news *),
			 void *context, struct follow **out)
{
	struct follow *f = calloc(1, sizeof(*f));
	struct passwd *entry = getpwuid(geteuid());

	if (!f)
		return error_memory();
	f->live = live;
	f->tell = tell;
	f->context = context;
	f->on = program_follows(live_program(live));
	f->user = strdup(entry ? entry->pw_name : "");
	struct error *e = f->user ? watch_new(&f->watch) : error_memory();
	if (e) {
		follow_free(f);
		return e;
	}
	sources_set_followed(live_host(live)->sources, true);
	watch_units(f);
	*out = f;
	return NULL;
}

static void stop_waiting(struct follow *f)
{
	if (live_host(f->live)->turns)
		turn_leave(live_host(f->live)->turns, &f->turn);
	free(f->waits);
	free(f->waits_notes);
	f->waits = f->waits_notes = NULL;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	free(f->refused);
	stop_waiting(f);
	watch_free(f->watch);
	free(f->due);
	unread_end(&f->unread);
	for (size_t i = 0; i < f->count; i++)
		awaited_fini(&f->sources[i].awaited);
	free(f->sources);
	free(f->items);
	free(f->user);
	free(f);
}

bool follow_is_on(const struct follow *f)
{
	return f->on;
}

int follow_fd(const struct follow *f)
{
	return f->waits ? -1 : watch_fd(f->watch);
}

bool follow_waits(const struct follow *f)
{
	return f->due;
}

bool follow_is_awaited(const struct follow *f)
{
	return !f->complete || f->waits || f->due || watch_is_busy(f->watch);
}

bool follow_is_taking(const struct follow *f)
{
	return f->waits || f->due || watch_is_settling(f->watch);
}

int64_t follow_deadline(const struct follow *f)
{
	int64_t deadline = f->waits || f->due ? 0 : watch_deadline(f->watch);

	for (size_t i = 0; i < f->missing_count && !f->waits; i++)
		if (!deadline || f->items[i].until < deadline)
			deadline = f->items[i].until;
	return deadline;
}

/* --- which files ------------------------------------------------------------------------------------------------ */

static bool watch_each(void *context, const char *path)
{
	watch_file(context, path);
	return true;
}

struct late {
	struct follow *follow;
	struct timespec read;
};

/* What was saved before it was watched: since it was kept, or while its source was read for the first time. */
static bool touch_late(void *context, const char *path)
{
	const struct late *late = context;
	struct stat st;

	if (words_list_has(late->follow->served, path))
		return true; /* its save is being dealt with */
	if (sources_was_saved(live_host(late->follow->live)->sources, path) ||
	    (stat(path, &st) == 0 && !clock_is_later(late->read, st.st_mtim)))
		watch_touch(late->follow->watch, path);
	return true;
}

static bool learn_source(void *context, struct source *s)
{
	struct follow *f = context;
	struct late late = {f, s->read};

	if (s->followed)
		return true;
	void *more = realloc(f->sources, (f->count + 1) * sizeof(*f->sources));
	if (!more)
		return true;
	f->sources = more;
	f->sources[f->count++] = (struct save_source){.source = s};
	s->followed = true;
	f->sources[f->count - 1].missed = texts_age(f->live, s) == TEXTS_MISSED;
	source_each_file(s, watch_each, f);
	source_each_file(s, touch_late, &late);
	if (f->sources[f->count - 1].missed && !s->early)
		watch_touch(f->watch, s->unit->file);
	return true;
}

void follow_learn(struct follow *f)
{
	sources_each(live_host(f->live)->sources, learn_source, f);
}

/* A save of a source that has nothing to change is told, too: someone may have decorated a function in it. */
static bool watch_unit(void *context, const struct target_unit *unit)
{
	struct follow *f = context;

	if (strncmp(unit->file, "/usr/", 5) != 0)
		error_free(watch_add(f->watch, unit->file));
	return true;
}

/* Folders that only their files' times tell of, whenever there are more or fewer of them. */
static void tell_polled(struct follow *f)
{
	size_t polled = watch_polled(f->watch);

	if (!f->complete || polled == f->polled)
		return;
	f->polled = polled;
	if (polled)
		live_warn(f->live, error_new(ERROR_INTERNAL,
					     "%zu %s cannot be watched, saves there are noticed later: raise "
					     "fs.inotify.max_user_watches",
					     polled, polled == 1 ? "folder" : "folders"));
}

static struct error *make_strict(struct program *p)
{
	return (program_flags(p) & (HELLO_STRICT | HELLO_POLLED)) == HELLO_STRICT ? strict_install(p) : NULL;
}

void follow_renew(struct follow *f)
{
	watch_units(f);
	struct error *e = f->complete ? make_strict(live_program(f->live)) : NULL;

	if (e)
		live_warn(f->live, e);
}

static void forget_kept(struct follow *f)
{
	if (!f->keeps)
		return;
	f->keeps = false;
	follow_learn(f);
	sources_forget(live_host(f->live)->sources, !unread_count(f->live));
}

/* Who compiles without -g and saves would wait for ever: nothing is known of a file. */
static void tell_unknown(struct live *l)
{
	const char *first = NULL;
	size_t count = 0;

	for (size_t i = live_count(l); i--;)
		if (!live_function(l, i)->at.unit) {
			first = live_function(l, i)->at.name;
			count++;
		}
	if (count == 1)
		program_log(live_program(l), LOG_WARNING,
			    "%s has no debug information and cannot be changed: compile with -g", first);
	else if (count)
		program_log(live_program(l), LOG_WARNING,
			    "%zu functions, such as %s, have no debug information and cannot be changed: "
			    "compile with -g",
			    count, first);
}

void follow_complete(struct follow *f)
{
	struct program *p = live_program(f->live);

	forget_kept(f);
	if (f->complete)
		return;
	f->complete = true;
	target_each_unit(live_target(f->live), watch_unit, f);
	tell_polled(f);
	follow_serve(f); /* what came while the first sources were read */
	tell_unknown(f->live);
	const char *newer = texts_newer(f->live);
	if (newer)
		program_log(p, LOG_WARNING,
			    "%s, or a header of it, is newer than the program: what was built may be other "
			    "text; changes made from now on are followed",
			    newer);
	size_t followed = f->count + unread_count(f->live);
	program_log(p, LOG_INFO, "the saves of %zu %s are followed", followed,
		    followed == 1 ? "source" : "sources");
	struct error *e = make_strict(p);
	if (!e)
		e = program_lend_watch(p, watch_fd(f->watch));
	if (e)
		live_warn(f->live, e);
}

/* --- saves ------------------------------------------------------------------------------------------------------- */

struct search {
	const char *path;
	bool found;
};

static bool is_path(void *context, const char *path)
{
	struct search *s = context;

	s->found |= strcmp(path, s->path) == 0;
	return !s->found;
}

static bool includes(const struct source *s, const char *path)
{
	struct search search = {path, false};

	source_each_file(s, is_path, &search);
	return search.found;
}

/* A file that is empty or gone is being written or moved: what follows is the save. */
static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* Which sources the save touches; the first file of it that does, or NULL. */
static const char *touch_sources(struct follow *f, const char **paths)
{
	const char *first = NULL;

	for (size_t i = 0; i < f->count; i++) {
		struct save_source *s = &f->sources[i];
		s->touched = false;
		s->only_itself = true;
		for (const char **p = paths; *p; p++) {
			if (!awaited_has(&s->awaited, *p) && (!is_there(*p) || !includes(s->source, *p)))
				continue;
			s->touched = true;
			s->only_itself &= strcmp(*p, s->source->unit->file) == 0;
			first = first ? first : *p;
		}
	}
	return first;
}

static void tell_note(struct follow *f, const char *file, const char *note, int64_t since)
{
	struct follow_news news = {
		.kind = "unchanged", .file = file, .notes = note, .latency_us = clock_now_us() - since};

	f->tell(f->context, &news);
}

static bool is_anyones(const struct follow *f, const char *path)
{
	for (size_t i = 0; i < f->count; i++)
		if (includes(f->sources[i].source, path) || awaited_has(&f->sources[i].awaited, path))
			return true;
	return unread_has(f->live, path);
}

static bool says_decorated(const char *path)
{
	size_t size;
	char *text = text_read_file(path, &size);
	bool says = text && strstr(text, "REALTIMEFUNC");

	free(text);
	return says;
}

/* Files of the program in which no function is decorated. */
static void tell_strange(struct follow *f, const char **paths, int64_t since)
{
	const char *first = NULL, *decorated = NULL;
	struct text note = {0};
	size_t count = 0;

	for (const char **p = paths; *p; p++) {
		if (!is_there(*p) || is_anyones(f, *p))
			continue;
		first = first ? first : *p;
		count++;
		if (!decorated && says_decorated(*p))
			decorated = *p;
	}
	if (!count)
		return;
	if (decorated)
		text_printf(&note,
			    "%s has decorated functions now: they can be changed once the program is built "
			    "again\n",
			    text_base_name(decorated));
	else if (count == 1)
		text_printf(
			&note,
			"%s has no decorated function: what it says now counts when the program is built\n",
			text_base_name(first));
	else
		text_printf(&note,
			    "%zu files, %s the first, have no decorated function: what they say now counts "
			    "when the program is built\n",
			    count, text_base_name(first));
	if (!note.failed)
		tell_note(f, decorated ? decorated : first, note.bytes, since);
	text_fini(&note);
}

/* A file that is gone or empty is mostly about to be written: only if it stays so that is news. */
static void await_missing(struct follow *f, const char **paths)
{
	for (const char **p = paths; *p; p++) {
		bool known = is_there(*p);
		for (size_t i = 0; i < f->missing_count; i++)
			known |= f->items[i].path == *p;
		struct missing *more =
			known ? NULL : realloc(f->items, (f->missing_count + 1) * sizeof(*more));
		if (!more)
			continue;
		f->items = more;
		more[f->missing_count++] = (struct missing){*p, clock_now_us() + MISSING_US};
	}
}

static void tell_missing(struct follow *f)
{
	int64_t now = clock_now_us();
	struct text note = {0};
	const char *first = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < f->missing_count; i++) {
		struct missing m = f->items[i];
		if (is_there(m.path))
			continue;
		if (now < m.until) {
			f->items[kept++] = m;
			continue;
		}
		first = first ? first : m.path;
		text_printf(
			&note,
			"%s is %s: what was live goes on running, and saves count again when it is back\n",
			text_base_name(m.path), access(m.path, F_OK) ? "gone" : "empty");
	}
	f->missing_count = kept;
	if (first && !note.failed)
		tell_note(f, first, note.bytes, now);
	text_fini(&note);
}

/* A source that was saved before it was read: its save is one like any other. */
static void note_early(void *context, const struct target_unit *unit, struct source *source)
{
	const struct follow *f = context;

	source->early |= words_list_has(f->due, unit->file);
}

/* Whether a saved file is part of sources that are not read, and need not be for that. */
static bool is_unread(const struct follow *f, const char *const *paths)
{
	for (; *paths; paths++)
		if (is_there(*paths) && unread_has(f->live, *paths))
			return true;
	return false;
}

/* Once more, when the compiler has run. What its notes were is said then. */
static void keep_waiting(struct follow *f, const struct save_result *result, const char *file, int64_t since)
{
	if (f->waits)
		return;
	f->waits = strdup(file);
	f->waits_notes = result->notes ? strdup(result->notes) : NULL;
	f->waits_since = since;
}

static void tell(struct follow *f, const struct save_result *result, const char *file, int64_t since)
{
	struct text notes = {0};

	text_puts(&notes, f->waits_notes ? f->waits_notes : "");
	text_puts(&notes, result->notes ? result->notes : "");
	struct follow_news news = {.kind = result->kind,
				   .file = result->file ? result->file : file,
				   .files = f->served,
				   .outcome = &result->outcome,
				   .message = result->message,
				   .notes = notes.bytes ? notes.bytes : "",
				   .latency_us = clock_now_us() - since};
	f->tell(f->context, &news);
	text_fini(&notes);
}

/* In a turn: what needs the compiler is held until that has run, and the engine's other work goes on. */
static bool take_in_turn(struct follow *f, struct save *save, struct save_result *result)
{
	struct turns *turns = live_host(f->live)->turns;

	if (turns) {
		save->asked_us = clock_now_us();
		turn_begin(turns, &f->turn);
	}
	save_take(save, result);
	return turns && turn_end(turns, strcmp(result->kind, "waits") == 0);
}

/* All files that were saved together are one change. */
static void take(struct follow *f, const char *file, bool release, int64_t since)
{
	struct save save = {.live = f->live,
			    .sources = f->sources,
			    .count = f->count,
			    .user = f->user,
			    .number = ++f->saves,
			    .hold = !f->on,
			    .release = release,
			    .refused = f->refused && strcmp(f->refused, file) == 0 ? f->refused : NULL};
	struct save_result result;

	bool waits = take_in_turn(f, &save, &result);
	for (size_t i = 0; i < f->count; i++) {
		const struct save_source *s = &f->sources[i];
		if (s->touched && !s->refusal)
			source_each_file(s->source, watch_each, f); /* it may include more now */
		for (size_t k = 0; s->touched && k < s->awaited.count; k++)
			error_free(watch_add(f->watch, s->awaited.paths[k]));
	}
	if (waits) {
		keep_waiting(f, &result, file, since);
		save_result_fini(&result);
		return;
	}
	if (strcmp(result.kind, "refused") == 0) {
		free(f->refused);
		f->refused = strdup(file);
	}
	if (!*file && result.outcome.count) /* of several saves that were held */
		file = result.outcome.results[0].function->at.file;
	if (!release || f->waits || strcmp(result.kind, "unchanged") != 0)
		tell(f, &result, file, since);
	save_result_fini(&result);
	stop_waiting(f);
}

static void touch_none(struct follow *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->sources[i].touched = false;
}

void follow_set(struct follow *f, bool on)
{
	bool was_on = f->on;

	f->on = on;
	program_set_follows(live_program(f->live), on);
	if (!on)
		stop_waiting(f); /* it is held as others are */
	if (!on || was_on)
		return;
	touch_none(f);
	take(f, "", true, clock_now_us());
}

static void end_serving(struct follow *f);

void follow_go_on(struct follow *f)
{
	if (!f->waits || !turn_is_ready(&f->turn))
		return;
	touch_none(f);
	char *file = strdup(f->waits);
	take(f, file ? file : "", true, f->waits_since);
	free(file);
	end_serving(f);
}

/* Saves that are held or refused: an engine after this one is to find them again. */
static bool is_waiting(const struct follow *f)
{
	bool waits = !f->on;

	for (size_t i = 0; i < f->count && !waits; i++)
		waits = f->sources[i].refusal || f->sources[i].missed;
	for (size_t i = 0; i < live_count(f->live) && !waits; i++)
		waits = live_function(f->live, i)->saved.pending_with != 0;
	return waits;
}

/* What has settled; sources that are still to be read for that are read first, while all else goes on. */
static const char **take_due(struct follow *f, int64_t *since)
{
	if (!f->due) {
		f->due = watch_take(f->watch, &f->due_since);
		if (f->due)
			unread_add(&f->unread, f->live, f->due);
	}
	if (!f->due || !unread_read(&f->unread, f->live, note_early, f))
		return NULL;
	const char **paths = f->due;
	*since = f->due_since;
	f->due = NULL;
	unread_end(&f->unread);
	return paths;
}

static void serve_saves(struct follow *f, const char **paths, int64_t since)
{
	follow_learn(f);
	const char *file = touch_sources(f, paths);
	if (file)
		take(f, file, false, since);
	else if (is_unread(f, paths))
		tell_note(f, paths[0], "", since);
	if (f->complete)
		tell_strange(f, paths, since);
	await_missing(f, paths);
}

/* Calls that wait for saves go on, unless more is to come. */
static void end_serving(struct follow *f)
{
	if (f->waits || f->due || watch_is_busy(f->watch))
		return;
	program_set_busy(live_program(f->live), false);
	if (f->complete && !is_waiting(f))
		program_set_followed(live_program(f->live), f->served_ns);
}

void follow_serve(struct follow *f)
{
	if (f->waits)
		return; /* what is saved meanwhile comes behind it */
	struct timespec now;
	int64_t since = 0;

	clock_gettime(CLOCK_REALTIME, &now); /* kernels may stamp files more finely than by the tick */
	f->served_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	program_set_busy(live_program(f->live), true);
	watch_read(f->watch);
	const char **paths = f->served = take_due(f, &since);
	follow_learn(f);
	if (paths)
		serve_saves(f, paths, since);
	f->served = NULL;
	free(paths);
	tell_missing(f);
	tell_polled(f);
	const char *locked = watch_locked(f->watch);
	if (locked)
		program_log(live_program(f->live), LOG_WARNING,
			    "saves in %s wait: the repository has an index.lock, as while git is at work; "
			    "they count after %d s in any case",
			    locked, WATCH_LOCK_US / 1000000);
	end_serving(f);
}
