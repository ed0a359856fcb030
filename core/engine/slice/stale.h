/* Who goes on with what a name meant: the functions of a file that use names which have changed, and are not made anew.
 *
 * Told from the file's preprocessed text: macros are expanded there, so that what uses one has changed itself. A function that
 * the program has no code of is looked for in those that use it, and so is a constant in others. One thread. */
#ifndef RTF_STALE_H
#define RTF_STALE_H

#include "error.h"
#include "index.h"
#include "target.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STALE_MAX = 64 };

struct stale_name {
	const char *text; /* borrowed */
	size_t length;
	struct text users; /* "plain (shop.c:12), main (shop.c:30) and others" */
	size_t user_count;
};

/* The first five are the caller's to set; the rest begins as {0}. */
struct stale {
	struct target *target;
	const struct target_unit *unit;
	const struct index *before; /* what the file said when the code was made that goes on */
	const struct index *now;    /* whose lines are told */
	bool (*is_new)(void *context, const char *name,
		       size_t length); /* of a function: new code takes its place */
	void *context;

	struct stale_name names[STALE_MAX];
	size_t count;
};

/* A name that has changed; NULL if there are STALE_MAX already, or `before` does not declare it. */
struct stale_name *stale_add(struct stale *, const char *name, size_t length);

/* Fills in the users of every name. */
struct error *stale_find(struct stale *);

void stale_fini(struct stale *);

/* Adds a function of `now` to a name's users. */
void stale_tell_user(struct stale_name *, const struct index *now, const char *user, size_t length);

#endif
