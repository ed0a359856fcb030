#include "watched.h"
#include "change.h"
#include "edit.h"
#include "instrumented.h"
#include "lookup.h"
#include "program.h"
#include "ring.h"
#include "rollback.h"
#include "texts.h"
#include "value.h"
#include "wrapper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------------------------ */

static void forget_values(struct watched_values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		free(values->list[i].name);
		types_free(values->list[i].types);
	}
	free(values->list);
	*values = (struct watched_values){0};
}

void tap_free(struct tap *w)
{
	if (!w)
		return;
	forget_values(&w->values);
	for (size_t i = 0; i < w->expression_count; i++)
		free(w->expressions[i]);
	free(w->expressions);
	free(w->condition);
	free(w);
}

static void watched_free(struct watched *d)
{
	for (struct tap *w = d->taps, *next; w; w = next) {
		next = w->next;
		tap_free(w);
	}
	instrument_fini(&d->made);
	forget_values(&d->arguments);
	free(d->otherwise);
	free(d->user);
	free(d);
}

void watched_remove(struct watchers *all, struct watched *d)
{
	for (struct watched **at = &all->first; *at; at = &(*at)->next) {
		if (*at != d)
			continue;
		*at = d->next;
		watched_free(d);
		return;
	}
}

struct watched *watched_find(const struct watchers *all, const struct live_function *f)
{
	for (struct watched *d = all ? all->first : NULL; d; d = d->next)
		if (d->function == f)
			return d;
	return NULL;
}

/* Takes out of the list what is over. */
static void drop_over(struct watched *d)
{
	for (struct tap **at = &d->taps; *at;) {
		struct tap *w = *at;
		if (!w->over) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		tap_free(w);
	}
}

bool watched_is_wanted(const struct watched *d)
{
	bool any = d->cover || d->guard;

	for (const struct tap *w = d->taps; w; w = w->next)
		any |= !w->over;
	return any;
}

struct error *watched_all(const struct call *c, struct watchers **out)
{
	*out = c->state->host->watchers;
	return *out ? NULL : error_new(ERROR_INTERNAL, "nothing can be watched: memory ran out at the start");
}

/* The function's entry in the list, a new one if there is none. */
struct error *watched_begin(const struct call *c, struct watchers *all, struct live_function *f,
			    struct watched **out)
{
	*out = watched_find(all, f);
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

/* --- versions ---------------------------------------------------------------------------------------------------- */

void plain_fini(struct plain_text *p)
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

struct error *plain_read(struct live *l, struct live_function *f, struct plain_text *p)
{
	struct error *e = texts_of_version(l, f, live_plain(f), &p->text, &p->line);

	return e ? e : cut_plain(p, f->at.name);
}

static char *what_for(const struct watched *d)
{
	static const char *const names[] = {"cover", "trace", "probe", "guard"};
	struct text t = {0};

	for (size_t i = 0; i < 4; i++) {
		bool is = (i == 0 && d->cover) || (i == 3 && d->guard);
		for (const struct tap *w = d->taps; w; w = w->next)
			is |= !w->over && i == (w->line ? 2 : 1);
		if (is)
			text_printf(&t, "%s%s", t.size ? "+" : "", names[i]);
	}
	return text_take(&t);
}

/* Checks the plain text, and gives its slice to whoever rewrites it. */
struct error *plain_check(struct live *l, struct live_function *f, const struct plain_text *plain,
			  struct build *build, struct instrument_request *q)
{
	const struct build_host *host = live_host(l);
	struct build_request request = live_request(f, plain->definition, plain->size, plain->line);
	request.extra = plain->extra;
	request.extra_size = plain->extra ? strlen(plain->extra) : 0;
	struct error *e = build_check(host, &request, build);
	if (!e && build->check.failed)
		e = error_new(build->check.class, "%s: %s", f->name,
			      build->check.message ? build->check.message : "refused");
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

/* The instrumented text. */
static struct error *instrument_text(struct live *l, const struct watched *d, const struct plain_text *plain,
				     int version, bool careful, struct instrument *made)
{
	struct capture watches[RING_QUOTAS];
	struct instrument_guard guard = {
		.entry = d->function->at.entry, .returns = d->guard_returns, .otherwise = d->otherwise};
	struct instrument_request q;
	struct build build = {0};
	size_t count = 0;

	for (const struct tap *w = d->taps; w && count < RING_QUOTAS; w = w->next)
		if (!w->over)
			watches[count++] = (struct capture){w->serial, w->quota,       w->condition,
							    w->line,   w->expressions, w->expression_count};
	struct error *e = plain_check(l, d->function, plain, &build, &q);
	if (!e) {
		q.version = version;
		q.cover = d->cover;
		q.watches = watches;
		q.watch_count = count;
		q.guard = d->guard ? &guard : NULL;
		program_park_functions(live_program(l), &q.enter, &q.leave, &guard.wait);
		q.exit = program_exit(live_program(l), false);
		q.careful = careful;
		e = instrument_new(&q, made);
	}
	build_fini(&build);
	return e;
}

/* instrumented_define, or instrumented_prepare. */
typedef struct error *use_form(struct live *, const struct instrumented *, struct change_outcome *);

static struct error *use(struct watchers *all, const struct watched *d, const struct plain_text *plain,
			 const struct instrument *made, const char *user, use_form *form)
{
	char *what = what_for(d), *extra = NULL;
	struct change_outcome outcome = {0};

	if (!what || asprintf(&extra, "%s\n%s", plain->extra ? plain->extra : "", made->extra) < 0) {
		free(what);
		return error_memory();
	}
	struct instrumented q = {.function = d->function,
				 .what = what,
				 .text = made->text,
				 .extra = extra,
				 .stored = plain->text,
				 .line = plain->line,
				 .user = user};
	struct error *e = form(all->host->live, &q, &outcome);
	check_result_fini(&all->refused);
	all->refused = outcome.check;
	outcome.check = (struct check_result){0};
	change_outcome_fini(&outcome);
	free(what);
	free(extra);
	return e;
}

/* The instrumented form of the text, which is to be that version; carefully written where it does not fit otherwise. */
static struct error *make(struct watchers *all, const struct watched *d, const struct plain_text *plain,
			  int version, const char *user, use_form *form, struct instrument *made)
{
	struct error *e = NULL;

	check_result_fini(&all->refused); /* of the one before */
	for (int careful = 0; careful < 2; careful++) {
		error_free(e);
		e = instrument_text(all->host->live, d, plain, version, careful, made);
		if (!e)
			e = use(all, d, plain, made, user, form);
		if (!e)
			return NULL;
		instrument_fini(made);
		if (error_class(e) != ERROR_COMPILE)
			break;
	}
	return e;
}

static uint64_t address_of(struct live *l, const struct live_function *f, const char *variable)
{
	const struct build_host *host = live_host(l);
	uint64_t address = 0, size;

	if (!variable ||
	    !host->versions.variable(host->versions.context, f->at.unit, NULL, variable, 0, &address, &size))
		return 0;
	return address;
}

/* `variable` is one of that function's. */
static struct error *add_value(struct live *l, const char *function, struct watched_values *values,
			       const char *name, const char *variable)
{
	struct watched_value *more = realloc(values->list, (values->count + 1) * sizeof(*more));
	struct type_found found;

	if (!more)
		return error_memory();
	values->list = more;
	struct watched_value *v = &values->list[values->count];
	*v = (struct watched_value){.name = strdup(name)};
	struct error *e = v->name ? NULL : error_memory();
	if (!e)
		e = types_of_variable(check_unit(live_host(l)->check), function, variable, &v->types, &found);
	if (e) {
		free(v->name);
		return e;
	}
	v->type = found.type;
	values->count++;
	return NULL;
}

/* The structs that the values only have pointers to and do not look into. */
static void add_incomplete(const struct watched_values *values, struct text *also)
{
	for (size_t i = 0; i < values->count; i++)
		type_add_incomplete(values->list[i].type, VALUE_OPTIONS.depth, also);
}

/* The names and types of what is recorded, from the check of the version that records it. */
static struct error *learn_values(struct live *l, const struct instrument *made, struct tap *w)
{
	char variable[64];
	struct error *e = NULL;

	forget_values(&w->values);
	w->has_result = false;
	for (size_t i = 0; i < (w->line ? w->expression_count : made->argument_count) && !e; i++) {
		snprintf(variable, sizeof(variable), "rtf_value_%u_%zu", w->serial, i);
		e = add_value(l, made->body, &w->values, w->line ? w->expressions[i] : made->arguments[i],
			      variable);
	}
	if (!e && !w->line && made->has_results) {
		w->has_result = true;
		e = add_value(l, made->body, &w->values, "", "rtf_result");
	}
	return e;
}

static struct error *learn_arguments(struct live *l, const struct instrument *made, struct watched *d)
{
	char variable[64];
	struct error *e = NULL;

	forget_values(&d->arguments);
	for (size_t i = 0; d->guard && i < made->argument_count && !e; i++) {
		snprintf(variable, sizeof(variable), WRAPPER_ARGUMENT "%zu", i);
		e = add_value(l, d->function->at.name, &d->arguments, made->arguments[i], variable);
	}
	return e;
}

/* Has the check look at the text that records once more, with these structs whole: false if it does not take it. */
static bool check_whole(struct live *l, struct live_function *f, const struct plain_text *plain,
			const struct instrument *made, const char *also)
{
	struct build build = {0};
	char *extra = NULL;

	if (asprintf(&extra, "%s\n%s", plain->extra ? plain->extra : "", made->extra) < 0)
		return false;
	struct build_request request = live_request(f, made->text, strlen(made->text), plain->line);
	request.extra = extra;
	request.extra_size = strlen(extra);
	request.also = also;
	struct error *e = build_check(live_host(l), &request, &build);
	bool taken = !e && !build.check.failed;
	error_free(e);
	build_fini(&build);
	free(extra);
	return taken;
}

static struct error *learn_all(struct live *l, struct watched *d, const struct plain_text *plain,
			       const struct instrument *made)
{
	struct text also = {0};
	struct error *e = NULL;
	size_t known;

	do {
		known = also.size;
		e = learn_arguments(l, made, d);
		add_incomplete(&d->arguments, &also);
		for (struct tap *w = d->taps; w && !e; w = w->next) {
			e = w->over ? NULL : learn_values(l, made, w);
			add_incomplete(&w->values, &also);
		}
	} while (!e && also.size > known && check_whole(l, d->function, plain, made, also.bytes));
	text_fini(&also);
	return e;
}

static struct error *zero_counts(struct live *l, const struct instrument *made, uint64_t address)
{
	void *zeros = calloc(made->counters.count, sizeof(uint64_t));
	struct error *e = zeros ? program_write(live_program(l), address, zeros,
						made->counters.count * sizeof(uint64_t))
				: error_memory();

	free(zeros);
	return e;
}

struct error *watched_instrument(struct watchers *all, struct watched *d, const char *user, bool count_anew)
{
	struct live *l = all->host->live;
	struct plain_text plain = {0};
	struct instrument made = {0};

	struct error *e = plain_read(l, d->function, &plain);
	if (!e)
		e = make(all, d, &plain, live_plain(d->function), user, instrumented_define, &made);
	if (e) {
		plain_fini(&plain);
		return e;
	}
	instrument_fini(&d->made);
	d->made = made;
	d->version = d->function->live;
	d->plain = live_plain(d->function);
	d->counts_address = address_of(l, d->function, made.counters.name);
	d->ring_address = address_of(l, d->function, made.ring);
	d->slots_seen = -1;
	e = learn_all(l, d, &plain, &made);
	plain_fini(&plain);
	if (!e && d->cover && count_anew)
		e = zero_counts(l, &made, d->counts_address);
	if (e)
		return e;
	drop_over(d);
	d->shrinks = false;
	return NULL;
}

struct error *watched_prepare(struct watchers *all, struct watched *d, const char *text, unsigned line)
{
	struct plain_text plain = {.text = strdup(text), .line = line};
	struct instrument made = {0};

	struct error *e = plain.text ? cut_plain(&plain, d->function->at.name) : error_memory();
	if (!e)
		e = make(all, d, &plain, d->function->newest + 1, d->user, instrumented_prepare, &made);
	instrument_fini(&made);
	plain_fini(&plain);
	return e;
}

static struct error *go_back(struct watchers *all, struct watched *d, const char *user)
{
	struct change_outcome outcome = {0};
	struct error *e = NULL;

	if (*d->function->instrumented)
		e = rollback_plain(all->host->live, d->function, user, &outcome);
	change_outcome_fini(&outcome);
	watched_remove(all, d);
	return e;
}

struct error *watched_go_on(struct watchers *all, struct watched *d, const char *user)
{
	return watched_is_wanted(d) ? watched_instrument(all, d, user, false) : go_back(all, d, user);
}

void watched_take_back(struct watchers *all, struct watched *d, int before, const char *user)
{
	if (d->version != before)
		error_free(watched_go_on(all, d, user));
	else if (!watched_is_wanted(d) && !d->taps)
		watched_remove(all, d);
}

struct error *watched_end(struct call *c, bool *(*member)(struct watched *), const char *being,
			  const char *what)
{
	struct live_function *f;
	struct watchers *all;

	struct error *e = watched_all(c, &all);
	if (!e)
		e = lookup_find(c->live, c->words[0], c->state->file, &f);
	if (e)
		return e;
	struct watched *d = watched_find(all, f);
	if (!d || !*member(d))
		return error_new(ERROR_USAGE, "%s is not %s", f->name, being);
	*member(d) = false;
	bool stays = watched_is_wanted(d); /* else it is gone behind this, whatever comes of it */
	e = watched_go_on(all, d, c->state->user);
	if (e) {
		if (stays)
			*member(d) = true;
		return e;
	}
	c->reply->data = json_pack("{s:s, s:i}", "function", f->at.name, "version", f->live);
	text_printf(&c->reply->text, "%s is version %d, without %s\n", f->name, f->live, what);
	return NULL;
}

struct error *watched_shrink(struct watchers *all, struct watched *d, const char *user)
{
	if (!watched_is_wanted(d))
		return go_back(all, d, user);
	d->shrinks = true;
	return NULL;
}
