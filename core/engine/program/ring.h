/* What instrumented versions write down, as the engine reads it from the program's memory: a ring of records.
 *
 *      ring   │ quota[16] │ missed[16] │ next │ lost │ fault[16] │ signal[16] │ address[16] │ slot[64] │
 *      slot   │ state │ watch │ thread │ version │ begin │ end │ size │ values │
 *      value  │ u16 size │ bytes │ u16 size of what it points to │ bytes │      (0xffff: there was no room)
 *
 * A record takes one of a quota that the engine fills up from time to time: however often a function is called, the
 * program pays for no more records than that. A slot belongs to one thread at a time by bit 0 of its state and is
 * complete with bit 1; only the engine frees it. What a watch evaluates is guarded: one that met a fault says so, and is
 * not evaluated again. ring_declare is the C of the same. Pure; any thread. */
#ifndef RTF_RING_H
#define RTF_RING_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_QUOTAS = 16, RING_SLOTS = 64, RING_VALUES = 1224, RING_FOLLOWED = 256, RING_NO_ROOM = 0xffff };

struct ring_slot {
	int64_t state, watch, thread, version, begin_ns, end_ns;
	uint32_t size;
	unsigned char values[RING_VALUES];
	uint32_t reserved;
};

struct ring_head {
	int64_t quota[RING_QUOTAS], missed[RING_QUOTAS];
	int64_t next, lost;         /* slots asked for; of those, the ones that were not free */
	int64_t fault[RING_QUOTAS]; /* the watch that met one */
	int64_t signal[RING_QUOTAS],
		address[RING_QUOTAS]; /* the former may be WATCH_LATE or WATCH_EXITED of message.h */
};

struct ring {
	struct ring_head head;
	struct ring_slot slots[RING_SLOTS];
};

enum { RING_TAKEN = 1, RING_COMPLETE = 2 };

/* One captured value: its bytes, and those that it points to (followed_size 0: it points nowhere, or is no pointer). */
struct ring_value {
	const unsigned char *bytes, *followed;
	size_t size, followed_size;
	bool no_room;
};

/* The next value of a slot, *at 0 for the first; false behind the last. */
bool ring_next_value(const struct ring_slot *, size_t *at, struct ring_value *out);

/* Declares the ring under this name, and what writes to it, for the text of an instrumented version; behind
 * wrapper_declare_frame. `enter`, `leave`: what guards, in the program (core/agent/park.h); `exit`: what a watch calls for
 * that, as RING_EXIT. */
void ring_declare(struct text *, const char *name, uint64_t enter, uint64_t leave, uint64_t exit);

#define RING_EXIT "rtf_exit"

/* What a watch evaluates, for the same text. It may not end the program: what would do that is RING_EXIT. */
void ring_put_expression(struct text *, const char *expression);

#endif
