/* What a name is, and who uses it: \describe of a function, variable, type or macro. What it does is in rtf-console(1). */
#ifndef RTF_DESCRIBE_H
#define RTF_DESCRIBE_H

#include "command.h"

struct error *describe_name(struct call *);

#endif
