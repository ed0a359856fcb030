/* Paths of the build, as its debugging information has them, made into paths of today. One thread. */
#ifndef RTF_PATHS_H
#define RTF_PATHS_H

#include "names.h"
#include "pool.h"

#include <stdbool.h>
#include <stddef.h>

struct paths {
	struct pool *pool;
	char *from, *to; /* the source root mapping; NULL without one */
	struct names known;
	char **clean;
	size_t count, room;
};

/* `mapping` is "OLD=NEW" or NULL. False without memory. */
bool paths_init(struct paths *, struct pool *, const char *mapping);
void paths_fini(struct paths *);

/* `file` in `directory` as an absolute path without `.`, `..` and doubled slashes, mapped; in the pool. */
const char *paths_resolve(struct paths *, const char *directory, const char *file);

#endif
