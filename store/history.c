#include "history.h"

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

#define BUSY_MS 2000
#define APPLICATION_ID 1920231016 /* as in schema.sql */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char schema[] = {
#include "schema.inc"
};

/* Step n takes a database from schema n to n + 1. A step is never changed once it was released. */
static const char *const migrations[] = {schema};

/* --- statements ----------------------------------------------------------------------------------------- */

/* Parameters of every query that hands out versions: ?1 run, ?2 build id, ?3 function, ?4 number or id,
 * ?5 limit. CROSS JOIN: the versions lead, whatever the planner thinks. */
#define SELECT_VERSION                                                                                  \
	"SELECT v.id, v.function, v.number, coalesce(v.parent, -1), t.content, v.slice_hash, v.backend,"\
	" v.compiler, v.flags, v.origin, v.user, v.time, v.note, v.file, v.line,"                       \
	" v.number = coalesce((SELECT l.number FROM live AS l"                                          \
	" WHERE l.process = ?1 AND l.function = v.function), 0),"                                       \
	" f.module, f.file, f.name"                                                                     \
	" FROM version AS v CROSS JOIN text AS t ON t.id = v.text"                                      \
	" CROSS JOIN function AS f ON f.id = v.function "

enum statement {
	BEGIN,
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
	COUNT_VERSIONS,
	ADD_CHANGE,
	ADD_MOVE,
	MARK_LIVE,
	FIND_LIVE,
	NEXT_UNDO,
	NEXT_REDO,
	EACH_MOVE,
	ADD_EVENT,
	STATEMENTS,
};

/* `number > 0` and `subject IS NULL` are spelled out because they choose the partial index. */
static const char *const statement_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[EACH_FUNCTION] = "SELECT id, module, file, name, versions + 1 FROM function ORDER BY id",
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
	[COUNT_VERSIONS] = "SELECT versions + EXISTS (SELECT 1 FROM version AS v WHERE v.function = ?1"
			   " AND v.build_id = ?2 AND v.number = 0) FROM function WHERE id = ?1",
	[ADD_CHANGE] = "INSERT INTO change (process, kind, subject, user) VALUES (?1, ?2, ?3, ?4)",
	[ADD_MOVE] = "INSERT INTO move (change, function, from_number, to_number) VALUES (?1, ?2, ?3, ?4)",
	[MARK_LIVE] = "REPLACE INTO live (process, function, number, change) VALUES (?1, ?2, ?3, ?4)",
	[FIND_LIVE] = "SELECT number FROM live WHERE process = ?1 AND function = ?2",
	/* The newest change of this run that was not taken back more often than it was done again. */
	[NEXT_UNDO] = "SELECT c.id FROM change AS c WHERE c.process = ?1 AND c.subject IS NULL"
		      " AND (SELECT total(CASE s.kind WHEN 'undo' THEN 1 ELSE -1 END) FROM change AS s"
		      "  WHERE s.subject = c.id) <= 0"
		      " ORDER BY c.id DESC LIMIT 1",
	/* Taken back since the newest change was made; of these the oldest was taken back last. */
	[NEXT_REDO] = "SELECT u.subject FROM change AS u WHERE u.process = ?1 AND u.kind = 'undo'"
		      " AND u.id > (SELECT n.id FROM change AS n WHERE n.process = ?1 AND n.subject IS NULL"
		      "  ORDER BY n.id DESC LIMIT 1)"
		      " AND (SELECT total(CASE s.kind WHEN 'undo' THEN 1 ELSE -1 END) FROM change AS s"
		      "  WHERE s.subject = u.subject) > 0"
		      " ORDER BY u.subject LIMIT 1",
	[EACH_MOVE] = "SELECT function, from_number, to_number FROM move WHERE change = ?1 ORDER BY function",
	[ADD_EVENT] = "INSERT INTO event (process, kind, function, number, user, detail)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
};

struct history {
	sqlite3 *db;
	char *path;
	char *build_id;
	int64_t process;
	int64_t busy_since; /* on the clock of milliseconds() */
	sqlite3_stmt *statements[STATEMENTS];
};

/* What sqlite says went wrong, as an error that names the file. Called before the statement is reset. */
static struct error *failure(const struct history *h)
{
	int system = sqlite3_system_errno(h->db);

	switch (sqlite3_errcode(h->db) & 0xff) {
	case SQLITE_NOMEM:
		return error_memory();
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_new(ERROR_INTERNAL, "the history %s is locked by another process", h->path);
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

static struct error *execute(struct history *h, const char *sql)
{
	if (sqlite3_exec(h->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failure(h);
	return NULL;
}

/* Strings are borrowed by the statement until it is reset, and every user resets it before returning. */
static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text ? text : "", -1, SQLITE_STATIC);
}

static void release(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

/* Runs a statement that gives no rows. */
static struct error *run(struct history *h, sqlite3_stmt *statement)
{
	struct error *e = sqlite3_step(statement) == SQLITE_DONE ? NULL : failure(h);

	release(statement);
	return e;
}

/* Steps to the next row. The caller releases the statement, rows left or not. */
static struct error *step(struct history *h, sqlite3_stmt *statement, bool *row)
{
	int rc = sqlite3_step(statement);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failure(h);
	*row = rc == SQLITE_ROW;
	return NULL;
}

/* Runs a query for one number; `*found`, false where there is no row, then leaves `*value` as it was. */
static struct error *query(struct history *h, sqlite3_stmt *statement, bool *found, int64_t *value)
{
	struct error *e = step(h, statement, found);

	if (!e && *found)
		*value = sqlite3_column_int64(statement, 0);
	release(statement);
	return e;
}

/* --- transactions --------------------------------------------------------------------------------------- */

static void roll_back(struct history *h)
{
	if (sqlite3_get_autocommit(h->db)) /* sqlite has done so by itself, or there is no transaction */
		return;
	sqlite3_step(h->statements[ROLLBACK]);
	sqlite3_reset(h->statements[ROLLBACK]);
}

static struct error *begin(struct history *h)
{
	roll_back(h); /* of a call before, where even that failed */
	return run(h, h->statements[BEGIN]);
}

/* Commits if `e` is NULL, else rolls back; gives the error of the whole transaction. */
static struct error *finish(struct history *h, struct error *e)
{
	if (!e)
		e = run(h, h->statements[COMMIT]);
	if (e)
		roll_back(h);
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

/* Called by sqlite while another process holds a lock. Its own handler waits up to a tenth of a second at a
 * time, which is long for someone at a prompt and unfair among many writers. */
static int wait_for_lock(void *context, int times)
{
	struct history *h = context;

	if (times == 0)
		h->busy_since = milliseconds();
	if (milliseconds() - h->busy_since >= BUSY_MS)
		return 0;
	pause_briefly();
	return 1;
}

static struct error *open_database(struct history *h)
{
	if (!*h->path)
		return error_new(ERROR_INTERNAL, "cannot open the history: its path is empty");
	if (strcmp(h->path, ":memory:") != 0) {
		struct error *e = make_parent(h->path);
		if (!e)
			e = make_file(h->path);
		if (e)
			return e;
	}
	if (sqlite3_open_v2(h->path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return h->db ? error_context(failure(h), "cannot open it") : error_memory();
	if (sqlite3_db_readonly(h->db, "main")) /* sqlite's answer to a file that it may not write */
		return error_new(ERROR_INTERNAL, "cannot write to the history %s", h->path);
	sqlite3_extended_result_codes(h->db, 1);
	sqlite3_busy_handler(h->db, wait_for_lock, h);
	return NULL;
}

/* For what is asked only when opening. */
static struct error *ask(struct history *h, const char *sql, int64_t *value)
{
	sqlite3_stmt *statement;
	bool found = false;

	if (sqlite3_prepare_v2(h->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return failure(h);
	struct error *e = query(h, statement, &found, value);
	sqlite3_finalize(statement);
	return e;
}

/* The database's schema, 0 for an empty one. Within a transaction, as another process may be migrating it.
 * Reads only: other people's databases are left as they are. */
static struct error *identify(struct history *h, int64_t *version)
{
	int64_t application = 0, objects = 0, number = 0;
	struct error *e = ask(h, "PRAGMA user_version", &number);

	if (!e)
		e = ask(h, "PRAGMA application_id", &application);
	if (!e)
		e = ask(h, "SELECT count(*) FROM sqlite_master", &objects);
	if (e)
		return e;
	if (number == 0 ? objects || application : application != APPLICATION_ID)
		return error_new(ERROR_INTERNAL, "%s is no history: it is the database of another program",
				 h->path);
	if (number < 0 || number > (int64_t)ARRAY_SIZE(migrations))
		return error_new(ERROR_INTERNAL,
				 "the history %s was written by a newer rtf: its schema is %lld, ours is %zu",
				 h->path, (long long)number, ARRAY_SIZE(migrations));
	*version = number;
	return NULL;
}

/* Two processes that turn a new database to WAL at once are told "busy" without being made to wait. Where the
 * file system cannot do WAL, sqlite keeps the mode that it has, which is slower and as safe. */
static struct error *use_wal(struct history *h)
{
	int64_t deadline = milliseconds() + BUSY_MS;
	int rc;

	while ((rc = sqlite3_exec(h->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) != SQLITE_OK) {
		if ((rc & 0xff) != SQLITE_BUSY || milliseconds() >= deadline)
			return failure(h);
		pause_briefly();
	}
	return NULL;
}

static struct error *migrate_from(struct history *h, int64_t version)
{
	char set[64];

	for (size_t i = (size_t)version; i < ARRAY_SIZE(migrations); i++) {
		struct error *e = execute(h, migrations[i]);
		if (e)
			return e;
	}
	snprintf(set, sizeof(set), "PRAGMA user_version = %zu", ARRAY_SIZE(migrations));
	return execute(h, set);
}

/* Ends a transaction of `migrate`, which comes before there are prepared statements. */
static struct error *end(struct history *h, struct error *e)
{
	if (!e)
		e = execute(h, "COMMIT");
	if (e && !sqlite3_get_autocommit(h->db))
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static struct error *migrate(struct history *h)
{
	int64_t version = 0;
	struct error *e = execute(h, "BEGIN");

	e = end(h, e ? e : identify(h, &version));
	if (!e)
		e = use_wal(h);
	if (!e)
		e = execute(h, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
	if (e || version == (int64_t)ARRAY_SIZE(migrations))
		return e;

	e = execute(h, "BEGIN IMMEDIATE");
	if (!e)
		e = identify(h, &version); /* again: another process may have been first */
	return end(h, e ? e : migrate_from(h, version));
}

static struct error *prepare(struct history *h)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(h->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &h->statements[i], NULL) != SQLITE_OK)
			return failure(h);
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

static void bind_process(sqlite3_stmt *statement, const struct history_process *process, const char *boot)
{
	sqlite3_bind_int64(statement, 1, process->pid);
	sqlite3_bind_int64(statement, 2, process->started);
	bind_text(statement, 3, boot);
	bind_text(statement, 4, process->program);
	bind_text(statement, 5, process->build_id);
}

static struct error *find_process(struct history *h, const struct history_process *process, const char *boot,
				  bool *found)
{
	bind_process(h->statements[FIND_PROCESS], process, boot);
	return query(h, h->statements[FIND_PROCESS], found, &h->process);
}

static struct error *add_process(struct history *h, const struct history_process *process, const char *boot)
{
	bool found = false;

	bind_process(h->statements[ADD_PROCESS], process, boot);
	struct error *e = run(h, h->statements[ADD_PROCESS]);
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
	e = begin(h);
	return finish(h, e ? e : add_process(h, process, boot));
}

struct error *history_open(const char *path, const struct history_process *process, struct history **out)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return error_memory();
	h->path = strdup(path);
	h->build_id = strdup(process->build_id ? process->build_id : "");

	struct error *e = h->path && h->build_id ? open_database(h) : error_memory();
	if (!e)
		e = migrate(h);
	if (!e)
		e = prepare(h);
	if (!e)
		e = go_on_with_run(h, process);
	if (e) {
		history_close(h);
		return e;
	}
	*out = h;
	return NULL;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(h->statements[i]);
	sqlite3_close(h->db);
	free(h->build_id);
	free(h->path);
	free(h);
}

const char *history_path(const struct history *h)
{
	return h->path;
}

/* --- functions ------------------------------------------------------------------------------------------ */

static void bind_function(sqlite3_stmt *statement, const struct history_function *function)
{
	bind_text(statement, 1, function->module);
	bind_text(statement, 2, function->file);
	bind_text(statement, 3, function->name);
}

static struct error *find_function(struct history *h, const struct history_function *function, bool *found,
				   int64_t *id)
{
	bind_function(h->statements[FIND_FUNCTION], function);
	return query(h, h->statements[FIND_FUNCTION], found, id);
}

static struct error *add_function(struct history *h, const struct history_function *function, int64_t *id)
{
	bool found = false;

	bind_function(h->statements[ADD_FUNCTION], function);
	struct error *e = run(h, h->statements[ADD_FUNCTION]);
	return e ? e : find_function(h, function, &found, id);
}

struct error *history_function_id(struct history *h, const struct history_function *function, int64_t *id)
{
	bool found = false;
	int64_t row = 0;
	struct error *e = find_function(h, function, &found, &row);

	if (!e && !found) {
		e = begin(h);
		e = finish(h, e ? e : add_function(h, function, &row));
	}
	if (!e)
		*id = row;
	return e;
}

static struct error *unknown_version(struct history *h, int64_t function, int number)
{
	sqlite3_stmt *statement = h->statements[NAME_FUNCTION];
	bool found = false;

	sqlite3_bind_int64(statement, 1, function);
	struct error *e = step(h, statement, &found);
	const char *name = e || !found ? NULL : (const char *)sqlite3_column_text(statement, 0);
	if (!e && !name)
		e = error_new(ERROR_UNKNOWN, "the history %s has no function %lld", h->path,
			      (long long)function);
	else if (!e && number == 0)
		e = error_new(ERROR_UNKNOWN, "the history has no version 0 of %s for this build", name);
	else if (!e)
		e = error_new(ERROR_UNKNOWN, "%s has no version %d", name, number);
	release(statement);
	return e;
}

/* --- versions ------------------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static int64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		hash = (hash ^ *p) * UINT64_C(0x100000001b3);
	return (int64_t)hash;
}

static struct error *add_text(struct history *h, const char *text, int64_t *id)
{
	int64_t hash = hash_text(text);
	bool found = false;

	sqlite3_bind_int64(h->statements[FIND_TEXT], 1, hash);
	bind_text(h->statements[FIND_TEXT], 2, text);
	struct error *e = query(h, h->statements[FIND_TEXT], &found, id);
	if (e || found)
		return e;

	sqlite3_bind_int64(h->statements[ADD_TEXT], 1, hash);
	bind_text(h->statements[ADD_TEXT], 2, text);
	e = run(h, h->statements[ADD_TEXT]);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

/* One row of the version table, within a transaction; number 0 is bound to this run's build id. */
static struct error *add_row(struct history *h, const struct history_version *version, int64_t *id)
{
	sqlite3_stmt *statement = h->statements[ADD_VERSION];
	int64_t text = 0;
	struct error *e = add_text(h, version->text ? version->text : "", &text);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, version->function);
	sqlite3_bind_int(statement, 2, version->number);
	if (version->number == 0)
		bind_text(statement, 3, h->build_id);
	sqlite3_bind_int64(statement, 4, h->process);
	if (version->parent >= 0)
		sqlite3_bind_int(statement, 5, version->parent);
	sqlite3_bind_int64(statement, 6, text);
	bind_text(statement, 7, version->slice_hash);
	bind_text(statement, 8, version->backend);
	bind_text(statement, 9, version->compiler);
	bind_text(statement, 10, version->flags);
	bind_text(statement, 11, version->origin);
	bind_text(statement, 12, version->user);
	bind_text(statement, 13, version->note);
	bind_text(statement, 14, version->file);
	sqlite3_bind_int(statement, 15, version->line);
	e = run(h, statement);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

static struct error *has_built(struct history *h, int64_t function, bool *found)
{
	int64_t one;

	sqlite3_bind_int64(h->statements[HAS_BUILT], 1, function);
	bind_text(h->statements[HAS_BUILT], 2, h->build_id);
	return query(h, h->statements[HAS_BUILT], found, &one);
}

static struct error *add_built_row(struct history *h, const struct history_version *version)
{
	bool found = false;
	int64_t id;
	/* Again: another process may have been first. */
	struct error *e = has_built(h, version->function, &found);

	return e || found ? e : add_row(h, version, &id);
}

struct error *history_add_built(struct history *h, const struct history_version *version)
{
	bool found = false;
	struct history_version built = *version;
	struct error *e = has_built(h, version->function, &found);

	if (e || found)
		return e;
	built.number = 0;
	built.parent = -1;
	built.origin = "built";
	built.backend = "built";
	e = begin(h);
	return finish(h, e ? e : add_built_row(h, &built));
}

static struct error *newest_number(struct history *h, int64_t function, int *number)
{
	bool found = false;
	int64_t newest = 0;

	sqlite3_bind_int64(h->statements[NEWEST_NUMBER], 1, function);
	struct error *e = query(h, h->statements[NEWEST_NUMBER], &found, &newest);
	if (!e && newest >= INT_MAX)
		return error_new(ERROR_INTERNAL, "the history %s has no version numbers left", h->path);
	if (!e)
		*number = (int)newest;
	return e;
}

struct given {
	int64_t id;
	int number;
};

static struct error *add_numbered(struct history *h, const struct history_version *version,
				  struct given *given)
{
	struct history_version numbered = *version;
	int newest = 0;
	struct error *e = newest_number(h, version->function, &newest);

	if (e)
		return e;
	numbered.number = given->number = newest + 1;
	return add_row(h, &numbered, &given->id);
}

static struct error *add_all(struct history *h, const struct history_version *versions, size_t count,
			     struct given *given)
{
	for (size_t i = 0; i < count; i++) {
		struct error *e = add_numbered(h, &versions[i], &given[i]);
		if (e)
			return e;
	}
	return NULL;
}

struct error *history_add(struct history *h, struct history_version *versions, size_t count)
{
	if (!count)
		return NULL;

	/* Kept aside, so that a failure leaves the caller's versions as they were. */
	struct given *given = calloc(count, sizeof(*given));
	if (!given)
		return error_memory();

	struct error *e = begin(h);
	e = finish(h, e ? e : add_all(h, versions, count, given));
	for (size_t i = 0; !e && i < count; i++) {
		versions[i].id = given[i].id;
		versions[i].number = given[i].number;
	}
	free(given);
	return e;
}

/* Every text column is NOT NULL, so a null pointer here is want of memory or damage. */
static const char *column_text(sqlite3_stmt *statement, int column, bool *lost)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	if (!text)
		*lost = true;
	return text;
}

static struct error *read_version(struct history *h, sqlite3_stmt *row, struct history_version *version,
				  struct history_function *function)
{
	bool lost = false;

	*version = (struct history_version){
		.id = sqlite3_column_int64(row, 0),
		.function = sqlite3_column_int64(row, 1),
		.number = sqlite3_column_int(row, 2),
		.parent = sqlite3_column_int(row, 3),
		.text = column_text(row, 4, &lost),
		.slice_hash = column_text(row, 5, &lost),
		.backend = column_text(row, 6, &lost),
		.compiler = column_text(row, 7, &lost),
		.flags = column_text(row, 8, &lost),
		.origin = column_text(row, 9, &lost),
		.user = column_text(row, 10, &lost),
		.time = column_text(row, 11, &lost),
		.note = column_text(row, 12, &lost),
		.file = column_text(row, 13, &lost),
		.line = sqlite3_column_int(row, 14),
		.live = sqlite3_column_int(row, 15),
	};
	*function = (struct history_function){
		.module = column_text(row, 16, &lost),
		.file = column_text(row, 17, &lost),
		.name = column_text(row, 18, &lost),
	};
	if (!lost)
		return NULL;
	if (sqlite3_errcode(h->db) == SQLITE_NOMEM)
		return error_memory();
	return error_new(ERROR_INTERNAL, "the history %s is damaged: version row %lld is incomplete", h->path,
			 (long long)version->id);
}

static void bind_version(struct history *h, sqlite3_stmt *statement, int64_t function, int64_t number)
{
	sqlite3_bind_int64(statement, 1, h->process);
	bind_text(statement, 2, h->build_id);
	sqlite3_bind_int64(statement, 3, function);
	sqlite3_bind_int64(statement, 4, number);
}

struct error *history_find(struct history *h, int64_t function, int number,
			  void (*with)(void *context, const struct history_version *), void *context)
{
	sqlite3_stmt *statement = h->statements[number == 0 ? GET_BUILT : GET_VERSION];
	struct history_version version;
	struct history_function owner;
	bool found = false;

	bind_version(h, statement, function, number);
	struct error *e = step(h, statement, &found);
	if (!e && found)
		e = read_version(h, statement, &version, &owner);
	if (!e && found)
		with(context, &version);
	release(statement);
	return e || found ? e : unknown_version(h, function, number);
}

struct walk {
	bool (*each)(void *context, const struct history_version *, const struct history_function *);
	void *context;
	int limit; /* how many more; negative: all */
	bool stopped;
};

/* Hands out the rows of a bound statement. */
static struct error *walk_rows(struct history *h, sqlite3_stmt *statement, struct walk *walk)
{
	struct history_version version;
	struct history_function function;
	bool row = false;

	while (walk->limit && !walk->stopped) {
		struct error *e = step(h, statement, &row);
		if (!e && row)
			e = read_version(h, statement, &version, &function);
		if (e || !row)
			return e;
		walk->stopped = !walk->each(walk->context, &version, &function);
		if (walk->limit > 0)
			walk->limit--;
	}
	return NULL;
}

static struct error *walk_statement(struct history *h, enum statement which, int64_t function, int64_t before,
				    struct walk *walk)
{
	sqlite3_stmt *statement = h->statements[which];

	bind_version(h, statement, function, before);
	if (which != GET_BUILT)
		sqlite3_bind_int(statement, 5, walk->limit);
	struct error *e = walk_rows(h, statement, walk);
	release(statement);
	return e;
}

struct error *history_each(struct history *h, int64_t function, int64_t before, int limit,
			   bool (*each)(void *context, const struct history_version *,
					const struct history_function *),
			   void *context)
{
	struct walk walk = {.each = each, .context = context, .limit = limit};

	if (before <= 0)
		before = INT64_MAX;
	if (!function)
		return walk_statement(h, EACH_OF_ALL, 0, before, &walk);

	struct error *e = walk_statement(h, EACH_OF_FUNCTION, function, before, &walk);
	return e ? e : walk_statement(h, GET_BUILT, function, 0, &walk);
}

struct error *history_each_function(struct history *h,
				    bool (*each)(void *context, int64_t id, const struct history_function *,
						 int versions),
				    void *context)
{
	sqlite3_stmt *statement = h->statements[EACH_FUNCTION];
	struct error *e = NULL;
	bool row = true, more = true;

	while (!e && more) {
		e = step(h, statement, &row);
		if (e || !row)
			break;
		struct history_function function = {
			.module = (const char *)sqlite3_column_text(statement, 1),
			.file = (const char *)sqlite3_column_text(statement, 2),
			.name = (const char *)sqlite3_column_text(statement, 3),
		};
		if (!function.module || !function.file || !function.name)
			e = error_memory();
		else
			more = each(context, sqlite3_column_int64(statement, 0), &function,
				    sqlite3_column_int(statement, 4));
	}
	release(statement);
	return e;
}

struct error *history_count(struct history *h, int64_t function, int *count)
{
	bool found = false;
	int64_t versions = 0;

	sqlite3_bind_int64(h->statements[COUNT_VERSIONS], 1, function);
	bind_text(h->statements[COUNT_VERSIONS], 2, h->build_id);
	struct error *e = query(h, h->statements[COUNT_VERSIONS], &found, &versions);
	if (e)
		return e;
	if (!found)
		return unknown_version(h, function, 0);
	*count = (int)versions;
	return NULL;
}

static struct error *set_note(struct history *h, int64_t function, int number, const char *note)
{
	sqlite3_stmt *statement = h->statements[number == 0 ? NOTE_BUILT : NOTE_VERSION];

	sqlite3_bind_int64(statement, 1, function);
	if (number == 0)
		bind_text(statement, 2, h->build_id);
	else
		sqlite3_bind_int(statement, 2, number);
	bind_text(statement, 3, note);
	struct error *e = run(h, statement);
	if (!e && sqlite3_changes(h->db) == 0)
		e = unknown_version(h, function, number);
	return e;
}

struct error *history_note(struct history *h, int64_t function, int number, const char *note)
{
	struct error *e = begin(h);

	return finish(h, e ? e : set_note(h, function, number, note));
}

/* --- changes -------------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[HISTORY_DEFINE] = "define", [HISTORY_ROLLBACK] = "rollback", [HISTORY_UNDO] = "undo",
	[HISTORY_REDO] = "redo",     [HISTORY_RESTORE] = "restore",
};

static struct error *add_change(struct history *h, enum history_kind kind, const char *user, int64_t subject,
				int64_t *id)
{
	sqlite3_stmt *statement = h->statements[ADD_CHANGE];

	sqlite3_bind_int64(statement, 1, h->process);
	bind_text(statement, 2, kind_names[kind]);
	if (subject)
		sqlite3_bind_int64(statement, 3, subject);
	bind_text(statement, 4, user);
	struct error *e = run(h, statement);
	if (!e)
		*id = sqlite3_last_insert_rowid(h->db);
	return e;
}

/* Number 0 always exists in the program, whether or not its text could be stored. */
static struct error *require_version(struct history *h, int64_t function, int number)
{
	bool found = false;
	int64_t one;

	if (number == 0)
		return NULL;
	sqlite3_bind_int64(h->statements[HAS_VERSION], 1, function);
	sqlite3_bind_int(h->statements[HAS_VERSION], 2, number);
	struct error *e = query(h, h->statements[HAS_VERSION], &found, &one);
	return e || found ? e : unknown_version(h, function, number);
}

static struct error *add_move(struct history *h, int64_t change, const struct history_move *move)
{
	sqlite3_stmt *statement = h->statements[ADD_MOVE];
	struct error *e = require_version(h, move->function, move->to);

	if (e)
		return e;
	sqlite3_bind_int64(statement, 1, change);
	sqlite3_bind_int64(statement, 2, move->function);
	sqlite3_bind_int(statement, 3, move->from);
	sqlite3_bind_int(statement, 4, move->to);
	e = run(h, statement);
	if (e)
		return e;

	statement = h->statements[MARK_LIVE];
	sqlite3_bind_int64(statement, 1, h->process);
	sqlite3_bind_int64(statement, 2, move->function);
	sqlite3_bind_int(statement, 3, move->to);
	sqlite3_bind_int64(statement, 4, change);
	return run(h, statement);
}

static struct error *record_moves(struct history *h, int64_t change, const struct history_move *moves,
				  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct error *e = add_move(h, change, &moves[i]);
		if (e)
			return e;
	}
	return NULL;
}

struct error *history_record(struct history *h, enum history_kind kind, const char *user, int64_t subject,
			     const struct history_move *moves, size_t count, int64_t *change)
{
	bool takes_subject = kind == HISTORY_UNDO || kind == HISTORY_REDO;
	int64_t id = 0;

	if (!count || takes_subject != (subject != 0))
		return error_new(ERROR_INTERNAL, "a change has moves, and a subject to undo or redo");

	struct error *e = begin(h);
	if (!e)
		e = add_change(h, kind, user, subject, &id);
	if (!e)
		e = record_moves(h, id, moves, count);
	e = finish(h, e);
	if (!e && change)
		*change = id;
	return e;
}

static struct error *grow(struct history_move **moves, size_t count, size_t *room)
{
	if (count < *room)
		return NULL;

	size_t more = *room ? *room * 2 : 8;
	struct history_move *grown = reallocarray(*moves, more, sizeof(**moves));
	if (!grown)
		return error_memory();
	*moves = grown;
	*room = more;
	return NULL;
}

/* The moves of a change as they were made or, with `back`, in the other direction. */
static struct error *load_moves(struct history *h, int64_t change, bool back, struct history_move **moves,
				size_t *count)
{
	sqlite3_stmt *statement = h->statements[EACH_MOVE];
	struct error *e;
	size_t room = 0;
	bool row = false;

	sqlite3_bind_int64(statement, 1, change);
	while (!(e = step(h, statement, &row)) && row) {
		e = grow(moves, *count, &room);
		if (e)
			break;
		(*moves)[(*count)++] = (struct history_move){
			.function = sqlite3_column_int64(statement, 0),
			.from = sqlite3_column_int(statement, back ? 2 : 1),
			.to = sqlite3_column_int(statement, back ? 1 : 2),
		};
	}
	release(statement);
	return e;
}

struct error *history_next(struct history *h, bool redo, int64_t *change, struct history_move **moves,
			   size_t *count)
{
	sqlite3_stmt *statement = h->statements[redo ? NEXT_REDO : NEXT_UNDO];
	struct history_move *loaded = NULL;
	size_t loaded_count = 0;
	int64_t id = 0;
	bool found = false;

	sqlite3_bind_int64(statement, 1, h->process);
	struct error *e = query(h, statement, &found, &id);
	if (!e && found)
		e = load_moves(h, id, !redo, &loaded, &loaded_count);
	if (e) {
		free(loaded);
		return e;
	}
	*change = id;
	*moves = loaded;
	*count = loaded_count;
	return NULL;
}

struct error *history_live(struct history *h, int64_t function, int *number)
{
	bool found = false;
	int64_t live = 0;

	sqlite3_bind_int64(h->statements[FIND_LIVE], 1, h->process);
	sqlite3_bind_int64(h->statements[FIND_LIVE], 2, function);
	struct error *e = query(h, h->statements[FIND_LIVE], &found, &live);
	if (!e)
		*number = (int)live;
	return e;
}

/* --- events --------------------------------------------------------------------------------------------- */

static struct error *add_event(struct history *h, const char *kind, int64_t function, int number,
			       const char *user, const char *detail)
{
	sqlite3_stmt *statement = h->statements[ADD_EVENT];

	sqlite3_bind_int64(statement, 1, h->process);
	bind_text(statement, 2, kind);
	if (function)
		sqlite3_bind_int64(statement, 3, function);
	if (number >= 0)
		sqlite3_bind_int(statement, 4, number);
	bind_text(statement, 5, user);
	if (detail)
		bind_text(statement, 6, detail);
	return run(h, statement);
}

struct error *history_event(struct history *h, const char *kind, int64_t function, int number,
			    const char *user, const char *detail)
{
	struct error *e = begin(h);

	return finish(h, e ? e : add_event(h, kind, function, number, user, detail));
}
