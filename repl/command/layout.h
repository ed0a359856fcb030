/* How a type lies in memory: \describe of a type or of an expression's. One thread. */
#ifndef RTF_LAYOUT_H
#define RTF_LAYOUT_H

#include "call.h"
#include "type.h"

/* Members with their offsets, those of structs and unions without a name beneath them; enumerators; the size of anything
 * else. For people and as data. */
void layout_describe(struct call *, const struct type *);

#endif
