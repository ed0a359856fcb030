/* What a console asks: commands out, their answers in and shown, and how that ends.
 *
 * A command ends by its answer, by the time limit, by Ctrl-C, or with the connection. Whatever is no answer of the engine's
 * is told in the same form: one object with --json, else a line on standard error. One thread. */
#ifndef RTF_ASK_H
#define RTF_ASK_H

#include "connection.h"
#include "entry.h"
#include "error.h"
#include "options.h"
#include "output.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console {
	const struct options *options;
	struct connection connection;
	struct output output;
	bool interactive;
	bool stop; /* Ctrl-C ended the run */
	bool quit; /* \quit */
	bool lost_reported;
	char *typed;               /* the C that was entered or edited last, for \edit; NULL: none yet */
	unsigned error_line;       /* of the first error in it; 0: none */
	const struct entry *entry; /* that is being typed, for completion; NULL: not interactive */
	char *class, *why;         /* the first failure; NULL: none yet */
};

enum status status_worse(enum status, enum status);

/* Has the engine run one command, `size` bytes, and shows its answer. */
enum status ask(struct console *, const char *command, size_t size);

/* The steps of the same. */
struct asked {
	const char *command;
	size_t size;
	json_int_t id;
	int64_t deadline;
	bool late, interrupted; /* an end to it has been asked for */
};

/* False: `*status` is what that comes to, and it has been said why. */
bool ask_send(struct console *, const char *command, size_t size, struct asked *, enum status *status);
bool ask_await(struct console *, struct asked *, struct answer *, enum status *status);
enum status ask_conclude(struct console *, const struct asked *, const struct answer *);

/* A failure of ours, of that command (of size 0: of none); the second: the connection was lost. */
enum status ask_failed(struct console *, const char *command, size_t size, enum error_class,
		       const char *message);
enum status ask_lost(struct console *, const char *command, size_t size);

/* Ctrl-C ends a script as a whole, but only the command of an interactive session. */
void ask_note_interrupt(struct console *);

/* The first of a socket's failures is what --all tells of it. */
void ask_note_why(struct console *, const char *class, const char *why);

#endif
