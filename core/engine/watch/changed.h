/* What a save changed besides decorated functions, and where that counts: names that a slice takes from the new text mean the
 * new in decorated functions alone, variables keep their values.
 *
 * Begins with what stands before `any` set, the rest {0}. One thread. */
#ifndef RTF_CHANGED_H
#define RTF_CHANGED_H

#include "decorators.h"
#include "error.h"
#include "index.h"
#include "live.h"
#include "source.h"
#include "stale.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

struct changed {
	const struct live *live;
	const struct source *source; /* with the index so far */
	const struct index *fresh;
	struct decorators *entries;

	bool any; /* something differs that the check of decorated functions does not cover */
	struct stale stale;
	bool function[STALE_MAX], has_code[STALE_MAX]; /* of stale.names */
	size_t more;                                   /* than STALE_MAX */
	struct text kept;
};

/* For difference_each: `context` is a struct changed. */
void changed_add(void *context, const char *name, size_t length, unsigned kinds);

/* Appends sentences, a line each. */
struct error *changed_note(struct changed *, struct text *notes);
void changed_fini(struct changed *);

#endif
