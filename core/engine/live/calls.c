#include "calls.h"
#include "place.h"
#include "unwind.h"

#include <string.h>

static bool is_ours(void *context, uint64_t pc)
{
	return place_is_ours(context, pc);
}

static bool rules_of(void *context, uint64_t pc, bool is_return, struct rules *out)
{
	return place_rules(context, pc, is_return, out);
}

size_t calls_find(struct live *l, const uint64_t registers[CALL_REGISTERS], const unsigned char *stack,
		  size_t stack_size, uint64_t *pcs, size_t max)
{
	struct unwind_state state = {.stack_address = registers[UNWIND_SP],
				     .stack = stack,
				     .stack_size = stack_size,
				     .is_ours = is_ours,
				     .rules = rules_of,
				     .context = l};

	memcpy(state.registers, registers, sizeof(state.registers));
	return target_unwind(live_target(l), &state, pcs, max);
}

size_t calls_drop_wrappers(struct live *l, uint64_t *pcs, size_t count)
{
	struct place places[2] = {0}; /* the last that stayed, and the next */
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		place_describe(l, pcs[i], i > 0, &places[1]);
		if (places[1].wrapper && strcmp(places[0].function, places[1].function) == 0)
			continue;
		places[0] = places[1];
		pcs[left++] = pcs[i];
	}
	return left;
}
