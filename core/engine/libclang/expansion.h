/* Where macros are invoked in a piece of text that libclang has read, and what one may do around them.
 *
 * The nodes of a macro's body all stand, as far as libclang tells, at its invocation: which part of the body is meant
 * does not show. Pure but for libclang; any thread that owns the translation unit. */
#ifndef RTF_EXPANSION_H
#define RTF_EXPANSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct CXTranslationUnitImpl;

struct expansion {
	uint32_t begin, end; /* of the invocation, from the piece's first byte */
	bool whole;          /* its body is one operand: in parentheses, a call, a name, a number */
};

/* The outermost invocations in [base, base + size) of the unit's text, in order. The unit must have been read with a
 * record of its macros. False if memory ran out. */
bool expansions_find(struct CXTranslationUnitImpl *, const char *text, uint32_t base, uint32_t size,
		     struct expansion **out, size_t *count);

#endif
