/* A function by the name people use, and what there is to say where that names none, or several. One thread. */
#ifndef RTF_LOOKUP_H
#define RTF_LOOKUP_H

#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

/* `NAME` or `file.c:NAME`; `file` (a path or its end, or NULL) decides between several. ERROR_UNKNOWN with a near miss,
 * or with the reason if the function exists but is not decorated; ERROR_AMBIGUOUS names the candidates. */
struct error *lookup_find(const struct live *, const char *name, const char *file,
			  struct live_function **out);

/* How function `which` of the `count` that have its name is told from the others: NAME or, where several have it,
 * `file.c:NAME`. The caller's; NULL: no memory. live.h keeps it with each function. */
char *lookup_spelling(struct live_function *const *named, size_t count, size_t which);

/* Whether the program has a function of that name, decorated or not. */
bool lookup_is_plain(const struct live *, const char *name);

/* Of a program without functions that can be redefined: why, and what to do. */
const char *lookup_why_none(const struct live *);

#endif
