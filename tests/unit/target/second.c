/* Has names in common with first.c, and other things behind them. */
#include "shapes.h"

void second(void);
int shared(int);
int folded(int);

struct same {
	long a, b;
};

static int counter = 22;
int elsewhere = 4;
extern int hidden_elsewhere;
__attribute__((visibility("hidden"))) int hidden_elsewhere = 4;
static struct same same;

enum { tick_line = __LINE__ + 1 };
static KEPT SLED int tick(int by)
{
	static int calls = 200;

	SAY_LOCAL("second", "tick", calls, 0);
	return counter -= by + calls++;
}

enum { shared_line = __LINE__ + 1 };
int KEPT SLED shared(int x)
{
	return x + counter;
}

int KEPT folded(int x)
{
	return x - 1;
}

void second(void)
{
	same.b = folded(1);
	elsewhere += tick(1) + shared(2);
	hidden_elsewhere++;
	SAY_VARIABLE("second", counter, "internal");
	SAY_VARIABLE("second", elsewhere, "global");
	SAY_FUNCTION("second", tick, "internal");
	SAY_FUNCTION("second", shared, "global");
	printf("find second folded %p 0 global\n", (void *)folded);
	SAY_SIZE("second", "struct", "same", struct same);
	SAY_MEMBER("second", "struct", "same", struct same, b);
}
