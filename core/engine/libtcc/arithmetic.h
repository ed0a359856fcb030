/* Numbers that libtcc computes otherwise than the program's compiler does: found in libclang's trees, by what they are made of.
 *
 *      an integer made of a long double               a double is made of it first
 *      a float or double that becomes a long double   may change places with another one
 *      an operation on two constants                  is done as long double, and the result rounded twice
 *      an int or unsigned int that a call returns,    all of the register is taken, whose upper half may hold anything
 *        and that becomes something longer              (psABI, 3.2.3)
 *      a char or short before `?:`, in `switch`       likewise
 *      a signed char made an unsigned short           stays what it is until it is stored
 *      a && b, a || b, c ? 1 : 0, made unsigned       are an int as soon as they are computed with
 *      an unsigned bit-field of 32 bits               likewise, unless it has its type's own place
 *      a product of reals that is added to something  is rounded first, where the processor can do both at once
 *      a bit-field before a step (n++) or `?:`        is unsigned
 *      `?:` behind one that is no choice: (x ? 0 : 0)  is left out, and what follows it
 *      a packed bit-field as wide as its type         begins with the next byte, if it begins within one
 *
 * All were measured (tests/unit/adapt_test.c). One thread. */
#ifndef RTF_ARITHMETIC_H
#define RTF_ARITHMETIC_H

#include <clang-c/Index.h>
#include <stdbool.h>

struct arithmetic {
	bool doubles, long_doubles; /* the text may have some: what it certainly has not is not looked for */
	bool fuses;            /* the program's compiler may add and multiply at once; set by who knows */
	bool adds, multiplies; /* such were seen, of reals */
	bool calls;            /* a call that returns unsigned int was seen */
	bool omitted;          /* the text has `x ?: y` */
	bool steps;            /* `s.n++` was seen, of a bit-field */
	bool int_calls, unsigned_ints; /* likewise one that returns int, an int that is made unsigned */
};

struct arithmetic arithmetic_expect(const char *text);

/* What the following are told of a cursor: the type of a cast or a conversion, CXType_Invalid of anything else. libclang takes its
 * time for each question. */
enum CXTypeKind arithmetic_kind(CXCursor);

/* Asked of each cursor in a function: why it is for cc, static; NULL: it is not. */
const char *arithmetic_look(struct arithmetic *, CXCursor, enum CXTypeKind);

/* What a cast, and a plus that makes it a value, is to be put before so that libtcc computes what is at a cursor as the program's
 * compiler does: the type to cast to, static, and the expression; NULL: nothing. */
const char *arithmetic_cast(CXCursor, enum CXTypeKind, CXCursor *expression);

/* Asked of a function once all in it was looked at; as arithmetic_look. */
const char *arithmetic_review(const struct arithmetic *, CXCursor function);

/* Whether a function has calls that are to be looked for, once all in it was looked at. */
bool arithmetic_has_calls(const struct arithmetic *);

/* Tells calls in a function, each once, whose result is to be made what arithmetic_result says before anything longer is made of
 * it. */
void arithmetic_each_call(CXCursor function, void (*each)(void *context, CXCursor call), void *context);

/* "int" or "unsigned". */
const char *arithmetic_result(CXCursor call);

#endif
