/* One connected console: requests in, replies and events out, a JSON object a line (rtf-protocol(7)).
 *
 * Runs in the engine's one thread. Sockets are non-blocking: a console that does not read is given up once
 * SESSION_BACKLOG bytes wait for it, and never blocks the engine or another console. */
#ifndef RTF_SESSION_H
#define RTF_SESSION_H

#include "error.h"
#include "host.h"

#include <stdbool.h>
#include <stdint.h>

enum { SESSION_REQUEST_MAX = 24 << 20, SESSION_BACKLOG = 64 << 20, SESSION_COUNT_MAX = 250 };

struct session;

/* Takes the socket. The session joins the host's audience, of which nobody else is. */
struct error *session_new(struct host *, int socket, struct session **out);
void session_free(struct session *); /* takes NULL; leaves the audience */

/* All sessions, who came first first; NULL: no more. */
struct session *session_first(const struct host *);
struct session *session_next(const struct session *);

int session_socket(const struct session *);
short session_events(const struct session *); /* to poll for */

/* Does what the socket is ready for. False: the session is over and to be freed. */
bool session_serve(struct session *, short revents);

/* Asks a command that waits whether it has its answer by now. False as in session_serve: also once an event had no room
 * in the backlog. */
bool session_tick(struct session *);

/* Whether no command of it waits: what comes next is a new one. */
bool session_is_idle(const struct session *);

/* Whether a command waits for the engine's work, in whichever thread or process. */
bool session_waits(const struct session *);

/* When to ask again, on clock_now_us's clock; 0: when something happens. */
int64_t session_deadline(const struct session *);

/* Tells what became of the history, if anything did, to all that want events; otherwise the next reply does. */
void session_tell_news(struct host *);

#endif
