#include <rtf.h>

REALTIMEFUNC static int get(int n)
{
	return n + 1000;
}

int others(int n)
{
	return get(n);
}

REALTIMEFUNC int level(int n)
{
	return n;
}

REALTIMEFUNC int twice(int n)
{
	return n + 1000 + level(n);
}

REALTIMEFUNC int spare(int n)
{
	return twice(n);
}
