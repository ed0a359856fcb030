/* A history in memory that takes the place of one that cannot be written: its disk is full, its directory read-only, it
 * is locked for long, damaged, or of a newer schema. Nothing that a user does waits for the file to be well again; what
 * the stand-in got is brought to the file once that is possible.
 *
 * It knows what could be read of the file: every function's newest versions, the run's own changes. Its rows have the
 * file's ids then. Used like any history, by the same thread. */
#ifndef RTF_STAND_IN_H
#define RTF_STAND_IN_H

#include "error.h"
#include "history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the place of the history at `path`, whose handle, if there was one, is best closed before: history_path gives the
 * same. */
struct error *stand_in_new(const char *path, const struct history_process *, struct history **out);

/* Takes the place of one whose file was overwritten: it knows what that handle has committed, and of the file nothing. What of it
 * the file has all the same, being an older copy, is not brought there again. */
struct error *stand_in_repeating(struct history *overwritten, const struct history_process *,
				 struct history **out);

bool stand_in_is(const struct history *);

/* How many versions wait to be brought to the file. */
struct error *stand_in_pending(struct history *, int64_t *versions);

/* Brings everything to the file, in one transaction and without waiting long for locks. The history's new handle comes in
 * `*out`; the stand-in is then to be closed. Where another process has given away a number in the meantime, `renumbered`
 * is told the version's new one. On failure nothing has changed and the stand-in goes on. */
struct error *stand_in_settle(struct history *stand_in, const struct history_process *,
			      void (*renumbered)(void *context, const struct history_function *, int from,
						 int to),
			      void *context, struct history **out);

/* Writes the stand-in as a database of its own to `path`, which must not exist yet and is readable by nobody else: for the
 * end, when the file did not get well in time. */
struct error *stand_in_rescue(struct history *stand_in, const char *path);

/* Brings what such a file has to the history that it belongs to, as its run's, and removes it. `*versions`: how many these
 * were; -1 if it is another history's, another user's, or being taken in by somebody else. `renumbered` as above. */
struct error *stand_in_adopt(struct history *, const char *path,
			     void (*renumbered)(void *context, const struct history_function *, int from,
						int to),
			     void *context, int64_t *versions);

#endif
