/* Expressions look into structs that the file at hand only mentions, as the file that defines them has them. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static void start_with(const char *compiler)
{
	const struct compiled_how how = {.compiler = compiler, .sources = {"opaque_host.c", "opaque_part.c",
							       "opaque_beside.c"}};

	compiled_init(&host, &how);
	compiled_start(&host);
}

static int start(void **state)
{
	(void)state;
	start_with(NULL);
	return 0;
}

static int start_clang(void **state)
{
	(void)state;
	start_with("clang");
	return 0;
}

static void what_a_pointer_points_to_is_shown(void **state)
{
	static const char *const said[][2] = {
		{"all->inner", "(const struct inner) {weight = 2, colour = RED}"},
		{"all->next->tight", "(struct tight) {c = 98 'b', n = 5}"},
		{"all[0].bits + all->more * 10", "(int) 43"},
		{"sizeof(*all)", "(unsigned long) 40"},
		{"*(struct list *)all->next", "colours = {RED, GREEN}"},
		{"all->weigh(all->next)", "(int) 3"},
		{"all->next->inner.colour == GREEN", "(int) 1"},
		{"all", "<first> -> {"},
		{"\\describe *all", "struct inner inner;"},
		{"((struct list *)all)->inner.weight = 70", "(short) 70"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		compiled_assert_says(&host, 0, said[i][0], said[i][1]);
	compiled_assert_answer(&host, "", "71");
}

static void it_is_so_in_a_chosen_file_too(void **state)
{
	(void)state;
	char *answer =
		compiled_console(&host, 0, NULL, "-c", "\\in opaque_host.c", "-c",
				 "const struct list *last = all->next", "-c", "last->inner.weight * 2", NULL);
	assert_non_null(strstr(answer, "(int) 6"));
	free(answer);
}

static void what_the_chosen_file_does_not_know_another_does(void **state)
{
	(void)state;
	char *answer = compiled_console(&host, 0, NULL, "-c", "\\in opaque_part.c", "-c", "nobody", "-c",
					"second.more", NULL);
	assert_non_null(strstr(answer, "(struct never *) 0x8"));
	assert_non_null(strstr(answer, "(unsigned int) 2"));
	free(answer);
}

/* Two files know the first name of each, and one of them the other. */
static void a_file_that_knows_all_names_is_taken(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0, "(colour_t)0 == painted", "(int) 0");
	compiled_assert_says(&host, 0, "(colour_t)0 == second.colours[0]", "(int) 1");
	char *answer =
		compiled_console(&host, 0, NULL, "-c", "colour_t *brush = &painted", "-c", "*brush = RED", "-c",
				 "colour_t *other = second.colours, last = other[1]", "-c", "last", NULL);
	assert_non_null(strstr(answer, "(colour_t) RED"));
	assert_non_null(strstr(answer, "(colour_t) GREEN"));
	free(answer);
}

static void what_nobody_defines_is_refused(void **state)
{
	(void)state;
	compiled_assert_refused(&host, "*nobody", "compile", "incomplete type 'struct never'");
	compiled_assert_says(&host, 0, "nobody", "(struct never *) 0x8");
}

/* Its source has another layout by now than the program has. */
static void another_layout_is_not_looked_through(void **state)
{
	(void)state;
	char *path = compiled_path(&host, "opaque_part.c"), *command;
	assert_true(asprintf(&command, "sed -i 's/short weight;/long long weight;/' '%s'", path) > 0);
	assert_int_equal(
		child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, COMPILED_DEADLINE_MS, NULL),
		0);
	free(command);
	free(path);
	for (int i = 0; i < 2; i++)
		compiled_assert_refused(&host, "all->inner.weight", "compile",
					"is laid out otherwise in the running program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_pointer_points_to_is_shown, start,
						compiled_group_fini),
		cmocka_unit_test_setup_teardown(what_a_pointer_points_to_is_shown, start_clang,
						compiled_group_fini),
		cmocka_unit_test_setup_teardown(it_is_so_in_a_chosen_file_too, start, compiled_group_fini),
		cmocka_unit_test_setup_teardown(what_the_chosen_file_does_not_know_another_does, start,
						compiled_group_fini),
		cmocka_unit_test_setup_teardown(a_file_that_knows_all_names_is_taken, start,
						compiled_group_fini),
		cmocka_unit_test_setup_teardown(what_nobody_defines_is_refused, start, compiled_group_fini),
		cmocka_unit_test_setup_teardown(another_layout_is_not_looked_through, start,
						compiled_group_fini),
	};

	return cmocka_run_group_tests_name("opaque", tests, NULL, NULL);
}
