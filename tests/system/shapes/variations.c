/* Rarer forms of what the other shapes have: of the language, of what compilers add to it, of variables that last. */
#define _GNU_SOURCE
#include "shapes.h"

#include <alloca.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <wchar.h>

/* --- macros ------------------------------------------------------------------------------------------- */

#define FIRST(a, ...)         a
#define COUNT_(a, b, c, d, n, ...) n
#define COUNT(...)            COUNT_(__VA_ARGS__, 4, 3, 2, 1)
#define TOLD(format, ...)     snprintf(told, sizeof(told), format, ##__VA_ARGS__)
#define SAME_TYPE(a, b)       __builtin_types_compatible_p(__typeof__(a), __typeof__(b))
#define MAXIMUM(a, b) \
	({ \
		__auto_type left_ = (a); \
		__auto_type right_ = (b); \
		left_ > right_ ? left_ : right_; \
	})
#define UNIQUE_(name, line) name##line
#define UNIQUE(name, line)  UNIQUE_(name, line)

REALTIMEFUNC LOCAL long of_macros(int n)
{
	char told[32];
	int UNIQUE(here, __LINE__) = n;

	TOLD("%d", n);
	TOLD("none");
	return COUNT(n, n, n) * 1000 + FIRST(n, 2, 3) + MAXIMUM(MAXIMUM(n, 2), 3) * 10 + SAME_TYPE(n, long) +
	       (long)strlen(told) +
#ifdef COUNT
	       __builtin_choose_expr(sizeof(n) == 4, 100, "text") +
#endif
	       __builtin_constant_p(7) + EDIT;
}

REALTIMEFUNC LOCAL long included_inside(int n)
{
	long total = 1;

#include "added.inc"
#include "added.inc"
	return total + EDIT;
}

#define BITS  (1 << 31)
#define HELD  0x7fffffff
#define FULL  ~0U

/* A preprocessor counts with 64 bits, whatever the types of C are. */
REALTIMEFUNC LOCAL long of_conditions(int n)
{
#if BITS < 0
	n += 1;
#elif FULL == 0xffffffff
	n += 10;
#else
	n += 100;
#endif
#if defined BITS && HELD + 1 > 0 && 65536 * 65536 != 0
	n += 1000;
#endif
#if defined(__has_attribute)
#if __has_attribute(noinline)
	n += 10000;
#endif
#endif
#define STEP(x) n += (x);
	STEP(100000)
#undef STEP
#define STEP(x) n -= (x);
	STEP(50000)
#undef STEP
	return n + EDIT;
}

/* One that stays within an int's bits. */
REALTIMEFUNC LOCAL long of_plain_conditions(int n)
{
#if HELD > 10 && (HELD & 1) && !defined(NOTHING) && NOTHING == 0 && 'a' < 'b'
	n += 5;
#else
	n += 6;
#endif
	return n + EDIT;
}

REALTIMEFUNC LOCAL long spliced(int n)
{
	int na\
me = n /* within
		the body */ + 1; // to the end \
		also this

	return name + sizeof "a\
b" + EDIT;
}

/* --- data --------------------------------------------------------------------------------------------- */

struct node {
	const char *name;
	union {
		struct {
			unsigned low : 4, high : 28;
		};
		uint32_t all;
	};
	struct node *next;
	int rest[];
};

static struct node flexible = {"flexible", {.all = 0x35}, NULL, {1, 2, 3}};
static int spread[8] = {[1 ... 3] = 5, [6] = 7, 8};
static long tentative;
static long tentative = 12;
extern long outer_name;
long outer_name = 33;

REALTIMEFUNC LOCAL long data(int n)
{
	static struct {
		int calls;
		struct node *at;
	} kept = {40, &flexible};
	extern long outer_name;
	enum { A = 2, B = A * 3 };
	struct pair {
		char tag;
		double value;
	} p = {.value = 2.5, .tag = 'x'};

	kept.calls++;
	kept.at->high++;
	spread[4] += n;
	tentative++;
	return kept.calls + kept.at->low + kept.at->high * 10 + kept.at->rest[2] + spread[2] + spread[7] +
	       spread[4] + tentative + outer_name + B + (long)(p.value * 2) + (long)sizeof(p) +
	       (long)offsetof(struct node, rest) + EDIT;
}

REALTIMEFUNC LOCAL long blocks(int n)
{
	long sum = 0;

	for (int i = 0; i < 2; i++) {
		static int n_;
		sum += ++n_;
	}
	{
		static int n_ = 100;
		static int n__ = 7;
		sum += ++n_ + n__++;
	}
	{
		typedef char n_;
		sum += sizeof(n_);
	}
	return sum + n + EDIT;
}

REALTIMEFUNC LOCAL long wide_text(int n)
{
	static const wchar_t wide[] = L"a" L"bc";
	static const char *const names[] = {[2] = "two", [0] = "zero"};
	const unsigned char *bytes = (const unsigned char *)u8"\xc3\xa9" "q";

	return (long)wcslen(wide) + wide[n] + names[2][1] + (names[1] == NULL) + bytes[0] + sizeof(U'x') +
	       '\x41' + '\101' + 'ab' % 7 + EDIT;
}

/* --- control ------------------------------------------------------------------------------------------ */

REALTIMEFUNC LOCAL long labels(int n)
{
	static void *const targets[] = {&&one, &&two, &&out};
	long sum = 0;
	int i = 0;

	goto *targets[n % 3];
one:
	sum += 10;
	goto *targets[++i];
two:
	sum += 200;
	goto *targets[2];
out:
	switch (n) {
	case INT_MIN ... - 1:
		sum = -sum;
		break;
	case 'a' ... 'f':
		do {
			sum++;
	case 3:
			sum += 1000;
		} while (sum < 2000);
	default:
		sum += 5;
	}
	return sum + EDIT;
}

static int freed;

static void note(int *p)
{
	freed += *p;
}

REALTIMEFUNC LOCAL long left_early(int n)
{
	for (int i = 0; i < 3; i++) {
		__attribute__((cleanup(note))) int held = i + 1;
		if (i == n)
			continue;
		__attribute__((cleanup(note))) int more = 10;
		if (i == 2)
			goto out;
	}
out:
	return freed + EDIT;
}

static jmp_buf away;

REALTIMEFUNC LOCAL __attribute__((noreturn)) void throw_it(int n)
{
	longjmp(away, n + (EDIT != 0));
}

REALTIMEFUNC LOCAL long catches(int n)
{
	volatile long sum = 1;
	int got = setjmp(away);

	if (got)
		return sum * 100 + got + EDIT;
	sum = 2;
	throw_it(n);
}

/* --- arguments ---------------------------------------------------------------------------------------- */

REALTIMEFUNC LOCAL long of_arrays(int rows, int columns, int m[rows][columns], char text[static 2])
{
	int (*last)[columns] = &m[rows - 1];
	char *copy = alloca(sizeof(*last) + 1);

	copy[0] = text[1];
	return (long)sizeof(m[0]) * 100 + (*last)[columns - 1] + copy[0] + EDIT;
}

extern long of_bounds(int n, int a[n], int b[__restrict n], int (*each)(int k, int of[k]));

KEPT static int first_of(int k, int of[k])
{
	return of[0] + k;
}

REALTIMEFUNC long of_bounds(int n, int a[const n], int b[__restrict static 2], int (*each)(int k, int of[k]))
{
	return a[n - 1] + b[1] * 10 + each(n, a) * 100 + (long)sizeof(a) * 1000 + first_of(1, b) * 100000 + EDIT;
}

REALTIMEFUNC LOCAL long utf8_text(int n)
{
	static const char bytes[] = u8"\xc3\xa9" "q", *const names[] = {u8"zero", "u8\"one\""};
#define UTF8(text) u8##text
	const char *made = UTF8("made");

	return (unsigned char)bytes[0] + names[n][1] * 10 + (long)sizeof(u8"four") + made[1] * 100 + EDIT;
}

static long call_arrays(void)
{
	int m[2][3] = {{1, 2, 3}, {4, 5, 6}};

	return of_arrays(2, 3, m, "ab");
}

REALTIMEFUNC LOCAL long again(int n, va_list ap)
{
	va_list other;
	long sum = 0;

	va_copy(other, ap);
	for (int i = 0; i < n; i++)
		sum += va_arg(other, int);
	va_end(other);
	for (int i = 0; i < n; i++)
		sum = sum * 2 + va_arg(ap, int);
	return sum + EDIT;
}

static long twice(int n, ...)
{
	va_list ap;

	va_start(ap, n);
	long sum = again(n, ap);
	va_end(ap);
	return sum;
}

typedef long binary(long, long);

REALTIMEFUNC LOCAL binary *(*choose(int n))(int)
{
	extern binary *(*chooser(int n))(int);

	return n > EDIT ? chooser(n) : NULL;
}

static long subtract(long a, long b)
{
	return a - b;
}

static binary *second_choice(int n)
{
	return n ? subtract : NULL;
}

binary *(*chooser(int n))(int)
{
	return n > 0 ? second_choice : NULL;
}

REALTIMEFUNC LOCAL long by_generic(void *p, short s, const char *text)
{
#define KIND(x) _Generic((x), short: 1, int: 2, const char *: 3, char *: 4, void *: 5, default: 6)
	return KIND(p) * 10000 + KIND(s) * 1000 + KIND(s + s) * 100 + KIND(text) * 10 + KIND(&s) + EDIT;
}

/* --- the compiler's own ------------------------------------------------------------------------------- */

extern long nowhere(long) __attribute__((weak));
static int in_section __attribute__((section("rtf_shapes"), used)) = 44;
extern int __start_rtf_shapes[], __stop_rtf_shapes[];

REALTIMEFUNC LOCAL long linked(int n)
{
	return (nowhere ? nowhere(n) : 3) + __start_rtf_shapes[0] + (__stop_rtf_shapes - __start_rtf_shapes) +
	       in_section++ + EDIT;
}

REALTIMEFUNC LOCAL long by_registers(unsigned n)
{
	unsigned low, high = 0;

	__asm__ volatile("xorl %[high], %[high]\n\tleal 3(%[n],%[n],2), %[low]"
			 : [low] "=r"(low), [high] "+r"(high)
			 : [n] "r"(n)
			 : "cc");
	return low + high + EDIT;
}

REALTIMEFUNC LOCAL long large_values(long n)
{
	unsigned __int128 wide = (unsigned __int128)n << 70 | 5;
	double _Complex z = 2.0 + 3.0i;
	long double l = 1e300L * n;

	z *= z;
	return (long)(wide >> 69) + (long)__real__ z + (long)__imag__ z + (l > 1e299L) + EDIT;
}

REALTIMEFUNC LOCAL long nested_calls(int n)
{
	int at = (errno = 0, n);
	long value = strtol("99999999999999999999", NULL, 10);

	return (value == LONG_MAX) * 10 + (errno == ERANGE) + at + __builtin_popcountl((unsigned long)n) +
	       __builtin_clz((unsigned)n) + (long)sizeof(__func__) + (__func__[0] == 'n') + EDIT;
}

#ifndef __clang__
REALTIMEFUNC LOCAL long with_inner(int n)
{
	int inner(int m)
	{
		return m * 2 + n;
	}

	return inner(n + 1) + EDIT;
}
#else
#define with_inner nested_calls
#endif

#define PROBES(X) \
	X(of_macros, of_macros(1)) \
	X(included_inside, included_inside(2)) \
	X(of_conditions, of_conditions(2)) \
	X(of_plain_conditions, of_plain_conditions(2)) \
	X(spliced, spliced(3)) \
	X(data, data(4)) \
	X(blocks, blocks(5)) \
	X(wide_text, wide_text(1)) \
	X(labels, labels(0) * 3 + labels(1) + labels('c') + labels(3) + labels(-3)) \
	X(left_early, left_early(1)) \
	X(catches, catches(7)) \
	X(of_arrays, call_arrays()) \
	X(of_bounds, of_bounds(3, (int[]){1, 2, 3}, (int[]){4, 5}, first_of)) \
	X(utf8_text, utf8_text(1)) \
	X(again, twice(3, 4, 5, 6)) \
	X(choose, choose(2000000)(1)(50, 8)) \
	X(by_generic, by_generic(NULL, 1, "x")) \
	X(linked, linked(1)) \
	X(by_registers, by_registers(6)) \
	X(large_values, large_values(8)) \
	X(nested_calls, nested_calls(9)) \
	X(with_inner, with_inner(10))

SHAPES_MAIN
