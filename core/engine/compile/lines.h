/* Which line an address of new code stands for: read from what a compiler left in its object, and from an image that
 * debugger.h made. Pure. Sources: DWARF 4, chapter 6.2; the ELF gABI. */
#ifndef RTF_LINES_H
#define RTF_LINES_H

#include "compile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rows of the object's .debug_line that are about one of its sections, by offset in it, rising. False if there is
 * none, or it cannot be read. The file's name is good during the call. */
bool lines_each(const struct compile_object *, uint16_t section,
		void (*each)(void *context, uint64_t offset, const char *file, unsigned line), void *context);

/* What an image says of an address: the function, its file and line; "" and 0 for what it does not say. False if the
 * address is not in its code. */
struct lines_place {
	char function[256], file[4096];
	unsigned line;
};

bool lines_find(const void *image, size_t size, uint64_t address, struct lines_place *out);

#endif
