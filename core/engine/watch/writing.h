/* Writing a version into the file that its function stands in: what the file will say, and doing it.
 *
 * Only the function's own bytes change. The file's decoration and `static` stay, helpers that came with the version go
 * before the function. A file whose text of the function is none that the history knows has moved on, and is not
 * written. One thread. */
#ifndef RTF_WRITING_H
#define RTF_WRITING_H

#include "error.h"
#include "live.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

struct writing {
	char *path;
	char *before, *after; /* the whole file, NUL-terminated */
	size_t before_size, after_size;
	bool same; /* the file says it already */
	struct source *source;
	bool read; /* what was read of the file so far is what it says */
};

/* What the file is to say for version `number`. ERROR_DRIFT where it has moved on; ERROR_USAGE where the function does not
 * stand in it as text (a macro makes it, a header holds it). */
struct error *writing_new(struct live *, struct live_function *, int number, struct writing *out);
void writing_fini(struct writing *);

/* For exports. Where the function stands in its file as the file is now, of which `path` and `before` are set (to be freed
 * by writing_fini in any case). Where the decoration before that begins: the function's slot. And what a version's text
 * would have the slot say, of which the first `decorated` bytes are decoration, with its lines' ends; the caller's. */
struct error *writing_place(struct live *, struct live_function *, struct writing *, size_t *begin,
			    size_t *end);
size_t writing_slot(const char *source, size_t begin);
char *writing_render(const char *slot, size_t size, size_t decorated, bool crlf, const char *name,
		     const char *text, size_t *new_size);

/* Whether lines end in CR LF there: in the text from `begin` to `end` or, if that is one line, in the file. */
bool writing_in_crlf(const char *source, size_t size, size_t begin, size_t end);

/* Writes it, under a new name and then in the file's place: its change is known then and no save to be followed.
 * ERROR_DRIFT if the file is another one by now. */
struct error *writing_commit(const struct writing *);

#endif
