/* What a function takes in from other files in the middle of its text: X-macros, a table that is made elsewhere. What those
 * files said stands in the index, behind the preprocessor; which macros that depends on, in the files themselves. Any thread. */
#ifndef RTF_INCLUDED_H
#define RTF_INCLUDED_H

#include "index.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether that is the word of a line that includes a file. */
bool included_is(const struct token_reader *line, const struct token *word);

/* What stands behind that word. */
struct included_name {
	const char *name;
	size_t length;
	bool quoted;
	bool by_macro; /* whose name it is */
};

/* "file" or <file> at the beginning of a text, on its first line; false: it is neither. */
bool included_read_name(const char *text, size_t size, struct included_name *out);

/* Whether a text as people write it includes anything. */
bool included_any(const char *text, size_t size);

/* Calls `each` with every range of the index's text that a file which the declaration includes has put there. */
void included_each(const struct index *, const struct index_declaration *,
		   void (*each)(void *context, uint32_t begin, uint32_t end), void *context);

/* Files of the program's own that texts include, as they are now. Begins as {0}. */
struct included_file {
	char *path, *text;
	uint32_t size;
};

struct included_files {
	struct included_file *items;
	size_t count;
	bool failed; /* memory ran out */
};

/* Adds those that a text of the index's file includes, and that they include in their turn, each once. One that is not found, or
 * whose name a macro says, is left out. */
void included_read(struct included_files *, const struct index *, const char *text, size_t size);
void included_files_fini(struct included_files *);

#endif
