#include "export.h"
#include "log.h"
#include "lookup.h"
#include "show.h"
#include "texts.h"
#include "writing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A function's place in a file as it goes through the versions. */
struct slot {
	struct live_function *function;
	char *original; /* what the file says: its decoration is kept */
	size_t original_size, decorated;
	size_t begin, size; /* in the file's text of the moment */
};

/* A source file, from the state that was built on. */
struct file {
	char *path;     /* absolute */
	char *relative; /* in its git work tree; its last part where there is none */
	char *text;
	size_t size;
	struct slot *slots; /* by place */
	size_t count;
};

/* One version to be written. */
struct entry {
	struct live_function *function;
	int number;
};

struct export
{
	struct call *call;
	char *directory;
	struct file *files;
	size_t file_count;
	struct entry *entries; /* the oldest first */
	size_t entry_count, entry_room;
	size_t written, patches, unchanged;
	bool failed;
};

static void file_fini(struct file *file)
{
	for (size_t i = 0; i < file->count; i++)
		free(file->slots[i].original);
	free(file->slots);
	free(file->path);
	free(file->relative);
	free(file->text);
}

static void export_fini(struct export *x)
{
	for (size_t i = 0; i < x->file_count; i++)
		file_fini(&x->files[i]);
	free(x->files);
	free(x->entries);
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

/* --- files and places -------------------------------------------------------------------------------------------- */

/* The path below the folder that holds `.git`, or the last part. */
static char *relative_path(const char *path)
{
	char *root = strdup(path);
	const char *relative = text_base_name(path);

	for (char *slash = root ? strrchr(root, '/') : NULL; slash; slash = strrchr(root, '/')) {
		char git[PATH_MAX];
		*slash = '\0';
		snprintf(git, sizeof(git), "%s/.git", root);
		if (access(git, F_OK) == 0) {
			relative = path + strlen(root) + 1;
			break;
		}
	}
	free(root);
	return strdup(relative);
}

static struct file *find_file(struct export *x, const char *path)
{
	for (size_t i = 0; i < x->file_count; i++)
		if (strcmp(x->files[i].path, path) == 0)
			return &x->files[i];
	return NULL;
}

/* Takes path and text. */
static struct file *add_file(struct export *x, struct writing *w)
{
	struct file *more = reallocarray(x->files, x->file_count + 1, sizeof(*more));

	if (!more)
		return NULL;
	x->files = more;
	struct file *file = &more[x->file_count++];
	*file = (struct file){.path = w->path,
			      .relative = relative_path(w->path),
			      .text = w->before,
			      .size = w->before_size};
	w->path = w->before = NULL;
	return file->relative ? file : NULL;
}

static struct slot *find_slot(struct export *x, const struct live_function *f, struct file **file)
{
	for (size_t i = 0; i < x->file_count; i++) {
		for (size_t k = 0; k < x->files[i].count; k++) {
			if (x->files[i].slots[k].function == f) {
				*file = &x->files[i];
				return &x->files[i].slots[k];
			}
		}
	}
	return NULL;
}

static struct error *add_slot(struct export *x, struct live_function *f)
{
	struct writing w = {0};
	size_t begin = 0, end = 0;

	struct error *e = writing_place(x->call->live, f, &w, &begin, &end);
	if (e) {
		writing_fini(&w);
		return e;
	}
	size_t slot = writing_slot(w.before, begin), at = 0;
	struct file *file = find_file(x, w.path);
	if (!file)
		file = add_file(x, &w);
	struct slot *more = file ? reallocarray(file->slots, file->count + 1, sizeof(*more)) : NULL;
	writing_fini(&w);
	if (!more)
		return error_memory();
	file->slots = more;
	while (at < file->count && more[at].begin < slot)
		at++;
	memmove(&more[at + 1], &more[at], (file->count - at) * sizeof(*more));
	more[at] = (struct slot){.function = f,
				 .original = strndup(file->text + slot, end - slot),
				 .original_size = end - slot,
				 .decorated = begin - slot,
				 .begin = slot,
				 .size = end - slot};
	file->count++;
	return more[at].original ? NULL : error_memory();
}

/* Every function's place in the file as it is now; after that all texts are made from these. Those that do not stand in
 * a file any more have no place: of them there are files but no patches. */
static struct error *find_slots(struct export *x)
{
	struct file *unused;

	for (size_t i = 0; i < x->entry_count; i++) {
		struct live_function *f = x->entries[i].function;
		if (find_slot(x, f, &unused))
			continue;
		struct error *e = add_slot(x, f);
		if (e == error_memory())
			return e;
		error_free(e);
	}
	return NULL;
}

struct widening {
	struct file *file;
	struct slot *slot;
};

/* Helpers that \save wrote before the function belong to its place. */
static bool widen_to(void *context, const struct history_version *v, const struct history_function *key)
{
	struct slot *slot = ((struct widening *)context)->slot;
	const struct file *file = ((struct widening *)context)->file;
	size_t size = 0, end = slot->begin + slot->size;

	(void)key;
	char *rendered = writing_render(slot->original, slot->original_size, slot->decorated,
					slot->function->at.name, v->text, &size);
	bool here = rendered && size > slot->size && size <= end &&
		    memcmp(file->text + end - size, rendered, size) == 0;
	free(rendered);
	if (!here)
		return true;
	slot->begin = end - size;
	slot->size = size;
	return false;
}

static struct error *widen(struct export *x, struct file *file, struct slot *slot)
{
	struct widening w = {file, slot};
	struct log_filter filter = {.function = slot->function->row};

	return log_versions(live_history(x->call->live), &filter, widen_to, &w);
}

/* The file's text with another one in the slot; the file's own is replaced, the old one is the caller's. */
static char *put(struct file *file, struct slot *slot, const char *text, size_t size)
{
	size_t whole = file->size - slot->size + size;
	char *fresh = malloc(whole + 1), *old = file->text;

	if (!fresh)
		return NULL;
	memcpy(fresh, old, slot->begin);
	memcpy(fresh + slot->begin, text, size);
	memcpy(fresh + slot->begin + size, old + slot->begin + slot->size,
	       file->size - slot->begin - slot->size);
	fresh[whole] = '\0';
	for (size_t i = 0; i < file->count; i++)
		if (file->slots[i].begin > slot->begin)
			file->slots[i].begin += size - slot->size;
	slot->size = size;
	file->text = fresh;
	file->size = whole;
	return old;
}

static char *put_version(struct file *file, struct slot *slot, const char *text)
{
	size_t size = 0;
	char *rendered = writing_render(slot->original, slot->original_size, slot->decorated,
					slot->function->at.name, text, &size);
	char *old = rendered ? put(file, slot, rendered, size) : NULL;

	free(rendered);
	return old;
}

/* The series begins with what was built, whatever was saved since. */
static struct error *put_built(struct export *x)
{
	for (size_t i = 0; i < x->file_count; i++) {
		for (size_t k = 0; k < x->files[i].count; k++) {
			struct slot *slot = &x->files[i].slots[k];
			char *text = NULL;
			unsigned line;
			struct error *e = widen(x, &x->files[i], slot);
			if (e)
				return e;
			e = texts_of_version(x->call->live, slot->function, 0, &text, &line);
			if (e) {
				error_free(e); /* then with what the file says */
				continue;
			}
			bool same = slot->size == slot->original_size && texts_say(slot->original, text);
			char *old = same ? NULL : put_version(&x->files[i], slot, text);
			free(text);
			free(old);
			if (!same && !old)
				return error_memory();
		}
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

/* DIR/versions/FILE/NAME/N.c */
static struct error *write_version(struct export *x, const struct live_function *f,
				   const struct history_version *v)
{
	char directory[PATH_MAX], path[PATH_MAX + 32];
	struct text text = {0};

	snprintf(directory, sizeof(directory), "%s/versions/%s/%s", x->directory, text_base_name(f->at.file),
		 f->at.name);
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

/* RFC 5322, from ISO 8601 in UTC. */
static void mail_date(const char *time, char *out, size_t size)
{
	struct tm utc = {0};

	if (!strptime(time, "%Y-%m-%dT%H:%M:%S", &utc)) {
		snprintf(out, size, "Thu, 01 Jan 1970 00:00:00 +0000");
		return;
	}
	timegm(&utc); /* the day of the week */
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	snprintf(out, size, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[utc.tm_wday], utc.tm_mday,
		 months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void write_header(struct text *out, const struct live_function *f, const struct history_version *v,
			 size_t nth, size_t count)
{
	char date[64], host[256] = "localhost";
	const char *user = v->user && *v->user ? v->user : "nobody";

	gethostname(host, sizeof(host) - 1);
	mail_date(v->time, date, sizeof(date));
	text_puts(out, "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n");
	text_printf(out,
		    "From: %s <%s@%s>\nDate: %s\nSubject: [PATCH %zu/%zu] %s: version %d\nMIME-Version: 1.0\n"
		    "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n",
		    user, user, host, date, nth, count, f->at.name, v->number);
	text_printf(out, "Origin: %s, compiled by %s", v->origin, v->backend);
	if (v->parent >= 0)
		text_printf(out, ", made from version %d", v->parent);
	text_puts(out, ".\n");
	if (*v->note)
		text_printf(out, "Note: %.*s\n", (int)strcspn(v->note, "\r\n"), v->note);
	text_puts(out, "---\n");
}

static struct error *write_patch(struct export *x, struct file *file, struct slot *slot,
				 const struct history_version *v, size_t nth)
{
	char path[PATH_MAX + 256], from[PATH_MAX], to[PATH_MAX];
	struct text out = {0}, diff = {0};

	char *old = put_version(file, slot, v->text);
	if (!old)
		return error_memory();
	snprintf(from, sizeof(from), "a/%s", file->relative);
	snprintf(to, sizeof(to), "b/%s", file->relative);
	struct error *e = show_diff(&diff, from, old, to, file->text, false);
	free(old);
	if (!e && !diff.size) {
		x->unchanged++;
		return NULL;
	}
	if (!e) {
		write_header(&out, slot->function, v, nth, x->entry_count);
		text_printf(&out, "\ndiff --git %s %s\n", from, to);
		text_append(&out, diff.bytes, diff.size);
		text_printf(&out, "-- \nrtf %s\n\n", RTF_VERSION);
		snprintf(path, sizeof(path), "%s/%04zu-%s-%d.patch", x->directory, nth,
			 slot->function->at.name, v->number);
		e = out.failed ? error_memory() : write_file(path, out.bytes, out.size);
		x->patches += !e;
	}
	text_fini(&out);
	text_fini(&diff);
	return e;
}

/* A version that outlives its callback. */
struct copy {
	struct history_version version;
	char *strings[7];
	bool failed;
};

static const char *keep(struct copy *copy, size_t i, const char *text)
{
	copy->strings[i] = strdup(text);
	copy->failed |= !copy->strings[i];
	return copy->strings[i];
}

static void copy_version(void *context, const struct history_version *v)
{
	struct copy *copy = context;

	copy->version = *v;
	copy->version.text = keep(copy, 0, v->text);
	copy->version.origin = keep(copy, 1, v->origin);
	copy->version.user = keep(copy, 2, v->user);
	copy->version.time = keep(copy, 3, v->time);
	copy->version.note = keep(copy, 4, v->note);
	copy->version.backend = keep(copy, 5, v->backend);
	copy->version.file = keep(copy, 6, v->file);
}

static struct error *write_entry(struct export *x, const struct entry *entry, size_t nth)
{
	struct live_function *f = entry->function;
	struct copy copy = {0};
	struct file *file = NULL;

	struct error *e =
		history_find(live_history(x->call->live), f->row, entry->number, copy_version, &copy);
	if (!e && copy.failed)
		e = error_memory();
	if (!e)
		e = write_version(x, f, &copy.version);
	struct slot *slot = e ? NULL : find_slot(x, f, &file);
	if (!e && slot)
		e = write_patch(x, file, slot, &copy.version, nth);
	for (size_t i = 0; i < 7; i++)
		free(copy.strings[i]);
	return e;
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

	if (!e)
		e = find_slots(x);
	if (!e)
		e = put_built(x);
	for (size_t i = 0; i < x->entry_count && !e; i++)
		e = write_entry(x, &x->entries[i], i + 1);
	return e;
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
	if (!e && !x.entry_count)
		e = error_new(ERROR_UNKNOWN,
			      all ? "no function has a version in the history"
				  : "%s has no version in the history",
			      c->words[0]);
	if (!e)
		e = export_all(&x);
	if (!e) {
		c->reply->data = json_pack("{s:s, s:I, s:I, s:I}", "directory", x.directory, "versions",
					   (json_int_t)x.written, "patches", (json_int_t)x.patches,
					   "unchanged", (json_int_t)x.unchanged);
		text_printf(&c->reply->text, "%zu %s in %s/versions, %zu %s for git am in %s\n", x.written,
			    x.written == 1 ? "version" : "versions", x.directory, x.patches,
			    x.patches == 1 ? "patch" : "patches", x.directory);
		if (x.patches + x.unchanged < x.written)
			text_puts(&c->reply->text,
				  "functions that do not stand in a file any more have no patches\n");
	}
	export_fini(&x);
	return e;
}
