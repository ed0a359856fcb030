/* One external declaration of C text after another: where it begins and ends, what it declares.
 *
 * Reads preprocessed text, where it is exact, and text as people type it, where macros stand among the
 * specifiers (`API int CALL f(void)`): a name that is no known type but has another name behind it is
 * taken for a specifier. Never fails: what is no declaration comes back as DECLARATION_OTHER, up to its
 * `;` or `}`. Offsets into the reader's text; the lists belong to the declaration and are overwritten by
 * the next call. Source: C17 6.7, 6.9. */
#ifndef RTF_DECLARATION_H
#define RTF_DECLARATION_H

#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum declaration_kind {
	DECLARATION_END,      /* no more text */
	DECLARATION_FUNCTION, /* a function definition; its name is the last of the names */
	DECLARATION_NAMES,    /* variables, prototypes, typedefs, tags, any number in a group */
	DECLARATION_OTHER,    /* static assertion, asm, stray `;`, or no C */
};

enum name_kind {
	NAME_FUNCTION,
	NAME_VARIABLE,
	NAME_TYPEDEF,
	NAME_ENUMERATOR,
	NAME_TAG,         /* defined here, with its body */
	NAME_TAG_FORWARD, /* struct x; or struct x *p: only said to exist */
	NAME_MEMBER,      /* of a struct or union defined here */
};

struct declaration_name {
	enum name_kind kind;
	uint32_t begin, end;
	uint32_t bound; /* of a variable: offset of the `]` of an empty first dimension, or 0 */
};

/* Bytes to leave out to make a declaration of a definition: an initialiser with its `=`. */
struct declaration_cut {
	uint32_t begin, end;
};

struct declaration {
	enum declaration_kind kind;
	uint32_t begin, end; /* end is past the `;` or `}`, or of what was read before the text ended */
	uint32_t specifiers; /* end of the declaration specifiers */
	uint32_t body;       /* offset of a function's `{` */
	uint32_t first_name; /* offset of a function's name */
	bool is_typedef, is_static, is_extern, is_inline, is_thread_local;
	bool old_style;     /* parameters declared between `)` and `{` */
	bool has_directive; /* a preprocessor line stands inside */
	bool complete;      /* its `;` or `}` was there */

	size_t name_count, cut_count;
	struct declaration_name *names;
	struct declaration_cut *cuts;
	size_t name_room, cut_room;
	bool out_of_memory; /* this one or one before lacks names or cuts */
};

struct declaration_reader {
	struct token_reader tokens;
	struct token current; /* read, not yet used */
	uint32_t behind;      /* end of the token before it */
	unsigned nested;      /* structs in structs that are being read */
	bool started;
	void *context;
	/* Whether it is a typedef's name; NULL: none is known. */
	bool (*is_type)(void *context, const char *name, uint32_t length);
	/* Gets each preprocessor line; may be NULL. */
	void (*directive)(void *context, const struct token *);
};

void declaration_reader_init(struct declaration_reader *, const char *text, uint32_t size);

/* The next declaration, into one that starts zeroed and is used again. */
void declaration_next(struct declaration_reader *, struct declaration *);
void declaration_fini(struct declaration *);

/* Whether the variable whose name stands at `name` of a declaration from `begin` on is const itself: the word stands behind
 * the last `*` before the name, or anywhere before it if there is none. */
bool declaration_is_const(const char *text, uint32_t begin, uint32_t name);

/* "struct", "union" or "enum": the word before the tag at `name` in a declaration that starts at `begin`, looking back over
 * attributes. */
const char *declaration_tag_word(const char *text, uint32_t begin, uint32_t name);

#endif
