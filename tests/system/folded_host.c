/* Functions of the same code, which a linker or an optimiser may fold into one, and one that is another name of another. */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

#ifdef WHOLE_FILE /* gcc folds what nobody else can see */
#undef REALTIMEFUNC
#define REALTIMEFUNC __attribute__((noinline, noclone)) static
#endif

REALTIMEFUNC long first(long n)
{
	return n * 3 + 1;
}

REALTIMEFUNC long second(long n)
{
	return n * 3 + 1;
}

REALTIMEFUNC long other(long n)
{
	return n * 4 + 1;
}

long other_name(long n) __attribute__((alias("other")));

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		long n = atol(line);
		printf("%ld %ld %ld\n", first(n), second(n), other(n) + other_name(n));
		fflush(stdout);
	}
	return 0;
}
