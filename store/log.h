/* Reading the history back: versions, the event log, and the runs that share the database.
 *
 * As in history.h: one thread a handle; what a callback is handed is valid until it returns, and it must not call the
 * history. A page costs what it holds, however long the history is; only a search for events of one kind that is not
 * `fault`, or of a user's events about one function where both have many, looks at what lies between. */
#ifndef RTF_LOG_H
#define RTF_LOG_H

#include "error.h"
#include "history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is everything, the newest first. */
struct log_filter {
	int64_t function; /* its row; 0: all */
	int64_t before; /* only what is older: of one function's versions the number, otherwise the row id */
	const char *since; /* not older than this time, ISO 8601 in UTC or the beginning of it; NULL */
	const char *user;  /* NULL: anybody's */
	const char *kind;  /* of events, NULL: any */
	int limit;         /* how many; 0: all */
};

/* Versions: of one function by number, its version 0 of this build last; or of all, by row. Version 0 of other builds is
 * left out. Stops when `each` returns false. */
struct error *log_versions(struct history *, const struct log_filter *,
			   bool (*each)(void *context, const struct history_version *,
					const struct history_function *),
			   void *context);

/* What a function was built with, in every build that the history knows, the newest first. */
struct error *log_built(struct history *, int64_t function,
			bool (*each)(void *context, const struct history_version *,
				     const struct history_function *),
			void *context);

/* One function's part in a change, and the change. */
struct log_move {
	int64_t change;
	const char *kind, *user, *time; /* as in the table `change` */
	const char *build_id;           /* of the run in which it was made */
	int64_t function;
	int from, to;
};

/* The parts of the changes behind row `after`, up to row `to`, of one function or (0) of every one, by row. A run that could not
 * write has its rows behind others that were made later: `time` tells the order. */
struct error *log_moves(struct history *, int64_t function, int64_t after, int64_t to,
			bool (*each)(void *context, const struct log_move *), void *context);

/* The row of the newest change; 0: there is none. */
struct error *log_newest_change(struct history *, int64_t *id);

struct log_event {
	int64_t id;
	const char *time, *user, *kind, *detail; /* detail may be NULL */
	int64_t function;                        /* its row, 0: none */
	const char *name, *file;                 /* its name and source file, or NULL */
	int number;                              /* -1: about no version */
	int64_t pid;                             /* of the run */
};

struct error *log_events(struct history *, const struct log_filter *,
			 bool (*each)(void *context, const struct log_event *), void *context);

/* Whether a function ever had this text. */
struct error *log_has_text(struct history *, int64_t function, const char *text, bool *found);

/* How often a version has faulted, in any run. */
struct error *log_faults(struct history *, int64_t function, int number, int *count);

/* A run of the program. */
struct log_run {
	int64_t id;
	int64_t pid;
	const char *program, *build_id, *time; /* `time`: when the history first saw it */
	bool running;                          /* now */
};

/* The other runs with this history that go on now. */
struct error *log_others(struct history *, void (*each)(void *context, const struct log_run *),
			 void *context);

/* Whether this run has made any change. */
struct error *log_has_changes(struct history *, bool *out);

/* The run, now over, that made the newest change: its id, or 0. */
struct error *log_last_run(struct history *, int64_t *id);
struct error *log_find_run(struct history *, int64_t id, void (*with)(void *context, const struct log_run *),
			   void *context);

/* What was live at the end of a run and not what it was built with; and the text that it was built with, NULL if the
 * history does not have it. */
struct error *log_live_in(struct history *, int64_t run,
			  bool (*each)(void *context, const struct history_version *,
				       const struct history_function *, const char *built),
			  void *context);

/* How much there is. */
struct log_size {
	int64_t functions, versions, texts, changes, events, runs;
	int64_t bytes, free_bytes; /* of the file, and of it unused */
};

struct error *log_size(struct history *, struct log_size *out);

#endif
