/* What is wrong with an entry, told where the person typed it.
 *
 * Compilers read the entry inside C of ours: what they say of it is put back to the line and column that it has in the
 * entry, and what they say of our C to the place where the person's began or ended. Pure; any thread. */
#ifndef RTF_FINDINGS_H
#define RTF_FINDINGS_H

#include "check.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define FINDINGS_TYPED    "<console>"  /* names what was typed in diagnostics */
#define FINDINGS_DECLARED "<declared>" /* and what was declared at the console earlier */

/* C in an entry. Its lines count from the one that it begins in, if a command stands before it, or from the entry's. */
struct findings_text {
	const char *line;     /* the whole line that it begins in, and all behind that; borrowed */
	size_t size;          /* of that, to the entry's end */
	size_t begin;         /* of the C in it */
	size_t before;        /* bytes that compilers see in front of the C on its first line */
	unsigned split, more; /* behind that line of it they see so many lines more; 0: they do not */
};

/* The C at `text`, to the end of an entry that begins at `entry`. */
struct findings_text findings_text(const char *entry, const char *text, size_t size);

/* Puts the findings in FINDINGS_TYPED, which count the C's lines from 1, and those in FINDINGS_DECLARED to their places. */
struct error *findings_place(const struct findings_text *, struct check_result *);

/* Of C that was refused: where a bracket is not closed or closes nothing, or a literal or comment has no end, that is what
 * is wrong, and takes the place of what compilers found in the C around it. */
struct error *findings_look(const struct findings_text *, struct check_result *);

#endif
