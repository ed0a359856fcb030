/* How to leave a function of new code: what the unwind table of its image (debugger.h) says at one address.
 *
 * Pure. Sources: DWARF 4, chapter 6.4; libdw.h on dwarf_frame_cfa and dwarf_frame_register. */
#ifndef RTF_RULES_H
#define RTF_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RULES_REGISTERS = 17 }; /* by DWARF's numbers, the last is the return address */

/* The canonical frame address is a register and an offset; what the function has saved lies at offsets from it. */
struct rules {
	unsigned cfa_register;
	int64_t cfa_offset;
	bool saved[RULES_REGISTERS];
	int64_t at[RULES_REGISTERS];
};

/* False if the table does not say, or not in this form. */
bool rules_find(const void *image, size_t size, uint64_t address, struct rules *out);

#endif
