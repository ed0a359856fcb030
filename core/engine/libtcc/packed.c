#include "packed.h"
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

struct packed {
	char *tag; /* "": it has none */
	uint32_t begin;
	const char *type;
};

static long long size_of(CXCursor enumeration)
{
	return clang_Type_getSizeOf(clang_getCursorType(enumeration));
}

static bool is_packed(CXCursor cursor)
{
	return clang_getCursorKind(cursor) == CXCursor_EnumDecl && clang_isCursorDefinition(cursor) &&
	       size_of(cursor) < (long long)sizeof(int);
}

/* For a look without the tree. */
static bool may_be_in(const char *text)
{
	return strstr(text, "enum") && strstr(text, "packed");
}

static enum CXChildVisitResult find_one(CXCursor cursor, CXCursor parent, CXClientData data)
{
	bool *found = data;

	(void)parent;
	*found = is_packed(cursor);
	return *found ? CXChildVisit_Break : CXChildVisit_Recurse;
}

bool packed_is_in(CXTranslationUnit unit, const char *text)
{
	bool found = false;

	if (may_be_in(text))
		clang_visitChildren(clang_getTranslationUnitCursor(unit), find_one, &found);
	return found;
}

/* --- another text -------------------------------------------------------------------------------------------------- */

struct change {
	struct rewrite *rewrite;
	char *text;
	struct packed *list;
	size_t count;
	bool impossible;
};

static const char *type_of(CXCursor enumeration)
{
	bool is_signed = cursor_enum_is_signed(enumeration);

	if (size_of(enumeration) == 1)
		return is_signed ? "signed char" : "unsigned char";
	return is_signed ? "short" : "unsigned short";
}

/* Blanks attributes from a token on, which becomes the first behind them. */
static void blank_attributes(struct change *c, struct token_reader *r, struct token *t)
{
	while (token_is_attribute(r, t)) {
		uint32_t begin = t->begin;
		token_next(r, t);
		if (t->first == '(')
			token_skip_group(r, t);
		token_blank(c->text, begin, t->end);
		token_next(r, t);
	}
}

static bool is_known(const struct change *c, uint32_t begin)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].begin == begin)
			return true;
	return false;
}

/* `enum e {A} __attribute__((packed)) x` becomes `__typeof__((unsigned char)sizeof(enum e {A})) x`, whose constants are in
 * force as before. */
static void put_definition(struct change *c, CXCursor enumeration)
{
	struct rewrite *w = c->rewrite;
	struct packed p = {.tag = cursor_take(clang_getCursorSpelling(enumeration)),
			   .type = type_of(enumeration)};
	struct range r;
	struct token_reader reader;
	struct token t;

	w->failed |= !p.tag;
	if (w->failed || !rewrite_range(w, enumeration, &r) || !rewrite_has_keyword(w, r.begin, "enum") ||
	    rewrite_macro(w, r.end - 1)) {
		c->impossible = true;
		free(p.tag);
		return;
	}
	p.begin = r.begin;
	if (!is_known(c, p.begin))
		c->list = rewrite_grow(w, c->list, c->count, sizeof(*c->list));
	if (w->failed || is_known(c, p.begin)) {
		free(p.tag);
		return;
	}
	c->list[c->count++] = p;

	rewrite_token(w, r.begin + (uint32_t)strlen("enum"), &reader, &t);
	blank_attributes(c, &reader, &t);
	if (t.kind == TOKEN_NAME)
		token_next(&reader, &t);
	blank_attributes(c, &reader, &t);
	c->impossible |= t.first != '{';
	rewrite_token(w, r.end, &reader, &t);
	blank_attributes(c, &reader, &t);
	if (t.first == ';')
		return; /* nothing has it here */
	rewrite_insert(w, r.begin, false, rewrite_format(w, "__typeof__((%s)sizeof(", p.type));
	rewrite_insert(w, r.end, true, rewrite_format(w, "))"));
}

static enum CXChildVisitResult put_each(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (is_packed(cursor))
		put_definition(data, cursor);
	return CXChildVisit_Recurse;
}

static const struct packed *find_tag(struct change *c, const struct token *t)
{
	const struct packed *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		const struct packed *p = &c->list[i];
		if (strlen(p->tag) != t->end - t->begin ||
		    memcmp(p->tag, c->text + t->begin, t->end - t->begin) != 0)
			continue;
		c->impossible |= found && strcmp(found->type, p->type) != 0; /* one hides the other */
		found = p;
	}
	return found;
}

/* `enum e` elsewhere, also in what macros are made of. */
static void put_references(struct change *c, uint32_t begin, uint32_t end)
{
	struct rewrite *w = c->rewrite;
	struct token_reader r;
	struct token t;

	token_reader_within(&r, c->text, begin, end, begin == 0);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			put_references(c, t.begin + 1, t.end);
		if (!token_is(&r, &t, "enum"))
			continue;
		uint32_t at = t.begin;
		token_next(&r, &t);
		const struct packed *p = t.kind == TOKEN_NAME ? find_tag(c, &t) : NULL;
		if (!p || is_known(c, at))
			continue;
		token_blank(c->text, at, t.end);
		rewrite_insert(w, at, false, rewrite_format(w, "%s", p->type));
	}
}

bool packed_put(struct rewrite *w, char *text, CXTranslationUnit unit)
{
	struct change c = {.rewrite = w, .text = text};

	if (may_be_in(text))
		clang_visitChildren(clang_getTranslationUnitCursor(unit), put_each, &c);
	if (c.count && !c.impossible)
		put_references(&c, 0, w->size);
	for (size_t i = 0; i < c.count; i++)
		free(c.list[i].tag);
	free(c.list);
	return !c.impossible;
}
