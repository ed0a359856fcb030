/* What libtcc would compile otherwise than the program's compiler does: found in libclang's trees, and put so that it does
 * not.
 *
 * Eight things can be put otherwise. A packed enumeration becomes an integer type (packed.h). A type that is left to __auto_type
 * libclang knows, and it is said. Thread-local variables libtcc does not know: those of the program's own lie at an offset from
 * the thread's pointer, and are reached by that, which the link knows (ADAPT_OFFSET). Of a structure of, say, 12 bytes that is
 * passed or returned libtcc reads 16, and what lies behind may be no memory: unless it lies in the function's own frame, a copy
 * does. Where a call returns one, libtcc writes 16 bytes into room for 12: a variable of nobody's above that does. An int that a
 * call returns is copied, and what libtcc takes for a signed or a longer integer is cast (arithmetic.h). And of bit-fields in a
 * variable's initialiser libtcc leaves what is not named as it was on the stack: all is set to zero first. All were measured
 * (tests/unit/convention_test.c, adapt_test.c). What cannot be put otherwise is for cc. */
#ifndef RTF_ADAPT_H
#define RTF_ADAPT_H

#include "arithmetic.h"
#include "error.h"

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stddef.h>

/* Reasons in the words of an answer, static; NULL: there is none. */
struct adapt_needs {
	const char *why_cc;           /* it is nothing for libtcc */
	const char *why_text;         /* it is something for libtcc only as adapt_text puts it */
	struct arithmetic arithmetic; /* set before: arithmetic_expect of the text that is then examined */
};

/* Before a thread-local variable's name: a symbol whose address is the variable's offset from the thread's pointer. */
#define ADAPT_OFFSET "__rtf_offset_"

/* Whether the text declares thread-local variables. */
bool adapt_names_thread_locals(const char *text);

/* What the unit, whose text this is, needs as a whole. */
void adapt_examine_unit(CXTranslationUnit, const char *text, struct adapt_needs *);

/* Of one function's definition. */
struct adapt_examination {
	CXType result;
	struct adapt_needs *needs; /* what it needs is added to what was found before */
};

/* Its head; then each cursor inside, but for those in variables that are static, is adapt_look's; and adapt_looked. */
void adapt_examine(CXCursor definition, struct adapt_needs *, struct adapt_examination *out);
void adapt_look(const struct adapt_examination *, CXCursor inside);
void adapt_looked(const struct adapt_examination *, CXCursor definition);

/* The unit's text as libtcc is to read it, each line where it was; the caller's. What it is nothing for stays. The
 * unit must have been read with a record of its macros. NULL in *out: a macro stands in the way, or a type without a name. */
struct error *adapt_text(CXTranslationUnit, const char *text, size_t size, char **out);

#endif
