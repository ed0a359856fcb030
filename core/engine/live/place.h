/* What stands at a program counter: a version of a function and the line of its text, a function as it was built, or code
 * that an evaluation ran. One thread. */
#ifndef RTF_PLACE_H
#define RTF_PLACE_H

#include "live.h"
#include "rules.h"
#include "text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The file of the code around a guarded version (wrapper.h): a call of the function has a call of that around it. */
#define PLACE_WRAPPER "<guard>"

struct place {
	char function[256]; /* "price", "price@2"; else "libc.so.6" or, in no module, "0x1234" */
	uint64_t offset;
	char file[PATH_MAX]; /* "": unknown */
	unsigned line;
	bool own;     /* the code of an evaluation */
	bool wrapper; /* PLACE_WRAPPER's, which has no lines for anybody */
};

/* Without file and line. `is_return`: pc is a return address, and means the call before it. */
void place_name(struct live *, uint64_t pc, bool is_return, struct place *out);

/* With them. A version's line is that of its own text: in the file, if it was saved there, else "<console>" and the line
 * of what was typed. */
void place_describe(struct live *, uint64_t pc, bool is_return, struct place *out);

/* The same, also of what was built, which is number 0; NULL: none that can be changed. */
struct live_function *place_function(struct live *, uint64_t pc, int *number);

/* "price@2 (orders.c:52)", "poll+0x4f" */
void place_put(struct text *, const struct place *);

/* Whether the code at `pc` came from here, and is of no module. */
bool place_is_ours(struct live *, uint64_t pc);

/* How to leave the code of a version, for unwind.h. False: there is none at `pc`, or it does not say. */
bool place_rules(struct live *, uint64_t pc, bool is_return, struct rules *out);

/* The version whose code is at `pc`; false: none. */
bool place_version(struct live *, uint64_t pc, struct live_function **function, int *number);

#endif
