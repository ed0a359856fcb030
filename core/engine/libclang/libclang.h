/* libclang, which the engine does not begin with: that library and what it leans on take a tenth of a second to load, in
 * which files may be saved that nobody has looked at yet.
 *
 * Its functions are called as its own header declares them, once libclang_load has succeeded and not before; libclang.c
 * lists them. Any thread. */
#ifndef RTF_LIBCLANG_H
#define RTF_LIBCLANG_H

#include "error.h"

/* Again is no error and costs nothing. What came of the first time is what comes of all. */
struct error *libclang_load(void);

#endif
