/* One arena of the program as the engine maps it: its tables of slots, and what of its code and data is handed out.
 *
 * The layout is message.h's. The header is memory that the program can write to: what it says is checked when it is mapped, and
 * the number of slots each time. Addresses are the program's; offsets count from the begin of the file. One thread. */
#ifndef RTF_ARENA_VIEW_H
#define RTF_ARENA_VIEW_H

#include "error.h"
#include "link.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_view {
	struct message_arena m;
	unsigned char *bytes; /* the whole file, rw- */
	uint32_t room;        /* slots that its tables can hold */
	uint64_t data_end;    /* offset behind what variables of all threads may take */
};

/* Maps the file of an ARENA message, whose payload this is; `fd` stays the caller's. ERROR_INTERNAL: one of the two is
 * malformed. */
struct error *arena_view_open(const void *payload, size_t length, int fd, struct arena_view *out);
void arena_view_close(struct arena_view *);

static inline struct arena_header *arena_view_header(const struct arena_view *a)
{
	return (struct arena_header *)(void *)a->bytes;
}

uint32_t arena_view_slot_count(const struct arena_view *);

/* What the tables say of a slot; the slot itself, for storing. */
uint64_t arena_view_sled(const struct arena_view *, uint32_t slot);
uint64_t arena_view_built(const struct arena_view *, uint32_t slot);
uint64_t *arena_view_slot(const struct arena_view *, uint32_t slot);

/* The word that says what runs, where the slot leads to a strict entry (strict.h); NULL if it leads to a version. */
uint64_t *arena_view_strict_word(const struct arena_view *, uint32_t slot);

/* What is free of the code and of the data; the code that is handed out. */
void arena_view_free(const struct arena_view *, struct link_region *code, struct link_region *data);
void arena_view_code(const struct arena_view *, struct link_region *out);

/* Hands out so many bytes of what is free. */
void arena_view_commit(struct arena_view *, size_t code, size_t data);

/* Takes code back, from `begin` to `end`, if nothing has come behind it. */
void arena_view_release(struct arena_view *, uint64_t begin, uint64_t end);

#endif
