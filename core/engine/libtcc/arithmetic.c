#include "arithmetic.h"
#include "cursor.h"
#include "shape.h"
#include "text.h"
#include "token.h"
#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char why_truncated[] =
	"it makes an integer of a long double, of which libtcc makes a double first";
static const char why_lengthened[] =
	"it makes a long double of a shorter one, where libtcc may have operands change places";
static const char why_rounded[] = "it has an operation on two constants whose result libtcc rounds twice";
static const char why_fused[] =
	"it multiplies reals and adds, of which the program's compiler may make one operation";
static const char why_unsigned[] =
	"it computes with what a bit-field was before ++ or ?:, which libtcc takes for unsigned";
static const char why_omitted[] =
	"it has a value shorter than an int before ?:, of which libtcc takes too much";
static const char why_signed[] =
	"it has an unsigned bit-field of 32 bits, which libtcc computes with as a signed one";
static const char why_nothing[] =
	"it chooses by a `?:` that is the same either way, of which libtcc leaves out what follows";
static const char why_displaced[] =
	"it uses packed bit-fields, one of its type's width among them, which libtcc has elsewhere";

/* --- what a text may have ----------------------------------------------------------------------------------------- */

/* Whether `long` stands beside the `double` at `at`. */
static bool is_long(const char *text, const char *at)
{
	const char *before = text_skip_back(text, at), *behind = at + strlen("double");

	behind += strspn(behind, " \t\r\n");
	return (before - text >= 4 && strncmp(before - 4, "long", 4) == 0) || strncmp(behind, "long", 4) == 0;
}

static void expect_types(const char *text, const char *end, struct arithmetic *a)
{
	size_t size = (size_t)(end - text);

	for (const char *at = text; !a->long_doubles && (at = text_find_word(text, end, at, "double"));
	     at++) {
		a->doubles = true;
		a->long_doubles = is_long(text, at);
	}
	/* Looked for by what few texts have. */
	a->long_doubles |=
		(token_has_pair(text, size, '8', '0') && memmem(text, size, "float80", strlen("float80"))) ||
		(token_has_pair(text, size, '4', 'x') && memmem(text, size, "Float64x", strlen("Float64x")));
}

/* Constants with a point in them. */
static void expect_constants(const char *text, const char *end, struct arithmetic *a)
{
	for (const char *at = text; (at = memchr(at, '.', (size_t)(end - at))); at++) {
		bool begins = at > text && strchr("0123456789abcdefABCDEF", at[-1]);
		if (!begins && !(at[1] >= '0' && at[1] <= '9'))
			continue;
		const char *behind = at + 1;
		while (isalnum((unsigned char)*behind) ||
		       (*behind && strchr("+-", *behind) && strchr("eEpP", behind[-1])))
			behind++;
		a->doubles = true;
		a->long_doubles |= strchr("lL", behind[-1]) != NULL;
	}
}

/* `x ?: y`. */
static bool omits(const char *text)
{
	for (const char *at = text; (at = strchr(at, '?')); at++)
		if (at[1 + strspn(at + 1, " \t\r\n")] == ':')
			return true;
	return false;
}

struct arithmetic arithmetic_expect(const char *text)
{
	struct arithmetic a = {.omitted = omits(text)};
	const char *end = text + strlen(text);

	expect_types(text, end, &a);
	expect_constants(text, end, &a);
	return a;
}

/* --- types and operands ------------------------------------------------------------------------------------------- */

static CXType type_of(CXCursor expression)
{
	return clang_getCanonicalType(clang_getCursorType(expression));
}

static enum CXTypeKind kind_of(CXCursor expression)
{
	return type_of(expression).kind;
}

static bool is_integer(enum CXTypeKind kind)
{
	return (kind >= CXType_Bool && kind <= CXType_Int128) || kind == CXType_Enum;
}

/* Of an enumeration without negative constants, too. */
static bool is_unsigned(CXType type)
{
	if (type.kind == CXType_Enum)
		type = clang_getEnumDeclIntegerType(clang_getTypeDeclaration(type));
	return type.kind == CXType_UInt;
}

static bool is_unsigned_int(CXCursor expression)
{
	return is_unsigned(type_of(expression));
}

/* Shorter than an int. */
static bool is_short(enum CXTypeKind kind)
{
	switch (kind) {
	case CXType_Bool:
	case CXType_Char_U:
	case CXType_Char_S:
	case CXType_UChar:
	case CXType_SChar:
	case CXType_UShort:
	case CXType_Short:
		return true;
	default:
		return false;
	}
}

static bool is_shorter(enum CXTypeKind kind)
{
	return kind == CXType_Float || kind == CXType_Double;
}

/* The kinds of what is inside, which of a cast or a conversion may be a type and what it is made of. */
struct operands {
	CXCursor cursors[2], before_last;
	enum CXTypeKind kinds[2];
	unsigned count;
};

static enum CXChildVisitResult take_operand(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct operands *o = data;
	unsigned at = o->count < 2 ? o->count++ : 1;

	(void)parent;
	o->before_last = o->cursors[1];
	o->cursors[at] = cursor;
	o->kinds[at] = kind_of(cursor);
	return CXChildVisit_Continue;
}

static struct operands operands_of(CXCursor expression)
{
	struct operands o = {.kinds = {CXType_Invalid, CXType_Invalid}};

	clang_visitChildren(expression, take_operand, &o);
	return o;
}

static enum CXTypeKind last_kind(const struct operands *o)
{
	return o->count ? o->kinds[o->count - 1] : CXType_Invalid;
}

/* Of a floating constant expression; false: it is none. */
static bool evaluate(CXCursor expression, double *out)
{
	CXEvalResult result = clang_Cursor_Evaluate(expression);
	bool found = result && clang_EvalResult_getKind(result) == CXEval_Float;

	if (found)
		*out = clang_EvalResult_getAsDouble(result);
	if (result)
		clang_EvalResult_dispose(result);
	return found;
}

/* --- reals ---------------------------------------------------------------------------------------------------------- */

/* A cast, an implicit conversion or a compound assignment. Of float or double, when it is computed: where there is another long
 * double by then, in the processor's stack or in the register of the operand behind it, libtcc has them change places, or loses
 * one. It subtracts, divides and compares the wrong way round. */
static const char *look_at_conversion(const struct arithmetic *a, CXCursor conversion, enum CXTypeKind kind)
{
	double known;

	if (!a->long_doubles)
		return NULL;
	bool compound = clang_getCursorKind(conversion) == CXCursor_CompoundAssignOperator;
	if (!is_integer(kind) && kind != CXType_LongDouble && !compound)
		return NULL;
	struct operands o = operands_of(conversion);
	if (is_integer(kind) && last_kind(&o) == CXType_LongDouble)
		return why_truncated;
	if (compound
		    ? is_shorter(o.kinds[0]) && o.kinds[1] == CXType_LongDouble
		    : kind == CXType_LongDouble && is_shorter(last_kind(&o)) && !evaluate(conversion, &known))
		return why_lengthened;
	return NULL;
}

/* What is known when it is compiled libtcc computes as long double, and rounds that. Which operator it is the result says. */
static const char *look_at_operation(const struct arithmetic *a, CXCursor operation)
{
	double left, right, result;

	if (!a->doubles || kind_of(operation) != CXType_Double)
		return NULL;
	struct operands o = operands_of(operation);
	if (o.count < 2 || !evaluate(o.cursors[0], &left) || !evaluate(o.cursors[1], &right) ||
	    !evaluate(operation, &result))
		return NULL;
	const long double x = left, y = right;
	const double once[] = {left + right, left - right, left * right, left / right};
	const double twice[] = {(double)(x + y), (double)(x - y), (double)(x * y), (double)(x / y)};
	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		if (once[i] == result && twice[i] != result)
			return why_rounded;
	return NULL;
}

struct initial {
	const struct arithmetic *arithmetic;
	const char *why;
};

static enum CXChildVisitResult look_in_initial(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct initial *in = data;

	(void)parent;
	if (clang_getCursorKind(cursor) == CXCursor_BinaryOperator && !in->why)
		in->why = look_at_operation(in->arithmetic, cursor);
	return in->why ? CXChildVisit_Break : CXChildVisit_Recurse;
}

/* What a static begins with, inside which nothing else is asked about; and what type any variable has. */
static const char *look_at_variable(const struct arithmetic *a, CXCursor variable)
{
	struct initial in = {.arithmetic = a};

	if (shape_has_displaced(clang_getCursorType(variable)))
		return why_displaced;
	if (a->doubles && clang_Cursor_getStorageClass(variable) == CX_SC_Static)
		clang_visitChildren(variable, look_in_initial, &in);
	return in.why;
}

/* --- integers ------------------------------------------------------------------------------------------------------- */

static enum CXChildVisitResult find_packed(CXCursor cursor, CXCursor parent, CXClientData data)
{
	bool *found = data;

	(void)parent;
	*found |= clang_getCursorKind(cursor) == CXCursor_PackedAttr;
	return *found ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* One of int's width is no bit-field for libtcc where nothing is packed. */
static bool is_signed_there(CXCursor field, enum CXTypeKind kind)
{
	if (kind != CXType_UInt && kind != CXType_ULong && kind != CXType_ULongLong)
		return false;
	if (clang_getFieldDeclBitWidth(field) != 32)
		return false;
	bool found = kind != CXType_UInt;
	clang_visitChildren(field, find_packed, &found);
	clang_visitChildren(clang_getCursorSemanticParent(field), find_packed, &found);
	return found;
}

static const char *look_at_member(CXCursor member)
{
	CXCursor field = clang_getCursorReferenced(member);

	if (!clang_Cursor_isBitField(field))
		return NULL;
	if (is_signed_there(field, kind_of(member)))
		return why_signed;
	CXType record = clang_getCursorType(clang_getCursorSemanticParent(field));
	return shape_displaces(record) ? why_displaced : NULL;
}

/* Without what changes neither its value nor, but for int's sign, its type. */
static CXCursor strip(CXCursor expression)
{
	while (clang_getCursorKind(expression) == CXCursor_ParenExpr ||
	       clang_getCursorKind(expression) == CXCursor_UnexposedExpr) {
		struct operands o = operands_of(expression);
		if (o.count != 1)
			break;
		expression = o.cursors[0];
	}
	return expression;
}

/* One whose values an int has, all of them. */
static bool is_bit_field(CXCursor expression)
{
	expression = strip(expression);
	if (clang_getCursorKind(expression) != CXCursor_MemberRefExpr)
		return false;
	CXCursor field = clang_getCursorReferenced(expression);
	return clang_Cursor_isBitField(field) && clang_getFieldDeclBitWidth(field) < 32;
}

/* `s.n++`. */
static bool is_step(CXCursor expression)
{
	if (clang_getCursorKind(expression) != CXCursor_UnaryOperator)
		return false;
	CXCursor operand = operands_of(expression).cursors[0];
	return is_bit_field(operand) &&
	       clang_equalLocations(clang_getRangeStart(clang_getCursorExtent(expression)),
				    clang_getRangeStart(clang_getCursorExtent(operand)));
}

/* Whether the token at `at` is one of the operators, or none at all: the end of a macro's call. */
static bool may_be_operator(CXCursor operation, CXSourceLocation at, const char *const *operators)
{
	CXTranslationUnit unit = clang_Cursor_getTranslationUnit(operation);
	CXToken *token = clang_getToken(unit, at);
	char *spelling = token ? cursor_take(clang_getTokenSpelling(unit, *token)) : NULL;
	bool may_be =
		!spelling || words_list_has(operators, spelling) || !strchr("+-*/%<>=&|^!~,", *spelling);

	free(spelling);
	if (token)
		clang_disposeTokens(unit, token, 1);
	return may_be;
}

/* Behind its first operand. */
static bool may_join(CXCursor operation, const char *const *operators)
{
	struct operands o = operands_of(operation);

	return may_be_operator(operation, clang_getRangeEnd(clang_getCursorExtent(o.cursors[0])), operators);
}

/* In front of its operand. */
static bool may_precede(CXCursor operation, const char *operator)
{
	return may_be_operator(operation, clang_getRangeStart(clang_getCursorExtent(operation)),
			       (const char *const[]){operator, NULL});
}

static const char *const comparisons[] = {"<", ">", "<=", ">=", "==", "!=", "&&", "||", NULL};
static const char *const jumps[] = {"&&", "||", NULL};
static const char *const stores[] = {"=", ",", NULL};

/* Or 0, or 1. */
static bool may_be_truth(CXCursor branch)
{
	branch = strip(branch);
	switch (clang_getCursorKind(branch)) {
	case CXCursor_BinaryOperator:
		return may_join(branch, comparisons);
	case CXCursor_UnaryOperator:
		return may_precede(branch, "!");
	case CXCursor_ConditionalOperator:
		return true;
	default:
		break;
	}
	CXEvalResult result = clang_Cursor_Evaluate(branch);
	bool may_be = result && clang_EvalResult_getKind(result) == CXEval_Int &&
		      clang_EvalResult_getAsUnsigned(result) <= 1;
	if (result)
		clang_EvalResult_dispose(result);
	return may_be;
}

/* Whether it is known to be 0, or not to be, whatever the variables in it are. */
static bool is_known(CXCursor expression, bool *truth)
{
	CXEvalResult result = clang_Cursor_Evaluate(expression);
	bool known = result && clang_EvalResult_getKind(result) == CXEval_Int;

	if (known)
		*truth = clang_EvalResult_getAsUnsigned(result) != 0;
	if (result)
		clang_EvalResult_dispose(result);
	return known;
}

/* `x ? 0 : 0`, and what is made of such. */
static bool is_no_choice(CXCursor expression, bool *truth)
{
	bool other;

	expression = strip(expression);
	while (clang_getCursorKind(expression) == CXCursor_CStyleCastExpr) {
		struct operands cast = operands_of(expression);
		expression = strip(cast.cursors[cast.count - 1]);
	}
	if (clang_getCursorKind(expression) != CXCursor_ConditionalOperator)
		return false;
	struct operands o = operands_of(expression);
	return (is_known(o.before_last, truth) || is_no_choice(o.before_last, truth)) &&
	       (is_known(o.cursors[1], &other) || is_no_choice(o.cursors[1], &other)) && *truth == other;
}

static enum CXChildVisitResult find_no_choice(CXCursor cursor, CXCursor parent, CXClientData data)
{
	const char **why = data;
	bool truth;

	(void)parent;
	if (clang_getCursorKind(cursor) == CXCursor_CallExpr)
		return CXChildVisit_Continue;
	if (is_no_choice(cursor, &truth))
		*why = why_nothing;
	return *why ? CXChildVisit_Break : CXChildVisit_Recurse;
}

/* `(x ? 0 : 0) ? y : z`, `((x ? 0 : 0) && x) ? y : z`. */
static const char *look_at_choice(CXCursor conditional)
{
	CXCursor condition = operands_of(conditional).cursors[0];
	const char *why = NULL;

	find_no_choice(condition, conditional, &why);
	if (!why)
		clang_visitChildren(condition, find_no_choice, &why);
	return why;
}

static bool is_of_truths(CXCursor conditional)
{
	struct operands o = operands_of(conditional);

	return o.count == 2 && may_be_truth(o.before_last) && may_be_truth(o.cursors[1]);
}

/* An int that libtcc has as a place to jump to: an int it remains once it is in a register. */
static bool is_jump(CXCursor value)
{
	if (kind_of(value) != CXType_Int)
		return false;
	value = strip(value);
	switch (clang_getCursorKind(value)) {
	case CXCursor_ConditionalOperator:
		return is_of_truths(value);
	case CXCursor_BinaryOperator:
		return may_join(value, jumps);
	case CXCursor_UnaryOperator:
		return may_precede(value, "!");
	default:
		return false;
	}
}

/* What is only stored, or asked whether it is 0, is right. */
static bool computes(CXCursor operation)
{
	switch (clang_getCursorKind(operation)) {
	case CXCursor_BinaryOperator:
		return !may_join(operation, stores);
	case CXCursor_CompoundAssignOperator:
	case CXCursor_ConditionalOperator:
	case CXCursor_UnaryOperator:
		return true;
	default:
		return false;
	}
}

static enum CXChildVisitResult find_step(CXCursor cursor, CXCursor parent, CXClientData data)
{
	const char **why = data;

	(void)parent;
	if (clang_isExpression(clang_getCursorKind(cursor))) {
		struct operands o = operands_of(cursor);
		bool found = o.count && is_step(strip(o.cursors[0]));
		found |= o.count > 1 && (is_step(strip(o.cursors[1])) || is_step(strip(o.before_last)));
		if (found && computes(cursor))
			*why = why_unsigned;
	}
	return *why ? CXChildVisit_Break : CXChildVisit_Recurse;
}

const char *arithmetic_review(const struct arithmetic *a, CXCursor function)
{
	const char *why = NULL;

	if (a->adds && a->multiplies)
		return why_fused;
	if (a->steps)
		clang_visitChildren(function, find_step, &why);
	return why;
}

/* `x ?: y` has no kind of its own. */
static const char *look_at_omitted(const struct arithmetic *a, CXCursor conditional)
{
	if (!a->omitted)
		return NULL;
	struct operands o = operands_of(conditional);
	if (o.count < 2 || !clang_isExpression(clang_getCursorKind(o.cursors[0])))
		return NULL; /* a designator and its value, too */
	if (is_bit_field(o.cursors[0]))
		return why_unsigned;
	return is_short(kind_of(strip(o.cursors[0]))) ? why_omitted : NULL;
}

static void note_call(struct arithmetic *a, CXType result)
{
	a->calls |= is_unsigned(result);
	a->int_calls |= result.kind == CXType_Int;
}

static void note_unsigned(struct arithmetic *a, CXCursor conversion, enum CXTypeKind kind)
{
	if (a->unsigned_ints || kind != CXType_UInt)
		return;
	struct operands o = operands_of(conversion);
	a->unsigned_ints = last_kind(&o) == CXType_Int;
}

/* Of a cast or a conversion. */
static const char *cast_operand(CXCursor conversion, enum CXTypeKind kind, CXCursor *expression)
{
	bool explicit = clang_getCursorKind(conversion) == CXCursor_CStyleCastExpr;

	if (kind != CXType_UShort && (kind != CXType_UInt || !explicit))
		return NULL;
	struct operands o = operands_of(conversion);
	if (kind == CXType_UShort ? last_kind(&o) != CXType_SChar && last_kind(&o) != CXType_Char_S
				  : !o.count || !is_jump(o.cursors[o.count - 1]))
		return NULL;
	*expression = o.cursors[o.count - 1];
	return "int";
}

/* What `switch` tests, if it is short and stands in a register, of which libtcc compares all. */
static const char *cast_tested(CXCursor statement, CXCursor *expression)
{
	struct operands o = operands_of(statement);
	CXCursor value = strip(o.cursors[0]);
	enum CXCursorKind kind = clang_getCursorKind(value);

	if (!is_short(kind_of(value)) || kind == CXCursor_DeclRefExpr || kind == CXCursor_MemberRefExpr ||
	    kind == CXCursor_ArraySubscriptExpr)
		return NULL;
	if (kind == CXCursor_UnaryOperator && may_precede(value, "*"))
		return NULL;
	*expression = o.cursors[0];
	return "int";
}

enum CXTypeKind arithmetic_kind(CXCursor cursor)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);

	return kind == CXCursor_UnexposedExpr || kind == CXCursor_CStyleCastExpr ? kind_of(cursor)
										 : CXType_Invalid;
}

const char *arithmetic_cast(CXCursor cursor, enum CXTypeKind kind, CXCursor *expression)
{
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_CStyleCastExpr:
	case CXCursor_UnexposedExpr:
		return cast_operand(cursor, kind, expression);
	case CXCursor_SwitchStmt:
		return cast_tested(cursor, expression);
	case CXCursor_ConditionalOperator:
		if (kind_of(cursor) != CXType_UInt || !is_of_truths(cursor))
			return NULL;
		*expression = cursor;
		return "unsigned";
	default:
		return NULL;
	}
}

/* Sum and product need not be one expression: gcc finds them in different statements, and in calls. */
static void note_fused(struct arithmetic *a, CXCursor operation)
{
	static const char *const sums[] = {"+", "-", "+=", "-=", NULL};
	static const char *const products[] = {"*", "*=", NULL};

	if (!a->fuses || (a->adds && a->multiplies) || !is_shorter(kind_of(operation)))
		return;
	a->adds |= may_join(operation, sums);
	a->multiplies |= may_join(operation, products);
}

const char *arithmetic_look(struct arithmetic *a, CXCursor cursor, enum CXTypeKind kind)
{
	const char *why;

	switch (clang_getCursorKind(cursor)) {
	case CXCursor_CallExpr:
		note_call(a, type_of(cursor));
		return NULL;
	case CXCursor_MemberRefExpr:
		return look_at_member(cursor);
	case CXCursor_ConditionalOperator:
		return look_at_choice(cursor);
	case CXCursor_VarDecl:
		return look_at_variable(a, cursor);
	case CXCursor_BinaryOperator:
		note_fused(a, cursor);
		return look_at_operation(a, cursor);
	case CXCursor_UnaryOperator:
		a->steps |= is_step(cursor);
		return NULL;
	case CXCursor_CStyleCastExpr:
	case CXCursor_UnexposedExpr:
		note_unsigned(a, cursor, kind);
		why = look_at_omitted(a, cursor);
		return why ? why : look_at_conversion(a, cursor, kind);
	case CXCursor_CompoundAssignOperator:
		note_fused(a, cursor);
		return a->long_doubles ? look_at_conversion(a, cursor, kind_of(cursor)) : NULL;
	default:
		return NULL;
	}
}

/* --- results of calls ----------------------------------------------------------------------------------------------- */

struct calls {
	void (*each)(void *context, CXCursor call);
	void *context;
};

static enum CXChildVisitResult tell_call(CXCursor cursor, CXCursor parent, CXClientData data)
{
	const struct calls *calls = data;

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_CallExpr)
		return CXChildVisit_Recurse;
	CXType result = type_of(cursor);
	if (result.kind == CXType_Int || is_unsigned(result))
		calls->each(calls->context, cursor);
	return CXChildVisit_Recurse;
}

/* Whether it makes something longer of an unsigned int. */
static bool widens(CXCursor expression)
{
	enum CXTypeKind kind;

	switch (clang_getCursorKind(expression)) {
	case CXCursor_BinaryOperator:
	case CXCursor_CompoundAssignOperator:
	case CXCursor_CStyleCastExpr:
	case CXCursor_UnexposedExpr:
		kind = kind_of(expression);
		if (kind != CXType_Pointer && kind != CXType_Long && kind != CXType_ULong &&
		    kind != CXType_LongLong && kind != CXType_ULongLong && kind != CXType_LongDouble &&
		    !is_shorter(kind))
			return false;
		break;
	case CXCursor_ArraySubscriptExpr:
		break;
	default:
		return false;
	}
	struct operands o = operands_of(expression);
	return (o.count && is_unsigned_int(o.cursors[0])) || (o.count > 1 && is_unsigned_int(o.cursors[1]));
}

static enum CXChildVisitResult find_calls(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (!widens(cursor))
		return CXChildVisit_Recurse;
	clang_visitChildren(cursor, tell_call, data);
	return CXChildVisit_Continue;
}

bool arithmetic_has_calls(const struct arithmetic *a)
{
	return a->calls || (a->int_calls && a->unsigned_ints);
}

const char *arithmetic_result(CXCursor call)
{
	return kind_of(call) == CXType_Int ? "int" : "unsigned";
}

void arithmetic_each_call(CXCursor function, void (*each)(void *context, CXCursor call), void *context)
{
	struct calls calls = {each, context};

	clang_visitChildren(function, find_calls, &calls);
}
