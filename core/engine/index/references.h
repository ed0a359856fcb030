/* What a text refers to: each name in it, and how it is used, as far as tokens tell.
 *
 * A reader goes through any text. What the declarations of an index refer to is read once and stays with the index: so one
 * thread at a time may ask about one. */
#ifndef RTF_REFERENCES_H
#define RTF_REFERENCES_H

#include "index.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

enum reference_kind {
	REFERENCE_NONE,      /* a keyword, or an attribute's word */
	REFERENCE_ORDINARY,  /* a function, a variable, a type */
	REFERENCE_TAG,       /* of a struct, a union or an enum */
	REFERENCE_MEMBER,    /* behind `.` or `->` */
	REFERENCE_DIRECTIVE, /* no name but a whole line, with its `#` */
};

struct reference {
	uint32_t begin, end; /* in the text */
	uint32_t first;      /* ordinary and tag: its spelling's first in the index's names, or INDEX_NONE */
	uint8_t kind;        /* enum reference_kind */
	char keyword;        /* tag: the first letter of its `struct`, `union` or `enum` */
	bool by_value : 1;   /* as an object, not through a pointer */
	bool element : 1;    /* of an array: whole even in what only mentions types */
	bool in_code : 1;    /* else it is no function or variable of that name */
};

struct reference_reader {
	const struct index *ix;
	struct token_reader tokens;
	struct token next, before;
	char keyword; /* of the tag that is to come; 0: of none */
	bool code;
	uint32_t code_end; /* up to here it is code in any case: the operand of sizeof or the like */
};

/* Reads [begin, end) of a text. `code`: it is that, or may be; else a declaration, of which only operands are. */
void reference_reader_init(struct reference_reader *, const struct index *, const char *text, uint32_t begin,
			   uint32_t end, bool code);

/* False at the end. */
bool reference_next(struct reference_reader *, struct reference *out);

/* Of a declaration, without its initialisers and without a function's body: tags, and what the index knows of the ordinary
 * ones. */
struct references {
	struct declaration_cut record; /* of a struct or union with a tag: its members; else empty */
	uint32_t count;
	struct reference items[]; /* in text order */
};

/* The index's; NULL without memory. */
const struct references *references_of(struct index *, const struct index_declaration *);

#endif
