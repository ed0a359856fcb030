%%
REALTIMEFUNC int times(int n)
{
	return n * 2;
}
