/* Where the memory for new code goes: near a module that stands among neighbours. */
#include "agent/arena.h"
#include "agent/x86_64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define MIB     ((size_t)1 << 20)
#define AROUND  (4096 * MIB) /* more than a jump reaches */
#define GUARD   (16 * MIB)   /* what is to stay free */
#define MODULE  (2 * MIB)
#define PAGE    ((size_t)4096)
#define LOWEST  ((unsigned char *)(256 * MIB)) /* too near to zero for an arena below */

enum { CAPACITY = 100 };

static unsigned char *map(void *place, size_t size)
{
	void *got = mmap(place, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (place ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	assert_true(got != MAP_FAILED && (!place || got == place));
	return got;
}

/* A module with nothing else as far as a jump reaches. */
static unsigned char *module_alone(void)
{
	unsigned char *room = map(NULL, 2 * AROUND + MODULE);

	munmap(room, AROUND);
	munmap(room + AROUND + MODULE, AROUND);
	return room + AROUND;
}

static struct arena *arena_near(const unsigned char *module)
{
	const char *why = "";
	uintptr_t low = (uintptr_t)module, high = low + MODULE;
	struct arena *a = arena_new(low, high, CAPACITY, &why);

	if (!a)
		fail_msg("%s", why);
	uintptr_t begin = (uintptr_t)a->head, end = begin + a->size;
	assert_in_range((end > high ? end : high) - (begin < low ? begin : low), 0, REACH);
	return a;
}

/* Its slots, its code and its data are there to be used. */
static void assert_usable(const struct arena *a)
{
	a->slot[CAPACITY - 1] = a->built[CAPACITY - 1] = 1;
	a->data[0] = 1;
	assert_int_equal(*(volatile const unsigned char *)a->code, 0);
}

/* The last one made, given back; the program itself never does that. */
static void forget(struct arena *a, unsigned char *module)
{
	munmap(a->head, a->size);
	arena_count--;
	munmap(module, MODULE);
}

static void it_is_right_below_a_module_that_stands_alone(void **state)
{
	unsigned char *module = module_alone();
	struct arena *a = arena_near(module);

	(void)state;
	assert_ptr_equal(a->head + a->size, module - GUARD);
	assert_usable(a);
	munmap(map(module - GUARD, GUARD), GUARD); /* free, as before */
	munmap(map(a->head - GUARD, GUARD), GUARD);
	forget(a, module);
}

static void it_is_above_a_module_that_stands_low(void **state)
{
	unsigned char *module = map(LOWEST, MODULE);
	struct arena *a = arena_near(module);

	(void)state;
	assert_true(a->head >= module + MODULE + GUARD); /* what grows behind the module has room */
	assert_usable(a);
	forget(a, module);
}

static void a_neighbour_keeps_its_place_and_what_it_needs_around_it(void **state)
{
	unsigned char *module = module_alone(), *neighbour = map(module - 3 * MIB, MIB);

	(void)state;
	memset(neighbour, 1, MIB);
	struct arena *a = arena_near(module);
	assert_true(a->head + a->size <= neighbour - GUARD || a->head >= module + MODULE + GUARD);
	assert_int_equal(neighbour[0] + neighbour[MIB - 1], 2);
	assert_usable(a);
	munmap(neighbour, MIB);
	forget(a, module);
}

/* One that stands alone but for a page where the arena would begin. */
static void a_page_in_the_way_is_gone_around(void **state)
{
	unsigned char *module = module_alone(), *page = map(module - 100 * MIB, PAGE);

	(void)state;
	*page = 7;
	struct arena *a = arena_near(module);
	assert_true(a->head + a->size + GUARD <= page || a->head >= page + PAGE + GUARD);
	assert_int_equal(*page, 7);
	munmap(page, PAGE);
	forget(a, module);
}

static void where_nothing_is_free_it_is_said(void **state)
{
	unsigned char *room = map(NULL, 2 * AROUND + MODULE), *module = room + AROUND;
	const char *why = NULL;

	(void)state;
	assert_null(arena_new((uintptr_t)module, (uintptr_t)module + MODULE, CAPACITY, &why));
	assert_string_equal(why, "no free address space near it");
	munmap(room, 2 * AROUND + MODULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_right_below_a_module_that_stands_alone),
		cmocka_unit_test(it_is_above_a_module_that_stands_low),
		cmocka_unit_test(a_neighbour_keeps_its_place_and_what_it_needs_around_it),
		cmocka_unit_test(a_page_in_the_way_is_gone_around),
		cmocka_unit_test(where_nothing_is_free_it_is_said),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
