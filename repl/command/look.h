/* The commands that look at the program and try things in it: what they do is in command.c's table and rtf-console(1). */
#ifndef RTF_LOOK_H
#define RTF_LOOK_H

#include "call.h"

struct error *look_print(struct call *);
struct error *look_memory(struct call *);
struct error *look_forget(struct call *);
struct error *look_compare(struct call *);

#endif
