#include <rtf.h>

#include <stddef.h>

typedef enum { RED, GREEN } colour_t;

struct inner {
	short weight;
	colour_t colour;
};

#pragma pack(push, 1)
struct tight {
	char c;
	int n;
};
#pragma pack(pop)

struct list {
	struct list *next;
	struct inner inner;
	struct tight tight;
	unsigned bits : 3, more : 8;
	colour_t colours[2];
	int (*weigh)(const struct list *);
};

REALTIMEFUNC int list_weight(const struct list *l)
{
	return l->inner.weight;
}

static struct list second = {NULL, {3, GREEN}, {'b', 5}, 1, 2, {RED, GREEN}, NULL};
static struct list first = {&second, {2, RED}, {'a', 4}, 3, 4, {GREEN, RED}, list_weight};

const struct list *list_first(void)
{
	return &first;
}
