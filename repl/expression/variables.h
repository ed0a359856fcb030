/* The program's variables, found by name in its files and read where they are.
 *
 * What a file declares and the program does not have is none. One thread. */
#ifndef RTF_VARIABLES_H
#define RTF_VARIABLES_H

#include "call.h"
#include "error.h"
#include "target.h"
#include "text.h"
#include "type.h"
#include "value.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct variables_item {
	char *name;
	const char *file; /* of the declaration: the index's */
	const struct target_unit *unit;
	unsigned line;
	struct target_symbol symbol;
};

/* Begins as {0}. */
struct variables {
	struct variables_item *items;
	size_t count, room;
};

/* Variables that a unit's text defines and the program has, and behind them the statics of its functions as
 * `function::name`, and what versions have added of both: its line is that of the function. `exact`: the pattern is
 * a name. Those that are listed already are not listed again. */
struct error *variables_find(struct call *, const struct target_unit *, const char *pattern, bool exact,
			     struct variables *out);
void variables_fini(struct variables *);

/* A variable's bytes; NULL where they are not shown, and then `text` says why. The caller's. */
unsigned char *variables_read(struct call *, const struct variables_item *, const struct type *,
			      struct text *);

/* As data. `type` and `bytes` may be NULL: not known, not shown. */
json_t *variables_json(struct call *, const struct variables_item *, const struct type *,
		       const unsigned char *bytes, const char *text, const struct value_options *);

#endif
