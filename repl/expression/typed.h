/* What a piece of typed C is: a definition, declarations, statements or an expression. Pure; any thread. */
#ifndef RTF_TYPED_H
#define RTF_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum typed_kind {
	TYPED_EMPTY,       /* space and comments */
	TYPED_DIRECTIVE,   /* begins with a preprocessor line */
	TYPED_DEFINITION,  /* of functions, with what stands around them */
	TYPED_DECLARATION, /* nothing else */
	TYPED_STATEMENT,   /* one or more, declarations among them perhaps */
	TYPED_EXPRESSION,
};

/* `is_type` says whether a name is a typedef's; may be NULL. */
enum typed_kind typed_classify(const char *text, size_t size,
			       bool (*is_type)(void *context, const char *name, uint32_t length),
			       void *context);

/* Whether a statement begins there: by a keyword, a block or a lone semicolon. */
bool typed_begins_statement(const char *text, size_t size);

/* Whether a declaration begins there, or a definition, by a word that no file's macros have: a keyword, or REALTIMEFUNC. */
bool typed_begins_declaration(const char *text, size_t size);

/* The end of an expression without the semicolons behind it. */
size_t typed_trim(const char *text, size_t size);

/* The text with a semicolon behind its last token, unless that is one. The caller's; NULL without memory. */
char *typed_finish(const char *text, size_t size);

/* `PLACE@COUNT` at the outermost, gdb's artificial array: offset of the `@`. */
bool typed_array(const char *text, size_t size, size_t *at);

#endif
