/* What all consoles of an engine share, and who of them listens to what happens.
 *
 * Whoever is below the sessions tells its events here and knows no session: a listener is a flag and a function that
 * passes an event on. One thread. */
#ifndef RTF_HOST_H
#define RTF_HOST_H

#include "ready.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct evaluator;
struct follow;
struct live;
struct niceness;
struct optimise;
struct program;
struct target_unit;
struct turns;
struct watchers;
struct write;

/* Embedded in whatever listens: a console's state. */
struct listener {
	struct listener *next;
	/* Passes the event on, without waiting and without taking the reference. It may not leave the audience. */
	void (*hear)(struct listener *, json_t *event);
	bool events; /* what happens in the program is told to it */
};

struct host {
	struct live *live;
	struct program *program;
	struct optimise *optimise; /* NULL: versions stay as libtcc made them */
	struct follow *follow;     /* NULL: saves are not followed */
	struct listener *first;    /* the audience, who came first first; others only read it */
	size_t count;
	struct turns *turns;       /* with the compiler; NULL: all wait for it */
	struct watchers *watchers; /* NULL: nothing can be watched */
	struct niceness *niceness; /* NULL: the kernel goes by something else */
	struct ready ready;
	int64_t looked_us; /* inside_look */
	struct evaluator *evaluator;
	const struct target_unit *main_unit; /* that defines main(), once it was looked for */
	struct write *written, *unwritten;   /* for \undo and \redo, the latest first: written.h */
};

/* Joining makes it the last; it must leave before it ends. */
void host_join(struct host *, struct listener *);
void host_leave(struct host *, struct listener *);

/* Whether anybody wants events. */
bool host_is_heard(const struct host *);

/* Tells an event to all that want events, to all of them but one (or NULL), or to that one, whether it wants events or
 * not, if it is still there. Each takes the reference; a NULL event is told to nobody. */
void host_broadcast(struct host *, json_t *event);
void host_tell_others(struct host *, const struct listener *who, json_t *event);
void host_tell(struct host *, const struct listener *, json_t *event);

#endif
