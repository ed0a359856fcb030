/* Packed enumerations, as libtcc is to read them: it gives each four bytes, the program's compiler as few as its constants
 * need. The constants stay, and the type becomes the integer type that it is to the compiler, which is promoted and converted
 * like it.
 *
 * Any thread that may use the translation unit. */
#ifndef RTF_PACKED_H
#define RTF_PACKED_H

#include "rewrite.h"

#include <clang-c/Index.h>
#include <stdbool.h>

/* Whether the unit, whose text this is, defines one. */
bool packed_is_in(CXTranslationUnit, const char *text);

/* Puts all of them otherwise; words in the text, which is the rewrite's, become blanks. False: a macro stands in the way. */
bool packed_put(struct rewrite *, char *text, CXTranslationUnit);

#endif
