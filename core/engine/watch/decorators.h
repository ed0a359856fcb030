/* What a save cannot do until the next build, said: entries are made when the program is built.
 *
 * A file is compared in its index so far (the source's) and a fresh one. Notes are sentences, a line each, appended to
 * `notes`. Changes nothing. One thread. */
#ifndef RTF_DECORATORS_H
#define RTF_DECORATORS_H

#include "index.h"
#include "live.h"
#include "source.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

struct decorators_name {
	const char *text;
	size_t length;
};

/* Names of decorated functions, sorted. Borrowed from where they were found. */
struct decorators {
	struct decorators_name *names;
	size_t count;
};

/* Those of the source's unit that have an entry in the program. False if memory ran out; decorators_fini in either case. */
bool decorators_find(const struct live *, const struct source *, struct decorators *out);
void decorators_fini(struct decorators *);

/* Whether the name is one of them: for difference_spread, `context` is a struct decorators. */
bool decorators_have(void *context, const char *name, size_t length);

/* Functions that were decorated or are not any more: the entry is made when the program is built. False if
 * memory ran out. */
bool decorators_note(const struct live *, const struct source *, const struct index *fresh,
		     struct decorators *entries, struct text *notes);

#endif
