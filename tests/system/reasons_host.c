/* A program whose functions are hard to watch, save or define, for tests of the reasons that are given.
 *
 *     reasons_host SOCKET      each line of standard input is a number that faulty() is called with */
#include <rtf.h>

#include <stdio.h>
#include <stdlib.h>

struct hidden;
struct pair {
	struct {
		int a, b;
	} in;
	int c;
};

static struct pair pair = {{1, 2}, 3};
static struct hidden *nobody;
static int calls;

struct sized {
#ifdef EXTRA
	int extra;
#endif
	int n;
};

REALTIMEFUNC int size_up(const struct sized *s)
{
	return s->n;
}

#define MAKE(name) \
	REALTIMEFUNC int name(int n) \
	{ \
		return n + 1; \
	}
MAKE(made)

#define BODY \
	{ \
		return n + 3; \
	}
REALTIMEFUNC int bodied(int n) BODY

#define NAMED renamed
	REALTIMEFUNC int NAMED(int n)
{
	return n + 2;
}

REALTIMEFUNC int choosy(int a,
#if 1
			int b
#else
			long b
#endif
)
{
	return a + b;
}

REALTIMEFUNC void nothing(void)
{
}

REALTIMEFUNC int counted(int n)
{
	static int total;

	total += n;
	return total;
}

REALTIMEFUNC int paired(const struct pair *p)
{
	return p->in.a + p->c;
}

REALTIMEFUNC int total_of(int count, ...)
{
	return count;
}

REALTIMEFUNC int unnamed(int n, int)
{
	return n;
}

REALTIMEFUNC int faulty(int n)
{
	return n + 1;
}

#ifdef EXTRA
REALTIMEFUNC int only_with(int n)
{
	return n;
}
#else
int when_without(int);
#endif

REALTIMEFUNC int without(int n)
{
	return n;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		calls += made(1) + bodied(1) + renamed(1) + choosy(1, 2) + counted(1) + paired(&pair) +
			 (nobody != NULL);
		nothing();
		calls += total_of(2, 1, 2) + unnamed(1, 2);
		printf("%d\n", faulty(atoi(line)));
		fflush(stdout);
	}
	return 0;
}
