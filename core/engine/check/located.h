/* Where a finding of libclang's stands: from a slice's lines to those that the user gave, which is where it is told.
 *
 * Any thread that may use the translation unit. */
#ifndef RTF_LOCATED_H
#define RTF_LOCATED_H

#include "diagnostic.h"
#include "slice.h"

#include <clang-c/Index.h>

/* Sets file, line, column and source of the diagnostic, which has none of them yet; file and source are the caller's to
 * free, NULL if there was no memory. True if it lies in what the user gave. */
bool located_find(const struct slice *, const struct check_place *, CXSourceLocation,
		  struct check_diagnostic *);

/* The guard that stands on this line of the slice, or NULL. */
const struct slice_guard *located_guard(const struct slice *, unsigned line);

#endif
