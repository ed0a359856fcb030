/* What a start costs: starts SOCKET, built with a console and with -DRTF_DISABLE
 *
 * Prints when main() was behind rtf_start(), in nanoseconds of the monotonic clock, and how long that took;
 * then it ends with its input. */
#include <rtf.h>
#include <stdio.h>
#include <time.h>

int answer(int n);

REALTIMEFUNC
int answer(int n)
{
	return n + 42;
}

static long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	char line[16];
	long long begin = clock_ns();
	int started = rtf_start(argc > 1 ? argv[1] : "");
	long long end = clock_ns();

	if (started < 0)
		return 2;
	printf("ready %lld %lld\n", end, end - begin);
	fflush(stdout);
	return !fgets(line, sizeof(line), stdin) && answer(0) == 0;
}
