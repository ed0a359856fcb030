/* Tables by name: what is put is found by its bytes, once, however much there is. Want of memory: memory_test. */
#include "name_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 5000 };

struct item {
	struct named named;
	int value;
};

static void an_empty_table_has_nothing(void **state)
{
	struct name_table t = {0};

	(void)state;
	assert_false(name_table_has(&t, "a", 1));
	assert_null(name_table_find(&t, "", 0));
	assert_null(name_table_next(&t, NULL));
	name_table_fini(&t);
}

static void a_name_is_found_by_its_bytes_and_length(void **state)
{
	static const char text[] = "price prices";
	struct name_table t = {0};
	bool failed = false;

	(void)state;
	assert_true(name_table_add(&t, text, 5, &failed));
	assert_false(name_table_add(&t, text + 6, 5, &failed));
	assert_true(name_table_has(&t, "price", 5));
	assert_false(name_table_has(&t, text + 6, 6));
	assert_false(name_table_has(&t, "pric", 4));
	assert_true(name_table_add(&t, text + 6, 6, &failed));
	assert_int_equal(t.count, 2);
	assert_false(failed);
	name_table_fini(&t);
	assert_false(name_table_has(&t, "price", 5));
}

static void the_empty_name_is_a_name(void **state)
{
	struct name_table t = {.copies = true};

	(void)state;
	assert_non_null(name_table_put(&t, "", 0));
	assert_true(name_table_has(&t, "x", 0));
	name_table_fini(&t);
}

static void put_many(struct name_table *t)
{
	for (int i = 0; i < MANY; i++) {
		char name[16];
		struct item *item =
			name_table_put(t, name, (size_t)snprintf(name, sizeof(name), "name_%d", i));
		assert_non_null(item);
		assert_int_equal(item->value, 0);
		item->value = i + 1;
	}
}

static void items_keep_what_they_say_while_a_table_grows(void **state)
{
	struct name_table t = {.item_size = sizeof(struct item), .copies = true};

	(void)state;
	put_many(&t);
	assert_int_equal(t.count, MANY);
	for (int i = 0; i < MANY; i++) {
		char name[16];
		size_t length = (size_t)snprintf(name, sizeof(name), "name_%d", i);
		struct item *item = name_table_find(&t, name, length);
		assert_non_null(item);
		assert_string_equal(item->named.name, name);
		assert_int_equal(item->value, i + 1);
		assert_ptr_equal(name_table_put(&t, name, length), item);
	}
	assert_null(name_table_find(&t, "name_5000", 9));
	name_table_fini(&t);
}

static void each_item_is_gone_through_once(void **state)
{
	struct name_table t = {.item_size = sizeof(struct item), .copies = true};
	bool seen[MANY] = {false};
	int count = 0;

	(void)state;
	put_many(&t);
	for (struct item *item = NULL; (item = name_table_next(&t, item)); count++) {
		assert_false(seen[item->value - 1]);
		seen[item->value - 1] = true;
	}
	assert_int_equal(count, MANY);
	name_table_fini(&t);
}

static void a_table_is_used_again_after_its_end(void **state)
{
	struct name_table t = {.item_size = sizeof(struct item), .copies = true};

	(void)state;
	put_many(&t);
	name_table_fini(&t);
	assert_int_equal(t.count, 0);
	put_many(&t);
	assert_int_equal(t.count, MANY);
	name_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_nothing),
		cmocka_unit_test(a_name_is_found_by_its_bytes_and_length),
		cmocka_unit_test(the_empty_name_is_a_name),
		cmocka_unit_test(items_keep_what_they_say_while_a_table_grows),
		cmocka_unit_test(each_item_is_gone_through_once),
		cmocka_unit_test(a_table_is_used_again_after_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
