/* The layout assertions of a slice: what it relies on of sizes and offsets is what the running program has.
 *
 * Each is a `_Static_assert` on a line of its own, and remembered by that line, so that one that fails can be told by the
 * type's name and the program's value. Pure but for the question in slice_names; any thread. */
#ifndef RTF_GUARDS_H
#define RTF_GUARDS_H

#include "closure.h"
#include "slice.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as {0}; the items are the caller's, freed as those of a slice are. */
struct guards {
	struct slice_guard *items;
	size_t count, room;
	uint32_t line;                     /* of the next assertion: set before each of the two */
	uint32_t given_line, given_column; /* of the type that it is about */
	bool failed;                       /* memory ran out */
};

/* One assertion for the size of every struct and union that stands whole in the slice, and for the offset of each of its
 * members that the text names. */
void guards_write(struct guards *, const struct closure *, struct text *out);

/* The same for the file's types that the extra text, which begins at that line of the slice, defines anew. */
void guards_write_given(struct guards *, const struct closure *, struct text *out, const char *text,
			size_t size, uint32_t line);

/* The slice's text, whose size it has, with blanks in the place of the assertions before the definition: those behind it
 * are about types that the definition itself brings. The caller's; NULL if memory ran out. */
char *guards_blank(const struct slice *);

#endif
