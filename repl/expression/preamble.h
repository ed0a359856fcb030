/* What a console has declared and a definition names: types, macros, includes, helpers and variables that its file does not
 * have, written in front of the definition as C of its own.
 *
 * So a helper may be typed before the function that calls it, in a file of commands, in a paste or an hour earlier; the
 * version that is made has all it needs in its own text. What the file itself has of variables and functions stays the
 * file's; a type or macro of the console's counts in the place of the file's. A variable becomes the program's: the version
 * has it in its data, with the value that it has by then, and the console knows it there from then on. One thread. */
#ifndef RTF_PREAMBLE_H
#define RTF_PREAMBLE_H

#include "call.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct preamble {
	char *text;        /* whole lines; NULL: there is nothing to write */
	struct text names; /* what it declares, each behind a newline */
	struct call *call; /* whose console's; borrowed */
	struct target_unit const *unit;
};

/* `name`: the function of \define, or NULL. Nothing where the text defines no function of the program's. */
struct error *preamble_new(struct call *, const char *name, const char *text, size_t size,
			   struct preamble *out);
void preamble_fini(struct preamble *);

/* For change_request's `placed`: `context` is the preamble. A variable of the console's begins with its value. */
struct error *preamble_place(void *context, const char *name, uint64_t address, uint64_t size);

/* The versions are live: the console finds its variables where they are now. */
void preamble_settle(const struct preamble *);

/* "with helper, LIMIT, declared at this console", and the same as an array; nothing if there is nothing. */
void preamble_tell(const struct preamble *, struct text *);
json_t *preamble_json(const struct preamble *);

#endif
