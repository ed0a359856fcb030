/* Processes that the program has forked, and that run its code: what happens in them is not all seen here. Source: proc(5). */
#ifndef RTF_FORKED_H
#define RTF_FORKED_H

#include <stddef.h>
#include <sys/types.h>

/* How many of them there are now: children of any of its threads that run the same executable. 0 where /proc does not tell. */
size_t forked_count(pid_t program);

#endif
