/* A program that lost what its text has: a function of which the optimiser kept a changed copy alone, and a variable that
 * nothing writes. */
#include <rtf.h>

#include <stdio.h>
#include <string.h>

static int limit = 10;

/* Called with one mode only, and too large to be inlined twice: gcc makes shortened.constprop.0 of it. */
static __attribute__((noinline)) int shortened(const char *text, int mode)
{
	int n = 0;

	for (const char *at = text; *at; at++)
		n += mode == 3 ? *at : mode * 2;
	return n + (mode > 4 ? (int)strlen(text) : mode);
}

REALTIMEFUNC int gone(const char *text)
{
	return (shortened(text, 3) + shortened(text + 1, 3)) * limit / 10;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d\n", gone(line));
		fflush(stdout);
	}
	return 0;
}
