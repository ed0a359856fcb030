/* Which files of the program define a name, as its debug information has it: before any of their sources is read. One thread. */
#ifndef RTF_KNOWS_H
#define RTF_KNOWS_H

#include "target.h"

#include <stdbool.h>

/* Whether `unit` speaks of that at file scope, as its own or as another's: a variable, function, type, tag or enumeration constant. */
bool knows_of_name(const struct target_unit *, const char *name);

/* Whether it is a typedef name there. */
bool knows_type(const struct target_unit *, const char *name);

#endif
