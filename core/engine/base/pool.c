#include "pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16384, ALIGNMENT = _Alignof(max_align_t) };

struct pool_chunk {
	struct pool_chunk *next;
	max_align_t bytes[];
};

void pool_fini(struct pool *pool)
{
	while (pool->chunks) {
		struct pool_chunk *next = pool->chunks->next;
		free(pool->chunks);
		pool->chunks = next;
	}
	*pool = (struct pool){0};
}

/* A piece larger than what is left starts a new chunk; the rest of the old one is lost, at most a quarter of
 * it. */
static char *chunk_new(struct pool *pool, size_t size)
{
	struct pool_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	return (char *)chunk->bytes;
}

void *pool_alloc(struct pool *pool, size_t size)
{
	char *piece;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = size ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
	if (size > CHUNK / 4)
		return chunk_new(pool, size);
	if (size > pool->left) {
		char *fresh = chunk_new(pool, CHUNK);
		if (!fresh)
			return NULL;
		pool->at = fresh;
		pool->left = CHUNK;
	}
	piece = pool->at;
	pool->at += size;
	pool->left -= size;
	return piece;
}

char *pool_string(struct pool *pool, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = text ? pool_alloc(pool, size) : NULL;

	return copy ? memcpy(copy, text, size) : NULL;
}

void *pool_grow(void *array, size_t count, size_t *room, size_t element)
{
	size_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return array;
	if (wanted > SIZE_MAX / 2 / element)
		return NULL;
	grown = realloc(array, wanted * element);
	if (grown)
		*room = wanted;
	return grown;
}
