/* A piece of C that is run in the program, on its way: checked, compiled, run, answered.
 *
 *      checked by libclang   `checked`, a function SNIPPET_FUNCTION; its types are read there
 *      run                   `run`, which is written when they are known, and compiled in its place
 *
 * before both the declarations of the file and of the console's scope that they name. Who makes one writes
 * both texts and says what is done in the end. One thread. */
#ifndef RTF_SNIPPET_H
#define RTF_SNIPPET_H

#include "build.h"
#include "call.h"
#include "effects.h"
#include "error.h"
#include "evaluate.h"
#include "findings.h"
#include "scope_text.h"
#include "target.h"
#include "text.h"
#include "type.h"
#include "value.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIPPET_FUNCTION "rtf_evaluate"

enum { SNIPPET_NAMES = 64 }; /* variables of one declaration */

struct snippet;

/* Called when it has run, or could not: fills the reply. */
typedef struct error *snippet_finish(struct snippet *, const struct evaluate_end *, struct reply *);

/* Hands an expression's value, as `type` says, to who asked, which fills the reply. */
typedef struct error *snippet_done(void *context, struct call *, const struct type *,
				   const unsigned char *bytes);

/* A variable that an entry declares. */
struct snippet_variable {
	char *name;
	char *declarator; /* without initialiser, its name replaced */
	bool initialised;
	size_t begin, end;             /* of the initialiser with its `=` in the text for compilers */
	size_t typed_begin, typed_end; /* and as typed */
	char *base;                    /* what stands before the declarator */
	struct types *types;
	const struct type *type;
	uint64_t address;
};

struct snippet {
	struct waiting waiting; /* first */
	snippet_finish *finish;
	bool (*retry)(struct snippet *,
		      const struct evaluate_end *); /* asked first; true: it runs once more */
	struct console_state *state;
	struct live *live;
	struct host *host;
	struct scope_text given;
	char *text; /* as compilers are to see it */
	size_t size;
	char *line; /* as typed: what the next is in */
	struct findings_text typed;
	const struct target_unit *unit;
	struct target_function function;
	struct build_request request;
	struct build build;
	bool built;
	bool patient;    /* it is the same text if the command is tried again */
	bool from_first; /* `checked` begins with what was typed; else that stands behind two lines of ours */
	struct text checked, run, also;
	struct text opaque; /* types that were looked for in other files, a line each */
	struct types *types;
	struct type_found found;
	struct value_options options;
	struct evaluation *evaluation;
	uint64_t argument; /* of the function that is run */
	struct snippet_variable variables[SNIPPET_NAMES];
	size_t variable_count;
	struct text warnings; /* of the compiler, for the answer */
	json_t *diagnostics;

	/* What it does to the program's data: journal.h. */
	struct effects effects; /* in the text for compilers */
	uint64_t *literals;     /* where each of them lies */
	uint64_t journal, serial;

	/* Of expressions. */
	uint64_t result; /* where the value comes to lie */
	bool writes;     /* or may */
	snippet_done *done;
	void *context;
	char *compared, *compared_as;
	int versions[2];
	char *second;      /* the second call */
	char *first_fault; /* what became of the first, where the second had to be called by itself */
};

/* `text` lies in the call's entry; in the second form `typed` does, which is the same behind the first `before` bytes. */
struct error *snippet_new(struct call *, const char *text, size_t size, struct snippet **out);
struct error *snippet_new_from(struct call *, const char *text, size_t before, const char *typed, size_t size,
			       struct snippet **out);
void snippet_free(struct snippet *);

/* Gives its last declaration the `;` that it may do without. */
struct error *snippet_finish_text(struct snippet *);

/* Finds what `text` names in the console's scope: `given` has the text for compilers. */
struct error *snippet_declare(struct snippet *);

/* Checks `checked` as it is; _here: with the types that the file at hand only mentions, as other files define them. Where it
 * does not know a name, snippet_check goes on to a file that does. What is wrong with the C is
 * in the build, not in the error. */
struct error *snippet_check(struct snippet *);
struct error *snippet_check_here(struct snippet *);
struct error *snippet_check_once(struct snippet *);

/* snippet_check until `read`, which sets `found`, is content: types that printing would follow come whole
 * into the slice, and it is checked again. */
struct error *snippet_check_with_types(struct snippet *, struct reply *, unsigned depth,
				       struct error *(*read)(struct snippet *));

/* The findings go to the reply; an error if they are errors. */
struct error *snippet_refuse(struct snippet *, struct reply *);

/* Compiles `run` in place of what was checked, and waits for its end. Takes the snippet, also on failure. */
struct error *snippet_start(struct snippet *, snippet_finish *, struct reply *);

/* The same text for another `run`, from a `retry`. */
struct error *snippet_again(struct snippet *);

/* How its run ended: NULL if as it should; else the reply has the backtrace. */
struct error *snippet_explain(struct snippet *, const struct evaluate_end *, struct reply *);

/* Bytes of the program, malloc'ed. */
struct error *snippet_read(struct snippet *, uint64_t at, size_t size, unsigned char **out);

/* What goes into the history and to who listens. */
void snippet_tell(struct snippet *, const char *kind, const char *detail);

#endif
