#include "enumerators.h"
#include "cursor.h"

#include <stdint.h>

struct search {
	bool bodies, found;
};

static enum CXChildVisitResult find_large(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct search *s = data;

	(void)parent;
	switch (clang_getCursorKind(cursor)) {
	case CXCursor_StructDecl: /* what is declared in it is known in all of the file */
	case CXCursor_UnionDecl:
		return CXChildVisit_Recurse;
	case CXCursor_EnumDecl:
		return cursor_enum_is_signed(cursor) ? CXChildVisit_Continue : CXChildVisit_Recurse;
	case CXCursor_EnumConstantDecl:
		s->found = clang_getEnumConstantDeclUnsignedValue(cursor) > INT64_MAX;
		return s->found ? CXChildVisit_Break : CXChildVisit_Continue;
	default:
		return s->bodies ? CXChildVisit_Recurse : CXChildVisit_Continue;
	}
}

const char *enumerators_reason(CXTranslationUnit unit, bool bodies)
{
	struct search s = {.bodies = bodies};

	clang_visitChildren(clang_getTranslationUnitCursor(unit), find_large, &s);
	return s.found ? "libtcc is not trusted with an enumeration constant of 2^63 or more" : NULL;
}
