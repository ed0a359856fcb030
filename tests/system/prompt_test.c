/* What is typed at a prompt: what could stand there, asked of a real engine. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static int start_host(void **state)
{
	(void)state;
	compiled_start(&host);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	child_stop(&host.program, COMPILED_DEADLINE_MS);
	child_directory_remove(compiled_path(&host, "rtf"));
	return 0;
}

/* --- completion ------------------------------------------------------------------------------------------------------ */

/* Completes at the line's end; the matches, the caller's. `start`: where they begin. */
static json_t *matches_of(struct wire *w, const char *line, size_t *start)
{
	json_t *request = json_pack("{s:i, s:{s:s, s:I}}", "id", 5, "complete", "line", line, "point",
				    (json_int_t)strlen(line));
	char *text = json_dumps(request, JSON_COMPACT);

	wire_send(w, text, strlen(text));
	wire_send(w, "\n", 1);
	free(text);
	json_decref(request);
	json_t *answer = wire_receive(w), *data = json_object_get(answer, "data");
	json_t *matches = json_incref(json_object_get(data, "matches"));
	*start = (size_t)json_integer_value(json_object_get(data, "start"));
	json_decref(answer);
	return matches;
}

static bool is_among(const json_t *matches, const char *word)
{
	size_t i;
	json_t *match;

	json_array_foreach((json_t *)matches, i, match)
		if (strcmp(json_string_value(match), word) == 0)
			return true;
	return false;
}

static void assert_completes(struct wire *w, const char *line, const char *word)
{
	size_t start;
	json_t *matches = matches_of(w, line, &start);

	if (!is_among(matches, word)) {
		char *text = json_dumps(matches, 0);
		fail_msg("%s is not completed with %s but with %.600s", line, word, text);
	}
	size_t typed = strlen(line) - start;
	assert_true(typed <= strlen(line));
	assert_memory_equal(line + start, word, typed);
	json_decref(matches);
}

static void assert_completes_not(struct wire *w, const char *line, const char *word)
{
	size_t start;
	json_t *matches = matches_of(w, line, &start);

	if (is_among(matches, word))
		fail_msg("%s is completed with %s", line, word);
	json_decref(matches);
}

static void commands_and_their_words_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "\\ro", "\\rollback");
	assert_completes(&w, "\\rollback sca", "scaled");
	assert_completes_not(&w, "\\rollback int_v", "int_value");
	assert_completes(&w, "\\help rol", "rollback");
	assert_completes(&w, "\\in loo", "look_host.c");
	assert_completes(&w, "\\p/x int_v", "int_value");
	assert_completes(&w, "\\x/2xb &int_v", "int_value");
	assert_completes(&w, "\\d int_v", "int_value");
	assert_completes(&w, "\\types poi", "point_t");
	assert_completes(&w, "\\types oute", "outer");
	assert_completes(&w, "\\probe scaled:70 outer.par", "parts");
	wire_close(&w);
}

static void names_of_every_kind_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "1 + int_v", "int_value");
	assert_completes(&w, "doub", "doubled");
	assert_completes(&w, "sca", "scaled");
	assert_completes(&w, "strn", "strncmp");
	assert_completes(&w, "BLU", "BLUE");
	assert_completes(&w, "EINV", "EINVAL");
	assert_completes(&w, "sizeof(poin", "point_t");
	assert_completes(&w, "uint8", "uint8_t");
	assert_completes(&w, "struct ou", "outer");
	assert_completes(&w, "union num", "number");
	assert_completes_not(&w, "struct num", "number");
	json_decref(wire_ask(&w, 1, "int session_value = 3"));
	assert_completes(&w, "session", "session_value");
	assert_completes(&w, "int f(int parameter)\n{\n\treturn para", "parameter");
	wire_close(&w);
}

static void members_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "outer.", "parts");
	assert_completes(&w, "outer.parts[1].", "letters");
	assert_completes(&w, "outer.parts[1].range.l", "low");
	assert_completes_not(&w, "outer.parts[1].range.l", "letters");
	assert_completes(&w, "outer.list->ne", "next");
	assert_completes(&w, "scaled(outer.list->va", "value");
	assert_completes(&w, "int f(const struct outer *o)\n{\n\tif (o->li", "list");
	assert_completes(&w, "{ struct point p; p.", "x");
	assert_completes(&w, "\\p/x outer.wei", "weight");
	json_decref(wire_ask(&w, 1, "struct mine { int first; } mine = {3}"));
	assert_completes(&w, "mine.", "first");
	json_decref(wire_ask(&w, 1, "outer.parts[0]"));
	assert_completes(&w, "$.", "range");
	assert_completes_not(&w, "nothing_like_it.", "parts");
	assert_completes_not(&w, "3.", "parts");
	wire_close(&w);
}

static void headers_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "#include <std", "stdio.h>");
	assert_completes(&w, "#include <std", "stddef.h>");
	assert_completes(&w, "#include <sy", "sys/");
	assert_completes(&w, "# include <sys/soc", "sys/socket.h>");
	assert_completes(&w, "#include \"look_o", "look_own.h\"");
	wire_close(&w);
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, start_host, stop_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(commands_and_their_words_are_completed),
		with_host(names_of_every_kind_are_completed),
		with_host(members_are_completed),
		with_host(headers_are_completed),
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"look_host.c"}, .flags = {"-w", "-O0"}});
	char *own = compiled_path(&host, "look_own.h");
	assert_true(child_write_file(own, "/* one of its own */\n"));
	free(own);
	int failed = cmocka_run_group_tests_name("system: prompt", tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
