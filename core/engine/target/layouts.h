/* The layouts of types by the names that units know them under; each is read once.
 *
 * All of it is the pool's memory. All zeroes is a table that knows none. One thread at a time. */
#ifndef RTF_LAYOUTS_H
#define RTF_LAYOUTS_H

#include "pool.h"
#include "target.h"
#include "unit.h"

enum { LAYOUT_BUCKETS = 256 };

struct layouts {
	struct layout *buckets[LAYOUT_BUCKETS];
};

/* As target_find_layout has it; NULL: DWARF has no complete type of that name in the unit, or there is no memory. */
const struct target_layout *layouts_find(struct layouts *, struct pool *, struct unit *, enum target_tag,
					 const char *name);

#endif
