#include "layouts.h"
#include "die.h"
#include "layout.h"
#include "module.h"

#include <dwarf.h>

/* A type's layout, once asked for. */
struct layout {
	struct layout *next;
	struct module *module;
	void *die;
	struct target_layout shown;
};

/* --- types by name ------------------------------------------------------------------------------------ */

static bool has_tag(Dwarf_Die *die, enum target_tag tag)
{
	static const int tags[] = {
		[TARGET_STRUCT] = DW_TAG_structure_type,
		[TARGET_UNION] = DW_TAG_union_type,
		[TARGET_ENUM] = DW_TAG_enumeration_type,
		[TARGET_TYPEDEF] = DW_TAG_typedef,
	};

	return dwarf_tag(die) == tags[tag];
}

/* Types that stand in type units belong to no unit by name: one of that name will do if all of them agree. */
static bool find_shared_type(struct unit *unit, enum target_tag tag, const char *name, Dwarf_Die *type)
{
	uint64_t size, first_size = 0;
	bool found = false;
	Dwarf_Die die;

	for (unsigned nth = 0; units_find_type(unit->home, name, nth, &die); nth++) {
		if (!has_tag(&die, tag) || !die_complete(&die) || !die_size(&die, &size))
			continue;
		if (found && size != first_size)
			return false;
		if (!found)
			*type = die;
		first_size = size;
		found = true;
	}
	return found;
}

static bool find_tagged(struct unit *unit, enum target_tag tag, const char *name, Dwarf_Die *type)
{
	for (unsigned nth = 0; unit_find(unit, name, nth, type); nth++)
		if (has_tag(type, tag) && die_complete(type))
			return true;
	return find_shared_type(unit, tag, name, type);
}

/* What a typedef's name stands for in the end. A struct that is only declared there may be complete elsewhere
 * in the unit. */
static bool find_typedef(struct unit *unit, const char *name, Dwarf_Die *type)
{
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		if (!has_tag(&die, TARGET_TYPEDEF) || !die_type(&die, type))
			continue;
		if (die_complete(type))
			return true;
		for (enum target_tag tag = TARGET_STRUCT; tag <= TARGET_ENUM; tag++)
			if (has_tag(type, tag) && dwarf_diename(type))
				return find_tagged(unit, tag, dwarf_diename(type), type);
	}
	return false;
}

/* --- what is known ------------------------------------------------------------------------------------ */

static struct layout **layout_bucket(struct layouts *layouts, const Dwarf_Die *type)
{
	return &layouts->buckets[((uintptr_t)type->addr * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

static const struct target_layout *known_layout(struct layouts *layouts, struct pool *pool,
						struct module *module, Dwarf_Die *type)
{
	struct layout **bucket = layout_bucket(layouts, type), *layout;

	for (layout = *bucket; layout; layout = layout->next)
		if (layout->die == type->addr && layout->module == module)
			return &layout->shown;
	layout = pool_alloc(pool, sizeof(*layout));
	if (!layout || !layout_read(type, pool, &layout->shown))
		return NULL;
	layout->die = type->addr;
	layout->module = module;
	layout->next = *bucket;
	*bucket = layout;
	return &layout->shown;
}

const struct target_layout *layouts_find(struct layouts *layouts, struct pool *pool, struct unit *unit,
					 enum target_tag tag, const char *name)
{
	Dwarf_Die type;

	if (!unit->home)
		return NULL;
	if (!(tag == TARGET_TYPEDEF ? find_typedef(unit, name, &type) : find_tagged(unit, tag, name, &type)))
		return NULL;
	return known_layout(layouts, pool, unit->module, &type);
}
