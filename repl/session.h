/* One connected console: requests in, replies and events out, a JSON object a line (rtf-protocol(7)).
 *
 * Runs in the engine's one thread. Sockets are non-blocking: a console that does not read is given up once
 * SESSION_BACKLOG bytes wait for it, and never blocks the engine or another console. */
#ifndef RTF_SESSION_H
#define RTF_SESSION_H

#include "error.h"
#include "follow.h"
#include "live.h"
#include "optimise.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { SESSION_REQUEST_MAX = 24 << 20, SESSION_BACKLOG = 64 << 20, SESSION_COUNT_MAX = 250 };

struct session;
struct console_state;
struct watchers;

/* What all sessions of an engine share. */
struct session_host {
	struct live *live;
	struct program *program;
	struct optimise *optimise; /* NULL: versions stay as libtcc made them */
	struct follow *follow; /* NULL: saves are not followed */
	time_t started; /* the engine's start */
	struct session *first; /* every session, linked; the host's users only read it */
	size_t count;
	struct watchers *watchers; /* NULL: nothing can be watched */
	struct evaluator *evaluator;
	const struct target_unit *main_unit; /* that defines main(), once it was looked for */
	struct write *written, *unwritten;   /* for \undo and \redo, the latest first: written.h */
};

/* Takes the socket. */
struct error *session_new(struct session_host *, int socket, struct session **out);
void session_free(struct session *); /* takes NULL; leaves the host's list */

struct session *session_next(const struct session *);
int session_socket(const struct session *);
short session_events(const struct session *); /* to poll for */

/* Does what the socket is ready for. False: the session is over and to be freed. */
bool session_serve(struct session *, short revents);

/* Asks a command that waits whether it has its answer by now. False as in session_serve. */
bool session_tick(struct session *);

/* When to ask again, on build_now_us's clock; 0: when something happens. */
int64_t session_deadline(const struct session *);

/* Sends an event line to the sessions that want events, or to the one of that console. Takes the reference. */
void session_broadcast(struct session_host *, json_t *event);
void session_tell(struct session_host *, const struct console_state *, json_t *event);

/* Tells what became of the history, if anything did, to all that want events; otherwise the next reply does. */
void session_tell_news(struct session_host *);

#endif
