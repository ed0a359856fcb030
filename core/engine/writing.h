/* Writing a version into the file that its function stands in: what the file will say, and doing it.
 *
 * Only the function's own bytes change. The file's decoration and `static` stay, helpers that came with the version go
 * before the function. A file whose text of the function is none that the history knows has moved on, and is not
 * written. One thread. */
#ifndef RTF_WRITING_H
#define RTF_WRITING_H

#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

struct writing {
	char *path;
	char *before, *after; /* the whole file, NUL-terminated */
	size_t before_size, after_size;
	bool same; /* the file says it already */
};

/* What the file is to say for version `number`. ERROR_DRIFT where it has moved on; ERROR_USAGE where the function does not
 * stand in it as text (a macro makes it, a header holds it). */
struct error *writing_new(struct live *, struct live_function *, int number, struct writing *out);
void writing_fini(struct writing *);

/* The same, for any two texts of a file and of a definition: `begin` to `end` of `source` is the function. The caller's. */
char *writing_replace(const char *source, size_t size, size_t begin, size_t end, const char *name, const char *text,
		      size_t *new_size);

/* Writes it, under a new name and then in the file's place. ERROR_DRIFT if the file is another one by now. */
struct error *writing_commit(const struct writing *);

#endif
