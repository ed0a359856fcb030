/* Bringing what a stand-in, or a file that was kept for it, has to the history that it belongs to: for the store's own files. */
#ifndef RTF_SETTLING_H
#define RTF_SETTLING_H

#include "database.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has another id or number in the file. */
struct mapped {
	int64_t function; /* the stand-in's row; of a change 0 */
	int64_t from, to;
};

struct map {
	struct mapped *items;
	size_t count, room;
};

/* Begins with `from`, `to`, and whom to tell of versions that got another number; the rest zero. */
struct settling {
	struct history *from, *to;
	bool afresh; /* the file is a new one: it gets all that the stand-in knows, of earlier runs too */
	struct map processes, functions, numbers, changes; /* numbers: only those that differ */
	struct map built; /* functions whose version 0 the file has already */
	struct map there; /* changes that it has */
	void (*renumbered)(void *context, const struct history_function *, int from, int to);
	void *context;
};

void settling_fini(struct settling *);

/* All of it, within a transaction of the file. */
struct error *settling_run(struct settling *);

/* Afterwards, and committed. */
struct error *settling_tell_renumbered(struct settling *);

/* How many rows a query with a mark as ?1 counts. */
struct error *settling_count(struct history *, const char *sql, int64_t mark, int64_t *count);

#endif
