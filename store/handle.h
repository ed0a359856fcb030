/* What is behind a `struct history`, for the store's own files. */
#ifndef RTF_HANDLE_H
#define RTF_HANDLE_H

#include "history.h"
#include "witness.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

/* Which run a row of the table `process` is; ?1 the row. */
#define OWN_RUN "SELECT pid || ' ' || started || ' ' || boot || ' ' || build_id FROM process WHERE id = ?1"

/* Those that are used often and therefore kept; the rest is prepared where it is used. */
enum statement {
	BEGIN,
	SCHEMA,
	COMMIT,
	ROLLBACK,
	ADD_PROCESS,
	FIND_PROCESS,
	ADD_FUNCTION,
	FIND_FUNCTION,
	NAME_FUNCTION,
	EACH_FUNCTION,
	ADD_TEXT,
	FIND_TEXT,
	ADD_VERSION,
	HAS_VERSION,
	HAS_BUILT,
	NEWEST_NUMBER,
	GET_VERSION,
	GET_BUILT,
	EACH_OF_FUNCTION,
	EACH_OF_ALL,
	NOTE_VERSION,
	NOTE_BUILT,
	RENEW_BUILT,
	COUNT_VERSIONS,
	ADD_CHANGE,
	ADD_MOVE,
	MARK_LIVE,
	FIND_LIVE,
	NEXT_UNDO,
	NEXT_REDO,
	EACH_MOVE,
	COUNT_FAULTS,
	ADD_EVENT,
	LATE_EVENT,
	LATE_VERSION,
	VERSION_TIME,
	CHANGE_TIME,
	EVENT_TIME,
	STATEMENTS,
};

/* A number of a function that is taken though the database does not know: see history_reserve. */
struct reserved {
	int64_t function;
	int number;
};

struct history {
	sqlite3 *db;
	char *path;
	char *build_id;
	int64_t process;
	/* All in milliseconds: how long to wait for another process's lock while nobody writes anything, which `written` is
	 * to tell; since when that is, since when there is a lock at all, and since when it is not known to be an engine's. */
	int64_t patience, written_since, busy_since, still_since;
	uint64_t written;
	bool turns_to_wal;    /* what waits needs the file for itself: whoever reads it is in the way, too */
	int strangers;        /* how often since an engine's lock was seen last somebody else's was */
	int64_t data_version; /* when history_changed was last asked */
	uint64_t device, inode; /* of the file that is open, 0: none has a name */
	/* The inode of its write-ahead log, which nobody takes away while it is open; 0: it has none. */
	uint64_t wal;
	struct witness witness; /* of the file */
	char *run;              /* what OWN_RUN says, NULL: not known */
	bool overwritten;       /* by somebody else, while it was open */
	struct recent *recent;  /* what this handle has committed; NULL: nothing */
	int64_t begun;          /* the change between history_record_begin and its end */
	int unsettled;          /* pages in the write-ahead log, when something was last committed */
	sqlite3_stmt *statements[STATEMENTS];

	/* Of a stand-in: what was there when it took over; everything after that is to be brought to the file. */
	bool stand_in;
	bool again; /* what it has may be in the file already, of before that was overwritten */
	int64_t versions_before, changes_before, events_before;

	struct reserved *reserved;
	size_t reserved_count;
};

#endif
