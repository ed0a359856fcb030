/* Watched forms of the live version: counters, traces and guards are built into its text, which instrument.h does.
 *
 * Such a form is a version of its own and none of those that \undo takes back; rollback_plain makes the one that it was made
 * from live again. The outcome is to be freed whatever is returned. One thread. */
#ifndef RTF_INSTRUMENTED_H
#define RTF_INSTRUMENTED_H

#include "change.h"
#include "error.h"
#include "live.h"

#include <stdint.h>

/* A version of the live text that something is built into. Its text in the history is the live one's. */
struct instrumented {
	struct live_function *function;
	const char *what;   /* what it is for: the version's origin, "cover" */
	const char *text;   /* the definition as it is compiled */
	const char *extra;  /* what stands before it, or NULL */
	const char *stored; /* the text as it is stored */
	unsigned line;
	const char *user;
};

/* Makes such a version live. ERROR_COMPILE: what was built in does not fit; the outcome's check says why. */
struct error *instrumented_define(struct live *, const struct instrumented *, struct change_outcome *);

/* Compiles it in turn (turns.h), and no more: what instrumented_define will need. */
struct error *instrumented_prepare(struct live *, const struct instrumented *, struct change_outcome *);

/* Only puts the code into the program, for one call that is to go on with it: it is neither live nor stored. */
struct error *instrumented_aside(struct live *, const struct instrumented *, uint64_t *entry,
				 struct change_outcome *);

#endif
