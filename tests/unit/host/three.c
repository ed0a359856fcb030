/* A decorated function in a library of its own. */
#include <rtf.h>

static volatile int base;

int three(void);

REALTIMEFUNC
int three(void)
{
	return base + 3;
}
