/* Threads that are still inside a version which is not the live one any more: that call goes on as it began, and one that never
 * returns never changes. Looked for once, INSIDE_AFTER_US after the last change; the threads notice nothing. One thread. */
#ifndef RTF_INSIDE_H
#define RTF_INSIDE_H

#include "live.h"
#include "place.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INSIDE_AFTER_US = 1000000 };

struct inside {
	struct live_function *function;
	size_t threads;     /* that are inside older versions */
	pid_t thread;       /* the first of them, */
	int version;        /* the version that it is inside, */
	struct place place; /* and where */
};

/* When there is something to look for, on clock_now_us's clock; 0: there is not. `looked`: of whoever asks, at first 0. */
int64_t inside_deadline(const struct live *, int64_t looked);

/* Looks, and calls `each` for each such function but main(), of which that is said at once. */
void inside_look(struct live *, int64_t *looked, void (*each)(void *context, const struct inside *),
		 void *context);

#endif
