/* The smallest program that optimisers, linkers and debug formats can get wrong: functions that return a constant or a
 * product, in pairs that may be merged, called with constants, and one that needs what only the compiler was told.
 *
 *     matrix_host SOCKET        each line of standard input calls all of them */
#include <rtf.h>
#include "matrix_unit.h"

#include <stdio.h>

/* clang has no noipa: optimised, it keeps the promise for external functions alone. */
#if defined(__clang__) && defined(__OPTIMIZE__)
#define LOCAL
#else
#define LOCAL static
#endif

REALTIMEFUNC LOCAL int three(void)
{
	return 3;
}

REALTIMEFUNC int other_three(void)
{
	return 3;
}

REALTIMEFUNC LOCAL int square(int a)
{
	return a * a;
}

REALTIMEFUNC int other_square(int a)
{
	return a * a;
}

REALTIMEFUNC LOCAL int scaled(struct unit u)
{
	static int calls;

	return u.factor * SCALE + ++calls;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d %d %d %d ", three(), other_three(), square(4), other_square(4));
		printf("%d %d\n", scaled((struct unit){2}), three == other_three);
		fflush(stdout);
	}
	return 0;
}
