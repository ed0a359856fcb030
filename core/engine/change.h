/* Making versions live: one change may hold several functions, and all of them go live or none.
 *
 * A new version goes the whole way or leaves everything as it was: check, compile, link, store (committed), publish,
 * record as live. A history that fails costs history and never the change. One thread. */
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
	char *why_cc; /* why libtcc did not do it, or NULL */
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
	const char *given_as; /* what diagnostics call the text: a file's path, "<console>" */
	const char *origin, *user;
	bool check_only;
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

/* A version of the live text that something is built into. Its text in the history is the live one's. */
struct change_instrument {
	struct live_function *function;
	const char *what;   /* what it is for: the version's origin, "cover" */
	const char *text;   /* the definition as it is compiled */
	const char *extra;  /* what stands before it, or NULL */
	const char *stored; /* the text as it is stored */
	unsigned line;
	const char *user;
};

/* Makes such a version live, and back to the plain one that it was made from. Neither counts as a change that \undo takes
 * back. ERROR_COMPILE: what was built in does not fit; the outcome's check says why. change_aside only puts the code into
 * the program, for one call that is to go on with it: it is neither live nor stored. */
struct error *change_instrument(struct live *, const struct change_instrument *, struct change_outcome *);
struct error *change_aside(struct live *, const struct change_instrument *, uint64_t *entry,
			   struct change_outcome *);
struct error *change_plain(struct live *, struct live_function *, const char *user, struct change_outcome *);

/* Makes version `number` live; -1 is the parent of the live one. One that is not in memory is built again. */
struct error *change_rollback(struct live *, struct live_function *, int number, const char *user,
			      struct change_outcome *);

/* One function of a restore. */
struct change_step {
	struct live_function *function;
	int to;
	struct error *why; /* it could not be made live; the caller's. NULL: it is */
};

/* Makes these versions live, as one change; one that does not fit the program is left out. */
struct error *change_restore(struct live *, struct change_step *, size_t count, const char *user,
			     struct change_outcome *);

/* Takes back the last change of this run, or does again the last that was taken back. */
struct error *change_undo(struct live *, bool redo, const char *user, struct change_outcome *);

/* Brings a version into the program's memory (live_in_memory), if it is not there, and changes nothing else. */
struct error *change_load(struct live *, struct live_function *, int number, struct change_outcome *);

/* Puts code that the program's own compiler made of the same text (build: its object and findings) in the place of a
 * version's. *replaced is false, and nothing happens, if the version is not live any more. */
struct error *change_optimised(struct live *, struct live_function *, int version, struct build *,
			       bool *replaced);

#endif
