#include "chosen.h"

#include "module.h"
#include "symbols.h"
#include "unit.h"
#include "x86_64.h"

#include <elf.h>
#include <gelf.h>
#include <string.h>

/* `lsum`, or what link-time optimisation made of it: `lsum.lto_priv.0`. */
static bool is_called(const struct symbol *symbol, const char *name)
{
	size_t length = strlen(name);

	return strncmp(symbol->name, name, length) == 0 &&
	       (!symbol->name[length] ||
		(symbol->name[length] == '.' && symbol->local && !symbols_is_clone(symbol->name)));
}

/* A resolver and what it chooses for are always in one file. */
static bool is_of_unit(const struct module *module, struct units *units, const struct symbol *symbol,
		       const struct unit *unit)
{
	const struct unit_function *resolver = units_function_at(units, symbol->address - module->bias);

	return resolver && resolver->owner == unit;
}

/* The unit's own static, or else the module's global. */
static const struct symbol *find_symbol(struct module *module, const struct unit *unit, const char *name)
{
	const struct symbols *symbols = module_symbols(module);
	struct units *units = module_units(module);
	const struct symbol *global = NULL, *symbol = NULL;

	while (symbols && units && (symbol = symbols_chosen(symbols, symbol))) {
		if (!is_called(symbol, name))
			continue;
		if (symbol->local && is_of_unit(module, units, symbol, unit))
			return symbol;
		if (!symbol->local)
			global = symbol;
	}
	return global && global->interposable && !module->executable ? NULL : global;
}

struct search {
	Elf *elf;
	size_t names;   /* of its sections */
	GElf_Addr bias; /* from its addresses to run-time ones */
	uint64_t slot, address;
};

static bool starts_with(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Code that jumps to what the slot holds: in one of the sections .plt, .plt.sec, .plt.got, .iplt. */
static bool find_stub(struct search *s)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(s->elf, scn));) {
		GElf_Shdr header;
		size_t at;
		if (!gelf_getshdr(scn, &header) || !(header.sh_flags & SHF_EXECINSTR))
			continue;
		const char *name = elf_strptr(s->elf, s->names, header.sh_name);
		Elf_Data *data = starts_with(name, ".plt") || starts_with(name, ".iplt")
					 ? elf_rawdata(scn, NULL)
					 : NULL;
		if (!data || !x86_64_find_stub(data->d_buf, data->d_size, s->bias + header.sh_addr, s->slot,
					       &at))
			continue;
		s->address = s->bias + header.sh_addr + at;
		return true;
	}
	return false;
}

/* The slots that the resolver's results stand in: one has a stub, or all the program's code reads them itself. */
static bool find_slot(struct search *s, uint64_t resolver)
{
	uint64_t first = 0;

	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(s->elf, scn));) {
		GElf_Shdr header;
		GElf_Rela rela;
		bool holds = gelf_getshdr(scn, &header) && header.sh_type == SHT_RELA &&
			     header.sh_flags & SHF_ALLOC;
		Elf_Data *data = holds ? elf_getdata(scn, NULL) : NULL;
		for (int i = 0; data && gelf_getrela(data, i, &rela); i++) {
			if (GELF_R_TYPE(rela.r_info) != R_X86_64_IRELATIVE ||
			    (uint64_t)rela.r_addend + s->bias != resolver)
				continue;
			s->slot = rela.r_offset + s->bias;
			first = first ? first : s->slot;
			if (find_stub(s))
				return true;
		}
	}
	s->slot = first;
	return first;
}

bool chosen_find(struct program *program, const struct target_unit *shown, const char *name, uint64_t *address)
{
	const struct unit *unit = shown ? unit_of(shown) : NULL;
	struct module *module = unit ? unit->module : NULL;
	const struct symbol *symbol = module && module->dwfl ? find_symbol(module, unit, name) : NULL;
	struct search s = {.elf = NULL};

	if (symbol)
		s.elf = dwfl_module_getelf(module->dwfl, &s.bias);
	if (!s.elf || elf_getshdrstrndx(s.elf, &s.names) || !find_slot(&s, symbol->address))
		return false;
	*address = s.address;
	if (s.address)
		return true;
	struct error *e = program_read(program, s.slot, address, sizeof(*address));
	bool done = !e && *address;
	error_free(e);
	return done;
}
