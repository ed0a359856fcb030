/* The command line of rtf-console and its exit statuses.
 *
 * Faults of usage are returned in the words for the person who typed it; --help and --version are answered
 * here and end the program. The strings are argv's. */
#ifndef RTF_OPTIONS_H
#define RTF_OPTIONS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of several, the highest is the exit status. */
enum status { STATUS_DONE, STATUS_LOCAL, STATUS_LOST, STATUS_FAILED, STATUS_ENDED };

/* What -c and -f ask for, in the order given. */
struct action {
	const char *text; /* -c's command; NULL: `file` */
	const char *file; /* "-" is standard input */
};

struct options {
	struct action *actions;
	size_t action_count;
	char **sockets;
	size_t socket_count;
	int64_t limit_ms; /* -1: none */
	bool json, read_only, all;
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
};

/* Reads the command line. Without -c and -f the commands come from standard input, which is an action too
 * unless a person sits at it. On failure there is nothing to free, and `json` says how to tell it. */
struct error *options_init(struct options *, int argc, char **argv);
void options_fini(struct options *);

bool options_color(const struct options *); /* whether answers shall be coloured, where they go now */

#endif
