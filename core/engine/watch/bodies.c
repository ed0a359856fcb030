#include "bodies.h"
#include "extent.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static bool add_edit(struct bodies *bodies, const struct bodies_edit *edit)
{
	if (bodies->count == bodies->room) {
		size_t room = bodies->room ? bodies->room * 2 : 4;
		void *more = realloc(bodies->items, room * sizeof(*bodies->items));
		if (!more)
			return false;
		bodies->items = more;
		bodies->room = room;
	}
	bodies->items[bodies->count++] = *edit;
	return true;
}

/* Whether a preprocessor line chooses among lines and does nothing else; `*open` counts the choices that go on. */
static bool is_condition(const char *text, const struct token *t, unsigned *open)
{
	struct token_reader r;
	struct token word;

	token_read_directive(&r, text, t, &word);
	if (token_is(&r, &word, "if") || token_is(&r, &word, "ifdef") || token_is(&r, &word, "ifndef")) {
		++*open;
		return true;
	}
	if (!*open)
		return false;
	if (!token_is(&r, &word, "endif"))
		return token_is(&r, &word, "else") || token_is(&r, &word, "elif");
	--*open;
	return true;
}

/* Offset behind the closing brace of the definition at the start of the text. 0 if its brackets do not close, a literal
 * or a comment runs on, or a preprocessor line is in it that may mean something to the rest of the file. `*body`: behind
 * its opening brace. */
static size_t end_of_definition(const char *text, size_t size, size_t *body)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0, conditions = 0;

	*body = 0;
	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.unterminated || (t.kind == TOKEN_DIRECTIVE && !is_condition(text, &t, &conditions)))
			return 0;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{' && depth++ == 0)
			*body = t.end;
		if (t.kind != TOKEN_PUNCTUATOR || t.first != '}')
			continue;
		if (!depth)
			return 0;
		if (--depth == 0)
			return conditions ? 0 : t.end;
	}
	return 0;
}

/* The decorated function of the source whose lines hold that one. Lines are cheap to look at, the text is not. */
static struct live_function *function_at(const struct live *live, const struct source *s, uint32_t line,
					 const struct index_declaration **definition)
{
	for (size_t i = 0; i < live_count(live); i++) {
		struct live_function *function = live_function(live, i);
		unsigned nth;
		if (function->at.unit != s->unit)
			continue;
		const struct index_declaration *d = source_definition(s, &function->at, &nth);
		if (!d || d->is_inline || d->line > line || d->last_line < line)
			continue;
		*definition = d;
		return function;
	}
	return NULL;
}

/* The decorated function whose body holds the difference at `at` of the old text, which is `at` + shift of the new; false
 * if it is not that simple. */
static bool find_edit(const struct live *live, const struct source *s, const char *new, size_t new_size,
		      size_t at, ptrdiff_t shift, struct bodies_edit *out)
{
	const struct index *ix = s->index;
	uint32_t begin, end, line;
	size_t body;

	*out = (struct bodies_edit){0};
	out->function = function_at(live, s, 1 + token_line(ix->source, (uint32_t)at), &out->definition);
	if (!out->function || !extent_find(ix, out->definition, &begin, &end, &line) || at < begin ||
	    at >= end)
		return false;
	size_t new_begin = (size_t)((ptrdiff_t)begin + shift);
	if (end_of_definition(ix->source + begin, end - begin, &body) != end - begin || at < begin + body)
		return false;
	size_t length = end_of_definition(new + new_begin, new_size - new_begin, &body);
	out->begin = begin;
	out->end = end;
	out->new_begin = new_begin;
	out->new_end = new_begin + length;
	return length != 0;
}

/* The text after the first `count` bodies: the new one so far, and the old one from there on. */
static char *text_between(const struct index *old, const char *new, const struct bodies_edit *edit,
			  size_t old_at, size_t *size)
{
	size_t tail = old->source_size - old_at;
	char *text = malloc(edit->new_end + tail + 1);

	if (!text)
		return NULL;
	memcpy(text, new, edit->new_end);
	memcpy(text + edit->new_end, old->source + old_at, tail);
	*size = edit->new_end + tail;
	text[*size] = '\0';
	return text;
}

bool bodies_find(const struct live *live, const struct source *s, const char *new, size_t new_size,
		 struct bodies *bodies)
{
	const char *old = s->index->source;
	size_t old_size = s->index->source_size, at = 0;
	ptrdiff_t shift = 0;

	for (;;) {
		size_t new_at = (size_t)((ptrdiff_t)at + shift);
		size_t left = old_size - at < new_size - new_at ? old_size - at : new_size - new_at, same = 0;
		struct bodies_edit edit;
		while (same < left && old[at + same] == new[new_at + same])
			same++;
		if (at + same == old_size && new_at + same == new_size)
			return true;
		if (!find_edit(live, s, new, new_size, at + same, shift, &edit) || edit.begin < at ||
		    !add_edit(bodies, &edit))
			return false;
		at = edit.end;
		shift = (ptrdiff_t)edit.new_end - (ptrdiff_t)edit.end;
	}
}

bool bodies_apply(struct source *s, const char *new, const struct bodies *bodies)
{
	ptrdiff_t shift = 0;

	for (size_t i = 0; i < bodies->count; i++) {
		const struct bodies_edit *edit = &bodies->items[i];
		size_t size;
		char *text = text_between(s->index, new, edit, (size_t)((ptrdiff_t)edit->end + shift), &size);
		bool applied = text && index_edit_body(s->index, edit->definition, text, size);
		free(text);
		if (!applied)
			return false;
		shift = (ptrdiff_t)edit->new_end - (ptrdiff_t)edit->end;
		edit->function->saved.edited = true;
	}
	return true;
}

void bodies_fini(struct bodies *bodies)
{
	free(bodies->items);
	*bodies = (struct bodies){0};
}
