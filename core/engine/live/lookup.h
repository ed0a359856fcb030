/* A function by the name people use, and what there is to say where that names none, or several. One thread. */
#ifndef RTF_LOOKUP_H
#define RTF_LOOKUP_H

#include "error.h"
#include "live.h"

#include <stdbool.h>

/* `NAME` or `file.c:NAME`; `file` (a path or its end, a module's file name, or NULL) decides between several.
 * ERROR_UNKNOWN with a near miss, or with the reason if the function exists but is not decorated; ERROR_AMBIGUOUS names the candidates. */
struct error *lookup_find(const struct live *, const char *name, const char *file,
			  struct live_function **out);

/* Whether the program has a function of that name, decorated or not. */
bool lookup_is_plain(const struct live *, const char *name);

/* Of a program without functions that can be redefined: why, and what to do. */
const char *lookup_why_none(const struct live *);

#endif
