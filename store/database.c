#include "database.h"
#include "lock.h"
#include "recent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID    1920231016 /* as in schema.sql */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char schema_1[] = {
#include "schema.inc"
};

static const char schema_2[] = {
#include "schema_2.inc"
};

static const char schema_3[] = {
#include "schema_3.inc"
};

static const char schema_4[] = {
#include "schema_4.inc"
};

static const char schema_5[] = {
#include "schema_5.inc"
};

/* Step n takes a database from schema n to n + 1. A step is never changed once it was released. */
static const char *const migrations[] = {schema_1, schema_2, schema_3, schema_4, schema_5};

/* --- statements ----------------------------------------------------------------------------------------- */

/* `undo` or `redo`; NULL: neither. */
#define LAST_DONE_WITH(change) \
	"(SELECT s.kind FROM change AS s WHERE s.subject = " change " ORDER BY s.id DESC LIMIT 1)"

/* A row's time, in milliseconds since 1970. */
#define MILLISECONDS "strftime('%s', time) * 1000 + substr(time, 21, 3)"

/* `number > 0` and `subject IS NULL` are spelled out because they choose the partial index. */
static const char *const statement_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[SCHEMA] = "PRAGMA user_version",
	[COMMIT] = "COMMIT",
	[EACH_FUNCTION] =
		"SELECT f.id, f.module, f.file, f.name, f.versions + 1, coalesce((SELECT v.number FROM"
		" version AS v WHERE v.function = f.id AND v.number > 0 ORDER BY v.number DESC LIMIT 1),"
		" 0) FROM function AS f ORDER BY f.id",
	[ROLLBACK] = "ROLLBACK",
	[ADD_PROCESS] = "INSERT INTO process (pid, started, boot, program, build_id)"
			" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
	[FIND_PROCESS] = "SELECT id FROM process WHERE pid = ?1 AND started = ?2 AND boot = ?3"
			 " AND program = ?4 AND build_id = ?5",
	[ADD_FUNCTION] = "INSERT INTO function (module, file, name) VALUES (?1, ?2, ?3)"
			 " ON CONFLICT DO NOTHING",
	[FIND_FUNCTION] = "SELECT id FROM function WHERE module = ?1 AND file = ?2 AND name = ?3",
	[NAME_FUNCTION] = "SELECT name FROM function WHERE id = ?1",
	[ADD_TEXT] = "INSERT INTO text (hash, content) VALUES (?1, ?2)",
	[FIND_TEXT] = "SELECT id FROM text WHERE hash = ?1 AND content = ?2",
	[ADD_VERSION] = "INSERT INTO version (function, number, build_id, process, parent, text, slice_hash,"
			" backend, compiler, flags, origin, user, note, file, line)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[HAS_VERSION] = "SELECT 1 FROM version WHERE function = ?1 AND number = ?2 AND number > 0",
	[HAS_BUILT] = "SELECT 1 FROM version WHERE function = ?1 AND build_id = ?2 AND number = 0",
	[NEWEST_NUMBER] = "SELECT number FROM version WHERE function = ?1 AND number > 0"
			  " ORDER BY number DESC LIMIT 1",
	[GET_VERSION] = SELECT_VERSION "WHERE v.function = ?3 AND v.number = ?4 AND v.number > 0",
	[GET_BUILT] = SELECT_VERSION "WHERE v.function = ?3 AND v.build_id = ?2 AND v.number = 0",
	[EACH_OF_FUNCTION] = SELECT_VERSION "WHERE v.function = ?3 AND v.number > 0 AND v.number < ?4"
					    " ORDER BY v.number DESC LIMIT ?5",
	[EACH_OF_ALL] = SELECT_VERSION "WHERE v.id < ?4 AND (v.number > 0 OR v.build_id = ?2)"
				       " ORDER BY v.id DESC LIMIT ?5",
	[NOTE_VERSION] = "UPDATE version SET note = ?3 WHERE function = ?1 AND number = ?2 AND number > 0",
	[NOTE_BUILT] = "UPDATE version SET note = ?3 WHERE function = ?1 AND build_id = ?2 AND number = 0",
	[RENEW_BUILT] = "UPDATE version SET text = ?3, flags = ?4, file = ?5, line = ?6"
			" WHERE function = ?1 AND build_id = ?2 AND number = 0",
	[COUNT_VERSIONS] = "SELECT versions + EXISTS (SELECT 1 FROM version AS v WHERE v.function = ?1"
			   " AND v.build_id = ?2 AND v.number = 0) FROM function WHERE id = ?1",
	[ADD_CHANGE] = "INSERT INTO change (process, kind, subject, user) VALUES (?1, ?2, ?3, ?4)",
	[ADD_MOVE] = "INSERT INTO move (change, function, from_number, to_number) VALUES (?1, ?2, ?3, ?4)",
	[MARK_LIVE] = "REPLACE INTO live (process, function, number, change) VALUES (?1, ?2, ?3, ?4)",
	[FIND_LIVE] = "SELECT number FROM live WHERE process = ?1 AND function = ?2",
	/* What became of a change is what was last done with it, however much of that was pruned: the newest of this run that was
	 * not taken back, or was done again. */
	[NEXT_UNDO] = "SELECT c.id FROM change AS c WHERE c.process = ?1 AND c.subject IS NULL"
		      " AND coalesce(" LAST_DONE_WITH("c.id") ", 'redo') = 'redo' ORDER BY c.id DESC LIMIT 1",
	/* Taken back since the newest change was made; of these the oldest was taken back last. */
	[NEXT_REDO] = "SELECT u.subject FROM change AS u WHERE u.process = ?1 AND u.kind = 'undo'"
		      " AND u.id > coalesce((SELECT n.id FROM change AS n WHERE n.process = ?1"
		      "  AND n.subject IS NULL ORDER BY n.id DESC LIMIT 1), 0)"
		      " AND " LAST_DONE_WITH("u.subject") " = 'undo' ORDER BY u.subject LIMIT 1",
	[EACH_MOVE] = "SELECT function, from_number, to_number FROM move WHERE change = ?1 ORDER BY function",
	[COUNT_FAULTS] = "SELECT count(*) FROM event WHERE kind = 'fault' AND function = ?1 AND number = ?2",
	[ADD_EVENT] = "INSERT INTO event (process, kind, function, number, user, detail)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[LATE_EVENT] = "SELECT 1 FROM late WHERE ?1 BETWEEN first_event AND last_event LIMIT 1",
	[VERSION_TIME] = "SELECT " MILLISECONDS " FROM version WHERE id = ?1",
	[CHANGE_TIME] = "SELECT " MILLISECONDS " FROM change WHERE id = ?1",
	[EVENT_TIME] = "SELECT " MILLISECONDS " FROM event WHERE id = ?1",
	[LATE_VERSION] = "SELECT 1 FROM late WHERE ?1 BETWEEN first_version AND last_version LIMIT 1",
};

/* sqlite says that it is, and not why. */
static struct error *read_only(const struct history *h)
{
	const char *slash = strrchr(h->path, '/');
	char directory[PATH_MAX];

	if (access(h->path, W_OK))
		return error_errno(errno, "the history %s cannot be written", h->path);
	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - h->path) + 1 : 2,
		 slash ? h->path : "./");
	if (access(directory, W_OK))
		return error_errno(errno, "the history %s cannot be written: its directory is read-only",
				   h->path);
	return error_new(ERROR_INTERNAL, "the history %s cannot be written: %s", h->path,
			 sqlite3_errmsg(h->db));
}

struct error *database_failure(const struct history *h)
{
	int system = sqlite3_system_errno(h->db);

	switch (sqlite3_errcode(h->db) & 0xff) {
	case SQLITE_NOMEM:
		return error_memory();
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_new(ERROR_INTERNAL, "the history %s is locked by another process", h->path);
	case SQLITE_READONLY:
		return read_only(h);
	case SQLITE_CORRUPT:
		return error_new(ERROR_INTERNAL,
				 "the history %s is damaged (%s): move it away to begin a new one", h->path,
				 sqlite3_errmsg(h->db));
	case SQLITE_NOTADB:
		return error_new(ERROR_INTERNAL, "%s is no history: it is not an sqlite database, or damaged",
				 h->path);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (system)
			return error_errno(system, "the history %s: %s", h->path, sqlite3_errmsg(h->db));
		break;
	case SQLITE_CONSTRAINT:
		if (sqlite3_extended_errcode(h->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
			return error_new(ERROR_UNKNOWN, "the history %s has no such function or change",
					 h->path);
		break;
	}
	return error_new(ERROR_INTERNAL, "the history %s: %s", h->path, sqlite3_errmsg(h->db));
}

struct error *database_execute(struct history *h, const char *sql)
{
	if (sqlite3_exec(h->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_failure(h);
	return NULL;
}

void database_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text ? text : "", -1, SQLITE_STATIC);
}

void database_release(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

struct error *database_run(struct history *h, sqlite3_stmt *statement)
{
	struct error *e = sqlite3_step(statement) == SQLITE_DONE ? NULL : database_failure(h);

	database_release(statement);
	return e;
}

struct error *database_step(struct history *h, sqlite3_stmt *statement, bool *row)
{
	int rc = sqlite3_step(statement);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return database_failure(h);
	*row = rc == SQLITE_ROW;
	return NULL;
}

struct error *database_query(struct history *h, sqlite3_stmt *statement, bool *found, int64_t *value)
{
	struct error *e = database_step(h, statement, found);

	if (!e && *found)
		*value = sqlite3_column_int64(statement, 0);
	database_release(statement);
	return e;
}

static struct error *newer_schema(const struct history *h, int64_t schema)
{
	return error_new(ERROR_INTERNAL,
			 "the history %s was written by a newer rtf: its schema is %lld, ours is %zu",
			 h->path, (long long)schema, ARRAY_SIZE(migrations));
}

/* --- transactions --------------------------------------------------------------------------------------- */

void database_roll_back(struct history *h)
{
	if (sqlite3_get_autocommit(h->db)) /* sqlite has done so by itself, or there is no transaction */
		return;
	sqlite3_step(h->statements[ROLLBACK]);
	sqlite3_reset(h->statements[ROLLBACK]);
}

static bool wal_of(const struct history *h, struct stat *status)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s-wal", h->path) < (int)sizeof(path) && stat(path, status) == 0;
}

/* Nobody else sees what is committed to a log that was deleted, and the next who opens the file begins another log. All
 * that it has is moved to the file first. */
static struct error *require_wal(struct history *h)
{
	struct stat status;

	if (!h->wal || (wal_of(h, &status) && status.st_ino == h->wal))
		return NULL;
	history_settle(h);
	return error_new(ERROR_INTERNAL,
			 "the file %s-wal, which belongs to the history, was moved away or deleted", h->path);
}

/* A newer rtf may have brought it up to date since it was opened. */
static struct error *require_schema(struct history *h)
{
	bool found;
	int64_t schema = 0;

	struct error *e = database_query(h, h->statements[SCHEMA], &found, &schema);
	return e || schema == (int64_t)ARRAY_SIZE(migrations) ? e : newer_schema(h, schema);
}

struct error *database_begin(struct history *h)
{
	database_roll_back(h); /* of a call before, where even that failed */
	if (history_is_away(h))
		return error_new(ERROR_INTERNAL, "the history %s was moved away or deleted", h->path);
	if (history_is_overwritten(h))
		return history_overwritten(h);
	struct error *e = require_wal(h);
	if (!e)
		e = database_run(h, h->statements[BEGIN]);
	if (!e)
		e = require_schema(h);
	if (e)
		database_roll_back(h);
	return e;
}

struct error *database_finish(struct history *h, struct error *e)
{
	if (!e)
		e = database_run(h, h->statements[COMMIT]);
	if (e)
		database_roll_back(h);
	return e;
}

struct error *database_copy(struct history *h, const char *path)
{
	sqlite3_stmt *statement;
	/* sqlite would leave the mode to the umask; it writes into an empty file. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(errno, "cannot make %s", path);
	close(fd);
	struct error *e = database_prepare(h, "VACUUM INTO ?1", &statement);
	if (!e) {
		database_bind_text(statement, 1, path);
		e = database_run(h, statement);
		sqlite3_finalize(statement);
	}
	if (e)
		unlink(path);
	return e;
}

/* The path as an SQLite URI, which has %, ? and # for itself; the caller's. */
static char *uri_of(const char *path, const char *how)
{
	char *uri = malloc(strlen(path) * 3 + strlen(how) + 8), *to = uri;

	if (!uri)
		return NULL;
	to += sprintf(to, "file:");
	for (const char *c = path; *c; c++) {
		if (strchr("%?#", *c))
			to += sprintf(to, "%%%02X", (unsigned char)*c);
		else
			*to++ = *c;
	}
	sprintf(to, "?%s", how);
	return uri;
}

struct error *database_attach(struct history *h, const char *path, const char *how)
{
	sqlite3_stmt *statement;
	char *uri = uri_of(path, how);

	if (!uri)
		return error_memory();
	struct error *e = database_prepare(h, "ATTACH ?1 AS file", &statement);
	if (!e) {
		database_bind_text(statement, 1, uri);
		e = database_run(h, statement);
		sqlite3_finalize(statement);
	}
	free(uri);
	return e;
}

/* --- opening -------------------------------------------------------------------------------------------- */

/* `path` is the caller's buffer: cut at a slash and mended while the directories above are made. Modes are
 * set anew because the umask may take any bit away. */
static int make_directory(char *path)
{
	struct stat status;

	if (!stat(path, &status))
		return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
	if (errno != ENOENT)
		return errno;

	char *slash = strrchr(path, '/');
	if (slash && slash != path) {
		*slash = '\0';
		int error = make_directory(path);
		*slash = '/';
		if (error)
			return error;
	}
	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : errno;
	return chmod(path, 0700) ? errno : 0;
}

static struct error *make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return NULL;

	char *directory = strndup(path, (size_t)(slash - path));
	if (!directory)
		return error_memory();
	int error = make_directory(directory);
	free(directory);
	if (error)
		return error_errno(error, "cannot make the directory of the history %s", path);
	return NULL;
}

/* Makes the file if there is none: sqlite would leave its mode to the umask. One that exists must not be
 * opened and closed here, as that would drop the locks that another handle of this process has on it. */
static struct error *make_file(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		int error = fchmod(fd, 0600) ? errno : 0;
		close(fd);
		return error ? error_errno(error, "cannot make the history %s private", path) : NULL;
	}
	if (errno != EEXIST)
		return error_errno(errno, "cannot make the history %s", path);
	if (stat(path, &status))
		return error_errno(errno, "cannot open the history %s", path);
	if (!S_ISREG(status.st_mode))
		return error_new(ERROR_INTERNAL, "the history %s is not a regular file", path);
	return NULL;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Another value once somebody has written to the database or to its log. */
static uint64_t look_at_files(const struct history *h)
{
	static const char *const endings[] = {"", "-wal", "-journal"};
	uint64_t sum = 0;
	struct stat status;

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		char path[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s%s", h->path, endings[i]);
		if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &status))
			continue;
		sum = sum * 31 + (uint64_t)status.st_size;
		sum = sum * 31 + (uint64_t)status.st_mtim.tv_sec;
		sum = sum * 31 + (uint64_t)status.st_mtim.tv_nsec;
	}
	return sum;
}

/* Called by sqlite while another process holds a lock. Its own handler waits up to a tenth of a second at a
 * time, which is long for someone at a prompt and unfair among many writers. */
static int wait_for_lock(void *context, int times)
{
	struct history *h = context;
	int64_t now = milliseconds();
	uint64_t written = look_at_files(h);

	if (times == 0)
		h->busy_since = now;
	if (times == 0 || written != h->written) {
		h->written_since = h->still_since = now;
		h->strangers = 0;
	}
	h->written = written;
	if (now - h->written_since >= h->patience || now - h->busy_since >= DATABASE_TURNS * h->patience)
		return 0;
	if (now - h->still_since >= DATABASE_STILL_MS) {
		enum lock_holder holder = lock_holder(h->path, h->turns_to_wal);
		if (holder == LOCK_ENGINE) {
			h->still_since = now;
			h->strangers = 0;
			if (h->turns_to_wal) /* who only reads writes nothing, and is done soon all the same */
				h->written_since = now;
		} else if (holder == LOCK_STRANGER && ++h->strangers >= DATABASE_STRANGERS) {
			return 0;
		}
	}
	pause_briefly();
	return 1;
}

void history_settle(struct history *h)
{
	if (history_is_overwritten(h))
		return;
	/* Passive: who reads goes on reading. What cannot be moved now stays where it is, and is as safe there. */
	sqlite3_wal_checkpoint_v2(h->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	h->unsettled = 0;
	if (h->wal)
		witness_take(&h->witness, h->db, h->path);
}

int history_unsettled(const struct history *h)
{
	return h->unsettled;
}

/* Called by sqlite after each commit, in the place of its own automatic checkpoints. */
static int count_unsettled(void *context, sqlite3 *db, const char *name, int pages)
{
	struct history *h = context;

	(void)db, (void)name;
	h->unsettled = pages;
	if (pages >= HISTORY_UNSETTLED_MAX)
		history_settle(h);
	return SQLITE_OK;
}

static struct error *open_database(struct history *h)
{
	bool memory = strcmp(h->path, ":memory:") == 0; /* a stand-in attaches its file by URI */

	if (!*h->path)
		return error_new(ERROR_INTERNAL, "cannot open the history: its path is empty");
	if (!memory) {
		struct error *e = make_parent(h->path);
		if (!e)
			e = make_file(h->path);
		if (e)
			return e;
	}
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (memory ? SQLITE_OPEN_URI : 0);
	if (sqlite3_open_v2(h->path, &h->db, flags, NULL) != SQLITE_OK)
		return h->db ? error_context(database_failure(h), "cannot open it") : error_memory();
	if (sqlite3_db_readonly(h->db, "main")) /* sqlite's answer to a file that it may not write */
		return error_new(ERROR_INTERNAL, "cannot write to the history %s", h->path);
	struct stat status;
	if (!memory && stat(h->path, &status) == 0) {
		h->device = status.st_dev;
		h->inode = status.st_ino;
	}
	sqlite3_extended_result_codes(h->db, 1);
	sqlite3_busy_handler(h->db, wait_for_lock, h);
	sqlite3_wal_hook(h->db, count_unsettled, h);
	/* A plan for good: not a new one whenever a value is bound that it might depend on. */
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
	return NULL;
}

struct error *database_prepare(struct history *h, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v2(h->db, sql, -1, out, NULL) == SQLITE_OK ? NULL : database_failure(h);
}

struct error *database_ask(struct history *h, const char *sql, int64_t *value)
{
	sqlite3_stmt *statement;
	bool found = false;
	struct error *e = database_prepare(h, sql, &statement);

	if (e)
		return e;
	e = database_query(h, statement, &found, value);
	sqlite3_finalize(statement);
	return e;
}

/* The database's schema, 0 for an empty one. Within a transaction, as another process may be migrating it.
 * Reads only: other people's databases are left as they are. */
static struct error *identify(struct history *h, int64_t *version)
{
	int64_t application = 0, objects = 0, number = 0;
	struct error *e = database_ask(h, "PRAGMA user_version", &number);

	if (!e)
		e = database_ask(h, "PRAGMA application_id", &application);
	if (!e)
		e = database_ask(h, "SELECT count(*) FROM sqlite_master", &objects);
	if (e)
		return e;
	if (number == 0 ? objects || application : application != APPLICATION_ID)
		return error_new(ERROR_INTERNAL, "%s is no history: it is the database of another program",
				 h->path);
	if (number < 0 || number > (int64_t)ARRAY_SIZE(migrations))
		return newer_schema(h, number);
	*version = number;
	return NULL;
}

/* Two processes that turn a new database to WAL at once are told "busy" without being made to wait. Where the
 * file system cannot do WAL, sqlite keeps the mode that it has, which is slower and as safe. */
static struct error *use_wal(struct history *h)
{
	struct error *e = NULL;
	int rc, times = 0;

	/* sqlite would begin to wait anew with each try. */
	sqlite3_busy_handler(h->db, NULL, NULL);
	h->turns_to_wal = true;
	while (!e && (rc = sqlite3_exec(h->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) != SQLITE_OK) {
		if ((rc & 0xff) != SQLITE_BUSY || !wait_for_lock(h, times++))
			e = database_failure(h);
	}
	h->turns_to_wal = false;
	sqlite3_busy_handler(h->db, wait_for_lock, h);
	return e;
}

static struct error *migrate_from(struct history *h, int64_t version)
{
	char set[64];

	for (size_t i = (size_t)version; i < ARRAY_SIZE(migrations); i++) {
		struct error *e = database_execute(h, migrations[i]);
		if (e)
			return e;
	}
	snprintf(set, sizeof(set), "PRAGMA user_version = %zu", ARRAY_SIZE(migrations));
	return database_execute(h, set);
}

/* Ends a transaction of `migrate`, which comes before there are prepared statements. */
static struct error *end(struct history *h, struct error *e)
{
	if (!e)
		e = database_execute(h, "COMMIT");
	if (e && !sqlite3_get_autocommit(h->db))
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static struct error *migrate(struct history *h)
{
	int64_t version = 0;
	struct error *e = database_execute(h, "BEGIN");

	e = end(h, e ? e : identify(h, &version));
	/* So that a prune can make the file smaller; only before there is anything in it. */
	if (!e && version == 0)
		e = database_execute(h, "PRAGMA auto_vacuum = INCREMENTAL");
	if (!e)
		e = use_wal(h);
	if (!e)
		e = database_execute(
			h, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
			   /* 512 KiB: more would only fill with pages that nobody asks for again. */
			   " PRAGMA cache_size = -512");
	if (e || version == (int64_t)ARRAY_SIZE(migrations))
		return e;

	e = database_execute(h, "BEGIN IMMEDIATE");
	if (!e)
		e = identify(h, &version); /* again: another process may have been first */
	return end(h, e ? e : migrate_from(h, version));
}

static struct error *prepare(struct history *h)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(h->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &h->statements[i], NULL) != SQLITE_OK)
			return database_failure(h);
	}
	return NULL;
}

/* Process ids and start times begin anew at each boot. Empty where the kernel does not tell. */
static void read_boot_id(char *buffer, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[length < 0 ? 0 : length] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
}

/* proc(5): field 22 of stat, behind a command name that may hold anything. */
int64_t history_process_started(int64_t pid)
{
	char path[64], stat[1024], state = 0;
	long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, stat, sizeof(stat) - 1);
	if (fd >= 0)
		close(fd);
	stat[length < 0 ? 0 : length] = '\0';
	const char *behind = strrchr(stat, ')');
	if (!behind ||
	    sscanf(behind + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &state,
		   &ticks) != 2 ||
	    state == 'Z' || state == 'X') /* it has ended, and nobody has asked how */
		return 0;
	return ticks;
}

bool database_run_goes_on(int64_t pid, int64_t started, const char *boot)
{
	char now[64];

	read_boot_id(now, sizeof(now));
	return started && strcmp(boot, now) == 0 && history_process_started(pid) == started;
}

static void bind_process(sqlite3_stmt *statement, const struct history_process *process, const char *boot)
{
	sqlite3_bind_int64(statement, 1, process->pid);
	sqlite3_bind_int64(statement, 2, process->started);
	database_bind_text(statement, 3, boot);
	database_bind_text(statement, 4, process->program);
	database_bind_text(statement, 5, process->build_id);
}

static struct error *find_process(struct history *h, const struct history_process *process, const char *boot,
				  bool *found)
{
	bind_process(h->statements[FIND_PROCESS], process, boot);
	return database_query(h, h->statements[FIND_PROCESS], found, &h->process);
}

struct error *database_add_process(struct history *h, const struct history_process *process, const char *boot)
{
	bool found = false;

	bind_process(h->statements[ADD_PROCESS], process, boot);
	struct error *e = database_run(h, h->statements[ADD_PROCESS]);
	return e ? e : find_process(h, process, boot, &found);
}

static struct error *go_on_with_run(struct history *h, const struct history_process *process)
{
	char boot[64];
	bool found = false;

	read_boot_id(boot, sizeof(boot));
	struct error *e = find_process(h, process, boot, &found);
	if (e || found)
		return e;
	e = database_begin(h);
	return database_finish(h, e ? e : database_add_process(h, process, boot));
}

/* So that it is noticed if another file takes this one's place. */
static struct error *begin_to_watch(struct history *h)
{
	sqlite3_stmt *statement;
	bool row = false;
	struct error *e = database_prepare(h, OWN_RUN, &statement);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, h->process);
	e = database_step(h, statement, &row);
	const char *run = !e && row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	h->run = run ? strdup(run) : NULL;
	sqlite3_finalize(statement);
	witness_take(&h->witness, h->db, h->path);
	return e;
}

struct error *database_open(const char *path, const struct history_process *process, int64_t patience,
			    struct error *(*prepared)(struct history *, const void *context),
			    const void *context, struct history **out)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return error_memory();
	h->patience = patience;
	h->path = strdup(path);
	h->build_id = strdup(process->build_id ? process->build_id : "");

	struct error *e = h->path && h->build_id ? open_database(h) : error_memory();
	if (!e)
		e = migrate(h);
	if (!e)
		e = prepare(h);
	if (!e && prepared)
		e = prepared(h, context);
	if (!e)
		e = go_on_with_run(h, process);
	if (e) {
		history_close(h);
		return e;
	}
	struct stat status;
	h->wal = h->inode && wal_of(h, &status) ? status.st_ino : 0;
	if (h->wal)
		e = begin_to_watch(h);
	if (e) {
		history_close(h);
		return e;
	}
	*out = h;
	return NULL;
}

/* What is left of a write-ahead log would be taken for the new file's. */
static struct error *put_in_place(const char *from, const char *path)
{
	static const char *const endings[] = {"-wal", "-shm"};
	char name[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (snprintf(name, sizeof(name), "%s%s", path, endings[i]) < (int)sizeof(name))
			unlink(name);
	/* Another process with the same history may have been first. */
	return link(from, path) ? error_errno(errno, "cannot make the history %s", path) : NULL;
}

struct error *history_put_back(struct history *h)
{
	char fresh[PATH_MAX];

	if (!history_is_away(h) || access(h->path, F_OK) == 0)
		return error_new(ERROR_INTERNAL, "the history %s is there", h->path);
	if (snprintf(fresh, sizeof(fresh), "%s-%d", h->path, (int)getpid()) >= (int)sizeof(fresh))
		return error_new(ERROR_INTERNAL, "the history's path is too long");
	history_settle(h); /* what was moved away is whole, too */
	struct error *e = make_parent(h->path);
	if (!e)
		e = database_copy(h, fresh);
	if (e)
		return e;
	e = put_in_place(fresh, h->path);
	unlink(fresh);
	return e;
}

struct error *history_open(const char *path, const struct history_process *process, struct history **out)
{
	return database_open(path, process, DATABASE_PATIENCE_MS, NULL, NULL, out);
}

/* What belongs to the file that was, which sqlite would take for part of the one that is there now. */
static void remove_log(const struct history *h)
{
	struct stat status;
	char name[PATH_MAX];

	if (!wal_of(h, &status) || status.st_ino != h->wal)
		return; /* somebody else has done that, and begun another */
	if (snprintf(name, sizeof(name), "%s-shm", h->path) < (int)sizeof(name))
		unlink(name);
	if (snprintf(name, sizeof(name), "%s-wal", h->path) < (int)sizeof(name))
		unlink(name);
}

void history_close(struct history *h)
{
	if (!h)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(h->statements[i]);
	bool overwritten = h->db && history_is_overwritten(h);
	if (h->db && (overwritten || history_is_away(h))) /* what has its names now is not to be touched */
		sqlite3_db_config(h->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(h->db);
	if (overwritten)
		remove_log(h);
	recent_free(h->recent);
	free(h->reserved);
	free(h->run);
	free(h->build_id);
	free(h->path);
	free(h);
}

const char *history_path(const struct history *h)
{
	return h->path;
}
