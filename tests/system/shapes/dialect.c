/* What is spelled in rare ways: macros that are put aside, pragmas of the other compiler, other names of a function, one that
 * runs before main, types that a function's own declaration defines, decimal numbers, attributes in brackets. */
#include "shapes.h"

#define LIMIT 10
#if 0
#pragma push_macro("LIMIT")
#undef LIMIT
#define LIMIT 5
#endif
#include "put_aside.h"
REALTIMEFUNC LOCAL long beside_a_header(int n)
{
	return n + LIMIT * 1000 + header_limit() + EDIT;
}
#define TAKE_BACK _Pragma("pop_macro(\"LIMIT\")")
#pragma push_macro("LIMIT")
#undef LIMIT
#define LIMIT 98
TAKE_BACK
#if 0
#pragma pop_macro("LIMIT")
#endif
#pragma push_macro("LIMIT")
#undef LIMIT
#define LIMIT 99
REALTIMEFUNC LOCAL long put_aside(int n)
{
	return n + LIMIT + EDIT;
}
#pragma push_macro("LIMIT")
#undef LIMIT
#pragma push_macro("NEVER")
#define NEVER 7
REALTIMEFUNC LOCAL long without(int n)
{
#ifdef LIMIT
	n += LIMIT;
#endif
	return n + NEVER + EDIT;
}
#pragma pop_macro("NEVER")
#pragma pop_macro("LIMIT")
#pragma pop_macro("LIMIT")
#ifndef NEVER
#define NEVER 1
#endif
REALTIMEFUNC LOCAL long taken_back(int n)
{
	return n + LIMIT * 1000 + NEVER + EDIT;
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-variable"
#pragma clang fp contract(fast)
REALTIMEFUNC LOCAL long others_pragmas(int n)
{
	int unused;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 3; i++)
		n++;
	return n + EDIT;
}
#pragma clang diagnostic pop

KEPT int plain_target(int n)
{
	return n * 3;
}

int plain_alias(int n) __attribute__((alias("plain_target")));

REALTIMEFUNC long target(int n)
{
	return n * 5 + EDIT;
}

/* A call by this name is one of target(), whatever that is by then. */
long target_alias(int n) __attribute__((alias("target")));

REALTIMEFUNC LOCAL long uses_aliases(int n)
{
	return plain_alias(n) * 10 + (target_alias(n) - target(n)) + EDIT;
}

#define BEFORE_MAIN __attribute__((constructor(200), used))

static volatile long begun;

REALTIMEFUNC BEFORE_MAIN void runs_before_main(void)
{
	begun += 7;
}

REALTIMEFUNC __attribute__((used, __constructor__)) LOCAL void runs_too(void)
{
	begun += 70;
}

REALTIMEFUNC LOCAL long uses_begun(int n)
{
	return begun + n + EDIT;
}

static struct __attribute__((packed)) tight { char c; int n; } not_decorated(int n) { return (struct tight){1, n}; } REALTIMEFUNC LOCAL long uses_tight(int n) { return not_decorated(n).n + sizeof(struct tight) + EDIT; }

REALTIMEFUNC LOCAL struct pair
{
	long a, b;
}
make_pair(int n)
{
	struct pair p = {n, n + EDIT};

	return p;
}

REALTIMEFUNC LOCAL enum colour { RED, BLUE = 5 } make_colour(int n) { return n ? BLUE + EDIT : RED; }

REALTIMEFUNC LOCAL long uses_pair(int n)
{
	struct pair p = make_pair(n);

	return p.a * 100 + p.b + (make_colour(n) == BLUE + EDIT) + EDIT;
}

/* As <byteswap.h> has them. */
__extension__ static __inline unsigned turned(unsigned n)
{
	return n << 16 | n >> 16;
}

REALTIMEFUNC LOCAL long turns(unsigned n)
{
	return turned(n) + EDIT;
}

/* gcc has enums declared before they are defined; this one's definition stands behind the prototype that has it. */
enum later;
KEPT static long of_later(int n, enum later e);
enum later { EARLY = 1, LATE = 7 };

KEPT static long of_later(int n, enum later e)
{
	return n * 10 + e;
}

REALTIMEFUNC LOCAL long calls_of_later(int n)
{
	return of_later(n, LATE) + EDIT;
}

enum nowhere;

REALTIMEFUNC LOCAL long of_nowhere(enum nowhere *p, int n)
{
	return (p != NULL) + n + EDIT;
}

#ifdef __clang__
#define decimal(n) ((n)*3)
#else
REALTIMEFUNC LOCAL long decimal(int n)
{
	_Decimal64 d = n;

	return (long)(d * 3.5DD) + EDIT;
}
#endif

#ifdef __clang__
#define in_brackets(n) (n)
#define packs_in_brackets(n) (n)
#else
#define GOES_ON [[fallthrough]]
[[gnu::aligned(32)]] typedef int far_apart;
struct [[gnu::packed]] bracketed {
	char a;
	int b [[deprecated("by nothing")]];
};
enum bracketing { BRACKETED [[gnu::unused]] = 3 };
[[gnu::aligned(64)]] static int bracketed_calls;
static long bracketed_helper(int n [[maybe_unused]]) [[gnu::cold]];

[[nodiscard, gnu::noinline]] static long bracketed_helper(int n)
{
	return n + BRACKETED;
}

[[nodiscard]] LOCAL REALTIMEFUNC long in_brackets([[maybe_unused]] int n)
{
	[[maybe_unused]] int unused = 1;

	bracketed_calls++;
	switch (n) {
	case 1:
		n += 10;
		GOES_ON;
	case 2:
		n += 100;
		[[gnu::fallthrough]];
	default:
		break;
	}
	return n + bracketed_helper(n) + (long)((unsigned long)&bracketed_calls % 64) + EDIT;
}

[[nodiscard]]
LOCAL REALTIMEFUNC long packs_in_brackets(int n)
{
	struct {
		char a;
		far_apart b;
	} apart;

	return n + (long)sizeof(struct bracketed) * 100 + (long)sizeof(apart) * 1000 + EDIT;
}
#endif

REALTIMEFUNC LOCAL long declares_nothing(int n)
{
	struct outer {
		int a;
		struct inner {
			int x, y;
		};
		int b;
	} v = {n, n + 1};

	return (long)sizeof(v) * 100 + v.b + EDIT;
}

REALTIMEFUNC LOCAL long rounds(int n)
{
	static double known = 1.0 + 0x1.001p-53;
	double here = 1.0 + 0x1.001p-53;

	return (known > 1) + (here > 1) * 10 + n + EDIT;
}

REALTIMEFUNC LOCAL long truncates(int n)
{
	long double d = (1L << 62) + n, below = 3 - 0x1p-60L;
	int add = n;

	add += below;
	return (long)d % 1000 + (int)below * 1000 + add * 10000 + EDIT;
}

KEPT static unsigned low_half(unsigned long n)
{
	return n;
}

REALTIMEFUNC LOCAL long widens(int n)
{
	static const char letters[] = "abcdef";
	unsigned long high = 0x1234500000000 + n, whole = low_half(high);
	double d = low_half(high);

	whole += low_half(high + 1);
	return whole * 100 + letters[low_half(high)] + *(letters + low_half(high)) + (long)d * 1000 +
	       (low_half(high) > 7UL) + EDIT;
}

KEPT static int low_int(unsigned long n)
{
	return (int)n;
}

enum low { LOW };

KEPT static enum low low_enum(unsigned long n)
{
	return (enum low)n;
}

/* Whole registers come back. */
static int (*volatile whole_int)(unsigned long) = low_int;
static enum low (*volatile whole_enum)(unsigned long) = low_enum;

REALTIMEFUNC LOCAL long widens_more(int n)
{
	unsigned long high = 0x1234500000000 + n, whole = (unsigned)whole_int(high);

	return whole * 100 + whole_enum(high) * 10L + EDIT;
}

REALTIMEFUNC LOCAL long stays_unsigned(int n)
{
	signed char c = -n, *p = &c;
	unsigned long all = ~0UL;

	return ((unsigned short)c ^ (n - 2)) + ((unsigned short)*p > 0) * 10 + (all & ~(n ? 1u : 0u)) +
	       (all & ~(unsigned)(n && p)) + (-(unsigned)!(n && p) > 1) + ((n ? 1u : n == 2) - 2 > 0) * 100 +
	       EDIT;
}

KEPT static char low_char(unsigned long n)
{
	return (char)n;
}

static char (*volatile whole_char)(unsigned long) = low_char;

REALTIMEFUNC LOCAL long tests_short(int n)
{
	struct {
		unsigned char n : 4;
	} small = {n};
	signed char c;
	long sum = (small.n++ - 2 < 0) + ((small.n ?: 1) - 9 < 0) * 2 + (whole_char(n + 0x1200) ?: 3) * 10;

	switch (whole_char(n + 0x1200)) {
	case 1:
		sum += 100;
	}
	switch ((c = n + 0x1200)) {
	case 1:
		sum += 1000;
	}
	return sum + EDIT;
}

struct halves {
	unsigned long low : 32, high : 32;
};

REALTIMEFUNC LOCAL long subtracts(int n)
{
	static struct halves h;
	long all = h.low - n;

	return all + (h.high - n > 5) + EDIT;
}

REALTIMEFUNC LOCAL long steps_in_a_bound(int n, const int numbers[n++])
{
	return n * 10 + numbers[0] + EDIT;
}

REALTIMEFUNC LOCAL long mixes(int n)
{
	long double longer = n;
	double d = n * 1.25;
	float f = n + 5;

	return (d / 4 > longer * 2) + (f - 1 < longer + 1) * 10 + ((f / 2) - (longer * 2) > 0) * 100 + EDIT;
}

struct twofold {
	struct {
		int a, b;
	} in;
	int c;
};

REALTIMEFUNC LOCAL long sets_twice(int n)
{
	struct twofold other = {{n, n}, n};
	struct twofold v = {.in = other.in, .in.b = 3, .c = n++, .c = 7};

	return v.in.a * 100 + v.in.b * 10 + v.c + n * 1000 + EDIT;
}

#define LINE_OF(x) (__LINE__ * 10 + (x))
REALTIMEFUNC LOCAL long counts_lines(int n)
{
	return LINE_OF(n +
		       1) +
	       LINE_OF(
		       2) + EDIT;
}

#define PROBES(X) \
	X(beside_a_header, beside_a_header(1)) \
	X(put_aside, put_aside(1)) \
	X(without, without(1)) \
	X(taken_back, taken_back(1)) \
	X(others_pragmas, others_pragmas(1)) \
	X(target, target(2)) \
	X(target_alias, target_alias(2)) \
	X(uses_aliases, uses_aliases(2)) \
	X(uses_begun, uses_begun(1)) \
	X(uses_tight, uses_tight(3)) \
	X(make_pair, make_pair(4).b) \
	X(make_colour, make_colour(1)) \
	X(uses_pair, uses_pair(4)) \
	X(turns, turns(3)) \
	X(calls_of_later, calls_of_later(2)) \
	X(of_nowhere, of_nowhere(NULL, 3)) \
	X(in_brackets, in_brackets(1)) \
	X(packs_in_brackets, packs_in_brackets(1)) \
	X(declares_nothing, declares_nothing(1)) \
	X(rounds, rounds(1)) \
	X(truncates, truncates(1)) \
	X(mixes, mixes(1)) \
	X(steps_in_a_bound, steps_in_a_bound(1, (int[]){3, 4})) \
	X(widens, widens(1)) \
	X(widens_more, widens_more(1)) \
	X(stays_unsigned, stays_unsigned(1)) \
	X(subtracts, subtracts(1)) \
	X(tests_short, tests_short(1)) \
	X(sets_twice, sets_twice(1)) \
	X(counts_lines, counts_lines(1)) \
	X(decimal, decimal(10))

SHAPES_MAIN
