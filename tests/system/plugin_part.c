/* A plug-in. */
#include "rtf.h"

static long calls = 100;
static __thread long here = 7;

static long helper(long n)
{
	return n * 2;
}

REALTIMEFUNC static long counted(long n)
{
	return helper(n) + ++calls;
}

REALTIMEFUNC long plugin_answer(long n)
{
	return counted(n) * 10 + here;
}
