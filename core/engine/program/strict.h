/* Strict entries: with the program's option `strict`, a slot does not lead to a version but to a few bytes
 * (strict_entry.h) that first have the agent see whether a save is waiting, and then go on to what their word
 * says.
 *
 * They stand in the arena, so that an engine that starts anew finds them. Once installed they stay. One
 * thread. */
#ifndef RTF_STRICT_H
#define RTF_STRICT_H

#include "error.h"
#include "program.h"

/* Makes every slot of the program lead to a strict entry, unless it does already. */
struct error *strict_install(struct program *);

/* Has the slots lead to versions again. The entries stay: someone may be on the way through them. */
struct error *strict_remove(struct program *);

#endif
