/* Values of the program as text, in the way of gdb's print.
 *
 * Works on bytes that were copied out of the program; what they point to is read through `struct value_source`, and a
 * pointer to nothing is shown and not followed. Output is bounded by the options. Any thread that may use the source. */
#ifndef RTF_VALUE_H
#define RTF_VALUE_H

#include "text.h"
#include "type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct value_source {
	void *context;
	bool (*read)(void *context, uint64_t address, void *bytes, size_t size);
	/* "price", "table+8": what has that address, if it is known; `function`: what is pointed to is code. */
	bool (*name)(void *context, uint64_t address, bool function, char *buffer, size_t size);
};

struct value_options {
	size_t elements; /* of an array or string, the first of them `from` */
	size_t from;     /* of the outermost array */
	size_t repeats;  /* as many equal ones in a row are folded; 0: never */
	unsigned depth;  /* how many pointers deep records are shown */
	char format;     /* one of gdb's letters, x d u o t a c f s z; 0: as the type says */
	bool pretty;     /* a member a line */
};

#define VALUE_OPTIONS ((struct value_options){.elements = 200, .repeats = 10, .depth = 1})

enum { VALUE_TEXT_MAX = 1 << 20 }; /* bytes; what goes beyond is cut off */

/* The value alone, without its type's name. */
void value_text(struct text *out, const struct type *, const void *bytes, const struct value_source *,
		const struct value_options *);

/* One unit of memory in one of gdb's formats (x command): `size` bytes, 1 to 8. */
void value_unit(struct text *out, const void *bytes, size_t size, char format, const struct value_source *);

/* A character as gdb escapes it inside `quote`. */
void value_escape(struct text *out, uint32_t character, char quote);

#endif
