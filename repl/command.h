/* What can be typed: the table of commands, and C that is no command.
 *
 * A command is handed its words and the text behind its line, and leaves data for scripts and text for people in the
 * reply. An error object says what went wrong; the reply may then still hold diagnostics. */
#ifndef RTF_COMMAND_H
#define RTF_COMMAND_H

#include "error.h"
#include "live.h"
#include "session.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>

/* The console's own state. */
struct console_state {
	struct session_host *host;
	char *user;      /* login name of the peer */
	bool read_only;
	bool color;
	int width;       /* columns; 0 unknown */
	char *file;      /* \in: whose declarations count where that is not plain, or NULL */
};

struct reply {
	json_t *data;        /* NULL: null */
	json_t *diagnostics; /* of a compilation, or NULL */
	struct text text;    /* for people */
	const char *command; /* its long name, "\\list"; or "expression", "definition" */
};

/* Runs one entry: `text` is a command line with what follows, or C. */
struct error *command_run(struct console_state *, const char *text, size_t size, struct reply *);

/* Names that could stand at `point` of a line: an array of strings; *start is where the word begins. */
json_t *command_complete(struct console_state *, const char *line, size_t point, size_t *start);

/* The long names of all commands, as a JSON array. */
json_t *command_names(void);

#endif
