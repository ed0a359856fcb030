/* What the engine writes into the history, and what becomes of it when the history fails.
 *
 * A database that is full, locked, read-only, damaged or of a newer schema costs nobody anything but time: a stand-in in
 * memory takes its place (stand_in.h), that is said once, and what it got is stored as soon as that is possible. One
 * thread. */
#ifndef RTF_RECORD_H
#define RTF_RECORD_H

#include "error.h"
#include "history.h"
#include "live.h"

#include <stdbool.h>
#include <stdint.h>

/* Opens the program's history, or a stand-in for it; finds its functions' rows, and notes what runs otherwise than the
 * history has it (an engine that was killed between the two). Right after live_new; `record_free` is for one that
 * failed, too, and before live_free. */
struct error *record_new(struct live *);
void record_free(struct live *);

/* Right after live_renew: functions that came back run what was built, whatever the history has of them. */
void record_renew(struct live *);

/* Whether the call that failed with *e should be made again: the history has failed, a stand-in has taken its place (rows
 * of functions may be other ones now), and *e is freed and NULL. False: it is not the history's fault, or there is
 * nothing better. */
bool record_lose(struct live *, struct error **e);

/* Something that happened, for the log; see history_event for the kinds. `f` NULL: it is about no function; `number` -1:
 * about no version. It does not fail. */
void record_event(struct live *, const char *kind, struct live_function *f, int number, const char *user,
		  const char *detail);

/* Makes sure that the function has a row, with what was built as its version 0. Does not fail, but f->row may still be 0
 * if memory ran out. */
void record_function(struct live *, struct live_function *f);

/* Tries to bring a stand-in's part to the file; or, once nobody has written for a while, settles the history. When to be
 * called, on clock_now_us's clock, 0: never. */
void record_settle(struct live *);
int64_t record_deadline(const struct live *);

/* Whether everything that was acknowledged is in the file. */
bool record_is_whole(const struct live *);

/* Makes this news (lines, copied). */
void record_tell(struct live *, const char *news);

/* News about the history that nobody has been told yet: one line, the caller's; NULL is none. */
char *record_take_news(struct live *);

/* The engine ends: a last try, and for what is still in memory a file of its own. */
void record_end(struct live *);

#endif
