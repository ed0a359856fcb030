/* The C around a guarded function: another of its name, which calls it and goes on here after a fault inside.
 *
 *      static double price(const struct order *o) { … }      the text as it was, but for its name
 *   →  static double rtf_body_price(const struct order *o) { … } double price(const struct order *o) { … }
 *
 * What it calls is core/agent/park.h. Its lines are those of
 * PLACE_WRAPPER (place.h). Pure; any thread. */
#ifndef RTF_WRAPPER_H
#define RTF_WRAPPER_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRAPPER_PREFIX "rtf_body_"
#define WRAPPER_ARGUMENT \
	"rtf_argument_" /* and its number, from 0: a variable of the wrapper with what it was called with */

struct wrapper {
	const char *name;
	const char *head; /* of the definition: everything before its `{` */
	size_t head_size;
	char *const *arguments; /* their names */
	size_t argument_count;
	int version;                        /* that a call which waits is said to be in */
	const char *result;                 /* its type; NULL: void */
	uint64_t entry, enter, leave, wait; /* addresses in the program */
	const char *otherwise; /* C that is returned after a fault, guarded likewise; NULL: the call waits */
	bool returns;          /* with `otherwise` NULL as well: nothing is returned and nothing waited for */
};

/* What must stand before whatever jumps, and behind it before a definition that is wrapped. */
void wrapper_declare_frame(struct text *);
void wrapper_declare(struct text *, const char *name);

/* The wrapper, to stand behind the definition. False: the head cannot be repeated, because it holds preprocessor
 * lines. */
bool wrapper_write(struct text *, const struct wrapper *);

/* The function with another body, on one line: it returns the expression (NULL: nothing), and waits if that faults. False as
 * above. */
bool wrapper_write_value(struct text *, const struct wrapper *, const char *expression);

#endif
