#include "evaluate.h"
#include "calls.h"
#include "clock.h"
#include "note.h"
#include "place.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 64 * 1024, /* of the arena's data, at a time */
	PAGE = 4096,
	ARENA = 0,          /* data may lie anywhere */
	STUCK_US = 5000000, /* after an interrupt: it will not end */
};

struct evaluation {
	struct evaluator *evaluator;
	struct evaluation *next;
	uint32_t arena, serial; /* serial 0: not begun */
	uint64_t function, argument;
	uint64_t code_begin, code_end;
	bool keep;                      /* something may point into its code */
	bool over, interrupted, waited; /* `waited`: it ended before rtf_poll() took it */
	int64_t deadline;
	struct evaluate_end end;
};

struct evaluator {
	struct live *live;
	struct evaluation *first; /* runs; the others wait */
	uint32_t orphan;          /* a call that nobody waits for any more and that has not ended */
	uint64_t free_at, free_end;
	uint64_t result, result_size;
};

struct error *evaluator_new(struct live *l, struct evaluator **out)
{
	struct evaluator *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return error_memory();
	ev->live = l;
	*out = ev;
	return NULL;
}

void evaluator_free(struct evaluator *ev)
{
	free(ev);
}

/* --- memory -------------------------------------------------------------------------------------------------------- */

/* Whole pages, which the program then has as its own: the engine only writes to them through the program. */
static struct error *take_pages(struct evaluator *ev, uint64_t size, uint64_t *address)
{
	struct link_region code, data;

	if (program_arena_count(live_program(ev->live)) == 0)
		return error_new(ERROR_UNKNOWN,
				 "the program has no decorated function, and so no room for data");
	program_regions(live_program(ev->live), ARENA, &code, &data);
	uint64_t skip = -data.address & (PAGE - 1), whole = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (whole < size || data.size < skip || data.size - skip < whole)
		return error_new(ERROR_INTERNAL, "the arena has no room left for %" PRIu64 " bytes of data",
				 size);
	program_commit(live_program(ev->live), ARENA, 0, skip + whole);
	*address = data.address + skip;
	return NULL;
}

struct error *evaluator_alloc(struct evaluator *ev, uint64_t size, uint64_t align, uint64_t *address)
{
	struct error *e = NULL;

	if (align < 16)
		align = 16;
	uint64_t at = (ev->free_at + align - 1) & ~(align - 1);
	if (size > CHUNK / 4 || align > PAGE)
		return take_pages(ev, size + (align > PAGE ? align : 0), address);
	if (at + size > ev->free_end) {
		e = take_pages(ev, CHUNK, &at);
		if (e)
			return e;
		ev->free_end = at + CHUNK;
	}
	ev->free_at = at + (size ? size : 1);
	*address = at;
	return NULL;
}

struct error *evaluator_result(struct evaluator *ev, uint64_t size, uint64_t *address)
{
	if (size > ev->result_size) {
		uint64_t larger = size < PAGE ? PAGE : size * 2;
		struct error *e = take_pages(ev, larger, &ev->result);
		if (e)
			return e;
		ev->result_size = larger;
	}
	*address = ev->result;
	return NULL;
}

/* --- taking turns -------------------------------------------------------------------------------------------------- */

static void end(struct evaluation *v, enum call_end how, int code)
{
	v->end = (struct evaluate_end){.how = how, .code = code};
	v->over = true;
}

void evaluate_locate(struct live *l, const struct message_called *called, const unsigned char *stack,
		     struct evaluate_end *out)
{
	*out = (struct evaluate_end){.how = called->end,
				     .signal = called->signal,
				     .code = called->code,
				     .address = called->address};
	if (!called->stack_size || called->end == CALL_RETURNED)
		return;
	out->count = calls_find(l, called->registers, stack, called->stack_size, out->pcs, EVALUATE_FRAMES);
	out->count = calls_drop_wrappers(l, out->pcs, out->count);
}

/* What the program told of the end. A call that was to end and came back, as one that waits does when a signal comes, was
 * interrupted all the same. */
static void take_end(struct evaluation *v, const struct message_called *called, const unsigned char *stack)
{
	v->over = true;
	v->waited = called->end == CALL_INTERRUPTED && called->code == CALL_NOT_BEGUN;
	evaluate_locate(v->evaluator->live, called, stack, &v->end);
	if (v->interrupted && called->end == CALL_RETURNED)
		v->end.how = CALL_INTERRUPTED;
}

/* Begins the first in the row, unless something still runs. */
static void advance(struct evaluator *ev)
{
	const unsigned char *stack;
	struct message_called unused;
	struct evaluation *v = ev->first;

	if (ev->orphan && program_take_called(live_program(ev->live), ev->orphan, &unused, &stack))
		ev->orphan = 0;
	if (ev->orphan || !v || v->serial || v->over)
		return;
	struct error *e = program_call(live_program(ev->live), v->function, v->argument, &v->serial);
	if (e)
		end(v, CALL_REFUSED, EIO);
	error_free(e);
}

static struct error *link_it(struct evaluator *ev, struct build *b, struct evaluation *v)
{
	struct program *program = live_program(ev->live);
	struct link_region code, data;
	size_t code_used = NOTE_SIZE, data_used = 0;

	v->arena = b->request->arena;
	program_regions(program, v->arena, &code, &data);
	struct error *e = build_link(live_host(ev->live), b, &code_used, &data_used);
	if (e)
		return e;
	/* A note of nothing, so that whoever reads the arena finds the way past it. */
	struct note note = {.number = -1, .entry = b->link.entry, .entry_size = (uint32_t)b->link.entry_size};
	if (!note_write(&code, 0, &note, NULL, 0, &code_used))
		return error_new(ERROR_INTERNAL, "the arena is full");
	v->function = b->link.entry;
	v->code_begin = code.address;
	v->code_end = code.address + code_used;
	v->keep = b->link.besides || data_used;
	program_commit(program, v->arena, code_used, data_used);
	return NULL;
}

struct error *evaluation_new(struct evaluator *ev, struct build *b, uint64_t argument,
			     struct evaluation **out)
{
	struct evaluation *v = calloc(1, sizeof(*v));

	if (!v)
		return error_memory();
	struct error *e = link_it(ev, b, v);
	if (e) {
		free(v);
		return e;
	}
	v->evaluator = ev;
	v->argument = argument;
	struct evaluation **last = &ev->first;
	while (*last)
		last = &(*last)->next;
	*last = v;
	advance(ev);
	*out = v;
	return NULL;
}

void evaluation_free(struct evaluation *v)
{
	if (!v)
		return;
	struct evaluator *ev = v->evaluator;
	struct program *program = live_program(ev->live);

	for (struct evaluation **at = &ev->first; *at; at = &(*at)->next) {
		if (*at != v)
			continue;
		*at = v->next;
		break;
	}
	if (v->serial && !v->over) {
		program_interrupt(program, v->serial);
		ev->orphan = v->serial;
	} else if (!v->keep) {
		program_release(program, v->arena, v->code_begin, v->code_end);
	}
	free(v);
	advance(ev);
}

bool evaluation_poll(struct evaluation *v, bool interrupt, struct evaluate_end *out)
{
	struct evaluator *ev = v->evaluator;
	struct message_called called;
	const unsigned char *stack;

	advance(ev);
	if (!v->over && v->serial && program_take_called(live_program(ev->live), v->serial, &called, &stack))
		take_end(v, &called, stack);
	if (!v->over && program_lost(live_program(ev->live)))
		end(v, CALL_REFUSED, ENOTCONN);
	if (!v->over && interrupt && !v->serial)
		end(v, CALL_INTERRUPTED, 0);
	if (!v->over && interrupt && !v->interrupted) {
		program_interrupt(live_program(ev->live), v->serial);
		v->interrupted = true;
		v->deadline = clock_now_us() + STUCK_US;
	}
	bool stuck = !v->over && v->deadline && clock_now_us() >= v->deadline;
	/* It does not listen: a call that the kernel does not end, or one that blocks all signals. It is not over. */
	*out = stuck ? (struct evaluate_end){.how = CALL_INTERRUPTED, .code = -1} : v->end;
	return v->over || stuck;
}

int64_t evaluation_deadline(const struct evaluation *v)
{
	return v->deadline;
}

bool evaluation_has_begun(const struct evaluation *v)
{
	return v->serial != 0 && !v->waited;
}

/* --- where and why ------------------------------------------------------------------------------------------------- */

/* " in price (orders.c:52)" */
static void put_place(struct live *l, const struct evaluate_end *c, char *buffer, size_t size)
{
	struct place place;

	*buffer = '\0';
	if (!c->count)
		return;
	place_describe(l, c->pcs[0], false, &place);
	if (*place.file)
		snprintf(buffer, size, " in %s (%s:%u)", place.function, text_base_name(place.file),
			 place.line);
	else
		snprintf(buffer, size, " in %s", place.function);
}

static struct error *explain_fault(struct live *l, const struct evaluate_end *c)
{
	char place[600], address[64] = "";
	const char *what = sigabbrev_np(c->signal);

	put_place(l, c, place, sizeof(place));
	if (c->how == CALL_OVERFLOW)
		return error_new(ERROR_FAULT,
				 "the stack was used up%s: the evaluation was ended and the program goes on; "
				 "locks that it held "
				 "and memory that it took stay so",
				 place);
	if (c->signal == SIGABRT)
		return error_new(ERROR_FAULT,
				 "abort() was called%s: the evaluation was ended and the program goes on; "
				 "locks that it held "
				 "and memory that it took stay so",
				 place);
	if (c->signal == SIGSEGV && c->code > 0 && c->code != SI_KERNEL)
		snprintf(address, sizeof(address), " at address 0x%" PRIx64, c->address);
	else if (c->signal == SIGBUS && c->code > 0)
		snprintf(address, sizeof(address), " at address 0x%" PRIx64, c->address);
	else if (c->signal == SIGFPE && c->code == FPE_INTDIV)
		snprintf(address, sizeof(address), " (division by zero)");
	return error_new(ERROR_FAULT,
			 "SIG%s%s%s: the evaluation was ended and the program goes on; locks that it held "
			 "and memory that it "
			 "took stay so",
			 what ? what : "?", address, place);
}

struct error *evaluate_explain(struct live *l, const struct evaluate_end *c)
{
	char place[600];

	switch (c->how) {
	case CALL_RETURNED:
		return NULL;
	case CALL_FAULT:
	case CALL_OVERFLOW:
		return explain_fault(l, c);
	case CALL_EXITED:
		return error_new(ERROR_FAULT,
				 "exit(%d) was called: only the evaluation ended, the program goes on",
				 c->code);
	case CALL_THREAD_ENDED:
		return error_new(
			ERROR_FAULT,
			"pthread_exit() was called: the evaluation's own thread has ended, the program "
			"goes on");
	case CALL_INTERRUPTED:
		if (c->code == -1)
			return error_new(
				ERROR_INTERRUPTED,
				"interrupted, but the evaluation does not end: it waits in the kernel, or "
				"has blocked signals; others will wait for it");
		put_place(l, c, place, sizeof(place));
		return error_new(ERROR_INTERRUPTED,
				 "interrupted%s; locks that it held and memory that it took stay so", place);
	case CALL_REFUSED:
		if (c->code == -ENOTCONN || c->code == ENOTCONN || c->code == EIO)
			return error_new(ERROR_INTERNAL, "the program has ended");
		return c->code == -EBUSY
			       ? error_new(ERROR_INTERNAL,
					   "an evaluation of an engine before this one still runs")
			       : error_errno(c->code < 0 ? -c->code : c->code, "the program does not run it");
	}
	return error_new(ERROR_INTERNAL, "the evaluation ended in an unknown way");
}
