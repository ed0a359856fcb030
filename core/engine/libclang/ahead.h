/* A translation unit that is begun before all of its text is there: libclang reads what stands before a definition while nobody
 * waits for it.
 *
 * libclang takes whole files only. The one that it is given ends with the inclusion of a pipe, and there it waits. The rest
 * goes through the pipe behind as many blanks as the beginning has bytes, and as many ends of lines: every line, column and
 * offset is that of the whole text, and the file's name alone is another.
 *
 * All calls from one thread; libclang reads in a thread of its own. */
#ifndef RTF_AHEAD_H
#define RTF_AHEAD_H

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stddef.h>

struct ahead;

/* NULL without memory or a thread: then nothing is read ahead. */
struct ahead *ahead_new(void);
void ahead_free(struct ahead *); /* takes NULL, as all of them do */

/* The next text is likely to begin with the first `size` bytes of `text`, whole lines, in a file called `file`, if that means the
 * same in a file of its own. What was begun before is given up, unless it is the same. */
void ahead_expect(struct ahead *, const char *file, const char *const *arguments, int count, const char *text,
		  size_t size);

/* Begins with what is expected, if anything is; returns at once. A unit that ahead_finish returned stays as it is. */
void ahead_begin(struct ahead *);

/* The unit of the whole text, if it was begun with these arguments and with its beginning, and its rest means the same in a file
 * that this one includes; else NULL. It stays `ahead`'s, and as it is until the next call that returns one. */
CXTranslationUnit ahead_finish(struct ahead *, const char *const *arguments, int count, const char *text,
			       size_t size);

#endif
