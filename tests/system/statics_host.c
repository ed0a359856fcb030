/* Functions whose static variables are of many kinds, most of them in a helper that is inlined into two. Each line of standard
 * input: what all of them say. */
#include <rtf.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct q {
	int n;
};
enum color { RED, GREEN };

static const char *greeting = "hello";

static struct q *get(struct q *c)
{
	static struct q *global;

	if (c == NULL) {
		if (global == NULL)
			global = calloc(1, sizeof *global);
		return global;
	}
	return c;
}

static inline __attribute__((always_inline)) int many(int d)
{
	static struct q v[2], w = {3};
	static enum color c = RED;
	static struct {
		int a, b;
	} anon, *anonp;
	static char buf[] = "abc", *p = buf;
	static int list[] = {1, 2, 3}, one[3] = {1};
	static const char *names[] = {"x", "y"};
	static int (*fs[])(const char *) = {puts, puts};
	static struct q tail[] = {{1}, {.n = 2}};
	static struct table {
		int n;
		const char *name;
	} table[] = {{1, "one"}, {2, "two"}}, other = {3};
	static struct lone {
		int n;
	} lone[] = {{1}, {2}, {3}};
	static short grid[][2] = {{1, 2}, {3, 4}, {5, 6}};
	static union {
		long l;
		char c[8];
	} u;
	static long plain;

	v[1].n += d;
	w.n += d;
	c = c == RED ? GREEN : RED;
	anon.b += d;
	anonp = &anon;
	buf[0] += d;
	list[2] += d;
	one[1] += d;
	tail[1].n += d;
	grid[2][1] += d;
	table[1].n += d;
	other.n += d;
	lone[2].n += d;
	u.c[0] += d;
	plain += d;
	names[0] = names[1];
	p = buf + 1;
	fs[plain > 3] = 0;
	return v[1].n + w.n + c + table[1].n + other.n + lone[2].n + (int)sizeof(lone) + (int)sizeof(table) +
	       anonp->b + buf[0] + (int)sizeof(buf) + list[2] + (int)sizeof(list) + one[1] + tail[1].n +
	       (int)(sizeof(tail) / sizeof(*tail)) + grid[2][1] + (int)sizeof(grid) + u.c[0] + (int)plain +
	       names[0][0] + (fs[0] ? 1000 : 0) + (fs[1] ? 2000 : 0) + *p;
}

#define ALONE __attribute__((noinline))

REALTIMEFUNC ALONE int add(struct q *c)
{
	struct q *q = get(c);

	return ++q->n;
}

REALTIMEFUNC ALONE int look(struct q *c)
{
	struct q *q = get(c);

	return q->n;
}

REALTIMEFUNC ALONE int first(int d)
{
	return many(d);
}

REALTIMEFUNC ALONE int second(int d)
{
	return many(d);
}

/* A table of labels is of the code that it comes with; what stands beside it is the function's. */
REALTIMEFUNC ALONE int run(const unsigned char *code)
{
	static void *targets[] = {&&add, &&twice, &&end};
	static int calls;
	int n = 1 + 100 * calls++;

	goto *targets[*code];
add:
	n++;
	goto *targets[*++code];
twice:
	n *= 2;
	goto *targets[*++code];
end:
	return n;
}

/* Compared with nothing but NULL, a pointer that nobody writes to may be a copy. */
REALTIMEFUNC ALONE int greet(int n)
{
	if (greeting != NULL && NULL != greeting && greeting[0] == 'h')
		n++;
	return n;
}

REALTIMEFUNC ALONE int signs(double d, float f, long double l)
{
	return !!signbit(d) + 2 * !!signbit(f) + 4 * !!signbit(l);
}

/* Declared behind who calls it. */
static ALONE int late(int x)
{
	return x + 1;
}

static inline __attribute__((always_inline)) int through(int x)
{
	return late(x);
}

static int late(int x);

REALTIMEFUNC ALONE int order(int x)
{
	return through(x) * 2;
}

int main(int argc, char **argv)
{
	static const unsigned char code[] = {0, 1, 1, 2};
	char line[8];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int a = add(NULL), b = look(NULL), c = first(1), d = second(1);
		printf("%d %d %d %d %d %d %d %d\n", a, b, c, d, run(code), greet(5), signs(-0.0, 1.0f, -2.0L),
		       order(3));
		fflush(stdout);
	}
	return 0;
}
