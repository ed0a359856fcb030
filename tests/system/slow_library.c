/* A library that the loader does not come to an end with before somebody has written to the pipe called GATE: it is asked which
 * function `slow` is while its names are bound, when nothing of its own can be called yet. */
static long call(long number, const void *a, const void *b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static int slow_one(void)
{
	return 1;
}

static int (*choose(void))(void)
{
	enum { READ = 0, OPEN = 2 }; /* x86-64's numbers */
	static const char gate[] = GATE;
	char byte;

	call(READ, (const void *)call(OPEN, gate, 0, 0), &byte, 1);
	return slow_one;
}

int slow(void) __attribute__((ifunc("choose")));
int (*slow_taken)(void) = slow;
