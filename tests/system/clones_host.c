/* Functions of which an optimiser that sees every caller keeps changed copies: without an argument (.isra), for one value of
 * it (.constprop), in two halves (.part, .cold). Who calls them is decorated.
 *
 *     clones_host SOCKET       each line of standard input calls them all */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wide {
	int used;
	char room[200];
};

volatile int factor = 1;

/* Of the structure one member: .isra */
static __attribute__((noinline)) int scalar(const struct wide *w)
{
	int n = 0;

	for (int i = 0; i < w->used; i++)
		n += factor * i + (n >> 3);
	return n;
}

/* Of the modes one: .constprop */
static __attribute__((noinline)) int constant(const char *text, int mode)
{
	int n = 0;

	for (const char *at = text; *at; at++)
		n += mode == 3 ? *at * factor : mode * 2;
	return n + (mode > 4 ? (int)strlen(text) : mode);
}

/* A quick way out, and the rest: .part */
static int parted(int n)
{
	if (n < 2)
		return factor;
	char text[64];
	snprintf(text, sizeof(text), "%d%d%d", n, n * factor, n + factor);
	for (char *c = text; *c; c++)
		n += *c ^ factor;
	return n;
}

static __attribute__((noinline, cold)) int complain(int n)
{
	fprintf(stderr, "%d\n", n);
	abort();
}

/* What hardly ever happens: .cold */
static __attribute__((noinline)) int chilled(int n)
{
	if (__builtin_expect(n > 1000, 0)) {
		complain(n);
		fprintf(stderr, "%d is too much\n", n);
		return complain(n + factor);
	}
	return n * factor + 1;
}

REALTIMEFUNC int calls_scalar(int n)
{
	struct wide w = {.used = n};

	return scalar(&w) + scalar(&(struct wide){.used = factor});
}

REALTIMEFUNC int calls_constant(const char *text)
{
	return constant(text, 3) + constant(text + 1, 3);
}

REALTIMEFUNC int calls_parted(int n)
{
	return parted(n) + parted(n + 1);
}

REALTIMEFUNC int calls_parted_too(int n)
{
	return parted(n + 5) * 2;
}

REALTIMEFUNC int calls_chilled(int n)
{
	return chilled(n);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d %d %d %d %d\n", calls_scalar(5), calls_constant("ab"), calls_parted(1),
		       calls_parted_too(3), calls_chilled(4));
		fflush(stdout);
	}
	return 0;
}
