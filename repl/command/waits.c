#include "waits.h"
#include "clock.h"

#include <stdlib.h>

/* --- \wait ----------------------------------------------------------------------------------------------------- */

struct version_wait {
	struct waiting waiting; /* first */
	struct live_function *function;
	int number;
};

static bool version_ready(struct waiting *waiting, struct console_state *state, bool interrupted,
			  struct reply *reply, struct error **e)
{
	struct version_wait *w = (struct version_wait *)waiting;
	const char *name = w->function->name;

	(void)state;
	if (w->function->live == w->number || live_plain(w->function) == w->number) {
		reply->data = json_pack("{s:s, s:i}", "function", w->function->at.name, "version", w->number);
		text_printf(&reply->text, "%s is version %d\n", name, w->number);
		return true;
	}
	if (interrupted)
		*e = error_new(ERROR_INTERRUPTED, "interrupted: %s is version %d, not %d", name,
			       w->function->live, w->number);
	else if (waiting->deadline_us && clock_now_us() >= waiting->deadline_us)
		*e = error_new(ERROR_TIMEOUT, "%s is still version %d, not %d", name, w->function->live,
			       w->number);
	return *e != NULL;
}

static void wait_free(struct waiting *waiting)
{
	free(waiting);
}

struct error *waits_wait(struct call *c)
{
	struct live_function *f;
	int number, seconds = 0, unused;

	struct error *e = call_find_version(c, c->words[0], &f, &unused);
	if (!e)
		e = call_number(c->words[1], &number);
	if (!e && c->count == 3)
		e = call_number(c->words[2], &seconds);
	if (e)
		return e;
	struct version_wait *w = calloc(1, sizeof(*w));
	if (!w)
		return error_memory();
	w->waiting = (struct waiting){.ready = version_ready, .free = wait_free, .outside = true};
	if (c->count == 3)
		w->waiting.deadline_us = clock_now_us() + (int64_t)seconds * 1000000;
	w->function = f;
	w->number = number;
	c->reply->waiting = &w->waiting;
	return NULL;
}

/* --- \events --------------------------------------------------------------------------------------------------- */

struct event_wait {
	struct waiting waiting; /* first */
	bool had_events;        /* before: so it is again afterwards */
};

static bool events_ready(struct waiting *waiting, struct console_state *state, bool interrupted,
			 struct reply *reply, struct error **e)
{
	const struct event_wait *w = (struct event_wait *)waiting;

	(void)reply;
	if (!interrupted)
		return false;
	state->listener.events = w->had_events;
	*e = error_new(ERROR_INTERRUPTED, "interrupted");
	return true;
}

struct error *waits_events(struct call *c)
{
	struct event_wait *w = calloc(1, sizeof(*w));

	if (!w)
		return error_memory();
	w->waiting = (struct waiting){.ready = events_ready, .free = wait_free, .outside = true};
	w->had_events = c->state->listener.events;
	c->state->listener.events = true;
	c->reply->waiting = &w->waiting;
	return NULL;
}
