/* The answers of many consoles (--all): kept until all have answered, those that are the same shown once under the names
 * of all that gave them, and summed up in a last line.
 *
 * With --json answers are shown as they come, and the sum is an object of its own. Answers that differ in how long
 * something took alone are the same. One thread; when memory runs out an answer is shown at once and not kept. */
#ifndef RTF_GATHER_H
#define RTF_GATHER_H

#include "options.h"

#include <stdbool.h>
#include <stddef.h>

struct gather;

struct gather *gather_new(bool json);
void gather_free(struct gather *); /* takes NULL */

/* What a console answers, between a begin and an end. `complaint`: it belongs to standard error. */
void gather_begin(struct gather *, const char *socket);
void gather_put(struct gather *, bool complaint, const char *text, size_t size);

/* `class` and `why`: of the first failure, or NULL; borrowed. */
void gather_end(struct gather *, enum status, const char *class, const char *why);

/* Shows them and the sum; nothing if nobody was asked. `asked`: what the sockets were given as, for JSON. */
void gather_show(struct gather *, const char *asked);

#endif
