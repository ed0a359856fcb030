/* One save: which functions it changed, and making them live, all of them or none.
 *
 * A save that touches nothing but the insides of decorated functions' bodies is taken as just that; any other is read
 * anew and compared with what the file said before, name by name, and only functions that can reach a name that changed
 * are sliced and compared. What a refused save held goes live with the save that heals it. One thread. */
#ifndef RTF_SAVE_H
#define RTF_SAVE_H

#include "awaited.h"
#include "change.h"
#include "error.h"
#include "live.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

/* A source whose files are followed. */
struct save_source {
	struct source *source;
	bool touched;     /* by this save */
	bool only_itself; /* and of its files only the source proper */
	bool missed; /* it was saved before it was first read (texts_age): what is new in it is not known */
	unsigned refusal;       /* the save that it was refused with as a whole, or 0 */
	unsigned put_off;       /* the save that was refused before this source was read for it, or 0 */
	struct awaited awaited; /* that it cannot be read without */
};

struct save {
	struct live *live;
	struct save_source *sources;
	size_t count;
	const char *user;
	unsigned number;     /* of the save, from 1 */
	bool hold;           /* take note of what changed, and make nothing live */
	bool release;        /* what was held is part of this save */
	const char *refused; /* the file of the last save that was refused, if this is one of it; or NULL */
	int64_t asked_us; /* of a trial (turns.h): when it was saved, on clock_now_us's clock; 0: it is none */
};

struct save_result {
	const char *
		kind; /* "live", "refused", "held" or "unchanged"; of a trial that lacks something "waits": what
			     changed is held */
	struct change_outcome outcome; /* what went live, or the diagnostics of what did not */
	char *message;                 /* why not, or NULL */
	char *notes; /* lines about what a save cannot do: functions that went or came, undecorated ones; "" is none */
	char *file; /* that the message is about, or NULL */
};

void save_take(const struct save *, struct save_result *out);
void save_result_fini(struct save_result *);

#endif
