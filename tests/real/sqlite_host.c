/* A program around SQLite: sqlite_host SOCKET
 *
 * One thread runs queries without a pause; the main thread runs the lines of standard input as SQL, each
 * on one line of output: the first column of the first row, or "error: ...". The line "progress" is
 * answered with "QUERIES queries, ERRORS errors" of the busy thread. It ends with its input or at SIGTERM. */
#include <pthread.h>
#include <rtf.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct busy {
	pthread_t thread;
	unsigned long queries, errors; /* atomic */
	bool stop;                     /* atomic */
};

static sqlite3 *open_words(void)
{
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
	    sqlite3_exec(db,
			 "create table words(word text);"
			 "insert into words values ('hello'), ('substring'), ('statement'), ('live');",
			 NULL, NULL, NULL) == SQLITE_OK)
		return db;
	sqlite3_close(db);
	return NULL;
}

static void *query_for_ever(void *argument)
{
	struct busy *busy = argument;
	sqlite3 *db = open_words();

	while (db && !__atomic_load_n(&busy->stop, __ATOMIC_RELAXED)) {
		int status = sqlite3_exec(db,
					  "select word, substr(word, 2, 3), upper(word) from words "
					  "where length(word) > 4 order by substr(word, -2)",
					  NULL, NULL, NULL);
		__atomic_fetch_add(status == SQLITE_OK ? &busy->queries : &busy->errors, 1, __ATOMIC_RELAXED);
	}
	sqlite3_close(db);
	return NULL;
}

static void answer(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		printf("error: %s\n", sqlite3_errmsg(db));
	else if (sqlite3_step(statement) == SQLITE_ROW)
		printf("%s\n", (const char *)sqlite3_column_text(statement, 0));
	else
		printf("\n");
	sqlite3_finalize(statement);
}

static void report(const struct busy *busy)
{
	printf("%lu queries, %lu errors\n", __atomic_load_n(&busy->queries, __ATOMIC_RELAXED),
	       __atomic_load_n(&busy->errors, __ATOMIC_RELAXED));
}

int main(int argc, char **argv)
{
	struct busy busy = {0};
	char line[4096];
	sqlite3 *db = open_words();

	if (argc != 2 || !db)
		return 2;
	int started = rtf_start(argv[1]);
	if (started < 0)
		fprintf(stderr, "sqlite_host: no console at %s: %s\n", argv[1], strerror(-started));
	if (pthread_create(&busy.thread, NULL, query_for_ever, &busy))
		return 2;
	printf("ready\n");
	fflush(stdout);

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "progress"))
			report(&busy);
		else
			answer(db, line);
		fflush(stdout);
	}

	__atomic_store_n(&busy.stop, true, __ATOMIC_RELAXED);
	pthread_join(busy.thread, NULL);
	sqlite3_close(db);
	return 0;
}
