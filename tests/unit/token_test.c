/* Tokens: every kind, spliced, cut off and broken; every prefix of a text ends and reads no byte behind
 * it. */
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "N:name P:( ! ..." of a text: each token's kind, its bytes, and `!` if it is unterminated. The text is
 * read from a copy of exactly its size, so that a sanitizer sees a byte too far. */
static const char *tokens_of_size(const char *text, size_t size)
{
	static char out[8192];
	static const char kinds[] = "ENISCPD";
	char *copy = malloc(size ? size : 1);
	struct token_reader r;
	struct token t;
	size_t used = 0;

	assert_non_null(copy);
	memcpy(copy, text, size);
	out[0] = '\0';
	token_reader_init(&r, copy, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		assert_true(t.end > t.begin && t.end <= size && used < sizeof(out) - 300);
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%c:%.*s%s", used ? " " : "",
					 kinds[t.kind], (int)(t.end - t.begin), copy + t.begin,
					 t.unterminated ? "!" : "");
	}
	if (t.unterminated)
		snprintf(out + used, sizeof(out) - used, "%sE!", used ? " " : "");
	free(copy);
	return out;
}

static const char *tokens(const char *text)
{
	return tokens_of_size(text, strlen(text));
}

static void names_numbers_and_punctuators_are_told_apart(void **state)
{
	(void)state;
	assert_string_equal(tokens("a1 $x _y 1 .5 a.b"), "N:a1 N:$x N:_y I:1 I:.5 N:a P:. N:b");
	assert_string_equal(tokens("x+++y<<=3->z..."), "N:x P:++ P:+ N:y P:<<= I:3 P:-> N:z P:...");
	assert_string_equal(tokens("@`\\"), "P:@ P:` P:\\");
	assert_string_equal(tokens(""), "");
}

static void a_number_is_a_preprocessing_number(void **state)
{
	(void)state;
	assert_string_equal(tokens("0x1e+3 1e-5 0x1p+3 1.2.3u 1e"), "I:0x1e+3 I:1e-5 I:0x1p+3 I:1.2.3u I:1e");
	assert_string_equal(tokens("1+2 1-e"), "I:1 P:+ I:2 I:1 P:- N:e");
	assert_string_equal(tokens("0xe+"), "I:0xe+");
}

static void literals_take_their_prefixes(void **state)
{
	(void)state;
	assert_string_equal(tokens("\"a\" L\"b\" u8\"c\" 'd' L'e' U'f' u'g'"),
			    "S:\"a\" S:L\"b\" S:u8\"c\" C:'d' C:L'e' C:U'f' C:u'g'");
	assert_string_equal(tokens("LL\"a\" L \"b\""), "N:LL S:\"a\" N:L S:\"b\"");
	assert_string_equal(tokens("\"a\\\"b\" '\\''"), "S:\"a\\\"b\" C:'\\''");
}

static void an_unterminated_literal_ends_with_its_line(void **state)
{
	(void)state;
	assert_string_equal(tokens("\"abc\nx"), "S:\"abc! N:x");
	assert_string_equal(tokens("'\nx"), "C:'! N:x");
	assert_string_equal(tokens("\"abc"), "S:\"abc!");
	assert_string_equal(tokens("\"abc\\"), "S:\"abc\\!");
	assert_string_equal(tokens("L'"), "C:L'!");
}

static void comments_are_space(void **state)
{
	(void)state;
	assert_string_equal(tokens("a/*x\"'*/b//c\nd"), "N:a N:b N:d");
	assert_string_equal(tokens("a /*/ b */ c /***/ d /**/ e"), "N:a N:c N:d N:e");
	assert_string_equal(tokens("// goes on \\\nhere\nx"), "N:x");
	assert_string_equal(tokens("\"/*\" x"), "S:\"/*\" N:x");
}

static void an_unterminated_comment_is_said(void **state)
{
	(void)state;
	assert_string_equal(tokens("a /* b"), "N:a E!");
	assert_string_equal(tokens("a /*"), "N:a E!");
	assert_string_equal(tokens("a /* *"), "N:a E!");
	assert_string_equal(tokens("a // b"), "N:a");
	assert_string_equal(tokens("#define x /* b"), "D:#define x /* b!");
}

static void spliced_lines_are_one(void **state)
{
	(void)state;
	assert_string_equal(tokens("ab\\\ncd x"), "N:ab\\\ncd N:x");
	assert_string_equal(tokens("ab\\\r\ncd"), "N:ab\\\r\ncd");
	assert_string_equal(tokens("12\\\n34 5"), "I:12\\\n34 I:5");
	assert_string_equal(tokens("\"a\\\nb\""), "S:\"a\\\nb\"");
	assert_string_equal(tokens("a \\\n b"), "N:a N:b");
	assert_string_equal(tokens("ab\\\n"), "N:ab");
	assert_string_equal(tokens("ab\\"), "N:ab P:\\");
}

static void a_directive_is_one_token(void **state)
{
	(void)state;
	assert_string_equal(tokens("#define A 1 \\\n 2\nx"), "D:#define A 1 \\\n 2 N:x");
	assert_string_equal(tokens("a # b\n  # c\n%: d"), "N:a P:# N:b D:# c D:%: d");
	assert_string_equal(tokens("/* c */ # d\n#"), "D:# d D:#");
	assert_string_equal(tokens("#define A /* a\nb */ 2\nx"), "D:#define A /* a\nb */ 2 N:x");
	assert_string_equal(tokens("#define A 1 // c\nx"), "D:#define A 1 // c N:x");
	assert_string_equal(tokens("#define A \"//\" /*\n*/\nx"), "D:#define A \"//\" /*\n*/ N:x");
}

static void an_apostrophe_in_an_error_line_is_no_literal(void **state)
{
	(void)state;
	assert_string_equal(tokens("#error don't \"do\nx"), "D:#error don't \"do N:x");
	assert_string_equal(tokens("#error can't /* c\nd */ e\nx"), "D:#error can't /* c\nd */ e N:x");
}

static void digraphs_mean_their_brackets(void **state)
{
	struct token_reader r;
	struct token t;
	char meanings[16] = {0};
	size_t count = 0;

	(void)state;
	token_reader_init(&r, "<% <: x :> %> a%:b", 18);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_PUNCTUATOR)
			meanings[count++] = t.first;
	assert_string_equal(meanings, "{[]}#");
}

static void a_group_is_skipped_to_its_closing_bracket(void **state)
{
	static const char text[] = "( a [ { } ] \")\" /* ) */ ) b";
	struct token_reader r;
	struct token t;

	(void)state;
	token_reader_init(&r, text, sizeof(text) - 1);
	token_next(&r, &t);
	token_skip_group(&r, &t);
	assert_int_equal(t.first, ')');
	assert_int_equal(t.end, sizeof(text) - 3);
	token_reader_init(&r, "(((", 3);
	token_next(&r, &t);
	token_skip_group(&r, &t);
	assert_int_equal(t.kind, TOKEN_END);
}

static void byte_order_marks_and_utf8_names_are_read(void **state)
{
	(void)state;
	assert_string_equal(tokens("\xef\xbb\xbf#if 1\nx"), "D:#if 1 N:x");
	assert_string_equal(tokens("gr\xc3\xb6\xc3\x9f"
				   "e=1;"),
			    "N:gr\xc3\xb6\xc3\x9f"
			    "e P:= I:1 P:;");
	assert_string_equal(tokens("\xef\xbb"), "N:\xef\xbb");
}

static void line_ends_may_be_of_either_kind(void **state)
{
	(void)state;
	assert_string_equal(tokens("a\r\n#b\r\nc"), "N:a D:#b\r N:c");
	assert_int_equal(token_line("a\r\nb\nc", 6), 2);
	assert_int_equal(token_line("a\nb", 1), 0);
	assert_int_equal(token_line("", 0), 0);
}

static void words_are_compared_as_spelled(void **state)
{
	struct token_reader r;
	struct token t;

	(void)state;
	token_reader_init(&r, "static \"static\"", 15);
	token_next(&r, &t);
	assert_true(token_is(&r, &t, "static"));
	assert_false(token_is(&r, &t, "stat"));
	assert_false(token_is(&r, &t, "statics"));
	token_next(&r, &t);
	assert_false(token_is(&r, &t, "\"static\""));
}

static unsigned braces_of(const char *text)
{
	struct token_braces braces = {0};
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)strlen(text));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		token_count_brace(&r, &t, &braces);
	return braces.depth;
}

static void a_member_stands_behind_a_dot_or_an_arrow(void **state)
{
	static const char text[] = "a.b->c - d > e ... f -- g";
	struct token_reader r;
	struct token t, before = {0};
	char members[16] = "";

	(void)state;
	token_reader_init(&r, text, sizeof(text) - 1);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
		if (t.kind == TOKEN_NAME && token_selects(&r, &before))
			strncat(members, text + t.begin, 1);
	assert_string_equal(members, "bc");
}

static void of_an_if_one_branch_counts_its_braces(void **state)
{
	(void)state;
	assert_int_equal(braces_of("{ { }"), 1);
	assert_int_equal(braces_of("#if A\nif (a) {\n#else\nif (b) {\n#endif\n"), 1);
	assert_int_equal(braces_of("#if A\n{\n#elif B\n{\n#elif C\n{\n#else\n{\n#endif\n"), 1);
	assert_int_equal(braces_of("#if 0\n{ { {\n#endif\n{"), 1);
	/* One name is taken for one thing: as defined if `#ifdef` came first. */
	assert_int_equal(braces_of("#ifdef A\n#else\n{\n#endif\n#ifndef A // B\n} else {\n}\n#endif\n{"), 1);
	assert_int_equal(braces_of("#ifndef A\n{\n#endif\n#ifdef A\n{\n#else\n}\n#endif\n{"), 1);
	assert_int_equal(braces_of("#ifndef A\n{\n#endif\n# ifndef\tAB\n{\n#endif\n#ifndef A\n}\n#endif"), 1);
	assert_int_equal(braces_of("#if 0\n{ {\n#else\n{\n#endif\n"), 1);
	assert_int_equal(braces_of("#if 0\n{ {\n#elif B\n{\n#else\n{ {\n#endif\n"), 1);
	assert_int_equal(braces_of("#if 0\n{\n#endif\n#if A\n{\n#elif B\n{\n#endif\n"), 1);
	assert_int_equal(braces_of("#if A\n{\n#else\n#if B\n{\n#else\n{ {\n#endif\n{\n#endif\n"), 1);
	assert_int_equal(braces_of("{\n#else\n{ {\n#endif\n}"), 0);
	assert_int_equal(braces_of("# /* odd */ ifdef A\n}}}\n#endif\n"), 0);
}

/* Everything that can be cut in two, in one text. */
static const char everything[] =
	"\xef\xbb\xbf#include <stdio.h>\n#define MAX(a, b) \\\n\t((a) > (b) ? (a) : (b))\n#error don't /* "
	"stop\n here */\n"
	"static const char *const s = u8\"caf\xc3\xa9\\\"\\\n\" L\"x\"; // and \\\n more\n"
	"int f(int a<:3:>) <% return a<:0:> + 'x' + L'\\'' - 0x1p-3 + .5e+7; %>\r\n%:pragma once\r\n"
	"enum { A = 1 << 3, B = A >>= 2 };  /* \xe2\x82\xac */ \xc3\xa4 = b\\\n$c ... ## # %:%: ->*\n"
	"\"never ends\n'\n/* nor this";

static void every_prefix_of_a_text_ends_within_it(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(everything); size++)
		tokens_of_size(everything, size);
	for (size_t from = 0; from < sizeof(everything) - 1; from++)
		tokens_of_size(everything + from, sizeof(everything) - 1 - from);
}

static void a_line_of_escaped_quotes_costs_no_square(void **state)
{
	uint32_t size = 4 << 20;
	char *text = malloc(size);
	struct token_reader r;
	struct token t;

	(void)state;
	assert_non_null(text);
	text[0] = '#';
	for (uint32_t i = 1; i < size; i++)
		text[i] = i % 2 ? '\\' : '"';
	token_reader_init(&r, text, size);
	token_next(&r, &t);
	assert_int_equal(t.kind, TOKEN_DIRECTIVE);
	assert_int_equal(t.end, size);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_numbers_and_punctuators_are_told_apart),
		cmocka_unit_test(a_number_is_a_preprocessing_number),
		cmocka_unit_test(literals_take_their_prefixes),
		cmocka_unit_test(an_unterminated_literal_ends_with_its_line),
		cmocka_unit_test(comments_are_space),
		cmocka_unit_test(an_unterminated_comment_is_said),
		cmocka_unit_test(spliced_lines_are_one),
		cmocka_unit_test(a_directive_is_one_token),
		cmocka_unit_test(an_apostrophe_in_an_error_line_is_no_literal),
		cmocka_unit_test(digraphs_mean_their_brackets),
		cmocka_unit_test(a_group_is_skipped_to_its_closing_bracket),
		cmocka_unit_test(byte_order_marks_and_utf8_names_are_read),
		cmocka_unit_test(line_ends_may_be_of_either_kind),
		cmocka_unit_test(words_are_compared_as_spelled),
		cmocka_unit_test(a_member_stands_behind_a_dot_or_an_arrow),
		cmocka_unit_test(of_an_if_one_branch_counts_its_braces),
		cmocka_unit_test(every_prefix_of_a_text_ends_within_it),
		cmocka_unit_test(a_line_of_escaped_quotes_costs_no_square),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
