/* A static function that is inlined wherever it is called, and has the name of another file's that can be redefined. Each line of
 * standard input: what both say. */
#include <rtf.h>

#include <stdio.h>

int others(int n);

static inline __attribute__((always_inline)) int get(int n)
{
	return n + 1;
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
		printf("%d %d\n", own(1), others(1));
		fflush(stdout);
	}
	return 0;
}
