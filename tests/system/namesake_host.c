/* A static function that is inlined wherever it is called, and has the name of another file's that can be redefined. Each line of
 * standard input: what both say. */
#include <rtf.h>

#include <stdio.h>

int others(int n);

static inline __attribute__((always_inline)) int get(int n)
{
	return n + 1;
}

/* What this file has for itself under names that the other one gives functions: a variable, a function that is inlined, one that
 * nothing here calls. */
static int level = 7;

static inline __attribute__((always_inline)) int twice(int n)
{
	return 2 * n;
}

static inline int spare(int n)
{
	return n + 100;
}

REALTIMEFUNC int mixed(int n)
{
	level += n == 99;
	return level + twice(n);
}

REALTIMEFUNC int own(int n)
{
	return get(n);
}

int main(int argc, char **argv)
{
	char line[8];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (*line == 'm')
			printf("%d\n", mixed(1));
		else
			printf("%d %d\n", own(1), others(1));
		fflush(stdout);
	}
	return 0;
}
