/* What a name that nobody declares was to be, perhaps: one of the same text, or of its file, that differs by a letter or two. */
#ifndef RTF_NEAR_H
#define RTF_NEAR_H

#include "check.h"
#include "index.h"

/* Adds "; did you mean 'price'?" to what is said of undeclared names. `text`: what was given; it and `file` are only read. */
struct error *near_tell(struct check_result *, const struct index *file, const char *text, size_t size);

#endif
