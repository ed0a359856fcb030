/* Calls that are none of a watch's: said when it begins, or somebody waits for them in vain. */
#ifndef RTF_UNWATCHED_H
#define RTF_UNWATCHED_H

#include "call.h"

/* Adds lines to the answer, and "unwatched" to an object of its data: {"forked": processes, "inlined_in": as \describe has it};
 * nothing if there are no such calls. `what`: what is not done with them, as in "are not traced". */
void unwatched_note(struct call *, const struct live_function *, json_t *data, const char *what);

#endif
