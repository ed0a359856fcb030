/* Types and the words of a fixture: a program that says about itself what a target should find out.
 *
 * One line a fact, "function first tick 0x55... 17 internal"; the last line is "ready". */
#ifndef SHAPES_H
#define SHAPES_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang__
#define KEPT __attribute__((noinline, used))
#else
#define KEPT __attribute__((noipa, used))
#endif
#define SLED __attribute__((patchable_function_entry(16, 0)))
#define HELD __attribute__((used))

struct point {
	int x, y;
};

struct __attribute__((packed)) packed {
	char tag;
	int value;
	short tail;
};

struct bits {
	unsigned a : 3;
	int b : 5;
	unsigned : 0;
	unsigned long c : 40;
	unsigned d : 1;
	char e;
	unsigned f : 9;
};

union either {
	int i;
	double d;
	char text[12];
};

struct nested {
	int kind;
	union {
		struct {
			short lo, hi;
		};
		long both;
	};
	struct point at[3];
	struct {
		int last;
	} named;
};

struct tailed {
	int n;
	char text[];
};

enum level { LOW = -5, MID = 200, HIGH = 70000 };
enum wide { WIDE = 0x123456789aLL, BELOW = -0x123456789aLL };
enum plain { BYTE = 255, LARGE = 3000000000u };

typedef struct nested nested_t;
typedef nested_t const nested_again;
typedef struct {
	int only;
	long unnamed;
} anonymous_t;
typedef unsigned long number_t;
struct opaque;
typedef struct opaque opaque_t;

/* Where the lowest of a field's bits is, and how many: what memory shows once they are all ones. */
static inline void say_bits(const char *unit, const char *type, const char *member, const void *ones,
			    size_t size)
{
	const unsigned char *byte = ones;
	size_t at = 0, width = 0;

	while (!(byte[at / 8] >> at % 8 & 1))
		at++;
	while (at + width < size * 8 && byte[(at + width) / 8] >> (at + width) % 8 & 1)
		width++;
	printf("member %s struct %s %s %zu %zu\n", unit, type, member, at, width);
}

#define SAY_SIZE(unit, keyword, name, type) printf("size %s " keyword " " name " %zu\n", unit, sizeof(type))
#define SAY_MEMBER(unit, keyword, name, type, member) \
	printf("member %s " keyword " " name " " #member " %zu 0\n", unit, offsetof(type, member) * 8)
#define SAY_BITS(unit, tag, member)                                 \
	do {                                                        \
		struct tag ones;                                    \
		memset(&ones, 0, sizeof(ones));                     \
		ones.member = -1;                                   \
		say_bits(unit, #tag, #member, &ones, sizeof(ones)); \
	} while (0)
#define SAY_CONSTANT(unit, name) printf("constant %s " #name " %lld\n", unit, (long long)name)
#define SAY_VARIABLE(unit, name, how) \
	printf("find %s " #name " %p %zu " how "\n", unit, (void *)&name, sizeof(name))
#define SAY_BOUND(unit, name) printf("bound %s " #name " %zu\n", unit, sizeof(name) / sizeof(*name))
#define SAY_FUNCTION(unit, name, how) \
	printf("function %s " #name " %p %d " how "\n", unit, (void *)name, (int)name##_line)
#define SAY_LOCAL(unit, function, name, nth) \
	printf("local %s " function " " #name " %d %p\n", unit, nth, (void *)&name)

static inline void *thread_pointer(void)
{
	void *pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

#define SAY_THREAD(unit, name) \
	printf("thread %s " #name " %td\n", unit, (char *)&name - (char *)thread_pointer())

#endif
