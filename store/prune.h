/* Shortens a long history. What stays: every version that is live in a run that goes on, in this one, or was at the end of
 * the last; their parents; what the last change of each such function may undo; the newest version of each function; what
 * has a note; and all that is younger than a limit. Of what is older also the log, and the texts that nobody has any more.
 * Numbers are never given away again.
 *
 * In steps, each one transaction, so that other processes with this history need not wait, and whoever calls has time for
 * something else in between. What goes live meanwhile stays. The file gets smaller in such
 * steps too; one that an older rtf made only if nobody else uses it and little is left in it, for it is then written anew. */
#ifndef RTF_PRUNE_H
#define RTF_PRUNE_H

#include "error.h"
#include "history.h"

#include <stdbool.h>
#include <stdint.h>

struct prune;

struct prune_count {
	int64_t versions, changes, events;
	int64_t bytes; /* by which the file got smaller; not known before */
};

/* What is older than `days` and can go. Changes nothing but temporary tables. */
struct error *prune_new(struct history *, int days, struct prune **out);
void prune_free(struct prune *); /* takes NULL */

/* Counts some of what would be removed; `*more` false: that was all, and prune_planned says how much it is. */
struct error *prune_plan_step(struct prune *, bool *more);
void prune_planned(const struct prune *, struct prune_count *out);

/* How much has been removed so far. */
void prune_done(const struct prune *, struct prune_count *out);

/* Removes some; `*more` false: that was all. */
struct error *prune_step(struct prune *, bool *more);

#endif
