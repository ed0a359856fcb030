/* As what yacc makes of generated.y: the function stands there, and its code here.
 *
 *     generated_host SOCKET     each line of standard input prints its length times what the function says */
#include <stdio.h>
#include <string.h>

#include <rtf.h>

/* clang-format off */
#line 2 "generated.y"
REALTIMEFUNC int times(int n)
{
	return n * 2;
}
#line 16 "generated_host.c"
/* clang-format on */

int main(int argc, char **argv)
{
	char line[256];

	rtf_start(argc > 1 ? argv[1] : NULL);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d\n", times((int)strcspn(line, "\n")));
		fflush(stdout);
	}
	return 0;
}
