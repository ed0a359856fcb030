#include "pasted.h"
#include "pool.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

enum { PIECES_MAX = 6 };

void pasted_fini(struct pasted *p)
{
	free(p->texts);
	free(p->words);
	name_table_fini(&p->known);
	*p = (struct pasted){0};
}

void pasted_add(struct pasted *p, const char *text, uint32_t begin, uint32_t end)
{
	struct pasted_text *more = pool_grow(p->texts, p->text_count, &p->text_room, sizeof(*p->texts));

	if (!more) {
		p->failed = true;
		return;
	}
	p->texts = more;
	p->texts[p->text_count++] = (struct pasted_text){text, begin, end};
	p->any = p->any || token_has_pair(text + begin, end - begin, '#', '#');
}

static void add_word(struct pasted *p, const char *word, uint32_t length)
{
	unsigned char first = (unsigned char)*word % PASTED_FIRST;

	if (!name_table_add(&p->known, word, length, &p->failed))
		return;
	struct pasted_word *more = pool_grow(p->words, p->word_count, &p->word_room, sizeof(*p->words));
	if (!more) {
		p->failed = true;
		return;
	}
	p->words = more;
	p->words[p->word_count++] = (struct pasted_word){word, length, p->first[first]};
	p->first[first] = (uint32_t)p->word_count;
}

static void read_words(struct pasted *p, const struct pasted_text *t)
{
	struct token_reader r;
	struct token token;

	token_reader_within(&r, t->text, t->begin, t->end, t->begin == 0);
	for (token_next(&r, &token); token.kind != TOKEN_END; token_next(&r, &token)) {
		const struct pasted_text line = {t->text, token.begin + 1, token.end};
		if (token.kind == TOKEN_DIRECTIVE)
			read_words(p, &line);
		else if (token.kind == TOKEN_NAME || token.kind == TOKEN_NUMBER)
			add_word(p, t->text + token.begin, token.end - token.begin);
	}
}

static bool is_made(const struct pasted *p, const char *name, size_t length, unsigned pieces)
{
	uint32_t i = length && pieces < PIECES_MAX ? p->first[(unsigned char)*name % PASTED_FIRST] : 0;

	for (; i; i = p->words[i - 1].next) {
		const struct pasted_word *w = &p->words[i - 1];
		if (w->length > length || memcmp(w->word, name, w->length) != 0)
			continue;
		if (w->length == length ? pieces > 0
					: is_made(p, name + w->length, length - w->length, pieces + 1))
			return true;
	}
	return false;
}

bool pasted_makes(struct pasted *p, const char *name, size_t length)
{
	if (!p->any)
		return false;
	while (p->text_read < p->text_count)
		read_words(p, &p->texts[p->text_read++]);
	return !p->failed && is_made(p, name, length, 0);
}
