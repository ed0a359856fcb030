#include "records.h"
#include "captured.h"
#include "message.h"
#include "program.h"
#include "ring.h"
#include "value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_of(const struct tap *w)
{
	return w->line ? "probe" : "trace";
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void tell_end(struct watchers *all, const struct watched *d, const struct tap *w, const char *why)
{
	char text[600];
	const char *name = d->function->name;

	if (w->line)
		snprintf(text, sizeof(text), "probe of %s:%u ended: %s\n", name, w->line, why);
	else
		snprintf(text, sizeof(text), "trace of %s ended: %s\n", name, why);
	host_tell(all->host, &w->console->listener,
		  json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "event", "watch-end", "kind", kind_of(w),
			    "function", d->function->at.name, "shown", w->shown, "message", why, "text",
			    text));
}

bool records_end_taps(struct watchers *all, struct watched *d, bool probes_alone, const char *why)
{
	bool any = false;

	for (struct tap *w = d->taps; w; w = w->next) {
		if (w->over || (probes_alone && !w->line))
			continue;
		tell_end(all, d, w, why);
		w->over = any = true;
	}
	return any && watched_is_wanted(d);
}

void records_end_all(struct watchers *all, struct watched *d, const char *why)
{
	records_end_taps(all, d, false, why);
	watched_remove(all, d);
}

/* The value's bytes. gcc gives a bit-field's value no more of them than it needs. */
static bool widen(const struct type *type, const struct ring_value *r, unsigned char *bytes)
{
	bool integer = type->kind == TYPE_INTEGER || type->kind == TYPE_BOOL || type->kind == TYPE_ENUM;

	memcpy(bytes, r->bytes, r->size);
	if (r->size == type->size)
		return true;
	if (!integer || !r->size || r->size > type->size)
		return false;
	bool negative = type->is_signed && (bytes[r->size - 1] & 0x80);
	memset(bytes + r->size, negative ? 0xff : 0, type->size - r->size);
	return true;
}

/* One value as text and, into *json, as JSON. */
static void put_value(struct watchers *all, const struct watched_value *v, const struct ring_value *r,
		      struct text *text, json_t **json)
{
	struct captured captured = {.bytes = r->followed, .size = r->followed_size};
	_Alignas(16) unsigned char bytes[RING_VALUES] = {0};

	if (r->no_room || !widen(v->type, r, bytes)) {
		text_puts(text, "…");
		*json = json_null();
		return;
	}
	if (r->size == sizeof(captured.address))
		memcpy(&captured.address, bytes, sizeof(captured.address));
	/* What was not recorded as a whole may be something else by now; behind the pointers in a struct nothing was. */
	bool whole =
		v->type->kind == TYPE_POINTER && (!v->type->target || v->type->target->size <= captured.size);
	captured_put(all->host, v->type, bytes, &captured, whole ? VALUE_OPTIONS.depth : 0, text, json);
}

/* The values of a record as `name=value, …` (or ` = `), and as an object. */
static json_t *put_values(struct watchers *all, const struct tap *w, const struct ring_slot *slot,
			  const char *equals, struct text *text, bool *has_result, struct text *result,
			  json_t **result_json)
{
	json_t *object = json_object(), *value;
	struct ring_value r;
	size_t at = 0, plain = w->values.count - w->has_result;

	*has_result = false;
	for (size_t i = 0; i < w->values.count && ring_next_value(slot, &at, &r); i++) {
		const struct watched_value *v = &w->values.list[i];
		if (i >= plain) {
			put_value(all, v, &r, result, result_json);
			*has_result = true;
			continue;
		}
		text_printf(text, "%s%s%s", i ? ", " : "", v->name, equals);
		put_value(all, v, &r, text, &value);
		json_object_set_new(object, v->name, value);
	}
	return object;
}

static void tell_trace(struct watchers *all, const struct watched *d, const struct tap *w,
		       const struct ring_slot *slot)
{
	struct text text = {0}, result = {0};
	json_t *result_json = json_null();
	double us = (double)(slot->end_ns - slot->begin_ns) / 1000;
	bool has_result;

	text_printf(&text, "%s(", d->function->name);
	json_t *args = put_values(all, w, slot, "=", &text, &has_result, &result, &result_json);
	text_puts(&text, ")");
	if (has_result)
		text_printf(&text, " = %s", result.bytes ? result.bytes : "");
	else if (w->has_result)
		text_puts(&text, " = ?"); /* a macro returned */
	text_printf(&text, "  [thread %lld, %.1f us]\n", (long long)slot->thread, us);
	host_tell(all->host, &w->console->listener,
		  json_pack("{s:s, s:s, s:i, s:o, s:o, s:I, s:f, s:s}", "event", "trace", "function",
			    d->function->at.name, "version", (int)slot->version, "args", args, "result",
			    result_json, "thread", (json_int_t)slot->thread, "us", us, "text",
			    text.bytes ? text.bytes : ""));
	text_fini(&text);
	text_fini(&result);
}

static void tell_probe(struct watchers *all, const struct watched *d, const struct tap *w,
		       const struct ring_slot *slot)
{
	struct text text = {0}, unused = {0};
	json_t *none = NULL;
	bool has_result;

	text_printf(&text, "%s:%u  ", d->function->name, w->line);
	json_t *values = put_values(all, w, slot, " = ", &text, &has_result, &unused, &none);
	text_printf(&text, "  [thread %lld]\n", (long long)slot->thread);
	host_tell(all->host, &w->console->listener,
		  json_pack("{s:s, s:s, s:i, s:i, s:o, s:I, s:s}", "event", "probe", "function",
			    d->function->at.name, "version", (int)slot->version, "line", (int)w->line,
			    "values", values, "thread", (json_int_t)slot->thread, "text",
			    text.bytes ? text.bytes : ""));
	text_fini(&text);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static int by_end(const void *a, const void *b)
{
	const struct ring_slot *x = *(const struct ring_slot *const *)a,
			       *y = *(const struct ring_slot *const *)b;

	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

static void tell_record(struct watchers *all, struct watched *d, const struct ring_slot *slot)
{
	for (struct tap *w = d->taps; w; w = w->next) {
		if ((int64_t)w->serial != slot->watch || w->over || w->shown >= w->wanted)
			continue;
		w->shown++;
		if (w->line)
			tell_probe(all, d, w, slot);
		else
			tell_trace(all, d, w, slot);
	}
}

/* Tells every complete record, oldest first, and frees its slot. */
static struct error *take_records(struct watchers *all, struct watched *d, struct ring *ring)
{
	const struct ring_slot *complete[RING_SLOTS];
	size_t count = 0;
	int64_t free_state = 0;
	uint64_t slots = d->ring_address + offsetof(struct ring, slots);

	struct error *e = program_read(all->host->program, slots, ring->slots, sizeof(ring->slots));
	for (size_t i = 0; i < RING_SLOTS && !e; i++) {
		if (ring->slots[i].state != (RING_TAKEN | RING_COMPLETE))
			continue;
		complete[count++] = &ring->slots[i];
		e = program_write(all->host->program, slots + i * sizeof(struct ring_slot), &free_state,
				  sizeof(free_state));
	}
	qsort(complete, count, sizeof(*complete), by_end);
	for (size_t i = 0; i < count && !e; i++)
		tell_record(all, d, complete[i]);
	return e;
}

/* What a watch may record until the next look. */
static struct error *fill_quota(struct watchers *all, const struct watched *d, const struct tap *w,
				const struct ring_head *head)
{
	int64_t left = w->wanted - w->shown, quota = left < RECORDS_BURST ? left : RECORDS_BURST;

	if (head->quota[w->quota] == quota)
		return NULL;
	return program_write(all->host->program,
			     d->ring_address + offsetof(struct ring_head, quota) + w->quota * sizeof(quota),
			     &quota, sizeof(quota));
}

/* What it evaluated was left, and the call went on. */
static void end_faulted(struct watchers *all, const struct watched *d, struct tap *w,
			const struct ring_head *head)
{
	const char *what = w->line ? "an expression of it" : "its condition";
	int signal = (int)head->signal[w->quota];
	const char *name = sigabbrev_np(signal);
	char why[200];

	if (signal == WATCH_LATE)
		snprintf(why, sizeof(why), "%s took longer than a second; the call went on", what);
	else if (signal == WATCH_EXITED)
		snprintf(why, sizeof(why), "%s called exit(%d); the call went on", what,
			 (int)head->address[w->quota]);
	else
		snprintf(why, sizeof(why), "%s met SIG%s at address 0x%" PRIx64 "; the call went on", what,
			 name ? name : "?", (uint64_t)head->address[w->quota]);
	tell_end(all, d, w, why);
	w->over = true;
}

static void end_tap(struct watchers *all, const struct watched *d, struct tap *w,
		    const struct ring_head *head)
{
	int64_t missed = head->missed[w->quota] - w->missed_before;
	char why[160];

	int at = w->shown == 1 ? snprintf(why, sizeof(why), "the one asked for was shown")
			       : snprintf(why, sizeof(why), "all %d were shown", w->shown);
	if (missed > 0)
		snprintf(why + at, sizeof(why) - (size_t)at, "; %lld more came", (long long)missed);
	tell_end(all, d, w, why);
	w->over = true;
}

/* Reads the function's ring. False: the function is not watched any more, or could not be. */
void records_poll(struct watchers *all, struct watched *d)
{
	struct ring *ring = malloc(sizeof(*ring));
	struct error *e =
		ring ? program_read(all->host->program, d->ring_address, &ring->head, sizeof(ring->head))
		     : error_memory();

	if (!e && ring->head.next != d->slots_seen) {
		d->slots_seen = ring->head.next;
		e = take_records(all, d, ring);
	}
	bool ended = false;
	for (struct tap *w = d->taps; w && !e; w = w->next) {
		if (w->over)
			continue;
		if (w->missed_before < 0)
			w->missed_before = ring->head.missed[w->quota];
		if (ring->head.fault[w->quota] == (int64_t)w->serial)
			end_faulted(all, d, w, &ring->head);
		else if (w->shown >= w->wanted)
			end_tap(all, d, w, &ring->head);
		else
			e = fill_quota(all, d, w, &ring->head);
		ended |= w->over;
	}
	free(ring);
	if (!e && ended)
		e = watched_shrink(all, d, d->user);
	error_free(e); /* a program that is gone is noticed elsewhere */
}
