#include "type.h"
#include "cursor.h"
#include "pool.h"
#include "pure.h"

#include <clang-c/Index.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record or enumeration that has been read. */
struct known {
	CXCursor declaration;
	struct type *type;
};

struct types {
	struct pool pool;
	struct known *known; /* while they are being made */
	size_t known_count, known_room;
	bool failed;
};

void types_free(struct types *t)
{
	if (!t)
		return;
	pool_fini(&t->pool);
	free(t->known);
	free(t);
}

static const char *keep_string(struct types *t, CXString s)
{
	const char *bytes = clang_getCString(s);
	const char *kept = pool_string(&t->pool, bytes ? bytes : "");

	clang_disposeString(s);
	t->failed |= !kept;
	return kept ? kept : "";
}

static struct type *find_known(struct types *t, CXCursor declaration)
{
	for (size_t i = 0; i < t->known_count; i++)
		if (clang_equalCursors(t->known[i].declaration, declaration))
			return t->known[i].type;
	return NULL;
}

static void remember(struct types *t, CXCursor declaration, struct type *type)
{
	struct known *more = pool_grow(t->known, t->known_count, &t->known_room, sizeof(*more));

	if (!more) {
		t->failed = true;
		return;
	}
	t->known = more;
	t->known[t->known_count++] = (struct known){declaration, type};
}

static const struct type *read_type(struct types *, CXType);

/* --- records and enumerations ------------------------------------------------------------------------------------ */

struct reading {
	struct types *types;
	struct type *type;
	size_t room;
};

static enum CXVisitorResult count_field(CXCursor field, CXClientData data)
{
	(void)field;
	++*(size_t *)data;
	return CXVisit_Continue;
}

static enum CXVisitorResult read_field(CXCursor field, CXClientData data)
{
	struct reading *r = data;
	const char *name = keep_string(r->types, clang_getCursorSpelling(field));
	bool bits = clang_Cursor_isBitField(field);
	long long offset = clang_Cursor_getOffsetOfField(field);

	if ((bits && !*name) || offset < 0 || r->type->member_count == r->room)
		return CXVisit_Continue;
	r->type->members[r->type->member_count++] = (struct type_member){
		.name = *name ? name : NULL,
		.type = read_type(r->types, clang_getCursorType(field)),
		.bit_offset = (uint64_t)offset,
		.bit_size = bits ? (uint32_t)clang_getFieldDeclBitWidth(field) : 0,
	};
	return CXVisit_Continue;
}

static void read_record(struct types *t, struct type *type, CXType c)
{
	struct reading r = {.types = t, .type = type};

	clang_Type_visitFields(c, count_field, &r.room);
	type->members = pool_alloc(&t->pool, (r.room + 1) * sizeof(*type->members));
	if (!type->members) {
		t->failed = true;
		return;
	}
	clang_Type_visitFields(c, read_field, &r);
}

static enum CXChildVisitResult count_constant(CXCursor c, CXCursor parent, CXClientData data)
{
	(void)parent;
	*(size_t *)data += clang_getCursorKind(c) == CXCursor_EnumConstantDecl;
	return CXChildVisit_Continue;
}

/* As it was declared: a later declaration of its name has given it another. */
static const char *constant_name(struct types *t, CXCursor c)
{
	CXString spelling = clang_getCursorSpelling(c);
	const char *name = clang_getCString(spelling), *tail = strstr(name, TYPE_BEFORE);
	char *own = tail ? strndup(name, (size_t)(tail - name)) : NULL;
	const char *kept = pool_string(&t->pool, own ? own : name);

	t->failed |= !kept;
	free(own);
	clang_disposeString(spelling);
	return kept ? kept : "";
}

static enum CXChildVisitResult read_constant(CXCursor c, CXCursor parent, CXClientData data)
{
	struct reading *r = data;

	(void)parent;
	if (clang_getCursorKind(c) == CXCursor_EnumConstantDecl && r->type->constant_count < r->room)
		r->type->constants[r->type->constant_count++] =
			(struct type_constant){constant_name(r->types, c), cursor_enumerator(c)};
	return CXChildVisit_Continue;
}

static void read_enum(struct types *t, struct type *type, CXCursor declaration)
{
	struct reading r = {.types = t, .type = type};

	type->target = read_type(t, clang_getEnumDeclIntegerType(declaration));
	type->is_signed = type->target && type->target->is_signed;
	clang_visitChildren(declaration, count_constant, &r.room);
	type->constants = pool_alloc(&t->pool, (r.room + 1) * sizeof(*type->constants));
	if (!type->constants) {
		t->failed = true;
		return;
	}
	clang_visitChildren(declaration, read_constant, &r);
}

/* --- one type ------------------------------------------------------------------------------------------------------ */

static const char *const character_names[] = {
	[CHARACTER_WIDE] = "wchar_t", [CHARACTER_16] = "char16_t", [CHARACTER_32] = "char32_t"};

const char *type_character_name(enum type_character character)
{
	return character_names[character];
}

/* In C wide characters are integers that a typedef's name tells. */
static enum type_character character_of(CXType c)
{
	enum type_character found = CHARACTER_NONE;

	for (int depth = 0; depth < 32 && !found; depth++) {
		if (c.kind == CXType_Elaborated) {
			c = clang_Type_getNamedType(c);
			continue;
		}
		if (c.kind != CXType_Typedef)
			break;
		CXString name = clang_getTypedefName(c);
		for (enum type_character i = CHARACTER_WIDE; i <= CHARACTER_32; i++)
			if (strcmp(clang_getCString(name), character_names[i]) == 0)
				found = i;
		clang_disposeString(name);
		c = clang_getTypedefDeclUnderlyingType(clang_getTypeDeclaration(c));
	}
	return found;
}

static void read_scalar(struct type *type, enum CXTypeKind kind)
{
	type->kind = TYPE_INTEGER;
	type->is_signed = cursor_is_signed(kind);
	if (!type->character && type->size == 1)
		type->character = CHARACTER_CHAR;
}

static void read_inside(struct types *t, struct type *type, CXType c)
{
	if (cursor_is_integer(c.kind)) {
		read_scalar(type, c.kind);
		return;
	}
	switch (c.kind) {
	case CXType_Void:
		type->kind = TYPE_VOID;
		type->size = 0;
		type->incomplete = false;
		return;
	case CXType_Bool:
		type->kind = TYPE_BOOL;
		return;
	case CXType_Half:
	case CXType_Float16:
	case CXType_Float:
	case CXType_Double:
	case CXType_LongDouble:
	case CXType_Float128:
		type->kind = c.kind == CXType_Float128 ? TYPE_OTHER : TYPE_FLOAT;
		return;
	case CXType_Complex:
		type->kind = TYPE_COMPLEX;
		type->target = read_type(t, clang_getElementType(c));
		return;
	case CXType_Pointer:
		type->kind = TYPE_POINTER;
		type->target = read_type(t, clang_getPointeeType(c));
		return;
	case CXType_ConstantArray:
	case CXType_Vector:
	case CXType_ExtVector:
		type->kind = c.kind == CXType_ConstantArray ? TYPE_ARRAY : TYPE_VECTOR;
		type->count = (uint64_t)clang_getNumElements(c);
		type->target = read_type(t, clang_getElementType(c));
		return;
	case CXType_IncompleteArray:
	case CXType_VariableArray:
		type->kind = TYPE_ARRAY;
		type->incomplete = true;
		type->target = read_type(t, clang_getArrayElementType(c));
		return;
	case CXType_FunctionNoProto:
	case CXType_FunctionProto:
		type->kind = TYPE_FUNCTION;
		type->size = 0;
		type->incomplete = false;
		return;
	default:
		type->kind = TYPE_OTHER;
	}
}

/* The type as it is written, but for the names that typedefs give it as a whole: what it is made of keeps its names. */
static CXType written_type(CXType c, CXType whole)
{
	for (int depth = 0; depth < 32 && c.kind != whole.kind; depth++) {
		if (c.kind == CXType_Elaborated)
			c = clang_Type_getNamedType(c);
		else if (c.kind == CXType_Typedef)
			c = clang_getTypedefDeclUnderlyingType(clang_getTypeDeclaration(c));
		else
			return whole;
	}
	return c.kind == whole.kind ? c : whole;
}

static bool is_nameless(const char *name)
{
	return strstr(name, "(unnamed") || strstr(name, "(anonymous") || strstr(name, TYPE_FRESH);
}

/* What a pointer or an array comes to in the end: "struct", "union" or "enum". */
static const char *keyword_of(CXType c)
{
	c = clang_getCanonicalType(c);
	for (CXType in; c.kind != CXType_Record && c.kind != CXType_Enum; c = clang_getCanonicalType(in)) {
		in = c.kind == CXType_Pointer ? clang_getPointeeType(c) : clang_getArrayElementType(c);
		if (in.kind == CXType_Invalid)
			break;
	}
	CXCursor declaration = clang_getTypeDeclaration(c);
	return c.kind == CXType_Enum                                    ? "enum"
	       : clang_getCursorKind(declaration) == CXCursor_UnionDecl ? "union"
									: "struct";
}

/* "struct (unnamed struct at /a.c:3:1) *", or "rtf_type_2 *", as "struct {...} *". */
static const char *without_places(struct types *t, const char *name, const char *keyword)
{
	struct text out = {0};

	while (*name) {
		bool place = strncmp(name, "(unnamed", 8) == 0 || strncmp(name, "(anonymous", 10) == 0;
		bool fresh = strncmp(name, TYPE_FRESH, sizeof(TYPE_FRESH) - 1) == 0;
		if (fresh) {
			name += sizeof(TYPE_FRESH) - 1;
			name += strspn(name, "0123456789");
			text_printf(&out, "%s {...}", keyword);
		} else if (place) {
			/* Up to the `)` behind the column: a path may have one. */
			do
				name += 1 + strcspn(name + 1, ")");
			while (*name && (name[-1] < '0' || name[-1] > '9'));
			name += *name == ')';
			text_puts(&out, "{...}");
		} else {
			text_append(&out, name++, 1);
		}
	}
	const char *kept = out.bytes ? pool_string(&t->pool, out.bytes) : NULL;
	text_fini(&out);
	t->failed |= !kept;
	return kept ? kept : "";
}

static const struct type *read_type(struct types *t, CXType c)
{
	CXType whole = clang_getCanonicalType(c);
	while (whole.kind == CXType_Atomic)
		whole = clang_getCanonicalType(clang_Type_getValueType(whole));
	bool declared = whole.kind == CXType_Record || whole.kind == CXType_Enum;
	CXCursor declaration = clang_getTypeDeclaration(whole);
	const struct type *known = declared ? find_known(t, declaration) : NULL;

	struct type *type = pool_alloc(&t->pool, sizeof(*type));
	if (!type) {
		t->failed = true;
		return NULL;
	}
	long long size = clang_Type_getSizeOf(whole), align = clang_Type_getAlignOf(whole);
	const char *name = keep_string(t, clang_getTypeSpelling(c));
	if (strstr(name, "typeof") || strstr(name, TYPE_FRESH))
		name = keep_string(t, clang_getTypeSpelling(whole)); /* nobody wrote that */
	bool nameless = is_nameless(name);
	if (nameless)
		name = without_places(t, name, keyword_of(c));
	*type = (struct type){.name = name,
			      .size = size > 0 ? (uint64_t)size : 0,
			      .align = align > 0 ? (uint64_t)align : 1,
			      .incomplete = size < 0,
			      .nameless = nameless,
			      .character = character_of(c)};
	if (!declared) {
		read_inside(t, type, written_type(c, whole));
		return type;
	}
	if (known && strcmp(known->name, name) == 0)
		return known;
	type->kind = whole.kind == CXType_Enum ? TYPE_ENUM : TYPE_RECORD;
	type->is_union = clang_getCursorKind(declaration) == CXCursor_UnionDecl;
	type->definition = known ? known : type;
	if (known) {
		type->is_signed = known->is_signed;
		return type;
	}
	remember(t, declaration, type);
	if (type->kind == TYPE_ENUM)
		read_enum(t, type, declaration);
	else if (!type->incomplete)
		read_record(t, type, whole);
	return type;
}

/* --- finding the expression ---------------------------------------------------------------------------------------- */

struct search {
	const char *name;
	CXCursor found;
	bool is_found;
};

static enum CXChildVisitResult find_variable(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct search *s = data;

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_VarDecl || !cursor_spelled(cursor, s->name))
		return CXChildVisit_Recurse;
	s->found = cursor;
	s->is_found = true;
	return CXChildVisit_Break;
}

struct children {
	CXCursor *at;
	size_t count, room;
};

static enum CXChildVisitResult take_child(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct children *c = data;

	(void)parent;
	if (c->count < c->room)
		c->at[c->count++] = cursor;
	return CXChildVisit_Continue;
}

static bool first_child(CXCursor *cursor)
{
	struct children c = {.at = cursor, .room = 1};

	clang_visitChildren(*cursor, take_child, &c);
	return c.count == 1;
}

static enum CXChildVisitResult find_body(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_CompoundStmt)
		return CXChildVisit_Continue;
	*(CXCursor *)data = cursor;
	return CXChildVisit_Break;
}

/* Past the parentheses and conversions around it, whether it is a bit-field. */
static bool is_bit_field(CXCursor cursor)
{
	while (clang_getCursorKind(cursor) == CXCursor_ParenExpr)
		if (!first_child(&cursor))
			return false;
	return clang_getCursorKind(cursor) == CXCursor_MemberRefExpr &&
	       clang_Cursor_isBitField(clang_getCursorReferenced(cursor));
}

/* What is written of a literal: of a character libclang spells nothing. */
static CXString spell_literal(CXCursor cursor)
{
	CXTranslationUnit unit = clang_Cursor_getTranslationUnit(cursor);

	if (clang_getCursorKind(cursor) == CXCursor_StringLiteral)
		return clang_getCursorSpelling(cursor);
	CXToken *token = clang_getToken(unit, clang_getCursorLocation(cursor));
	CXString spelling = token ? clang_getTokenSpelling(unit, *token) : (CXString){0};
	if (token)
		clang_disposeTokens(unit, token, 1);
	return spelling;
}

/* What a literal's characters are, by its prefix: to C they are but integers. */
static enum type_character literal_character(CXCursor cursor)
{
	while (clang_getCursorKind(cursor) == CXCursor_ParenExpr)
		if (!first_child(&cursor))
			return CHARACTER_NONE;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	if (kind != CXCursor_StringLiteral && kind != CXCursor_CharacterLiteral)
		return CHARACTER_NONE;
	CXString spelling = spell_literal(cursor);
	const char *text = clang_getCString(spelling);
	char first = text ? *text : '\0', second = first ? text[1] : '\0';
	clang_disposeString(spelling);
	return second != (kind == CXCursor_StringLiteral ? '"' : '\'') ? CHARACTER_NONE
	       : first == 'L'                                          ? CHARACTER_WIDE
	       : first == 'u'                                          ? CHARACTER_16
	       : first == 'U'                                          ? CHARACTER_32
								       : CHARACTER_NONE;
}

/* The literal's type with characters in it. */
static const struct type *read_literal(struct types *t, const struct type *plain, CXCursor cursor)
{
	enum type_character character = literal_character(cursor);
	const struct type *of = plain->kind == TYPE_ARRAY ? plain->target : plain;

	if (!character || !of)
		return plain;
	struct type *element = pool_alloc(&t->pool, sizeof(*element));
	if (!element) {
		t->failed = true;
		return plain;
	}
	*element = *of;
	element->character = character;
	element->name = type_character_name(character);
	if (of == plain)
		return element;
	const struct type *array = types_array(t, element, plain->count);
	t->failed |= !array;
	return array ? array : plain;
}

/* The statement is `(EXPR);`, wrapped in the conversions that C does to what it then throws away. */
static struct error *read_statement(struct types *t, CXCursor statement, struct type_found *out)
{
	while (clang_getCursorKind(statement) == CXCursor_UnexposedExpr)
		if (!first_child(&statement))
			break;
	CXType type = clang_getCursorType(statement);
	if (clang_getCanonicalType(type).kind == CXType_Invalid ||
	    clang_getCanonicalType(type).kind == CXType_Unexposed)
		return error_new(ERROR_COMPILE, "libclang cannot tell the type of this expression");
	*out = (struct type_found){.type = read_literal(t, read_type(t, type), statement),
				   .bit_field = is_bit_field(statement),
				   .place = pure_place(statement),
				   .acts = !pure_expression(statement)};
	return NULL;
}

static struct types *types_new(void)
{
	return calloc(1, sizeof(struct types));
}

static struct error *finish(struct types *t, struct error *e, struct types **out)
{
	if (!e && t->failed)
		e = error_memory();
	if (e) {
		types_free(t);
		return e;
	}
	free(t->known);
	t->known = NULL;
	t->known_count = t->known_room = 0;
	*out = t;
	return NULL;
}

struct error *types_of_expressions(void *unit, const char *function, size_t count, struct types **out,
				   struct type_found *found)
{
	struct types *t = types_new();
	struct children statements = {.at = calloc(count + 1, sizeof(CXCursor)), .room = count};
	CXCursor body = clang_getNullCursor();
	struct error *e = NULL;

	if (!t || !statements.at) {
		free(t);
		free(statements.at);
		return error_memory();
	}
	CXCursor definition = cursor_find_function(unit, function);
	if (!clang_Cursor_isNull(definition))
		clang_visitChildren(definition, find_body, &body);
	if (!clang_Cursor_isNull(body))
		clang_visitChildren(body, take_child, &statements);
	if (statements.count < count)
		e = error_new(ERROR_COMPILE, "libclang cannot read this expression");
	for (size_t i = 0; i < count && !e; i++)
		e = read_statement(t, statements.at[i], &found[i]);
	free(statements.at);
	return finish(t, e, out);
}

struct error *types_of_nodes(const void *nodes, size_t count, struct types **out, const struct type **found)
{
	const CXCursor *cursors = nodes;
	struct types *t = types_new();

	if (!t)
		return error_memory();
	for (size_t i = 0; i < count; i++)
		found[i] = read_type(t, clang_getCursorType(cursors[i]));
	return finish(t, NULL, out);
}

const struct type *types_array(struct types *t, const struct type *of, uint64_t count)
{
	struct type *type = pool_alloc(&t->pool, sizeof(*type));
	struct text name = {0};
	char bound[32];

	snprintf(bound, sizeof(bound), "[%llu]", (unsigned long long)count);
	struct type spelled = {.name = of->name};
	type_put_declaration(&name, &spelled, bound);
	const char *kept = name.bytes ? pool_string(&t->pool, name.bytes) : NULL;
	text_fini(&name);
	if (!type || !kept)
		return NULL;
	*type = (struct type){.kind = TYPE_ARRAY,
			      .name = kept,
			      .size = of->size * count,
			      .align = of->align,
			      .nameless = of->nameless,
			      .target = of,
			      .count = count};
	return type;
}

struct error *types_of_variable(void *unit, const char *function, const char *name, struct types **out,
				struct type_found *found)
{
	struct search s = {.name = name};
	CXCursor definition = cursor_find_function(unit, function);
	struct types *t = types_new();

	if (!t)
		return error_memory();
	if (!clang_Cursor_isNull(definition))
		clang_visitChildren(definition, find_variable, &s);
	if (!s.is_found)
		return finish(t, error_new(ERROR_COMPILE, "libclang finds no declaration of %s", name), out);
	*found = (struct type_found){.type = read_type(t, clang_getCursorType(s.found))};
	return finish(t, NULL, out);
}

/* --- declaring ----------------------------------------------------------------------------------------------------- */

/* Where a name goes that is declared with this type: behind the `*` in the innermost bracket, before the first bound, or
 * behind it all. */
static size_t name_place(const char *type)
{
	for (const char *at = type; (at = strstr(at, "(*")); at++) {
		const char *behind = at + 1;
		behind += strspn(behind, "* ");
		while (strncmp(behind, "const", 5) == 0 || strncmp(behind, "volatile", 8) == 0 ||
		       strncmp(behind, "restrict", 8) == 0) {
			behind += *behind == 'c' ? 5 : 8;
			behind += strspn(behind, "* ");
		}
		if (*behind == ')' || *behind == '[')
			return (size_t)(behind - type);
	}
	return strcspn(type, "[");
}

void type_put_named(struct text *out, const char *spelling, const char *name)
{
	size_t at = name_place(spelling);

	text_append(out, spelling, at);
	text_printf(out, "%s%s", at && spelling[at - 1] == '*' ? "" : " ", name);
	text_puts(out, spelling + at);
}

void type_put_declaration(struct text *out, const struct type *type, const char *name)
{
	type_put_named(out, type->name, name);
}

/* --- what is only mentioned ---------------------------------------------------------------------------------------- */

static bool add_line(struct text *out, const char *name)
{
	const char *tag = strstr(name, "struct ");
	size_t length = strlen(name);

	if (!tag)
		tag = strstr(name, "union ");
	if (!tag)
		return false;
	for (const char *at = out->bytes; at && *at; at = strchr(at, '\n') + 1)
		if (strcspn(at, "\n") == strlen(tag) && strncmp(at, tag, strlen(tag)) == 0)
			return false;
	text_append(out, tag, length - (size_t)(tag - name));
	text_puts(out, "\n");
	return true;
}

bool type_add_incomplete(const struct type *type, unsigned depth, struct text *out)
{
	bool any = false;

	if (!type)
		return false;
	if (type->kind == TYPE_POINTER)
		return depth && type_add_incomplete(type->target, depth - 1, out);
	if (type->kind == TYPE_ARRAY)
		return type_add_incomplete(type->target, depth, out);
	if (type->kind != TYPE_RECORD)
		return false;
	if (type->incomplete)
		return add_line(out, type->name);
	for (size_t i = 0; i < type->definition->member_count; i++)
		any |= type_add_incomplete(type->definition->members[i].type, depth, out);
	return any;
}
