/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/), of texts as the column text.hash has them. */
#ifndef RTF_HASH_H
#define RTF_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_SEED UINT64_C(0xcbf29ce484222325)

/* Begins with the seed, or goes on from an earlier result. */
static inline uint64_t hash_on(uint64_t seed, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ p[i]) * UINT64_C(0x100000001b3);
	return seed;
}

static inline int64_t hash_text(const char *text)
{
	return (int64_t)hash_on(HASH_SEED, text, strlen(text));
}

#endif
