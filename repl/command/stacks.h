/* \threads: where each of the program's threads is. One thread. */
#ifndef RTF_STACKS_H
#define RTF_STACKS_H

#include "call.h"
#include "error.h"

struct error *stacks_threads(struct call *);

#endif
