/* What dlsym said in the program, by name: its libraries do not lose names, so an answer holds until modules come or go.
 *
 * Empty when it is all zeroes. One thread. */
#ifndef RTF_RESOLVED_H
#define RTF_RESOLVED_H

#include "name_table.h"

#include <stdbool.h>
#include <stdint.h>

struct resolved {
	struct name_table names;
};

bool resolved_find(const struct resolved *, const char *name, uint64_t *address);

/* Without memory it is not remembered. */
void resolved_add(struct resolved *, const char *name, uint64_t address);
void resolved_fini(struct resolved *); /* leaves it empty */

#endif
