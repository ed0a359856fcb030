/* What libtcc is trusted with.
 *
 * It compiles most of C as gcc does, and some of it, or of gcc's dialect, silently otherwise. These lists
 * were made by comparing what both make of the same text (tests/unit/compile_test.c keeps the cases);
 * whatever is in doubt is not trusted, which costs the time that cc takes. Pure functions; any thread. */
#ifndef RTF_TRUST_H
#define RTF_TRUST_H

#include <stdbool.h>
#include <stdint.h>

/* What in a preprocessed text, its `#define` lines included, libtcc must not be asked to compile, as a noun;
 * NULL: nothing. */
const char *trust_text(const char *text, uint32_t size);

/* Whether one of libtcc's warnings (what stands behind "warning: ") is no more than gcc's own would be. */
bool trust_warning(const char *warning);

/* The first of a program's compiler flags (NULL-terminated) that gives the text another meaning than libtcc
 * does, or NULL. */
const char *trust_flags(const char *const *argv, const char *text);

/* Whether the program's compiler may make one operation of a * b + c, which rounds once. What forbids it does not count:
 * gcc 12 makes vector ones with -ffp-contract=off as well, and AVX-512's with -mno-fma. */
bool trust_fuses(const char *const *argv);

#endif
