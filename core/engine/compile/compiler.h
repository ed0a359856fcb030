/* libtcc in a process of its own.
 *
 * libtcc keeps its state in globals and leaves them as they are when a text stops it half-way: what it compiles next may
 * be wrong, or crash. So a small process, forked while the engine is still small, forks workers; a worker compiles
 * until a text defeats it and is then replaced. A crash there is an answer here. One thread. */
#ifndef RTF_COMPILER_H
#define RTF_COMPILER_H

#include "compile.h"
#include "error.h"

struct compiler;

/* Forks: call it early, before there are threads and before much memory is touched. */
struct error *compiler_new(struct compiler **out);
void compiler_free(struct compiler *); /* takes NULL */

/* Begins with a text that compiler_compile is likely to be asked for next: the two processes then work at once. Another
 * text is compiled just as well. */
void compiler_begin(struct compiler *, const char *text);

/* compile_tcc, elsewhere. A worker that crashed or hung is a `*why` too. */
struct error *compiler_compile(struct compiler *, const char *text, struct compile_object *out, char **why);

#endif
