/* Functions that come from a header. */
static inline int twice(int n)
{
	return n * 2;
}

static inline int counted(int n)
{
	static int calls;

	return n + ++calls * 100;
}

static inline __attribute__((always_inline)) long forced(long n)
{
	return n << 1;
}
