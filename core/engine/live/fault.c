#include "fault.h"
#include "place.h"
#include "program.h"
#include "record.h"
#include "text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The innermost call that is a version's: its place among them, or the count. */
static size_t find_version(struct live *l, const struct evaluate_end *end, struct fault *out)
{
	size_t i = 0;

	while (i < end->count && !place_version(l, end->pcs[i] - (i > 0), &out->function, &out->version))
		i++;
	return i;
}

static void put_calls(struct text *out, struct live *l, const struct evaluate_end *end)
{
	struct place place;

	for (size_t i = 0; i < end->count; i++) {
		place_describe(l, end->pcs[i], i > 0, &place);
		text_printf(out, "\n  #%zu  ", i);
		place_put(out, &place);
	}
}

static bool has_address(const struct evaluate_end *end)
{
	return (end->signal == SIGSEGV || end->signal == SIGBUS) && end->code > 0 && end->code != SI_KERNEL;
}

/* `version`: which of the calls is the version's. */
static void describe(struct live *l, const struct evaluate_end *end, size_t version, struct fault *out)
{
	const char *name = sigabbrev_np(end->signal);
	struct text text = {0};

	out->signal = end->signal;
	out->address = has_address(end) ? end->address : 0;
	text_printf(&text, "SIG%s", name ? name : "?");
	if (has_address(end))
		text_printf(&text, " at address 0x%" PRIx64, end->address);
	text_puts(&text, " in ");
	place_describe(l, end->pcs[0], false, &out->place);
	place_put(&text, &out->place);
	place_describe(l, end->pcs[version], version > 0, &out->place);
	if (version) {
		text_puts(&text, ", called from ");
		place_put(&text, &out->place);
	}
	put_calls(&text, l, end);
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
	size_t version = find_version(l, &end, out);
	bool concerns = version < end.count;
	if (concerns) {
		describe(l, &end, version, out);
		record_event(l, "fault", out->function, out->version, "", out->text);
	}
	program_fault_known(live_program(l));
	return concerns;
}
