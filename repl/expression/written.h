/* What consoles have written in the program, for \undo and \redo.
 *
 * \undo goes back in the order of what was done, functions among it; what one evaluation has written goes back at once. A
 * write can be taken back while its value is still there. What is there no more is said once, and forgotten: the next \undo
 * goes on with what is left. */
#ifndef RTF_WRITTEN_H
#define RTF_WRITTEN_H

#include "call.h"
#include "error.h"
#include "host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct written {
	uint64_t evaluation; /* a number that is another's for each */
	uint64_t address;
	size_t size;
	const char *place; /* the text of what was written: "tax_percent" */
	const char *type;
};

/* Copies everything; what cannot be kept for want of memory cannot be undone. */
void written_add(struct host *, const struct written *, const unsigned char *old, const unsigned char *new,
		 const char *old_text, const char *new_text);
void written_free(struct host *);

/* Takes the last write back (or, redo: does it again) if it is the last thing that was done: *handled. */
struct error *written_undo(struct call *, bool redo, bool *handled);

#endif
