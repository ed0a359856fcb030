/* A function's text with watching built in: counters for \cover, records of calls for \trace, of values for \probe.
 *
 * C is inserted where libclang says that statements, conditions and results stand; no line moves. What a macro's body
 * makes is left as it is. The counters and the ring that records go to are variables of the program, declared in `extra`
 * and read by the engine (ring.h). Pure but for libclang; one thread. */
#ifndef RTF_INSTRUMENT_H
#define RTF_INSTRUMENT_H

#include "check.h"
#include "error.h"
#include "slice.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A trace of whole calls, or a probe of values at a line. */
struct instrument_watch {
	unsigned serial;       /* what its records say */
	unsigned quota;        /* which of the ring's quotas it draws from */
	const char *condition; /* C in the function's scope, or NULL */
	unsigned line;         /* a probe's, in the file; 0: a trace */
	char *const *expressions;
	size_t count;
};

struct instrument_request {
	struct check *check;
	const struct slice *slice; /* of the plain text */
	const char *name;          /* of the function */
	const char *const *argv;   /* the program's flags */
	unsigned line;             /* of the text's first line */
	int version;               /* that is watched */
	bool cover;
	const struct instrument_watch *watches;
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

/* What is counted. Two counters stand in a row for a branch: true, false; for a case label only the first counts. */
struct instrument_line {
	unsigned line;
	uint32_t counter;
};

struct instrument_branch {
	uint32_t at; /* offset in the plain text */
	unsigned line;
	char *text; /* the condition, on one line; or "case 3", "default" */
	bool label;
	uint32_t counter;
};

struct instrument {
	char *text;          /* the definition */
	char *extra;         /* what it needs before it, or NULL */
	char *body;          /* the name of the function that has the watching in it */
	char *counts, *ring; /* names of the variables, NULL where there is none */
	uint32_t counter_count;
	size_t line_count, branch_count;
	struct instrument_line *lines;
	struct instrument_branch *branches; /* in the order of the text */
	size_t argument_count; /* of the function, for a trace: recorded in rtf_value_SERIAL_0 and so on */
	char **arguments;
	bool has_results;    /* recorded in rtf_result, behind the arguments */
	bool returns_hidden; /* a macro returns: a trace does not see that result */
};

/* ERROR_UNKNOWN: a probe's line has no statement. ERROR_USAGE: there is nothing to instrument. */
struct error *instrument_new(const struct instrument_request *, struct instrument *out);
void instrument_fini(struct instrument *);

/* The function with nothing in its body but `return EXPRESSION` (NULL: nothing): for a call that is to return that. Of the
 * request the watching counts for nothing; of the guard, what a fault of the expression is parked with. */
struct error *instrument_value(const struct instrument_request *, const char *expression,
			       struct instrument *out);

#endif
