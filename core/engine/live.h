/* The decorated functions of the running program, their versions, and which of them is live.
 *
 * What runs is what the slots say; the history says what was ever made. A new version goes the whole way or leaves
 * everything as it was: check, compile, link, store (committed), publish, record as live. One thread. */
#ifndef RTF_LIVE_H
#define RTF_LIVE_H

#include "build.h"
#include "error.h"
#include "history.h"
#include "program.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live;

enum live_state { LIVE_BUILT, LIVE_LIVE, LIVE_SAVED, LIVE_OUT_OF_SYNC, LIVE_REFUSED };

/* A version whose code is in the program. */
struct live_version {
	int number;
	uint64_t entry;
	uint32_t size; /* bytes of machine code */
};

struct live_function {
	struct target_function at;
	uint32_t arena, slot;
	int64_t row;  /* in the history, 0 until it has one */
	int live;     /* number of the version that runs */
	int versions; /* how many there are, version 0 included */
	char *built_text; /* its text when the engine first saw its file, NULL: not seen yet or not found */
	unsigned built_line;
	struct live_version *in_memory;
	size_t in_memory_count;
};

struct live_latency {
	int64_t total, check, compile, link, store; /* microseconds */
};

/* What became of one function. */
struct live_result {
	const struct live_function *function;
	int version;
	enum compile_backend backend;
	struct live_latency latency;
	char *why_cc; /* why libtcc did not do it, or NULL */
};

struct live_outcome {
	size_t count;
	struct live_result *results;
	struct check_result check; /* of the first text that has something to say: errors, or warnings */
};

void live_outcome_fini(struct live_outcome *);

/* What someone wants to become live. */
struct live_request {
	const char *text;
	size_t size;
	const char *file;     /* whose functions are meant where a name has several: a path or its end, or NULL */
	const char *name;     /* \define: the decorated function that the text defines, however it is spelled; or NULL */
	const char *given_as; /* what diagnostics call the text: a file's path, "<console>" */
	const char *origin, *user;
	bool check_only;
};

/* Borrows the program and the compiler. A history that cannot be opened costs history alone: `live_warning` says why. */
struct error *live_new(struct program *, struct compiler *, struct live **out);
void live_free(struct live *);

const char *live_warning(const struct live *); /* NULL: nothing to say */
struct history *live_history(const struct live *);
struct target *live_target(const struct live *);

size_t live_count(const struct live *);
struct live_function *live_function(const struct live *, size_t i); /* sorted by file, then line */
struct live_function *live_by_row(const struct live *, int64_t row);

/* `NAME` or `file.c:NAME`; `file` (a path or its end, or NULL) decides between several. ERROR_UNKNOWN with a near miss,
 * or with the reason if the function exists but is not decorated; ERROR_AMBIGUOUS names the candidates. */
struct error *live_find(const struct live *, const char *name, const char *file, struct live_function **out);

/* Reads the source of one function that has not been seen yet: true if there may be more to do. For idle moments. */
bool live_read_ahead(struct live *);

enum live_state live_state(struct live *, struct live_function *);
const char *live_state_name(enum live_state);

/* The function's text in its file as it is now; the caller's. */
struct error *live_file_text(struct live *, const struct live_function *, char **text, unsigned *line);

/* The text of a version; the caller's. Version 0 is what was built. */
struct error *live_version_text(struct live *, struct live_function *, int number, char **text, unsigned *line);

/* The function's declaration on one line, as its file has it; NULL without source. The caller's. */
char *live_signature(struct live *, const struct live_function *);

/* The slice that a text of the function (NULL: its live one) would be compiled from; the caller's. */
struct error *live_slice(struct live *, struct live_function *, char **text);

struct error *live_define(struct live *, const struct live_request *, struct live_outcome *);
struct error *live_rollback(struct live *, struct live_function *, int number, const char *user, struct live_outcome *);
struct error *live_undo(struct live *, bool redo, const char *user, struct live_outcome *);

#endif
