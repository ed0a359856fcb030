/* What is wrong with an entry is told in the lines that were typed, with a caret under the place: never in C of ours that
 * stands around them. */
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
	compiled_init(&host, &(struct compiled_how){0});
	compiled_start(&host);
	return 0;
}

/* All that is printed of the entry is this. */
static void assert_told(const char *entry, const char *told)
{
	char *said = compiled_console(&host, 3, NULL, "--color=never", "-c", entry, NULL);

	if (strcmp(said, told) != 0)
		fail_msg("%s\n%s\nexpected\n%s", entry, said, told);
	free(said);
}

#define TOLD(at, message, line, source, caret) \
	"<console>:" at ": error: " message "\n    " line " | " source "\n      | " caret "^\n"

static void an_entry_that_breaks_off_has_the_caret_behind_it(void **state)
{
	(void)state;
	assert_told("calls +", TOLD("1:8", "expected expression", "1", "calls +", "       "));
	assert_told("calls + // more", TOLD("1:8", "expected expression", "1", "calls + // more", "       "));
	assert_told("calls +;", TOLD("1:8", "expected expression", "1", "calls +;", "       "));
	assert_told("int n = ", TOLD("1:8", "expected expression", "1", "int n =", "       "));
	assert_told("add(1,\n2", TOLD("2:2", "expected ')'", "2", "2", " "));
	assert_told("int row[3", TOLD("1:10", "expected ']'", "1", "int row[3", "         "));
	assert_told("if (calls", TOLD("1:10", "expected ')'", "1", "if (calls", "         "));
	assert_told("calls + /* why", TOLD("1:8", "unterminated comment", "1", "calls + /* why", "       "));
}

static void a_definition_that_breaks_off_has_the_caret_at_its_end(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) { /* once what stands before it has been read ahead, too */
		assert_told("int add(int a, int b) { return a;",
			    TOLD("1:33", "expected '}'", "1", "int add(int a, int b) { return a;",
				 "                                "));
		assert_told("int add(int a, int b)\n{\n\tif (a) {\n\t\treturn 1;\n\treturn b;\n}\n",
			    TOLD("6:2", "expected '}'", "6", "}", " "));
		assert_told("\\check int add(int a, int b) {",
			    TOLD("1:31", "expected '}'", "1", "\\check int add(int a, int b) {",
				 "                              "));
		free(compiled_console(&host, 0, NULL, "-c", "int add(int a, int b) { return a + b; }", NULL));
	}
}

static void a_bracket_or_quote_that_is_not_in_its_place_has_the_caret(void **state)
{
	(void)state;
	assert_told("calls)", TOLD("1:6", "extraneous ')'", "1", "calls)", "     "));
	assert_told("}", TOLD("1:1", "extraneous '}'", "1", "}", ""));
	assert_told("(calls]", TOLD("1:7", "expected ')'", "1", "(calls]", "      "));
	assert_told("calls + \"a",
		    TOLD("1:9", "missing terminating \" character", "1", "calls + \"a", "        "));
	assert_told("calls + 'a",
		    TOLD("1:9", "missing terminating ' character", "1", "calls + 'a", "        "));
}

static void what_stands_before_an_entry_changes_none_of_its_lines(void **state)
{
	(void)state;
	assert_told("no_name x", TOLD("1:1", "use of undeclared identifier 'no_name'", "1", "no_name x", ""));
	assert_told("#define MORE 1\n\nMORE + nothing",
		    TOLD("3:8", "use of undeclared identifier 'nothing'", "3", "MORE + nothing", "       "));
	assert_told("\"\303\251\" + nothing", TOLD("1:8", "use of undeclared identifier 'nothing'", "1",
						   "\"\303\251\" + nothing", "      "));
	assert_told("(&calls\n)[0]@ nothing",
		    TOLD("2:7", "use of undeclared identifier 'nothing'", "2", ")[0]@ nothing", "      "));
	assert_told("int nil = 1 +; int add(int a, int b) { return 1; }",
		    TOLD("1:14", "expected expression", "1",
			 "int nil = 1 +; int add(int a, int b) { return 1; }", "             "));
}

static void what_follows_a_command_is_shown_with_it(void **state)
{
	(void)state;
	assert_told("\\print/x nothing", TOLD("1:10", "use of undeclared identifier 'nothing'", "1",
					      "\\print/x nothing", "         "));
	assert_told("\\x/2x 8 +", TOLD("1:10", "expected expression", "1", "\\x/2x 8 +", "         "));
	assert_told("\\compare add 0 0 (1, nothing)",
		    TOLD("1:22", "use of undeclared identifier 'nothing'", "1",
			 "\\compare add 0 0 (1, nothing)", "                     "));
	assert_told("\\check int add(int a, int b) { return c; }",
		    TOLD("1:39", "use of undeclared identifier 'c'", "1",
			 "\\check int add(int a, int b) { return c; }",
			 "                                      "));
	assert_told("\\define add\nint add(int a, int b)\n{ return c; }",
		    TOLD("2:10", "use of undeclared identifier 'c'", "2", "{ return c; }", "         "));
}

static void a_name_that_is_near_is_the_programs_own_or_all_but_the_same(void **state)
{
	(void)state;
	assert_told("rebate", TOLD("1:1", "use of undeclared identifier 'rebate'", "1", "rebate", ""));
	assert_told("rebate + rebates",
		    TOLD("1:1", "use of undeclared identifier 'rebate'", "1", "rebate + rebates", "")
			    TOLD("1:10", "use of undeclared identifier 'rebates'", "1", "rebate + rebates",
				 "         "));
	assert_told("factorail(3)",
		    TOLD("1:1", "implicit declaration of function 'factorail'; did you mean 'factorial'?",
			 "1", "factorail(3)", ""));
	assert_told("strlne(\"a\")",
		    TOLD("1:1", "implicit declaration of function 'strlne'; did you mean 'strlen'?", "1",
			 "strlne(\"a\")", ""));
}

static void a_member_that_is_near_is_its_structs(void **state)
{
	(void)state;
	assert_told("((struct order *)8)->qyt",
		    TOLD("1:22", "no member named 'qyt' in 'struct order'; did you mean 'qty'?", "1",
			 "((struct order *)8)->qyt", "                     "));
	assert_told("((struct order *)8)->calls",
		    TOLD("1:22", "no member named 'calls' in 'struct order'", "1",
			 "((struct order *)8)->calls", "                     "));
	assert_told(
		"(struct order){.unti = 2}",
		TOLD("1:17",
		     "field designator 'unti' does not refer to any field in type 'struct order'; did you "
		     "mean 'unit'?",
		     "1", "(struct order){.unti = 2}", "                "));
	assert_told("struct nest { union { int first; }; int b; } n; n.frist",
		    TOLD("1:51", "no member named 'frist' in 'struct nest'; did you mean 'first'?", "1",
			 "struct nest { union { int first; }; int b; } n; n.frist",
			 "                                                  "));
	assert_told(
		"int add(int a, int b) { typedef struct { int first; } pair; pair p = {a}; return p.frist; }",
		TOLD("1:84", "no member named 'frist' in 'pair'; did you mean 'first'?", "1",
		     "int add(int a, int b) { typedef struct { int first; } pair; pair p = {a}; return "
		     "p.frist; }",
		     "                                                                                   "));
}

static void a_declaration_with_a_mistake_leaves_what_was_declared_before(void **state)
{
	(void)state;
	char *said = compiled_console(&host, 3,
				      "struct pair { int first, second; };\n"
				      "struct pair { int third +; };\n"
				      "int twice(int n) +;\n"
				      "struct pair two = {3, 4};\n"
				      "two.second\n",
				      "--color=never", "-f", "-", NULL);
	if (!strstr(said, "$1 = (int) 4\n"))
		fail_msg("%s", said);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_that_breaks_off_has_the_caret_behind_it),
		cmocka_unit_test(a_definition_that_breaks_off_has_the_caret_at_its_end),
		cmocka_unit_test(a_bracket_or_quote_that_is_not_in_its_place_has_the_caret),
		cmocka_unit_test(what_stands_before_an_entry_changes_none_of_its_lines),
		cmocka_unit_test(what_follows_a_command_is_shown_with_it),
		cmocka_unit_test(a_name_that_is_near_is_the_programs_own_or_all_but_the_same),
		cmocka_unit_test(a_member_that_is_near_is_its_structs),
		cmocka_unit_test(a_declaration_with_a_mistake_leaves_what_was_declared_before),
	};
	return cmocka_run_group_tests(tests, start_host, compiled_group_fini);
}
