/* What a checked function does to its surroundings, as far as its text tells: the places that it assigns to, and the compound
 * literals that it makes. One thread. */
#ifndef RTF_EFFECTS_H
#define RTF_EFFECTS_H

#include "error.h"
#include "slice.h"
#include "type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum effect_kind {
	EFFECT_ASSIGNMENT, /* the range is the place, the type what is there */
	EFFECT_BITS, /* to a bit-field: the range is the pointer to the structure that has it, the type the structure */
	EFFECT_LITERAL, /* the range is the whole literal */
};

/* Ranges nest or are apart. */
struct effect {
	enum effect_kind kind;
	uint32_t begin, end; /* bytes of the text that was given */
	const struct type *type;
};

struct effects {
	struct effect *list;
	size_t count;
	struct types *types;
	bool in_macros; /* a macro does some of it, which is not in the list: expanded it would be */
	bool untold;    /* it may write more than that: it calls something, or assigns in a macro */
};

/* `unit` is check_unit's, of that slice. */
struct error *effects_find(void *unit, const struct slice *, const char *function, struct effects *out);
void effects_fini(struct effects *);

#endif
