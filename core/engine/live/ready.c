#include "ready.h"
#include "clock.h"
#include "history.h"
#include "kept.h"

#include <stdlib.h>
#include <string.h>

void ready_begin(struct live *l)
{
	const struct target_unit *unit = live_count(l) ? live_function(l, 0)->at.unit : NULL;
	struct flags flags = {0};

	if (unit) /* else with none */
		error_free(sources_early_flags(live_host(l)->sources, unit, &flags));
	check_begin(live_host(l)->check, (const char *const *)flags.argv);
	flags_fini(&flags);
}

/* The one whose file was saved last. */
static const struct target_unit *newest_unit(const struct live *l)
{
	const struct kept *kept = sources_all_kept(live_host(l)->sources);
	const struct kept_file *newest = NULL;
	const struct target_unit *unit = NULL;

	for (size_t i = 0; i < live_count(l); i++) {
		const struct target_unit *at = live_function(l, i)->at.unit;
		const struct kept_file *file = at && at != unit ? kept_find(kept, at->file) : NULL;
		if (!file || (newest && !clock_is_later(file->modified, newest->modified)))
			continue;
		newest = file;
		unit = at;
	}
	return unit;
}

static void copy_flags(void *context, const struct history_version *v)
{
	*(char **)context = *v->flags ? strdup(v->flags) : NULL;
}

/* With which flags the unit's functions were redefined before, or NULL; the caller's. */
static char *flags_before(const struct live *l, const struct target_unit *unit)
{
	char *flags = NULL;

	for (size_t i = 0; i < live_count(l) && !flags; i++) {
		const struct live_function *f = live_function(l, i);
		if (f->at.unit == unit && f->row && f->newest > 0)
			error_free(history_find(live_history(l), f->row, f->newest, copy_flags, &flags));
	}
	return flags;
}

void ready_hurry(struct live *l, const struct target_unit *unit)
{
	struct sources *sources = live_host(l)->sources;
	struct flags flags;

	if (!sources_are_asked(sources))
		return;
	sources_hurry(sources);
	if (!unit)
		unit = newest_unit(l);
	if (!unit || sources_is_begun(sources, unit))
		return;
	char *before = flags_before(l, unit);
	struct error *e = flags_guess(unit, before, &flags);
	if (!e)
		sources_draft(sources, unit, &flags);
	free(before);
	error_free(e);
}

void ready_for_console(struct ready *r, struct live *l)
{
	r->console = true;
	ready_hurry(l, NULL);
}

bool ready_is_due(const struct ready *r)
{
	return r->console && !r->done;
}

bool ready_waits(const struct ready *r, const struct live *l)
{
	struct sources *s = live_host(l)->sources;

	return ready_is_due(r) && live_main_unit(l) &&
	       (sources_are_asked(s) || sources_is_busy(s, live_main_unit(l)));
}

void ready_serve(struct ready *r, struct live *l)
{
	const struct target_unit *unit = live_main_unit(l);
	struct sources *sources = live_host(l)->sources;
	struct source *source;

	if (!ready_is_due(r))
		return;
	r->done = !unit || sources_has(sources, unit) || sources_is_put_off(sources, unit);
	if (r->done || ready_waits(r, l))
		return;
	if (sources_is_begun(sources, unit)) {
		error_free(sources_find(sources, unit, &source)); /* who asks for it has that again */
		r->done = true;
		return;
	}
	sources_ask_for(sources, unit);
	if (sources_are_asked(sources))
		return;
	sources_begin(sources, unit);
	r->done = !sources_is_begun(sources, unit); /* it is not there */
}
