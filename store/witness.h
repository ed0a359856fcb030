/* Whether the file of an open history is still what sqlite made of it: another file may be copied over it, which keeps its inode.
 *
 * Such a file and the write-ahead log do not belong together. With a log, sqlite writes to the file itself only when it moves
 * pages there, and says so in the log's index (sqlite.org/walformat.html, 2.0): a file that changed though no page was moved was
 * changed by somebody else. One thread a witness. */
#ifndef RTF_WITNESS_H
#define RTF_WITNESS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct witness {
	bool taken;
	int64_t size, seconds, nanoseconds; /* of the file: as stat(2) has it */
	uint64_t digest;                    /* of some of its pages */
	uint32_t moved
		[4]; /* what the index says of pages that were moved: the log's salt, how many, how many at most */
};

/* The file as it is now is sqlite's. */
void witness_take(struct witness *, sqlite3 *, const char *path);

/* What became of the file since; it is taken anew then. */
enum witnessed {
	WITNESS_SAME,  /* nothing, as far as can be told */
	WITNESS_MOVED, /* sqlite has moved pages there, for which the file may have been another one already */
	WITNESS_CHANGED, /* somebody else has written to it */
};

enum witnessed witness_look(struct witness *, sqlite3 *, const char *path);

#endif
