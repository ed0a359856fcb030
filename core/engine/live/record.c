#include "record.h"
#include "clock.h"
#include "committed.h"
#include "stand_in.h"
#include "text.h"
#include "texts.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { RESCUE_FOLDERS = 3, RESCUES_MAX = 10 };
enum { FIRST_RETRY_US = 250000, LAST_RETRY_US = 5000000, REST_US = 400000, UNSETTLED_FEW = 500 };

struct record {
	struct live_keeper keeper; /* first: what live.h is given */
	struct history_process process;
	char *news; /* that nobody has been told */
	int64_t retry_at, retry_us;
	int64_t rest_at; /* if nothing is written until then the history is settled; 0: it is */
	int unsettled;   /* of it, when rest_at was set */
	bool ends;       /* what was deleted by now is not brought back for the last word */
};

static struct record *record_of(const struct live *l)
{
	return (struct record *)live_keeper(l);
}

/* Takes the text. */
static void add_news(struct record *r, char *text)
{
	if (r->news) {
		char *both = NULL;
		if (asprintf(&both, "%s\n%s", r->news, text) >= 0) {
			free(r->news);
			r->news = both;
		}
		free(text);
	} else {
		r->news = text;
	}
}

/* Takes the text, too. */
static void tell(struct live *l, int level, char *text)
{
	if (!text)
		return;
	program_log(live_program(l), level, "%s", text);
	add_news(record_of(l), text);
}

void record_tell(struct live *l, const char *news)
{
	size_t size = strlen(news);

	while (size && news[size - 1] == '\n')
		size--;
	tell(l, LOG_NOTICE, strndup(news, size));
}

char *record_take_news(struct live *l)
{
	char *news = record_of(l)->news;

	record_of(l)->news = NULL;
	return news;
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static char *default_path(const char *program)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	uint64_t hash = text_hash(TEXT_HASH_SEED, program, strlen(program));
	unsigned short_hash = (unsigned)(hash ^ hash >> 32);
	int n;

	if (state && *state == '/')
		n = asprintf(&path, "%s/rtf/%s-%08x.db", state, text_base_name(program), short_hash);
	else
		n = asprintf(&path, "%s/.local/state/rtf/%s-%08x.db", home ? home : "/tmp",
			     text_base_name(program), short_hash);
	return n < 0 ? NULL : path;
}

/* Numbers that versions in the program's memory have, and those that the history once had, are not given away again. */
static struct error *reserve_numbers(struct live *l)
{
	struct record *r = record_of(l);

	for (size_t i = 0; i < live_count(l); i++) {
		struct live_function *f = live_function(l, i);
		struct history_function key = live_key(f);
		if (!f->newest)
			continue;
		struct error *e = f->row ? NULL : history_function_id(r->keeper.history, &key, &f->row);
		if (!e)
			e = history_reserve(r->keeper.history, f->row, f->newest);
		if (e)
			return e;
	}
	return NULL;
}

/* Of the file that is there now nothing is known then. */
static struct error *make_stand_in(struct record *r, const char *path, bool overwritten, struct history **out)
{
	if (overwritten)
		return stand_in_repeating(r->keeper.history, &r->process, out);
	struct error *e = stand_in_new(path, &r->process, out);
	if (!e && r->keeper.history)
		committed_hand_over(r->keeper.history, *out);
	return e;
}

/* Takes the error that made it necessary. */
static struct error *stand_in(struct live *l, const char *path, struct error *why)
{
	struct record *r = record_of(l);
	bool overwritten = r->keeper.history && history_is_overwritten(r->keeper.history);
	struct history *h;
	char *text = NULL;

	if (overwritten) {
		error_free(why); /* a consequence */
		why = history_overwritten(r->keeper.history);
	}

	if (asprintf(&text, "%s; until that is over what happens is kept in memory, and then stored",
		     error_message(why)) < 0)
		text = NULL;
	error_free(why);
	if (text) {
		live_warn(l, error_new(ERROR_INTERNAL, "%s", text));
		add_news(r, text);
	}
	r->retry_us = FIRST_RETRY_US;
	r->retry_at = clock_now_us() + r->retry_us;
	struct error *e = make_stand_in(r, path, overwritten, &h);
	if (e)
		return e;
	history_close(r->keeper.history);
	r->keeper.history = h;
	e = live_read_rows(l);
	return e ? e : reserve_numbers(l);
}

static struct error *open_file(struct live *l, const char *path)
{
	struct record *r = record_of(l);

	struct error *e = history_open(path, &r->process, &r->keeper.history);
	return e ? e : live_read_rows(l);
}

/* Its file was moved away or deleted: all that it has comes into a new one, and what happens goes on there. */
static bool put_back(struct live *l, const char *path)
{
	struct record *r = record_of(l);
	struct history *fresh;
	char *text = NULL;

	struct error *e = history_put_back(r->keeper.history);
	if (!e)
		e = history_open(path, &r->process, &fresh);
	if (e) {
		error_free(e);
		return false;
	}
	committed_hand_over(r->keeper.history, fresh);
	history_close(r->keeper.history);
	r->keeper.history = fresh;
	e = live_read_rows(l);
	if (e)
		live_warn(l, error_context(e, "the history"));
	if (asprintf(&text,
		     "the history %s was moved away or deleted while it was in use: all of it is in a new "
		     "file there",
		     path) >= 0)
		tell(l, LOG_WARNING, text);
	return true;
}

bool record_lose(struct live *l, struct error **e)
{
	struct record *r = record_of(l);

	if (!*e || error_class(*e) != ERROR_INTERNAL || *e == error_memory() ||
	    stand_in_is(r->keeper.history) || r->ends)
		return false;
	char *path = strdup(history_path(r->keeper.history));
	if (path && put_back(l, path)) {
		error_free(*e);
		*e = NULL;
	} else if (path) {
		*e = stand_in(l, path, *e);
	}
	free(path);
	return !*e;
}

/* --- what an engine before this one could not bring to the file --------------------------------------------------- */

static void tell_renumbered(void *context, const struct history_function *key, int from, int to)
{
	const struct live_function *f = live_by_key(context, key);
	char *text = NULL;

	if (asprintf(&text, "version %d of %s is %d in the history: another process had taken the number",
		     from, f ? f->name : key->name, to) >= 0)
		tell(context, LOG_NOTICE, text);
}

static void renumber(void *context, const struct history_function *key, int from, int to)
{
	live_renumber(context, key, from, to);
	tell_renumbered(context, key, from, to);
}

/* NULL: there is none. */
static const char *rescue_folder(size_t i)
{
	const char *folder = i == 0 ? getenv("TMPDIR") : i == 1 ? "/tmp" : "/var/tmp";

	return folder && *folder == '/' ? folder : NULL;
}

/* `rest` is the file's name behind the program's: its run's process id, and perhaps a count. */
static void take_in(struct live *l, const char *path, const char *rest)
{
	struct record *r = record_of(l);
	bool own = atoll(rest) == r->process.pid;
	int64_t versions = -1;
	char *text = NULL;

	struct error *e =
		stand_in_adopt(r->keeper.history, path, own ? renumber : tell_renumbered, l, &versions);
	if (e) {
		live_warn(l, error_context(e, "what %s kept is not in the history", path));
		return;
	}
	if (versions >= 0 &&
	    asprintf(&text, "%lld %s that an earlier run could only keep in %s %s in the history now",
		     (long long)versions, versions == 1 ? "version" : "versions", path,
		     versions == 1 ? "is" : "are") >= 0)
		tell(l, LOG_NOTICE, text);
}

static void take_in_from(struct live *l, const char *folder)
{
	const char *program = text_base_name(record_of(l)->process.program);
	char prefix[NAME_MAX + 1], path[PATH_MAX];
	int size = snprintf(prefix, sizeof(prefix), "rtf-%s-", program);
	DIR *dir = opendir(folder);

	if (!dir)
		return;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		const char *end = strrchr(entry->d_name, '.');
		if (strncmp(entry->d_name, prefix, (size_t)size) != 0 || !end || strcmp(end, ".db") != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < (int)sizeof(path))
			take_in(l, path, entry->d_name + size);
	}
	closedir(dir);
}

static struct error *take_in_all(struct live *l)
{
	for (size_t i = 0; i < RESCUE_FOLDERS; i++)
		if (rescue_folder(i))
			take_in_from(l, rescue_folder(i));
	return live_read_rows(l);
}

/* --- what runs and what the history has ------------------------------------------------------------------------- */

static struct error *reconcile_one(struct live *l, struct live_function *f, const char *why,
				   size_t *differences)
{
	struct history *h = live_history(l);
	int recorded = 0, runs = live_plain(f);

	if (!f->row)
		return NULL;
	struct error *e = history_live(h, f->row, &recorded);
	if (e || recorded == runs)
		return e;
	struct history_move move = {.function = f->row, .from = recorded, .to = runs};
	e = history_record(h, runs > recorded ? HISTORY_DEFINE : HISTORY_ROLLBACK, "", 0, &move, 1, NULL);
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* made with another history, which had its place */
		return NULL;
	}
	if (!e)
		e = history_event(h, "recovered", f->row, runs, "", why);
	if (!e)
		++*differences;
	return e;
}

/* The slots say what runs: what the history lacks of that is recorded. Returns how many functions it was. */
static size_t reconcile(struct live *l, const char *why)
{
	size_t differences = 0;
	struct error *e = NULL;

	for (size_t i = 0; i < live_count(l) && !e; i++)
		e = reconcile_one(l, live_function(l, i), why, &differences);
	if (e && !record_lose(l, &e))
		live_warn(l, error_context(e, "what runs cannot be compared with the history"));
	return differences;
}

void record_renew(struct live *l)
{
	reconcile(l, "its module was opened anew, and runs what was built");
}

/* Where an engine died between making a version live and recording that. */
static void recover(struct live *l)
{
	size_t differences = reconcile(l, "it was live before the history said so");
	char *text = NULL;

	if (differences && asprintf(&text, "the history did not know yet that %zu %s live, and does now",
				    differences, differences == 1 ? "version is" : "versions are") >= 0)
		tell(l, LOG_NOTICE, text);
}

/* Killed together with its engine, a run could not say that it is over. */
static void end_silent_runs(struct live *l)
{
	char detail[100];

	snprintf(detail, sizeof(detail), "killed or crashed with its engine; noticed by the run of pid %lld",
		 (long long)record_of(l)->process.pid);
	struct error *e = history_end_runs(live_history(l), detail);
	if (e && !record_lose(l, &e))
		live_warn(l, error_context(e, "the ends of earlier runs are not in the history"));
}

struct error *record_new(struct live *l)
{
	struct record *r = calloc(1, sizeof(*r));
	const char *program = target_program(live_target(l)), *given = program_history_path(live_program(l));
	char *path = *given ? strdup(given) : default_path(program);

	if (!r || !path) {
		free(path);
		free(r);
		return error_memory();
	}
	r->keeper = (struct live_keeper){.whole = record_is_whole, .lose = record_lose};
	live_set_keeper(l, &r->keeper);
	r->process =
		(struct history_process){.pid = program_pid(live_program(l)),
					 .program = program,
					 .build_id = target_build_id(live_target(l)),
					 .started = history_process_started(program_pid(live_program(l)))};
	struct error *e = open_file(l, path);
	if (e)
		e = stand_in(l, path, e);
	else
		e = take_in_all(l);
	free(path);
	if (!e && record_is_whole(l))
		end_silent_runs(l);
	if (!e)
		recover(l);
	return e;
}

void record_free(struct live *l)
{
	struct record *r = record_of(l);

	if (!r)
		return;
	live_set_keeper(l, NULL);
	history_close(r->keeper.history);
	free(r->news);
	free(r);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

void record_function(struct live *l, struct live_function *f)
{
	struct error *e = texts_store_built(l, f);

	if (record_lose(l, &e))
		e = texts_store_built(l, f);
	if (e)
		live_warn(l, error_context(e, "%s is not in the history", f->name));
}

void record_event(struct live *l, const char *kind, struct live_function *f, int number, const char *user,
		  const char *detail)
{
	struct error *e;

	do {
		if (f && !f->row)
			record_function(l, f);
		e = history_event(live_history(l), kind, f ? f->row : 0, number, user, detail);
	} while (record_lose(l, &e));
	if (e)
		live_warn(l, error_context(e, "an event is not in the history"));
}

/* --- getting well ----------------------------------------------------------------------------------------------- */

bool record_is_whole(const struct live *l)
{
	return !stand_in_is(live_history(l));
}

int64_t record_deadline(const struct live *l)
{
	return record_is_whole(l) ? record_of(l)->rest_at : record_of(l)->retry_at;
}

/* What was written comes to its place once nobody has written for a while. */
static void rest(struct record *r)
{
	int unsettled = history_unsettled(r->keeper.history);

	if (unsettled < UNSETTLED_FEW) {
		r->rest_at = 0;
	} else if (!r->rest_at || unsettled != r->unsettled) {
		r->rest_at = clock_now_us() + REST_US;
		r->unsettled = unsettled;
	} else if (clock_now_us() >= r->rest_at) {
		history_settle(r->keeper.history);
		r->rest_at = 0;
	}
}

static bool settle(struct live *l)
{
	struct record *r = record_of(l);
	struct history *fresh;
	int64_t versions = 0;
	char *text = NULL;

	error_free(stand_in_pending(r->keeper.history, &versions));
	struct error *e = stand_in_settle(r->keeper.history, &r->process, renumber, l, &fresh);
	if (e) {
		error_free(e); /* the reason was told when it began */
		return false;
	}
	history_close(r->keeper.history);
	r->keeper.history = fresh;
	live_forget_warning(l);
	e = take_in_all(l);
	if (e)
		live_warn(l, error_context(e, "the history"));
	reconcile(l, "it was live before there was this file");
	if (asprintf(&text, "the history %s can be written again: %lld %s kept in memory %s in it now",
		     history_path(fresh), (long long)versions, versions == 1 ? "version" : "versions",
		     versions == 1 ? "is" : "are") >= 0)
		tell(l, LOG_NOTICE, text);
	return true;
}

void record_settle(struct live *l)
{
	struct record *r = record_of(l);

	if (record_is_whole(l)) {
		rest(r);
		return;
	}
	if (clock_now_us() < r->retry_at || settle(l))
		return;
	r->retry_us = r->retry_us * 2 < LAST_RETRY_US ? r->retry_us * 2 : LAST_RETRY_US;
	r->retry_at = clock_now_us() + r->retry_us;
}

static struct error *rescue_to(struct live *l, const char *folder, char **path)
{
	struct record *r = record_of(l);
	struct error *e = NULL;

	/* An engine before this one of the same run may have left one, and it may be kept. */
	for (int i = 0; i < RESCUES_MAX; i++) {
		char more[16] = "";
		if (i)
			snprintf(more, sizeof(more), "-%d", i);
		error_free(e);
		free(*path);
		if (asprintf(path, "%s/rtf-%s-%d%s.db", folder, text_base_name(r->process.program),
			     (int)r->process.pid, more) < 0)
			*path = NULL;
		e = *path ? stand_in_rescue(r->keeper.history, *path) : error_memory();
		if (!e)
			return NULL;
	}
	return e;
}

/* What never got to the file, where the next engine looks for it. */
static void rescue(struct live *l)
{
	int64_t versions = 0;
	bool saved = false;

	error_free(stand_in_pending(live_history(l), &versions));
	for (size_t i = 0; versions && i < RESCUE_FOLDERS && !saved; i++) {
		const char *folder = rescue_folder(i);
		char *path = NULL;
		struct error *e = folder ? rescue_to(l, folder, &path) : error_memory();
		saved = !e;
		if (saved)
			fprintf(stderr,
				"rtf-engine: %s could not be written to the end: %lld versions are in %s\n",
				history_path(live_history(l)), (long long)versions, path);
		error_free(e);
		free(path);
	}
}

void record_end(struct live *l)
{
	struct record *r = record_of(l);

	r->ends = true;
	if (history_process_started(r->process.pid) != r->process.started)
		record_event(l, "ended", NULL, -1, "", NULL);
	if (!record_is_whole(l) && !settle(l))
		rescue(l);
}
