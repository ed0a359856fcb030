#include "debugger.h"
#include "lines.h"
#include "message.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what is known ------------------------------------------------------------------------------------------------ */

struct function {
	const char *name;
	uint64_t address, size;
};

struct row {
	uint64_t address;
	unsigned file, line;
};

enum { FILES_MAX = 16, FUNCTIONS_MAX = 64 };

struct facts {
	const struct debugger_code *code;
	uint64_t text, text_size; /* run-time address of the section that the function is in */
	struct function functions[FUNCTIONS_MAX];
	size_t function_count;
	char *files[FILES_MAX]; /* from 1 in DWARF */
	size_t file_count;
	uint16_t section; /* that the function is in */
	struct row *rows;
	size_t row_count, row_room;
};

/* The object is the compiler's and was linked: its tables are sound, and are looked at within their bounds all the same. */
struct sections {
	const unsigned char *bytes;
	size_t size;
	Elf64_Shdr *headers; /* copied: libtcc does not align them */
	size_t count;
	const char *names;
	size_t names_size;
};

static bool read_sections(const struct compile_object *object, struct sections *s)
{
	Elf64_Ehdr elf;

	*s = (struct sections){.bytes = object->bytes, .size = object->size};
	if (object->size < sizeof(elf))
		return false;
	memcpy(&elf, object->bytes, sizeof(elf));
	if (elf.e_shoff > object->size || (object->size - elf.e_shoff) / sizeof(Elf64_Shdr) < elf.e_shnum ||
	    elf.e_shstrndx >= elf.e_shnum)
		return false;
	s->headers = calloc(elf.e_shnum, sizeof(*s->headers));
	if (!s->headers)
		return false;
	s->count = elf.e_shnum;
	memcpy(s->headers, object->bytes + elf.e_shoff, s->count * sizeof(*s->headers));
	for (size_t i = 0; i < s->count; i++)
		if (s->headers[i].sh_type != SHT_NOBITS &&
		    (s->headers[i].sh_offset > s->size ||
		     s->headers[i].sh_size > s->size - s->headers[i].sh_offset))
			return false;
	s->names = (const char *)s->bytes + s->headers[elf.e_shstrndx].sh_offset;
	s->names_size = s->headers[elf.e_shstrndx].sh_size;
	return true;
}

/* A string of a table; "" beyond its end. */
static const char *string_at(const char *table, size_t size, size_t at)
{
	return at < size && memchr(table + at, '\0', size - at) ? table + at : "";
}

static const Elf64_Shdr *find_section(const struct sections *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(string_at(s->names, s->names_size, s->headers[i].sh_name), name) == 0)
			return &s->headers[i];
	return NULL;
}

/* The functions with code in one section; SHN_UNDEF: in any. Only those called `name`, unless that is NULL. */
static size_t each_function(const struct sections *s, const char *name, uint16_t section,
			    void (*take)(void *context, const Elf64_Sym *, const char *name), void *context)
{
	const Elf64_Shdr *table = find_section(s, ".symtab");
	size_t found = 0;

	if (!table || table->sh_link >= s->count)
		return 0;
	const char *names = (const char *)s->bytes + s->headers[table->sh_link].sh_offset;
	for (size_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;
		memcpy(&symbol, s->bytes + table->sh_offset + at, sizeof(symbol));
		const char *its = string_at(names, s->headers[table->sh_link].sh_size, symbol.st_name);
		if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || !symbol.st_size || !symbol.st_shndx ||
		    symbol.st_shndx >= s->count || (section && symbol.st_shndx != section) ||
		    (name && strcmp(its, name) != 0))
			continue;
		take(context, &symbol, its);
		found++;
	}
	return found;
}

static void take_own(void *context, const Elf64_Sym *symbol, const char *name)
{
	(void)name;
	*(Elf64_Sym *)context = *symbol;
}

static void take_function(void *context, const Elf64_Sym *symbol, const char *name)
{
	struct facts *f = context;

	if (f->function_count < FUNCTIONS_MAX)
		f->functions[f->function_count++] =
			(struct function){name, f->text + symbol->st_value, symbol->st_size};
}

/* The function's own symbol says where its section went; the other functions there came along with it. */
static bool read_functions(const struct sections *s, struct facts *f)
{
	Elf64_Sym own;

	if (!each_function(s, f->code->name, SHN_UNDEF, take_own, &own))
		return false;
	f->section = own.st_shndx;
	f->text = f->code->address - own.st_value;
	f->text_size = s->headers[own.st_shndx].sh_size;
	return each_function(s, NULL, own.st_shndx, take_function, f) != 0;
}

static const struct function *function_named(const struct facts *f, const char *name, size_t length)
{
	for (size_t i = 0; i < f->function_count; i++)
		if (strlen(f->functions[i].name) == length && memcmp(f->functions[i].name, name, length) == 0)
			return &f->functions[i];
	return NULL;
}

/* --- lines ------------------------------------------------------------------------------------------------ */

struct stab {
	uint32_t string;
	uint8_t type, other;
	uint16_t line;
	uint32_t value;
};

enum { STAB_FUN = 0x24, STAB_SLINE = 0x44, STAB_SOL = 0x84 };

static unsigned file_number(struct facts *f, const char *file)
{
	for (size_t i = 0; i < f->file_count; i++)
		if (strcmp(f->files[i], file) == 0)
			return (unsigned)i + 1;
	if (f->file_count == FILES_MAX || !(f->files[f->file_count] = strdup(file)))
		return 1;
	return (unsigned)++f->file_count;
}

static bool add_row(struct facts *f, struct row row)
{
	if (f->row_count && f->rows[f->row_count - 1].address == row.address)
		f->row_count--; /* nothing between them */
	if (f->row_count == f->row_room) {
		size_t room = f->row_room ? f->row_room * 2 : 64;
		void *more = realloc(f->rows, room * sizeof(*f->rows));
		if (!more)
			return false;
		f->rows = more;
		f->row_room = room;
	}
	f->rows[f->row_count++] = row;
	return true;
}

static void take_row(void *context, uint64_t offset, const char *file, unsigned line)
{
	struct facts *f = context;
	struct row row = {f->text + offset, file_number(f, file), line};
	const struct row *last = f->row_count ? &f->rows[f->row_count - 1] : NULL;

	if (offset < f->text_size && !(last && last->file == row.file && last->line == row.line))
		add_row(f, row);
}

/* Lines' values count from the beginning of their function; a line has 16 bits, the rest is what makes it go on. */
static bool read_stabs(const struct sections *s, struct facts *f)
{
	const Elf64_Shdr *table = find_section(s, ".stab"), *strings = find_section(s, ".stabstr");
	const struct function *function = NULL;
	unsigned file = 1;

	if (!table || !strings)
		return true;
	const char *names = (const char *)s->bytes + strings->sh_offset;
	for (size_t at = 0; at + sizeof(struct stab) <= table->sh_size; at += sizeof(struct stab)) {
		struct stab stab;
		memcpy(&stab, s->bytes + table->sh_offset + at, sizeof(stab));
		const char *name = string_at(names, strings->sh_size, stab.string);
		if (stab.type == STAB_SOL)
			file = file_number(f, name);
		if (stab.type == STAB_FUN)
			function = *name ? function_named(f, name, strcspn(name, ":")) : NULL;
		if (stab.type != STAB_SLINE || !function || stab.value >= function->size)
			continue;
		unsigned line = stab.line;
		if (f->code->line > UINT16_MAX && file == 1)
			line += (f->code->line - line + 0x8000u) & ~0xffffu;
		if (!add_row(f, (struct row){function->address + stab.value, file, line}))
			return false;
	}
	return true;
}

/* --- bytes --------------------------------------------------------------------------------------------------------- */

static void put(struct text *t, uint64_t value, size_t bytes)
{
	text_append(t, (const char *)&value, bytes);
}

static void put_string(struct text *t, const char *string)
{
	text_append(t, string, strlen(string) + 1);
}

static void put_uleb(struct text *t, uint64_t value)
{
	do {
		unsigned char byte = value & 0x7f;
		value >>= 7;
		put(t, byte | (value ? 0x80u : 0), 1);
	} while (value);
}

static void put_sleb(struct text *t, int64_t value)
{
	for (;;) {
		unsigned char byte = value & 0x7f;
		value >>= 7;
		bool last = (value == 0 && !(byte & 0x40)) || (value == -1 && byte & 0x40);
		put(t, byte | (last ? 0u : 0x80u), 1);
		if (last)
			return;
	}
}

/* A length that was left out at `at`: of what follows its four bytes. */
static void set_length(struct text *t, size_t at)
{
	uint32_t length = (uint32_t)(t->size - at - sizeof(length));

	if (!t->failed)
		memcpy(t->bytes + at, &length, sizeof(length));
}

/* --- DWARF --------------------------------------------------------------------------------------------------------- */

enum {
	TAG_COMPILE_UNIT = 0x11,
	TAG_SUBPROGRAM = 0x2e,
	AT_NAME = 0x03,
	AT_STMT_LIST = 0x10,
	AT_LOW_PC = 0x11,
	AT_HIGH_PC = 0x12,
	AT_LANGUAGE = 0x13,
	AT_DECL_FILE = 0x3a,
	AT_DECL_LINE = 0x3b,
	AT_EXTERNAL = 0x3f,
	AT_FRAME_BASE = 0x40,
	FORM_ADDR = 0x01,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_DATA1 = 0x0b,
	FORM_UDATA = 0x0f,
	FORM_SEC_OFFSET = 0x17,
	FORM_EXPRLOC = 0x18,
	FORM_FLAG_PRESENT = 0x19,
	LANG_C11 = 0x1d,
	OP_CALL_FRAME_CFA = 0x9c,
};

static const unsigned char abbreviations[] = {
	1,
	TAG_COMPILE_UNIT,
	1,
	AT_LANGUAGE,
	FORM_DATA1,
	AT_NAME,
	FORM_STRING,
	AT_LOW_PC,
	FORM_ADDR,
	AT_HIGH_PC,
	FORM_DATA8,
	AT_STMT_LIST,
	FORM_SEC_OFFSET,
	0,
	0,
	2,
	TAG_SUBPROGRAM,
	0,
	AT_EXTERNAL,
	FORM_FLAG_PRESENT,
	AT_NAME,
	FORM_STRING,
	AT_DECL_FILE,
	FORM_UDATA,
	AT_DECL_LINE,
	FORM_UDATA,
	AT_LOW_PC,
	FORM_ADDR,
	AT_HIGH_PC,
	FORM_DATA8,
	AT_FRAME_BASE,
	FORM_EXPRLOC,
	0,
	0,
	0,
};

static unsigned first_line(const struct facts *f, const struct function *function)
{
	for (size_t i = 0; i < f->row_count; i++)
		if (f->rows[i].address == function->address)
			return f->rows[i].line;
	return f->code->line;
}

static void write_info(const struct facts *f, struct text *t)
{
	size_t start = t->size;

	put(t, 0, 4);
	put(t, 4, 2); /* DWARF 4 */
	put(t, 0, 4); /* abbreviations */
	put(t, 8, 1);
	put_uleb(t, 1);
	put(t, LANG_C11, 1);
	put_string(t, f->files[0]);
	put(t, f->text, 8);
	put(t, f->text_size, 8);
	put(t, 0, 4); /* lines */
	for (size_t i = 0; i < f->function_count; i++) {
		put_uleb(t, 2);
		put_string(t, f->functions[i].name);
		put_uleb(t, 1);
		put_uleb(t, first_line(f, &f->functions[i]));
		put(t, f->functions[i].address, 8);
		put(t, f->functions[i].size, 8);
		put_uleb(t, 1);
		put(t, OP_CALL_FRAME_CFA, 1);
	}
	put_uleb(t, 0);
	set_length(t, start);
}

static void write_line_head(const struct facts *f, struct text *t)
{
	static const unsigned char operands[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};

	put(t, 4, 2);
	size_t head = t->size;
	put(t, 0, 4);
	put(t, 1, 1);           /* shortest instruction */
	put(t, 1, 1);           /* operations in one */
	put(t, 1, 1);           /* rows are statements */
	put(t, (uint8_t)-5, 1); /* for special opcodes, of which there are none here */
	put(t, 14, 1);
	put(t, 13, 1);
	text_append(t, (const char *)operands, sizeof(operands));
	put(t, 0, 1); /* no directories: names are whole */
	for (size_t i = 0; i < f->file_count; i++) {
		put_string(t, f->files[i]);
		put(t, 0, 3);
	}
	put(t, 0, 1);
	set_length(t, head);
}

enum { LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS };

static void write_lines(const struct facts *f, struct text *t)
{
	size_t start = t->size;
	struct row at = {f->text, 1, 1};

	put(t, 0, 4);
	write_line_head(f, t);
	put(t, 0, 1);
	put_uleb(t, 9);
	put(t, LNE_SET_ADDRESS, 1);
	put(t, f->text, 8);
	for (size_t i = 0; i < f->row_count; i++) {
		const struct row *row = &f->rows[i];
		if (row->address < at.address)
			continue;
		put(t, LNS_ADVANCE_PC, 1);
		put_uleb(t, row->address - at.address);
		if (row->file != at.file) {
			put(t, LNS_SET_FILE, 1);
			put_uleb(t, row->file);
		}
		put(t, LNS_ADVANCE_LINE, 1);
		put_sleb(t, (int64_t)row->line - at.line);
		put(t, LNS_COPY, 1);
		at = *row;
	}
	put(t, LNS_ADVANCE_PC, 1);
	put_uleb(t, f->text + f->text_size - at.address);
	put(t, 0, 1);
	put_uleb(t, 1);
	put(t, LNE_END_SEQUENCE, 1);
	set_length(t, start);
}

/* --- unwinding ----------------------------------------------------------------------------------------------------- */

enum {
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_ADVANCE_LOC = 0x40,
	CFA_OFFSET = 0x80,
	REGISTER_RBP = 6,
	REGISTER_RSP = 7,
	REGISTER_RA = 16,
};

static void pad(struct text *t, size_t from)
{
	while ((t->size - from) % 8 && !t->failed)
		put(t, 0, 1); /* DW_CFA_nop */
}

/* How a pointer is written (the LSB's core specification, 10.5.1). */
enum {
	PE_ABSOLUTE = 0,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_RELATIVE = 0x10,
	PE_INDIRECT = 0x80,
	PE_OMIT = 0xff,
};

/* Addresses are absolute, so that one table serves gdb, which reads a copy, and libgcc, which reads it where it is.
 * `personality`: the function that knows what is to be cleaned up, or with PE_INDIRECT a pointer to it; 0: none. */
static void write_cie(struct text *t, uint64_t personality, unsigned encoding)
{
	size_t start = t->size;

	put(t, 0, 4);
	put(t, 0, 4);
	put(t, 1, 1);
	put_string(t, personality ? "zPLR" : "zR");
	put_uleb(t, 1);
	put_sleb(t, -8);
	put(t, REGISTER_RA, 1);
	put_uleb(t, personality ? 1 + 8 + 1 + 1 : 1);
	if (personality) {
		put(t, encoding, 1);
		put(t, personality, 8);
		put(t, PE_ABSOLUTE, 1); /* of the function's table */
	}
	put(t, PE_ABSOLUTE, 1);
	put(t, CFA_DEF_CFA, 1);
	put_uleb(t, REGISTER_RSP);
	put_uleb(t, 8);
	put(t, CFA_OFFSET | REGISTER_RA, 1);
	put_uleb(t, 1);
	pad(t, start + 4);
	set_length(t, start);
}

/* `cleanups`: the function's table for its personality, or 0; NULL where its CIE names no personality. */
static size_t begin_fde(struct text *t, size_t cie, uint64_t address, uint64_t size, const uint64_t *cleanups)
{
	size_t start = t->size;

	put(t, 0, 4);
	put(t, t->size - cie, 4);
	put(t, address, 8);
	put(t, size, 8);
	put_uleb(t, cleanups ? 8 : 0);
	if (cleanups)
		put(t, *cleanups, 8);
	return start;
}

static void end_fde(struct text *t, size_t start)
{
	pad(t, start + 4);
	set_length(t, start);
}

/* libtcc's functions all begin with push %rbp; mov %rsp,%rbp and end with leave; ret. */
static void write_tcc_fde(struct text *t, size_t cie, const struct function *function)
{
	size_t start = begin_fde(t, cie, function->address, function->size, NULL);

	put(t, CFA_ADVANCE_LOC | 1, 1);
	put(t, CFA_DEF_CFA_OFFSET, 1);
	put_uleb(t, 16);
	put(t, CFA_OFFSET | REGISTER_RBP, 1);
	put_uleb(t, 2);
	put(t, CFA_ADVANCE_LOC | 3, 1);
	put(t, CFA_DEF_CFA_REGISTER, 1);
	put_uleb(t, REGISTER_RBP);
	if (function->size > 5) {
		put(t, CFA_ADVANCE_LOC4, 1);
		put(t, function->size - 5, 4);
		put(t, CFA_DEF_CFA, 1);
		put_uleb(t, REGISTER_RSP);
		put_uleb(t, 8);
	}
	end_fde(t, start);
}

/* A place in cc's table, in its bytes and in the program. */
struct cursor {
	const unsigned char *at, *end;
	uint64_t address; /* of `at` */
	bool failed;      /* it went beyond the end, or met what it does not know */
};

static uint64_t read_fixed(struct cursor *c, size_t bytes)
{
	uint64_t value = 0;

	if (c->failed || (size_t)(c->end - c->at) < bytes) {
		c->failed = true;
		return 0;
	}
	memcpy(&value, c->at, bytes);
	c->at += bytes;
	c->address += bytes;
	return value;
}

static uint64_t read_uleb(struct cursor *c)
{
	uint64_t value = 0, byte = 0x80;

	for (unsigned shift = 0; byte & 0x80 && !c->failed; shift += 7) {
		byte = read_fixed(c, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
	}
	return value;
}

/* The address that it means; with PE_INDIRECT of where that stands. 0 is none. */
static uint64_t read_pointer(struct cursor *c, unsigned encoding)
{
	unsigned format = encoding & 0x0f;
	uint64_t here = c->address;
	bool wide = format == PE_ABSOLUTE || format == PE_UDATA8 || format == PE_SDATA8;

	if ((!wide && format != PE_UDATA4 && format != PE_SDATA4) || encoding & 0x60)
		c->failed = true;
	uint64_t value = read_fixed(c, wide ? 8 : 4);
	if (format == PE_SDATA4)
		value = (uint64_t)(int64_t)(int32_t)value;
	return value && encoding & PE_RELATIVE ? value + here : value;
}

/* What one of cc's CIEs says besides the registers, where it says of those the same as ours. */
struct cie {
	uint64_t personality; /* 0: none */
	unsigned personality_encoding, cleanups_encoding, address_encoding;
	size_t offset; /* in cc's table */
	size_t ours;   /* in the text: its counterpart */
};

/* False if it is none, or one that is not known. */
static bool read_cie(struct cursor c, struct cie *out)
{
	*out = (struct cie){.cleanups_encoding = PE_OMIT};
	if (read_fixed(&c, 4) != 0 || read_fixed(&c, 1) != 1 || c.failed)
		return false;
	const char *letters = (const char *)c.at;
	const char *behind = memchr(letters, '\0', (size_t)(c.end - c.at));
	if (!behind || *letters != 'z')
		return false;
	while (c.at <= (const unsigned char *)behind)
		read_fixed(&c, 1);
	if (read_uleb(&c) != 1 || read_fixed(&c, 1) != 0x78 || read_uleb(&c) != REGISTER_RA)
		return false; /* 0x78: -8 */
	read_uleb(&c);
	while (*++letters) {
		unsigned encoding = *letters == 'S' || *letters == 'B' ? 0 : (unsigned)read_fixed(&c, 1);
		if (*letters == 'R') {
			out->address_encoding = encoding;
		} else if (*letters == 'L') {
			out->cleanups_encoding = encoding;
		} else if (*letters == 'P') {
			out->personality = read_pointer(&c, encoding);
			out->personality_encoding = encoding & PE_INDIRECT;
		} else {
			return false;
		}
	}
	return !c.failed;
}

enum { CIES_MAX = 16 };

struct cies {
	struct cie known[CIES_MAX];
	size_t count;
};

/* The entry's CIE at `offset`; ours is written with the first that needs it. */
static const struct cie *find_cie(struct cies *cies, struct text *t, size_t plain,
				  const struct debugger_code *code, size_t offset)
{
	const unsigned char *table = code->unwind;
	struct cursor c = {table + offset, table + code->unwind_size, code->unwind_address + offset, false};

	for (size_t i = 0; i < cies->count; i++)
		if (cies->known[i].offset == offset)
			return &cies->known[i];
	if (cies->count == CIES_MAX)
		return NULL;
	struct cie *cie = &cies->known[cies->count];
	uint64_t length = read_fixed(&c, 4);
	if (length > (size_t)(c.end - c.at))
		return NULL;
	c.end = c.at + length;
	if (!read_cie(c, cie))
		return NULL;
	cie->offset = offset;
	cie->ours = plain;
	if (cie->personality) {
		cie->ours = t->size;
		write_cie(t, cie->personality, cie->personality_encoding);
	}
	cies->count++;
	return cie;
}

/* One of cc's entries, behind the word that leads to its CIE, with addresses that are absolute and the same instructions. */
static void write_cc_fde(struct text *t, const struct cie *cie, struct cursor c)
{
	uint64_t address = read_pointer(&c, cie->address_encoding);
	uint64_t size = read_pointer(&c, cie->address_encoding & 0x0f);
	uint64_t rest = read_uleb(&c), cleanups = 0;
	const unsigned char *before = c.at;

	if (c.failed || rest > (size_t)(c.end - c.at))
		return;
	if (cie->cleanups_encoding != PE_OMIT && rest)
		cleanups = read_pointer(&c, cie->cleanups_encoding);
	if (c.failed)
		return;
	size_t start = begin_fde(t, cie->ours, address, size, cie->personality ? &cleanups : NULL);
	text_append(t, (const char *)before + rest, (size_t)(c.end - before) - rest);
	end_fde(t, start);
}

/* The entries of cc's functions, and their CIEs: those with cleanups, under -fexceptions, have another than the rest. Those
 * that are not known are left out. */
static void write_cc_fdes(struct text *t, size_t plain, const struct debugger_code *code)
{
	const unsigned char *table = code->unwind, *end = table + code->unwind_size;
	struct cursor c = {table, end, code->unwind_address, false};
	struct cies cies = {.count = 0};

	while (c.at && c.at < c.end && !c.failed) {
		uint64_t length = read_fixed(&c, 4);
		if (!length || length < 4 || length > (size_t)(c.end - c.at))
			return;
		struct cursor entry = {c.at, c.at + length, c.address, false};
		size_t at = (size_t)(c.at - table);
		c.at += length;
		c.address += length;
		uint64_t back = read_fixed(&entry, 4);
		if (!back || back > at)
			continue; /* a CIE itself */
		const struct cie *cie = find_cie(&cies, t, plain, code, at - back);
		if (cie)
			write_cc_fde(t, cie, entry);
	}
}

static void write_frames(const struct facts *f, struct text *t)
{
	size_t cie = t->size;

	write_cie(t, 0, 0);
	if (f->code->object->backend == BACKEND_CC)
		write_cc_fdes(t, cie, f->code);
	for (size_t i = 0; f->code->object->backend == BACKEND_TCC && i < f->function_count; i++)
		write_tcc_fde(t, cie, &f->functions[i]);
	put(t, 0, 4); /* the end */
}

/* --- the image ----------------------------------------------------------------------------------------------------- */

/* No symbol table: .debug_info has the names, and every version's image is the program's memory. */
enum {
	SECTION_NULL,
	SECTION_TEXT,
	SECTION_INFO,
	SECTION_ABBREV,
	SECTION_LINE,
	SECTION_FRAME,
	SECTION_STRTAB,
	SECTIONS
};

static const char section_names[] = "\0.text\0.debug_info\0.debug_abbrev\0.debug_line\0.eh_frame";
static const unsigned char section_name_at[SECTIONS] = {0, 1, 7, 19, 33, 45, 0};

static void begin_section(struct text *t, size_t base, Elf64_Shdr *header, size_t align)
{
	while ((t->size - base) % align && !t->failed)
		put(t, 0, 1);
	header->sh_type = SHT_PROGBITS;
	header->sh_addralign = align;
	header->sh_offset = t->size - base;
}

static void end_section(const struct text *t, size_t base, Elf64_Shdr *header)
{
	header->sh_size = t->size - base - header->sh_offset;
}

/* Returns where its unwind table stands, from its beginning. */
static uint32_t write_image(const struct facts *f, struct text *t)
{
	size_t base = t->size;
	Elf64_Shdr headers[SECTIONS] = {
		[SECTION_TEXT] = {.sh_type = SHT_NOBITS,
				  .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				  .sh_addr = f->text,
				  .sh_size = f->text_size,
				  .sh_addralign = 1},
	};
	Elf64_Ehdr elf = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = f->text, /* for who looks for an address among many images */
		.e_ehsize = sizeof(elf),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTION_STRTAB};

	text_append(t, (const char *)&elf, sizeof(elf));
	headers[SECTION_TEXT].sh_offset = sizeof(elf);
	begin_section(t, base, &headers[SECTION_INFO], 1);
	write_info(f, t);
	end_section(t, base, &headers[SECTION_INFO]);
	begin_section(t, base, &headers[SECTION_ABBREV], 1);
	text_append(t, (const char *)abbreviations, sizeof(abbreviations));
	end_section(t, base, &headers[SECTION_ABBREV]);
	begin_section(t, base, &headers[SECTION_LINE], 1);
	write_lines(f, t);
	end_section(t, base, &headers[SECTION_LINE]);
	begin_section(t, base, &headers[SECTION_FRAME], 8);
	write_frames(f, t);
	end_section(t, base, &headers[SECTION_FRAME]);
	begin_section(t, base, &headers[SECTION_STRTAB], 1);
	text_append(t, section_names, sizeof(section_names));
	end_section(t, base, &headers[SECTION_STRTAB]);
	headers[SECTION_STRTAB].sh_type = SHT_STRTAB;
	for (size_t i = 0; i < SECTIONS; i++)
		headers[i].sh_name = section_name_at[i];
	while ((t->size - base) % 8 && !t->failed)
		put(t, 0, 1);
	elf.e_shoff = t->size - base;
	text_append(t, (const char *)headers, sizeof(headers));
	if (!t->failed)
		memcpy(t->bytes + base, &elf, sizeof(elf));
	return (uint32_t)headers[SECTION_FRAME].sh_offset;
}

static bool gather(const struct debugger_code *code, struct facts *f)
{
	struct sections sections;

	*f = (struct facts){.code = code};
	file_number(f, code->file);
	if (!f->file_count)
		return false;
	bool all = read_sections(code->object, &sections) && read_functions(&sections, f) &&
		   read_stabs(&sections, f);
	free(sections.headers);
	if (all && code->object->backend == BACKEND_CC)
		lines_each(code->object, f->section, take_row, f); /* without them it still has its name */
	return all;
}

bool debugger_image(const struct debugger_code *code, struct text *out)
{
	struct message_image head = {.address = code->address, .length = code->size};
	size_t start = out->size, behind = start + sizeof(head);
	struct facts f;

	text_append(out, (const char *)&head, sizeof(head));
	if (gather(code, &f)) {
		head.address = f.text;
		head.length = f.text_size;
		head.frame = write_image(&f, out);
		head.size = (uint32_t)(out->size - behind);
	}
	free(f.rows);
	while (f.file_count)
		free(f.files[--f.file_count]);
	if (out->failed)
		return false;
	if (out->size - start > MESSAGE_MAX) {
		out->size = behind;
		head.size = head.frame = 0;
	}
	memcpy(out->bytes + start, &head, sizeof(head));
	return true;
}

void debugger_map(pid_t pid, const struct debugger_code *code)
{
	const char *wanted = getenv("RTF_PERF");
	char path[64], line[512];

	if (!wanted || strcmp(wanted, "1") != 0)
		return;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)pid);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int n = snprintf(line, sizeof(line), "%llx %zx %s\n", (unsigned long long)code->address, code->size,
			 code->name);
	if (fd < 0)
		return;
	if (n > 0 && (size_t)n < sizeof(line) && write(fd, line, (size_t)n) < 0)
		unlink(path); /* half of it would mislead */
	close(fd);
}
