#include "unit.h"

#include "die.h"
#include "macros.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMPORTS = 8 }; /* deeper nesting than any source has: a damaged file */

struct unit_span {
	uint64_t low, high;
	struct unit_function *function; /* of a span of all units: NULL, and `unit` is set */
	struct unit *unit;
};

struct units {
	struct pool *pool;
	struct paths *paths;
	const char *module_name;
	void *module;
	struct unit **all;
	size_t count, room;
	struct unit **by_die; /* the same, by the address of their entry */
	struct unit_span *spans;
	size_t span_count, span_room;
	bool artificial_read, unwinds;
	struct names types;
	Dwarf_Die *type_units, *type_dies;
	size_t type_unit_count, type_unit_room, type_count, type_room;
	bool types_read;
};

/* --- the list of units --------------------------------------------------------------------------- */

static const char *unit_string(struct unit *unit, unsigned name)
{
	Dwarf_Attribute attribute;
	const char *text = dwarf_formstring(dwarf_attr(&unit->die, name, &attribute));

	return text ? text : dwarf_formstring(dwarf_attr(&unit->skeleton, name, &attribute));
}

static bool add_span(struct unit_span **spans, size_t *count, size_t *room, const struct unit_span *span)
{
	struct unit_span *grown = pool_grow(*spans, *count, room, sizeof(*grown));

	if (!grown)
		return false;
	*spans = grown;
	grown[(*count)++] = *span;
	return true;
}

static int span_order(const void *left, const void *right)
{
	const struct unit_span *a = left, *b = right;

	return a->low < b->low ? -1 : a->low > b->low;
}

static const struct unit_span *find_span(const struct unit_span *spans, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (spans[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < spans[low - 1].high ? &spans[low - 1] : NULL;
}

static bool add_ranges(struct units *units, struct unit *unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(&unit->skeleton, at, &base, &low, &high)) > 0) {
		struct unit_span span = {.low = low, .high = high, .unit = unit};
		if (!die_address_kept(low) || low >= high)
			continue;
		unit->has_ranges = true;
		if (!add_span(&units->spans, &units->span_count, &units->span_room, &span))
			return false;
	}
	return true;
}

static bool add_unit(struct units *units, Dwarf_Die *die, Dwarf_Die *split)
{
	struct unit **grown = pool_grow(units->all, units->count, &units->room, sizeof(struct unit *));
	struct unit *unit = pool_alloc(units->pool, sizeof(*unit));
	const char *name;

	if (grown)
		units->all = grown;
	if (!grown || !unit)
		return false;
	unit->module = units->module;
	unit->home = units;
	unit->skeleton = *die;
	unit->die = *split;
	name = unit_string(unit, DW_AT_name);
	unit->artificial = name && strcmp(name, "<artificial>") == 0;
	unit->number = units->count;
	grown[units->count++] = unit;
	return add_ranges(units, unit);
}

static bool add_type_unit(struct units *units, Dwarf_Die *die)
{
	Dwarf_Die *grown =
		pool_grow(units->type_units, units->type_unit_count, &units->type_unit_room, sizeof(*grown));

	if (!grown)
		return false;
	units->type_units = grown;
	grown[units->type_unit_count++] = *die;
	return true;
}

static bool list_units(struct units *units, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	while (dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
		bool added = true;

		if (type == DW_UT_type || type == DW_UT_split_type)
			added = add_type_unit(units, &die);
		else if (type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit)
			added = add_unit(units, &die, &split);
		else if (type == DW_UT_compile && dwarf_tag(&die) == DW_TAG_compile_unit)
			added = add_unit(units, &die, &die);
		if (!added)
			return false;
	}
	return true;
}

static int die_order(const void *left, const void *right)
{
	const struct unit *a = *(struct unit *const *)left, *b = *(struct unit *const *)right;

	return a->die.addr < b->die.addr ? -1 : a->die.addr > b->die.addr;
}

static bool sort_units(struct units *units)
{
	if (units->span_count)
		qsort(units->spans, units->span_count, sizeof(*units->spans), span_order);
	units->by_die = malloc((units->count + 1) * sizeof(struct unit *));
	if (!units->by_die)
		return false;
	if (units->count)
		memcpy(units->by_die, units->all, units->count * sizeof(struct unit *));
	qsort(units->by_die, units->count, sizeof(struct unit *), die_order);
	return true;
}

struct units *units_new(struct pool *pool, struct paths *paths, Dwarf *dwarf, const char *module_name,
			void *module)
{
	struct units *units = calloc(1, sizeof(*units));

	if (!units)
		return NULL;
	units->pool = pool;
	units->paths = paths;
	units->module_name = module_name;
	units->module = module;
	if (list_units(units, dwarf) && sort_units(units))
		return units;
	units_free(units);
	return NULL;
}

static void close_unit(struct unit *unit)
{
	names_fini(&unit->names);
	free(unit->named);
	free(unit->spans);
	unit->home = NULL;
	unit->named = NULL;
	unit->spans = NULL;
	unit->functions = NULL;
	unit->named_count = unit->span_count = 0;
	inlined_fini(&unit->inlined);
}

void units_unwind(struct units *units)
{
	units->unwinds = true;
}

void units_free(struct units *units)
{
	if (!units)
		return;
	for (size_t i = 0; i < units->count; i++)
		close_unit(units->all[i]);
	names_fini(&units->types);
	free(units->type_dies);
	free(units->type_units);
	free(units->spans);
	free(units->by_die);
	free(units->all);
	free(units);
}

struct unit *units_next(struct units *units, const struct unit *previous)
{
	for (size_t i = previous ? previous->number + 1 : 0; i < units->count; i++)
		if (!units->all[i]->artificial)
			return units->all[i];
	return NULL;
}

/* The unit that first declared an entry of `unit`. dwz moves shared entries to partial units, which are no
 * unit of the source: those stay with the unit at hand. */
static struct unit *owner_of(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Die origin = die_origin(die), cu;
	struct units *units = unit->home;
	size_t low = 0, high = units->count;

	if (!dwarf_diecu(&origin, &cu, NULL, NULL) || cu.addr == unit->die.addr)
		return unit;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct unit *other = units->by_die[middle];
		if (other->die.addr == cu.addr)
			return other;
		if (other->die.addr < cu.addr)
			low = middle + 1;
		else
			high = middle;
	}
	return unit;
}

/* --- walking a unit's file scope ----------------------------------------------------------------- */

typedef bool visit_fn(struct unit *, Dwarf_Die *);

static bool imported_partial(Dwarf_Die *import, Dwarf_Die *partial)
{
	Dwarf_Attribute attribute;

	return dwarf_formref_die(dwarf_attr(import, DW_AT_import, &attribute), partial) &&
	       dwarf_tag(partial) == DW_TAG_partial_unit;
}

static bool walk(struct unit *unit, Dwarf_Die *parent, visit_fn *visit, int depth)
{
	Dwarf_Die die, partial;

	if (depth > IMPORTS || dwarf_child(parent, &die) != 0)
		return true;
	do {
		if (dwarf_tag(&die) == DW_TAG_imported_unit) {
			if (imported_partial(&die, &partial) && !walk(unit, &partial, visit, depth + 1))
				return false;
		} else if (!visit(unit, &die)) {
			return false;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

/* --- functions ----------------------------------------------------------------------------------- */

static struct unit_function *new_function(struct unit *unit, Dwarf_Die *die)
{
	struct unit_function *function = pool_alloc(unit->home->pool, sizeof(*function));

	if (!function)
		return NULL;
	function->die = *die;
	function->unit = unit;
	function->owner = owner_of(unit, die);
	function->next = unit->functions; /* turned round at the end */
	unit->functions = function;
	return function;
}

static bool visit_function(struct unit *unit, Dwarf_Die *die)
{
	struct unit_function *function = NULL;
	Dwarf_Addr base, low, high, entry;
	ptrdiff_t at = 0;

	if (dwarf_tag(die) != DW_TAG_subprogram)
		return true;
	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (!die_address_kept(low) || low >= high)
			continue;
		if (!function && !(function = new_function(unit, die)))
			return false;
		if (!function->high || (dwarf_entrypc(die, &entry) == 0 && low == entry)) {
			function->low = low;
			function->high = high;
		}
		struct unit_span span = {.low = low, .high = high, .function = function};
		if (!add_span(&unit->spans, &unit->span_count, &unit->span_room, &span))
			return false;
	}
	return true;
}

static void read_functions(struct unit *unit)
{
	struct unit_function *turned = NULL;

	if (unit->functions_read || !unit->home)
		return;
	unit->functions_read = true;
	walk(unit, &unit->die, visit_function, 0);
	while (unit->functions) {
		struct unit_function *next = unit->functions->next;
		unit->functions->next = turned;
		turned = unit->functions;
		unit->functions = next;
	}
	unit->functions = turned;
	if (unit->span_count)
		qsort(unit->spans, unit->span_count, sizeof(*unit->spans), span_order);
}

static struct unit_function *function_in(struct unit *unit, uint64_t address)
{
	const struct unit_span *span;

	read_functions(unit);
	span = find_span(unit->spans, unit->span_count, address);
	return span ? span->function : NULL;
}

struct unit_function *units_function_at(struct units *units, uint64_t address)
{
	const struct unit_span *span = find_span(units->spans, units->span_count, address);
	struct unit_function *function = span ? function_in(span->unit, address) : NULL;

	for (size_t i = 0; !function && i < units->count; i++)
		if (!units->all[i]->has_ranges)
			function = function_in(units->all[i], address);
	return function;
}

struct unit *units_at(struct units *units, uint64_t address)
{
	const struct unit_span *span = find_span(units->spans, units->span_count, address);

	return span ? span->unit : NULL;
}

struct unit_function *units_next_function(struct units *units, const struct unit_function *previous)
{
	if (previous && previous->next)
		return previous->next;
	for (size_t i = previous ? previous->unit->number + 1 : 0; i < units->count; i++) {
		read_functions(units->all[i]);
		if (units->all[i]->functions)
			return units->all[i]->functions;
	}
	return NULL;
}

/* --- names --------------------------------------------------------------------------------------- */

static bool add_die(Dwarf_Die **dies, size_t *count, size_t *room, struct names *names, Dwarf_Die *die,
		    const char *name, const char *other_name)
{
	Dwarf_Die *grown;

	if (!name && !other_name)
		return true;
	grown = pool_grow(*dies, *count, room, sizeof(*grown));
	if (!grown)
		return false;
	*dies = grown;
	grown[*count] = *die;
	if (name && !names_add(names, name, (uint32_t)*count))
		return false;
	if (other_name && (!name || strcmp(name, other_name) != 0) &&
	    !names_add(names, other_name, (uint32_t)*count))
		return false;
	(*count)++;
	return true;
}

static bool add_name(struct unit *unit, Dwarf_Die *die, const char *name, const char *other_name)
{
	return add_die(&unit->named, &unit->named_count, &unit->named_room, &unit->names, die, name,
		       other_name);
}

static bool add_enumerators(struct unit *unit, Dwarf_Die *type)
{
	Dwarf_Die die;

	if (dwarf_child(type, &die) != 0)
		return true;
	do {
		if (dwarf_tag(&die) == DW_TAG_enumerator && !add_name(unit, &die, dwarf_diename(&die), NULL))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

/* A tag, by the name of the whole type where only a nameless reference to a type unit stands in its place. */
static bool add_tag(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Die type = *die;

	die_complete(&type);
	return add_name(unit, &type, dwarf_diename(&type), NULL);
}

/* The type in a type unit that an entry's own type is, under its name: the unit has no entry for it. */
static bool add_referenced(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (!dwarf_attr(die, DW_AT_type, &attribute) || dwarf_whatform(&attribute) != DW_FORM_ref_sig8 ||
	    !dwarf_formref_die(&attribute, &type))
		return true;
	return add_name(unit, &type, dwarf_diename(&type), NULL);
}

static bool visit_name(struct unit *unit, Dwarf_Die *die)
{
	if (unit->home->type_unit_count && !add_referenced(unit, die))
		return false;
	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
	case DW_TAG_subprogram:
		return add_name(owner_of(unit, die), die, die_name(die), die_linkage_name(die));
	case DW_TAG_enumeration_type:
		if (!add_enumerators(unit, die))
			return false;
		/* fall through */
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return add_tag(unit, die);
	case DW_TAG_typedef:
		return add_name(unit, die, dwarf_diename(die), NULL);
	default:
		return true;
	}
}

/* Units of the link-time optimiser name things of the others, so they come first. */
static void read_artificial(struct units *units)
{
	if (units->artificial_read)
		return;
	units->artificial_read = true;
	for (size_t i = 0; i < units->count; i++)
		if (units->all[i]->artificial)
			walk(units->all[i], &units->all[i]->die, visit_name, 0);
}

static void read_names(struct unit *unit)
{
	if (unit->names_read)
		return;
	unit->names_read = true;
	read_artificial(unit->home);
	walk(unit, &unit->die, visit_name, 0);
}

static bool nth_of(const struct names *names, const Dwarf_Die *dies, const char *name, unsigned nth,
		   Dwarf_Die *die)
{
	uint32_t at = names_first(names, name);

	while (at && nth--)
		at = names_next(names, at);
	if (at)
		*die = dies[names_value(names, at)];
	return at;
}

bool unit_find(struct unit *unit, const char *name, unsigned nth, Dwarf_Die *die)
{
	if (!unit->home)
		return false;
	read_names(unit);
	return nth_of(&unit->names, unit->named, name, nth, die);
}

bool unit_entry(struct unit *unit, size_t number, Dwarf_Die *die)
{
	if (!unit->home)
		return false;
	read_names(unit);
	if (number >= unit->named_count)
		return false;
	*die = unit->named[number];
	return true;
}

static void read_types(struct units *units)
{
	/* A unit of nobody's lends its table to the walk. */
	struct unit collector = {.home = units, .names = units->types, .named = units->type_dies};

	if (units->types_read)
		return;
	units->types_read = true;
	for (size_t i = 0; i < units->type_unit_count; i++) {
		collector.die = units->type_units[i];
		walk(&collector, &collector.die, visit_name, 0);
	}
	units->types = collector.names;
	units->type_dies = collector.named;
	units->type_count = collector.named_count;
}

bool units_find_type(struct units *units, const char *name, unsigned nth, Dwarf_Die *die)
{
	read_types(units);
	return nth_of(&units->types, units->type_dies, name, nth, die);
}

/* --- what callers see of a unit ------------------------------------------------------------------ */

/* The last -O among the flags that gcc records. */
static bool gcc_optimized(const char *producer)
{
	bool optimized = false;

	for (const char *flag = strstr(producer, " -O"); flag; flag = strstr(flag + 1, " -O"))
		optimized = flag[3] != '0';
	return optimized;
}

/* clang records no flags, but describes calls only where it optimises. */
static bool clang_optimized(struct unit *unit)
{
	read_functions(unit);
	for (struct unit_function *function = unit->functions; function; function = function->next)
		if (die_flag(&function->die, DW_AT_call_all_calls) ||
		    die_flag(&function->die, DW_AT_GNU_all_call_sites))
			return true;
	return false;
}

const char *unit_path(struct unit *unit, const char *file)
{
	const char *directory = unit_string(unit, DW_AT_comp_dir);

	return unit->home ? paths_resolve(unit->home->paths, directory ? directory : "/", file) : NULL;
}

static bool same_directory(const char **list, size_t count, const char *directory)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], directory) == 0)
			return true;
	return false;
}

/* Entry 0 is the compilation's own directory. */
static bool read_directories(struct unit *unit)
{
	const char **list, *const *directories = NULL;
	size_t files_count, count = 0, kept = 0;
	Dwarf_Files *files;

	if (dwarf_getsrcfiles(&unit->skeleton, &files, &files_count) == 0 &&
	    dwarf_getsrcdirs(files, &directories, &count) != 0)
		count = 0;
	list = pool_alloc(unit->home->pool, (count + 1) * sizeof(*list));
	if (!list)
		return false;
	for (size_t i = 1; i < count; i++) {
		const char *directory = directories[i];
		if (!directory)
			continue;
		directory = unit_path(unit, directory);
		if (!directory)
			return false;
		if (!same_directory(list, kept, directory))
			list[kept++] = directory;
	}
	unit->shown.include_directories = list;
	return true;
}

bool unit_defines(const struct target_unit *shown, const char *name)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit_of(shown), name, i, &die); i++)
		if (!die_flag(&die, DW_AT_declaration))
			return true;
	return false;
}

bool unit_publish(struct unit *unit)
{
	struct target_unit *shown = &unit->shown;
	const char *name, *directory, *producer;

	if (unit->published || !unit->home)
		return unit->published;
	name = unit_string(unit, DW_AT_name);
	directory = unit_string(unit, DW_AT_comp_dir);
	producer = unit_string(unit, DW_AT_producer);
	shown->file = unit_path(unit, name ? name : "<unknown>");
	shown->given = pool_string(unit->home->pool, name ? name : "");
	shown->directory = unit_path(unit, directory ? directory : "/");
	shown->producer = pool_string(unit->home->pool, producer ? producer : "");
	shown->module = unit->home->module_name;
	if (!shown->file || !shown->given || !shown->directory || !shown->producer || !read_directories(unit))
		return false;
	shown->macros = macros_of_command_line(unit->home->pool, &unit->die);
	shown->clang = strstr(shown->producer, "clang");
	shown->unwinds = unit->home->unwinds;
	shown->defines = unit_defines;
	shown->optimized = shown->clang ? clang_optimized(unit) : gcc_optimized(shown->producer);
	unit->published = true;
	return true;
}
