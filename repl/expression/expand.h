/* A piece of C with its macros replaced by what they say, by the program's own preprocessor. One thread. */
#ifndef RTF_EXPAND_H
#define RTF_EXPAND_H

#include "error.h"
#include "source.h"

#include <stddef.h>

/* `text` from `begin` to `end`, as it is behind all that stands before it. The caller's; NULL where the preprocessor does not
 * take it. */
struct error *expand_piece(const struct source *, const char *text, size_t begin, size_t end, char **out);

#endif
