#include "watchers.h"
#include "coverage.h"
#include "edit.h"
#include "ring.h"
#include "show.h"
#include "token.h"
#include "type.h"
#include "value.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* One value that a watch records. */
struct watched_value {
	char *name;
	struct types *types;
	const struct type *type;
};

/* A trace or a probe. */
struct watch {
	struct watch *next;
	const struct console_state *console; /* whose it is */
	unsigned serial, quota, line;        /* line 0: a trace */
	char *condition;
	char **expressions;
	size_t expression_count;
	size_t value_count; /* a trace's last one is the result, if the function has one */
	struct watched_value *values;
	bool has_result;
	int wanted, shown;
	int64_t missed_before; /* by the quota's users before it */
	bool over;
};

/* A function that is watched. */
struct watched {
	struct watched *next;
	struct live_function *function;
	int version; /* the instrumented one */
	char *user; /* who asked first */
	bool cover, guard;
	bool guard_returns; /* at once after a fault: */
	char *otherwise;    /* this, or NULL */
	struct watch *watches;
	struct instrument made;
	uint64_t counts_address, ring_address; /* 0: none */
	int64_t slots_seen; /* head.next when the slots were read last */
};

/* A guarded call that has faulted and waits. */
struct parked {
	struct parked *next;
	unsigned number;
	struct live_function *function;
	struct message_parked call;
};

struct watchers {
	struct session_host *host;
	struct parked *parked; /* oldest first */
	unsigned parked_last;
	struct watched *first;
	unsigned serial;
	int64_t due;
};

static const char *kind_of(const struct watch *w)
{
	return w->line ? "probe" : "trace";
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void forget_values(struct watch *w)
{
	for (size_t i = 0; i < w->value_count; i++) {
		free(w->values[i].name);
		types_free(w->values[i].types);
	}
	free(w->values);
	w->values = NULL;
	w->value_count = 0;
	w->has_result = false;
}

static void watch_free(struct watch *w)
{
	if (!w)
		return;
	forget_values(w);
	for (size_t i = 0; i < w->expression_count; i++)
		free(w->expressions[i]);
	free(w->expressions);
	free(w->condition);
	free(w);
}

static void watched_free(struct watched *d)
{
	for (struct watch *w = d->watches, *next; w; w = next) {
		next = w->next;
		watch_free(w);
	}
	instrument_fini(&d->made);
	free(d->otherwise);
	free(d->user);
	free(d);
}

static void remove_watched(struct watchers *all, struct watched *d)
{
	for (struct watched **at = &all->first; *at; at = &(*at)->next) {
		if (*at != d)
			continue;
		*at = d->next;
		watched_free(d);
		return;
	}
}

static struct watched *find_watched(const struct watchers *all, const struct live_function *f)
{
	for (struct watched *d = all ? all->first : NULL; d; d = d->next)
		if (d->function == f)
			return d;
	return NULL;
}

static void take_origin(void *context, const struct history_version *v)
{
	snprintf(context, 32, "%s", v->origin);
}

/* Whether a version was instrumented: cover, trace, probe, or several of them. */
static bool is_instrumented(struct live *l, const struct live_function *f)
{
	static const char *const kinds[] = {"cover", "trace", "probe", "guard"};
	char origin[32] = "";

	if (!f->live || !f->row)
		return false;
	error_free(history_find(live_history(l), f->row, f->live, take_origin, origin));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(origin, kinds[i], 5) == 0 && (origin[5] == '\0' || origin[5] == '+'))
			return true;
	return false;
}

static bool follow_definition(void *context, struct live_function *f);

struct error *watchers_new(struct session_host *host, struct watchers **out)
{
	struct watchers *all = calloc(1, sizeof(*all));

	if (!all)
		return error_memory();
	all->host = host;
	all->serial = (unsigned)(build_now_us() >> 10) & 0x3fffffff;
	for (size_t i = 0; i < live_count(host->live); i++) {
		struct live_function *f = live_function(host->live, i);
		struct change_outcome outcome = {0};
		if (is_instrumented(host->live, f))
			error_free(change_rollback(host->live, f, -1, "", &outcome));
		change_outcome_fini(&outcome);
	}
	live_set_watcher(host->live, follow_definition, all);
	*out = all;
	return NULL;
}

void watchers_free(struct watchers *all)
{
	if (!all)
		return;
	live_set_watcher(all->host->live, NULL, NULL);
	while (all->first)
		remove_watched(all, all->first);
	for (struct parked *p = all->parked, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	free(all);
}

/* --- versions ---------------------------------------------------------------------------------------------------- */

/* The text of the version that is watched, cut as it was given: the definition and what stands around it. */
struct plain_text {
	char *text, *extra; /* extra NULL: nothing */
	const char *definition;
	size_t size;
	unsigned line;
};

static void plain_fini(struct plain_text *p)
{
	free(p->text);
	free(p->extra);
}

static struct error *cut_plain(struct plain_text *p, const char *name)
{
	struct edit edit;

	p->definition = p->text;
	p->size = strlen(p->text);
	struct error *e = edit_new(p->text, p->size, &edit);
	if (e)
		return e;
	bool *taken = calloc(edit.count + 1, sizeof(*taken));
	for (size_t i = 0; taken && i < edit.count; i++) {
		if (strcmp(edit.functions[i].name, name) != 0)
			continue;
		taken[i] = true;
		p->definition = p->text + edit.functions[i].begin;
		p->size = edit.functions[i].end - edit.functions[i].begin;
		p->line += edit.functions[i].line - 1;
		p->extra = edit_rest(&edit, taken);
		break;
	}
	e = taken ? NULL : error_memory();
	free(taken);
	edit_fini(&edit);
	return e;
}

static struct error *read_plain(struct live *l, struct live_function *f, struct plain_text *p)
{
	struct error *e = live_version_text(l, f, live_plain(f), &p->text, &p->line);

	return e ? e : cut_plain(p, f->at.name);
}

static char *what_for(const struct watched *d)
{
	static const char *const names[] = {"cover", "trace", "probe", "guard"};
	struct text t = {0};

	for (size_t i = 0; i < 4; i++) {
		bool is = (i == 0 && d->cover) || (i == 3 && d->guard);
		for (const struct watch *w = d->watches; w; w = w->next)
			is |= i == (w->line ? 2 : 1);
		if (is)
			text_printf(&t, "%s%s", t.size ? "+" : "", names[i]);
	}
	return text_take(&t);
}

/* Checks the plain text, and gives its slice to whoever rewrites it. */
static struct error *check_plain(struct live *l, struct live_function *f, const struct plain_text *plain, struct build *build,
				 struct instrument_request *q)
{
	const struct build_host *host = live_host(l);
	struct build_request request = {.function = &f->at,
					.arena = f->arena,
					.text = plain->definition,
					.size = plain->size,
					.extra = plain->extra,
					.extra_size = plain->extra ? strlen(plain->extra) : 0,
					.given_file = f->at.file,
					.given_line = plain->line,
					.file = f->at.file,
					.line = plain->line};
	struct error *e = build_check(host, &request, build);
	if (!e && build->check.failed)
		e = error_new(build->check.class, "%s: %s", f->at.name, build->check.message ? build->check.message : "refused");
	if (e)
		return e;
	*q = (struct instrument_request){.check = host->check,
					 .slice = &build->slice,
					 .name = f->at.name,
					 .argv = (const char *const *)build->source->flags.argv,
					 .line = plain->line,
					 .version = live_plain(f)};
	return NULL;
}

static struct instrument_guard guard_of(struct live *l, const struct watched *d)
{
	struct instrument_guard guard = {
		.entry = d->function->at.entry, .returns = d->guard_returns, .otherwise = d->otherwise};

	program_park_functions(live_program(l), &guard.enter, &guard.leave, &guard.wait);
	return guard;
}

/* The instrumented text. */
static struct error *instrument_plain(struct live *l, const struct watched *d, const struct plain_text *plain, bool careful,
				      struct instrument *made)
{
	struct instrument_watch watches[RING_QUOTAS];
	struct instrument_guard guard = guard_of(l, d);
	struct instrument_request q;
	struct build build = {0};
	size_t count = 0;

	for (const struct watch *w = d->watches; w && count < RING_QUOTAS; w = w->next)
		watches[count++] = (struct instrument_watch){w->serial, w->quota, w->condition, w->line, w->expressions,
							     w->expression_count};
	struct error *e = check_plain(l, d->function, plain, &build, &q);
	if (!e) {
		q.cover = d->cover;
		q.watches = watches;
		q.watch_count = count;
		q.guard = d->guard ? &guard : NULL;
		q.careful = careful;
		e = instrument_new(&q, made);
	}
	build_fini(&build);
	return e;
}

static struct error *publish(struct live *l, const struct watched *d, const struct plain_text *plain,
			     const struct instrument *made, const char *user)
{
	char *what = what_for(d), *extra = NULL;
	struct change_outcome outcome = {0};

	if (!what || asprintf(&extra, "%s\n%s", plain->extra ? plain->extra : "", made->extra) < 0) {
		free(what);
		return error_memory();
	}
	struct change_instrument q = {.function = d->function,
				      .what = what,
				      .text = made->text,
				      .extra = extra,
				      .stored = plain->text,
				      .line = plain->line,
				      .user = user};
	struct error *e = change_instrument(l, &q, &outcome);
	change_outcome_fini(&outcome);
	free(what);
	free(extra);
	return e;
}

static uint64_t address_of(struct live *l, const struct live_function *f, const char *variable)
{
	const struct build_host *host = live_host(l);
	uint64_t address = 0, size;

	if (!variable || !host->variable(host->context, f->at.unit, NULL, variable, 0, &address, &size))
		return 0;
	return address;
}

static struct error *add_value(struct live *l, const struct live_function *f, struct watch *w, const char *name,
			       const char *variable)
{
	struct watched_value *more = realloc(w->values, (w->value_count + 1) * sizeof(*more));
	struct type_found found;

	if (!more)
		return error_memory();
	w->values = more;
	struct watched_value *v = &w->values[w->value_count];
	*v = (struct watched_value){.name = strdup(name)};
	struct error *e = v->name ? NULL : error_memory();
	if (!e)
		e = types_of_variable(check_unit(live_host(l)->check), f->at.name, variable, &v->types, &found);
	if (e) {
		free(v->name);
		return e;
	}
	v->type = found.type;
	w->value_count++;
	return NULL;
}

/* The names and types of what is recorded, from the check of the version that records it. */
static struct error *learn_values(struct live *l, const struct live_function *f, const struct instrument *made, struct watch *w)
{
	char variable[64];
	struct error *e = NULL;

	forget_values(w);
	for (size_t i = 0; i < (w->line ? w->expression_count : made->argument_count) && !e; i++) {
		snprintf(variable, sizeof(variable), "rtf_value_%u_%zu", w->serial, i);
		e = add_value(l, f, w, w->line ? w->expressions[i] : made->arguments[i], variable);
	}
	if (e || w->line || !made->has_results)
		return e;
	w->has_result = true;
	return add_value(l, f, w, "", "rtf_result");
}

static struct error *zero_counts(struct live *l, const struct instrument *made, uint64_t address)
{
	void *zeros = calloc(made->counter_count, sizeof(uint64_t));
	struct error *e = zeros ? program_write(live_program(l), address, zeros, made->counter_count * sizeof(uint64_t))
				: error_memory();

	free(zeros);
	return e;
}

/* Makes live a version with all that is asked of the function. What runs is untouched if that fails. */
static struct error *instrument(struct watchers *all, struct watched *d, const char *user, bool count_anew)
{
	struct live *l = all->host->live;
	struct plain_text plain = {0};
	struct instrument made = {0};

	struct error *e = read_plain(l, d->function, &plain);
	for (int careful = 0; careful < 2 && !e; careful++) {
		e = instrument_plain(l, d, &plain, careful, &made);
		if (!e)
			e = publish(l, d, &plain, &made, user);
		if (!e || careful || error_class(e) != ERROR_COMPILE)
			break;
		error_free(e);
		e = NULL;
		instrument_fini(&made);
	}
	plain_fini(&plain);
	if (e) {
		instrument_fini(&made);
		return e;
	}
	instrument_fini(&d->made);
	d->made = made;
	d->version = d->function->live;
	d->counts_address = address_of(l, d->function, made.counts);
	d->ring_address = address_of(l, d->function, made.ring);
	d->slots_seen = -1;
	for (struct watch *w = d->watches; w && !e; w = w->next)
		e = learn_values(l, d->function, &made, w);
	if (!e && d->cover && count_anew)
		e = zero_counts(l, &made, d->counts_address);
	return e;
}

/* What is still asked of it goes on; if that is nothing, the plain version does. */
static struct error *continue_without(struct watchers *all, struct watched *d, const char *user)
{
	struct change_outcome outcome = {0};

	if (d->cover || d->guard || d->watches)
		return instrument(all, d, user, false);
	struct error *e = NULL;
	if (*d->function->instrumented)
		e = change_plain(all->host->live, d->function, user, &outcome);
	change_outcome_fini(&outcome);
	remove_watched(all, d);
	return e;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void tell_end(struct watchers *all, const struct watched *d, const struct watch *w, const char *why)
{
	char text[600];
	const char *name = d->function->at.name;

	if (w->line)
		snprintf(text, sizeof(text), "probe of %s:%u ended: %s\n", name, w->line, why);
	else
		snprintf(text, sizeof(text), "trace of %s ended: %s\n", name, why);
	session_tell(all->host, w->console,
		     json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "event", "watch-end", "kind", kind_of(w), "function", name,
			       "shown", w->shown, "message", why, "text", text));
}

/* Ends all that is watched of a function. */
static void end_all(struct watchers *all, struct watched *d, const char *why)
{
	for (const struct watch *w = d->watches; w; w = w->next)
		tell_end(all, d, w, why);
	remove_watched(all, d);
}

/* The memory of the program, and before it what a record holds of it. */
struct captured {
	struct program *program;
	struct target *target;
	uint64_t address;
	const unsigned char *bytes;
	size_t size;
};

static bool read_captured(void *context, uint64_t address, void *bytes, size_t size)
{
	const struct captured *c = context;
	size_t done = 0;

	if (c->size && address >= c->address && address - c->address < c->size) {
		size_t from = (size_t)(address - c->address);
		done = size < c->size - from ? size : c->size - from;
		memcpy(bytes, c->bytes + from, done);
	}
	if (done == size)
		return true;
	struct error *e = program_read(c->program, address + done, (char *)bytes + done, size - done);
	bool read = !e;
	error_free(e);
	return read;
}

static bool name_address(void *context, uint64_t address, bool function, char *buffer, size_t size)
{
	const struct captured *c = context;

	if (!function)
		return false;
	if (!target_describe_address(c->target, address, buffer, size))
		return false;
	char *in = strstr(buffer, " in ");
	if (in)
		*in = '\0';
	return true;
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

/* A line of a trace is for the eye: what is long is cut, between characters. The JSON has it whole. */
static void put_short(struct text *out, const struct text *value)
{
	size_t size = value->size;

	if (size > WATCHERS_VALUE)
		for (size = WATCHERS_VALUE; size && (value->bytes[size] & 0xc0) == 0x80; size--)
			;
	text_append(out, value->bytes ? value->bytes : "", size);
	if (size < value->size)
		text_puts(out, "…");
}

/* One value as text and, into *json, as JSON. */
static void put_value(struct watchers *all, const struct watched_value *v, const struct ring_value *r, struct text *text,
		      json_t **json)
{
	struct captured captured = {.program = all->host->program, .target = live_target(all->host->live)};
	struct value_source source = {&captured, read_captured, name_address};
	struct value_options options = VALUE_OPTIONS;
	_Alignas(16) unsigned char bytes[RING_VALUES] = {0};

	if (r->no_room || !widen(v->type, r, bytes)) {
		text_puts(text, "…");
		*json = json_null();
		return;
	}
	options.elements = 200;
	if (r->size == sizeof(captured.address))
		memcpy(&captured.address, bytes, sizeof(captured.address));
	captured.bytes = r->followed;
	captured.size = r->followed_size;
	/* What was not recorded as a whole may be something else by now. */
	if (v->type->kind == TYPE_POINTER && v->type->target && v->type->target->size > captured.size)
		options.depth = 0;
	struct text whole = {0};
	value_text(&whole, v->type, bytes, &source, &options);
	put_short(text, &whole);
	text_fini(&whole);
	*json = value_json(v->type, bytes, &source, &options);
}

/* The values of a record as `name=value, …` (or ` = `), and as an object. */
static json_t *put_values(struct watchers *all, const struct watch *w, const struct ring_slot *slot, const char *equals,
			  struct text *text, bool *has_result, struct text *result, json_t **result_json)
{
	json_t *object = json_object(), *value;
	struct ring_value r;
	size_t at = 0, plain = w->value_count - w->has_result;

	*has_result = false;
	for (size_t i = 0; i < w->value_count && ring_next_value(slot, &at, &r); i++) {
		const struct watched_value *v = &w->values[i];
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

static void tell_trace(struct watchers *all, const struct watched *d, const struct watch *w, const struct ring_slot *slot)
{
	struct text text = {0}, result = {0};
	json_t *result_json = json_null();
	double us = (double)(slot->end_ns - slot->begin_ns) / 1000;
	bool has_result;

	text_printf(&text, "%s(", d->function->at.name);
	json_t *args = put_values(all, w, slot, "=", &text, &has_result, &result, &result_json);
	text_puts(&text, ")");
	if (has_result)
		text_printf(&text, " = %s", result.bytes ? result.bytes : "");
	else if (w->has_result)
		text_puts(&text, " = ?"); /* a macro returned */
	text_printf(&text, "  [thread %lld, %.1f us]\n", (long long)slot->thread, us);
	session_tell(all->host, w->console,
		     json_pack("{s:s, s:s, s:i, s:o, s:o, s:I, s:f, s:s}", "event", "trace", "function", d->function->at.name,
			       "version", (int)slot->version, "args", args, "result", result_json, "thread",
			       (json_int_t)slot->thread, "us", us, "text", text.bytes ? text.bytes : ""));
	text_fini(&text);
	text_fini(&result);
}

static void tell_probe(struct watchers *all, const struct watched *d, const struct watch *w, const struct ring_slot *slot)
{
	struct text text = {0}, unused = {0};
	json_t *none = NULL;
	bool has_result;

	text_printf(&text, "%s:%u  ", d->function->at.name, w->line);
	json_t *values = put_values(all, w, slot, " = ", &text, &has_result, &unused, &none);
	text_printf(&text, "  [thread %lld]\n", (long long)slot->thread);
	session_tell(all->host, w->console,
		     json_pack("{s:s, s:s, s:i, s:i, s:o, s:I, s:s}", "event", "probe", "function", d->function->at.name,
			       "version", (int)slot->version, "line", (int)w->line, "values", values, "thread",
			       (json_int_t)slot->thread, "text", text.bytes ? text.bytes : ""));
	text_fini(&text);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static int by_end(const void *a, const void *b)
{
	const struct ring_slot *x = *(const struct ring_slot *const *)a, *y = *(const struct ring_slot *const *)b;

	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

static void tell_record(struct watchers *all, struct watched *d, const struct ring_slot *slot)
{
	for (struct watch *w = d->watches; w; w = w->next) {
		if ((int64_t)w->serial != slot->watch || w->shown >= w->wanted)
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
		e = program_write(all->host->program, slots + i * sizeof(struct ring_slot), &free_state, sizeof(free_state));
	}
	qsort(complete, count, sizeof(*complete), by_end);
	for (size_t i = 0; i < count && !e; i++)
		tell_record(all, d, complete[i]);
	return e;
}

/* What a watch may record until the next look. */
static struct error *fill_quota(struct watchers *all, const struct watched *d, const struct watch *w, const struct ring_head *head)
{
	int64_t left = w->wanted - w->shown, quota = left < WATCHERS_BURST ? left : WATCHERS_BURST;

	if (head->quota[w->quota] == quota)
		return NULL;
	return program_write(all->host->program, d->ring_address + offsetof(struct ring_head, quota) + w->quota * sizeof(quota),
			     &quota, sizeof(quota));
}

static void end_watch(struct watchers *all, const struct watched *d, struct watch *w, const struct ring_head *head)
{
	int64_t missed = head->missed[w->quota] - w->missed_before;
	char why[160];

	if (missed > 0)
		snprintf(why, sizeof(why), "all %d were shown; %lld more came", w->shown, (long long)missed);
	else
		snprintf(why, sizeof(why), "all %d were shown", w->shown);
	tell_end(all, d, w, why);
	w->over = true;
}

/* Takes out of the list what is over; true if there was any. */
static bool drop_over(struct watched *d)
{
	bool any = false;

	for (struct watch **at = &d->watches; *at;) {
		struct watch *w = *at;
		if (!w->over) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		watch_free(w);
		any = true;
	}
	return any;
}

/* Reads the function's ring. False: the function is not watched any more, or could not be. */
static void poll_ring(struct watchers *all, struct watched *d)
{
	struct ring *ring = malloc(sizeof(*ring));
	struct error *e = ring ? program_read(all->host->program, d->ring_address, &ring->head, sizeof(ring->head)) : error_memory();

	if (!e && ring->head.next != d->slots_seen) {
		d->slots_seen = ring->head.next;
		e = take_records(all, d, ring);
	}
	for (struct watch *w = d->watches; w && !e; w = w->next) {
		if (w->missed_before < 0)
			w->missed_before = ring->head.missed[w->quota];
		if (w->shown >= w->wanted)
			end_watch(all, d, w, &ring->head);
		else
			e = fill_quota(all, d, w, &ring->head);
	}
	free(ring);
	if (!e && drop_over(d))
		e = continue_without(all, d, d->user);
	error_free(e); /* a program that is gone is noticed elsewhere */
}

/* A new definition of a function that is watched: it goes live in its instrumented form. */
static bool follow_definition(void *context, struct live_function *f)
{
	struct watchers *all = context;
	struct watched *d = find_watched(all, f);
	char why[400];

	if (!d)
		return false;
	struct error *e = instrument(all, d, d->user, true);
	if (!e)
		return true;
	snprintf(why, sizeof(why), "version %d cannot be watched: %s", f->live, error_message(e));
	error_free(e);
	end_all(all, d, why);
	return false;
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
	end_all(all, d, why);
}

/* --- parked calls -------------------------------------------------------------------------------------------------- */

static struct live_function *function_at(struct live *l, uint64_t entry)
{
	for (size_t i = 0; i < live_count(l); i++)
		if (live_function(l, i)->at.entry == entry)
			return live_function(l, i);
	return NULL;
}

static json_t *parked_json(const struct parked *p)
{
	const char *name = sigabbrev_np(p->call.signal);

	return json_pack("{s:i, s:s, s:s, s:I, s:i}", "call", (int)p->number, "function", p->function->at.name, "signal",
			 name ? name : "?", "address", (json_int_t)p->call.address, "thread", (int)p->call.thread);
}

static void put_parked(struct text *out, const struct parked *p)
{
	const char *name = sigabbrev_np(p->call.signal);

	text_printf(out, "call %u of %s in thread %d waits after SIG%s", p->number, p->function->at.name, (int)p->call.thread,
		    name ? name : "?");
	if (p->call.signal != SIGABRT && p->call.code > 0 && p->call.code != SI_KERNEL)
		text_printf(out, " at address 0x%llx", (unsigned long long)p->call.address);
}

static void tell_parked(struct watchers *all, const struct parked *p)
{
	struct text text = {0};
	json_t *event = parked_json(p);

	put_parked(&text, p);
	text_puts(&text, ": define it anew and \\retry, or \\return EXPR\n");
	json_object_set_new(event, "event", json_string("parked"));
	json_object_set_new(event, "text", json_string(text.bytes ? text.bytes : ""));
	program_log(all->host->program, LOG_WARNING, "rtf: %.*s", (int)(text.size - 1), text.bytes ? text.bytes : "");
	text_fini(&text);
	session_broadcast(all->host, event);
}

static void take_parked(struct watchers *all)
{
	struct message_parked call;
	struct parked **last = &all->parked;

	while (*last)
		last = &(*last)->next;
	while (program_take_parked(all->host->program, &call)) {
		struct live_function *f = function_at(all->host->live, call.entry);
		struct parked *p = f ? calloc(1, sizeof(*p)) : NULL;
		if (!p) {
			/* Nobody could name it: it is tried again. */
			error_free(program_unpark(all->host->program, call.frame, call.entry));
			continue;
		}
		*p = (struct parked){.number = ++all->parked_last, .function = f, .call = call};
		*last = p;
		last = &p->next;
		tell_parked(all, p);
	}
}

/* Has it go on, by a call of `target`; it leaves the list, whatever becomes of it. */
static struct error *release(struct watchers *all, struct parked *p, uint64_t target)
{
	struct error *e = program_unpark(all->host->program, p->call.frame, target);

	for (struct parked **at = &all->parked; *at; at = &(*at)->next) {
		if (*at != p)
			continue;
		*at = p->next;
		break;
	}
	free(p);
	return e;
}

void watchers_serve(struct watchers *all)
{
	bool due = all->due && build_now_us() >= all->due, rings = false;

	take_parked(all);
	for (struct watched *d = all->first, *next; d; d = next) {
		next = d->next;
		if (d->function->live != d->version)
			follow_version(all, d);
		else if (due && d->watches)
			poll_ring(all, d);
	}
	for (const struct watched *d = all->first; d; d = d->next)
		rings |= d->watches != NULL;
	if (!rings)
		all->due = 0;
	else if (due || !all->due)
		all->due = build_now_us() + (all->due ? WATCHERS_POLL_US : 0);
}

int64_t watchers_deadline(const struct watchers *all)
{
	return all->due;
}

void watchers_leave(struct watchers *all, const struct console_state *console)
{
	for (struct watched *d = all ? all->first : NULL, *next; d; d = next) {
		next = d->next;
		for (struct watch *w = d->watches; w; w = w->next)
			w->over |= w->console == console;
		if (drop_over(d))
			error_free(continue_without(all, d, console->user));
	}
}

/* --- commands: what they share ----------------------------------------------------------------------------------- */

static struct error *watchers_of(const struct call *c, struct watchers **out)
{
	*out = c->state->host->watchers;
	return *out ? NULL : error_new(ERROR_INTERNAL, "nothing can be watched: memory ran out at the start");
}

/* The function's entry in the list, a new one if there is none. */
static struct error *watch_function(const struct call *c, struct watchers *all, struct live_function *f,
				    struct watched **out)
{
	*out = find_watched(all, f);
	if (*out)
		return NULL;
	struct watched *d = calloc(1, sizeof(*d));
	if (d)
		d->user = strdup(c->state->user);
	if (!d || !d->user) {
		free(d);
		return error_memory();
	}
	d->function = f;
	d->version = f->live;
	d->next = all->first;
	all->first = d;
	*out = d;
	return NULL;
}

/* --- \cover ------------------------------------------------------------------------------------------------------- */

static struct error *read_counts(struct watchers *all, const struct watched *d, uint64_t **out)
{
	uint64_t *counts = calloc(d->made.counter_count + 1, sizeof(*counts));
	struct error *e = counts ? program_read(all->host->program, d->counts_address, counts,
						d->made.counter_count * sizeof(*counts))
				 : error_memory();

	if (e)
		free(counts);
	else
		*out = counts;
	return e;
}

static struct error *show_coverage(struct call *c, struct watchers *all, const struct watched *d, bool started)
{
	const struct live_function *f = d->function;
	uint64_t *counts;

	struct error *e = read_counts(all, d, &counts);
	if (e)
		return e;
	struct coverage coverage = {&d->made, counts};
	json_t *row = json_pack("{s:s, s:i, s:i}", "function", f->at.name, "version", f->live, "plain", live_plain(f));
	coverage_add_summary(row, &coverage);
	coverage_add_counts(row, &coverage);
	json_array_append_new(c->reply->data, row);
	if (started)
		text_printf(&c->reply->text, "%s is counted from now on: version %d\n", f->at.name, f->live);
	else
		coverage_show(&c->reply->text, &coverage, f->at.name, live_plain(f), text_base_name(f->at.file));
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

	struct error *e = watchers_of(c, &all);
	if (e)
		return e;
	c->reply->data = json_array();
	if (!c->count)
		return show_all_coverage(c, all);
	e = live_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = watch_function(c, all, f, &d);
	if (e)
		return e;
	if (d->cover)
		return show_coverage(c, all, d, false);
	if (c->state->read_only) {
		e = error_new(ERROR_DENIED, "this connection is read-only: \\cover of a function that is not counted changes it");
	} else {
		d->cover = true;
		e = instrument(all, d, c->state->user, true);
	}
	if (!e)
		return show_coverage(c, all, d, true);
	d->cover = false;
	if (!d->watches && !d->guard)
		remove_watched(all, d);
	return e;
}

struct error *watchers_uncover(struct call *c)
{
	struct live_function *f;
	struct watchers *all;

	struct error *e = watchers_of(c, &all);
	if (!e)
		e = live_find(c->live, c->words[0], c->state->file, &f);
	if (e)
		return e;
	struct watched *d = find_watched(all, f);
	if (!d || !d->cover)
		return error_new(ERROR_USAGE, "%s is not counted", f->at.name);
	d->cover = false;
	e = continue_without(all, d, c->state->user);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i}", "function", f->at.name, "version", f->live);
	text_printf(&c->reply->text, "%s is version %d, without counters\n", f->at.name, f->live);
	return NULL;
}

bool watchers_source(struct call *c, struct live_function *f, int number, const char *text, unsigned line, struct error **e)
{
	struct watchers *all = c->state->host->watchers;
	const struct watched *d = find_watched(all, f);
	uint64_t *counts;

	if (!d || !d->cover || number != d->version || f->live != d->version)
		return false;
	*e = read_counts(all, d, &counts);
	if (*e)
		return true;
	struct coverage coverage = {&d->made, counts};
	text_printf(&c->reply->text, "%s, version %d, counted since %d was made live\n", f->at.name, live_plain(f), number);
	coverage_source(&c->reply->text, &coverage, text, line, c->state->color);
	c->reply->data = json_pack("{s:s, s:i, s:s, s:i, s:s}", "function", f->at.name, "version", number, "file",
				   f->at.file ? f->at.file : "", "line", (int)line, "text", text);
	coverage_add_summary(c->reply->data, &coverage);
	coverage_add_counts(c->reply->data, &coverage);
	free(counts);
	return true;
}

/* --- \trace, \probe: what is typed --------------------------------------------------------------------------------- */

/* `-n COUNT` at the end of a line, cut off. False: what stands there is no number. */
static bool take_count(char *line, int *count)
{
	char *option = NULL;

	for (char *at = strstr(line, "-n "); at; at = strstr(at + 1, "-n "))
		if ((at == line || at[-1] == ' ' || at[-1] == '\t') && isdigit((unsigned char)at[3 + strspn(at + 3, " ")]))
			option = at;
	if (!option)
		return strstr(line, " -n") == NULL && strncmp(line, "-n", 2) != 0;
	char *end;
	long n = strtol(option + 3, &end, 10);
	if (n < 1 || n > 1000000 || end[strspn(end, " \t")])
		return false;
	*count = (int)n;
	while (option > line && strchr(" \t", option[-1]))
		option--;
	*option = '\0';
	return true;
}

static bool is_operand_end(const struct token_reader *r, const struct token *t)
{
	if (t->kind == TOKEN_NAME)
		return !token_is(r, t, "sizeof") && !token_is(r, t, "struct") && !token_is(r, t, "union") &&
		       !token_is(r, t, "enum") && !token_is(r, t, "_Alignof");
	if (t->kind == TOKEN_PUNCTUATOR)
		return t->first == ')' || t->first == ']' || t->first == '}';
	return t->kind != TOKEN_END;
}

static bool add_expression(struct watch *w, const char *text, size_t size)
{
	while (size && isspace((unsigned char)*text)) {
		text++;
		size--;
	}
	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	char **more = realloc(w->expressions, (w->expression_count + 1) * sizeof(*more));
	char *copy = size ? strndup(text, size) : NULL;
	if (more)
		w->expressions = more;
	if (!more || !copy) {
		free(copy);
		return size == 0;
	}
	w->expressions[w->expression_count++] = copy;
	return true;
}

/* Expressions are separated by commas, or by space alone where one can end and the next begin: `a b->c d * 2`. */
static struct error *take_expressions(struct watch *w, const char *line)
{
	struct token_reader r;
	struct token t, before = {0};
	uint32_t from = 0;
	bool added = true;

	token_reader_init(&r, line, (uint32_t)strlen(line));
	for (token_next(&r, &t); t.kind != TOKEN_END && added; before = t, token_next(&r, &t)) {
		bool comma = t.kind == TOKEN_PUNCTUATOR && t.first == ',';
		bool operand = t.kind == TOKEN_NAME || t.kind == TOKEN_NUMBER ||
			       ((t.kind == TOKEN_STRING || t.kind == TOKEN_CHARACTER) && before.kind != TOKEN_STRING);
		if (comma || (before.kind != TOKEN_END && operand && is_operand_end(&r, &before))) {
			added = add_expression(w, line + from, t.begin - from);
			from = comma ? t.end : t.begin;
		}
		if (t.kind == TOKEN_PUNCTUATOR && strchr("([{", t.first))
			token_skip_group(&r, &t);
	}
	if (added)
		added = add_expression(w, line + from, strlen(line) - from);
	return added ? NULL : error_memory();
}

static unsigned free_quota(const struct watched *d)
{
	bool taken[RING_QUOTAS] = {false};
	unsigned quota = 0;

	for (const struct watch *w = d->watches; w; w = w->next)
		taken[w->quota] = true;
	while (quota < RING_QUOTAS && taken[quota])
		quota++;
	return quota;
}

/* Makes the watch part of the function's instrumented version. Takes the watch. */
static struct error *begin_watch(struct call *c, struct live_function *f, struct watch *w)
{
	struct watchers *all;
	struct watched *d;
	struct error *e = watchers_of(c, &all);

	if (!e)
		e = watch_function(c, all, f, &d);
	if (e) {
		watch_free(w);
		return e;
	}
	w->console = c->state;
	w->serial = ++all->serial;
	w->missed_before = -1;
	w->quota = free_quota(d);
	w->next = d->watches;
	if (w->quota == RING_QUOTAS) {
		watch_free(w);
		return error_new(ERROR_USAGE, "%s is traced and probed %d times: that is all", f->at.name, RING_QUOTAS);
	}
	d->watches = w;
	int before = d->version;
	e = instrument(all, d, c->state->user, false);
	if (!e) {
		poll_ring(all, d); /* the very next call is to be recorded */
		return NULL;
	}
	d->watches = w->next;
	watch_free(w);
	if (d->version != before)
		error_free(continue_without(all, d, c->state->user));
	else if (!d->watches && !d->cover && !d->guard)
		remove_watched(all, d);
	return e;
}

/* --- \trace, \untrace --------------------------------------------------------------------------------------------- */

struct error *watchers_trace(struct call *c)
{
	struct live_function *f;
	int count = WATCHERS_COUNT;

	struct error *e = live_find(c->live, c->words[0], c->state->file, &f);
	if (e)
		return e;
	char *rest = strdup(c->line + strcspn(c->line, " \t"));
	struct watch *w = calloc(1, sizeof(*w));
	if (!rest || !w) {
		free(rest);
		free(w);
		return error_memory();
	}
	bool good = take_count(rest, &count);
	const char *condition = rest + strspn(rest, " \t");
	if (good && strncmp(condition, "if", 2) == 0 && (condition[2] == ' ' || condition[2] == '('))
		w->condition = strdup(condition + 2);
	else
		good &= *condition == '\0';
	free(rest);
	w->wanted = count;
	if (!good) {
		watch_free(w);
		return error_new(ERROR_USAGE, "usage: \\trace NAME [if COND] [-n COUNT]");
	}
	e = begin_watch(c, f, w);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i, s:i}", "function", f->at.name, "version", f->live, "count", count);
	text_printf(&c->reply->text, "%s is traced: the next %d calls, until \\untrace %s\n", f->at.name, count, f->at.name);
	return NULL;
}

/* Ends this console's traces, or probes, of a function (NULL: of all), and of a line (0: of all). */
static struct error *end_mine(struct call *c, const struct live_function *f, bool probes, unsigned line, int *ended)
{
	struct watchers *all;
	struct error *e = watchers_of(c, &all);

	*ended = 0;
	for (struct watched *d = e ? NULL : all->first, *next; d && !e; d = next) {
		next = d->next;
		if (f && d->function != f)
			continue;
		for (struct watch *w = d->watches; w; w = w->next) {
			bool mine = w->console == c->state && (w->line != 0) == probes && (!line || w->line == line);
			w->over |= mine;
			*ended += mine;
		}
		if (drop_over(d))
			e = continue_without(all, d, c->state->user);
	}
	return e;
}

struct error *watchers_untrace(struct call *c)
{
	struct live_function *f = NULL;
	int ended;

	struct error *e = strcmp(c->words[0], "*") == 0 ? NULL : live_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = end_mine(c, f, false, 0, &ended);
	if (!e && f && !ended)
		e = error_new(ERROR_USAGE, "this console does not trace %s", f->at.name);
	if (e)
		return e;
	c->reply->data = json_pack("{s:i}", "ended", ended);
	text_printf(&c->reply->text, "%d %s ended\n", ended, ended == 1 ? "trace" : "traces");
	return NULL;
}

/* --- \probe, \unprobe --------------------------------------------------------------------------------------------- */

/* NAME:LINE, where NAME may be file.c:NAME. */
static struct error *find_line(const struct call *c, const char *word, struct live_function **f, unsigned *line)
{
	const char *colon = strrchr(word, ':');
	char name[512], *end;

	long n = colon ? strtol(colon + 1, &end, 10) : 0;
	if (!colon || end == colon + 1 || *end || n < 1 || n > 10000000)
		return error_new(ERROR_USAGE, "%s: a place is NAME:LINE, the line that of the file", word);
	snprintf(name, sizeof(name), "%.*s", (int)(colon - word), word);
	*line = (unsigned)n;
	return live_find(c->live, name, c->state->file, f);
}

struct error *watchers_probe(struct call *c)
{
	struct live_function *f;
	unsigned line;
	int count = WATCHERS_COUNT;

	struct error *e = find_line(c, c->words[0], &f, &line);
	if (e)
		return e;
	char *rest = strdup(c->line + strcspn(c->line, " \t"));
	struct watch *w = calloc(1, sizeof(*w));
	if (!rest || !w) {
		free(rest);
		free(w);
		return error_memory();
	}
	bool good = take_count(rest, &count);
	e = good ? take_expressions(w, rest) : NULL;
	free(rest);
	w->wanted = count;
	w->line = line;
	if (!e && (!good || !w->expression_count))
		e = error_new(ERROR_USAGE, "usage: \\probe NAME:LINE EXPR... [-n COUNT]");
	if (e) {
		watch_free(w);
		return e;
	}
	e = begin_watch(c, f, w);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i, s:i, s:i}", "function", f->at.name, "version", f->live, "line", (int)line, "count",
				   count);
	text_printf(&c->reply->text, "%s:%u is probed, the next %d times, until \\unprobe %s:%u\n", f->at.name, line, count,
		    f->at.name, line);
	return NULL;
}

struct error *watchers_unprobe(struct call *c)
{
	struct live_function *f = NULL;
	const char *word = c->count ? c->words[0] : "*";
	const char *colon = strrchr(word, ':');
	unsigned line = 0;
	int ended;
	struct error *e = NULL;

	if (colon && isdigit((unsigned char)colon[1]))
		e = find_line(c, word, &f, &line);
	else if (strcmp(word, "*") != 0)
		e = live_find(c->live, word, c->state->file, &f);
	if (!e)
		e = end_mine(c, f, true, line, &ended);
	if (!e && f && !ended)
		e = error_new(ERROR_USAGE, "this console does not probe %s", word);
	if (e)
		return e;
	c->reply->data = json_pack("{s:i}", "ended", ended);
	text_printf(&c->reply->text, "%d %s ended\n", ended, ended == 1 ? "probe" : "probes");
	return NULL;
}

/* --- \guard, \retry, \return ---------------------------------------------------------------------------------------- */

static struct error *show_guards(struct call *c, struct watchers *all)
{
	json_t *guarded = json_array(), *parked = json_array();

	for (const struct watched *d = all->first; d; d = d->next) {
		if (!d->guard)
			continue;
		json_array_append_new(guarded, json_string(d->function->at.name));
		text_printf(&c->reply->text, "%s is guarded\n", d->function->at.name);
	}
	for (const struct parked *p = all->parked; p; p = p->next) {
		json_array_append_new(parked, parked_json(p));
		put_parked(&c->reply->text, p);
		text_puts(&c->reply->text, "\n");
	}
	if (!c->reply->text.size)
		text_puts(&c->reply->text, "no function is guarded: \\guard NAME guards one\n");
	c->reply->data = json_pack("{s:o, s:o}", "guarded", guarded, "parked", parked);
	return NULL;
}

/* `NAME`, `NAME return` and `NAME return EXPR`. */
static struct error *take_otherwise(const struct call *c, bool *returns, char **otherwise)
{
	const char *rest = c->line + strcspn(c->line, " \t");

	rest += strspn(rest, " \t");
	*returns = *rest != '\0';
	*otherwise = NULL;
	if (!*returns)
		return NULL;
	if (strncmp(rest, "return", 6) != 0 || (rest[6] && !strchr(" \t(", rest[6])))
		return error_new(ERROR_USAGE, "usage: \\guard NAME [return EXPR]");
	rest += 6 + strspn(rest + 6, " \t");
	*otherwise = *rest ? strdup(rest) : NULL;
	return *rest && !*otherwise ? error_memory() : NULL;
}

struct error *watchers_guard(struct call *c)
{
	struct live_function *f;
	struct watchers *all;
	struct watched *d;
	char *otherwise = NULL;
	bool returns;

	struct error *e = watchers_of(c, &all);
	if (!e && !c->count)
		return show_guards(c, all);
	if (!e && c->state->read_only)
		e = error_new(ERROR_DENIED, "this connection is read-only: \\guard changes something");
	if (!e)
		e = live_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = take_otherwise(c, &returns, &otherwise);
	if (!e)
		e = watch_function(c, all, f, &d);
	if (e) {
		free(otherwise);
		return e;
	}
	struct watched before = *d;
	d->guard = true;
	d->guard_returns = returns;
	d->otherwise = otherwise;
	e = instrument(all, d, c->state->user, false);
	if (e) {
		d->guard = before.guard;
		d->guard_returns = before.guard_returns;
		d->otherwise = before.otherwise;
		free(otherwise);
		if (!d->watches && !d->cover && !d->guard)
			remove_watched(all, d);
		return e;
	}
	free(before.otherwise);
	c->reply->data = json_pack("{s:s, s:i}", "function", f->at.name, "version", f->live);
	text_printf(&c->reply->text, "%s is guarded: a fault inside %s\n", f->at.name,
		    returns ? "makes it return" : "parks that call");
	return NULL;
}

struct error *watchers_unguard(struct call *c)
{
	struct live_function *f;
	struct watchers *all;

	struct error *e = watchers_of(c, &all);
	if (!e)
		e = live_find(c->live, c->words[0], c->state->file, &f);
	if (e)
		return e;
	struct watched *d = find_watched(all, f);
	if (!d || !d->guard)
		return error_new(ERROR_USAGE, "%s is not guarded", f->at.name);
	d->guard = false;
	e = continue_without(all, d, c->state->user);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i}", "function", f->at.name, "version", f->live);
	text_printf(&c->reply->text, "%s is version %d, without a guard\n", f->at.name, f->live);
	return NULL;
}

/* The parked call of that number; the oldest without one (0). */
static struct error *find_parked(const struct watchers *all, int number, struct parked **out)
{
	for (struct parked *p = all->parked; p; p = p->next) {
		if (number && (int)p->number != number)
			continue;
		*out = p;
		return NULL;
	}
	if (!all->parked)
		return error_new(ERROR_USAGE, "no call waits");
	return error_new(ERROR_UNKNOWN, "there is no call %d: \\guard lists those that wait", number);
}

struct error *watchers_retry(struct call *c)
{
	struct watchers *all;
	struct parked *p;
	int number = 0;

	struct error *e = watchers_of(c, &all);
	if (!e && c->count)
		e = call_number(c->words[0], &number);
	if (!e)
		watchers_serve(all); /* a new definition that came right before is guarded first */
	if (!e)
		e = find_parked(all, number, &p);
	c->reply->data = e ? NULL : json_array();
	while (!e && all->parked) {
		if (number)
			e = find_parked(all, number, &p);
		else
			p = all->parked;
		if (e)
			break;
		json_array_append_new(c->reply->data, parked_json(p));
		text_printf(&c->reply->text, "call %u of %s goes on with version %d\n", p->number, p->function->at.name,
			    p->function->live);
		e = release(all, p, p->call.entry);
		if (number)
			break;
	}
	return e;
}

/* Code that returns the value, with the call's arguments in scope. */
static struct error *make_value(struct call *c, struct live_function *f, const char *expression, uint64_t *entry)
{
	struct plain_text plain = {0};
	struct change_outcome outcome = {0};
	struct instrument_request q;
	struct build build = {0};
	char *text = NULL;

	struct error *e = read_plain(c->live, f, &plain);
	if (!e)
		e = check_plain(c->live, f, &plain, &build, &q);
	if (!e)
		e = instrument_value(&q, expression, &text);
	build_fini(&build);
	struct change_instrument aside = {.function = f,
					  .what = "return",
					  .text = text,
					  .extra = plain.extra,
					  .stored = "",
					  .line = plain.line,
					  .user = c->state->user};
	if (!e)
		e = change_aside(c->live, &aside, entry, &outcome);
	change_outcome_fini(&outcome);
	free(text);
	plain_fini(&plain);
	return e;
}

struct error *watchers_return(struct call *c)
{
	const char *expression = c->line;
	struct watchers *all;
	struct parked *p;
	uint64_t entry;
	int number = 0;

	struct error *e = watchers_of(c, &all);
	if (!e && c->count && *c->words[0] == '@') {
		e = call_number(c->words[0] + 1, &number);
		expression += strcspn(expression, " \t");
		expression += strspn(expression, " \t");
	}
	if (!e)
		e = find_parked(all, number, &p);
	if (!e)
		e = make_value(c, p->function, *expression ? expression : NULL, &entry);
	if (e)
		return e;
	c->reply->data = parked_json(p);
	text_printf(&c->reply->text, "call %u of %s returns %s\n", p->number, p->function->at.name, expression);
	return release(all, p, entry);
}
