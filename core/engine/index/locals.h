/* Which names stand for a function's own parameters and variables, not for what the file declares under the same names.
 *
 * Fed with an index's tokens one by one. Careful the one way: what it is not sure of is the file's. So are variables that a
 * `for` declares, and all without memory. */
#ifndef RTF_LOCALS_H
#define RTF_LOCALS_H

#include "index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOCALS_DEEP = 64 };

struct local_name {
	uint32_t begin, length;
	unsigned depth; /* of the braces that it ends with */
};

/* What a block's tokens are in the middle of. */
struct locals_block {
	bool declares;    /* a declaration */
	bool is_extern;   /* of something that the file declares */
	bool initialises; /* and in it a value */
};

struct locals {
	const struct index *ix;
	struct local_name *names;
	size_t count, room;
	uint32_t declaration; /* the next that may be a function's */
	unsigned braces, brackets;
	struct locals_block blocks[LOCALS_DEEP];
};

/* Starts with ix alone set. `begins`: a statement begins with the token. */
void locals_follow(struct locals *, const struct token_reader *, const struct token *before,
		   const struct token *t, const struct token *next, bool begins);
bool locals_have(const struct locals *, const struct token *name);
void locals_fini(struct locals *);

/* Whether the word is one that a type is spelled with, a typedef's name included. */
bool locals_is_type(const struct index *, const struct token_reader *, const struct token *);

#endif
