/* What macros make of an entry: `list_for_each(n, list) show(n)` is a statement, and only the macro's text says so. One thread. */
#ifndef RTF_MACROS_H
#define RTF_MACROS_H

#include "call.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the text begins with a macro of the console's, or of the file at hand, that stands for a statement's beginning. */
bool macros_begin_statement(struct call *, const char *text, size_t size);

#endif
