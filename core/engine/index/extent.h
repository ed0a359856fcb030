/* Where a definition stands in the source as typed: what a person sees, with macros, comments and `#if`s.
 *
 * The index knows the lines of a definition's first and last byte from the preprocessed text; between those lines it is
 * found anew here. Nothing is returned that might be another text than the definition. Pure but for reading files; any
 * thread. */
#ifndef RTF_EXTENT_H
#define RTF_EXTENT_H

#include "index.h"

#include <stdbool.h>
#include <stdint.h>

/* The definition's bytes in the index's `source`, and the line they begin at. False if it came from another file, from a
 * macro that is not in the text, or if an `#if` around its head ends inside it. */
bool extent_find(const struct index *, const struct index_declaration *, uint32_t *begin, uint32_t *end,
		 uint32_t *line);

/* The same for a definition that stands in a file which the source includes: its text, malloc'ed. The file is read now
 * unless the index keeps its text; `directory` is where relative names of files begin. */
bool extent_included_text(const struct index *, const struct index_declaration *, const char *directory,
			  char **text, uint32_t *line);

/* Whether the file has REALTIMEFUNC before its definition of that function: at most three lines above it, with no other
 * declaration between. */
bool extent_is_decorated(const struct index *, const char *name);

#endif
