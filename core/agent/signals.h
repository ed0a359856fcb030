/* Signals as the program sees them. Any thread, also in a handler: nothing but system calls. */
#ifndef RTF_SIGNALS_H
#define RTF_SIGNALS_H

#include <stdbool.h>

/* Whether the calling thread is in a signal handler: anything may have been interrupted, malloc() as well. Looks for the
 * frame that the kernel left on the stack, up to 1 MiB away; what such a frame left behind in memory that a function has not
 * written to counts, too. */
bool signals_are_handled_here(void);

#endif
