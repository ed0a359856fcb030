#include "pure.h"

#include <stddef.h>
#include <string.h>

/* Nodes that do nothing themselves, whatever they are made of. */
static bool is_harmless(enum CXCursorKind kind)
{
	static const enum CXCursorKind kinds[] = {
		CXCursor_DeclRefExpr,        CXCursor_MemberRefExpr,
		CXCursor_IntegerLiteral,     CXCursor_FloatingLiteral,
		CXCursor_ImaginaryLiteral,   CXCursor_StringLiteral,
		CXCursor_CharacterLiteral,   CXCursor_ParenExpr,
		CXCursor_ArraySubscriptExpr, CXCursor_ConditionalOperator,
		CXCursor_CStyleCastExpr,     CXCursor_CompoundLiteralExpr,
		CXCursor_InitListExpr,       CXCursor_GenericSelectionExpr,
		CXCursor_UnaryExpr,          CXCursor_TypeRef,
		CXCursor_MemberRef,          CXCursor_ParmDecl,
		CXCursor_StructDecl,         CXCursor_UnionDecl,
		CXCursor_EnumDecl,           CXCursor_FieldDecl,
		CXCursor_EnumConstantDecl,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i] == kind)
			return true;
	return false;
}

struct ends {
	CXCursor first, last;
	unsigned count;
};

static enum CXChildVisitResult take_end(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct ends *e = data;

	(void)parent;
	if (e->count++ == 0)
		e->first = cursor;
	e->last = cursor;
	return CXChildVisit_Continue;
}

/* Whether the node begins with one of these words, also where a macro has them. */
static bool begins_with(CXCursor cursor, const char *const *words)
{
	CXTranslationUnit unit = clang_Cursor_getTranslationUnit(cursor);
	CXToken *token = clang_getToken(unit, clang_getRangeStart(clang_getCursorExtent(cursor)));
	bool begins = false;

	if (!token)
		return false;
	CXString spelling = clang_getTokenSpelling(unit, *token);
	for (; *words && !begins; words++)
		begins = strcmp(clang_getCString(spelling), *words) == 0;
	clang_disposeString(spelling);
	clang_disposeTokens(unit, token, 1);
	return begins;
}

/* A conversion that C makes by itself, or `a ?: b`: no token stands before or behind what it is made of, as the name of a
 * builtin does. */
static bool is_implied(CXCursor cursor)
{
	struct ends e = {0};
	CXSourceRange whole = clang_getCursorExtent(cursor);

	clang_visitChildren(cursor, take_end, &e);
	if (!e.count)
		return false;
	CXSourceLocation begin = clang_getRangeStart(clang_getCursorExtent(e.first));
	CXSourceLocation end = clang_getRangeEnd(clang_getCursorExtent(e.last));
	return clang_equalLocations(begin, clang_getRangeStart(whole)) &&
	       clang_equalLocations(end, clang_getRangeEnd(whole));
}

/* What has no kind of its own. */
static bool is_harmless_unexposed(CXCursor cursor)
{
	static const char *const words[] = {"__builtin_offsetof",
					    "__builtin_types_compatible_p",
					    "__func__",
					    "__FUNCTION__",
					    "__PRETTY_FUNCTION__",
					    ".", /* designators */
					    "[",
					    NULL};

	return is_implied(cursor) || begins_with(cursor, words);
}

/* Not `++` and `--`, which also may stand behind. */
static bool is_harmless_unary(CXCursor cursor)
{
	static const char *const words[] = {
		"*", "&", "-", "+", "~", "!", "__real__", "__imag__", "__real", "__imag", "__extension__",
		NULL};

	return begins_with(cursor, words);
}

/* Of all operators only those that assign have a place on their left; others have it converted first, by a node of its
 * own. */
bool pure_place(CXCursor cursor)
{
	static const char *const values[] = {"&", "-", "+", "~", "!", NULL};
	struct ends e = {0};

	switch (clang_getCursorKind(cursor)) {
	case CXCursor_DeclRefExpr:
		return clang_getCursorKind(clang_getCursorReferenced(cursor)) != CXCursor_EnumConstantDecl;
	case CXCursor_MemberRefExpr:
	case CXCursor_ArraySubscriptExpr:
	case CXCursor_CompoundLiteralExpr:
	case CXCursor_GenericSelectionExpr:
		return true;
	case CXCursor_UnaryOperator:
		return is_harmless_unary(cursor) && !begins_with(cursor, values);
	case CXCursor_ParenExpr:
		clang_visitChildren(cursor, take_end, &e);
		return e.count && pure_place(e.last);
	default:
		return false;
	}
}

CXCursor pure_operand(CXCursor cursor)
{
	struct ends e = {.first = clang_getNullCursor()};

	clang_visitChildren(cursor, take_end, &e);
	return e.first;
}

bool pure_assigns(CXCursor cursor, CXCursor *place)
{
	*place = pure_operand(cursor);
	if (clang_Cursor_isNull(*place))
		return false;
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_CompoundAssignOperator:
		return true;
	case CXCursor_BinaryOperator:
		return pure_place(*place);
	case CXCursor_UnaryOperator:
		return !is_harmless_unary(cursor);
	default:
		return false;
	}
}

bool pure_node(CXCursor cursor)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	CXCursor place;

	switch (kind) {
	case CXCursor_UnexposedExpr:
		return is_harmless_unexposed(cursor);
	case CXCursor_UnaryOperator:
	case CXCursor_BinaryOperator:
		return !pure_assigns(cursor, &place);
	default:
		return is_harmless(kind);
	}
}

static enum CXChildVisitResult find_act(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (pure_node(cursor))
		return CXChildVisit_Recurse;
	*(bool *)data = false;
	return CXChildVisit_Break;
}

bool pure_expression(CXCursor cursor)
{
	bool pure = pure_node(cursor);

	if (pure)
		clang_visitChildren(cursor, find_act, &pure);
	return pure;
}
