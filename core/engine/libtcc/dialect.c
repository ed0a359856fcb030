#include "dialect.h"
#include "text.h"
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

/* --- bounds of parameters -------------------------------------------------------------------------------------- */

/* Whether it may be a parameter's bracket with a name in it, as `match_t match[restrict n]`: for a look without tokens. */
static bool may_be_bound(const char *text, const char *bracket, const char *end)
{
	const char *before = bracket, *behind = bracket + 1;

	while (behind < end && (*behind == ' ' || *behind == '\t' || *behind == '\n'))
		behind++;
	while (before > text && text_is_word(before[-1]))
		before--;
	return behind < end && text_is_word(*behind) && !(*behind >= '0' && *behind <= '9') &&
	       before < bracket && before > text &&
	       (before[-1] == ' ' || before[-1] == '*' || before[-1] == '\n' || before[-1] == '\t');
}

static bool may_have_bounds(const char *text, size_t size)
{
	const char *end = text + size;

	for (const char *at = text; (at = memchr(at, '[', (size_t)(end - at))); at++)
		if (may_be_bound(text, at, end))
			return true;
	return false;
}

/* What stands between a `[` and its `]` goes, if a name is in it and nothing is done there, as in [n++], which libtcc refuses;
 * reads up to behind the `]`. */
static void blank_bound(char *text, struct token_reader *r)
{
	struct token t;
	uint32_t begin = r->at;
	bool named = false, done = false;
	unsigned depth = 1;

	for (token_next(r, &t); t.kind != TOKEN_END; token_next(r, &t)) {
		depth += token_opens(&t);
		depth -= token_closes(&t);
		if (!depth)
			break;
		named |= t.kind == TOKEN_NAME;
		done |= token_is(r, &t, "++") || token_is(r, &t, "--") || token_is(r, &t, "=");
	}
	if (named && !done && t.kind != TOKEN_END)
		token_blank(text, begin, t.begin);
}

/* Behind the `(` of a list of parameters, up to and including its `)`: an array's first bound is a hint to readers, of
 * which the type knows nothing. */
static void blank_bounds(char *text, struct token_reader *r)
{
	struct token t, last = {0}, before = {0};
	unsigned depth = 1;

	for (token_next(r, &t); t.kind != TOKEN_END && depth; token_next(r, &t)) {
		bool bound = is_punctuator(&t, '[') && last.kind == TOKEN_NAME &&
			     (before.kind == TOKEN_NAME || is_punctuator(&before, '*'));
		if (bound)
			blank_bound(text, r);
		else if (is_punctuator(&t, '[') || is_punctuator(&t, '{'))
			token_skip_group(r, &t);
		else
			depth += token_opens(&t);
		if (!bound && is_punctuator(&t, ')') && !--depth)
			return;
		before = last;
		last = bound ? (struct token){0} : t;
	}
}

/* Words behind which parentheses hold something else than parameters. */
static bool is_operator(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"sizeof",        "__typeof__", "typeof",         "__typeof",
					    "__attribute__", "_Alignas",   "_Static_assert", "__attribute",
					    "_Alignof",      "_Generic",   DIALECT_TYPEOF};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, t, words[i]))
			return true;
	return false;
}

static void skip_initialiser(struct token_reader *r)
{
	struct token t;

	for (token_next(r, &t); t.kind != TOKEN_END && !is_punctuator(&t, ';'); token_next(r, &t))
		if (token_opens(&t))
			token_skip_group(r, &t);
}

/* libtcc knows no parameter by its name before all are read. A list of them stands outside of all brackets behind a
 * function's name, and does not begin as a declarator in parentheses does. */
static void blank_all_bounds(char *text, uint32_t size)
{
	struct token_reader r;
	struct token t, before = {0};

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		struct token_reader ahead = r;
		struct token first;
		if (token_is(&r, &t, "="))
			skip_initialiser(&r);
		if (!token_opens(&t))
			continue;
		token_next(&ahead, &first);
		if (is_punctuator(&t, '(') && (before.kind == TOKEN_NAME || is_punctuator(&before, ')')) &&
		    first.kind == TOKEN_NAME && !is_operator(&r, &before))
			blank_bounds(text, &r);
		else
			token_skip_group(&r, &t);
	}
}

/* --- attributes of enumerators ---------------------------------------------------------------------------------- */

/* Behind the `{` of an enumeration, up to and including its `}`: a compiler may warn of a constant that has one, and no
 * more. */
static void blank_enumerators(char *text, struct token_reader *r)
{
	struct token t, open;

	for (token_next(r, &t); t.kind != TOKEN_END && !is_punctuator(&t, '}'); token_next(r, &t)) {
		if (token_opens(&t))
			token_skip_group(r, &t);
		if (!token_is_attribute(r, &t))
			continue;
		token_next(r, &open);
		if (!is_punctuator(&open, '('))
			return;
		token_skip_group(r, &open);
		if (open.kind != TOKEN_END)
			token_blank(text, t.begin, open.end);
	}
}

static void blank_all_enumerators(char *text, size_t size)
{
	const char *end = text + size;

	for (const char *at = text; (at = text_find_word(text, end, at, "enum"));) {
		struct token_reader r;
		struct token t;
		token_reader_within(&r, text, (uint32_t)(at + 4 - text), (uint32_t)size, false);
		token_next(&r, &t);
		while (t.kind == TOKEN_NAME ||
		       is_punctuator(&t, '(')) { /* its name, and its own attributes */
			if (t.kind != TOKEN_NAME)
				token_skip_group(&r, &t);
			token_next(&r, &t);
		}
		at += 4;
		if (is_punctuator(&t, '{')) {
			blank_enumerators(text, &r);
			at = text + r.at;
		}
	}
}

/* --- functions that do not return ------------------------------------------------------------------------------- */

/* Of an attribute's list the words that say so become `unused`, which says nothing of a function. */
static void replace_in_attribute(char *text, struct token_reader *r)
{
	static const char *const words[][2] = {{"noreturn", "unused  "}, {"__noreturn__", "__unused__  "}};
	struct token t;
	unsigned depth = 0;

	for (token_next(r, &t); t.kind != TOKEN_END; token_next(r, &t)) {
		depth += token_opens(&t);
		depth -= token_closes(&t) && depth;
		if (!depth)
			return;
		for (size_t i = 0; i < 2 && t.kind == TOKEN_NAME; i++)
			if (token_is(r, &t, words[i][0]))
				memcpy(text + t.begin, words[i][1], strlen(words[i][1]));
	}
}

/* Behind a call of one libtcc makes no code any more, also where the call is not made: `0 && (abort(), 0)`, `sizeof(die())`. */
static void hide_noreturn(char *text, uint32_t begin, uint32_t end, bool directive)
{
	struct token_reader r;
	struct token t, before = {0};

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			hide_noreturn(text, t.begin + 1, t.end, true);
		else if (token_is_attribute(&r, &t))
			replace_in_attribute(text, &r);
		else if (token_is(&r, &t, "_Noreturn") &&
			 !(directive && before.begin == begin)) /* not `#define _Noreturn` */
			token_blank(text, t.begin, t.end);
	}
}

/* --- attributes in two brackets ----------------------------------------------------------------------------------- */

/* `__nodiscard__` means `nodiscard`, as headers write it. */
static bool is_underlined(const struct token_reader *r, const struct token *t, const char *word)
{
	size_t length = strlen(word);
	const char *text = r->text + t->begin;

	return t->end - t->begin == length + 4 && !memcmp(text, "__", 2) && !memcmp(text + 2, word, length) &&
	       !memcmp(text + 2 + length, "__", 2);
}

/* Whether all that a list holds says nothing of types, values or symbols: `[[deprecated("use g"), nodiscard]]`. */
static bool is_list_of_advice(const char *text, const struct token *list)
{
	static const char *const words[] = {"maybe_unused", "nodiscard", "deprecated", "fallthrough",
					    "noreturn",     "_Noreturn"};
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	token_reader_within(&r, text, list->begin + 2, list->end - 2, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		bool advice = !token_outside(&t, &depth) || is_punctuator(&t, ',');
		for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !advice; i++)
			advice = token_is(&r, &t, words[i]) || is_underlined(&r, &t, words[i]);
		if (!advice)
			return false;
	}
	return true;
}

static void blank_lists(char *text, uint32_t begin, uint32_t end, bool directive)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	r.lists = true;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			blank_lists(text, t.begin + 1, t.end, true);
		else if (is_punctuator(&t, '[') && t.end - t.begin > 1 && is_list_of_advice(text, &t))
			token_blank(text, t.begin, t.end);
	}
}

/* --- literals -------------------------------------------------------------------------------------------------- */

static void replace_utf8(char *text, uint32_t begin, uint32_t end, bool directive)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			replace_utf8(text, t.begin + 1, t.end, true);
		if (t.kind == TOKEN_STRING && t.end - t.begin > 3 && !memcmp(text + t.begin, "u8\"", 3))
			token_blank(text, t.begin, t.begin + 2);
	}
}

void dialect_respell(char *text, size_t size)
{
	if (memmem(text, size, "__attribute", sizeof("__attribute") - 1))
		blank_all_enumerators(text, size);
	if (may_have_bounds(text, size))
		blank_all_bounds(text, (uint32_t)size);
	if (memmem(text, size, atomic, sizeof(atomic) - 1))
		replace_atomic(text, 0, (uint32_t)size, false);
	if (memmem(text, size, "transparent_union", sizeof("transparent_union") - 1))
		replace_transparent(text, (uint32_t)size);
	if (memmem(text, size, "oreturn", 7))
		hide_noreturn(text, 0, (uint32_t)size, false);
	if (token_has_pair(text, size, '[', '['))
		blank_lists(text, 0, (uint32_t)size, false);
	if (memmem(text, size, "u8\"", 3))
		replace_utf8(text, 0, (uint32_t)size, false);
}
