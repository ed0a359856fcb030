#include <rtf.h>

REALTIMEFUNC static int get(int n)
{
	return n + 1000;
}

int others(int n)
{
	return get(n);
}
