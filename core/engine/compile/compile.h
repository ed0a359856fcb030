/* A slice's text to a relocatable ELF object: by libtcc at once, or by the program's own compiler.
 *
 * libtcc is a fast compiler that half knows gcc's dialect: what it does not know it often takes for something
 * else. So compile_tcc trusts it only as far as trust.h says, and hands everything else back with a reason;
 * the caller then goes to compile_cc, which is slower and always right. Two things are left to the caller:
 * trust_flags for the program's flags and, because it takes types, convention.h for functions that pass a
 * structure by value.
 *
 * Runs in the engine's one thread (libtcc keeps global state). Objects are byte buffers that the caller
 * frees. */
#ifndef RTF_COMPILE_H
#define RTF_COMPILE_H

#include "error.h"

#include <stddef.h>

enum compile_backend { BACKEND_TCC, BACKEND_CC };

struct compile_object {
	unsigned char *bytes; /* an ELF64 ET_REL file, malloc'ed */
	size_t size;
	enum compile_backend backend;
};

void compile_object_fini(struct compile_object *); /* takes one that is all zero */

/* "tcc" or "cc": the protocol's backend. */
const char *compile_backend_name(enum compile_backend);

/* "libtcc" and the version that the one linked here says it has, e.g. "libtcc 0.9.27". */
const char *compile_tcc_name(void);

/* Compiles with libtcc. The text is preprocessed but for `#define` lines and what uses them.
 *
 * `*why` is set to one sentence (malloc'ed, the caller's) where libtcc cannot be trusted with this text: it
 * failed, it warned of anything that may change the meaning, or the text holds something that it is known to
 * get wrong. The function then returns NULL too, `out` is untouched, and the caller goes to compile_cc.
 * Otherwise `*why` is NULL. An error only for faults of ours.
 *
 * Helpers that libtcc's code calls and no program has (variable arguments, unsigned conversions) come with
 * the object. Any other name that nobody has is found by link_object: that, too, means compile_cc. */
struct error *compile_tcc(const char *text, struct compile_object *out, char **why);

/* Compiles with `cc` (argv: NULL-terminated, its first the compiler, then flags that change code generation,
 * e.g.
 * {"gcc","-O2","-std=gnu11",NULL}; -fPIC, -fdata-sections and what else linking needs are added here) in
 * `directory` (NULL: the current one). A failing compiler is an ERROR_COMPILE whose message is its first
 * error line, one that takes more than a minute an ERROR_TIMEOUT; `*output`, if asked for, gets all it
 * printed, even if that is nothing (malloc'ed, or NULL without memory). */
struct error *compile_cc(const char *text, const char *const *argv, const char *directory,
			 struct compile_object *out, char **output);

/* The same, ended with ERROR_INTERRUPTED once the descriptor `stop` can be read. Both may run in any thread. */
struct error *compile_cc_until(const char *text, const char *const *argv, const char *directory, int stop,
			       struct compile_object *out);

#endif
