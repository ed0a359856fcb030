/* Taking up again what ran before: what was live when the last run with this history ended is made live, as one change.
 *
 * The last run is the one, now over, that made the newest change. Not everything of it may come back, and everything that
 * does not is told with its reason. One thread. */
#ifndef RTF_RESTORE_H
#define RTF_RESTORE_H

#include "change.h"
#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum restore_fate {
	RESTORE_LIVE,      /* it is live now */
	RESTORE_ALREADY,   /* it was */
	RESTORE_IN_SOURCE, /* the program was built from a source that says it */
	RESTORE_UNFIT,     /* it does not fit this program */
	RESTORE_CHANGED, /* the program was built again, and from a source that says neither this nor what this was made from */
	RESTORE_FAULTED, /* it has faulted */
	RESTORE_GONE,    /* the program does not have the function any more */
};

struct restore_item {
	char *function, *file; /* its name, and source file */
	char *spelled;         /* as people are told: with the file where it takes that, and of one that is gone */
	int version;
	enum restore_fate fate;
	char *why; /* a sentence, or NULL */
};

struct restore_result {
	int64_t pid;  /* of that run */
	char *time;   /* when it was first seen */
	bool rebuilt; /* the program was built again since */
	struct restore_item *items;
	size_t count;
	struct change_outcome outcome; /* of those that are live now */
};

/* `force`: also what has faulted, and what was changed in the source since. ERROR_UNKNOWN if there was no such run. */
struct error *restore_last(struct live *, bool force, const char *user, struct restore_result *out);
void restore_result_fini(struct restore_result *);

const char *restore_fate_name(
	enum restore_fate); /* "live", "already", "in-source", "unfit", "changed", "faulted", "gone" */

#endif
