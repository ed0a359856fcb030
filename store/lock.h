/* Who keeps a database locked: another engine, which will be done soon, or somebody else, who may not.
 *
 * Nothing is opened that sqlite has open: to close it would drop the locks that this process has. Source: proc(5) on
 * /proc/locks; sqlite's file format, chapter 2.3.1 of "WAL-mode File Format", and its lockbyte page. */
#ifndef RTF_LOCK_H
#define RTF_LOCK_H

#include <stdbool.h>

/* Whether a process that runs the same program as this one, and that is not stopped, has a lock to write. */
bool lock_is_ours(const char *path);

#endif
