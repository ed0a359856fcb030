#include "instrumented.h"
#include "clock.h"
#include "attempt.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error *instrument(struct live *l, const struct instrumented *q, struct attempt *c,
				struct change_outcome *out)
{
	struct live_function *f = q->function;
	int64_t start = clock_now_us();
	int plain = live_plain(f);

	struct error *e = attempt_check(l, c, out);
	if (!e)
		e = attempt_link(l, c);
	if (!e)
		e = attempt_store(l, c, q->what, q->user);
	if (!e)
		e = attempt_commit(l, c);
	if (!e)
		e = attempt_publish(l, c);
	if (e) {
		attempt_abandon(l, c);
		return e;
	}
	attempt_mark_live(c);
	attempt_count_version(f, f->live);
	f->plain = plain;
	snprintf(f->instrumented, sizeof(f->instrumented), "%s", q->what);
	record_event(l, "watched", f, plain, q->user, q->what);
	return attempt_report(out, c, start, 0);
}

static void commit_aside(struct live *l, const struct attempt *c)
{
	for (uint32_t arena = 0; arena < program_arena_count(live_program(l)) && arena < ATTEMPT_ARENAS;
	     arena++)
		if (c->code[arena])
			program_commit(live_program(l), arena, c->code[arena], c->data[arena]);
}

static struct error *put_aside(struct live *l, struct attempt *c, uint64_t *entry, struct change_outcome *out)
{
	struct error *e = attempt_check(l, c, out);

	if (!e)
		e = attempt_link(l, c);
	if (e)
		return e;
	turns_insist(live_host(l)->turns);
	commit_aside(l, c);
	*entry = c->parts[0].target;
	return NULL;
}

static struct error *prepare(struct live *l, struct attempt *c, struct change_outcome *out)
{
	struct live_variable_mark variables = live_variable_mark(l);
	struct error *e = attempt_check(l, c, out);

	if (!e)
		e = attempt_link(l, c);
	live_forget_variables(l, variables);
	return e;
}

/* The one part of it; the text of the attempt is the caller's to free, with the rest. */
static struct error *begin(const struct instrumented *q, struct attempt *c)
{
	*c = (struct attempt){.parts = calloc(1, sizeof(*c->parts))};
	if (!c->parts)
		return error_memory();
	c->count = 1;
	struct attempt_part *p = &c->parts[0];
	*p = (struct attempt_part){.function = q->function,
				   .instrumented = true,
				   .text = strdup(q->stored),
				   .definition = q->text,
				   .definition_size = strlen(q->text)};
	p->request = live_request(q->function, q->text, strlen(q->text), q->line);
	p->request.extra = q->extra;
	p->request.extra_size = q->extra ? strlen(q->extra) : 0;
	p->request.why_cc = "it counts and records with atomic operations";
	p->request.patient = true;
	return p->text ? NULL : error_memory();
}

struct error *instrumented_define(struct live *l, const struct instrumented *q, struct change_outcome *out)
{
	struct attempt c;
	struct error *e = begin(q, &c);

	*out = (struct change_outcome){0};
	if (!e)
		e = instrument(l, q, &c, out);
	attempt_fini(&c);
	return e;
}

struct error *instrumented_prepare(struct live *l, const struct instrumented *q, struct change_outcome *out)
{
	struct attempt c;
	struct error *e = begin(q, &c);

	*out = (struct change_outcome){0};
	if (!e)
		e = prepare(l, &c, out);
	attempt_fini(&c);
	return e;
}

struct error *instrumented_aside(struct live *l, const struct instrumented *q, uint64_t *entry,
				 struct change_outcome *out)
{
	struct attempt c;
	struct error *e = begin(q, &c);

	*out = (struct change_outcome){0};
	if (!e)
		e = put_aside(l, &c, entry, out);
	attempt_fini(&c);
	return e;
}
