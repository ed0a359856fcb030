/* What tells one build of a program from another: the linker's build id or, without, a hash of the executable. */
#ifndef RTF_BUILD_ID_H
#define RTF_BUILD_ID_H

#include "error.h"
#include "module.h"

/* Lower-case hex, in the modules' pool. */
struct error *build_id_read(const struct modules *, const char **out);

#endif
