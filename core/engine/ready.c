#include "ready.h"

void ready_begin(struct live *l)
{
	const struct target_unit *unit = live_count(l) ? live_function(l, 0)->at.unit : NULL;
	struct flags flags = {0};

	if (unit) /* else with none */
		error_free(sources_early_flags(live_host(l)->sources, unit, &flags));
	check_begin(live_host(l)->check, (const char *const *)flags.argv);
	flags_fini(&flags);
}

void ready_for_console(struct ready *r)
{
	r->console = true;
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

bool ready_serve(struct ready *r, struct live *l)
{
	const struct target_unit *unit = live_main_unit(l);
	struct sources *sources = live_host(l)->sources;
	struct source *source;

	if (!ready_is_due(r))
		return false;
	r->done = !unit || sources_has(sources, unit) || sources_is_put_off(sources, unit);
	if (r->done || ready_waits(r, l))
		return !r->done;
	if (!sources_is_begun(sources, unit)) {
		sources_ask_for(sources, unit);
		if (!sources_are_asked(sources))
			sources_begin(sources, unit);
		r->done =
			!sources_are_asked(sources) && !sources_is_begun(sources, unit); /* it is not there */
		return !r->done;
	}
	error_free(sources_find(sources, unit, &source)); /* who asks for it has that again */
	r->done = true;
	return false;
}
