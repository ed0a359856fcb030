/* Committing once more what recent.h has kept: what an overwritten file had of it. */
#ifndef RTF_REPEAT_H
#define RTF_REPEAT_H

#include "error.h"
#include "history.h"

struct recent;

/* All of it, with its times, in `to`, which is an empty history in memory. */
struct error *repeat_committed(const struct recent *, struct history *to);

#endif
