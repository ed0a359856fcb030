/* Decorated functions found, and their entries turned into jumps through slots.
 *
 * Runs before main, while there is one thread, and for what dlopen() brings later before the caller has it; code is never
 * written again. A function about which anything is doubtful stays as it was built, and the reason is kept. */
#ifndef RTF_ENTRY_H
#define RTF_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does it, the first time. */
void entry_init(void);

/* The same for modules that have come since, and gives up the slots of those that went; true if any of them had decorated
 * functions, or there is a note about one. `before`: how many modules there were when nobody else could have those that are
 * new, as entry_modules() said it; what came unseen before that stays as built, since other threads may be in it. With
 * console_mutex held. */
bool entry_renew(size_t before);
size_t entry_modules(void);

/* The process that may add slots is this one; at first it is the one that entry_init was called in. */
void entry_own(void);

/* How often entry_renew was true. Any thread. */
unsigned entry_renewals(void);

/* Functions that can be redefined. */
uint32_t entry_count(void);

/* What went wrong: lines, each ended by a newline; "" if nothing did. */
const char *entry_notes(void);

#endif
