#include "dialect.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char atomic[] = "_Atomic";

_Static_assert(sizeof(atomic) == sizeof(DIALECT_TYPEOF), "the text keeps its length");

static bool is_punctuator(const struct token *t, char c)
{
	return t->kind == TOKEN_PUNCTUATOR && t->first == c;
}

/* --- _Atomic(type) --------------------------------------------------------------------------------------------- */

static void replace_atomic(char *text, uint32_t begin, uint32_t end, bool directive)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		struct token_reader ahead = r;
		struct token next;
		if (t.kind == TOKEN_DIRECTIVE)
			replace_atomic(text, t.begin + 1, t.end, true);
		if (t.kind != TOKEN_NAME || !token_is(&r, &t, atomic))
			continue;
		token_next(&ahead, &next);
		if (is_punctuator(&next, '('))
			memcpy(text + t.begin, DIALECT_TYPEOF, sizeof(atomic) - 1);
	}
}

/* --- transparent unions ---------------------------------------------------------------------------------------- */

/* Behind the `{` of a union: whether all its members are pointers to objects. Reads its `}`. */
static bool are_pointers(struct token_reader *r)
{
	struct token t;
	bool pointer = false, all = true, any = false;

	for (token_next(r, &t); t.kind != TOKEN_END && !is_punctuator(&t, '}'); token_next(r, &t)) {
		if (is_punctuator(&t, ';')) {
			all &= pointer;
			any = true;
			pointer = false;
		} else if (is_punctuator(&t, '*')) {
			pointer = true;
		} else if (t.kind == TOKEN_PUNCTUATOR && strchr("([{,:", t.first)) {
			all = false;
			token_skip_group(r, &t);
		}
	}
	return all && any;
}

/* Behind the `}`: whether a name and attributes follow, this one among them. */
static bool is_transparent(struct token_reader r)
{
	struct token name, t;
	bool found = false;

	token_next(&r, &name);
	for (token_next(&r, &t); t.kind != TOKEN_END && !is_punctuator(&t, ';'); token_next(&r, &t))
		found |= token_is(&r, &t, "transparent_union") || token_is(&r, &t, "__transparent_union__");
	return found && name.kind == TOKEN_NAME;
}

/* The attribute with its parentheses. */
static void blank_attributes(char *text, struct token_reader r)
{
	struct token t, open;

	for (token_next(&r, &t); t.kind != TOKEN_END && !is_punctuator(&t, ';'); token_next(&r, &t)) {
		if (!token_is_attribute(&r, &t))
			continue;
		token_next(&r, &open);
		if (is_punctuator(&open, '('))
			token_skip_group(&r, &open);
		token_blank(text, t.begin, open.end);
	}
}

static void replace_transparent(char *text, uint32_t size)
{
	static const char pointer[] = "const void *";
	struct token_reader r;
	struct token t, before = {0}, brace;

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		bool begins = t.kind == TOKEN_NAME && token_is(&r, &t, "union") &&
			      before.kind == TOKEN_NAME && token_is(&r, &before, "typedef");
		struct token_reader behind = r;
		if (!begins)
			continue;
		token_next(&behind, &brace);
		if (!is_punctuator(&brace, '{') || !are_pointers(&behind) || !is_transparent(behind))
			continue;
		uint32_t end = behind.at;
		if (strcspn(text + t.begin, "\n") < sizeof(pointer)) /* no room on its line */
			continue;
		token_blank(text, t.begin, end);
		memcpy(text + t.begin, pointer, sizeof(pointer) - 1);
		blank_attributes(text, behind);
		r = behind;
	}
}

void dialect_respell(char *text, size_t size)
{
	if (memmem(text, size, atomic, sizeof(atomic) - 1))
		replace_atomic(text, 0, (uint32_t)size, false);
	if (memmem(text, size, "transparent_union", sizeof("transparent_union") - 1))
		replace_transparent(text, (uint32_t)size);
}
