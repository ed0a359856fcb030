/* The calls that a thread of the program is in, from its registers and a copy of its stack. One thread. */
#ifndef RTF_CALLS_H
#define RTF_CALLS_H

#include "live.h"
#include "message.h"

#include <stddef.h>
#include <stdint.h>

/* Program counters, innermost first, at most `max`; all but the first are return addresses. `registers` by DWARF's numbers, the
 * stack from the stack pointer on. */
size_t calls_find(struct live *, const uint64_t registers[CALL_REGISTERS], const unsigned char *stack,
		  size_t stack_size, uint64_t *pcs, size_t max);

/* Takes out what stands around guarded versions, which is no call of its own unless nothing else of that is there: it waits. How
 * many are left. */
size_t calls_drop_wrappers(struct live *, uint64_t *pcs, size_t count);

#endif
