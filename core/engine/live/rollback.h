/* Versions that exist already, made live again: one before, all of a run, what was undone, the plain form of a watched one.
 *
 * One that is not in memory is built again from its text in the history, and refused if it does not fit the program any
 * more. All functions of a call go live or none. The outcome is to be freed whatever is returned. One thread. */
#ifndef RTF_ROLLBACK_H
#define RTF_ROLLBACK_H

#include "attempt.h"
#include "change.h"
#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

/* Makes version `number` live; -1 is the parent of the live one, of a watched one its plain version's. */
struct error *rollback_to(struct live *, struct live_function *, int number, const char *user,
			  struct change_outcome *);

/* One function of a restore. */
struct rollback_step {
	struct live_function *function;
	int to;
	struct error *why; /* it could not be made live; the caller's. NULL: it is */
};

/* Makes these versions live, as one change; one that does not fit the program is left out. */
struct error *rollback_all(struct live *, struct rollback_step *, size_t count, const char *user,
			   struct change_outcome *);

/* Takes back the last change of this run, or does again the last that was taken back. */
struct error *rollback_undo(struct live *, bool redo, const char *user, struct change_outcome *);

/* Makes the version live that the instrumented one which runs was made from. Not a change that \undo takes back. */
struct error *rollback_plain(struct live *, struct live_function *, const char *user,
			     struct change_outcome *);

/* Brings a version into the program's memory (live_in_memory), if it is not there, and changes nothing else. */
struct error *rollback_load(struct live *, struct live_function *, int number, struct change_outcome *);

/* Checks the text of a version, p->to of p->function, as if it were to be built. What that leaves in the part is the caller's, also
 * after an error: p->text and, with p->built, p->build. */
struct error *rollback_check(struct live *, struct attempt_part *);

#endif
