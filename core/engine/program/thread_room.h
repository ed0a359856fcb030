/* Room for the thread-local variables that versions add: the image at the end of the first arena's data (struct thread_image of
 * message.h), which every thread's own block is made from.
 *
 * Sizes, alignments and marks are in bytes. What is added counts for the program's threads from thread_room_commit on; until
 * then what lies behind a mark can be forgotten, and the next ones get its room; after it never. One thread. */
#ifndef RTF_THREAD_ROOM_H
#define RTF_THREAD_ROOM_H

#include "arena_view.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct thread_room {
	struct thread_image *image; /* as the engine sees it; NULL: the arena has none */
	uint64_t address;           /* where the program sees it */
	uint32_t used;              /* bytes that are handed out, if more than count */
};

/* Takes the image's room from the arena's data, if that has enough: variables of all threads end before it. */
void thread_room_init(struct thread_room *, struct arena_view *);

/* A variable for all threads, those that run and those to come, which begins with these bytes (NULL: zeroes). Its address is in
 * the image: code reaches it by that of the image, as block, and its offset in it, through program_storage() in the place of
 * __tls_get_addr(). ERROR_INTERNAL: there is no room. */
struct error *thread_room_add(struct thread_room *, uint64_t size, uint64_t align, const void *initial,
			      uint64_t *address);
uint32_t thread_room_mark(const struct thread_room *);
void thread_room_forget(struct thread_room *, uint32_t mark);
void thread_room_commit(struct thread_room *);

/* Whether the address is that of such a variable. */
bool thread_room_has(const struct thread_room *, uint64_t address);

#endif
