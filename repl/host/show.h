/* Results as text for people, and what JSON has of them. Colours are SGR sequences and only where asked for. */
#ifndef RTF_SHOW_H
#define RTF_SHOW_H

#include "check.h"
#include "error.h"
#include "place.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>

/* A JSON string of what need not be UTF-8, as sources and paths: other bytes stand as Latin-1 has them. NULL for NULL, and
 * without memory. */
json_t *show_string(const char *text);
json_t *show_stringn(const char *text, size_t size);

/* Adds "file" and "line", if the place has them, to an object. */
void show_place(json_t *object, const struct place *);

/* Compiler diagnostics as compilers print them: place, message, the line, a caret. */
void show_diagnostics(struct text *, const struct check_result *, bool color);
json_t *show_diagnostics_json(const struct check_result *);

/* Rows of cells as aligned columns, the first row a heading. `cells` has rows × columns strings, NULL is empty. */
void show_table(struct text *, const char *const *cells, size_t rows, size_t columns, bool color);

/* That nothing has a name like the pattern and, where that is a plain name, how to ask for a part of one. */
void show_none_like(struct text *, const char *what, const char *command, const char *pattern);

/* A unified diff of two texts, by diff(1); nothing if they are the same. */
struct error *show_diff(struct text *, const char *from_name, const char *from, const char *to_name,
			const char *to, bool color);

/* The same, byte for byte: a text that ends without a newline is told from one that ends with it. */
struct error *show_patch(struct text *, const char *from_name, const char *from, const char *to_name,
			 const char *to);

/* A text with line numbers. */
void show_source(struct text *, const char *source, unsigned first_line, bool color);

#endif
