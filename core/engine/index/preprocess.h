/* A source's text behind the preprocessor, with the program's own compiler and flags: as it is on disk, or as it was.
 *
 * As it was means: with some files' bytes of then. Those are written into a folder of their own, which has the place of the root
 * for them; the compiler looks for headers there first, and what it calls by that folder's name is called by its real one
 * again in the result. Called from any thread. */
#ifndef RTF_PREPROCESS_H
#define RTF_PREPROCESS_H

#include "error.h"
#include "flags.h"

#include <stddef.h>

/* A file by its absolute path, and what it said. */
struct preprocess_file {
	const char *path, *bytes;
	size_t size;
};

/* `-E -dD` of the file: `*text` is the caller's. With `count` files as they were, of which the file itself is to be one; 0 is
 * none. ERROR_COMPILE with the preprocessor's first complaint. `*folders`, the caller's too, is what folders.h makes of what
 * it says of itself, or NULL. */
struct error *preprocess_source(const char *file, const struct flags *, const struct preprocess_file *files,
				size_t count, char **text, size_t *size, char **folders);

#endif
