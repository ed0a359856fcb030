/* The language, and what gcc and clang add to it. */
#include "shapes.h"

#include <complex.h>
#include <emmintrin.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <wchar.h>

struct __attribute__((packed)) packed {
	char tag;
	int value;
	short last;
};
struct aligned {
	char c;
	int big __attribute__((aligned(32)));
};
struct bits {
	unsigned a : 3, b : 5;
	int c : 7;
	_Bool d : 1;
	unsigned : 0;
	unsigned char e : 4;
};
struct anonymous {
	int kind;
	union {
		int i;
		float f;
		struct {
			short low, high;
		};
	};
};
struct flexible {
	int n;
	int v[];
};
typedef int vector4 __attribute__((vector_size(16)));
typedef long (*binary)(long, long);
enum __attribute__((packed)) tiny { TINY_A, TINY_B = 200 };
enum colour { RED = 1, GREEN = RED << 4, BLUE = -GREEN };

static volatile int constructed; /* else clang knows what it comes to, and keeps none */
static int __attribute__((section(".data.shapes"))) sectioned = 3;
static _Atomic int atomic_count = 10;
static alignas(64) char cache_line[64];
static int cleaned;

__attribute__((constructor)) static void construct(void)
{
	constructed++;
}

static void clean(int *p)
{
	cleaned += *p;
}

REALTIMEFUNC LOCAL long layouts(int n)
{
	struct packed p = {'x', n, 3}, *q = &p;
	struct aligned a = {.big = n};
	struct anonymous u = {.kind = 1, .i = 0x00050003};

	q->value++;
	return q->value + p.last + (long)sizeof(p) * 100 + (long)offsetof(struct aligned, big) + a.big + u.low * 10 +
	       u.high + (long)sizeof(struct bits) * 1000 + (long)alignof(struct aligned) + EDIT;
}

REALTIMEFUNC LOCAL long bit_fields(unsigned n)
{
	struct bits b = {.a = n, .c = -5}, c;

	memset(&c, 0, sizeof(c));
	c.b = n;
	c.c = (int)n - 20;
	c.d = b.c < 0;
	c.e = n * 3;
	b.a++;
	return b.a + b.b * 10 + b.c * 100 + b.d * 1000 + c.b * 10000 + c.c * 100000L + c.d * 3 + c.e + EDIT;
}

#define BITS(n)  .b = (n), .e = 1
#define FLAGS(n) ((struct bits){BITS(n)})

REALTIMEFUNC LOCAL long bit_fields_from_macros(unsigned n)
{
	struct bits b = {BITS(n)}, *p = &(struct bits){.a = n & 1, .c = FLAGS(n).a - 1};

	return b.a + b.b * 10 + b.c * 100 + b.e * 1000 + p->b * 10000 + p->c + FLAGS(n + 1).b + EDIT;
}

/* Sizes that fill no register: read as one, they go on into what lies behind. */
struct triple {
	int a, b, c;
};

struct five {
	char c[5];
};

KEPT static long sum_of(struct triple t, int n, struct triple u)
{
	return t.a + t.b * 2 + t.c * 3 + n + u.a * 5 + u.b * 7 + u.c * 11;
}

KEPT static long ends_of(struct five f, ...)
{
	return f.c[0] + f.c[4] * 3;
}

#define SUM(p, q) sum_of(*(p), 4, (q)[-1])

REALTIMEFUNC LOCAL struct triple last_triple(void *end)
{
	return EDIT ? ((struct triple *)end)[-2] : ((struct triple *)end)[-1];
}

REALTIMEFUNC LOCAL long odd_sizes(char *end)
{
	struct triple *last = (struct triple *)end - 1;
	struct five *five = (struct five *)end - 1;

	return sum_of(*last, 1, last[0]) + ends_of(*five, 2) + last_triple(end).c + EDIT;
}

REALTIMEFUNC LOCAL long odd_sizes_from_macros(char *end)
{
	struct triple *last = (struct triple *)end - 1;

	return SUM(last, (struct triple *)end) + EDIT;
}

/* Behind it is no memory. */
KEPT static char *end_of_memory(void)
{
	static char *page;

	if (!page) {
		page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(page + 4096, 4096, PROT_NONE);
		for (int i = 1; i < 64; i++)
			page[4096 - i] = (char)i;
	}
	return page + 4096;
}

REALTIMEFUNC LOCAL long expressions(int n)
{
	long r = ({ int t = n; t *= 2; t + 1; });

	r += _Generic(n, int: 1, long: 2, default: 3) * 10 + _Generic((char *)0, char *: 4, default: 5) * 100;
	r += n ?: 7;
	r += (n, n + 1, n + 2);
	r += sizeof(int[n]) == (size_t)n * 4;
	r ^= ~n & 0xff | n << 3;
	return r + !n + !!n + -n % 3 + (n >> 1) + EDIT;
}

REALTIMEFUNC LOCAL long initialisers(int n)
{
	int sparse[10] = {[2] = n, [5 ... 7] = 4, 9}, grid[][3] = {{1, 2, 3}, {[1] = n}};
	struct anonymous *p = &(struct anonymous){.kind = n, .f = 1.5f};
	const char text[] = {"brace" "d"}, cut[3] = "abc";
	struct flexible *f = malloc(sizeof(*f) + 3 * sizeof(int));

	*f = (struct flexible){.n = 3};
	for (int i = 0; i < f->n; i++)
		f->v[i] = (int[]){n, n * 2, n * 3}[i];
	long r = sparse[2] + sparse[6] * 10 + sparse[8] * 100 + sparse[0] + grid[1][1] + grid[1][2] + grid[0][2];
	r += p->kind + (long)(p->f * 2) + (long)sizeof(text) + cut[2] + f->v[2] + (long)sizeof(grid);
	free(f);
	return r + EDIT;
}

REALTIMEFUNC LOCAL long arrays_of_variable_length(int n)
{
	int v[n], m[n][n + 1];
	char *p = __builtin_alloca((size_t)n);

	for (int i = 0; i < n; i++)
		v[i] = m[i][n] = i * i;
	memset(p, 1, (size_t)n);
	return v[n - 1] + m[n - 2][n] + (long)sizeof(m) + p[n - 1] + EDIT;
}

REALTIMEFUNC LOCAL long control(int n)
{
	long r = 0;

	for (int i = 0, j = n; i < j; i++, j--) {
		if (i == 2)
			continue;
		switch (i * j) {
		case 0: r += 1; /* fall through */
		case 1 ... 7: r += 10; break;
		case INT_MAX: goto out;
		default: r += 100;
		}
	}
	do {
		r++;
	} while (r % 7);
	while (1)
		if (++r % 5 == 0)
			break;
	goto out;
	r = -1;
out:
	return r + EDIT;
}

REALTIMEFUNC LOCAL long computed_goto(const char *program)
{
	static const void *const labels[] = {&&add, &&twice, &&stop};
	long r = 1;

	goto *labels[*program++ - '0'];
add:
	r += 3;
	goto *labels[*program++ - '0'];
twice:
	r *= 2;
	goto *labels[*program++ - '0'];
stop:
	return r + EDIT;
}

REALTIMEFUNC LOCAL long cleanups(int n)
{
	{
		__attribute__((cleanup(clean))) int x = n;
		x++;
	}
	return cleaned + constructed * 1000 + sectioned++ * 100000 + EDIT;
}

REALTIMEFUNC LOCAL long alignments(void)
{
	alignas(32) char here[32];
	int there __attribute__((aligned(64)));

	cache_line[5]++;
	return ((uintptr_t)here % 32 == 0) + ((uintptr_t)&there % 64 == 0) * 10 + ((uintptr_t)cache_line % 64 == 0) * 100 +
	       cache_line[5] * 1000 + EDIT;
}

/* Lines of a cache: what is aligned to them lies in the program, and code only needs to know where. */
#define LINE alignas(64)
struct __attribute__((aligned(128))) lane {
	char name;
	LINE int count;
	struct {
		char c;
		short step __attribute__((aligned(sizeof(void *) * 4)));
	};
	union {
		long wide;
		char narrow[3];
	} __attribute__((aligned(32))) u;
	char end[0] __attribute__((aligned(64)));
	char last;
};
typedef struct {
	int n;
} line_t __attribute__((aligned(64)));
typedef short apart_t __attribute__((aligned(8)));
struct beside {
	char a __attribute__((aligned(8))), b;
	line_t *line;
};
static struct lane lanes[2] = {{.count = 1, .step = 2}, {.count = 30, .last = 4}};
static line_t line = {5};

REALTIMEFUNC LOCAL long lines_of_a_cache(int i)
{
	static LINE short kept[5];
	struct lane *l = &lanes[i];

	kept[1]++;
	l->count++;
	l->u.narrow[1] = 'x';
	return l->count + l->step * 10 + l->last * 100 + (long)((char *)&l->last - (char *)l) * 1000 +
	       (long)((char *)&lanes[1].u - (char *)lanes) * 100000 + (long)sizeof(*l) * 3 + kept[1] +
	       ((uintptr_t)kept % 64 == 0) + (long)alignof(struct lane) + line.n + EDIT;
}

KEPT static long lane_of(struct lane l, line_t *at)
{
	return l.count + at->n + ((uintptr_t)&l % 128 == 0);
}

REALTIMEFUNC LOCAL long line_in_the_frame(int i)
{
	struct lane l = lanes[i];
	line_t own = {i};

	return l.step + ((uintptr_t)&l % 128 == 0) * 10 + ((uintptr_t)&own % 64 == 0) * 100 + lane_of(lanes[1], &own) * 1000 +
	       EDIT;
}

REALTIMEFUNC LOCAL long line_passed_on(void)
{
	return lane_of(lanes[0], &line) + EDIT;
}

REALTIMEFUNC LOCAL long alignments_asked_for(void)
{
	return (long)alignof(line_t) + (long)alignof(apart_t) * 100 + (long)__alignof__(cache_line) * 1000 +
	       (long)sizeof(apart_t) + EDIT;
}

REALTIMEFUNC LOCAL long members_beside_each_other(struct beside *p)
{
	return p->b + p->line->n + EDIT;
}

REALTIMEFUNC LOCAL long assembler(unsigned n)
{
	unsigned swapped = n, carry;

	__asm__("bswap %0" : "+r"(swapped));
	__asm__ volatile("addl %2, %1\n\tsetc %b0" : "=q"(carry), "+r"(n) : "r"(0xffffffffu) : "cc");
	return (long)swapped + (carry & 1) + EDIT;
}

REALTIMEFUNC LOCAL long atomics(int n)
{
	static int plain = 1;
	int expected = 3;

	atomic_count += n;
	atomic_fetch_add(&atomic_count, 2);
	__atomic_store_n(&plain, __atomic_load_n(&plain, __ATOMIC_ACQUIRE) + n, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&plain, 5, __ATOMIC_RELAXED);
	__sync_bool_compare_and_swap(&plain, 3, 4);
	__atomic_compare_exchange_n(&expected, &(int){3}, 8, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return atomic_load(&atomic_count) * 1000 + plain + expected + EDIT;
}

REALTIMEFUNC LOCAL vector4 vectors(vector4 a, int n)
{
	vector4 b = {1, 2, 3, n};
	__m128i c = _mm_add_epi32((__m128i)a, (__m128i)b);

	return (vector4)c * b + EDIT;
}

REALTIMEFUNC LOCAL double complex complexes(double complex z)
{
	return z * (1 + 2 * I) + creal(z) + EDIT;
}

REALTIMEFUNC LOCAL long wide_integers(long n)
{
	__int128 w = (__int128)n << 70;
	unsigned __int128 u = w;

	return (long)(w >> 68) + (long)(u % 1000) + EDIT;
}

REALTIMEFUNC LOCAL long builtins(unsigned n)
{
	int sum;
	long r = __builtin_popcount(n) + __builtin_clz(n) * 10 + __builtin_ctz(n) * 100 + __builtin_ffs((int)n) * 1000;

	r += __builtin_add_overflow((int)n, INT_MAX, &sum) + __builtin_bswap16((unsigned short)n);
	r += __builtin_constant_p(3) + __builtin_types_compatible_p(int, int) + __builtin_choose_expr(1, 5, "x");
	r += __builtin_expect(n != 0, 1) + (__builtin_isnan(NAN) != 0) + (__builtin_isinf(INFINITY) != 0);
	r += (long)__builtin_strlen("four") + __builtin_abs(-3);
	r += __builtin_memcmp("a", "a", 1) + (__builtin_frame_address(0) != NULL) + (signbit(-1.0) != 0);
	return r + EDIT;
}

REALTIMEFUNC LOCAL long floating(double d, float f)
{
	double r = floor(d) + sqrt(16) + fabs(-d) + 0x1.8p3 + 1e3 + .5f + f * 2.0L;
	float small = f / 3;

	r += d > f ? isfinite(d) : isnan(f);
	return (long)(r * 16) + (long)(small * 1000) + (long)(unsigned char)d + (long)(unsigned long)(d * 1e3) + EDIT;
}

REALTIMEFUNC LOCAL long conversions(long n)
{
	signed char c = (signed char)n;
	unsigned short s = (unsigned short)n;
	unsigned u = (unsigned)-1;
	unsigned long l = (unsigned long)n * 0x9e3779b97f4a7c15UL;
	_Bool b = n & 0x100;

	return c + s + (u > 0) + (-1 < (int)u) + (long)(l >> 40) + b + (long)(char)200 + (n > -1U) + '\xff' + L'\u00e9' +
	       EDIT;
}

REALTIMEFUNC LOCAL long text(const char *s)
{
	const wchar_t *wide = L"wide \x263a";
	const char *raw = "a\tb\\\"\x41\101\0hidden", *joined = "one"
								 " two";

	return (long)strlen(raw) + (long)wcslen(wide) * 10 + (long)strlen(joined) * 100 + (long)strlen(s) * 1000 +
	       (long)sizeof("\0\0") + (long)strlen(u8"é") + EDIT;
}

/* As C was written before it had prototypes. */
REALTIMEFUNC LOCAL long old_style(a, b, c)
	long a;
	char *b;
	int c;
{
	return a + (long)strlen(b) * 10 + c * 100 + EDIT;
}

REALTIMEFUNC LOCAL long digraphs(int n) <% int v<:3:> = <%n, n + 1, n + 2%>; return v<:2:> + EDIT; %>

REALTIMEFUNC LOCAL binary chosen(int which);

REALTIMEFUNC LOCAL long plus(long a, long b)
{
	return a + b + EDIT;
}

REALTIMEFUNC LOCAL long minus(long a, long b)
{
	return a - b + EDIT;
}

REALTIMEFUNC LOCAL long (*chosen(int which))(long, long)
{
	return (which != 0) != (EDIT != 0) ? plus : minus;
}

REALTIMEFUNC LOCAL long locals(int n)
{
	typedef struct {
		int x[2];
	} point;
	enum { LOCAL_A = 5, LOCAL_B };
	struct anonymous copy, *p = &copy;
	point a = {{n, LOCAL_B}}, b = a, *c = &b;
	extern long plus(long, long) __attribute__((unused));
	int (*rows)[2] = &c->x;
	__auto_type automatic = a.x[0] + 0.5;
	register int fast = n;

	p->kind = LOCAL_A;
	_Static_assert(sizeof(point) == 8, "a point is two ints");
	return b.x[1] + (*rows)[0] * 10 + p->kind * 100 + (long)(automatic * 2) + fast + EDIT;
}

REALTIMEFUNC LOCAL enum colour enumerated(enum tiny t)
{
	return t == TINY_B ? (enum colour)(GREEN + EDIT) : BLUE;
}

/* As small as their constants are. */
typedef enum { SLOW = 3, FAST = 250 } __attribute__((packed)) speed_t;
struct car {
	enum __attribute__((__packed__)) gear { BACK = -1, NEUTRAL, FIRST } gear;
	speed_t speed, top;
	enum { LEFT, RIGHT = 300 } __attribute__((packed)) side;
	enum tiny tiny : 8, *point;
	int doors;
};
static struct car car = {BACK, FAST, SLOW, RIGHT, TINY_B, NULL, 4};
static enum gear gears[3] = {FIRST, BACK, NEUTRAL};

KEPT static enum gear shifted(enum gear g)
{
	return g == BACK ? NEUTRAL : BACK;
}

#define AS_GEAR(n) ((enum gear)(n))

REALTIMEFUNC LOCAL long packed_enumerations(struct car *c, int n)
{
	enum __attribute__((packed)) { HERE = 7, THERE = 9 } own = n ? THERE : HERE, *at = &own;
	static enum gear last = FIRST;
	enum gear g = c->gear, turned = AS_GEAR(n + 300);

	c->point = (enum tiny *)&c->speed;
	c->top = *c->point;
	switch (shifted(g)) {
	case NEUTRAL:
		last = gears[n & 1];
		break;
	default:
		g = FIRST;
	}
	c->doors += last < 0;
	return g * 3 + c->speed + c->top * 7 + c->side * 10 + c->tiny * 100 + c->doors * 100000 + (long)sizeof(own) + *at * 11 +
	       (long)sizeof(struct car) * 1000000 + turned * 13 + sizeof(enum gear) * 17 + (long)(c->speed - 251 < 0) + EDIT;
}

REALTIMEFUNC LOCAL long pointers(const int *restrict a, volatile int *b, const char *const *c)
{
	const void *v = a;
	ptrdiff_t gap = (a + 3) - (const int *)v;

	*b += a[1];
	return gap + *b * 10 + c[1][0] + (long)(intptr_t)((char *)0 + 5) + EDIT;
}

#if defined(__GNUC__) && !defined(__clang__)
REALTIMEFUNC LOCAL long nested(int n)
{
	int add(int m) { return n + m; }

	return add(5) * 10 + EDIT;
}
#else
#define nested(n) (n)
#endif

#define PROBES(X) \
	X(layouts, layouts(4)) \
	X(bit_fields, bit_fields(6)) \
	X(bit_fields_from_macros, bit_fields_from_macros(6)) \
	X(last_triple, last_triple(end_of_memory()).b) \
	X(odd_sizes, odd_sizes(end_of_memory())) \
	X(odd_sizes_from_macros, odd_sizes_from_macros(end_of_memory())) \
	X(expressions, expressions(5)) \
	X(initialisers, initialisers(3)) \
	X(arrays_of_variable_length, arrays_of_variable_length(5)) \
	X(control, control(9)) \
	X(computed_goto, computed_goto("00112")) \
	X(cleanups, cleanups(2)) \
	X(alignments, alignments()) \
	X(lines_of_a_cache, lines_of_a_cache(1)) \
	X(line_in_the_frame, line_in_the_frame(0)) \
	X(line_passed_on, line_passed_on()) \
	X(alignments_asked_for, alignments_asked_for()) \
	X(members_beside_each_other, members_beside_each_other(&(struct beside){1, 2, &line})) \
	X(assembler, assembler(0x01020304)) \
	X(atomics, atomics(3)) \
	X(vectors, vectors((vector4){5, 6, 7, 8}, 4)[3]) \
	X(complexes, creal(complexes(2 + 3 * I)) * 100 + cimag(complexes(2 + 3 * I))) \
	X(wide_integers, wide_integers(77)) \
	X(builtins, builtins(0x00f0f000)) \
	X(floating, floating(2.75, 1.5f)) \
	X(conversions, conversions(0x12345)) \
	X(text, text("words")) \
	X(old_style, old_style(3L, "abc", 4)) \
	X(digraphs, digraphs(3)) \
	X(plus, chosen(1)(7, 2)) \
	X(minus, chosen(0)(7, 2)) \
	X(locals, locals(3)) \
	X(enumerated, enumerated(TINY_B)) \
	X(packed_enumerations, packed_enumerations(&car, 1)) \
	X(pointers, pointers((int[]){1, 2, 3}, &(int){4}, (const char *const[]){"a", "b"})) \
	X(nested, nested(3))

SHAPES_MAIN
