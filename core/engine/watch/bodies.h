/* A save that touches only bodies: nothing of the file differs but the insides of decorated functions.
 *
 * Told from the two texts alone, without reading the file anew, which is what makes the everyday save quick. In doubt it is
 * not that simple, and the file is read as a whole. Changes the source's index and `saved.edited`, nothing else. One
 * thread. */
#ifndef RTF_BODIES_H
#define RTF_BODIES_H

#include "index.h"
#include "live.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

/* A function whose body differs: [begin, end) of the old text became [new_begin, new_end) of the new. */
struct bodies_edit {
	struct live_function *function;
	const struct index_declaration *definition;
	size_t begin, end, new_begin, new_end;
};

/* In text order. Begins as {0}. */
struct bodies {
	struct bodies_edit *items;
	size_t count, room;
};

/* All functions whose bodies differ between the index's source and `new`; false if anything else does. */
bool bodies_find(const struct live *, const struct source *, const char *new, size_t new_size,
		 struct bodies *);

/* Moves the index on, body by body. False if memory ran out: then it holds the first of them. */
bool bodies_apply(struct source *, const char *new, const struct bodies *);

void bodies_fini(struct bodies *);

#endif
