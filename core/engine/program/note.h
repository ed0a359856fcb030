/* Notes in the arena: before each version's code stands whose it is, so that an engine that starts anew knows what the
 * slots point to, and which variables versions have added.
 *
 *      ┌──────┬───────────────────┬──────────────────────────────────┐
 *      │ note │ code, constants   │ the variables it added (if any)  │  … the next note, 16-aligned
 *      └──────┴───────────────────┴──────────────────────────────────┘
 *
 * Pure functions on the engine's view of the code region. */
#ifndef RTF_NOTE_H
#define RTF_NOTE_H

#include "link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NOTE_SIZE = 48, NOTE_ALIGN = 16 };

/* What a version is; its code follows NOTE_SIZE bytes behind the note. */
struct note {
	uint32_t slot;
	int32_t number; /* -1: it was linked but never stored */
	uint64_t entry;
	uint32_t entry_size;
	bool instrumented; /* it is a form of version `plain` */
	int32_t plain;
};

struct note_variable {
	const char *name;
	uint64_t address, size;
	unsigned nth;
	bool file_scope; /* declared outside the function */
};

/* Writes the note at `at` of the region and the variables behind the code, which ends at *end; moves *end to where the
 * next note goes. False if the region is full. */
bool note_write(const struct link_region *, size_t at, const struct note *, const struct note_variable *,
		size_t count, size_t *end);

/* The version's number, once it is known. */
void note_set_number(const struct link_region *, size_t at, int number);

/* Gives a version another number, wherever its note is. */
void note_renumber(const struct link_region *, uint32_t slot, int from, int to);

/* The note before the code at `offset` of the region, and where both begin and end. False: there is none. */
bool note_find(const struct link_region *, size_t offset, struct note *, size_t *begin, size_t *end);

/* Every note from the region's start to its end (size: bytes in use), with its variables. */
void note_each(const struct link_region *, void (*each)(void *context, const struct note *),
	       void (*variable)(void *context, const struct note *, const struct note_variable *),
	       void *context);

#endif
