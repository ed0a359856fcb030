/* The other file: names that the first one has too. */
#include "host.h"

#include <rtf.h>

static int bias = 200;

int add(int a, int b);

REALTIMEFUNC
static int shifted(int n)
{
	return n + bias;
}

int other_shifted(int n)
{
	return shifted(n);
}

int other_add(int a, int b)
{
	return add(a, b);
}

int is_add(int (*function)(int a, int b))
{
	return function == add;
}
