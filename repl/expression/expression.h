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
#include "snippet.h"
#include "target.h"
#include "type.h"
#include "value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any C but function definitions. `waiting` of the reply has the answer. */
struct error *expression_enter(struct call *, const char *text, size_t size);

/* The same for one expression, shown in this way; without any, for the last value. */
struct error *expression_print(struct call *, const char *text, size_t size, const struct value_options *);

/* Hands an expression's value, as `type` says, to `done`, which fills the reply. What was typed stands in the text behind
 * its first `before` bytes. Takes `context`, which is freed in the end. */
struct error *expression_value(struct call *, const char *text, size_t before, const char *typed, size_t size,
			       snippet_done *, void *context);

/* Calls two versions of a function with the same arguments, `(…)`, one after the other, and shows both
 * results. */
struct error *expression_compare(struct call *, const struct live_function *, int a, int b,
				 const char *arguments, size_t size);

/* Whether C of that kind would go here and not to the functions' versions. */
bool expression_takes(struct call *, const char *text, size_t size);

/* The types of expressions, `count` of them as lines of `text`, in the context of a unit; nothing is run. */
struct error *expression_types(struct call *, const struct target_unit *, const char *const *texts,
			       size_t count, unsigned depth, struct types **out, struct type_found *found);

#endif
