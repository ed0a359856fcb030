#include "target.h"

#include "build_id.h"
#include "die.h"
#include "die_form.h"
#include "form.h"
#include "layouts.h"
#include "local.h"
#include "module.h"
#include "objects.h"
#include "pool.h"
#include "symbols.h"
#include "unit.h"
#include "unwind.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_LINES = 50000 /* of a table that is worth to be given back to the system */ };

struct target {
	struct pool pool;
	struct paths paths;
	struct modules modules;
	const char *build_id;
	struct layouts layouts;
};

/* --- opening ------------------------------------------------------------------------------------- */

static struct error *open_process(struct target *target, pid_t pid, const char *root_map)
{
	struct error *error;

	if (!paths_init(&target->paths, &target->pool, root_map))
		return error_memory();
	error = modules_init(&target->modules, pid, &target->pool, &target->paths);
	return error ? error : build_id_read(&target->modules, &target->build_id);
}

struct error *target_new(pid_t pid, const char *root_map, struct target **out)
{
	struct target *target = calloc(1, sizeof(*target));
	struct error *error;

	if (!target)
		return error_memory();
	error = open_process(target, pid, root_map);
	if (error)
		target_free(target);
	else
		*out = target;
	return error;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	modules_fini(&target->modules);
	paths_fini(&target->paths);
	pool_fini(&target->pool);
	free(target);
}

struct error *target_refresh(struct target *target)
{
	return modules_refresh(&target->modules);
}

const char *target_program(const struct target *target)
{
	return target->modules.program;
}

const char *target_build_id(const struct target *target)
{
	return target->build_id;
}

/* --- functions ----------------------------------------------------------------------------------- */

/* The function symbol whose code holds `address`. One without a size (written in assembly) holds its first
 * bytes. */
static const struct symbol *function_symbol(struct module *module, uint64_t address)
{
	enum { ENTRY = 16 };
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = symbols ? symbols_below(symbols, address) : NULL;

	if (!symbol || !symbol->function ||
	    address - symbol->address >= (symbol->size ? symbol->size : ENTRY))
		return NULL;
	return symbol;
}

static bool fill_names(struct module *module, struct unit_function *function)
{
	struct target_function *shown = &function->shown;
	const struct symbol *symbol = NULL;
	const char *name = die_name(&function->die), *file = die_file(&function->die);

	if (!name && (symbol = function_symbol(module, shown->entry)))
		name = symbol->name;
	shown->name = name ? pool_string(module->home->pool, name) : NULL;
	shown->unit = unit_publish(function->owner) ? &function->owner->shown : NULL;
	if (!shown->name || !shown->unit)
		return false;
	shown->file = file ? unit_path(function->owner, file) : shown->unit->file;
	return shown->file;
}

static bool fill_function(struct module *module, struct unit_function *function)
{
	struct target_function *shown = &function->shown;

	if (function->filled)
		return true;
	shown->entry = function->low + module->bias;
	shown->size = function->high - function->low;
	if (!fill_names(module, function))
		return false;
	shown->line = die_line(&function->die);
	shown->external = die_flag(&function->die, DW_AT_external);
	shown->clone = module_has_clone(module, shown->entry, shown->name);
	shown->module = module->name;
	shown->die = (uintptr_t)function;
	function->filled = true;
	return true;
}

/* Such an entry of that name in the unit: a function without code. */
static bool find_codeless(struct unit *unit, const char *name, Dwarf_Die *die)
{
	Dwarf_Addr entry;

	for (unsigned nth = 0; unit_find(unit, name, nth, die); nth++)
		if (dwarf_tag(die) == DW_TAG_subprogram && !die_flag(die, DW_AT_declaration) &&
		    !die_entry(die, &entry))
			return true;
	return false;
}

/* gcc's DWARF says of a function whose code it shares with another's of the same text (-fipa-icf) only that there is one:
 * code and address are the symbol's. It is the one of the unit whose code is around that address; failing that, of the only
 * unit that has one. */
static bool find_folded(struct module *module, const struct target_function *out, struct unit **unit,
			Dwarf_Die *die)
{
	struct units *units = module_units(module);
	bool found = false;
	Dwarf_Die other;

	*unit = units ? units_at(units, out->entry - module->bias) : NULL;
	if (*unit && find_codeless(*unit, out->name, die))
		return true;
	for (struct unit *at = NULL; units && (at = units_next(units, at));) {
		if (!find_codeless(at, out->name, &other))
			continue;
		if (found)
			return false;
		found = true;
		*unit = at;
		*die = other;
	}
	return found;
}

static void describe_folded(struct module *module, struct target_function *out)
{
	struct unit *unit;
	Dwarf_Die die;

	if (out->clone || !find_folded(module, out, &unit, &die) || !unit_publish(unit))
		return;
	const char *file = die_file(&die);
	out->unit = &unit->shown;
	out->file = file ? unit_path(unit, file) : unit->shown.file;
	out->line = die_line(&die);
}

static bool function_from_symbol(struct module *module, uint64_t sled, struct target_function *out)
{
	const struct symbol *symbol = function_symbol(module, sled);
	char *name = symbol ? pool_string(module->home->pool, symbol->name) : NULL;

	if (!name)
		return false;
	*out = (struct target_function){
		.name = name,
		.entry = symbol->address,
		.size = symbol->size,
		.external = !symbol->local,
		.clone = symbols_is_clone(name),
		.module = module->name,
	};
	describe_folded(module, out);
	return true;
}

bool target_function_at(struct target *target, uint64_t sled, struct target_function *out)
{
	struct module *module = module_at(&target->modules, sled);
	struct units *units = module ? module_units(module) : NULL;
	struct unit_function *function = units ? units_function_at(units, sled - module->bias) : NULL;

	if (!function)
		return module && function_from_symbol(module, sled, out);
	if (!fill_function(module, function))
		return false;
	*out = function->shown;
	return true;
}

bool target_main(struct target *target, struct target_function *out)
{
	struct target_symbol symbol;

	return target_find(target, NULL, "main", &symbol) && symbol.function &&
	       target_function_at(target, symbol.address, out) && strcmp(out->name, "main") == 0;
}

void target_each_function(struct target *target, bool (*each)(void *, const struct target_function *),
			  void *context)
{
	for (struct module *module = target->modules.list; module; module = module->next) {
		struct units *units;
		struct unit_function *function = NULL;

		if (!module->dwfl || !(module->executable || module_is_decorated(module)))
			continue;
		units = module_units(module);
		while (units && (function = units_next_function(units, function)))
			if (fill_function(module, function) && !each(context, &function->shown))
				return;
	}
}

void target_each_unit(struct target *target, bool (*each)(void *, const struct target_unit *), void *context)
{
	for (struct module *module = target->modules.list; module; module = module->next) {
		struct units *units = NULL;

		if (module->dwfl && (module->executable || module_is_decorated(module)))
			units = module_units(module);
		for (struct unit *unit = NULL; units && (unit = units_next(units, unit));)
			if (unit_publish(unit) && !each(context, &unit->shown))
				return;
	}
}

bool target_built(struct target *target, const struct target_unit *shown, struct timespec *out)
{
	return !target->paths.from && module_modified(unit_of(shown)->module, out);
}

/* --- variables and functions by name ------------------------------------------------------------- */

bool target_find(struct target *target, const struct target_unit *shown, const char *name,
		 struct target_symbol *out)
{
	struct unit *unit = shown ? unit_of(shown) : NULL;

	return objects_find(unit ? unit->module : target->modules.executable, unit, name, out);
}

bool target_find_local(struct target *target, const struct target_function *function, const char *name,
		       unsigned nth, struct target_symbol *out)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)function->die;
	Dwarf_Die die;

	(void)target;
	return known && objects_find_local(known, name, nth, &die, out);
}

bool target_has_lost_local(struct target *target, const struct target_function *function, const char *name,
			   unsigned nth)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)function->die;

	(void)target;
	return known && objects_has_lost_local(known, name, nth);
}

bool target_has_lost_helper_local(struct target *target, const struct target_unit *shown,
				  const char *function, const char *name, unsigned nth)
{
	(void)target;
	return objects_has_lost_helper_local(unit_of(shown), function, name, nth);
}

bool target_has_lost(struct target *target, const struct target_unit *shown, const char *name)
{
	(void)target;
	return objects_has_lost(unit_of(shown), name);
}

bool target_hides(struct target *target, const struct target_unit *shown, const char *name)
{
	(void)target;
	return objects_has(unit_of(shown), name, true);
}

bool target_declares(struct target *target, const struct target_unit *shown, const char *name)
{
	(void)target;
	return objects_has(unit_of(shown), name, false);
}

const char *target_defining_file(struct target *target, const struct target_unit *shown, const char *name)
{
	struct unit *unit = objects_defining_unit(unit_of(shown)->module, name);

	(void)target;
	return unit ? unit->shown.file : NULL;
}

bool target_defines_static(struct target *target, const struct target_unit *shown, const char *name,
			   unsigned *line)
{
	struct unit *unit = unit_of(shown);
	Dwarf_Die die;

	(void)target;
	for (unsigned i = 0; unit_find(unit, name, i, &die); i++) {
		if (dwarf_tag(&die) != DW_TAG_subprogram || die_flag(&die, DW_AT_declaration) ||
		    die_flag(&die, DW_AT_external))
			continue;
		const char *file = die_file(&die), *path = file ? unit_path(unit, file) : NULL;
		*line = die_line(&die);
		if (path && shown->file && strcmp(path, shown->file) == 0)
			return true;
	}
	return false;
}

bool target_passes_otherwise(struct target *target, const struct target_function *f)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)f->die;

	(void)target;
	return known && f->unit && f->unit->clang && f->unit->optimized && !f->external &&
	       die_passes_otherwise(&known->die);
}

bool target_spell_local(struct target *target, const struct target_unit *shown, const char *function,
			const char *name, struct target_symbol *out, struct text *spelling)
{
	Dwarf_Die variable;

	(void)target;
	if (!objects_find_helper_local(unit_of(shown), function, name, 0, &variable, out))
		return false;
	die_spell(&variable, spelling);
	return true;
}

bool target_find_helper_local(struct target *target, const struct target_unit *shown, const char *function,
			      const char *name, unsigned nth, struct target_symbol *out)
{
	struct unit *unit = unit_of(shown);
	Dwarf_Die variable;

	(void)target;
	return objects_find_helper_local(unit, function, name, nth, &variable, out) ||
	       (!objects_has_lost_helper_local(unit, function, name, nth) &&
		objects_find_clang_local(unit, function, name, nth, out));
}

/* The thread pointer's distance from the executable's TLS block is fixed by the ABI: Ulrich Drepper, "ELF
 * Handling For Thread-Local Storage", variant II (x86) below it, variant I (ARM) behind a control block of
 * two words. */
bool target_tls_offset(struct target *target, const struct target_unit *shown, uint64_t offset, uint64_t *out)
{
	struct module *module = shown ? unit_of(shown)->module : target->modules.executable;
	GElf_Phdr segment;
	uint64_t align;

	if (!module->executable || !module_tls_segment(module, &segment))
		return false;
	align = segment.p_align ? segment.p_align : 1;
#if defined(__x86_64__)
	*out = offset - (segment.p_memsz + align - 1) / align * align;
	return true;
#elif defined(__aarch64__)
	*out = offset + (16 + align - 1) / align * align;
	return true;
#else
	return false;
#endif
}

/* The start of its first mapping. */
static uint64_t module_start(const struct module *module)
{
	Dwarf_Addr start = 0;

	if (module->dwfl)
		dwfl_module_info(module->dwfl, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	return start;
}

bool target_find_thread_local(struct target *target, const char *name, struct target_symbol *out,
			      uint64_t *module)
{
	struct target_symbol found;

	for (int libraries = 0; libraries < 2; libraries++)
		for (struct module *m = target->modules.list; m; m = m->next) {
			if (m->executable == (bool)libraries || !m->dwfl ||
			    !objects_find_global(m, name, &found) || !found.thread_local)
				continue;
			*out = found;
			*module = module_start(m);
			return true;
		}
	return false;
}

uint64_t target_module(struct target *target, const struct target_unit *shown, bool *executable)
{
	struct module *module = shown ? unit_of(shown)->module : target->modules.executable;

	*executable = module->executable;
	return module_start(module);
}

/* --- types --------------------------------------------------------------------------------------- */

bool target_find_layout(struct target *target, const struct target_unit *shown, enum target_tag tag,
			const char *name, struct target_layout *out)
{
	const struct target_layout *layout =
		layouts_find(&target->layouts, &target->pool, unit_of(shown), tag, name);

	if (layout)
		*out = *layout;
	return layout;
}

/* Of several entries that stand for one object, the one that says where it is knows its type best. */
static bool find_object(struct unit *unit, const char *name, Dwarf_Die *out)
{
	bool found = false;
	uint64_t address;
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		if (!objects_are(&die))
			continue;
		bool placed = dwarf_tag(&die) == DW_TAG_subprogram ? !die_flag(&die, DW_AT_declaration)
								   : die_place(&die, &address) == DIE_STATIC;
		if (!found || placed)
			*out = die;
		if (placed)
			return true;
		found = true;
	}
	return found;
}

bool target_find_form(struct target *target, const struct target_unit *shown, const char *name,
		      struct text *form, struct text *spelling)
{
	struct unit *unit = unit_of(shown);
	struct module *module = unit->module;
	struct target_symbol symbol;
	Dwarf_Die die;

	if (!unit->home || !target_find(target, shown, name, &symbol))
		return false;
	bool found = find_object(unit, name, &die);
	if (symbol.function && (!found || die_flag(&die, DW_AT_declaration))) {
		/* Another unit's; of functions that share their code one alone is at the address. */
		struct units *units = module_units(module);
		struct unit_function *function =
			units ? units_function_at(units, symbol.address - module->bias) : NULL;
		const char *own = function ? die_name(&function->die) : NULL;
		if (own && strcmp(own, name) == 0) {
			die = function->die;
			found = true;
		}
	}
	if (!found || (dwarf_tag(&die) == DW_TAG_subprogram) != symbol.function)
		return false;
	die_form(&die, form);
	die_spell(&die, spelling);
	return true;
}

static bool find_declared_form(struct unit *unit, const char *name, struct text *form)
{
	Dwarf_Die die;

	if (!unit->home || !find_object(unit, name, &die) || dwarf_tag(&die) != DW_TAG_subprogram ||
	    !die_flag(&die, DW_AT_declaration))
		return false;
	die_form(&die, form);
	return true;
}

bool target_find_declared_form(struct target *target, const struct target_unit *shown, const char *name,
			       struct text *form)
{
	(void)target;
	return find_declared_form(unit_of(shown), name, form);
}

bool target_is_declared(struct target *target, const struct target_unit *shown, const char *name,
			const char *form)
{
	struct units *units = unit_of(shown)->home;
	bool found = false;

	(void)target;
	for (struct unit *unit = NULL; units && !found && (unit = units_next(units, unit));) {
		struct text declared = {0};
		found = find_declared_form(unit, name, &declared) && declared.bytes &&
			form_agrees(declared.bytes, form);
		text_fini(&declared);
	}
	return found;
}

bool target_find_local_form(struct target *target, const struct target_function *function, const char *name,
			    unsigned nth, struct text *form, struct text *spelling)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)function->die;
	Dwarf_Die die;

	(void)target;
	if (!known || !known->unit || !known->unit->home || !local_find(known, name, nth, &die))
		return false;
	die_form(&die, form);
	die_spell(&die, spelling);
	return true;
}

bool target_find_enumerator(struct target *target, const struct target_unit *shown, const char *name,
			    int64_t *out)
{
	struct unit *unit = unit_of(shown);
	Dwarf_Die die;

	(void)target;
	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++)
		if (dwarf_tag(&die) == DW_TAG_enumerator)
			return die_enumerator(&die, out);
	for (unsigned nth = 0; unit->home && units_find_type(unit->home, name, nth, &die); nth++)
		if (dwarf_tag(&die) == DW_TAG_enumerator)
			return die_enumerator(&die, out);
	return false;
}

/* `static int codes[];`, used, and then its definition: gcc has one entry for it, whose type is what was known at first. */
static bool find_bound_by_size(struct target *target, const struct target_unit *shown, const char *name,
			       uint64_t *out)
{
	struct target_symbol symbol;
	uint64_t address, element;
	Dwarf_Die die;

	if (!find_object(unit_of(shown), name, &die) || dwarf_tag(&die) != DW_TAG_variable ||
	    die_place(&die, &address) != DIE_STATIC || !die_element_size(&die, &element) ||
	    !target_find(target, shown, name, &symbol) || !symbol.size || symbol.size % element)
		return false;
	*out = symbol.size / element;
	return true;
}

bool target_find_bound(struct target *target, const struct target_unit *shown, const char *name,
		       uint64_t *out)
{
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit_of(shown), name, nth, &die); nth++)
		if (dwarf_tag(&die) == DW_TAG_variable && die_bound(&die, out))
			return true;
	return find_bound_by_size(target, shown, name, out);
}

/* --- addresses ----------------------------------------------------------------------------------- */

/* Behind a symbol's end is what the file has no name for: a static function of a stripped library. */
static bool is_within(const struct symbol *symbol, uint64_t address)
{
	return !symbol->size || address - symbol->address < symbol->size;
}

bool target_describe_address(struct target *target, uint64_t address, char *buffer, size_t size)
{
	struct module *module = module_at(&target->modules, address);
	const struct symbols *symbols = module ? module_symbols(module) : NULL;
	const struct symbol *symbol;
	Dwarf_Addr start;

	if (!symbols)
		return false;
	dwfl_module_info(module->dwfl, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	symbol = symbols_below(symbols, address);
	if (!symbol || symbol->address < start || !is_within(symbol, address))
		snprintf(buffer, size, "%#" PRIx64 " in %s", address - start, module->name);
	else if (symbol->address == address)
		snprintf(buffer, size, "%s in %s", symbol->name, module->name);
	else
		snprintf(buffer, size, "%s+%#" PRIx64 " in %s", symbol->name, address - symbol->address,
			 module->name);
	return true;
}

bool target_find_symbol(struct target *target, uint64_t address, const char **name, uint64_t *offset,
			uint64_t *size)
{
	struct module *module = module_at(&target->modules, address);
	const struct symbols *symbols = module ? module_symbols(module) : NULL;
	const struct symbol *symbol = symbols ? symbols_below(symbols, address) : NULL;

	if (!symbol || !is_within(symbol, address))
		return false;
	*name = symbol->name;
	*offset = address - symbol->address;
	*size = symbol->size;
	return true;
}

/* By the units' ranges: libdw goes by .debug_aranges, which clang does not write. */
static const char *line_in_unit(struct module *module, uint64_t address, int *number)
{
	struct units *units = module_units(module);
	struct unit *unit = units ? units_at(units, address - module->bias) : NULL;
	Dwarf_Line *at =
		unit && unit->home ? dwarf_getsrc_die(&unit->skeleton, address - module->bias) : NULL;

	return at && dwarf_lineno(at, number) == 0 ? dwarf_linesrc(at, NULL, NULL) : NULL;
}

bool target_find_line(struct target *target, uint64_t address, const char **file, unsigned *line)
{
	struct module *module = module_at(&target->modules, address);
	Dwfl_Line *at = module ? dwfl_module_getsrc(module->dwfl, address) : NULL;
	int number = 0;
	const char *name = at ? dwfl_lineinfo(at, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!at && module)
		name = line_in_unit(module, address, &number);
	if (!name || number <= 0)
		return false;
	*file = name;
	*line = (unsigned)number;
	return true;
}

/* In a reading of its own: libdw keeps all that it was asked for to its end. */
void target_each_line(struct target *target, const struct target_unit *shown,
		      void (*each)(void *context, const char *file, unsigned line), void *context)
{
	struct unit *unit = unit_of(shown);
	Dwarf *whole = unit->home ? dwarf_cu_getdwarf(unit->skeleton.cu) : NULL;
	Dwarf *dwarf = whole ? dwarf_begin_elf(dwarf_getelf(whole), DWARF_C_READ, NULL) : NULL;
	const char *name, *last = NULL, *path = NULL;
	bool ends;
	Dwarf_Lines *lines;
	Dwarf_Die die;
	size_t count = 0;
	int number;

	(void)target;
	if (!dwarf || !dwarf_offdie(dwarf, dwarf_dieoffset(&unit->skeleton), &die) ||
	    dwarf_getsrclines(&die, &lines, &count) != 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		if (!line || dwarf_lineendsequence(line, &ends) != 0 || ends ||
		    dwarf_lineno(line, &number) != 0 || number <= 0)
			continue;
		name = dwarf_linesrc(line, NULL, NULL);
		if (name != last)
			path = name ? unit_path(unit, name) : NULL;
		last = name;
		if (path)
			each(context, path, (unsigned)number);
	}
	if (dwarf)
		dwarf_end(dwarf);
	if (count > MANY_LINES)
		malloc_trim(0);
}

/* --- inlined calls -------------------------------------------------------------------------------------------------- */

void target_each_inlined(struct target *target, const struct target_function *f,
			 bool (*each)(void *context, uint64_t address, const char *caller, const char *file,
				      unsigned line),
			 void *context)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)f->die;
	size_t count;

	(void)target;
	if (!known || !known->unit || !known->unit->module || !known->unit->home)
		return;
	struct module *module = known->unit->module;
	Dwarf_Die origin = die_origin(&known->die);
	if (!module->units || !dwarf_func_inline(&origin))
		return;
	const struct inlined_call *calls =
		inlined_find(&known->unit->inlined, &known->unit->die, &origin, &count);
	for (size_t i = 0; i < count; i++) {
		struct unit_function *caller = units_function_at(module->units, calls[i].address);
		const char *name = caller ? die_name(&caller->die) : NULL;
		const char *file = caller && caller->owner ? caller->owner->shown.file : NULL;
		if (!each(context, calls[i].address + module->bias, name, file, calls[i].line))
			return;
	}
	if (!count) /* it was, and what came of it is no code of its own */
		each(context, 0, NULL, NULL, 0);
}

size_t target_inlined_at(struct target *target, uint64_t address, struct target_inlined *out, size_t max)
{
	enum { INLINED = 32 };
	struct module *module = module_at(&target->modules, address);
	struct units *units = module ? module_units(module) : NULL;
	struct unit_function *f = units ? units_function_at(units, address - module->bias) : NULL;
	Dwarf_Die calls[INLINED];
	size_t count = 0;

	if (f && f->unit && f->unit->home)
		count = inlined_at(&f->die, address - module->bias, calls, max < INLINED ? max : INLINED);
	for (size_t i = 0; i < count; i++) {
		struct target_inlined *call = &out[count - 1 - i];
		call->name = die_name(&calls[i]);
		call->file = die_call(&calls[i], &call->line);
	}
	return count;
}

size_t target_unwind(struct target *target, const struct unwind_state *state, uint64_t *pcs, size_t max)
{
	return unwind_frames(target->modules.dwfl, target->modules.pid, state, pcs, max);
}
