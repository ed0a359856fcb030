/* Structs that this file only mentions. Each line of standard input: what the function says of one. */
#include <rtf.h>

#include <stdio.h>

struct list;
struct never;

const struct list *list_first(void);
int list_weight(const struct list *);

static const struct list *volatile all;
static struct never *nobody = (struct never *)8;

REALTIMEFUNC int weigh(void)
{
	return list_weight(all) + (nobody != NULL);
}

int main(int argc, char **argv)
{
	char line[8];

	all = list_first();
	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d\n", weigh());
		fflush(stdout);
	}
	return 0;
}
