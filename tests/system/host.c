/* The program that the system tests change while it runs: a line on standard input calls a function of
 * that name, the result is a line on standard output.
 *
 *     host SOCKET    opens a console and says ready; without one the line `start PATH` may open it */
#include "host.h"

#include <rtf.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tax_percent = 20;
static int calls;
static int bias = 100;

REALTIMEFUNC
static double price(const struct order *o)
{
	calls++;
	return o->qty * o->unit * (100 + tax_percent) / 100.0;
}

REALTIMEFUNC
int add(int a, int b)
{
	return a + b;
}

REALTIMEFUNC
static int shifted(int n)
{
	return n + bias;
}

REALTIMEFUNC
static int ticks(void)
{
	static int n;

	return ++n;
}

REALTIMEFUNC
static long factorial(int n)
{
	return n < 2 ? 1 : n * factorial(n - 1);
}

REALTIMEFUNC
static int sum(int count, ...)
{
	va_list list;
	int total = 0;

	va_start(list, count);
	while (count-- > 0)
		total += va_arg(list, int);
	va_end(list);
	return total;
}

REALTIMEFUNC
static const char *greeting(void)
{
	return "hello";
}

TIMES(three, 3)

static int plain(int n)
{
	return n + 1;
}

/* --- calls from many threads -------------------------------------------------------------------------- */

REALTIMEFUNC
static int stamp(void)
{
	return 0;
}

enum { THREADS_MAX = 16 };

static atomic_int lowest, highest; /* versions that a call may belong to */
static atomic_int wrong, ending;
static atomic_long stamped;
static pthread_t threads[THREADS_MAX];
static int thread_count;

/* A call belongs to a version that was live at some moment of it, and never to one before the last call's. */
static void *stamp_often(void *unused)
{
	int last = 0;

	(void)unused;
	while (!atomic_load(&ending)) {
		int least = atomic_load(&lowest), got = stamp(), most = atomic_load(&highest);
		if (got < least || got > most || got < last)
			atomic_fetch_add(&wrong, 1);
		last = got;
		atomic_fetch_add(&stamped, 1);
	}
	return NULL;
}

static void threads_start(int count)
{
	for (thread_count = 0; thread_count < count && thread_count < THREADS_MAX; thread_count++)
		if (pthread_create(&threads[thread_count], NULL, stamp_often, NULL))
			break;
	printf("%d\n", thread_count);
}

static void threads_join(void)
{
	atomic_store(&ending, 1);
	for (int i = 0; i < thread_count; i++)
		pthread_join(threads[i], NULL);
	printf("%d wrong of %s\n", atomic_load(&wrong), atomic_load(&stamped) ? "many" : "none");
}

/* --- lines -------------------------------------------------------------------------------------------- */

static void print_price(double p)
{
	printf("%g after %d\n", p, calls);
}

static void print_two(int here, int there)
{
	printf("%d %d\n", here, there);
}

static void answer(const char *what, const char *rest)
{
	struct order o = {.name = "nut"};
	int a = 0, b = 0;

	if (!strcmp(what, "price") && sscanf(rest, "%d %lf", &o.qty, &o.unit) == 2)
		print_price(price(&o));
	else if (!strcmp(what, "add") && sscanf(rest, "%d %d", &a, &b) == 2)
		print_two(add(a, b), other_add(a, b));
	else if (!strcmp(what, "shifted") && sscanf(rest, "%d", &a) == 1)
		print_two(shifted(a), other_shifted(a));
	else if (!strcmp(what, "ticks"))
		printf("%d\n", ticks());
	else if (!strcmp(what, "factorial") && sscanf(rest, "%d", &a) == 1)
		printf("%ld\n", factorial(a));
	else if (!strcmp(what, "sum"))
		printf("%d\n", sum(3, 1, 2, 3));
	else if (!strcmp(what, "greeting"))
		printf("%s\n", greeting());
	else if (!strcmp(what, "three_times") && sscanf(rest, "%d", &a) == 1)
		printf("%d\n", three_times(a));
	else if (!strcmp(what, "plain") && sscanf(rest, "%d", &a) == 1)
		printf("%d\n", plain(a));
	else if (!strcmp(what, "pointer"))
		printf("%s\n", is_add(add) ? "same" : "different");
	else if (!strcmp(what, "stamp"))
		printf("%d\n", stamp());
	else if (!strcmp(what, "threads") && sscanf(rest, "%d", &a) == 1)
		threads_start(a);
	else if (!strcmp(what, "join"))
		threads_join();
	else if (!strcmp(what, "lowest") && sscanf(rest, "%d", &a) == 1)
		printf("%d\n", (atomic_store(&lowest, a), a));
	else if (!strcmp(what, "highest") && sscanf(rest, "%d", &a) == 1)
		printf("%d\n", (atomic_store(&highest, a), a));
	else if (!strcmp(what, "start"))
		printf("%d\n", rtf_start(rest));
	else if (!strcmp(what, "stop"))
		printf("%d\n", (rtf_stop(), 0));
	else
		printf("what is %s?\n", what);
}

int main(int argc, char **argv)
{
	char line[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	int failed = argc > 1 ? rtf_start(argv[1]) : 0;
	if (failed)
		printf("rtf_start: %d\n", failed);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		char *rest = line + strcspn(line, " ");
		if (*rest)
			*rest++ = '\0';
		answer(line, rest);
	}
	return 0;
}
