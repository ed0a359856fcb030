#include "stand_in.h"
#include "committed.h"
#include "database.h"
#include "repeat.h"
#include "salvage.h"
#include "settling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTLE_PATIENCE_MS = 20, READ_PATIENCE_MS = 100 };

/* --- taking over ------------------------------------------------------------------------------------------------ */

/* The newest versions, and whatever is live somewhere or the newest of its function. Ids stay what they are. Triggers
 * count and log what is copied, so that comes last and is put right. */
static const char copy_sql[] =
	"INSERT INTO process (id, pid, started, boot, program, build_id, time)"
	" SELECT id, pid, started, boot, program, build_id, time FROM file.process;"
	"INSERT INTO function (id, module, file, name) SELECT id, module, file, name FROM file.function;"
	"CREATE TEMP TABLE wanted AS"
	" SELECT id FROM file.version WHERE id > (SELECT coalesce(max(id), 0) - 5000 FROM file.version)"
	" UNION SELECT v.id FROM file.live AS l JOIN file.version AS v ON v.function = l.function"
	"  AND v.number = l.number AND v.number > 0"
	" UNION SELECT (SELECT v.id FROM file.version AS v WHERE v.function = f.id AND v.number > 0"
	"  ORDER BY v.number DESC LIMIT 1) FROM file.function AS f;"
	"INSERT INTO text (id, hash, content) SELECT id, hash, content FROM file.text"
	" WHERE id IN (SELECT v.text FROM wanted AS w JOIN file.version AS v ON v.id = w.id);"
	"INSERT INTO version (id, function, number, build_id, process, parent, text, slice_hash, backend, "
	"compiler, flags,"
	" origin, user, time, note, file, line) SELECT id, function, number, build_id, process, parent, "
	"text, slice_hash,"
	" backend, compiler, flags, origin, user, time, note, file, line FROM file.version"
	" WHERE id IN (SELECT id FROM wanted WHERE id IS NOT NULL);"
	"DROP TABLE wanted;"
	"UPDATE function SET versions = (SELECT f.versions FROM file.function AS f WHERE f.id = function.id);"
	"INSERT INTO change (id, process, kind, subject, user, time)"
	" SELECT id, process, kind, subject, user, time FROM file.change"
	" WHERE id > (SELECT coalesce(max(id), 0) - 5000 FROM file.change) OR id IN (SELECT change FROM "
	"file.live);"
	"INSERT INTO move (change, function, from_number, to_number) SELECT change, function, from_number, "
	"to_number"
	" FROM file.move WHERE change IN (SELECT id FROM main.change);"
	"INSERT INTO live (process, function, number, change) SELECT process, function, number, change FROM "
	"file.live;"
	"DELETE FROM event;"
	"INSERT INTO event (id, process, kind, function, number, user, time, detail)"
	" SELECT id, process, kind, function, number, user, time, detail FROM file.event"
	" WHERE id > (SELECT coalesce(max(id), 0) - 5000 FROM file.event);";

/* All that is wanted, or nothing. */
static struct error *copy_from(struct history *h, const char *path, const char *how)
{
	struct error *e = database_attach(h, path, how);

	if (e)
		return e;
	e = database_execute(h, "BEGIN");
	if (!e)
		e = database_execute(h, copy_sql);
	e = database_finish(h, e);
	if (!e) /* one of an earlier schema has none */
		error_free(database_execute(h, "INSERT INTO late SELECT * FROM file.late"));
	error_free(database_execute(h, "DETACH file"));
	return e;
}

/* Reads what can be read. In a directory that nobody may write to, sqlite reads a WAL database only if it is told that
 * nobody else writes either. */
static struct error *take_over(struct history *h, const void *context)
{
	const char *path = context;

	struct error *e = database_execute(h, "PRAGMA foreign_keys = OFF"); /* old subjects may be missing */
	if (e)
		return e;
	e = copy_from(h, path, "mode=ro");
	if (e) {
		error_free(e);
		e = copy_from(h, path, "mode=ro&immutable=1");
	}
	if (e)
		salvage_rows(h, path); /* what cannot be read at all leaves it empty */
	error_free(e);
	return NULL;
}

static struct error *remember_marks(struct history *h)
{
	struct error *e = database_ask(h, "SELECT coalesce(max(id), 0) FROM version", &h->versions_before);

	if (!e)
		e = database_ask(h, "SELECT coalesce(max(id), 0) FROM change", &h->changes_before);
	return e ? e : database_ask(h, "SELECT coalesce(max(id), 0) FROM event", &h->events_before);
}

struct error *stand_in_new(const char *path, const struct history_process *process, struct history **out)
{
	struct history *h = NULL;
	char *own_path = strdup(path);

	if (!own_path)
		return error_memory();
	struct error *e = database_open(":memory:", process, READ_PATIENCE_MS, take_over, path, &h);
	if (!e)
		e = remember_marks(h);
	if (e) {
		free(own_path);
		history_close(h);
		return e;
	}
	free(h->path);
	h->path = own_path;
	h->stand_in = true;
	*out = h;
	return NULL;
}

struct error *stand_in_repeating(struct history *overwritten, const struct history_process *process,
				 struct history **out)
{
	struct history *h = NULL;
	char *path = strdup(overwritten->path);

	if (!path)
		return error_memory();
	struct error *e = database_open(":memory:", process, READ_PATIENCE_MS, NULL, NULL, &h);
	if (!e && overwritten->recent)
		e = repeat_committed(overwritten->recent, h);
	if (e) {
		free(path);
		history_close(h);
		return e;
	}
	committed_hand_over(overwritten, h);
	free(h->path);
	h->path = path;
	h->stand_in = h->again = true;
	*out = h;
	return NULL;
}

bool stand_in_is(const struct history *h)
{
	return h->stand_in;
}

struct error *stand_in_pending(struct history *h, int64_t *versions)
{
	return settling_count(h, "SELECT count(*) FROM version WHERE id > ?1 AND number > 0",
			      h->versions_before, versions);
}

/* --- bringing it to the file ------------------------------------------------------------------------------------ */

struct error *stand_in_settle(struct history *stand_in, const struct history_process *process,
			      void (*renumbered)(void *context, const struct history_function *, int from,
						 int to),
			      void *context, struct history **out)
{
	struct settling s = {.from = stand_in, .renumbered = renumbered, .context = context};

	struct error *e = database_open(stand_in->path, process, SETTLE_PATIENCE_MS, NULL, NULL, &s.to);
	if (!e)
		e = database_begin(s.to);
	if (!e) {
		e = settling_run(&s);
		e = database_finish(s.to, e);
	}
	if (!e)
		error_free(settling_tell_renumbered(&s)); /* the file is right in any case */
	settling_fini(&s);
	if (e) {
		history_close(s.to);
		return e;
	}
	committed_hand_over(stand_in, s.to);
	s.to->patience = DATABASE_PATIENCE_MS;
	*out = s.to;
	return NULL;
}

/* --- files for what never got there ------------------------------------------------------------------------------ */

/* What such a file is: of which history, and which of its rows that one lacks. */
static const char marks_sql[] = "CREATE TABLE rescue (history TEXT, process INTEGER, versions INTEGER, "
				"changes INTEGER, events INTEGER)";

static struct error *write_marks(struct history *h)
{
	sqlite3_stmt *statement;

	struct error *e = database_execute(h, marks_sql);
	if (!e)
		e = database_prepare(h, "INSERT INTO rescue VALUES (?1, ?2, ?3, ?4, ?5)", &statement);
	if (e)
		return e;
	database_bind_text(statement, 1, h->path);
	sqlite3_bind_int64(statement, 2, h->process);
	sqlite3_bind_int64(statement, 3, h->versions_before);
	sqlite3_bind_int64(statement, 4, h->changes_before);
	sqlite3_bind_int64(statement, 5, h->events_before);
	e = database_run(h, statement);
	sqlite3_finalize(statement);
	return e;
}

struct error *stand_in_rescue(struct history *stand_in, const char *path)
{
	struct error *e = write_marks(stand_in);

	if (!e)
		e = database_copy(stand_in, path);
	error_free(database_execute(stand_in, "DROP TABLE IF EXISTS rescue"));
	return e;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

/* A rescue file that is read, and the run that it is of. */
struct adopting {
	struct history from;
	char *history; /* whose it is */
	struct history_process run;
	char *boot, *program, *build_id;
};

static void adopting_fini(struct adopting *a)
{
	sqlite3_close(a->from.db);
	free(a->history);
	free(a->boot);
	free(a->program);
	free(a->build_id);
}

static char *copy_column(sqlite3_stmt *row, int column)
{
	const char *text = text_of(row, column);

	return text ? strdup(text) : NULL;
}

static struct error *read_marks(struct adopting *a)
{
	sqlite3_stmt *row;
	bool found = false;
	struct error *e =
		database_prepare(&a->from,
				 "SELECT r.history, r.process, r.versions, r.changes, r.events, p.pid, "
				 "p.started, p.boot, p.program, "
				 "p.build_id FROM rescue AS r JOIN process AS p ON p.id = r.process",
				 &row);

	if (e)
		return e;
	e = database_step(&a->from, row, &found);
	if (!e && found) {
		a->history = copy_column(row, 0);
		a->from.process = sqlite3_column_int64(row, 1);
		a->from.versions_before = sqlite3_column_int64(row, 2);
		a->from.changes_before = sqlite3_column_int64(row, 3);
		a->from.events_before = sqlite3_column_int64(row, 4);
		a->run.pid = sqlite3_column_int64(row, 5);
		a->run.started = sqlite3_column_int64(row, 6);
		a->boot = copy_column(row, 7);
		a->run.program = a->program = copy_column(row, 8);
		a->run.build_id = a->build_id = copy_column(row, 9);
	}
	sqlite3_finalize(row);
	if (!e && !(a->history && a->boot && a->program && a->build_id))
		e = error_new(ERROR_INTERNAL, "%s is incomplete", a->from.path);
	return e;
}

static struct error *open_rescue(const char *path, struct adopting *a)
{
	a->from.path = (char *)path;
	if (sqlite3_open_v2(path, &a->from.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return a->from.db ? database_failure(&a->from) : error_memory();
	return read_marks(a);
}

/* Whether its rows are in the history already: whoever brought them ended before the file was removed. */
static struct error *note_adopted(struct settling *s, const char *path, bool *already)
{
	sqlite3_stmt *statement;
	int64_t one;

	struct error *e = database_prepare(
		s->to, "SELECT 1 FROM event WHERE process = ?1 AND kind = 'rescued' AND detail = ?2",
		&statement);
	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, s->to->process);
	database_bind_text(statement, 2, path);
	e = database_query(s->to, statement, already, &one);
	sqlite3_finalize(statement);
	return e;
}

static struct error *log_rescued(struct history *h, const char *path)
{
	sqlite3_stmt *statement = h->statements[ADD_EVENT];

	sqlite3_bind_int64(statement, 1, h->process);
	database_bind_text(statement, 2, "rescued");
	database_bind_text(statement, 5, "");
	database_bind_text(statement, 6, path);
	return database_run(h, statement);
}

static struct error *adopt(struct settling *s, struct adopting *a)
{
	bool already = false;

	struct error *e = database_begin(s->to);
	if (!e)
		e = database_add_process(s->to, &a->run, a->boot);
	if (!e)
		e = note_adopted(s, a->from.path, &already);
	if (!e && !already)
		e = settling_run(s);
	if (!e && !already)
		e = log_rescued(s->to, a->from.path);
	return database_finish(s->to, e);
}

/* With what is to be brought there as the run's own. */
static struct error *adopt_as_its_run(struct settling *s, struct adopting *a)
{
	struct history *h = s->to;
	int64_t process = h->process;
	char *build_id = h->build_id;

	h->build_id = a->build_id;
	struct error *e = adopt(s, a);
	h->build_id = build_id;
	h->process = process;
	return e;
}

/* Ours alone, and nobody else's at the moment: descriptor or -1. */
static int claim(const char *path)
{
	struct stat status, now;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && stat(path, &now) == 0 && now.st_ino == status.st_ino)
		return fd;
	close(fd);
	return -1;
}

struct error *stand_in_adopt(struct history *h, const char *path,
			     void (*renumbered)(void *context, const struct history_function *, int from,
						int to),
			     void *context, int64_t *versions)
{
	struct adopting a = {0};
	struct settling s = {.from = &a.from, .to = h, .renumbered = renumbered, .context = context};
	int fd = claim(path);

	*versions = -1;
	if (fd < 0)
		return NULL;
	struct error *e = open_rescue(path, &a);
	bool other = !e && strcmp(a.history, h->path) != 0;
	if (!e && !other)
		e = adopt_as_its_run(&s, &a);
	if (!e && !other) {
		error_free(settling_tell_renumbered(&s));
		error_free(stand_in_pending(&a.from, versions));
	}
	settling_fini(&s);
	adopting_fini(&a); /* before the descriptor: to close that drops sqlite's locks on the file */
	if (!e && !other)
		unlink(path);
	close(fd);
	return e;
}
