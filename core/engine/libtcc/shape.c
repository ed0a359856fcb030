#include "shape.h"
#include "cursor.h"

enum { SCALARS_MAX = 128 };

/* A record taken apart. One that goes in memory whatever is in it is only asked for what has no place in a shape: each
 * array's first element tells. */
struct parts {
	bool in_memory;
	struct convention_scalar scalars[SCALARS_MAX];
	size_t count;
	bool unknown;  /* something in it has no place in a shape */
	uint64_t base; /* bits before the record that is being visited */
	bool in_array;
};

static void take_apart(struct parts *p, CXType type, uint64_t offset, bool in_array);

static enum convention_kind kind_of(CXType type)
{
	switch (type.kind) {
	case CXType_Int128:
	case CXType_UInt128:
		return CONVENTION_OTHER;
	case CXType_Bool:
	case CXType_Enum:
	case CXType_Pointer:
		return CONVENTION_INTEGER;
	case CXType_Float:
	case CXType_Double:
		return CONVENTION_FLOAT;
	case CXType_LongDouble:
		return CONVENTION_LONG_DOUBLE;
	default:
		return cursor_is_integer(type.kind) ? CONVENTION_INTEGER : CONVENTION_OTHER;
	}
}

static void add_scalar(struct parts *p, struct convention_scalar scalar)
{
	if (scalar.kind == CONVENTION_OTHER || (p->count == SCALARS_MAX && !p->in_memory))
		p->unknown = true;
	else if (p->count < SCALARS_MAX)
		p->scalars[p->count++] = scalar;
}

static enum CXVisitorResult take_field(CXCursor field, CXClientData data)
{
	struct parts *p = data;
	uint64_t base = p->base;
	bool in_array = p->in_array;
	long long offset = clang_Cursor_getOffsetOfField(field);
	CXType type = clang_getCanonicalType(clang_getCursorType(field));

	if (offset < 0) {
		p->unknown = true;
	} else if (clang_Cursor_isBitField(field)) {
		uint64_t first = base + (uint64_t)offset;
		uint64_t last = first + (uint64_t)clang_getFieldDeclBitWidth(field);
		bool named = cursor_is_named(field);
		add_scalar(p,
			   (struct convention_scalar){.offset = first / 8,
						      .size = (last + 7) / 8 - first / 8,
						      .kind = named ? CONVENTION_INTEGER : CONVENTION_OTHER,
						      .bit_field = true,
						      .in_array = in_array});
	} else {
		take_apart(p, type, base + (uint64_t)offset, in_array);
	}
	p->base = base;
	p->in_array = in_array;
	return p->unknown ? CXVisit_Break : CXVisit_Continue;
}

/* `offset` in bits from the start of the whole. */
static void take_apart(struct parts *p, CXType type, uint64_t offset, bool in_array)
{
	type = clang_getCanonicalType(type);
	if (type.kind == CXType_Record) {
		p->base = offset;
		p->in_array = in_array;
		clang_Type_visitFields(type, take_field, p);
		return;
	}
	if (type.kind == CXType_ConstantArray || (type.kind == CXType_IncompleteArray && p->in_memory)) {
		CXType element = clang_getArrayElementType(type);
		long long size = clang_Type_getSizeOf(element), count = clang_getArraySize(type);
		if (p->in_memory)
			count = 1;
		for (long long i = 0; i < count && !p->unknown && size > 0; i++)
			take_apart(p, element, offset + (uint64_t)(i * size) * 8, true);
		return;
	}
	long long size = clang_Type_getSizeOf(type);
	add_scalar(p, (struct convention_scalar){.offset = offset / 8,
						 .size = size > 0 ? (uint64_t)size : 0,
						 .kind = size > 0 ? kind_of(type) : CONVENTION_OTHER,
						 .in_array = in_array});
}

static bool scalar_matches(enum CXTypeKind kind)
{
	return kind != CXType_Complex && kind != CXType_Int128 && kind != CXType_UInt128 &&
	       kind != CXType_Vector && kind != CXType_ExtVector && kind != CXType_Float128 &&
	       kind != CXType_Float16;
}

enum convention_match shape_match(CXType type)
{
	struct parts parts = {0};

	type = clang_getCanonicalType(type);
	if (type.kind != CXType_Record)
		return scalar_matches(type.kind) ? CONVENTION_SAME : CONVENTION_DIFFERENT;
	long long size = clang_Type_getSizeOf(type), align = clang_Type_getAlignOf(type);
	if (size < 0 || align <= 0)
		return CONVENTION_DIFFERENT;
	parts.in_memory = size > CONVENTION_REGISTERS_MAX;
	take_apart(&parts, type, 0, false);
	struct convention_shape shape = {.size = (uint64_t)size,
					 .align = (uint64_t)align,
					 .count = parts.count,
					 .scalars = parts.scalars};
	return parts.unknown ? CONVENTION_DIFFERENT : convention_match(&shape);
}

/* Asked of each bit-field in a record, however deep. */
struct search {
	bool (*is)(CXCursor bit_field);
	bool deep, found;
};

static bool has_bit_field(CXType type, bool (*is)(CXCursor), bool deep);

static enum CXVisitorResult search_field(CXCursor field, CXClientData data)
{
	struct search *s = data;

	s->found = clang_Cursor_isBitField(field)
			   ? s->is(field)
			   : s->deep && has_bit_field(clang_getCursorType(field), s->is, true);
	return s->found ? CXVisit_Break : CXVisit_Continue;
}

static bool has_bit_field(CXType type, bool (*is)(CXCursor), bool deep)
{
	struct search s = {.is = is, .deep = deep};

	type = clang_getCanonicalType(type);
	while (type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray)
		type = clang_getCanonicalType(clang_getArrayElementType(type));
	if (type.kind == CXType_Record)
		clang_Type_visitFields(type, search_field, &s);
	return s.found;
}

static bool is_any(CXCursor bit_field)
{
	(void)bit_field;
	return true;
}

/* It has its type's width, and begins within a byte, as only in what is packed. */
static bool is_displaced(CXCursor bit_field)
{
	long long size = clang_Type_getSizeOf(clang_getCursorType(bit_field));

	return clang_getFieldDeclBitWidth(bit_field) == size * 8 &&
	       clang_Cursor_getOffsetOfField(bit_field) % 8 != 0;
}

/* It lies in two of the places, of its type's size and of 4 bytes at most, that the record is made of. */
static bool is_straddling(CXCursor bit_field)
{
	long long size = clang_Type_getSizeOf(clang_getCursorType(bit_field));
	long long first = clang_Cursor_getOffsetOfField(bit_field);
	long long last = first + clang_getFieldDeclBitWidth(bit_field) - 1;
	long long place = (size < 4 ? size : 4) * 8;

	return last > first && first / place != last / place;
}

bool shape_has_bit_field(CXType type)
{
	return has_bit_field(type, is_any, true);
}

bool shape_has_straddling(CXType type)
{
	return has_bit_field(type, is_straddling, true);
}

bool shape_displaces(CXType record)
{
	return has_bit_field(record, is_displaced, false);
}

bool shape_has_displaced(CXType type)
{
	return has_bit_field(type, is_displaced, true);
}
