/* Optimised again: what libtcc made live at once is compiled by the program's own compiler with its own flags in the
 * background, and takes the place of libtcc's code, unless a newer version came first.
 *
 * One compilation at a time, in a thread of its own at the lowest priority, and only once a function has been left alone
 * for OPTIMISE_QUIET_US: whoever edits fast is not slowed down by compilers, nor is the program. Functions that the
 * program itself was built without optimising are left as they are. All calls from the engine's one thread. */
#ifndef RTF_OPTIMISE_H
#define RTF_OPTIMISE_H

#include "change.h"
#include "error.h"
#include "live.h"

#include <stdint.h>

enum { OPTIMISE_QUIET_US = 300000 };

struct optimise;

/* `tell` hears of every function that was replaced, and of what went wrong (the message; NULL: nothing). */
struct error *optimise_new(struct live *,
			   void (*tell)(void *context, const struct live_function *, int version,
					const char *message),
			   void *context, struct optimise **out);
void optimise_free(struct optimise *); /* takes NULL; waits for a compilation in progress */

/* A version that libtcc made, and that is live now: takes what the build holds of slice and findings. `build` NULL: it was
 * in memory, and its text is checked once more when its turn comes. */
void optimise_queue(struct optimise *, struct live_function *, int version, struct build *);

int optimise_fd(const struct optimise *); /* to poll for reading: a compilation has ended */
int64_t optimise_deadline(
	const struct optimise *); /* when to call optimise_serve, on clock_now_us's clock; 0: never */
void optimise_serve(struct optimise *);

#endif
