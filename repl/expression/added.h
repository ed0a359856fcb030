/* Variables that versions have added to the program, by their names: what they are says the text of a version that has them.
 *
 * One thread. */
#ifndef RTF_ADDED_H
#define RTF_ADDED_H

#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

/* The static `name` of a function that has that name, or, without `function`, one at file scope. `file`: of the unit, as
 * \file has it; NULL: any. NULL: there is none. */
const struct live_variable *added_find(const struct live *, const char *file, const char *function,
				       const char *name, size_t length);

/* Each thread has its own. */
bool added_is_thread_local(const struct live *, const struct live_variable *);

/* Its declaration as `extern`, with that name in C and `symbol` for linkers; the caller's. ERROR_UNKNOWN where no version's
 * text has it any more. */
struct error *added_declare(struct live *, const struct live_variable *, const char *spelled,
			    const char *symbol, char **out);

#endif
