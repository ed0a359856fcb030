/* The other file of loose_host.c. */
int distant(int);

int other_sign(unsigned n)
{
	return n > 100 ? -1 : (int)n;
}
