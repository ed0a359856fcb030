/* Functions that share their machine code, and with it one entry, because the build folded those of the same code into one:
 * gcc (-fipa-icf, part of -O2, where nothing keeps it from that as REALTIMEFUNC does) or a linker (--icf). Another name that
 * the source gives a function (attribute alias) is no function of its own.
 *
 * One thread. */
#ifndef RTF_FOLDED_H
#define RTF_FOLDED_H

#include "error.h"
#include "live.h"
#include "text.h"

/* The names of the others, ", " between them; empty: there are none. */
void folded_names(const struct target_function *, struct text *names);

/* Of a function that is defined anew: refuses another text than the one that it was built from, because the others would
 * change with it. */
struct error *folded_check(struct live *, struct live_function *, const char *text);

/* The decorated function whose code that of `name` is; NULL: it is none's. */
const struct live_function *folded_into(const struct live *, const char *name);

/* What to say then. */
struct error *folded_error(const char *name, const struct live_function *keeper);

#endif
