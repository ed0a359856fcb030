/* Whether all that a function returns is one constant, as far as its text tells.
 *
 * clang, where it knows all callers of a function, has each go on with such a constant, and leaves it out of the function, which
 * then returns anything: debug information says nothing of that. Pure. */
#ifndef RTF_RESULT_H
#define RTF_RESULT_H

#include "index.h"

#include <stdbool.h>

/* Also where it returns what another such function of the file does. */
bool result_is_constant(const struct index *, const char *name);

#endif
