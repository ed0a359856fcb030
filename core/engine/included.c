#include "included.h"

bool included_is(const struct token_reader *line, const struct token *word)
{
	return token_is(line, word, "include") || token_is(line, word, "include_next") ||
	       token_is(line, word, "import");
}

bool included_any(const char *text, size_t size)
{
	struct token_reader r, line;
	struct token t, word;

	if (!token_may_ask(text, size))
		return false;
	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, text, &t, &word);
		if (included_is(&line, &word))
			return true;
	}
	return false;
}

/* `# 1 "x.def" 1` enters a file, `# 7 "main.c" 2` comes back to one: the change of depth. */
static int marker_step(const char *text, const struct token *directive)
{
	struct token_reader line;
	struct token t, flag = {0};

	token_read_directive(&line, text, directive, &t);
	if (t.kind != TOKEN_NUMBER)
		return 0;
	token_next(&line, &t);
	token_next(&line, &flag);
	return flag.first == '1' ? 1 : flag.first == '2' ? -1 : 0;
}

void included_each(const struct index *ix, const struct index_declaration *d,
		   void (*each)(void *context, uint32_t begin, uint32_t end), void *context)
{
	struct token_reader r;
	struct token t;
	uint32_t begin = 0;
	int depth = 0;

	if (!d->has_directive)
		return;
	token_reader_within(&r, ix->text, d->begin, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		int step = t.kind == TOKEN_DIRECTIVE ? marker_step(ix->text, &t) : 0;
		if (depth == 0 && step > 0)
			begin = t.end;
		depth += step;
		if (depth == 0 && step < 0)
			each(context, begin, t.begin);
		if (depth < 0)
			depth = 0;
	}
}
