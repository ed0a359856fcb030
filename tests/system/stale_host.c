/* A program that uses the same names in decorated functions and in others, for tests of what is said when one changes.
 *
 *     stale_host SOCKET      each line of standard input is a number that every function is called with */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

#define RATE 7

enum { LOW = 1, HIGH = 10, TOP };

static const int limit = 10;
static const int table[] = {1, 2, 3};
static int tax = 20, toll = 5;
static int kept = 3;
const int shown = 4;

static inline int helper(int n)
{
	return n * 2;
}

static inline int twice(int n)
{
	return helper(n) + n;
}

static inline int only_new(int n)
{
	return n + 1;
}

REALTIMEFUNC int one(int n)
{
	return helper(n) + limit + tax + HIGH + table[n & 1] + toll + shown + only_new(n);
}

REALTIMEFUNC static int two(int n)
{
	return twice(n) + kept + RATE;
}

static int quiet(int n)
{
	return n > limit ? HIGH : LOW;
}

int plain(int n)
{
	kept++;
	return twice(n) + limit + tax + HIGH + RATE + table[n & 1] + toll + shown + quiet(n) + TOP;
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
		printf("%d %d %d\n", one(n), two(n), plain(n));
		fflush(stdout);
	}
	return 0;
}
