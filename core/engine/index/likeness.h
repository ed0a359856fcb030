/* How much a compile command is like the one that a unit of the running program was built by: where a source is compiled
 * several times (for a static and a shared library, for a test with other options), the likest is taken.
 *
 * Told from DW_AT_producer, in which gcc keeps what bears on the code; clang keeps nothing there, and all that is known is
 * whether the unit is part of a shared library. */
#ifndef RTF_LIKENESS_H
#define RTF_LIKENESS_H

#include "target.h"

#include <stddef.h>

/* More is more alike; comparable between commands for one unit alone. INT_MIN without memory or words. */
int likeness(char *const *command, const struct target_unit *);

/* Between commands that are as alike, for a source that is compiled several times into one program: how many of its -D stand for
 * what the unit defines, as in -Dmain=md5sum_main. Reads the unit's names. */
size_t likeness_names(char *const *command, const struct target_unit *);

#endif
