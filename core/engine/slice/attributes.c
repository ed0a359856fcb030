#include "attributes.h"
#include "token.h"

#include <stdint.h>
#include <string.h>

static bool is_loaders(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"constructor", "__constructor__", "destructor", "__destructor__",
					    "alias",       "__alias__",       "ifunc",      "__ifunc__"};

	for (size_t i = 0; t->kind == TOKEN_NAME && i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, t, words[i]))
			return true;
	return false;
}

static bool opens(const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && t->first == '(';
}

/* Whether all that is left of a list is brackets and commas. */
static bool is_empty(const char *text, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		if (!strchr("(), \t\r\n\\", text[i]))
			return false;
	return true;
}

/* `word` is `__attribute__`: blanks out of its list what is the loader's, with its own brackets and a comma beside it; all
 * of it if nothing else is in it. */
static void blank_list(char *text, struct token_reader *r, const struct token *word)
{
	struct token t, before = {0}, group, end;
	struct token_reader whole = *r;
	bool any = false;

	token_next(&whole, &t);
	if (!opens(&t))
		return;
	uint32_t begin = t.begin;
	token_skip_group(&whole, &end);
	for (token_next(r, &t); t.kind != TOKEN_END && t.begin < end.begin; before = t, token_next(r, &t)) {
		if (!is_loaders(r, &t))
			continue;
		uint32_t stop = t.end;
		struct token_reader behind = *r;
		token_next(&behind, &group);
		if (opens(&group)) {
			token_skip_group(&behind, &group);
			stop = group.end;
			*r = behind;
			token_next(&behind, &group);
		}
		if (group.kind == TOKEN_PUNCTUATOR && group.first == ',')
			stop = group.end;
		else if (before.kind == TOKEN_PUNCTUATOR && before.first == ',')
			token_blank(text, before.begin, before.end);
		token_blank(text, t.begin, stop);
		any = true;
	}
	if (any && end.kind != TOKEN_END && is_empty(text, begin, end.end))
		token_blank(text, word->begin, end.end);
}

static void blank_from(char *text, uint32_t begin, uint32_t end, bool directive)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			blank_from(text, t.begin + 1, t.end, true);
		else if (token_is_attribute(&r, &t))
			blank_list(text, &r, &t);
	}
}

void attributes_blank(char *text, size_t size)
{
	static const char *const words[] = {"structor", "alias", "ifunc"};

	if (!text || !memmem(text, size, "__attribute", strlen("__attribute")))
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(text, size, words[i], strlen(words[i]))) {
			blank_from(text, 0, (uint32_t)size, false);
			return;
		}
	}
}

/* `ifunc("NAME")`, in an attribute. */
bool attributes_find_resolver(const char *text, uint32_t begin, uint32_t end, const char **name,
			      size_t *length)
{
	struct token_reader r;
	struct token t, open, string;

	if (!memmem(text + begin, end - begin, "ifunc", 5))
		return false;
	token_reader_within(&r, text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME || !(token_is(&r, &t, "ifunc") || token_is(&r, &t, "__ifunc__")))
			continue;
		struct token_reader behind = r;
		token_next(&behind, &open);
		token_next(&behind, &string);
		if (!opens(&open) || string.kind != TOKEN_STRING || string.end - string.begin < 3)
			continue;
		*name = text + string.begin + 1;
		*length = string.end - string.begin - 2;
		return true;
	}
	return false;
}
