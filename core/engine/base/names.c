#include "names.h"

#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 32 bits. */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return hash;
}

void names_fini(struct names *names)
{
	free(names->entries);
	free(names->heads);
	free(names->tails);
	*names = (struct names){0};
}

static void append(struct names *names, uint32_t at)
{
	struct names_entry *entry = &names->entries[at - 1];
	uint32_t bucket = entry->hash & (names->buckets - 1);

	entry->next = 0;
	if (names->heads[bucket])
		names->entries[names->tails[bucket] - 1].next = at;
	else
		names->heads[bucket] = at;
	names->tails[bucket] = at;
}

static bool rehash(struct names *names)
{
	uint32_t buckets = names->buckets ? names->buckets * 2 : 64;
	uint32_t *heads = calloc(buckets, sizeof(*heads));
	uint32_t *tails = calloc(buckets, sizeof(*tails));

	if (!heads || !tails) {
		free(heads);
		free(tails);
		return false;
	}
	free(names->heads);
	free(names->tails);
	names->heads = heads;
	names->tails = tails;
	names->buckets = buckets;
	for (uint32_t at = 1; at <= names->count; at++)
		append(names, at);
	return true;
}

bool names_add(struct names *names, const char *name, uint32_t value)
{
	struct names_entry *grown;

	if (names->count >= UINT32_MAX / 2)
		return false;
	if (names->count >= names->buckets && !rehash(names))
		return false;
	grown = pool_grow(names->entries, names->count, &names->room, sizeof(*grown));
	if (!grown)
		return false;
	names->entries = grown;
	grown[names->count++] = (struct names_entry){.name = name, .hash = hash_name(name), .value = value};
	append(names, (uint32_t)names->count);
	return true;
}

static uint32_t match(const struct names *names, uint32_t at, uint32_t hash, const char *name)
{
	while (at) {
		const struct names_entry *entry = &names->entries[at - 1];
		if (entry->hash == hash && strcmp(entry->name, name) == 0)
			return at;
		at = entry->next;
	}
	return 0;
}

uint32_t names_first(const struct names *names, const char *name)
{
	uint32_t hash = hash_name(name);

	return names->buckets ? match(names, names->heads[hash & (names->buckets - 1)], hash, name) : 0;
}

uint32_t names_next(const struct names *names, uint32_t at)
{
	const struct names_entry *entry = &names->entries[at - 1];

	return match(names, entry->next, entry->hash, entry->name);
}
