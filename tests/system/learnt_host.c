/* Functions that an optimiser may look into from their callers, and one that nothing calls but a table. */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

struct pair {
	long a, b;
};

/* All that is passed to it is the same, or is not used. */
REALTIMEFUNC
static long weigh(const struct pair *p, long unused, long factor)
{
	(void)unused;
	return atol("0") + (p->a + p->b) * factor;
}

REALTIMEFUNC
static long first(long n)
{
	struct pair p = {n, 1};

	return weigh(&p, 5, 7);
}

REALTIMEFUNC
static long second(long n)
{
	struct pair p = {n, 2};

	return weigh(&p, 6, 7);
}

static long (*const table[])(long) = {first, second};

#define CALL(f, n) f(n)

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		long n = atol(line);
		printf("%ld %ld\n", table[n & 1](n), CALL(table[0], n));
		fflush(stdout);
	}
	return 0;
}
