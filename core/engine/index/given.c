#include "given.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* gcc 8 and clang 10 know it. The one that comes last counts with gcc, the longest with clang. */
static const char option[] = "-fmacro-prefix-map=";

/* With the slash behind folders, so that nothing is meant that only begins alike. */
static void add_word(struct words *w, const char *path, size_t path_size, const char *as, size_t as_size)
{
	struct text t = {0};

	text_printf(&t, "%s%.*s%s=%.*s%s", option, (int)path_size, path,
		    path_size && path[path_size - 1] == '/' ? "" : "/", (int)as_size, as,
		    !as_size || as[as_size - 1] == '/' ? "" : "/");
	if (t.bytes)
		words_add(w, t.bytes);
	w->failed |= t.failed;
	text_fini(&t);
}

void given_add_folder(struct words *w, const char *path, const char *as)
{
	if (!strchr(path, '='))
		add_word(w, path, strlen(path), as, strlen(as));
}

/* Whether such an option says already what stands for that folder. */
static bool is_told(const struct words *w, const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < w->count; i++) {
		const char *from = w->items[i] + sizeof(option) - 1;
		if (strncmp(w->items[i], option, sizeof(option) - 1) == 0 &&
		    strncmp(from, path, length) == 0 && from[length + (from[length] == '/')] == '=')
			return true;
	}
	return false;
}

/* Folders that are named absolutely were. Not those behind -idirafter: the engine has added them. */
static void keep_absolute(struct words *w, const char *folder, size_t size)
{
	size_t count = w->count, joined;

	for (size_t i = 0; i < count; i++) {
		bool added = strncmp(w->items[i], "-idirafter", 10) == 0;
		if (!words_is_folder(w->items[i], &joined) || (!joined && i + 1 == count))
			continue;
		const char *path = joined ? w->items[i] + joined : w->items[++i];
		if (!added && strncmp(path, folder, size) == 0 && !is_told(w, path))
			given_add_folder(w, path, path);
	}
}

/* The last word before all options: the first of its kind counts least. */
static void move_to_front(struct words *w)
{
	char *last = w->items[w->count - 1];
	size_t at = 0;

	while (at + 1 < w->count && *w->items[at] != '-')
		at++;
	memmove(w->items + at + 1, w->items + at, (w->count - 1 - at) * sizeof(*w->items));
	w->items[at] = last;
}

static size_t folder_size(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? (size_t)(slash + 1 - file) : 0;
}

void given_add_source(struct words *w, const struct target_unit *unit, bool as_given)
{
	const char *file = unit->file, *given = unit->given;
	size_t before = w->count;

	if (!given || !*given || *given == '/' || !before)
		return;
	size_t path_size = folder_size(file), as_size = folder_size(given);
	if (!path_size || strcmp(file + path_size, given + as_size) != 0 || memchr(file, '=', path_size))
		return;
	add_word(w, file, path_size, given, as_size);
	if (w->count > before)
		move_to_front(w);
	if (as_given)
		keep_absolute(w, file, path_size);
}

void given_add_root(struct words *w, const char *word, const char *root)
{
	size_t length = sizeof(option) - 1;

	if (strncmp(word, option, length) != 0 || word[length] != '/')
		return;
	struct text t = {0};
	text_printf(&t, "%s%s%s", option, root, word + length);
	if (t.bytes)
		words_add(w, t.bytes);
	w->failed |= t.failed;
	text_fini(&t);
}

char *given_name(char *const *argv, const char *file)
{
	const char *found = NULL;
	size_t length = 0;

	for (; argv && *argv; argv++) {
		const char *from = *argv + sizeof(option) - 1;
		if (strncmp(*argv, option, sizeof(option) - 1) != 0)
			continue;
		size_t size = strcspn(from, "=");
		if (from[size] == '=' && strncmp(file, from, size) == 0) {
			found = from;
			length = size;
		}
	}
	if (!found)
		return strdup(file);
	struct text name = {0};
	text_printf(&name, "%s%s", found + length + 1, file + length);
	return text_take(&name);
}
