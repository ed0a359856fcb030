#include "name_table.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 64 };

static size_t item_size(const struct name_table *t)
{
	return t->item_size ? t->item_size : sizeof(struct named);
}

static uint32_t hash_of(const char *name, size_t length)
{
	return (uint32_t)text_hash(TEXT_HASH_SEED, name, length);
}

/* Where the name is, or the free place where it would go: there is always one. */
static struct named *place_of(const struct name_table *t, const char *name, size_t length, uint32_t hash)
{
	uint32_t mask = t->size - 1;
	size_t step = item_size(t);

	for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
		struct named *item = (struct named *)(void *)((char *)t->items + at * step);
		if (!item->name ||
		    (item->hash == hash && item->length == length && memcmp(item->name, name, length) == 0))
			return item;
	}
}

void name_table_fini(struct name_table *t)
{
	for (struct named *item = NULL; t->copies && (item = name_table_next(t, item));)
		free((char *)item->name);
	free(t->items);
	*t = (struct name_table){.item_size = t->item_size, .copies = t->copies};
}

void *name_table_find(const struct name_table *t, const char *name, size_t length)
{
	struct named *item = t->size ? place_of(t, name, length, hash_of(name, length)) : NULL;

	return item && item->name ? item : NULL;
}

static bool grow(struct name_table *t)
{
	struct name_table bigger = *t;

	if (t->size > UINT32_MAX / 4)
		return false;
	bigger.size = t->size ? t->size * 2 : FIRST_SIZE;
	bigger.items = calloc(bigger.size, item_size(t));
	if (!bigger.items)
		return false;
	for (struct named *item = NULL; (item = name_table_next(t, item));)
		memcpy(place_of(&bigger, item->name, item->length, item->hash), item, item_size(t));
	free(t->items);
	*t = bigger;
	return true;
}

void *name_table_put(struct name_table *t, const char *name, size_t length)
{
	uint32_t hash = hash_of(name, length);
	struct named *item = t->size ? place_of(t, name, length, hash) : NULL;

	if (item && item->name)
		return item;
	if (length > UINT32_MAX)
		return NULL;
	if (!item || t->count * 2 >= t->size) {
		if (!grow(t))
			return NULL;
		item = place_of(t, name, length, hash);
	}
	name = t->copies ? strndup(name, length) : name;
	if (!name)
		return NULL;
	*item = (struct named){name, (uint32_t)length, hash};
	t->count++;
	return item;
}

bool name_table_has(const struct name_table *t, const char *name, size_t length)
{
	return name_table_find(t, name, length) != NULL;
}

bool name_table_add(struct name_table *t, const char *name, size_t length, bool *failed)
{
	uint32_t before = t->count;

	*failed |= !name_table_put(t, name, length);
	return t->count > before;
}

void *name_table_next(const struct name_table *t, const void *item)
{
	if (!t->size)
		return NULL;
	const char *at = item ? (const char *)item + item_size(t) : t->items;
	const char *end = (const char *)t->items + t->size * item_size(t);
	for (; at < end; at += item_size(t))
		if (((const struct named *)(const void *)at)->name)
			return (void *)at;
	return NULL;
}
