/* Nothing lost: engine, program and console are killed at random moments of a session, and afterwards everything that was
 * answered is in the history with its text, and what \list says is what runs.
 *
 * RTF_KILLS says how often (60), RTF_SEED with which numbers (the time); both are printed. */
#include "compiled.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	KILLS = 60,
	KILLS_MAX = 10000,
	ENTRIES = 24,      /* of a session */
	LATEST_US = 60000, /* into it */
	VERSIONS_MAX = KILLS_MAX * ENTRIES,
	ENGINE_KILLS_A_RUN = 4, /* a program starts five engines in ten seconds, and no more */
};

static struct subject host;
static int *acknowledged; /* by version: the number that its text returns; 0: none was answered */
static int last_number;   /* that a text returns */
static int engine_kills;  /* of this run of the program */
static long answers, lost_answers;

static const char *text_of(int number)
{
	static char text[120];

	snprintf(text, sizeof(text), "int add(int a, int b) { (void)a, (void)b; return %d; }", number);
	return text;
}

/* --- a session --------------------------------------------------------------------------------------------------- */

/* What a session says: definitions mostly, between them what moves the live version without making one. */
struct entry {
	char command[160];
	int number; /* of a definition's text, or 0 */
};

static void write_session(struct entry entries[ENTRIES])
{
	static const char *const between[] = {"\\rollback add", "\\undo", "\\redo", "\\note add tried"};

	for (int i = 0; i < ENTRIES; i++) {
		struct entry *e = &entries[i];
		e->number = i % 4 == 3 ? 0 : ++last_number;
		snprintf(e->command, sizeof(e->command), "%s",
			 e->number ? text_of(e->number) : between[rand() % 4]);
	}
}

static void take_answer(const struct entry *entry, json_t *answer)
{
	const char *message = json_string_value(json_object_get(json_object_get(answer, "error"), "message"));

	if (!entry->number || (message && (strstr(message, "the connection to the program is lost") ||
					   strstr(message, "the program has ended"))))
		return;
	json_t *row = json_array_get(json_object_get(answer, "data"), 0);
	int version = (int)json_integer_value(json_object_get(row, "version"));
	if (!json_is_true(json_object_get(answer, "ok")) || version < 1 || version >= VERSIONS_MAX) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s: %s", entry->command, text ? text : "");
	}
	assert_int_equal(acknowledged[version], 0);
	acknowledged[version] = entry->number;
	answers++;
}

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Waits until there is something to read, or the moment has come. */
static bool readable_before(int fd, long long moment)
{
	long long left = moment - now_us();
	struct timespec limit = {left / 1000000, left % 1000000 * 1000};
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return left > 0 && ppoll(&p, 1, &limit, NULL) == 1;
}

/* --- victims ----------------------------------------------------------------------------------------------------- */

static void kill_and_wait(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	compiled_await_end(pid);
}

static void restart_program(void)
{
	compiled_kill(&host);
	compiled_start(&host);
	engine_kills = 0;
}

/* A connection of our own, and the engine or the program killed while it is answered. */
static void kill_server(bool program)
{
	struct entry entries[ENTRIES];
	struct wire w;
	int next = 0;
	bool open = true;

	if (!program && engine_kills++ == ENGINE_KILLS_A_RUN)
		restart_program();
	pid_t engine = compiled_engine(&host);
	write_session(entries);
	wire_open(&w, host.socket);
	for (int i = 0; i < ENTRIES; i++)
		wire_command(&w, i, entries[i].command);
	long long moment = now_us() + rand() % LATEST_US;
	while (open && next < ENTRIES && (w.size || readable_before(w.fd, moment))) {
		json_t *answer = wire_receive(&w);
		open = answer != NULL;
		if (open)
			take_answer(&entries[next++], answer);
		json_decref(answer);
	}
	if (program) {
		restart_program();
		compiled_await_end(engine);
	} else {
		kill_and_wait(engine);
	}
	/* What was sent before the end; or, if the connection had not got to the victim yet, all that its successor answers. */
	for (json_t *answer; open && next < ENTRIES && (answer = wire_receive(&w)); next++) {
		take_answer(&entries[next], answer);
		json_decref(answer);
	}
	lost_answers += ENTRIES - next;
	wire_close(&w);
}

/* A real console, killed while it reads its commands; what it still printed was answered. */
static void kill_console(void)
{
	struct entry entries[ENTRIES];
	struct child console;
	char *path = subject_built("rtf-console"), line[8192];
	int next = 0;

	write_session(entries);
	assert_true(child_start(&console, (const char *const[]){path, "--json", host.socket, NULL}));
	for (int i = 0; i < ENTRIES; i++)
		assert_true(child_send(&console, entries[i].command) && child_send(&console, "\n"));
	long long moment = now_us() + rand() % LATEST_US;
	while (next < ENTRIES && (console.filled || readable_before(console.output, moment))) {
		if (!child_read_line(&console, COMPILED_DEADLINE_MS, line, sizeof(line)))
			break;
		json_t *answer = json_loads(line, 0, NULL);
		assert_non_null(answer);
		take_answer(&entries[next++], answer);
		json_decref(answer);
	}
	kill(console.pid, SIGKILL);
	child_stop(&console, COMPILED_DEADLINE_MS);
	lost_answers += ENTRIES - next;
	free(path);
}

/* --- the truth afterwards ---------------------------------------------------------------------------------------- */

static sqlite3 *open_history(void)
{
	char *pattern = compiled_path(&host, "rtf/*.db");
	glob_t found;
	sqlite3 *db;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(sqlite3_open(found.gl_pathv[0], &db), SQLITE_OK);
	sqlite3_busy_timeout(db, COMPILED_DEADLINE_MS);
	globfree(&found);
	free(pattern);
	return db;
}

/* Every version that was acknowledged, with the text that it was acknowledged for. */
static void assert_nothing_lost(void)
{
	sqlite3 *db = open_history();
	sqlite3_stmt *statement;
	long found = 0;

	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT v.number, t.content FROM version AS v JOIN text AS t ON t.id = v.text"
			" JOIN function AS f ON f.id = v.function WHERE f.name = 'add' AND v.number > 0",
			-1, &statement, NULL),
		SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		int version = sqlite3_column_int(statement, 0);
		assert_in_range(version, 1, VERSIONS_MAX - 1);
		if (!acknowledged[version])
			continue; /* stored, and its answer got lost */
		assert_string_equal((const char *)sqlite3_column_text(statement, 1),
				    text_of(acknowledged[version]));
		found++;
	}
	sqlite3_finalize(statement);
	sqlite3_close(db);
	assert_int_equal(found, answers);
	compiled_assert_history_whole(&host);
}

static int number_returned(const char *text)
{
	const char *returns = strstr(text, "return ");

	return returns ? atoi(returns + 7) : 0;
}

static void assert_list_says_what_runs(void)
{
	json_t *row = compiled_row(&host, "add"), *source = compiled_data(&host, "\\source add");
	int listed = (int)json_integer_value(json_object_get(row, "version"));
	int answer = -1;

	assert_int_equal(json_integer_value(json_object_get(source, "version")), listed);
	assert_int_equal(sscanf(subject_ask(&host, "add 0 0"), "%d", &answer), 1);
	const char *text = json_string_value(json_object_get(source, "text"));
	assert_int_equal(answer, listed ? number_returned(text) : 0);
	if (listed && acknowledged[listed])
		assert_int_equal(answer, acknowledged[listed]);
	json_decref(source);
	json_decref(row);

	/* And the history's live mark is the same. */
	json_t *log = compiled_data(&host, "\\log add");
	size_t i;
	json_array_foreach(log, i, row)
		assert_int_equal(json_is_true(json_object_get(row, "live")),
				 json_integer_value(json_object_get(row, "version")) == listed);
	json_decref(log);
}

static int from_environment(const char *name, int otherwise)
{
	const char *value = getenv(name);

	return value && *value ? atoi(value) : otherwise;
}

static void whoever_is_killed_whenever_nothing_acknowledged_is_lost(void **state)
{
	int kills = from_environment("RTF_KILLS", KILLS),
	    seed = from_environment("RTF_SEED", (int)time(NULL));

	(void)state;
	assert_in_range(kills, 1, KILLS_MAX);
	print_message("%d kills, seed %d\n", kills, seed);
	srand((unsigned)seed);
	for (int i = 0; i < kills; i++) {
		switch (i % 3) {
		case 0:
			kill_server(false);
			break;
		case 1:
			kill_console();
			break;
		case 2:
			kill_server(true);
			break;
		}
		assert_list_says_what_runs();
		assert_nothing_lost();
	}
	print_message("%ld definitions acknowledged and found again, %ld answers lost with who was killed\n",
		      answers, lost_answers);
	assert_true(answers > 0 && lost_answers > 0);
}

static int start_host(void **state)
{
	(void)state;
	acknowledged = calloc(VERSIONS_MAX, sizeof(*acknowledged));
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	return acknowledged ? 0 : -1;
}

static int stop_host(void **state)
{
	(void)state;
	subject_fini(&host);
	free(acknowledged);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whoever_is_killed_whenever_nothing_acknowledged_is_lost,
						start_host, stop_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
