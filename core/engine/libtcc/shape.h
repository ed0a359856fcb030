/* Whether libtcc passes a value of a libclang type as the program's compiler does: the type's shape, put to
 * convention.h. Pure but for libclang's translation unit, which the type must belong to. */
#ifndef RTF_SHAPE_H
#define RTF_SHAPE_H

#include "convention.h"

#include <clang-c/Index.h>
#include <stdbool.h>

/* For parameters, results and arguments of this type. Careful: different where it cannot be told. */
enum convention_match shape_match(CXType);

/* Whether it is, or holds, a record with bit-fields. */
bool shape_has_bit_field(CXType);

/* Likewise with one that lies across a multiple of 4 bytes, or of its type's size: initialising a local, libtcc stores no more
 * than what lies before that. */
bool shape_has_straddling(CXType);

/* Likewise with one that is as wide as its type and begins within a byte. libtcc, which has read no `packed` behind the fields by
 * then, takes it for a plain member and begins it with the next byte, and what follows it likewise. */
bool shape_has_displaced(CXType);

/* The same of a record's own fields. */
bool shape_displaces(CXType record);

#endif
