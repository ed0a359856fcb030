/* C that is evaluated: expressions, statements, declarations, in the context of one of the program's files.
 *
 * Each is checked at once and answered when the program has run it. How it is built and why in that way:
 *
 *      as typed            tax_percent + $1
 *      checked by libclang void rtf_evaluate(void *rtf_result) {( tax_percent + $1 );}       its type is read there
 *      run                 … { __typeof__(tax_percent + $1) rtf_value = (…); copy to rtf_result; }
 *
 * before it the declarations of the file and of the console's scope that it names. One thread. */
#ifndef RTF_EXPRESSION_H
#define RTF_EXPRESSION_H

#include "call.h"
#include "error.h"
#include "target.h"
#include "type.h"
#include "value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any C but function definitions. `waiting` of the reply has the answer. */
struct error *expression_enter(struct call *, const char *text, size_t size);

/* The same for one expression, shown in this way. */
struct error *expression_print(struct call *, const char *text, size_t size, const struct value_options *);

/* Hands an expression's value, as `type` says, to `done`, which fills the reply. Takes `context`, which is freed in the
 * end. */
typedef struct error *expression_done(void *context, struct call *, const struct type *,
				      const unsigned char *bytes);
struct error *expression_value(struct call *, const char *text, size_t size, expression_done *,
			       void *context);

/* Calls two versions of a function with the same arguments, `(…)`, one after the other, and shows both results. */
struct error *expression_compare(struct call *, const char *name, int a, int b, const char *arguments,
				 size_t size);

/* Whether C of that kind would go here and not to the functions' versions. */
bool expression_takes(struct call *, const char *text, size_t size);

/* The file whose declarations count: \in, else that of the function redefined last, else that of main(). The arena that is
 * near it. */
struct error *expression_unit(struct console_state *, struct live *, const struct target_unit **out);
uint32_t expression_arena(struct live *, const struct target_unit *);

/* Whether the unit's file is this one: a path or the end of it. */
bool expression_is_file(const char *path, const char *file);

/* The types of expressions, `count` of them as lines of `text`, in the context of a unit; nothing is run. */
struct error *expression_types(struct call *, const struct target_unit *, const char *const *texts,
			       size_t count, unsigned depth, struct types **out, struct type_found *found);

/* How values that lie in the program are read and named. */
struct value_source expression_source(struct console_state *);

/* "(TYPE) VALUE" on one line, or, where that is too long, a member a line. */
void expression_show(struct console_state *, struct text *, const struct type *, const void *bytes,
		     const struct value_options *);

#endif
