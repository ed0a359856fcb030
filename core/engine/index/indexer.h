/* Makes the index of a file from its preprocessed text (`-E -dD`, with the program's own compiler and flags).
 *
 * Reading it for names takes one pass over its tokens and no parser: sqlite3.c in less than a tenth of the time that
 * libclang needs, in a twentieth of the memory. What the pass gets wrong, the check of the slice by libclang shows. An index
 * is the caller's, for index_free. One thread for each index. */
#ifndef RTF_INDEXER_H
#define RTF_INDEXER_H

#include "error.h"
#include "flags.h"
#include "index.h"
#include "preprocess.h"

#include <stdbool.h>
#include <stddef.h>

/* Preprocesses `file` and indexes it. ERROR_COMPILE with the preprocessor's first complaint where that fails. */
struct error *indexer_read_file(const char *file, const struct flags *, struct index **out);

/* The same of what files said before: the first of them is `file`. */
struct error *indexer_read_files(const char *file, const struct flags *, const struct preprocess_file *files,
				 size_t count, struct index **out);

/* The same from preprocessed text, which it takes, also on failure, and the file's own text, copied (may be NULL). */
struct error *indexer_read_text(const char *file, char *text, size_t size, const char *source,
				size_t source_size, struct index **out);

/* Whether the source and the included files that are kept say on disk what they said then. `directory` is where relative names
 * of files begin. */
bool indexer_is_current(const struct index *, const char *directory);

#endif
