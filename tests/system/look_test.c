/* Looking at a program and trying things in it, at a real console of a real program; gdb says what values look like. */
#include "compiled.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct subject host;

/* --- small things ---------------------------------------------------------------------------------------------------- */

/* The answer's data; it must be ok. The caller's. */
static json_t *data_of(struct wire *w, const char *command)
{
	json_t *answer = wire_ask(w, 1, command);

	if (!json_is_true(json_object_get(answer, "ok"))) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s: %.600s", command, text);
	}
	json_t *data = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	return data;
}

static void assert_text(struct wire *w, const char *expression, const char *text)
{
	json_t *data = data_of(w, expression);
	const char *got = json_string_value(json_object_get(data, "text"));

	if (!got || strcmp(got, text) != 0)
		fail_msg("%s is %s, not %s", expression, got ? got : "nothing", text);
	json_decref(data);
}

/* A command that must fail in that class; its error object, the caller's. */
static json_t *error_of(struct wire *w, const char *command, const char *class)
{
	json_t *answer = wire_ask(w, 2, command), *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "class"));

	if (!got || strcmp(got, class) != 0) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s is no error of class %s: %.600s", command, class, text);
	}
	json_incref(error);
	json_decref(answer);
	return error;
}

static void assert_error(struct wire *w, const char *command, const char *class, const char *part)
{
	json_t *error = error_of(w, command, class);
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!message || !strstr(message, part))
		fail_msg("%s: \"%s\" is not in \"%s\"", command, part, message ? message : "");
	json_decref(error);
}

static void assert_host_says(const char *line, const char *answer)
{
	assert_string_equal(subject_ask(&host, line), answer);
}

/* --- gdb as the oracle --------------------------------------------------------------------------------------------------- */

static const char *const expressions[] = {
	"letter",
	"small_negative",
	"byte",
	"short_value",
	"ushort_value",
	"int_value",
	"uint_value",
	"long_value",
	"ulong_value",
	"llong_value",
	"ullong_value",
	"float_value",
	"double_value",
	"ldouble_value",
	"tiny",
	"huge",
	"negative_zero",
	"infinite",
	"not_a_number",
	"yes",
	"no",
	"color",
	"odd_color",
	"some",
	"none",
	"unknown_flags",
	"sign",
	"far_sign",
	"int8_value",
	"uint8_value",
	"int16_value",
	"uint16_value",
	"int32_value",
	"uint32_value",
	"int64_value",
	"uint64_value",
	"size_value",
	"wide_letter",
	"letter16",
	"letter32",
	"complex_float",
	"complex_double",
	"big",
	"ubig",
	"vector",
	"constant",
	"changing",
	"alias",
	"text",
	"full",
	"empty",
	"escaped",
	"repeated",
	"octets",
	"wide_text",
	"text16",
	"text32",
	"numbers",
	"zeros",
	"mixed",
	"many",
	"reals",
	"floats",
	"ldoubles",
	"truths",
	"colors",
	"grid",
	"cube",
	"lines",
	"points",
	"same_points",
	"point",
	"other_point",
	"number",
	"bits",
	"packed",
	"third",
	"second",
	"outer",
	"nameless",
	"int_pointer",
	"string",
	"null_string",
	"wild_string",
	"void_pointer",
	"null_pointer",
	"point_pointer",
	"wild_node",
	"function",
	"functions",
	"row_pointer",
	"words",
	"word_pointer",
	"pointer_pointer",
	"nodes",
	"atomic_value",
	"numbers[2]",
	"numbers[1] + 3",
	"point.x",
	"&point",
	"&point.y",
	"&numbers",
	"&numbers[1]",
	"*point_pointer",
	"first.next->value",
	"outer.parts[1].at",
	"outer.act",
	"grid[1]",
	"(char)65",
	"(short)-1",
	"sizeof(struct outer)",
	"int_value * 2.5",
	"1 == 1",
	"int_value < 0",
	"(float)1 / 3",
	"-uint_value",
	"!int_value",
	"~byte",
	"doubled",
	"*function",
	"bits.a",
	"bits.e",
	"bits.d",
	"color == GREEN",
	"(enum flags)6",
	"points[1].x + points[1].y",
	"sizeof(numbers) / sizeof(numbers[0])",
	"outer.name",
	"*words",
	"words[3][1]",
	"tail->count",
	"outer.mode",
	"&outer.parts[1]",
	"ring.value",
};

/* What gdb prints for each of them in a process of its own, one a line. */
static void ask_gdb(char **output)
{
	char *script = compiled_path(&host, "gdb.in"), *program = compiled_path(&host, "host"), *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	fputs("set pagination off\nset width 0\nset debuginfod enabled off\nset host-charset UTF-8\nset "
	      "target-charset UTF-8\n"
	      "set confirm off\nbreak stop_here\nrun\nup\n",
	      f);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++)
		fprintf(f, "echo @@%zu \\n\nprint %s\n", i, expressions[i]);
	fputs("kill\nquit\n", f);
	fclose(f);
	assert_true(child_write_file(script, text));
	const char *argv[] = {"gdb", "-nx", "-batch", "-x", script, program, NULL};
	child_run(argv, NULL, COMPILED_DEADLINE_MS, output);
	free(text);
	free(script);
	free(program);
}

/* gdb's answer to expression `i`, without its number; malloc'ed. */
static char *gdb_value(const char *output, size_t i)
{
	char mark[32];

	snprintf(mark, sizeof(mark), "@@%zu \n", i);
	const char *at = strstr(output, mark);
	const char *equals = at ? strstr(at, " = ") : NULL;
	if (!equals)
		fail_msg("gdb says nothing of %s: %.500s", expressions[i], at ? at : output);
	return strndup(equals + 3, strcspn(equals + 3, "\n"));
}

/* Past `(struct point *) ` and the like, which gdb puts before a pointer. */
static const char *behind_type(const char *text)
{
	const char *hex = strstr(text, ") 0x");
	unsigned depth = 0;

	if (*text != '(' || !hex)
		return text;
	for (const char *at = text; at <= hex; at++) {
		depth += *at == '(';
		depth -= *at == ')';
		if (*at == ')' && depth == 0)
			return at == hex ? hex + 2 : text;
	}
	return text;
}

static bool is_address(const char *at)
{
	return at[0] == '0' && at[1] == 'x' && strspn(at + 2, "0123456789abcdef") > 6;
}

static bool is_number(const char *begin, const char *at)
{
	bool inside_word = at > begin && (isalnum((unsigned char)at[-1]) || at[-1] == '_' || at[-1] == '\\');

	return isdigit((unsigned char)*at) && !inside_word;
}

/* The same but for addresses, which differ between two processes, and for how many digits a number has. */
static bool same_value(const char *gdb, const char *ours)
{
	const char *a = gdb, *b = ours;

	while (*a || *b) {
		char *behind_a, *behind_b;
		if (is_address(a) && is_address(b)) {
			a += 2 + strspn(a + 2, "0123456789abcdef");
			b += 2 + strspn(b + 2, "0123456789abcdef");
		} else if (is_number(gdb, a) && is_number(ours, b)) {
			double x = strtod(a, &behind_a), y = strtod(b, &behind_b);
			bool whole = strspn(a, "0123456789") == (size_t)(behind_a - a);
			bool alike =
				behind_a - a == behind_b - b && strncmp(a, b, (size_t)(behind_a - a)) == 0;
			if (!alike && (whole || (x != y && (float)x != (float)y)))
				return false;
			a = behind_a;
			b = behind_b;
		} else if (strncmp(a, "nan(", 4) == 0 && strncmp(b, "nan", 3) == 0) {
			a = strchr(a, ')') + 1;
			b += 3;
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return true;
}

static void values_are_printed_as_gdb_prints_them(void **state)
{
	char *output;
	size_t count = sizeof(expressions) / sizeof(*expressions), wrong = 0, kinds = 0;
	json_t *types = json_object();
	struct wire w;

	(void)state;
	ask_gdb(&output);
	wire_open(&w, host.socket);
	for (size_t i = 0; i < count; i++) {
		char command[256], *gdb = gdb_value(output, i);
		snprintf(command, sizeof(command), "\\print -depth 0 %s", expressions[i]);
		json_t *data = data_of(&w, command);
		const char *ours = json_string_value(json_object_get(data, "text"));
		json_object_set_new(types, json_string_value(json_object_get(data, "type")), json_true());
		if (!same_value(behind_type(gdb), ours)) {
			print_error("%s\n  gdb  %s\n  ours %s\n", expressions[i], gdb, ours);
			wrong++;
		}
		json_decref(data);
		free(gdb);
	}
	kinds = json_object_size(types);
	print_message("%zu values of %zu types\n", count, kinds);
	assert_int_equal(wrong, 0);
	assert_true(count >= 100 && kinds >= 40);
	json_decref(types);
	wire_close(&w);
	free(output);
}

/* --- expressions --------------------------------------------------------------------------------------------------------- */

static void an_expression_has_type_text_value_and_name(void **state)
{
	json_t *data;
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	data = data_of(&w, "point");
	assert_string_equal(json_string_value(json_object_get(data, "type")), "struct point");
	assert_string_equal(json_string_value(json_object_get(data, "name")), "$1");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "value"), "y")), -4);
	json_decref(data);
	assert_text(&w, "log", "{x = 8, y = 9}");
	assert_text(&w, "exp", "1.5");
	data = data_of(&w, "string");
	assert_string_equal(json_string_value(json_object_get(data, "value")), "a string");
	json_decref(data);
	data = data_of(&w, "double_value");
	assert_true(json_real_value(json_object_get(data, "value")) == 3.14159265358979);
	json_decref(data);
	data = data_of(&w, "null_pointer");
	assert_true(json_is_null(json_object_get(data, "value")));
	json_decref(data);
	data = data_of(&w, "numbers");
	assert_int_equal(json_array_size(json_object_get(data, "value")), 5);
	json_decref(data);
	data = data_of(&w, "outer");
	json_t *value = json_object_get(data, "value");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(json_object_get(value, "parts"), 1), "id")),
		66);
	assert_string_equal(json_string_value(json_object_get(value, "name")), "outer");
	json_decref(data);
	wire_close(&w);
}

static void a_pointer_shows_what_it_points_to_and_how_deep_is_said(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *data = data_of(&w, "&second");
	assert_non_null(
		strstr(json_string_value(json_object_get(data, "text")), " -> {value = 2, next = 0x"));
	json_decref(data);
	data = data_of(&w, "\\print -depth 5 &first");
	assert_non_null(
		strstr(json_string_value(json_object_get(data, "text")), "-> {value = 3, next = 0x0}}}"));
	json_decref(data);
	data = data_of(&w, "\\print -depth 50 &ring");
	assert_non_null(strstr(json_string_value(json_object_get(data, "text")), "<shown above>"));
	json_decref(data);
	data = data_of(&w, "wild_node");
	assert_non_null(
		strstr(json_string_value(json_object_get(data, "text")), "<cannot access memory at 0x10>"));
	json_decref(data);
	wire_close(&w);
}

static void assert_values(struct wire *w, const char *command, const char *values)
{
	json_t *data = data_of(w, command);
	char *got = json_dumps(json_object_get(data, "values"), 0);

	assert_string_equal(got, values);
	free(got);
	json_decref(data);
}

static void memory_is_gone_through(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_error(&w, "\\x", "usage", "usage");
	assert_values(&w, "\\x/2dw &numbers", "[\"1\", \"2\"]");
	assert_values(&w, "\\x", "[\"3\"]");
	assert_values(&w, "\\x/2x", "[\"0x00000004\", \"0x00000005\"]");
	assert_values(&w, "\\x/3ob &octets", "[\"01\", \"02\", \"0377\"]");
	assert_values(&w, "\\x/s string", "[\"a string\"]");
	assert_error(&w, "\\x/3i main", "usage", "disassemble");
	assert_error(&w, "\\x &numbers[0]@2", "usage", "\\x/2 &numbers[0]");
	wire_close(&w);
}

/* As gdb 13 has them: bits of floating-point numbers, and floating-point numbers of bits. */
static void formats_are_those_of_gdb(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "\\p/x double_value", "0x400921fb54442d11");
	assert_text(&w, "\\p/d floats", "{{1065353216, 1073741824}, {1080033280, 1082654720}}");
	assert_text(&w, "\\p/t float_value", "111101110011001100110011001101");
	assert_text(&w, "\\p/z ldouble_value", "0x0000000000004000adf85458a2bb4a99");
	assert_text(&w, "\\p/c reals", "{0 '\\000', -1 '\\377', -1 '\\377'}");
	assert_text(&w, "\\p/a reals", "{0x0, 0xffffffffffffffff, 0x7fffffffffffffff}");
	assert_text(&w, "\\p/f 0x40490fdb", "3.1415927");
	assert_text(&w, "\\p/f 0x400921fb54442d11", "3.14159265358979");
	assert_text(&w, "\\p/f letter", "65");
	assert_text(&w, "\\p/f short_value", "-12345");
	assert_text(&w, "\\p/a small_negative", "0xffffffffffffff9c");
	assert_text(&w, "\\p/z big", "0x00000010000000000000000000003039");
	assert_text(&w, "(_Float16)-1.5", "-1.5");
	json_decref(data_of(&w, "wchar_t wide_one[] = L\"w\\u00e4h\""));
	assert_text(&w, "wide_one", "L\"w\303\244h\"");
	/* As literals too, and once more by the name that they got. */
	static const char *const literals[] = {"L\"abc\"", "u\"w\303\244h\"", "U\"abc\""};
	for (size_t i = 0; i < sizeof(literals) / sizeof(*literals); i++) {
		assert_text(&w, literals[i], literals[i]);
		assert_text(&w, "$", literals[i]);
		assert_text(&w, "sizeof($) == sizeof(int)", "0");
	}
	assert_text(&w, "(L\"abc\")[1]", "98");
	wire_close(&w);
}

/* Whether the answer says that there is more, and of how many. */
static void assert_truncated(struct wire *w, const char *command, bool truncated, int count)
{
	json_t *data = data_of(w, command);

	if (json_is_true(json_object_get(data, "truncated")) != truncated ||
	    json_integer_value(json_object_get(data, "count")) != count)
		fail_msg("%s: %s", command, json_dumps(data, 0));
	json_decref(data);
}

static void json_says_that_there_is_more(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_truncated(&w, "many", true, 300);
	assert_truncated(&w, "numbers", false, 0);
	assert_truncated(&w, "\\print -from 2 numbers", true, 5);
	assert_truncated(&w, "\\print -elements 300 many", false, 0);
	assert_truncated(&w, "\\print -elements 1 outer", true, 0);
	assert_truncated(&w, "\\print -elements 3 string", true, 0);
	assert_truncated(&w, "string", false, 0);
	wire_close(&w);
}

static void long_output_is_cut_and_the_rest_can_be_seen(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "\\print -elements 3 numbers", "{1, 2, 3...}");
	assert_text(&w, "\\print -from 3 $", "{4, 5}");
	assert_text(&w, "\\print -repeats 0 -elements 4 mixed", "{1, 1, 1, 1...}");
	assert_text(&w, "\\print/x numbers", "{0x1, 0x2, 0x3, 0x4, 0x5}");
	assert_text(&w, "\\p/t 10", "1010");
	assert_text(&w, "numbers[1]@3", "{2, 3, 4}");
	assert_text(&w, "points@1", "{{{x = 1, y = 2}, {x = 3, y = 4}, {x = 0, y = 0}}}");
	assert_text(&w, "*point_pointer@1", "{{x = 3, y = -4}}");
	assert_text(&w, "int_value@1", "{-7}");
	assert_text(&w, "points[0].x@3", "{1, 2, 3}");
	assert_text(&w, "first.next->value@tail->count - 1", "{2}");
	assert_text(&w, "numbers[0]@numbers[2]", "{1, 2, 3}");
	assert_text(&w, "$[1] + $[2]", "5");
	assert_text(&w, "nameless.hidden@3", "{1, 2, 3}");
	assert_text(&w, "nameless@1", "{{hidden = 1, inside = {x = 2, y = 3}}}");
	assert_text(&w, "$[0].inside.x", "2");
	assert_error(&w, "bits.b@2", "usage", "no place in memory");
	assert_error(&w, "(1 + 2)@2", "usage", "no place in memory");
	assert_error(&w, "int_value@0", "usage", "a count is 1 or more");
	assert_error(&w, "int_value@1 << 30", "usage", "more bytes than");
	assert_error(&w, "doubled@2", "usage", "only a decorated function has versions");
	assert_error(&w, "scaled@built(1)", "usage", "scaled@0 is what was built");
	wire_close(&w);
}

static void values_have_names_and_those_are_expressions(void **state)
{
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	assert_text(&w, "point", "{x = 3, y = -4}");
	assert_text(&w, "$.x + $1.y", "-1");
	assert_text(&w, "$ * 2", "-2");
	assert_text(&w, "point.x = 30", "30");
	assert_text(&w, "$1", "{x = 3, y = -4}");
	assert_text(&w, "nameless", "{hidden = 1, inside = {x = 2, y = 3}}");
	assert_text(&w, "$.inside.y", "3");
	assert_error(&w, "$99", "unknown", "no value $99");
	assert_error(&other, "$", "unknown", "no value $");
	wire_close(&w);
	wire_close(&other);
}

static void session_variables_belong_to_their_console(void **state)
{
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	json_decref(data_of(&w, "struct point p = {.x = 3}, *q = &p"));
	assert_text(&w, "q->x + p.y", "3");
	json_decref(data_of(&other, "double p = 1.5"));
	assert_text(&other, "p * 2", "3");
	assert_text(&w, "moved(p, 4)", "{x = 7, y = 4}");
	json_decref(data_of(&w, "struct node n = {5, &n}"));
	assert_text(&w, "n.next == &n", "1");
	json_decref(data_of(&w, "int a[] = {1, 2, 3}"));
	assert_text(&w, "sizeof(a)", "12");
	json_decref(data_of(&w, "for (int i = 0; i < 3; i++)\n\ta[i] *= 2;"));
	assert_text(&w, "a", "{2, 4, 6}");
	json_decref(data_of(&w, "struct pair { int a, b; } pair = {1, 2}"));
	json_decref(data_of(&w, "typedef struct pair pair_t"));
	json_decref(data_of(&w, "pair_t pairs[2] = {{1, 2}, {3, 4}}"));
	assert_text(&w, "pairs[1].b + pair.b", "6");
	json_decref(data_of(&w, "int (*f)(int) = doubled"));
	assert_text(&w, "f(21)", "42");
	json_decref(data_of(&w, "\\forget p"));
	assert_error(&w, "p.x", "compile", "undeclared");
	assert_text(&w, "q->x", "3");
	wire_close(&w);
	wire_close(&other);
	/* The program may point to what a console that left has made. */
	assert_host_says("4", "40");
}

static void macros_and_includes_can_be_typed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "#define TWICE(x) ((x) * 2)"));
	assert_text(&w, "TWICE(int_value)", "-14");
	json_decref(data_of(&w, "#include <inttypes.h>"));
	assert_text(&w, "imaxabs(-5)", "5");
	assert_text(&w, "PRId64", "\"ld\"");
	assert_error(&w, "#include <no/such/header.h>", "compile", "no/such/header.h");
	assert_text(&w, "TWICE(4)", "8");
	wire_close(&w);
}

static void a_mistake_is_shown_where_it_is(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *error = error_of(&w, "int_value +\n nothing_like_it", "compile");
	json_t *d = json_array_get(json_object_get(error, "diagnostics"), 0);
	assert_int_equal(json_integer_value(json_object_get(d, "line")), 2);
	assert_int_equal(json_integer_value(json_object_get(d, "column")), 2);
	json_decref(error);
	assert_error(&w, "1); exit(3", "compile", "");
	assert_error(&w, "point + 1", "compile", "invalid operands");
	wire_close(&w);
}

/* --- versions -------------------------------------------------------------------------------------------------------------- */

static void any_version_can_be_called_and_compared(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(4)", "40");
	json_decref(data_of(&w, "int scaled(int n) { return n * 100; }"));
	assert_text(&w, "scaled(4)", "400");
	assert_text(&w, "scaled@0(4) + scaled@1(4)", "440");
	json_t *data = data_of(&w, "\\compare scaled 0 1 (4)"), *results = json_object_get(data, "results");
	assert_true(json_is_false(json_object_get(data, "same")));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 0), "value")), 40);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 1), "value")), 400);
	json_decref(data);
	json_decref(data_of(&w, "int scaled(int n) { return 7 / (n - 4); }"));
	data = error_of(&w, "\\compare scaled 1 2 (4)", "fault");
	json_decref(data);
	assert_error(&w, "scaled@9(1)", "unknown", "no version 9");
	json_decref(data_of(&w, "\\rollback scaled 0"));
	assert_host_says("4", "40");
	wire_close(&w);
}

/* --- faults ---------------------------------------------------------------------------------------------------------------- */

static void every_fault_is_contained(void **state)
{
	static const struct {
		const char *expression, *signal, *part;
	} faults[] = {
		{"through(0)", "SIGSEGV", "at address 0x0 in dereference (look_host.c:"},
		{"*(int *)8 = 3", "SIGSEGV", "address 0x8"},
		{"strlen((char *)16)", "SIGSEGV", "address 0x10"},
		{"((void (*)(void))0)()", "SIGSEGV", "address 0x0"},
		{"bus_error()", "SIGBUS", "SIGBUS"},
		{"divide(1, 0)", "SIGFPE", "division by zero"},
		{"illegal()", "SIGILL", "in illegal"},
		{"give_up()", "SIGABRT", "abort() was called"},
		{"recurse(1)", "SIGSEGV", "the stack was used up"},
		{"exit(3)", NULL, "exit(3) was called"},
		{"leave(4)", NULL, "exit(4) was called"},
		{"_exit(5)", NULL, "exit(5) was called"},
		{"pthread_exit(0)", NULL, "pthread_exit() was called"},
	};
	char before[256];
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(1)", "10");
	snprintf(before, sizeof(before), "%s", subject_ask(&host, "state"));
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
			json_t *error = error_of(&w, faults[i].expression, "fault");
			const char *message = json_string_value(json_object_get(error, "message"));
			const char *name = json_string_value(json_object_get(error, "signal"));
			if (!strstr(message, faults[i].part) ||
			    strcmp(name ? name : "", faults[i].signal ? faults[i].signal : ""))
				fail_msg("%s: %s", faults[i].expression, message);
			json_decref(error);
			assert_text(&w, "1 + 1", "2");
		}
	}
	assert_host_says("state", before);
	assert_host_says("4", "40");
	wire_close(&w);
}

static void a_fault_has_a_backtrace(void **state)
{
	static const char *const functions[] = {"dereference", "through", "this entry"};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *error = error_of(&w, "through(0)", "fault"), *frames = json_object_get(error, "backtrace");
	assert_int_equal(json_array_size(frames), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(json_string_value(json_object_get(json_array_get(frames, i), "function")),
				    functions[i]);
	json_decref(error);
	/* Through the C library, which has no frame pointers. */
	error = error_of(&w, "give_up()", "fault");
	frames = json_object_get(error, "backtrace");
	size_t i, found = 0;
	json_t *frame;
	json_array_foreach(frames, i, frame)
		found += strcmp(json_string_value(json_object_get(frame, "function")), "give_up") == 0;
	assert_int_equal(found, 1);
	json_decref(error);
	/* A live version is named with its number. */
	json_decref(data_of(&w, "int scaled(int n) { return *(volatile int *)(long)n; }"));
	error = error_of(&w, "scaled(8)", "fault");
	frame = json_array_get(json_object_get(error, "backtrace"), 0);
	assert_memory_equal(json_string_value(json_object_get(frame, "function")), "scaled@", 7);
	json_decref(error);
	json_decref(data_of(&w, "\\rollback scaled 0"));
	wire_close(&w);
}

static void a_fault_ends_a_script_with_status_4(void **state)
{
	(void)state;
	compiled_assert_says(&host, 4, "through(0)", "SIGSEGV at address 0x0");
	compiled_assert_says(&host, 4, "exit(3)", "only the evaluation ended");
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "loop()", NULL));
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "sleep(1000)", NULL));
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "loop_in_malloc()", NULL));
	compiled_assert_says(&host, 3, "nothing_like_it", "undeclared");
	compiled_assert_says(&host, 0, "scaled(2)", "$1 = (int) 20");
	assert_host_says("5", "50");
}

/* The engine goes on while one console's evaluation does not end, and the others' wait for their turn. */
static void an_endless_loop_is_its_console_alone(void **state)
{
	static const char interrupt[] = "{\"id\":8,\"interrupt\":7}\n";
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	wire_command(&w, 7, "loop()");
	json_decref(data_of(&other, "\\list"));
	json_decref(data_of(&other, "int scaled(int n) { return n * 11; }"));
	assert_host_says("4", "44");
	json_decref(data_of(&other, "\\rollback scaled 0"));
	wire_command(&other, 9, "scaled(3)");
	wire_send(&w, interrupt, sizeof(interrupt) - 1);
	json_t *answer = wire_receive(&w);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
			    "interrupted");
	json_decref(answer);
	answer = wire_receive(&other);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "data"), "value")), 30);
	json_decref(answer);
	wire_close(&w);
	wire_close(&other);
}

static void a_console_that_leaves_takes_its_evaluation_along(void **state)
{
	struct wire w;

	(void)state;
	for (int i = 0; i < 5; i++) {
		wire_open(&w, host.socket);
		wire_command(&w, 1, i % 2 ? "loop()" : "sleep(1000)");
		json_t *status = compiled_data(&host, "\\status");
		json_decref(status);
		wire_close(&w);
	}
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(6)", "60");
	wire_close(&w);
	assert_host_says("6", "60");
}

/* Where the program uses every signal there is none to interrupt with. */
static void a_console_closes_though_an_evaluation_cannot_be_ended(void **state)
{
	struct wire w;

	(void)state;
	assert_host_says("signals", "taken");
	wire_open(&w, host.socket);
	assert_text(&w, "1", "1");
	wire_command(&w, 7, "loop()");
	json_decref(compiled_data(&host, "\\status"));
	assert_host_says("stop", "stopped");
	assert_host_says("6", "60");
	wire_close(&w);
}

/* A fault of another thread is the program's own, also while an evaluation runs: its handler ends it. */
static void faults_of_other_threads_stay_the_programs(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "1", "1");
	wire_command(&w, 7, "loop()");
	json_decref(compiled_data(&host, "\\list"));
	assert_true(child_send(&host.program, "crash\n"));
	char line[64];
	assert_false(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	int status = child_stop(&host.program, COMPILED_DEADLINE_MS);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	wire_close(&w);
}

/* --- where it runs ------------------------------------------------------------------------------------------------------- */

static int start_polled(void **state)
{
	setenv("LOOK_POLLED", "1", 1);
	compiled_each_start(state);
	unsetenv("LOOK_POLLED");
	return 0;
}

static void a_polled_program_evaluates_in_its_own_thread_and_nowhere_else(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	for (int i = 0; i < 3; i++) {
		wire_command(&w, 5, i == 1 ? "through(0)" : "pthread_equal(pthread_self(), main_thread)");
		json_decref(compiled_data(&host, "\\status")); /* it has come to the program by now */
		assert_host_says("4", "40");
		json_t *answer = NULL;
		while (!answer) {
			assert_host_says("poll", "polled");
			char byte;
			if (recv(w.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
				answer = wire_receive(&w);
		}
		if (i == 1)
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
				"fault");
		else
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(answer, "data"), "text")),
				"1");
		json_decref(answer);
	}
	static const char interrupt[] = "{\"id\":8,\"interrupt\":7}\n";
	wire_command(&w, 7, "scaled(1)");
	wire_send(&w, interrupt, sizeof(interrupt) - 1);
	json_t *answer = wire_receive(&w);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
			    "interrupted");
	json_decref(answer);
	wire_close(&w);
}

/* Has the program come to rtf_poll() until there is an answer, the caller's. */
static json_t *answer_at_a_poll(struct wire *w, const char *how)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char byte;

	while (recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) {
		assert_host_says(how, "polled");
		assert_true(child_clock() < deadline);
	}
	return wire_receive(w);
}

static void an_evaluation_that_ends_the_thread_it_polled_in_is_over(void **state)
{
	static const char *const ends[] = {"pthread_exit(0)",
					   "(pthread_cancel(pthread_self()), pthread_testcancel())"};
	char before[512];
	struct wire w;

	(void)state;
	snprintf(before, sizeof(before), "%s", strstr(subject_ask(&host, "state"), "handlers"));
	wire_open(&w, host.socket);
	for (int i = 0; i < 2; i++) {
		wire_command(&w, 5, ends[i]);
		json_t *answer = answer_at_a_poll(&w, "poll-thread");
		const char *message =
			json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
		if (!message || !strstr(message, "pthread_exit() was called"))
			fail_msg("%s: %s", ends[i], message ? message : "no error");
		json_decref(answer);
		wire_command(&w, 6, "scaled(6)");
		answer = answer_at_a_poll(&w, "poll");
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(answer, "data"), "value")), 60);
		json_decref(answer);
	}
	assert_string_equal(strstr(subject_ask(&host, "state"), "handlers"), before);
	wire_close(&w);
}

static void many_consoles_evaluate_at_once_and_each_gets_its_own(void **state)
{
	enum { CONSOLES = 32, ROUNDS = 10 };
	struct wire w[CONSOLES];

	(void)state;
	for (int i = 0; i < CONSOLES; i++) {
		char command[64];
		wire_open(&w[i], host.socket);
		snprintf(command, sizeof(command), "int mine = %d", i);
		json_decref(data_of(&w[i], command));
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CONSOLES; i++)
			wire_command(&w[i], round, "scaled(mine)");
		for (int i = 0; i < CONSOLES; i++) {
			json_t *answer = wire_receive(&w[i]);
			assert_int_equal(json_integer_value(json_object_get(answer, "id")), round);
			assert_int_equal(
				json_integer_value(json_object_get(json_object_get(answer, "data"), "value")),
				i * 10);
			json_decref(answer);
		}
	}
	for (int i = 0; i < CONSOLES; i++)
		wire_close(&w[i]);
}

/* --- data ------------------------------------------------------------------------------------------------------------------ */

static void a_write_can_be_undone_and_done_again(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "int_value = 99", "99");
	assert_text(&w, "point.x += 4", "7");
	json_decref(data_of(&w, "\\undo"));
	assert_text(&w, "point.x", "3");
	json_decref(data_of(&w, "\\redo"));
	assert_text(&w, "point.x", "7");
	json_decref(data_of(&w, "\\undo"));
	json_decref(data_of(&w, "\\undo"));
	assert_text(&w, "int_value", "-7");
	/* In the order of what was done, functions too. */
	assert_text(&w, "short_value = 1", "1");
	json_decref(data_of(&w, "int scaled(int n) { return 1; }"));
	json_decref(data_of(&w, "\\undo"));
	assert_host_says("4", "40");
	assert_text(&w, "short_value", "1");
	json_decref(data_of(&w, "\\undo"));
	assert_text(&w, "short_value", "-12345");
	/* Not where the program has moved on. */
	assert_text(&w, "long_value = 5", "5");
	json_decref(data_of(&w, "memset(&long_value, 0, 1)"));
	assert_error(&w, "\\undo", "drift", "long_value is not 5 any more");
	wire_close(&w);
	compiled_assert_history_whole(&host);
}

/* \undo's answer: "PLACE OLD TEXT, ..." for each of the writes that it takes back. */
static void assert_undone(struct wire *w, const char *wanted)
{
	json_t *rows = data_of(w, "\\undo"), *row;
	char got[1024] = "";
	size_t i;

	json_array_foreach(rows, i, row) {
		size_t used = strlen(got);
		snprintf(got + used, sizeof(got) - used, "%s%s: %s -> %s", i ? ", " : "",
			 json_string_value(json_object_get(row, "place")),
			 json_string_value(json_object_get(row, "old")),
			 json_string_value(json_object_get(row, "text")));
	}
	json_decref(rows);
	assert_string_equal(got, wanted);
}

static void every_write_is_told_with_what_was_there(void **state)
{
	static const struct {
		const char *command, *undone;
	} writes[] = {
		{"int_value++", "int_value: -6 -> -7"},
		{"--int_value", "int_value: -8 -> -7"},
		{"int_value *= 2 + 1", "int_value: -21 -> -7"},
		{"(int_value = 51)", "int_value: 51 -> -7"},
		{"1 ? int_value = 4 : (short_value = 5)", "int_value: 4 -> -7"},
		{"int_value = 50, short_value = 3", "short_value: 3 -> -12345, int_value: 50 -> -7"},
		{"int_value = short_value = 3", "short_value: 3 -> -12345, int_value: 3 -> -7"},
		{"int_value = (byte, 9)", "int_value: 9 -> -7"},
		{"point = points[1]", "point: {x = 3, y = 4} -> {x = 3, y = -4}"},
		{"complex_double = 2", "complex_double: 2 + 0i -> 1 + -2i"},
		{"ldouble_value = 2", "ldouble_value: 2 -> 2.718281828459045235"},
		{"*point_pointer = (struct point){.y = 1}",
		 "*point_pointer: {x = 0, y = 1} -> {x = 3, y = -4}"},
		{"atomic_value += 2", "atomic_value: 13 -> 11"},
		{"changing = 1", "changing: 1 -> 43"},
		{"numbers[(byte++, 1)] = 7",
		 "numbers[(byte++, 1)]: 7 -> 2, byte: 201 '\\311' -> 200 '\\310'"},
		{"{ int i = 0, *p = &i; i++; *p = 3; if (i) int_value = i; else byte = 0; }",
		 "int_value: 3 -> -7"},
		{"for (int i = 0; i < 2; i++) numbers[i] = 8;", "numbers[i]: 8 -> 2, numbers[i]: 8 -> 1"},
		{"for (int i = 0; i < 100; i++) int_value = i", "int_value: 99 -> -7"},
		{"({ int_value = 2; int_value + 1; })", "int_value: 2 -> -7"},
		{"int copy = int_value++", "int_value: -6 -> -7"},
		{"struct bits *to = &bits; to->b++, (to)->b = 0",
		 "*to: {a = -2, b = 0, c = true, d = BLUE, e = -123456789, f = 250 '\\372'} -> "
		 "{a = -2, b = 21, c = true, d = BLUE, e = -123456789, f = 250 '\\372'}"},
		{"int *to = &int_value; *to = 3;", "*to: 3 -> -7"},
		{"SET(int_value, 3)", "(int_value): 3 -> -7"},
		{"SET(point.x, SET(byte, 7)) + 1", "(byte): 7 '\\a' -> 200 '\\310', (point.x): 7 -> 3"},
		{"if (yes) SET(numbers[1], RAISED(int_value));",
		 "int_value: -6 -> -7, (numbers[1]): -6 -> 2"},
		{"TARGET = 9", "TARGET: 9 -> -7"},
		{"RAISED(int_value)", "int_value: -6 -> -7"},
		{"int raised = RAISED(int_value); SET(raised, 1)", "int_value: -6 -> -7"},
		{"int by = 2; int_value += by", "int_value: -5 -> -7"},
		{"int by = 2; int_value = by", "int_value: 2 -> -7"},
		{"bits.b = 3",
		 "bits: {a = -2, b = 3, c = true, d = BLUE, e = -123456789, f = 250 '\\372'} -> "
		 "{a = -2, b = 21, c = true, d = BLUE, e = -123456789, f = 250 '\\372'}"},
		{"{ struct bits *to = &bits; to->a++, (to)->c = 0; }",
		 "*to: {a = -1, b = 21, c = false, d = BLUE, e = -123456789, f = 250 '\\372'} -> "
		 "{a = -2, b = 21, c = true, d = BLUE, e = -123456789, f = 250 '\\372'}"},
	};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(
		&w, "#define SET(x, v) ((x) = (v))\n#define RAISED(x) ++x\n#define TARGET int_value"));
	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		json_decref(data_of(&w, writes[i].command));
		assert_undone(&w, writes[i].undone);
	}
	assert_text(&w, "int_value", "-7");
	/* Also what is written before a fault. */
	json_decref(error_of(&w, "int_value = 5, through(0), int_value = 6", "fault"));
	assert_undone(&w, "int_value: 5 -> -7");
	/* What the program has written since is said once. */
	json_decref(data_of(&w, "int_value = 1"));
	json_decref(data_of(&w, "short_value = 2, long_value = 3"));
	json_decref(data_of(&w, "memset(&long_value, 0, 1)"));
	assert_error(&w, "\\undo", "drift",
		     "long_value is not 3 any more: the program has written it since, and it stays; the next "
		     "\\undo goes "
		     "on with what is left");
	assert_undone(&w, "short_value: 2 -> -12345");
	assert_undone(&w, "int_value: 1 -> -7");
	json_decref(data_of(&w, "\\redo"));
	assert_text(&w, "int_value", "1");
	wire_close(&w);
	compiled_assert_history_whole(&host);
}

static void what_is_declared_again_takes_the_place_of_what_was_there(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "int mine = 3"));
	json_decref(data_of(&w, "double mine = 1.5"));
	assert_text(&w, "mine", "1.5");
	json_decref(data_of(&w, "struct { int a; } mine = {2}, *there = &mine"));
	assert_text(&w, "there->a + mine.a", "4");
	json_decref(data_of(&w, "char int_value = 'c'"));
	assert_text(&w, "int_value", "99 'c'");
	json_decref(data_of(&w, "\\forget int_value"));
	assert_text(&w, "int_value", "-7");
	wire_close(&w);
}

/* What was made of a type before it was declared once more keeps it, and the two are not the same. */
static void what_is_declared_again_leaves_values_their_types(void **state)
{
	static const char *const now[][2] = {
		{"old", "{s = 1, next = 0x0}"},
		{"*old_pointer", "{s = 1, next = 0x0}"},
		{"$1", "{s = 1, next = 0x0}"},
		{"sizeof(old) == 16 && sizeof(new) == 24", "1"},
		{"new", "{a = 7, s = 8, c = 9}"},
		{"old_alias", "{s = 1, next = 0x0}"},
		{"take_old(&old)", "1"},
		{"kind", "LATER"},
		{"other_kind", "SOONER"},
		{"typed", "{T = 3}"},
		{"typed.T + other_typed.u.T", "8"},
	};
	static const char *const entries[] = {
		"struct s { int s; struct s *next; };",
		"typedef struct s s_alias;",
		"enum kind { SOONER, LATER };",
		"typedef struct { int T; } T;",
		"struct s old = {1}, *old_pointer = &old",
		"s_alias old_alias = old",
		"enum kind kind = LATER",
		"T typed = {3}",
		"static int take_old(struct s *it) { return it->s; }",
		"struct s { long a, s, c; };",
		"enum kind { LATER, SOONER };",
		"typedef struct { struct { int T; } u; } T;",
		"struct s new = {7, 8, 9}",
		"enum kind other_kind = SOONER",
		"T other_typed = {{5}}",
	};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		json_decref(data_of(&w, entries[i]));
		if (i == 4)
			assert_text(&w, "old", "{s = 1, next = 0x0}");
	}
	for (size_t i = 0; i < sizeof(now) / sizeof(*now); i++)
		assert_text(&w, now[i][0], now[i][1]);
	assert_error(&w, "new = old", "compile", "struct s$declared_before");
	/* A third one, and what is refused changes nothing. */
	assert_error(&w, "struct s { nothing x; };", "compile", "nothing");
	assert_text(&w, "new", "{a = 7, s = 8, c = 9}");
	json_decref(data_of(&w, "struct s { char only; } third = {'x'};"));
	assert_text(&w, "old.s + new.a + sizeof(third)", "9");
	/* The same once more is no other one. */
	json_decref(data_of(&w, "struct pair_of { int m, n; };"));
	json_decref(data_of(&w, "struct pair_of one = {1, 2}"));
	json_decref(data_of(&w, "struct pair_of { int m; int n; };"));
	json_decref(data_of(&w, "struct pair_of { int m;  int n; };"));
	json_decref(data_of(&w, "struct pair_of two = {3, 4}"));
	json_decref(data_of(&w, "struct pair_of { int m; int n; };"));
	json_decref(data_of(&w, "two = (struct pair_of){5, 6}"));
	assert_text(&w, "two", "{m = 5, n = 6}");
	wire_close(&w);
}

/* As gdb has it, and never as we had to name them. */
static void types_without_a_name_are_shown_without_one(void **state)
{
	static const char *const types[][2] = {{"nameless", "struct {...}"}, {"&nameless", "struct {...} *"},
					       {"mine", "struct {...}"},     {"&mine", "struct {...} *"},
					       {"*$", "struct {...}"},       {"one_of", "enum {...}"},
					       {"either[1]", "union {...}"}, {"tagged", "struct tagged"}};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "struct { int z; } mine = {1}"));
	json_decref(data_of(&w, "enum { ONE_OF } one_of"));
	json_decref(data_of(&w, "union { int i; } either[2]"));
	json_decref(data_of(&w, "struct tagged { int i; } tagged"));
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		json_t *data = data_of(&w, types[i][0]);
		assert_string_equal(json_string_value(json_object_get(data, "type")), types[i][1]);
		json_decref(data);
	}
	assert_error(&w, "auto q = 3", "compile", "a type is missing");
	json_decref(data_of(&w, "__auto_type half = 0.5"));
	assert_text(&w, "half", "0.5");
	json_decref(data_of(&w, ";"));
	wire_close(&w);
}

static void versions_are_compared_though_the_first_faults(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "int scaled(int n) { return *(volatile int *)(long)n; }"));
	json_t *answer = wire_ask(&w, 3, "\\compare scaled 1 0 (4)");
	char *text = json_dumps(answer, 0);
	assert_non_null(strstr(text, "SIGSEGV"));
	json_decref(answer);
	free(text);
	wire_close(&w);
	free(compiled_console(&host, 4, NULL, "-c", "\\compare scaled 1 0 (4)", NULL));
	compiled_assert_says(&host, 4, "\\compare scaled 1 0 (4)", "scaled@0 = (int) 40");
	compiled_assert_says(&host, 4, "\\compare scaled 0 1 (4)", "scaled@0 = (int) 40");
}

static void statics_of_functions_are_named_as_gdb_names_them(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_host_says("7", "70");
	assert_text(&w, "scaled::last_scaled", "7");
	assert_text(&w, "scaled(3), scaled::last_scaled", "3");
	assert_text(&w, "&scaled::last_scaled == 0 ? calls : scaled::last_scaled", "3");
	json_decref(data_of(&w, "scaled::last_scaled = 21"));
	assert_text(&w, "scaled::last_scaled", "21");
	json_decref(data_of(&w, "\\undo"));
	assert_text(&w, "scaled::last_scaled", "3");
	assert_error(&w, "scaled::nothing", "unknown", "no static variable nothing in a function scaled");
	json_t *data = data_of(&w, "\\vars last_*"), *row = json_array_get(data, 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "scaled::last_scaled");
	assert_string_equal(json_string_value(json_object_get(row, "type")), "int");
	assert_string_equal(json_string_value(json_object_get(row, "text")), "3");
	json_decref(data);
	data = data_of(&w, "\\describe scaled::last_scaled");
	json_decref(data);
	wire_close(&w);
}

static void what_a_version_added_is_looked_at_from_every_console(void **state)
{
	static const char *const names[] = {"shared_count", "scaled::half", "scaled::pairs"};
	static const char *const types[] = {"int", "double", "long[2]"};
	static const char *const texts[] = {"6", "0.25", "{4, 5}"};
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	json_decref(data_of(
		&w, "static int shared_count = 5;\n"
		    "static int scaled(int n) { static double half = 0.5, *no = 0; static long pairs[] = "
		    "{4, 5}; half /= 2; no = 0; return n + shared_count++ + pairs[0]; }"));
	assert_text(&w, "scaled(1)", "10");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_text(&w, names[i], texts[i]);
		assert_text(&other, names[i], texts[i]);
		char command[64];
		snprintf(command, sizeof(command), "\\vars %s", names[i]);
		json_t *data = data_of(&other, command), *row = json_array_get(data, 0);
		assert_int_equal(json_array_size(data), 1);
		assert_string_equal(json_string_value(json_object_get(row, "name")), names[i]);
		assert_string_equal(json_string_value(json_object_get(row, "type")), types[i]);
		assert_string_equal(json_string_value(json_object_get(row, "text")), texts[i]);
		json_decref(data);
	}
	assert_text(&other, "scaled::no", "0x0");
	assert_text(&other, "shared_count@1", "{6}");
	json_decref(data_of(&other, "shared_count = 20"));
	assert_text(&w, "scaled(1)", "25");
	json_decref(data_of(&other, "scaled::pairs[0] *= 10"));
	assert_text(&w, "scaled::pairs[0] + shared_count", "61");
	/* A console's own variable of that name is another. */
	json_decref(data_of(&other, "char shared_count = 'c'"));
	assert_text(&other, "shared_count", "99 'c'");
	assert_text(&w, "shared_count", "21");
	wire_close(&other);
	wire_close(&w);
}

static void an_entry_that_is_refused_has_declared_nothing(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "struct mine { int a, b; };"));
	json_decref(data_of(&w, "struct pair_of { struct mine m, n; };"));
	assert_error(&w, "struct mine { nothing a; };", "compile", "nothing");
	assert_text(&w, "(struct pair_of){{1, 2}, {3, 4}}.n", "{a = 3, b = 4}");
	assert_error(&w, "struct other { int c; nowhere d; }; int scaled(short);", "compile", "nowhere");
	assert_text(&w, "scaled(4)", "40");
	wire_close(&w);
}

static void what_the_program_does_not_have_is_a_function_of_the_session(void **state)
{
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	json_decref(data_of(&w, "#include <stdlib.h>"));
	json_decref(data_of(&w, "int t[4] = {3, 9, 1, 4}"));
	json_t *data = data_of(&w, "static int less(const void *a, const void *b)\n"
				   "{ return *(const int *)a - *(const int *)b; }");
	json_t *row = json_array_get(data, 0);
	assert_string_equal(json_string_value(json_object_get(row, "function")), "less");
	assert_true(json_is_true(json_object_get(row, "session")));
	json_decref(data);
	json_decref(data_of(&w, "qsort(t, 4, sizeof *t, less)"));
	assert_text(&w, "t", "{1, 3, 4, 9}");
	/* It is that console's alone. */
	assert_error(&other, "less(0, 0)", "compile", "less");
	/* Functions, types and prototypes in one entry; one is defined anew; each calls the program's. */
	json_decref(data_of(&w, "struct half { double d; int i; }; int odd(int n);\n"
				"struct half halve(int n) { return (struct half){n * 0.5, scaled(n)}; }\n"
				"int even(int n) { return n == 0 || odd(n - 1); }\n"
				"int odd(int n) { return n != 0 && even(n - 1); }"));
	assert_text(&w, "halve(5)", "{d = 2.5, i = 50}");
	assert_text(&w, "even(10) * 10 + odd(10)", "10");
	json_decref(data_of(&w, "double even(double x, int n) { return x * n; }"));
	assert_text(&w, "even(1.5, 3)", "4.5");
	/* The program can keep it. */
	json_decref(data_of(&w, "int thrice(int n) { static int calls; calls++; return n * 3 + calls; }"));
	json_decref(data_of(&w, "function = thrice"));
	assert_text(&w, "function(1) + function(1)", "9");
	assert_text(&other, "function(1)", "6");
	json_decref(data_of(&w, "\\forget thrice"));
	assert_error(&w, "thrice(1)", "compile", "thrice");
	assert_text(&w, "function(1)", "7");
	json_decref(data_of(&w, "function = doubled"));
	assert_error(&w, "int bad(int n)\n{\n\treturn n + nowhere;\n}", "compile", "nowhere");
	assert_error(&w, "int crash(int *p) { return *p; } int none_such", "usage", "none_such");
	assert_error(&w, "int crash(int *p) { return *p; } crash(0)", "compile", "parameter");
	assert_error(&w, "int crash(int *p) { return *p; } 3 + 4;", "usage", "neither");
	assert_error(&w, "int scalde(int n) { return n; }", "unknown", "did you mean scaled?");
	json_decref(data_of(&w, "int scalde(int n);"));
	json_decref(data_of(&w, "int scalde(int n) { return n; }"));
	assert_text(&w, "scalde(4)", "4");
	assert_error(&w, "static int doubled(int n) { return n; }", "unknown", "not decorated");
	assert_error(&w, "int abs(int n) { return n; }", "unknown", "abs");
	json_decref(data_of(&w, "int crash(int *p) { return *p; }"));
	assert_error(&w, "crash(0)", "fault", "SIGSEGV");
	wire_close(&w);
	wire_close(&other);
}

static void literals_stay_as_session_variables_do(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_decref(data_of(&w, "struct node *p = &(struct node){.value = 7, .next = &(struct node){8}}"));
	json_decref(data_of(&w, "char *s = (char[]){\"hello\"}"));
	json_decref(data_of(&w, "&(int){5}"));
	json_decref(data_of(&w, "third.next = &(struct node){9, &second}"));
	assert_text(&w, "through(0 ? 0 : &(int){1})", "2");
	assert_text(&w, "p->value + p->next->value", "15");
	assert_text(&w, "s[4]", "111 'o'");
	assert_text(&w, "*$1", "5");
	assert_text(&w, "third.next->value", "9");
	wire_close(&w);
}

static void a_read_only_console_may_look_and_nothing_else(void **state)
{
	static const char hello[] = "{\"id\":1,\"hello\":{\"version\":1,\"read_only\":true}}\n";
	static const char *const denied[] = {"int_value = 1",
					     "int_value++",
					     "scaled(1)",
					     "int n = 3",
					     "for (;;) ;",
					     "({ 1; })",
					     "\\compare scaled 0 0 (1)",
					     "(*function)(2)",
					     "__atomic_store_n(&int_value, 99, 0)",
					     "__atomic_fetch_add(&int_value, 1, 0)",
					     "__atomic_exchange_n(&int_value, 1, 0)",
					     "__sync_fetch_and_add(&int_value, 1)",
					     "__builtin_memset(&int_value, 0, 4)",
					     "__builtin_trap()",
					     "1 + __atomic_add_fetch(&int_value, 1, 0)",
					     "(int (*)[scaled(1)])numbers",
					     "sizeof(int[scaled(1)])",
					     "#define SET(x) \\\n\t(x) = 5\nSET(int_value)",
					     "#define GLUE(a, b) a##b\n(int_value) GLUE(+, +)",
					     "GLUE(-, -) int_value",
					     "(int_value) GLUE(+, =) 5",
					     "struct point made = {1}",
					     "__builtin_choose_expr(1, int_value = 2, 0)"};
	static const char *const allowed[] = {"int_value + 1, -byte",
					      "!int_pointer == 0 && ~byte",
					      "int_value ?: 3",
					      "(char)letter == *string",
					      "*point_pointer",
					      "__builtin_offsetof(struct point, y)",
					      "_Generic(int_value, int: 1, default: 2)",
					      "(struct point){1, 2}",
					      "(struct point){.y = 2}.y + (int[3]){[1] = 4}[1]",
					      "(matrix){{1}}[0][1] + grid[1][2]",
					      "points[1].x > 2 ? &points[1] : point_pointer",
					      "numbers[1]@3",
					      "sizeof(struct { int a; })",
					      "bits.b",
					      "function == doubled",
					      "complex_float * 2",
					      "typedef int number_t",
					      "(number_t)double_value",
					      "#define TENFOLD(x) ((x) * 10)",
					      "TENFOLD(int_value)",
					      "$ + 1",
					      "\\print/x uint_value",
					      "extern int int_value"};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	wire_send(&w, hello, sizeof(hello) - 1);
	json_decref(wire_receive(&w));
	assert_text(&w, "int_value + point.x", "-4");
	assert_text(&w, "outer.parts[1].at", "{x = 5, y = 6}");
	json_decref(data_of(&w, "\\vars int_*"));
	json_decref(data_of(&w, "\\x &int_value"));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		json_decref(data_of(&w, allowed[i]));
	for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++)
		assert_error(&w, denied[i], "denied", "read-only");
	assert_text(&w, "int_value", "-7");
	wire_close(&w);
}

static void vars_lists_globals_and_statics(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *rows = data_of(&w, "\\vars"), *row;
	assert_true(json_array_size(rows) > 80);
	json_decref(rows);
	rows = data_of(&w, "\\vars point*");
	assert_int_equal(json_array_size(rows), 4);
	row = json_array_get(rows, 0);
	assert_non_null(json_object_get(row, "address"));
	json_decref(rows);
	rows = data_of(&w, "\\vars exp");
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "text")), "1.5");
	json_decref(rows);
	rows = data_of(&w, "\\vars of_this_thread");
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "text")),
			    "<one for each thread>");
	json_decref(rows);
	json_decref(data_of(&w, "int session_int = 4"));
	rows = data_of(&w, "\\dv session*");
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "text")), "4");
	json_decref(rows);
	wire_close(&w);
}

static void types_and_descriptions_tell_layouts(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *rows = data_of(&w, "\\types *node"), *row;
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "name")),
			    "struct node");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "size")), 16);
	json_decref(rows);
	json_t *data = data_of(&w, "\\describe struct bits");
	row = json_array_get(json_object_get(data, "members"), 1);
	assert_int_equal(json_integer_value(json_object_get(row, "bits")), 5);
	assert_int_equal(json_integer_value(json_object_get(row, "bit")), 3);
	json_decref(data);
	data = data_of(&w, "\\d scaled");
	assert_string_equal(json_string_value(json_object_get(data, "signature")), "int scaled(int n)");
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "uses"), 0)),
			    "last_scaled");
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "uses"), 1)), "calls");
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(data, "called_by"), 0), "function")),
			    "main");
	json_decref(data);
	data = data_of(&w, "\\d ring");
	assert_string_equal(json_string_value(json_object_get(data, "kind")), "variable");
	assert_string_equal(json_string_value(json_object_get(data, "type")), "struct node");
	json_decref(data);
	data = data_of(&w, "\\d divide");
	assert_string_equal(json_string_value(json_object_get(data, "signature")),
			    "static int divide(int a, int b)");
	json_decref(data);
	assert_error(&w, "\\d nothing_like_it", "unknown", "nothing_like_it");
	wire_close(&w);
}

static void memory_is_shown_in_gdbs_formats(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *data = data_of(&w, "\\x/4xb &uint_value"), *values = json_object_get(data, "values");
	static const char *const bytes[] = {"0x00", "0x28", "0x6b", "0xee"};
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(json_string_value(json_array_get(values, i)), bytes[i]);
	json_decref(data);
	data = data_of(&w, "\\x/2dw numbers");
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "values"), 1)), "2");
	json_decref(data);
	data = data_of(&w, "\\x/s string");
	assert_string_equal(json_string_value(json_array_get(json_object_get(data, "values"), 0)),
			    "a string");
	json_decref(data);
	assert_error(&w, "\\x 16", "fault", "cannot access memory at 0x10");
	wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fresh_host(values_are_printed_as_gdb_prints_them),
		with_fresh_host(an_expression_has_type_text_value_and_name),
		with_fresh_host(a_pointer_shows_what_it_points_to_and_how_deep_is_said),
		with_fresh_host(memory_is_gone_through),
		with_fresh_host(formats_are_those_of_gdb),
		with_fresh_host(json_says_that_there_is_more),
		with_fresh_host(long_output_is_cut_and_the_rest_can_be_seen),
		with_fresh_host(values_have_names_and_those_are_expressions),
		with_fresh_host(session_variables_belong_to_their_console),
		with_fresh_host(macros_and_includes_can_be_typed),
		with_fresh_host(a_mistake_is_shown_where_it_is),
		with_fresh_host(any_version_can_be_called_and_compared),
		with_fresh_host(every_fault_is_contained),
		with_fresh_host(a_fault_has_a_backtrace),
		with_fresh_host(a_fault_ends_a_script_with_status_4),
		with_fresh_host(an_endless_loop_is_its_console_alone),
		with_fresh_host(a_console_that_leaves_takes_its_evaluation_along),
		with_fresh_host(a_console_closes_though_an_evaluation_cannot_be_ended),
		with_fresh_host(faults_of_other_threads_stay_the_programs),
		cmocka_unit_test_setup_teardown(a_polled_program_evaluates_in_its_own_thread_and_nowhere_else,
						start_polled, compiled_each_stop),
		cmocka_unit_test_setup_teardown(an_evaluation_that_ends_the_thread_it_polled_in_is_over,
						start_polled, compiled_each_stop),
		with_fresh_host(many_consoles_evaluate_at_once_and_each_gets_its_own),
		with_fresh_host(a_write_can_be_undone_and_done_again),
		with_fresh_host(every_write_is_told_with_what_was_there),
		with_fresh_host(statics_of_functions_are_named_as_gdb_names_them),
		with_fresh_host(what_a_version_added_is_looked_at_from_every_console),
		with_fresh_host(an_entry_that_is_refused_has_declared_nothing),
		with_fresh_host(what_the_program_does_not_have_is_a_function_of_the_session),
		with_fresh_host(literals_stay_as_session_variables_do),
		with_fresh_host(what_is_declared_again_takes_the_place_of_what_was_there),
		with_fresh_host(what_is_declared_again_leaves_values_their_types),
		with_fresh_host(types_without_a_name_are_shown_without_one),
		with_fresh_host(versions_are_compared_though_the_first_faults),
		with_fresh_host(a_read_only_console_may_look_and_nothing_else),
		with_fresh_host(vars_lists_globals_and_statics),
		with_fresh_host(types_and_descriptions_tell_layouts),
		with_fresh_host(memory_is_shown_in_gdbs_formats),
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"look_host.c"}, .flags = {"-w", "-O0"}});
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
