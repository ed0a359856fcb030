/* The line history. */
#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <readline/history.h>

struct home {
	char folder[64];
	char path[128];
};

static int make_home(void **state)
{
	struct home *home = calloc(1, sizeof(*home));

	strcpy(home->folder, "/tmp/line_test.XXXXXX");
	if (!mkdtemp(home->folder))
		return -1;
	snprintf(home->path, sizeof(home->path), "%s/state/rtf/line_history", home->folder);
	*state = home;
	return 0;
}

static int remove_home(void **state)
{
	struct home *home = *state;
	char path[160];

	line_fini();
	unlink(home->path);
	snprintf(path, sizeof(path), "%s.lock", home->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state/rtf", home->folder);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/state", home->folder);
	rmdir(path);
	rmdir(home->folder);
	free(home);
	return 0;
}

static const char *entry_at(int i)
{
	return history_list()[i]->line;
}

static void an_entry_of_several_lines_is_one_in_the_history(void **state)
{
	struct home *home = *state;
	static const char function[] = "int f(void)\n{\n#define X 3\n\n\treturn X;\n}";

	assert_true(line_init(home->path, NULL, NULL));
	line_remember("\\list");
	line_remember(function);
	line_remember("f()");
	line_fini();

	assert_true(line_init(home->path, NULL, NULL));
	assert_int_equal(history_length, 3);
	assert_string_equal(entry_at(0), "\\list");
	assert_string_equal(entry_at(1), function);
	assert_string_equal(entry_at(2), "f()");
}

static void equal_entries_are_folded(void **state)
{
	struct home *home = *state;

	assert_true(line_init(home->path, NULL, NULL));
	line_remember("a");
	line_remember("b");
	line_remember("a");
	assert_int_equal(history_length, 2);
	assert_string_equal(entry_at(1), "a");
	line_fini();

	assert_true(line_init(home->path, NULL, NULL));
	assert_int_equal(history_length, 2);
	assert_string_equal(entry_at(0), "b");
	assert_string_equal(entry_at(1), "a");
}

static void the_history_is_private_and_bounded(void **state)
{
	struct home *home = *state;
	struct stat st;
	char text[32];

	assert_true(line_init(home->path, NULL, NULL));
	assert_int_equal(stat(home->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int i = 0; i < 12500; i++) {
		snprintf(text, sizeof(text), "x = %d", i);
		add_history(text);
	}
	append_history(12000, home->path);
	line_fini();

	assert_true(line_init(home->path, NULL, NULL));
	assert_int_equal(history_length, 10000);
	assert_string_equal(entry_at(9999), "x = 12499");
	assert_int_equal(stat(home->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* One console writes the history anew whenever it starts, while another adds to it. */
static void consoles_that_start_lose_nothing_that_others_add(void **state)
{
	enum { ADDED = 300, STARTS = 30 };
	struct home *home = *state;
	char text[32];

	assert_true(line_init(home->path, NULL, NULL));
	for (int i = 0; i < 12500; i++)
		add_history("again");
	append_history(12500, home->path);
	line_fini();
	pid_t other = fork();
	assert_true(other >= 0);
	if (!other) {
		bool kept = line_init(home->path, NULL, NULL);
		for (int i = 0; i < ADDED && kept; i++) {
			snprintf(text, sizeof(text), "added = %d", i);
			line_remember(text);
		}
		_exit(!kept);
	}
	int status, starts = 0;
	pid_t ended = 0;
	while (!ended || starts < STARTS) {
		if (!ended)
			ended = waitpid(other, &status, WNOHANG);
		assert_true(line_init(home->path, NULL, NULL));
		/* So many that are equal have the next start write it anew. */
		for (int i = 0; i < 2100; i++)
			add_history("again");
		append_history(2100, home->path);
		line_fini();
		starts++;
	}
	assert_int_equal(status, 0);
	assert_true(line_init(home->path, NULL, NULL));
	int found = 0;
	for (int i = 0; i < history_length; i++)
		found += strncmp(entry_at(i), "added = ", 8) == 0;
	assert_int_equal(found, ADDED);
}

static void a_history_that_cannot_be_written_is_told(void **state)
{
	(void)state;
	assert_false(line_init("/proc/none/line_history", NULL, NULL));
	line_remember("x");
	assert_int_equal(history_length, 1);
}

static void the_history_lies_in_the_state_directory(void **state)
{
	(void)state;
	setenv("XDG_STATE_HOME", "/x/state", 1);
	char *path = line_history_path();
	assert_string_equal(path, "/x/state/rtf/line_history");
	free(path);
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/x", 1);
	path = line_history_path();
	assert_string_equal(path, "/x/.local/state/rtf/line_history");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_of_several_lines_is_one_in_the_history, make_home,
						remove_home),
		cmocka_unit_test_setup_teardown(equal_entries_are_folded, make_home, remove_home),
		cmocka_unit_test_setup_teardown(the_history_is_private_and_bounded, make_home, remove_home),
		cmocka_unit_test_setup_teardown(consoles_that_start_lose_nothing_that_others_add, make_home,
						remove_home),
		cmocka_unit_test_setup_teardown(a_history_that_cannot_be_written_is_told, make_home,
						remove_home),
		cmocka_unit_test(the_history_lies_in_the_state_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
