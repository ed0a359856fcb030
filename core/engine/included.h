/* What a function takes in from other files in the middle of its text: X-macros, a table that is made elsewhere. What those
 * files said stands in the index, behind the preprocessor. Pure; any thread. */
#ifndef RTF_INCLUDED_H
#define RTF_INCLUDED_H

#include "index.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether that is the word of a line that includes a file. */
bool included_is(const struct token_reader *line, const struct token *word);

/* Whether a text as people write it includes anything. */
bool included_any(const char *text, size_t size);

/* Calls `each` with every range of the index's text that a file which the declaration includes has put there. */
void included_each(const struct index *, const struct index_declaration *,
		   void (*each)(void *context, uint32_t begin, uint32_t end), void *context);

#endif
