/* Variables of _Atomic types in a slice: what libclang must be told so that it takes gcc's operations on them, and whether
 * libtcc can be trusted with what the slice does to them.
 *
 * To libtcc such a number or pointer is a plain one. One that is only declared lies in memory as a plain one does; read, it
 * is one load, which on this processor is as much as the strictest order asks for; what libtcc makes of the builtins
 * (__atomic_fetch_add, …) is atomic in either case. What else is done by a variable's name is not.
 *
 * Any thread that may use the translation unit. */
#ifndef RTF_ATOMICS_H
#define RTF_ATOMICS_H

#include <clang-c/Index.h>
#include <stdbool.h>

/* Why cc must compile the unit; static, NULL: nothing in it asks for that. */
const char *atomics_reason(CXTranslationUnit);

/* gcc's __atomic_* take pointers to _Atomic types, libclang's do not. Where it has refused one, appends arguments (static
 * strings) with which it takes them; how many there are then, at most `max`. */
int atomics_allow(CXTranslationUnit, const char **arguments, int count, int max);

#endif
