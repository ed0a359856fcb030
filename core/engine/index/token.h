/* C text as tokens: names, numbers, literals, punctuators, whole preprocessor lines. White space, comments,
 * spliced lines and `[[…]]` are skipped.
 *
 * Never fails: text that is no C gives punctuators of one byte, an unterminated literal or comment ends
 * with the text and says so. Tokens are offsets into the caller's text, which need not end in NUL. No
 * allocation; any thread. Source: C17 5.1.1.2 and 6.4. */
#ifndef RTF_TOKEN_H
#define RTF_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,      /* identifiers and keywords */
	TOKEN_NUMBER,    /* a pp-number */
	TOKEN_STRING,    /* with its encoding prefix */
	TOKEN_CHARACTER, /* likewise */
	TOKEN_PUNCTUATOR,
	TOKEN_DIRECTIVE, /* from `#` at the start of a line to the end of that (spliced) line */
};

struct token {
	enum token_kind kind;
	uint32_t begin, end;
	char first;        /* text[begin]; a digraph's meaning: `[` for `<:` and so on; 0 at the end */
	bool unterminated; /* a literal, comment or line that the text's end cut off (also on TOKEN_END) */
};

struct token_reader {
	const char *text;
	uint32_t size, at;
	bool line_start; /* only white space and comments since the last newline */
	bool lists;      /* `[[…]]` is not skipped, but one punctuator */
};

void token_reader_init(struct token_reader *, const char *text, uint32_t size);

/* Reads what stands in [begin, end) of a text. `line_start`: a `#` there may begin a directive. */
void token_reader_within(struct token_reader *, const char *text, uint32_t begin, uint32_t end,
			 bool line_start);

/* Its first word, `define`, and a reader of what is behind that. */
void token_read_directive(struct token_reader *line, const char *text, const struct token *directive,
			  struct token *word);
void token_next(struct token_reader *, struct token *out);

/* Whether two bytes stand next to each other. Where the first is rare that is faster than memmem. */
bool token_has_pair(const char *text, size_t size, char first, char second);

/* Whether a text may have a line that counts, asks for something or includes a file, like `#if` and `#include`: a quick look, for
 * most texts have none. Careful the one way: what is not sure to be none is one. */
bool token_may_ask(const char *text, size_t size);

/* Whether the token is spelled exactly `word` (a name or a punctuator; digraphs as written). */
static inline bool token_is(const struct token_reader *r, const struct token *t, const char *word)
{
	size_t n = strlen(word); /* inline, so that this and the comparison are the compiler's */

	return (t->kind == TOKEN_NAME || t->kind == TOKEN_PUNCTUATOR) && t->end - t->begin == n &&
	       memcmp(r->text + t->begin, word, n) == 0;
}

/* The token that comes next, preprocessor lines looked past. */
static inline struct token token_past_directives(struct token_reader *r)
{
	struct token t;

	do
		token_next(r, &t);
	while (t.kind == TOKEN_DIRECTIVE);
	return t;
}

/* Whether it is `.` or `->`, behind which a name is a member's. `...` is not. */
static inline bool token_selects(const struct token_reader *r, const struct token *t)
{
	uint32_t length = t->end - t->begin;

	return t->kind == TOKEN_PUNCTUATOR &&
	       ((t->first == '.' && length == 1) ||
		(t->first == '-' && length == 2 && r->text[t->begin + 1] == '>'));
}

/* Whether it is a bracket that opens a group, or one that closes it. */
static inline bool token_opens(const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && strchr("([{", t->first);
}

static inline bool token_closes(const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && strchr(")]}", t->first);
}

/* Whether it stands outside of all brackets and is none; `*depth` counts those that are open, 0 at the start. One that closes
 * nothing is not counted. */
static inline bool token_outside(const struct token *t, unsigned *depth)
{
	if (token_opens(t))
		++*depth;
	else if (token_closes(t))
		*depth -= *depth > 0;
	else
		return *depth == 0;
	return false;
}

/* Whether it is `__attribute__`, or without its last underscores. */
static inline bool token_is_attribute(const struct token_reader *r, const struct token *t)
{
	return token_is(r, t, "__attribute__") || token_is(r, t, "__attribute");
}

/* Puts blanks in the place of [begin, end) of a text that goes on behind it; lines stay, those of a macro in one piece. */
void token_blank(char *text, uint32_t begin, uint32_t end);

/* Whether what a directive says begins so, behind the `#` and blanks: "if" is how `#ifdef` begins, too. */
bool token_directive_begins(const char *text, const struct token *directive, const char *with);

/* Whether the first branch of an `#if` is compiled where no name is defined: `#ifndef X`, `#if !X`, `#if 1`. */
bool token_holds_undefined(const char *text, const struct token *directive);

/* Whether it is a word that makes a function internal or inline: `static`, or `inline` in one of its spellings. */
bool token_is_linkage(const struct token_reader *, const struct token *);

/* Behind an opening bracket: reads up to and including the bracket that closes it, which becomes *out
 * (TOKEN_END if there is none). */
void token_skip_group(struct token_reader *, struct token *out);

enum { TOKEN_BRACES_NAMES = 16 };

/* How many braces are open in text that is not preprocessed: of an `#if` with several branches, which each
 * open their own, the first one's count (the second's of an `#if 0`). Zeroed at the start; with `undefined` set, no name
 * is taken for defined, and the branches count that hold then. */
struct token_braces {
	bool undefined;
	unsigned depth;
	unsigned conditions; /* `#if`s open */
	unsigned skip;       /* 1 + the `#if`s open around a branch that does not count, or 0 */
	bool zero;           /* it is that of an `#if 0`, or of one like it: the next branch counts */
	/* What `#ifdef` and `#ifndef` were first taken for: the next with the same name is taken likewise. */
	struct {
		const char *name;
		uint32_t length;
		bool defined;
	} names[TOKEN_BRACES_NAMES];
	unsigned name_count;
	bool conditional; /* an `#if` came */
	bool orphan;      /* an `#else` or `#endif` came whose `#if` stands before the text */
};

/* Counts one more token. A closing brace too many is not counted. */
void token_count_brace(const struct token_reader *, const struct token *, struct token_braces *);

/* Newlines before `offset`: with 1 added, the line number of `offset`. */
uint32_t token_line(const char *text, uint32_t offset);

#endif
