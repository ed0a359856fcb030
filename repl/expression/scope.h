/* What one console has declared, and the values it has seen: session variables, types, macros, includes, `$` and `$N`.
 *
 * A scope's declarations stand before what its console types next, as far as that names them. Its variables live in the
 * program, for good; forgotten is only the name. One thread. */
#ifndef RTF_SCOPE_H
#define RTF_SCOPE_H

#include "error.h"
#include "live.h"
#include "text.h"
#include "type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scope;

enum scope_kind { SCOPE_TYPE, SCOPE_MACRO, SCOPE_PROTOTYPE, SCOPE_VARIABLE, SCOPE_FUNCTION };

/* A declaration. */
struct scope_item {
	enum scope_kind kind;
	char *text; /* one that may stand in front of any code: `extern` for a variable, a whole line for a macro */
	char **names; /* that it declares, NULL at the end; tags with a `#` before them, as they are names of another kind */
	char *definition;   /* of a function, as it was typed; of a variable, without its `;`; else NULL */
	size_t initialiser; /* of a variable's definition: where its `= …` begins; 0: it has none */
	uint64_t address;   /* of a variable or function */
	struct types *types;
	const struct type *type;
};

/* A value that was shown. */
struct scope_value {
	struct types *types;
	const struct type *type;
	unsigned char *bytes;
	size_t size;
	char *expression; /* its text */
	uint64_t address; /* where the program has it, once an expression has named it; 0: nowhere yet */
	size_t renamings; /* the scope's: types that had been declared once more by then */
};

struct scope *scope_new(void);   /* NULL without memory */
void scope_free(struct scope *); /* takes NULL */

/* Takes the item (its strings and types, not the struct) in place of what has the same names. A type that something still
 * needs stays under another name: variables and values keep the type that they had. */
struct error *scope_declare(struct scope *, const struct scope_item *);
bool scope_forget(struct scope *, const char *name); /* false: there is none */

/* An entry begins; it is not to have been: what it declared goes, and what it replaced or forgot is back. */
void scope_begin(struct scope *);
void scope_take_back(struct scope *);

const struct scope_item *scope_item(const struct scope *, size_t i); /* NULL behind the last */
const struct scope_item *scope_find(const struct scope *, const char *name, size_t length);

/* The variable or function is at that address from now on. */
void scope_move(struct scope *, const char *name, uint64_t address);
/* Whether one of an item's names is a type's, and no enumerator; the keyword that it has before a tag. */
bool scope_declares_type(const struct scope_item *, const char *name);
const char *scope_tag_word(const struct scope_item *, const char *tag);

bool scope_is_type(const struct scope *, const char *name, size_t length);

/* A name of its own for something without one, valid until the next. */
const char *scope_fresh_name(struct scope *);

/* #include lines, each with its newline; "" if there are none. */
const char *scope_includes(const struct scope *);
struct error *scope_include(struct scope *, const char *line);
void scope_forget_includes(struct scope *);

/* The unit's index with the console's includes behind its file; the scope's, until its includes or the file change. NULL in
 * *out if there are no includes. */
struct error *scope_index(struct scope *, const struct source *, struct index **out);

/* Takes the value; its number, from 1. */
struct error *scope_keep(struct scope *, struct scope_value *, unsigned *number);
size_t scope_value_count(const struct scope *);
struct scope_value *scope_value(struct scope *, unsigned number); /* 0: the last; NULL: there is none */

/* Of what was said of the value's type, what means that type now. The caller's; NULL without memory. */
char *scope_said_now(const struct scope *, const struct scope_value *, const char *said);

#endif
