/* Sources that are not read yet, and need not be: what they said is kept (kept.h), and they are read when something of them is
 * asked for or a save can have changed what they are.
 *
 * Of a large program only the sources that were edited last are read ahead: a preprocessor's run and an index for each of
 * thousands would cost minutes and most of a gigabyte, for files that nobody will touch. A save of an unread source has it
 * read as it was; one of a header has those read that the difference can reach (reach.h), and all others are what they were,
 * whether they include it or not: from then on the header counts for them as it is now. One thread. */
#ifndef RTF_UNREAD_H
#define RTF_UNREAD_H

#include "live.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	UNREAD_FEW = 64,  /* so many sources are all read ahead; of more than that */
	UNREAD_AHEAD = 16 /* so many are, whatever happens */
};

struct unread_header;

/* What a save needs to have read. Begins as {0}. */
struct unread {
	const struct target_unit **units;
	size_t count, room, begun;
	struct unread_header *headers; /* that were saved, as they are now */
	size_t header_count;
	bool broken; /* one of the headers is no C: what was kept of them goes on counting */
};

/* Which sources are put off, once their flags can be known: true while there is more to do. `*at` begins as 0. */
bool unread_prepare(struct live *, size_t *at);

/* How many there are that are put off. */
size_t unread_count(const struct live *);

/* Whether the text of the unit, which is not read, has that word. */
bool unread_mentions(const struct live *, const struct target_unit *, const char *word);

/* How many units that are put off have it. */
size_t unread_naming(const struct live *, const char *word);

/* Whether the file is part of a source that is not read. */
bool unread_has(const struct live *, const char *path);

/* Adds what the saved files ask for; NULL ends them. */
void unread_add(struct unread *, struct live *, const char *const *paths);

/* Reads on, in threads: true once all is read, and `each` was called for each unit then. While it is false, sources_fd tells
 * when there is more to do. */
bool unread_read(struct unread *, struct live *,
		 void (*each)(void *context, const struct target_unit *, struct source *), void *context);

/* The headers count as they are now. */
void unread_end(struct unread *);

#endif
