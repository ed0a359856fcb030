/* One more file of loose_host.c, which that calls, while loose_other.c only declares what is in it. */
int distant(int);

int distant(small)
short small;
{
	return small + 1;
}
