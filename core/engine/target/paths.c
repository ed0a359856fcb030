#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool paths_init(struct paths *paths, struct pool *pool, const char *mapping)
{
	char *equals;

	*paths = (struct paths){.pool = pool};
	if (!mapping || !*mapping)
		return true;
	paths->from = pool_string(pool, mapping);
	equals = paths->from ? strchr(paths->from, '=') : NULL;
	if (!equals) {
		bool memory = paths->from;
		paths->from = NULL;
		return memory;
	}
	*equals = '\0';
	paths->to = equals + 1;
	return true;
}

void paths_fini(struct paths *paths)
{
	names_fini(&paths->known);
	free(paths->clean);
	paths->clean = NULL;
}

/* Takes the last component off `out`, unless it is a symbolic link: then `..` leads elsewhere. */
static bool step_back(char *out)
{
	struct stat status;
	char *slash = strrchr(out, '/');

	if (!slash || strcmp(slash, "/..") == 0)
		return false;
	if (lstat(out, &status) == 0 && S_ISLNK(status.st_mode))
		return false;
	*slash = '\0';
	return true;
}

/* `raw` is absolute; `out` has as much room. */
static void clean_path(const char *raw, char *out)
{
	size_t length = 0;

	*out = '\0';
	while (*raw) {
		size_t piece = strcspn(raw, "/");

		if (piece == 0 || (piece == 1 && raw[0] == '.')) {
			/* nothing */
		} else if (piece == 2 && memcmp(raw, "..", 2) == 0 && (length == 0 || step_back(out))) {
			length = strlen(out);
		} else {
			out[length++] = '/';
			memcpy(out + length, raw, piece);
			length += piece;
			out[length] = '\0';
		}
		raw += piece + (raw[piece] == '/');
	}
	if (length == 0)
		strcpy(out, "/");
}

/* The rest of `path` below the directory `root`; NULL if it is not in there. */
static const char *below(const char *path, const char *root)
{
	size_t length = strlen(root);

	while (length && root[length - 1] == '/')
		length--;
	if (strncmp(path, root, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* Where the mapping does not apply: `path` itself. The caller frees the result. */
static char *map_path(const struct paths *paths, const char *path)
{
	const char *rest = paths->from ? below(path, paths->from) : NULL;
	char *mapped;

	if (!rest)
		return strdup(path);
	return asprintf(&mapped, "%s%s", paths->to, rest) >= 0 ? mapped : NULL;
}

/* Takes `path` and cleans it if it is absolute. The caller frees the result. */
static char *clean(char *path)
{
	char *cleaned = path && path[0] == '/' ? malloc(strlen(path) + 2) : NULL;

	if (!path || path[0] != '/')
		return path;
	if (cleaned)
		clean_path(path, cleaned);
	free(path);
	return cleaned;
}

/* A build may have made its paths relative (-ffile-prefix-map): only the mapping can make them absolute. */
static char *clean_and_map(struct paths *paths, const char *raw)
{
	char *cleaned = clean(strdup(raw));
	char *mapped = cleaned ? clean(map_path(paths, cleaned)) : NULL;
	char *kept = mapped ? pool_string(paths->pool, mapped) : NULL;

	free(mapped);
	free(cleaned);
	return kept;
}

static const char *remember_path(struct paths *paths, const char *raw)
{
	char **grown = pool_grow(paths->clean, paths->count, &paths->room, sizeof(*grown));
	char *key = pool_string(paths->pool, raw), *path;

	if (!grown)
		return NULL;
	paths->clean = grown;
	path = clean_and_map(paths, raw);
	if (!key || !path || !names_add(&paths->known, key, (uint32_t)paths->count))
		return NULL;
	return paths->clean[paths->count++] = path;
}

const char *paths_resolve(struct paths *paths, const char *directory, const char *file)
{
	char *raw;
	const char *path;
	uint32_t at;

	if (file[0] == '/' || file[0] == '<') /* "<built-in>" is no file */
		raw = strdup(file);
	else if (asprintf(&raw, "%s/%s", directory, file) < 0)
		raw = NULL;
	if (!raw)
		return NULL;
	at = names_first(&paths->known, raw);
	path = at ? paths->clean[names_value(&paths->known, at)] : remember_path(paths, raw);
	free(raw);
	return path;
}
