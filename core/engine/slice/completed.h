/* The definition of a struct or union that a file only mentions, out of a file that has it: with the types that it is made of,
 * as far as the first file has none of their names.
 *
 * Pure but for what the indexes keep of their declarations (references.h): one thread at a time for each. */
#ifndef RTF_COMPLETED_H
#define RTF_COMPLETED_H

#include "error.h"
#include "index.h"

/* C text for a place in front of what uses it, the caller's. `tag` with its keyword, "struct order". NULL in *out: `from` does
 * not define it. */
struct error *completed_text(struct index *from, const struct index *to, const char *tag, char **out);

#endif
