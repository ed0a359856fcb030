/* C types as libclang knows them after a check, kept on their own: the translation unit that they came from may go.
 *
 * A struct types owns a graph of types that may point to itself (a list's node). Immutable once made; one thread. */
#ifndef RTF_TYPE_H
#define RTF_TYPE_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_kind {
	TYPE_VOID,
	TYPE_BOOL,
	TYPE_INTEGER, /* char and __int128 too */
	TYPE_ENUM,
	TYPE_FLOAT,   /* by size: float, double, long double; else only its bytes are known */
	TYPE_COMPLEX, /* two of target */
	TYPE_POINTER,
	TYPE_ARRAY, /* count of target; a flexible one has none */
	TYPE_VECTOR,
	TYPE_RECORD, /* struct or union */
	TYPE_FUNCTION,
	TYPE_OTHER,
};

/* What prints as text: char and its like by size 1, and these. */
enum type_character { CHARACTER_NONE, CHARACTER_CHAR, CHARACTER_WIDE, CHARACTER_16, CHARACTER_32 };

/* The typedef that C has for a wide one; NULL for others. */
const char *type_character_name(enum type_character);

struct type_member {
	const char *name; /* NULL: an anonymous struct or union */
	const struct type *type;
	uint64_t bit_offset; /* in the record */
	uint32_t bit_size;   /* 0: no bit-field */
};

struct type_constant {
	const char *name;
	int64_t value;
};

struct type {
	enum type_kind kind;
	enum type_character character;
	const char *name; /* as C spells it: "struct order *", "const int [3]" */
	uint64_t size, align;
	bool is_signed, is_union, incomplete;
	bool nameless; /* the name cannot be used in C: an anonymous struct's is in it */
	const struct type *target;
	const struct type *definition; /* of a record or enumeration: what has its members, perhaps itself */
	uint64_t count;
	size_t member_count;
	struct type_member *members;
	size_t constant_count;
	struct type_constant *constants; /* of an enumeration, in its order */
};

struct types;

/* Begins names of types that were given to what a person has declared without one: no such name is told. */
#define TYPE_FRESH  "rtf_type_"

/* Behind names of types that were declared once more, when something still has the type that they were. */
#define TYPE_BEFORE "$declared_before"

void types_free(struct types *); /* takes NULL */

/* What one statement of a checked function is. */
struct type_found {
	const struct type *type; /* as it is before arrays and functions become pointers */
	bool bit_field;
	bool place; /* it names something in memory */
	bool acts;  /* it calls something, or does what is not known to be only looking: pure.h */
};

/* The types of the expression statements `(EXPR);` of `function`, `count` of them from the first. `unit` is check_unit's.
 * ERROR_COMPILE if one has none. */
struct error *types_of_expressions(void *unit, const char *function, size_t count, struct types **out,
				   struct type_found *found);

/* The type of the variable that `function` declares under that name. */
struct error *types_of_variable(void *unit, const char *function, const char *name, struct types **out,
				struct type_found *found);

/* The types of `count` of libclang's nodes (CXCursor), which are expressions. */
struct error *types_of_nodes(const void *nodes, size_t count, struct types **out, const struct type **found);

/* `count` of a type in a row; the type's table has it. NULL without memory. */
const struct type *types_array(struct types *, const struct type *, uint64_t count);

/* "TYPE NAME" as C declares it: "int (*f)(int)", "char s[8]". Not for one that is nameless. */
void type_put_declaration(struct text *out, const struct type *, const char *name);
void type_put_named(struct text *, const char *spelling, const char *name);

/* Adds `struct NAME` lines for the records that are only mentioned, up to `depth` pointers away; true if there was one. */
bool type_add_incomplete(const struct type *, unsigned depth, struct text *out);

#endif
