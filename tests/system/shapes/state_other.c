#include "shapes.h"
#include "state.h"

static int hidden = 70;
__thread int theirs = 20;
long identity(long);

REALTIMEFUNC static long same_name(void)
{
	return hidden++ * 3 + EDIT;
}

long call_other_same_name(void)
{
	return same_name();
}

REALTIMEFUNC long other_counter(void)
{
	return shared_counter * 2 + EDIT;
}

KEPT int is_identity(long (*function)(long))
{
	return function == identity;
}
