/* What a file does with a name: changes, compares, reads, takes its address.
 *
 * Told from the tokens of an index's text alone. Careful the one way: yes where it cannot be told, and where memory ran
 * out. The first question about an index reads its whole text, and the index keeps what was found; so one thread at a time
 * may ask about one. */
#ifndef RTF_USES_H
#define RTF_USES_H

#include "index.h"

#include <stdbool.h>

/* Whether any text of the file uses a function's name without calling it; or may change a variable of that name. */
bool uses_take_address(struct index *, const char *name);
bool uses_change(struct index *, const char *name);

/* Whether any text may learn a variable's value that another call has left in it: does anything with it but give it one, or
 * use what the call itself gave it right before. */
bool uses_read(struct index *, const char *name);

/* Whether any text compares a variable by == or != that is initialised with the address of a string. */
bool uses_compare(struct index *, const char *name);

#endif
