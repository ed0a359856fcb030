/* The static variables of a function's body, in its DWARF. One thread. */
#ifndef RTF_LOCAL_H
#define RTF_LOCAL_H

#include "unit.h"

#include <stdbool.h>

/* Of the variables called `name` in a function's body, in source order, the nth that has an address for good, be it that clang
 * keeps it there in another way than its type says. False if there is none, or if one that was optimised away makes it
 * uncertain which is the nth. */
bool local_find(struct unit_function *, const char *name, unsigned nth, Dwarf_Die *die);

#endif
