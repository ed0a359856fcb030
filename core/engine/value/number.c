#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

number_wide number_load(const unsigned char *bytes, size_t size)
{
	number_wide value = 0;

	for (size_t i = size > 16 ? 16 : size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

number_wide number_sign_extend(number_wide value, unsigned bits)
{
	if (bits == 0 || bits >= 128 || !(value >> (bits - 1) & 1))
		return value;
	return value | ~(number_wide)0 << bits;
}

number_wide number_zero_extend(number_wide value, unsigned bits)
{
	return bits >= 128 ? value : value & (((number_wide)1 << bits) - 1);
}

number_wide number_of(const struct type *type, const unsigned char *bytes)
{
	number_wide value = number_load(bytes, type->size);

	return type->is_signed ? number_sign_extend(value, (unsigned)type->size * 8) : value;
}

void number_bits(const struct type_member *m, const unsigned char *record, size_t record_size,
		 unsigned char *out)
{
	uint64_t first = m->bit_offset / 8;
	size_t bytes = (size_t)((m->bit_offset % 8 + m->bit_size + 7) / 8);

	if (first + bytes > record_size)
		bytes = first < record_size ? record_size - first : 0;
	number_wide value =
		number_zero_extend(number_load(record + first, bytes) >> m->bit_offset % 8, m->bit_size);
	if (m->type->is_signed)
		value = number_sign_extend(value, m->bit_size);
	for (size_t i = 0; i < m->type->size && i < 16; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
static long double half_float(unsigned bits)
{
	unsigned exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
	long double value = exponent == 31 ? (fraction ? NAN : INFINITY)
			    : exponent     ? ldexpl(1024 + fraction, (int)exponent - 25)
					   : ldexpl(fraction, -24);

	return copysignl(value, bits & 0x8000 ? -1 : 1);
}

long double number_float(size_t size, const unsigned char *bytes)
{
	float f;
	double d;
	long double l;

	if (size == 2)
		return half_float((unsigned)number_load(bytes, 2));
	if (size == sizeof(f))
		return memcpy(&f, bytes, sizeof(f)), (long double)f;
	if (size == sizeof(d))
		return memcpy(&d, bytes, sizeof(d)), (long double)d;
	return memcpy(&l, bytes, sizeof(l)), l;
}

const char *number_decimal(number_wide value, bool is_signed, char buffer[48])
{
	bool negative = is_signed && (value >> 127 & 1);
	char *at = buffer + 47;

	if (negative)
		value = -value;
	*at = '\0';
	do
		*--at = (char)('0' + (int)(value % 10));
	while (value /= 10);
	if (negative)
		*--at = '-';
	return at;
}

const char *number_radix(number_wide value, unsigned shift, char buffer[136])
{
	char *at = buffer + 135;

	*at = '\0';
	do
		*--at = "0123456789abcdef"[(unsigned)value & ((1u << shift) - 1)];
	while (value >>= shift);
	return at;
}

bool number_put_special(long double value, struct text *out)
{
	if (isnan(value))
		text_puts(out, signbit(value) ? "-nan" : "nan");
	else if (isinf(value))
		text_puts(out, value < 0 ? "-inf" : "inf");
	return isnan(value) || isinf(value);
}

void number_put_float(struct text *out, size_t size, long double value)
{
	char buffer[64];

	if (number_put_special(value, out))
		return;
	if (size == 2) {
		text_printf(out, "%.5Lg", value); /* these tell any two apart */
		return;
	}
	for (int digits = size == 4 ? 6 : size == 8 ? 15 : 18; digits < 22; digits++) {
		snprintf(buffer, sizeof(buffer), "%.*Lg", digits, value);
		if (size == 4   ? strtof(buffer, NULL) == (float)value
		    : size == 8 ? strtod(buffer, NULL) == (double)value
				: strtold(buffer, NULL) == value)
			break;
	}
	text_puts(out, buffer);
}
