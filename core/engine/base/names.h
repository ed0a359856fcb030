/* From a name to numbers: a hash table where one name may have several, found in the order they were added.
 *
 * Names are borrowed and must outlive the table. A table that is all zeroes is empty and ready. One thread at
 * a time. */
#ifndef RTF_NAMES_H
#define RTF_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names_entry {
	const char *name;
	uint32_t hash, value;
	uint32_t next; /* 1 + the entry that follows in the same bucket; 0 ends it */
};

struct names {
	struct names_entry *entries;
	size_t count, room;
	uint32_t *heads, *tails; /* 1 + an entry; 0 is an empty bucket */
	uint32_t buckets;        /* a power of two, or 0 */
};

void names_fini(struct names *);

/* False without memory; then nothing was added. */
bool names_add(struct names *, const char *name, uint32_t value);

/* for (at = names_first(n, name); at; at = names_next(n, at)) use(names_value(n, at)); */
uint32_t names_first(const struct names *, const char *name);
uint32_t names_next(const struct names *, uint32_t at);

static inline uint32_t names_value(const struct names *names, uint32_t at)
{
	return names->entries[at - 1].value;
}

#endif
