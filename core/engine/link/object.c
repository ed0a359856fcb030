#include "object.h"
#include "x86_64.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 4096,
	FUNCTION_ALIGN = 16,
	SECTION_UNWIND = 0x70000001 /* SHT_X86_64_UNWIND */
};

struct error *object_malformed(const char *what)
{
	return error_new(ERROR_INTERNAL, "malformed object: %s", what);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static bool in_file(const struct object *object, uint64_t offset, uint64_t size)
{
	return offset <= object->size && size <= object->size - offset;
}

/* A string of a table that ends with NUL, as read_strings made sure. */
static bool read_strings(const struct object *object, uint32_t index, const char **out, uint64_t *size)
{
	if (index >= object->section_count)
		return false;
	const Elf64_Shdr *section = &object->sections[index];
	if (section->sh_type != SHT_STRTAB || !section->sh_size ||
	    object->bytes[section->sh_offset + section->sh_size - 1])
		return false;
	*out = (const char *)object->bytes + section->sh_offset;
	*size = section->sh_size;
	return true;
}

const char *object_section_name(const struct object *object, uint32_t index)
{
	uint32_t at = object->sections[index].sh_name;
	return at < object->section_names_size ? object->section_names + at : "";
}

static struct error *read_sections(struct object *object)
{
	Elf64_Ehdr header;
	if (object->size < sizeof header)
		return object_malformed("it is too short");
	memcpy(&header, object->bytes, sizeof header);
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_REL ||
	    header.e_machine != EM_X86_64)
		return object_malformed("not a relocatable x86-64 ELF file");
	if (header.e_shentsize != sizeof(Elf64_Shdr) || !header.e_shnum ||
	    !in_file(object, header.e_shoff, header.e_shnum * (uint64_t)sizeof(Elf64_Shdr)))
		return object_malformed("its section headers");

	object->section_count = header.e_shnum;
	object->sections = calloc(header.e_shnum, sizeof *object->sections);
	if (!object->sections)
		return error_memory();
	memcpy(object->sections, object->bytes + header.e_shoff, header.e_shnum * sizeof *object->sections);
	for (uint32_t i = 1; i < object->section_count; i++) {
		const Elf64_Shdr *section = &object->sections[i];
		if (section->sh_type != SHT_NOBITS && section->sh_type != SHT_NULL &&
		    !in_file(object, section->sh_offset, section->sh_size))
			return object_malformed("a section that the file does not hold");
		if (section->sh_addralign & (section->sh_addralign - 1))
			return object_malformed("an alignment that is no power of two");
	}
	object->sections[0] = (Elf64_Shdr){0};
	if (!read_strings(object, header.e_shstrndx, &object->section_names, &object->section_names_size))
		return object_malformed("its section names");
	return NULL;
}

static struct error *read_symbol(const struct object *object, const char *strings, uint64_t strings_size,
				 struct object_symbol *symbol)
{
	const Elf64_Sym *elf = &symbol->elf;
	if (elf->st_name >= strings_size)
		return object_malformed("a symbol's name");
	symbol->name = strings + elf->st_name;
	symbol->piece = OBJECT_NO_PIECE;
	if (elf->st_shndx == SHN_XINDEX ||
	    (elf->st_shndx < SHN_LORESERVE && elf->st_shndx >= object->section_count))
		return object_malformed("a symbol's section");
	if (elf->st_shndx == SHN_UNDEF || elf->st_shndx >= SHN_LORESERVE)
		return NULL;
	const Elf64_Shdr *section = &object->sections[elf->st_shndx];
	bool outside = (section->sh_flags & SHF_ALLOC) &&
		       (elf->st_value > section->sh_size || elf->st_size > section->sh_size - elf->st_value);
	if (outside && ELF64_ST_BIND(elf->st_info) == STB_LOCAL) {
		/* libtcc's name for a string in code that it left out: nobody refers to it. */
		symbol->elf.st_shndx = SHN_UNDEF;
		return NULL;
	}
	if (outside)
		return object_malformed("a symbol outside its section");
	return NULL;
}

static struct error *read_symbols(struct object *object)
{
	const Elf64_Shdr *table = NULL;
	for (uint32_t i = 1; i < object->section_count; i++) {
		if (object->sections[i].sh_type != SHT_SYMTAB)
			continue;
		if (table)
			return object_malformed("two symbol tables");
		table = &object->sections[i];
	}
	const char *strings;
	uint64_t strings_size;
	if (!table || table->sh_entsize != sizeof(Elf64_Sym) ||
	    table->sh_size / sizeof(Elf64_Sym) >= UINT32_MAX ||
	    !read_strings(object, table->sh_link, &strings, &strings_size))
		return object_malformed("its symbol table");

	uint32_t count = (uint32_t)(table->sh_size / sizeof(Elf64_Sym));
	object->symbols = calloc(count ? count : 1, sizeof *object->symbols);
	if (!object->symbols)
		return error_memory();
	object->symbol_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct object_symbol *symbol = &object->symbols[i];
		memcpy(&symbol->elf, object->bytes + table->sh_offset + i * sizeof(Elf64_Sym),
		       sizeof(Elf64_Sym));
		struct error *e = read_symbol(object, strings, strings_size, symbol);
		if (e)
			return e;
	}
	return NULL;
}

void object_fini(struct object *object)
{
	free(object->sections);
	free(object->symbols);
	free(object->pieces);
}

struct error *object_init(struct object *object, const void *bytes, size_t size)
{
	*object = (struct object){.bytes = bytes, .size = size};
	struct error *e = read_sections(object);
	if (!e)
		e = read_symbols(object);
	return e;
}

/* --- pieces --------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_placed(const struct object *object, uint32_t index)
{
	const Elf64_Shdr *section = &object->sections[index];
	return (section->sh_flags & SHF_ALLOC) && section->sh_size && section->sh_type != SHT_NOTE &&
	       section->sh_type != SHT_NULL &&
	       !begins(object_section_name(object, index), "__patchable_function_entries");
}

/* Writable only while a dynamic linker would relocate them: constants to us, who relocate before anyone
 * looks. */
static bool is_constant(const char *name)
{
	return begins(name, ".data.rel.ro") || begins(name, ".data.rel.local.DW.ref.") ||
	       begins(name, ".data.DW.ref.");
}

static struct error *check_section(const struct object *object, uint32_t index)
{
	const Elf64_Shdr *section = &object->sections[index];
	const char *name = object_section_name(object, index);
	if (section->sh_type == SHT_INIT_ARRAY || section->sh_type == SHT_FINI_ARRAY ||
	    section->sh_type == SHT_PREINIT_ARRAY || begins(name, ".ctors") || begins(name, ".dtors"))
		return error_new(ERROR_COMPILE,
				 "a constructor or destructor cannot be added to a running program");
	if (section->sh_type != SHT_PROGBITS && section->sh_type != SHT_NOBITS &&
	    section->sh_type != SECTION_UNWIND)
		return error_new(ERROR_INTERNAL, "section %s of unknown type %u", name, section->sh_type);
	return NULL;
}

/* A new piece, zero; NULL without memory. Pointers to older ones end here. */
static struct object_piece *add_piece(struct object *object)
{
	if (object->piece_count == object->piece_room) {
		uint32_t room = object->piece_room ? object->piece_room * 2 : 32;
		struct object_piece *bigger = realloc(object->pieces, room * sizeof *bigger);
		if (!bigger)
			return NULL;
		object->pieces = bigger;
		object->piece_room = room;
	}
	struct object_piece *piece = &object->pieces[object->piece_count++];
	*piece = (struct object_piece){.align = 1};
	return piece;
}

static bool is_variable(const struct object_symbol *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->elf.st_info);
	return type != STT_SECTION && type != STT_FILE && type != STT_FUNC && *symbol->name;
}

/* `L.12`: libtcc's name for what has none in the text. */
static bool is_anonymous(const char *name)
{
	return begins(name, "L.") && name[2] && strspn(name + 2, "0123456789") == strlen(name + 2);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The alignment that `offset` has in a section that is itself aligned. */
static uint64_t offset_align(uint64_t section_align, uint64_t offset)
{
	return offset ? lower(section_align, offset & -offset) : section_align;
}

static struct error *add_whole(struct object *object, uint32_t index, int kind)
{
	const Elf64_Shdr *section = &object->sections[index];
	struct object_piece *piece = add_piece(object);
	if (!piece)
		return error_memory();
	piece->section = index;
	piece->size = section->sh_size;
	piece->align = higher(section->sh_addralign, kind == OBJECT_CODE ? FUNCTION_ALIGN : 1);
	piece->kind = kind;
	return NULL;
}

struct mark {
	uint64_t offset, size;
	uint32_t symbol;
};

/* At one offset the name of something comes before those of nothing: libtcc's for a string that only sizeof saw. */
static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (!a->size != !b->size)
		return a->size ? -1 : 1;
	return a->symbol < b->symbol ? -1 : a->symbol > b->symbol;
}

static void name_piece(struct object_piece *piece, const struct object_symbol *symbol, uint32_t index)
{
	piece->name = symbol->name;
	piece->name_size = symbol->elf.st_size;
	piece->local = ELF64_ST_BIND(symbol->elf.st_info) == STB_LOCAL;
	piece->anonymous = is_anonymous(symbol->name);
	piece->symbol = index;
}

/* Cuts a section at its variables: libtcc puts all of them, and strings and constants too, into one. */
static struct error *add_variables(struct object *object, uint32_t index, int kind)
{
	const Elf64_Shdr *section = &object->sections[index];
	struct mark *marks = calloc(object->symbol_count + 1, sizeof *marks);
	if (!marks)
		return error_memory();
	size_t count = 0;
	for (uint32_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];
		if (symbol->elf.st_shndx == index && is_variable(symbol) &&
		    symbol->elf.st_value < section->sh_size)
			marks[count++] = (struct mark){symbol->elf.st_value, symbol->elf.st_size, i};
	}
	qsort(marks, count, sizeof *marks, compare_marks);

	struct error *e = NULL;
	if (!count || marks[0].offset) { /* what comes before the first name */
		e = add_whole(object, index, kind);
		if (!e && count)
			object->pieces[object->piece_count - 1].size = marks[0].offset;
	}
	for (size_t i = 0; i < count && !e; i++) {
		if (i && marks[i].offset == marks[i - 1].offset)
			continue; /* a second name for the same */
		struct object_piece *piece = add_piece(object);
		if (!piece) {
			e = error_memory();
			break;
		}
		size_t next = i + 1;
		while (next < count && marks[next].offset == marks[i].offset)
			next++;
		uint64_t end = next < count ? marks[next].offset : section->sh_size;
		piece->section = index;
		piece->begin = marks[i].offset;
		piece->size = end - piece->begin;
		piece->align = offset_align(higher(section->sh_addralign, 1), piece->begin);
		piece->kind = kind;
		name_piece(piece, &object->symbols[marks[i].symbol], marks[i].symbol);
	}
	free(marks);
	return e;
}

static struct error *add_common(struct object *object, uint32_t index)
{
	const Elf64_Sym *elf = &object->symbols[index].elf; /* st_value is its alignment */
	if ((elf->st_value & (elf->st_value - 1)) || elf->st_value > PAGE)
		return object_malformed("a common variable's alignment");
	struct object_piece *piece = add_piece(object);
	if (!piece)
		return error_memory();
	piece->section = SHN_COMMON;
	piece->size = elf->st_size;
	piece->align = higher(elf->st_value, 1);
	piece->kind = OBJECT_VARIABLE;
	name_piece(piece, &object->symbols[index], index);
	object->symbols[index].piece = object->piece_count - 1;
	return NULL;
}

static struct error *add_section(struct object *object, uint32_t index)
{
	const Elf64_Shdr *section = &object->sections[index];
	struct error *e = check_section(object, index);
	if (e)
		return e;
	if (section->sh_flags & SHF_TLS)
		return add_variables(object, index, OBJECT_THREAD);
	if (section->sh_flags & SHF_EXECINSTR)
		return add_whole(object, index, OBJECT_CODE);
	if (!(section->sh_flags & SHF_WRITE) || is_constant(object_section_name(object, index)))
		return add_whole(object, index, OBJECT_CONSTANT);
	return add_variables(object, index, OBJECT_VARIABLE);
}

/* The piece that holds `offset` of a section; its end belongs to the last. */
static uint32_t find_piece(const struct object *object, uint32_t section, uint64_t offset)
{
	uint32_t found = OBJECT_NO_PIECE;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct object_piece *piece = &object->pieces[i];
		if (piece->section == section && piece->begin <= offset &&
		    (found == OBJECT_NO_PIECE || piece->begin >= object->pieces[found].begin))
			found = i;
	}
	return found;
}

struct error *object_cut(struct object *object)
{
	struct error *e = NULL;
	for (uint32_t i = 1; i < object->section_count && !e; i++)
		if (is_placed(object, i))
			e = add_section(object, i);
	for (uint32_t i = 1; i < object->symbol_count && !e; i++) {
		struct object_symbol *symbol = &object->symbols[i];
		if (symbol->elf.st_shndx == SHN_COMMON)
			e = add_common(object, i);
		else if (symbol->elf.st_shndx && symbol->elf.st_shndx < SHN_LORESERVE)
			symbol->piece = find_piece(object, symbol->elf.st_shndx, symbol->elf.st_value);
	}
	return e;
}

/* --- relocations, one by one ---------------------------------------------------------------------------- */

/* The symbol that a relocation names, and which piece that is. A section's symbol means the variable that the
 * addend points into. */
static void find_target(const struct object *object, struct object_reference *reference)
{
	const struct object_symbol *symbol = &object->symbols[reference->symbol];
	reference->to = symbol->piece;
	reference->to_offset = 0;
	if (reference->to == OBJECT_NO_PIECE || symbol->elf.st_shndx == SHN_COMMON)
		return;
	uint64_t offset = symbol->elf.st_value;
	if (ELF64_ST_TYPE(symbol->elf.st_info) == STT_SECTION) {
		uint64_t meant = offset + (uint64_t)reference->rela.r_addend +
				 (x86_64_is_relative(ELF64_R_TYPE(reference->rela.r_info)) ? 4 : 0);
		if (meant <= object->sections[symbol->elf.st_shndx].sh_size)
			reference->to = find_piece(object, symbol->elf.st_shndx, meant);
	}
	reference->to_offset = offset - object->pieces[reference->to].begin;
}

bool object_next(const struct object *object, struct object_walk *walk, struct object_reference *out,
		 struct error **e)
{
	for (; walk->table < object->section_count; walk->table++, walk->index = 0) {
		const Elf64_Shdr *table = &object->sections[walk->table];
		if ((table->sh_type != SHT_RELA && table->sh_type != SHT_REL) ||
		    table->sh_info >= object->section_count || !is_placed(object, table->sh_info))
			continue;
		if (table->sh_type == SHT_REL || table->sh_entsize != sizeof(Elf64_Rela) ||
		    object->sections[table->sh_info].sh_type == SHT_NOBITS) {
			*e = object_malformed("its relocations");
			return false;
		}
		if (walk->index >= table->sh_size / sizeof(Elf64_Rela))
			continue;
		*out = (struct object_reference){0};
		memcpy(&out->rela, object->bytes + table->sh_offset + walk->index++ * sizeof(Elf64_Rela),
		       sizeof(Elf64_Rela));
		out->symbol = ELF64_R_SYM(out->rela.r_info);
		out->from = find_piece(object, table->sh_info, out->rela.r_offset);
		if (out->symbol >= object->symbol_count ||
		    out->rela.r_offset >= object->sections[table->sh_info].sh_size) {
			*e = object_malformed("a relocation");
			return false;
		}
		out->from_offset = out->rela.r_offset - object->pieces[out->from].begin;
		find_target(object, out);
		return true;
	}
	return false;
}
