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

#endif
