/* Whose declarations count for what is typed: one of the program's files. One thread. */
#ifndef RTF_CONTEXT_H
#define RTF_CONTEXT_H

#include "call.h"
#include "error.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one of \in, else that of the function redefined last, else that of main(). */
struct error *context_unit(struct console_state *, struct live *, const struct target_unit **out);

enum { CONTEXT_UNITS_MAX = 256 };

/* Each unit that has decorated functions, and that of main(); how many they are, at most CONTEXT_UNITS_MAX. Of those that are read
 * only when somebody asks for them (unread.h): that of \in, and a few whose text has the name, which may be NULL. */
size_t context_units(struct console_state *, struct live *, const char *name,
		     const struct target_unit **units);

/* Says how many are left out of that, if any are. */
void context_note_unread(const struct console_state *, const struct live *, struct text *);

uint32_t context_arena(struct live *,
		       const struct target_unit *); /* the arena that is near the unit's code */

/* Whether the unit's file is this one: a path or the end of it. */
bool context_is_file(const char *path, const char *file);

#endif
