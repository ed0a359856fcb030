/* SQLite at work, before and after all of its functions were redefined: identity_sqlite SOCKET
 *
 * One thread runs queries without a pause, in a database of its own in memory. The main thread obeys the
 * lines of standard input, each with one line of output:
 *     run SCRIPT OUTPUT DATABASE    the script's statements; rows to OUTPUT as the sqlite3 shell prints them,
 *                                   and a line "error: ..." for each that fails
 *     crash MODE OUTPUT DATABASE    a child of this process is killed in the middle of a transaction in
 *                                   journal mode MODE; what is in the database then goes to OUTPUT
 *     progress                      "QUERIES queries, ERRORS errors" of the busy thread
 * It ends with its input or at SIGTERM. */
#include <pthread.h>
#include <rtf.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct busy {
	pthread_t thread;
	pthread_mutex_t between; /* held while a query runs: a fork must not happen in the middle of one */
	unsigned long queries, errors; /* under `between` */
	bool stop;                     /* likewise */
};

static const char busy_query[] =
	"with recursive n(x) as (select 1 union all select x + 1 from n where x < 20) select x, "
	"substr('abc' || x, 2), sum(x) over (order by x), json_array(x, upper('y')) from n where x % 2 order "
	"by x desc";

static void *query_for_ever(void *argument)
{
	struct busy *busy = argument;
	sqlite3 *db = NULL;
	bool stop = sqlite3_open(":memory:", &db) != SQLITE_OK;

	while (!stop) {
		pthread_mutex_lock(&busy->between);
		if (sqlite3_exec(db, busy_query, NULL, NULL, NULL) == SQLITE_OK)
			busy->queries++;
		else
			busy->errors++;
		stop = busy->stop;
		pthread_mutex_unlock(&busy->between);
		sched_yield();
	}
	sqlite3_close(db);
	return NULL;
}

static void print_row(sqlite3_stmt *statement, FILE *out)
{
	int columns = sqlite3_column_count(statement);

	for (int i = 0; i < columns; i++) {
		const unsigned char *text = sqlite3_column_text(statement, i);
		fprintf(out, "%s%s", i ? "|" : "", text ? (const char *)text : "");
	}
	if (columns)
		fputs("\n", out);
}

/* One statement; false if it failed. */
static bool run_statement(sqlite3 *db, const char *sql, FILE *out)
{
	sqlite3_stmt *statement = NULL;
	int status = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (status == SQLITE_OK)
		while ((status = sqlite3_step(statement)) == SQLITE_ROW)
			print_row(statement, out);
	if (status == SQLITE_DONE)
		status = SQLITE_OK;
	if (status != SQLITE_OK)
		fprintf(out, "error: %s\n", sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return status == SQLITE_OK;
}

static void run_script(const char *script, const char *output, const char *database)
{
	FILE *in = fopen(script, "re"), *out = fopen(output, "we");
	unsigned statements = 0, errors = 0;
	char line[8192];
	sqlite3 *db = NULL;

	if (in && out && sqlite3_open(database, &db) == SQLITE_OK) {
		while (fgets(line, sizeof(line), in)) {
			if (!sqlite3_complete(
				    line)) /* a comment, an empty line: each statement stands on one */
				continue;
			statements++;
			errors += !run_statement(db, line, out);
		}
	}
	sqlite3_close(db);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	printf("%u statements, %u errors\n", statements, errors);
}

/* In the child. Returns only if something went wrong. */
static void die_in_transaction(const char *mode, const char *database)
{
	char sql[512];
	sqlite3 *db;

	if (sqlite3_open(database, &db) != SQLITE_OK)
		return;
	snprintf(sql, sizeof(sql),
		 "pragma journal_mode = %s; pragma cache_size = 4; create table kept(x, v);"
		 "insert into kept values (1, zeroblob(3000)), (2, zeroblob(3000));"
		 "begin; update kept set x = x + 10;"
		 "with recursive n(i) as (select 100 union all select i + 1 from n where i < 400)"
		 "insert into kept select i, zeroblob(2000) from n;",
		 mode);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		kill(getpid(), SIGKILL);
}

static void crash(struct busy *busy, const char *mode, const char *output, const char *database)
{
	static const char *const questions[] = {
		"pragma integrity_check", "select x, length(v) from kept order by x", "pragma journal_mode",
		"insert into kept values (3, 'after')", "select count(*) from kept"};
	FILE *out = fopen(output, "we");
	int status = 0;
	sqlite3 *db = NULL;

	pthread_mutex_lock(&busy->between);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		die_in_transaction(mode, database);
		_exit(1);
	}
	pthread_mutex_unlock(&busy->between);
	waitpid(child, &status, 0);
	if (out && sqlite3_open(database, &db) == SQLITE_OK)
		for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
			run_statement(db, questions[i], out);
	sqlite3_close(db);
	if (out)
		fclose(out);
	printf("%s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "killed" : "not killed");
}

static void obey(struct busy *busy, char *line)
{
	char *words[4] = {0}, *save = NULL;

	for (int i = 0; i < 4; i++)
		words[i] = strtok_r(i ? NULL : line, " \n", &save);
	if (words[3] && !strcmp(words[0], "run")) {
		run_script(words[1], words[2], words[3]);
	} else if (words[3] && !strcmp(words[0], "crash")) {
		crash(busy, words[1], words[2], words[3]);
	} else {
		pthread_mutex_lock(&busy->between);
		printf("%lu queries, %lu errors\n", busy->queries, busy->errors);
		pthread_mutex_unlock(&busy->between);
	}
}

int main(int argc, char **argv)
{
	struct busy busy = {.between = PTHREAD_MUTEX_INITIALIZER};
	char line[4096];

	if (argc != 2 || sqlite3_initialize() != SQLITE_OK)
		return 2;
	int started = rtf_start(argv[1]);
	if (started < 0)
		fprintf(stderr, "identity_sqlite: no console at %s: %s\n", argv[1], strerror(-started));
	if (pthread_create(&busy.thread, NULL, query_for_ever, &busy))
		return 2;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		obey(&busy, line);
		fflush(stdout);
	}
	pthread_mutex_lock(&busy.between);
	busy.stop = true;
	pthread_mutex_unlock(&busy.between);
	pthread_join(busy.thread, NULL);
	return 0;
}
