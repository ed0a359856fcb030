/* The body of a function that comes along in a slice, as the program would run it: its own static variables are the
 * program's. The program has them even where it has no copy of the function any more (inlined everywhere); in the
 * slice they are externs under a name that only the link understands. Pure; any thread. */
#ifndef RTF_HELPER_H
#define RTF_HELPER_H

#include "index.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the program has the `nth` static variable called `name` of that function; its size in bytes, 0: not known. */
typedef bool helper_static_fn(void *context, const char *function, const char *name, unsigned nth,
			      uint64_t *size);

/* Appends the body, from `{` to `}`. A variable that the program does not have stays the slice's own: it was never
 * written to, or the optimiser would have kept it. So does a constant. */
void helper_write(struct text *out, const struct index *, const struct index_declaration *,
		  helper_static_fn *, void *context);

/* Takes the name of such an extern apart; false if it is none. `size` is the room in both. */
bool helper_parse(const char *symbol, char *function, char *name, size_t size, unsigned *nth);

#endif
