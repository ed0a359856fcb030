#include "parked.h"
#include "captured.h"
#include "change.h"
#include "instrumented.h"
#include "lookup.h"
#include "place.h"
#include "program.h"
#include "refused.h"
#include "record.h"
#include "show.h"
#include "unwatched.h"
#include "value.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static struct live_function *function_at(struct live *l, uint64_t entry)
{
	for (size_t i = 0; i < live_count(l); i++)
		if (live_function(l, i)->at.entry == entry)
			return live_function(l, i);
	return NULL;
}

static json_t *placed_json(const struct parked *p, const struct place *place)
{
	const char *name = sigabbrev_np(p->call.signal);

	json_t *json =
		json_pack("{s:i, s:s, s:s, s:I, s:i, s:s}", "call", (int)p->number, "function",
			  p->function->at.name, "signal", name ? name : "?", "address",
			  (json_int_t)p->call.address, "thread", (int)p->call.thread, "in", place->function);
	show_place(json, place);
	if (p->args)
		json_object_set(json, "args", p->args);
	return json;
}

static json_t *parked_json(struct live *l, const struct parked *p)
{
	struct place place;

	place_describe(l, p->call.pc, false, &place);
	return placed_json(p, &place);
}

static void put_parked(struct text *out, const struct parked *p, const struct place *place)
{
	const char *name = sigabbrev_np(p->call.signal);

	text_printf(out, "call %u of %s", p->number, p->function->name);
	if (p->arguments)
		text_printf(out, "(%s)", p->arguments);
	text_printf(out, " in thread %d waits after SIG%s", (int)p->call.thread, name ? name : "?");
	/* Of others it is that of the instruction. */
	bool accessed = p->call.signal == SIGSEGV || p->call.signal == SIGBUS;
	if (accessed && p->call.code > 0 && p->call.code != SI_KERNEL)
		text_printf(out, " at address 0x%llx", (unsigned long long)p->call.address);
	text_printf(out, " in %s", place->function);
	if (*place->file)
		text_printf(out, " (%s:%u)", text_base_name(place->file), place->line);
}

json_t *parked_list(struct watchers *all, const char *before, struct text *out)
{
	json_t *list = json_array();
	struct place place;

	for (const struct parked *p = all ? all->parked : NULL; p; p = p->next) {
		place_describe(all->host->live, p->call.pc, false, &place);
		json_array_append_new(list, placed_json(p, &place));
		text_puts(out, before);
		put_parked(out, p, &place);
		text_puts(out, "\n");
	}
	return list;
}

static void tell_parked(struct watchers *all, const struct parked *p)
{
	struct text text = {0};
	struct place place;

	place_describe(all->host->live, p->call.pc, false, &place);
	json_t *event = placed_json(p, &place);
	put_parked(&text, p, &place);
	text_puts(&text, ": define it anew and \\retry, or \\return EXPR\n");
	json_object_set_new(event, "event", json_string("parked"));
	json_object_set_new(event, "text", json_string(text.bytes ? text.bytes : ""));
	program_log(all->host->program, LOG_WARNING, "%.*s", (int)(text.size - 1),
		    text.bytes ? text.bytes : "");
	text_fini(&text);
	host_broadcast(all->host, event);
}

/* One argument, which is at that address in the program; false: it cannot be read. */
static bool put_argument(struct watchers *all, const struct watched_value *v, uint64_t address,
			 struct text *text, json_t *args)
{
	unsigned char *bytes = malloc(v->type->size + 1);
	json_t *json;

	struct error *e =
		bytes ? program_read(all->host->program, address, bytes, v->type->size) : error_memory();
	if (!e) {
		captured_put(all->host, v->type, bytes, &(struct captured){0}, VALUE_OPTIONS.depth, text,
			     &json);
		json_object_set_new(args, v->name, json);
	}
	free(bytes);
	bool put = !e;
	error_free(e);
	return put;
}

/* What the call was made with, as it is now. A call of a version that is not the watched one any more may have other
 * arguments. */
static void read_arguments(struct watchers *all, struct parked *p)
{
	const struct watched *d = watched_find(all, p->function);
	struct text text = {0};
	uint64_t at;

	if (!d || d->plain != p->call.version || !p->call.arguments)
		return;
	json_t *args = json_object();
	bool known = true;
	for (size_t i = 0; i < d->arguments.count && known; i++) {
		struct error *e =
			program_read(all->host->program, p->call.arguments + i * sizeof(at), &at, sizeof(at));
		text_printf(&text, "%s%s=", i ? ", " : "", d->arguments.list[i].name);
		known = !e && put_argument(all, &d->arguments.list[i], at, &text, args);
		error_free(e);
	}
	char *arguments = text_take(&text);
	if (!known || !arguments) {
		free(arguments);
		json_decref(args);
		return;
	}
	p->arguments = arguments;
	p->args = args;
}

static void free_call(struct parked *p)
{
	free(p->arguments);
	json_decref(p->args);
	free(p);
}

void parked_take(struct watchers *all)
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
		read_arguments(all, p);
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
	free_call(p);
	return e;
}

void parked_free(struct watchers *all)
{
	for (struct parked *p = all->parked, *next; p; p = next) {
		next = p->next;
		free_call(p);
	}
}

/* --- \guard, \retry, \return ---------------------------------------------------------------------------------------- */

static struct error *show_guards(struct call *c, struct watchers *all)
{
	json_t *guarded = json_array();

	for (const struct watched *d = all->first; d; d = d->next) {
		if (!d->guard)
			continue;
		json_array_append_new(guarded, json_string(d->function->at.name));
		text_printf(&c->reply->text, "%s is guarded\n", d->function->name);
	}
	json_t *parked = parked_list(all, "", &c->reply->text);
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

/* C takes any scalar for any other with no more than a warning; here nobody means that. */
static struct error *check_type(struct watchers *all, struct live_function *f, const struct plain_text *plain,
				const struct instrument *value, const char *expression)
{
	struct build_request request = live_request(f, value->text, strlen(value->text), plain->line);
	struct build build = {0};

	request.extra = value->extra;
	request.extra_size = strlen(value->extra);
	struct error *e = build_check(live_host(all->host->live), &request, &build);
	for (size_t i = 0; !e && i < build.check.count; i++) {
		struct check_diagnostic *d = &build.check.diagnostics[i];
		if (!d->message || strncmp(d->message, "incompatible ", 13) != 0)
			continue;
		e = error_new(ERROR_COMPILE, "%s cannot return %s: %s", f->name, expression, d->message);
		strcpy(d->severity, "error"); /* of a "warning" */
	}
	check_result_fini(&all->refused);
	all->refused = build.check;
	build.check = (struct check_result){0};
	build_fini(&build);
	return e;
}

/* The text of a function that returns the value, with the call's arguments in scope. */
static struct error *write_value(struct watchers *all, struct live_function *f, const char *expression,
				 struct plain_text *plain, struct instrument *value)
{
	struct live *l = all->host->live;
	struct instrument_guard guard = {.entry = f->at.entry};
	struct instrument_request q;
	struct build build = {0};
	char *extra = NULL;

	check_result_fini(&all->refused); /* of the one before */
	struct error *e = plain_read(l, f, plain);
	if (!e)
		e = plain_check(l, f, plain, &build, &q);
	if (!e) {
		program_park_functions(live_program(l), &q.enter, &q.leave, &guard.wait);
		q.guard = &guard;
		e = instrument_value(&q, expression, value);
	}
	build_fini(&build);
	if (e)
		return e;
	if (asprintf(&extra, "%s\n%s", plain->extra ? plain->extra : "", value->extra) < 0)
		return error_memory();
	free(value->extra);
	value->extra = extra;
	return expression ? check_type(all, f, plain, value, expression) : NULL;
}

static struct error *make_value(struct call *c, struct watchers *all, struct live_function *f,
				const char *expression, uint64_t *entry)
{
	struct plain_text plain = {0};
	struct change_outcome outcome = {0};
	struct instrument value = {0};

	struct error *e = write_value(all, f, expression, &plain, &value);
	struct instrumented aside = {.function = f,
				     .what = "return",
				     .text = value.text,
				     .extra = value.extra,
				     .stored = "",
				     .line = plain.line,
				     .user = c->state->user};
	if (!e)
		e = instrumented_aside(c->live, &aside, entry, &outcome);
	if (outcome.check.count) {
		check_result_fini(&all->refused);
		all->refused = outcome.check;
		outcome.check = (struct check_result){0};
	}
	change_outcome_fini(&outcome);
	instrument_fini(&value);
	plain_fini(&plain);
	return e;
}

/* Whether the function can return that, if it is to return anything. */
static struct error *check_value(struct watchers *all, struct live_function *f, const char *expression)
{
	struct plain_text plain = {0};
	struct instrument value = {0};

	struct error *e = expression ? write_value(all, f, expression, &plain, &value) : NULL;
	instrument_fini(&value);
	plain_fini(&plain);
	return e;
}

/* What is wrong with the value that was typed, if that is what failed. */
static struct error *tell(struct call *c, const struct watchers *all, const char *expression, struct error *e)
{
	char *typed = (char *)expression;

	return expression && *expression ? refused_tell(c, &all->refused, &typed, 1, e) : e;
}

struct error *parked_guard(struct call *c)
{
	struct live_function *f;
	struct watchers *all;
	struct watched *d;
	char *otherwise = NULL;
	bool returns = false;

	struct error *e = watched_all(c, &all);
	if (!e && !c->count)
		return show_guards(c, all);
	if (!e && c->state->read_only)
		e = error_new(ERROR_DENIED, "this connection is read-only: \\guard changes something");
	if (!e)
		e = lookup_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = take_otherwise(c, &returns, &otherwise);
	if (!e)
		e = tell(c, all, otherwise, check_value(all, f, otherwise));
	if (!e)
		e = watched_begin(c, all, f, &d);
	if (e) {
		free(otherwise);
		return e;
	}
	struct watched before = *d;
	d->guard = true;
	d->guard_returns = returns;
	d->otherwise = otherwise;
	e = tell(c, all, otherwise, watched_instrument(all, d, c->state->user, false));
	if (e) {
		d->guard = before.guard;
		d->guard_returns = before.guard_returns;
		d->otherwise = before.otherwise;
		free(otherwise);
		watched_take_back(all, d, before.version, c->state->user);
		return e;
	}
	free(before.otherwise);
	c->reply->data = json_pack("{s:s, s:i}", "function", f->at.name, "version", f->live);
	text_printf(&c->reply->text, "%s is guarded: a fault inside %s\n", f->name,
		    returns ? "makes it return" : "parks that call");
	unwatched_note(c, f, c->reply->data, "guarded");
	return NULL;
}

static bool *guard_of(struct watched *d)
{
	return &d->guard;
}

struct error *parked_unguard(struct call *c)
{
	return watched_end(c, guard_of, "guarded", "a guard");
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

struct error *parked_retry(struct call *c)
{
	struct watchers *all;
	struct parked *p;
	int number = 0;

	struct error *e = watched_all(c, &all);
	if (!e && c->count)
		e = call_number(c->words[0], &number);
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
		json_array_append_new(c->reply->data, parked_json(c->live, p));
		text_printf(&c->reply->text, "call %u of %s goes on with version %d\n", p->number,
			    p->function->name, p->function->live);
		record_event(c->live, "retried", p->function, p->function->live, c->state->user, NULL);
		e = release(all, p, p->call.entry);
		if (number)
			break;
	}
	return e;
}

struct error *parked_return(struct call *c)
{
	const char *expression = c->line;
	struct watchers *all;
	struct parked *p;
	uint64_t entry;
	int number = 0;

	struct error *e = watched_all(c, &all);
	if (!e && c->count && *c->words[0] == '@') {
		e = call_number(c->words[0] + 1, &number);
		expression += strcspn(expression, " \t");
		expression += strspn(expression, " \t");
	}
	if (!e)
		e = find_parked(all, number, &p);
	if (!e)
		e = tell(c, all, expression,
			 make_value(c, all, p->function, *expression ? expression : NULL, &entry));
	if (e)
		return e;
	c->reply->data = parked_json(c->live, p);
	text_printf(&c->reply->text, "call %u of %s returns %s\n", p->number, p->function->name, expression);
	record_event(c->live, "returned", p->function, p->function->live, c->state->user,
		     *expression ? expression : NULL);
	return release(all, p, entry);
}
