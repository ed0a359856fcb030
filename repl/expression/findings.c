#include "findings.h"
#include "text.h"
#include "token.h"
#include "typed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 1000 }; /* brackets in brackets: compilers give up much earlier */

struct findings_text findings_text(const char *entry, const char *text, size_t size)
{
	const char *line = *entry == '\\' ? text : entry;

	while (line > entry && line[-1] != '\n')
		line--;
	return (struct findings_text){
		.line = line, .size = size + (size_t)(text - line), .begin = (size_t)(text - line)};
}

/* Where the C's last token ends. */
static size_t end_of(const struct findings_text *t)
{
	size_t size = typed_trim(t->line + t->begin, t->size - t->begin);

	return t->begin + size;
}

/* Where a place that compilers name is. They count from 1; what stands in front of the C has lines up to 0. */
static size_t offset_of(const struct findings_text *t, int line, unsigned column)
{
	size_t at = t->begin, end = end_of(t);

	if (t->split && line > (int)t->split)
		line = line > (int)(t->split + t->more) ? line - (int)t->more : (int)t->split;
	if (line < 1)
		return at;
	if (line == 1) {
		size_t behind = column ? column - 1 : 0;
		at += behind > t->before ? behind - t->before : 0;
		return at < end ? at : end;
	}
	for (; line > 1; line--) {
		const char *newline = memchr(t->line + at, '\n', t->size - at);
		if (!newline)
			return end;
		at = (size_t)(newline - t->line) + 1;
	}
	at += column ? column - 1 : 0;
	return at < end ? at : end;
}

/* The finding is at that offset. */
static bool put(const struct findings_text *t, size_t offset, struct check_diagnostic *d)
{
	size_t begin = offset;

	while (begin && t->line[begin - 1] != '\n')
		begin--;
	const char *newline = memchr(t->line + begin, '\n', t->size - begin);
	char *source =
		strndup(t->line + begin, newline ? (size_t)(newline - t->line) - begin : t->size - begin);
	if (!source)
		return false;
	free(d->source);
	d->source = source;
	d->line = 1 + token_line(t->line, (uint32_t)begin);
	d->column = (unsigned)(offset - begin) + 1;
	return true;
}

/* It stands in no line that was typed just now. */
static bool put_declared(struct check_diagnostic *d)
{
	char *message = NULL, *source = strdup("");

	if (!source || asprintf(&message, "what this console declared before: %s", d->message) < 0) {
		free(source);
		return false;
	}
	free(d->message);
	free(d->source);
	d->message = message;
	d->source = source;
	d->line = d->column = 0;
	return true;
}

static bool is_in(const struct check_diagnostic *d, const char *file)
{
	return strcmp(d->file, file) == 0;
}

/* What is being declared stands before the entry too: what is wrong with it is told where it was typed. */
static void drop_declared(struct check_result *r)
{
	bool typed = false;
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		typed |= is_in(&r->diagnostics[i], FINDINGS_TYPED) &&
			 strcmp(r->diagnostics[i].severity, "error") == 0;
	for (size_t i = 0; i < r->count; i++) {
		if (typed && is_in(&r->diagnostics[i], FINDINGS_DECLARED))
			check_diagnostic_fini(&r->diagnostics[i]);
		else
			r->diagnostics[kept++] = r->diagnostics[i];
	}
	r->count = kept;
}

struct error *findings_place(const struct findings_text *t, struct check_result *r)
{
	bool done = true;

	drop_declared(r);
	for (size_t i = 0; i < r->count && done; i++) {
		struct check_diagnostic *d = &r->diagnostics[i];
		if (is_in(d, FINDINGS_TYPED))
			done = put(t, offset_of(t, (int)d->line, d->column), d);
		else if (is_in(d, FINDINGS_DECLARED))
			done = put_declared(d);
	}
	return done ? NULL : error_memory();
}

/* --- what compilers would say of our C ------------------------------------------------------------------------------ */

struct unmatched {
	size_t at;
	char what[40];
};

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* The first bracket that is not in its place, or the first literal or comment without an end. */
static bool find_unmatched(const char *text, size_t size, struct unmatched *u)
{
	struct token_reader r;
	struct token t;
	char open[DEPTH_MOST];
	size_t depth = 0, end = 0;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; end = t.end, token_next(&r, &t)) {
		bool literal = t.kind == TOKEN_STRING || t.kind == TOKEN_CHARACTER;
		u->at = t.begin;
		if (literal && t.unterminated) {
			snprintf(u->what, sizeof(u->what), "missing terminating %c character",
				 t.kind == TOKEN_STRING ? '"' : '\'');
			return true;
		}
		if (t.kind != TOKEN_PUNCTUATOR || !strchr("([{)]}", t.first))
			continue;
		if (strchr("([{", t.first)) {
			if (depth == DEPTH_MOST)
				return false;
			open[depth++] = closing(t.first);
			continue;
		}
		if (!depth)
			snprintf(u->what, sizeof(u->what), "extraneous '%c'", t.first);
		else if (open[--depth] != t.first)
			snprintf(u->what, sizeof(u->what), "expected '%c'", open[depth]);
		else
			continue;
		return true;
	}
	u->at = end;
	if (t.unterminated)
		strcpy(u->what, "unterminated comment");
	else if (depth)
		snprintf(u->what, sizeof(u->what), "expected '%c'", open[depth - 1]);
	return t.unterminated || depth;
}

struct error *findings_look(const struct findings_text *t, struct check_result *r)
{
	struct unmatched u;

	if (!find_unmatched(t->line + t->begin, t->size - t->begin, &u))
		return NULL;
	struct check_diagnostic d = {.file = strdup(FINDINGS_TYPED),
				     .severity = strdup("error"),
				     .message = strdup(u.what),
				     .source = strdup("")};
	if (!put(t, t->begin + u.at, &d)) {
		free(d.source);
		d.source = NULL;
	}
	check_result_fini(r);
	*r = (struct check_result){.failed = true, .class = ERROR_COMPILE, .message = strdup(u.what)};
	struct error *e = check_add(r, d);
	return e || r->message ? e : error_memory();
}
