/* Values as text and as JSON, from types made by hand; a small memory of our own stands for the program's. The whole way
 * from C to text, with gdb as the oracle, is in tests/system/look_test.c. */
#include "value.h"
#include "value_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct type int_type = {
	.kind = TYPE_INTEGER, .name = "int", .size = 4, .align = 4, .is_signed = true};
static const struct type long_type = {
	.kind = TYPE_INTEGER, .name = "long", .size = 8, .align = 8, .is_signed = true};
static const struct type ulong_type = {.kind = TYPE_INTEGER, .name = "unsigned long", .size = 8, .align = 8};
static const struct type char_type = {.kind = TYPE_INTEGER,
				      .character = CHARACTER_CHAR,
				      .name = "char",
				      .size = 1,
				      .align = 1,
				      .is_signed = true};
static const struct type wide_type = {.kind = TYPE_INTEGER,
				      .character = CHARACTER_WIDE,
				      .name = "wchar_t",
				      .size = 4,
				      .align = 4,
				      .is_signed = true};
static const struct type float_type = {.kind = TYPE_FLOAT, .name = "float", .size = 4, .align = 4};
static const struct type double_type = {.kind = TYPE_FLOAT, .name = "double", .size = 8, .align = 8};

/* The program's memory: 64 bytes at 0x1000. */
static unsigned char memory[64];

static bool read_memory(void *context, uint64_t address, void *bytes, size_t size)
{
	(void)context;
	if (address < 0x1000 || address - 0x1000 > sizeof(memory) ||
	    size > sizeof(memory) - (address - 0x1000))
		return false;
	memcpy(bytes, memory + (address - 0x1000), size);
	return true;
}

static bool name_address(void *context, uint64_t address, bool function, char *buffer, size_t size)
{
	(void)context, (void)function;
	if (address < 0x1000 || address >= 0x1000 + sizeof(memory))
		return false;
	if (address == 0x1000)
		snprintf(buffer, size, "memory");
	else
		snprintf(buffer, size, "memory+%d", (int)(address - 0x1000));
	return true;
}

static const struct value_source source = {.read = read_memory, .name = name_address};

static void assert_shown(const struct type *type, const void *bytes, const struct value_options *options,
			 const char *expected)
{
	struct value_options plain = VALUE_OPTIONS;
	struct text out = {0};

	value_text(&out, type, bytes, &source, options ? options : &plain);
	assert_string_equal(out.bytes, expected);
	text_fini(&out);
}

static void assert_json(const struct type *type, const void *bytes, const char *expected)
{
	struct value_options plain = VALUE_OPTIONS;
	json_t *value = value_json(type, bytes, &source, &plain);
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void numbers_are_as_their_types_say(void **state)
{
	int minus = -5;
	unsigned long all = UINT64_MAX;
	float tenth = 0.1F;
	double third = 1.0 / 3;

	(void)state;
	assert_shown(&int_type, &minus, NULL, "-5");
	assert_shown(&ulong_type, &all, NULL, "18446744073709551615");
	assert_shown(&float_type, &tenth, NULL, "0.1");
	assert_shown(&double_type, &third, NULL, "0.3333333333333333");
	assert_json(&ulong_type, &all, "\"18446744073709551615\"");
	assert_json(&float_type, &tenth,
		    "0.10000000000000001"); /* 0.1, and not the float's 0.10000000149011612 */
}

static void formats_are_gdbs(void **state)
{
	static const struct {
		char format;
		const char *text;
	} formats[] = {{'x', "0xfffffffe"},
		       {'d', "-2"},
		       {'u', "4294967294"},
		       {'o', "037777777776"},
		       {'t', "11111111111111111111111111111110"},
		       {'c', "-2 '\\376'"},
		       {'z', "0xfffffffe"},
		       {'a', "0xfffffffffffffffe"}};
	int value = -2;

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct value_options options = VALUE_OPTIONS;
		options.format = formats[i].format;
		assert_shown(&int_type, &value, &options, formats[i].text);
	}
}

/* gdb 13: x d u o t z show the bits, a and c the integer part, as far as 64 bits have it. */
static void numbers_show_their_bits_or_their_integer_part(void **state)
{
	static const struct {
		double value;
		const char *hexadecimal, *decimal, *address;
	} numbers[] = {{2.9, "0x4007333333333333", "4613712638259704627", "0x2"},
		       {-2.9, "0xc007333333333333", "-4609659398595071181", "0xfffffffffffffffe"},
		       {1e300, "0x7e37e43c8800759c", "9094988921128908188", "0x7fffffffffffffff"},
		       {-1e300, "0xfe37e43c8800759c", "-128383115725867620", "0x8000000000000000"},
		       {-INFINITY, "0xfff0000000000000", "-4503599627370496", "0x8000000000000000"}};
	struct value_options options = VALUE_OPTIONS;
	float large = 1e30F;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		options.format = 'x';
		assert_shown(&double_type, &numbers[i].value, &options, numbers[i].hexadecimal);
		options.format = 'd';
		assert_shown(&double_type, &numbers[i].value, &options, numbers[i].decimal);
		options.format = 'a';
		assert_shown(&double_type, &numbers[i].value, &options, numbers[i].address);
	}
	options.format = 'x';
	assert_shown(&float_type, &large, &options, "0x7149f2ca");
}

static void equal_elements_are_folded_and_long_arrays_cut(void **state)
{
	int numbers[30] = {1, 2, 2};
	struct type array = {.kind = TYPE_ARRAY,
			     .name = "int[30]",
			     .size = sizeof(numbers),
			     .count = 30,
			     .target = &int_type};
	struct value_options options = VALUE_OPTIONS;

	(void)state;
	assert_shown(&array, numbers, NULL, "{1, 2, 2, 0 <repeats 27 times>}");
	options.elements = 2;
	assert_shown(&array, numbers, &options, "{1, 2...}");
	options.from = 1;
	options.repeats = 0;
	options.elements = 3;
	assert_shown(&array, numbers, &options, "{2, 2, 0...}");
}

static void strings_show_all_that_is_in_them(void **state)
{
	char text[24] = "a\"\\\n\001\xff";
	struct type array = {
		.kind = TYPE_ARRAY, .name = "char[24]", .size = 24, .count = 24, .target = &char_type};
	int wide[3] = {'w', 0x263a, 0};
	struct type wide_array = {
		.kind = TYPE_ARRAY, .name = "wchar_t[3]", .size = 12, .count = 3, .target = &wide_type};

	(void)state;
	assert_shown(&array, text, NULL, "\"a\\\"\\\\\\n\\001\\377\", '\\000' <repeats 17 times>");
	strcpy(text, "gr\303\274n");
	assert_shown(&array, text, NULL, "\"gr\303\274n\", '\\000' <repeats 18 times>");
	assert_json(&array, text, "\"gr\303\274n\"");
	assert_shown(&wide_array, wide, NULL, "L\"w\342\230\272\"");
	assert_json(&wide_array, wide, "\"w\342\230\272\"");
}

static void a_string_without_an_end_stops_where_memory_does(void **state)
{
	struct type pointer = {.kind = TYPE_POINTER, .name = "char *", .size = 8, .target = &char_type};
	struct value_options options = VALUE_OPTIONS;
	uint64_t at = 0x1000, nowhere = 0x10, none = 0;

	(void)state;
	memset(memory, 'x', sizeof(memory));
	memcpy(memory, "short", 6);
	assert_shown(&pointer, &at, NULL, "0x1000 <memory> \"short\"");
	assert_json(&pointer, &at, "\"short\"");
	assert_shown(&pointer, &nowhere, NULL, "0x10 <error: Cannot access memory at address 0x10>");
	assert_shown(&pointer, &none, NULL, "0x0");
	assert_json(&pointer, &none, "null");
	options.elements = 3;
	assert_shown(&pointer, &at, &options, "0x1000 <memory> \"sho\"...");
}

static void bit_fields_are_taken_out_of_their_bytes(void **state)
{
	struct type_member members[] = {
		{"a", &int_type, 0, 3}, {"b", &int_type, 3, 5}, {"c", &long_type, 8, 40}};
	struct type record = {
		.kind = TYPE_RECORD, .name = "struct bits", .size = 8, .members = members, .member_count = 3};
	struct {
		int a : 3;
		int b : 5;
		long c : 40;
	} bits = {-2, 11, -123456789};

	(void)state;
	record.definition = &record;
	assert_shown(&record, &bits, NULL, "{a = -2, b = 11, c = -123456789}");
	assert_json(&record, &bits, "{\"a\":-2,\"b\":11,\"c\":-123456789}");
}

static void flags_are_shown_by_name(void **state)
{
	struct type_constant constants[] = {{"READ", 1}, {"WRITE", 2}, {"MASK", 0x30}};
	struct type masked = {
		.kind = TYPE_ENUM, .name = "enum m", .size = 4, .constants = constants, .constant_count = 3};
	struct type_constant plain_constants[] = {{"ONE", 1}, {"TWO", 2}, {"THREE", 3}};
	struct type flags = {
		.kind = TYPE_ENUM, .name = "enum f", .size = 4, .constants = constants, .constant_count = 2};
	struct type plain = {.kind = TYPE_ENUM,
			     .name = "enum p",
			     .size = 4,
			     .constants = plain_constants,
			     .constant_count = 3};
	int three = 3, odd = 0x41, zero = 0, seven = 7;

	(void)state;
	flags.definition = &flags;
	masked.definition = &masked;
	plain.definition = &plain;
	assert_shown(&flags, &three, NULL, "(READ | WRITE)");
	assert_shown(&flags, &odd, NULL, "(READ | unknown: 0x40)");
	assert_shown(&flags, &zero, NULL, "0");
	assert_shown(&masked, &three, NULL, "3"); /* as gdb does */
	assert_shown(&plain, &three, NULL, "THREE");
	assert_shown(&plain, &seven, NULL, "7");
	assert_json(&plain, &three, "\"THREE\"");
}

/* A ring of two nodes, 16 bytes each. */
static void a_list_is_followed_as_deep_as_is_said_and_never_round(void **state)
{
	struct type node = {.kind = TYPE_RECORD, .name = "struct node", .size = 16, .align = 8}, pointer;
	struct type_member members[] = {{"value", &int_type, 0, 0}, {"next", &pointer, 64, 0}};
	struct value_options options = VALUE_OPTIONS;
	uint64_t first = 0x1000, second = 0x1010;

	(void)state;
	pointer = (struct type){.kind = TYPE_POINTER, .name = "struct node *", .size = 8, .target = &node};
	node.members = members;
	node.member_count = 2;
	node.definition = &node;
	memset(memory, 0, sizeof(memory));
	memory[0] = 1;
	memory[16] = 2;
	memcpy(memory + 8, &second, 8);
	memcpy(memory + 24, &first, 8);
	options.depth = 0;
	assert_shown(&pointer, &first, &options, "0x1000 <memory>");
	options.depth = 1;
	assert_shown(&pointer, &first, &options, "0x1000 <memory> -> {value = 1, next = 0x1010 <memory+16>}");
	options.depth = 9;
	assert_shown(&pointer, &first, &options,
		     "0x1000 <memory> -> {value = 1, next = 0x1010 <memory+16> -> {value = 2, next = 0x1000 "
		     "<memory> <shown above>}}");
	uint64_t wild = 0x9000;
	assert_shown(&pointer, &wild, &options, "0x9000 -> <cannot access memory at 0x9000>");
	assert_json(
		&pointer, &first,
		"{\"address\":\"0x1000 <memory>\",\"value\":{\"value\":1,\"next\":\"0x1010 <memory+16>\"}}");
}

static void output_has_an_end(void **state)
{
	enum { COUNT = 1 << 20 };
	int *numbers = malloc(COUNT * sizeof(*numbers));
	struct type array = {.kind = TYPE_ARRAY,
			     .name = "int[]",
			     .size = COUNT * 4UL,
			     .count = COUNT,
			     .target = &int_type};
	struct value_options options = VALUE_OPTIONS;
	struct text out = {0};

	(void)state;
	assert_non_null(numbers);
	for (int i = 0; i < COUNT; i++)
		numbers[i] = i;
	options.elements = COUNT;
	value_text(&out, &array, numbers, &source, &options);
	assert_true(out.size > 1000 && out.size < (size_t)VALUE_TEXT_MAX + 100);
	text_fini(&out);
	free(numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_as_their_types_say),
		cmocka_unit_test(formats_are_gdbs),
		cmocka_unit_test(numbers_show_their_bits_or_their_integer_part),
		cmocka_unit_test(equal_elements_are_folded_and_long_arrays_cut),
		cmocka_unit_test(strings_show_all_that_is_in_them),
		cmocka_unit_test(a_string_without_an_end_stops_where_memory_does),
		cmocka_unit_test(bit_fields_are_taken_out_of_their_bytes),
		cmocka_unit_test(flags_are_shown_by_name),
		cmocka_unit_test(a_list_is_followed_as_deep_as_is_said_and_never_round),
		cmocka_unit_test(output_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
