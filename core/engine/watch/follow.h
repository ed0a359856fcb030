/* Follows the sources: watches the files that they are made of, and hands what is saved to save.h.
 *
 * The files of all units are watched from the start, and their bytes and their headers' kept, long before all of them are
 * read: one that is saved meanwhile is read first, as it was, and its save is one like any other. What was saved before the
 * first look at it, or while no engine ran, and a header that the first look did not find, is known by its time, which is
 * newer than the program's file and than the program's start, or the last save that an engine of the program has dealt
 * with: it is a save, too, but that what the file said before is only known where the history has it. All functions of such
 * a file that do not have a text that the history knows go live. A file that is newer than the program's and was saved before
 * the program started is followed, but not said to be what was built. A save of a file without
 * decorated functions, and a file that is gone or empty for a while, change nothing and are told. A save that needs the
 * program's own compiler waits for it in turn with what consoles wait for (turns.h), and later saves behind it. One thread. */
#ifndef RTF_FOLLOW_H
#define RTF_FOLLOW_H

#include "change.h"
#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stdint.h>

struct follow;

/* What became of a save, for people and for scripts. */
struct follow_news {
	const char *kind; /* "live", "refused", "held" (\follow is off) or "unchanged" */
	const char *file; /* that was saved (the first of several), or that a refusal is about */
	const char *const
		*files; /* all that were saved together, NULL at the end; NULL: not known any more */
	const struct change_outcome
		*outcome;    /* what went live, or the diagnostics of what did not; may be NULL */
	const char *message; /* why not, or NULL */
	const char *notes;   /* lines about what a save cannot do; "" is none */
	int64_t latency_us;  /* since the last event of the save */
};

/* `tell` is called for every save that was dealt with. */
struct error *follow_new(struct live *, void (*tell)(void *context, const struct follow_news *),
			 void *context, struct follow **out);
void follow_free(struct follow *); /* takes NULL */

/* On from the start; while off, saves are taken note of and no more. What they held goes live when it is on again. */
void follow_set(struct follow *, bool on);
bool follow_is_on(const struct follow *);

/* Watches the files of sources that were indexed since the last call. */
void follow_learn(struct follow *);

/* Before anything is read ahead: what need not be is put off. True while there is more to do. */
bool follow_prepare(struct follow *);

/* Whether a save waits for sources that are being read: sources_fd tells when to call follow_serve. */
bool follow_waits(const struct follow *);

/* Whether a call of the program's may wait: for the first look at the sources (rtf_sync), or for a save that is not live or
 * refused yet. */
bool follow_is_awaited(const struct follow *);

/* Whether a save is on its way: once it is live or refused this says no, unless a lock holds it up. */
bool follow_is_taking(const struct follow *);

/* Every source that there is now is followed: calls may wait for saves (rtf_sync; and by themselves, if the program is strict
 * and does not poll). */
void follow_complete(struct follow *);

/* Functions came with a module: in a strict program calls of theirs wait for saves, too. Once they are read, follow_complete is
 * called again. */
void follow_renew(struct follow *);

int follow_fd(const struct follow *); /* to poll for reading; -1 while a save waits for the compiler */
int64_t follow_deadline(const struct follow *); /* on clock_now_us's clock; 0: nothing is in progress */
void follow_serve(struct follow *);             /* the descriptor is ready or the deadline has come */
void follow_go_on(struct follow *);             /* turns were served: the compiler may have run */

#endif
