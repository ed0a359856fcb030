#include "lines.h"

#include <elf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELSEWHERE_SHIFT = 40 }; /* other sections' rows are put where no section of ours reaches */

/* --- a compiler's object ------------------------------------------------------------------------------------------- */

static Elf_Scn *section_named(Elf *elf, const char *name)
{
	size_t names;
	Elf_Scn *section = NULL;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *its =
			gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (its && strcmp(its, name) == 0)
			return section;
	}
	return NULL;
}

/* An object's debug information says addresses and strings by relocations. libdw takes them as they stand, so they are put there:
 * of an address the offset in the section that is asked for, and something far away for any other; of a string where it stands
 * among those. `relocations`: their section, whose name is that of what they are for behind ".rela". `bytes` is a copy to write to. */
static bool relocate(Elf *elf, unsigned char *bytes, size_t size, uint16_t section, const char *relocations)
{
	Elf_Scn *scn = section_named(elf, relocations + strlen(".rela")),
		*rela = section_named(elf, relocations);
	GElf_Shdr at, table;

	if (!scn || !rela || !gelf_getshdr(scn, &at) || !gelf_getshdr(rela, &table))
		return false;
	Elf_Data *data = elf_getdata(rela, NULL);
	Elf_Data *symbols = elf_getdata(elf_getscn(elf, table.sh_link), NULL);
	if (!data || !symbols || at.sh_type != SHT_PROGBITS || at.sh_offset > size ||
	    at.sh_size > size - at.sh_offset)
		return false;
	for (int i = 0; i < (int)(table.sh_size / sizeof(Elf64_Rela)); i++) {
		GElf_Rela r;
		GElf_Sym symbol;
		if (!gelf_getrela(data, i, &r) || !gelf_getsym(symbols, (int)GELF_R_SYM(r.r_info), &symbol))
			return false;
		bool address = GELF_R_TYPE(r.r_info) == R_X86_64_64;
		if (!address && GELF_R_TYPE(r.r_info) != R_X86_64_32)
			continue;
		size_t width = address ? sizeof(uint64_t) : sizeof(uint32_t);
		if (at.sh_size < width || r.r_offset > at.sh_size - width)
			return false;
		uint64_t value = symbol.st_value + (uint64_t)r.r_addend;
		if (address && symbol.st_shndx != section)
			value |= (uint64_t)(symbol.st_shndx + 1) << ELSEWHERE_SHIFT;
		memcpy(bytes + at.sh_offset + r.r_offset, &value, width); /* both are little-endian */
	}
	return true;
}

static bool hand_out(Dwarf_Lines *rows, size_t count,
		     void (*each)(void *context, uint64_t offset, const char *file, unsigned line),
		     void *context)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *row = dwarf_onesrcline(rows, i);
		Dwarf_Addr address;
		int line;
		bool end;
		if (dwarf_lineaddr(row, &address) || address >> ELSEWHERE_SHIFT ||
		    dwarf_lineendsequence(row, &end) || end || dwarf_lineno(row, &line) || line <= 0)
			continue;
		const char *file = dwarf_linesrc(row, NULL, NULL);
		each(context, address, file ? file : "", (unsigned)line);
		any = true;
	}
	return any;
}

static bool each_of(Dwarf *dwarf,
		    void (*each)(void *context, uint64_t offset, const char *file, unsigned line),
		    void *context)
{
	Dwarf_Off at = 0, next;
	Dwarf_CU *unit = NULL;
	Dwarf_Files *files;
	Dwarf_Lines *rows;
	size_t file_count, count;
	bool any = false;

	while (dwarf_next_lines(dwarf, at, &next, &unit, &files, &file_count, &rows, &count) == 0) {
		any |= hand_out(rows, count, each, context);
		at = next;
	}
	return any;
}

bool lines_each(const struct compile_object *object, uint16_t section,
		void (*each)(void *context, uint64_t offset, const char *file, unsigned line), void *context)
{
	unsigned char *copy = malloc(object->size ? object->size : 1);
	bool any = false;

	if (!copy)
		return false;
	memcpy(copy, object->bytes, object->size);
	elf_version(EV_CURRENT);
	Elf *elf = elf_memory((char *)copy, object->size);
	if (elf && relocate(elf, copy, object->size, section, ".rela.debug_line")) {
		/* What names that are no paths are meant from; without it they stay so. */
		relocate(elf, copy, object->size, section, ".rela.debug_info");
		Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
		any = dwarf && each_of(dwarf, each, context);
		dwarf_end(dwarf);
	}
	elf_end(elf);
	free(copy);
	return any;
}

/* --- an image ------------------------------------------------------------------------------------------------------ */

static void name_function(Dwarf_Die *unit, uint64_t address, struct lines_place *out)
{
	Dwarf_Die die;

	for (int more = dwarf_child(unit, &die); more == 0; more = dwarf_siblingof(&die, &die)) {
		const char *name = dwarf_haspc(&die, address) == 1 ? dwarf_diename(&die) : NULL;
		if (name)
			snprintf(out->function, sizeof(out->function), "%s", name);
	}
}

static bool find_in(Dwarf *dwarf, uint64_t address, struct lines_place *out)
{
	Dwarf_Off next;
	size_t head;
	Dwarf_Die unit;
	int line;

	if (dwarf_nextcu(dwarf, 0, &next, &head, NULL, NULL, NULL) || !dwarf_offdie(dwarf, head, &unit) ||
	    dwarf_haspc(&unit, address) != 1)
		return false;
	*out = (struct lines_place){0};
	name_function(&unit, address, out);
	Dwarf_Line *row = dwarf_getsrc_die(&unit, address);
	const char *file = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	if (file && dwarf_lineno(row, &line) == 0 && line > 0) {
		snprintf(out->file, sizeof(out->file), "%s", file);
		out->line = (unsigned)line;
	}
	return true;
}

bool lines_find(const void *image, size_t size, uint64_t address, struct lines_place *out)
{
	char *copy = malloc(size ? size : 1); /* libelf wants one that may be written to */
	bool found = false;

	if (!copy)
		return false;
	memcpy(copy, image, size);
	elf_version(EV_CURRENT);
	Elf *elf = elf_memory(copy, size);
	Dwarf *dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	if (dwarf) {
		found = find_in(dwarf, address, out);
		dwarf_end(dwarf);
	}
	elf_end(elf);
	free(copy);
	return found;
}
