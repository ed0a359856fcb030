/* Decorated functions found, and their entries turned into jumps through slots.
 *
 * Runs once, before main, while there is one thread; code is never written again. A function about which
 * anything is doubtful stays as it was built, and the reason is kept. */
#ifndef RTF_ENTRY_H
#define RTF_ENTRY_H

#include <stdint.h>

/* Does it, the first time. */
void entry_init(void);

/* Functions that can be redefined. */
uint32_t entry_count(void);

/* What went wrong: lines, each ended by a newline; "" if nothing did. */
const char *entry_notes(void);

#endif
