/* Macros that a file keeps and takes back: #pragma push_macro("X") and pop_macro("X").
 *
 * Compilers obey them while they preprocess and leave no word of it in what they print, so they are read in the file itself;
 * those of included files, and what an #if leaves out, are not told apart from it. Source: the gcc manual, "Push/Pop Macro
 * Pragmas". */
#ifndef RTF_PUSHED_H
#define RTF_PUSHED_H

#include "index.h"

#include <stdbool.h>

/* Behind each pop_macro of the index's source the macro is what it was at its push_macro. False if memory ran out. */
bool pushed_restore(struct index *);

#endif
