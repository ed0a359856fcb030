/* What a call costs: calls [strict] SOCKET
 *
 * Each line of standard input, "NAME COUNT", makes that many calls of one of the functions below and prints
 * nanoseconds for one. Under callgrind the instructions of just these calls go into a dump of their own. */
#include <rtf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS
#endif

#ifdef __clang__
#define PLAIN __attribute__((noinline, weak))
#else
#define PLAIN __attribute__((noipa))
#endif

int plain(int n);
int decorated(int n);
unsigned mix_plain(unsigned rounds);
unsigned mix(unsigned rounds);

enum { CELLS = 1024 };

static unsigned cells[CELLS] = {1, 2, 3};
extern unsigned factor;
unsigned factor = 2654435761u; /* not static, or the compiler would take it for a constant */

PLAIN int plain(int n)
{
	return n + 1;
}

REALTIMEFUNC
int decorated(int n)
{
	return n + 1;
}

PLAIN unsigned mix_plain(unsigned rounds)
{
	unsigned sum = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < CELLS; i++) {
			cells[i] = cells[i] * factor + (cells[(i + 7) % CELLS] >> 5);
			sum += cells[i] ^ round;
		}
	}
	return sum;
}

REALTIMEFUNC
unsigned mix(unsigned rounds)
{
	unsigned sum = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < CELLS; i++) {
			cells[i] = cells[i] * factor + (cells[(i + 7) % CELLS] >> 5);
			sum += cells[i] ^ round;
		}
	}
	return sum;
}

static double clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* The two loops are spelled out: a call through a pointer would be another kind of call. */
static int call_plain(long count)
{
	int n = 0;

	for (long i = 0; i < count; i++)
		n = plain(n);
	return n;
}

static int call_decorated(long count)
{
	int n = 0;

	for (long i = 0; i < count; i++)
		n = decorated(n);
	return n;
}

static int call(const char *which, long count)
{
	if (!strcmp(which, "plain"))
		return call_plain(count);
	if (!strcmp(which, "decorated"))
		return call_decorated(count);
	return (int)(strcmp(which, "mix") ? mix_plain((unsigned)count) : mix((unsigned)count));
}

int main(int argc, char **argv)
{
	struct rtf_options options = {.socket_path = argv[argc - 1]};
	char line[256], which[32];
	long count;

	if (argc == 3 && strcmp(argv[1], "strict") == 0)
		options.strict = RTF_ON;
	else if (argc != 2)
		return 2;
	if (rtf_start_options(&options) < 0)
		return 2;
	printf("ready\n");
	fflush(stdout);

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%31s %ld", which, &count) != 2 || count <= 0)
			return 2;
		double begin = clock_ns();
		CALLGRIND_ZERO_STATS;
		int last = call(which, count);
		CALLGRIND_DUMP_STATS;
		double end = clock_ns();
		printf("%.4f %d\n", (end - begin) / (double)count, last);
		fflush(stdout);
	}
	return 0;
}
