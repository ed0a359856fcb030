#include "extent.h"
#include "text.h"
#include "token.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the next `{` outside brackets is the body of a type, as in `struct pair { int a, b; } f(void)`. */
static bool begins_type(const struct token_reader *r, const struct token *t, const struct token *before,
			bool was)
{
	if (t->kind == TOKEN_NAME)
		return was || token_is(r, t, "struct") || token_is(r, t, "union") || token_is(r, t, "enum");
	if (t->kind != TOKEN_PUNCTUATOR)
		return was;
	if (t->first == '(' || t->first == ')')
		return was && (t->first == ')' || token_is(r, before, "__attribute__"));
	return false;
}

/* Offset behind what else stands on the line before the function: the last `;` or `}` outside brackets. */
static uint32_t begin_on_line(const struct index *ix, const struct index_declaration *d, uint32_t line_begin,
			      uint32_t limit)
{
	const char *name = ix->text + ix->names[d->name_end - 1].begin;
	size_t length = ix->names[d->name_end - 1].end - ix->names[d->name_end - 1].begin;
	struct token_reader r;
	struct token t;
	const char *text = ix->source + line_begin;
	size_t length_of_line = limit - line_begin;
	int depth = 0;
	bool seen = false, type = false, in_type = false;
	struct token before = {0};

	/* The line may begin inside a comment. */
	const char *newline = memchr(text, '\n', length_of_line);
	if (newline)
		length_of_line = (size_t)(newline - text);
	const char *close = memmem(text, length_of_line, "*/", 2),
		   *open = memmem(text, length_of_line, "/*", 2);
	if (close && (!open || open > close))
		line_begin += (uint32_t)(close - text) + 2;

	uint32_t begin = line_begin;
	token_reader_within(&r, ix->source, line_begin, limit, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (depth == 0 && t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			in_type = type;
		if (depth == 0)
			type = begins_type(&r, &t, &before, type);
		if (t.kind == TOKEN_NAME && depth == 0 && t.end - t.begin == length &&
		    memcmp(r.text + t.begin, name, length) == 0) {
			if (d->old_style)
				return begin;
			seen = true;
		}
		if (t.kind != TOKEN_PUNCTUATOR)
			continue;
		if (t.first == '{' && depth == 0 && seen)
			return begin;
		if (t.first == '(' || t.first == '{' || t.first == '[')
			depth++;
		else if ((t.first == ')' || t.first == '}' || t.first == ']') && depth > 0)
			depth--;
		if (depth == 0 && (t.first == ';' || (t.first == '}' && !in_type))) {
			begin = t.end;
			seen = false; /* that was a prototype */
		}
	}
	return line_begin;
}

/* Offset behind the `#endif` of the last `#if` that is open; 0 if there is none, or if what is behind the body is not of its
 * other branches. */
static uint32_t end_of_condition(struct token_reader *r, struct token_braces *braces)
{
	bool other = false;
	struct token t;

	for (token_next(r, &t); t.kind != TOKEN_END; token_next(r, &t)) {
		token_count_brace(r, &t, braces);
		if (braces->conditions == 0)
			return t.end;
		other |= t.kind == TOKEN_DIRECTIVE;
		if (t.kind != TOKEN_DIRECTIVE && (!braces->skip || !other))
			return 0;
	}
	return 0;
}

/* `#line 12 "grammar.y"`: what stands behind it has other lines, and they may not be true. */
static bool moves_lines(const struct token_reader *r, const struct token *t)
{
	struct token_reader line;
	struct token word;

	if (t->kind != TOKEN_DIRECTIVE)
		return false;
	token_read_directive(&line, r->text, t, &word);
	return token_is(&line, &word, "line") || word.kind == TOKEN_NUMBER;
}

/* Whether a word in a definition's head is the function's name, or a macro that may have made it. */
static bool may_be_name(const struct index *ix, const char *word, size_t length, const char *name,
			size_t name_length)
{
	struct token_reader r;
	struct token t, behind;

	if (length == name_length && memcmp(word, name, length) == 0)
		return true;
	const struct index_macro *m = index_find_macro(ix, word, length, ix->size);
	if (!m || m->undefined)
		return index_first_macro(ix, word, length) != INDEX_NONE; /* it was one, further up */
	token_reader_within(&r, ix->text, m->body_begin, m->end, false);
	token_next(&r, &t);
	token_next(&r, &behind);
	if (t.kind != TOKEN_NAME || behind.kind != TOKEN_END)
		return t.kind != TOKEN_END;
	return (t.end - t.begin == name_length && memcmp(ix->text + t.begin, name, name_length) == 0) ||
	       index_find_macro(ix, ix->text + t.begin, t.end - t.begin, ix->size);
}

/* Whether a head that may be the function's stands before the body: where `#line` does not tell the truth, or a file is not
 * what was read, anything may stand there. */
static bool has_head(const struct index *ix, const struct index_declaration *d, uint32_t from, uint32_t to)
{
	const struct index_name *n = &ix->names[d->name_end - 1];
	struct token_reader r;
	struct token t, before = {0};
	bool type = false;

	token_reader_within(&r, ix->source, from, to, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{') {
			if (!type)
				return false;
			token_skip_group(&r, &t);
		}
		type = begins_type(&r, &t, &before, type);
		if (t.kind == TOKEN_NAME && may_be_name(ix, ix->source + t.begin, t.end - t.begin,
							ix->text + n->begin, n->end - n->begin))
			return true;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == ';' && !d->old_style)
			return false;
	}
	return false;
}

/* Offset behind the body's closing brace, 0 if no body begins before `last_end`. Where macros hide braces the one that
 * matches is not the one that counts, and where a macro's arguments run over lines `last` is not the last line: what
 * matches on that line is right, then what stands there, then what matches anywhere. */
static uint32_t find_end(const struct index *ix, uint32_t from, uint32_t last, uint32_t last_end)
{
	struct token_reader r;
	struct token t;
	struct token_braces braces = {0};
	struct token before = {0};
	uint32_t there = 0;
	unsigned brackets = 0;
	bool body = false, type = false, moved = false, shared = false;

	token_reader_within(&r, ix->source, from, ix->source_size, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (!body && !brackets && type && t.kind == TOKEN_PUNCTUATOR && t.first == '{') {
			token_skip_group(&r, &t);
			type = false;
			continue;
		}
		if (!body && !brackets)
			type = begins_type(&r, &t, &before, type);
		if (t.begin >= last_end && (there || shared || !body))
			break;
		if (t.kind == TOKEN_PUNCTUATOR && (t.first == '(' || t.first == '['))
			brackets++;
		if (t.kind == TOKEN_PUNCTUATOR && (t.first == ')' || t.first == ']') && brackets)
			brackets--;
		if (!body && brackets)
			continue;
		token_count_brace(&r, &t, &braces);
		body |= braces.depth > 0;
		moved |= body && moves_lines(&r, &t);
		if (braces.orphan)
			return 0;
		if (t.kind != TOKEN_PUNCTUATOR || t.first != '}' || !body ||
		    (t.begin < last && !(moved && braces.depth == 0)))
			continue;
		if (braces.depth == 0)
			return braces.conditions ? end_of_condition(&r, &braces) : t.end;
		if (brackets)
			continue;
		struct token_reader behind = r;
		struct token_braces open = braces;
		there = open.conditions ? end_of_condition(&behind, &open) : t.end;
		shared = !there; /* with the next function: an `#if` of this one ends there */
	}
	return there;
}

bool extent_find(const struct index *ix, const struct index_declaration *d, uint32_t *begin, uint32_t *end,
		 uint32_t *line)
{
	if (!ix->source || d->kind != DECLARATION_FUNCTION || strcmp(ix->files[d->file], ix->file) != 0 ||
	    d->line < 1 || d->last_line < d->line || d->last_line > ix->source_line_count)
		return false;

	uint32_t first = ix->source_lines[d->line - 1];
	uint32_t last = ix->source_lines[d->last_line - 1], last_end = ix->source_lines[d->last_line];
	uint32_t from = begin_on_line(ix, d, first, last_end);
	uint32_t to = find_end(ix, from, last, last_end);
	if (!to || !has_head(ix, d, from, to))
		return false; /* all of it came out of a macro call, or its head stands in an `#if` that it does not end */
	if (from == 0 && to > 3 && memcmp(ix->source, "\xef\xbb\xbf", 3) == 0)
		from = 3; /* a byte order mark */
	while (from < to && strchr(" \t\r\n", ix->source[from]))
		from++;
	*begin = from;
	*end = to;
	*line = d->line;
	return from < to;
}

/* The definition in the file, or the part of it behind its first `before` lines, that the index says is its source; malloc'ed,
 * NULL: it is not there. */
static char *text_among(struct index *ix, const struct index_declaration *d, uint32_t before, uint32_t *line)
{
	struct index_declaration there = *d;
	uint32_t begin, end;
	char *text = NULL;

	if (!index_find_source_lines(ix))
		return NULL;
	there.line -= before;
	there.last_line -= before;
	if (there.last_line > ix->source_line_count)
		there.last_line = ix->source_line_count; /* a `#line` in its body says so */
	if (extent_find(ix, &there, &begin, &end, line)) {
		text = strndup(ix->source + begin, end - begin);
		*line += before;
	}
	free(ix->source_lines);
	return text;
}

/* The line that what stands behind a directive has, if it says of that that it is of this file; 0: it does not. */
static uint32_t said_line(const struct token_reader *r, const struct token *directive, const char *name)
{
	struct token_reader line;
	struct token t, file;

	token_read_directive(&line, r->text, directive, &t);
	if (token_is(&line, &t, "line"))
		token_next(&line, &t);
	token_next(&line, &file);
	size_t length = strlen(name);
	if (t.kind != TOKEN_NUMBER || file.end - file.begin != length + 2 || file.first != '"' ||
	    memcmp(r->text + file.begin + 1, name, length) != 0)
		return 0;
	return (uint32_t)strtoul(r->text + t.begin, NULL, 10);
}

/* The definition where the source says of itself that it stands in that file: `#line 12 "grammar.y"`. What the file has there
 * may be what the source was made of and nothing that was compiled. */
static char *text_said(const struct index *ix, const struct index_declaration *d, const char *name,
		       uint32_t *line)
{
	uint32_t said = 0, begin = 0;
	struct token_reader r;
	char *text = NULL;
	struct token t;

	token_reader_init(&r, ix->source, ix->source_size);
	for (t.kind = TOKEN_NUMBER; t.kind != TOKEN_END && !text;) {
		token_next(&r, &t);
		if (t.kind != TOKEN_END && !moves_lines(&r, &t))
			continue;
		if (said && said <= d->line &&
		    d->line - said <= token_line(ix->source + begin, t.begin - begin)) {
			struct index rest = *ix;
			rest.file = ix->files[d->file];
			rest.source += begin;
			rest.source_size -= begin;
			text = text_among(&rest, d, said - 1, line);
		}
		said = t.kind == TOKEN_END ? 0 : said_line(&r, &t, name);
		const char *newline = memchr(ix->source + t.begin, '\n', ix->source_size - t.begin);
		begin = newline ? (uint32_t)(newline - ix->source) + 1 : ix->source_size;
	}
	return text;
}

static bool mentions(const struct index *ix, const char *name)
{
	return ix->source && memmem(ix->source, ix->source_size, name, strlen(name));
}

bool extent_included_text(const struct index *ix, const struct index_declaration *d, const char *directory,
			  char **text, uint32_t *line)
{
	const char *name = ix->files[d->file];
	char path[PATH_MAX];
	size_t size;

	if (*name == '<' || strcmp(name, ix->file) == 0 || !text_join_path(directory, name, path))
		return false;
	*text = mentions(ix, name) ? text_said(ix, d, name, line) : NULL;
	if (*text)
		return true;
	/* The same index, as if that file were the source. */
	struct index other = *ix;
	const char *kept = ix->file_texts ? ix->file_texts[d->file] : NULL;
	other.file = ix->files[d->file];
	other.source = kept ? strdup(kept) : text_read_file(path, &size);
	if (!other.source)
		return false;
	size = kept ? strlen(kept) : size;
	other.source_size = (uint32_t)size;
	*text = size < UINT32_MAX / 2 ? text_among(&other, d, 0, line) : NULL;
	free(other.source);
	return *text;
}

/* --- decorators -------------------------------------------------------------------------------------------------- */

bool extent_is_decorated(const struct index *ix, const char *name)
{
	static const char word[] = "REALTIMEFUNC";
	const struct index_declaration *d = ix->source ? index_find_function(ix, name, 0) : NULL;
	enum { ABOVE = 3 };

	if (!d || strcmp(ix->files[d->file], ix->file) != 0)
		return false;
	const char *from = text_line(ix->source, ix->source_size, d->line > ABOVE ? d->line - ABOVE : 1);
	const char *end = ix->source + ix->source_size, *found = NULL;
	const char *to =
		from ? text_line(from, (size_t)(end - from), d->line > ABOVE ? 1 + ABOVE : d->line) : NULL;
	if (!from)
		return false;
	if (!to)
		to = end;
	const char *behind = memchr(to, '\n', (size_t)(end - to));

	for (const char *at = from, *stop = behind ? behind : end;
	     (at = memmem(at, (size_t)(stop - at), word, sizeof(word) - 1)); at += sizeof(word) - 1)
		found = at;
	for (const char *at = found; at && at < to; at++)
		if (*at == ';' || *at == '}')
			return false;
	return found;
}
