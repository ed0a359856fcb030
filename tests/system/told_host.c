/* A program where texts may be read otherwise than they mean, for tests of what an answer then tells.
 *
 *     told_host SOCKET      each line of standard input is a number that every function is called with */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL static

enum level { LOW = 1, HIGH = 10 };
enum flag { FLAG_LOW = 1, FLAG_TOP = 1u << 31 } flags; /* its values are unsigned ones */
enum wide { WIDE_LOW = 1, WIDE_TOP = 1ull << 63 } wide;

static int bias = 5, other_bias = 50;
static int seen, nobody_asks = 3;
static int percent = 100;
static enum level level = LOW;
long prototyped();

REALTIMEFUNC long biased(int n)
{
	return n + bias;
}

REALTIMEFUNC LOCAL long counting(void)
{
	LOCAL int n = 1;

	return n++;
}

REALTIMEFUNC LOCAL long counting_from(void)
{
	static int n = 20, m[] = {1, 2};

	return n++ + m[0];
}

REALTIMEFUNC long taxed(long n)
{
	return n * percent / 100;
}

REALTIMEFUNC long leveled(int n)
{
	level = n > 5 ? HIGH : LOW;
	nobody_asks = n;
	return level;
}

REALTIMEFUNC static long old_style(a, b, c)
long a;
short b;
const char *c;
{
	return a + b + (long)strlen(c);
}

REALTIMEFUNC long prototyped(long a, int b)
{
	return a - b + other_bias;
}

/* Decorated by the flag for a whole file alone, so that two may be inlined in the third. */
long small(long n)
{
	return n * 3 + bias;
}

long tiny(long n)
{
	return n * 5;
}

__attribute__((noinline)) long around(long n)
{
	return small(n) + small(n + 1) + tiny(n) + tiny(n + 1);
}

/* What is done seldom is not next to the rest, so that clang's inlined copy of it is in two pieces. */
long seldom(long n)
{
	if (__builtin_expect(n > 1000, 0))
		puts("many");
	return n;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int n = atoi(line);
		bias += n == 77;
		other_bias += n == 77;
		seen += seldom(n);
		printf("%ld %ld %ld %ld %ld %ld %ld %ld\n", biased(n), counting(), counting_from(), leveled(n),
		       old_style(1, 2, "abc"), prototyped(n, 1), around(n), taxed(n));
		fflush(stdout);
	}
	return seen == -1;
}
