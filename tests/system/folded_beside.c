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

/* Where others may take its place gcc has it call itself by another name, sunk.localalias. */
long sunk(long *a, long n)
{
	if (n <= 1)
		return *a += n;
	sunk(a, n / 2);
	*a += n * 3;
	sunk(a, n - n / 2);
	*a ^= n;
	return sunk(a, n / 4);
}
