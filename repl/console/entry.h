/* What a person types, as entries of one or more lines.
 *
 * An entry is a command (one line that begins with `\`) or C text, which goes on until it is complete;
 * `\check` and `\define NAME` take the C text that follows along. These functions are pure, never fail but for
 * memory and cost what the added line costs, not what the entry has grown to. Any thread. */
#ifndef RTF_ENTRY_H
#define RTF_ENTRY_H

#include "token.h"

#include <stdbool.h>
#include <stddef.h>

enum entry_state {
	ENTRY_EMPTY, /* nothing but white space and comments */
	ENTRY_OPEN,  /* more lines belong to it */
	ENTRY_COMPLETE,
};

enum { ENTRY_BRACKETS = 1024, ENTRY_CONDITIONS = 64, ENTRY_PIECE = 128 };

/* An #if, of whose branches one counts: its first if nothing needs to be defined for it, else its last, and of a lone
 * `#ifdef X` none. So one name is taken for the same thing wherever it is asked for. */
struct entry_condition {
	unsigned depth; /* brackets that were open before it */
	unsigned end;   /* ... and behind the branch that counts, as far as it is known */
	bool first;     /* the first counts */
	bool other;     /* the branch being read is not the first */
};

/* `text` is the entry so far, without the last line's newline; the rest is entry_add's own. */
struct entry {
	char *text;
	size_t size, capacity;
	enum entry_state state;

	bool command;    /* begins with `\` and takes no definition */
	bool definition; /* begins with `\check` or `\define`: C text must follow */
	bool begun;      /* has a token of C */
	bool statement;  /* ... whose first is `if`: an `else` may follow */
	bool suspended;  /* ended inside a comment or behind a backslash: not scanned beyond `scanned` */
	bool broken;     /* no line that follows can complete it */
	bool old_style;  /* between the parameter list and the body of a K&R definition */
	size_t scanned;  /* bytes whose tokens are accounted for */
	bool line_start;
	unsigned depth;      /* open brackets, their kinds in brackets[] */
	unsigned conditions; /* open #ifs, in condition[] */
	unsigned count;      /* tokens in piece[] */
	bool hidden_group;   /* the open outermost bracket is an attribute's and not in piece[] */
	struct entry_condition condition[ENTRY_CONDITIONS];
	char brackets[ENTRY_BRACKETS];
	/* What stands outside brackets since the last `;` or body; a bracket group is one token. */
	struct token piece[ENTRY_PIECE];
};

void entry_init(struct entry *);
void entry_fini(struct entry *);
void entry_clear(struct entry *); /* to begin the next one; keeps the memory */

/* Adds a line (without its newline; bytes of any kind) and sets `state`. False if there is no memory for it:
 * the entry is then what it was. */
bool entry_add(struct entry *, const char *line, size_t size);

/* The state of a whole text; ENTRY_OPEN also if memory ran out. */
enum entry_state entry_judge(const char *text, size_t size);

/* Whether `line`, which comes next, is a command that ends an open entry: it begins with `\` and no comment
 * or continued line runs into it. */
bool entry_is_ended_by(const struct entry *, const char *line, size_t size);

/* Whether a complete entry goes on with `next`, the next line that is not blank: a body that begins on a line
 * of its own, an `else`, a function's name below its type. */
bool entry_goes_on_with(const struct entry *, const char *next, size_t size);

#endif
