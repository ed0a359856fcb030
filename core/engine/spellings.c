#include "spellings.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool spellings_has(const struct spellings *s, const char *name, uint32_t length)
{
	if (!s->size)
		return false;
	uint32_t at = (uint32_t)text_hash(TEXT_HASH_SEED, name, length) & (s->size - 1);
	for (; s->items[at].name; at = (at + 1) & (s->size - 1))
		if (s->items[at].length == length && memcmp(s->items[at].name, name, length) == 0)
			return true;
	return false;
}

bool spellings_add(struct spellings *s, const char *name, uint32_t length, bool *failed)
{
	if (spellings_has(s, name, length))
		return false;
	if (s->used * 2 >= s->size) {
		struct spellings bigger = {.size = s->size ? s->size * 2 : 64};
		bigger.items = calloc(bigger.size, sizeof(*bigger.items));
		if (!bigger.items) {
			*failed = true;
			return false;
		}
		for (uint32_t i = 0; i < s->size; i++)
			if (s->items[i].name)
				spellings_add(&bigger, s->items[i].name, s->items[i].length, failed);
		free(s->items);
		*s = bigger;
	}
	uint32_t at = (uint32_t)text_hash(TEXT_HASH_SEED, name, length) & (s->size - 1);
	while (s->items[at].name)
		at = (at + 1) & (s->size - 1);
	s->items[at] = (struct spelling){name, length};
	s->used++;
	return true;
}

void spellings_fini(struct spellings *s)
{
	free(s->items);
	*s = (struct spellings){0};
}
