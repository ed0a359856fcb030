#include "restore.h"
#include "log.h"
#include "record.h"
#include "rollback.h"
#include "text.h"
#include "texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One function of the last run, while it is decided. */
struct item {
	struct restore_item out;
	struct live_function *function; /* NULL: the program does not have it */
	char *text, *built;             /* the version's, and what that run was built from (or NULL) */
};

struct work {
	struct live *live;
	struct item *items;
	size_t count, room;
	bool failed;
};

const char *restore_fate_name(enum restore_fate fate)
{
	static const char *const names[] = {"live",    "already", "in-source", "unfit",
					    "changed", "faulted", "gone"};

	return names[fate];
}

static void item_fini(struct restore_item *item)
{
	free(item->function);
	free(item->file);
	free(item->spelled);
	free(item->why);
}

static void items_fini(struct restore_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		item_fini(&items[i]);
	free(items);
}

void restore_result_fini(struct restore_result *r)
{
	items_fini(r->items, r->count);
	free(r->time);
	change_outcome_fini(&r->outcome);
	*r = (struct restore_result){0};
}

static void work_fini(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		item_fini(&w->items[i].out);
		free(w->items[i].text);
		free(w->items[i].built);
	}
	free(w->items);
}

/* --- what was live ----------------------------------------------------------------------------------------------- */

/* Another of its name may be there. */
static char *spell_gone(const struct history_function *key)
{
	char *spelled = NULL;

	return asprintf(&spelled, "%s:%s", text_base_name(key->file), key->name) < 0 ? NULL : spelled;
}

static bool take_version(void *context, const struct history_version *v, const struct history_function *key,
			 const char *built)
{
	struct work *w = context;

	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 16;
		struct item *more = reallocarray(w->items, room, sizeof(*more));
		if (!more) {
			w->failed = true;
			return false;
		}
		w->items = more;
		w->room = room;
	}
	struct item *item = &w->items[w->count++];
	struct live_function *f = live_by_row(w->live, v->function);
	*item = (struct item){.out = {.function = strdup(key->name),
				      .file = strdup(f && f->at.file ? f->at.file : key->file),
				      .spelled = f ? strdup(f->name) : spell_gone(key),
				      .version = v->number},
			      .function = f,
			      .text = strdup(v->text),
			      .built = built ? strdup(built) : NULL};
	w->failed |= !item->out.function || !item->out.file || !item->out.spelled || !item->text ||
		     (built && !item->built);
	return !w->failed;
}

struct run {
	struct restore_result *result;
	struct live *live;
};

static void take_run(void *context, const struct log_run *run)
{
	struct run *r = context;

	r->result->pid = run->pid;
	r->result->time = strdup(run->time);
	r->result->rebuilt = strcmp(run->build_id, target_build_id(live_target(r->live))) != 0;
}

static struct error *find_last(struct work *w, struct restore_result *out)
{
	struct history *h = live_history(w->live);
	struct run run = {out, w->live};
	int64_t last = 0;

	struct error *e = log_last_run(h, &last);
	if (e)
		return e;
	if (!last)
		return error_new(ERROR_UNKNOWN,
				 "no run before this one changed anything: there is nothing to restore");
	e = log_find_run(h, last, take_run, &run);
	if (!e)
		e = log_live_in(h, last, take_version, w);
	return e ? e : w->failed || !out->time ? error_memory() : NULL;
}

/* --- what may come back ------------------------------------------------------------------------------------------ */

static void decide(struct item *item, enum restore_fate fate, const char *why)
{
	item->out.fate = fate;
	item->out.why = why ? strdup(why) : NULL;
}

static struct error *judge(struct work *w, struct item *item, bool rebuilt, bool force)
{
	struct live_function *f = item->function;
	int faults = 0;

	if (!f) {
		decide(item, RESTORE_GONE,
		       "the program does not have this function any more, or it is not decorated");
		return NULL;
	}
	if (f->live == item->out.version) {
		decide(item, RESTORE_ALREADY, NULL);
		return NULL;
	}
	error_free(texts_see_unit(w->live, f->at.unit)); /* without its source it will not fit, and say why */
	if (!f->unsure && texts_mean(f->built_text, item->text)) {
		decide(item, RESTORE_IN_SOURCE, NULL);
		return NULL;
	}
	struct error *e = log_faults(live_history(w->live), f->row, item->out.version, &faults);
	if (e)
		return e;
	if (faults && !force)
		decide(item, RESTORE_FAULTED, "it has faulted; --force restores it all the same");
	else if (rebuilt && item->built && *item->built && f->built_text &&
		 !texts_mean(f->built_text, item->built) && !texts_mean(f->built_text, item->text) && !force)
		decide(item, RESTORE_CHANGED,
		       f->unsure ? "its source was changed since, perhaps before the program was built; "
				   "--force restores it all the same"
				 : "its source was changed since, and built into the program; --force "
				   "restores it all the same");
	return NULL;
}

static struct error *judge_all(struct work *w, bool rebuilt, bool force)
{
	for (size_t i = 0; i < w->count; i++) {
		struct error *e = judge(w, &w->items[i], rebuilt, force);
		if (e)
			return e;
	}
	return NULL;
}

/* --- making it live ---------------------------------------------------------------------------------------------- */

static struct error *make_live(struct work *w, const char *user, struct change_outcome *outcome)
{
	struct rollback_step *steps = calloc(w->count + 1, sizeof(*steps));
	size_t *which = calloc(w->count + 1, sizeof(*which)), count = 0;
	struct error *e = steps && which ? NULL : error_memory();

	for (size_t i = 0; i < w->count && !e; i++) {
		if (w->items[i].out.fate != RESTORE_LIVE)
			continue;
		which[count] = i;
		steps[count++] = (struct rollback_step){.function = w->items[i].function,
							.to = w->items[i].out.version};
	}
	if (!e && count)
		e = rollback_all(w->live, steps, count, user, outcome);
	for (size_t i = 0; i < count; i++) {
		if (steps[i].why && !e)
			decide(&w->items[which[i]], RESTORE_UNFIT, error_message(steps[i].why));
		error_free(steps[i].why);
	}
	free(steps);
	free(which);
	return e;
}

/* The items become the result's. */
static struct error *hand_over(struct work *w, struct restore_result *out)
{
	out->items = calloc(w->count + 1, sizeof(*out->items));
	if (!out->items)
		return error_memory();
	for (size_t i = 0; i < w->count; i++) {
		out->items[out->count++] = w->items[i].out;
		w->items[i].out = (struct restore_item){0};
	}
	return NULL;
}

/* What the history says of the last run, and what is to become of that. */
static struct error *read_history(struct work *w, bool force, struct restore_result *out)
{
	struct error *e = find_last(w, out);

	return e ? e : judge_all(w, out->rebuilt, force);
}

struct error *restore_last(struct live *l, bool force, const char *user, struct restore_result *out)
{
	struct work w = {.live = l};

	*out = (struct restore_result){0};
	struct error *e = read_history(&w, force, out);
	if (record_lose(l, &e)) {
		work_fini(&w);
		w = (struct work){.live = l};
		restore_result_fini(out);
		e = read_history(&w, force, out);
	}
	if (!e)
		e = make_live(&w, user, &out->outcome);
	if (!e)
		e = hand_over(&w, out);
	work_fini(&w);
	if (e)
		restore_result_fini(out);
	return e;
}
