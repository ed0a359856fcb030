/* The numbers of a program: from bytes as its types lay them out, and as text.
 *
 * Integers are taken to 128 bits, wide enough for all of C's. Pure; any thread. */
#ifndef RTF_NUMBER_H
#define RTF_NUMBER_H

#include "text.h"
#include "type.h"

#include <stdbool.h>
#include <stddef.h>

typedef unsigned __int128 number_wide;

/* Little-endian, at most 16 bytes. */
number_wide number_load(const unsigned char *bytes, size_t size);

/* The lowest `bits`, with their sign or with zeros above them. */
number_wide number_sign_extend(number_wide, unsigned bits);
number_wide number_zero_extend(number_wide, unsigned bits);

/* A scalar's bits, extended as its type says. */
number_wide number_of(const struct type *, const unsigned char *bytes);

/* Copies a bit-field out of its record into the whole bytes that its type has. */
void number_bits(const struct type_member *, const unsigned char *record, size_t record_size,
		 unsigned char *out);

/* A _Float16, float, double or long double, by its size. */
long double number_float(size_t size, const unsigned char *bytes);

/* Point into the buffer. `shift`: bits of a digit. */
const char *number_decimal(number_wide, bool is_signed, char buffer[48]);
const char *number_radix(number_wide, unsigned shift, char buffer[136]);

/* Writes "nan", "-inf" and the like; false, and nothing, for any other value. */
bool number_put_special(long double, struct text *out);

/* With as few digits as give the same value back. */
void number_put_float(struct text *out, size_t size, long double);

#endif
