/* Memory that is handed out piece by piece and given back all at once: for what must live as long as its
 * owner.
 *
 * Pieces never move. One thread at a time. A pool that is all zeroes is ready for use. */
#ifndef RTF_POOL_H
#define RTF_POOL_H

#include <stddef.h>

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks;
	char *at;
	size_t left;
};

void pool_fini(struct pool *);

/* Zeroed, aligned for any type; NULL without memory. */
void *pool_alloc(struct pool *, size_t size);

/* A copy of `text`; NULL without memory, and for NULL. */
char *pool_string(struct pool *, const char *text);

/* For a growing array on the heap: room for one more than `count` elements. Returns the array, perhaps moved,
 * or NULL without memory, when the old array is still there and the caller's. */
void *pool_grow(void *array, size_t count, size_t *room, size_t element);

#endif
