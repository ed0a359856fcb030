/* What is watched in the program: functions that are counted (\cover), traced (\trace), probed (\probe), and those whose
 * faults park the call (\guard).
 *
 * Each such function runs an instrumented version of its live text, one for all that is asked of it, and goes back to the
 * plain one when nothing is asked any more. A new definition is instrumented in its turn; a rollback ends the watching. A
 * trace or probe belongs to the console that asked: its events go there, and it ends with it, after its COUNT, or by
 * name. One thread. */
#ifndef RTF_WATCHERS_H
#define RTF_WATCHERS_H

#include "call.h"
#include "error.h"
#include "host.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	WATCHERS_POLL_US = 20000
}; /* how often the program's records are read, while there are traces or probes */

struct watchers;

/* Versions that an engine before this one has left instrumented go back to what they were made from. */
struct error *watchers_new(struct host *, struct watchers **out);
void watchers_free(struct watchers *); /* takes NULL; what is instrumented stays so */

/* Looks at what has happened; to be called after whatever may change a version, and at the deadline. */
void watchers_serve(struct watchers *);
int64_t watchers_deadline(const struct watchers *); /* on clock_now_us's clock; 0: nothing is in progress */

/* The console is gone. Takes NULL. */
void watchers_leave(struct watchers *, const struct console_state *);

/* \source of a function that is counted, if this version is: counts beside the lines. False: it is not. */
bool watchers_source(struct call *, struct live_function *, int number, const char *text, unsigned line,
		     struct error **e);

struct error *watchers_cover(struct call *);
struct error *watchers_uncover(struct call *);
struct error *watchers_retry(struct call *); /* a new definition that came right before is guarded first */

#endif
