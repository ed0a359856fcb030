/* The calls of one unit that the optimiser replaced by the callee's body, by callee.
 *
 * All are read at once, in a walk through every function body of the unit, because asking for those of one function takes
 * that walk too: tens of milliseconds in a large file. Addresses are those of the DWARF file. One thread at a time.
 * Source: the DWARF 5 standard, chapter 3.3.8. */
#ifndef RTF_INLINED_H
#define RTF_INLINED_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inlined_call {
	uint64_t callee; /* offset of the inlined function's die_origin */
	uint64_t address;
	uint32_t line; /* of the call, 0 if unknown */
	uint32_t order;
};

struct inlined_calls {
	struct inlined_call *items; /* by callee, then as DWARF has them */
	size_t count, room;
	bool read;
};

/* Those in the unit whose entry is `unit`, read when first asked for: the first one of `callee` (a die_origin) and their
 * number, until inlined_fini. */
const struct inlined_call *inlined_find(struct inlined_calls *, Dwarf_Die *unit, Dwarf_Die *callee,
					size_t *count);
void inlined_fini(struct inlined_calls *);

/* The inlined calls of a function that an address is in, outermost first. */
size_t inlined_at(Dwarf_Die *function, uint64_t address, Dwarf_Die *calls, size_t max);

#endif
