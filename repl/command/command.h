/* What is typed: the table of commands, and C that is no command. The commands themselves stand in files of their own, each
 * about one thing: versions.c, look.c, watchers.c, … */
#ifndef RTF_COMMAND_H
#define RTF_COMMAND_H

#include "call.h"

/* Runs one entry: `text` is a command line with what follows, or C. */
struct error *command_run(struct console_state *, const char *text, size_t size, struct reply *);

/* Names that could stand at `point` of a line: an array of strings; *start is where the word begins. */
json_t *command_complete(struct console_state *, const char *line, size_t point, size_t *start);

/* The long names of all commands, as a JSON array. */
json_t *command_names(void);

#endif
