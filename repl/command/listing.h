/* The commands that list what the program has: variables and types. What they do is in command.c's table and
 * rtf-console(1). */
#ifndef RTF_LISTING_H
#define RTF_LISTING_H

#include "command.h"

struct error *listing_vars(struct call *);
struct error *listing_types(struct call *);

#endif
