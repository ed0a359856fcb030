/* As what the program's compiler was given its files, which is what __FILE__ says in them: "src/shop.c" where make said so.
 *
 * The engine reads all files by their absolute paths. Options among a unit's flags tell its compiler what is to stand for their
 * folders in __FILE__; a slice's marker for a file says what they make of its path. Pure functions; any thread. */
#ifndef RTF_GIVEN_H
#define RTF_GIVEN_H

#include "target.h"
#include "words.h"

/* A folder of headers that is named `path` from now on was named `as`. */
void given_add_folder(struct words *, const char *path, const char *as);

/* What is in the folder of the unit's source, and below it, is named by way of that; what is in a folder of headers that has an
 * absolute path among the words is named by this, if the words are `as_given` to the compiler. */
void given_add_source(struct words *, const struct target_unit *, bool as_given);

/* If the word is such an option, adds one that says the same of files below `root`. */
void given_add_root(struct words *, const char *word, const char *root);

/* What __FILE__ says in a file, by the options of a unit; the caller's. NULL without memory. */
char *given_name(char *const *argv, const char *file);

#endif
