/* What rtf-console prints: answers, complaints and events, for people and for scripts.
 *
 * Outside an interactive session and \events standard output belongs to the answers alone. One thread. */
#ifndef RTF_OUTPUT_H
#define RTF_OUTPUT_H

#include "error.h"
#include "gather.h"
#include "options.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The answers of one socket. */
struct output {
	const struct options *options;
	const char *socket; /* NULL: what is told is no socket's */
	bool interactive;
	struct gather *gather; /* with --all: who keeps the answers for the end; else NULL */
	bool following;        /* the running command is \events: events are its answer */
	bool holding;          /* readline is at work: events wait in `held` */
	char **held;
	size_t held_count;
};

/* A line on standard error, behind the program's name. */
void output_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same about this socket's commands: with --all it is kept with their answers. */
void output_report(struct output *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, on a line of its own; what went to standard output before stands before it. */
void output_text(FILE *, const char *text, size_t size);

/* A failure that no engine told, in the form that answers have: an object with --json, else a report. `command`: of the
 * object. */
void output_failure(struct output *, const char *command, enum error_class, const char *message);

/* An answer's text: to standard error if it is a failure's, or kept for the end; in an interactive session through the pager
 * if it is longer than the screen. */
void output_answer(struct output *, bool failed, const char *text, size_t size);

/* A JSON answer as it came; with --all its socket's name is put before its other members. */
void output_json(const struct output *, const char *raw);

/* Shows an event, or keeps it while `holding`. `output` is a struct output: a connection_event of
 * connection.h. */
void output_event(void *output, const json_t *root, const char *raw);

void output_release(struct output *); /* ends `holding` and shows what was kept */

#endif
