#include "included.h"
#include "folders.h"
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool included_is(const struct token_reader *line, const struct token *word)
{
	return token_is(line, word, "include") || token_is(line, word, "include_next") ||
	       token_is(line, word, "import");
}

bool included_read_name(const char *text, size_t size, struct included_name *out)
{
	bool quoted = size && *text == '"';
	const char *last =
		quoted || (size && *text == '<') ? memchr(text + 1, quoted ? '"' : '>', size - 1) : NULL;
	size_t length = last ? (size_t)(last - text) - 1 : 0;

	if (!length || memchr(text + 1, '\n', length))
		return false;
	*out = (struct included_name){.name = text + 1, .length = length, .quoted = quoted};
	return true;
}

bool included_any(const char *text, size_t size)
{
	struct token_reader r, line;
	struct token t, word;

	if (!token_may_ask(text, size))
		return false;
	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, text, &t, &word);
		if (included_is(&line, &word))
			return true;
	}
	return false;
}

/* `# 1 "x.def" 1` enters a file, `# 7 "main.c" 2` comes back to one: the change of depth. */
static int marker_step(const char *text, const struct token *directive)
{
	struct token_reader line;
	struct token t, flag = {0};

	token_read_directive(&line, text, directive, &t);
	if (t.kind != TOKEN_NUMBER)
		return 0;
	token_next(&line, &t);
	token_next(&line, &flag);
	return flag.first == '1' ? 1 : flag.first == '2' ? -1 : 0;
}

void included_each(const struct index *ix, const struct index_declaration *d,
		   void (*each)(void *context, uint32_t begin, uint32_t end), void *context)
{
	struct token_reader r;
	struct token t;
	uint32_t begin = 0;
	int depth = 0;

	if (!d->has_directive)
		return;
	token_reader_within(&r, ix->text, d->begin, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		int step = t.kind == TOKEN_DIRECTIVE ? marker_step(ix->text, &t) : 0;
		if (depth == 0 && step > 0)
			begin = t.end;
		depth += step;
		if (depth == 0 && step < 0)
			each(context, begin, t.begin);
		if (depth < 0)
			depth = 0;
	}
}

/* --- the files themselves ----------------------------------------------------------------------------------------- */

/* Where a file of that name is looked for. */
struct wanted {
	struct included_name name;
	char path[PATH_MAX]; /* where it was found; "" */
};

static void look_in(void *context, const char *folder, size_t length)
{
	struct wanted *w = context;

	if (!*w->path && (snprintf(w->path, sizeof(w->path), "%.*s/%.*s", (int)length, folder,
				   (int)w->name.length, w->name.name) >= (int)sizeof(w->path) ||
			  access(w->path, R_OK)))
		*w->path = '\0';
}

/* The file that such a line in `from` means. */
static bool find_file(const struct index *ix, const char *from, const struct token_reader *line,
		      struct wanted *out)
{
	const char *behind = line->text + line->at, *end = line->text + line->size;

	while (behind < end && (*behind == ' ' || *behind == '\t'))
		behind++;
	*out->path = '\0';
	if (!included_read_name(behind, (size_t)(end - behind), &out->name))
		return false;
	if (*out->name.name == '/')
		look_in(out, "", 0);
	if (out->name.quoted)
		look_in(out, from, (size_t)(text_base_name(from) - from));
	folders_each(ix->folders, out->name.quoted, look_in, out);
	return *out->path && strncmp(out->path, "/usr/", 5) != 0;
}

/* False: it is there already, or cannot be read. */
static bool add_file(struct included_files *files, const char *path)
{
	size_t size;

	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].path, path) == 0)
			return false;
	char *text = text_read_file(path, &size), *copy = text ? strdup(path) : NULL;
	struct included_file *more =
		copy && size < UINT32_MAX / 2
			? realloc(files->items, (files->count + 1) * sizeof(*files->items))
			: NULL;
	files->failed |= text && size < UINT32_MAX / 2 && !more;
	if (!more) {
		free(text);
		free(copy);
		return false;
	}
	files->items = more;
	more[files->count++] = (struct included_file){copy, text, (uint32_t)size};
	return true;
}

static void read_from(struct included_files *files, const struct index *ix, const char *from,
		      const char *text, size_t size)
{
	struct token_reader r, line;
	struct token t, word;

	if (!token_may_ask(text, size))
		return;
	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END && !files->failed; token_next(&r, &t)) {
		struct wanted wanted;
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, text, &t, &word);
		if (!included_is(&line, &word) || !find_file(ix, from, &line, &wanted) ||
		    !add_file(files, wanted.path))
			continue;
		struct included_file added = files->items[files->count - 1];
		read_from(files, ix, added.path, added.text, added.size);
	}
}

void included_read(struct included_files *files, const struct index *ix, const char *text, size_t size)
{
	read_from(files, ix, ix->file, text, size);
}

void included_files_fini(struct included_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].text);
	}
	free(files->items);
	*files = (struct included_files){0};
}
