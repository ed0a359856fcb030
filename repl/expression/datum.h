/* The program's data as a console shows them: read in the program, its addresses named as the program, the
 * versions and the console's scope name them. One thread. */
#ifndef RTF_DATUM_H
#define RTF_DATUM_H

#include "call.h"
#include "text.h"
#include "type.h"
#include "value.h"

/* How values that lie in the program are read and named. */
struct value_source datum_source(struct console_state *);

/* "(TYPE) VALUE" on one line, or, where that is too long, a member a line. */
void datum_show(struct console_state *, struct text *, const struct type *, const void *bytes,
		const struct value_options *);

#endif
