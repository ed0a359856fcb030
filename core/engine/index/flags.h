/* How a translation unit was compiled: the compiler and the flags to preprocess and compile it again.
 *
 * From compile_commands.json if one is found beside or above the unit's directory or its source; else from
 * what DWARF tells (producer, include directories), with RTF_CFLAGS behind it or, without, what make would tell the
 * preprocessor. */
#ifndef RTF_FLAGS_H
#define RTF_FLAGS_H

#include "commands.h"
#include "error.h"
#include "recipe.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>

/* For whoever compiles a slice: gcc 11's attribute names the function that frees, which the slice may not have, and clang's
 * takes no arguments; glibc's headers use it with and without. */
#define FLAGS_NO_DEALLOCATORS "-D__malloc__(...)="

struct flags {
	char **argv;     /* compiler, flags without input, output and dependencies; NULL-terminated */
	char *directory; /* where to run it */
	const char *
		origin; /* "compile_commands.json", "RTF_CFLAGS", "make", "make, of a source beside it" or "DWARF" */
};

/* `cflags` is RTF_CFLAGS' value or NULL; without `recipes` make is not asked. */
struct error *flags_new(const struct target_unit *, const char *cflags, struct commands *,
			struct recipes *recipes, struct flags *out);
void flags_fini(struct flags *);

/* What flags_new is likely to come to where it has to ask make: what these words (words_join) say that it came to before, or,
 * with NULL, that make compiles the source and tells the preprocessor nothing else than DWARF does. */
struct error *flags_guess(const struct target_unit *, const char *before, struct flags *out);

/* Whether a source is read in the same way with both, and is told to be. */
bool flags_are_same(const struct flags *, const struct flags *);

/* The compiler and those flags that a text without macros and includes needs: none that are about these (folders of headers, if
 * the text says `include`), nor about the program's own decoration, and `more` (NULL at its end, or NULL) behind them. The array is
 * the caller's, its words the flags' and more's; NULL without memory. */
const char **flags_for_text(const struct flags *, const char *text, const char *const *more);

/* Whether make would be asked for them. */
bool flags_need_make(const struct target_unit *, const char *cflags, struct commands *);

#endif
