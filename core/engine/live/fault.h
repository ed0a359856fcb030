/* A fault that a thread of the program met inside a live version: recorded before the program's own handler has its turn.
 * One thread. */
#ifndef RTF_FAULT_H
#define RTF_FAULT_H

#include "evaluate.h"
#include "live.h"
#include "place.h"

#include <stdbool.h>
#include <stdint.h>

struct fault {
	struct live_function *function;
	int version;
	int signal;
	uint64_t address;   /* 0: it has none */
	struct place place; /* of the innermost call that is the version's */
	char text[4096];    /* a line that says what and where, then the calls, a line each */
};

/* Takes one that the program told of, records it in the history, and lets its thread go on. False: there is none, or it
 * concerned no version. */
bool fault_serve(struct live *, struct fault *out);

#endif
