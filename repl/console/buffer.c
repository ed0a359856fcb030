#include "buffer.h"

#include <stdlib.h>
#include <string.h>

void buffer_compact(struct buffer *b)
{
	if (!b->begin)
		return;
	memmove(b->data, b->data + b->begin, b->end - b->begin);
	b->scanned -= b->begin;
	b->end -= b->begin;
	b->begin = 0;
}

bool buffer_reserve(struct buffer *b, size_t more)
{
	size_t needed = b->end + more, size = b->capacity ? b->capacity : 65536;

	if (needed <= b->capacity)
		return true;
	while (size < needed)
		size *= 2;
	char *grown = realloc(b->data, size);
	if (!grown)
		return false;
	b->data = grown;
	b->capacity = size;
	return true;
}
