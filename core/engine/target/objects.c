#include "objects.h"
#include "die.h"
#include "local.h"
#include "symbols.h"

#include <dwarf.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

/* --- what an entry or a symbol says ------------------------------------------------------------------ */

static void take_symbol(struct module *module, const struct symbol *symbol, struct target_symbol *out)
{
	*out = (struct target_symbol){
		.address = symbol->address,
		.size = symbol->size,
		.thread_local = symbol->thread_local,
		.function = symbol->function,
	};
	if (symbol->interposable && !symbol->thread_local && !module->executable)
		modules_find_export(module->home, symbol->name, &out->address);
}

static bool take_function(struct module *module, Dwarf_Die *die, struct target_symbol *out)
{
	Dwarf_Addr entry, end;
	const char *linkage = die_linkage_name(die), *name = linkage ? linkage : die_name(die);

	if (!die_entry(die, &entry) || !die_address_kept(entry) || !name ||
	    module_has_clone(module, entry + module->bias, name))
		return false;
	*out = (struct target_symbol){.address = entry + module->bias, .function = true};
	if (dwarf_highpc(die, &end) == 0 && end > entry)
		out->size = end - entry;
	return true;
}

/* gcc 12 with -gsplit-dwarf gives a thread-local's address in the TLS segment for its offset in there. */
static uint64_t thread_offset(struct module *module, uint64_t said)
{
	GElf_Phdr segment;

	if (!module_tls_segment(module, &segment) || said < segment.p_memsz)
		return said;
	return said - segment.p_vaddr < segment.p_memsz ? said - segment.p_vaddr : said;
}

/* The size of the largest variable of the symbol table that is at this address; 0: none says its size. */
static uint64_t size_there(struct module *module, uint64_t address)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = symbols ? symbols_below(symbols, address) : NULL;
	uint64_t size = 0;

	if (symbol && symbol->address != address)
		return 0;
	for (; symbol; symbol = symbols_beside(symbols, symbol))
		if (!symbol->function && symbol->size > size)
			size = symbol->size;
	return size;
}

static uint64_t thread_size(struct module *module, const char *name, uint64_t offset)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = NULL;

	while (symbols && name && (symbol = symbols_local(symbols, name, symbol)))
		if (symbol->thread_local && symbol->address == offset)
			return symbol->size;
	return 0;
}

static bool take_variable(struct module *module, Dwarf_Die *die, struct target_symbol *out)
{
	uint64_t address, size, kept;
	enum die_place place = die_place(die, &address);

	if (place != DIE_STATIC && place != DIE_THREAD)
		return false;
	struct target_symbol variable = {
		.address = place == DIE_STATIC ? address + module->bias : thread_offset(module, address),
		.thread_local = place == DIE_THREAD,
	};
	kept = variable.thread_local ? thread_size(module, die_name(die), variable.address)
				     : size_there(module, variable.address);
	/* An array whose bound gcc did not know yet when it was first named: the symbol has its size. */
	variable.size = die_size(die, &size) ? size : kept;
	/* clang keeps an int that only ever has two values in a byte. Where it cannot say in DWARF which ones they are, since one
	 * of them is known to the linker alone (whether a weak function is there), it says no word of it, but the symbol is
	 * smaller than the type. */
	if (kept && kept < variable.size)
		return false;
	*out = variable;
	return true;
}

/* False unless the entry says where it is. */
static bool take_die(struct module *module, Dwarf_Die *die, struct target_symbol *out)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		return take_variable(module, die, out);
	case DW_TAG_subprogram:
		return take_function(module, die, out);
	default:
		return false;
	}
}

bool objects_are(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_variable || tag == DW_TAG_subprogram;
}

/* --- at file scope ------------------------------------------------------------------------------------ */

enum found { FOUND, ABSENT, REFUSED };

/* The unit's own static of that name. REFUSED if there was one and the binary no longer has it: then no
 * global of another unit may answer for it. */
static enum found find_static(struct module *module, struct unit *unit, const char *name,
			      struct target_symbol *out)
{
	enum found found = ABSENT;
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		if (!objects_are(&die) || die_flag(&die, DW_AT_external))
			continue;
		if (take_die(module, &die, out)) {
			out->internal = true;
			return FOUND;
		}
		found = REFUSED;
	}
	return found;
}

/* The unit's own external definition; for those the linker has taken out of the symbol table. */
static bool find_definition(struct module *module, struct unit *unit, const char *name,
			    struct target_symbol *out)
{
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++)
		if (objects_are(&die) && die_flag(&die, DW_AT_external) && take_die(module, &die, out))
			return true;
	return false;
}

/* How the linker spells an external name of the unit: an asm label, or the name itself. */
static const char *spelling(struct unit *unit, const char *name)
{
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		const char *linkage = objects_are(&die) ? die_linkage_name(&die) : NULL;
		if (linkage)
			return linkage;
	}
	return name;
}

bool objects_find_global(struct module *module, const char *name, struct target_symbol *out)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = symbols ? symbols_global(symbols, name) : NULL;

	if (!symbol)
		return false;
	take_symbol(module, symbol, out);
	return true;
}

/* A global that became local when the module was linked (a version script, link-time optimisation): some
 * unit's DWARF still calls the thing at that address external. */
static bool find_demoted(struct module *module, const char *name, struct target_symbol *out)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = NULL;
	struct units *units = module_units(module);
	struct target_symbol definition;

	while (symbols && units && (symbol = symbols_local(symbols, name, symbol)))
		for (struct unit *unit = NULL; (unit = units_next(units, unit));)
			if (find_definition(module, unit, name, &definition) &&
			    definition.address == symbol->address) {
				*out = definition;
				return true;
			}
	return false;
}

/* A static with an asm label, under that label: gcc's DWARF does not know it, but the unit's DWARF has
 * something of its own at the address of the local symbol. */
static bool find_label(struct module *module, struct unit *unit, const char *name, struct target_symbol *out)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = NULL;
	struct target_symbol own;
	Dwarf_Die die;

	while (symbols && (symbol = symbols_local(symbols, name, symbol)))
		for (size_t i = 0; unit_entry(unit, i, &die); i++)
			if (take_die(module, &die, &own) && own.address == symbol->address &&
			    own.thread_local == symbol->thread_local) {
				*out = own;
				out->internal = !die_flag(&die, DW_AT_external);
				return true;
			}
	return false;
}

bool objects_find(struct module *module, struct unit *unit, const char *name, struct target_symbol *out)
{
	if (!module->dwfl)
		return false;
	if (!unit)
		return objects_find_global(module, name, out) || find_demoted(module, name, out);
	switch (find_static(module, unit, name, out)) {
	case FOUND:
		return true;
	case REFUSED:
		return false;
	case ABSENT:
		break;
	}
	return objects_find_global(module, spelling(unit, name), out) ||
	       find_definition(module, unit, name, out) || find_demoted(module, name, out) ||
	       find_label(module, unit, name, out);
}

static bool defines_global(struct unit *unit, const char *name)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++)
		if (objects_are(&die) && die_flag(&die, DW_AT_external) && !die_flag(&die, DW_AT_declaration))
			return true;
	return false;
}

struct unit *objects_defining_unit(struct module *module, const char *name)
{
	struct units *units = module_units(module);
	struct unit *unit = NULL;

	while (units && (unit = units_next(units, unit)))
		if (defines_global(unit, name))
			return unit_publish(unit) ? unit : NULL;
	return NULL;
}

bool objects_has_lost(struct unit *unit, const char *name)
{
	bool declared = false;
	struct target_symbol kept;
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++) {
		if (dwarf_tag(&die) != DW_TAG_variable || die_flag(&die, DW_AT_declaration))
			continue;
		if (take_variable(unit->module, &die, &kept))
			return false;
		declared = true;
	}
	return declared;
}

bool objects_has(struct unit *unit, const char *name, bool internal)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++)
		if (objects_are(&die) && !(internal && die_flag(&die, DW_AT_external)))
			return true;
	return false;
}

/* --- in functions ------------------------------------------------------------------------------------- */

bool objects_find_local(struct unit_function *function, const char *name, unsigned nth, Dwarf_Die *variable,
			struct target_symbol *out)
{
	if (!local_find(function, name, nth, variable) ||
	    !take_variable(function->unit->module, variable, out))
		return false;
	out->internal = true;
	return true;
}

bool objects_has_lost_local(struct unit_function *function, const char *name, unsigned nth)
{
	struct target_symbol symbol;
	Dwarf_Die die;

	return local_find(function, name, nth, &die) &&
	       !take_variable(function->unit->module, &die, &symbol);
}

bool objects_find_helper_local(struct unit *unit, const char *function, const char *name, unsigned nth,
			       Dwarf_Die *variable, struct target_symbol *out)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, function, i, &die); i++) {
		struct unit_function known = {.die = die, .unit = unit, .owner = unit};
		if (dwarf_tag(&die) == DW_TAG_subprogram &&
		    objects_find_local(&known, name, nth, variable, out))
			return true;
	}
	return false;
}

/* Whether a symbol at that address is called `function.name`, or as that and a number behind it. */
static bool is_clang_local(struct module *module, uint64_t address, const char *function, const char *name)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = symbols ? symbols_below(symbols, address) : NULL;
	char spelled[600];

	if (!symbol || symbol->address != address)
		return false;
	int length = snprintf(spelled, sizeof(spelled), "%s.%s", function, name);
	for (; symbol; symbol = symbols_beside(symbols, symbol))
		if (strncmp(symbol->name, spelled, (size_t)length) == 0 &&
		    (!symbol->name[length] || symbol->name[length] == '.'))
			return true;
	return false;
}

/* Whether what the nameless entry says of the function's variable is that it is not kept as its type says. */
static bool has_altered(struct unit *unit, Dwarf_Die *parent, const char *function, const char *name,
			int depth)
{
	enum { BLOCKS = 64 };
	struct module *module = unit->module;
	struct target_symbol symbol;
	uint64_t address;
	Dwarf_Die die;

	if (depth > BLOCKS || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_lexical_block && has_altered(unit, &die, function, name, depth + 1))
			return true;
		const char *called = tag == DW_TAG_variable ? die_name(&die) : NULL;
		if (!called || strcmp(called, name) != 0 || take_variable(module, &die, &symbol))
			continue;
		enum die_place place = die_place(&die, &address);
		if ((place == DIE_ALTERED || place == DIE_STATIC) &&
		    is_clang_local(module, address + module->bias, function, name))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* clang puts the statics of a function that is inlined everywhere into a nameless entry. */
static bool has_lost_clang_local(struct unit *unit, const char *function, const char *name)
{
	Dwarf_Die die;

	if (!unit_publish(unit) || !unit->shown.clang || dwarf_child(&unit->die, &die) != 0)
		return false;
	do
		if (dwarf_tag(&die) == DW_TAG_subprogram && !die_name(&die) &&
		    has_altered(unit, &die, function, name, 0))
			return true;
	while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

bool objects_has_lost_helper_local(struct unit *unit, const char *function, const char *name, unsigned nth)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, function, i, &die); i++) {
		struct unit_function known = {.die = die, .unit = unit, .owner = unit};
		if (dwarf_tag(&die) == DW_TAG_subprogram && objects_has_lost_local(&known, name, nth))
			return true;
	}
	return has_lost_clang_local(unit, function, name);
}

static bool has_function(struct unit *unit, const char *name)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, name, i, &die); i++)
		if (dwarf_tag(&die) == DW_TAG_subprogram && !die_flag(&die, DW_AT_declaration))
			return true;
	return false;
}

/* What clang puts into a nameless entry it calls `function.name`, and further ones of that name `function.name.N` with rising N.
 * Found if one unit alone has such a symbol. */
bool objects_find_clang_local(struct unit *unit, const char *function, const char *name, unsigned nth,
			      struct target_symbol *out)
{
	enum { NUMBERS_TRIED = 1000 };
	const struct symbols *symbols = module_symbols(unit->module);
	const struct symbol *found = NULL;
	char spelled[600];

	if (!unit_publish(unit) || !unit->shown.clang || !has_function(unit, function))
		return false;
	snprintf(spelled, sizeof(spelled), "%s.%s", function, name);
	for (unsigned number = 0; symbols && number < NUMBERS_TRIED; number++) {
		if (number)
			snprintf(spelled, sizeof(spelled), "%s.%s.%u", function, name, number);
		const struct symbol *symbol = symbols_local(symbols, spelled, NULL);
		if (!symbol || nth--)
			continue;
		found = symbols_local(symbols, spelled, symbol) ? NULL : symbol;
		break;
	}
	if (!found)
		return false;
	take_symbol(unit->module, found, out);
	return true;
}
