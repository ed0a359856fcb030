/* Numbers that libtcc computes otherwise than the program's compiler does: found in libclang's trees, by what they are made of.
 *
 * An integer made of a long double is made of a double first. A float or double that becomes a long double beside another one may
 * change places with it. Two constants are computed as long double, and the result is rounded twice. And of an unsigned int that a
 * call returns, and that becomes something longer, the whole register is taken, whose upper half may hold anything (psABI,
 * 3.2.3). All were measured (tests/unit/adapt_test.c). One thread. */
#ifndef RTF_ARITHMETIC_H
#define RTF_ARITHMETIC_H

#include <clang-c/Index.h>
#include <stdbool.h>

struct arithmetic {
	bool doubles, long_doubles; /* the text may have some: what it certainly has not is not looked for */
	bool calls;                 /* a call that returns unsigned int was seen */
};

struct arithmetic arithmetic_expect(const char *text);

/* Asked of each cursor in a function: why it is for cc, static; NULL: it is not. */
const char *arithmetic_look(struct arithmetic *, CXCursor);

/* Tells calls in a function, each once, whose result is to be made an unsigned int before anything longer is made of it. */
void arithmetic_each_call(CXCursor function, void (*each)(void *context, CXCursor call), void *context);

#endif
