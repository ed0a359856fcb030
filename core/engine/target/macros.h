/* The macros of a unit's command line, from .debug_macro: what `-D` and `-U` said, if it was compiled with -g3 by gcc.
 *
 * gcc lists what it predefines and what the command line says before the first file begins. clang leaves the command line
 * out, and gcc's split DWARF lacks what its entries refer to: then there are none. One thread at a time. Source: the
 * DWARF 5 standard, chapter 6.3. */
#ifndef RTF_MACROS_H
#define RTF_MACROS_H

#include "pool.h"

#include <elfutils/libdw.h>

/* Compiler options, "-DSCALE=3" and "-UDEBUG", up to a NULL; in the pool. NULL if there are none or no memory. Names that
 * are the compiler's, with two underscores, are left out. */
const char *const *macros_of_command_line(struct pool *, Dwarf_Die *unit);

#endif
