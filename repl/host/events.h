/* What happens in the program, told to the consoles that want events, and to the program's log. */
#ifndef RTF_EVENTS_H
#define RTF_EVENTS_H

#include "call.h"
#include "fault.h"
#include "follow.h"
#include "host.h"
#include "inside.h"

/* A save and what became of it; `context` is the struct host. For follow_new. */
void events_tell_save(void *context, const struct follow_news *);

/* A version that was optimised, or could not be; likewise. For optimise_new. */
void events_tell_optimised(void *context, const struct live_function *, int version, const char *message);

/* What runs since a console has asked for it: to all but that one, which has the answer. */
void events_tell_changed(const struct console_state *by, const struct live_function *, int version);

/* A fault that a thread of the program met in a live version. */
void events_tell_fault(struct host *, const struct fault *);

/* Threads that are still inside an older version; `context` is the struct host. For inside_look. */
void events_tell_inside(void *context, const struct inside *);

#endif
