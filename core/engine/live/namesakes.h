/* Functions that have one name, as static functions of several files do: what tells them apart. One thread. */
#ifndef RTF_NAMESAKES_H
#define RTF_NAMESAKES_H

#include "live.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether `file`, a path or its end, means function `which` of those that have its name: it is the file that was compiled, or,
 * where none of them is of such a file, the one that defines it: a header's functions are in many, and so are those of a source
 * that another one includes. Or it is the name of its module: a program and its libraries may have the same source. */
bool namesakes_stand_in(struct live_function *const *named, size_t count, size_t which, const char *file);

/* What tells function `which` from the others of its name: the end of its file's path, or of the file's that was compiled, with as
 * many folders as that takes; or its module, where one source is in several. Borrowed from the function; NULL where its file is not known. */
const char *namesakes_place(struct live_function *const *named, size_t count, size_t which);

/* How it is written: NAME or, where several have it, `file.c:NAME` or `libshop.so:NAME`. The caller's; NULL: no memory. live.h keeps it with each
 * function. */
char *namesakes_spell(struct live_function *const *named, size_t count, size_t which);

#endif
