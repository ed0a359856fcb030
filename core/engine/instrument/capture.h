/* The C that takes values while a function runs, for \trace and \probe: records in a ring, which ring.h declares for the same
 * text.
 *
 * It goes into an existing line: none of it has a line end. Pure; any thread. */
#ifndef RTF_CAPTURE_H
#define RTF_CAPTURE_H

#include "text.h"

#include <stddef.h>

/* A trace of whole calls, or a probe of values at a line. */
struct capture {
	unsigned serial;       /* what its records say */
	unsigned quota;        /* which of the ring's quotas it draws from */
	const char *condition; /* C in the function's scope, or NULL */
	unsigned line;         /* a probe's, in the file; 0: a trace */
	char *const *expressions;
	size_t count;
};

/* A probe: statements of their own. */
void capture_put_probe(struct text *, const struct capture *, int version);

/* A trace: before the function's first statement, which takes the arguments and is left however the function is; and behind its
 * result, which is in rtf_result. */
void capture_put_call(struct text *, const struct capture *, int version, char *const *arguments,
		      size_t count);
void capture_put_result(struct text *, const struct capture *);

#endif
