#include "instrument.h"
#include "cursor.h"
#include "rewrite.h"
#include "ring.h"
#include "token.h"
#include "wrapper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTS "rtf_counts_"
#define RING   "rtf_ring_"

struct work {
	struct rewrite rewrite; /* of the definition */
	const struct instrument_request *request;
	bool *probed; /* which watches have found their statement */
	CXCursor function;
	CXType result;
	char *tail; /* what follows the definition, or NULL */
	struct instrument *out;
};

static char *probe_text(struct work *w, const struct capture *watch)
{
	struct text t = {0};

	capture_put_probe(&t, watch, w->request->version);
	char *text = text_take(&t);
	w->rewrite.failed |= !text;
	return text;
}

/* --- statements ------------------------------------------------------------------------------------------------- */

/* The first statement that begins on a probe's line, or else behind it. */
static void probe_statement(struct work *w, CXCursor statement, uint32_t begin, bool is_body)
{
	for (size_t i = 0; i < w->request->watch_count; i++) {
		const struct capture *watch = &w->request->watches[i];
		if (!watch->line || w->probed[i] || rewrite_line(&w->rewrite, begin) < watch->line)
			continue;
		w->probed[i] = true;
		rewrite_insert_before(&w->rewrite, statement, begin, is_body, probe_text(w, watch));
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
		counters_add_statement(&w->out->counters, statement, r.begin, is_body);
}

static void walk_statement(struct work *w, CXCursor statement, bool is_body);
static void walk_expressions(struct work *w, CXCursor parent);

/* --- expressions ----------------------------------------------------------------------------------------------- */

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
	default:
		break;
	}
	if (w->request->cover)
		counters_add_operands(&w->out->counters, cursor);
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
	for (size_t i = 0; i < w->request->watch_count; i++)
		if (!w->request->watches[i].line)
			capture_put_result(&t, &w->request->watches[i]);
	text_puts(&t, "rtf_result; })");
	w->out->has_results = true;
	rewrite_insert(&w->rewrite, value.end, true, text_take(&t));
}

static void count_keyword(struct work *w, CXCursor statement, const char *keyword, CXCursor condition)
{
	if (w->request->cover)
		counters_add_keyword(&w->out->counters, statement, keyword, condition);
}

static CXCursor last_of(const struct children *c)
{
	return c->count ? c->list[c->count - 1] : clang_getNullCursor();
}

/* What is no statement of its own to count, or holds others. False: it is one. */
static bool walk_block(struct work *w, CXCursor statement, const struct children *c, bool is_body)
{
	switch (clang_getCursorKind(statement)) {
	case CXCursor_CompoundStmt:
		for (size_t i = 0; i < c->count; i++)
			walk_statement(w, c->list[i], false);
		return true;
	case CXCursor_NullStmt:
	case CXCursor_UnexposedStmt:
		return true;
	case CXCursor_DeclStmt:
		if (walk_variables(w, statement, true))
			mark_statement(w, statement, is_body);
		walk_variables(w, statement, false);
		return true;
	case CXCursor_CaseStmt:
	case CXCursor_DefaultStmt:
		if (w->request->cover)
			counters_add_label(&w->out->counters, statement, last_of(c), is_body);
		/* fall through */
	case CXCursor_LabelStmt:
		walk_statement(w, last_of(c), is_body);
		return true;
	default:
		return false;
	}
}

/* What its keyword means for the counters. How many of its last children are statements. */
static size_t count_bodies(struct work *w, CXCursor statement, const struct children *c)
{
	switch (clang_getCursorKind(statement)) {
	case CXCursor_IfStmt:
		count_keyword(w, statement, "if", c->list[0]);
		return c->count - 1;
	case CXCursor_WhileStmt:
		count_keyword(w, statement, "while", c->list[0]);
		return 1;
	case CXCursor_ForStmt:
		if (w->request->cover)
			counters_add_for(&w->out->counters, statement);
		return 1;
	case CXCursor_SwitchStmt:
		return 1;
	case CXCursor_ReturnStmt:
		take_result(w, statement);
		return 0;
	default:
		return 0;
	}
}

static void walk_do(struct work *w, CXCursor statement, const struct children *c)
{
	CXCursor condition = last_of(c);

	count_keyword(w, statement, "do", condition);
	walk_statement(w, c->list[0], true);
	walk_expression(w, condition);
}

static void walk_children(struct work *w, CXCursor statement, const struct children *c)
{
	size_t bodies = count_bodies(w, statement, c);

	for (size_t i = 0; i < c->count; i++) {
		CXCursor child = c->list[i];
		enum CXCursorKind kind = clang_getCursorKind(child);
		if (i + bodies >= c->count)
			walk_statement(w, child, kind != CXCursor_CompoundStmt);
		else if (kind == CXCursor_DeclStmt)
			walk_variables(w, child, false); /* for (int i = 0; … */
		else if (w->request->cover)
			walk_expression(w, child);
	}
}

static void walk_statement(struct work *w, CXCursor statement, bool is_body)
{
	struct children c = rewrite_children(&w->rewrite, statement);
	enum CXCursorKind kind = clang_getCursorKind(statement);

	if (!w->rewrite.failed && !walk_block(w, statement, &c, is_body)) {
		mark_statement(w, statement, is_body);
		if (kind == CXCursor_DoStmt)
			walk_do(w, statement, &c);
		else
			walk_children(w, statement, &c);
		if (!clang_isStatement(kind) && w->request->cover)
			walk_expression(w, statement);
	}
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

/* Before the first statement. */
static void begin_traces(struct work *w, uint32_t body)
{
	struct text t = {0};

	for (size_t i = 0; i < w->request->watch_count; i++)
		if (!w->request->watches[i].line)
			capture_put_call(&t, &w->request->watches[i], w->request->version, w->out->arguments,
					 w->out->argument_count);
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
				.argument_count = w->out->argument_count,
				.version = w->request->version};
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
	if (!e && w->request->cover && !w->out->counters.count)
		e = error_new(ERROR_USAGE, "%s has nothing that could be counted", w->request->name);
	return e;
}

/* The name of the counters says how many they are: others of the same version may be about another text. */
static void declare(struct work *w)
{
	const struct instrument_request *q = w->request;
	struct instrument *o = w->out;
	struct text t = {0};

	if (q->cover)
		text_printf(&t, "static unsigned long %s[%u];\n", o->counters.name, o->counters.count);
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
	counters_sort(&w->out->counters);
	w->out->text = rewrite_apply(&w->rewrite, w->tail);
	declare(w);
	return w->rewrite.failed ? error_memory() : NULL;
}

bool instrument_made(const char *variable)
{
	return strncmp(variable, COUNTS, strlen(COUNTS)) == 0 || strncmp(variable, RING, strlen(RING)) == 0;
}

struct error *instrument_new(const struct instrument_request *q, struct instrument *out)
{
	struct instrument result = {0};
	struct work w = {.request = q, .out = &result};
	CXTranslationUnit unit = NULL;

	result.counters = (struct counters){.rewrite = &w.rewrite, .last = UINT32_MAX};
	w.probed = calloc(q->watch_count + 1, sizeof(*w.probed));
	result.body = rewrite_format(&w.rewrite, "%s%s", q->guard ? WRAPPER_PREFIX : "", q->name);
	if (q->cover)
		result.counters.name = rewrite_format(&w.rewrite, COUNTS "%s_%d%s", q->name, q->version,
						      q->careful ? "_careful" : "");
	if (q->watch_count)
		result.ring = rewrite_format(&w.rewrite, RING "%s", q->name);
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
	result.counters.rewrite = NULL;
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
	for (size_t i = 0; i < o->argument_count; i++)
		free(o->arguments[i]);
	free(o->arguments);
	free(o->text);
	free(o->extra);
	free(o->body);
	counters_fini(&o->counters);
	free(o->ring);
	*o = (struct instrument){0};
}
