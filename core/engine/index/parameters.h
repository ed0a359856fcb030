/* The parameters of a definition in the old style, `long f(a, b) long a; char *b; {`, as a prototype has them.
 *
 * Callers pass what the default argument promotions made of their arguments, so that is what such a prototype says: int
 * for char, double for float (C17 6.7.6.3 paragraph 15, 6.5.2.2 paragraph 6). Pure; any thread. */
#ifndef RTF_PARAMETERS_H
#define RTF_PARAMETERS_H

#include "index.h"
#include "text.h"

#include <stdbool.h>

/* Writes "(long a, char *b)" for the definition. False, and nothing is written, where that cannot be told from the text
 * alone. */
bool parameters_write(struct text *out, const struct index *, const struct index_declaration *);

#endif
