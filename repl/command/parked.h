/* Guarded functions, and their calls that have faulted and wait. watchers.c has it take them. One thread. */
#ifndef RTF_PARKED_H
#define RTF_PARKED_H

#include "call.h"
#include "error.h"
#include "watched.h"

/* Takes those that the program has told of, and tells the consoles. */
void parked_take(struct watchers *);

void parked_free(struct watchers *); /* forgets them: they wait on */

/* The calls that wait: a line each, behind `before`, and as JSON, the caller's. `watchers` may be NULL. */
json_t *parked_list(struct watchers *, const char *before, struct text *out);

/* \guard, \unguard, \return; and \retry of what was taken: watchers_retry. */
struct error *parked_guard(struct call *);
struct error *parked_unguard(struct call *);
struct error *parked_retry(struct call *);
struct error *parked_return(struct call *);

#endif
