#include "expansion.h"
#include "token.h"

#include <clang-c/Index.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 16 };

struct definition {
	uint32_t begin, end; /* from its name on */
};

struct search {
	const char *text;
	uint32_t base, size;
	struct definition *definitions;
	size_t definition_count;
	struct expansion *expansions;
	size_t count;
	bool failed;
};

static bool range_of(CXCursor cursor, uint32_t *begin, uint32_t *end)
{
	CXSourceRange extent = clang_getCursorExtent(cursor);
	CXFile file, other;
	unsigned from, to;

	clang_getExpansionLocation(clang_getRangeStart(extent), &file, NULL, NULL, &from);
	clang_getExpansionLocation(clang_getRangeEnd(extent), &other, NULL, NULL, &to);
	*begin = from;
	*end = to;
	return file && file == other && from < to;
}

/* Room for one more; lists have room for a power of two. */
static void *grow(struct search *s, void *list, size_t count, size_t size)
{
	if (count & (count - 1))
		return list;
	void *more = realloc(list, (count ? count * 2 : 1) * size);
	s->failed |= !more;
	return more ? more : list;
}

static void add_expansion(struct search *s, uint32_t begin, uint32_t end)
{
	if (begin < s->base || end > s->base + s->size)
		return;
	if (s->count && begin - s->base < s->expansions[s->count - 1].end)
		return; /* an argument of the one before */
	s->expansions = grow(s, s->expansions, s->count, sizeof(*s->expansions));
	if (!s->failed)
		s->expansions[s->count++] = (struct expansion){begin - s->base, end - s->base, false};
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct search *s = data;
	uint32_t begin, end;

	(void)parent;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	if ((kind != CXCursor_MacroDefinition && kind != CXCursor_MacroExpansion) ||
	    !clang_Location_isFromMainFile(clang_getCursorLocation(cursor)) ||
	    !range_of(cursor, &begin, &end))
		return CXChildVisit_Continue;
	if (kind == CXCursor_MacroExpansion) {
		add_expansion(s, begin, end);
		return CXChildVisit_Continue;
	}
	s->definitions = grow(s, s->definitions, s->definition_count, sizeof(*s->definitions));
	if (!s->failed)
		s->definitions[s->definition_count++] = (struct definition){begin, end};
	return CXChildVisit_Continue;
}

static void begin_reading(struct token_reader *r, const char *text, uint32_t begin, uint32_t end)
{
	token_reader_within(r, text, begin, end, false);
}

static const struct definition *find_definition(const struct search *s, const char *name, uint32_t length)
{
	struct token_reader r;
	struct token t;

	for (size_t i = s->definition_count; i-- > 0;) {
		begin_reading(&r, s->text, s->definitions[i].begin, s->definitions[i].end);
		token_next(&r, &t);
		if (t.end - t.begin == length && memcmp(s->text + t.begin, name, length) == 0)
			return &s->definitions[i];
	}
	return NULL;
}

static bool is_one_operand(const struct search *s, const struct definition *d, unsigned nesting);

/* A name in a body: a macro's must be one operand itself, a parameter may become anything. */
static bool is_safe_name(const struct search *s, const char *name, uint32_t length,
			 const struct token *parameters, unsigned nesting)
{
	struct token_reader r;
	struct token t;

	if (parameters->end) {
		begin_reading(&r, s->text, parameters->begin, parameters->end);
		for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
			if (t.end - t.begin == length && memcmp(s->text + t.begin, name, length) == 0)
				return false;
	}
	const struct definition *d = find_definition(s, name, length);
	return !d || is_one_operand(s, d, nesting + 1);
}

/* Reads `[…]`, `(…)`, `.name`, `->name` behind an operand; true at the end of the body. */
static bool is_postfix_to_end(struct token_reader *r)
{
	struct token t;

	for (token_next(r, &t); t.kind == TOKEN_PUNCTUATOR; token_next(r, &t)) {
		if (token_selects(r, &t))
			token_next(r, &t);
		else if (t.first == '(' || t.first == '[')
			token_skip_group(r, &t);
		else
			return false;
	}
	return t.kind == TOKEN_END;
}

static bool is_one_operand(const struct search *s, const struct definition *d, unsigned nesting)
{
	struct token parameters = {0};
	struct token_reader r;
	struct token t;

	if (nesting > NESTING_MAX)
		return false;
	begin_reading(&r, s->text, d->begin, d->end);
	token_next(&r, &t);
	uint32_t name_end = t.end;
	token_next(&r, &t);
	if (t.first == '(' && t.begin == name_end) {
		parameters = t;
		token_skip_group(&r, &t);
		parameters.end = t.end;
		token_next(&r, &t);
	}
	while (t.kind == TOKEN_PUNCTUATOR && t.end - t.begin == 1 && strchr("!~-+*&", t.first))
		token_next(&r, &t);
	if (t.kind == TOKEN_NAME &&
	    !is_safe_name(s, s->text + t.begin, t.end - t.begin, &parameters, nesting))
		return false;
	if (t.kind == TOKEN_PUNCTUATOR && t.first == '(')
		token_skip_group(&r, &t);
	else if (t.kind != TOKEN_NAME && t.kind != TOKEN_NUMBER && t.kind != TOKEN_STRING &&
		 t.kind != TOKEN_CHARACTER)
		return false;
	return is_postfix_to_end(&r);
}

bool expansions_find(struct CXTranslationUnitImpl *unit, const char *text, uint32_t base, uint32_t size,
		     struct expansion **out, size_t *count)
{
	struct search s = {.text = text, .base = base, .size = size};
	struct token_reader r;
	struct token t;

	clang_visitChildren(clang_getTranslationUnitCursor(unit), visit, &s);
	for (size_t i = 0; i < s.count; i++) {
		begin_reading(&r, text, base + s.expansions[i].begin, base + s.expansions[i].end);
		token_next(&r, &t);
		const struct definition *d = find_definition(&s, text + t.begin, t.end - t.begin);
		s.expansions[i].whole = d && is_one_operand(&s, d, 0);
	}
	free(s.definitions);
	if (s.failed) {
		free(s.expansions);
		return false;
	}
	*out = s.expansions;
	*count = s.count;
	return true;
}
