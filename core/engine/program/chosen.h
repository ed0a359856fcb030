/* Functions that a resolver chose when the program was loaded (attribute ifunc).
 *
 * Their symbol has the resolver's address. What was chosen the loader keeps in a slot (R_X86_64_IRELATIVE), and code that
 * the linker made jumps there: new code calls that, and takes it for the function's address, as the program's own does. The
 * resolver is not run again. Functions that share a resolver share what it chose; which stub was made for which nobody knows,
 * and theirs may be taken for each other. A function that a library exports is the dynamic linker's business, and not found here.
 * Sources: the ELF gABI's GNU extensions, System V psABI AMD64 "Relocation Types". One thread at a time. */
#ifndef RTF_CHOSEN_H
#define RTF_CHOSEN_H

#include "program.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>

/* The address that the unit means by `name`; false if that is no such function, or no code of its module uses it. */
bool chosen_find(struct program *, const struct target_unit *, const char *name, uint64_t *address);

#endif
