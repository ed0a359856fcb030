#include "guards.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_guard(struct guards *g, struct text *out, const char *type, const char *member,
		      uint64_t value)
{
	struct slice_guard guard = {.line = g->line++,
				    .offset = member != NULL,
				    .value = value,
				    .given_line = g->given_line,
				    .given_column = g->given_column};

	if (asprintf(&guard.subject, "%s%s%s", type, member ? "." : "", member ? member : "") < 0)
		guard.subject = NULL;
	struct slice_guard *items =
		guard.subject ? pool_grow(g->items, g->count, &g->room, sizeof(*g->items)) : NULL;
	if (!items) {
		free(guard.subject);
		g->failed = true;
		return;
	}
	g->items = items;
	g->items[g->count++] = guard;
	if (member)
		text_printf(out, "_Static_assert(__builtin_offsetof(%s, %s) == %llu, \"rtf\");\n", type,
			    member, (unsigned long long)value);
	else
		text_printf(out, "_Static_assert(sizeof(%s) == %llu, \"rtf\");\n", type,
			    (unsigned long long)value);
}

/* Where a type is defined. */
struct place {
	const char *text;
	uint32_t begin, end;
};

/* Whether a colon follows the name anywhere, for a look without tokens. */
static bool may_be_bit_field(const struct place *p, const char *member)
{
	const char *begin = p->text + p->begin, *end = p->text + p->end;

	for (const char *at = begin; (at = text_find_word(begin, end, at, member));) {
		at += strlen(member);
		while (at < end && (*at == ' ' || *at == '\t' || *at == '\n'))
			at++;
		if (at < end && *at == ':')
			return true;
	}
	return false;
}

/* One that fills its type has an offset to clang's DWARF, and none to the compiler. */
static bool is_bit_field(const struct place *p, const char *member)
{
	struct token_reader r;
	struct token t;
	bool named = false;

	if (!may_be_bit_field(p, member))
		return false;
	token_reader_within(&r, p->text, p->begin, p->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (named && t.first == ':')
			return true;
		named = token_is(&r, &t, member);
	}
	return false;
}

static void guard_type(const struct closure *c, struct guards *g, struct text *out, const struct place *place,
		       enum target_tag tag, const char *name, uint32_t length)
{
	static const char *const prefixes[] = {"struct ", "union ", "enum ", ""};
	struct target_layout layout;
	char type[300];
	int prefix = (int)strlen(prefixes[tag]);

	if (length > 250)
		return;
	snprintf(type, sizeof(type), "%s%.*s", prefixes[tag], (int)length, name);
	if (!c->names->layout(c->names->context, tag, type + prefix, &layout))
		return;
	if (layout.count == 0 && layout.size == 0)
		return;
	add_guard(g, out, type, NULL, layout.size);
	for (size_t i = 0; i < layout.count; i++) {
		const struct target_member *m = &layout.members[i];
		if (m->name && !m->bit_size && name_table_has(&c->members, m->name, strlen(m->name)) &&
		    !is_bit_field(place, m->name))
			add_guard(g, out, type, m->name, m->bit_offset / 8);
	}
}

void guards_write(struct guards *g, const struct closure *c, struct text *out)
{
	if (!c->names->layout)
		return;
	for (size_t k = 0; k < c->chosen_count; k++) {
		const struct index_declaration *d = closure_declaration(c, c->chosen[k]);
		if (c->levels[c->chosen[k]] != CLOSURE_WHOLE || d->kind == DECLARATION_FUNCTION)
			continue;
		const struct place place = {c->ix->text, d->begin, d->end};
		bool tagged = false, record = false;
		for (uint32_t i = d->name_begin; i < d->name_end; i++) {
			const struct index_name *n = &c->ix->names[i];
			record |= n->kind == NAME_MEMBER;
			if (n->kind == NAME_TAG) {
				char keyword = *declaration_tag_word(c->ix->text, d->begin, n->begin);
				tagged = true;
				if (keyword != 'e')
					guard_type(c, g, out, &place,
						   keyword == 's' ? TARGET_STRUCT : TARGET_UNION,
						   c->ix->text + n->begin, n->end - n->begin);
			} else if (n->kind == NAME_TYPEDEF && record && !tagged) {
				guard_type(c, g, out, &place, TARGET_TYPEDEF, c->ix->text + n->begin,
					   n->end - n->begin);
			}
		}
	}
}

/* A text that was given, which begins at that line of the slice. */
struct given {
	const char *text;
	uint32_t size, line;
};

/* A type of the file that a given text defines anew must be the one that the program's data has. */
static void guard_given_type(const struct closure *c, struct guards *g, struct text *out,
			     const struct given *given, const struct declaration *d,
			     const struct declaration_name *n)
{
	const char *text = given->text, *name = text + n->begin;
	uint32_t length = n->end - n->begin, line_begin = n->begin;
	bool is_tag = n->kind == NAME_TAG;
	char keyword = is_tag ? *declaration_tag_word(text, d->begin, n->begin) : 't';

	if (keyword == 'e' ||
	    index_find(c->ix, is_tag ? INDEX_TAG : INDEX_ORDINARY, name, length) == INDEX_NONE)
		return;
	while (line_begin && text[line_begin - 1] != '\n')
		line_begin--;
	g->given_line = given->line + token_line(text, n->begin);
	g->given_column = n->begin - line_begin + 1;
	const struct place place = {text, d->begin, d->end};
	guard_type(c, g, out, &place,
		   keyword == 's'   ? TARGET_STRUCT
		   : keyword == 'u' ? TARGET_UNION
				    : TARGET_TYPEDEF,
		   name, length);
}

void guards_write_given(struct guards *g, const struct closure *c, struct text *out, const char *text,
			size_t size, uint32_t line)
{
	const struct given given = {text, (uint32_t)size, line};
	struct declaration_reader r;
	struct declaration d = {0};

	if (!c->names->layout)
		return;
	declaration_reader_init(&r, text, given.size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d)) {
		bool tagged = false, record = false;
		for (size_t i = 0; i < d.name_count; i++) {
			const struct declaration_name *n = &d.names[i];
			record |= n->kind == NAME_MEMBER;
			tagged |= n->kind == NAME_TAG;
			if (n->kind == NAME_TAG || (n->kind == NAME_TYPEDEF && record && !tagged))
				guard_given_type(c, g, out, &given, &d, n);
		}
	}
	g->failed |= d.out_of_memory;
	declaration_fini(&d);
}

char *guards_blank(const struct slice *s)
{
	char *text = malloc(s->size + 1), *line = text, *newline;
	uint32_t number = 1;

	if (!text)
		return NULL;
	memcpy(text, s->text, s->size + 1);
	for (size_t i = 0; i < s->guard_count && s->guards[i].line < s->user_line;
	     number++, line = newline + 1) {
		newline = memchr(line, '\n', s->size - (size_t)(line - text));
		if (!newline)
			break;
		if (number != s->guards[i].line)
			continue;
		memset(line, ' ', (size_t)(newline - line));
		i++;
	}
	return text;
}
