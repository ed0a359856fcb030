/* The declarations that a text needs, and how much of each: more is never wrong, only longer.
 *
 * Begins with the names in the text of a slice_request and goes on with those in every declaration that is wanted, until
 * nothing new is named, or could be made by a macro that pastes. A struct of which a member is looked up is wanted whole, one
 * behind a pointer forward. What is written of it is slice.h's business. Borrows request, names and index, which must outlive
 * it. Pure but for the questions in slice_names, and for what the index keeps of it (references.h): one thread at a time for
 * one index. */
#ifndef RTF_CLOSURE_H
#define RTF_CLOSURE_H

#include "included.h"
#include "index.h"
#include "slice.h"
#include "name_table.h"
#include "pasted.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much of a declaration is wanted. */
enum closure_level {
	CLOSURE_NONE,
	CLOSURE_FORWARD, /* that it exists: a struct's tag, a function's prototype */
	CLOSURE_WHOLE,   /* its inside: a struct's members, a function's body */
};

struct closure {
	const struct slice_request *request;
	const struct slice_names *names;
	const struct index *ix;
	uint32_t position; /* of the function in the index's text: what stands behind it is second choice */
	uint32_t original; /* its declaration there, or INDEX_NONE */
	uint8_t *levels;   /* of each declaration */
	uint32_t *work;    /* declarations whose text is still to be read */
	size_t work_count, work_room;
	uint32_t *chosen; /* every declaration wanted, once, in text order */
	size_t chosen_count, chosen_room;
	const struct index_macro **macros; /* all that are wanted, in text order */
	size_t macro_count, macro_room;
	struct name_table seen_macros, tags;
	struct pasted pasted;
	struct name_table members;       /* that are looked up */
	struct name_table absent_macros; /* that the program's compiler does not define */
	struct name_table hidden;        /* what the extra text declares */
	struct included_files files;     /* that the texts include */
	struct text forward;             /* `struct x;` lines */
	bool own_type;                   /* the function's own text defines one in front of its name */
	bool includes;                   /* it includes files in its midst: see included.h */
	bool failed;
};

/* Closes over the request's texts. False if memory ran out; closure_fini in either case. */
bool closure_init(struct closure *, const struct slice_request *, const struct slice_names *);
void closure_fini(struct closure *);

const struct index_declaration *closure_declaration(const struct closure *, uint32_t number);
enum slice_presence closure_presence(const struct closure *, const struct index_name *);

/* Whether a record is all that it declares, and no more is wanted of that than that it exists: what mentioned it has seen
 * to a line that says so. */
bool closure_only_mentions(const struct closure *, uint32_t number);

/* Variables that the program does not have come with their initialisers, which name things too. */
bool closure_keeps_initialiser(const struct closure *, const struct index_declaration *);

/* Whether anything declared under that ordinary name is wanted. */
bool closure_has_name(const struct closure *, const char *name, size_t length);

bool closure_has_variable(const struct closure *, const struct index_declaration *);

/* Whether the body has a `static` in it: such a variable must not get a second copy. */
bool closure_has_static(const struct index *, const struct index_declaration *);

/* The members, braces and all, of a struct or union with a tag that a wanted declaration defines; false: it defines none. */
bool closure_record(const struct closure *, const struct index_declaration *, struct declaration_cut *out);

#endif
