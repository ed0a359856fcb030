/* What a snippet writes, told by itself: each place that its text assigns to is noted with what stood there, and what
 * stands there in the end.
 *
 *      as typed    a[i++] = tax_percent += 2
 *      run         rtf_noted(0, a[rtf_noted(1, i)++]) = rtf_noted(2, tax_percent) += 2
 *
 * rtf_noted is a macro that evaluates the place once, copies what is there and stands for the place. Variables of the
 * snippet's own are left out, and a place that is written again is noted once. Compound literals come into memory that stays,
 * as session variables do: the program may come to point to them. One thread. */
#ifndef RTF_JOURNAL_H
#define RTF_JOURNAL_H

#include "error.h"
#include "evaluate.h"
#include "snippet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads what the checked text does; `offset` is where snippet_declare's text stands in it. */
struct error *journal_begin(struct snippet *, size_t offset);

/* Whether macros of what was checked last assign: where they stand nothing of it can be noted. And a piece of snippet_declare's
 * text with its macros expanded; the caller's, NULL where that cannot be. */
struct error *journal_hides(struct snippet *, bool *hidden);
struct error *journal_expand(struct snippet *, size_t offset, size_t begin, size_t end, char **out);

/* Bytes that it needs in the result's memory, and where they are. */
size_t journal_size(const struct snippet *);
void journal_place(struct snippet *, uint64_t address);

/* What stands before the function that is run, in its beginning and at its end; and a piece of the text. */
void journal_put_macros(struct snippet *);
void journal_put_begin(struct snippet *);
void journal_put_end(struct snippet *);
void journal_put_text(struct snippet *, size_t begin, size_t end);

/* Tells what was written, however it ended; what cannot be told is told as an evaluation. */
void journal_tell(struct snippet *, const struct evaluate_end *);

#endif
