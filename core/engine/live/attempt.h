/* A change in the making: its parts checked, linked, stored, published, recorded, in that order.
 *
 * Whoever has chosen the parts (change.h for new texts, rollback.h for versions that exist, instrumented.h for watched ones)
 * takes the steps that it needs. All parts go through a step or the step fails, and until attempt_commit nothing is left in
 * the program of one that failed. The attempt owns its parts' texts and builds; functions are borrowed. One thread. */
#ifndef RTF_ATTEMPT_H
#define RTF_ATTEMPT_H

#include "build.h"
#include "change.h"
#include "error.h"
#include "history.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ATTEMPT_ARENAS = 64 };

/* One function in a change. */
struct attempt_part {
	struct live_function *function;
	char *text;             /* what is stored */
	const char *definition; /* in the edit's text, or `text` itself */
	size_t definition_size;
	char *placed; /* the definition at the column that it was given at, or NULL: it is there already */
	struct build_request request;
	struct build build;
	bool built;      /* build_check was called */
	size_t note_at;  /* offset of its note in the arena's free code */
	uint64_t target; /* what its slot gets */
	bool instrumented; /* it is a form of what runs plain */
	bool watched; /* an instrumented version runs: the new one is to take its place instrumented, too */
	int from, to; /* versions */
	char was[LIVE_WATCHES]; /* what for, what ran before was instrumented; or "" */
};

struct attempt {
	struct attempt_part *parts;
	size_t count;
	char *extra;
	size_t declared;     /* bytes that it begins with and that were declared before */
	bool defines;        /* what it means for code that stays is to be told */
	bool named;          /* \define NAME: the text is to define that function */
	const char *spelled; /* \define NAME: what the text calls the function, if not NAME; borrowed */
	size_t code[ATTEMPT_ARENAS], data[ATTEMPT_ARENAS]; /* bytes taken of each arena */
	bool linked, committed;                            /* some of it; attempt_commit was done */
	struct live_variable_mark variables;               /* before it was linked */
};

void attempt_fini(struct attempt *);

/* Checks every part: a failure's findings, or else all warnings, go to the outcome. */
struct error *attempt_check(struct live *, struct attempt *, struct change_outcome *);

/* ERROR_COMPILE and so on from a check of the function's text that found something: its findings go to the outcome. */
struct error *attempt_refuse(const struct live_function *, struct check_result *, struct change_outcome *);

/* Compiles and links all parts. */
struct error *attempt_link(struct live *, struct attempt *);

/* Compiles and links one part behind what the change has taken of the arena so far. */
struct error *attempt_link_part(struct live *, struct attempt *, struct attempt_part *);

/* Writes the note before the code that was just linked, and the variables behind it. The parts after this one find the
 * variables too: two functions that come with one new static share it. */
struct error *attempt_note_part(struct live *, struct attempt_part *, size_t *code_used);

/* Gives every part its number: in the history, or, where even its stand-in fails, behind the last one known. */
struct error *attempt_store(struct live *, struct attempt *, const char *origin, const char *user);

/* From here on the arena counts what was linked, whatever becomes of it. */
struct error *attempt_commit(struct live *, struct attempt *);

/* The change fails: if it was not committed what it has taken of the arenas is somebody else's next, and nobody is to find the
 * variables that were placed there. */
void attempt_abandon(struct live *, struct attempt *);

/* Announces the code, and waits until the program has stored the slots of all parts that are not watched. */
struct error *attempt_publish(struct live *, const struct attempt *);

/* Publishes, and records that: the record is written while the program is at it, and committed when it has done it. A
 * program that takes its time (stopped in a debugger) does not keep other processes from the history meanwhile. `*us`
 * gets what was spent on the record alone. */
struct error *attempt_publish_and_record(struct live *, const struct attempt *, enum history_kind,
					 int64_t subject, const char *user, int64_t *us);

/* Records what was published. A history that fails is told as a warning. */
void attempt_record(struct live *, const struct attempt *, enum history_kind, int64_t subject,
		    const char *user);

/* What the program runs now; attempt_note_live also counts the versions, if they are new ones. */
void attempt_mark_live(const struct attempt *);
void attempt_note_live(struct live *, const struct attempt *, enum history_kind);
void attempt_count_version(struct live_function *, int number);

/* What became of every part. `start`: when it began, on clock_now_us's clock. */
struct error *attempt_report(struct change_outcome *, struct attempt *, int64_t start, int64_t store_us);

#endif
