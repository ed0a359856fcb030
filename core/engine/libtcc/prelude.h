/* What libtcc does not know of gcc's dialect, said in its own words: lines that stand before a text, those that it needs.
 *
 * Pure; any thread. */
#ifndef RTF_PRELUDE_H
#define RTF_PRELUDE_H

#include <stddef.h>

/* A macro that it alone has: around what only the other compilers are to read. */
#define PRELUDE_LIBTCC "__rtf_libtcc"

/* The text behind its lines, whose diagnostics count from its own first. NUL-terminated, the caller's; NULL without memory. */
char *prelude_put(const char *text, size_t size);

#endif
