#include "fault.h"
#include "program.h"
#include "record.h"
#include "text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The version whose code is at `pc`; NULL: none of ours. */
static const struct live_version *version_at(struct live *l, uint64_t pc, struct live_function **function)
{
	for (size_t i = 0; i < live_count(l); i++) {
		struct live_function *f = live_function(l, i);
		for (size_t k = 0; k < f->in_memory_count; k++) {
			const struct live_version *v = &f->in_memory[k];
			if (pc < v->entry || pc >= v->entry + v->size)
				continue;
			*function = f;
			return v;
		}
	}
	return NULL;
}

/* The innermost call that is a version's. */
static bool find_version(struct live *l, const struct evaluate_end *end, struct fault *out)
{
	for (size_t i = 0; i < end->count; i++) {
		const struct live_version *v = version_at(l, end->pcs[i] - (i > 0), &out->function);
		if (!v)
			continue;
		out->version = v->number;
		return true;
	}
	return false;
}

static void put_place(struct text *out, struct live *l, uint64_t pc, bool is_return)
{
	struct evaluate_place place;

	evaluate_describe(l, pc, is_return, &place);
	text_puts(out, place.function);
	if (place.file)
		text_printf(out, " (%s:%u)", text_base_name(place.file), place.line);
	else if (place.offset)
		text_printf(out, "+0x%" PRIx64, place.offset);
}

static bool has_address(const struct evaluate_end *end)
{
	return (end->signal == SIGSEGV || end->signal == SIGBUS) && end->code > 0 && end->code != SI_KERNEL;
}

static void describe(struct live *l, const struct evaluate_end *end, struct fault *out)
{
	const char *name = sigabbrev_np(end->signal);
	struct text text = {0};

	out->signal = end->signal;
	out->address = has_address(end) ? end->address : 0;
	text_printf(&text, "SIG%s", name ? name : "?");
	if (has_address(end))
		text_printf(&text, " at address 0x%" PRIx64, end->address);
	text_puts(&text, " in ");
	put_place(&text, l, end->pcs[0], false);
	for (size_t i = 0; i < end->count; i++) {
		text_printf(&text, "\n  #%zu  ", i);
		put_place(&text, l, end->pcs[i], i > 0);
	}
	snprintf(out->text, sizeof(out->text), "%s", text.bytes ? text.bytes : "");
	text_fini(&text);
}

bool fault_serve(struct live *l, struct fault *out)
{
	struct message_called called;
	const unsigned char *stack;
	struct evaluate_end end;

	if (!program_take_fault(live_program(l), &called, &stack))
		return false;
	evaluate_locate(l, &called, stack, &end);
	bool concerns = find_version(l, &end, out);
	if (concerns) {
		describe(l, &end, out);
		record_event(l, "fault", out->function, out->version, "", out->text);
	}
	program_fault_known(live_program(l));
	return concerns;
}
