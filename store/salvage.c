#include "salvage.h"
#include "database.h"

#include <stdlib.h>

enum {
	IDS_MAX = 1 << 24,    /* where the highest id of a table cannot be read */
	FAILURES_MAX = 20000, /* of a table: a tenth of a second */
};

/* Rows from ?1 to ?2 of each table, those first that others refer to. Triggers count and log what is copied, so that functions
 * and events are put right behind the versions. */
static const struct table {
	const char *highest, *copy;
} tables[] = {
	{"SELECT max(id) FROM file.late",
	 "INSERT OR IGNORE INTO late (id, first_event, last_event, first_version, last_version)"
	 " SELECT id, first_event, last_event, first_version, last_version FROM file.late WHERE id BETWEEN "
	 "?1 AND "
	 "?2"},
	{"SELECT max(id) FROM file.process",
	 "INSERT OR IGNORE INTO process (id, pid, started, boot, program, build_id, time)"
	 " SELECT id, pid, started, boot, program, build_id, time FROM file.process WHERE id BETWEEN ?1 AND "
	 "?2"},
	{"SELECT max(id) FROM file.function",
	 "INSERT OR IGNORE INTO function (id, module, file, name) SELECT id, module, file, name"
	 " FROM file.function WHERE id BETWEEN ?1 AND ?2"},
	{"SELECT max(id) FROM file.text",
	 "INSERT OR IGNORE INTO text (id, hash, content) SELECT id, hash, content FROM file.text"
	 " WHERE id BETWEEN ?1 AND ?2"},
	{"SELECT max(id) FROM file.version",
	 "INSERT OR IGNORE INTO version (id, function, number, build_id, process, parent, text, slice_hash, "
	 "backend,"
	 " compiler, flags, origin, user, time, note, file, line) SELECT id, function, number, build_id, "
	 "process, parent,"
	 " text, slice_hash, backend, compiler, flags, origin, user, time, note, file, line FROM file.version"
	 " WHERE id BETWEEN ?1 AND ?2 AND text IN (SELECT id FROM main.text)"
	 " AND function IN (SELECT id FROM main.function) AND process IN (SELECT id FROM main.process)"},
	{"SELECT max(id) FROM file.change",
	 "INSERT OR IGNORE INTO change (id, process, kind, subject, user, time)"
	 " SELECT id, process, kind, subject, user, time FROM file.change"
	 " WHERE id BETWEEN ?1 AND ?2 AND process IN (SELECT id FROM main.process)"},
	{"SELECT max(change) FROM file.move",
	 "INSERT OR IGNORE INTO move (change, function, from_number, to_number)"
	 " SELECT change, function, from_number, to_number FROM file.move WHERE change BETWEEN ?1 AND ?2"
	 " AND change IN (SELECT id FROM main.change) AND function IN (SELECT id FROM main.function)"},
	{"SELECT max(process) FROM file.live",
	 "INSERT OR IGNORE INTO live (process, function, number, change)"
	 " SELECT process, function, number, change FROM file.live WHERE process BETWEEN ?1 AND ?2"
	 " AND change IN (SELECT id FROM main.change) AND process IN (SELECT id FROM main.process)"},
	{"SELECT max(id) FROM file.event",
	 "REPLACE INTO event (id, process, kind, function, number, user, time, detail)"
	 " SELECT id, process, kind, function, number, user, time, detail FROM file.event"
	 " WHERE id BETWEEN ?1 AND ?2 AND process IN (SELECT id FROM main.process)"},
};

static const char before_events[] = "DELETE FROM event";

enum { TABLES = sizeof(tables) / sizeof(tables[0]), EVENTS = TABLES - 1 };

static void copy_range(sqlite3_stmt *copy, int64_t from, int64_t to, int *failures)
{
	sqlite3_bind_int64(copy, 1, from);
	sqlite3_bind_int64(copy, 2, to);
	bool read = sqlite3_step(copy) == SQLITE_DONE;
	sqlite3_reset(copy);
	if (read || from == to || ++*failures > FAILURES_MAX)
		return;
	int64_t middle = from + (to - from) / 2;
	copy_range(copy, from, middle, failures);
	copy_range(copy, middle + 1, to, failures);
}

static void copy_table(struct history *h, const struct table *table)
{
	int64_t highest = IDS_MAX;
	sqlite3_stmt *copy;
	int failures = 0;

	error_free(database_ask(h, table->highest, &highest));
	struct error *e = database_prepare(h, table->copy, &copy);
	if (!e) {
		copy_range(copy, 0, highest, &failures);
		sqlite3_finalize(copy);
	}
	error_free(e); /* its root is gone, and the table with it */
}

static void copy_tables(struct history *h, const char *path)
{
	struct error *e = database_attach(h, path, "mode=ro");

	if (e) {
		error_free(e);
		return;
	}
	for (size_t i = 0; i < TABLES; i++) {
		if (i == EVENTS)
			error_free(database_execute(h, before_events));
		copy_table(h, &tables[i]);
	}
	error_free(database_execute(h, "DETACH file"));
}

void salvage_rows(struct history *h, const char *path)
{
	/* Otherwise sqlite reads nothing of a file that is shorter than it says itself. */
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
	copy_tables(h, path);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0, NULL);
}
