/* New code as a debugger wants it: a small ELF image with the function's name, its lines, and how to unwind it. Each version
 * has one in the program's memory, so it holds nothing twice.
 *
 *      .text  NOBITS, at the code's address      .debug_line  from libtcc's stabs, or from cc's own DWARF
 *      .debug_info  a compile unit, subprograms  .eh_frame  for gdb and, where it stands, for the program's unwinder
 *
 * Pure but for debugger_map. Sources: the ELF gABI; DWARF 4, chapters 2, 3.3, 6.2, 6.4; the gdb manual's stabs chapter. */
#ifndef RTF_DEBUGGER_H
#define RTF_DEBUGGER_H

#include "compile.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct debugger_code {
	const char *name;
	uint64_t address;
	size_t size;
	const char *file;                    /* absolute, of the function */
	unsigned line;                       /* of its first line */
	const struct compile_object *object; /* what it was linked from */
	const unsigned char *unwind;         /* its object's .eh_frame as linked, or NULL */
	size_t unwind_size;
	uint64_t unwind_address;
};

/* Appends a struct message_image and what it announces: no image if it would not fit a message, or if the object is not
 * as expected. False if memory ran out. */
bool debugger_image(const struct debugger_code *, struct text *out);

/* Where the environment has RTF_PERF=1: adds the function to /tmp/perf-PID.map, for perf(1). Failing costs that alone. */
void debugger_map(pid_t, const struct debugger_code *);

#endif
