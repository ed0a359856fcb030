/* Scalars that consoles have written in the program, for \undo and \redo.
 *
 * A write can be taken back while its value is still there, and as long as no function has been changed since: \undo goes
 * back in the order of what was done. */
#ifndef RTF_WRITTEN_H
#define RTF_WRITTEN_H

#include "call.h"
#include "error.h"
#include "host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct written {
	uint64_t address;
	size_t size;       /* at most 16 */
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
