/* The memory that the program and the engine share: slots, new code, new variables (the layout: message.h).
 *
 * The view of the code is a private mapping: a page that nobody wrote to shows what the engine writes, in forked children,
 * too, and a debugger, which writes breakpoints, gets a page of its own. It may do so on no shared one.
 *
 * One sealed memfd per neighbourhood, a group of modules that one arena can be near to. The program sees the
 * code r-x and the engine rw-; no view is both. Never unmapped: code in it may be running. Nothing here takes
 * locks: arenas and slots are made by one thread at a time and counted when they are whole, and slots are single words. */
#ifndef RTF_ARENA_H
#define RTF_ARENA_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARENA_MAX = 16 };

struct arena {
	int fd;
	uint32_t slots; /* our own count, atomic: the header's can be written by the engine */
	uint32_t capacity;
	size_t size;
	unsigned char *head, *code, *data;
	uint64_t *slot, *sled, *built; /* inside the head */
	bool *kept;                    /* by slot, between arena_mark and arena_sweep */
};

/* What `arena_new` made, in order; the index is PUBLISH's. */
extern struct arena arena_all[ARENA_MAX];
extern uint32_t arena_count;
uint32_t arena_total(void); /* the same, for whoever is not the one that makes them */
uint32_t arena_slots(const struct arena *);

/* Bytes of address space that an arena with that many slots takes: a neighbourhood must leave room for it. */
size_t arena_size(size_t capacity);

/* Makes an arena within reach of every byte of [low, high). NULL if that is impossible; `*why` is then a
 * sentence. */
struct arena *arena_new(uintptr_t low, uintptr_t high, size_t capacity, const char **why);

/* One that is within that reach and has room for so many more slots; or NULL. */
struct arena *arena_find(uintptr_t low, uintptr_t high, size_t count);

/* Slots of modules that went are given up: arena_mark, arena_keep for each sled that is still there, with the slot its jump
 * leads through (false: no slot of that sled's), arena_sweep, which says whether there were others. Their sleds are 0 from
 * then on, and the slots nobody's again. arena_mark is false where there is no memory for it. */
bool arena_mark(void);
bool arena_keep(uint64_t sled, uint64_t slot);
bool arena_sweep(void);

/* Adds a slot for the sled, aimed at `built`, behind those that are there; it counts after arena_commit. */
uint64_t arena_fill(struct arena *, uint32_t slot, uint64_t sled, uint64_t built);
void arena_commit(struct arena *, uint32_t slots);

/* New code is complete there: lets go of private copies of its pages that a debugger made by writing breakpoints, which
 * hide what the engine wrote since. False if it is no code of ours. */
bool arena_refresh(uint64_t address, uint64_t length);

/* Whether the engine may store that: the code of this arena, or what was built. */
bool arena_accepts(const struct message_publish *);

/* Whether the engine may have that run: code of any arena. */
bool arena_has_code(uint64_t address);

/* The next call of that function goes to the target. */
void arena_publish(const struct message_publish *);

#endif
