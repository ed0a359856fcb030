#include "export.h"
#include "clock.h"
#include "log.h"
#include "lookup.h"
#include "series.h"
#include "show.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 500, STEP_US = 5000 };

/* A function of the history that is exported. */
struct exported {
	int64_t row;
	char *module, *file, *name;
	struct live_function *live; /* NULL: the program does not have it any more */
	char *directory;            /* of its versions, once there are some */
};

/* Long ones are written step by step between other things. */
struct export
{
	struct waiting waiting; /* first */
	struct live *live;
	struct history *history; /* it began with */
	char *directory, *user;
	struct exported *functions; /* by row */
	size_t count, room;
	int64_t before; /* versions from this one on are written: a number or, of all functions, a row; 0: none is */
	size_t written;
	struct series *series; /* NULL: not begun */
	struct error *failed;  /* within a callback */
};

static void exported_fini(struct exported *x)
{
	free(x->module);
	free(x->file);
	free(x->name);
	free(x->directory);
}

static void export_free(struct waiting *waiting)
{
	struct export *x = (struct export *)waiting;

	for (size_t i = 0; i < x->count; i++)
		exported_fini(&x->functions[i]);
	free(x->functions);
	free(x->directory);
	free(x->user);
	series_free(x->series);
	error_free(x->failed);
	free(x);
}

/* --- what is exported -------------------------------------------------------------------------------------------- */

static bool add_function(struct export *x, int64_t row, const struct history_function *key,
			 struct live_function *live)
{
	if (x->count == x->room) {
		size_t room = x->room ? x->room * 2 : 64;
		struct exported *more = reallocarray(x->functions, room, sizeof(*more));
		if (!more)
			return false;
		x->functions = more;
		x->room = room;
	}
	/* Where a header's function is in several files its own file is the header. */
	struct exported *f = &x->functions[x->count++];
	*f = (struct exported){.row = row,
			       .module = strdup(key->module),
			       .file = strdup(live && live->at.file ? live->at.file : key->file),
			       .name = strdup(key->name),
			       .live = live};
	return f->module && f->file && f->name;
}

/* What is asked for: everything, a function of the program, or the name of one that it had. */
struct wanted {
	struct export *export;
	const struct live_function *function;
	const char *name, *file;
};

static bool take_function(void *context, int64_t row, const struct history_function *key, int versions,
			  int newest)
{
	const struct wanted *w = context;
	struct live_function *live = live_by_row(w->export->live, row);

	(void)versions;
	if (!newest || (w->function && live != w->function))
		return true;
	if (w->name &&
	    (live || strcmp(key->name, w->name) != 0 || (w->file && !text_path_is(key->file, w->file))))
		return true;
	if (!add_function(w->export, row, key, live))
		w->export->failed = error_memory();
	return !w->export->failed;
}

static struct error *take_failure(struct export *x, struct error *e)
{
	struct error *failed = x->failed;

	x->failed = NULL;
	if (e)
		error_free(failed);
	return e ? e : failed;
}

static struct error *ambiguous(const struct export *x, const char *name)
{
	struct text candidates = {0};

	for (size_t i = 0; i < x->count; i++)
		text_printf(&candidates, "%s%s:%s", i ? ", " : "", x->functions[i].file, name);
	struct error *e = error_new(ERROR_AMBIGUOUS, "%s is ambiguous: %s", name,
				    candidates.bytes ? candidates.bytes : "");
	text_fini(&candidates);
	return e;
}

/* NAME or FILE:NAME of a function that the program does not have any more. `unknown`, which is taken, is what to say of it if
 * the history does not have it either. */
static struct error *find_gone(struct export *x, const char *given, struct error *unknown)
{
	const char *colon = strrchr(given, ':');
	char file[PATH_MAX];
	struct wanted w = {.export = x, .name = colon ? colon + 1 : given, .file = colon ? file : NULL};

	snprintf(file, sizeof(file), "%.*s", colon ? (int)(colon - given) : 0, given);
	struct error *e = take_failure(x, history_each_function(x->history, take_function, &w));
	if (!e && x->count > 1)
		e = ambiguous(x, w.name);
	if (e || x->count) {
		error_free(unknown);
		return e;
	}
	return unknown;
}

static struct error *find_functions(struct export *x, const struct call *c, bool all)
{
	struct live_function *f = NULL;
	struct error *e = all ? NULL : lookup_find(c->live, c->words[0], c->state->file, &f);

	live_refresh(c->live);
	if (e && error_class(e) == ERROR_UNKNOWN)
		return find_gone(x, c->words[0], e);
	if (!e) {
		struct wanted w = {.export = x, .function = f};
		e = take_failure(x, history_each_function(x->history, take_function, &w));
	}
	if (!e && !x->count)
		e = error_new(ERROR_UNKNOWN,
			      all ? "no function has a version in the history"
				  : "%s has no version in the history",
			      c->words[0]);
	return e;
}

static struct exported *find_row(const struct export *x, int64_t row)
{
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (x->functions[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->count && x->functions[low].row == row ? &x->functions[low] : NULL;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static struct error *write_file(const char *path, const char *bytes, size_t size)
{
	FILE *f = fopen(path, "wxe");

	if (!f)
		return error_errno(errno, "cannot write %s", path);
	bool ok = fwrite(bytes, 1, size, f) == size;
	ok = fclose(f) == 0 && ok;
	return ok ? NULL : error_errno(errno, "cannot write %s", path);
}

static struct error *make_directories(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return error_new(ERROR_USAGE, "%s is too long a path", path);
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			return error_errno(errno, "cannot make %s", copy);
		*slash = '/';
	}
	return mkdir(copy, 0777) && errno != EEXIST ? error_errno(errno, "cannot make %s", copy) : NULL;
}

/* Which file's function it is: the file's name or, where others with that name have a function of that name, too, its path; and
 * the module before that, where it is compiled into several. */
static void name_file(const struct export *x, const struct exported *f, char *out, size_t size)
{
	const char *name = text_base_name(f->file), *module = "";

	for (size_t i = 0; i < x->count; i++) {
		const struct exported *other = &x->functions[i];
		if (other == f || strcmp(other->name, f->name) != 0 ||
		    strcmp(text_base_name(other->file), text_base_name(f->file)) != 0)
			continue;
		name = f->file;
		if (strcmp(other->file, f->file) == 0)
			module = f->module;
	}
	snprintf(out, size, "%s%s%s", module, *module ? ":" : "", name + (*name == '/'));
	for (char *slash = out; (slash = strchr(slash, '/'));)
		*slash = '%';
}

static struct error *make_place(const struct export *x, struct exported *f)
{
	char file[NAME_MAX];

	name_file(x, f, file, sizeof(file));
	if (asprintf(&f->directory, "%s/versions/%s/%s", x->directory, file, f->name) < 0) {
		f->directory = NULL;
		return error_memory();
	}
	return make_directories(f->directory);
}

/* DIR/versions/FILE/NAME/N.c */
static struct error *write_version(struct export *x, struct exported *f, const struct history_version *v)
{
	char path[PATH_MAX + 32];
	struct text text = {0};

	struct error *e = f->directory ? NULL : make_place(x, f);
	if (e)
		return e;
	snprintf(path, sizeof(path), "%s/%d.c", f->directory, v->number);
	text_puts(&text, v->text);
	if (!text.size || text.bytes[text.size - 1] != '\n')
		text_puts(&text, "\n");
	e = text.failed ? error_memory() : write_file(path, text.bytes, text.size);
	text_fini(&text);
	x->written += !e;
	return e;
}

/* A page of versions, the newest first. */
struct page {
	struct export *export;
	int seen;
	bool by_number;
	int64_t before, until_us;
};

static bool write_found(void *context, const struct history_version *v, const struct history_function *key)
{
	struct page *page = context;
	struct export *x = page->export;
	struct exported *f = v->number ? find_row(x, v->function) : NULL;

	(void)key;
	page->seen++;
	page->before = page->by_number ? v->number : v->id;
	if (f)
		x->failed = write_version(x, f, v);
	return !x->failed && clock_now_us() < page->until_us;
}

/* Some more; x->before 0: that was all. */
static struct error *write_versions(struct export *x)
{
	struct log_filter filter = {
		.function = x->count == 1 ? x->functions[0].row : 0, .before = x->before, .limit = PAGE};
	struct page page = {
		.export = x, .by_number = filter.function != 0, .until_us = clock_now_us() + STEP_US};

	struct error *e = take_failure(x, log_versions(x->history, &filter, write_found, &page));
	x->before = page.seen ? page.before : 0;
	return e;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

/* An absolute path; a relative one is meant from where the console was started. */
static struct error *find_directory(struct export *x, const struct console_state *state, const char *given)
{
	const char *from = state->directory;

	if (*given != '/' && !from)
		return error_new(ERROR_USAGE,
				 "%s: where the console was started is not known; give an absolute path",
				 given);
	if (*given == '/')
		x->directory = strdup(given);
	else if (asprintf(&x->directory, "%s/%s", from, given) < 0)
		x->directory = NULL;
	return x->directory ? NULL : error_memory();
}

static struct error *prepare_directory(const struct export *x)
{
	bool empty = true;

	struct error *e = make_directories(x->directory);
	if (e)
		return e;
	DIR *dir = opendir(x->directory);
	if (!dir)
		return error_errno(errno, "cannot open %s", x->directory);
	for (const struct dirent *entry; (entry = readdir(dir));)
		empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return empty ? NULL
		     : error_new(ERROR_USAGE, "%s is not empty: export into a new directory", x->directory);
}

/* Those of the program's. */
static struct error *begin_series(struct export *x)
{
	struct live_function **functions = calloc(x->count + 1, sizeof(struct live_function *));
	size_t count = 0;

	if (!functions)
		return error_memory();
	for (size_t i = 0; i < x->count; i++)
		if (x->functions[i].live)
			functions[count++] = x->functions[i].live;
	struct error *e = series_new(x->live, functions, count, x->directory, x->user, &x->series);
	free(functions);
	return e;
}

static void tell(const struct export *x, struct reply *reply)
{
	struct text *out = &reply->text;
	struct series_count series;
	size_t gone = 0;

	for (size_t i = 0; i < x->count; i++)
		gone += !x->functions[i].live;
	series_counted(x->series, &series);
	reply->data = json_pack("{s:o, s:I, s:I, s:I, s:I}", "directory", show_string(x->directory),
				"versions", (json_int_t)x->written, "patches", (json_int_t)series.patches,
				"unchanged", (json_int_t)series.unchanged, "gone", (json_int_t)gone);
	text_printf(out, "%zu %s in %s/versions, %zu %s for git am in %s\n", x->written,
		    x->written == 1 ? "version" : "versions", x->directory, series.patches,
		    series.patches == 1 ? "patch" : "patches", x->directory);
	if (series.placeless)
		text_puts(out, "functions that do not stand in a file any more have no patches\n");
	if (gone == 1)
		text_puts(out, "one of the functions is not in the program any more: it has no patches\n");
	else if (gone)
		text_printf(out,
			    "%zu of the functions are not in the program any more: they have no patches\n",
			    gone);
}

/* Does some of it; true: the reply, or *e, is the answer. */
static bool export_more(struct waiting *waiting, struct console_state *state, bool interrupted,
			struct reply *reply, struct error **e)
{
	struct export *x = (struct export *)waiting;
	bool more = true;

	(void)state;
	waiting->deadline_us = clock_now_us();
	if (live_history(x->live) != x->history)
		*e = error_new(ERROR_INTERNAL, "the history had to be opened anew: ask again");
	else if (interrupted)
		*e = error_new(ERROR_INTERRUPTED, "interrupted: a part of it is in %s", x->directory);
	else if (x->before)
		*e = write_versions(x);
	else if (!x->series)
		*e = begin_series(x);
	else
		*e = series_step(x->series, &more);
	if (!*e && !more)
		tell(x, reply);
	return *e || !more;
}

struct error *export_run(struct call *c)
{
	bool all = strcmp(c->words[0], "--all") == 0;
	const char *given = c->line + strcspn(c->line, " \t");
	struct export *x = calloc(1, sizeof(*x));

	if (!x)
		return error_memory();
	*x = (struct export){
		.waiting = {.ready = export_more, .free = export_free, .deadline_us = clock_now_us()},
		.live = c->live,
		.history = live_history(c->live),
		.user = strdup(c->state->user),
		.before = INT64_MAX};
	struct error *e = x->user ? find_functions(x, c, all) : error_memory();
	if (!e)
		e = find_directory(x, c->state, given + strspn(given, " \t"));
	if (!e)
		e = prepare_directory(x);
	if (e)
		export_free(&x->waiting);
	else
		c->reply->waiting = &x->waiting;
	return e;
}
