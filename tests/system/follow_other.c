/* The other file of the program that is followed. */
#include "follow.h"

#include <rtf.h>

REALTIMEFUNC
int other(int n)
{
	return n + 5;
}

REALTIMEFUNC
int other_deep(int n)
{
	return n - DEEP;
}

int less(int n)
{
	return n - 1;
}
