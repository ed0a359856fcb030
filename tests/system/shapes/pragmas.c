/* What #pragma lines make of the types, functions and names behind them. */
#include "shapes.h"

#include <immintrin.h>
#include <stdlib.h>

#pragma scalar_storage_order big - endian
struct header {
	unsigned short kind;
	unsigned length;
};
#pragma scalar_storage_order default

struct packet {
	struct header header;
	unsigned check;
};

static const unsigned char received[12] = {1, 2, 0, 0, 0, 0, 3, 4, 5, 6, 7, 8};

REALTIMEFUNC LOCAL long length_of(const struct packet *p)
{
	return p->header.length * 1000L + p->header.kind + p->check % 10 + EDIT;
}

/* Nobody defines this one. */
#pragma weak absent
extern long absent(long);

REALTIMEFUNC LOCAL long if_there(long n)
{
	return (absent ? absent(n) : n * 2) + EDIT;
}

#pragma redefine_extname absolute labs
extern long absolute(long);

REALTIMEFUNC LOCAL long distance(long n)
{
	return absolute(n) + EDIT;
}

#ifdef __clang__ /* knows no such #pragma */
#define WIDE __attribute__((target("avx2")))
#else
#define WIDE
#endif
#pragma GCC push_options
#pragma GCC target("avx2")
WIDE static inline __m256i doubled(__m256i v)
{
	return _mm256_add_epi32(v, v);
}

REALTIMEFUNC LOCAL WIDE long summed(int n)
{
	int out[8];

	_mm256_storeu_si256((__m256i *)out, doubled(_mm256_set1_epi32(n)));
	return out[0] / 2 + out[7] / 2 + EDIT;
}
#pragma GCC pop_options

#pragma GCC optimize("O1")
#pragma STDC FP_CONTRACT OFF
REALTIMEFUNC LOCAL long rounded(double a, double b)
{
	return (long)(a * b - 0.5) + EDIT;
}

#pragma pack(push, 1)
REALTIMEFUNC LOCAL long packed_inside(char c)
{
	struct {
		char c;
		int n;
	} both = {c, 7};

	return (long)sizeof(both) * 10 + both.n + EDIT;
}
#pragma pack(pop)

#define PROBES(X) \
	X(length_of, length_of((const struct packet *)received)) \
	X(if_there, if_there(21)) \
	X(distance, distance(-5)) \
	X(summed, __builtin_cpu_supports("avx2") ? summed(3) : 6 + EDIT) \
	X(rounded, rounded(2.5, 3)) \
	X(packed_inside, packed_inside('a'))
SHAPES_MAIN
