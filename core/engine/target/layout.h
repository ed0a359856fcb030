/* How DWARF lays out a type.
 *
 * What it returns comes from the pool that is given. One thread at a time. */
#ifndef RTF_LAYOUT_H
#define RTF_LAYOUT_H

#include "pool.h"
#include "target.h"

#include <elfutils/libdw.h>

/* Fills `layout` from a complete type. */
bool layout_read(Dwarf_Die *type, struct pool *, struct target_layout *layout);

#endif
