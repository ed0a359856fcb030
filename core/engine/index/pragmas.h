/* Of a file's #pragma lines, those that change what stands behind them: a slice takes them along.
 *
 * Two kinds hold from their line on, so each declaration has the state that it was read in: how types lie in memory
 * (scalar_storage_order, ms_struct), and what code is made of functions (GCC target, optimize, push_options; STDC). Two
 * are about one name (weak, redefine_extname). The others change nothing of a function that is compiled alone; pack is
 * the index's own. States are numbered as they come, 0 is none. No more than memory may be missing: then `failed`. Sources:
 * the gcc manual, "Pragmas" and "Function Specific Option Pragmas"; C17 6.10.6. */
#ifndef RTF_PRAGMAS_H
#define RTF_PRAGMAS_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pragma_name {
	char *line; /* "weak f" */
	size_t name, length;
};

enum { PRAGMAS_DEEP = 32, PRAGMAS_STDC = 3 };

struct pragmas {
	uint16_t types, code; /* the states in force */
	struct text order;    /* lines in force about types */
	struct text options;  /* GCC's, about code */
	struct text stdc[PRAGMAS_STDC];
	char *pushed[PRAGMAS_DEEP]; /* `options` as they were at each push_options */
	unsigned depth;
	char **states; /* lines; [0] is unused */
	size_t state_count, state_room;
	struct pragma_name *names;
	size_t name_count, name_room;
	bool failed;
};

/* Reads what follows `#pragma ` on a line. */
void pragmas_read(struct pragmas *, const char *line, size_t size);
void pragmas_fini(struct pragmas *);

/* Writes the lines of a state; and, behind the declaration, those that end it. */
void pragmas_open(const struct pragmas *, uint16_t state, struct text *);
void pragmas_close(const struct pragmas *, uint16_t state, struct text *);

#endif
