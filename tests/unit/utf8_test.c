/* UTF-8: what is valid, what a character's bytes are, and what other bytes are shown as. */
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_character_is_written_and_read_back(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char bytes[UTF8_MOST];
		size_t length = utf8_put(c, bytes);
		if (c >= 0xd800 && c < 0xe000) {
			assert_int_equal(length, 0);
			continue;
		}
		assert_true(length > 0);
		assert_int_equal(utf8_sequence(bytes, length), c < 0x80 ? 0 : length);
		for (size_t cut = 1; cut < length; cut++)
			assert_int_equal(utf8_sequence(bytes, cut), 0);
	}
	assert_int_equal(utf8_put(0x110000, (char[UTF8_MOST]){0}), 0);
	assert_int_equal(utf8_put(UINT32_MAX, (char[UTF8_MOST]){0}), 0);
}

static void every_sequence_of_bytes_is_one_character_or_none(void **state)
{
	size_t valid = 0;

	(void)state;
	for (uint32_t i = 0; i < 1 << 24; i++) {
		const char bytes[] = {(char)(i >> 16), (char)(i >> 8), (char)i};
		valid += utf8_sequence(bytes, 3) == 3;
	}
	assert_int_equal(valid,
			 0x10000 - 0x800 -
				 0x800); /* those of three bytes: but halves of pairs, and shorter ones */
}

static void assert_shown(const char *bytes, const char *as)
{
	char *shown = utf8_from(bytes, strlen(bytes));

	assert_string_equal(shown, as);
	free(shown);
}

static void other_bytes_are_as_in_latin_1(void **state)
{
	(void)state;
	assert_shown("", "");
	assert_shown("plain", "plain");
	assert_shown("\303\251t\303\251", "\303\251t\303\251");
	assert_shown("\351t\351", "\303\251t\303\251");
	assert_shown("\303\251 \351", "\303\251 \303\251");
	assert_shown("cut \342\202", "cut \303\242\302\202");
	assert_shown("\355\240\200", "\303\255\302\240\302\200"); /* half of a pair */
	assert_shown("\377\376", "\303\277\303\276");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_written_and_read_back),
		cmocka_unit_test(every_sequence_of_bytes_is_one_character_or_none),
		cmocka_unit_test(other_bytes_are_as_in_latin_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
