#include "knows.h"
#include "die.h"
#include "unit.h"

#include <dwarf.h>

bool knows_of_name(const struct target_unit *shown, const char *name)
{
	Dwarf_Die die;

	return unit_find(unit_of(shown), name, 0, &die);
}

bool knows_type(const struct target_unit *shown, const char *name)
{
	struct unit *unit = unit_of(shown);
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++)
		if (dwarf_tag(&die) == DW_TAG_typedef)
			return true;
	return false;
}
