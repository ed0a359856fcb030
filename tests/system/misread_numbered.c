/* Its lines have the numbers of others, as those of what generators write. */
#include <rtf.h>

#ifdef NEVER
int never(int n)
{
	return n;
}
#endif

#line 6 "misread_numbered.c"
REALTIMEFUNC int numbered(int n)
{
	return n;
}
