/* The program whose files the tests save while it runs: a line `NAME N` on standard input calls the function of that
 * name, the result is a line on standard output. */
#include "follow.h"

#include <rtf.h>

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define FACTOR 3

static const int table[] = {10, 20, 30};
static int calls;
static int bias = 7;

static int helper(int n)
{
	return n + 100;
}

REALTIMEFUNC
static int scaled(int n)
{
	return n * FACTOR;
}

REALTIMEFUNC
static int moved(int n)
{
	return n + OFFSET;
}

REALTIMEFUNC
static int looked_up(int n)
{
	return table[n];
}

REALTIMEFUNC
static int helped(int n)
{
	return helper(n);
}

REALTIMEFUNC
static int doubled(int n)
{
	return twice(n);
}

REALTIMEFUNC
static int deep(int n)
{
	return n + DEEP;
}

REALTIMEFUNC
static int counted(int n)
{
	calls += n;
	return calls;
}

REALTIMEFUNC
static int biased(int n)
{
	return n + bias;
}

REALTIMEFUNC
static int line(int n)
{
	(void)n;
	return __LINE__;
}

REALTIMEFUNC
static int quantity(int n)
{
	struct item i = {n, 1.5};

	return i.quantity;
}

/* How many frames there are from here to the start of the program. */
static int count_frames(void)
{
	void *frames[64];

	return backtrace(frames, 64);
}

REALTIMEFUNC
static int framed(int n)
{
	return count_frames() + n;
}

static char word[8] = "word";
int less(int n);

REALTIMEFUNC
static int spelled(int n)
{
	static int last;

	memset(word, 'a' + n, sizeof(word) - 1);
	return last = less(word[0]);
}

static int plain(int n)
{
	return n - 1;
}

static int synced(int n)
{
	(void)n;
	return rtf_sync();
}

/* Picoseconds that a call takes. */
static int cost(int n)
{
	struct timespec begin, end;
	int sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < n; i++)
		sum += other(i);
	clock_gettime(CLOCK_MONOTONIC, &end);
	calls += sum & 0;
	return (int)(((end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) * 1000 / n);
}

static const struct {
	const char *name;
	int (*function)(int n);
} functions[] = {
	{"scaled", scaled},   {"moved", moved},     {"looked_up", looked_up}, {"helped", helped}, {"doubled", doubled},
	{"deep", deep},       {"counted", counted}, {"biased", biased},       {"line", line},     {"quantity", quantity},
	{"plain", plain},     {"other", other},     {"other_deep", other_deep}, {"synced", synced}, {"cost", cost},
	{"framed", framed},   {"spelled", spelled},
};

static void answer(const char *name, int n)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (strcmp(functions[i].name, name) != 0)
			continue;
		printf("%d\n", functions[i].function(n));
		return;
	}
	printf("what is %s?\n", name);
}

int main(int argc, char **argv)
{
	char text[256], name[64];
	int n;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* a test runs gdb beside us */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && rtf_start(argv[1]))
		puts("no console");
	puts("ready");
	while (fgets(text, sizeof(text), stdin))
		if (sscanf(text, "%63s %d", name, &n) == 2)
			answer(name, n);
	return 0;
}
