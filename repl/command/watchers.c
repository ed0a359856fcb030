#include "watchers.h"
#include "clock.h"
#include "coverage.h"
#include "lookup.h"
#include "parked.h"
#include "program.h"
#include "records.h"
#include "rollback.h"
#include "show.h"
#include "unwatched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool follow_definition(void *context, struct live_function *f);
static struct error *prepare_definition(void *context, struct live_function *f, const char *text,
					unsigned line);

struct error *watchers_new(struct host *host, struct watchers **out)
{
	struct watchers *all = calloc(1, sizeof(*all));

	if (!all)
		return error_memory();
	all->host = host;
	all->serial = (unsigned)(clock_now_us() >> 10) & 0x3fffffff;
	for (size_t i = 0; i < live_count(host->live); i++) {
		struct live_function *f = live_function(host->live, i);
		struct change_outcome outcome = {0};
		struct error *e = NULL;
		if (*f->instrumented)
			e = rollback_plain(host->live, f, "", &outcome);
		if (e)
			live_warn(
				host->live,
				error_context(e, "%s is still watched, by an engine that is gone", f->name));
		change_outcome_fini(&outcome);
	}
	live_set_watcher(host->live, follow_definition, all);
	live_set_forerunner(host->live, prepare_definition, all);
	*out = all;
	return NULL;
}

void watchers_free(struct watchers *all)
{
	if (!all)
		return;
	live_set_watcher(all->host->live, NULL, NULL);
	live_set_forerunner(all->host->live, NULL, NULL);
	while (all->first)
		watched_remove(all, all->first);
	parked_free(all);
	check_result_fini(&all->refused);
	if (all->host->turns)
		turn_leave(all->host->turns, &all->turn);
	free(all);
}

static void why_not(const struct live_function *f, const struct error *e, char *why, size_t size)
{
	snprintf(why, size, "version %d cannot be watched: %s", f->live, error_message(e));
}

/* Ends what may be in the way of all, and tries without it; *e is the new reason if that fails too. */
static bool goes_without(struct watchers *all, struct watched *d, bool probes_alone, struct error **e)
{
	char why[400];

	why_not(d->function, *e, why, sizeof(why));
	if (!records_end_taps(all, d, probes_alone, why))
		return false;
	error_free(*e);
	*e = watched_instrument(all, d, d->user, true);
	return !*e;
}

/* A new definition of a function that is watched: it goes live in its instrumented form. Probes end before the rest does: their
 * lines may be gone. */
static bool follow_definition(void *context, struct live_function *f)
{
	struct watchers *all = context;
	struct watched *d = watched_find(all, f);
	char why[400];

	if (!d)
		return false;
	struct error *e = watched_instrument(all, d, d->user, true);
	if (!e || goes_without(all, d, true, &e) || goes_without(all, d, false, &e))
		return true;
	why_not(f, e, why, sizeof(why));
	error_free(e);
	records_end_all(all, d, why);
	return false;
}

/* What does not fit is told when the definition is live. */
static struct error *prepare_definition(void *context, struct live_function *f, const char *text,
					unsigned line)
{
	struct watchers *all = context;
	struct watched *d = watched_find(all, f);
	struct error *e = d ? watched_prepare(all, d, text, line) : NULL;

	if (!e || turns_lack(all->host->turns))
		return e;
	error_free(e);
	return NULL;
}

/* The live version is not the watched one any more: it got another number, or somebody went back. */
static void follow_version(struct watchers *all, struct watched *d)
{
	struct live_function *f = d->function;
	char why[400];

	if (*f->instrumented) {
		d->version = f->live;
		return;
	}
	snprintf(why, sizeof(why), "version %d was made live", f->live);
	records_end_all(all, d, why);
}

/* Builds out what is over of one function after the other, in turn with what consoles wait for. */
static void shrink(struct watchers *all)
{
	struct turns *turns = all->host->turns;
	struct watched *d = all->first;

	while (d && !d->shrinks)
		d = d->next;
	if (all->turn.queued && !turn_is_ready(&all->turn))
		return;
	if (!d && all->turn.queued)
		turn_leave(turns, &all->turn); /* another version came in the meantime */
	if (!d)
		return;
	if (turns)
		turn_begin(turns, &all->turn);
	struct error *e = watched_instrument(all, d, d->user, false);
	if (!turns || !turn_end(turns, e))
		d->shrinks = false; /* whatever came of it: it is harmless where it is */
	error_free(e);
}

void watchers_serve(struct watchers *all)
{
	bool due = all->due && clock_now_us() >= all->due, rings = false;

	parked_take(all);
	for (struct watched *d = all->first, *next; d; d = next) {
		next = d->next;
		if (d->function->live != d->version)
			follow_version(all, d);
		else if (due && d->taps)
			records_poll(all, d);
	}
	shrink(all);
	for (const struct watched *d = all->first; d; d = d->next)
		rings |= d->taps != NULL;
	if (!rings)
		all->due = 0;
	else if (due || !all->due)
		all->due = clock_now_us() + (all->due ? WATCHERS_POLL_US : 0);
}

struct error *watchers_retry(struct call *c)
{
	struct watchers *all;

	struct error *e = watched_all(c, &all);
	if (e)
		return e;
	watchers_serve(all);
	return parked_retry(c);
}

int64_t watchers_deadline(const struct watchers *all)
{
	return all->due;
}

void watchers_leave(struct watchers *all, const struct console_state *console)
{
	for (struct watched *d = all ? all->first : NULL, *next; d; d = next) {
		next = d->next;
		bool any = false;
		for (struct tap *w = d->taps; w; w = w->next) {
			if (w->console != console)
				continue;
			w->console = NULL;
			w->over = any = true;
		}
		if (any)
			error_free(watched_shrink(all, d, console->user));
	}
}

/* --- \cover ------------------------------------------------------------------------------------------------------- */

static struct error *read_counts(struct watchers *all, const struct watched *d, uint64_t **out)
{
	uint64_t *counts = calloc(d->made.counters.count + 1, sizeof(*counts));
	struct error *e = counts ? program_read(all->host->program, d->counts_address, counts,
						d->made.counters.count * sizeof(*counts))
				 : error_memory();

	if (e)
		free(counts);
	else
		*out = counts;
	return e;
}

static struct error *show_coverage(struct call *c, struct watchers *all, const struct watched *d,
				   bool started)
{
	const struct live_function *f = d->function;
	uint64_t *counts;

	struct error *e = read_counts(all, d, &counts);
	if (e)
		return e;
	struct coverage coverage = {&d->made, counts};
	json_t *row = json_pack("{s:s, s:i, s:i}", "function", f->at.name, "version", f->live, "plain",
				live_plain(f));
	coverage_add_summary(row, &coverage);
	coverage_add_counts(row, &coverage);
	json_array_append_new(c->reply->data, row);
	if (started) {
		text_printf(&c->reply->text, "%s is counted from now on: version %d\n", f->name, f->live);
		unwatched_note(c, f, row, "counted");
	} else {
		coverage_show(&c->reply->text, &coverage, f->at.name, live_plain(f),
			      text_base_name(f->at.file));
	}
	free(counts);
	return NULL;
}

static struct error *show_all_coverage(struct call *c, struct watchers *all)
{
	struct error *e = NULL;

	for (const struct watched *d = all->first; d && !e; d = d->next)
		if (d->cover)
			e = show_coverage(c, all, d, false);
	if (!e && json_array_size(c->reply->data) == 0)
		text_puts(&c->reply->text, "no function is counted: \\cover NAME counts one\n");
	return e;
}

struct error *watchers_cover(struct call *c)
{
	struct live_function *f;
	struct watchers *all;
	struct watched *d;

	struct error *e = watched_all(c, &all);
	if (e)
		return e;
	c->reply->data = json_array();
	if (!c->count)
		return show_all_coverage(c, all);
	e = lookup_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = watched_begin(c, all, f, &d);
	if (e)
		return e;
	if (d->cover)
		return show_coverage(c, all, d, false);
	int version = d->version;
	if (c->state->read_only) {
		e = error_new(
			ERROR_DENIED,
			"this connection is read-only: \\cover of a function that is not counted changes it");
	} else {
		d->cover = true;
		e = watched_instrument(all, d, c->state->user, true);
	}
	if (!e)
		return show_coverage(c, all, d, true);
	d->cover = false;
	watched_take_back(all, d, version, c->state->user);
	return e;
}

static bool *cover_of(struct watched *d)
{
	return &d->cover;
}

struct error *watchers_uncover(struct call *c)
{
	return watched_end(c, cover_of, "counted", "counters");
}

bool watchers_source(struct call *c, struct live_function *f, int number, const char *text, unsigned line,
		     struct error **e)
{
	struct watchers *all = c->state->host->watchers;
	const struct watched *d = watched_find(all, f);
	uint64_t *counts;

	if (!d || !d->cover || number != d->version || f->live != d->version)
		return false;
	*e = read_counts(all, d, &counts);
	if (*e)
		return true;
	struct coverage coverage = {&d->made, counts};
	text_printf(&c->reply->text, "%s, version %d, counted since %d was made live\n", f->name,
		    live_plain(f), number);
	coverage_source(&c->reply->text, &coverage, text, line, c->state->color);
	c->reply->data = json_pack("{s:s, s:i, s:o, s:i, s:o}", "function", f->at.name, "version", number,
				   "file", show_string(f->at.file ? f->at.file : ""), "line", (int)line,
				   "text", show_string(text));
	coverage_add_summary(c->reply->data, &coverage);
	coverage_add_counts(c->reply->data, &coverage);
	free(counts);
	return true;
}
