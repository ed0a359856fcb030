/* What sources say now: each is preprocessed and indexed anew, and if need be looked at by the compiler.
 *
 * A header that is saved makes other sources of all that include it. They are read ahead of whoever takes them one by one, as many
 * at once as there are processors for that. One thread, but for the readers'. */
#ifndef RTF_REREAD_H
#define RTF_REREAD_H

#include "check.h"
#include "error.h"
#include "index.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

struct reread;

/* Begins with these sources, in that order; `reviews`: the compiler is asked about each (review.h). Until reread_end they stay as
 * they are, but for their index. NULL without memory or threads: each is read when it is taken, then. */
struct reread *reread_begin(struct source *const *, size_t count, bool reviews);

/* The source's index, the caller's: its text and its files are those of one moment. NULL in *out for a file that is empty, as it
 * is while an editor writes it: what follows is the save. Takes NULL, and sources that were not begun with. */
struct error *reread_take(struct reread *, const struct source *, struct index **out);

/* What the compiler says of it: review_file. */
struct error *reread_review(struct reread *, const struct source *, struct check_result *out);

/* Waits for what is being read, and begins with no more. Takes NULL. */
void reread_end(struct reread *);

#endif
