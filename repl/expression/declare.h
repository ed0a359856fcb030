/* Declarations at the prompt: variables, types, prototypes, and what a preprocessor line declares.
 *
 * A variable is made in the program and initialised there; all else is remembered by the console's scope.
 * One thread. */
#ifndef RTF_DECLARE_H
#define RTF_DECLARE_H

#include "declaration.h"
#include "snippet.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether a name is a type's for the snippet `snippet`: a function for readers of declarations. */
bool declare_is_type(void *snippet, const char *name, uint32_t length);

/* Does what the snippet's text declares. Takes the snippet, also on failure. */
struct error *declare_run(struct snippet *, struct reply *);

/* The types and prototypes of the snippet's text go into the console's scope. ERROR_USAGE if variables are declared too. */
struct error *declare_types(struct snippet *);

/* One #include, #define or #undef of the snippet's text. */
struct error *declare_directive(struct snippet *, const struct token *);

#endif
