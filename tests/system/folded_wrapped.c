/* Functions of the same code whose addresses are taken: gcc gives each an entry, and DWARF no code to one of them. Another file
 * has functions of the same names. */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

long beside(long n);

long calls; /* nothing built here writes to it */

static void on_open(void)
{
}

static void on_close(void)
{
}

static void (*const chosen[])(void) = {on_open, on_close};

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		chosen[atol(line) % 2]();
		printf("%ld %ld\n", calls, beside(atol(line)));
		fflush(stdout);
	}
	return 0;
}
