/* Enumeration constants of which libtcc makes other numbers than gcc and clang do: it takes those above INT64_MAX for negative
 * ones, also in what has their type.
 *
 * Any thread that may use the translation unit. */
#ifndef RTF_ENUMERATORS_H
#define RTF_ENUMERATORS_H

#include <clang-c/Index.h>
#include <stdbool.h>

/* Why cc must compile the unit; static, NULL: no such constant is declared in it, in functions looked for only if `bodies`. */
const char *enumerators_reason(CXTranslationUnit, bool bodies);

#endif
