/* What could stand where someone is typing: commands, and the C that the file at hand knows.
 *
 * Names come from the file's index, members of structures and unions from libclang, which reads what was typed as far as
 * the point. Nothing is run. One thread. */
#ifndef RTF_COMPLETION_H
#define RTF_COMPLETION_H

#include "call.h"

#include <jansson.h>
#include <stddef.h>

/* What the words behind a command are. */
enum completion_kind {
	COMPLETION_C,
	COMPLETION_FUNCTION, /* a decorated one */
	COMPLETION_NAME,     /* of anything */
	COMPLETION_TYPE,
	COMPLETION_FILE, /* one that has decorated functions */
};

/* An array of strings, in order and each once, that could take the place of text[*start, point); `begin` is where the C in it
 * begins, behind a command perhaps. */
json_t *completion_find(struct console_state *, enum completion_kind, const char *text, size_t begin,
			size_t point, size_t *start);

#endif
