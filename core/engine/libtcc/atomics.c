#include "atomics.h"
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

/* --- what is done to them -------------------------------------------------------------------------------------- */

static CXType type_of(CXCursor cursor)
{
	return clang_getCanonicalType(clang_getCursorType(cursor));
}

/* An atomic struct may be padded, and more than eight bytes are not read at once. */
static bool is_one_word(CXType atomic)
{
	CXType value = clang_getCanonicalType(clang_Type_getValueType(atomic));
	long long size = clang_Type_getSizeOf(value);

	return value.kind != CXType_Record && value.kind != CXType_Complex && size > 0 && size <= 8;
}

static bool is_declared(CXCursor cursor, CXCursor parent)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);

	return kind == CXCursor_FieldDecl || kind == CXCursor_TypedefDecl || kind == CXCursor_TypeRef ||
	       (kind == CXCursor_VarDecl && clang_getCursorKind(parent) == CXCursor_TranslationUnit);
}

/* Conversions from the variable to its value are cursors of their own: the first of another type is a read. */
static bool is_read(CXCursor cursor, CXCursor parent)
{
	enum CXCursorKind kind = clang_getCursorKind(parent);

	if (!clang_isExpression(clang_getCursorKind(cursor)))
		return false;
	if (kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr || kind == CXCursor_UnaryExpr)
		return true; /* if it has the variable's type, its own parent is looked at too */
	return kind == CXCursor_UnaryOperator && type_of(parent).kind == CXType_Pointer &&
	       clang_equalTypes(clang_getCanonicalType(clang_getPointeeType(type_of(parent))),
				type_of(cursor)); /* its address */
}

static enum CXChildVisitResult find_touched(CXCursor cursor, CXCursor parent, CXClientData data)
{
	CXType type = type_of(cursor);
	bool *found = data;

	*found = type.kind == CXType_Atomic &&
		 !(is_one_word(type) && (is_declared(cursor, parent) || is_read(cursor, parent)));
	return *found ? CXChildVisit_Break : CXChildVisit_Recurse;
}

const char *atomics_reason(CXTranslationUnit unit)
{
	bool found = false;

	clang_visitChildren(clang_getTranslationUnitCursor(unit), find_touched, &found);
	return found ? "libtcc is not trusted with what it does to an _Atomic variable" : NULL;
}

/* --- gcc's operations ------------------------------------------------------------------------------------------ */

/* The comma's value has the type without _Atomic. */
#define PLAIN(name, rest) "-D" name "(p," rest ")=" name "((__typeof__((void)0,*(p))volatile*)(p)," rest ")"
#define PLAIN_PAIR(operation)                                                                                \
	PLAIN("__atomic_fetch_" operation, "v,o"), PLAIN("__atomic_" operation "_fetch", "v,o")

static const char *const plain[] = {
	PLAIN("__atomic_load", "r,o"),
	PLAIN("__atomic_load_n", "o"),
	PLAIN("__atomic_store", "v,o"),
	PLAIN("__atomic_store_n", "v,o"),
	PLAIN("__atomic_exchange", "v,r,o"),
	PLAIN("__atomic_exchange_n", "v,o"),
	PLAIN("__atomic_compare_exchange", "e,d,w,s,f"),
	PLAIN("__atomic_compare_exchange_n", "e,d,w,s,f"),
	PLAIN_PAIR("add"),
	PLAIN_PAIR("sub"),
	PLAIN_PAIR("and"),
	PLAIN_PAIR("or"),
	PLAIN_PAIR("xor"),
	PLAIN_PAIR("nand"),
};

static bool refuses_atomic(CXTranslationUnit unit)
{
	unsigned diagnostics = clang_getNumDiagnostics(unit);
	bool found = false;

	for (unsigned i = 0; i < diagnostics && !found; i++) {
		CXDiagnostic d = clang_getDiagnostic(unit, i);
		char *message = cursor_take(clang_getDiagnosticSpelling(d));
		clang_disposeDiagnostic(d);
		found = message && strstr(message, "address argument to atomic operation must be") &&
			strstr(message, "_Atomic");
		free(message);
	}
	return found;
}

int atomics_allow(CXTranslationUnit unit, const char **arguments, int count, int max)
{
	if (!refuses_atomic(unit))
		return count;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain) && count < max; i++)
		arguments[count++] = plain[i];
	return count;
}
