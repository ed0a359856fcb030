/* A piece of C that libclang has read, and what is to be inserted into it: where its nodes stand, whatever macros do.
 *
 * Memory that runs out is remembered in `failed`, and everything goes on. One thread. */
#ifndef RTF_REWRITE_H
#define RTF_REWRITE_H

#include "expansion.h"
#include "token.h"

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the piece. */
struct range {
	uint32_t begin, end;
};

struct insertion {
	uint32_t at;
	bool closes; /* something that was opened before it: stands before what opens at the same place */
	uint32_t order;
	char *text;
};

struct rewrite {
	const char *text; /* the piece, as it stands in the unit */
	uint32_t size;
	uint32_t base; /* its offset there */
	unsigned line; /* of its first byte, as people count */
	bool careful;  /* nothing that begins in a macro has a range */
	struct expansion *macros;
	size_t macro_count;
	struct insertion *insertions;
	size_t insertion_count;
	bool failed; /* out of memory */
};

struct children {
	CXCursor *list; /* to be freed */
	size_t count;
	bool failed;
};

void rewrite_fini(struct rewrite *);

/* For arrays with room for a power of two: room for one more than `count`. */
void *rewrite_grow(struct rewrite *, void *array, size_t count, size_t size);

/* Takes the text. What opens at one place stands in the order of coming, what closes innermost first. */
void rewrite_insert(struct rewrite *, uint32_t at, bool closes, char *text);

/* Before a statement, which begins there, in a block of its own if it is the whole body of something. Takes the text. */
void rewrite_insert_before(struct rewrite *, CXCursor statement, uint32_t begin, bool is_body, char *text);

/* The piece with all insertions and, if it is not NULL, the tail; the caller's. */
char *rewrite_apply(struct rewrite *, const char *tail);

struct children rewrite_children(struct rewrite *, CXCursor);

/* The invocation that the byte belongs to, or NULL. */
const struct expansion *rewrite_macro(const struct rewrite *, uint32_t at);

/* False for what does not stand in the piece, or (a range) not as a whole: a part of a macro's body. */
bool rewrite_offset(const struct rewrite *, CXSourceLocation, uint32_t *at);
bool rewrite_range(const struct rewrite *, CXCursor, struct range *);

unsigned rewrite_line(const struct rewrite *, uint32_t at);

/* The token at, or behind, a byte, and a reader for those that follow. */
void rewrite_token(const struct rewrite *, uint32_t at, struct token_reader *, struct token *);

/* Whether the text has that keyword there, and no macro. */
bool rewrite_has_keyword(const struct rewrite *, uint32_t at, const char *keyword);

char *rewrite_format(struct rewrite *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
