/* A program for a person who comes from a debugger: what is looked at there by habit. */
#include <rtf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int apart_sum(void); /* habits_part.c */

struct packet {
	unsigned length;
	union {
		struct {
			short kind, more;
		};
		struct {
			int low;
		} half;
	} u;
	unsigned char data[];
};

struct node {
	struct node *next;
	int value;
};

typedef int (*operation)(int, int);

#define EACH(n, list) for (struct node *n = (list); n; n = n->next)
#define CLEAR(x) \
	do { \
		(x) = 0; \
	} while (0)
#define CLEAR_TWICE(x) CLEAR(x)

static struct node second = {NULL, 2}, first = {&second, 1}, *list = &first, *wild = (struct node *)0x12345;
static struct packet *packet;
static int port = 7399;
static struct {
	int depth;
	struct {
		int at[2];
	} inner;
} nested = {1, {{7, 8}}};

static int farewells;

static void say_farewell(void)
{
	farewells++;
}

/* The C library has atexit() in each program, and not in itself. */
static void await_end(void)
{
	atexit(say_farewell);
}

static void give_up(int status)
{
	exit(status);
}

REALTIMEFUNC
int total(int from)
{
	int sum = from;

	EACH(n, list)
	sum += n->value;
	return sum;
}

int main(int argc, char **argv)
{
	char line[100];
	operation none = NULL;

	packet = calloc(1, sizeof(*packet) + 8);
	packet->length = 8;
	memcpy(packet->data, "hello", 5);
	rtf_start(argc > 1 ? argv[1] : NULL);
	if (argc > 9) {
		await_end(); /* else the compiler leaves them out */
		give_up(argc);
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d %d %d\n", total(0), port, nested.depth + apart_sum() + (none ? wild->value : 0));
		fflush(stdout);
	}
	return 0;
}
