/* An expression that was typed for code which is built around a function's text (\trace, \probe, \guard, \return): what
 * compilers say of it there, told where it was typed. One thread. */
#ifndef RTF_REFUSED_H
#define RTF_REFUSED_H

#include "call.h"
#include "check.h"
#include "error.h"

#include <stddef.h>

/* Takes the error and returns it, or one that says better what is wrong. If it is ERROR_COMPILE, errors that `found` has in
 * one of the expressions, which stand in this order behind the command's name, go to the reply. */
struct error *refused_tell(struct call *, const struct check_result *found, char *const *expressions,
			   size_t count, struct error *);

#endif
