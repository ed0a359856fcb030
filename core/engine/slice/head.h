/* The head of the definition that a slice is for: what makes it internal is taken out, so that the linker sees its symbol.
 *
 * The words may stand there themselves or in macros, whose meaning in the body must not change. Line and column of
 * everything else stay. Pure; any thread. */
#ifndef RTF_HEAD_H
#define RTF_HEAD_H

#include "closure.h"
#include "name_table.h"
#include "text.h"

#include <stdbool.h>

struct head {
	const struct closure *closure; /* borrowed */
	struct name_table macros;      /* that stand in the head and say `static`, themselves or by others */
	bool failed;                   /* memory ran out */
};

/* False if memory ran out; head_fini in either case. */
bool head_init(struct head *, const struct closure *);
void head_fini(struct head *);

/* A macro that stands before the function's name and says `static` goes by another name there, of the same length: the
 * function's symbol must be seen by the linker, while the macro means in its body what it means. Writes the definition
 * under that name, or nothing if the macro is none of those. */
void head_write_macro(const struct head *, struct text *out, const struct index_macro *);

/* The definition with blanks where its own head says `static` or `inline`. */
void head_write_definition(const struct head *, struct text *out);

#endif
