#include "headers.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

struct include {
	const char *name;
	size_t length;
	bool quoted;
};

/* The next #include line at or behind `*at`. */
static bool next_include(const char *text, size_t size, size_t *at, struct include *out)
{
	const char *hash, *end = text + size;

	while ((hash = memchr(text + *at, '#', size - *at))) {
		const char *p = hash + 1;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		*at = (size_t)(p - text);
		if ((size_t)(end - p) < 10 || strncmp(p, "include", 7) != 0)
			continue;
		p += 7;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (*p != '"' && *p != '<')
			continue;
		size_t length = strcspn(p + 1, *p == '"' ? "\"\n" : ">\n");
		if (!length || !p[1 + length] || p[1 + length] == '\n')
			continue;
		*out = (struct include){p + 1, length, *p == '"'};
		return true;
	}
	return false;
}

static void keep_all(struct kept *, const struct target_unit *, const struct kept_file *, int depth);

/* True if the file is there. */
static bool keep_in(struct kept *k, const struct target_unit *unit, const char *folder, size_t folder_length,
		    const struct include *include, int depth)
{
	char *path;

	if (asprintf(&path, "%.*s%s%.*s", (int)folder_length, folder, folder_length ? "/" : "",
		     (int)include->length, include->name) < 0)
		return false;
	struct kept_file *known = kept_find(k, path), *file = known;
	if (!known) {
		kept_add(k, path);
		file = kept_find(k, path);
	}
	free(path);
	if (file && !known)
		file->header = true;
	if (file && !known)
		keep_all(k, unit, file, depth + 1);
	return file;
}

static void keep_one(struct kept *k, const struct target_unit *unit, const struct kept_file *by,
		     const struct include *include, int depth)
{
	const char *slash = strrchr(by->path, '/');

	if (*include->name == '/') {
		keep_in(k, unit, "", 0, include, depth);
		return;
	}
	if (include->quoted && slash &&
	    keep_in(k, unit, by->path, (size_t)(slash - by->path), include, depth))
		return;
	for (const char *const *d = unit->include_directories; d && *d; d++)
		if (strncmp(*d, "/usr/", 5) != 0 && keep_in(k, unit, *d, strlen(*d), include, depth))
			return;
}

static void keep_all(struct kept *k, const struct target_unit *unit, const struct kept_file *file, int depth)
{
	struct include include;
	size_t at = 0;

	while (depth < DEPTH_MAX && next_include(file->bytes, file->size, &at, &include))
		keep_one(k, unit, file, &include, depth);
}

void headers_keep(struct kept *k, const struct target_unit *unit)
{
	const struct kept_file *file = kept_find(k, unit->file);

	if (file)
		keep_all(k, unit, file, 0);
}
