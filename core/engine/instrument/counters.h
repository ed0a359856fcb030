/* Counters in a function's text, for \cover: one for each statement, two for each condition and each case
 * label.
 *
 * They are elements of one array, a variable of the program. What a macro's body makes is not counted. Pure but for libclang;
 * one thread. */
#ifndef RTF_COUNTERS_H
#define RTF_COUNTERS_H

#include "rewrite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counters_line {
	unsigned line;
	uint32_t counter;
};

/* Two counters stand in a row for a branch: true, false; for a case label only the first counts. */
struct counters_branch {
	uint32_t at; /* offset in the plain text */
	unsigned line;
	char *text; /* the condition, on one line; or "case 3", "default" */
	bool label;
	uint32_t counter;
};

struct counters {
	struct rewrite *rewrite; /* of the definition; borrowed while counters are added */
	char *name;              /* of the array; NULL: nothing is counted */
	uint32_t count;          /* its elements */
	uint32_t last;           /* offset of the last statement that got one */
	size_t line_count, branch_count;
	struct counters_line *lines;
	struct counters_branch *branches;
};

/* A statement that begins there. `is_body`: it is the whole body of something. */
void counters_add_statement(struct counters *, CXCursor statement, uint32_t begin, bool is_body);

/* `case 3:` and `default:` before a statement are counted where they are reached, from above too. */
void counters_add_label(struct counters *, CXCursor label, CXCursor statement, bool is_body);

/* The condition of an `if`, `while` or `do`; of a `for`; and what `?:`, `&&` and `||` decide by. */
void counters_add_keyword(struct counters *, CXCursor statement, const char *keyword, CXCursor condition);
void counters_add_for(struct counters *, CXCursor statement);
void counters_add_operands(struct counters *, CXCursor expression);

void counters_sort(struct counters *); /* branches in the order of the text */
void counters_fini(struct counters *);

#endif
