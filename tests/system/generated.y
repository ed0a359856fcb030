%%
REALTIMEFUNC int times(int LENGTH)
{
	return n * 2;
}
