#include "effects.h"
#include "cursor.h"
#include "pure.h"

#include <clang-c/Index.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	const char *text;    /* of the unit */
	uint32_t base, size; /* of the text in that */
	struct effects *out;
	CXCursor *nodes; /* of each effect: what has its type */
	bool inside, failed;
};

/* A location that no macro has moved. */
static bool plain_offset(const struct walk *w, CXSourceLocation location, uint32_t *at)
{
	CXFile file, spelled;
	unsigned offset, spelling;

	clang_getExpansionLocation(location, &file, NULL, NULL, &offset);
	clang_getSpellingLocation(location, &spelled, NULL, NULL, &spelling);
	if (!file || file != spelled || offset != spelling || offset < w->base || offset > w->base + w->size)
		return false;
	*at = offset - w->base;
	return true;
}

/* Whether a macro does it. All of its body's nodes stand, as far as libclang tells, where it is invoked: what is assigned to
 * is then as long as the assignment, and a literal does not begin with a parenthesis. An argument's stand where it does. */
static bool is_in_macro(const struct walk *w, CXCursor node, CXCursor place)
{
	CXSourceRange whole = clang_getCursorExtent(node), part = clang_getCursorExtent(place);
	uint32_t begin, end, part_begin, part_end;

	if (!plain_offset(w, clang_getRangeStart(whole), &begin) ||
	    !plain_offset(w, clang_getRangeEnd(whole), &end) ||
	    !plain_offset(w, clang_getRangeStart(part), &part_begin) ||
	    !plain_offset(w, clang_getRangeEnd(part), &part_end))
		return true;
	if (clang_equalCursors(node, place))
		return w->text[w->base + begin] != '(';
	return begin == part_begin && end == part_end;
}

static bool add(struct walk *w, enum effect_kind kind, CXCursor node)
{
	CXSourceRange extent = clang_getCursorExtent(node);
	struct effects *out = w->out;
	struct effect effect = {.kind = kind};

	if (!plain_offset(w, clang_getRangeStart(extent), &effect.begin) ||
	    !plain_offset(w, clang_getRangeEnd(extent), &effect.end) || effect.begin >= effect.end)
		return false;
	struct effect *more = realloc(out->list, (out->count + 1) * sizeof(*more));
	if (more)
		out->list = more;
	CXCursor *nodes = realloc(w->nodes, (out->count + 1) * sizeof(*nodes));
	if (nodes)
		w->nodes = nodes;
	if (!more || !nodes) {
		w->failed = true;
		return false;
	}
	nodes[out->count] = node;
	more[out->count++] = effect;
	return true;
}

/* Whether the place has an address, in the way that C spells it. */
static bool is_addressable(CXCursor place)
{
	CXCursor base = place;

	while (clang_getCursorKind(base) == CXCursor_ParenExpr)
		base = pure_operand(base);
	CXCursor declaration = clang_getCursorReferenced(base);
	switch (clang_getCursorKind(base)) {
	case CXCursor_DeclRefExpr:
		return clang_Cursor_getStorageClass(declaration) != CX_SC_Register;
	case CXCursor_MemberRefExpr:
		return !clang_Cursor_isBitField(declaration);
	case CXCursor_ArraySubscriptExpr: {
		CXType whole = clang_getCanonicalType(clang_getCursorType(pure_operand(base)));
		return whole.kind != CXType_Vector && whole.kind != CXType_ExtVector;
	}
	case CXCursor_UnaryOperator:
		return true;
	default:
		return false;
	}
}

/* A bit-field has no address: the structure around it has one, or a pointer to it stands there. */
static bool add_bits(struct walk *w, CXCursor place)
{
	while (clang_getCursorKind(place) == CXCursor_ParenExpr)
		place = pure_operand(place);
	if (clang_getCursorKind(place) != CXCursor_MemberRefExpr ||
	    !clang_Cursor_isBitField(clang_getCursorReferenced(place)))
		return false;
	CXCursor base = pure_operand(place);
	if (clang_Cursor_isNull(base))
		return false;
	CXType type = clang_getCanonicalType(clang_getCursorType(base));
	if (type.kind == CXType_Pointer)
		return add(w, EFFECT_BITS, base);
	return type.kind == CXType_Record && is_addressable(base) && add(w, EFFECT_ASSIGNMENT, base);
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	struct walk *w = data;
	CXCursor place;

	(void)parent;
	if (kind == CXCursor_UnaryExpr) /* sizeof and its like do nothing */
		return CXChildVisit_Continue;
	if (kind == CXCursor_VarDecl && clang_Cursor_getStorageClass(cursor) == CX_SC_Static)
		return CXChildVisit_Continue;
	bool literal = kind == CXCursor_CompoundLiteralExpr, assigns = pure_assigns(cursor, &place);
	if ((literal || assigns) && is_in_macro(w, cursor, literal ? cursor : place))
		w->out->in_macros = w->out->untold = true;
	else if (literal)
		add(w, EFFECT_LITERAL, cursor);
	else if (assigns)
		w->out->untold |=
			is_addressable(place) ? !add(w, EFFECT_ASSIGNMENT, place) : !add_bits(w, place);
	else if (clang_isExpression(kind) && kind != CXCursor_StmtExpr)
		w->out->untold |= !pure_node(cursor);
	else if (kind == CXCursor_GCCAsmStmt || kind == CXCursor_MSAsmStmt)
		w->out->untold = true;
	return w->failed ? CXChildVisit_Break : CXChildVisit_Recurse;
}

struct error *effects_find(void *unit, const struct slice *s, const char *function, struct effects *out)
{
	struct effects found = {0};
	struct walk w = {.text = s->text, .size = (uint32_t)s->given_size, .out = &found};
	const char *at = s->text;

	for (uint32_t line = 1; line < s->user_line; line++)
		at = strchr(at, '\n') + 1;
	w.base = (uint32_t)(at - s->text);
	CXCursor definition = cursor_find_function(unit, function);
	if (!clang_Cursor_isNull(definition))
		clang_visitChildren(definition, visit, &w);
	struct error *e = w.failed ? error_memory() : NULL;
	const struct type **types = calloc(found.count + 1, sizeof(*types));
	if (!types)
		e = e ? e : error_memory();
	if (!e)
		e = types_of_nodes(w.nodes, found.count, &found.types, types);
	for (size_t i = 0; i < found.count && !e; i++)
		found.list[i].type = found.list[i].kind == EFFECT_BITS ? types[i]->target : types[i];
	free(types);
	free(w.nodes);
	if (e) {
		effects_fini(&found);
		return e;
	}
	*out = found;
	return NULL;
}

void effects_fini(struct effects *e)
{
	free(e->list);
	types_free(e->types);
	*e = (struct effects){0};
}
