#include "target.h"

#include "die.h"
#include "die_form.h"
#include "layout.h"
#include "module.h"
#include "pool.h"
#include "symbols.h"
#include "unit.h"
#include "unwind.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A type's layout, once asked for. */
struct layout {
	struct layout *next;
	struct module *module;
	void *die;
	struct target_layout shown;
};

enum { LAYOUT_BUCKETS = 256 };

struct target {
	struct pool pool;
	struct unit_paths paths;
	struct modules modules;
	const char *build_id;
	struct layout *layouts[LAYOUT_BUCKETS];
};

/* --- opening ------------------------------------------------------------------------------------- */

static bool hex(struct target *target, const unsigned char *bytes, size_t count)
{
	char *text = pool_alloc(&target->pool, count * 2 + 1);

	for (size_t i = 0; text && i < count; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	target->build_id = text;
	return text;
}

/* Two FNV-1a sums with different starts: enough to tell one build of a program from another. */
static void hash_bytes(const unsigned char *bytes, size_t size, unsigned char out[16])
{
	uint64_t sums[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

	for (size_t i = 0; i < size; i++) {
		sums[0] = (sums[0] ^ bytes[i]) * UINT64_C(0x100000001b3);
		sums[1] = (sums[1] ^ bytes[i] ^ (i & 0xff)) * UINT64_C(0x100000001b3);
	}
	for (int i = 0; i < 16; i++)
		out[i] = (unsigned char)(sums[i / 8] >> (56 - 8 * (i % 8)));
}

static struct error *hash_program(struct target *target)
{
	struct stat status;
	unsigned char sum[16];
	void *bytes = MAP_FAILED;
	int fd = modules_open_executable(&target->modules), errnum;

	if (fd < 0)
		return error_errno(errno, "cannot read %s", target->modules.program);
	if (fstat(fd, &status) == 0 && status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	errnum = errno;
	close(fd);
	if (bytes == MAP_FAILED)
		return error_errno(errnum, "cannot read %s", target->modules.program);
	hash_bytes(bytes, (size_t)status.st_size, sum);
	munmap(bytes, (size_t)status.st_size);
	return hex(target, sum, sizeof(sum)) ? NULL : error_memory();
}

static struct error *find_build_id(struct target *target)
{
	const unsigned char *bits;
	GElf_Addr address;
	int count = 0;

	if (dwfl_module_getelf(target->modules.executable->dwfl, &address))
		count = dwfl_module_build_id(target->modules.executable->dwfl, &bits, &address);
	if (count <= 0)
		return hash_program(target);
	return hex(target, bits, (size_t)count) ? NULL : error_memory();
}

static struct error *open_process(struct target *target, pid_t pid, const char *root_map)
{
	struct error *error;

	if (!unit_paths_init(&target->paths, &target->pool, root_map))
		return error_memory();
	error = modules_init(&target->modules, pid, &target->pool, &target->paths);
	return error ? error : find_build_id(target);
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
	unit_paths_fini(&target->paths);
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

/* gcc's DWARF says of a function whose code it shares with another's of the same text (-fipa-icf) only that there is one:
 * code and address are the symbol's. Found if one unit alone has such an entry of that name. */
static bool find_folded(struct module *module, const char *name, struct unit **unit, Dwarf_Die *die)
{
	struct units *units = module_units(module);
	bool found = false;
	Dwarf_Addr entry;
	Dwarf_Die other;

	for (struct unit *at = NULL; units && (at = units_next(units, at));) {
		for (unsigned nth = 0; unit_find(at, name, nth, &other); nth++) {
			if (dwarf_tag(&other) != DW_TAG_subprogram || die_flag(&other, DW_AT_declaration) ||
			    die_entry(&other, &entry))
				continue;
			if (found)
				return false;
			found = true;
			*unit = at;
			*die = other;
		}
	}
	return found;
}

static void describe_folded(struct module *module, struct target_function *out)
{
	struct unit *unit;
	Dwarf_Die die;

	if (out->clone || !find_folded(module, out->name, &unit, &die) || !unit_publish(unit))
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

static bool take_variable(struct module *module, Dwarf_Die *die, struct target_symbol *out)
{
	uint64_t address, size;
	enum die_place place = die_place(die, &address);

	if (place != DIE_STATIC && place != DIE_THREAD)
		return false;
	*out = (struct target_symbol){
		.address = place == DIE_STATIC ? address + module->bias : thread_offset(module, address),
		.size = die_size(die, &size) ? size : 0,
		.thread_local = place == DIE_THREAD,
	};
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

static bool is_object(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_variable || tag == DW_TAG_subprogram;
}

enum found { FOUND, ABSENT, REFUSED };

/* The unit's own static of that name. REFUSED if there was one and the binary no longer has it: then no
 * global of another unit may answer for it. */
static enum found find_static(struct module *module, struct unit *unit, const char *name,
			      struct target_symbol *out)
{
	enum found found = ABSENT;
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		if (!is_object(&die) || die_flag(&die, DW_AT_external))
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
		if (is_object(&die) && die_flag(&die, DW_AT_external) && take_die(module, &die, out))
			return true;
	return false;
}

/* How the linker spells an external name of the unit: an asm label, or the name itself. */
static const char *spelling(struct unit *unit, const char *name)
{
	Dwarf_Die die;

	for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++) {
		const char *linkage = is_object(&die) ? die_linkage_name(&die) : NULL;
		if (linkage)
			return linkage;
	}
	return name;
}

static bool find_global(struct module *module, const char *name, struct target_symbol *out)
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

bool target_find(struct target *target, const struct target_unit *shown, const char *name,
		 struct target_symbol *out)
{
	struct unit *unit = shown ? unit_of(shown) : NULL;
	struct module *module = unit ? unit->module : target->modules.executable;

	if (!module->dwfl)
		return false;
	if (!unit)
		return find_global(module, name, out) || find_demoted(module, name, out);
	switch (find_static(module, unit, name, out)) {
	case FOUND:
		return true;
	case REFUSED:
		return false;
	case ABSENT:
		break;
	}
	return find_global(module, spelling(unit, name), out) || find_definition(module, unit, name, out) ||
	       find_demoted(module, name, out) || find_label(module, unit, name, out);
}

bool target_find_local(struct target *target, const struct target_function *function, const char *name,
		       unsigned nth, struct target_symbol *out)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)function->die;
	Dwarf_Die die;

	(void)target;
	if (!known || !unit_find_local(known, name, nth, &die) ||
	    !take_variable(known->unit->module, &die, out))
		return false;
	out->internal = true;
	return true;
}

bool target_has_lost(struct target *target, const struct target_unit *shown, const char *name)
{
	struct unit *unit = unit_of(shown);
	bool declared = false;
	uint64_t address;
	Dwarf_Die die;

	(void)target;
	for (unsigned i = 0; unit_find(unit, name, i, &die); i++) {
		if (dwarf_tag(&die) != DW_TAG_variable || die_flag(&die, DW_AT_declaration))
			continue;
		enum die_place place = die_place(&die, &address);
		if (place == DIE_STATIC || place == DIE_THREAD)
			return false;
		declared = true;
	}
	return declared;
}

/* clang puts the statics of a function that is inlined everywhere into a nameless entry, but calls them `function.name`,
 * and further ones of that name `function.name.N` with rising N. Found if one unit alone has such a symbol. */
static bool find_clang_local(struct module *module, const char *function, const char *name, unsigned nth,
			     struct target_symbol *out)
{
	enum { NUMBERS_TRIED = 1000 };
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *found = NULL;
	char spelled[600];

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
	take_symbol(module, found, out);
	return true;
}

static bool find_helper_local(struct unit *unit, const char *function, const char *name, unsigned nth,
			      Dwarf_Die *variable, struct target_symbol *out)
{
	Dwarf_Die die;

	for (unsigned i = 0; unit_find(unit, function, i, &die); i++) {
		struct unit_function known = {.die = die, .unit = unit, .owner = unit};
		if (dwarf_tag(&die) != DW_TAG_subprogram || !unit_find_local(&known, name, nth, variable) ||
		    !take_variable(unit->module, variable, out))
			continue;
		out->internal = true;
		return true;
	}
	return false;
}

bool target_spell_local(struct target *target, const struct target_unit *shown, const char *function,
			const char *name, struct target_symbol *out, struct text *spelling)
{
	Dwarf_Die variable;

	(void)target;
	if (!find_helper_local(unit_of(shown), function, name, 0, &variable, out))
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
	if (find_helper_local(unit, function, name, nth, &variable, out))
		return true;
	return unit_publish(unit) && unit->shown.clang &&
	       find_clang_local(unit->module, function, name, nth, out);
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
			if (m->executable == (bool)libraries || !m->dwfl || !find_global(m, name, &found) ||
			    !found.thread_local)
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

static struct layout **layout_bucket(struct target *target, const Dwarf_Die *type)
{
	return &target->layouts[((uintptr_t)type->addr * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

static const struct target_layout *known_layout(struct target *target, struct module *module, Dwarf_Die *type)
{
	struct layout **bucket = layout_bucket(target, type), *layout;

	for (layout = *bucket; layout; layout = layout->next)
		if (layout->die == type->addr && layout->module == module)
			return &layout->shown;
	layout = pool_alloc(&target->pool, sizeof(*layout));
	if (!layout || !layout_read(type, &target->pool, &layout->shown))
		return NULL;
	layout->die = type->addr;
	layout->module = module;
	layout->next = *bucket;
	*bucket = layout;
	return &layout->shown;
}

bool target_find_layout(struct target *target, const struct target_unit *shown, enum target_tag tag,
			const char *name, struct target_layout *out)
{
	struct unit *unit = unit_of(shown);
	const struct target_layout *layout;
	Dwarf_Die type;

	if (!unit->home)
		return false;
	if (!(tag == TARGET_TYPEDEF ? find_typedef(unit, name, &type) : find_tagged(unit, tag, name, &type)))
		return false;
	layout = known_layout(target, unit->module, &type);
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
		if (!is_object(&die))
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

bool target_find_local_form(struct target *target, const struct target_function *function, const char *name,
			    unsigned nth, struct text *form, struct text *spelling)
{
	struct unit_function *known = (struct unit_function *)(uintptr_t)function->die;
	Dwarf_Die die;

	(void)target;
	if (!known || !known->unit || !known->unit->home || !unit_find_local(known, name, nth, &die))
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

bool target_find_bound(struct target *target, const struct target_unit *shown, const char *name,
		       uint64_t *out)
{
	Dwarf_Die die;

	(void)target;
	for (unsigned nth = 0; unit_find(unit_of(shown), name, nth, &die); nth++)
		if (dwarf_tag(&die) == DW_TAG_variable && die_bound(&die, out))
			return true;
	return false;
}

/* --- addresses ----------------------------------------------------------------------------------- */

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
	if (!symbol || symbol->address < start)
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

	if (!symbol || (symbol->size && address - symbol->address >= symbol->size))
		return false;
	*name = symbol->name;
	*offset = address - symbol->address;
	*size = symbol->size;
	return true;
}

bool target_find_line(struct target *target, uint64_t address, const char **file, unsigned *line)
{
	struct module *module = module_at(&target->modules, address);
	Dwfl_Line *at = module ? dwfl_module_getsrc(module->dwfl, address) : NULL;
	int number = 0;
	const char *name = at ? dwfl_lineinfo(at, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!name || number <= 0)
		return false;
	*file = name;
	*line = (unsigned)number;
	return true;
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

size_t target_unwind(struct target *target, const struct unwind_state *state, uint64_t *pcs, size_t max)
{
	return unwind_frames(target->modules.dwfl, target->modules.pid, state, pcs, max);
}
