/* How a text initialises the variables that outlive a call: those that it defines outside functions, and static ones
 * inside them.
 *
 * For telling that a running variable keeps its value whatever a new text says. Reads text as people type it, macros
 * and all; what is no C has no such variables. Pure; any thread. */
#ifndef RTF_INITIALISER_H
#define RTF_INITIALISER_H

#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct initialiser {
	const char *name; /* in the text, as the function's */
	uint32_t length;
	const char *function; /* that it stands in, NULL: in none */
	uint32_t function_length;
	unsigned nth;        /* how many of that name stand before it in the same function */
	uint32_t begin, end; /* what is behind the name's `=`, with it; the same: it begins with zeroes */
};

/* Calls `each` for every such variable that is not const, until it returns false. */
void initialiser_each(const char *text, size_t size, bool (*each)(void *context, const struct initialiser *),
		      void *context);

/* The one that goes by the same name in the same function of another text; false if there is none. */
bool initialiser_find(const char *text, size_t size, const struct initialiser *wanted,
		      struct initialiser *out);

/* Whether two ranges of text are the same tokens. */
bool initialiser_same(const char *a, uint32_t a_begin, uint32_t a_end, const char *b, uint32_t b_begin,
		      uint32_t b_end);

#endif
