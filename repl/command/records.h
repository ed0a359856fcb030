/* What instrumented versions record, told to the consoles that asked. One thread. */
#ifndef RTF_RECORDS_H
#define RTF_RECORDS_H

#include "watched.h"

enum { RECORDS_BURST = 20 /* of one trace between two readings: 1,000 a second */ };

/* Reads the function's ring: tells what is there, allows for more, ends what has had its count. The function may not be
 * watched any more afterwards. */
void records_poll(struct watchers *, struct watched *);

/* Ends the function's probes, or its traces as well, and says why to those who watch. Whether that was any, and something else is
 * still asked of it. */
bool records_end_taps(struct watchers *, struct watched *, bool probes_alone, const char *why);

/* Ends all that is watched of a function, and says why to those who watch. */
void records_end_all(struct watchers *, struct watched *, const char *why);

#endif
