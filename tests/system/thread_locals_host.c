/* A program with thread-local variables of many kinds, and things of the same names. Each line of standard input: what its
 * functions say in main and in a new thread. */
#include <rtf.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct s {
	int n;
	struct s *next;
	char text[8];
};

static __thread int n = 5;
__thread long table[4] = {1, 2, 3, 4};
static __thread struct s chain;
_Thread_local int (*callback)(int);
static __thread struct {
	int a, b;
} pair, other;
__thread volatile unsigned char small = 200;
extern __thread int elsewhere;

static int twice(int x)
{
	return x * 2;
}

REALTIMEFUNC int all(int x)
{
	struct s *p = &chain, local = {.n = x};
	int sizes[sizeof(table) / sizeof(table[0]) + 1];

	n += x;
	table[x & 3]++;
	chain.n = n;
	p->next = p;
	strcpy(chain.text, "abc");
	if (!callback)
		callback = twice;
	pair.a = sizeof chain + sizeof(table) + sizeof n + sizeof(sizes);
	pair.b++;
	other = pair;
	small += 100;
	return n + (int)table[x & 3] + chain.next->n + callback(x) + local.n + pair.a + other.b + small +
	       elsewhere++ + chain.text[1];
}

REALTIMEFUNC int shadow(int n)
{
	struct s s = {.n = n};

	{
		int table = 3;
		n += table;
	}
	return s.n + n;
}

static void *run(void *unused)
{
	int first = all(1), second = shadow(4);

	printf("%d %d", first, second);
	return unused;
}

int main(int argc, char **argv)
{
	char line[8];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		pthread_t thread;
		run(NULL);
		printf(", ");
		fflush(stdout);
		if (pthread_create(&thread, NULL, run, NULL) || pthread_join(thread, NULL))
			return 1;
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
