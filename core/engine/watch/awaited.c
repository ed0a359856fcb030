#include "awaited.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void awaited_fini(struct awaited *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->paths[i]);
	free(a->paths);
	*a = (struct awaited){0};
}

bool awaited_has(const struct awaited *a, const char *path)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->paths[i], path) == 0)
			return true;
	return false;
}

/* The name in a line that includes a file; NULL if it is none. */
static const char *included_name(const char *line, size_t *length)
{
	line += strspn(line, " \t");
	if (*line++ != '#')
		return NULL;
	line += strspn(line, " \t");
	if (strncmp(line, "include", 7) != 0)
		return NULL;
	line += 7 + strspn(line + 7, " \t");
	if (*line != '"' && *line != '<')
		return NULL;
	*length = strcspn(line + 1, *line == '"' ? "\"" : ">");
	return *length && line[1 + *length] ? line + 1 : NULL;
}

/* Takes the path. */
static bool add(struct awaited *a, char *path)
{
	bool known = path && awaited_has(a, path);
	char **more = path && !known ? realloc(a->paths, (a->count + 1) * sizeof(*more)) : NULL;

	if (!more) {
		free(path);
		return known;
	}
	a->paths = more;
	more[a->count++] = path;
	return true;
}

static bool add_in(struct awaited *a, const char *folder, int folder_length, const char *name, size_t length)
{
	char *path;

	if (asprintf(&path, "%.*s/%.*s", folder_length, folder, (int)length, name) < 0)
		path = NULL;
	return add(a, path);
}

static bool add_places(struct awaited *a, const struct flags *flags, const char *includer, const char *name,
		       size_t length)
{
	const char *slash = strrchr(includer, '/');
	bool ok;

	if (*name == '/')
		return add(a, strndup(name, length));
	ok = !slash || add_in(a, includer, (int)(slash - includer), name, length);
	for (char *const *word = flags->argv; ok && *word; word++) {
		size_t joined;
		if (!words_is_folder(*word, &joined) || (!joined && !word[1]))
			continue;
		word += !joined;
		ok = add_in(a, *word + joined, (int)strlen(*word + joined), name, length);
	}
	return ok;
}

bool awaited_find(struct awaited *a, const struct flags *flags, const struct check_result *said)
{
	bool ok = true;

	awaited_fini(a);
	for (size_t i = 0; ok && i < said->count; i++) {
		size_t length;
		const char *name = included_name(said->diagnostics[i].source, &length);
		if (name)
			ok = add_places(a, flags, said->diagnostics[i].file, name, length);
	}
	return ok;
}
