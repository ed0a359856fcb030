#include "link.h"
#include "x86_64.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 4096,
	FUNCTION_ALIGN = 16,
	UNRESOLVED_SHOWN = 5,
	SECTION_UNWIND = 0x70000001 /* SHT_X86_64_UNWIND */
};

/* What is placed as a whole: a section, or one variable of a section that holds several. */
struct piece {
	uint32_t section; /* SHN_COMMON: of no section */
	uint64_t begin, size, align;
	enum { PIECE_CODE, PIECE_CONSTANT, PIECE_VARIABLE } kind;
	const char *name;   /* a variable's, decorated as the compiler left it; NULL: none */
	uint64_t name_size; /* what the symbol says, without padding */
	bool local;
	bool anonymous; /* libtcc's string or floating point constant, or an unnamed object of its */
	bool reached, bound;
	uint32_t symbol; /* for order: a variable's index in the symbol table */
	unsigned nth;
	uint64_t address; /* run time */
	unsigned char *view;
};

enum { NO_PIECE = UINT32_MAX };

struct symbol {
	Elf64_Sym elf;
	const char *name;
	uint32_t piece; /* NO_PIECE: undefined, absolute, or of something that is not placed */
	enum { SYMBOL_UNASKED, SYMBOL_FOUND, SYMBOL_MISSING } state;
	struct link_symbol value;
};

struct object {
	const unsigned char *bytes;
	size_t size;
	Elf64_Shdr *sections;
	uint32_t section_count;
	const char *section_names;
	uint64_t section_names_size;
	struct symbol *symbols;
	uint32_t symbol_count;
	struct piece *pieces;
	uint32_t piece_count, piece_room;
};

struct link {
	struct object object;
	const char *function;
	uint32_t function_symbol;
	const struct link_names *names;
	const struct link_region *code, *data;
	size_t code_used, data_used;
	struct x86_64_pool pool;
};

static struct error *malformed(const char *what)
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

static const char *section_name(const struct object *object, uint32_t index)
{
	uint32_t at = object->sections[index].sh_name;
	return at < object->section_names_size ? object->section_names + at : "";
}

static struct error *read_sections(struct object *object)
{
	Elf64_Ehdr header;
	if (object->size < sizeof header)
		return malformed("it is too short");
	memcpy(&header, object->bytes, sizeof header);
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_REL ||
	    header.e_machine != EM_X86_64)
		return malformed("not a relocatable x86-64 ELF file");
	if (header.e_shentsize != sizeof(Elf64_Shdr) || !header.e_shnum ||
	    !in_file(object, header.e_shoff, header.e_shnum * (uint64_t)sizeof(Elf64_Shdr)))
		return malformed("its section headers");

	object->section_count = header.e_shnum;
	object->sections = calloc(header.e_shnum, sizeof *object->sections);
	if (!object->sections)
		return error_memory();
	memcpy(object->sections, object->bytes + header.e_shoff, header.e_shnum * sizeof *object->sections);
	for (uint32_t i = 1; i < object->section_count; i++) {
		const Elf64_Shdr *section = &object->sections[i];
		if (section->sh_type != SHT_NOBITS && section->sh_type != SHT_NULL &&
		    !in_file(object, section->sh_offset, section->sh_size))
			return malformed("a section that the file does not hold");
		if (section->sh_addralign & (section->sh_addralign - 1))
			return malformed("an alignment that is no power of two");
	}
	object->sections[0] = (Elf64_Shdr){0};
	if (!read_strings(object, header.e_shstrndx, &object->section_names, &object->section_names_size))
		return malformed("its section names");
	return NULL;
}

static struct error *read_symbol(const struct object *object, const char *strings, uint64_t strings_size,
				 struct symbol *symbol)
{
	const Elf64_Sym *elf = &symbol->elf;
	if (elf->st_name >= strings_size)
		return malformed("a symbol's name");
	symbol->name = strings + elf->st_name;
	symbol->piece = NO_PIECE;
	if (elf->st_shndx == SHN_XINDEX ||
	    (elf->st_shndx < SHN_LORESERVE && elf->st_shndx >= object->section_count))
		return malformed("a symbol's section");
	if (elf->st_shndx == SHN_UNDEF || elf->st_shndx >= SHN_LORESERVE)
		return NULL;
	const Elf64_Shdr *section = &object->sections[elf->st_shndx];
	if ((section->sh_flags & SHF_ALLOC) &&
	    (elf->st_value > section->sh_size || elf->st_size > section->sh_size - elf->st_value))
		return malformed("a symbol outside its section");
	return NULL;
}

static struct error *read_symbols(struct object *object)
{
	const Elf64_Shdr *table = NULL;
	for (uint32_t i = 1; i < object->section_count; i++) {
		if (object->sections[i].sh_type != SHT_SYMTAB)
			continue;
		if (table)
			return malformed("two symbol tables");
		table = &object->sections[i];
	}
	const char *strings;
	uint64_t strings_size;
	if (!table || table->sh_entsize != sizeof(Elf64_Sym) ||
	    table->sh_size / sizeof(Elf64_Sym) >= UINT32_MAX ||
	    !read_strings(object, table->sh_link, &strings, &strings_size))
		return malformed("its symbol table");

	uint32_t count = (uint32_t)(table->sh_size / sizeof(Elf64_Sym));
	object->symbols = calloc(count ? count : 1, sizeof *object->symbols);
	if (!object->symbols)
		return error_memory();
	object->symbol_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct symbol *symbol = &object->symbols[i];
		memcpy(&symbol->elf, object->bytes + table->sh_offset + i * sizeof(Elf64_Sym),
		       sizeof(Elf64_Sym));
		struct error *e = read_symbol(object, strings, strings_size, symbol);
		if (e)
			return e;
	}
	return NULL;
}

static void object_fini(struct object *object)
{
	free(object->sections);
	free(object->symbols);
	free(object->pieces);
}

static struct error *object_init(struct object *object, const void *bytes, size_t size)
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
	       !begins(section_name(object, index), "__patchable_function_entries");
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
	const char *name = section_name(object, index);
	if (section->sh_flags & SHF_TLS)
		return error_new(ERROR_INTERNAL,
				 "a new thread-local variable cannot be added to a running program");
	if (section->sh_type == SHT_INIT_ARRAY || section->sh_type == SHT_FINI_ARRAY ||
	    section->sh_type == SHT_PREINIT_ARRAY || begins(name, ".ctors") || begins(name, ".dtors"))
		return error_new(ERROR_INTERNAL,
				 "a constructor or destructor cannot be added to a running program");
	if (section->sh_type != SHT_PROGBITS && section->sh_type != SHT_NOBITS &&
	    section->sh_type != SECTION_UNWIND)
		return error_new(ERROR_INTERNAL, "section %s of unknown type %u", name, section->sh_type);
	if (section->sh_addralign > PAGE)
		return error_new(ERROR_INTERNAL, "section %s is aligned to more than a page", name);
	return NULL;
}

/* A new piece, zero; NULL without memory. Pointers to older ones end here. */
static struct piece *add_piece(struct object *object)
{
	if (object->piece_count == object->piece_room) {
		uint32_t room = object->piece_room ? object->piece_room * 2 : 32;
		struct piece *bigger = realloc(object->pieces, room * sizeof *bigger);
		if (!bigger)
			return NULL;
		object->pieces = bigger;
		object->piece_room = room;
	}
	struct piece *piece = &object->pieces[object->piece_count++];
	*piece = (struct piece){.align = 1};
	return piece;
}

static bool is_variable(const struct symbol *symbol)
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
	struct piece *piece = add_piece(object);
	if (!piece)
		return error_memory();
	piece->section = index;
	piece->size = section->sh_size;
	piece->align = higher(section->sh_addralign, kind == PIECE_CODE ? FUNCTION_ALIGN : 1);
	piece->kind = kind;
	return NULL;
}

struct mark {
	uint64_t offset;
	uint32_t symbol;
};

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->symbol < b->symbol ? -1 : a->symbol > b->symbol;
}

static void name_piece(struct piece *piece, const struct symbol *symbol, uint32_t index)
{
	piece->name = symbol->name;
	piece->name_size = symbol->elf.st_size;
	piece->local = ELF64_ST_BIND(symbol->elf.st_info) == STB_LOCAL;
	piece->anonymous = is_anonymous(symbol->name);
	piece->symbol = index;
}

/* Cuts a section at its variables: libtcc puts all of them, and strings and constants too, into one. */
static struct error *add_variables(struct object *object, uint32_t index)
{
	const Elf64_Shdr *section = &object->sections[index];
	struct mark *marks = calloc(object->symbol_count + 1, sizeof *marks);
	if (!marks)
		return error_memory();
	size_t count = 0;
	for (uint32_t i = 1; i < object->symbol_count; i++) {
		const struct symbol *symbol = &object->symbols[i];
		if (symbol->elf.st_shndx == index && is_variable(symbol) &&
		    symbol->elf.st_value < section->sh_size)
			marks[count++] = (struct mark){symbol->elf.st_value, i};
	}
	qsort(marks, count, sizeof *marks, compare_marks);

	struct error *e = NULL;
	if (!count || marks[0].offset) { /* what comes before the first name */
		e = add_whole(object, index, PIECE_VARIABLE);
		if (!e && count)
			object->pieces[object->piece_count - 1].size = marks[0].offset;
	}
	for (size_t i = 0; i < count && !e; i++) {
		if (i && marks[i].offset == marks[i - 1].offset)
			continue; /* a second name for the same */
		struct piece *piece = add_piece(object);
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
		piece->kind = PIECE_VARIABLE;
		name_piece(piece, &object->symbols[marks[i].symbol], marks[i].symbol);
	}
	free(marks);
	return e;
}

static struct error *add_common(struct object *object, uint32_t index)
{
	const Elf64_Sym *elf = &object->symbols[index].elf; /* st_value is its alignment */
	if ((elf->st_value & (elf->st_value - 1)) || elf->st_value > PAGE)
		return malformed("a common variable's alignment");
	struct piece *piece = add_piece(object);
	if (!piece)
		return error_memory();
	piece->section = SHN_COMMON;
	piece->size = elf->st_size;
	piece->align = higher(elf->st_value, 1);
	piece->kind = PIECE_VARIABLE;
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
	if (section->sh_flags & SHF_EXECINSTR)
		return add_whole(object, index, PIECE_CODE);
	if (!(section->sh_flags & SHF_WRITE) || is_constant(section_name(object, index)))
		return add_whole(object, index, PIECE_CONSTANT);
	return add_variables(object, index);
}

/* The piece that holds `offset` of a section; its end belongs to the last. */
static uint32_t find_piece(const struct object *object, uint32_t section, uint64_t offset)
{
	uint32_t found = NO_PIECE;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct piece *piece = &object->pieces[i];
		if (piece->section == section && piece->begin <= offset &&
		    (found == NO_PIECE || piece->begin >= object->pieces[found].begin))
			found = i;
	}
	return found;
}

static struct error *cut_pieces(struct object *object)
{
	struct error *e = NULL;
	for (uint32_t i = 1; i < object->section_count && !e; i++)
		if (is_placed(object, i))
			e = add_section(object, i);
	for (uint32_t i = 1; i < object->symbol_count && !e; i++) {
		struct symbol *symbol = &object->symbols[i];
		if (symbol->elf.st_shndx == SHN_COMMON)
			e = add_common(object, i);
		else if (symbol->elf.st_shndx && symbol->elf.st_shndx < SHN_LORESERVE)
			symbol->piece = find_piece(object, symbol->elf.st_shndx, symbol->elf.st_value);
	}
	return e;
}

/* --- relocations, one by one ---------------------------------------------------------------------------- */

struct walk {
	uint32_t table, index; /* of the relocation section, and in it */
};

struct reference {
	Elf64_Rela rela;
	uint32_t from, to; /* pieces; `to` may be NO_PIECE */
	uint64_t from_offset;
	uint64_t to_offset; /* of the symbol in `to`; what is to be added besides the addend */
	uint32_t symbol;
};

/* The symbol that a relocation names, and which piece that is. A section's symbol means the variable that the
 * addend points into. */
static void find_target(const struct object *object, struct reference *reference)
{
	const struct symbol *symbol = &object->symbols[reference->symbol];
	reference->to = symbol->piece;
	reference->to_offset = 0;
	if (reference->to == NO_PIECE || symbol->elf.st_shndx == SHN_COMMON)
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

/* The next relocation of something that may be placed; false at the end or with an error. */
static bool next_reference(const struct object *object, struct walk *walk, struct reference *out,
			   struct error **e)
{
	for (; walk->table < object->section_count; walk->table++, walk->index = 0) {
		const Elf64_Shdr *table = &object->sections[walk->table];
		if ((table->sh_type != SHT_RELA && table->sh_type != SHT_REL) ||
		    table->sh_info >= object->section_count || !is_placed(object, table->sh_info))
			continue;
		if (table->sh_type == SHT_REL || table->sh_entsize != sizeof(Elf64_Rela) ||
		    object->sections[table->sh_info].sh_type == SHT_NOBITS) {
			*e = malformed("its relocations");
			return false;
		}
		if (walk->index >= table->sh_size / sizeof(Elf64_Rela))
			continue;
		*out = (struct reference){0};
		memcpy(&out->rela, object->bytes + table->sh_offset + walk->index++ * sizeof(Elf64_Rela),
		       sizeof(Elf64_Rela));
		out->symbol = ELF64_R_SYM(out->rela.r_info);
		out->from = find_piece(object, table->sh_info, out->rela.r_offset);
		if (out->symbol >= object->symbol_count ||
		    out->rela.r_offset >= object->sections[table->sh_info].sh_size) {
			*e = malformed("a relocation");
			return false;
		}
		out->from_offset = out->rela.r_offset - object->pieces[out->from].begin;
		find_target(object, out);
		return true;
	}
	return false;
}

/* --- what is reached, where it goes --------------------------------------------------------------------- */

static bool is_unwind(const struct object *object, const struct piece *piece)
{
	return piece->section != SHN_COMMON && !strcmp(section_name(object, piece->section), ".eh_frame");
}

/* Everything from the code on. libtcc's nameless objects that code refers to are constants; where only a
 * variable points to one, it may be written to (a compound literal at file scope) and stays a variable. */
static struct error *mark_reached(struct link *link)
{
	struct object *object = &link->object;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		struct piece *piece = &object->pieces[i];
		piece->reached = piece->kind == PIECE_CODE || is_unwind(object, piece);
	}
	struct error *e = NULL;
	for (bool more = true; more && !e;) {
		more = false;
		struct walk walk = {0};
		struct reference reference;
		while (next_reference(object, &walk, &reference, &e)) {
			const struct piece *from = &object->pieces[reference.from];
			if (!from->reached || reference.to == NO_PIECE)
				continue;
			struct piece *to = &object->pieces[reference.to];
			bool constant =
				from->kind != PIECE_VARIABLE && to->anonymous && to->kind == PIECE_VARIABLE;
			if (constant)
				to->kind = PIECE_CONSTANT;
			more |= constant || !to->reached;
			to->reached = true;
		}
	}
	return e;
}

/* A variable's name in the text: without numbers behind (gcc) and the function before it (clang). */
static void plain_name(const char *name, const char **begin, size_t *length)
{
	size_t end = strlen(name);
	for (;;) {
		size_t dot = end;
		while (dot && name[dot - 1] >= '0' && name[dot - 1] <= '9')
			dot--;
		if (dot == end || dot < 2 || name[dot - 1] != '.')
			break;
		end = dot - 1;
	}
	size_t start = end;
	while (start && name[start - 1] != '.')
		start--;
	*begin = name + start;
	*length = end - start;
}

static bool same_name(const struct piece *a, const struct piece *b)
{
	const char *left, *right;
	size_t left_length, right_length;
	plain_name(a->name, &left, &left_length);
	plain_name(b->name, &right, &right_length);
	return left_length == right_length && !memcmp(left, right, left_length);
}

/* The number that a compiler put behind a name; -1: none. */
static long name_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1) ? strtol(dot + 1, NULL, 10)
										 : -1;
}

static bool is_named_variable(const struct piece *piece)
{
	return piece->kind == PIECE_VARIABLE && piece->name && !piece->anonymous;
}

/* Source order: clang counts up (f.n, f.n.1, f.n.2), gcc down (n.2, n.1, n.0), libtcc's table is in order. */
static bool comes_before(const struct piece *a, const struct piece *b)
{
	long left = name_number(a->name), right = name_number(b->name);
	if (left == right)
		return a->symbol < b->symbol;
	if (left < 0 || right < 0)
		return left < 0;
	const char *plain;
	size_t length;
	plain_name(a->name, &plain, &length);
	return plain == a->name ? left > right : left < right;
}

/* Counts over all variables of the object, reached or not, so that numbers do not depend on what an edit
 * uses. */
static void count_names(struct object *object)
{
	for (uint32_t i = 0; i < object->piece_count; i++) {
		struct piece *piece = &object->pieces[i];
		if (!is_named_variable(piece))
			continue;
		for (uint32_t j = 0; j < object->piece_count; j++) {
			const struct piece *other = &object->pieces[j];
			if (j != i && is_named_variable(other) && same_name(other, piece) &&
			    comes_before(other, piece))
				piece->nth++;
		}
	}
}

static struct error *bind_variables(struct link *link)
{
	count_names(&link->object);
	for (uint32_t i = 0; i < link->object.piece_count; i++) {
		struct piece *piece = &link->object.pieces[i];
		if (!piece->reached || !is_named_variable(piece))
			continue;
		const char *begin;
		size_t length;
		plain_name(piece->name, &begin, &length);
		char *name = strndup(begin, length);
		if (!name)
			return error_memory();
		piece->bound = link->names->bind(link->names->context, name, piece->nth, piece->name_size,
						 piece->local, &piece->address);
		free(name);
	}
	return NULL;
}

static struct error *no_room(const char *what)
{
	return error_new(ERROR_INTERNAL, "the arena has no room left for %s", what);
}

static struct error *reserve(const struct link_region *region, size_t *used, struct piece *piece,
			     const char *what)
{
	uint64_t align = piece->align;
	uint64_t padding = -(region->address + *used) & (align - 1);
	if (*used > region->size || padding > region->size - *used ||
	    piece->size > region->size - *used - padding)
		return no_room(what);
	*used += padding;
	piece->view = region->view + *used;
	piece->address = region->address + *used;
	*used += piece->size;
	return NULL;
}

static void copy_piece(const struct object *object, const struct piece *piece)
{
	if (piece->section == SHN_COMMON || object->sections[piece->section].sh_type == SHT_NOBITS)
		memset(piece->view, 0, piece->size);
	else
		memcpy(piece->view, object->bytes + object->sections[piece->section].sh_offset + piece->begin,
		       piece->size);
}

static struct error *place_kind(struct link *link, int kind)
{
	bool variables = kind == PIECE_VARIABLE;
	for (uint32_t i = 0; i < link->object.piece_count; i++) {
		struct piece *piece = &link->object.pieces[i];
		if (!piece->reached || piece->bound || (int)piece->kind != kind)
			continue;
		struct error *e = reserve(variables ? link->data : link->code,
					  variables ? &link->data_used : &link->code_used, piece,
					  variables ? "variables" : "code");
		if (e)
			return e;
		copy_piece(&link->object, piece);
	}
	return NULL;
}

/* Variables of different versions never share a page: one that the program has written to is its own copy
 * from then on, and would not show what the engine adds to it later. */
static struct error *place(struct link *link)
{
	size_t skip = -(size_t)link->data->address & (PAGE - 1);
	link->data_used = skip;
	struct error *e = place_kind(link, PIECE_CODE);
	if (!e)
		e = place_kind(link, PIECE_CONSTANT);
	if (!e)
		e = place_kind(link, PIECE_VARIABLE);
	if (e)
		return e;
	if (link->data_used == skip) {
		link->data_used = 0;
		return NULL;
	}
	link->data_used += -(size_t)(link->data->address + link->data_used) & (PAGE - 1);
	return link->data_used <= link->data->size ? NULL : no_room("variables");
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool is_function(const struct link *link, uint32_t symbol)
{
	return symbol == link->function_symbol;
}

/* Whether the program is asked what this reference means. Unwind tables speak of this very version. */
static bool is_asked(const struct link *link, const struct reference *reference)
{
	const struct symbol *symbol = &link->object.symbols[reference->symbol];
	if (is_function(link, reference->symbol))
		return !is_unwind(&link->object, &link->object.pieces[reference->from]);
	return symbol->elf.st_shndx == SHN_UNDEF && reference->symbol && *symbol->name;
}

static void resolve_symbol(struct link *link, struct symbol *symbol)
{
	symbol->state = SYMBOL_FOUND;
	if (!strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_"))
		symbol->value.address = link->code->address;
	else if (!link->names->resolve(link->names->context, symbol->name, &symbol->value)) {
		symbol->value = (struct link_symbol){0};
		/* Where nobody has __tls_get_addr, the relocations before its calls make them direct. */
		if (ELF64_ST_BIND(symbol->elf.st_info) != STB_WEAK && strcmp(symbol->name, "__tls_get_addr"))
			symbol->state = SYMBOL_MISSING;
	}
}

/* Everything that is missing, as a list that the caller shows, and an error with the first of it. */
static struct error *report_unresolved(const struct link *link, size_t missing, struct link_result *out)
{
	char **list = calloc(missing + 1, sizeof *list);
	if (!list)
		return error_memory();
	char shown[512];
	int length = 0;
	size_t count = 0;
	for (uint32_t i = 1; i < link->object.symbol_count; i++) {
		const struct symbol *symbol = &link->object.symbols[i];
		if (symbol->state != SYMBOL_MISSING)
			continue;
		list[count] = strdup(symbol->name);
		if (!list[count]) {
			while (count)
				free(list[--count]);
			free(list);
			return error_memory();
		}
		if (count++ < UNRESOLVED_SHOWN)
			length += snprintf(shown + length, sizeof shown - (size_t)length, "%s%.80s",
					   length ? ", " : "", symbol->name);
	}
	out->unresolved = list;
	if (missing <= UNRESOLVED_SHOWN)
		return error_new(ERROR_UNKNOWN, "the program has no %s", shown);
	return error_new(ERROR_UNKNOWN, "the program has no %s and %zu more", shown,
			 missing - UNRESOLVED_SHOWN);
}

static struct error *resolve(struct link *link, struct link_result *out)
{
	struct object *object = &link->object;
	struct walk walk = {0};
	struct reference reference;
	struct error *e = NULL;
	size_t missing = 0;
	while (next_reference(object, &walk, &reference, &e)) {
		const struct piece *from = &object->pieces[reference.from];
		struct symbol *symbol = &object->symbols[reference.symbol];
		if (!from->reached || from->bound || !is_asked(link, &reference) ||
		    symbol->state != SYMBOL_UNASKED)
			continue;
		resolve_symbol(link, symbol);
		missing += symbol->state == SYMBOL_MISSING;
	}
	if (e || !missing)
		return e;
	return report_unresolved(link, missing, out);
}

/* --- relocating ----------------------------------------------------------------------------------------- */

static struct error *find_value(const struct link *link, const struct reference *reference,
				struct x86_64_symbol *out)
{
	const struct symbol *symbol = &link->object.symbols[reference->symbol];
	*out = (struct x86_64_symbol){.name = *symbol->name ? symbol->name : "a section"};
	if (is_asked(link, reference)) {
		out->address = symbol->value.address;
		out->thread_local = symbol->value.thread_local;
		out->block = symbol->value.block;
		return NULL;
	}
	if (reference->to != NO_PIECE) {
		out->address = link->object.pieces[reference->to].address + reference->to_offset;
		return NULL;
	}
	if (symbol->elf.st_shndx == SHN_ABS)
		out->address = symbol->elf.st_value;
	else if (reference->symbol)
		return error_new(ERROR_INTERNAL, "malformed object: %s is in a section that is not placed",
				 out->name);
	return NULL;
}

static struct error *relocate(struct link *link)
{
	struct object *object = &link->object;
	struct walk walk = {0};
	struct reference reference;
	struct error *e = NULL;
	bool swallow = false;
	while (!e && next_reference(object, &walk, &reference, &e)) {
		const struct piece *from = &object->pieces[reference.from];
		if (swallow) {
			swallow = false;
			continue;
		}
		if (!from->reached || from->bound)
			continue;
		struct x86_64_symbol symbol;
		struct x86_64_place place = {from->view, from->address, from->size, reference.from_offset};
		e = find_value(link, &reference, &symbol);
		if (!e)
			e = x86_64_relocate(&link->pool, &place, ELF64_R_TYPE(reference.rela.r_info), &symbol,
					    reference.rela.r_addend, &swallow);
	}
	return e;
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static struct error *find_function(struct link *link)
{
	for (uint32_t i = 1; i < link->object.symbol_count; i++) {
		const struct symbol *symbol = &link->object.symbols[i];
		if (ELF64_ST_TYPE(symbol->elf.st_info) != STT_FUNC || symbol->piece == NO_PIECE ||
		    ELF64_ST_BIND(symbol->elf.st_info) == STB_LOCAL || strcmp(symbol->name, link->function))
			continue;
		if (link->object.pieces[symbol->piece].kind != PIECE_CODE)
			return malformed("a function that is no code");
		link->function_symbol = i;
		return NULL;
	}
	return error_new(ERROR_INTERNAL, "the object does not define %s", link->function);
}

static void fill_variable(const struct piece *piece, struct link_variable *out)
{
	const char *begin;
	size_t length;
	plain_name(piece->name, &begin, &length);
	*out = (struct link_variable){.name = strndup(begin, length),
				      .nth = piece->nth,
				      .address = piece->address,
				      .size = piece->name_size,
				      .local = piece->local};
}

static struct error *fill_result(const struct link *link, struct link_result *out)
{
	const struct object *object = &link->object;
	const struct symbol *function = &object->symbols[link->function_symbol];
	const struct piece *code = &object->pieces[function->piece];
	struct link_result result = {0};
	result.entry = code->address + function->elf.st_value - code->begin;
	result.entry_size = function->elf.st_size;
	for (uint32_t i = 0; i < object->piece_count; i++)
		if (object->pieces[i].reached && !object->pieces[i].bound &&
		    object->pieces[i].kind != PIECE_VARIABLE)
			result.besides += object->pieces[i].size;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct piece *piece = &object->pieces[i];
		if (!piece->reached || !is_unwind(object, piece))
			continue;
		result.unwind = piece->address;
		result.unwind_size = piece->size;
		result.unwind_view = piece->view;
	}
	result.besides -= result.besides < function->elf.st_size ? result.besides : function->elf.st_size;
	result.code_size = link->pool.count ? link->pool.used : link->code_used;
	result.data_size = link->data_used;
	result.variables = calloc((size_t)object->piece_count + 1, sizeof *result.variables);
	if (!result.variables)
		return error_memory();
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct piece *piece = &object->pieces[i];
		if (!piece->reached || piece->bound || !is_named_variable(piece))
			continue;
		struct link_variable *variable = &result.variables[result.variable_count++];
		fill_variable(piece, variable);
		if (!variable->name) {
			link_result_fini(&result);
			return error_memory();
		}
	}
	*out = result;
	return NULL;
}

static struct error *link_pieces(struct link *link, struct link_result *out)
{
	struct error *e = cut_pieces(&link->object);
	if (!e)
		e = find_function(link);
	if (!e)
		e = mark_reached(link);
	if (!e)
		e = bind_variables(link);
	if (!e)
		e = place(link);
	if (!e)
		e = resolve(link, out);
	if (e)
		return e;
	size_t used = link->code_used + (-(link->code->address + link->code_used) & 7);
	link->pool = (struct x86_64_pool){.view = link->code->view,
					  .address = link->code->address,
					  .used = used,
					  .size = link->code->size};
	e = relocate(link);
	if (!e)
		e = fill_result(link, out);
	free(link->pool.entries);
	return e;
}

struct error *link_object(const void *object, size_t size, const char *function,
			  const struct link_names *names, const struct link_region *code,
			  const struct link_region *data, struct link_result *out)
{
	*out = (struct link_result){0};
	struct link link = {.function = function, .names = names, .code = code, .data = data};
	struct error *e = object_init(&link.object, object, size);
	if (!e)
		e = link_pieces(&link, out);
	object_fini(&link.object);
	return e;
}

void link_result_fini(struct link_result *result)
{
	for (size_t i = 0; i < result->variable_count; i++)
		free(result->variables[i].name);
	free(result->variables);
	for (char **name = result->unresolved; name && *name; name++)
		free(*name);
	free(result->unresolved);
	*result = (struct link_result){0};
}

struct error *link_each_undefined(const void *bytes, size_t size,
				  void (*each)(void *context, const char *name), void *context)
{
	struct object object;
	struct error *e = object_init(&object, bytes, size);
	for (uint32_t i = 1; i < object.symbol_count && !e; i++) {
		const struct symbol *symbol = &object.symbols[i];
		if (symbol->elf.st_shndx == SHN_UNDEF && *symbol->name)
			each(context, symbol->name);
	}
	object_fini(&object);
	return e;
}
