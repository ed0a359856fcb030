/* Runs a program (a compiler, a preprocessor) and gathers what it prints.
 *
 * It has a process group of its own, reads its input from a file that it can seek, and has nothing of the engine but its
 * environment. What it leaves running behind it, a server say that holds its outputs, is not waited for. Any thread may
 * call this. */
#ifndef RTF_RUN_H
#define RTF_RUN_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct run_output {
	char *out, *err; /* NUL-terminated, malloc'ed */
	size_t out_size, err_size;
	int status; /* as wait(2) gives it */
};

enum { RUN_SECONDS = 120 };

/* All zero is what `run` does. */
struct run_options {
	const char *directory; /* NULL: the current one */
	const char *input;     /* NULL: there is none */
	int seconds;           /* after which its whole group is killed; 0: RUN_SECONDS */
	int stop;              /* a descriptor: the group is killed when it can be read; 0: there is none */
	size_t most;           /* bytes of each output: what is more is read and dropped; 0: no such limit */
	bool one_output;       /* errors among what else it prints, in their order: `err` is empty */
	bool plain;            /* LC_ALL=C, so that its messages can be told apart */
};

/* argv[0] is looked up in PATH. `input` may be NULL. An error if it cannot be started, is killed (ERROR_TIMEOUT: it took
 * too long; ERROR_INTERRUPTED: it was stopped), or memory runs out; a program that fails is no error here: see status. */
struct error *run(const char *const *argv, const char *directory, const char *input, struct run_output *out);

struct error *run_with(const char *const *argv, const struct run_options *, struct run_output *out);

void run_output_fini(struct run_output *); /* takes one that is all zero */

/* A new folder for what goes to programs and comes from them, where their own temporary files go too: below TMPDIR, or else
 * /tmp. Its path begins with `name` there and is the caller's. */
struct error *run_make_folder(const char *name, char **out);

#endif
