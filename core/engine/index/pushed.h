/* Macros that a text keeps and takes back: #pragma push_macro("X") and pop_macro("X"), where the preprocessor has obeyed them
 * (marked.h). Source: the gcc manual, "Push/Pop Macro Pragmas". */
#ifndef RTF_PUSHED_H
#define RTF_PUSHED_H

#include "index.h"

#include <stdbool.h>

/* Behind each pop_macro of the index's text the macro is what it was at its push_macro; puts blanks in the place of the words
 * that tell of them. False if memory ran out. */
bool pushed_restore(struct index *);

#endif
