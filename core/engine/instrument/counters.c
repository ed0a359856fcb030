#include "counters.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static char *count_text(struct counters *c, uint32_t counter)
{
	return rewrite_format(c->rewrite, " __atomic_fetch_add(&%s[%u], 1, 0); ", c->name, counter);
}

static uint32_t new_counter(struct counters *c, uint32_t count)
{
	uint32_t first = c->count;

	c->count += count;
	return first;
}

static void add_line(struct counters *c, unsigned line, uint32_t counter)
{
	c->lines = rewrite_grow(c->rewrite, c->lines, c->line_count, sizeof(*c->lines));
	if (!c->rewrite->failed)
		c->lines[c->line_count++] = (struct counters_line){line, counter};
}

/* What stands between two offsets, on one line. */
static char *one_line(struct counters *c, uint32_t begin, uint32_t end)
{
	struct text t = {0};

	text_append_words(&t, c->rewrite->text + begin, end - begin);
	char *text = text_take(&t);
	c->rewrite->failed |= !text;
	return text;
}

static void add_branch(struct counters *c, uint32_t begin, uint32_t end, bool label, uint32_t counter)
{
	c->branches = rewrite_grow(c->rewrite, c->branches, c->branch_count, sizeof(*c->branches));
	if (!c->rewrite->failed)
		c->branches[c->branch_count++] = (struct counters_branch){
			begin, rewrite_line(c->rewrite, begin), one_line(c, begin, end), label, counter};
}

/* --- statements ------------------------------------------------------------------------------------------------- */

void counters_add_statement(struct counters *c, CXCursor statement, uint32_t begin, bool is_body)
{
	if (begin == c->last)
		return; /* a macro's second statement */
	c->last = begin;
	uint32_t counter = new_counter(c, 1);
	rewrite_insert_before(c->rewrite, statement, begin, is_body, count_text(c, counter));
	add_line(c, rewrite_line(c->rewrite, begin), counter);
}

void counters_add_label(struct counters *c, CXCursor label, CXCursor statement, bool is_body)
{
	struct range r, inner;
	CXSourceRange extent = clang_getCursorExtent(statement);

	if (!rewrite_offset(c->rewrite, clang_getRangeStart(clang_getCursorExtent(label)), &r.begin) ||
	    !rewrite_offset(c->rewrite, clang_getRangeStart(extent), &inner.begin) ||
	    rewrite_macro(c->rewrite, r.begin) || rewrite_macro(c->rewrite, inner.begin) ||
	    inner.begin <= r.begin)
		return;
	uint32_t colon = inner.begin;
	while (colon > r.begin && c->rewrite->text[colon] != ':')
		colon--;
	uint32_t counter = new_counter(c, 2);
	rewrite_insert_before(c->rewrite, statement, inner.begin, is_body, count_text(c, counter));
	add_branch(c, r.begin, colon, true, counter);
}

/* --- conditions ------------------------------------------------------------------------------------------------- */

static CXCursor without_parentheses(struct counters *c, CXCursor cursor)
{
	for (;;) {
		enum CXCursorKind kind = clang_getCursorKind(cursor);
		if (kind != CXCursor_ParenExpr && kind != CXCursor_UnexposedExpr)
			return cursor;
		struct children parts = rewrite_children(c->rewrite, cursor);
		if (parts.count != 1) {
			free(parts.list);
			return cursor;
		}
		cursor = parts.list[0];
		free(parts.list);
	}
}

/* Whether it is `a && b` or `a || b`, as far as the text shows that. */
static bool is_logical(struct counters *c, CXCursor cursor)
{
	struct token_reader reader;
	struct range left, right;
	struct token t;
	bool logical = false;

	cursor = without_parentheses(c, cursor);
	if (clang_getCursorKind(cursor) != CXCursor_BinaryOperator)
		return false;
	struct children parts = rewrite_children(c->rewrite, cursor);
	if (parts.count == 2 && rewrite_range(c->rewrite, parts.list[0], &left) &&
	    rewrite_range(c->rewrite, parts.list[1], &right) && left.end < right.begin) {
		rewrite_token(c->rewrite, left.end, &reader, &t);
		logical =
			t.end <= right.begin && (token_is(&reader, &t, "&&") || token_is(&reader, &t, "||"));
		token_next(&reader, &t);
		logical &= t.begin == right.begin;
	}
	free(parts.list);
	return logical;
}

/* `while (1)` and `do … while (0)` decide nothing. */
static bool is_literal(const struct counters *c, const struct range *r)
{
	struct token_reader reader;
	struct token t;

	rewrite_token(c->rewrite, r->begin, &reader, &t);
	bool number = t.kind == TOKEN_NUMBER;
	token_next(&reader, &t);
	return number && t.begin >= r->end;
}

static void count_outcomes(struct counters *c, const struct range *r)
{
	if (is_literal(c, r) || (c->rewrite->careful && (rewrite_macro(c->rewrite, r->begin) ||
							 rewrite_macro(c->rewrite, r->end - 1))))
		return;
	uint32_t counter = new_counter(c, 2);
	rewrite_insert(c->rewrite, r->begin, false, strdup("(("));
	rewrite_insert(c->rewrite, r->end, true,
		       rewrite_format(c->rewrite,
				      ") ? (__atomic_fetch_add(&%s[%u], 1, 0), 1) : "
				      "(__atomic_fetch_add(&%s[%u], 1, 0), 0))",
				      c->name, counter, c->name, counter + 1));
	add_branch(c, r->begin, r->end, false, counter);
}

/* Of a logical operation the operands are counted, when they are met. */
static void count_condition(struct counters *c, CXCursor cursor)
{
	struct range r;

	if (!is_logical(c, cursor) && rewrite_range(c->rewrite, cursor, &r))
		count_outcomes(c, &r);
}

void counters_add_keyword(struct counters *c, CXCursor statement, const char *keyword, CXCursor condition)
{
	struct range r;
	CXSourceRange extent = clang_getCursorExtent(statement);

	if (rewrite_offset(c->rewrite, clang_getRangeStart(extent), &r.begin) &&
	    rewrite_has_keyword(c->rewrite, r.begin, keyword))
		count_condition(c, condition);
}

/* What stands between the `;`s of a `for`, if anything. */
static bool for_condition(const struct counters *c, uint32_t begin, struct range *r)
{
	struct token_reader reader;
	struct token t;
	bool inside = false;

	rewrite_token(c->rewrite, begin, &reader, &t);
	token_next(&reader, &t);
	if (t.first != '(')
		return false;
	*r = (struct range){0};
	for (token_next(&reader, &t); t.kind != TOKEN_END; token_next(&reader, &t)) {
		struct token last = t;
		if (token_opens(&t))
			token_skip_group(&reader, &last);
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == ')')
			return false;
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == ';' && inside)
			return r->end != 0;
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == ';') {
			inside = true;
			continue;
		}
		if (inside && !r->end)
			r->begin = t.begin;
		if (inside)
			r->end = last.end;
	}
	return false;
}

void counters_add_for(struct counters *c, CXCursor statement)
{
	struct range all, r, child;

	if (!rewrite_range(c->rewrite, statement, &all) ||
	    !rewrite_has_keyword(c->rewrite, all.begin, "for") || !for_condition(c, all.begin, &r))
		return;
	struct children parts = rewrite_children(c->rewrite, statement);
	bool logical = false;
	for (size_t i = 0; i + 1 < parts.count; i++)
		if (rewrite_range(c->rewrite, parts.list[i], &child) && child.begin == r.begin &&
		    child.end == r.end)
			logical = is_logical(c, parts.list[i]);
	free(parts.list);
	if (!logical)
		count_outcomes(c, &r);
}

/* The same of an operand, which the text does not put into parentheses: a macro at its end may be part of something else,
 * as in `M && c` where M is `a || b`. */
static void count_operand(struct counters *c, CXCursor cursor)
{
	struct range r;

	if (!rewrite_range(c->rewrite, cursor, &r))
		return;
	const struct expansion *first = rewrite_macro(c->rewrite, r.begin),
			       *last = rewrite_macro(c->rewrite, r.end - 1);
	if ((!first || first->whole) && (!last || last->whole))
		count_condition(c, cursor);
}

/* Whether `?` stands behind the condition, and not in a macro. */
static bool is_conditional(const struct counters *c, CXCursor condition)
{
	struct token_reader reader;
	struct token t;
	struct range r;

	if (!rewrite_range(c->rewrite, condition, &r))
		return false;
	rewrite_token(c->rewrite, r.end, &reader, &t);
	return t.kind == TOKEN_PUNCTUATOR && t.first == '?' && !rewrite_macro(c->rewrite, t.begin);
}

void counters_add_operands(struct counters *c, CXCursor expression)
{
	enum CXCursorKind kind = clang_getCursorKind(expression);
	const bool logical = kind == CXCursor_BinaryOperator && is_logical(c, expression);

	if (!logical && kind != CXCursor_ConditionalOperator)
		return;
	struct children parts = rewrite_children(c->rewrite, expression);
	if (logical) {
		count_operand(c, parts.list[0]);
		count_operand(c, parts.list[1]);
	} else if (parts.count == 3 && is_conditional(c, parts.list[0])) {
		count_operand(c, parts.list[0]);
	}
	free(parts.list);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
	const struct counters_branch *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

void counters_sort(struct counters *c)
{
	if (c->branch_count)
		qsort(c->branches, c->branch_count, sizeof(*c->branches), by_offset);
}

void counters_fini(struct counters *c)
{
	for (size_t i = 0; i < c->branch_count; i++)
		free(c->branches[i].text);
	free(c->branches);
	free(c->lines);
	free(c->name);
	*c = (struct counters){0};
}
