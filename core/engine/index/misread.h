/* Whether a source was read otherwise than it was compiled: the program has code of lines that the preprocessor passed over.
 *
 * Where nothing tells of -D (source_doubt), such lines do: what stands behind them may be of the other branch, too, and a macro
 * may have the other value. Sources that are newer than the program are not asked about. One thread. */
#ifndef RTF_MISREAD_H
#define RTF_MISREAD_H

#include "source.h"
#include "target.h"

/* Sets the source's `misread`, once, from its first index: before a save is taken, and before a version is made of it. Memory
 * that runs out is no finding. */
void misread_look(struct target *, struct source *);

/* What was found, as a sentence without an end; the caller's. NULL: nothing, or no memory. */
char *misread_tell(const struct source *);

#endif
