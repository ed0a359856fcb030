#include "instrument.h"
#include "cursor.h"
#include "rewrite.h"
#include "ring.h"
#include "token.h"
#include "wrapper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	struct rewrite rewrite; /* of the definition */
	const struct instrument_request *request;
	bool *probed;          /* which watches have found their statement */
	uint32_t last_counted; /* offset of the last statement that was counted */
	CXCursor function;
	CXType result;
	char *tail; /* what follows the definition, or NULL */
	struct instrument *out;
};

/* --- what is inserted ------------------------------------------------------------------------------------------- */

static char *count_text(struct work *w, uint32_t counter)
{
	return rewrite_format(&w->rewrite, " __atomic_fetch_add(&%s[%u], 1, 0); ", w->out->counts, counter);
}

static void put_condition(struct text *t, const struct instrument_watch *watch)
{
	text_puts(t, "if ((");
	ring_put_expression(t, watch->condition ? watch->condition : "1");
	text_printf(t, ") && rtf_may(%u)) { ", watch->quota);
}

/* The values in turn, each in a variable of its own: expressions may be bit-fields, arrays, structures. */
static void put_values(struct text *t, const struct instrument_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		text_printf(t, "{ __auto_type rtf_value_%u_%zu = ((void)0, (", watch->serial, i);
		ring_put_expression(t, watch->expressions[i]);
		text_printf(t,
			    ")); rtf_put(&rtf_call, &rtf_value_%u_%zu, "
			    "sizeof(rtf_value_%u_%zu), __builtin_classify_type(rtf_value_%u_%zu) == 5); } ",
			    watch->serial, i, watch->serial, i, watch->serial, i);
	}
}

/* What a watch evaluates is left at its first fault, and the program goes on behind it. */
static void begin_guarded(struct text *t, const struct instrument_watch *watch)
{
	text_printf(
		t,
		"if (rtf_whole(%u, %u)) { struct rtf_frame rtf_frame; if (rtf_sigsetjmp(&rtf_frame, 0) == "
		"0) { if (rtf_guard(&rtf_frame)) { ",
		watch->quota, watch->serial);
}

static void end_guarded(struct text *t, const struct instrument_watch *watch, const char *otherwise)
{
	text_printf(t, "rtf_unguard(&rtf_frame); } } else { rtf_faulted(&rtf_frame, %u, %u); %s} } ",
		    watch->quota, watch->serial, otherwise);
}

static char *probe_text(struct work *w, const struct instrument_watch *watch)
{
	struct text t = {0};

	text_puts(&t, " { struct rtf_call rtf_call; ");
	begin_guarded(&t, watch);
	put_condition(&t, watch);
	text_printf(&t, "rtf_enter(&rtf_call, %u, %d); ", watch->serial, w->request->version);
	put_values(&t, watch);
	text_puts(&t, "rtf_leave(&rtf_call); } ");
	end_guarded(&t, watch, "");
	text_puts(&t, "} ");
	char *text = text_take(&t);
	w->rewrite.failed |= !text;
	return text;
}

/* --- statements ------------------------------------------------------------------------------------------------- */

static uint32_t new_counter(struct work *w, uint32_t count)
{
	uint32_t first = w->out->counter_count;

	w->out->counter_count += count;
	return first;
}

static void add_line(struct work *w, unsigned line, uint32_t counter)
{
	struct instrument *o = w->out;

	o->lines = rewrite_grow(&w->rewrite, o->lines, o->line_count, sizeof(*o->lines));
	if (!w->rewrite.failed)
		o->lines[o->line_count++] = (struct instrument_line){line, counter};
}

/* What stands between two offsets, on one line. */
static char *one_line(struct work *w, uint32_t begin, uint32_t end)
{
	struct text t = {0};

	text_append_words(&t, w->rewrite.text + begin, end - begin);
	char *text = text_take(&t);
	w->rewrite.failed |= !text;
	return text;
}

static void add_branch(struct work *w, uint32_t begin, uint32_t end, bool label, uint32_t counter)
{
	struct instrument *o = w->out;

	o->branches = rewrite_grow(&w->rewrite, o->branches, o->branch_count, sizeof(*o->branches));
	if (!w->rewrite.failed)
		o->branches[o->branch_count++] = (struct instrument_branch){
			begin, rewrite_line(&w->rewrite, begin), one_line(w, begin, end), label, counter};
}

/* Behind the last byte of a statement, its `;` included. */
static bool end_of_statement(struct work *w, CXCursor cursor, uint32_t *end)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	struct token_reader reader;
	struct token t;
	struct range r;

	switch (kind) {
	case CXCursor_IfStmt:
	case CXCursor_WhileStmt:
	case CXCursor_ForStmt:
	case CXCursor_SwitchStmt:
	case CXCursor_LabelStmt:
	case CXCursor_CaseStmt:
	case CXCursor_DefaultStmt: {
		struct children c = rewrite_children(&w->rewrite, cursor);
		bool found = c.count && end_of_statement(w, c.list[c.count - 1], end);
		free(c.list);
		return found;
	}
	default:
		break;
	}
	if (!rewrite_range(&w->rewrite, cursor, &r))
		return false;
	*end = r.end;
	if (kind == CXCursor_CompoundStmt)
		return w->rewrite.text[r.end - 1] == '}';
	if (w->rewrite.text[r.end - 1] == ';')
		return true;
	rewrite_token(&w->rewrite, r.end, &reader, &t);
	*end = t.end;
	return t.kind == TOKEN_PUNCTUATOR && t.first == ';';
}

/* Before a statement, in a block of its own if it is the whole body of something. */
static void insert_before(struct work *w, CXCursor statement, uint32_t begin, bool is_body, char *text)
{
	uint32_t end;

	if (!is_body) {
		rewrite_insert(&w->rewrite, begin, false, text);
		return;
	}
	if (!end_of_statement(w, statement, &end)) {
		free(text);
		return;
	}
	rewrite_insert(&w->rewrite, begin, false, rewrite_format(&w->rewrite, "{%s", text));
	rewrite_insert(&w->rewrite, end, true, strdup("}"));
	free(text);
}

static void count_statement(struct work *w, CXCursor statement, uint32_t begin, bool is_body)
{
	if (begin == w->last_counted)
		return; /* a macro's second statement */
	w->last_counted = begin;
	uint32_t counter = new_counter(w, 1);
	insert_before(w, statement, begin, is_body, count_text(w, counter));
	add_line(w, rewrite_line(&w->rewrite, begin), counter);
}

/* The first statement that begins on a probe's line, or else behind it. */
static void probe_statement(struct work *w, CXCursor statement, uint32_t begin, bool is_body)
{
	for (size_t i = 0; i < w->request->watch_count; i++) {
		const struct instrument_watch *watch = &w->request->watches[i];
		if (!watch->line || w->probed[i] || rewrite_line(&w->rewrite, begin) < watch->line)
			continue;
		w->probed[i] = true;
		insert_before(w, statement, begin, is_body, probe_text(w, watch));
	}
}

static void mark_statement(struct work *w, CXCursor statement, bool is_body)
{
	struct range r;

	CXSourceRange extent = clang_getCursorExtent(statement);
	if (!rewrite_offset(&w->rewrite, clang_getRangeStart(extent), &r.begin))
		return;
	const struct expansion *macro = rewrite_macro(&w->rewrite, r.begin);
	if (macro && (macro->begin != r.begin || w->request->careful))
		return;
	probe_statement(w, statement, r.begin, is_body);
	if (w->request->cover)
		count_statement(w, statement, r.begin, is_body);
}

static void walk_statement(struct work *w, CXCursor statement, bool is_body);
static void walk_expressions(struct work *w, CXCursor parent);

/* --- conditions ------------------------------------------------------------------------------------------------- */

static CXCursor without_parentheses(struct work *w, CXCursor cursor)
{
	for (;;) {
		enum CXCursorKind kind = clang_getCursorKind(cursor);
		if (kind != CXCursor_ParenExpr && kind != CXCursor_UnexposedExpr)
			return cursor;
		struct children c = rewrite_children(&w->rewrite, cursor);
		if (c.count != 1) {
			free(c.list);
			return cursor;
		}
		cursor = c.list[0];
		free(c.list);
	}
}

/* Whether it is `a && b` or `a || b`, as far as the text shows that. */
static bool is_logical(struct work *w, CXCursor cursor)
{
	struct token_reader reader;
	struct range left, right;
	struct token t;
	bool logical = false;

	cursor = without_parentheses(w, cursor);
	if (clang_getCursorKind(cursor) != CXCursor_BinaryOperator)
		return false;
	struct children c = rewrite_children(&w->rewrite, cursor);
	if (c.count == 2 && rewrite_range(&w->rewrite, c.list[0], &left) &&
	    rewrite_range(&w->rewrite, c.list[1], &right) && left.end < right.begin) {
		rewrite_token(&w->rewrite, left.end, &reader, &t);
		logical =
			t.end <= right.begin && (token_is(&reader, &t, "&&") || token_is(&reader, &t, "||"));
		token_next(&reader, &t);
		logical &= t.begin == right.begin;
	}
	free(c.list);
	return logical;
}

/* `while (1)` and `do … while (0)` decide nothing. */
static bool is_literal(const struct work *w, const struct range *r)
{
	struct token_reader reader;
	struct token t;

	rewrite_token(&w->rewrite, r->begin, &reader, &t);
	bool number = t.kind == TOKEN_NUMBER;
	token_next(&reader, &t);
	return number && t.begin >= r->end;
}

static void count_outcomes(struct work *w, const struct range *r)
{
	if (is_literal(w, r) || (w->request->careful && (rewrite_macro(&w->rewrite, r->begin) ||
							 rewrite_macro(&w->rewrite, r->end - 1))))
		return;
	uint32_t counter = new_counter(w, 2);
	rewrite_insert(&w->rewrite, r->begin, false, strdup("(("));
	rewrite_insert(&w->rewrite, r->end, true,
		       rewrite_format(&w->rewrite,
				      ") ? (__atomic_fetch_add(&%s[%u], 1, 0), 1) : "
				      "(__atomic_fetch_add(&%s[%u], 1, 0), 0))",
				      w->out->counts, counter, w->out->counts, counter + 1));
	add_branch(w, r->begin, r->end, false, counter);
}

/* Of a logical operation the operands are counted, when they are met. */
static void count_condition(struct work *w, CXCursor cursor)
{
	struct range r;

	if (w->request->cover && !is_logical(w, cursor) && rewrite_range(&w->rewrite, cursor, &r))
		count_outcomes(w, &r);
}

/* The same of an operand, which the text does not put into parentheses: a macro at its end may be part of something else,
 * as in `M && c` where M is `a || b`. */
static void count_operand(struct work *w, CXCursor cursor)
{
	struct range r;

	if (!rewrite_range(&w->rewrite, cursor, &r))
		return;
	const struct expansion *first = rewrite_macro(&w->rewrite, r.begin),
			       *last = rewrite_macro(&w->rewrite, r.end - 1);
	if ((!first || first->whole) && (!last || last->whole))
		count_condition(w, cursor);
}

/* Whether `?` stands behind the condition, and not in a macro. */
static bool is_conditional(const struct work *w, CXCursor condition)
{
	struct token_reader reader;
	struct token t;
	struct range r;

	if (!rewrite_range(&w->rewrite, condition, &r))
		return false;
	rewrite_token(&w->rewrite, r.end, &reader, &t);
	return t.kind == TOKEN_PUNCTUATOR && t.first == '?' && !rewrite_macro(&w->rewrite, t.begin);
}

/* What stands between the `;`s of a `for`, if anything. */
static bool for_condition(const struct work *w, uint32_t begin, struct range *r)
{
	struct token_reader reader;
	struct token t;
	bool inside = false;

	rewrite_token(&w->rewrite, begin, &reader, &t);
	token_next(&reader, &t);
	if (t.first != '(')
		return false;
	*r = (struct range){0};
	for (token_next(&reader, &t); t.kind != TOKEN_END; token_next(&reader, &t)) {
		struct token last = t;
		if (t.kind == TOKEN_PUNCTUATOR && strchr("([{", t.first))
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

static void count_for(struct work *w, CXCursor statement)
{
	struct range all, r, child;

	if (!w->request->cover || !rewrite_range(&w->rewrite, statement, &all) ||
	    !rewrite_has_keyword(&w->rewrite, all.begin, "for") || !for_condition(w, all.begin, &r))
		return;
	struct children c = rewrite_children(&w->rewrite, statement);
	bool logical = false;
	for (size_t i = 0; i + 1 < c.count; i++)
		if (rewrite_range(&w->rewrite, c.list[i], &child) && child.begin == r.begin &&
		    child.end == r.end)
			logical = is_logical(w, c.list[i]);
	free(c.list);
	if (!logical)
		count_outcomes(w, &r);
}

/* `if`, `while` and `do`: the condition is the child with that number. */
static void count_keyword(struct work *w, CXCursor statement, const char *keyword, CXCursor condition)
{
	struct range r;
	CXSourceRange extent = clang_getCursorExtent(statement);

	if (rewrite_offset(&w->rewrite, clang_getRangeStart(extent), &r.begin) &&
	    rewrite_has_keyword(&w->rewrite, r.begin, keyword))
		count_condition(w, condition);
}

/* A builtin may want constants: __builtin_choose_expr. */
static bool is_builtin(const struct work *w, CXCursor cursor)
{
	struct token_reader reader;
	struct token t;
	struct range r;

	if (!rewrite_range(&w->rewrite, cursor, &r))
		return false;
	rewrite_token(&w->rewrite, r.begin, &reader, &t);
	return t.end - t.begin > 10 && memcmp(w->rewrite.text + t.begin, "__builtin_", 10) == 0 &&
	       !token_is(&reader, &t, "__builtin_expect");
}

static void walk_expression(struct work *w, CXCursor cursor)
{
	struct children c;

	switch (clang_getCursorKind(cursor)) {
	case CXCursor_UnaryExpr: /* sizeof and its like: never evaluated */
	case CXCursor_GenericSelectionExpr:
		return;
	case CXCursor_CallExpr:
	case CXCursor_UnexposedExpr:
		if (is_builtin(w, cursor))
			return;
		break;
	case CXCursor_CompoundStmt: /* of a statement expression */
		walk_statement(w, cursor, false);
		return;
	case CXCursor_ConditionalOperator:
		c = rewrite_children(&w->rewrite, cursor);
		if (c.count == 3 && is_conditional(w, c.list[0]))
			count_operand(w, c.list[0]);
		free(c.list);
		break;
	case CXCursor_BinaryOperator:
		if (!is_logical(w, cursor))
			break;
		c = rewrite_children(&w->rewrite, cursor);
		count_operand(w, c.list[0]);
		count_operand(w, c.list[1]);
		free(c.list);
		break;
	default:
		break;
	}
	walk_expressions(w, cursor);
}

static void walk_expressions(struct work *w, CXCursor parent)
{
	struct children c = rewrite_children(&w->rewrite, parent);

	for (size_t i = 0; i < c.count && !w->rewrite.failed; i++)
		walk_expression(w, c.list[i]);
	free(c.list);
}

/* --- the walk --------------------------------------------------------------------------------------------------- */

/* Initialisers of automatic variables: others are constants. */
static bool walk_variables(struct work *w, CXCursor statement, bool look_only)
{
	struct children c = rewrite_children(&w->rewrite, statement);
	bool any = false;

	for (size_t i = 0; i < c.count; i++) {
		if (clang_getCursorKind(c.list[i]) != CXCursor_VarDecl ||
		    clang_Cursor_getStorageClass(c.list[i]) == CX_SC_Static)
			continue;
		CXCursor value = clang_Cursor_getVarDeclInitializer(c.list[i]);
		if (clang_Cursor_isNull(value))
			continue;
		any = true;
		if (!look_only && w->request->cover)
			walk_expression(w, value);
	}
	free(c.list);
	return any;
}

/* `case 3:` and `default:` are counted where they are reached, from above too. */
static void count_label(struct work *w, CXCursor label, CXCursor statement, bool is_body)
{
	struct range r, inner;
	CXSourceRange extent = clang_getCursorExtent(statement);

	if (!w->request->cover ||
	    !rewrite_offset(&w->rewrite, clang_getRangeStart(clang_getCursorExtent(label)), &r.begin) ||
	    !rewrite_offset(&w->rewrite, clang_getRangeStart(extent), &inner.begin) ||
	    rewrite_macro(&w->rewrite, r.begin) || rewrite_macro(&w->rewrite, inner.begin) ||
	    inner.begin <= r.begin)
		return;
	uint32_t colon = inner.begin;
	while (colon > r.begin && w->rewrite.text[colon] != ':')
		colon--;
	uint32_t counter = new_counter(w, 2);
	insert_before(w, statement, inner.begin, is_body, count_text(w, counter));
	add_branch(w, r.begin, colon, true, counter);
}

/* A result goes the way of a variable, whose bytes the traces take. */
static void take_result(struct work *w, CXCursor statement)
{
	struct range all, value;
	struct children c = rewrite_children(&w->rewrite, statement);
	bool traced = false;

	for (size_t i = 0; i < w->request->watch_count; i++)
		traced |= !w->request->watches[i].line;
	if (traced && c.count == 1 && w->result.kind != CXType_Void) {
		bool seen = rewrite_range(&w->rewrite, statement, &all) &&
			    rewrite_has_keyword(&w->rewrite, all.begin, "return") &&
			    rewrite_range(&w->rewrite, c.list[0], &value);
		w->out->returns_hidden |= !seen;
		traced = seen;
	} else {
		traced = false;
	}
	free(c.list);
	if (!traced)
		return;
	CXString spelling = clang_getTypeSpelling(w->result);
	rewrite_insert(
		&w->rewrite, value.begin, false,
		rewrite_format(&w->rewrite, "({ __typeof__(%s) rtf_result = (", clang_getCString(spelling)));
	clang_disposeString(spelling);
	struct text t = {0};
	text_puts(&t, "); ");
	for (size_t i = 0; i < w->request->watch_count; i++) {
		const struct instrument_watch *watch = &w->request->watches[i];
		if (!watch->line)
			text_printf(&t,
				    "if (rtf_call_%u.active) rtf_put(&rtf_call_%u, &rtf_result, "
				    "sizeof(rtf_result), "
				    "__builtin_classify_type(rtf_result) == 5); ",
				    watch->serial, watch->serial);
	}
	text_puts(&t, "rtf_result; })");
	w->out->has_results = true;
	rewrite_insert(&w->rewrite, value.end, true, text_take(&t));
}

static void walk_statement(struct work *w, CXCursor statement, bool is_body)
{
	enum CXCursorKind kind = clang_getCursorKind(statement);
	struct children c = rewrite_children(&w->rewrite, statement);
	CXCursor last = c.count ? c.list[c.count - 1] : clang_getNullCursor();
	size_t bodies = 0; /* the last children, which are statements */

	if (w->rewrite.failed)
		goto out;
	switch (kind) {
	case CXCursor_CompoundStmt:
		for (size_t i = 0; i < c.count; i++)
			walk_statement(w, c.list[i], false);
		goto out;
	case CXCursor_NullStmt:
	case CXCursor_UnexposedStmt:
		goto out;
	case CXCursor_DeclStmt:
		if (walk_variables(w, statement, true))
			mark_statement(w, statement, is_body);
		walk_variables(w, statement, false);
		goto out;
	case CXCursor_CaseStmt:
	case CXCursor_DefaultStmt:
		count_label(w, statement, last, is_body);
		/* fall through */
	case CXCursor_LabelStmt:
		walk_statement(w, last, is_body);
		goto out;
	default:
		break;
	}
	mark_statement(w, statement, is_body);
	switch (kind) {
	case CXCursor_IfStmt:
		count_keyword(w, statement, "if", c.list[0]);
		bodies = c.count - 1;
		break;
	case CXCursor_WhileStmt:
		count_keyword(w, statement, "while", c.list[0]);
		bodies = 1;
		break;
	case CXCursor_DoStmt:
		count_keyword(w, statement, "do", last);
		walk_statement(w, c.list[0], true);
		walk_expression(w, last);
		goto out;
	case CXCursor_ForStmt:
		count_for(w, statement);
		bodies = 1;
		break;
	case CXCursor_SwitchStmt:
		bodies = 1;
		break;
	case CXCursor_ReturnStmt:
		take_result(w, statement);
		break;
	default:
		break;
	}
	for (size_t i = 0; i < c.count; i++) {
		if (i + bodies >= c.count)
			walk_statement(w, c.list[i], clang_getCursorKind(c.list[i]) != CXCursor_CompoundStmt);
		else if (clang_getCursorKind(c.list[i]) == CXCursor_DeclStmt)
			walk_variables(w, c.list[i], false); /* for (int i = 0; … */
		else if (w->request->cover)
			walk_expression(w, c.list[i]);
	}
	if (!clang_isStatement(kind) && w->request->cover)
		walk_expression(w, statement);
out:
	free(c.list);
}

/* --- the function as a whole ------------------------------------------------------------------------------------ */

/* Those without a name cannot be looked at. */
static void name_arguments(struct work *w)
{
	int count = clang_Cursor_getNumArguments(w->function);
	struct instrument *o = w->out;

	o->arguments = calloc(count > 0 ? (size_t)count : 1, sizeof(*o->arguments));
	w->rewrite.failed |= !o->arguments;
	for (int i = 0; i < count && !w->rewrite.failed; i++) {
		CXString name = clang_getCursorSpelling(clang_Cursor_getArgument(w->function, (unsigned)i));
		const char *n = clang_getCString(name);
		if (n && *n)
			o->arguments[o->argument_count++] = rewrite_format(&w->rewrite, "%s", n);
		clang_disposeString(name);
	}
}

static void put_arguments(const struct work *w, struct text *t, unsigned serial)
{
	for (size_t k = 0; k < w->out->argument_count; k++)
		text_printf(t,
			    "{ __auto_type rtf_value_%u_%zu = (%s); rtf_put(&rtf_call_%u, &rtf_value_%u_%zu, "
			    "sizeof(rtf_value_%u_%zu), __builtin_classify_type(rtf_value_%u_%zu) == 5); } ",
			    serial, k, w->out->arguments[k], serial, serial, k, serial, k, serial, k);
}

/* Before the first statement: traces take the arguments, and something that is left however the function is. */
static void begin_traces(struct work *w, uint32_t body)
{
	struct text t = {0};

	for (size_t i = 0; i < w->request->watch_count; i++) {
		const struct instrument_watch *watch = &w->request->watches[i];
		unsigned serial = watch->serial;
		char none[64];
		if (watch->line)
			continue;
		text_printf(&t,
			    " struct rtf_call rtf_call_%u __attribute__((__cleanup__(rtf_leave))); "
			    "rtf_call_%u.active = 0; ",
			    serial, serial);
		if (watch->condition)
			begin_guarded(&t, watch);
		put_condition(&t, watch);
		text_printf(&t, "rtf_enter(&rtf_call_%u, %u, %d); ", serial, serial, w->request->version);
		put_arguments(w, &t, serial);
		text_printf(&t, "rtf_call_%u.begin = rtf_now(); } ", serial);
		snprintf(none, sizeof(none), "rtf_call_%u.active = 0; ", serial);
		if (watch->condition)
			end_guarded(&t, watch, none);
	}
	if (t.size)
		rewrite_insert(&w->rewrite, body, false, text_take(&t));
	text_fini(&t);
}

static struct error *cannot_wrap(const struct work *w, const char *why)
{
	return error_new(ERROR_USAGE, "%s cannot be guarded: %s", w->request->name, why);
}

/* What wrapper.h needs to know. `body`: where the definition's `{` stands. */
static struct error *describe_wrapper(struct work *w, uint32_t body, struct wrapper *out, CXString *result)
{
	const struct instrument_guard *guard = w->request->guard;

	if (clang_Cursor_isVariadic(w->function))
		return cannot_wrap(
			w,
			"nobody can call it again with the same arguments, as it takes any number of them");
	if ((int)w->out->argument_count != clang_Cursor_getNumArguments(w->function))
		return cannot_wrap(w, "an argument of it has no name");
	*out = (struct wrapper){.name = w->request->name,
				.head = w->rewrite.text,
				.head_size = body,
				.arguments = w->out->arguments,
				.argument_count = w->out->argument_count};
	*result = clang_getTypeSpelling(w->result);
	out->result = w->result.kind == CXType_Void ? NULL : clang_getCString(*result);
	if (guard) {
		out->entry = guard->entry;
		out->enter = w->request->enter;
		out->leave = w->request->leave;
		out->wait = guard->wait;
		out->otherwise = guard->otherwise;
		out->returns = guard->returns;
	}
	return NULL;
}

static struct error *wrap(struct work *w, uint32_t body)
{
	struct text tail = {0};
	struct wrapper wrapper;
	CXString result;
	uint32_t name;

	if (!rewrite_offset(&w->rewrite, clang_getCursorLocation(w->function), &name) ||
	    rewrite_macro(&w->rewrite, name))
		return cannot_wrap(w, "a macro makes its name");
	struct error *e = describe_wrapper(w, body, &wrapper, &result);
	if (e)
		return e;
	if (wrapper.result && wrapper.returns && !wrapper.otherwise)
		e = cannot_wrap(w, "it must return something");
	else if (!wrapper_write(&tail, &wrapper))
		e = cannot_wrap(w, "preprocessor lines stand among its parameters");
	clang_disposeString(result);
	if (e) {
		text_fini(&tail);
		return e;
	}
	rewrite_insert(&w->rewrite, name, false, strdup(WRAPPER_PREFIX));
	w->tail = text_take(&tail);
	w->rewrite.failed |= !w->tail;
	return NULL;
}

static bool find_body(struct work *w, CXCursor *body, uint32_t *begin)
{
	struct children c = rewrite_children(&w->rewrite, w->function);

	*body = c.count ? c.list[c.count - 1] : clang_getNullCursor();
	free(c.list);
	return clang_getCursorKind(*body) == CXCursor_CompoundStmt &&
	       rewrite_offset(&w->rewrite, clang_getRangeStart(clang_getCursorExtent(*body)), begin) &&
	       !rewrite_macro(&w->rewrite, *begin) && w->rewrite.text[*begin] == '{';
}

static struct error *walk_function(struct work *w)
{
	struct error *e = NULL;
	CXCursor body;
	uint32_t begin;

	if (!find_body(w, &body, &begin))
		return error_new(ERROR_USAGE, "the body of %s is made by a macro: there is no text to watch",
				 w->request->name);
	name_arguments(w);
	if (w->request->guard)
		e = wrap(w, begin);
	if (e)
		return e;
	begin_traces(w, begin + 1);
	walk_statement(w, body, false);
	for (size_t i = 0; i < w->request->watch_count && !e; i++)
		if (w->request->watches[i].line && !w->probed[i])
			e = error_new(ERROR_UNKNOWN, "no statement of %s begins on line %u or behind it",
				      w->request->name, w->request->watches[i].line);
	if (!e && w->request->cover && !w->out->counter_count)
		e = error_new(ERROR_USAGE, "%s has nothing that could be counted", w->request->name);
	return e;
}

static int by_offset(const void *a, const void *b)
{
	const struct instrument_branch *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* The name of the counters says how many they are: others of the same version may be about another text. */
static void declare(struct work *w)
{
	const struct instrument_request *q = w->request;
	struct instrument *o = w->out;
	struct text t = {0};

	if (q->cover)
		text_printf(&t, "static unsigned long %s[%u];\n", o->counts, o->counter_count);
	if (o->ring || q->guard)
		wrapper_declare_frame(&t);
	if (o->ring)
		ring_declare(&t, o->ring, q->enter, q->leave, q->exit);
	if (q->guard)
		wrapper_declare(&t, q->name);
	o->extra = text_take(&t);
	w->rewrite.failed |= !o->extra;
}

/* Offset of the definition in the slice. */
static uint32_t definition_offset(const struct slice *s)
{
	const char *at = s->text;

	for (uint32_t line = 1; line < s->user_line; line++)
		at = strchr(at, '\n') + 1;
	return (uint32_t)(at - s->text);
}

/* Reads the slice and finds the function in it. The unit is the caller's whatever is returned, NULL if there is none. */
static struct error *begin(struct work *w, CXTranslationUnit *unit)
{
	const struct instrument_request *q = w->request;

	w->rewrite.base = definition_offset(q->slice);
	w->rewrite.text = q->slice->given; /* the slice's own has blanks where its head says `static` */
	w->rewrite.size = (uint32_t)q->slice->given_size;
	w->rewrite.line = q->line;
	w->rewrite.careful = q->careful;
	*unit = NULL;
	struct error *e = check_parse(q->check, q->slice, q->argv, unit);
	if (e)
		return e;
	w->function = cursor_find_function(*unit, q->name);
	if (clang_Cursor_isNull(w->function))
		return error_new(ERROR_INTERNAL, "libclang does not find %s in its own slice", q->name);
	if (!expansions_find(*unit, q->slice->text, w->rewrite.base, w->rewrite.size, &w->rewrite.macros,
			     &w->rewrite.macro_count))
		return error_memory();
	w->result = clang_getResultType(clang_getCursorType(w->function));
	return NULL;
}

static struct error *rewrite(struct work *w)
{
	struct error *e = walk_function(w);
	if (e)
		return e;
	if (w->out->branch_count)
		qsort(w->out->branches, w->out->branch_count, sizeof(*w->out->branches), by_offset);
	w->out->text = rewrite_apply(&w->rewrite, w->tail);
	declare(w);
	return w->rewrite.failed ? error_memory() : NULL;
}

struct error *instrument_new(const struct instrument_request *q, struct instrument *out)
{
	struct instrument result = {0};
	struct work w = {.request = q, .out = &result, .last_counted = UINT32_MAX};
	CXTranslationUnit unit = NULL;

	w.probed = calloc(q->watch_count + 1, sizeof(*w.probed));
	result.body = rewrite_format(&w.rewrite, "%s%s", q->guard ? WRAPPER_PREFIX : "", q->name);
	if (q->cover)
		result.counts = rewrite_format(&w.rewrite, "rtf_counts_%s_%d%s", q->name, q->version,
					       q->careful ? "_careful" : "");
	if (q->watch_count)
		result.ring = rewrite_format(&w.rewrite, "rtf_ring_%s", q->name);
	struct error *e = w.rewrite.failed || !w.probed ? error_memory() : begin(&w, &unit);
	if (!e)
		e = rewrite(&w);
	if (unit)
		clang_disposeTranslationUnit(unit);
	rewrite_fini(&w.rewrite);
	free(w.probed);
	free(w.tail);
	if (e) {
		instrument_fini(&result);
		return e;
	}
	*out = result;
	return NULL;
}

static struct error *write_value(struct work *w, const char *expression)
{
	struct text t = {0};
	struct wrapper wrapper;
	CXString result;
	CXCursor body;
	uint32_t begin;

	if (!find_body(w, &body, &begin))
		return error_new(ERROR_USAGE, "the body of %s is made by a macro", w->request->name);
	name_arguments(w);
	struct error *e = describe_wrapper(w, begin, &wrapper, &result);
	if (e)
		return e;
	if (wrapper.result && !expression)
		e = error_new(ERROR_USAGE, "%s returns %s: say which, \\return EXPR", w->request->name,
			      wrapper.result);
	else if (!wrapper_write_value(&t, &wrapper, expression))
		e = error_new(ERROR_USAGE, "preprocessor lines stand among the parameters of %s",
			      w->request->name);
	clang_disposeString(result);
	w->out->text = text_take(&t);
	wrapper_declare_frame(&t);
	w->out->extra = text_take(&t);
	if (!e && (!w->out->text || !w->out->extra))
		e = error_memory();
	return e;
}

struct error *instrument_value(const struct instrument_request *q, const char *expression,
			       struct instrument *out)
{
	struct instrument result = {0};
	struct work w = {.request = q, .out = &result};
	CXTranslationUnit unit;

	struct error *e = begin(&w, &unit);
	if (!e)
		e = write_value(&w, expression);
	if (unit)
		clang_disposeTranslationUnit(unit);
	rewrite_fini(&w.rewrite);
	if (e)
		instrument_fini(&result);
	else
		*out = result;
	return e;
}

void instrument_fini(struct instrument *o)
{
	for (size_t i = 0; i < o->branch_count; i++)
		free(o->branches[i].text);
	for (size_t i = 0; i < o->argument_count; i++)
		free(o->arguments[i]);
	free(o->arguments);
	free(o->branches);
	free(o->lines);
	free(o->text);
	free(o->extra);
	free(o->body);
	free(o->counts);
	free(o->ring);
	*o = (struct instrument){0};
}
