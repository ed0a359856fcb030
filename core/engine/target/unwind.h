/* The calls that a thread was in: from its registers and a copy of its stack, by the unwind tables of the program's
 * modules, by those of the engine's own code, and by frame pointers where that has none.
 *
 * One thread. Sources: libdwfl.h; the System V psABI AMD64 supplement, figure 3.36 (register numbers). */
#ifndef RTF_UNWIND_H
#define RTF_UNWIND_H

#include "rules.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { UNWIND_REGISTERS = 17, UNWIND_FP = 6, UNWIND_SP = 7, UNWIND_PC = 16 };

struct unwind_state {
	uint64_t registers[UNWIND_REGISTERS]; /* by DWARF's numbers */
	uint64_t stack_address;
	const unsigned char *stack;
	size_t stack_size;
	bool (*is_ours)(void *context, uint64_t pc); /* code that no module has */
	/* The rules of such code; false: it has none, but frame pointers. */
	bool (*rules)(void *context, uint64_t pc, bool is_return, struct rules *out);
	void *context;
};

/* Program counters, innermost first, at most `max`; all but the first are return addresses. */
size_t unwind_frames(Dwfl *, pid_t, const struct unwind_state *, uint64_t *pcs, size_t max);

#endif
