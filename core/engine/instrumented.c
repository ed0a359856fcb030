#include "instrumented.h"
#include "attempt.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error *instrument(struct live *l, const struct instrumented *q, struct attempt *c,
				struct change_outcome *out)
{
	struct live_function *f = q->function;
	int64_t start = build_now_us();
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
	if (e)
		return e;
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

static struct error *instrument_one(struct live *l, const struct instrumented *q, uint64_t *aside,
				    struct change_outcome *out)
{
	struct attempt c = {.parts = calloc(1, sizeof(*c.parts)), .count = 1};

	*out = (struct change_outcome){0};
	if (!c.parts)
		return error_memory();
	c.parts[0] = (struct attempt_part){.function = q->function,
					   .text = strdup(q->stored),
					   .definition = q->text,
					   .definition_size = strlen(q->text)};
	c.parts[0].request = live_request(q->function, q->text, strlen(q->text), q->line);
	c.parts[0].request.extra = q->extra;
	c.parts[0].request.extra_size = q->extra ? strlen(q->extra) : 0;
	c.parts[0].request.why_cc = "it counts and records with atomic operations";
	struct error *e = c.parts[0].text ? NULL : error_memory();
	if (!e && !aside)
		e = instrument(l, q, &c, out);
	else if (!e)
		e = attempt_check(l, &c, out);
	if (!e && aside)
		e = attempt_link(l, &c);
	if (!e && aside) {
		commit_aside(l, &c);
		*aside = c.parts[0].target;
	}
	attempt_fini(&c);
	return e;
}

struct error *instrumented_define(struct live *l, const struct instrumented *q, struct change_outcome *out)
{
	return instrument_one(l, q, NULL, out);
}

struct error *instrumented_aside(struct live *l, const struct instrumented *q, uint64_t *entry,
				 struct change_outcome *out)
{
	return instrument_one(l, q, entry, out);
}
