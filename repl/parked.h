/* Guarded calls that have faulted and wait. One thread. */
#ifndef RTF_PARKED_H
#define RTF_PARKED_H

#include "watched.h"

/* Takes those that the program has told of, and tells the consoles. */
void parked_take(struct watchers *);

void parked_free(struct watchers *); /* forgets them: they wait on */

#endif
