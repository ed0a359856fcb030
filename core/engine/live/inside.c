#include "inside.h"
#include "calls.h"
#include "clock.h"
#include "pool.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS = 64 };

struct found {
	struct inside inside; /* without its place, which this is: */
	uint64_t pc;
	bool is_return;
	pid_t latest; /* of its threads */
};

struct look {
	struct live *live;
	int64_t since;
	struct found *found;
	size_t count, room;
};

int64_t inside_deadline(const struct live *l, int64_t looked)
{
	int64_t moved = live_moved_us(l);

	return moved > looked ? moved + INSIDE_AFTER_US : 0;
}

/* The function that runs something else now. */
static struct live_function *older_at(const struct look *k, uint64_t at, int *version)
{
	struct live_function *f = place_function(k->live, at, version);

	if (!f || f->moved_us <= k->since || *version == f->live || *version == live_plain(f) ||
	    strcmp(f->at.name, "main") == 0)
		return NULL;
	return f;
}

static struct found *find(const struct look *k, const struct live_function *f)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->found[i].inside.function == f)
			return &k->found[i];
	return NULL;
}

/* Without memory it is not told. */
static void note(struct look *k, const struct found *call)
{
	struct found *before = find(k, call->inside.function);

	if (before) {
		before->inside.threads += before->latest != call->latest;
		before->latest = call->latest;
		return;
	}
	struct found *more = pool_grow(k->found, k->count, &k->room, sizeof(*more));
	if (!more)
		return;
	k->found = more;
	k->found[k->count++] = *call;
}

static void look_at_thread(void *context, const struct thread_copy *t)
{
	struct look *k = context;
	struct found call = {.inside = {.threads = 1, .thread = t->id}, .latest = t->id};
	uint64_t pcs[CALLS];

	if (!t->stack_size)
		return;
	size_t count = calls_find(k->live, t->registers, t->stack, t->stack_size, pcs, CALLS);
	for (size_t i = 0; i < count; i++) {
		call.is_return = i > 0;
		call.pc = pcs[i];
		call.inside.function = older_at(k, call.pc - call.is_return, &call.inside.version);
		if (call.inside.function)
			note(k, &call);
	}
}

void inside_look(struct live *l, int64_t *looked, void (*each)(void *context, const struct inside *),
		 void *context)
{
	struct look k = {.live = l, .since = *looked};

	*looked = live_moved_us(l);
	error_free(threads_each(live_program(l), THREADS_ASIDE, look_at_thread, &k));
	for (size_t i = 0; i < k.count; i++) {
		struct found *f = &k.found[i];
		place_describe(l, f->pc, f->is_return, &f->inside.place);
		each(context, &f->inside);
	}
	free(k.found);
}
