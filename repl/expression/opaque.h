/* Structs and unions that the file at hand only mentions, and another of the program's files defines: what an expression looks into
 * is declared for it. One thread. */
#ifndef RTF_OPAQUE_H
#define RTF_OPAQUE_H

#include "error.h"
#include "host.h"
#include "index.h"
#include "target.h"
#include "text.h"

#include <stdbool.h>

/* Of the types that `names` has, a line each ("struct order"; other names are passed over), those that `ix`, of `unit`, has not:
 * their definitions come before what *declared has, and how the program lays them out is asserted. Those in `known`, to
 * which they are added, are not looked for again. `read_alone`: only in sources that have been read. */
struct error *opaque_declare(const struct host *, const struct target_unit *unit, const struct index *ix,
			     const char *names, bool read_alone, struct text *known, char **declared,
			     bool *any);

#endif
