#include "pushed.h"

#include <stdlib.h>
#include <string.h>

enum { PUSHED_DEEP = 256 };

struct pushed {
	const char *name;
	size_t length;
	struct index_macro macro; /* undefined: there was none */
	bool popped;
};

struct stack {
	struct index *ix;
	struct pushed pushed[PUSHED_DEEP];
	size_t count;
};

static bool is_own(const struct index *ix, uint16_t file)
{
	return strcmp(ix->files[file], ix->file) == 0;
}

/* The offset of the preprocessed text before which all stands that the file has up to that line. */
static uint32_t offset_behind(const struct index *ix, uint32_t line)
{
	uint32_t at = ix->size;

	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		if (d->line > line && d->begin < at && is_own(ix, d->file))
			at = d->begin;
	}
	for (uint32_t i = 0; i < ix->macro_count; i++) {
		const struct index_macro *m = &ix->macros[i];
		if (m->line > line && m->begin < at && is_own(ix, m->file))
			at = m->begin;
	}
	return at ? at - 1 : 0;
}

static void push(struct stack *s, const char *name, size_t length, uint32_t at)
{
	const struct index_macro *m = index_find_macro(s->ix, name, length, at);

	if (s->count < PUSHED_DEEP)
		s->pushed[s->count++] = (struct pushed){
			name, length, m ? *m : (struct index_macro){.undefined = true}, false};
}

/* Into the chain of its name, behind what is in force until there. */
static bool insert(struct index *ix, const char *name, size_t length, struct index_macro macro, uint32_t at)
{
	uint32_t i = index_first_macro(ix, name, length);

	if (i == INDEX_NONE || ix->macros[i].at > at)
		return true; /* nobody has changed it in between */
	struct index_macro *more = reallocarray(ix->macros, ix->macro_count + 1, sizeof(*more));
	if (!more)
		return false;
	ix->macros = more;
	while (more[i].next != INDEX_NONE && more[more[i].next].at <= at)
		i = more[i].next;
	if (!macro.name_end) {
		macro = more[i];
		macro.undefined = true;
	}
	macro.at = at;
	macro.next = more[i].next;
	more[i].next = ix->macro_count;
	more[ix->macro_count++] = macro;
	return true;
}

static bool pop(struct stack *s, const char *name, size_t length, uint32_t at)
{
	for (size_t i = s->count; i-- > 0;) {
		struct pushed *p = &s->pushed[i];
		if (p->popped || p->length != length || memcmp(p->name, name, length) != 0)
			continue;
		p->popped = true;
		return insert(s->ix, name, length, p->macro, at);
	}
	return true;
}

/* `#pragma push_macro("X")`, as written. */
static bool read_pragma(struct stack *s, const struct token *directive)
{
	const char *source = s->ix->source;
	struct token_reader r;
	struct token pragma, which, open, name;

	token_reader_init(&r, source, directive->end);
	r.at = directive->begin + 1;
	r.line_start = false;
	token_next(&r, &pragma);
	token_next(&r, &which);
	bool pushes = token_is(&r, &which, "push_macro");
	if (!token_is(&r, &pragma, "pragma") || (!pushes && !token_is(&r, &which, "pop_macro")))
		return true;
	token_next(&r, &open);
	token_next(&r, &name);
	if (open.first != '(' || name.kind != TOKEN_STRING || name.end - name.begin < 3)
		return true;
	const char *begin = source + name.begin + 1;
	size_t length = name.end - name.begin - 2;
	uint32_t at = offset_behind(s->ix, token_line(source, directive->begin) + 1);
	if (!pushes)
		return pop(s, begin, length, at);
	push(s, begin, length, at);
	return true;
}

bool pushed_restore(struct index *ix)
{
	struct token_reader r;
	struct token t;
	bool done = true;

	if (!ix->source || !strstr(ix->source, "pop_macro"))
		return true;
	struct stack *s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->ix = ix;
	token_reader_init(&r, ix->source, ix->source_size);
	for (token_next(&r, &t); t.kind != TOKEN_END && done; token_next(&r, &t))
		if (t.kind == TOKEN_DIRECTIVE)
			done = read_pragma(s, &t);
	free(s);
	return done;
}
