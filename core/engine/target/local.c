#include "local.h"
#include "die.h"
#include "pool.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 256 }; /* deeper nesting than any source has: a damaged file */

struct local {
	Dwarf_Die die;
	void *origin; /* identifies the variable among the function's instances */
	enum die_place place;
	unsigned line, order;
};

struct locals {
	const char *name;
	struct local *list;
	size_t count, room;
};

static bool add_local(struct locals *locals, Dwarf_Die *die)
{
	const char *name = die_name(die);
	struct local local = {.die = *die, .origin = die_origin(die).addr};
	struct local *grown;
	uint64_t address;

	if (!name || strcmp(name, locals->name) != 0)
		return true;
	local.place = die_place(die, &address);
	for (size_t i = 0; i < locals->count; i++) {
		struct local *known = &locals->list[i];
		if (known->origin != local.origin)
			continue;
		if (known->place == DIE_NOWHERE && local.place != DIE_NOWHERE) {
			known->die = local.die;
			known->place = local.place;
		}
		return true;
	}
	grown = pool_grow(locals->list, locals->count, &locals->room, sizeof(*grown));
	if (!grown)
		return false;
	locals->list = grown;
	local.line = die_line(die);
	local.order = (unsigned)locals->count;
	grown[locals->count++] = local;
	return true;
}

/* Calls that were inlined have bodies of their own, with other functions' variables. */
static bool collect_locals(struct locals *locals, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > BLOCKS || dwarf_child(parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_variable && !add_local(locals, &die))
			return false;
		if (tag == DW_TAG_lexical_block && !collect_locals(locals, &die, depth + 1))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

static int local_order(const void *left, const void *right)
{
	const struct local *a = left, *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* What gcc says of an automatic variable may look as what clang says of a static one that it keeps in another way. */
static bool is_automatic(const struct local *local, bool clang)
{
	return local->place == DIE_ELSEWHERE || (local->place == DIE_ALTERED && !clang);
}

static bool choose_local(const struct locals *locals, bool clang, unsigned nth, Dwarf_Die *die)
{
	for (size_t i = 0; i < locals->count; i++) {
		const struct local *local = &locals->list[i];
		if (is_automatic(local, clang))
			continue;
		if (local->place == DIE_NOWHERE) /* perhaps a static, and then the count is off */
			return false;
		if (nth-- == 0) {
			*die = local->die;
			return true;
		}
	}
	return false;
}

/* The variables of all entries for the function: the one with its code, the abstract one, and those where the
 * link-time optimiser put a static of it into another partition than its code. */
static bool collect_instances(struct locals *locals, struct unit_function *function)
{
	const char *name = die_name(&function->die);
	void *origin = die_origin(&function->die).addr;
	Dwarf_Die die;

	if (!collect_locals(locals, &function->die, 0))
		return false;
	for (unsigned nth = 0; name && unit_find(function->owner, name, nth, &die); nth++)
		if (dwarf_tag(&die) == DW_TAG_subprogram && die_origin(&die).addr == origin &&
		    !collect_locals(locals, &die, 0))
			return false;
	return true;
}

bool local_find(struct unit_function *function, const char *name, unsigned nth, Dwarf_Die *die)
{
	struct locals locals = {.name = name};
	bool found;

	if (!function->unit->home)
		return false;
	found = collect_instances(&locals, function) && locals.count;
	if (found) {
		qsort(locals.list, locals.count, sizeof(*locals.list), local_order);
		found = unit_publish(function->unit) &&
			choose_local(&locals, function->unit->shown.clang, nth, die);
	}
	free(locals.list);
	return found;
}
