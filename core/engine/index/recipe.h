/* What make would do to compile a source, asked without doing it: for units that no compile_commands.json tells of,
 * since DWARF has no word of -D, nor of folders whose headers hold macros alone.
 *
 * `make -n -W SOURCE` prints the recipes of what the source is needed for. Not even with -n does make leave all
 * recipes alone: those with a + or $(MAKE) run, and those that make a makefile. So make is given a shell that runs $(shell …)
 * and plain submakes, and prints everything else; a command whose output the source's own command has in it is run when that
 * is read. A makefile of somebody else, who does not own the source either, is not read. */
#ifndef RTF_RECIPE_H
#define RTF_RECIPE_H

#include "error.h"
#include "target.h"

#include <stdbool.h>

struct recipes;

struct recipe {
	char **words;    /* the command that names the source, of several the likest; NULL: there is none */
	char *directory; /* where it would run */
	bool neighbour; /* make knows nothing of the source, as where a recipe makes and removes it: another one's beside it */
};

/* `make` is RTF_MAKE's value: a command line, NULL is "make", "" or "0" never to ask. */
struct error *recipes_new(const char *make, struct recipes **out);
void recipes_free(struct recipes *); /* takes NULL */

/* The unit may be asked for: one make then answers for all units of its directory. */
struct error *recipes_expect(struct recipes *, const struct target_unit *);

/* Asks in a thread of its own, for all that is expected by now; `wake` is an eventfd(2) that is written to at its end. Who asks
 * for a unit meanwhile waits. */
void recipes_begin(struct recipes *, int wake);
bool recipes_are_asked(const struct recipes *);

/* Somebody waits for that: what make would be asked if it had no word of any of the sources is asked at the same time. The
 * answers are the same. */
void recipes_hurry(struct recipes *);

/* `*out` is the caller's, also without words: a directory without makefile, no make, a source that make knows nothing
 * of. */
struct error *recipes_find(struct recipes *, const struct target_unit *, struct recipe *out);
void recipe_fini(struct recipe *);

#endif
