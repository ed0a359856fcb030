/* A running program with a console, for the tests of real programs: what they all need around child.h.
 *
 * Finds the built programs in $RTF_BUILD (build), the fetched sources in $RTF_REAL (build/real). The
 * history goes into the subject's own directory. Failures fail the test and show what was printed. */
#ifndef TESTS_SUBJECT_H
#define TESTS_SUBJECT_H

#include "child.h"

#include <jansson.h>

enum { SUBJECT_DEADLINE_MS = 180000 };

struct subject {
	struct child program;
	char *directory; /* for this run alone */
	char *socket;    /* of its console */
};

/* $RTF_BUILD/NAME and $RTF_REAL/NAME, malloc'ed. */
char *subject_built(const char *name);
char *subject_source(const char *name);

/* Prepares directory and socket path; then subject_start runs `host SOCKET [EXTRA]` and waits for its line
 * "ready". */
void subject_init(struct subject *);
void subject_start(struct subject *, const char *host, const char *extra);
void subject_fini(struct subject *);

/* One line to the program, and its next line of output (static storage, until the next call). */
const char *subject_ask(struct subject *, const char *line);

/* One console command, or definition, in a console of its own. Its JSON object, the caller's; the exit
 * status must be `status`. */
json_t *subject_command(struct subject *, const char *command, int status);

/* Defines `text` and requires that FUNCTION is then at a new version, which is returned. */
int subject_define(struct subject *, const char *function, const char *text);
void subject_rollback(struct subject *, const char *function, int version);

#endif
