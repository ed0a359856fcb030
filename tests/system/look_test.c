/* Looking at a program at a real console: values, expressions, formats; gdb says what values look like. */
#include "looked.h"

#include <ctype.h>

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
	"limit",
	"top_limit",
	"doubles",
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
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"look_host.c"}, .flags = {"-w", "-O0"}});
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
