/* The store: all that history.h promises, also to several processes, on damaged files and on full disks. */
#include "history.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- what the tests know of sqlite --------------------------------------------------------------------- */

static sqlite3 *newest_connection; /* opened last: after history_open, the history's own */
static int allocations_left = -1;  /* that which makes this 0 fails; negative: none does */
static sqlite3_mem_methods plain;

static bool allocation_fails(void)
{
	return allocations_left > 0 && --allocations_left == 0;
}

static void *failing_malloc(int size)
{
	return allocation_fails() ? NULL : plain.xMalloc(size);
}

static void *failing_realloc(void *memory, int size)
{
	return allocation_fails() ? NULL : plain.xRealloc(memory, size);
}

static int remember_connection(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	newest_connection = db;
	return SQLITE_OK;
}

static void watch_sqlite(void)
{
	sqlite3_mem_methods failing;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
	failing = plain;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	sqlite3_auto_extension((void (*)(void))remember_connection);
}

/* --- a history in a directory of its own --------------------------------------------------------------- */

struct fixture {
	char directory[64], path[128];
	struct history *history;
	sqlite3 *connection;
	int64_t price, total;
};

static const struct history_process first_run = {100, "/opt/shop", "aa", .started = 7};
static const struct history_process second_run = {101, "/opt/shop", "aa", .started = 9};
static const struct history_process rebuilt_run = {102, "/opt/shop", "bb", .started = 11};
static const struct history_function price = {.module = "shop", .file = "/src/shop.c", .name = "price"};
static const struct history_function total = {.module = "shop", .file = "/src/shop.c", .name = "total"};

static void succeed(struct error *e)
{
	if (e)
		fail_msg("%s", error_message(e));
}

static void refuse(struct error *e, enum error_class class, const char *words)
{
	assert_non_null(e);
	if (!strstr(error_message(e), words))
		fail_msg("\"%s\" does not say \"%s\"", error_message(e), words);
	assert_int_equal(error_class(e), class);
	error_free(e);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int make_directory(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->directory, sizeof(f->directory), "/tmp/history_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/shop.db", f->directory);
	*state = f;
	return 0;
}

static void open_as(struct fixture *f, const struct history_process *run)
{
	history_close(f->history);
	f->history = NULL;
	succeed(history_open(f->path, run, &f->history));
	f->connection = newest_connection;
	succeed(history_function_id(f->history, &price, &f->price));
	succeed(history_function_id(f->history, &total, &f->total));
}

static int make_history(void **state)
{
	make_directory(state);
	open_as(*state, &first_run);
	return 0;
}

static int remove_directory(void **state)
{
	struct fixture *f = *state;

	allocations_left = -1;
	history_close(f->history);
	assert_int_equal(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

/* The database seen by somebody else. */
static sqlite3 *open_raw(const struct fixture *f)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	return db;
}

static void raw(const struct fixture *f, const char *sql)
{
	sqlite3 *db = open_raw(f);
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

/* The first column of the first row, as text. */
static void raw_text(const struct fixture *f, const char *sql, char *buffer, size_t size)
{
	sqlite3 *db = open_raw(f);
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	snprintf(buffer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static int64_t raw_number(const struct fixture *f, const char *sql)
{
	char text[64];

	raw_text(f, sql, text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static void assert_intact(const struct fixture *f)
{
	char text[256];

	raw_text(f, "PRAGMA integrity_check", text, sizeof(text));
	assert_string_equal(text, "ok");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM function AS f WHERE versions <> (SELECT count(*)"
				       " FROM version AS v WHERE v.function = f.id AND v.number > 0)"),
			 0);
}

static struct history_version make_version(int64_t function, int parent, const char *text)
{
	return (struct history_version){
		.function = function,
		.parent = parent,
		.text = text,
		.slice_hash = "5eed",
		.backend = "tcc",
		.compiler = "libtcc 0.9.27",
		.flags = "-O0 -g",
		.origin = "console",
		.user = "ada",
		.note = "",
		.file = "/src/shop.c",
		.line = 12,
	};
}

static int add(struct history *h, int64_t function, int parent, const char *text)
{
	struct history_version version = make_version(function, parent, text);

	succeed(history_add(h, &version, 1));
	return version.number;
}

static void add_built(struct history *h, int64_t function, const char *text)
{
	struct history_version version = make_version(function, 3, text);

	succeed(history_add_built(h, &version));
}

static int64_t record(struct history *h, enum history_kind kind, int64_t subject, int64_t function, int from,
		      int to)
{
	struct history_move move = {.function = function, .from = from, .to = to};
	int64_t change = 0;

	succeed(history_record(h, kind, "ada", subject, &move, 1, &change));
	return change;
}

static int64_t define(struct history *h, int64_t function, int from, const char *text)
{
	return record(h, HISTORY_DEFINE, 0, function, from, add(h, function, from, text));
}

static int live(struct history *h, int64_t function)
{
	int number = -1;

	succeed(history_live(h, function, &number));
	return number;
}

static int count(struct history *h, int64_t function)
{
	int versions = -1;

	succeed(history_count(h, function, &versions));
	return versions;
}

/* A version that outlives the callback. */
struct copy {
	struct history_version version;
	char text[256], note[64], time[32], origin[16], backend[16], user[16], file[64];
};

static void keep(void *context, const struct history_version *version)
{
	struct copy *copy = context;

	assert_true(version->text && version->note && version->time && version->file);
	copy->version = *version;
	snprintf(copy->text, sizeof(copy->text), "%s", version->text);
	snprintf(copy->note, sizeof(copy->note), "%s", version->note);
	snprintf(copy->time, sizeof(copy->time), "%s", version->time);
	snprintf(copy->origin, sizeof(copy->origin), "%s", version->origin);
	snprintf(copy->backend, sizeof(copy->backend), "%s", version->backend);
	snprintf(copy->user, sizeof(copy->user), "%s", version->user);
	snprintf(copy->file, sizeof(copy->file), "%s", version->file);
}

static struct copy get(struct history *h, int64_t function, int number)
{
	struct copy copy = {0};

	succeed(history_find(h, function, number, keep, &copy));
	return copy;
}

/* What log_versions gave, as "price1 total1 price0" with a star behind what is live. */
struct listing {
	char text[512];
	int64_t last_id;
	int stop_after; /* 0: never */
};

static bool list(void *context, const struct history_version *version,
		 const struct history_function *function)
{
	struct listing *listing = context;
	size_t length = strlen(listing->text);

	snprintf(listing->text + length, sizeof(listing->text) - length, "%s%s%d%s", length ? " " : "",
		 function->name, version->number, version->live ? "*" : "");
	listing->last_id = version->id;
	return !listing->stop_after || --listing->stop_after > 0;
}

static void assert_listed(struct history *h, int64_t function, int64_t before, int limit,
			  const char *expected)
{
	struct listing listing = {.text = ""};

	struct log_filter filter = {.function = function, .before = before, .limit = limit};
	succeed(log_versions(h, &filter, list, &listing));
	assert_string_equal(listing.text, expected);
}

/* --- opening ------------------------------------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void open_below(struct fixture *f, mode_t mask, const char *name)
{
	char path[256], wal[300], directory[256];

	snprintf(path, sizeof(path), "%s/%s/b/shop.db", f->directory, name);
	mode_t before = umask(mask);
	struct error *e = history_open(path, &first_run, &f->history);
	umask(before);
	succeed(e);
	assert_string_equal(history_path(f->history), path);
	assert_int_equal(mode_of(path), 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	assert_int_equal(mode_of(wal), 0600);
	snprintf(wal, sizeof(wal), "%s-shm", path);
	assert_int_equal(mode_of(wal), 0600);
	snprintf(directory, sizeof(directory), "%s/%s", f->directory, name);
	assert_int_equal(mode_of(directory), 0700);
	strcat(directory, "/b");
	assert_int_equal(mode_of(directory), 0700);
	history_close(f->history);
	f->history = NULL;
}

static void directories_and_file_are_private_whatever_the_umask(void **state)
{
	open_below(*state, 0, "open");
	open_below(*state, 0777, "closed");
}

static void a_history_in_memory_works(void **state)
{
	struct history *h;
	int64_t id;

	(void)state;
	succeed(history_open(":memory:", &first_run, &h));
	succeed(history_function_id(h, &price, &id));
	define(h, id, 0, "int price;");
	assert_int_equal(live(h, id), 1);
	history_close(h);
	history_close(NULL);
}

static void an_empty_file_becomes_a_history(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
	open_as(f, &first_run);
	assert_int_equal(mode_of(f->path), 0644); /* whoever made it chose that */
	assert_int_equal(add(f->history, f->price, 0, "int price;"), 1);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	f->history = NULL;
	raw(f, "PRAGMA user_version = 99");
	struct error *e = history_open(f->path, &second_run, &f->history);
	assert_non_null(strstr(error_message(e), f->path));
	refuse(e, ERROR_INTERNAL, "newer rtf: its schema is 99, ours is 5");
	assert_null(f->history);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 1);
}

static void the_database_of_another_program_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;

	raw(f, "CREATE TABLE recipe (name)");
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "database of another program");
	raw(f, "PRAGMA user_version = 1");
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "database of another program");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM sqlite_master"), 1);
	char mode[16];
	raw_text(f, "PRAGMA journal_mode", mode, sizeof(mode));
	assert_string_equal(mode, "delete");
}

static void a_path_that_cannot_be_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 64];

	refuse(history_open("", &first_run, &f->history), ERROR_INTERNAL, "empty");
	refuse(history_open(f->directory, &first_run, &f->history), ERROR_INTERNAL, f->directory);

	open_as(f, &first_run);
	history_close(f->history);
	f->history = NULL;
	snprintf(path, sizeof(path), "%s/below.db", f->path);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, path);
	snprintf(path, sizeof(path), "%s/below/more.db", f->path);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "Not a directory");

	memset(path, 'x', sizeof(path));
	snprintf(path, sizeof(path), "%s/", f->directory);
	memset(path + strlen(path), 'x', PATH_MAX);
	path[PATH_MAX + 32] = '\0';
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "File name too long");

	snprintf(path, sizeof(path), "%s/pipe.db", f->directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, "not a regular file");
	snprintf(path, sizeof(path), "%s/dangling.db", f->directory);
	assert_int_equal(symlink("/nonexistent/history", path), 0);
	refuse(history_open(path, &first_run, &f->history), ERROR_INTERNAL, path);
	assert_null(f->history);
}

/* Runs `child` in a process of its own, where nothing is allowed that the mode bits forbid: root's rights are
 * given up. Its return value is the exit status. */
static int run_without_rights(int (*child)(struct fixture *), struct fixture *f)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		struct __user_cap_data_struct none[2] = {0};
		_exit(syscall(SYS_capset, &header, none) ? 99 : child(f));
	}

	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_is_refused(struct fixture *f)
{
	struct history *h;
	struct error *e = history_open(f->path, &first_run, &h);

	if (!e)
		return 1;
	bool named = strstr(error_message(e), f->path);
	error_free(e);
	return named ? 0 : 2;
}

static void a_directory_that_is_read_only_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->directory, 0500), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->directory, 0700), 0);
	open_as(f, &first_run);
	history_close(f->history);
	f->history = NULL;

	/* Now the file is there, but not what WAL needs beside it. */
	assert_int_equal(chmod(f->directory, 0500), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->directory, 0700), 0);
}

static void a_file_that_is_read_only_is_refused(void **state)
{
	struct fixture *f = *state;

	history_close(f->history);
	f->history = NULL;
	assert_int_equal(chmod(f->path, 0400), 0);
	assert_int_equal(run_without_rights(open_is_refused, f), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
	open_as(f, &first_run);
}

/* --- damage -------------------------------------------------------------------------------------------- */

static void overwrite(const char *path, off_t offset, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char *garbage = malloc(length);

	assert_true(fd >= 0);
	assert_non_null(garbage);
	memset(garbage, 0xa5, length);
	assert_int_equal(pwrite(fd, garbage, length, offset), (ssize_t)length);
	free(garbage);
	close(fd);
}

static void fill(struct fixture *f)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 40; i++) {
		snprintf(text + 1980, 20, "%d", i);
		define(f->history, f->price, i, text);
	}
	history_close(f->history);
	f->history = NULL;
}

static void what_is_no_database_is_refused(void **state)
{
	struct fixture *f = *state;

	overwrite(f->path, 0, 10000);
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "is no history");
	assert_null(f->history);
}

static void a_damaged_file_is_refused(void **state)
{
	struct fixture *f = *state;

	fill(f);
	overwrite(f->path, 4096, 30 * 4096);
	refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, "is damaged");
	assert_null(f->history);
}

static void a_file_cut_short_is_refused(void **state)
{
	struct fixture *f = *state;

	fill(f);
	/* Down to two bytes: sqlite takes a file of one for an empty one. */
	for (off_t size = 20 * 4096; size > 1; size /= 2) {
		assert_int_equal(truncate(f->path, size), 0);
		refuse(history_open(f->path, &first_run, &f->history), ERROR_INTERNAL, f->path);
	}
}

static void damage_to_one_table_leaves_the_others_usable(void **state)
{
	struct fixture *f = *state;
	int64_t page;

	fill(f);
	page = raw_number(f, "SELECT rootpage FROM sqlite_master WHERE name = 'text'");
	overwrite(f->path, (off_t)(page - 1) * 4096, 4096);
	open_as(f, &first_run);
	struct copy copy;
	refuse(history_find(f->history, f->price, 1, keep, &copy), ERROR_INTERNAL, "is damaged");
	struct history_version version = make_version(f->price, 1, "int price;");
	refuse(history_add(f->history, &version, 1), ERROR_INTERNAL, "is damaged");
	assert_int_equal(count(f->history, f->price), 40);
	assert_int_equal(live(f->history, f->price), 40);
	succeed(history_event(f->history, "fault", f->price, 40, "ada", "the store is damaged"));
}

/* --- functions and versions ---------------------------------------------------------------------------- */

static void a_function_has_one_row(void **state)
{
	struct fixture *f = *state;
	int64_t id, other;
	const struct history_function twin = {.module = "shop", .file = "/src/cart.c", .name = "price"};

	succeed(history_function_id(f->history, &price, &id));
	assert_int_equal(id, f->price);
	succeed(history_function_id(f->history, &twin, &other));
	assert_int_not_equal(other, id);
	assert_int_not_equal(f->total, id);
	open_as(f, &second_run);
	assert_int_equal(f->price, id);
}

static void a_version_comes_back_as_it_was_stored(void **state)
{
	struct fixture *f = *state;
	struct history_version version = make_version(f->price, 0, "int price(void)\n{\n\treturn 3;\n}\n");
	char note[] = "first";

	version.note = note;
	succeed(history_add(f->history, &version, 1));
	assert_int_equal(version.number, 1);
	note[0] = 'F'; /* strings are borrowed for the call only */
	struct copy copy = get(f->history, f->price, 1);
	assert_string_equal(copy.text, version.text);
	assert_string_equal(copy.note, "first");
	assert_string_equal(copy.origin, "console");
	assert_string_equal(copy.backend, "tcc");
	assert_string_equal(copy.user, "ada");
	assert_string_equal(copy.file, "/src/shop.c");
	assert_int_equal(copy.version.id, version.id);
	assert_int_equal(copy.version.function, f->price);
	assert_int_equal(copy.version.number, 1);
	assert_int_equal(copy.version.parent, 0);
	assert_int_equal(copy.version.line, 12);
	assert_false(copy.version.live);

	int year, month, day, hour, minute, second, milliseconds, end = 0;
	int fields = sscanf(copy.time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
			    &second, &milliseconds, &end);
	assert_int_equal(fields, 7);
	assert_int_equal(end, 24);
	assert_int_equal(strlen(copy.time), 24);
}

static void strings_left_out_are_empty_and_no_parent_is_minus_one(void **state)
{
	struct fixture *f = *state;
	struct history_version version = {.function = f->price, .parent = -1};

	succeed(history_add(f->history, &version, 1));
	struct copy copy = get(f->history, f->price, 1);
	assert_string_equal(copy.text, "");
	assert_string_equal(copy.note, "");
	assert_int_equal(copy.version.parent, -1);
}

static void text_of_any_bytes_is_kept(void **state)
{
	static const char *const texts[] = {
		"char *s = \"Grüße, 世界 🛒\";",
		"/* latin-1: \xe9\xff */",
		"\xf0\x9f",
		"a\r\nb\\\n'\"%s\"",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int number = add(f->history, f->price, 0, texts[i]);
		assert_string_equal(get(f->history, f->price, number).text, texts[i]);
	}
	succeed(history_note(f->history, f->price, 1, "ada", "für später"));
	assert_string_equal(get(f->history, f->price, 1).note, "für später");
}

static void take_length(void *context, const struct history_version *version)
{
	*(size_t *)context = strlen(version->text);
}

static void a_text_of_ten_megabytes_is_kept(void **state)
{
	struct fixture *f = *state;
	size_t size = 10 << 20, length = 0;
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	add(f->history, f->price, 0, text);
	succeed(history_find(f->history, f->price, 1, take_length, &length));
	assert_int_equal(length, size);
	free(text);
}

static void a_text_is_stored_once(void **state)
{
	struct fixture *f = *state;

	add(f->history, f->price, 0, "int same;");
	add(f->history, f->price, 1, "int other;");
	add(f->history, f->price, 2, "int same;");
	add(f->history, f->total, 0, "int same;");
	add_built(f->history, f->total, "int same;");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 2);
	assert_string_equal(get(f->history, f->price, 3).text, "int same;");
}

static void texts_that_share_a_hash_are_kept_apart(void **state)
{
	struct fixture *f = *state;

	add(f->history, f->price, 0, "int one;");
	raw(f, "UPDATE text SET content = 'int two;'"); /* now the hash of "int one;" is that of "int two;" */
	add(f->history, f->price, 1, "int one;");
	add(f->history, f->price, 2, "int one;");
	assert_string_equal(get(f->history, f->price, 1).text, "int two;");
	assert_string_equal(get(f->history, f->price, 2).text, "int one;");
	assert_string_equal(get(f->history, f->price, 3).text, "int one;");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 2);
	assert_int_equal(raw_number(f, "SELECT count(DISTINCT hash) FROM text"), 1);
}

static void version_0_is_kept_once_for_each_build(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built_a;");
	add_built(f->history, f->price, "int not_this;");
	struct copy copy = get(f->history, f->price, 0);
	assert_string_equal(copy.text, "int built_a;");
	assert_string_equal(copy.origin, "built");
	assert_string_equal(copy.backend, "built");
	assert_int_equal(copy.version.parent, -1);
	assert_true(copy.version.live);
	define(f->history, f->price, 0, "int first;");
	assert_int_equal(count(f->history, f->price), 2);

	open_as(f, &rebuilt_run);
	assert_int_equal(count(f->history, f->price), 1);
	assert_listed(f->history, f->price, 0, 10, "price1");
	refuse(history_find(f->history, f->price, 0, keep, &copy), ERROR_UNKNOWN, "no version 0 of price");
	add_built(f->history, f->price, "int built_b;");
	assert_string_equal(get(f->history, f->price, 0).text, "int built_b;");
	assert_int_equal(count(f->history, f->price), 2);
	assert_listed(f->history, f->price, 0, 10, "price1 price0*");
	assert_listed(f->history, 0, 0, 10, "price0* price1");

	open_as(f, &second_run);
	assert_string_equal(get(f->history, f->price, 0).text, "int built_a;");
}

static void numbers_count_from_one_for_each_function_over_all_runs(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f->history, f->price, 0, "a"), 1);
	assert_int_equal(add(f->history, f->price, 1, "b"), 2);
	assert_int_equal(add(f->history, f->total, 0, "c"), 1);
	open_as(f, &rebuilt_run);
	assert_int_equal(add(f->history, f->price, 0, "d"), 3);
	assert_int_equal(add(f->history, f->total, 0, "e"), 2);
}

static void two_handles_share_one_count(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	succeed(history_open(f->path, &second_run, &other));
	for (int i = 1; i < 20; i += 2) {
		assert_int_equal(add(f->history, f->price, 0, "mine"), i);
		assert_int_equal(add(other, f->price, 0, "theirs"), i + 1);
	}
	assert_int_equal(count(f->history, f->price), 20);
	history_close(other);
}

static void several_are_added_together(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {
		make_version(f->price, 0, "a"),
		make_version(f->total, 0, "b"),
		make_version(f->price, 0, "c"),
	};

	succeed(history_add(f->history, versions, 3));
	assert_int_equal(versions[0].number, 1);
	assert_int_equal(versions[1].number, 1);
	assert_int_equal(versions[2].number, 2);
	assert_int_equal(get(f->history, f->total, 1).version.id, versions[1].id);
	succeed(history_add(f->history, NULL, 0));
}

static void several_are_added_all_or_none(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {
		make_version(f->price, 0, "a"),
		make_version(f->total, 0, "b"),
		make_version(4711, 0, "c"),
	};

	refuse(history_add(f->history, versions, 3), ERROR_UNKNOWN, "no such function");
	assert_int_equal(versions[0].number, 0);
	assert_int_equal(versions[0].id, 0);
	assert_int_equal(count(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 0);
	succeed(history_add(f->history, versions, 2));
	assert_int_equal(versions[0].number, 1);
	assert_intact(f);
}

static void a_definition_after_a_rollback_has_the_old_version_as_parent(void **state)
{
	struct fixture *f = *state;

	define(f->history, f->price, 0, "a");
	define(f->history, f->price, 1, "b");
	record(f->history, HISTORY_ROLLBACK, 0, f->price, 2, 1);
	assert_int_equal(live(f->history, f->price), 1);
	define(f->history, f->price, live(f->history, f->price), "c");
	assert_int_equal(get(f->history, f->price, 3).version.parent, 1);
	assert_int_equal(get(f->history, f->price, 2).version.parent, 1);
	assert_listed(f->history, f->price, 0, -1, "price3* price2 price1");
}

static void what_is_not_there_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct copy copy;
	int number = 5;

	refuse(history_find(f->history, f->price, 3, keep, &copy), ERROR_UNKNOWN, "price has no version 3");
	refuse(history_find(f->history, f->price, -2, keep, &copy), ERROR_UNKNOWN, "price has no version -2");
	refuse(history_find(f->history, 4711, 3, keep, &copy), ERROR_UNKNOWN, "no function 4711");
	refuse(history_note(f->history, f->price, 3, "ada", "x"), ERROR_UNKNOWN, "price has no version 3");
	refuse(history_note(f->history, f->price, 0, "ada", "x"), ERROR_UNKNOWN, "no version 0 of price");
	refuse(history_count(f->history, 4711, &number), ERROR_UNKNOWN, "no function 4711");
	assert_int_equal(number, 5);
	assert_int_equal(live(f->history, 4711), 0);
}

static void a_note_replaces_the_one_before(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built;");
	add(f->history, f->price, 0, "a");
	add(f->history, f->price, 1, "b");
	succeed(history_note(f->history, f->price, 1, "ada", "too cheap"));
	succeed(history_note(f->history, f->price, 1, "ada", "still too cheap"));
	succeed(history_note(f->history, f->price, 0, "ada", "as shipped"));
	assert_string_equal(get(f->history, f->price, 1).note, "still too cheap");
	assert_string_equal(get(f->history, f->price, 2).note, "");
	assert_string_equal(get(f->history, f->price, 0).note, "as shipped");
	succeed(history_note(f->history, f->price, 1, "ada", ""));
	assert_string_equal(get(f->history, f->price, 1).note, "");
}

static void versions_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built;");
	for (int i = 0; i < 5; i++)
		define(f->history, f->price, i, "a");
	assert_listed(f->history, f->price, 0, -1, "price5* price4 price3 price2 price1 price0");
	assert_listed(f->history, f->price, 0, 2, "price5* price4");
	assert_listed(f->history, f->price, 4, 2, "price3 price2");
	assert_listed(f->history, f->price, 2, 2, "price1 price0");
	assert_listed(f->history, f->price, 1, 2, "price0");
	assert_listed(f->history, 4711, 0, 9, "");
}

static void all_functions_are_listed_in_pages_by_row(void **state)
{
	struct fixture *f = *state;
	struct listing listing = {.text = ""};

	add_built(f->history, f->price, "int built;");
	define(f->history, f->price, 0, "a");
	define(f->history, f->total, 0, "b");
	define(f->history, f->price, 1, "c");
	succeed(log_versions(f->history, &(struct log_filter){.limit = 2}, list, &listing));
	assert_string_equal(listing.text, "price2* total1*");
	assert_listed(f->history, 0, listing.last_id, 9, "price1 price0");
}

static void a_listing_stops_when_told(void **state)
{
	struct fixture *f = *state;
	struct listing listing = {.stop_after = 2};

	add_built(f->history, f->price, "int built;");
	add(f->history, f->price, 0, "a");
	succeed(log_versions(f->history, &(struct log_filter){.function = f->price, .before = 2}, list,
			     &listing));
	assert_string_equal(listing.text, "price1 price0*");
	listing = (struct listing){.stop_after = 1};
	succeed(log_versions(f->history, &(struct log_filter){.function = f->price}, list, &listing));
	assert_string_equal(listing.text, "price1");
}

/* --- runs ---------------------------------------------------------------------------------------------- */

static void live_marks_belong_to_a_run(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	define(f->history, f->price, 0, "a");
	succeed(history_open(f->path, &second_run, &other));
	assert_int_equal(live(other, f->price), 0);
	define(other, f->price, 0, "b");
	assert_int_equal(live(other, f->price), 2);
	assert_int_equal(live(f->history, f->price), 1);
	assert_listed(other, f->price, 0, 9, "price2* price1");
	assert_listed(f->history, f->price, 0, 9, "price2 price1*");
	history_close(other);
}

static void the_same_run_is_gone_on_with(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	size_t moved;
	int64_t change, next;

	change = define(f->history, f->price, 0, "a");
	open_as(f, &first_run);
	assert_int_equal(live(f->history, f->price), 1);
	succeed(history_next(f->history, false, &next, &moves, &moved));
	assert_int_equal(next, change);
	free(moves);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 1);

	struct history_process reborn = first_run;
	reborn.started++;
	open_as(f, &reborn);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 2);
}

/* --- undo and redo ------------------------------------------------------------------------------------- */

static void assert_next(struct history *h, bool redo, int64_t change, int from, int to)
{
	struct history_move *moves;
	size_t moved;
	int64_t next;

	succeed(history_next(h, redo, &next, &moves, &moved));
	assert_int_equal(next, change);
	assert_int_equal(moved, change ? 1 : 0);
	if (change) {
		assert_int_equal(moves[0].from, from);
		assert_int_equal(moves[0].to, to);
	} else {
		assert_null(moves);
	}
	free(moves);
}

/* What the engine does for `\undo` and `\redo`. */
static int64_t go(struct history *h, bool redo)
{
	enum history_kind kind = redo ? HISTORY_REDO : HISTORY_UNDO;
	struct history_move *moves;
	size_t moved;
	int64_t change;

	succeed(history_next(h, redo, &change, &moves, &moved));
	if (change)
		succeed(history_record(h, kind, "ada", change, moves, moved, NULL));
	free(moves);
	return change;
}

static void undo_goes_back_and_redo_forth(void **state)
{
	struct fixture *f = *state;

	assert_next(f->history, false, 0, 0, 0);
	assert_next(f->history, true, 0, 0, 0);
	int64_t a = define(f->history, f->price, 0, "a");
	int64_t b = define(f->history, f->price, 1, "b");
	int64_t c = record(f->history, HISTORY_ROLLBACK, 0, f->price, 2, 0);
	assert_next(f->history, true, 0, 0, 0);
	assert_next(f->history, false, c, 0, 2);
	assert_int_equal(go(f->history, false), c);
	assert_int_equal(live(f->history, f->price), 2);
	assert_next(f->history, false, b, 2, 1);
	assert_next(f->history, true, c, 2, 0);
	assert_int_equal(go(f->history, false), b);
	assert_int_equal(go(f->history, false), a);
	assert_int_equal(go(f->history, false), 0);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(go(f->history, true), a);
	assert_int_equal(go(f->history, true), b);
	assert_int_equal(live(f->history, f->price), 2);
	assert_int_equal(go(f->history, false), b);
	assert_int_equal(go(f->history, true), b);
	assert_int_equal(go(f->history, true), c);
	assert_int_equal(go(f->history, true), 0);
	assert_int_equal(live(f->history, f->price), 0);
}

static void a_new_change_ends_what_could_be_redone(void **state)
{
	struct fixture *f = *state;

	int64_t a = define(f->history, f->price, 0, "a");
	int64_t b = define(f->history, f->price, 1, "b");
	assert_int_equal(go(f->history, false), b);
	int64_t c = define(f->history, f->price, 1, "c");
	assert_next(f->history, true, 0, 0, 0);
	assert_int_equal(go(f->history, false), c);
	assert_next(f->history, true, c, 1, 3); /* and not b, which was given up when c was made */
	assert_next(f->history, false, a, 1, 0);
	assert_int_equal(go(f->history, false), a);
	assert_int_equal(go(f->history, true), a);
	assert_int_equal(go(f->history, true), c);
	assert_int_equal(go(f->history, true), 0);
	assert_int_equal(live(f->history, f->price), 3);
}

static void a_record_in_two_halves_counts_once_it_is_kept(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = add(f->history, f->price, 0, "a")};

	succeed(history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM live"), 0);
	succeed(history_record_end(f->history, true));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 1);
	assert_int_equal(live(f->history, f->price), 1);
}

static void a_record_that_is_taken_back_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = add(f->history, f->price, 0, "a")};
	struct history *other;

	succeed(history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1));
	succeed(history_record_end(f->history, false));
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	succeed(history_open(f->path, &second_run, &other));
	define(other, f->price, 0, "b"); /* nothing is locked */
	history_close(other);
	assert_int_equal(record(f->history, HISTORY_DEFINE, 0, f->price, 0, 1) > 0, true);
}

static void a_record_whose_first_half_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = 7};

	struct error *e = history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1);
	assert_int_equal(error_class(e), ERROR_UNKNOWN);
	error_free(e);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	define(f->history, f->price, 0, "a");
}

static void a_change_of_several_functions_is_undone_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {make_version(f->price, 0, "a"), make_version(f->total, 0, "b")};
	struct history_move *moves;
	size_t moved;
	int64_t change;

	succeed(history_add(f->history, versions, 2));
	struct history_move both[] = {{.function = f->price, .to = 1}, {.function = f->total, .to = 1}};
	succeed(history_record(f->history, HISTORY_DEFINE, "ada", 0, both, 2, NULL));
	succeed(history_next(f->history, false, &change, &moves, &moved));
	assert_int_equal(moved, 2);
	assert_int_equal(moves[0].from, 1);
	assert_int_equal(moves[1].to, 0);
	assert_int_not_equal(moves[0].function, moves[1].function);
	free(moves);
	go(f->history, false);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(live(f->history, f->total), 0);
	go(f->history, true);
	assert_int_equal(live(f->history, f->total), 1);
}

static void a_change_may_move_a_hundred_functions(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[100];
	struct history_move made[100], *moves;
	size_t moved;
	int64_t change;
	char name[16];

	for (int i = 0; i < 100; i++) {
		struct history_function function = {.module = "shop", .file = "/src/many.c", .name = name};
		snprintf(name, sizeof(name), "f%d", i);
		made[i] = (struct history_move){.to = 1};
		succeed(history_function_id(f->history, &function, &made[i].function));
		versions[i] = make_version(made[i].function, 0, "a");
	}
	succeed(history_add(f->history, versions, 100));
	succeed(history_record(f->history, HISTORY_RESTORE, "ada", 0, made, 100, NULL));
	succeed(history_next(f->history, false, &change, &moves, &moved));
	assert_int_equal(moved, 100);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(moves[i].function, made[i].function);
		assert_int_equal(moves[i].from, 1);
		assert_int_equal(moves[i].to, 0);
	}
	free(moves);
}

static void undo_belongs_to_a_run(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	int64_t a = define(f->history, f->price, 0, "a");
	succeed(history_open(f->path, &second_run, &other));
	assert_next(other, false, 0, 0, 0);
	int64_t b = define(other, f->price, 0, "b");
	assert_next(f->history, false, a, 1, 0);
	assert_int_equal(go(f->history, false), a);
	int64_t c = define(other, f->price, 2, "c"); /* another run's change takes no redo away */
	assert_next(f->history, true, a, 0, 1);
	assert_int_equal(go(other, false), c);
	assert_int_equal(go(other, false), b);
	history_close(other);
}

/* Against two stacks, as every editor has them. */
static void undo_and_redo_agree_with_two_stacks(void **state)
{
	struct fixture *f = *state;
	int64_t done[400], undone[400];
	int done_count = 0, undone_count = 0;
	uint32_t random = 20260102;

	for (int i = 0; i < 400; i++) {
		random = random * 1664525 + 1013904223;
		switch (random >> 24 & 3) {
		case 0:
			done[done_count++] = define(f->history, f->price, live(f->history, f->price), "x");
			undone_count = 0;
			break;
		case 1:
		case 2:
			assert_int_equal(go(f->history, false), done_count ? done[done_count - 1] : 0);
			if (done_count)
				undone[undone_count++] = done[--done_count];
			break;
		case 3:
			assert_int_equal(go(f->history, true), undone_count ? undone[undone_count - 1] : 0);
			if (undone_count)
				done[done_count++] = undone[--undone_count];
			break;
		}
	}
	assert_intact(f);
}

static void refuse_change(struct history *h, enum history_kind kind, int64_t subject,
			  const struct history_move *moves, size_t moved, enum error_class class,
			  const char *words)
{
	int64_t change = 77;

	refuse(history_record(h, kind, "ada", subject, moves, moved, &change), class, words);
	assert_int_equal(change, 77);
}

static void a_change_that_makes_no_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct history_move twice[] = {{f->price, 0, 1}, {f->price, 0, 1}};
	const struct history_move missing = {.function = f->price, .to = 8};
	const struct history_move negative = {.function = f->price, .to = -1};
	const struct history_move nobody = {.function = 4711};

	int64_t a = define(f->history, f->price, 0, "a");
	refuse_change(f->history, HISTORY_DEFINE, 0, &missing, 1, ERROR_UNKNOWN, "price has no version 8");
	refuse_change(f->history, HISTORY_DEFINE, 0, &negative, 1, ERROR_UNKNOWN, "price has no version -1");
	refuse_change(f->history, HISTORY_ROLLBACK, 0, &nobody, 1, ERROR_UNKNOWN, "no such function");
	refuse_change(f->history, HISTORY_DEFINE, 0, twice, 2, ERROR_INTERNAL, f->path);
	refuse_change(f->history, HISTORY_DEFINE, 0, twice, 0, ERROR_INTERNAL, "moves");
	refuse_change(f->history, HISTORY_DEFINE, a, twice, 1, ERROR_INTERNAL, "subject");
	refuse_change(f->history, HISTORY_UNDO, 0, twice, 1, ERROR_INTERNAL, "subject");
	refuse_change(f->history, HISTORY_UNDO, 4711, twice, 1, ERROR_UNKNOWN, "change");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 1);
	assert_int_equal(live(f->history, f->price), 1);
	assert_next(f->history, false, a, 1, 0);
}

/* --- what people read ---------------------------------------------------------------------------------- */

static void events_are_appended(void **state)
{
	struct fixture *f = *state;
	char text[128];

	succeed(history_event(f->history, "refused", f->price, 3, "ada", "4 bytes became 8"));
	succeed(history_event(f->history, "attached", 0, -1, "", NULL));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event WHERE kind <> 'started'"), 2);
	raw_text(f,
		 "SELECT e.kind || ' ' || f.name || ' ' || e.number || ' ' || e.user || ': ' || e.detail"
		 " FROM event AS e JOIN function AS f ON f.id = e.function",
		 text, sizeof(text));
	assert_string_equal(text, "refused price 3 ada: 4 bytes became 8");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event WHERE kind = 'attached' AND function IS "
				       "NULL AND number IS NULL"
				       " AND detail IS NULL"),
			 1);
	refuse(history_event(f->history, "fault", 4711, 1, "ada", NULL), ERROR_UNKNOWN, "no such function");
}

static void a_run_that_nobody_saw_end_is_ended_once_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct history_process self = {.pid = getpid(),
				       .program = "/opt/shop",
				       .build_id = "aa",
				       .started = history_process_started(getpid())};
	struct history_process gone = {.pid = 1, .program = "/opt/shop", .build_id = "aa", .started = 1};
	struct history *running, *killed;

	succeed(history_open(f->path, &self, &running));
	succeed(history_open(f->path, &gone, &killed));
	history_close(killed);
	succeed(history_end_runs(f->history, "noticed"));
	succeed(history_end_runs(f->history, "noticed"));
	succeed(history_end_runs(running, "noticed too"));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event AS e JOIN process AS p ON p.id = e.process"
				       " WHERE kind = 'ended' AND detail = 'noticed' AND p.pid = 1"
				       " AND p.started = 1"),
			 1);
	char own[200];
	snprintf(own, sizeof(own),
		 "SELECT count(*) FROM event AS e JOIN process AS p ON p.id = e.process"
		 " WHERE kind = 'ended' AND p.pid = %d",
		 (int)getpid());
	assert_int_equal(raw_number(f, own), 0);
	history_close(running);
}

static void the_views_tell_a_person_what_happened(void **state)
{
	struct fixture *f = *state;
	char text[256];

	define(f->history, f->price, 0, "a");
	define(f->history, f->total, 0, "b");
	define(f->history, f->price, 1, "c");
	record(f->history, HISTORY_ROLLBACK, 0, f->total, 1, 0);
	raw_text(f, "SELECT group_concat(function || ' ' || version || ' ' || user) FROM versions_live", text,
		 sizeof(text));
	assert_string_equal(text, "price 2 ada");
	raw_text(f, "SELECT group_concat(kind || ' ' || moves, '; ') FROM changes", text, sizeof(text));
	assert_string_equal(text, "rollback total 1 -> 0; define price 1 -> 2; define total 0 -> 1;"
				  " define price 0 -> 1");

	/* Functions of one name by their files; by the whole path where that says no more. */
	static const struct history_function others[] = {
		{.module = "shop", .file = "/src/other.c", .name = "price"},
		{.module = "shop", .file = "/src/total/shop.c", .name = "total"}};
	int64_t id;
	for (size_t i = 0; i < 2; i++) {
		succeed(history_function_id(f->history, &others[i], &id));
		define(f->history, id, 0, "d");
	}
	raw_text(f, "SELECT group_concat(moves, '; ') FROM (SELECT moves FROM changes LIMIT 5)", text,
		 sizeof(text));
	assert_string_equal(text,
			    "/src/total/shop.c:total 0 -> 1; other.c:price 0 -> 1; /src/shop.c:total 1 -> 0;"
			    " shop.c:price 1 -> 2; /src/shop.c:total 0 -> 1");
	raw_text(f, "SELECT function FROM events WHERE function LIKE '%price' LIMIT 1", text, sizeof(text));
	assert_string_equal(text, "other.c:price");
}

static int count_unexplained(void *context, int columns, char **values, char **names)
{
	int *unexplained = context;
	char *rest = NULL;

	(void)columns;
	(void)names;
	for (char *line = strtok_r(values[0], "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool column = line[0] == '\t' && line[1] >= 'a' && line[1] <= 'z';
		if (column && !strstr(line, "PRIMARY KEY") && !strstr(line, " -- ")) {
			print_message("no comment: %s\n", line);
			++*unexplained;
		}
	}
	return 0;
}

static void every_table_and_column_is_explained(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = open_raw(f);
	int unexplained = 0;

	int rc = sqlite3_exec(db, "SELECT sql FROM sqlite_master WHERE type = 'table'", count_unexplained,
			      &unexplained, NULL);
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(unexplained, 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
				       " AND sql NOT LIKE '%(' || char(10) || char(9) || '-- %'"),
			 0);
}

/* --- several processes --------------------------------------------------------------------------------- */

/* Adds `rounds` versions as process `pid`, answering each on `report`; returns the exit status. */
static int add_many(const struct fixture *f, int64_t pid, int rounds, int report)
{
	struct history_process run = {.pid = pid, .program = "/opt/shop", .build_id = "aa", .started = 1};
	struct history *h;
	int64_t id;
	struct error *e = history_open(f->path, &run, &h);

	if (!e)
		e = history_function_id(h, &price, &id);
	for (int i = 0; !e && i < rounds; i++) {
		struct history_version version = make_version(id, i, "int price;");
		e = history_add(h, &version, 1);
		struct history_move move = {.function = id, .from = i, .to = version.number};
		if (!e)
			e = history_record(h, HISTORY_DEFINE, "ada", 0, &move, 1, NULL);
		if (!e && write(report, &version.number, sizeof(int)) != sizeof(int))
			return 2;
	}
	if (e) {
		fprintf(stderr, "    %s\n", error_message(e));
		return 1;
	}
	history_close(h);
	return 0;
}

static pid_t start_adding(const struct fixture *f, int64_t run, int rounds, const int start[2],
			  const int report[2])
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;
		close(start[1]);
		close(report[0]);
		_exit(read(start[0], &byte, 1) == 0 ? add_many(f, run, rounds, report[1]) : 3);
	}
	return pid;
}

enum { PROCESSES = 10 };

/* Ten processes begin at once to add versions, to a database that they may have to make; `seen` is set for
 * the numbers that they were given. */
static void add_from_ten(const struct fixture *f, int rounds, bool *seen)
{
	pid_t pids[PROCESSES];
	int start[2], report[2], number, status;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(report), 0);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = start_adding(f, 1000 + i, rounds, start, report);
	close(start[0]);
	close(start[1]); /* go */
	close(report[1]);
	while (read(report[0], &number, sizeof(number)) == sizeof(number)) {
		assert_in_range(number, 1, PROCESSES * rounds);
		assert_false(seen[number]);
		seen[number] = true;
	}
	close(report[0]);
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static void ten_processes_never_share_a_number(void **state)
{
	enum { ROUNDS = 60 };
	struct fixture *f = *state;
	bool seen[PROCESSES * ROUNDS + 1] = {false};

	add_from_ten(f, ROUNDS, seen);
	for (int i = 1; i <= PROCESSES * ROUNDS; i++)
		assert_true(seen[i]);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM live"), PROCESSES);
	assert_intact(f);
}

static void ten_processes_may_make_one_history_at_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		bool seen[PROCESSES + 1] = {false};
		snprintf(f->path, sizeof(f->path), "%s/%d.db", f->directory, i);
		add_from_ten(f, 1, seen);
		assert_int_equal(raw_number(f, "SELECT versions FROM function"), PROCESSES);
	}
}

static void a_writer_that_is_killed_loses_nothing_that_was_answered(void **state)
{
	struct fixture *f = *state;
	int start[2], report[2], number = 0, status;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(report), 0);
	pid_t pid = start_adding(f, 1000, INT_MAX, start, report);
	close(start[0]);
	close(start[1]);
	close(report[1]);
	struct pollfd answer = {.fd = report[0], .events = POLLIN};
	while (number < 100) {
		assert_int_equal(poll(&answer, 1, 60000), 1);
		assert_int_equal(read(report[0], &number, sizeof(number)), sizeof(number));
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(report[0], &number, sizeof(number)) == sizeof(number))
		continue;
	close(report[0]);

	open_as(f, &second_run);
	assert_true(count(f->history, f->price) >= number);
	assert_int_equal(get(f->history, f->price, number).version.number, number);
	number = count(f->history, f->price);
	assert_int_equal(add(f->history, f->price, 0, "a"), number + 1);
	assert_intact(f);
}

static void a_database_that_stays_locked_is_an_error_and_not_for_ever(void **state)
{
	struct fixture *f = *state;
	struct history_version version = make_version(f->price, 0, "a");
	struct history_move move = {.function = f->price};
	sqlite3 *other = open_raw(f);
	struct history *late = NULL;
	int64_t id;

	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	refuse(history_open(f->path, &second_run, &late), ERROR_INTERNAL, "locked by another process");
	assert_null(late); /* that took the store's own time limit */

	sqlite3_busy_timeout(f->connection, 10);
	refuse(history_add(f->history, &version, 1), ERROR_INTERNAL, "locked by another process");
	refuse(history_add_built(f->history, &version), ERROR_INTERNAL, f->path);
	refuse_change(f->history, HISTORY_DEFINE, 0, &move, 1, ERROR_INTERNAL, "locked");
	refuse(history_note(f->history, f->price, 0, "ada", "x"), ERROR_INTERNAL, "locked");
	refuse(history_event(f->history, "fault", 0, -1, "ada", NULL), ERROR_INTERNAL, "locked");
	const struct history_function new = {.module = "shop", .file = "/src/shop.c", .name = "new"};
	refuse(history_function_id(f->history, &new, &id), ERROR_INTERNAL, "locked");
	assert_int_equal(count(f->history, f->price), 0); /* reading goes on */

	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	succeed(history_add(f->history, &version, 1));
	assert_int_equal(version.number, 1);
}

enum { WRITING_MS = 3000, WRITE_EVERY_MS = 100 };

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* One long transaction, which goes on writing; `held` is told once it has the lock. */
static int write_for_long(const struct fixture *f, int held)
{
	sqlite3 *db = open_raw(f);
	long long end = now_ms() + WRITING_MS;
	bool written = sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE large (bytes)",
				    NULL, NULL, NULL) == SQLITE_OK;

	close(held);
	while (written && now_ms() < end) {
		written = sqlite3_exec(db, "INSERT INTO large VALUES (zeroblob(100000))", NULL, NULL, NULL) ==
			  SQLITE_OK;
		poll(NULL, 0, WRITE_EVERY_MS);
	}
	return !written || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK;
}

static void a_lock_is_waited_for_longer_while_somebody_writes(void **state)
{
	struct fixture *f = *state;
	int held[2], status;
	char byte;

	assert_int_equal(pipe(held), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(held[0]);
		_exit(write_for_long(f, held[1]));
	}
	close(held[1]);
	assert_int_equal(read(held[0], &byte, 1), 0);
	close(held[0]);
	assert_int_equal(add(f->history, f->price, 0, "a"), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- failures, one after the other --------------------------------------------------------------------- */

/* All that writes, one transaction after the other, as an engine would. */
struct writing {
	int stage; /* how many transactions are done; a call goes on from there */
	const char *text, *other_text;
	struct history_move moves[2];
};

static struct error *write_stage(struct fixture *f, struct writing *w)
{
	struct history_version versions[] = {
		make_version(f->price, 0, w->text),
		make_version(f->total, 0, w->other_text),
	};
	struct error *e;

	switch (w->stage) {
	case 0:
		return history_add_built(f->history, &versions[0]);
	case 1:
		e = history_add(f->history, versions, 2);
		for (int i = 0; i < 2; i++)
			w->moves[i] = (struct history_move){versions[i].function, 0, versions[i].number};
		return e;
	case 2:
		return history_record(f->history, HISTORY_DEFINE, "ada", 0, w->moves, 2, NULL);
	case 3:
		return history_note(f->history, f->price, w->moves[0].to, "ada", w->text);
	default:
		return history_event(f->history, "defined", f->price, w->moves[0].to, "ada", w->text);
	}
}

static struct error *write_all(struct fixture *f, struct writing *w)
{
	for (; w->stage < 5; w->stage++) {
		struct error *e = write_stage(f, w);
		if (e)
			return e;
	}
	return NULL;
}

#define LONG_TEXT 30000

static void fill_texts(struct writing *w, char text[2][LONG_TEXT])
{
	for (int i = 0; i < 2; i++) {
		memset(text[i], 'x' + i, LONG_TEXT - 1);
		text[i][LONG_TEXT - 1] = '\0';
	}
	*w = (struct writing){.text = text[0], .other_text = text[1]};
}

/* Versions of the two functions come in pairs, and so do moves. */
static void assert_no_half_is_there(struct fixture *f)
{
	assert_int_equal(raw_number(f, "SELECT sum(versions * CASE name WHEN 'price' THEN 1 ELSE -1 END)"
				       " FROM function"),
			 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM move"),
			 2 * raw_number(f, "SELECT count(*) FROM change"));
	assert_intact(f);
}

static void a_full_database_fails_cleanly_at_every_page(void **state)
{
	struct fixture *f = *state;
	char texts[2][LONG_TEXT], sql[64];
	struct writing writing;
	struct error *e;
	int failures = 0, pages = (int)raw_number(f, "PRAGMA page_count");

	fill_texts(&writing, texts);
	for (;; failures++) {
		snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages + failures);
		assert_int_equal(sqlite3_exec(f->connection, sql, NULL, NULL, NULL), SQLITE_OK);
		e = write_all(f, &writing);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, "full");
		assert_no_half_is_there(f);
		assert_in_range(failures, 0, 100);
	}
	assert_in_range(failures, 20, 100);
	assert_no_half_is_there(f);
}

static void limit_files_to(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_the_system_refuses_fails_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	char texts[2][LONG_TEXT], wal[160];
	struct writing writing;
	struct stat status;
	struct error *e;
	int failures = 0;

	signal(SIGXFSZ, SIG_IGN);
	fill_texts(&writing, texts);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &status), 0);
	for (;; failures++) {
		limit_files_to((rlim_t)status.st_size + 1500 * (rlim_t)failures);
		e = write_all(f, &writing);
		limit_files_to(RLIM_INFINITY);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, f->path);
		if (failures % 16 == 0)
			assert_no_half_is_there(f);
		assert_in_range(failures, 0, 1000);
	}
	assert_in_range(failures, 50, 1000);
	assert_no_half_is_there(f);
	signal(SIGXFSZ, SIG_DFL);
}

static void opening_without_room_fails_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	struct error *e;
	int failures = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (;; failures++) {
		limit_files_to(3000 * (rlim_t)failures);
		e = history_open(f->path, &first_run, &f->history);
		limit_files_to(RLIM_INFINITY);
		if (!e)
			break;
		refuse(e, ERROR_INTERNAL, f->path);
		assert_null(f->history);
		assert_in_range(failures, 0, 1000);
	}
	assert_in_range(failures, 10, 1000);
	open_as(f, &first_run);
	add(f->history, f->price, 0, "a");
	assert_intact(f);
	signal(SIGXFSZ, SIG_DFL);
}

/* The step after `step`: each of the first, then fewer and fewer, as there are thousands that are alike. */
static int next_step(int step)
{
	return step < 64 ? step + 1 : step + step / 32;
}

static void opening_without_memory_fails_cleanly_at_every_point(void **state)
{
	struct error *e;
	struct history *h = NULL;
	int failures = 0;

	(void)state;
	for (int n = 1;; n = next_step(n)) {
		allocations_left = n;
		e = history_open(":memory:", &first_run, &h);
		bool failed = allocations_left == 0;
		allocations_left = -1;
		if (!failed)
			break;
		if (e)
			failures++;
		else
			history_close(h); /* sqlite could do without that one */
		error_free(e);
		h = NULL;
	}
	assert_null(e);
	assert_true(failures > 20);
	history_close(h);
}

static struct error *use_all(struct fixture *f)
{
	struct listing listing = {.text = ""};
	struct copy copy;
	struct history_move *moves = NULL;
	size_t moved;
	int64_t change;
	int number;
	struct writing writing = {.text = "int x;", .other_text = "int y;"};
	struct error *e = write_all(f, &writing);

	if (!e)
		e = history_next(f->history, false, &change, &moves, &moved);
	if (!e)
		e = history_record(f->history, HISTORY_UNDO, "ada", change, moves, moved, NULL);
	free(moves);
	if (!e)
		e = history_live(f->history, f->price, &number);
	if (!e)
		e = history_count(f->history, f->price, &number);
	if (!e)
		e = history_find(f->history, f->price, 1, keep, &copy);
	if (!e)
		e = log_versions(f->history, &(struct log_filter){.limit = 9}, list, &listing);
	if (!e)
		e = log_versions(f->history, &(struct log_filter){.function = f->price, .limit = 9}, list,
				 &listing);
	return e;
}

static void calls_without_memory_fail_cleanly_at_every_point(void **state)
{
	struct fixture *f = *state;
	struct error *e;
	int failures = 0;

	for (int n = 1;; n++) {
		allocations_left = n;
		e = use_all(f);
		bool failed = allocations_left == 0;
		allocations_left = -1;
		if (!failed)
			break;
		if (e) {
			assert_string_equal(error_message(e), "out of memory");
			failures++;
		}
		error_free(e);
		succeed(history_event(f->history, "after", 0, -1, "ada", NULL)); /* the handle is usable */
		if (n % 8 == 0)
			assert_no_half_is_there(f);
	}
	assert_null(e);
	assert_true(failures > 10);
	assert_no_half_is_there(f);
}

/* --- a long history ------------------------------------------------------------------------------------ */

/* What sqlite did for the handle's statements since the last call: steps of its virtual machine. */
static int steps_taken(const struct fixture *f)
{
	int steps = 0;

	for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(f->connection, s));)
		steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
	return steps;
}

static void no_call_costs_more_with_a_long_history(void **state)
{
	struct fixture *f = *state;

	succeed(use_all(f));
	steps_taken(f);
	succeed(use_all(f));
	int steps = steps_taken(f);

	raw(f, "INSERT INTO version (function, number, process, parent, text, slice_hash, backend, compiler,"
	       " flags, origin, user, note, file, line) WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL"
	       " SELECT i + 1 FROM n WHERE i < 50000) SELECT f.id, i, 1, i - 1, 1, '', 'tcc', '', '',"
	       " 'console', 'ada', '', '', 0 FROM n, function AS f");
	raw(f, "INSERT INTO change (process, kind, user) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
	       " SELECT i + 1 FROM n WHERE i < 50000) SELECT 1, 'define', 'ada' FROM n;"
	       "INSERT INTO move SELECT c.id, f.id, 1, 2 FROM change AS c, function AS f WHERE c.id > 4");
	assert_int_equal(count(f->history, f->price), 50001);
	steps_taken(f);
	succeed(use_all(f));
	assert_in_range(steps_taken(f), 1, steps * 2);
	assert_int_equal(count(f->history, f->price), 50002);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
#define WITH_HISTORY(test) cmocka_unit_test_setup_teardown(test, make_history, remove_directory)
	static const struct CMUnitTest tests[] = {
		IN_DIRECTORY(directories_and_file_are_private_whatever_the_umask),
		IN_DIRECTORY(a_history_in_memory_works),
		IN_DIRECTORY(an_empty_file_becomes_a_history),
		WITH_HISTORY(a_newer_schema_is_refused_and_left_alone),
		IN_DIRECTORY(the_database_of_another_program_is_refused_and_left_alone),
		IN_DIRECTORY(a_path_that_cannot_be_is_refused_by_name),
		IN_DIRECTORY(a_directory_that_is_read_only_is_refused),
		WITH_HISTORY(a_file_that_is_read_only_is_refused),
		IN_DIRECTORY(what_is_no_database_is_refused),
		WITH_HISTORY(a_damaged_file_is_refused),
		WITH_HISTORY(a_file_cut_short_is_refused),
		WITH_HISTORY(damage_to_one_table_leaves_the_others_usable),
		WITH_HISTORY(a_function_has_one_row),
		WITH_HISTORY(a_version_comes_back_as_it_was_stored),
		WITH_HISTORY(strings_left_out_are_empty_and_no_parent_is_minus_one),
		WITH_HISTORY(text_of_any_bytes_is_kept),
		WITH_HISTORY(a_text_of_ten_megabytes_is_kept),
		WITH_HISTORY(a_text_is_stored_once),
		WITH_HISTORY(texts_that_share_a_hash_are_kept_apart),
		WITH_HISTORY(version_0_is_kept_once_for_each_build),
		WITH_HISTORY(numbers_count_from_one_for_each_function_over_all_runs),
		WITH_HISTORY(two_handles_share_one_count),
		WITH_HISTORY(several_are_added_together),
		WITH_HISTORY(several_are_added_all_or_none),
		WITH_HISTORY(a_definition_after_a_rollback_has_the_old_version_as_parent),
		WITH_HISTORY(what_is_not_there_is_unknown),
		WITH_HISTORY(a_note_replaces_the_one_before),
		WITH_HISTORY(versions_are_listed_in_pages),
		WITH_HISTORY(all_functions_are_listed_in_pages_by_row),
		WITH_HISTORY(a_listing_stops_when_told),
		WITH_HISTORY(live_marks_belong_to_a_run),
		WITH_HISTORY(the_same_run_is_gone_on_with),
		WITH_HISTORY(undo_goes_back_and_redo_forth),
		WITH_HISTORY(a_new_change_ends_what_could_be_redone),
		WITH_HISTORY(a_record_in_two_halves_counts_once_it_is_kept),
		WITH_HISTORY(a_record_that_is_taken_back_leaves_nothing),
		WITH_HISTORY(a_record_whose_first_half_fails_leaves_nothing),
		WITH_HISTORY(a_change_of_several_functions_is_undone_as_a_whole),
		WITH_HISTORY(a_change_may_move_a_hundred_functions),
		WITH_HISTORY(undo_belongs_to_a_run),
		WITH_HISTORY(undo_and_redo_agree_with_two_stacks),
		WITH_HISTORY(a_change_that_makes_no_sense_is_refused),
		WITH_HISTORY(events_are_appended),
		WITH_HISTORY(a_run_that_nobody_saw_end_is_ended_once_by_the_next),
		WITH_HISTORY(the_views_tell_a_person_what_happened),
		WITH_HISTORY(every_table_and_column_is_explained),
		IN_DIRECTORY(ten_processes_never_share_a_number),
		IN_DIRECTORY(ten_processes_may_make_one_history_at_once),
		IN_DIRECTORY(a_writer_that_is_killed_loses_nothing_that_was_answered),
		WITH_HISTORY(a_database_that_stays_locked_is_an_error_and_not_for_ever),
		WITH_HISTORY(a_lock_is_waited_for_longer_while_somebody_writes),
		WITH_HISTORY(a_full_database_fails_cleanly_at_every_page),
		WITH_HISTORY(a_write_that_the_system_refuses_fails_cleanly_at_every_point),
		IN_DIRECTORY(opening_without_room_fails_cleanly_at_every_point),
		IN_DIRECTORY(opening_without_memory_fails_cleanly_at_every_point),
		WITH_HISTORY(calls_without_memory_fail_cleanly_at_every_point),
		WITH_HISTORY(no_call_costs_more_with_a_long_history),
	};

	watch_sqlite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
