/* The engine as the agent sees it: kept running, told of consoles, obeyed within limits.
 *
 * All but channel_poll are for the console's own thread. An engine that ends is replaced, with the same
 * arenas: what is live is in the slots, so nothing is lost but the request that it was at. */
#ifndef RTF_CHANNEL_H
#define RTF_CHANNEL_H

#include "console.h"

/* Starts an engine and tells it everything. c->engine is -1 afterwards if that failed; c->why says why. */
void channel_start(struct console *);

/* The engine has something to say, or has ended. */
void channel_hear(struct console *);

/* Hands c->client over, starting an engine if there is none; false if it cannot be, and then `*why` is a
 * sentence that is valid until the next call. Until the engine serves it, it is kept: where that one ends, the next one gets
 * it. */
bool channel_pass_client(struct console *, const char **why);

/* There is no engine any more: gives one that was handed over and never served back as c->client. False: there is none. */
bool channel_take_back(struct console *);

/* Tells the log what entry_notes() has had to say since. */
void channel_tell_notes(struct console *);

/* Tells the engine of what has happened since: modules that came or went, faults, parked calls, a call that is over, deferred
 * versions that channel_poll has applied. */
void channel_report(struct console *);

/* Ends the channel, and with it the engine. */
void channel_drop(struct console *);

/* Whether any version waits for channel_poll; cheap, any thread. */
bool channel_waits(void);

/* Applies what waits; any thread, with console_mutex held. */
void channel_poll(struct console *);

/* Forgets what waits; with console_mutex held. */
void channel_forget(struct console *);

#endif
