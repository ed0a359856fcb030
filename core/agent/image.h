/* What debuggers and unwinders know of new code: ELF images for gdb's JIT interface, unwind tables for the program's own
 * libgcc. Everything is the program's memory and stays: old versions may run on. Agent's thread.
 * Source: the gdb manual, "JIT Compilation Interface"; libgcc's unwind-dw2-fde.c. */
#ifndef RTF_IMAGE_H
#define RTF_IMAGE_H

#include <stddef.h>

/* Takes a struct message_image and what follows it. 0; -EINVAL: malformed, or about no code of ours. */
int image_add(const void *message, size_t size);

/* The list of all, as gdb knows it. */
const void *image_list(void);

#endif
