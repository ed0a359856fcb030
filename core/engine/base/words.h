/* Lists of words: command lines, taken apart as a shell would. */
#ifndef RTF_WORDS_H
#define RTF_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Begins as {0}. Out of memory is remembered in `failed`. */
struct words {
	char **items; /* NULL at the end; NULL while there are none */
	size_t count;
	bool failed;
};

void words_add(struct words *, const char *word);
void words_add_bytes(struct words *, const char *word, size_t length);
bool words_have(const struct words *, const char *word);
bool words_list_has(const char *const *list, const char *word); /* NULL ends it, or is all of it */

/* Adds a line's words: quotes and backslashes as in sh, no expansion. */
void words_split(struct words *, const char *line);

struct text;

/* Appends the word in single quotes, as words_split and sh take it. */
void words_quote(struct text *out, const char *word);

/* All of a list as a line of which words_split makes it again, the caller's; NULL without memory. */
char *words_join(char *const *items);

/* Whether the word is an option that names a folder of headers; the folder follows `*joined` bytes into it, or, with 0, is
 * the next word. */
bool words_is_folder(const char *word, size_t *joined);

void words_fini(struct words *);
void words_free(char **items); /* what was taken out of a list; takes NULL */

#endif
