/* Thirty-two consoles at once: each traces, evaluates and redefines, and each gets its own answers and nobody else's. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONSOLES = 32, ROUNDS = 3 };

struct console {
	struct wire wire;
	int asked, traces;
};

static struct subject host;
static struct console consoles[CONSOLES];

static int start_host(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	for (int i = 0; i < CONSOLES; i++) {
		consoles[i] = (struct console){0};
		wire_open(&consoles[i].wire, host.socket);
	}
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	for (int i = 0; i < CONSOLES; i++)
		wire_close(&consoles[i].wire);
	compiled_assert_history_whole(&host);
	subject_fini(&host);
	return 0;
}

__attribute__((format(printf, 2, 3))) static void ask(int i, const char *format, ...)
{
	char text[300];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	wire_command(&consoles[i].wire, ++consoles[i].asked, text);
}

/* The answer to what it asked last, whose data is the caller's. Events on the way are of its own trace. */
static json_t *answer(int i)
{
	struct console *c = &consoles[i];

	for (json_t *object; (object = wire_receive(&c->wire)); json_decref(object)) {
		if (json_object_get(object, "event")) {
			json_t *args = json_object_get(object, "args");
			c->traces += args != NULL;
			continue;
		}
		if (json_integer_value(json_object_get(object, "id")) != c->asked)
			fail_msg("console %d got an answer to something else", i);
		if (!json_is_true(json_object_get(object, "ok")))
			fail_msg("console %d: %s", i, json_dumps(object, 0));
		json_t *data = json_incref(json_object_get(object, "data"));
		json_decref(object);
		return data;
	}
	fail_msg("the engine closed the connection of console %d", i);
	return NULL;
}

static void answered(int i)
{
	json_decref(answer(i));
}

static void assert_value(int i, int value)
{
	json_t *data = answer(i);

	assert_int_equal(json_integer_value(json_object_get(data, "value")), value);
	json_decref(data);
}

/* Every console has asked before the first answer is read. */
static void each_console_has_values_of_its_own(void)
{
	for (int i = 0; i < CONSOLES; i++)
		ask(i, "int mine = %d", i);
	for (int i = 0; i < CONSOLES; i++)
		answered(i);
	for (int i = 0; i < CONSOLES; i++)
		ask(i, "int twice(int n) { return n * 2 + mine; }");
	for (int i = 0; i < CONSOLES; i++)
		answered(i);
	for (int i = 0; i < CONSOLES; i++)
		ask(i, "twice(mine) + add(mine, 1000)");
	for (int i = 0; i < CONSOLES; i++)
		assert_value(i, 4 * i + 1000);
}

/* Each gets a version of its own, and one of them is live in the end. */
static void each_console_redefines(int round)
{
	static bool taken[CONSOLES * ROUNDS + 1];

	for (int i = 0; i < CONSOLES; i++)
		ask(i, "static int stamp(void) { return %d; }", round * CONSOLES + i);
	for (int i = 0; i < CONSOLES; i++) {
		json_t *data = answer(i), *row = json_array_get(data, 0);
		int version = (int)json_integer_value(json_object_get(row, "version"));
		assert_in_range(version, round * CONSOLES + 1, (round + 1) * CONSOLES);
		assert_false(taken[version]);
		taken[version] = true;
		json_decref(data);
	}
	int last = atoi(subject_ask(&host, "stamp"));
	assert_in_range(last, round * CONSOLES, (round + 1) * CONSOLES - 1);
}

/* Half of them watch one function and half another, as no function is watched more than sixteen times. */
static void each_console_traces(void)
{
	char line[40];

	for (int i = 0; i < CONSOLES; i++)
		ask(i, i % 2 ? "\\trace add if a == %d" : "\\trace factorial if n == %d", 100 + i);
	for (int i = 0; i < CONSOLES; i++)
		answered(i);
	for (int i = 1; i < CONSOLES; i += 2) {
		snprintf(line, sizeof(line), "add %d 1", 100 + i);
		subject_ask(&host, line);
	}
	for (int i = 1; i < CONSOLES; i += 2) {
		struct console *c = &consoles[i];
		while (c->traces < 2) { /* the host calls twice */
			json_t *event = wire_receive(&c->wire), *args = json_object_get(event, "args");
			assert_int_equal(json_integer_value(json_object_get(args, "a")), 100 + i);
			c->traces++;
			json_decref(event);
		}
	}
}

static void thirty_two_consoles_trace_evaluate_and_redefine(void **state)
{
	(void)state;
	each_console_has_values_of_its_own();
	each_console_traces();
	for (int round = 0; round < ROUNDS; round++) {
		each_console_redefines(round);
		for (int i = 0; i < CONSOLES; i++)
			ask(i, "twice(mine) * 10 + %d", round);
		for (int i = 0; i < CONSOLES; i++)
			assert_value(i, 30 * i + round);
	}
	for (int i = 0; i < CONSOLES; i++) {
		ask(i, "\\untrace *");
		answered(i);
		assert_int_equal(consoles[i].traces, i % 2 ? 2 : 0);
	}
	compiled_assert_live(&host, "stamp", CONSOLES * ROUNDS, CONSOLES * ROUNDS + 1, "live");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(thirty_two_consoles_trace_evaluate_and_redefine, start_host,
						stop_host),
	};

	return cmocka_run_group_tests_name("system: many consoles", tests, NULL, NULL);
}
