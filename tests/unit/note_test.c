/* Notes in the arena: what is written is found again, by whoever comes later, up to where nothing was finished. */
#include "note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { REGION = 1024, CODE = 100 };

static _Alignas(NOTE_ALIGN) unsigned char bytes[REGION];
static const struct link_region region = {bytes, 0x1000, REGION};

static const struct note notes[] = {
	{.slot = 3, .number = 1, .entry = 0x1030, .entry_size = 90},
	{.slot = 3, .number = 2, .entry = 0x1130, .entry_size = 91, .instrumented = true, .plain = 1},
	{.slot = 4, .number = 1, .entry = 0x1230, .entry_size = 92},
};
enum { NOTES = sizeof(notes) / sizeof(*notes) };

static const struct note_variable added[] = {{"calls", 0x2000, 8, 1, false}, {"total", 0x2008, 4, 0, true}};

/* Three notes with code, the second with variables; where they end. */
static size_t write_notes(void)
{
	size_t at = 0;

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < NOTES; i++) {
		size_t end = at + NOTE_SIZE + CODE;
		assert_true(note_write(&region, at, &notes[i], added, i == 1 ? 2 : 0, &end));
		assert_int_equal(end % NOTE_ALIGN, 0);
		at = end;
	}
	return at;
}

static void assert_note(const struct note *is, const struct note *expected)
{
	assert_int_equal(is->slot, expected->slot);
	assert_int_equal(is->number, expected->number);
	assert_int_equal(is->entry, expected->entry);
	assert_int_equal(is->entry_size, expected->entry_size);
	assert_int_equal(is->instrumented, expected->instrumented);
	assert_int_equal(is->plain, expected->plain);
}

struct seen {
	struct note notes[NOTES];
	size_t count, variables;
};

static void see(void *context, const struct note *note)
{
	struct seen *seen = context;

	assert_in_range(seen->count, 0, NOTES - 1);
	seen->notes[seen->count++] = *note;
}

static void see_variable(void *context, const struct note *note, const struct note_variable *v)
{
	struct seen *seen = context;
	const struct note_variable *expected = &added[seen->variables++];

	assert_int_equal(note->number, 2);
	assert_string_equal(v->name, expected->name);
	assert_int_equal(v->address, expected->address);
	assert_int_equal(v->size, expected->size);
	assert_int_equal(v->nth, expected->nth);
	assert_int_equal(v->file_scope, expected->file_scope);
}

static struct seen read_notes(void)
{
	struct seen seen = {0};

	note_each(&region, see, see_variable, &seen);
	return seen;
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	write_notes();
	struct seen seen = read_notes();
	assert_int_equal(seen.count, NOTES);
	assert_int_equal(seen.variables, 2);
	for (size_t i = 0; i < NOTES; i++)
		assert_note(&seen.notes[i], &notes[i]);
}

static void code_is_found_by_its_place(void **state)
{
	struct note note;
	size_t begin, end, last = write_notes();

	(void)state;
	for (size_t i = 0, at = 0; i < NOTES; i++, at = end) {
		assert_true(note_find(&region, at + NOTE_SIZE + CODE - 1, &note, &begin, &end));
		assert_note(&note, &notes[i]);
		assert_int_equal(begin, at);
	}
	assert_int_equal(end, last);
	assert_false(note_find(&region, last, &note, &begin, &end));
}

static void a_number_changes_wherever_it_stands(void **state)
{
	(void)state;
	write_notes();
	note_renumber(&region, 3, 1, 7);
	struct seen seen = read_notes();
	assert_int_equal(seen.notes[0].number, 7);
	assert_int_equal(seen.notes[1].number, 2);
	assert_int_equal(seen.notes[1].plain, 7);
	assert_int_equal(seen.notes[2].number, 1); /* another function's */
	note_renumber(&region, 3, 0, 9);
	assert_int_equal(read_notes().notes[0].plain, 0);
	note_set_number(&region, 0, 8);
	assert_int_equal(read_notes().notes[0].number, 8);
}

static void what_was_not_finished_is_no_note(void **state)
{
	size_t end = write_notes(), code = end + NOTE_SIZE + CODE;

	(void)state;
	memset(bytes + end + NOTE_SIZE, 0xcc, CODE); /* its code came, and its note did not */
	assert_int_equal(read_notes().count, NOTES);
	struct link_region full = region;
	full.size = code;
	assert_false(note_write(&full, end, &notes[0], added, 2, &code));
	assert_int_equal(read_notes().count, NOTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(code_is_found_by_its_place),
		cmocka_unit_test(a_number_changes_wherever_it_stands),
		cmocka_unit_test(what_was_not_finished_is_no_note),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
