/* A program under rtf and a console connection to it, as an editor would have it. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include "workshop.h"

#include <jansson.h>

struct host {
	struct child program;
	struct child console; /* for its line buffer: a connection, not a process */
	int serial;
	pid_t engine;
	char *socket;
	char ready[256]; /* the line that said so */
};

/* Starts BUILD/NAME with a console, and waits for a line that has `ready`. */
void host_start(struct host *, const char *name, const char *ready);

/* The same for a command of any kind, whose last word is to be the socket's path. */
void host_start_command(struct host *, const char *const *argv, const char *ready);
void host_stop(struct host *);

/* The console's whole answer to a command, the caller's; a refused command ends the benchmark. */
json_t *host_command(struct host *, const char *command);

/* The next event that is about `function` and has that kind; the caller's. */
json_t *host_event(struct host *, const char *kind, const char *function);

/* One line to the program, and its answer (static storage). */
const char *host_ask(struct host *, const char *line);

/* A definition, refused or not live is the end of the benchmark: its first result, the caller's. */
json_t *host_define(struct host *, const char *definition);

/* The same of the demo's price(), whose text in its source is given, with another text for each number: how long that took, in us. */
double host_define_price(struct host *, const char *price, int number);

#endif
