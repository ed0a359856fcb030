/* A function's head as it stands in a source that nobody has read yet: found by its line alone. */
#ifndef RTF_HEADING_H
#define RTF_HEADING_H

#include <stddef.h>

/* On one line, without its decorator: what index_head says of it once the source is read, wherever no macro, comment or
 * condition is in the way; NULL there, where the line is not the function's, or without memory. `line` is where that of
 * its name begins. The caller's. */
char *heading_find(const char *text, size_t size, const char *name, size_t line);

#endif
