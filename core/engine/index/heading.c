#include "heading.h"
#include "text.h"
#include "token.h"

#include <string.h>

enum { ABOVE = 3 }; /* lines that a head may begin before that of its name */

/* Whether what stands before `at` on the line above it is part of the same declaration. */
static bool goes_on(const char *text, size_t begin, size_t at)
{
	while (at > begin && strchr(" \t\r\n", text[at - 1]))
		at--;
	return at > begin && !strchr(";{}/\\>", text[at - 1]) && !strchr("#/", text[begin]);
}

static size_t find_begin(const char *text, size_t at)
{
	for (int i = 0; i < ABOVE && at; i++) {
		size_t above = at - 1;
		while (above && text[above - 1] != '\n')
			above--;
		if (!goes_on(text, above, at))
			break;
		at = above;
	}
	return at;
}

/* The end of what follows the name: its parameters and nothing else before the body. */
static bool find_end(struct token_reader *r, uint32_t *end)
{
	struct token t;

	token_next(r, &t);
	if (t.first != '(')
		return false;
	token_skip_group(r, &t);
	*end = t.end;
	token_next(r, &t);
	return t.kind == TOKEN_PUNCTUATOR && t.first == '{';
}

/* Comments, and macros that take arguments for all that one can see, are for who reads the source. */
static bool is_plain(const char *text, size_t size)
{
	return size && !memmem(text, size, "/*", 2) && !memmem(text, size, "//", 2) &&
	       !memchr(text, '#', size);
}

char *heading_find(const char *text, size_t size, const char *name, size_t line)
{
	static const char decorator[] = "REALTIMEFUNC";
	struct token_reader r;
	struct token t;
	struct text head = {0};
	uint32_t begin, end;

	token_reader_init(&r, text, (uint32_t)size);
	begin = r.at = (uint32_t)find_begin(text, line);
	if (line >= size)
		return NULL;
	for (token_next(&r, &t); !token_is(&r, &t, name) || t.begin < line; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME && t.first != '*' && t.first != ';' && t.first != '}')
			return NULL;
		if (t.first == ';' || t.first == '}' || token_is(&r, &t, decorator))
			begin = t.end;
	}
	if (memchr(text + line, '\n', t.begin - line) || !find_end(&r, &end) ||
	    !is_plain(text + begin, end - begin))
		return NULL;
	text_append_words(&head, text + begin, end - begin);
	return text_take(&head);
}
