/* What two indexes of one file declare otherwise, and which names that reaches.
 *
 * A save is told from the one before it by this: functions that can reach nothing that differs need not be looked at.
 * More names than need be are no fault, a missing one is. Borrows both indexes: neither may change or be freed while
 * the difference lives. Any thread. */
#ifndef RTF_DIFFERENCE_H
#define RTF_DIFFERENCE_H

#include "error.h"
#include "index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct difference;

enum difference_kind {
	DIFFERENCE_BODY = 1, /* a function's, from `{` on */
	DIFFERENCE_HEAD = 2, /* a function's, before that; a variable, a typedef, an enumeration constant */
	DIFFERENCE_TAG = 4,
	DIFFERENCE_MACRO = 8,
};

struct error *difference_new(const struct index *old, const struct index *fresh, struct difference **out);
void difference_free(struct difference *); /* takes NULL */

/* Every name whose own declarations differ; `kinds`: enum difference_kind, or-ed. Before difference_spread. */
void difference_each(const struct difference *,
		     void (*each)(void *context, const char *name, size_t length, unsigned kinds),
		     void *context);

/* Whether something without a name differs: a static assertion, asm, or what is no C at all. */
bool difference_is_nameless(const struct difference *);

/* What names something that differs then differs too, and so on. Where `is_opaque` says so of a function, its body is
 * nobody else's matter: it is called through an entry. */
struct error *difference_spread(struct difference *,
				bool (*is_opaque)(void *context, const char *name, size_t length),
				void *context);

/* Whether the name differs, in whatever way. */
bool difference_has(const struct difference *, const char *name, size_t length);

/* In which ways its own declarations differ: enum difference_kind, or-ed; 0 if it only names something that does. */
unsigned difference_kinds(const struct difference *, const char *name, size_t length);

/* Whether any name in [begin, end) of the text differs; what is only an opaque body does not. After difference_spread. */
bool difference_touches(const struct difference *, const char *text, uint32_t begin, uint32_t end);

#endif
