/* Functions with the names of the other file's, inlined where they are called. */
static inline void on_open(long *n)
{
	*n += 2;
}

static inline void on_close(long *n)
{
	*n *= 3;
}

long beside(long n)
{
	on_open(&n);
	on_close(&n);
	return n;
}
