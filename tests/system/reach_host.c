/* The program whose saves reach further than the text that they change: helpers behind helpers, constants, tables of
 * functions, parts in files that this one includes. A line `NAME N` calls the function of that name. */
#include <rtf.h>

#include <stdio.h>
#include <string.h>

enum { STEP = 1 };

struct span {
	int first, last;
};

const int primes[] = {2, 3, 5, 7};

static const struct {
	const char *unit;
	int factor;
} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};

static int innermost(int n)
{
	return n + 1;
}

static int middle(int n)
{
	return innermost(n) * 10;
}

static int outer(int n)
{
	return middle(n) + 3;
}

REALTIMEFUNC
static int chained(int n)
{
	return outer(n);
}

static int stepped_by(int n)
{
	return n + STEP;
}

REALTIMEFUNC
static int stepped(int n)
{
	return stepped_by(n);
}

static int minus(int n)
{
	return n - 100;
}

static int plus(int n)
{
	return n + 100;
}

static int (*const operations[])(int) = {minus, plus};

REALTIMEFUNC
static int operated(int n)
{
	return operations[1](n);
}

REALTIMEFUNC
static int prime(int n)
{
	return primes[n];
}

REALTIMEFUNC
static int in_units(int n)
{
	return units[n].factor + (int)strlen(units[n].unit);
}

REALTIMEFUNC
static int spanned(int n)
{
	struct span s = {.first = n, .last = 10};

	return s.last - s.first;
}

int open_to_all(int n);

int open_to_all(int n)
{
	return n - 5;
}

REALTIMEFUNC
static int opened(int n)
{
	return open_to_all(n);
}

static int through_an_entry(int n)
{
	return opened(n) * 2;
}

REALTIMEFUNC
static int apart(int n)
{
	return through_an_entry(n);
}

#include "reach_part.h"

static const struct {
	const char *name;
	int (*function)(int n);
} functions[] = {
	{"chained", chained}, {"stepped", stepped},         {"operated", operated}, {"prime", prime},
	{"opened", opened},   {"in_units", in_units},       {"apart", apart},       {"parted", parted},
	{"outer", outer},     {"open_to_all", open_to_all}, {"spanned", spanned},
};

int main(int argc, char **argv)
{
	char name[64];
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && rtf_start(argv[1]))
		puts("no console");
	puts("ready");
	while (scanf("%63s %d", name, &n) == 2)
		for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
			if (strcmp(functions[i].name, name) == 0)
				printf("%d\n", functions[i].function(n));
	return 0;
}
