/* Reads what can still be read of a damaged database, for the stand-in that takes its place.
 *
 * A page that is gone costs what stood on it and no more: rows are copied by ranges of their ids, and a range that cannot be
 * read is tried by halves. What that may take is bounded, and the oldest rows come first. */
#ifndef RTF_SALVAGE_H
#define RTF_SALVAGE_H

#include "history.h"

/* Copies the rows of the file at `path` into an empty history in memory; ids stay what they are. */
void salvage_rows(struct history *stand_in, const char *path);

#endif
