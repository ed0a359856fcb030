#include "later.h"
#include "clock.h"
#include "turns.h"

#include <stdlib.h>
#include <string.h>

struct later {
	struct waiting waiting; /* first */
	struct turns *turns;
	struct turn turn;
	later_try *attempt;
	char *entry;
	size_t size;
	int64_t asked_us;
};

/* What a trial that is made again has put into its answer. */
static void forget(struct reply *reply)
{
	if (reply->waiting)
		reply->waiting->free(reply->waiting);
	json_decref(reply->data);
	json_decref(reply->diagnostics);
	json_decref(reply->more);
	text_fini(&reply->text);
	*reply = (struct reply){.command = reply->command};
}

/* False: it is to be made again. */
static bool is_over(struct later *w, struct console_state *state, struct reply *reply, struct error **e)
{
	turn_begin(w->turns, &w->turn);
	state->asked_us = w->asked_us;
	*e = w->attempt(state, w->entry, w->size, reply);
	state->asked_us = 0;
	if (!turn_end(w->turns, *e))
		return true;
	error_free(*e);
	*e = NULL;
	forget(reply);
	return false;
}

static bool is_ready(struct waiting *waiting, struct console_state *state, bool interrupted,
		     struct reply *reply, struct error **e)
{
	struct later *w = (struct later *)waiting;

	if (interrupted) {
		*e = error_new(ERROR_INTERRUPTED, "interrupted while the compiler ran: nothing has changed");
		return true;
	}
	return turn_is_ready(&w->turn) && is_over(w, state, reply, e);
}

static void free_waiting(struct waiting *waiting)
{
	struct later *w = (struct later *)waiting;

	turn_leave(w->turns, &w->turn);
	free(w->entry);
	free(w);
}

struct error *later_run(struct console_state *state, const char *text, size_t size, later_try *attempt,
			struct reply *reply)
{
	struct turns *turns = state->host->turns;
	struct later *w = turns ? calloc(1, sizeof(*w)) : NULL;
	struct error *e;

	if (!turns)
		return attempt(state, text, size, reply);
	if (w)
		w->entry = strndup(text, size);
	if (!w || !w->entry) {
		free(w);
		return error_memory();
	}
	w->waiting = (struct waiting){.ready = is_ready, .free = free_waiting};
	w->turns = turns;
	w->attempt = attempt;
	w->size = size;
	w->asked_us = clock_now_us();
	if (is_over(w, state, reply, &e)) {
		free_waiting(&w->waiting);
		return e;
	}
	reply->waiting = &w->waiting;
	return NULL;
}
