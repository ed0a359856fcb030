/* A slice's text to a relocatable ELF object: libtcc at once, or the program's own compiler.
 *
 * Runs in the engine's one thread (libtcc keeps global state). Objects are byte buffers that the caller frees. */
#ifndef RTF_COMPILE_H
#define RTF_COMPILE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum compile_backend { BACKEND_TCC, BACKEND_CC };

struct compile_object {
	unsigned char *bytes; /* an ELF64 ET_REL file, malloc'ed */
	size_t size;
	enum compile_backend backend;
};

void compile_object_fini(struct compile_object *);

/* "tcc" or "cc": the protocol's backend. */
const char *compile_backend_name(enum compile_backend);

/* Compiles with libtcc. `*why` is set (malloc'ed, the caller's) where libtcc cannot be trusted with this text: it
 * failed, or warned of an implicit declaration or anything else that may change the meaning; then the function
 * returns NULL, `out` is untouched and the caller goes to compile_cc. An error only for faults of ours. */
struct error *compile_tcc(const char *text, struct compile_object *out, char **why);

/* Compiles with `cc` (argv: NULL-terminated, its first the compiler, then flags that change code generation, e.g.
 * {"gcc","-O2","-std=gnu11",NULL}; -fPIC, -fdata-sections and what else linking needs are added here) in
 * `directory`. A failing compiler is an ERROR_COMPILE whose message is its first error line; `*output`, if asked
 * for, gets all it printed (malloc'ed). */
struct error *compile_cc(const char *text, const char *const *argv, const char *directory, struct compile_object *out,
			 char **output);

#endif
