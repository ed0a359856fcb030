/* The commands that are answered later: \wait when a version is live, \events when interrupted. */
#ifndef RTF_WAITS_H
#define RTF_WAITS_H

#include "call.h"

struct error *waits_wait(struct call *);
struct error *waits_events(struct call *);

#endif
