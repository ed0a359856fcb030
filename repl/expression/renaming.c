#include "renaming.h"
#include "text.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const struct token_reader *r, const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (token_is(r, t, *words))
			return true;
	return false;
}

static bool is_tag_word(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"struct", "union", "enum", NULL};

	return t->kind == TOKEN_NAME && is_one_of(r, t, words);
}

/* Whether what stands behind the token `t` is declared there: a type's name is before it. */
static bool is_behind_type(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"const",    "volatile", "extern",        "static", "typedef",
					    "register", "_Atomic",  "_Thread_local", "return", "sizeof",
					    "inline",   "restrict", "__extension__", "else",   NULL};

	if (t->kind == TOKEN_NAME)
		return !is_one_of(r, t, words);
	return t->kind == TOKEN_PUNCTUATOR && (token_is(r, t, "*") || token_is(r, t, "}"));
}

/* Reads up to the next token that means the name. */
static bool next_use(struct token_reader *r, const char *name, bool declares, struct token *before,
		     unsigned *depth, struct token *t)
{
	bool tag = *name == '#';

	for (token_next(r, t); t->kind != TOKEN_END; token_next(r, t)) {
		bool tagged = is_tag_word(r, before);
		bool member = token_selects(r, before);
		bool declared = !tagged && is_behind_type(r, before) && (*depth || !declares);
		*before = *t;
		if (t->kind == TOKEN_PUNCTUATOR && t->first == '{')
			++*depth;
		else if (t->kind == TOKEN_PUNCTUATOR && t->first == '}' && *depth)
			--*depth;
		if (t->kind == TOKEN_NAME && tagged == tag && !member && !declared &&
		    token_is(r, t, name + tag))
			return true;
	}
	return false;
}

bool renaming_concerns(const char *text, const char *name)
{
	struct token before = {0}, t;
	struct token_reader r;
	unsigned depth = 0;

	token_reader_init(&r, text, (uint32_t)strlen(text));
	return next_use(&r, name, false, &before, &depth, &t);
}

static char *apply_one(const struct renaming *renaming, const char *text, bool declares)
{
	struct token before = {0}, t;
	struct token_reader r;
	struct text out = {0};
	unsigned depth = 0;
	uint32_t at = 0;

	token_reader_init(&r, text, (uint32_t)strlen(text));
	while (next_use(&r, renaming->from, declares, &before, &depth, &t)) {
		text_append(&out, text + at, t.begin - at);
		text_puts(&out, renaming->to + (*renaming->to == '#'));
		at = t.end;
	}
	text_puts(&out, text + at);
	return text_take(&out);
}

char *renaming_apply(const struct renaming *list, size_t count, const char *text, bool declares)
{
	char *now = strdup(text);

	for (size_t i = 0; i < count && now; i++) {
		char *next = apply_one(&list[i], now, declares);
		free(now);
		now = next;
	}
	return now;
}
