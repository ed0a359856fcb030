/* A piece of C text that someone gave: the function definitions in it, and the rest that stands around them.
 *
 * The text may hold macros and preprocessor lines; it is not compiled here, only cut. Pure; any thread. */
#ifndef RTF_EDIT_H
#define RTF_EDIT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edit_function {
	char *name;
	uint32_t begin, end; /* in the text */
	unsigned line;       /* of `begin`, from 1 */
};

struct edit {
	const char *text; /* borrowed */
	uint32_t size;
	size_t count;
	struct edit_function *functions;
};

/* In any encoding that has ASCII. ERROR_USAGE for text that holds a NUL, or is larger than 16 MiB. */
struct error *edit_new(const char *text, size_t size, struct edit *out);
void edit_fini(struct edit *);

/* The text without the functions for which `leave_out` (indexed like functions) is true: their bytes are
 * blanks, lines stay where they are. NULL if nothing but space and comments is left, or memory ran out.
 * The caller's. */
char *edit_rest(const struct edit *, const bool *leave_out);

#endif
