#include "directives.h"
#include "included.h"
#include "token.h"

enum { DEPTH_MAX = 16 }; /* of macros in macros */

struct lines {
	const char *text;
	uint32_t size;
};

static bool counts_alike(const struct lines *l, struct token_reader condition, unsigned depth);

/* Whether all macros of that name do: any of them may be in force. */
static bool macros_count_alike(const struct lines *l, const char *name, uint32_t length, unsigned depth)
{
	struct token_reader r, line;
	struct token t, word, macro;

	token_reader_init(&r, l->text, l->size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, l->text, &t, &word);
		if (!token_is(&line, &word, "define"))
			continue;
		token_next(&line, &macro);
		if (macro.end - macro.begin == length && !memcmp(l->text + macro.begin, name, length) &&
		    (depth == DEPTH_MAX || !counts_alike(l, line, depth + 1)))
			return false;
	}
	return true;
}

/* `defined X`, `defined(X)`: no matter what X says. */
static void skip_operand(struct token_reader *r)
{
	struct token t;

	token_next(r, &t);
	if (t.kind == TOKEN_PUNCTUATOR && t.first == '(')
		token_skip_group(r, &t);
}

/* What compares, chooses and takes bits away stays in the 32 bits that it began in; what is counted or turned round need not. */
static bool stays_small(const struct token_reader *r, const struct token *t)
{
	return !token_is(r, t, "<<") && !strchr("+-*~", t->first);
}

static bool counts_alike(const struct lines *l, struct token_reader condition, unsigned depth)
{
	struct token t;

	for (token_next(&condition, &t); t.kind != TOKEN_END; token_next(&condition, &t)) {
		const char *name = l->text + t.begin;
		uint32_t length = t.end - t.begin;
		if (t.kind == TOKEN_CHARACTER && length != 3) /* 'a' */
			return false;
		if (t.kind == TOKEN_PUNCTUATOR && !stays_small(&condition, &t))
			return false;
		if (t.kind != TOKEN_NAME)
			continue;
		if (token_is(&condition, &t, "defined"))
			skip_operand(&condition);
		else if ((length > 6 && !memcmp(name, "__has_", 6)) ||
			 !macros_count_alike(l, name, length, depth))
			return false;
	}
	return true;
}

bool directives_may_differ(const char *text, size_t size)
{
	const struct lines l = {text, (uint32_t)size};
	struct token_reader r, line;
	struct token t, word;

	if (!token_may_ask(text, size))
		return false;
	token_reader_init(&r, text, l.size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, text, &t, &word);
		bool asks = token_is(&line, &word, "if") || token_is(&line, &word, "elif");
		if (included_is(&line, &word) || (asks && !counts_alike(&l, line, 0)))
			return true;
	}
	return false;
}
