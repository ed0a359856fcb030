#include "tree.h"
#include "log.h"
#include "mail.h"
#include "show.h"
#include "texts.h"
#include "writing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void file_fini(struct tree_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		free(file->slots[i].original);
		free(file->slots[i].build);
	}
	free(file->slots);
	free(file->path);
	free(file->relative);
	free(file->text);
	free(file->before);
}

void tree_fini(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		file_fini(&tree->files[i]);
	free(tree->files);
	*tree = (struct tree){0};
}

/* --- files and places -------------------------------------------------------------------------------------------- */

static struct tree_file *find_file(struct tree *tree, const char *path)
{
	for (size_t i = 0; i < tree->count; i++)
		if (strcmp(tree->files[i].path, path) == 0)
			return &tree->files[i];
	return NULL;
}

/* Takes path and text. */
static struct tree_file *add_file(struct tree *tree, struct writing *w)
{
	struct tree_file *more = reallocarray(tree->files, tree->count + 1, sizeof(*more));

	if (!more)
		return NULL;
	tree->files = more;
	more[tree->count] = (struct tree_file){.path = w->path, .text = w->before, .size = w->before_size};
	w->path = w->before = NULL;
	return &more[tree->count++];
}

struct tree_slot *tree_find(struct tree *tree, const struct live_function *f, struct tree_file **file)
{
	for (size_t i = 0; i < tree->count; i++) {
		for (size_t k = 0; k < tree->files[i].count; k++) {
			if (tree->files[i].slots[k].function == f) {
				*file = &tree->files[i];
				return &tree->files[i].slots[k];
			}
		}
	}
	return NULL;
}

/* Where the text of a slot begins and ends in its file now is kept in the order of places. */
static struct error *add_slot(struct tree_file *file, const struct tree_slot *slot)
{
	struct tree_slot *more = reallocarray(file->slots, file->count + 1, sizeof(*more));
	size_t at = 0;

	if (!more)
		return error_memory();
	file->slots = more;
	while (at < file->count && more[at].begin < slot->begin)
		at++;
	memmove(&more[at + 1], &more[at], (file->count - at) * sizeof(*more));
	more[at] = *slot;
	file->count++;
	return NULL;
}

enum { WIDEN_VERSIONS = 200 };

struct widening {
	struct tree_file *file;
	struct tree_slot *slot;
	int before; /* the last version that was looked at */
};

static bool widen_to(void *context, const struct history_version *v, const struct history_function *key)
{
	struct widening *w = context;
	struct tree_slot *slot = w->slot;
	const struct tree_file *file = w->file;
	size_t size = 0, end = slot->begin + slot->size;

	(void)key;
	w->before = v->number;
	char *rendered = writing_render(slot->original, slot->original_size, slot->decorated, slot->crlf,
					slot->function->at.name, v->text, &size);
	bool here = rendered && size > slot->size && size <= end &&
		    memcmp(file->text + end - size, rendered, size) == 0;
	free(rendered);
	if (!here)
		return true;
	slot->begin = end - size;
	slot->size = size;
	w->before = 0;
	return false;
}

struct error *tree_widen(struct tree *tree, struct live *l, const struct live_function *f, int *before)
{
	struct log_filter filter = {.function = f->row, .before = *before, .limit = WIDEN_VERSIONS};
	struct widening w = {0};

	w.slot = tree_find(tree, f, &w.file);
	struct error *e = w.slot ? log_versions(live_history(l), &filter, widen_to, &w) : NULL;
	*before = w.before; /* its version 0 is the last */
	return e;
}

struct error *tree_add(struct tree *tree, struct live *l, struct live_function *f)
{
	struct writing w = {0};
	size_t begin = 0, end = 0;

	struct error *e = writing_place(l, f, &w, &begin, &end);
	if (e) {
		writing_fini(&w);
		return e;
	}
	size_t at = writing_slot(w.before, begin);
	struct tree_file *file = find_file(tree, w.path);
	if (file && (file->size != w.before_size || memcmp(file->text, w.before, file->size) != 0)) {
		e = error_new(ERROR_DRIFT, "%s is being written: export once more", w.path);
		writing_fini(&w);
		return e;
	}
	if (!file)
		file = add_file(tree, &w);
	writing_fini(&w);
	if (!file)
		return error_memory();
	struct tree_slot slot = {.function = f,
				 .original = strndup(file->text + at, end - at),
				 .original_size = end - at,
				 .decorated = begin - at,
				 .crlf = writing_in_crlf(file->text, file->size, at, end),
				 .begin = at,
				 .size = end - at};
	e = slot.original ? add_slot(file, &slot) : error_memory();
	if (e)
		free(slot.original);
	return e;
}

/* --- their names ------------------------------------------------------------------------------------------------- */

/* The path below the folder that holds `.git`; NULL: there is none. */
static char *path_in_git(const char *path)
{
	char *root = strdup(path), *relative = NULL;

	for (char *slash = root ? strrchr(root, '/') : NULL; slash && !relative; slash = strrchr(root, '/')) {
		char git[PATH_MAX];
		*slash = '\0';
		snprintf(git, sizeof(git), "%s/.git", root);
		if (access(git, F_OK) == 0)
			relative = strdup(path + strlen(root) + 1);
	}
	free(root);
	return relative;
}

/* How many bytes, a slash last, all paths begin with that are in no git work tree. */
static size_t common_directory(const struct tree *tree)
{
	const char *first = NULL;
	size_t size = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const char *path = tree->files[i].path;
		if (tree->files[i].relative)
			continue;
		if (!first) {
			first = path;
			size = strlen(path);
		}
		for (size_t k = 0; k < size; k++)
			if (path[k] != first[k])
				size = k;
	}
	while (size && first[size - 1] != '/')
		size--;
	return size;
}

struct error *tree_name_files(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		tree->files[i].relative = path_in_git(tree->files[i].path);
	size_t common = common_directory(tree);
	for (size_t i = 0; i < tree->count; i++) {
		struct tree_file *file = &tree->files[i];
		if (!file->relative)
			file->relative = strdup(file->path + common);
		if (!file->relative)
			return error_memory();
	}
	return NULL;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

/* Puts bytes into a slot. What the file said before the first change since the last diff is kept. */
static struct error *put(struct tree_file *file, struct tree_slot *slot, const char *text, size_t size)
{
	size_t whole = file->size - slot->size + size;
	char *fresh = malloc(whole + 1);

	if (!fresh)
		return error_memory();
	memcpy(fresh, file->text, slot->begin);
	memcpy(fresh + slot->begin, text, size);
	memcpy(fresh + slot->begin + size, file->text + slot->begin + slot->size,
	       file->size - slot->begin - slot->size);
	fresh[whole] = '\0';
	for (size_t i = 0; i < file->count; i++)
		if (file->slots[i].begin > slot->begin)
			file->slots[i].begin += size - slot->size;
	slot->size = size;
	if (file->before)
		free(file->text);
	else
		file->before = file->text;
	file->text = fresh;
	file->size = whole;
	return NULL;
}

struct error *tree_put(struct tree_file *file, struct tree_slot *slot, const char *text)
{
	size_t size = 0;

	if (slot->size == slot->original_size &&
	    memcmp(file->text + slot->begin, slot->original, slot->size) == 0 &&
	    texts_say(slot->original, text))
		return NULL;
	char *rendered = writing_render(slot->original, slot->original_size, slot->decorated, slot->crlf,
					slot->function->at.name, text, &size);
	if (!rendered)
		return error_memory();
	bool same = size == slot->size && memcmp(rendered, file->text + slot->begin, size) == 0;
	struct error *e = same ? NULL : put(file, slot, rendered, size);
	free(rendered);
	return e;
}

static struct error *diff_file(struct text *out, const struct tree_file *file)
{
	struct text from = {0}, to = {0}, diff = {0};

	mail_path(&from, "a/", file->relative);
	mail_path(&to, "b/", file->relative);
	char *a = text_take(&from), *b = text_take(&to);
	struct error *e = a && b ? show_patch(&diff, a, file->before, b, file->text) : error_memory();
	if (!e && diff.size) {
		text_printf(out, "diff --git %s %s\n", a, b);
		text_append(out, diff.bytes, diff.size);
	}
	text_fini(&diff);
	free(a);
	free(b);
	return e;
}

void tree_begin(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->files[i].before);
		tree->files[i].before = NULL;
	}
}

struct error *tree_diff(struct tree *tree, struct text *out)
{
	struct error *e = NULL;

	for (size_t i = 0; i < tree->count && !e; i++)
		if (tree->files[i].before)
			e = diff_file(out, &tree->files[i]);
	tree_begin(tree);
	return e ? e : out->failed ? error_memory() : NULL;
}
