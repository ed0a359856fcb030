#include "stacks.h"
#include "calls.h"
#include "lookup.h"
#include "place.h"
#include "show.h"
#include "target.h"
#include "threads.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

struct stacks {
	struct call *call;
	pid_t thread;                   /* the only one that is asked for, or 0 */
	struct live_function *function; /* only those that are inside it, or NULL */
	size_t count;                   /* of the program's threads */
};

/* The function that was built into others under that name in that file; NULL: none that can be changed. */
static struct live_function *function_named(struct live *l, const char *name, const char *file)
{
	for (size_t i = 0; i < live_count(l); i++) {
		struct live_function *f = live_function(l, i);
		if (strcmp(f->at.name, name) == 0 && f->at.file &&
		    strcmp(text_base_name(f->at.file), file) == 0)
			return f;
	}
	return NULL;
}

/* What is told of a thread's calls. */
struct telling {
	const struct stacks *stacks;
	struct text text;
	json_t *frames;
	bool inside; /* one of them is of the function that is asked about */
};

/* One call; `f` is whose version that is, or NULL. */
static void put_frame(struct telling *t, const struct place *place, uint64_t pc, bool inlined,
		      const struct live_function *f, int version)
{
	char address[32];

	snprintf(address, sizeof(address), "0x%" PRIx64, pc);
	json_t *frame = json_pack("{s:s, s:I, s:s}", "function", place->function, "offset",
				  (json_int_t)place->offset, "pc", address);
	text_printf(&t->text, "  #%-2zu ", json_array_size(t->frames));
	place_put(&t->text, place);
	show_place(frame, place);
	if (inlined) {
		text_puts(&t->text, ", inlined");
		json_object_set_new(frame, "inlined", json_true());
	}
	if (f)
		json_object_update_new(frame, json_pack("{s:i, s:i}", "version", version, "live", f->live));
	if (f && version != f->live)
		text_printf(&t->text, ", %sversion %d is live", version ? "" : "as built: ", f->live);
	text_puts(&t->text, "\n");
	json_array_append_new(t->frames, frame);
	t->inside |= f && f == t->stacks->function;
}

/* What is called there, and what was built into it. */
static void put_frames(struct telling *t, uint64_t pc, bool is_return)
{
	enum { INLINED = 16 };
	struct live *l = t->stacks->call->live;
	struct target_inlined inlined[INLINED];
	struct place place;
	int version;

	place_describe(l, pc, is_return, &place);
	const struct live_function *f = place_function(l, pc - is_return, &version);
	size_t count = version == 0 ? target_inlined_at(live_target(l), pc - is_return, inlined, INLINED) : 0;
	for (size_t i = 0; i < count; i++) {
		struct place built_in = place;
		snprintf(built_in.function, sizeof(built_in.function), "%s",
			 inlined[i].name ? inlined[i].name : "?");
		put_frame(t, &built_in, pc, true,
			  function_named(l, built_in.function, text_base_name(built_in.file)), 0);
		snprintf(place.file, sizeof(place.file), "%s", inlined[i].file ? inlined[i].file : "");
		place.line = inlined[i].line;
	}
	put_frame(t, &place, pc, false, f, version);
}

static void put_calls(struct telling *t, const struct thread_copy *thread)
{
	enum { CALLS = 64 };
	struct live *l = t->stacks->call->live;
	uint64_t pcs[CALLS];

	if (!thread->stack_size) {
		text_puts(&t->text, "  it does not stop where it is, and cannot be looked at\n");
		return;
	}
	size_t found = calls_find(l, thread->registers, thread->stack, thread->stack_size, pcs, CALLS);
	size_t count = calls_drop_wrappers(l, pcs, found);
	for (size_t i = 0; i < count; i++)
		put_frames(t, pcs[i], i > 0);
	if (found == CALLS)
		text_puts(&t->text, "  and what called that\n");
}

static void put_thread(void *context, const struct thread_copy *thread)
{
	struct stacks *s = context;
	struct reply *reply = s->call->reply;
	pid_t pid = program_pid(s->call->state->host->program);

	s->count++;
	if (s->thread && thread->id != s->thread)
		return;
	struct telling t = {.stacks = s, .frames = json_array()};
	text_printf(&t.text, "%s %d %s, %s\n", thread->id == pid ? "main thread" : "thread", (int)thread->id,
		    thread->name, thread->state);
	put_calls(&t, thread);
	if (!s->function || t.inside) {
		text_append(&reply->text, t.text.bytes ? t.text.bytes : "", t.text.size);
		json_array_append_new(reply->data,
				      json_pack("{s:i, s:o, s:s, s:O}", "thread", (int)thread->id, "name",
						show_string(thread->name), "state", thread->state, "frames",
						t.frames));
	}
	json_decref(t.frames);
	text_fini(&t.text);
}

struct error *stacks_threads(struct call *c)
{
	struct stacks s = {.call = c};
	int number = 0;
	struct error *e = NULL;

	if (c->count && isdigit((unsigned char)*c->words[0]))
		e = call_number(c->words[0], &number);
	else if (c->count)
		e = lookup_find(c->live, c->words[0], c->state->file, &s.function);
	s.thread = number;
	c->reply->data = e ? NULL : json_array();
	if (!e)
		e = threads_each(c->state->host->program, THREADS_ASKED, put_thread, &s);
	if (e || json_array_size(c->reply->data))
		return e;
	if (s.thread)
		return error_new(ERROR_UNKNOWN, "the program has no thread %d", (int)s.thread);
	if (!c->count)
		return NULL; /* it is about to end */
	text_printf(&c->reply->text, "none of %zu %s is inside %s\n", s.count,
		    s.count == 1 ? "thread" : "threads", c->words[0]);
	return NULL;
}
