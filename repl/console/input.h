/* Lines of commands to come: from a file descriptor, or all of them in memory already.
 *
 * Nothing here waits but for a read that poll() did not announce. One thread. */
#ifndef RTF_INPUT_H
#define RTF_INPUT_H

#include "buffer.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { INPUT_MAX = 512 << 20 }; /* bytes of one line, and with --all of one input */

struct input {
	int fd; /* -1: only what is in the buffer */
	bool begun, ended;
	int failed; /* errno of the read that failed; 0: none */
	struct buffer buffer;
};

/* "-" is standard input. On failure there is nothing to end. */
struct error *input_open(struct input *, const char *file);
void input_fini(struct input *);

bool input_fill(struct input *); /* reads once; false: nothing more will come */

/* Why nothing more came, if that was no end: the caller's; NULL. */
struct error *input_error(const struct input *);

/* The next line that has been read already, without its end; false: none. Valid until the next input_
 * call. */
bool input_take(struct input *, const char **text, size_t *size);

/* The next line that is not blank, if it has been read or can be without waiting for it. */
bool input_peek(struct input *, const char **text, size_t *size);

struct error *input_slurp(struct input *); /* reads all of it, up to INPUT_MAX */
void input_rewind(struct input *);         /* after input_slurp: its first line is the next again */

#endif
