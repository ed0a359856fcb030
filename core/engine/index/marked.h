/* A source behind the preprocessor, with a word of every `#pragma push_macro("X")` and `pop_macro("X")` that was obeyed.
 *
 * Compilers obey them while they preprocess and leave no trace in what they print. Where the source or a header of the
 * program's own has some, it is preprocessed once more, with copies in which each is followed by a pragma that nobody knows:
 * that one is printed, if the preprocessor comes by it, in macros and by whatever #if there is.
 *
 *      #pragma rtf push_macro "X"
 *
 * Headers of the system, and those found by way of a relative -I, are taken as they are. Called from any thread. */
#ifndef RTF_MARKED_H
#define RTF_MARKED_H

#include "preprocess.h"

#define MARKED_PRAGMA "#pragma rtf "

/* preprocess_source with such words in it; `source` is what the file itself says. */
struct error *marked_preprocess(const char *file, const struct flags *, const char *source, size_t source_size,
				const struct preprocess_file *files, size_t count, char **text, size_t *size,
				char **folders);

#endif
