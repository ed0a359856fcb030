/* The images of new code that the program holds for debuggers (debugger.h), so that whoever comes after the engine that
 * made them, another engine too, knows their lines. Read from the program when they are asked for. One thread.
 * Source: the gdb manual, "JIT Compilation Interface". */
#ifndef RTF_IMAGES_H
#define RTF_IMAGES_H

#include "program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct images;

struct images *images_new(struct program *); /* borrowed; NULL: out of memory */
void images_free(struct images *);           /* takes NULL */

/* The newest image whose code begins in [begin, end): its bytes, the caller's. False: there is none, or memory ran out. */
bool images_find(struct images *, uint64_t begin, uint64_t end, void **bytes, size_t *size);

#endif
