#include "knows.h"
#include "die.h"
#include "unit.h"

#include <dwarf.h>

bool knows_name(const struct target_unit *shown, const char *name)
{
	struct unit *unit = unit_of(shown);
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++)
		if (!die_flag(&die, DW_AT_declaration))
			return true;
	return false;
}
