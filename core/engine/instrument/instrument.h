/* A function's text with watching built in: counters for \cover, records of calls for \trace, of values for \probe.
 *
 * C is inserted where libclang says that statements, conditions and results stand; no line moves. What a macro's body
 * makes is left as it is. The counters and the ring that records go to are variables of the program, declared in `extra`
 * and read by the engine (ring.h). Pure but for libclang; one thread. */
#ifndef RTF_INSTRUMENT_H
#define RTF_INSTRUMENT_H

#include "capture.h"
#include "check.h"
#include "counters.h"
#include "error.h"
#include "slice.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instrument_request {
	struct check *check;
	const struct slice *slice; /* of the plain text */
	const char *name;          /* of the function */
	const char *const *argv;   /* the program's flags */
	unsigned line;             /* of the text's first line */
	int version;               /* that is watched */
	bool cover;
	const struct capture *watches;
	size_t watch_count;
	uint64_t enter, leave;                /* what guarded code calls, in the program */
	uint64_t exit;                        /* and what a watch does for exit() */
	const struct instrument_guard *guard; /* NULL: faults are the program's */
	bool careful; /* leave everything alone that begins in a macro: for a text that did not compile otherwise */
};

/* A guard: addresses in the program that wrapper.h's code is to call. */
struct instrument_guard {
	uint64_t entry, wait;
	bool returns;          /* after a fault: at once, instead of waiting */
	const char *otherwise; /* ... this, C in the function's scope; or NULL */
};

struct instrument {
	char *text;  /* the definition */
	char *extra; /* what it needs before it, or NULL */
	char *body;  /* the name of the function that has the watching in it */
	struct counters counters;
	char *ring;            /* the variable's name, NULL where there is none */
	size_t argument_count; /* of the function, for a trace: recorded in rtf_value_SERIAL_0 and so on */
	char **arguments;
	bool has_results;    /* recorded in rtf_result, behind the arguments */
	bool returns_hidden; /* a macro returns: a trace does not see that result */
};

/* ERROR_UNKNOWN: a probe's line has no statement. ERROR_USAGE: there is nothing to instrument. */
struct error *instrument_new(const struct instrument_request *, struct instrument *out);
void instrument_fini(struct instrument *);

/* Whether the variable is one that counters and records go to, and none of the program's. */
bool instrument_made(const char *variable);

/* The function with nothing in its body but `return EXPRESSION` (NULL: nothing): for a call that is to return that. Of the
 * request the watching counts for nothing; of the guard, what a fault of the expression is parked with. */
struct error *instrument_value(const struct instrument_request *, const char *expression,
			       struct instrument *out);

#endif
