/* What a name is, and who uses it: \describe of a function, variable, type or macro. What it does is in rtf-console(1). */
#ifndef RTF_DESCRIBE_H
#define RTF_DESCRIBE_H

#include "command.h"

struct error *describe_name(struct call *);

/* Where a function was inlined and the copy of what was built goes on: [{"function","file","line"}], the caller's; the same
 * in words into `out`, which the caller ends with text_fini. */
json_t *describe_inlined(const struct live *, const struct live_function *, struct text *out);

#endif
