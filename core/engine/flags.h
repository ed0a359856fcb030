/* How a translation unit was compiled: the compiler and the flags to preprocess and compile it again.
 *
 * From compile_commands.json if one is found beside or above the unit's directory or its source; else from
 * what DWARF tells (producer, include directories), with RTF_CFLAGS behind it. */
#ifndef RTF_FLAGS_H
#define RTF_FLAGS_H

#include "error.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>

struct flags {
	char **argv;        /* compiler, flags without input, output and dependencies; NULL-terminated */
	char *directory;    /* where to run it */
	const char *origin; /* "compile_commands.json", "RTF_CFLAGS" or "DWARF" */
};

/* `cflags` is RTF_CFLAGS' value or NULL. */
struct error *flags_new(const struct target_unit *, const char *cflags, struct flags *out);
void flags_fini(struct flags *);

/* Whether the word is an option that names a folder of headers; the folder follows `*joined` bytes into it, or, with 0, is
 * the next word. */
bool flags_is_folder(const char *word, size_t *joined);

/* A shell-like split of a command line into words: quotes and backslashes as in sh, no expansion.
 * NULL-terminated, the caller's (free each, then the array); NULL if memory ran out. */
char **flags_split(const char *line);
void flags_free_words(char **words);

#endif
