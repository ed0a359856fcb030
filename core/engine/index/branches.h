/* Which branches of `#if`s are certainly passed over: of conditions that ask no more than whether a name is defined, in a text
 * that defines the names itself.
 *
 * Begins as {.macros = BRANCHES_MACROS}; memory that runs out is remembered in `failed`. The text is borrowed. Pure. */
#ifndef RTF_BRANCHES_H
#define RTF_BRANCHES_H

#include "name_table.h"
#include "token.h"

#include <stdbool.h>

enum { BRANCHES_DEPTH = 64 };

struct branches_macro {
	struct named named;
	bool defined;
};

#define BRANCHES_MACROS \
	{ \
		.item_size = sizeof(struct branches_macro) \
	}

struct branches {
	struct name_table macros;
	unsigned depth; /* of `#if`s */
	struct {
		bool taken;  /* one branch certainly is: no other is */
		bool passed; /* the one that is read certainly is not */
	} open[BRANCHES_DEPTH];
	bool failed;
};

void branches_fini(struct branches *);

/* A directive of the text, in its turn. */
void branches_read(struct branches *, const char *text, const struct token *directive);

/* Whether what stands behind it is passed over. */
bool branches_pass(const struct branches *);

#endif
