/* Files that are saved: inotify(7) on the directories of those that matter, and patience until a save is whole.
 *
 * Editors write in place, in pieces, or to another file that is renamed over this one; git writes fifty files. A file
 * counts as saved once it was closed or renamed into place and SETTLE has passed without more, or, if it is not
 * closed, once it has been quiet for QUIET; and never while a git command holds its index lock beside it. A folder that
 * is taken away and comes back is found again, and so is one that a symbolic link on the way to it leads to, when the link is
 * made to lead elsewhere. The files of folders that the kernel does not watch, because of its limits, are looked at every
 * POLL: their saves are noticed later, and rtf_sync does not wait for them. One thread. */
#ifndef RTF_WATCH_H
#define RTF_WATCH_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WATCH_SETTLE_US = 1500,
	WATCH_QUIET_US = 300000,
	WATCH_LOCK_US = 10000000,
	WATCH_LOCKED_US = 2000,
	WATCH_LOST_US = 100000,
	WATCH_POLL_US = 500000,
	WATCH_PATIENCE_US = 1000000
};

struct watch;

struct error *watch_new(struct watch **out);
void watch_free(struct watch *); /* takes NULL */

/* Watches a file by path; what a symbolic link leads to, too. Again is no error and costs little. A file that does not
 * exist may come. An error if its folder cannot be watched, unless that is for a limit of the system. */
struct error *watch_add(struct watch *, const char *path);

/* How many folders are not watched because of a limit; their files are looked at. */
size_t watch_polled(const struct watch *);

/* Sets such a limit: so many folders and no more. For tests. */
void watch_set_limit(struct watch *, size_t folders);

/* As if the file had just been saved: it may have changed before it was watched. */
void watch_touch(struct watch *, const char *path);

int watch_fd(const struct watch *); /* to poll for reading */

/* Reads what has happened; call when the descriptor is ready. */
void watch_read(struct watch *);

/* The folder whose git has held its lock for a while, told once; else NULL. */
const char *watch_locked(struct watch *);

/* When something may have settled, on clock_now_us's clock; 0: nothing is in progress. */
int64_t watch_deadline(const struct watch *);

/* Whether a save is in progress, settled or not. */
bool watch_is_busy(const struct watch *);

/* The same, but not of one that a lock holds up. */
bool watch_is_settling(const struct watch *);

/* The paths, as they were added, of files whose save has settled by now: NULL-terminated and the caller's (the array;
 * the strings are the watch's), or NULL if there is none. All that is in progress must have settled: several files
 * saved together come together. `*last`: when the last of it happened, on clock_now_us's clock. */
const char **watch_take(struct watch *, int64_t *last);

#endif
