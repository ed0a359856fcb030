/* What a name that nobody declares was to be, perhaps: one of the same text, or of the program's own files that its file is made
 * of, that differs by a letter or two; one of the system's headers if it differs by one, as those declare something near to
 * nearly every word. Of a member: one of the same struct. */
#ifndef RTF_NEAR_H
#define RTF_NEAR_H

#include "check.h"
#include "index.h"

/* Adds "; did you mean 'price'?" to what is said of undeclared names. `text`: what was given, of which `unit` (or NULL) is what
 * libclang made; they and `file` are only read. */
struct error *near_tell(struct check_result *, const struct index *file, const char *text, size_t size,
			struct CXTranslationUnitImpl *unit);

#endif
