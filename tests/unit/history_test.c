/* The store: versions, changes, undo and redo, events, as history.h promises them. */
#include "stored.h"

/* --- functions and versions ---------------------------------------------------------------------------- */

static void a_function_has_one_row(void **state)
{
	struct fixture *f = *state;
	int64_t id, other;
	const struct history_function twin = {.module = "shop", .file = "/src/cart.c", .name = "price"};

	succeed(history_function_id(f->history, &price, &id));
	assert_int_equal(id, f->price);
	succeed(history_function_id(f->history, &twin, &other));
	assert_int_not_equal(other, id);
	assert_int_not_equal(f->total, id);
	open_as(f, &second_run);
	assert_int_equal(f->price, id);
}

static void a_version_comes_back_as_it_was_stored(void **state)
{
	struct fixture *f = *state;
	struct history_version version = make_version(f->price, 0, "int price(void)\n{\n\treturn 3;\n}\n");
	char note[] = "first";

	version.note = note;
	succeed(history_add(f->history, &version, 1));
	assert_int_equal(version.number, 1);
	note[0] = 'F'; /* strings are borrowed for the call only */
	struct copy copy = get(f->history, f->price, 1);
	assert_string_equal(copy.text, version.text);
	assert_string_equal(copy.note, "first");
	assert_string_equal(copy.origin, "console");
	assert_string_equal(copy.backend, "tcc");
	assert_string_equal(copy.user, "ada");
	assert_string_equal(copy.file, "/src/shop.c");
	assert_int_equal(copy.version.id, version.id);
	assert_int_equal(copy.version.function, f->price);
	assert_int_equal(copy.version.number, 1);
	assert_int_equal(copy.version.parent, 0);
	assert_int_equal(copy.version.line, 12);
	assert_false(copy.version.live);

	int year, month, day, hour, minute, second, milliseconds, end = 0;
	int fields = sscanf(copy.time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
			    &second, &milliseconds, &end);
	assert_int_equal(fields, 7);
	assert_int_equal(end, 24);
	assert_int_equal(strlen(copy.time), 24);
}

static void strings_left_out_are_empty_and_no_parent_is_minus_one(void **state)
{
	struct fixture *f = *state;
	struct history_version version = {.function = f->price, .parent = -1};

	succeed(history_add(f->history, &version, 1));
	struct copy copy = get(f->history, f->price, 1);
	assert_string_equal(copy.text, "");
	assert_string_equal(copy.note, "");
	assert_int_equal(copy.version.parent, -1);
}

static void text_of_any_bytes_is_kept(void **state)
{
	static const char *const texts[] = {
		"char *s = \"Grüße, 世界 🛒\";",
		"/* latin-1: \xe9\xff */",
		"\xf0\x9f",
		"a\r\nb\\\n'\"%s\"",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int number = add(f->history, f->price, 0, texts[i]);
		assert_string_equal(get(f->history, f->price, number).text, texts[i]);
	}
	succeed(history_note(f->history, f->price, 1, "ada", "für später"));
	assert_string_equal(get(f->history, f->price, 1).note, "für später");
}

static void take_length(void *context, const struct history_version *version)
{
	*(size_t *)context = strlen(version->text);
}

static void a_text_of_ten_megabytes_is_kept(void **state)
{
	struct fixture *f = *state;
	size_t size = 10 << 20, length = 0;
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	add(f->history, f->price, 0, text);
	succeed(history_find(f->history, f->price, 1, take_length, &length));
	assert_int_equal(length, size);
	free(text);
}

static void a_text_is_stored_once(void **state)
{
	struct fixture *f = *state;

	add(f->history, f->price, 0, "int same;");
	add(f->history, f->price, 1, "int other;");
	add(f->history, f->price, 2, "int same;");
	add(f->history, f->total, 0, "int same;");
	add_built(f->history, f->total, "int same;");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 2);
	assert_string_equal(get(f->history, f->price, 3).text, "int same;");
}

static void texts_that_share_a_hash_are_kept_apart(void **state)
{
	struct fixture *f = *state;

	add(f->history, f->price, 0, "int one;");
	raw(f, "UPDATE text SET content = 'int two;'"); /* now the hash of "int one;" is that of "int two;" */
	add(f->history, f->price, 1, "int one;");
	add(f->history, f->price, 2, "int one;");
	assert_string_equal(get(f->history, f->price, 1).text, "int two;");
	assert_string_equal(get(f->history, f->price, 2).text, "int one;");
	assert_string_equal(get(f->history, f->price, 3).text, "int one;");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 2);
	assert_int_equal(raw_number(f, "SELECT count(DISTINCT hash) FROM text"), 1);
}

static void version_0_is_kept_once_for_each_build(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built_a;");
	add_built(f->history, f->price, "int not_this;");
	struct copy copy = get(f->history, f->price, 0);
	assert_string_equal(copy.text, "int built_a;");
	assert_string_equal(copy.origin, "built");
	assert_string_equal(copy.backend, "built");
	assert_int_equal(copy.version.parent, -1);
	assert_true(copy.version.live);
	define(f->history, f->price, 0, "int first;");
	assert_int_equal(count(f->history, f->price), 2);

	open_as(f, &rebuilt_run);
	assert_int_equal(count(f->history, f->price), 1);
	assert_listed(f->history, f->price, 0, 10, "price1");
	refuse(history_find(f->history, f->price, 0, keep, &copy), ERROR_UNKNOWN, "no version 0 of price");
	add_built(f->history, f->price, "int built_b;");
	assert_string_equal(get(f->history, f->price, 0).text, "int built_b;");
	assert_int_equal(count(f->history, f->price), 2);
	assert_listed(f->history, f->price, 0, 10, "price1 price0*");
	assert_listed(f->history, 0, 0, 10, "price0* price1");

	open_as(f, &second_run);
	assert_string_equal(get(f->history, f->price, 0).text, "int built_a;");
}

static void numbers_count_from_one_for_each_function_over_all_runs(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f->history, f->price, 0, "a"), 1);
	assert_int_equal(add(f->history, f->price, 1, "b"), 2);
	assert_int_equal(add(f->history, f->total, 0, "c"), 1);
	open_as(f, &rebuilt_run);
	assert_int_equal(add(f->history, f->price, 0, "d"), 3);
	assert_int_equal(add(f->history, f->total, 0, "e"), 2);
}

static void two_handles_share_one_count(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	succeed(history_open(f->path, &second_run, &other));
	for (int i = 1; i < 20; i += 2) {
		assert_int_equal(add(f->history, f->price, 0, "mine"), i);
		assert_int_equal(add(other, f->price, 0, "theirs"), i + 1);
	}
	assert_int_equal(count(f->history, f->price), 20);
	history_close(other);
}

static void several_are_added_together(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {
		make_version(f->price, 0, "a"),
		make_version(f->total, 0, "b"),
		make_version(f->price, 0, "c"),
	};

	succeed(history_add(f->history, versions, 3));
	assert_int_equal(versions[0].number, 1);
	assert_int_equal(versions[1].number, 1);
	assert_int_equal(versions[2].number, 2);
	assert_int_equal(get(f->history, f->total, 1).version.id, versions[1].id);
	succeed(history_add(f->history, NULL, 0));
}

static void several_are_added_all_or_none(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {
		make_version(f->price, 0, "a"),
		make_version(f->total, 0, "b"),
		make_version(4711, 0, "c"),
	};

	refuse(history_add(f->history, versions, 3), ERROR_UNKNOWN, "no such function");
	assert_int_equal(versions[0].number, 0);
	assert_int_equal(versions[0].id, 0);
	assert_int_equal(count(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM text"), 0);
	succeed(history_add(f->history, versions, 2));
	assert_int_equal(versions[0].number, 1);
	assert_intact(f);
}

static void a_definition_after_a_rollback_has_the_old_version_as_parent(void **state)
{
	struct fixture *f = *state;

	define(f->history, f->price, 0, "a");
	define(f->history, f->price, 1, "b");
	record(f->history, HISTORY_ROLLBACK, 0, f->price, 2, 1);
	assert_int_equal(live(f->history, f->price), 1);
	define(f->history, f->price, live(f->history, f->price), "c");
	assert_int_equal(get(f->history, f->price, 3).version.parent, 1);
	assert_int_equal(get(f->history, f->price, 2).version.parent, 1);
	assert_listed(f->history, f->price, 0, -1, "price3* price2 price1");
}

static void what_is_not_there_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct copy copy;
	int number = 5;

	refuse(history_find(f->history, f->price, 3, keep, &copy), ERROR_UNKNOWN, "price has no version 3");
	refuse(history_find(f->history, f->price, -2, keep, &copy), ERROR_UNKNOWN, "price has no version -2");
	refuse(history_find(f->history, 4711, 3, keep, &copy), ERROR_UNKNOWN, "no function 4711");
	refuse(history_note(f->history, f->price, 3, "ada", "x"), ERROR_UNKNOWN, "price has no version 3");
	refuse(history_note(f->history, f->price, 0, "ada", "x"), ERROR_UNKNOWN, "no version 0 of price");
	refuse(history_count(f->history, 4711, &number), ERROR_UNKNOWN, "no function 4711");
	assert_int_equal(number, 5);
	assert_int_equal(live(f->history, 4711), 0);
}

static void a_note_replaces_the_one_before(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built;");
	add(f->history, f->price, 0, "a");
	add(f->history, f->price, 1, "b");
	succeed(history_note(f->history, f->price, 1, "ada", "too cheap"));
	succeed(history_note(f->history, f->price, 1, "ada", "still too cheap"));
	succeed(history_note(f->history, f->price, 0, "ada", "as shipped"));
	assert_string_equal(get(f->history, f->price, 1).note, "still too cheap");
	assert_string_equal(get(f->history, f->price, 2).note, "");
	assert_string_equal(get(f->history, f->price, 0).note, "as shipped");
	succeed(history_note(f->history, f->price, 1, "ada", ""));
	assert_string_equal(get(f->history, f->price, 1).note, "");
}

static void versions_are_listed_in_pages(void **state)
{
	struct fixture *f = *state;

	add_built(f->history, f->price, "int built;");
	for (int i = 0; i < 5; i++)
		define(f->history, f->price, i, "a");
	assert_listed(f->history, f->price, 0, -1, "price5* price4 price3 price2 price1 price0");
	assert_listed(f->history, f->price, 0, 2, "price5* price4");
	assert_listed(f->history, f->price, 4, 2, "price3 price2");
	assert_listed(f->history, f->price, 2, 2, "price1 price0");
	assert_listed(f->history, f->price, 1, 2, "price0");
	assert_listed(f->history, 4711, 0, 9, "");
}

static void all_functions_are_listed_in_pages_by_row(void **state)
{
	struct fixture *f = *state;
	struct listing listing = {.text = ""};

	add_built(f->history, f->price, "int built;");
	define(f->history, f->price, 0, "a");
	define(f->history, f->total, 0, "b");
	define(f->history, f->price, 1, "c");
	succeed(log_versions(f->history, &(struct log_filter){.limit = 2}, list, &listing));
	assert_string_equal(listing.text, "price2* total1*");
	assert_listed(f->history, 0, listing.last_id, 9, "price1 price0");
}

static void a_listing_stops_when_told(void **state)
{
	struct fixture *f = *state;
	struct listing listing = {.stop_after = 2};

	add_built(f->history, f->price, "int built;");
	add(f->history, f->price, 0, "a");
	succeed(log_versions(f->history, &(struct log_filter){.function = f->price, .before = 2}, list,
			     &listing));
	assert_string_equal(listing.text, "price1 price0*");
	listing = (struct listing){.stop_after = 1};
	succeed(log_versions(f->history, &(struct log_filter){.function = f->price}, list, &listing));
	assert_string_equal(listing.text, "price1");
}

/* --- runs ---------------------------------------------------------------------------------------------- */

static void live_marks_belong_to_a_run(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	define(f->history, f->price, 0, "a");
	succeed(history_open(f->path, &second_run, &other));
	assert_int_equal(live(other, f->price), 0);
	define(other, f->price, 0, "b");
	assert_int_equal(live(other, f->price), 2);
	assert_int_equal(live(f->history, f->price), 1);
	assert_listed(other, f->price, 0, 9, "price2* price1");
	assert_listed(f->history, f->price, 0, 9, "price2 price1*");
	history_close(other);
}

static void the_same_run_is_gone_on_with(void **state)
{
	struct fixture *f = *state;
	struct history_move *moves;
	size_t moved;
	int64_t change, next;

	change = define(f->history, f->price, 0, "a");
	open_as(f, &first_run);
	assert_int_equal(live(f->history, f->price), 1);
	succeed(history_next(f->history, false, &next, &moves, &moved));
	assert_int_equal(next, change);
	free(moves);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 1);

	struct history_process reborn = first_run;
	reborn.started++;
	open_as(f, &reborn);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM process"), 2);
}

/* --- undo and redo ------------------------------------------------------------------------------------- */

static void assert_next(struct history *h, bool redo, int64_t change, int from, int to)
{
	struct history_move *moves;
	size_t moved;
	int64_t next;

	succeed(history_next(h, redo, &next, &moves, &moved));
	assert_int_equal(next, change);
	assert_int_equal(moved, change ? 1 : 0);
	if (change) {
		assert_int_equal(moves[0].from, from);
		assert_int_equal(moves[0].to, to);
	} else {
		assert_null(moves);
	}
	free(moves);
}

/* What the engine does for `\undo` and `\redo`. */
static int64_t go(struct history *h, bool redo)
{
	enum history_kind kind = redo ? HISTORY_REDO : HISTORY_UNDO;
	struct history_move *moves;
	size_t moved;
	int64_t change;

	succeed(history_next(h, redo, &change, &moves, &moved));
	if (change)
		succeed(history_record(h, kind, "ada", change, moves, moved, NULL));
	free(moves);
	return change;
}

static void undo_goes_back_and_redo_forth(void **state)
{
	struct fixture *f = *state;

	assert_next(f->history, false, 0, 0, 0);
	assert_next(f->history, true, 0, 0, 0);
	int64_t a = define(f->history, f->price, 0, "a");
	int64_t b = define(f->history, f->price, 1, "b");
	int64_t c = record(f->history, HISTORY_ROLLBACK, 0, f->price, 2, 0);
	assert_next(f->history, true, 0, 0, 0);
	assert_next(f->history, false, c, 0, 2);
	assert_int_equal(go(f->history, false), c);
	assert_int_equal(live(f->history, f->price), 2);
	assert_next(f->history, false, b, 2, 1);
	assert_next(f->history, true, c, 2, 0);
	assert_int_equal(go(f->history, false), b);
	assert_int_equal(go(f->history, false), a);
	assert_int_equal(go(f->history, false), 0);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(go(f->history, true), a);
	assert_int_equal(go(f->history, true), b);
	assert_int_equal(live(f->history, f->price), 2);
	assert_int_equal(go(f->history, false), b);
	assert_int_equal(go(f->history, true), b);
	assert_int_equal(go(f->history, true), c);
	assert_int_equal(go(f->history, true), 0);
	assert_int_equal(live(f->history, f->price), 0);
}

static void a_new_change_ends_what_could_be_redone(void **state)
{
	struct fixture *f = *state;

	int64_t a = define(f->history, f->price, 0, "a");
	int64_t b = define(f->history, f->price, 1, "b");
	assert_int_equal(go(f->history, false), b);
	int64_t c = define(f->history, f->price, 1, "c");
	assert_next(f->history, true, 0, 0, 0);
	assert_int_equal(go(f->history, false), c);
	assert_next(f->history, true, c, 1, 3); /* and not b, which was given up when c was made */
	assert_next(f->history, false, a, 1, 0);
	assert_int_equal(go(f->history, false), a);
	assert_int_equal(go(f->history, true), a);
	assert_int_equal(go(f->history, true), c);
	assert_int_equal(go(f->history, true), 0);
	assert_int_equal(live(f->history, f->price), 3);
}

static void a_record_in_two_halves_counts_once_it_is_kept(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = add(f->history, f->price, 0, "a")};

	succeed(history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM live"), 0);
	succeed(history_record_end(f->history, true));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 1);
	assert_int_equal(live(f->history, f->price), 1);
}

static void a_record_that_is_taken_back_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = add(f->history, f->price, 0, "a")};
	struct history *other;

	succeed(history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1));
	succeed(history_record_end(f->history, false));
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	succeed(history_open(f->path, &second_run, &other));
	define(other, f->price, 0, "b"); /* nothing is locked */
	history_close(other);
	assert_int_equal(record(f->history, HISTORY_DEFINE, 0, f->price, 0, 1) > 0, true);
}

static void a_record_whose_first_half_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct history_move move = {.function = f->price, .to = 7};

	struct error *e = history_record_begin(f->history, HISTORY_DEFINE, "ada", 0, &move, 1);
	assert_int_equal(error_class(e), ERROR_UNKNOWN);
	error_free(e);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 0);
	define(f->history, f->price, 0, "a");
}

static void a_change_of_several_functions_is_undone_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[] = {make_version(f->price, 0, "a"), make_version(f->total, 0, "b")};
	struct history_move *moves;
	size_t moved;
	int64_t change;

	succeed(history_add(f->history, versions, 2));
	struct history_move both[] = {{.function = f->price, .to = 1}, {.function = f->total, .to = 1}};
	succeed(history_record(f->history, HISTORY_DEFINE, "ada", 0, both, 2, NULL));
	succeed(history_next(f->history, false, &change, &moves, &moved));
	assert_int_equal(moved, 2);
	assert_int_equal(moves[0].from, 1);
	assert_int_equal(moves[1].to, 0);
	assert_int_not_equal(moves[0].function, moves[1].function);
	free(moves);
	go(f->history, false);
	assert_int_equal(live(f->history, f->price), 0);
	assert_int_equal(live(f->history, f->total), 0);
	go(f->history, true);
	assert_int_equal(live(f->history, f->total), 1);
}

static void a_change_may_move_a_hundred_functions(void **state)
{
	struct fixture *f = *state;
	struct history_version versions[100];
	struct history_move made[100], *moves;
	size_t moved;
	int64_t change;
	char name[16];

	for (int i = 0; i < 100; i++) {
		struct history_function function = {.module = "shop", .file = "/src/many.c", .name = name};
		snprintf(name, sizeof(name), "f%d", i);
		made[i] = (struct history_move){.to = 1};
		succeed(history_function_id(f->history, &function, &made[i].function));
		versions[i] = make_version(made[i].function, 0, "a");
	}
	succeed(history_add(f->history, versions, 100));
	succeed(history_record(f->history, HISTORY_RESTORE, "ada", 0, made, 100, NULL));
	succeed(history_next(f->history, false, &change, &moves, &moved));
	assert_int_equal(moved, 100);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(moves[i].function, made[i].function);
		assert_int_equal(moves[i].from, 1);
		assert_int_equal(moves[i].to, 0);
	}
	free(moves);
}

static void undo_belongs_to_a_run(void **state)
{
	struct fixture *f = *state;
	struct history *other;

	int64_t a = define(f->history, f->price, 0, "a");
	succeed(history_open(f->path, &second_run, &other));
	assert_next(other, false, 0, 0, 0);
	int64_t b = define(other, f->price, 0, "b");
	assert_next(f->history, false, a, 1, 0);
	assert_int_equal(go(f->history, false), a);
	int64_t c = define(other, f->price, 2, "c"); /* another run's change takes no redo away */
	assert_next(f->history, true, a, 0, 1);
	assert_int_equal(go(other, false), c);
	assert_int_equal(go(other, false), b);
	history_close(other);
}

/* Against two stacks, as every editor has them. */
static void undo_and_redo_agree_with_two_stacks(void **state)
{
	struct fixture *f = *state;
	int64_t done[400], undone[400];
	int done_count = 0, undone_count = 0;
	uint32_t random = 20260102;

	for (int i = 0; i < 400; i++) {
		random = random * 1664525 + 1013904223;
		switch (random >> 24 & 3) {
		case 0:
			done[done_count++] = define(f->history, f->price, live(f->history, f->price), "x");
			undone_count = 0;
			break;
		case 1:
		case 2:
			assert_int_equal(go(f->history, false), done_count ? done[done_count - 1] : 0);
			if (done_count)
				undone[undone_count++] = done[--done_count];
			break;
		case 3:
			assert_int_equal(go(f->history, true), undone_count ? undone[undone_count - 1] : 0);
			if (undone_count)
				done[done_count++] = undone[--undone_count];
			break;
		}
	}
	assert_intact(f);
}

static void a_change_that_makes_no_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct history_move twice[] = {{f->price, 0, 1}, {f->price, 0, 1}};
	const struct history_move missing = {.function = f->price, .to = 8};
	const struct history_move negative = {.function = f->price, .to = -1};
	const struct history_move nobody = {.function = 4711};

	int64_t a = define(f->history, f->price, 0, "a");
	refuse_change(f->history, HISTORY_DEFINE, 0, &missing, 1, ERROR_UNKNOWN, "price has no version 8");
	refuse_change(f->history, HISTORY_DEFINE, 0, &negative, 1, ERROR_UNKNOWN, "price has no version -1");
	refuse_change(f->history, HISTORY_ROLLBACK, 0, &nobody, 1, ERROR_UNKNOWN, "no such function");
	refuse_change(f->history, HISTORY_DEFINE, 0, twice, 2, ERROR_INTERNAL, f->path);
	refuse_change(f->history, HISTORY_DEFINE, 0, twice, 0, ERROR_INTERNAL, "moves");
	refuse_change(f->history, HISTORY_DEFINE, a, twice, 1, ERROR_INTERNAL, "subject");
	refuse_change(f->history, HISTORY_UNDO, 0, twice, 1, ERROR_INTERNAL, "subject");
	refuse_change(f->history, HISTORY_UNDO, 4711, twice, 1, ERROR_UNKNOWN, "change");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM change"), 1);
	assert_int_equal(live(f->history, f->price), 1);
	assert_next(f->history, false, a, 1, 0);
}

/* --- what people read ---------------------------------------------------------------------------------- */

static void events_are_appended(void **state)
{
	struct fixture *f = *state;
	char text[128];

	succeed(history_event(f->history, "refused", f->price, 3, "ada", "4 bytes became 8"));
	succeed(history_event(f->history, "attached", 0, -1, "", NULL));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event WHERE kind <> 'started'"), 2);
	raw_text(f,
		 "SELECT e.kind || ' ' || f.name || ' ' || e.number || ' ' || e.user || ': ' || e.detail"
		 " FROM event AS e JOIN function AS f ON f.id = e.function",
		 text, sizeof(text));
	assert_string_equal(text, "refused price 3 ada: 4 bytes became 8");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event WHERE kind = 'attached' AND function IS "
				       "NULL AND number IS NULL"
				       " AND detail IS NULL"),
			 1);
	refuse(history_event(f->history, "fault", 4711, 1, "ada", NULL), ERROR_UNKNOWN, "no such function");
}

static void a_run_that_nobody_saw_end_is_ended_once_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct history_process self = {.pid = getpid(),
				       .program = "/opt/shop",
				       .build_id = "aa",
				       .started = history_process_started(getpid())};
	struct history_process gone = {.pid = 1, .program = "/opt/shop", .build_id = "aa", .started = 1};
	struct history *running, *killed;

	succeed(history_open(f->path, &self, &running));
	succeed(history_open(f->path, &gone, &killed));
	history_close(killed);
	succeed(history_end_runs(f->history, "noticed"));
	succeed(history_end_runs(f->history, "noticed"));
	succeed(history_end_runs(running, "noticed too"));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM event AS e JOIN process AS p ON p.id = e.process"
				       " WHERE kind = 'ended' AND detail = 'noticed' AND p.pid = 1"
				       " AND p.started = 1"),
			 1);
	char own[200];
	snprintf(own, sizeof(own),
		 "SELECT count(*) FROM event AS e JOIN process AS p ON p.id = e.process"
		 " WHERE kind = 'ended' AND p.pid = %d",
		 (int)getpid());
	assert_int_equal(raw_number(f, own), 0);
	history_close(running);
}

static void the_views_tell_a_person_what_happened(void **state)
{
	struct fixture *f = *state;
	char text[256];

	define(f->history, f->price, 0, "a");
	define(f->history, f->total, 0, "b");
	define(f->history, f->price, 1, "c");
	record(f->history, HISTORY_ROLLBACK, 0, f->total, 1, 0);
	raw_text(f, "SELECT group_concat(function || ' ' || version || ' ' || user) FROM versions_live", text,
		 sizeof(text));
	assert_string_equal(text, "price 2 ada");
	raw_text(f, "SELECT group_concat(kind || ' ' || moves, '; ') FROM changes", text, sizeof(text));
	assert_string_equal(text, "rollback total 1 -> 0; define price 1 -> 2; define total 0 -> 1;"
				  " define price 0 -> 1");

	/* Functions of one name by their files; by the whole path where that says no more. */
	static const struct history_function others[] = {
		{.module = "shop", .file = "/src/other.c", .name = "price"},
		{.module = "shop", .file = "/src/total/shop.c", .name = "total"}};
	int64_t id;
	for (size_t i = 0; i < 2; i++) {
		succeed(history_function_id(f->history, &others[i], &id));
		define(f->history, id, 0, "d");
	}
	raw_text(f, "SELECT group_concat(moves, '; ') FROM (SELECT moves FROM changes LIMIT 5)", text,
		 sizeof(text));
	assert_string_equal(text,
			    "/src/total/shop.c:total 0 -> 1; other.c:price 0 -> 1; /src/shop.c:total 1 -> 0;"
			    " shop.c:price 1 -> 2; /src/shop.c:total 0 -> 1");
	raw_text(f, "SELECT function FROM events WHERE function LIKE '%price' LIMIT 1", text, sizeof(text));
	assert_string_equal(text, "other.c:price");
}

static int count_unexplained(void *context, int columns, char **values, char **names)
{
	int *unexplained = context;
	char *rest = NULL;

	(void)columns;
	(void)names;
	for (char *line = strtok_r(values[0], "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool column = line[0] == '\t' && line[1] >= 'a' && line[1] <= 'z';
		if (column && !strstr(line, "PRIMARY KEY") && !strstr(line, " -- ")) {
			print_message("no comment: %s\n", line);
			++*unexplained;
		}
	}
	return 0;
}

static void every_table_and_column_is_explained(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = open_raw(f);
	int unexplained = 0;

	int rc = sqlite3_exec(db, "SELECT sql FROM sqlite_master WHERE type = 'table'", count_unexplained,
			      &unexplained, NULL);
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(unexplained, 0);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
				       " AND sql NOT LIKE '%(' || char(10) || char(9) || '-- %'"),
			 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_HISTORY(a_function_has_one_row),
		WITH_HISTORY(a_version_comes_back_as_it_was_stored),
		WITH_HISTORY(strings_left_out_are_empty_and_no_parent_is_minus_one),
		WITH_HISTORY(text_of_any_bytes_is_kept),
		WITH_HISTORY(a_text_of_ten_megabytes_is_kept),
		WITH_HISTORY(a_text_is_stored_once),
		WITH_HISTORY(texts_that_share_a_hash_are_kept_apart),
		WITH_HISTORY(version_0_is_kept_once_for_each_build),
		WITH_HISTORY(numbers_count_from_one_for_each_function_over_all_runs),
		WITH_HISTORY(two_handles_share_one_count),
		WITH_HISTORY(several_are_added_together),
		WITH_HISTORY(several_are_added_all_or_none),
		WITH_HISTORY(a_definition_after_a_rollback_has_the_old_version_as_parent),
		WITH_HISTORY(what_is_not_there_is_unknown),
		WITH_HISTORY(a_note_replaces_the_one_before),
		WITH_HISTORY(versions_are_listed_in_pages),
		WITH_HISTORY(all_functions_are_listed_in_pages_by_row),
		WITH_HISTORY(a_listing_stops_when_told),
		WITH_HISTORY(live_marks_belong_to_a_run),
		WITH_HISTORY(the_same_run_is_gone_on_with),
		WITH_HISTORY(undo_goes_back_and_redo_forth),
		WITH_HISTORY(a_new_change_ends_what_could_be_redone),
		WITH_HISTORY(a_record_in_two_halves_counts_once_it_is_kept),
		WITH_HISTORY(a_record_that_is_taken_back_leaves_nothing),
		WITH_HISTORY(a_record_whose_first_half_fails_leaves_nothing),
		WITH_HISTORY(a_change_of_several_functions_is_undone_as_a_whole),
		WITH_HISTORY(a_change_may_move_a_hundred_functions),
		WITH_HISTORY(undo_belongs_to_a_run),
		WITH_HISTORY(undo_and_redo_agree_with_two_stacks),
		WITH_HISTORY(a_change_that_makes_no_sense_is_refused),
		WITH_HISTORY(events_are_appended),
		WITH_HISTORY(a_run_that_nobody_saw_end_is_ended_once_by_the_next),
		WITH_HISTORY(the_views_tell_a_person_what_happened),
		WITH_HISTORY(every_table_and_column_is_explained),
	};

	watch_sqlite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
