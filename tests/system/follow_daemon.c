/* A program that becomes a daemon after it has opened its console. */
#include <rtf.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Arguments in every kind of register, which the call must get as they were. */
REALTIMEFUNC
static double answer(int a, double b, long c, float d, const char *e, double f, int g, long h, double i)
{
	return a + b + (double)c + d + (double)strlen(e) + f + g + (double)h + i;
}

int main(int argc, char **argv)
{
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start(argv[1]);
	if (daemon(0, 1))
		return 1;
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "pid") == 0)
			printf("%d\n", (int)getpid());
		else
			printf("%g\n", answer(1, 0.5, 2, 0.25f, "abc", 0.125, 4, 5, 100));
	}
	return 0;
}
