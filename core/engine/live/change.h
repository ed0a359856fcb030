/* Making versions live: one change may hold several functions, and all of them go live or none.
 *
 * A new version goes the whole way or leaves everything as it was: check, compile, link, store (committed), publish,
 * record as live (attempt.h). A history that fails costs history and never the change. One thread. */
#ifndef RTF_CHANGE_H
#define RTF_CHANGE_H

#include "build.h"
#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct change_latency {
	int64_t total, check, compile, link, store; /* microseconds */
};

/* What became of one function. */
struct change_result {
	const struct live_function *function;
	int version;
	enum compile_backend backend;
	struct change_latency latency;
	char *why_cc;           /* why libtcc did not do it, or NULL */
	char was[LIVE_WATCHES]; /* as live_function's `instrumented`, of what ran before */
};

struct change_outcome {
	size_t count;
	struct change_result *results;
	struct check_result check; /* errors of the first text that has some; else the warnings of all */
};

void change_outcome_fini(struct change_outcome *);

/* What someone wants to become live. */
struct change_request {
	const char *text;
	size_t size;
	const char *file; /* whose functions are meant where a name has several: a path or its end, or NULL */
	const char *
		name; /* \define: the decorated function that the text defines, however it is spelled; or NULL */
	const char *declared; /* what was declared before and the text names: it stands before it; or NULL */
	const char *declared_as; /* what diagnostics call that */
	/* Told of each variable outside functions that comes with the text, before anything is live; or NULL. */
	struct error *(*placed)(void *context, const char *name, uint64_t address, uint64_t size);
	void *context;
	const char *given_as; /* what diagnostics call the text: a file's path, "<console>" */
	const char *origin, *user;
	bool check_only;
	int64_t asked_us; /* when it was typed or saved, on clock_now_us's clock; 0: nobody waits for a compiler */
};

/* Checks, stores and publishes the functions that a text defines. ERROR_COMPILE, _SIGNATURE, _LAYOUT: the outcome's check
 * has the diagnostics. The outcome is to be freed whatever is returned. */
struct error *change_define(struct live *, const struct change_request *, struct change_outcome *);

/* One function's new text, as it stands in its file at `line`. */
struct change_text {
	struct live_function *function;
	const char *text;
	size_t size;
	unsigned line;
};

/* The same for texts of functions that are known already, all or none. Of the request only origin and user count. */
struct error *change_texts(struct live *, const struct change_text *, size_t count,
			   const struct change_request *, struct change_outcome *);

/* Puts code that the program's own compiler made of the same text (build: its object and findings) in the place of a
 * version's, which may be watched. *replaced is false, and nothing happens, if the version is not live any more. */
struct error *change_optimised(struct live *, struct live_function *, int version, struct build *,
			       bool *replaced);

#endif
