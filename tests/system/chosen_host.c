/* Functions that resolvers choose when the program is loaded, and callers of them. */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

typedef long sum_function(long, long);

static long sum_plain(long a, long b)
{
	return a + b;
}

REALTIMEFUNC static long sum_fast(long a, long b)
{
	return a + b + 100;
}

static int fast = 1;

REALTIMEFUNC static sum_function *resolve_sum(void)
{
	return fast ? sum_fast : sum_plain;
}

static sum_function *resolve_local(void)
{
	return resolve_sum();
}

#define CHOSEN_BY(resolver) __attribute__((ifunc(resolver)))

long sum(long a, long b) __attribute__((ifunc("resolve_sum")));
static long local_sum(long a, long b) CHOSEN_BY("resolve_local");

REALTIMEFUNC static long use(long n)
{
	return sum(n, 1) * 2;
}

REALTIMEFUNC static long use_local(long n)
{
	return local_sum(n, 1) * 3;
}

REALTIMEFUNC static sum_function *address(long n)
{
	return n ? sum : local_sum;
}

int main(int argc, char **argv)
{
	char line[64];

	fast = 0; /* too late for the resolver */
	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		long n = atol(line);
		printf("%ld %ld %ld %d\n", use(n), use_local(n), address(n)(n, 2), address(n) == sum);
		fflush(stdout);
	}
	return 0;
}
