#include "archive.h"
#include "clock.h"
#include "events.h"
#include "log.h"
#include "lookup.h"
#include "prune.h"
#include "record.h"
#include "restore.h"
#include "show.h"
#include "writing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- \save ------------------------------------------------------------------------------------------------------- */

static struct error *show_writing(struct call *c, const struct writing *w, struct text *plain)
{
	char from[600], to[600];

	snprintf(from, sizeof(from), "%s", w->path);
	snprintf(to, sizeof(to), "%s", w->path);
	struct error *e = show_diff(plain, from, w->before, to, w->after, false);
	if (!e && c->state->color)
		e = show_diff(&c->reply->text, from, w->before, to, w->after, true);
	else if (!e)
		text_append(&c->reply->text, plain->bytes ? plain->bytes : "", plain->size);
	return e;
}

static struct error *save(struct call *c, struct live_function *f, const struct writing *w, bool only_show)
{
	struct text diff = {0};
	bool write = !only_show && !w->same;
	char place[64];

	struct error *e = w->same ? NULL : show_writing(c, w, &diff);
	if (!e && write)
		e = writing_commit(w);
	if (!e && write) {
		snprintf(place, sizeof(place), "%s", text_base_name(w->path));
		record_event(c->live, "saved", f, f->live, c->state->user, place);
	}
	if (!e)
		c->reply->data = json_pack("{s:s, s:i, s:o, s:b, s:o}", "function", f->at.name, "version",
					   f->live, "file", show_string(w->path), "written", write, "text",
					   show_string(diff.bytes ? diff.bytes : ""));
	text_fini(&diff);
	if (e)
		text_fini(&c->reply->text);
	else if (w->same)
		text_printf(&c->reply->text, "%s says version %d of %s already\n", w->path, f->live, f->name);
	else if (write)
		text_printf(&c->reply->text, "%s says version %d of %s now\n", w->path, f->live, f->name);
	return e;
}

struct error *archive_save(struct call *c)
{
	struct live_function *f;
	struct writing w;
	bool only_show = false;
	const char *name = NULL;

	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->words[i], "-n") == 0)
			only_show = true;
		else if (!name)
			name = c->words[i];
		else
			return error_new(ERROR_USAGE, "usage: \\save NAME [-n]");
	}
	if (!name)
		return error_new(ERROR_USAGE, "usage: \\save NAME [-n]");
	if (c->state->read_only && !only_show)
		return error_new(ERROR_DENIED, "this connection is read-only: \\save changes something");
	struct error *e = lookup_find(c->live, name, c->state->file, &f);
	if (!e)
		e = writing_new(c->live, f, f->live, &w);
	if (e)
		return e;
	e = save(c, f, &w, only_show);
	writing_fini(&w);
	return e;
}

/* --- \restore ---------------------------------------------------------------------------------------------------- */

static void say_item(struct text *out, const struct restore_item *item)
{
	static const char *const said[] = {
		[RESTORE_LIVE] = "is live",
		[RESTORE_ALREADY] = "was live already",
		[RESTORE_IN_SOURCE] = "is what the source says: nothing to do",
		[RESTORE_UNFIT] = "no longer fits",
		[RESTORE_CHANGED] = "is left alone",
		[RESTORE_FAULTED] = "is left alone",
		[RESTORE_GONE] = "cannot come back",
	};

	text_printf(out, "version %d of %s %s", item->version, item->spelled, said[item->fate]);
	text_printf(out, item->why ? ": %s\n" : "\n", item->why);
}

static void say_run(struct text *out, const struct restore_result *r)
{
	text_printf(out, "the last run was pid %lld, first seen %s%s\n", (long long)r->pid, r->time,
		    r->rebuilt ? "; the program was built again since" : "");
	if (!r->count)
		text_puts(out, "it ended with everything as it was built\n");
	for (size_t i = 0; i < r->count; i++)
		say_item(out, &r->items[i]);
}

static json_t *left_json(const struct restore_item *item)
{
	json_t *row =
		json_pack("{s:s, s:o, s:i, s:s}", "function", item->function, "file", show_string(item->file),
			  "version", item->version, "fate", restore_fate_name(item->fate));

	if (item->why)
		json_object_set_new(row, "why", json_string(item->why));
	return row;
}

static void show_restored(struct call *c, const struct restore_result *r)
{
	json_t *left = json_array();

	say_run(&c->reply->text, r);
	c->reply->data = json_array();
	for (size_t i = 0; i < r->count; i++) {
		const struct restore_item *item = &r->items[i];
		if (item->fate == RESTORE_LIVE)
			json_array_append_new(c->reply->data,
					      json_pack("{s:s, s:o, s:i}", "function", item->function, "file",
							show_string(item->file), "version", item->version));
		else
			json_array_append_new(left, left_json(item));
	}
	c->reply->more =
		json_pack("{s:o, s:b, s:I}", "left", left, "rebuilt", r->rebuilt, "pid", (json_int_t)r->pid);
}

struct error *archive_restore(struct call *c)
{
	struct restore_result result;
	bool force = c->count && strcmp(c->words[0], "--force") == 0;

	if (c->count && !force)
		return error_new(ERROR_USAGE, "usage: \\restore [--force]");
	struct error *e = restore_last(c->live, force, c->state->user, &result);
	if (e)
		return e;
	show_restored(c, &result);
	for (size_t i = 0; i < result.outcome.count; i++)
		events_tell_changed(c->state, result.outcome.results[i].function,
				    result.outcome.results[i].version);
	restore_result_fini(&result);
	return NULL;
}

void archive_restore_at_start(struct live *l)
{
	struct restore_result result;
	struct text text = {0};
	bool changed = true;

	struct error *e = log_has_changes(live_history(l), &changed);
	if (!e && changed)
		return; /* an engine before this one did it */
	if (!e)
		e = restore_last(l, false, "", &result);
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* the first run of all */
		return;
	}
	if (e) {
		live_warn(l, error_context(e, "nothing is restored"));
		return;
	}
	say_run(&text, &result);
	record_tell(l, text.bytes ? text.bytes : "");
	text_fini(&text);
	restore_result_fini(&result);
}

/* --- \history ---------------------------------------------------------------------------------------------------- */

enum { PRUNE_DAYS = 30 };

static struct error *show_size(struct call *c)
{
	struct log_size s;

	struct error *e = log_size(live_history(c->live), &s);
	if (e)
		return e;
	const char *path = history_path(live_history(c->live));
	c->reply->data =
		json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "history", show_string(path),
			  "functions", (json_int_t)s.functions, "versions", (json_int_t)s.versions, "texts",
			  (json_int_t)s.texts, "changes", (json_int_t)s.changes, "events",
			  (json_int_t)s.events, "runs", (json_int_t)s.runs, "bytes", (json_int_t)s.bytes,
			  "free_bytes", (json_int_t)s.free_bytes, "stored", record_is_whole(c->live));
	text_printf(
		&c->reply->text,
		"%s\n%lld versions of %lld functions with %lld texts, %lld changes, %lld events, %lld %s\n"
		"%.1f MB, of which %.1f MB are free for what comes\n",
		path, (long long)s.versions, (long long)s.functions, (long long)s.texts, (long long)s.changes,
		(long long)s.events, (long long)s.runs, s.runs == 1 ? "run" : "runs", (double)s.bytes / 1e6,
		(double)s.free_bytes / 1e6);
	if (!record_is_whole(c->live))
		text_puts(&c->reply->text, "(in memory: the file cannot be written at the moment)\n");
	return NULL;
}

/* A long prune, step by step between other things. */
struct pruning {
	struct waiting waiting; /* first */
	struct live *live;
	struct history *history; /* it began with */
	struct prune *prune;
	int days;
	bool yes, planned;
};

static void tell_pruned(struct pruning *p, struct reply *reply, const struct prune_count *done, bool removed)
{
	reply->data = json_pack("{s:b, s:i, s:I, s:I, s:I, s:I}", "removed", removed, "days", p->days,
				"versions", (json_int_t)done->versions, "changes", (json_int_t)done->changes,
				"events", (json_int_t)done->events, "bytes", (json_int_t)done->bytes);
	text_printf(&reply->text,
		    "%s %lld versions, %lld changes and %lld events that are older than %d days\n",
		    removed ? "removed" : "\\history prune would remove", (long long)done->versions,
		    (long long)done->changes, (long long)done->events, p->days);
	if (removed && done->bytes > 0)
		text_printf(&reply->text, "the history is %.1f MB smaller\n", (double)done->bytes / 1e6);
	if (!removed)
		text_puts(&reply->text,
			  "what is live, was at the end of the last run, what the last change of a "
			  "function may undo, what is its newest version or has a note stays; --yes "
			  "removes, --days N sets another limit\n");
}

/* Counts first, which takes as many steps. True: that was all that is wanted. */
static bool plan_more(struct pruning *p, bool interrupted, struct reply *reply, struct error **e)
{
	struct prune_count planned;
	bool more = false;

	p->waiting.deadline_us = clock_now_us();
	*e = interrupted ? error_new(ERROR_INTERRUPTED, "interrupted: nothing was removed")
			 : prune_plan_step(p->prune, &more);
	if (*e || more)
		return *e != NULL;
	p->planned = true;
	prune_planned(p->prune, &planned);
	if (p->yes && planned.versions + planned.changes + planned.events)
		return false;
	tell_pruned(p, reply, &planned, p->yes);
	return true;
}

static bool prune_more(struct waiting *waiting, struct console_state *state, bool interrupted,
		       struct reply *reply, struct error **e)
{
	struct pruning *p = (struct pruning *)waiting;
	struct prune_count done;
	bool more = true;
	char detail[128];

	if (live_history(p->live) != p->history) {
		*e = error_new(ERROR_INTERNAL, "the history had to be opened anew: ask again");
		return true;
	}
	if (!p->planned)
		return plan_more(p, interrupted, reply, e);
	if (interrupted)
		*e = error_new(ERROR_INTERRUPTED, "interrupted: a part was removed, the rest is whole");
	else
		*e = prune_step(p->prune, &more);
	if (!*e && more) {
		waiting->deadline_us = clock_now_us();
		return false;
	}
	prune_done(p->prune, &done);
	snprintf(detail, sizeof(detail), "%lld versions, %lld changes, %lld events older than %d days",
		 (long long)done.versions, (long long)done.changes, (long long)done.events, p->days);
	record_event(p->live, "pruned", NULL, -1, state->user, detail);
	live_refresh_all(p->live);
	if (!*e)
		tell_pruned(p, reply, &done, true);
	return true;
}

static void prune_end(struct waiting *waiting)
{
	struct pruning *p = (struct pruning *)waiting;

	prune_free(p->prune);
	free(p);
}

static struct error *prune(struct call *c, int days, bool yes)
{
	struct pruning *p = calloc(1, sizeof(*p));

	if (!p)
		return error_memory();
	*p = (struct pruning){
		.waiting = {.ready = prune_more, .free = prune_end, .deadline_us = clock_now_us()},
		.live = c->live,
		.history = live_history(c->live),
		.days = days,
		.yes = yes};
	struct error *e = prune_new(p->history, days, &p->prune);
	if (e)
		prune_end(&p->waiting);
	else
		c->reply->waiting = &p->waiting;
	return e;
}

static struct error *parse_days(const char *word, int *days)
{
	struct error *e = call_number(word, days);

	if (!e)
		return NULL;
	error_free(e);
	return error_new(ERROR_USAGE, "%s is no number of days", word);
}

struct error *archive_history(struct call *c)
{
	int days = PRUNE_DAYS;
	bool yes = false;

	if (!c->count)
		return show_size(c);
	if (strcmp(c->words[0], "prune") != 0)
		return error_new(ERROR_USAGE, "usage: \\history [prune [--days N] [--yes]]");
	for (size_t i = 1; i < c->count; i++) {
		struct error *e = NULL;
		if (strcmp(c->words[i], "--yes") == 0)
			yes = true;
		else if (strcmp(c->words[i], "--days") == 0 && i + 1 < c->count)
			e = parse_days(c->words[++i], &days);
		else
			e = error_new(ERROR_USAGE, "usage: \\history [prune [--days N] [--yes]]");
		if (e)
			return e;
	}
	if (yes && c->state->read_only)
		return error_new(ERROR_DENIED,
				 "this connection is read-only: \\history prune --yes changes something");
	if (!record_is_whole(c->live))
		return error_new(ERROR_INTERNAL,
				 "the history cannot be written at the moment: there is nothing to prune");
	return prune(c, days, yes);
}
