#include "inlined.h"
#include "die.h"
#include "pool.h"

#include <dwarf.h>
#include <stdlib.h>

enum { DEPTH_MAX = 256 };

static bool add(struct inlined_calls *calls, Dwarf_Die *die)
{
	struct inlined_call call = {.order = (uint32_t)calls->count};

	if (!die_entry(die, &call.address))
		return true;
	Dwarf_Die callee = die_origin(die);
	call.callee = dwarf_dieoffset(&callee);
	die_call(die, &call.line);
	struct inlined_call *grown = pool_grow(calls->items, calls->count, &calls->room, sizeof(call));
	if (!grown)
		return false;
	calls->items = grown;
	grown[calls->count++] = call;
	return true;
}

/* Code is in functions and their blocks alone; types and variables, most of what there is, are passed over. */
static bool may_hold_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
}

static bool walk(struct inlined_calls *calls, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_inlined_subroutine && !add(calls, &die))
			return false;
		if (may_hold_code(tag) && dwarf_haschildren(&die) && !walk(calls, &die, depth + 1))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

static int by_callee(const void *left, const void *right)
{
	const struct inlined_call *a = left, *b = right;

	if (a->callee != b->callee)
		return a->callee < b->callee ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

const struct inlined_call *inlined_find(struct inlined_calls *calls, Dwarf_Die *unit, Dwarf_Die *callee,
					size_t *count)
{
	uint64_t wanted = dwarf_dieoffset(callee);
	size_t low = 0, high;

	if (!calls->read) {
		walk(calls, unit, 0); /* without memory: those that were read until then */
		if (calls->count)
			qsort(calls->items, calls->count, sizeof(*calls->items), by_callee);
		calls->read = true;
	}
	for (high = calls->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (calls->items[middle].callee < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < calls->count && calls->items[low + *count].callee == wanted;)
		++*count;
	return calls->items + low;
}

void inlined_fini(struct inlined_calls *calls)
{
	free(calls->items);
	*calls = (struct inlined_calls){0};
}

size_t inlined_at(Dwarf_Die *function, uint64_t address, Dwarf_Die *calls, size_t max)
{
	Dwarf_Die die;
	size_t count = 0;
	bool more = dwarf_child(function, &die) == 0;

	while (more && count < max) {
		if (!may_hold_code(dwarf_tag(&die)) || dwarf_haspc(&die, address) != 1) {
			more = dwarf_siblingof(&die, &die) == 0;
			continue;
		}
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			calls[count++] = die;
		more = dwarf_child(&die, &die) == 0;
	}
	return count;
}
