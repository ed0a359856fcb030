/* Nothing lost: engine, program, both or a console are killed at random moments of sessions that define, save, note,
 * evaluate and go back, and afterwards everything that was answered is in the history with its text, and what \list says
 * is what runs.
 *
 * RTF_KILLS says how often (500), RTF_SEED with which numbers (the time); both are printed. */
#include "compiled.h"

#include <fcntl.h>
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	KILLS = 500,
	KILLS_MAX = 10000,
	ENTRIES = 24,      /* of a session */
	LATEST_US = 60000, /* into it */
	NUMBERS_MAX = KILLS_MAX * (2 * ENTRIES + 1),
	VERSIONS_MAX = NUMBERS_MAX,
	ENGINE_KILLS_A_RUN = 4, /* a program starts five engines in ten seconds, and no more */
};

/* What the sessions change, how its value is asked for, and the value that it was built with. A text returns a number
 * that no other text does. */
static const struct function {
	const char *name, *head, *body, *ask;
	int built;
} functions[] = {
	{"add", "int add(int a, int b)", "(void)a, (void)b; ", "add 0 0", 0},
	{"factorial", "static long factorial(int n)", "(void)n; ", "factorial 1", 1},
	{"sum", "static int sum(int count, ...)", "(void)count; ", "sum", 6},
	{"stamp", "static int stamp(void)", "", "stamp", 0},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

/* What a session says, and what its answer promises to be in the history. */
enum kind { DEFINE, DEFINE_TWO, EVALUATE, NOTE, ROLLBACK, UNDO, REDO, SAVE, KINDS };

/* The events that there are at least as many of as answers. */
static const char *const event_kinds[KINDS] = {
	[DEFINE] = "defined",    [EVALUATE] = "written", [NOTE] = "noted",
	[ROLLBACK] = "rollback", [UNDO] = "undo",        [REDO] = "redo",
};

static struct subject host;
static char *source;                 /* host.c as it was built */
static int *acknowledged[FUNCTIONS]; /* by version: the number that its text returns; 0: none was answered */
static struct timespec source_time;
static int last_number = 100; /* that a text returns; what was built returns less */
static int engine_kills;      /* of this run of the program */
static pid_t engine;
static char *together; /* by number: its text was defined with the next number's */
static long answers[KINDS], versions_answered, lost_answers;

/* --- a session --------------------------------------------------------------------------------------------------- */

struct entry {
	enum kind kind;
	char command[300];
	int number[2]; /* of a definition's texts */
	int function[2];
};

static int write_text(char *out, size_t size, int function, int number)
{
	const struct function *f = &functions[function];

	return snprintf(out, size, "%s { %sreturn %d; }", f->head, f->body, number);
}

static void write_definition(struct entry *e)
{
	size_t used = 0;

	e->function[0] = rand() % FUNCTIONS;
	e->function[1] = (e->function[0] + 1) % FUNCTIONS;
	together[last_number + 1] = e->kind == DEFINE_TWO;
	for (int i = 0; i < (e->kind == DEFINE_TWO ? 2 : 1); i++) {
		e->number[i] = ++last_number;
		used += (size_t)write_text(e->command + used, sizeof(e->command) - used, e->function[i],
					   e->number[i]);
		used += (size_t)snprintf(e->command + used, sizeof(e->command) - used, " ");
	}
}

static void write_entry(struct entry *e)
{
	static const enum kind mix[] = {DEFINE,   DEFINE, DEFINE,   DEFINE, DEFINE, DEFINE_TWO, EVALUATE,
					EVALUATE, NOTE,   ROLLBACK, UNDO,   UNDO,   REDO,       SAVE};
	const char *name = functions[rand() % FUNCTIONS].name;

	*e = (struct entry){.kind = mix[(size_t)rand() % (sizeof(mix) / sizeof(mix[0]))]};
	switch (e->kind) {
	case EVALUATE:
		snprintf(e->command, sizeof(e->command), "tax_percent = %d", rand() % 100);
		break;
	case NOTE:
		snprintf(e->command, sizeof(e->command), "\\note %s tried %d", name, rand() % 100);
		break;
	case ROLLBACK:
		snprintf(e->command, sizeof(e->command), "\\rollback %s", name);
		break;
	case UNDO:
	case REDO:
		snprintf(e->command, sizeof(e->command), "%s", e->kind == UNDO ? "\\undo" : "\\redo");
		break;
	case SAVE:
		snprintf(e->command, sizeof(e->command), "\\save %s", name);
		break;
	default:
		write_definition(e);
	}
}

/* One session in two has its source saved from outside, too: as it was built, but for one function. */
static void write_session(struct entry entries[ENTRIES])
{
	for (int i = 0; i < ENTRIES; i++)
		write_entry(&entries[i]);
	if (rand() % 2)
		return;
	char text[300], *path = compiled_path(&host, "host.c");
	int function = rand() % FUNCTIONS;
	write_text(text, sizeof(text), function, ++last_number);
	char *old = child_cut_function(source, functions[function].head), *saved = NULL;
	assert_non_null(old);
	old[strlen(old) - 1] = '\0'; /* its last newline stays */
	saved = child_replace(source, old, text);
	assert_true(saved && child_write_file(path, saved));
	free(saved);
	free(old);
	free(path);
}

static int function_index(const char *name)
{
	for (int i = 0; i < FUNCTIONS; i++)
		if (name && strcmp(functions[i].name, name) == 0)
			return i;
	return -1;
}

static void fail_with(const struct entry *entry, json_t *answer)
{
	char *text = json_dumps(answer, 0);

	fail_msg("%s: %.700s", entry->command, text ? text : "");
}

/* Rows are in the order of the texts, or not. */
static void take_version(const struct entry *entry, json_t *row, json_t *answer)
{
	int function = function_index(json_string_value(json_object_get(row, "function")));
	int version = (int)json_integer_value(json_object_get(row, "version"));
	int which = function == entry->function[0] ? 0 : 1;

	if (function < 0 || function != entry->function[which] || version < 1 || version >= VERSIONS_MAX)
		fail_with(entry, answer);
	assert_int_equal(acknowledged[function][version], 0);
	acknowledged[function][version] = entry->number[which];
	versions_answered++;
}

static void take_answer(const struct entry *entry, json_t *answer)
{
	json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *class = json_string_value(json_object_get(error, "class"));
	bool defines = entry->kind <= DEFINE_TWO;
	size_t i;
	json_t *row;

	if (message && (strstr(message, "the connection to the program is lost") ||
			strstr(message, "the program has ended")))
		return;
	if (error && (defines || strcmp(class, "internal") == 0))
		fail_with(entry, answer);
	if (error)
		return; /* there was nothing to go back to, or the file has moved on */
	json_t *data = json_object_get(answer, "data");
	if ((entry->kind == UNDO || entry->kind == REDO) &&
	    !json_object_get(json_array_get(data, 0), "version"))
		return; /* it was a variable's value */
	answers[entry->kind]++;
	if (!defines)
		return;
	if (json_array_size(data) != (entry->kind == DEFINE_TWO ? 2 : 1))
		fail_with(entry, answer);
	json_array_foreach(data, i, row)
		take_version(entry, row, answer);
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

enum victim { CONSOLE, ENGINE, PROGRAM, BOTH };

static enum victim pick_victim(void)
{
	static const enum victim often[] = {CONSOLE, CONSOLE, CONSOLE, CONSOLE, CONSOLE,
					    CONSOLE, ENGINE,  ENGINE,  PROGRAM, BOTH};
	enum victim victim = often[(size_t)rand() % (sizeof(often) / sizeof(often[0]))];

	return victim == ENGINE && engine_kills == ENGINE_KILLS_A_RUN ? PROGRAM : victim;
}

/* With its time, so that it is what the program was built from. */
static void put_source_back(void)
{
	char *path = compiled_path(&host, "host.c");

	assert_true(child_write_file(path, source));
	compiled_set_time(&host, "host.c", source_time);
	free(path);
}

static void kill_victim(enum victim victim)
{
	if (victim != PROGRAM)
		assert_int_equal(kill(engine, SIGKILL), 0);
	if (victim == ENGINE)
		engine_kills++;
	else
		compiled_kill(&host);
	compiled_await_end(engine);
	if (victim == ENGINE)
		return;
	put_source_back();
	compiled_start(&host);
	engine_kills = 0;
}

/* A connection of our own, and the engine, the program or both killed while it is answered. */
static void kill_server(enum victim victim)
{
	struct entry entries[ENTRIES];
	struct wire w;
	int next = 0;
	bool open = true;

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
	kill_victim(victim);
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

static sqlite3 *history;

static void open_history(void)
{
	char *pattern = compiled_path(&host, "rtf/*.db");
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_int_equal(sqlite3_open(found.gl_pathv[0], &history), SQLITE_OK);
	sqlite3_busy_timeout(history, COMPILED_DEADLINE_MS);
	globfree(&found);
	free(pattern);
}

static sqlite3_stmt *query(const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(history, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(history));
	return statement;
}

static bool next_row(sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return true;
	assert_int_equal(rc, SQLITE_DONE);
	sqlite3_finalize(statement);
	return false;
}

/* The number that a text of ours returns; another text's value is the one that it was built with. */
static int value_of(int function, const char *text)
{
	char head[100];
	int size = snprintf(head, sizeof(head), "%s { %sreturn ", functions[function].head,
			    functions[function].body);

	return strncmp(text, head, (size_t)size) == 0 ? atoi(text + size) : functions[function].built;
}

/* Every version that was acknowledged, with the text that it was acknowledged for; and what was defined together is there
 * together, also where nobody heard of it. */
static void assert_no_version_is_lost(void)
{
	sqlite3_stmt *versions =
		query("SELECT f.name, v.number, t.content FROM version AS v JOIN text AS t ON t.id = v.text"
		      " JOIN function AS f ON f.id = v.function WHERE v.number > 0");
	char *stored = calloc((size_t)last_number + 2, 1);
	long found = 0;

	assert_non_null(stored);
	while (next_row(versions)) {
		int function = function_index((const char *)sqlite3_column_text(versions, 0));
		int version = sqlite3_column_int(versions, 1);
		if (function < 0)
			continue; /* a file that was saved before it was read brings its other functions, too */
		assert_in_range(version, 1, VERSIONS_MAX - 1);
		int value = value_of(function, (const char *)sqlite3_column_text(versions, 2));
		assert_in_range(value, 0, last_number);
		stored[value] = 1;
		if (!acknowledged[function][version])
			continue; /* its answer got lost, or a save made it */
		assert_int_equal(value, acknowledged[function][version]);
		found++;
	}
	assert_int_equal(found, versions_answered);
	for (int number = 1; number < last_number; number++)
		if (together[number] && stored[number] != stored[number + 1])
			fail_msg("of the texts %d and %d one is stored", number, number + 1);
	free(stored);
}

static void assert_no_event_is_lost(void)
{
	sqlite3_stmt *kinds = query("SELECT kind, count(*) FROM event GROUP BY kind");
	long counts[KINDS] = {0};

	while (next_row(kinds))
		for (int i = 0; i < KINDS; i++)
			if (event_kinds[i] &&
			    strcmp(event_kinds[i], (const char *)sqlite3_column_text(kinds, 0)) == 0)
				counts[i] = sqlite3_column_int(kinds, 1);
	for (int i = 0; i < KINDS; i++)
		if (event_kinds[i] && counts[i] < (i == DEFINE ? versions_answered : answers[i]))
			fail_msg("%ld %s in the log, %ld answered", counts[i], event_kinds[i], answers[i]);
}

static int recorded_as_live(const char *name)
{
	/* A run before may have had that pid, too. */
	sqlite3_stmt *mark = query("SELECT l.number FROM live AS l JOIN function AS f ON f.id = l.function"
				   " WHERE f.name = ?1 AND l.process ="
				   " (SELECT max(id) FROM process WHERE pid = ?2)");
	int number = 0;

	sqlite3_bind_text(mark, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int(mark, 2, (int)host.program.pid);
	while (next_row(mark))
		number = sqlite3_column_int(mark, 0);
	return number;
}

static int newest_change(void)
{
	sqlite3_stmt *newest = query("SELECT coalesce(max(id), 0) FROM change");
	int id = 0;

	while (next_row(newest))
		id = sqlite3_column_int(newest, 0);
	return id;
}

static json_t *data_of(struct wire *w, const char *command, const char *name)
{
	char line[100];

	snprintf(line, sizeof(line), "%s %s", command, name);
	json_t *answer = wire_ask(w, 1, line), *data = json_incref(json_object_get(answer, "data"));
	if (!json_is_true(json_object_get(answer, "ok")))
		fail_with(&(struct entry){.command = "looking"}, answer);
	json_decref(answer);
	return data;
}

static int listed_version(struct wire *w, const char *name)
{
	json_t *rows = data_of(w, "\\list", name);
	int version = (int)json_integer_value(json_object_get(json_array_get(rows, 0), "version"));

	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	return version;
}

/* False if something went live meanwhile: the file was saved, or a killed console's last line is still being done. */
static bool listed_version_runs(struct wire *w, int i)
{
	const struct function *f = &functions[i];
	int change = newest_change(), listed = listed_version(w, f->name), shown = 0, answer = -1,
	    expected = f->built;
	json_t *text = listed ? data_of(w, "\\source", f->name) : NULL;

	assert_int_equal(sscanf(subject_ask(&host, f->ask), "%d", &answer), 1);
	if (text) {
		shown = (int)json_integer_value(json_object_get(text, "version"));
		expected = value_of(i, json_string_value(json_object_get(text, "text")));
	}
	int recorded = recorded_as_live(f->name);
	json_decref(text);
	if (listed_version(w, f->name) != listed || newest_change() != change)
		return false;
	assert_int_equal(shown, listed);
	assert_int_equal(answer, expected);
	assert_int_equal(recorded, listed);
	if (acknowledged[i][listed])
		assert_int_equal(answer, acknowledged[i][listed]);
	return true;
}

static void assert_list_says_what_runs(struct wire *w)
{
	for (int i = 0; i < FUNCTIONS; i++) {
		long long deadline = now_us() + COMPILED_DEADLINE_MS * 1000LL;
		while (!listed_version_runs(w, i))
			assert_true(now_us() < deadline);
	}
}

static void assert_nothing_lost(void)
{
	struct wire w;

	engine = compiled_engine(&host); /* a console's connection that gets lost is made anew */
	wire_open(&w, host.socket);
	if (!history)
		open_history();
	assert_list_says_what_runs(&w);
	wire_close(&w);
	assert_no_version_is_lost();
	assert_no_event_is_lost();
	compiled_assert_history_whole(&host);
}

/* --- the test ---------------------------------------------------------------------------------------------------- */

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
	assert_nothing_lost();
	for (int i = 0; i < kills; i++) {
		enum victim victim = pick_victim();
		if (victim == CONSOLE)
			kill_console();
		else
			kill_server(victim);
		assert_nothing_lost();
	}
	print_message("%ld versions acknowledged and found again, %ld evaluations, %ld notes, %ld ways back; "
		      "%ld answers lost with who was killed\n",
		      versions_answered, answers[EVALUATE], answers[NOTE],
		      answers[ROLLBACK] + answers[UNDO] + answers[REDO], lost_answers);
	assert_true(versions_answered > 0 && lost_answers > 0);
}

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	char *path = compiled_path(&host, "host.c");
	source = child_read_file(path);
	if (!source)
		return -1;
	source_time = compiled_time(&host, "host.c");
	free(path);
	together = calloc(NUMBERS_MAX, 1);
	bool made = together;
	for (int i = 0; i < FUNCTIONS; i++) {
		acknowledged[i] = calloc(VERSIONS_MAX, sizeof(*acknowledged[i]));
		made = made && acknowledged[i];
	}
	compiled_start(&host);
	return made ? 0 : -1;
}

static int stop_host(void **state)
{
	(void)state;
	sqlite3_close(history);
	subject_fini(&host);
	for (int i = 0; i < FUNCTIONS; i++)
		free(acknowledged[i]);
	free(together);
	free(source);
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
