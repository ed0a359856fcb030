/* What became of an open history's file: another was copied over it, or it has no name any more. See history.h. */
#include "handle.h"
#include "recent.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool history_is_away(const struct history *h)
{
	struct stat status;

	return h->inode &&
	       (stat(h->path, &status) || status.st_ino != h->inode || status.st_dev != h->device);
}

/* A connection that has read nothing yet; sqlite keeps the locks of both apart. */
static sqlite3 *open_afresh(const struct history *h, bool *is_none)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(h->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		return db;
	*is_none = db && (sqlite3_errcode(db) & 0xff) == SQLITE_NOTADB;
	sqlite3_close(db);
	return NULL;
}

/* Whether the query says otherwise than `wanted`; false also where it cannot be asked for now. */
static bool says_otherwise(sqlite3 *db, const char *sql, int64_t first, int64_t second, const char *wanted)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(statement, 1, first);
		if (sqlite3_bind_parameter_count(statement) > 1)
			sqlite3_bind_int64(statement, 2, second);
		rc = sqlite3_step(statement);
	}
	const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	bool otherwise = rc == SQLITE_ROW
				 ? !text || strcmp(text, wanted) != 0
				 : rc == SQLITE_DONE || rc == SQLITE_ERROR || (rc & 0xff) == SQLITE_CORRUPT ||
					   (rc & 0xff) == SQLITE_NOTADB;
	sqlite3_finalize(statement);
	return otherwise;
}

/* What nobody else changes and no prune removes: this run's row, and the mark of what it last made live. */
static bool is_another(struct history *h)
{
	bool another = false;
	int64_t function = 0;
	int number = 0;
	char wanted[16];

	sqlite3 *db = open_afresh(h, &another);
	if (!db)
		return another;
	another = h->run && says_otherwise(db, OWN_RUN, h->process, 0, h->run);
	if (!another && h->recent && recent_last_move(h->recent, &function, &number)) {
		snprintf(wanted, sizeof(wanted), "%d", number);
		another = says_otherwise(db, "SELECT number FROM live WHERE process = ?1 AND function = ?2",
					 h->process, function, wanted);
	}
	sqlite3_close(db);
	return another;
}

bool history_is_overwritten(struct history *h)
{
	if (h->overwritten || !h->wal || history_is_away(h))
		return h->overwritten;
	enum witnessed seen = witness_look(&h->witness, h->db, h->path);
	h->overwritten = seen == WITNESS_CHANGED || (seen == WITNESS_MOVED && is_another(h));
	return h->overwritten;
}

struct error *history_overwritten(const struct history *h)
{
	return error_new(
		ERROR_INTERNAL,
		"the history %s was overwritten while it was in use; what this engine has written into "
		"it is kept",
		h->path);
}
