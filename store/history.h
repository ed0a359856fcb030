/* The history: an sqlite database of versions and of what happened to them, described by schema.sql.
 *
 * Append-only: a version's row is never changed but for its note; going back writes a change and moves
 * the live mark. A version's number counts from 1 for each function over all runs of the program; 0 is
 * what was built, once for each build id. Every call is one transaction and is committed when it returns
 * NULL. One that fails leaves the database as it was and the handle usable; its message names the file.
 * log.h reads it back, prune.h shortens it, stand_in.h takes its place while it cannot be written.
 * Several processes may use one database; one thread a handle. Strings passed in are borrowed for the
 * call; those handed out by a callback are valid until it returns, and it must not call the history. */
#ifndef RTF_HISTORY_H
#define RTF_HISTORY_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

struct history_process {
	int64_t pid;
	const char *program;  /* absolute path of the executable */
	const char *build_id; /* hex */
	int64_t started;      /* its start in clock ticks since boot (proc(5), stat field 22): with pid it
				 names one run, so that a restarted engine goes on with the same run */
};

/* A function is known by its module's file name, its source file (as the program's DWARF names it), its
 * name. */
struct history_function {
	const char *module, *file, *name;
};

struct history_version {
	int64_t id;       /* of the row; out only */
	int64_t function; /* row id from history_function_id */
	int number;       /* out; 0 only from history_add_built */
	int parent;       /* the number that was live when it was made; -1: none */
	const char *text; /* the function's source text */
	const char *slice_hash;
	const char *backend;  /* "tcc", "cc"; "built" for version 0 */
	const char *compiler; /* e.g. "libtcc 0.9.27" */
	const char *flags;
	const char *origin; /* "built", "console", "file", "restore", "trace", … */
	const char *user;
	const char *time;     /* ISO 8601, UTC: "2026-01-02T03:04:05.678Z"; out only, by the store's clock */
	const char *note;     /* "" is none */
	const char *file;     /* the source file of the text */
	int line;             /* of the text's first line in that file, 1-based; 0 unknown */
	bool live;            /* in this run; out only */
	const char *build_id; /* of number 0, the build that it is the text of; otherwise NULL; out only */
};

/* One function's part in a change: which version was live before and is live after. */
struct history_move {
	int64_t function;
	int from, to;
};

/* Opens or creates `path` (directories too, mode 0700; file 0600), migrates it, records the start of the
 * process or, if this run is already there, goes on with it. `:memory:` works. A database of a newer
 * schema is refused, and so is one of another program. */
struct error *history_open(const char *path, const struct history_process *, struct history **out);
void history_close(struct history *); /* takes NULL; does not record an end */

const char *history_path(const struct history *);

/* Whether the file was moved away or deleted while it was open: every call that writes fails then. */
bool history_is_away(const struct history *);

/* A copy of one that is away, as it is now, comes to its path, to be opened anew. An error if there is a file at the path. */
struct error *history_put_back(struct history *);

/* Whether another file was copied over it while it was open: every call that writes fails then, with this error; what is read is
 * of no worth. What this handle has committed is known still: see stand_in_repeating. */
bool history_is_overwritten(struct history *);
struct error *history_overwritten(const struct history *);

/* What is committed stands in sqlite's write-ahead log first and has to be moved to its place some time, which takes
 * milliseconds of a disk's time: so that nobody waits for it, when there is nothing else to do. history_unsettled says how
 * many pages wait; past HISTORY_UNSETTLED_MAX a commit moves them by itself. */
enum { HISTORY_UNSETTLED_MAX = 16384 };
int history_unsettled(const struct history *);
void history_settle(struct history *);

/* A process's start in clock ticks since boot, for struct history_process; 0 if there is none, or it has ended. */
int64_t history_process_started(int64_t pid);

/* The function's row id, made if new. */
struct error *history_function_id(struct history *, const struct history_function *, int64_t *id);

/* Every function that the history knows, how many versions each has, number 0 included, and its highest number, until
 * `each` returns false. */
struct error *history_each_function(struct history *,
				    bool (*each)(void *context, int64_t id, const struct history_function *,
						 int versions, int newest),
				    void *context);

/* Whether another process has written to the database since this was last asked; at first it has. */
struct error *history_changed(struct history *, bool *changed);

/* Version 0 for this run's build id, unless it is there. `number`, `parent`, `origin` and `backend` are set
 * here. */
struct error *history_add_built(struct history *, const struct history_version *);

/* Version 0 for this run's build id was stored with another text, of a file that was read with other flags: `text`, `flags`, `file`
 * and `line` take the place of those. Nothing if it is not there. */
struct error *history_renew_built(struct history *, const struct history_version *);

/* A function's numbers up to this one are taken for as long as this handle is open, whether or not their versions could be
 * read. */
struct error *history_reserve(struct history *, int64_t function, int number);

/* Stores `count` new versions, all or none, giving each its number (also across processes). */
struct error *history_add(struct history *, struct history_version *versions, size_t count);

enum history_kind {
	HISTORY_DEFINE,
	HISTORY_ROLLBACK,
	HISTORY_UNDO,
	HISTORY_REDO,
	HISTORY_RESTORE,
};

/* Records that these moves are live now, as one change. For UNDO and REDO `subject` is the change that is
 * taken back or done again, else 0. A function is in at most one move. ERROR_UNKNOWN if `to` is a version
 * that the history does not have; 0 need not be stored. `*change`, if asked for, gets the change's id. */
struct error *history_record(struct history *, enum history_kind, const char *user, int64_t subject,
			     const struct history_move *moves, size_t count, int64_t *change);

/* The same in two halves, for who has to wait for something in between: the first writes all of it, which nobody sees
 * before the second commits it or, without `keep`, takes it back, which does not fail. Between them no other call, and no long
 * time: other processes that want to write wait. After an error of the first there is nothing to end. */
struct error *history_record_begin(struct history *, enum history_kind, const char *user, int64_t subject,
				   const struct history_move *moves, size_t count);
struct error *history_record_end(struct history *, bool keep);

/* The change that `\undo` (or, with redo, `\redo`) would act on in this run: its id and its moves in the
 * direction to be applied now (for undo: from what it made live, to what was before), malloc'ed, the
 * caller's. `*change` 0: none. A change that was taken back can be done again until another change is
 * made. */
struct error *history_next(struct history *, bool redo, int64_t *change, struct history_move **moves,
			   size_t *count);

/* What this run last made live of a function; 0 if nothing. */
struct error *history_live(struct history *, int64_t function, int *number);

/* How many versions a function has, version 0 of this build included. */
struct error *history_count(struct history *, int64_t function, int *count);

/* One version. ERROR_UNKNOWN if there is none. Number 0 is this build's. The callback form avoids copies. */
struct error *history_find(struct history *, int64_t function, int number,
			   void (*with)(void *context, const struct history_version *), void *context);

/* Replaces a version's note. ERROR_UNKNOWN if there is no such version. */
struct error *history_note(struct history *, int64_t function, int number, const char *user,
			   const char *note);

/* Appends to the event log. `kind` is one word; `function` may be 0, `number` -1; `detail` may be NULL. What the other calls
 * of this header do is in the log already: a run `started`; a version `built` or `defined`; a move `live`, `rollback`,
 * `undo`, `redo`, `restore`; `noted`. The rest is told here: `refused`, `rejected`, `checked`, `declared`, `saved`,
 * `evaluated`, `written`, `traced`, `optimised`, `fault`, `ended`, `pruned`. */
struct error *history_event(struct history *, const char *kind, int64_t function, int number,
			    const char *user, const char *detail);

/* Runs that are over, and that no engine outlived to say so, are `ended` in the log from now on; `detail` says who noticed.
 * Only runs of which something is among the newest events are looked at. */
struct error *history_end_runs(struct history *, const char *detail);

#endif
