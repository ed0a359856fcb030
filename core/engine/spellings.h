/* A set of spellings: names that stand somewhere in a text, each once, found by their bytes.
 *
 * Spellings are borrowed and must outlive the set. A set that is all zeroes is empty and ready. One thread at a
 * time. */
#ifndef RTF_SPELLINGS_H
#define RTF_SPELLINGS_H

#include <stdbool.h>
#include <stdint.h>

struct spelling {
	const char *name; /* NULL: a free place */
	uint32_t length;
};

struct spellings {
	struct spelling *items; /* `size` places, some of them free */
	uint32_t size, used;    /* size: a power of two, or 0 */
};

bool spellings_has(const struct spellings *, const char *name, uint32_t length);

/* True if it was not there yet. Out of memory sets *failed, and nothing is added. */
bool spellings_add(struct spellings *, const char *name, uint32_t length, bool *failed);

void spellings_fini(struct spellings *);

#endif
