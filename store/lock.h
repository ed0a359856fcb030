/* Who keeps a database locked: another engine, which will be done soon, or somebody else, who may not.
 *
 * Nothing is opened that sqlite has open: to close it would drop the locks that this process has. Source: proc(5) on
 * /proc/locks; sqlite's file format, chapter 2.3.1 of "WAL-mode File Format", and its lockbyte page. */
#ifndef RTF_LOCK_H
#define RTF_LOCK_H

#include <stdbool.h>

enum lock_holder {
	LOCK_NOBODY,   /* it was let go of just now, or is not to be seen */
	LOCK_ENGINE,   /* another process that runs the same program as this one, and is not stopped */
	LOCK_STRANGER, /* nobody but others */
};

/* Who has a lock to write; or, with `to_read`, any lock, this process left out. */
enum lock_holder lock_holder(const char *path, bool to_read);

#endif
