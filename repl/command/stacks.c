#include "stacks.h"
#include "evaluate.h"
#include "lookup.h"
#include "place.h"
#include "show.h"
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

/* Whose code that is, and which of its versions; NULL: no function's that can be changed. */
static struct live_function *function_at(struct live *l, uint64_t at, int *number)
{
	struct live_function *found;

	if (place_version(l, at, &found, number))
		return found;
	*number = 0;
	for (size_t i = 0; i < live_count(l); i++) {
		struct live_function *f = live_function(l, i);
		if (at >= f->at.entry && at - f->at.entry < f->at.size)
			return f;
	}
	return NULL;
}

/* One call of a thread; true if it is one of the function that is asked about. */
static bool put_frame(const struct stacks *s, const struct place *place, size_t number, uint64_t pc,
		      bool is_return, struct text *out, json_t *frames)
{
	char address[32];
	int version;
	const struct live_function *f = function_at(s->call->live, pc - is_return, &version);

	snprintf(address, sizeof(address), "0x%" PRIx64, pc);
	json_t *frame = json_pack("{s:s, s:I, s:s}", "function", place->function, "offset",
				  (json_int_t)place->offset, "pc", address);
	text_printf(out, "  #%-2zu ", number);
	place_put(out, place);
	if (*place->file)
		json_object_update_new(frame, json_pack("{s:o, s:i}", "file", show_string(place->file),
							"line", (int)place->line));
	if (f)
		json_object_update_new(frame, json_pack("{s:i, s:i}", "version", version, "live", f->live));
	if (f && version != f->live)
		text_printf(out, ", %sversion %d is live", version ? "" : "as built: ", f->live);
	text_puts(out, "\n");
	json_array_append_new(frames, frame);
	return f && f == s->function;
}

static bool put_frames(const struct stacks *s, const struct thread_copy *t, struct text *out, json_t *frames)
{
	struct message_called called = {.end = CALL_INTERRUPTED, .stack_size = (uint32_t)t->stack_size};
	struct evaluate_end end;
	struct place place;
	bool inside = false;

	memcpy(called.registers, t->registers, sizeof(called.registers));
	evaluate_locate(s->call->live, &called, t->stack, &end);
	for (size_t i = 0; i < end.count; i++) {
		place_describe(s->call->live, end.pcs[i], i > 0, &place);
		inside |= put_frame(s, &place, i, end.pcs[i], i > 0, out, frames);
	}
	if (!t->stack_size)
		text_puts(out, "  it does not stop where it is, and cannot be looked at\n");
	if (end.count == EVALUATE_FRAMES)
		text_puts(out, "  and what called that\n");
	return inside;
}

static void put_thread(void *context, const struct thread_copy *t)
{
	struct stacks *s = context;
	struct reply *reply = s->call->reply;
	struct text text = {0};

	s->count++;
	if (s->thread && t->id != s->thread)
		return;
	json_t *frames = json_array();
	text_printf(&text, "%s %d %s, %s\n",
		    t->id == program_pid(s->call->state->host->program) ? "main thread" : "thread",
		    (int)t->id, t->name, t->state);
	bool inside = put_frames(s, t, &text, frames);
	if (!s->function || inside) {
		text_append(&reply->text, text.bytes ? text.bytes : "", text.size);
		json_array_append_new(reply->data,
				      json_pack("{s:i, s:o, s:s, s:O}", "thread", (int)t->id, "name",
						show_string(t->name), "state", t->state, "frames", frames));
	}
	json_decref(frames);
	text_fini(&text);
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
		e = threads_each(c->state->host->program, put_thread, &s);
	if (e || json_array_size(c->reply->data))
		return e;
	if (s.thread)
		return error_new(ERROR_UNKNOWN, "the program has no thread %d", (int)s.thread);
	text_printf(&c->reply->text, "none of %zu %s is inside %s\n", s.count,
		    s.count == 1 ? "thread" : "threads", c->words[0]);
	return NULL;
}
