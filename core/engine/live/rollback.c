#include "rollback.h"
#include "clock.h"
#include "attempt.h"
#include "edit.h"
#include "record.h"
#include "texts.h"
#include "turns.h"

#include <stdlib.h>
#include <string.h>

struct error *rollback_check(struct live *l, struct attempt_part *p)
{
	struct edit edit;
	unsigned line;
	struct error *e = texts_of_version(l, p->function, p->to, &p->text, &line);

	if (!e)
		e = texts_see_unit(l, p->function->at.unit);
	if (!e)
		e = edit_new(p->text, strlen(p->text), &edit);
	if (e)
		return e;
	bool *taken = calloc(edit.count + 1, sizeof(*taken));
	char *extra = NULL;
	p->definition = p->text;
	p->definition_size = strlen(p->text);
	p->request.given_line = 1;
	for (size_t i = 0; taken && i < edit.count; i++) {
		if (strcmp(edit.functions[i].name, p->function->at.name) != 0)
			continue;
		taken[i] = true;
		p->definition += edit.functions[i].begin;
		p->definition_size = edit.functions[i].end - edit.functions[i].begin;
		p->request.given_line = edit.functions[i].line;
		extra = edit_rest(&edit, taken);
		break;
	}
	p->request.function = &p->function->at;
	p->request.arena = p->function->arena;
	p->request.text = p->definition;
	p->request.size = p->definition_size;
	p->request.extra = extra;
	p->request.extra_size = extra ? strlen(extra) : 0;
	p->request.given_file = "<history>";
	p->request.file = p->function->at.file;
	p->request.line = line ? line : p->function->at.line;
	p->request.patient = true;
	e = build_check(live_host(l), &p->request, &p->build);
	p->built = true;
	p->request.extra = NULL;
	free(extra);
	free(taken);
	edit_fini(&edit);
	return e;
}

/* A version that is not in memory (an earlier run's) is built again from its text. */
static struct error *rebuild(struct live *l, struct attempt_part *p, struct attempt *c,
			     struct change_outcome *out)
{
	struct error *e = rollback_check(l, p);

	if (!e && p->build.check.failed)
		e = attempt_refuse(p->function, &p->build.check, out);
	if (!e) {
		struct live_variable_mark variables = live_variable_mark(l);
		e = attempt_link_part(l, c, p);
		if (e)
			live_forget_variables(l, variables);
	}
	return error_context(e, "version %d of %s does not fit the running program", p->to,
			     p->function->name);
}

static struct error *aim(struct live *l, struct attempt_part *p, struct attempt *c,
			 struct change_outcome *out)
{
	const struct live_version *v = live_in_memory(p->function, p->to);

	record_function(l, p->function); /* a row of an earlier build's has no version 0 of this one */
	p->from = live_plain(p->function);
	if (p->to == 0)
		p->target = program_built(live_program(l), p->function->arena, p->function->slot);
	else if (v)
		p->target = v->entry;
	else
		return rebuild(l, p, c, out);
	return NULL;
}

/* What libtcc has made is optimised like any version that is new: of one that was in memory, its text is read again for that. */
static void tell_successors(struct live *l, struct attempt *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		const struct live_version *v = live_in_memory(p->function, p->to);
		if (p->built && p->build.object.backend == BACKEND_TCC)
			live_tell_successor(l, p->function, p->to, &p->build);
		else if (!p->built && v && !v->optimised)
			live_tell_successor(l, p->function, p->to, NULL);
	}
}

/* Makes live what every part aims at, as one change. */
static struct error *move_aimed(struct live *l, struct attempt *c, enum history_kind kind, int64_t subject,
				const char *user, int64_t start, struct change_outcome *out)
{
	struct error *e = program_takes(live_program(l), c->count);
	int64_t store_us = 0;

	if (!e)
		e = attempt_commit(l, c);
	if (!e)
		e = attempt_publish_and_record(l, c, kind, subject, user, &store_us);
	if (e) {
		attempt_abandon(l, c);
		return e;
	}
	e = attempt_report(out, c, start, store_us);
	tell_successors(l, c);
	return e;
}

/* Moves every part to its version, as one change. */
static struct error *move(struct live *l, struct attempt *c, enum history_kind kind, int64_t subject,
			  const char *user, int64_t start, struct change_outcome *out)
{
	struct error *e = program_takes(live_program(l), c->count);

	/* If some wait for the compiler, it gets them all. */
	for (size_t i = 0; i < c->count && (!e || turns_lack(live_host(l)->turns)); i++) {
		struct error *failed = aim(l, &c->parts[i], c, out);
		if (!e)
			e = failed;
		else
			error_free(failed);
	}
	if (e) {
		attempt_abandon(l, c);
		return e;
	}
	return move_aimed(l, c, kind, subject, user, start, out);
}

/* Aims the next part, or leaves it out and the arena as it was. */
static struct error *aim_next(struct live *l, struct attempt *c, struct change_outcome *out)
{
	struct attempt_part *p = &c->parts[c->count];
	uint32_t arena = p->function->arena;
	size_t code = c->code[arena], data = c->data[arena];

	struct error *e = aim(l, p, c, out);
	if (!e) {
		c->count++;
		return NULL;
	}
	c->code[arena] = code;
	c->data[arena] = data;
	if (p->built)
		build_fini(&p->build);
	free(p->text);
	return e;
}

struct error *rollback_all(struct live *l, struct rollback_step *steps, size_t count, const char *user,
			   struct change_outcome *out)
{
	int64_t start = clock_now_us();
	struct live_variable_mark variables = live_variable_mark(l);
	struct attempt c = {.parts = calloc(count + 1, sizeof(*c.parts))};
	struct error *e = c.parts ? NULL : error_memory();

	*out = (struct change_outcome){0};
	for (size_t i = 0; i < count && !e; i++) {
		c.parts[c.count] = (struct attempt_part){.function = steps[i].function, .to = steps[i].to};
		steps[i].why = aim_next(l, &c, out);
	}
	if (!e && turns_lack(live_host(l)->turns)) {
		live_forget_variables(l, variables);
		e = error_new(ERROR_INTERNAL, "it waits for the compiler");
	}
	if (!e && c.count)
		e = move_aimed(l, &c, HISTORY_RESTORE, 0, user, start, out);
	attempt_fini(&c);
	return e;
}

static struct error *parent_of(struct live *l, struct live_function *f, int *number);

struct error *rollback_to(struct live *l, struct live_function *f, int number, const char *user,
			  struct change_outcome *out)
{
	int64_t start = clock_now_us();
	struct attempt_part part = {.function = f, .to = number};
	struct attempt c = {.count = 1};

	*out = (struct change_outcome){0};
	if (number < 0) {
		struct error *e = parent_of(l, f, &part.to);
		if (e)
			return e;
	}
	if (*f->instrumented && part.to == f->plain)
		return rollback_plain(l, f, user, out); /* not even a change: that is what is live */
	if (part.to > 0 && !live_in_memory(f, part.to)) {
		char *text;
		unsigned line;
		struct error *e = texts_of_version(l, f, part.to, &text, &line);
		if (e)
			return e;
		free(text);
	}
	c.parts = malloc(sizeof(part));
	if (!c.parts)
		return error_memory();
	c.parts[0] = part;
	struct error *e = move(l, &c, HISTORY_ROLLBACK, 0, user, start, out);
	attempt_fini(&c);
	return e;
}

static void take_parent(void *context, const struct history_version *v)
{
	*(int *)context = v->parent;
}

/* What runs watched is no step of its own: the one before it is its plain version's. */
static struct error *parent_of(struct live *l, struct live_function *f, int *number)
{
	if (live_plain(f) == 0)
		return error_new(ERROR_USAGE, "%s runs what was built: there is nothing before it", f->name);
	*number = 0;
	if (!f->row)
		return NULL;
	struct error *e = history_find(live_history(l), f->row, live_plain(f), take_parent, number);
	if (*number < 0)
		*number = 0;
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* a version that the history never got */
		e = NULL;
	}
	return e;
}

struct error *rollback_undo(struct live *l, bool redo, const char *user, struct change_outcome *out)
{
	int64_t start = clock_now_us(), subject;
	struct history_move *moves = NULL;
	struct attempt c = {0};
	size_t count;

	*out = (struct change_outcome){0};
	struct error *e = history_next(live_history(l), redo, &subject, &moves, &count);
	if (record_lose(l, &e))
		e = history_next(live_history(l), redo, &subject, &moves, &count);
	if (e)
		return e;
	if (!subject) {
		free(moves);
		return error_new(ERROR_USAGE, redo ? "there is nothing to redo" : "there is nothing to undo");
	}
	c.parts = calloc(count + 1, sizeof(*c.parts));
	if (!c.parts)
		e = error_memory();
	for (size_t i = 0; i < count && !e; i++) {
		struct live_function *f = live_by_row(l, moves[i].function);
		if (!f)
			e = error_new(ERROR_INTERNAL,
				      "the history names a function that the program does not have");
		else
			c.parts[c.count++] = (struct attempt_part){.function = f, .to = moves[i].to};
	}
	if (!e)
		e = move(l, &c, redo ? HISTORY_REDO : HISTORY_UNDO, subject, user, start, out);
	free(moves);
	attempt_fini(&c);
	return e;
}

struct error *rollback_plain(struct live *l, struct live_function *f, const char *user,
			     struct change_outcome *out)
{
	int64_t start = clock_now_us();
	struct attempt_part part = {.function = f, .to = live_plain(f)};
	struct attempt c = {.parts = &part, .count = 1};

	*out = (struct change_outcome){0};
	struct error *e = aim(l, &part, &c, out);
	if (!e)
		e = attempt_commit(l, &c);
	if (e)
		attempt_abandon(l, &c);
	if (!e)
		e = attempt_publish(l, &c);
	if (!e) {
		attempt_mark_live(&c);
		record_event(l, "unwatched", f, part.to, user, NULL);
		e = attempt_report(out, &c, start, 0);
		tell_successors(l, &c);
	}
	if (part.built)
		build_fini(&part.build);
	free(part.text);
	return e;
}

struct error *rollback_load(struct live *l, struct live_function *f, int number, struct change_outcome *out)
{
	struct attempt_part part = {.function = f, .to = number};
	struct attempt c = {.parts = &part, .count = 1};

	*out = (struct change_outcome){0};
	if (number == 0 || live_in_memory(f, number))
		return NULL;
	struct error *e = aim(l, &part, &c, out);
	if (!e)
		e = attempt_commit(l, &c);
	if (e)
		attempt_abandon(l, &c);
	if (part.built)
		build_fini(&part.build);
	free(part.text);
	return e;
}
