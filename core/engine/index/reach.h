/* Whom a saved header can reach, told from texts that nobody has preprocessed: for sources that are not read yet, of which there
 * may be thousands.
 *
 * What differs between two texts of a header has names, what mentions those in other headers has names again, and so on. A
 * file whose text has none of these words in it is the same program before and after, whatever it includes. In doubt all are
 * reached: where an #if or an #include differs, a macro that the system's headers may ask for, what a macro declares, or
 * what is no C. More names than need be are no fault, a missing one is. Texts are borrowed until reach_free. One thread. */
#ifndef RTF_REACH_H
#define RTF_REACH_H

#include "kept.h"

#include <stdbool.h>
#include <stddef.h>

struct reach;

struct reach *reach_new(void);   /* NULL without memory */
void reach_free(struct reach *); /* takes NULL */

/* A header that said the one and says the other. */
void reach_add(struct reach *, const char *old, size_t old_size, const char *fresh, size_t fresh_size);

/* Through the headers that are kept, behind all reach_add. */
void reach_spread(struct reach *, const struct kept *);

/* Whether nothing is reached; whether everything may be. */
bool reach_is_empty(const struct reach *);
bool reach_is_all(const struct reach *);

/* Whether the name is reached. */
bool reach_has(const struct reach *, const char *name);

/* Whether a file of that text may be another program now. */
bool reach_touches(const struct reach *, const char *text, size_t size);

#endif
