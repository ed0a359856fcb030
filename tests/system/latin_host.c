/* A program whose source is in Latin-1, as many old ones are: the test puts the byte 0xe9 wherever EACUTE stands.
 *
 *     latin_host SOCKET       each line of standard input is answered with a price */
#include <stdio.h>

#include <rtf.h>

#ifdef NAMED /* the file has that byte in its name, too */
#include "EACUTE.h"
#endif

#define LABEL "dEACUTEtail"

static const char *label = LABEL;

REALTIMEFUNC
static int price(int n)
{
	/* le prix de l'EACUTEtEACUTE */
	return n + 1;
}

REALTIMEFUNC
static int length(void)
{
	int n = 0;

	for (const char *c = "EACUTEtEACUTE"; *c; c++)
		n++;
	return n;
}

int main(int argc, char **argv)
{
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || rtf_start(argv[1]))
		return 1;
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		printf("%d %d %d\n", price(1), length(), label != NULL);
	return 0;
}
