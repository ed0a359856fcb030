#include "export.h"
#include "log.h"
#include "lookup.h"
#include "series.h"
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

/* One version to be written. */
struct entry {
	struct live_function *function;
	int number;
};

struct export
{
	struct call *call;
	char *directory;
	struct entry *entries; /* the oldest first */
	size_t entry_count, entry_room;
	struct live_function **functions; /* of the entries, each once */
	size_t function_count;
	size_t written;
	struct series_count series;
	bool failed;
};

static void export_fini(struct export *x)
{
	free(x->entries);
	free(x->functions);
	free(x->directory);
}

/* --- what is exported -------------------------------------------------------------------------------------------- */

static bool add_entry(void *context, const struct history_version *v, const struct history_function *key)
{
	struct export *x = context;
	struct live_function *f = live_by_row(x->call->live, v->function);

	(void)key;
	if (!f || v->number == 0)
		return true;
	if (x->entry_count == x->entry_room) {
		size_t room = x->entry_room ? x->entry_room * 2 : 64;
		struct entry *more = reallocarray(x->entries, room, sizeof(*more));
		if (!more) {
			x->failed = true;
			return false;
		}
		x->entries = more;
		x->entry_room = room;
	}
	x->entries[x->entry_count++] = (struct entry){f, v->number};
	return true;
}

static struct error *find_entries(struct export *x, const struct live_function *only)
{
	struct log_filter filter = {.function = only ? only->row : 0};

	if (only && !only->row)
		return NULL;
	struct error *e = log_versions(live_history(x->call->live), &filter, add_entry, x);
	if (!e && x->failed)
		e = error_memory();
	for (size_t i = 0; !e && i < x->entry_count / 2; i++) {
		struct entry swapped = x->entries[i];
		x->entries[i] = x->entries[x->entry_count - 1 - i];
		x->entries[x->entry_count - 1 - i] = swapped;
	}
	return e;
}

static struct error *find_functions(struct export *x, struct live_function *only)
{
	size_t count = live_count(x->call->live);

	x->functions = calloc(count + 1, sizeof(*x->functions));
	if (!x->functions)
		return error_memory();
	live_refresh(x->call->live);
	for (size_t i = 0; i < count; i++) {
		struct live_function *f = live_function(x->call->live, i);
		if (only ? f == only : f->row && f->versions > 1)
			x->functions[x->function_count++] = f;
	}
	return NULL;
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
static void name_file(const struct export *x, const struct live_function *f, char *out, size_t size)
{
	const char *name = text_base_name(f->at.file), *module = "";

	for (size_t i = 0; i < x->function_count; i++) {
		const struct live_function *other = x->functions[i];
		if (other == f || strcmp(other->at.name, f->at.name) != 0 ||
		    strcmp(text_base_name(other->at.file), text_base_name(f->at.file)) != 0)
			continue;
		name = f->at.file;
		if (strcmp(other->at.file, f->at.file) == 0)
			module = f->at.module;
	}
	snprintf(out, size, "%s%s%s", module, *module ? ":" : "", name + (*name == '/'));
	for (char *slash = out; (slash = strchr(slash, '/'));)
		*slash = '%';
}

/* DIR/versions/FILE/NAME/N.c */
static struct error *write_version(struct export *x, const struct live_function *f,
				   const struct history_version *v)
{
	char file[NAME_MAX], directory[PATH_MAX], path[PATH_MAX + 32];
	struct text text = {0};

	name_file(x, f, file, sizeof(file));
	snprintf(directory, sizeof(directory), "%s/versions/%s/%s", x->directory, file, f->at.name);
	struct error *e = make_directories(directory);
	if (e)
		return e;
	snprintf(path, sizeof(path), "%s/%d.c", directory, v->number);
	text_puts(&text, v->text);
	if (!text.size || text.bytes[text.size - 1] != '\n')
		text_puts(&text, "\n");
	e = text.failed ? error_memory() : write_file(path, text.bytes, text.size);
	text_fini(&text);
	x->written += !e;
	return e;
}

struct writer {
	struct export *x;
	const struct live_function *function;
	struct error *error;
};

static void write_found(void *context, const struct history_version *v)
{
	struct writer *w = context;

	w->error = write_version(w->x, w->function, v);
}

static struct error *write_entry(struct export *x, const struct entry *entry)
{
	struct writer w = {.x = x, .function = entry->function};
	struct error *e = history_find(live_history(x->call->live), entry->function->row, entry->number,
				       write_found, &w);

	return e ? e : w.error;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

/* An absolute path; a relative one is meant from where the console was started. */
static struct error *find_directory(struct export *x, const char *given)
{
	const char *from = x->call->state->directory;

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

static struct error *export_all(struct export *x)
{
	struct error *e = prepare_directory(x);

	for (size_t i = 0; i < x->entry_count && !e; i++)
		e = write_entry(x, &x->entries[i]);
	return e ? e
		 : series_write(x->call->live, x->functions, x->function_count, x->directory,
				x->call->state->user, &x->series);
}

static void tell(struct export *x)
{
	struct text *out = &x->call->reply->text;

	x->call->reply->data = json_pack("{s:s, s:I, s:I, s:I}", "directory", x->directory, "versions",
					 (json_int_t)x->written, "patches", (json_int_t)x->series.patches,
					 "unchanged", (json_int_t)x->series.unchanged);
	text_printf(out, "%zu %s in %s/versions, %zu %s for git am in %s\n", x->written,
		    x->written == 1 ? "version" : "versions", x->directory, x->series.patches,
		    x->series.patches == 1 ? "patch" : "patches", x->directory);
	if (x->series.placeless)
		text_puts(out, "functions that do not stand in a file any more have no patches\n");
}

struct error *export_run(struct call *c)
{
	bool all = strcmp(c->words[0], "--all") == 0;
	struct export x = {.call = c};
	struct live_function *f = NULL;
	const char *given = c->line + strcspn(c->line, " \t");

	struct error *e = all ? NULL : lookup_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = find_directory(&x, given + strspn(given, " \t"));
	if (!e)
		e = find_entries(&x, f);
	if (!e)
		e = find_functions(&x, f);
	if (!e && !x.entry_count)
		e = error_new(ERROR_UNKNOWN,
			      all ? "no function has a version in the history"
				  : "%s has no version in the history",
			      c->words[0]);
	if (!e)
		e = export_all(&x);
	if (!e)
		tell(&x);
	export_fini(&x);
	return e;
}
