/* Versions that took a function of a console's into their text, when that function is typed anew.
 *
 * A version has all that it needs in its own text (preamble.h), so another text of such a function would not reach it. As a
 * saved file's helper does, it does: each version that runs and has the function otherwise is made again with the new one, as
 * if it had been typed once more. One that the new one does not fit goes on as it is, which the answer says. One thread. */
#ifndef RTF_TAKERS_H
#define RTF_TAKERS_H

#include "call.h"
#include "error.h"

#include <stddef.h>

/* A function without entry, as it was typed. */
struct takers_helper {
	const char *name;
	const char *definition; /* without `static` */
	size_t size;
};

/* Makes them again, and adds to the reply's text and to an array what became of each. The number of those that have the new
 * one. */
size_t takers_follow(struct call *, const struct takers_helper *, size_t count, json_t *rows);

#endif
