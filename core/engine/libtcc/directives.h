/* Preprocessor lines in a text as people write it, which libtcc may obey otherwise than the program's compiler does.
 *
 * It counts in the types that C has where a compiler's preprocessor has 64 bits (`#if 1 << 31 < 0`), and asked what it has or
 * where a file is it has other answers. Such a text is for the program's own preprocessor first. Pure; any thread. */
#ifndef RTF_DIRECTIVES_H
#define RTF_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

/* `text`: with the `#define` lines of what its conditions name. Careful the one way: what is not sure to be the same is not. */
bool directives_may_differ(const char *text, size_t size);

#endif
