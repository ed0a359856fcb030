/* What a handle has committed is kept in memory, too: see recent.h. What memory runs out for, or has no time in the file, is not. */
#ifndef RTF_COMMITTED_H
#define RTF_COMMITTED_H

#include "history.h"

#include <stddef.h>
#include <stdint.h>

/* A version with id and number; number 0 is this build's. */
void committed_version(struct history *, const struct history_version *);

/* A change with the row `id`, `subject` as in history_record; an event with the row `id`. */
void committed_change(struct history *, enum history_kind, const char *user, int64_t subject,
		      const struct history_move *, size_t count, int64_t id);
void committed_event(struct history *, const char *kind, int64_t function, int number, const char *user,
		     const char *detail, int64_t id);

/* The last of them, a change, did not come to be after all. */
void committed_not(struct history *, int64_t change);

/* Another handle, which knows rows by other ids, goes on with what `from` has kept. */
void committed_hand_over(struct history *from, struct history *to);

#endif
