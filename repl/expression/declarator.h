/* One declarator of a declaration, by itself: `int a, *b = &c;` declares b as `int *b`.
 *
 * Offsets are into the declaration's text, which is the caller's. Pure; any thread. */
#ifndef RTF_DECLARATOR_H
#define RTF_DECLARATOR_H

#include "declaration.h"

#include <stdint.h>

/* Where it begins, up to where it goes without its initialiser, and where that is: 0 without any. */
struct declarator {
	uint32_t begin, stop, cut_begin, cut_end;
};

struct declarator declarator_find(const char *text, const struct declaration *,
				  const struct declaration_name *);

/* The specifiers that stand in that range, without what says how long a variable lives, and without extern: as long as they
 * were. The caller's; NULL without memory. */
char *declarator_specifiers(const char *text, uint32_t begin, uint32_t end);

/* A variable's declaration by itself, with another name: no initialiser, no storage class, no `;`. The caller's; NULL without
 * memory. */
char *declarator_spell(const char *text, const struct declaration *, const struct declaration_name *,
		       const char *spelled);

#endif
