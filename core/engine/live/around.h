/* What stands around the functions of a typed text and is otherwise in the file, told: helpers, constants and macros mean the
 * text's in these functions alone.
 *
 * One thread. */
#ifndef RTF_AROUND_H
#define RTF_AROUND_H

#include "check.h"
#include "error.h"
#include "live.h"

#include <stddef.h>

struct around {
	struct live *live;
	struct live_function *const *functions; /* that the text defines anew */
	size_t count;
	const char *text; /* what stands around them */
	const char *file; /* as which it was given, from line 1 */
};

/* Adds warnings that name the functions of the same files which go on with what was there. */
struct error *around_note(const struct around *, struct check_result *);

#endif
