/* A relocatable ELF object, checked, and cut into the pieces that are placed one by one; every offset in it is distrusted.
 *
 * What does not fit is ERROR_INTERNAL, "malformed object". Borrows the object's bytes. Of a piece and a symbol the last
 * fields are zero here: link.h fills them as it places and resolves. Pure; any thread. Source: the ELF gABI. */
#ifndef RTF_OBJECT_H
#define RTF_OBJECT_H

#include "error.h"
#include "link.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is placed as a whole: a section, or one variable of a section that holds several. */
struct object_piece {
	uint32_t section; /* SHN_COMMON: of no section */
	uint64_t begin, size, align;
	enum {
		OBJECT_CODE,
		OBJECT_CONSTANT,
		OBJECT_VARIABLE,
		OBJECT_THREAD
	} kind;             /* the last is never placed */
	const char *name;   /* a variable's, decorated as the compiler left it; NULL: none */
	uint64_t name_size; /* what the symbol says, without padding */
	bool local;
	bool anonymous; /* libtcc's string or floating point constant, or an unnamed object of its */
	bool reached, bound;
	uint32_t symbol; /* for order: a variable's index in the symbol table */
	unsigned nth;
	uint64_t address; /* run time; of a thread-local: its offset, */
	bool added;       /* a thread-local that is new */
	uint64_t block;   /* and what that counts from, as in struct link_symbol */
	unsigned char *view;
};

enum { OBJECT_NO_PIECE = UINT32_MAX };

struct object_symbol {
	Elf64_Sym elf;
	const char *name;
	uint32_t piece; /* OBJECT_NO_PIECE: undefined, absolute, or of something that is not placed */
	enum { OBJECT_UNASKED, OBJECT_FOUND, OBJECT_MISSING } state;
	struct link_symbol value;
};

struct object {
	const unsigned char *bytes;
	size_t size;
	Elf64_Shdr *sections;
	uint32_t section_count;
	const char *section_names;
	uint64_t section_names_size;
	struct object_symbol *symbols;
	uint32_t symbol_count;
	struct object_piece *pieces;
	uint32_t piece_count, piece_room;
};

struct object_walk {
	uint32_t table, index; /* of the relocation section, and in it */
};

struct object_reference {
	Elf64_Rela rela;
	uint32_t from, to; /* pieces; `to` may be OBJECT_NO_PIECE */
	uint64_t from_offset;
	uint64_t to_offset; /* of the symbol in `to`; what is to be added besides the addend */
	uint32_t symbol;
};

/* Reads sections and symbols. object_fini in either case. */
struct error *object_init(struct object *, const void *bytes, size_t size);
void object_fini(struct object *);

/* Cuts what may be placed into pieces, and says of each symbol which one it is of. */
struct error *object_cut(struct object *);

/* The next relocation of something that may be placed; false at the end or with an error. Begins with a
 * walk that is all zeroes. */
bool object_next(const struct object *, struct object_walk *, struct object_reference *out, struct error **e);

const char *object_section_name(const struct object *, uint32_t index); /* "" if it has none */

struct error *object_malformed(const char *what);

#endif
