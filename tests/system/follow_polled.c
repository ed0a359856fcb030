/* A program that takes new versions at its safe point: `answer N` calls a function, `poll N` is that point. */
#include <rtf.h>

#include <stdio.h>
#include <string.h>

REALTIMEFUNC
static int answer(int n)
{
	return n + 1;
}

int main(int argc, char **argv)
{
	char name[16];
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start_options(&(struct rtf_options){.socket_path = argv[1], .polled = 1});
	puts("ready");
	while (scanf("%15s %d", name, &n) == 2) {
		if (strcmp(name, "poll") == 0)
			rtf_poll();
		printf("%d\n", answer(n));
	}
	return 0;
}
