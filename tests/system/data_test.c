/* Data of a real program and of sessions: what is written and undone, declared and declared again, listed and described. */
#include "looked.h"

static void a_write_can_be_undone_and_done_again(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "bits.d = GREEN", "GREEN");
	assert_text(&w, "bits.d = BLUE", "BLUE");
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
		{"int by = 0; while (by < 3) by++; int_value = by;", "int_value: 3 -> -7"},
		{"int at; for (at = 0; at < 2; at++) numbers[at] = 8;",
		 "numbers[at]: 8 -> 2, numbers[at]: 8 -> 1"},
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
	assert_int_equal(json_array_size(json_object_get(data, "called_by")), 1);
	json_decref(data);
	data = data_of(&w, "\\d ring");
	assert_string_equal(json_string_value(json_object_get(data, "kind")), "variable");
	assert_string_equal(json_string_value(json_object_get(data, "type")), "struct node");
	json_decref(data);
	data = data_of(&w, "\\d LIMIT");
	assert_string_equal(json_string_value(json_object_get(data, "kind")), "enumerator");
	assert_int_equal(json_integer_value(json_object_get(data, "value")), 65535);
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
