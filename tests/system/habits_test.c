/* What a person who lives in gdb types at the console: each habit is answered with what it is called here, and what gdb can look
 * at can be looked at. */
#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;
static struct wire wire;
static int asked;

static int start_host(void **state)
{
	(void)state;
	compiled_start(&host);
	wire_open(&wire, host.socket);
	return 0;
}

static int stop_host(void **state)
{
	(void)state;
	wire_close(&wire);
	compiled_stop(&host);
	return 0;
}

/* The answer's data, or its error object; the caller's. */
static json_t *ask(const char *command, bool ok)
{
	json_t *answer = wire_ask(&wire, ++asked, command);

	if (json_is_true(json_object_get(answer, "ok")) != ok) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s: %.600s", command, text);
	}
	json_t *data = json_incref(json_object_get(answer, ok ? "data" : "error"));
	json_decref(answer);
	return data;
}

static void ask_ok(const char *command)
{
	json_decref(ask(command, true));
}

static void assert_text(const char *expression, const char *type, const char *text)
{
	json_t *data = ask(expression, true);
	const char *has_type = json_string_value(json_object_get(data, "type"));
	const char *has_text = json_string_value(json_object_get(data, "text"));

	if (!has_type || strcmp(has_type, type) != 0 || !has_text || strcmp(has_text, text) != 0)
		fail_msg("%s is (%s) %s, not (%s) %s", expression, has_type ? has_type : "?",
			 has_text ? has_text : "?", type, text);
	json_decref(data);
}

static void assert_error(const char *command, const char *class, const char *part)
{
	json_t *error = ask(command, false);
	const char *has_class = json_string_value(json_object_get(error, "class"));
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!has_class || strcmp(has_class, class) != 0 || !message || !strstr(message, part))
		fail_msg("%s: (%s) %s, not (%s) %s", command, has_class, message, class, part);
	json_decref(error);
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static void gdbs_words_are_answered_with_what_they_are_called_here(void **state)
{
	static const struct {
		const char *typed, *part;
	} list[] = {
		{"p port", "\\print port"},
		{"p/x port", "\\print/x port"},
		{"print/d *list", "\\print/d *list"},
		{"output port", "\\print port"},
		{"p", "\\print EXPR"},
		{"x/16xb &port", "\\x/16xb &port"},
		{"x &port", "\\x &port"},
		{"ptype struct node", "\\describe struct node"},
		{"ptype/o struct node", "\\describe struct node"},
		{"whatis list->next", "\\describe list->next"},
		{"info locals", "\\probe NAME:LINE EXPR"},
		{"info args", "\\probe NAME:LINE EXPR"},
		{"info functions tot", "\\list *tot*"},
		{"info variables port", "\\vars *port*"},
		{"info types node", "\\types *node*"},
		{"info line total", "\\describe total"},
		{"info breakpoints", "\\list"},
		{"info registers", "gdb -p "},
		{"display port", "\\probe NAME:LINE port"},
		{"undisplay 1", "\\unprobe"},
		{"bt", "\\trace NAME"},
		{"thread apply all bt", "\\threads"},
		{"info threads", "\\threads"},
		{"where", "\\threads"},
		{"backtrace full", "\\trace NAME"},
		{"frame 1", "\\trace NAME"},
		{"break total", "\\trace total"},
		{"b habits_host.c:30", "\\trace"},
		{"watch port", "\\probe NAME:LINE port"},
		{"continue", "the program is not stopped"},
		{"next", "the program is not stopped"},
		{"step 3", "the program is not stopped"},
		{"finish", "the program is not stopped"},
		{"set var port = 3", "typed as in C: port = 3"},
		{"set port = 3", "typed as in C: port = 3"},
		{"set print elements 10", "-elements N"},
		{"set confirm off", "\\help lists what can be set here"},
		{"call total(3)", "by typing it: total(3)"},
		{"disassemble total", "disassemble total"},
		{"source commands", "rtf-console -f commands"},
		{"delete 1", "\\untrace *"},
		{"help print", "\\help print"},
		{"macro expand EACH", "\\describe NAME"},
		{"detach", "\\quit"},
		{"show version", "\\status"},
		{"$answer = 42", "__auto_type answer = 42; then answer"},
		{"$answer", "__auto_type answer = VALUE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		assert_error(list[i].typed, "usage", list[i].part);
	assert_text("port", "int", "7399");
}

/* A program may have such names, and then they are its own. */
static void what_is_c_is_c(void **state)
{
	(void)state;
	assert_text("list->value", "int", "1");
	assert_error("list->none", "compile", "no member named 'none'");
	assert_error("n + 1", "compile", "undeclared identifier 'n'");
	assert_error("p == 3", "compile", "undeclared identifier 'p'");
	ask_ok("int p = 5, x = 7");
	assert_text("p", "int", "5");
	assert_text("p * x", "int", "35");
	assert_text("x / p", "int", "1");
	compiled_assert_says(&host, 3, "list total", "here that is \\source total");
}

static void values_seen_before_are_counted_from_the_last(void **state)
{
	(void)state;
	assert_error("$$", "unknown", "there is no value $$");
	ask_ok("11");
	ask_ok("22");
	ask_ok("33");
	assert_text("$", "int", "33");
	assert_text("$$2", "int", "22");
	assert_text("$$", "int", "33");
	assert_text("$$0", "int", "33");
	assert_text("$1 + $$4", "int", "44");
	assert_error("$$9", "unknown", "there is no value $$9");
	assert_text("\\print -elements 3 -- \"abcdef\"", "char[7]", "\"abc\"...");
}

/* --- types ------------------------------------------------------------------------------------------------------- */

static void an_expression_is_described_by_its_type(void **state)
{
	(void)state;
	json_t *data = ask("\\describe list->next", true), *members = json_object_get(data, "members");
	assert_string_equal(json_string_value(json_object_get(data, "type")), "struct node *");
	assert_int_equal(json_array_size(members), 2);
	json_decref(data);
	compiled_assert_says(&host, 0, "\\describe port + 1.5", "double: 8 bytes");
	compiled_assert_says(&host, 0, "\\describe *list", "struct node *next;");
	compiled_assert_says(&host, 0, "\\describe operation", "typedef int (*operation)(int, int);");
	assert_error("\\describe list->none", "compile", "no member named 'none'");
}

static void members_of_what_has_no_name_are_described_where_they_are(void **state)
{
	(void)state;
	json_t *data = ask("\\describe struct packet", true);
	json_t *u = json_array_get(json_object_get(data, "members"), 1),
	       *inner = json_object_get(u, "members");
	json_t *half = json_array_get(inner, 1), *low = json_array_get(json_object_get(half, "members"), 0);
	assert_string_equal(json_string_value(json_object_get(u, "name")), "u");
	assert_string_equal(json_string_value(json_object_get(low, "name")), "low");
	assert_int_equal(json_integer_value(json_object_get(low, "offset")), 4);
	json_t *more = json_array_get(json_object_get(json_array_get(inner, 0), "members"), 1);
	assert_string_equal(json_string_value(json_object_get(more, "name")), "more");
	assert_int_equal(json_integer_value(json_object_get(more, "offset")), 6);
	json_decref(data);
	compiled_assert_says(&host, 0, "\\describe struct packet", "  } u;");
}

static void one_byte_is_not_told_as_many(void **state)
{
	(void)state;
	char *said = compiled_console(&host, 0,
				      "struct tiny { char c; short n; char d; };\n\\describe struct tiny\n",
				      "-f", "-", NULL);
	assert_non_null(strstr(said, "/* 0, 1 byte */"));
	assert_non_null(strstr(said, "/* 1 byte free */"));
	assert_non_null(strstr(said, "/* 2, 2 bytes */"));
	free(said);
}

static void types_of_this_console_are_described_and_listed(void **state)
{
	(void)state;
	ask_ok("struct mine { int a; char b[3]; } m = {1, \"ab\"}");
	ask_ok("typedef struct mine mine_t");
	ask_ok("enum shape { ROUND, ANGULAR } shape = ANGULAR");
	json_t *data = ask("\\describe mine_t", true);
	assert_int_equal(json_integer_value(json_object_get(data, "size")), 8);
	json_decref(data);
	data = ask("\\describe mine", true);
	assert_string_equal(json_string_value(json_object_get(data, "name")), "struct mine");
	json_decref(data);
	data = ask("\\describe shape", true);
	assert_string_equal(json_string_value(json_object_get(data, "text")), "ANGULAR");
	json_decref(data);
	data = ask("\\types *mine*", true);
	assert_int_equal(json_array_size(data), 2);
	json_decref(data);
	data = ask("\\types ROUND", true);
	assert_int_equal(json_array_size(data), 0);
	json_decref(data);
}

/* What was declared once more has the type that it had, under the name that it is called by now. */
static void a_variable_is_listed_with_the_type_it_is_shown_with(void **state)
{
	(void)state;
	ask_ok("struct mine { int a; } older = {1}");
	ask_ok("struct mine { int a, b; } newer = {1, 2}");
	json_t *shown = ask("older", true), *rows = ask("\\vars older", true);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "type")),
			    json_string_value(json_object_get(shown, "type")));
	json_decref(rows);
	rows = ask("\\vars newer", true);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "type")),
			    "struct mine");
	json_decref(rows);
	json_decref(shown);
}

static void a_part_of_a_name_is_answered_with_the_pattern_for_it(void **state)
{
	(void)state;
	compiled_assert_says(&host, 0, "\\list tot", "\\list *tot* finds those");
	compiled_assert_says(&host, 0, "\\vars por", "\\vars *por* finds those");
	compiled_assert_says(&host, 0, "\\types nod", "\\types *nod* finds those");
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static void an_array_without_an_end_is_where_it_begins(void **state)
{
	(void)state;
	json_t *data = ask("packet->data", true);
	const char *text = json_string_value(json_object_get(data, "text"));
	assert_string_equal(json_string_value(json_object_get(data, "type")), "unsigned char *");
	assert_non_null(strstr(text, " \"hello\""));
	json_decref(data);
	assert_text("packet->data[1]", "unsigned char", "101 'e'");
}

static void wide_characters_are_characters(void **state)
{
	(void)state;
	assert_text("L'x'", "wchar_t", "120 L'x'");
	assert_text("$", "wchar_t", "120 L'x'");
	assert_text("(U'y')", "char32_t", "121 U'y'");
	assert_text("L'x' + 1", "int", "121");
}

static void a_struct_without_a_name_is_shown(void **state)
{
	(void)state;
	assert_text("(union { int i; float f; }){.f = 1}", "union {...}", "{i = 1065353216, f = 1}");
	assert_text("nested.inner", "struct {...}", "{at = {7, 8}}");
}

static void what_cannot_be_read_is_a_fault_in_the_entry(void **state)
{
	(void)state;
	assert_error("*wild", "fault", "SIGSEGV at address 0x12345 in this entry");
	assert_error("*(struct packet *)16", "fault", "in this entry");
	assert_error("wild->value = 1", "fault", "in this entry");
}

static void what_a_macro_assigns_in_an_initialiser_is_told(void **state)
{
	(void)state;
	ask_ok("#define RAISED(x) (++(x))");
	ask_ok("int before = port, w = RAISED(port), after = w");
	assert_text("port", "int", "7400");
	assert_text("before + w + after", "int", "22199");
	compiled_assert_says(&host, 0, "\\log --events", "(port): 7399 -> 7400");
	ask_ok("\\undo");
	assert_text("port", "int", "7399");
}

/* It is left before anything has come of it, whatever the C library locks then. */
static void an_exit_in_the_programs_code_has_called_nothing_when_it_is_contained(void **state)
{
	(void)state;
	ask_ok("await_end()");
	for (int i = 3; i < 6; i++) {
		char call[40], part[40];
		snprintf(call, sizeof(call), "give_up(%d)", i);
		snprintf(part, sizeof(part), "exit(%d) was called", i);
		assert_error(call, "fault", part);
	}
	assert_text("farewells", "int", "0");
}

static void macros_that_are_statements_are_statements(void **state)
{
	(void)state;
	ask_ok("int q = 3");
	ask_ok("CLEAR(q)");
	assert_text("q", "int", "0");
	ask_ok("q = 4");
	ask_ok("CLEAR_TWICE(q);");
	assert_text("q", "int", "0");
	ask_ok("EACH(n, list) q += n->value");
	assert_text("q", "int", "3");
	ask_ok("EACH(n, list) { q += n->value; }");
	assert_text("q", "int", "6");
	ask_ok("#define RAISE(x) if (x) (x)++");
	ask_ok("RAISE(q)");
	assert_text("q", "int", "7");
	ask_ok("#define SUM(a, b) ((a) + (b))");
	assert_text("SUM(1, 2)", "int", "3");
}

static void a_static_of_any_file_is_found_by_its_name(void **state)
{
	(void)state;
	assert_text("apart", "struct apart", "{a = 3, b = 4}");
	assert_text("sizeof(struct apart)", "unsigned long", "8");
	compiled_assert_says(&host, 0, "\\describe apart.b", "int: 4 bytes");
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, start_host, stop_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(gdbs_words_are_answered_with_what_they_are_called_here),
		with_host(what_is_c_is_c),
		with_host(values_seen_before_are_counted_from_the_last),
		with_host(an_expression_is_described_by_its_type),
		with_host(members_of_what_has_no_name_are_described_where_they_are),
		with_host(one_byte_is_not_told_as_many),
		with_host(types_of_this_console_are_described_and_listed),
		with_host(a_variable_is_listed_with_the_type_it_is_shown_with),
		with_host(a_part_of_a_name_is_answered_with_the_pattern_for_it),
		with_host(an_array_without_an_end_is_where_it_begins),
		with_host(wide_characters_are_characters),
		with_host(a_struct_without_a_name_is_shown),
		with_host(what_cannot_be_read_is_a_fault_in_the_entry),
		with_host(what_a_macro_assigns_in_an_initialiser_is_told),
		with_host(an_exit_in_the_programs_code_has_called_nothing_when_it_is_contained),
		with_host(macros_that_are_statements_are_statements),
		with_host(a_static_of_any_file_is_found_by_its_name),
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"habits_host.c", "habits_part.c"}});
	int failed = cmocka_run_group_tests_name("system: habits", tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
