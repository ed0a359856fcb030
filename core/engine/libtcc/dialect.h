/* What libtcc cannot read of types and literals, spelled so that it can and takes it for what gcc does.
 *
 *      _Atomic(long) n                                 a plain one: see atomics.h for who may have it
 *      typedef union { struct a *a; struct b *b; } any __attribute__((transparent_union))
 *                                                      a pointer, which any pointer is passed as: the C library's sockets
 *      int regexec(…, size_t n, regmatch_t match[n])   an array's bound that names another parameter: an empty one
 *      enum { A, B __attribute__((deprecated)) = 2 }   without the attribute
 *      void die(void) __attribute__((noreturn))        one that returns: libtcc forgets what stands behind any call
 *      [[maybe_unused]] int n                          without the attributes, where they are advice to compilers alone
 *      u8"text"                                        "text": sources are in UTF-8
 *
 * The text keeps its length and its lines. */
#ifndef RTF_DIALECT_H
#define RTF_DIALECT_H

#include <stddef.h>

/* A macro for __typeof__ that the text is to have: as long as _Atomic. */
#define DIALECT_TYPEOF "__rtf_T"

void dialect_respell(char *text, size_t size);

#endif
