/* What it is depends on -DWIDE, and no file says whether that was given.
 *
 *     misread_host SOCKET     each line of standard input prints what the functions make of its length */
#include <stdio.h>
#include <string.h>

#include <rtf.h>

#ifdef WIDE
#define FACTOR 10
#else
#define FACTOR 2
#endif

#if 0
int never(int n)
{
	return n;
}
#endif

#ifdef WIDE
static __attribute__((noinline)) int beyond(int n)
{
	return n + 1000;
}
#endif

REALTIMEFUNC int width(int n)
{
	return n * FACTOR;
}

#ifdef WIDE
REALTIMEFUNC int sized(int n)
{
	return n + 64;
}
#else
REALTIMEFUNC int sized(int n)
{
	return n + 32;
}
#endif

REALTIMEFUNC int depth(int n)
{
#ifdef WIDE
	if (n > 100)
		return beyond(n);
	printf("wide ");
#else
	printf("narrow ");
#endif
	return n;
}

int main(int argc, char **argv)
{
	char line[256];

	rtf_start(argc > 1 ? argv[1] : NULL);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int n = (int)strcspn(line, "\n");
		int wide = width(n);
		printf("%d %d\n", depth(n), wide + sized(0) - sized(0));
		fflush(stdout);
	}
	return 0;
}
