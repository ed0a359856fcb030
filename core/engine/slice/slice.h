/* The slice: the smallest translation unit that defines one function as its file would.
 *
 * The closure, over the file's index, of the declarations that the function's text names: types whole where the text
 * looks inside them and forward where it does not, variables as `extern`, functions as prototypes, bodies of those that
 * the program has no copy of, the macros in force, static assertions on every layout that is relied on, and behind
 * `#line` the text itself. What libclang checks, libtcc compiles and `cc -O2` optimises is this text; its hash is the
 * function's identity. Asks the program only through `struct slice_names`. One thread at a time for one index. */
#ifndef RTF_SLICE_H
#define RTF_SLICE_H

#include "error.h"
#include "index.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum slice_presence {
	SLICE_ABSENT, /* the program has no such function or variable (under its own name) */
	SLICE_PRESENT,
	SLICE_DECORATED, /* a function with an entry: always called through it */
};

/* The slice's questions about the running program, from the file's point of view. */
struct slice_names {
	void *context;
	enum slice_presence (*presence)(void *context, const char *name);
	bool (*bound)(void *context, const char *variable, uint64_t *elements);
	bool (*layout)(void *context, enum target_tag, const char *name, struct target_layout *out);
	/* helper_static_fn: a static variable inside a function that comes with its body; NULL: there are none. */
	bool (*local_static)(void *context, const char *function, const char *name, unsigned nth,
			     uint64_t *size);
};

struct slice_request {
	struct index *index;
	const char *name; /* of the function */
	unsigned nth;     /* which of several definitions of that name in the index, from 0 */
	const char *text; /* its new definition, as a person writes it */
	size_t size;
	const char *file; /* what __FILE__ and __LINE__ are to say at the text's first line */
	unsigned line;
	const char *
		extra; /* other declarations typed along with it, or NULL: they stand before the definition and
			    * hide the file's of the same names */
	size_t extra_size;
	const char *also; /* further names that are needed, separated by newlines, or NULL */
	bool everything;  /* every type whole: for a text that the precise closure does not satisfy */
};

struct slice_guard {
	uint32_t line;  /* of the assertion in the slice */
	char *subject;  /* "struct order" or "struct order.qty" */
	bool offset;    /* an offset, in bytes; else a size */
	uint64_t value; /* in the running program */
	uint32_t given_line,
		given_column; /* in the slice: of the type in the text that was given; 0: the file's type */
};

struct slice {
	char *text; /* NUL-terminated */
	size_t size;
	size_t user_at; /* the #line before the definition: what stands before is the file's, and the extra text */
	uint32_t extra_line; /* line of the slice that the extra text begins at; 0: there is none */
	uint32_t user_line;  /* line of the slice that the definition begins at: minus 1, what to take off */
	uint32_t user_lines; /* lines of the definition */
	const char *given;   /* the request's text, borrowed: what the user sees of those lines */
	size_t given_size;
	char hash[33]; /* of its tokens: spaces, comments and line numbers do not count */
	uint64_t head; /* likewise of what stands before user_at */
	size_t guard_count;
	struct slice_guard *guards;
	bool guards_held; /* of those before the definition: libclang need not read them again (claims.h) */
	char *prototype;  /* the function's declaration as the file has it, "" if it is new there */
};

struct error *slice_new(const struct slice_request *, const struct slice_names *, struct slice *out);
void slice_fini(struct slice *);

#endif
