/* What several readers of libclang's trees need: spellings, a definition by its name, kinds of numbers.
 *
 * Any thread that may use the translation unit. */
#ifndef RTF_CURSOR_H
#define RTF_CURSOR_H

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stdint.h>

/* The string's bytes, the caller's, "" for none; NULL without memory. Disposes of the string. */
char *cursor_take(CXString);

bool cursor_is_named(CXCursor);
bool cursor_spelled(CXCursor, const char *name);

/* The definition of that function in the unit; the null cursor if it has none. */
CXCursor cursor_find_function(CXTranslationUnit, const char *name);

/* Integers that are written as such: no bool, no enumeration. */
bool cursor_is_integer(enum CXTypeKind);
bool cursor_is_signed(enum CXTypeKind); /* an integer, and signed */

bool cursor_enum_is_signed(CXCursor enumeration); /* what its constants are */

/* What an enumeration constant is worth; above INT64_MAX as the same 64 bits. libclang tells the highest bit of an enumeration
 * without negative ones (`1u << 31`) as a sign. */
int64_t cursor_enumerator(CXCursor constant);

/* Whether a variable of that type is const: itself, or what it is an array of. */
bool cursor_is_constant(CXType);

#endif
