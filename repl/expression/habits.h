/* What a person who lives in a debugger types by habit, and what that is called here: `p/x n` is \print/x n.
 *
 * Nothing typed is taken for a debugger's command: a program may have a variable `p`, and C comes first. What does not compile
 * and looks like one is answered with the right spelling instead. Pure; any thread. */
#ifndef RTF_HABITS_H
#define RTF_HABITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A sentence on the debugger's command that the entry looks like, the caller's; NULL if it looks like none. `diagnostics` (or
 * NULL) is what was found when it was read as C. `*alone`: they have nothing to say beside the sentence, as all that is wrong
 * is that C does not know the command. */
char *habits_answer(const char *entry, size_t size, const json_t *diagnostics, pid_t program, bool *alone);

#endif
