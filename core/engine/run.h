/* Runs a program (a compiler, a preprocessor) and gathers what it prints. */
#ifndef RTF_RUN_H
#define RTF_RUN_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct run_output {
	char *out, *err; /* NUL-terminated, malloc'ed */
	size_t out_size, err_size;
	int status; /* as wait(2) gives it */
};

enum { RUN_SECONDS = 120 }; /* after that it is killed */

/* argv[0] is looked up in PATH. `input` may be NULL. An error if it cannot be started, is killed for
 * taking too long, or memory runs out; a program that fails is no error here: see status. */
struct error *run(const char *const *argv, const char *directory, const char *input, struct run_output *out);

/* The same with another time after which it is killed. */
struct error *run_within(const char *const *argv, const char *directory, const char *input, int seconds,
			 struct run_output *out);
void run_output_fini(struct run_output *);

int64_t run_now_ms(void); /* a clock for deadlines */

#endif
