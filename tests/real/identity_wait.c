/* Linked with a program that has a main of its own: opens a console at $IDENTITY_SOCKET before main, prints
 * "ready", and lets the program go on when a line comes in. */
#include <rtf.h>
#include <stdio.h>
#include <stdlib.h>

static void __attribute__((constructor)) wait_for_a_line(void)
{
	const char *socket = getenv("IDENTITY_SOCKET");
	char line[16];

	if (!socket)
		return;
	if (rtf_start(socket) < 0)
		fprintf(stderr, "no console at %s\n", socket);
	printf("ready\n");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
}
