/* What a file said when it was first indexed, as against what it says now: which of its functions and constants the
 * program's copies are not the same as any more.
 *
 * The program was built from what the file said first. A function or a constant differs if its own text does, and just
 * as much if a function or constant that it names differs: the program's copy of a helper would call the program's copy of
 * the helper behind it. What is called through an entry is nobody else's matter. Of types only an enumeration's constants
 * and plain typedefs count: what lies in the program's memory has the layout that its code has. One thread. */
#ifndef RTF_ORIGINALS_H
#define RTF_ORIGINALS_H

#include "index.h"

#include <stdbool.h>

struct originals;

/* Whether the program has an entry for a function of that name. */
typedef bool originals_entry_fn(void *context, const char *name);

/* `optimized`: the program's compiler left out what nobody reads. NULL without memory. */
struct originals *originals_new(struct index *first, bool optimized);
void originals_free(struct originals *); /* takes NULL */

/* Holds the file as it is now against them. `has_entry` may be NULL: no function has one. False without memory, and
 * nothing has changed then. */
bool originals_compare(struct originals *, const struct index *fresh, originals_entry_fn *has_entry,
		       void *context);

/* Whether a function or variable of that name was defined otherwise; false if there was none. */
bool originals_changed(const struct originals *, const char *name);

/* Whether any text may have learnt the value of a variable of that name (uses_read); true if there was none. */
bool originals_read(const struct originals *, const char *name);

#endif
