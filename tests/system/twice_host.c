/* A source that is compiled itself, and once more by another that includes it. Each line of standard input: what both say. */
#include <rtf.h>

#include <stdio.h>

#ifndef STEP
#define STEP 1
#endif

REALTIMEFUNC __attribute__((noinline)) static int step(int n)
{
	return n + STEP;
}

REALTIMEFUNC int go(int n)
{
	return step(n) * 10;
}

#ifndef TWICE
int go_twice(int n);

int main(int argc, char **argv)
{
	char line[8];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d %d\n", go(1), go_twice(1));
		fflush(stdout);
	}
	return 0;
}
#endif
