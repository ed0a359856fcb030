/* What a handle has committed of late, in memory: all that there is of it once somebody has overwritten the file.
 *
 * Bounded: of very much the oldest is let go. What memory runs out for is not kept. One thread. */
#ifndef RTF_RECENT_H
#define RTF_RECENT_H

#include "error.h"
#include "history.h"

#include <stdbool.h>
#include <stdint.h>

struct recent;

void recent_free(struct recent *); /* takes NULL */

/* A version that was committed, with id and number; number 0 is this build's. */
void recent_version(struct history *, const struct history_version *);

/* A change with the row `id`, `subject` as in history_record; an event with the row `id`. */
void recent_change(struct history *, enum history_kind, const char *user, int64_t subject,
		   const struct history_move *, size_t count, int64_t id);
void recent_event(struct history *, const char *kind, int64_t function, int number, const char *user,
		  const char *detail, int64_t id);

/* The last of them did not come to be after all. */
void recent_forget(struct history *, int64_t change);

/* What was last made live, as far as it is known by the handle's rows. */
bool recent_last_move(const struct history *, int64_t *function, int *number);

/* Another handle, which knows rows by other ids, goes on with what `from` has kept. */
void recent_hand_over(struct history *from, struct history *to);

/* A version has another number now. */
void recent_renumber(struct history *, const struct history_function *, int from, int to);

/* Commits all of it once more, with its times, in `to`, which is an empty one in memory. */
struct error *recent_repeat(const struct history *, struct history *to);

#endif
