/* A part of the program that another file includes: functions, not declarations. */
#define PART 40

REALTIMEFUNC
static int parted(int n)
{
	return n + PART;
}
