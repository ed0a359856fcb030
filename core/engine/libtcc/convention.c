#include "convention.h"

enum { EIGHTBYTE = 8 };

/* psABI 3.2.3, "classification": a field that is not where its type wants it sends the whole to memory.
 * libtcc never looks. */
static bool is_aligned(const struct convention_scalar *scalar)
{
	return scalar->bit_field || !scalar->size || scalar->offset % scalar->size == 0;
}

/* libtcc has one class for the whole, and an array is a pointer to it, so an integer. */
static bool is_integer_to_tcc(const struct convention_shape *shape)
{
	for (size_t i = 0; i < shape->count; i++)
		if (shape->scalars[i].kind == CONVENTION_INTEGER || shape->scalars[i].in_array)
			return true;
	return false;
}

static bool touches(const struct convention_scalar *scalar, uint64_t begin)
{
	return scalar->offset < begin + EIGHTBYTE && scalar->offset + scalar->size > begin;
}

/* Whether the eightbyte at `begin` has the class that libtcc gives the whole. One of padding alone has none.
 */
static bool eightbyte_matches(const struct convention_shape *shape, uint64_t begin, bool integer)
{
	bool used = false, has_integer = false;
	for (size_t i = 0; i < shape->count; i++) {
		if (!touches(&shape->scalars[i], begin))
			continue;
		used = true;
		has_integer |= shape->scalars[i].kind == CONVENTION_INTEGER;
	}
	return used && has_integer == integer;
}

static bool is_single_long_double(const struct convention_shape *shape)
{
	return shape->count == 1 && shape->size == 16 && shape->scalars[0].kind == CONVENTION_LONG_DOUBLE &&
	       !shape->scalars[0].in_array;
}

static bool fills_registers(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

static bool matches_in_registers(const struct convention_shape *shape)
{
	if (is_single_long_double(shape))
		return true;
	if (shape->align > EIGHTBYTE)
		return false;
	bool integer = is_integer_to_tcc(shape);
	for (size_t i = 0; i < shape->count; i++)
		if (shape->scalars[i].kind == CONVENTION_LONG_DOUBLE || !is_aligned(&shape->scalars[i]))
			return false;
	for (uint64_t begin = 0; begin < shape->size; begin += EIGHTBYTE)
		if (!eightbyte_matches(shape, begin, integer))
			return false;
	return true;
}

enum convention_match convention_match(const struct convention_shape *shape)
{
	if (!shape->count || !shape->size)
		return CONVENTION_DIFFERENT;
	for (size_t i = 0; i < shape->count; i++)
		if (shape->scalars[i].kind == CONVENTION_OTHER)
			return CONVENTION_DIFFERENT;
	if (shape->align > CONVENTION_FRAME_ALIGNMENT)
		return CONVENTION_DIFFERENT; /* libtcc gives it less room than its place needs */
	if (shape->size > CONVENTION_REGISTERS_MAX)
		return CONVENTION_SAME;
	if (!matches_in_registers(shape))
		return CONVENTION_DIFFERENT;
	return fills_registers(shape->size) ? CONVENTION_SAME : CONVENTION_READS_BEHIND;
}
