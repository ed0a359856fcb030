/* What went live, as a series of patches for git-am(1): one for each change, however many functions it had.
 *
 * The series begins with the files as they are now, but with the text of its first build in the place of each function, and
 * ends with what is live now. Between two changes of different builds what the later one was built with has a patch of its own.
 * A function that does not stand in its file as text has no part in it. */
#ifndef RTF_SERIES_H
#define RTF_SERIES_H

#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

struct series_count {
	size_t patches;
	size_t unchanged; /* changes that say what was there before */
	size_t placeless; /* functions that do not stand in a file as text */
};

struct series;

/* To be written to `directory` as NNNN-NAME-N.patch; `user` is who asks. What happens from now on is not in it, but for what is
 * live at the end. */
struct error *series_new(struct live *, struct live_function *const *functions, size_t count,
			 const char *directory, const char *user, struct series **out);
void series_free(struct series *); /* takes NULL */

/* Does some of it, in milliseconds, so that others need not wait. After an error it is over. */
struct error *series_step(struct series *, bool *more);

void series_counted(const struct series *, struct series_count *out);

#endif
