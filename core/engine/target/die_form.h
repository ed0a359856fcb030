/* The types that DWARF knows as form.h has them, and as C spells them.
 *
 * Of an entry that is a variable, a member or a function. One thread at a time. */
#ifndef RTF_DIE_FORM_H
#define RTF_DIE_FORM_H

#include "text.h"

#include <elfutils/libdw.h>

void die_form(Dwarf_Die *, struct text *out);

/* "int", "char [8]", "int price(int)": a function's with its name in it. */
void die_spell(Dwarf_Die *, struct text *out);

#endif
