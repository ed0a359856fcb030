/* Headers that a source includes and that are not there: the save that names one is refused, and the one that makes it
 * heals that.
 *
 * Where a header would be found is known from the line that includes it and from the folders that the compiler searches.
 * An `#include` of a macro is not followed. Any thread. */
#ifndef RTF_AWAITED_H
#define RTF_AWAITED_H

#include "check.h"
#include "flags.h"

#include <stdbool.h>
#include <stddef.h>

struct awaited {
	char **paths;
	size_t count;
};

/* From what the compiler said of the source (review_file), in place of what is there. False without memory. */
bool awaited_find(struct awaited *, const struct flags *, const struct check_result *);
void awaited_fini(struct awaited *);

bool awaited_has(const struct awaited *, const char *path);

#endif
