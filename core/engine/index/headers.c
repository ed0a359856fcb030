#include "headers.h"
#include "included.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

/* The next #include line at or behind `*at`. */
static bool next_include(const char *text, size_t size, size_t *at, struct included_name *out)
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
		if (text_is_word(*p)) {
			*out = (struct included_name){.name = p, .by_macro = true};
			while (p < end && text_is_word(*p))
				p++;
			out->length = (size_t)(p - out->name);
			return true;
		}
		if (included_read_name(p, (size_t)(end - p), out))
			return true;
	}
	return false;
}

struct walk {
	struct kept *kept;
	const struct target_unit *unit;
	const struct flags *flags; /* NULL: not known */
	uint64_t folders;          /* a hash of those that they name */
	/* The file of that path, NULL if there is none, and whether its includes are to be looked at. */
	struct kept_file *(*look)(const struct walk *, const char *path, bool *fresh);
	headers_each_fn *each;
	void *context;
};

static void walk_file(const struct walk *, struct kept_file *, int depth);

/* True if the file is there. */
static bool walk_in(const struct walk *w, const char *folder, size_t folder_length,
		    const struct included_name *include, int depth)
{
	bool fresh = false;
	char *path;

	if (asprintf(&path, "%.*s%s%.*s", (int)folder_length, folder, folder_length ? "/" : "",
		     (int)include->length, include->name) < 0)
		return false;
	struct kept_file *file = w->look(w, path, &fresh);
	free(path);
	if (file && fresh)
		walk_file(w, file, depth + 1);
	return file;
}

static bool walk_flags(const struct walk *w, const struct included_name *include, int depth)
{
	for (char *const *word = w->flags ? w->flags->argv : NULL; word && *word; word++) {
		size_t joined;
		if (!words_is_folder(*word, &joined) || (!joined && !word[1]))
			continue;
		const char *folder = joined ? *word + joined : word[1];
		if (!include->quoted && strncmp(*word, "-iquote", 7) == 0)
			continue;
		if (*folder == '/' && strncmp(folder, "/usr/", 5) != 0 &&
		    walk_in(w, folder, strlen(folder), include, depth))
			return true;
	}
	return false;
}

static void walk_include(const struct walk *w, const struct kept_file *by,
			 const struct included_name *include, int depth)
{
	const char *slash = by ? strrchr(by->path, '/') : NULL;

	if (*include->name == '/') {
		walk_in(w, "", 0, include, depth);
		return;
	}
	if (include->quoted && slash && walk_in(w, by->path, (size_t)(slash - by->path), include, depth))
		return;
	if (walk_flags(w, include, depth))
		return;
	for (const char *const *d = w->unit->include_directories; d && *d; d++)
		if (strncmp(*d, "/usr/", 5) != 0 && walk_in(w, *d, strlen(*d), include, depth))
			return;
}

/* What the compiler is told to include before all else. */
static void walk_included(const struct walk *w)
{
	for (char *const *word = w->flags ? w->flags->argv : NULL; word && word[0] && word[1]; word++) {
		struct included_name include = {.name = word[1], .length = strlen(word[1]), .quoted = true};
		if (strcmp(*word, "-include") != 0 && strcmp(*word, "-imacros") != 0)
			continue;
		if (*word[1] == '/' ||
		    !walk_in(w, w->flags->directory, strlen(w->flags->directory), &include, 0))
			walk_include(w, NULL, &include, 0);
	}
}

/* What the flags say for the macro (-DNAME="file"), in its place. */
static bool read_defined(const struct flags *flags, struct included_name *include)
{
	for (char *const *word = flags ? flags->argv : NULL; word && *word; word++) {
		if (strncmp(*word, "-D", 2) != 0)
			continue;
		const char *definition = (*word)[2] ? *word + 2 : word[1];
		if (definition && strncmp(definition, include->name, include->length) == 0 &&
		    definition[include->length] == '=') {
			const char *value = definition + include->length + 1;
			return included_read_name(value, strlen(value), include);
		}
	}
	return false;
}

static void walk_file(const struct walk *w, struct kept_file *file, int depth)
{
	struct included_name include;
	size_t at = 0;

	while (depth < DEPTH_MAX && next_include(file->bytes, file->size, &at, &include)) {
		if (!include.by_macro || read_defined(w->flags, &include))
			walk_include(w, file, &include, depth);
		else
			file->unclear = true;
	}
}

static struct kept_file *look_and_keep(const struct walk *w, const char *path, bool *fresh)
{
	struct kept_file *file = kept_find(w->kept, path);

	if (file) {
		*fresh = file->header && file->folders != w->folders;
		file->folders = w->folders;
		return file;
	}
	kept_add(w->kept, path);
	file = kept_find(w->kept, path);
	if (file) {
		*fresh = file->header = true;
		file->folders = w->folders;
	}
	return file;
}

/* Without the folder of the file itself, which the flags name for texts that stand elsewhere. */
static uint64_t hash_folders(const struct flags *flags)
{
	uint64_t hash = TEXT_HASH_SEED;
	size_t joined;

	for (char *const *word = flags->argv; *word; word++)
		if (words_is_folder(*word, &joined) && strncmp(*word, "-iquote", 7) != 0) {
			const char *folder = joined || !word[1] ? *word + joined : word[1];
			hash = text_hash(hash, folder, strlen(folder) + 1);
		}
	return hash;
}

void headers_keep(struct kept *k, const struct target_unit *unit, const struct flags *flags)
{
	struct kept_file *file = kept_find(k, unit->file);
	const struct walk walk = {.kept = k,
				  .unit = unit,
				  .flags = flags,
				  .folders = flags ? hash_folders(flags) : 0,
				  .look = look_and_keep};

	if (!file)
		return;
	walk_file(&walk, file, 0);
	walk_included(&walk);
}

static struct kept_file *look_at_kept(const struct walk *w, const char *path, bool *fresh)
{
	struct kept_file *file = kept_find(w->kept, path);

	*fresh = file && w->each(w->context, file);
	return file;
}

void headers_each(struct kept *k, const struct target_unit *unit, const struct flags *flags,
		  struct kept_file *file, headers_each_fn *each, void *context)
{
	const struct walk walk = {.kept = k,
				  .unit = unit,
				  .flags = flags,
				  .look = look_at_kept,
				  .each = each,
				  .context = context};

	walk_file(&walk, file, 0);
	walk_included(&walk);
}

/* --- those that a macro says ------------------------------------------------------------------------------------------- */

struct macro {
	const char *name;
	bool defined;
};

/* Whether `#define` stands before the word. */
static bool is_defined_at(const char *text, const char *word)
{
	static const char define[] = "define";
	const size_t length = sizeof(define) - 1;
	const char *p = word;

	while (p > text && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	if (p == word || (size_t)(p - text) < length || memcmp(p - length, define, length) != 0)
		return false;
	for (p -= length; p > text && (p[-1] == ' ' || p[-1] == '\t');)
		p--;
	return p > text && p[-1] == '#';
}

static void find_definition(void *context, const struct kept_file *file)
{
	struct macro *m = context;
	const char *end = file->bytes + file->size, *at = file->bytes;

	while (!m->defined && (at = text_find_word(file->bytes, end, at, m->name))) {
		m->defined = is_defined_at(file->bytes, at);
		at += strlen(m->name);
	}
}

bool headers_are_unclear(const struct kept *k, const struct kept_file *file)
{
	struct macro macro = {.defined = false};
	struct included_name include;
	size_t at = 0;

	if (!file->unclear)
		return false;
	while (!macro.defined && next_include(file->bytes, file->size, &at, &include)) {
		if (!include.by_macro)
			continue;
		char *name = strndup(include.name, include.length);
		macro.name = name;
		macro.defined = !name; /* without memory it may be */
		if (name)
			kept_each(k, find_definition, &macro);
		free(name);
	}
	return macro.defined;
}
