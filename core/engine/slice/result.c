#include "result.h"
#include "text.h"
#include "token.h"

#include <string.h>

enum { DEPTH_MOST = 4 };

static bool is_constant(const struct index *ix, const char *name, size_t length, int depth);

/* Whether the name stands for nothing that may vary: a word of a type or of the language is taken for that, too. */
static bool is_fixed(const struct index *ix, struct token_reader *r, const struct token *t, int depth)
{
	const char *name = r->text + t->begin;
	size_t length = t->end - t->begin;
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, length);
	struct token_reader behind = *r;
	struct token open;

	token_next(&behind, &open);
	if (open.kind == TOKEN_PUNCTUATOR && open.first == '(' && i != INDEX_NONE &&
	    ix->names[i].kind == NAME_FUNCTION) {
		token_skip_group(&behind, &open);
		*r = behind;
		return is_constant(ix, name, length, depth + 1);
	}
	if (i != INDEX_NONE)
		return ix->names[i].kind == NAME_ENUMERATOR || ix->names[i].kind == NAME_TYPEDEF;
	static const char *const words[] = {"int",   "long",   "short", "char",   "unsigned",
					    "void",  "signed", "const", "struct", "sizeof",
					    "_Bool", "union",  "float", "double"};
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
		if (token_is(r, t, words[k]))
			return true;
	return false;
}

/* Behind `return`: up to its semicolon, which becomes *end; false if what it says may vary. */
static bool read_expression(const struct index *ix, struct token_reader *r, int depth, uint32_t *end)
{
	struct token t = token_past_directives(r);

	for (; t.kind != TOKEN_END && !token_is(r, &t, ";"); t = token_past_directives(r))
		if ((t.kind == TOKEN_NAME && !is_fixed(ix, r, &t, depth)) || t.kind == TOKEN_STRING ||
		    token_is(r, &t, "{"))
			return false;
	*end = t.begin;
	return t.kind != TOKEN_END;
}

static bool is_constant(const struct index *ix, const char *name, size_t length, int depth)
{
	char copy[256];

	if (depth > DEPTH_MOST || length >= sizeof(copy))
		return false;
	memcpy(copy, name, length);
	copy[length] = '\0';
	const struct index_declaration *d = index_find_function(ix, copy, 0);
	if (!d || !d->is_static)
		return false;

	struct token_reader r;
	struct token t;
	const char *first = NULL;
	size_t first_length = 0;
	token_reader_within(&r, ix->text, d->body, d->end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		uint32_t end;
		if (!token_is(&r, &t, "return"))
			continue;
		if (!read_expression(ix, &r, depth, &end))
			return false;
		const char *expression = ix->text + t.end;
		size_t size = end - t.end;
		if (first && (size != first_length || memcmp(expression, first, size) != 0))
			return false;
		first = expression;
		first_length = size;
	}
	return first_length > 0;
}

bool result_is_constant(const struct index *ix, const char *name)
{
	return is_constant(ix, name, strlen(name), 0);
}
