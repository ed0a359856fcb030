#include "libclang.h"
#include "x86_64.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

/* All that are called. One that is missing here is missed when the engine is linked. */
#define LIBCLANG_CALLS(X) \
	X(clang_Cursor_Evaluate) \
	X(clang_Cursor_getArgument) \
	X(clang_Cursor_getNumArguments) \
	X(clang_Cursor_getOffsetOfField) \
	X(clang_Cursor_getStorageClass) \
	X(clang_Cursor_getTranslationUnit) \
	X(clang_Cursor_getVarDeclInitializer) \
	X(clang_Cursor_isAnonymous) \
	X(clang_Cursor_isBitField) \
	X(clang_Cursor_isFunctionInlined) \
	X(clang_Cursor_isNull) \
	X(clang_Cursor_isVariadic) \
	X(clang_EvalResult_dispose) \
	X(clang_EvalResult_getAsDouble) \
	X(clang_EvalResult_getAsUnsigned) \
	X(clang_EvalResult_getKind) \
	X(clang_Location_isFromMainFile) \
	X(clang_Type_getAlignOf) \
	X(clang_Type_getNamedType) \
	X(clang_Type_getOffsetOf) \
	X(clang_Type_getSizeOf) \
	X(clang_Type_getValueType) \
	X(clang_Type_visitFields) \
	X(clang_codeCompleteAt) \
	X(clang_codeCompleteGetContexts) \
	X(clang_createIndex) \
	X(clang_disposeCodeCompleteResults) \
	X(clang_disposeDiagnostic) \
	X(clang_disposeIndex) \
	X(clang_disposeString) \
	X(clang_disposeTokens) \
	X(clang_disposeTranslationUnit) \
	X(clang_equalCursors) \
	X(clang_equalLocations) \
	X(clang_equalTypes) \
	X(clang_getArgType) \
	X(clang_getArrayElementType) \
	X(clang_getArraySize) \
	X(clang_getCString) \
	X(clang_getCanonicalType) \
	X(clang_getCompletionChunkKind) \
	X(clang_getCompletionChunkText) \
	X(clang_getCursorDefinition) \
	X(clang_getCursorExtent) \
	X(clang_getCursorKind) \
	X(clang_getCursorLocation) \
	X(clang_getCursorReferenced) \
	X(clang_getCursorTLSKind) \
	X(clang_getCursorResultType) \
	X(clang_getCursorSemanticParent) \
	X(clang_getCursorSpelling) \
	X(clang_getCursorType) \
	X(clang_getDiagnostic) \
	X(clang_getDiagnosticLocation) \
	X(clang_getDiagnosticSeverity) \
	X(clang_getDiagnosticSpelling) \
	X(clang_getElementType) \
	X(clang_getEnumConstantDeclUnsignedValue) \
	X(clang_getEnumConstantDeclValue) \
	X(clang_getEnumDeclIntegerType) \
	X(clang_getExpansionLocation) \
	X(clang_getFieldDeclBitWidth) \
	X(clang_getFile) \
	X(clang_getNullCursor) \
	X(clang_getNumArgTypes) \
	X(clang_getNumCompletionChunks) \
	X(clang_getNumDiagnostics) \
	X(clang_getNumElements) \
	X(clang_getPointeeType) \
	X(clang_getPresumedLocation) \
	X(clang_getRangeEnd) \
	X(clang_getRangeStart) \
	X(clang_getResultType) \
	X(clang_getSpellingLocation) \
	X(clang_getToken) \
	X(clang_getTokenSpelling) \
	X(clang_getTranslationUnitCursor) \
	X(clang_getTypeDeclaration) \
	X(clang_getTypeSpelling) \
	X(clang_getTypedefDeclUnderlyingType) \
	X(clang_getTypedefName) \
	X(clang_isConstQualifiedType) \
	X(clang_isCursorDefinition) \
	X(clang_isExpression) \
	X(clang_isFunctionTypeVariadic) \
	X(clang_isInvalidDeclaration) \
	X(clang_isStatement) \
	X(clang_parseTranslationUnit2) \
	X(clang_reparseTranslationUnit) \
	X(clang_visitChildren)

/* Where each goes on when libclang is there. */
#define DEFINE(name) \
	void *libclang_##name; \
	X86_64_GO_ON(name, libclang_##name);
LIBCLANG_CALLS(DEFINE)
#undef DEFINE

static const struct {
	const char *name;
	void **at;
} calls[] = {
#define ROW(name) {#name, &libclang_##name},
	LIBCLANG_CALLS(ROW)
#undef ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char why[512];

static void note_failure(void)
{
	const char *said = dlerror();

	snprintf(why, sizeof(why), "%s", said ? said : LIBCLANG_NAME);
}

static void load(void)
{
	void *library = dlopen(LIBCLANG_NAME, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		note_failure();
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		*calls[i].at = dlsym(library, calls[i].name);
		if (!*calls[i].at) {
			note_failure();
			return;
		}
	}
}

struct error *libclang_load(void)
{
	pthread_once(&once, load);
	return *why ? error_new(ERROR_INTERNAL, "libclang cannot be loaded: %s", why) : NULL;
}
