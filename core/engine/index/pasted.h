/* Names that macros paste together: `HAVE_##x` makes one that stands nowhere, and whether it is a macro decides what the text
 * says. Whatever can be made of words that stand in the texts is held for one: more is never wrong.
 *
 * Begins as {0}; memory that runs out is remembered in `failed`. Texts are borrowed. Pure; one thread at a time. */
#ifndef RTF_PASTED_H
#define RTF_PASTED_H

#include "name_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PASTED_FIRST = 128 };

struct pasted_text {
	const char *text;
	uint32_t begin, end;
};

struct pasted_word {
	const char *word;
	uint32_t length, next; /* next: the number, from 1, of another with the same first letter, or 0 */
};

struct pasted {
	bool any; /* one of the texts has a `##` */
	struct pasted_text *texts;
	size_t text_count, text_room, text_read; /* text_read: whose words are known */
	struct name_table known;
	struct pasted_word *words;
	size_t word_count, word_room;
	uint32_t first[PASTED_FIRST]; /* by first letter */
	bool failed;
};

void pasted_fini(struct pasted *);

/* A text that is still to be preprocessed, or a part of one. */
void pasted_add(struct pasted *, const char *text, uint32_t begin, uint32_t end);

/* Whether two or more of the words make the name; false unless a `##` was read. */
bool pasted_makes(struct pasted *, const char *name, size_t length);

#endif
