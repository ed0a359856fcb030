/* What an answer has to tell of a definition that nothing is wrong with: where the program goes on as it was built
 * although the text may be read otherwise. */
#ifndef RTF_NOTICE_H
#define RTF_NOTICE_H

#include "build.h"
#include "error.h"
#include "live.h"

#include <stdbool.h>

/* Adds warnings to the findings of a check that has just been made: initialisers that differ from what running variables
 * were initialised with, enumeration constants that other code knows otherwise, statics that begin anew, calls that
 * the optimiser replaced by a copy of what was built, a source that was read otherwise than it was compiled, and that main()
 * is not called again. What it may have learnt of functions is said the first time; nothing that `said`, the answer's findings
 * so far, has already. */
struct error *notice_find(struct live *, struct live_function *, struct build *,
			  const struct check_result *said);

/* Whether the caller that a function was inlined in (target_each_inlined) goes on with that copy: not if it runs another
 * version by now, which calls the entry. */
bool notice_keeps_copy(const struct live *, const struct live_function *callee, const char *caller);

#endif
