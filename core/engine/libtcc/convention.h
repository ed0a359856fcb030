/* Whether libtcc passes and returns a value as the System V psABI (AMD64, 3.2.3) and so gcc and clang do.
 *
 * libtcc classifies a structure as a whole where the psABI classifies each of its eightbytes, so some
 * structures arrive as garbage, without a word. The answers here were found by measuring
 * (tests/unit/convention_test.c compiles hundreds of shapes on both sides, calls both ways and holds every
 * match against it): a match is certain, a difference is careful. Pure functions; any thread. */
#ifndef RTF_CONVENTION_H
#define RTF_CONVENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONVENTION_REGISTERS_MAX = 16,   /* bytes that go in registers */
	CONVENTION_FRAME_ALIGNMENT = 16, /* bytes: libtcc's frames have it, and no more */
};

enum convention_kind {
	CONVENTION_INTEGER, /* integers, enumerations, _Bool, pointers */
	CONVENTION_FLOAT,   /* float, double */
	CONVENTION_LONG_DOUBLE,
	CONVENTION_OTHER, /* vectors, complex numbers, __int128, unnamed bit-fields: never trusted */
};

/* One scalar, however deep in structures, unions and arrays. */
struct convention_scalar {
	uint64_t offset, size; /* in bytes; of a bit-field, the bytes that it touches */
	enum convention_kind kind;
	bool bit_field;
	bool in_array; /* itself or something around it */
};

/* A structure or union that a function takes, returns, hands to a call, or reads with va_arg. Scalars need no
 * asking: but for what CONVENTION_OTHER names, libtcc passes them right. */
struct convention_shape {
	uint64_t size, align; /* sizeof, _Alignof */
	size_t count;
	const struct convention_scalar
		*scalars; /* of all members, those of every union member too, each array element */
};

enum convention_match {
	CONVENTION_DIFFERENT,
	/* The same, but that libtcc reads whole registers from where a value lies that it passes or returns: of 3, 5 to
	 * 7 or 9 to 15 bytes also what is behind them, which may be no memory; and so it writes a call's result. */
	CONVENTION_READS_BEHIND,
	CONVENTION_SAME,
};

enum convention_match convention_match(const struct convention_shape *);

#endif
