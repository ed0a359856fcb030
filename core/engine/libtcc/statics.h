/* The variables of a slice that outlive a call, as their names come in it: what an object calls them is their name and a
 * number, and who is meant by it this tells.
 *
 * Owned by one thread. */
#ifndef RTF_STATICS_H
#define RTF_STATICS_H

#include <stdbool.h>
#include <stddef.h>

enum statics_scope {
	STATICS_OUTSIDE, /* of functions */
	STATICS_OWN,     /* of the function that the slice is for */
	STATICS_OTHER,   /* of another that came with its body */
};

struct statics_variable {
	char *name;
	enum statics_scope scope;
	bool constant; /* its value is the text's */
	bool labels;   /* it begins with addresses of labels: each version has its own */
	bool late;     /* of an inline function: libtcc compiles it behind all others */
};

struct statics {
	struct statics_variable *list;
	size_t count;
	bool failed; /* memory ran out, and some are missing */
};

/* Copies the name. One outside functions that is there is not added again. */
void statics_add(struct statics *, const struct statics_variable *);
void statics_fini(struct statics *); /* takes one that is all zero */

/* Whether two of them have one name. */
bool statics_share_names(const struct statics *);

/* One of those that have a name. */
struct statics_place {
	enum statics_scope scope;
	bool constant, labels;
	unsigned inner; /* how many of that name before it stand in functions */
	unsigned own;   /* in the function that the slice is for */
};

/* The `nth` of an object's variables of that name. `constants`: the object has constants among its variables, as libtcc's
 * have. One that is not there is, as far as this knows, the function's own. */
struct statics_place statics_find(const struct statics *, const char *name, unsigned nth, bool constants);

#endif
