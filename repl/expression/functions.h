/* Functions of the session: definitions, at the prompt, of names that the program does not have.
 *
 * They are compiled as what is evaluated is, stay in the program, and are known to their console under their names: a
 * comparator for qsort(), a callback, a helper for test data. One that is defined again takes the place of the first for
 * what is typed from then on, and for versions that took it (takers.h). One thread. */
#ifndef RTF_FUNCTIONS_H
#define RTF_FUNCTIONS_H

#include "call.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether all functions that the text defines are such: a text with one of the program's redefines that one, and the others
 * go along with it. */
bool functions_take(struct call *, const char *text, size_t size);

/* Defines them. `waiting` of the reply has the answer. */
struct error *functions_define(struct call *, const char *text, size_t size);

#endif
