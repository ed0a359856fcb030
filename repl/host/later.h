/* A command that may need a run of the program's own compiler: others are answered while it waits for that.
 *
 * It is tried at once, and where it lacks what only that compiler makes, again once the compiler has run (turns.h). A trial
 * that lacks something leaves nothing behind. One thread. */
#ifndef RTF_LATER_H
#define RTF_LATER_H

#include "call.h"

/* One trial of an entry. */
typedef struct error *later_try(struct console_state *, const char *text, size_t size, struct reply *);

/* The entry's answer, or a reply that waits for it. */
struct error *later_run(struct console_state *, const char *text, size_t size, later_try *, struct reply *);

#endif
