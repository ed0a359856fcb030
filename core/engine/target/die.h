/* What one DWARF entry (DIE) says: name, place, type, layout. Follows DW_AT_abstract_origin and
 * DW_AT_specification.
 *
 * Addresses are those of the DWARF file, not yet run-time ones. Strings live as long as the Dwarf does. One
 * thread at a time. Source: the DWARF 5 standard, chapters 2.6 (locations), 3.3 (subprograms), 5.7
 * (structures), 5.8 (enumerations), and DWARF 4's 5.5.6 for its bit-fields. */
#ifndef RTF_DIE_H
#define RTF_DIE_H

#include "target.h"

#include <elfutils/libdw.h>

/* Where a variable lives. */
enum die_place {
	DIE_NOWHERE,   /* nothing is said: optimised away, or only declared */
	DIE_STATIC,    /* at one address for good */
	DIE_THREAD,    /* at an offset in the TLS block of its module */
	DIE_ALTERED,   /* as DIE_STATIC, but not as its type says: clang keeps it in a byte, or in pieces */
	DIE_ELSEWHERE, /* on the stack, in registers, or computed */
};

/* Sets `*address` for DIE_STATIC, DIE_THREAD and, to where what is left of it begins, DIE_ALTERED. */
enum die_place die_place(Dwarf_Die *, uint64_t *address);

/* Whether an address from DWARF is in the program: linkers leave 0, 1, -1 or -2 for what they dropped. */
bool die_address_kept(uint64_t address);

const char *die_name(Dwarf_Die *);         /* as in the source; NULL without one */
const char *die_linkage_name(Dwarf_Die *); /* the symbol's name, where it is another and is said; else NULL */
bool die_flag(Dwarf_Die *, unsigned attribute);
bool die_passes_otherwise(Dwarf_Die *function); /* see target.h */
const char *die_file(Dwarf_Die *); /* DW_AT_decl_file's path, perhaps relative; NULL if unknown */
unsigned die_line(Dwarf_Die *);    /* DW_AT_decl_line, 0 if unknown */
const char *die_call(Dwarf_Die *, unsigned *line); /* likewise, where an inlined function was called */

/* Where its code begins, also where that is in several pieces (a .cold part, what clang scatters): the first has the
 * entry, as DWARF 5 has it in 2.18. False if it has no code. */
bool die_entry(Dwarf_Die *, uint64_t *address);

/* The entry that first declared it, perhaps in another unit; itself if there is none. */
Dwarf_Die die_origin(Dwarf_Die *);

/* The type of an entry, typedefs and qualifiers removed. False for void and for unreadable types. */
bool die_type(Dwarf_Die *, Dwarf_Die *type);

/* An entry that stands for a type in a type unit becomes that type. False for what is only declared. */
bool die_complete(Dwarf_Die *type);

bool die_size(Dwarf_Die *type_or_variable, uint64_t *size);

/* A member's first bit in its struct, and its width if it is a bit-field, else 0. */
bool die_member(Dwarf_Die *member, uint64_t *offset, uint64_t *width);

bool die_enumerator(Dwarf_Die *enumerator, int64_t *value);

/* Elements of the first dimension of a variable whose type is an array. */
bool die_bound(Dwarf_Die *variable, uint64_t *bound);

/* Bytes of one of those elements, which itself may be an array. */
bool die_element_size(Dwarf_Die *variable, uint64_t *size);

#endif
