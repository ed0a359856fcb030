#include "printing.h"
#include "number.h"

#include <stdlib.h>

enum { CHUNK = 256 };

bool printing_name(const struct printing *p, uint64_t address, bool function, char *name)
{
	return p->source && p->source->name &&
	       p->source->name(p->source->context, address, function, name, PRINTING_NAME_MAX);
}

bool printing_read(const struct printing *p, uint64_t address, void *bytes, size_t size)
{
	return p->source && p->source->read && p->source->read(p->source->context, address, bytes, size);
}

bool printing_is_number(const struct type *type)
{
	return type->kind == TYPE_BOOL || type->kind == TYPE_INTEGER || type->kind == TYPE_ENUM ||
	       type->kind == TYPE_POINTER || type->kind == TYPE_FLOAT;
}

bool printing_is_character(const struct type *type)
{
	return type->kind == TYPE_INTEGER && type->character != CHARACTER_NONE;
}

uint32_t printing_character_at(const struct type *type, const unsigned char *bytes, size_t i)
{
	return (uint32_t)number_load(bytes + i * type->size, type->size);
}

bool printing_string(const struct printing *p, const struct type *type, uint64_t address, size_t most,
		     unsigned char **bytes, size_t *count, bool *ended)
{
	unsigned char *all = NULL;
	size_t have = 0;

	*ended = false;
	while (have < most && !*ended) {
		/* Up to the end of a page at a time: the next may not be there. */
		size_t left = 4096 - (size_t)((address + have * type->size) & 4095), n = left / type->size;
		if (n == 0)
			n = 1;
		if (n > CHUNK)
			n = CHUNK;
		if (n > most - have)
			n = most - have;
		unsigned char *bigger = realloc(all, (have + n) * type->size + 1);
		if (!bigger)
			break;
		all = bigger;
		while (n && !printing_read(p, address + have * type->size, all + have * type->size,
					   n * type->size))
			n /= 2;
		if (n == 0)
			break;
		for (size_t i = 0; i < n && !*ended; i++) {
			*ended = printing_character_at(type, all, have) == 0;
			have += !*ended;
		}
	}
	if (have == 0 && !*ended) {
		free(all);
		return false;
	}
	*bytes = all;
	*count = have;
	return true;
}

bool printing_is_seen(const struct printing *p, uint64_t address)
{
	for (size_t i = 0; i < p->seen_count; i++)
		if (p->seen[i] == address)
			return true;
	return p->seen_count == PRINTING_SEEN_MAX;
}
