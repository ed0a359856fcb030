/* In which of the program's files a name stands that the file at hand does not know. One thread. */
#ifndef RTF_ELSEWHERE_H
#define RTF_ELSEWHERE_H

#include "host.h"
#include "source.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>

/* `name` (`length` bytes) is an ordinary one or, with its keyword before it, a tag. A file that has been read already is looked
 * for first, then one that the debug information says defines it, then, as macros stand in a text alone, a few others, unless
 * all will be read anyway in the background. NULL: none but `but` is known to have it. */
const struct target_unit *elsewhere_unit(const struct host *, const char *name, size_t length,
					 const struct target_unit *but);

/* Likewise the file that has most of several names, each on a line; one that is not read yet is tried if the debug information has
 * more of them there. */
const struct target_unit *elsewhere_unit_of(const struct host *, const char *names,
					    const struct target_unit *but);

/* Whether it is a typedef name in one of the files that are read, or as the debug information has it: none is read for that. */
bool elsewhere_is_type(const struct host *, const char *name, size_t length);

/* Likewise the source that defines a struct or union: `tag` with its keyword. `read_alone`: only what has been read is asked. */
struct source *elsewhere_definition(const struct host *, const char *tag, const struct target_unit *but,
				    bool read_alone);

#endif
