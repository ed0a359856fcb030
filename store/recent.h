/* What a handle has committed of late, in memory: all that there is of it once somebody has overwritten the file.
 *
 * A log of versions, changes and events, the oldest first, and the functions that they are about, numbered from 0 here. It knows
 * no database: committed.h fills it, repeat.h goes through it. Bounded: of very much the oldest is let go. What memory runs out for is
 * not kept. Strings passed in are borrowed for the call. One thread. */
#ifndef RTF_RECENT_H
#define RTF_RECENT_H

#include "history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

struct recent *recent_new(void);   /* NULL where memory runs out */
void recent_free(struct recent *); /* takes NULL */

/* Of no function, or of one that is not known. */
#define RECENT_NO_FUNCTION UINT32_MAX

/* The function with this row in the handle's history. */
uint32_t recent_find(const struct recent *, int64_t row);

/* The one with this key, taken up if need be, has this row; RECENT_NO_FUNCTION where memory runs out. */
uint32_t recent_take(struct recent *, int64_t row, const struct history_function *);

size_t recent_functions(const struct recent *);
struct history_function recent_function(const struct recent *,
					uint32_t function); /* good until it is freed */

struct recent_move {
	uint32_t function;
	int from, to;
};

struct recent_entry {
	enum recent_what { RECENT_VERSION, RECENT_CHANGE, RECENT_EVENT } what;
	int64_t time;      /* milliseconds since 1970 */
	uint32_t function; /* of a version; of an event, if it is about one */
	union {
		struct history_version
			version; /* without rows, time and what is out only; number 0 is this build's */
		struct {
			enum history_kind kind;
			const char *user;
			int64_t id, subject; /* rows, 0: none, or one that is not known any more */
			const struct recent_move *moves;
			size_t count; /* of moves: 1 or more */
		} change;
		struct {
			const char *kind, *user, *detail; /* detail may be NULL */
			int number;
		} event;
	};
};

void recent_add(struct recent *, const struct recent_entry *);

/* The entry at `*at`, which begins with 0, and `*at` behind it; false: there is none. What it points to is good until the
 * log is changed. */
bool recent_next(const struct recent *, size_t *at, struct recent_entry *);
size_t recent_count(const struct recent *);

/* The change that was added last did not come to be after all. */
void recent_forget(struct recent *, int64_t change);

/* What was last made live, as far as its rows are known. */
bool recent_last_move(const struct recent *, int64_t *function, int *number);

/* From now on it is another handle's, which knows rows by other ids. */
void recent_forget_rows(struct recent *);

/* A version has another number now. */
void recent_renumber(struct recent *, const struct history_function *, int from, int to);

#endif
