#include "declarator.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *declarator_specifiers(const char *text, uint32_t begin, uint32_t end)
{
	static const char *const storage[] = {"static", "extern",        "register",
					      "auto",   "_Thread_local", "__thread"};
	char *out = strndup(text + begin, end - begin);
	struct token_reader r;
	struct token t;

	if (!out)
		return NULL;
	token_reader_init(&r, out, (uint32_t)strlen(out));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		for (size_t i = 0; i < sizeof(storage) / sizeof(*storage); i++)
			if (token_is(&r, &t, storage[i]))
				memset(out + t.begin, ' ', t.end - t.begin);
	return out;
}

struct declarator declarator_find(const char *text, const struct declaration *d,
				  const struct declaration_name *n)
{
	struct declarator at = {.begin = d->specifiers};
	uint32_t end = d->end;
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	token_reader_within(&r, text, d->specifiers, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (!token_outside(&t, &depth) || t.kind != TOKEN_PUNCTUATOR || !strchr(",;", t.first))
			continue;
		if (t.begin > n->begin) {
			end = t.begin;
			break;
		}
		at.begin = t.end;
	}
	for (size_t i = 0; i < d->cut_count; i++) {
		if (d->cuts[i].begin >= n->end && d->cuts[i].begin < end) {
			at.cut_begin = d->cuts[i].begin;
			at.cut_end = d->cuts[i].end < end ? d->cuts[i].end : end;
			break;
		}
	}
	at.stop = at.cut_end ? at.cut_begin : end;
	return at;
}

char *declarator_spell(const char *text, const struct declaration *d, const struct declaration_name *n,
		       const char *spelled)
{
	char *base = declarator_specifiers(text, d->begin, d->specifiers), *out = NULL;
	struct declarator at = declarator_find(text, d, n);

	if (base && asprintf(&out, "%s %.*s%s%.*s", base, (int)(n->begin - at.begin), text + at.begin,
			     spelled, (int)(at.stop - n->end), text + n->end) < 0)
		out = NULL;
	free(base);
	return out;
}
