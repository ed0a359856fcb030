#include "marked.h"
#include "text.h"
#include "token.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a copy with marks ----------------------------------------------------------------------------------------- */

/* `push_macro("X")`, its quotes written as `quote`: where X stands. */
static bool read_words(const char *at, const char *end, const char *quote, bool *pushes, const char **name,
		       size_t *length)
{
	static const char push[] = "push_macro", pop[] = "pop_macro";

	at += strspn(at, " \t");
	*pushes = (size_t)(end - at) > sizeof(push) && strncmp(at, push, sizeof(push) - 1) == 0;
	if (!*pushes && ((size_t)(end - at) <= sizeof(pop) || strncmp(at, pop, sizeof(pop) - 1) != 0))
		return false;
	const char *open = memmem(at, (size_t)(end - at), quote, strlen(quote));
	*name = open ? open + strlen(quote) : NULL;
	const char *close = open ? memmem(*name, (size_t)(end - *name), quote, strlen(quote)) : NULL;
	*length = close ? (size_t)(close - *name) : 0;
	return close && *length;
}

static void put_mark(struct text *out, bool pushes, const char *name, size_t length)
{
	text_printf(out, " _Pragma(\"rtf %s \\\"%.*s\\\"\")", pushes ? "push_macro" : "pop_macro",
		    (int)length, name);
}

/* `_Pragma ( "push_macro(\"X\")" )`: the mark behind it. Reads past it. */
static bool mark_operator(struct token_reader *r, struct text *out, uint32_t *copied)
{
	struct token_reader ahead = *r;
	struct token open, string, close;
	const char *name;
	size_t length;
	bool pushes;

	token_next(&ahead, &open);
	token_next(&ahead, &string);
	token_next(&ahead, &close);
	if (open.first != '(' || string.kind != TOKEN_STRING || close.first != ')' ||
	    !read_words(r->text + string.begin + 1, r->text + string.end, "\\\"", &pushes, &name, &length))
		return false;
	text_append(out, r->text + *copied, close.end - *copied);
	put_mark(out, pushes, name, length);
	*copied = close.end;
	*r = ahead;
	return true;
}

/* `#pragma push_macro("X")`: as an operator, which may have others beside it on its line. */
static bool mark_directive(const char *text, const struct token *t, struct text *out, uint32_t *copied)
{
	struct token_reader line;
	struct token word;
	const char *name;
	size_t length;
	bool pushes;

	token_read_directive(&line, text, t, &word);
	if (!token_is(&line, &word, "pragma") ||
	    !read_words(text + word.end, text + t->end, "\"", &pushes, &name, &length))
		return false;
	text_append(out, text + *copied, t->begin - *copied);
	text_printf(out, "_Pragma(\"%s(\\\"%.*s\\\")\")", pushes ? "push_macro" : "pop_macro", (int)length,
		    name);
	put_mark(out, pushes, name, length);
	*copied = t->end;
	return true;
}

static void mark_range(const char *text, uint32_t begin, uint32_t end, bool directive, struct text *out,
		       uint32_t *copied)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE && !mark_directive(text, &t, out, copied))
			mark_range(text, t.begin + 1, t.end, true, out, copied);
		else if (t.kind == TOKEN_NAME && token_is(&r, &t, "_Pragma"))
			mark_operator(&r, out, copied);
	}
}

/* The caller's; NULL without memory. */
static char *mark(const char *text, size_t size, size_t *marked_size)
{
	struct text out = {0};
	uint32_t copied = 0;

	mark_range(text, 0, (uint32_t)size, false, &out, &copied);
	text_append(&out, text + copied, size - copied);
	*marked_size = out.size;
	return text_take(&out);
}

/* --- which files ----------------------------------------------------------------------------------------------- */

static bool has_pragmas(const char *text, size_t size)
{
	return size < UINT32_MAX / 2 && memmem(text, size, "pop_macro", sizeof("pop_macro") - 1);
}

/* Files in their marked form, whose bytes are owned; those without anything to mark are the caller's. */
struct copies {
	struct preprocess_file *files;
	char **marked; /* of each: its bytes, or NULL */
	size_t count;
	bool any, failed;
};

static void add(struct copies *c, const char *path, const char *bytes, size_t size)
{
	bool marks = has_pragmas(bytes, size);
	struct preprocess_file *files = reallocarray(c->files, c->count + 1, sizeof(*files));

	c->files = files ? files : c->files;
	char **marked = files ? reallocarray(c->marked, c->count + 1, sizeof(*marked)) : NULL;
	if (!marked) {
		c->failed = true;
		return;
	}
	c->marked = marked;
	struct preprocess_file *f = &files[c->count];
	*f = (struct preprocess_file){.path = strdup(path), .bytes = bytes, .size = size};
	marked[c->count] = marks ? mark(bytes, size, &f->size) : NULL;
	if (marks)
		f->bytes = marked[c->count];
	c->failed |= !f->path || !f->bytes;
	c->any |= marks;
	c->count++;
}

static bool has(const struct copies *c, const char *path)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->files[i].path && strcmp(c->files[i].path, path) == 0)
			return true;
	return false;
}

static void fini(struct copies *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free((char *)c->files[i].path);
		free(c->marked[i]);
	}
	free(c->files);
	free(c->marked);
}

/* A header of the program's own, if there is something to mark in it. */
static void add_header(struct copies *c, const char *name, size_t length, const char *directory)
{
	char path[4096];
	size_t size;

	int written = *name == '/' ? snprintf(path, sizeof(path), "%.*s", (int)length, name)
				   : snprintf(path, sizeof(path), "%s/%.*s", directory, (int)length, name);
	if (*name == '<' || written >= (int)sizeof(path) || has(c, path))
		return;
	char *text = text_read_file(path, &size);
	if (text && has_pragmas(text, size))
		add(c, path, text, size);
	free(text);
}

/* Those that line markers tell of as entered: `# 1 "shop.h" 1`, with a 3 behind it if it is the system's. */
static void add_headers(struct copies *c, const char *text, const char *directory)
{
	for (const char *at = text; (at = strstr(at, "\n# 1 \"")); at++) {
		const char *name = at + sizeof("\n# 1 \"") - 1, *end = strchr(name, '"');
		const char *line = end ? strchrnul(end, '\n') : NULL;
		if (end && !memchr(end, '3', (size_t)(line - end)))
			add_header(c, name, (size_t)(end - name), directory);
	}
}

struct error *marked_preprocess(const char *file, const struct flags *flags, const char *source,
				size_t source_size, const struct preprocess_file *files, size_t count,
				char **text, size_t *size, char **folders)
{
	struct copies copies = {0};
	char *marked, *same;
	size_t marked_size;

	struct error *e = preprocess_source(file, flags, files, count, text, size, folders);
	if (e)
		return e;
	add(&copies, file, source, source_size);
	for (size_t i = 0; i < count; i++)
		if (!has(&copies, files[i].path))
			add(&copies, files[i].path, files[i].bytes, files[i].size);
	add_headers(&copies, *text, flags->directory);
	if (copies.any && !copies.failed)
		e = preprocess_source(file, flags, copies.files, copies.count, &marked, &marked_size, &same);
	if (copies.any && !copies.failed && !e) {
		free(same);
		free(*text);
		*text = marked;
		*size = marked_size;
	}
	error_free(e); /* then they are not known */
	fini(&copies);
	return NULL;
}
