#include "commands.h"
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An entry under a name of its file: as it is spelled there, or as the file system has it. */
struct row {
	char *file;
	size_t number; /* of the entry */
	const json_t *entry;
};

struct database {
	char *path;
	struct stat state; /* of the file, when it was read */
	json_t *json;
	struct row *rows; /* by file, then number */
	size_t count;
	struct database *next;
};

struct commands {
	struct database *first;
};

struct commands *commands_new(void)
{
	return calloc(1, sizeof(struct commands));
}

static void forget(struct database *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->rows[i].file);
	free(d->rows);
	json_decref(d->json);
	d->rows = NULL;
	d->count = 0;
	d->json = NULL;
}

void commands_free(struct commands *c)
{
	for (struct database *d = c ? c->first : NULL, *next; d; d = next) {
		next = d->next;
		forget(d);
		free(d->path);
		free(d);
	}
	free(c);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool add_row(struct database *d, const char *file, size_t number, const json_t *entry)
{
	char *copy = strdup(file);

	if (!copy)
		return false;
	d->rows[d->count++] = (struct row){copy, number, entry};
	return true;
}

static bool add_entry(struct database *d, size_t number, const json_t *entry)
{
	const char *directory = json_string_value(json_object_get(entry, "directory"));
	const char *file = json_string_value(json_object_get(entry, "file"));
	char joined[PATH_MAX], real[PATH_MAX];

	if (!directory || !file || !text_join_path(directory, file, joined))
		return true;
	return add_row(d, joined, number, entry) &&
	       (!realpath(joined, real) || strcmp(real, joined) == 0 || add_row(d, real, number, entry));
}

static int by_file(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int files = strcmp(x->file, y->file);

	return files ? files : (x->number > y->number) - (x->number < y->number);
}

static bool read_database(struct database *d)
{
	size_t number;
	json_t *entry;

	d->json = json_load_file(d->path, 0, NULL);
	d->rows = calloc(2 * json_array_size(d->json) + 1, sizeof(*d->rows));
	bool read = d->rows;
	if (read)
		json_array_foreach(d->json, number, entry)
			read = read && add_entry(d, number, entry);
	if (!read)
		forget(d);
	else
		qsort(d->rows, d->count, sizeof(*d->rows), by_file);
	return read;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_size == b->st_size && a->st_ino == b->st_ino;
}

/* The database as it is now; NULL without memory. */
static struct database *find_database(struct commands *c, const char *path)
{
	struct database *d = c->first;
	struct stat now = {0};

	while (d && strcmp(d->path, path) != 0)
		d = d->next;
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d || !(d->path = strdup(path))) {
			free(d);
			return NULL;
		}
		d->next = c->first;
		c->first = d;
	}
	stat(path, &now);
	if (d->rows && same_state(&now, &d->state))
		return d;
	forget(d);
	d->state = now;
	return read_database(d) ? d : NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* The first row of the file, or the end of all. */
static size_t first_row(const struct database *d, const char *file)
{
	size_t low = 0, high = d->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(d->rows[middle].file, file) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_row(const struct database *d, size_t at, const char *file)
{
	return at < d->count && strcmp(d->rows[at].file, file) == 0;
}

bool commands_each(struct commands *c, const char *path, const char *wanted,
		   bool (*each)(void *context, const json_t *entry), void *context)
{
	struct database *d = find_database(c, path);
	char real[PATH_MAX];

	if (!d)
		return false;
	if (!realpath(wanted, real))
		snprintf(real, sizeof(real), "%s", wanted);
	/* Of the two names, in the order of the entries; both may have the same one. */
	for (size_t at = first_row(d, wanted), also = first_row(d, real);;) {
		bool one = has_row(d, at, wanted), other = has_row(d, also, real);
		if (!one && !other)
			return true;
		bool first = one && (!other || d->rows[at].number <= d->rows[also].number);
		size_t number = d->rows[first ? at : also].number;
		const json_t *entry = d->rows[first ? at : also].entry;
		at += one && d->rows[at].number == number;
		also += other && d->rows[also].number == number;
		if (!each(context, entry))
			return true;
	}
}
