/* What a type is to those who share a value of it, put down in a few letters: the same from DWARF and from libclang, so that
 * one can be held against the other.
 *
 *     v                            void
 *     b1 s4 u4 e4 f8 c16           bool, signed and unsigned integer, enumeration, floating, complex: with the size in bytes
 *     ?16                          anything else
 *     p FORM                       pointer; p?0 behind a pointer
 *     A COUNT , FORM               array; COUNT 0 is unknown
 *     Rs SIZE : TAG ;              struct (Ru: union); one without a tag goes on with { and for each member
 *                                  , BIT-OFFSET : FORM, and ends with }; SIZE 0 is unknown
 *     F FORM ( FORM... )           function; ends with .) if variadic, and is FORM ? ) if nothing is known of its parameters
 *
 * Pure; any thread. */
#ifndef RTF_FORM_H
#define RTF_FORM_H

#include <stdbool.h>

/* Whether what one wrote the other may read. What either leaves unknown is not held against it; what a pointer points to
 * need only be like it: a void or a byte is like anything, and the sign does not count there. */
bool form_agrees(const char *a, const char *b);

/* Whether calls of a function that is declared like that may reach a definition in the old style whose parameters are what
 * `definition` says: a short integer among them is passed as the int that it is promoted to. Not so a float, which is passed in
 * another way: its form does not tell which was declared when it was built. */
bool form_takes_promoted(const char *definition, const char *declared);

#endif
