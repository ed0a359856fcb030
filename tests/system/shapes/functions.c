/* Functions that call: themselves, each other, helpers that the optimiser took away, through pointers, with values of
 * every class. */
#include "shapes.h"
#include "functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

struct small {
	short a, b;
};
struct pair {
	long a;
	double b;
};
struct large {
	long values[8];
};

static jmp_buf jump;

REALTIMEFUNC LOCAL long factorial(int n)
{
	return (n < 2 ? 1 : n * factorial(n - 1)) + EDIT;
}

LOCAL long odd(int n);

REALTIMEFUNC LOCAL long even(int n)
{
	return n == 0 ? 1 + EDIT : odd(n - 1);
}

REALTIMEFUNC LOCAL long odd(int n)
{
	return n == 0 ? 0 + EDIT : even(n - 1);
}

REALTIMEFUNC LOCAL long names(void)
{
	return (long)strlen(__func__) * 1000 + (strcmp(__func__, "names") == 0) * 100000 + __LINE__ +
	       (strstr(__FILE__, "functions.c") != NULL) + EDIT;
}

REALTIMEFUNC LOCAL long sum(int n, ...)
{
	va_list list, again;
	long total = 0;

	va_start(list, n);
	va_copy(again, list);
	for (int i = 0; i < n; i++)
		total += va_arg(list, int);
	va_end(list);
	for (int i = 0; i < n; i++)
		total += va_arg(again, int) * 10;
	va_end(again);
	return total + EDIT;
}

REALTIMEFUNC LOCAL long mixed(const char *kinds, ...)
{
	double total = 0;
	va_list list;

	va_start(list, kinds);
	for (; *kinds; kinds++) {
		switch (*kinds) {
		case 'i': total += va_arg(list, int); break;
		case 'l': total += (double)va_arg(list, long); break;
		case 'd': total += va_arg(list, double); break;
		case 's': total += (double)strlen(va_arg(list, const char *)); break;
		}
	}
	va_end(list);
	return (long)(total * 4) + EDIT;
}

REALTIMEFUNC __attribute__((format(printf, 2, 3))) LOCAL long print(char *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	int n = vsnprintf(out, 40, format, list);
	va_end(list);
	return n * 1000 + out[0] + EDIT;
}

/* Inlined everywhere, with a variable that is the program's. */
static int inlined(int n)
{
	static int last = 3;
	int before = last;

	last = n;
	return before;
}

static __attribute__((noinline)) int fitted(const int *p, int mode)
{
	if (!p)
		return -1;
	return mode > 100 ? -2 : *p + mode;
}

static int rarely(int n)
{
	if (__builtin_expect(n > 1000000000, 0))
		abort();
	return n + 1;
}

static __attribute__((noinline)) long deep(int n)
{
	return n + inlined(n) + rarely(n);
}

REALTIMEFUNC LOCAL long helpers(int n)
{
	return inlined(n) + fitted(&n, 5) * 10 + deep(n) * 1000 + EDIT;
}

REALTIMEFUNC LOCAL long of_header(int n)
{
	return twice(n) + counted(n) + forced(n) + EDIT;
}

REALTIMEFUNC LOCAL int ascending(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b) + EDIT;
}

REALTIMEFUNC LOCAL int descending(const void *a, const void *b)
{
	return (*(const int *)b > *(const int *)a) - (*(const int *)b < *(const int *)a);
}

static int (*const orders[])(const void *, const void *) = {ascending, descending};

REALTIMEFUNC LOCAL long sorted(int which)
{
	int v[] = {5, 3, 9, 1};

	qsort(v, 4, sizeof(*v), which ? descending : orders[1]);
	return v[0] * 1000 + v[1] * 100 + v[2] * 10 + v[3] + (orders[0] == ascending) + EDIT;
}

REALTIMEFUNC LOCAL struct small make_small(int a)
{
	return (struct small){.a = (short)a, .b = (short)(a + 1 + EDIT % 7)};
}

REALTIMEFUNC LOCAL struct pair make_pair(long a, double b)
{
	struct pair p = {a + EDIT, b * 2};

	return p;
}

REALTIMEFUNC LOCAL struct large make_large(int n)
{
	struct large l = {{n, [3] = 33, [7] = EDIT}};

	return l;
}

REALTIMEFUNC LOCAL long take(struct small s, struct pair p, struct large l)
{
	return s.a + s.b * 10 + p.a * 100 + (long)(p.b * 4) + l.values[0] + l.values[3] + l.values[7] + EDIT;
}

REALTIMEFUNC LOCAL double real(float f, double d, long double l)
{
	return (double)(f * 2 + d / 4 + l) + EDIT;
}

REALTIMEFUNC LOCAL long long_double(long double l)
{
	long double squared = l * l;

	return (long)(squared * 8) + EDIT;
}

REALTIMEFUNC LOCAL bool is_large(unsigned char c, signed char s, _Bool b)
{
	return (c > 200 && s < 0 && b) != (EDIT != 0);
}

REALTIMEFUNC LOCAL long many(int a, long b, char c, double d, short e, float f, int g, long h, int i, double j, int k,
			     unsigned char l)
{
	return a + b * 2 + c * 3 + (long)(d * 4) + e * 5 + (long)(f * 6) + g * 7 + h * 8 + i * 9 + (long)(j * 10) +
	       k * 11 + l * 12 + EDIT;
}

REALTIMEFUNC LOCAL long through(long (*function)(int), int n)
{
	return function(n) * 2 + EDIT;
}

REALTIMEFUNC LOCAL void jump_out(int n)
{
	longjmp(jump, n + EDIT % 5);
}

REALTIMEFUNC LOCAL long jumps(int n)
{
	volatile int before = n;
	int got = setjmp(jump);

	if (got == 0)
		jump_out(n);
	return got * 10 + before + EDIT;
}

REALTIMEFUNC LOCAL void by_pointer(long *out)
{
	*out = *out * 2 + EDIT;
}

REALTIMEFUNC LOCAL void *allocated(size_t n)
{
	char *p = calloc(1, n + 1);

	memset(p, 'x', n);
	p[0] = (char)('a' + EDIT % 3);
	return p;
}

static long length_of(char *p)
{
	long n = (long)strlen(p) * 100 + p[0];

	free(p);
	return n;
}

static long doubled(long n)
{
	by_pointer(&n);
	return n;
}

static char buffer[40];

#define PROBES(X) \
	X(factorial, factorial(6)) \
	X(even, even(7)) \
	X(odd, odd(7)) \
	X(names, names()) \
	X(sum, sum(8, 1, 2, 3, 4, 5, 6, 7, 8)) \
	X(mixed, mixed("idlsiddddddddi", 1, 2.5, 3L, "four", 5, 6.0, 7.0, 8.0, 9.0, 1.25, 2.25, 3.25, 4.25, 6)) \
	X(print, print(buffer, "%d %s %.2f", 12, "text", 1.5)) \
	X(helpers, helpers(7)) \
	X(helpers_again, helpers(11) + deep(4)) \
	X(of_header, of_header(3)) \
	X(ascending, ascending(&(int){3}, &(int){2})) \
	X(sorted, sorted(0) * 10000 + sorted(1)) \
	X(make_small, make_small(5).a * 100 + make_small(6).b) \
	X(make_pair, make_pair(5, 1.5).a * 10 + make_pair(1, 2.5).b) \
	X(make_large, make_large(5).values[0] * 100 + make_large(6).values[3] + make_large(7).values[7]) \
	X(take, take((struct small){1, 2}, (struct pair){3, 4.5}, (struct large){{5, 6, 7, 8}})) \
	X(real, real(1.5f, 2.0, 3.25L) * 8) \
	X(long_double, long_double(1.5L)) \
	X(is_large, is_large(250, -3, 1) * 10 + is_large(20, -3, 1)) \
	X(many, many(1, 2, 3, 4.5, 5, 6.5f, 7, 8, 9, 10.5, 11, 200)) \
	X(through, through(factorial, 4)) \
	X(jumps, jumps(4)) \
	X(by_pointer, doubled(21)) \
	X(allocated, length_of(allocated(5)))

SHAPES_MAIN
