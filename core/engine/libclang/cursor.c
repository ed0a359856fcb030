#include "cursor.h"

#include <string.h>

char *cursor_take(CXString s)
{
	const char *bytes = clang_getCString(s);
	char *copy = strdup(bytes ? bytes : "");

	clang_disposeString(s);
	return copy;
}

bool cursor_is_named(CXCursor cursor)
{
	CXString name = clang_getCursorSpelling(cursor);
	const char *bytes = clang_getCString(name);
	bool named = bytes && *bytes;

	clang_disposeString(name);
	return named;
}

bool cursor_spelled(CXCursor cursor, const char *name)
{
	CXString s = clang_getCursorSpelling(cursor);
	const char *spelling = clang_getCString(s);
	bool same = spelling && strcmp(spelling, name) == 0;

	clang_disposeString(s);
	return same;
}

struct search {
	const char *name;
	CXCursor found;
};

static enum CXChildVisitResult find_function(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct search *s = data;

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_FunctionDecl || !clang_isCursorDefinition(cursor) ||
	    !cursor_spelled(cursor, s->name))
		return CXChildVisit_Continue;
	s->found = cursor;
	return CXChildVisit_Break;
}

CXCursor cursor_find_function(CXTranslationUnit unit, const char *name)
{
	struct search search = {name, clang_getNullCursor()};

	clang_visitChildren(clang_getTranslationUnitCursor(unit), find_function, &search);
	return search.found;
}

bool cursor_is_integer(enum CXTypeKind kind)
{
	switch (kind) {
	case CXType_Char_U:
	case CXType_UChar:
	case CXType_Char16:
	case CXType_Char32:
	case CXType_UShort:
	case CXType_UInt:
	case CXType_ULong:
	case CXType_ULongLong:
	case CXType_UInt128:
		return true;
	default:
		return cursor_is_signed(kind);
	}
}

bool cursor_is_signed(enum CXTypeKind kind)
{
	switch (kind) {
	case CXType_Char_S:
	case CXType_SChar:
	case CXType_WChar:
	case CXType_Short:
	case CXType_Int:
	case CXType_Long:
	case CXType_LongLong:
	case CXType_Int128:
		return true;
	default:
		return false;
	}
}

bool cursor_enum_is_signed(CXCursor enumeration)
{
	return cursor_is_signed(clang_getCanonicalType(clang_getEnumDeclIntegerType(enumeration)).kind);
}

int64_t cursor_enumerator(CXCursor constant)
{
	return cursor_enum_is_signed(clang_getCursorSemanticParent(constant))
		       ? clang_getEnumConstantDeclValue(constant)
		       : (int64_t)clang_getEnumConstantDeclUnsignedValue(constant);
}

bool cursor_is_constant(CXType type)
{
	/* Of a canonical array the array itself bears its elements' const. */
	for (;;) {
		type = clang_getCanonicalType(type);
		if (clang_isConstQualifiedType(type))
			return true;
		if (type.kind != CXType_ConstantArray && type.kind != CXType_IncompleteArray)
			return false;
		type = clang_getArrayElementType(type);
	}
}
