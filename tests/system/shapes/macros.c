/* Functions and what they use out of macros. */
#include "shapes.h"

#include <assert.h>
#include <stdlib.h>

/* Their text is what the macro makes of them: the word EDIT would be gone. */
#define GETTER(type, name, value) \
	static type name##_value = value; \
	REALTIMEFUNC LOCAL type get_##name(void) \
	{ \
		return name##_value++; \
	}
GETTER(int, apples, 3)
GETTER(long, pears, 40)

#define FRUITS(X) X(APPLE, 3) X(PEAR, 5) X(PLUM, 8)
#define AS_ENUM(name, price) name,
#define AS_PRICE(name, price) [name] = price,
#define AS_CASE(name, price) \
	case name: \
		return #name;
enum fruit { FRUITS(AS_ENUM) FRUIT_COUNT };

static const int prices[] = {FRUITS(AS_PRICE)};

REALTIMEFUNC LOCAL long price(enum fruit fruit)
{
	return prices[fruit] * 10 + FRUIT_COUNT + EDIT;
}

REALTIMEFUNC LOCAL const char *name_of(enum fruit fruit)
{
	switch (fruit) {
		FRUITS(AS_CASE)
	default:
		return EDIT ? "edited" : "none";
	}
}

#define TYPE int
#define NAME ints
#define SCALE 2
#include "template.h"
#define TYPE double
#define NAME doubles
#define SCALE 3
#include "template.h"

static int first_hook(int n)
{
	return n + 1;
}

static int second_hook(int n)
{
	return n + 2;
}

/* Names that only a macro can put together. */
#define HOOK(which) which##_hook
#define CALL(which, n) HOOK(which)(n)
REALTIMEFUNC LOCAL long pasted(int n)
{
	return CALL(first, n) * 10 + CALL(second, n) + EDIT;
}

/* ... and that are macros, or are none. */
#define HAVE_FAST
#define CONFIG_NET 1
#define SPELLING(x) SPELLING_(x)
#define SPELLING_(x) "" #x
#define HAS(x) (sizeof(SPELLING(HAVE_##x)) == 1)
#define PLACEHOLDER_1 0,
#define SECOND(first, second, ...) second
#define IS_ENABLED(x) IS_ENABLED_(x)
#define IS_ENABLED_(value) IS_ENABLED__(PLACEHOLDER_##value)
#define IS_ENABLED__(placeholder) SECOND(placeholder 1, 0)
#define GLUE(a, b) GLUE_(a, b)
#define GLUE_(a, b) a##b
#define GLUED_TWICE 77
REALTIMEFUNC LOCAL long pasted_macros(void)
{
	return HAS(FAST) + HAS(SLOW) * 10 + IS_ENABLED(CONFIG_NET) * 100 + IS_ENABLED(CONFIG_USB) * 1000 +
	       GLUE(GLUE(GLU, ED), _TWICE) * 10000 + EDIT;
}

#define MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]) + 0 * sizeof(struct { int : sizeof(a) != sizeof(void *) ? 1 : 1; }))
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define COUNT(...) COUNT_(__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define COUNT_(a, b, c, d, e, n, ...) n
#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-__builtin_offsetof(type, member)))

struct node {
	int before;
	struct node *next;
};

REALTIMEFUNC LOCAL long used(int n)
{
#define LOCALLY (n * 3)
	struct node node = {n, NULL};
	int v[] = {1, 2, 3};
	long r = MAX(n, 4) + (long)ARRAY_SIZE(v) * 10 + (long)strlen(STRING(COUNT(x, y))) + COUNT(1, 2, 3) * 100;

#if defined(SHAPES_H) && !defined(NOT_DEFINED) && EDIT + 1
	r += LOCALLY + CONTAINER(&node.next, struct node, next)->before;
#else
#error "not this one"
#endif
#undef LOCALLY
	assert(n > 0 && "an assertion has the text of its expression");
	return r + EDIT;
}

#define LIMIT 10
static const int early_limit = LIMIT;

REALTIMEFUNC LOCAL long early(void)
{
	return LIMIT + early_limit * 100 + EDIT;
}

#undef LIMIT
#define LIMIT 20

REALTIMEFUNC LOCAL long late(void)
{
	return LIMIT + early_limit * 100 + EDIT;
}

#define BEGIN_FUNCTION REALTIMEFUNC LOCAL
#define RETURNS(type) type
BEGIN_FUNCTION RETURNS(long) dressed(int n) { return n * 2 + EDIT; }

REALTIMEFUNC LOCAL long one_line(int n) { return n * 3 + EDIT; } REALTIMEFUNC LOCAL long same_line(int n) { return n * 4 + EDIT; }

#define PROBES(X) \
	X(apples, get_apples()) \
	X(pears, get_pears()) \
	X(price, price(PEAR)) \
	X(name_of, strlen(name_of(PLUM)) * 10 + strlen(name_of(9))) \
	X(ints, total_ints((int[]){1, 2, 3}, 3)) \
	X(doubles, total_doubles((double[]){1.5, 2.5}, 2)) \
	X(pasted_macros, pasted_macros()) \
	X(pasted, pasted(5)) \
	X(used, used(6)) \
	X(early, early()) \
	X(late, late()) \
	X(dressed, dressed(4)) \
	X(one_line, one_line(4)) \
	X(same_line, same_line(4))

SHAPES_MAIN
