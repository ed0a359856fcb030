#include "follow.h"
#include "save.h"
#include "strict.h"
#include "text.h"
#include "watch.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct follow {
	struct live *live;
	struct watch *watch;
	void (*tell)(void *context, const struct follow_news *);
	void *context;
	char *user;
	bool on;
	bool complete;
	bool warned;                 /* that a folder cannot be watched */
	struct save_source *sources; /* whose files are watched */
	size_t count;
	unsigned saves;
};

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
	f->on = true;
	f->user = strdup(entry ? entry->pw_name : "");
	struct error *e = f->user ? watch_new(&f->watch) : error_memory();
	if (e) {
		follow_free(f);
		return e;
	}
	sources_set_followed(live_host(live)->sources, true);
	*out = f;
	return NULL;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	watch_free(f->watch);
	free(f->sources);
	free(f->user);
	free(f);
}

bool follow_is_on(const struct follow *f)
{
	return f->on;
}

int follow_fd(const struct follow *f)
{
	return watch_fd(f->watch);
}

int64_t follow_deadline(const struct follow *f)
{
	return watch_deadline(f->watch);
}

/* --- which files ------------------------------------------------------------------------------------------------ */

/* The system's headers do not change while one edits; "<built-in>" and the folder that the compiler ran in, with its
 * slashes behind, are no files. */
static bool is_no_source(const char *path)
{
	size_t length = strlen(path);

	return !length || *path == '<' || path[length - 1] == '/' ||
	       strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/", 9) == 0;
}

/* A name from a line marker, which may be relative to the folder the compiler ran in. */
static char *absolute(const struct source *s, const char *file)
{
	char *path = NULL;

	if (*file == '/')
		return strdup(file);
	return asprintf(&path, "%s/%s", s->flags.directory, file) < 0 ? NULL : path;
}

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

/* Calls `each` for every file that the source is made of, until it returns false. */
static void each_file(const struct source *s, bool (*each)(void *context, const char *path), void *context)
{
	if (!each(context, s->unit->file))
		return;
	for (uint32_t i = 0; i < s->index->file_count; i++) {
		char *path = is_no_source(s->index->files[i]) ? NULL : absolute(s, s->index->files[i]);
		bool more = !path || each(context, path);
		free(path);
		if (!more)
			return;
	}
}

static bool watch_each(void *context, const char *path)
{
	watch_file(context, path);
	return true;
}

struct late {
	struct follow *follow;
	struct timespec read;
};

/* What was saved while its source was read for the first time, before it was watched. */
static bool touch_late(void *context, const char *path)
{
	const struct late *late = context;
	struct stat st;

	if (stat(path, &st) == 0 &&
	    (st.st_mtim.tv_sec > late->read.tv_sec ||
	     (st.st_mtim.tv_sec == late->read.tv_sec && st.st_mtim.tv_nsec >= late->read.tv_nsec)))
		watch_touch(late->follow->watch, path);
	return true;
}

static bool learn_source(void *context, struct source *s)
{
	struct follow *f = context;
	struct late late = {f, s->read};

	for (size_t i = 0; i < f->count; i++)
		if (f->sources[i].source == s)
			return true;
	void *more = realloc(f->sources, (f->count + 1) * sizeof(*f->sources));
	if (!more)
		return true;
	f->sources = more;
	f->sources[f->count++] = (struct save_source){.source = s};
	each_file(s, watch_each, f);
	each_file(s, touch_late, &late);
	return true;
}

void follow_learn(struct follow *f)
{
	sources_each(live_host(f->live)->sources, learn_source, f);
}

static struct error *make_strict(struct program *p)
{
	return (program_flags(p) & (HELLO_STRICT | HELLO_POLLED)) == HELLO_STRICT ? strict_install(p) : NULL;
}

void follow_renew(struct follow *f)
{
	struct error *e = f->complete ? make_strict(live_program(f->live)) : NULL;

	if (e)
		live_warn(f->live, e);
}

void follow_complete(struct follow *f)
{
	struct program *p = live_program(f->live);

	if (f->complete)
		return;
	f->complete = true;
	follow_learn(f);
	follow_serve(f); /* what came while the first sources were read */
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

	each_file(s, is_path, &search);
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
			if (!is_there(*p) || !includes(s->source, *p))
				continue;
			s->touched = true;
			s->only_itself &= strcmp(*p, s->source->unit->file) == 0;
			first = first ? first : *p;
		}
	}
	return first;
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
			    .release = release};
	struct save_result result;

	save_take(&save, &result);
	for (size_t i = 0; i < f->count; i++)
		if (f->sources[i].touched && !f->sources[i].refusal)
			each_file(f->sources[i].source, watch_each, f); /* it may include more now */
	if (release && result.outcome.count)
		file = result.outcome.results[0].function->at.file;
	struct follow_news news = {.kind = result.kind,
				   .file = result.file ? result.file : file,
				   .outcome = &result.outcome,
				   .message = result.message,
				   .notes = result.notes ? result.notes : "",
				   .latency_us = build_now_us() - since};
	if (!release || strcmp(result.kind, "unchanged") != 0)
		f->tell(f->context, &news);
	save_result_fini(&result);
}

void follow_set(struct follow *f, bool on)
{
	bool was_on = f->on;

	f->on = on;
	if (!on || was_on)
		return;
	for (size_t i = 0; i < f->count; i++)
		f->sources[i].touched = false;
	take(f, "", true, build_now_us());
}

void follow_serve(struct follow *f)
{
	int64_t since = 0;

	program_set_busy(live_program(f->live), true);
	watch_read(f->watch);
	const char **paths = watch_take(f->watch, &since);
	const char *file = paths ? touch_sources(f, paths) : NULL;
	if (file)
		take(f, file, false, since);
	free(paths);
	if (!watch_is_busy(f->watch))
		program_set_busy(live_program(f->live), false);
}
