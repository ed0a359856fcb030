#include "adapt.h"
#include "cursor.h"
#include "packed.h"
#include "rewrite.h"
#include "shape.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* --- where it is needed ---------------------------------------------------------------------------------------- */

enum site_kind {
	SITE_DIFFERENT,   /* a value that libtcc passes otherwise */
	SITE_VARYING,     /* a parameter that points to something whose size varies */
	SITE_COPY,        /* an expression whose value is read as a whole register */
	SITE_ROOM,        /* a call whose result is written as a whole register */
	SITE_INITIALISER, /* a variable or a compound literal whose list sets bit-fields */
	SITE_STRADDLING,  /* likewise, of which libtcc stores a part */
	SITE_AUTOMATIC,   /* a variable with the type of its initialiser */
	SITE_THREAD,      /* a thread-local variable, named or declared */
	SITE_ALIGNED,     /* an object of the frame that needs a larger alignment than libtcc's has */
	SITE_CAST,        /* an expression that is to be cast before it is computed with */
	SITE_ALIGNOF,     /* an operator that asks for the alignment of what is not aligned as its type is */
};

/* Reads one function. */
struct walk {
	CXType result;
	bool threads; /* thread-local variables are looked for */
	void (*each)(void *context, enum site_kind, CXCursor);
	void *context;
};

static enum CXChildVisitResult take_first(CXCursor cursor, CXCursor parent, CXClientData data)
{
	CXCursor *first = data;

	(void)parent;
	*first = cursor;
	return CXChildVisit_Break;
}

static CXCursor first_child(CXCursor cursor)
{
	CXCursor first = clang_getNullCursor();

	clang_visitChildren(cursor, take_first, &first);
	return first;
}

static enum CXChildVisitResult take_list(CXCursor cursor, CXCursor parent, CXClientData data)
{
	CXCursor *list = data;

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_InitListExpr)
		return CXChildVisit_Continue;
	*list = cursor;
	return CXChildVisit_Break;
}

/* The braces of a variable's or a compound literal's initialiser; the null cursor if it has none. */
static CXCursor list_of(CXCursor cursor)
{
	CXCursor list = clang_getNullCursor();

	clang_visitChildren(cursor, take_list, &list);
	return list;
}

static bool is_record(CXCursor expression)
{
	return clang_getCanonicalType(clang_getCursorType(expression)).kind == CXType_Record;
}

static bool is_thread_local(CXCursor variable)
{
	return clang_getCursorKind(variable) == CXCursor_VarDecl &&
	       clang_getCursorTLSKind(variable) != CXTLS_None;
}

static bool is_local(CXCursor variable)
{
	enum CXCursorKind kind = clang_getCursorKind(variable);
	enum CX_StorageClass storage = clang_Cursor_getStorageClass(variable);

	if (kind == CXCursor_ParmDecl)
		return true;
	return kind == CXCursor_VarDecl && storage != CX_SC_Static && storage != CX_SC_Extern &&
	       clang_getCursorKind(clang_getCursorSemanticParent(variable)) != CXCursor_TranslationUnit;
}

/* Whether a structure lies in the frame of the function, where something lies behind everything: at the least the return
 * address. The result of a call is put there. */
static bool is_in_frame(CXCursor expression)
{
	switch (clang_getCursorKind(expression)) {
	case CXCursor_CallExpr:
	case CXCursor_CompoundLiteralExpr:
		return true;
	case CXCursor_DeclRefExpr:
		return is_local(clang_getCursorReferenced(expression));
	case CXCursor_ParenExpr:
	case CXCursor_UnexposedExpr:
	case CXCursor_MemberRefExpr: /* of a pointer the child is no record */
		expression = first_child(expression);
		return !clang_Cursor_isNull(expression) && is_record(expression) && is_in_frame(expression);
	default:
		return false;
	}
}

static void tell_value(const struct walk *w, CXType type, CXCursor value)
{
	enum convention_match match = shape_match(type);

	if (match == CONVENTION_DIFFERENT)
		w->each(w->context, SITE_DIFFERENT, value);
	else if (match == CONVENTION_READS_BEHIND && !is_in_frame(value))
		w->each(w->context, SITE_COPY, value);
}

static void tell_call(const struct walk *w, CXCursor call)
{
	int count = clang_Cursor_getNumArguments(call);

	enum convention_match result = shape_match(clang_getCursorType(call));
	if (result == CONVENTION_DIFFERENT)
		w->each(w->context, SITE_DIFFERENT, call);
	else if (result == CONVENTION_READS_BEHIND)
		w->each(w->context, SITE_ROOM, call);
	for (int i = 0; i < count; i++) {
		CXCursor argument = clang_Cursor_getArgument(call, (unsigned)i);
		tell_value(w, clang_getCursorType(argument), argument);
	}
}

static void tell_list(const struct walk *w, CXCursor cursor)
{
	CXType type = clang_getCursorType(cursor);

	if (!clang_Cursor_isNull(list_of(cursor)) && shape_has_bit_field(type))
		w->each(w->context,
			shape_has_straddling(type) || shape_has_displaced(type) ? SITE_STRADDLING
										: SITE_INITIALISER,
			cursor);
}

static void tell_object(const struct walk *w, CXCursor cursor)
{
	if (clang_Type_getAlignOf(clang_getCursorType(cursor)) > CONVENTION_FRAME_ALIGNMENT)
		w->each(w->context, SITE_ALIGNED, cursor);
	tell_list(w, cursor);
}

static enum CXChildVisitResult find_aligned(CXCursor cursor, CXCursor parent, CXClientData data)
{
	bool *found = data;

	(void)parent;
	*found |= clang_getCursorKind(cursor) == CXCursor_AlignedAttr;
	return *found ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* What `sizeof` or `_Alignof` names. */
static enum CXChildVisitResult find_aligned_operand(CXCursor cursor, CXCursor parent, CXClientData data)
{
	CXCursor named = clang_getCursorReferenced(cursor);
	enum CXCursorKind kind = clang_getCursorKind(named);
	bool *found = data;

	(void)parent;
	if (kind == CXCursor_TypedefDecl || kind == CXCursor_VarDecl || kind == CXCursor_FieldDecl)
		clang_visitChildren(named, find_aligned, found);
	return *found ? CXChildVisit_Break : CXChildVisit_Recurse;
}

static bool is_alignof(CXCursor operator)
{
	CXTranslationUnit unit = clang_Cursor_getTranslationUnit(operator);
	CXToken *word = clang_getToken(unit, clang_getRangeStart(clang_getCursorExtent(operator)));
	char *spelling = word ? cursor_take(clang_getTokenSpelling(unit, *word)) : NULL;
	bool is = !spelling || strcmp(spelling, "sizeof") != 0;

	free(spelling);
	if (word)
		clang_disposeTokens(unit, word, 1);
	return is;
}

/* A typedef's or a variable's own alignment is nothing that libtcc tells. */
static void tell_operator(const struct walk *w, CXCursor operator)
{
	bool found = false;

	clang_visitChildren(operator, find_aligned_operand, &found);
	if (found && is_alignof(operator))
		w->each(w->context, SITE_ALIGNOF, operator);
}

/* Of a record. It has no kind of its own, and neither have implicit conversions, which are made of a record. */
static bool is_va_arg(CXCursor cursor)
{
	CXCursor child = first_child(cursor);

	return !clang_isExpression(clang_getCursorKind(child)) || !is_record(child);
}

/* `kind`: arithmetic_kind of it. */
static enum CXChildVisitResult visit_kind(const struct walk *w, CXCursor cursor, enum CXTypeKind kind)
{
	CXCursor value;

	if (arithmetic_cast(cursor, kind, &value))
		w->each(w->context, SITE_CAST, cursor);
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_CallExpr:
		tell_call(w, cursor);
		break;
	case CXCursor_ReturnStmt:
		value = first_child(cursor);
		if (!clang_Cursor_isNull(value) && is_record(value))
			tell_value(w, w->result, value);
		break;
	case CXCursor_DeclRefExpr:
		if (w->threads && is_thread_local(clang_getCursorReferenced(cursor)))
			w->each(w->context, SITE_THREAD, cursor);
		break;
	case CXCursor_VarDecl:
		if (w->threads && is_thread_local(cursor))
			w->each(w->context, SITE_THREAD, cursor);
		if (clang_getCursorType(cursor).kind == CXType_Auto)
			w->each(w->context, SITE_AUTOMATIC, cursor);
		/* One that outlives the call is right as it is. */
		if (clang_Cursor_getStorageClass(cursor) == CX_SC_Static)
			return CXChildVisit_Continue;
		tell_object(w, cursor);
		break;
	case CXCursor_CompoundLiteralExpr:
		tell_object(w, cursor);
		break;
	case CXCursor_UnaryExpr:
		tell_operator(w, cursor);
		break;
	case CXCursor_UnexposedExpr:
		if (kind == CXType_Record && is_va_arg(cursor) &&
		    shape_match(clang_getCursorType(cursor)) == CONVENTION_DIFFERENT)
			w->each(w->context, SITE_DIFFERENT, cursor);
		break;
	default:
		break;
	}
	return CXChildVisit_Recurse;
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	return visit_kind(data, cursor, arithmetic_kind(cursor));
}

/* A parameter of a definition in the old style is passed as the default argument promotions make it. libtcc takes a float for
 * what comes as a double, and makes no truth value of an int. */
static bool is_promoted_otherwise(CXType passed, CXType parameter)
{
	enum CXTypeKind kind = clang_getCanonicalType(parameter).kind;

	return (kind == CXType_Float || kind == CXType_Bool) && kind != clang_getCanonicalType(passed).kind;
}

static bool signature_is_different(CXCursor definition)
{
	CXType function = clang_getCanonicalType(clang_getCursorType(definition));
	int count = clang_getNumArgTypes(function);

	if (shape_match(clang_getResultType(function)) == CONVENTION_DIFFERENT)
		return true;
	for (int i = 0; i < count; i++) {
		CXType passed = clang_getArgType(function, (unsigned)i);
		CXType own = clang_getCursorType(clang_Cursor_getArgument(definition, (unsigned)i));
		if (shape_match(passed) == CONVENTION_DIFFERENT || is_promoted_otherwise(passed, own))
			return true;
	}
	return false;
}

/* `int m[rows][columns]`. */
static bool signature_varies(CXType function)
{
	int count = clang_getNumArgTypes(function);

	for (int i = 0; i < count; i++)
		if (clang_getPointeeType(clang_getArgType(function, (unsigned)i)).kind ==
		    CXType_VariableArray)
			return true;
	return false;
}

/* For its inside. */
static struct walk read_head(CXCursor definition, void (*each)(void *, enum site_kind, CXCursor),
			     void *context)
{
	CXType type = clang_getCanonicalType(clang_getCursorType(definition));

	if (signature_is_different(definition))
		each(context, SITE_DIFFERENT, definition);
	else if (signature_varies(type))
		each(context, SITE_VARYING, definition);
	return (struct walk){.result = clang_getResultType(type), .each = each, .context = context};
}

static const char why_passes[] =
	"it passes values that libtcc passes in another way than the program's compiler";
static const char why_initialises[] =
	"it initialises bit-fields, some of which libtcc would leave as they were";

static const char why_straddling[] =
	"it initialises bit-fields, some of which libtcc would store in part";

static const char why_varies[] =
	"it has a parameter that points to an array of variable length, which libtcc does not know";
static const char why_automatic[] =
	"it leaves the type of a variable to __auto_type, which libtcc does not know";

static const char why_aligned[] = "it has a variable whose type has an alignment of more than 16 bytes";
static const char why_alignof[] =
	"it asks for an alignment that is not the type's, which libtcc does not tell";

static const char why_widens[] =
	"it makes something longer of an unsigned int that a call returns, of which libtcc takes too much";
static const char why_cast[] = "it has an integer that libtcc takes for a signed or a longer one";

static const char why_thread[] = "it names thread-local variables, which libtcc does not know";

static const char why_packed[] = "it sees packed enumerations, which libtcc does not know";

bool adapt_names_thread_locals(const char *text)
{
	const char *end = text + strlen(text);

	return text_find_word(text, end, text, "_Thread_local") ||
	       text_find_word(text, end, text, "__thread");
}

void adapt_examine_unit(CXTranslationUnit unit, const char *text, struct adapt_needs *needs)
{
	if (!needs->why_text && adapt_names_thread_locals(text))
		needs->why_text = why_thread;
	if (!needs->why_text && packed_is_in(unit, text))
		needs->why_text = why_packed;
}

static void note(void *context, enum site_kind kind, CXCursor cursor)
{
	struct adapt_needs *needs = context;

	(void)cursor;
	if (kind == SITE_DIFFERENT)
		needs->why_cc = why_passes;
	else if (kind == SITE_STRADDLING)
		needs->why_cc = why_straddling;
	else if (kind == SITE_VARYING)
		needs->why_cc = why_varies;
	else if (kind == SITE_ALIGNED)
		needs->why_cc = why_aligned;
	else if (kind == SITE_ALIGNOF)
		needs->why_cc = why_alignof;
	else if (kind == SITE_COPY || kind == SITE_ROOM)
		needs->why_text = why_passes;
	else if (!needs->why_text)
		needs->why_text = kind == SITE_AUTOMATIC ? why_automatic
				  : kind == SITE_CAST    ? why_cast
							 : why_initialises;
}

void adapt_examine(CXCursor definition, struct adapt_needs *needs, struct adapt_examination *out)
{
	struct walk w = read_head(definition, note, needs);

	*out = (struct adapt_examination){.result = w.result, .needs = needs};
}

void adapt_look(const struct adapt_examination *e, CXCursor inside)
{
	struct walk w = {.result = e->result, .each = note, .context = e->needs};
	enum CXTypeKind kind = arithmetic_kind(inside);
	const char *why_cc = arithmetic_look(&e->needs->arithmetic, inside, kind);

	if (why_cc)
		e->needs->why_cc = why_cc;
	visit_kind(&w, inside, kind);
}

static void note_call(void *context, CXCursor call)
{
	struct adapt_needs *needs = context;

	(void)call;
	if (!needs->why_text)
		needs->why_text = why_widens;
}

void adapt_looked(const struct adapt_examination *e, CXCursor definition)
{
	const char *why_cc = arithmetic_review(&e->needs->arithmetic, definition);

	if (why_cc)
		e->needs->why_cc = why_cc;
	if (arithmetic_has_calls(&e->needs->arithmetic))
		arithmetic_each_call(definition, note_call, e->needs);
}

/* --- another text ---------------------------------------------------------------------------------------------- */

struct adaptation {
	struct rewrite rewrite;
	char *text; /* the rewrite's: words in it become blanks */
	bool threads;
	bool impossible;
};

/* Whether a piece is what it looks like: every macro in it is one operand. */
static bool is_plain(const struct rewrite *w, struct range r)
{
	for (size_t i = 0; i < w->macro_count; i++)
		if (w->macros[i].begin < r.end && w->macros[i].end > r.begin && !w->macros[i].whole)
			return false;
	return true;
}

/* "struct order": what a variable of an expression's type is declared with; the caller's. NULL: it has no name. */
static char *name_type(CXCursor expression)
{
	CXType type = clang_getCanonicalType(clang_getCursorType(expression));
	char *name = cursor_take(clang_getTypeSpelling(clang_getCursorType(clang_getTypeDeclaration(type))));

	if (name && *name && !strchr(name, '('))
		return name;
	free(name);
	return NULL;
}

/* In front of the expression what opens, the type and what follows it. A type that is NULL has no name. */
static void put_around(struct adaptation *a, CXCursor expression, const char *opens, const char *type,
		       const char *follows, const char *closes)
{
	struct rewrite *w = &a->rewrite;
	struct range r;

	if (!type || !rewrite_range(w, expression, &r) || !is_plain(w, r)) {
		a->impossible = true;
	} else {
		rewrite_insert(w, r.begin, false, rewrite_format(w, "%s%s%s", opens, type, follows));
		rewrite_insert(w, r.end, true, rewrite_format(w, "%s", closes));
	}
}

static void copy_as(struct adaptation *a, CXCursor expression, const char *type)
{
	put_around(a, expression, "__extension__({ ", type, " rtf_copy = (", "); rtf_copy; })");
}

static void copy_value(struct adaptation *a, CXCursor expression)
{
	char *type = name_type(expression);

	copy_as(a, expression, type);
	free(type);
}

static void copy_call(void *context, CXCursor call)
{
	copy_as(context, call, arithmetic_result(call));
}

static void cast(struct adaptation *a, CXCursor cursor)
{
	CXCursor expression;
	const char *type = arithmetic_cast(cursor, arithmetic_kind(cursor), &expression);

	put_around(a, expression, "(", type, ")+(", ")");
}

static enum CXChildVisitResult find_lasting(CXCursor cursor, CXCursor parent, CXClientData data)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	bool *found = data;

	(void)parent;
	*found = kind == CXCursor_CompoundLiteralExpr || kind == CXCursor_StmtExpr;
	return *found ? CXChildVisit_Break : CXChildVisit_Recurse;
}

/* What the result's last register writes too much lies in the frame above it: here in what nobody uses, or in what the
 * arguments were made of. Values that are half computed libtcc saves before the braces. */
static void make_room(struct adaptation *a, CXCursor call)
{
	struct rewrite *w = &a->rewrite;
	bool lasting = false;
	struct range r;

	clang_visitChildren(call, find_lasting, &lasting);
	if (lasting || !rewrite_range(w, call, &r) || !is_plain(w, r)) {
		a->impossible = true;
		return;
	}
	rewrite_insert(w, r.begin, false, rewrite_format(w, "__extension__({ char rtf_room[8]; "));
	rewrite_insert(w, r.end, true, rewrite_format(w, "; })"));
}

/* Of preprocessor lines only those pass that tell where a text is from. */
static void next_token(struct token_reader *r, struct token *t)
{
	do
		token_next(r, t);
	while (t->kind == TOKEN_DIRECTIVE && t->end - t->begin > 2 && r->text[t->begin + 1] == ' ' &&
	       strchr("0123456789", r->text[t->begin + 2]));
}

/* Past designators (`.x[1] =`, `x:`), to the first token of a value; false at the end of the list. */
static bool skip_designators(struct token_reader *r, struct token *t)
{
	struct token_reader next = *r;
	struct token behind;

	next_token(&next, &behind);
	if (t->kind == TOKEN_NAME && behind.first == ':') {
		*r = next;
		next_token(r, t);
	}
	if (t->first != '.' && t->first != '[')
		return t->kind != TOKEN_END && t->kind != TOKEN_DIRECTIVE && t->first != '}';
	while (t->first == '.' || t->first == '[') {
		if (t->first == '[')
			token_skip_group(r, t);
		else
			next_token(r, t);
		next_token(r, t);
	}
	if (t->first == '=')
		next_token(r, t);
	return t->kind != TOKEN_END && t->kind != TOKEN_DIRECTIVE;
}

/* Reads a value up to what ends it, which is `t` then; where its last token ends. */
static uint32_t skip_value(struct token_reader *r, struct token *t)
{
	uint32_t end = t->end;

	while (t->kind != TOKEN_END && !(t->kind == TOKEN_PUNCTUATOR && strchr(",}", t->first))) {
		if (token_opens(t))
			token_skip_group(r, t);
		end = t->end;
		next_token(r, t);
	}
	return end;
}

/* Behind a `{`: the first value that the list, or one in it, has. `t` is the list's `}` if there is none,
 * or what cannot be read. */
static bool first_value(struct token_reader *r, struct token *t, struct range *out)
{
	next_token(r, t);
	while (skip_designators(r, t)) {
		if (t->first != '{') {
			out->begin = t->begin;
			out->end = skip_value(r, t);
			return true;
		}
		if (first_value(r, t, out))
			return true;
		if (t->first != '}')
			return false;
		next_token(r, t);
		if (t->first == ',')
			next_token(r, t);
	}
	return false;
}

/* As its first value is computed, and before it is stored, the variable becomes zero. An empty list makes it that. */
static bool zero_first(struct rewrite *w, uint32_t brace, const char *variable)
{
	struct token_reader r;
	struct token t;
	struct range value;

	rewrite_token(w, brace, &r, &t);
	if (t.begin != brace || t.first != '{')
		return false;
	if (!first_value(&r, &t, &value))
		return t.first == '}';
	if (!is_plain(w, (struct range){brace, value.end}))
		return false;
	rewrite_insert(w, value.begin, false,
		       rewrite_format(w, "(__rtf_zero((void *)&%s, sizeof(%s)), (", variable, variable));
	rewrite_insert(w, value.end, true, rewrite_format(w, "))"));
	return true;
}

static bool zero_variable(struct rewrite *w, CXCursor variable, uint32_t brace)
{
	char *name = cursor_take(clang_getCursorSpelling(variable));
	bool done = name && zero_first(w, brace, name);

	free(name);
	return done;
}

/* It becomes a variable in a statement expression, which to libtcc is as much an object. An array would be one pointer. */
static bool zero_literal(struct rewrite *w, CXCursor literal, struct range list)
{
	struct range r;

	if (!is_record(literal) || !rewrite_range(w, literal, &r) || r.end != list.end)
		return false;
	rewrite_insert(w, r.begin, false, rewrite_format(w, "__extension__({ __typeof__"));
	rewrite_insert(w, list.begin, false, rewrite_format(w, " rtf_literal = "));
	rewrite_insert(w, list.end, true, rewrite_format(w, "; rtf_literal; })"));
	return zero_first(w, list.begin, "rtf_literal");
}

static void initialise(struct adaptation *a, CXCursor cursor)
{
	struct rewrite *w = &a->rewrite;
	struct range list;

	if (!rewrite_range(w, list_of(cursor), &list) || !is_plain(w, list))
		a->impossible = true;
	else if (clang_getCursorKind(cursor) == CXCursor_VarDecl)
		a->impossible |= !zero_variable(w, cursor, list.begin);
	else
		a->impossible |= !zero_literal(w, cursor, list);
}

/* The word in front of the variable's name. */
static bool find_automatic(const struct rewrite *w, CXCursor variable, struct token *word)
{
	struct token_reader r;
	struct range declaration;

	if (!rewrite_range(w, variable, &declaration))
		return false;
	rewrite_token(w, declaration.begin, &r, word);
	while (word->kind == TOKEN_NAME && word->begin < declaration.end &&
	       !token_is(&r, word, "__auto_type"))
		token_next(&r, word);
	return token_is(&r, word, "__auto_type");
}

/* libclang knows the type: it is said, in the place of the word. */
static void say_type(struct adaptation *a, CXCursor variable)
{
	struct rewrite *w = &a->rewrite;
	char *type =
		cursor_take(clang_getTypeSpelling(clang_getCanonicalType(clang_getCursorType(variable))));
	struct token word;

	if (!type || strstr(type, "(unnamed") || strstr(type, "(anonymous") ||
	    !find_automatic(w, variable, &word)) {
		a->impossible = true;
	} else {
		token_blank(a->text, word.begin, word.end);
		rewrite_insert(w, word.begin, false, rewrite_format(w, "__typeof__(%s)", type));
	}
	free(type);
}

/* A declaration outside functions becomes one of a plain variable elsewhere, which nobody has and only __typeof__ is asked of,
 * and of its offset. */
static void declare_thread_local(struct adaptation *a, CXCursor variable)
{
	struct rewrite *w = &a->rewrite;
	char *name = cursor_take(clang_getCursorSpelling(variable));
	struct range declaration;
	struct token_reader r;
	struct token t;
	bool external = false;

	if (!name || !rewrite_range(w, variable, &declaration) || !is_plain(w, declaration)) {
		a->impossible = true;
		free(name);
		return;
	}
	rewrite_insert(w, declaration.begin, false,
		       rewrite_format(w, "extern char " ADAPT_OFFSET "%s[]; ", name));
	rewrite_token(w, declaration.begin, &r, &t);
	for (; t.kind != TOKEN_END && t.begin < declaration.end; token_next(&r, &t)) {
		bool thread = token_is(&r, &t, "__thread") || token_is(&r, &t, "_Thread_local");
		a->impossible |= t.first == '='; /* it is defined here */
		external |= thread || token_is(&r, &t, "extern");
		if (thread || token_is(&r, &t, "static") || token_is(&r, &t, "extern"))
			token_blank(a->text, t.begin, t.end);
		if (thread)
			memcpy(a->text + t.begin, "extern", strlen("extern"));
	}
	a->impossible |= !external;
	free(name);
}

/* The name becomes what lies there. */
static void reach_thread_local(struct adaptation *a, CXCursor reference)
{
	struct rewrite *w = &a->rewrite;
	char *name = cursor_take(clang_getCursorSpelling(reference));
	struct range r;

	if (clang_getCursorKind(reference) == CXCursor_VarDecl || !name || !rewrite_range(w, reference, &r) ||
	    !is_plain(w, r) || r.end - r.begin != strlen(name) ||
	    memcmp(w->text + r.begin, name, strlen(name)) != 0) {
		a->impossible = true;
	} else {
		rewrite_insert(w, r.begin, false, rewrite_format(w, "(*(__typeof__("));
		rewrite_insert(w, r.end, true,
			       rewrite_format(w, ") *)(__rtf_thread() + (long)" ADAPT_OFFSET "%s))", name));
	}
	free(name);
}

static void put(void *context, enum site_kind kind, CXCursor cursor)
{
	struct adaptation *a = context;

	if (kind == SITE_COPY)
		copy_value(a, cursor);
	else if (kind == SITE_ROOM)
		make_room(a, cursor);
	else if (kind == SITE_INITIALISER)
		initialise(a, cursor);
	else if (kind == SITE_CAST)
		cast(a, cursor);
	else if (kind == SITE_AUTOMATIC)
		say_type(a, cursor);
	else if (kind == SITE_THREAD)
		reach_thread_local(a, cursor);
}

static enum CXChildVisitResult put_function(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct adaptation *a = data;

	(void)parent;
	if (clang_getCursorKind(cursor) == CXCursor_FunctionDecl && clang_isCursorDefinition(cursor)) {
		struct walk w = read_head(cursor, put, a);
		w.threads = a->threads;
		clang_visitChildren(cursor, visit, &w);
		arithmetic_each_call(cursor, copy_call, a);
	} else if (a->threads && is_thread_local(cursor)) {
		declare_thread_local(a, cursor);
	}
	return a->impossible ? CXChildVisit_Break : CXChildVisit_Continue;
}

struct error *adapt_text(CXTranslationUnit unit, const char *text, size_t size, char **out)
{
	struct adaptation a = {.text = strndup(text, size), .threads = adapt_names_thread_locals(text)};
	struct rewrite *w = &a.rewrite;

	*out = NULL;
	*w = (struct rewrite){.text = a.text, .size = (uint32_t)size, .line = 1, .careful = true};
	w->failed = !a.text || !expansions_find(unit, text, 0, w->size, &w->macros, &w->macro_count);
	if (!w->failed)
		a.impossible = !packed_put(w, a.text, unit);
	if (!w->failed && !a.impossible)
		clang_visitChildren(clang_getTranslationUnitCursor(unit), put_function, &a);
	if (!w->failed && !a.impossible)
		*out = rewrite_apply(w, NULL);
	struct error *e = w->failed ? error_memory() : NULL;
	rewrite_fini(w);
	free(a.text);
	return e;
}
