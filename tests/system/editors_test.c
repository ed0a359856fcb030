/* How files are saved: the ways that editors have, and the editors themselves; git over many files. */
#include "followed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct followed host;

static int start(void **state)
{
	(void)state;
	followed_init(&host);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);
		assert_true(n > 0);
		text += n;
		size -= (size_t)n;
	}
}

static int open_truncated(const char *name)
{
	char *path = compiled_path(&host.subject, name);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	free(path);
	return fd;
}

/* Nothing is expected to happen for that long: how a save in progress looks to the one who waits. */
static void assert_silent(int ms)
{
	struct pollfd event = {.fd = host.events.fd, .events = POLLIN};

	if (poll(&event, 1, ms))
		fail_msg("an event came before the save was whole");
}

/* --- the ways ------------------------------------------------------------------------------------------------------ */

static void a_file_renamed_over_the_source_is_a_save(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");

	(void)state;
	followed_write(&host, "follow_host.c.tmp", text);
	followed_run(&host, "mv follow_host.c.tmp follow_host.c");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	free(text);
}

static void a_save_that_leaves_a_backup_is_a_save(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");

	(void)state;
	followed_run(&host, "mv follow_host.c follow_host.c~");
	followed_write(&host, "follow_host.c", text);
	followed_assert_live(&host, "scaled");
	followed_run(&host, "ln follow_host.c follow_host.bak && sed 's/n \\* 5/n * 6/' follow_host.c >new "
			    "&& ln -f new follow_host.c");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 6);
	free(text);
}

static void a_file_written_in_pieces_is_waited_for(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");
	size_t size = strlen(text), half = size / 3;
	int fd = open_truncated("follow_host.c");

	(void)state;
	assert_silent(30);
	write_all(fd, text, half);
	assert_silent(50);
	write_all(fd, text + half, half);
	assert_silent(50);
	write_all(fd, text + 2 * half, size - 2 * half);
	close(fd);
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	free(text);
}

static void half_a_file_changes_nothing_and_the_whole_one_heals(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");
	const char *middle = strstr(text, "return n + OFFSET");
	int fd = open_truncated("follow_host.c");

	(void)state;
	assert_non_null(middle);
	write_all(fd, text, (size_t)(middle - text));
	close(fd);
	followed_assert_refused(&host, "follow_host.c");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_call(&host, "moved", 1, 2);
	followed_write(&host, "follow_host.c", text);
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	free(text);
}

static void an_emptied_file_is_waited_for(void **state)
{
	char *text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");

	(void)state;
	close(open_truncated("follow_host.c"));
	assert_silent(50);
	followed_write(&host, "follow_host.c", text);
	followed_assert_live(&host, "scaled");
	free(text);
}

static void the_last_of_many_saves_counts(void **state)
{
	(void)state;
	for (int i = 1; i <= 100; i++) {
		char old[64], new[64];
		snprintf(old, sizeof(old), i == 1 ? "n * FACTOR" : "n * %d", i + 9);
		snprintf(new, sizeof(new), "n * %d", i + 10);
		followed_edit(&host, "follow_host.c", old, new);
	}
	/* Any number of them went live, and one that is read together with the next leaves nothing new to that; what runs in the end
	 * is the last. */
	const char *text;
	char *source;
	do {
		json_t *event = followed_next(&host);
		const char *kind = json_string_value(json_object_get(event, "event"));
		assert_true(strcmp(kind, "live") == 0 || strcmp(kind, "unchanged") == 0);
		json_decref(event);
		json_t *answer = wire_ask(&host.events, 9, "\\source scaled");
		text = json_string_value(json_object_get(json_object_get(answer, "data"), "text"));
		source = strdup(text ? text : "");
		json_decref(answer);
		text = strstr(source, "n * 110");
		free(source);
	} while (!text);
	followed_assert_call(&host, "scaled", 1, 110);
}

static int start_with_link(void **state)
{
	(void)state;
	followed_prepare(&host);
	followed_run(
		&host,
		"mkdir real && mv follow_host.c real/host_file.c && ln -s real/host_file.c follow_host.c && "
		"mv follow.h real/ && ln -s real/follow.h follow.h && cp follow_deep.h real/");
	followed_start(&host);
	return 0;
}

static void what_a_symbolic_link_leads_to_is_followed(void **state)
{
	(void)state;
	followed_edit(&host, "real/host_file.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	followed_edit(&host, "real/follow.h", "OFFSET = 1", "OFFSET = 2");
	followed_assert_live(&host, "moved");
	followed_run(
		&host,
		"sed 's/n \\* 5/n * 6/' real/host_file.c >real/next.c && ln -sf real/next.c follow_host.c");
	followed_assert_live(&host, "scaled");
	followed_edit(&host, "real/next.c", "n * 6", "n * 7");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 7);
}

static void a_folder_that_goes_and_comes_back_is_followed(void **state)
{
	(void)state;
	followed_run(&host, "cp -r real kept && rm -r real && sed -i 's/OFFSET = 1/OFFSET = 3/' "
			    "kept/follow.h && mv kept real");
	followed_assert_live(&host, "moved");
	followed_edit(&host, "real/follow.h", "OFFSET = 3", "OFFSET = 4");
	followed_assert_live(&host, "moved");
	followed_assert_call(&host, "moved", 1, 5);
}

static void sed_in_place_is_a_save(void **state)
{
	(void)state;
	followed_run(&host, "sed -i 's/n \\* FACTOR/n * 5/' follow_host.c");
	followed_assert_live(&host, "scaled");
	followed_run(&host, "sed -i.orig 's/n \\* 5/n * 6/' follow_host.c");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 6);
}

/* --- git ----------------------------------------------------------------------------------------------------------- */

static void git(const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "git -c user.name=t -c user.email=t@example.org -c init.defaultBranch=main -c gc.auto=0 %s",
		 arguments);
	followed_run(&host, command);
}

static void change_both_files(void)
{
	char *host_text = followed_edited(&host, "follow_host.c", "n * FACTOR", "n * 5");
	char *other_text = followed_edited(&host, "follow_other.c", "n + 5", "n + 50");

	followed_write(&host, "follow_host.c", host_text);
	followed_write(&host, "follow_other.c", other_text);
	free(host_text);
	free(other_text);
}

/* The program is built from `main`; `two` changes three files, `broken` two, and one of them is no C. */
static int start_with_repository(void **state)
{
	(void)state;
	followed_prepare(&host);
	git("init -q .");
	git("add follow.h follow_deep.h follow_host.c follow_other.c");
	git("commit -q -m one");
	git("checkout -q -b two");
	change_both_files();
	followed_edit(&host, "follow_deep.h", "DEEP 1000", "DEEP 2000");
	git("commit -q -a -m two");
	git("checkout -q -b broken main");
	change_both_files();
	followed_edit(&host, "follow_other.c", "n - DEEP", "n - DEEPER");
	git("commit -q -a -m broken");
	git("checkout -q main");
	followed_start(&host);
	return 0;
}

static void a_checkout_of_many_files_is_one_change(void **state)
{
	(void)state;
	git("checkout -q two");
	followed_assert_live(&host, "scaled deep other other_deep");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_assert_call(&host, "other", 1, 51);
	followed_assert_call(&host, "deep", 1, 2001);
	compiled_assert_says(&host.subject, 0, "\\undo", "other_deep");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_call(&host, "other", 1, 6);
	followed_assert_call(&host, "deep", 1, 1001);
}

static void a_checkout_back_is_one_change_too(void **state)
{
	(void)state;
	git("checkout -q two");
	followed_assert_live(&host, "scaled deep other other_deep");
	git("checkout -q main");
	followed_assert_live(&host, "scaled deep other other_deep");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_call(&host, "deep", 1, 1001);
}

static void a_checkout_with_an_error_changes_nothing(void **state)
{
	(void)state;
	git("checkout -q broken");
	followed_assert_refused(&host, "DEEPER");
	followed_assert_call(&host, "scaled", 1, 3);
	followed_assert_call(&host, "other", 1, 6);
	followed_assert_state(&host, "scaled", "refused");
	followed_edit(&host, "follow_other.c", "n - DEEPER", "n - DEEP");
	followed_assert_live(&host, "scaled other");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_assert_call(&host, "other", 1, 51);
}

static void a_stash_takes_changes_away_and_brings_them_back(void **state)
{
	(void)state;
	followed_edit(&host, "follow_host.c", "n * FACTOR", "n * 5");
	followed_assert_live(&host, "scaled");
	git("stash -q");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 3);
	git("stash pop -q");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
}

static void a_locked_index_holds_a_save_up(void **state)
{
	(void)state;
	followed_run(&host, "touch .git/index.lock");
	change_both_files();
	assert_silent(100);
	followed_run(&host, "rm .git/index.lock");
	followed_assert_live(&host, "scaled other");
}

/* --- editors ------------------------------------------------------------------------------------------------------- */

/* An editor in a terminal of its own, whose screen comes out of a pipe. */
struct screen {
	char *server;
	int output;
};

static void tmux(const struct screen *s, const char *arguments)
{
	char command[1024];

	snprintf(command, sizeof(command), "tmux -S %s -f /dev/null %s", s->server, arguments);
	followed_run(&host, command);
}

static void screen_open(struct screen *s, const char *editor)
{
	char *fifo = compiled_path(&host.subject, "screen");

	s->server = compiled_path(&host.subject, "tmux");
	if (mkfifo(fifo, 0600) && errno != EEXIST)
		fail_msg("no fifo");
	s->output = open(fifo, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_true(s->output >= 0);
	followed_write(&host, "editor.sh", editor);
	tmux(s, "new-session -d -x 100 -y 40 'TERM=screen sh editor.sh'");
	tmux(s, "pipe-pane 'cat >screen'");
	free(fifo);
}

/* Waits until the editor has drawn that; what it drew before the pipe was there is on the screen. */
static void screen_await(struct screen *s, const char *part)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char *output = NULL, command[512], drawn[4096];

	snprintf(command, sizeof(command), "tmux -S %s capture-pane -p", s->server);
	for (;;) {
		const char *const argv[] = {"sh", "-c", command, NULL};
		assert_int_equal(child_run(argv, NULL, COMPILED_DEADLINE_MS, &output), 0);
		bool found = output && strstr(output, part);
		if (!found && child_clock() > deadline)
			fail_msg("the screen never showed %s but: %.800s", part, output ? output : "");
		free(output);
		if (found)
			return;
		struct pollfd more = {.fd = s->output, .events = POLLIN};
		poll(&more, 1, 200);
		while (read(s->output, drawn, sizeof(drawn)) > 0)
			;
	}
}

static void screen_close(struct screen *s)
{
	followed_run(&host, "tmux -S tmux kill-server || true");
	close(s->output);
	free(s->server);
}

static void vim_saves(const char *options)
{
	char command[256];
	struct screen s;

	snprintf(command, sizeof(command), "vim.tiny -u NONE -N %s follow_host.c", options);
	screen_open(&s, command);
	screen_await(&s, "#include \"follow.h\"");
	tmux(&s, "send-keys ':%s/n \\* FACTOR/n * 5/' Enter");
	tmux(&s, "send-keys ':w' Enter");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	tmux(&s, "send-keys 'u:wq' Enter");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 3);
	screen_close(&s);
}

static void vim_saves_by_rename(void **state)
{
	(void)state;
	vim_saves("-c 'set backup writebackup backupcopy=no'");
}

static void vim_saves_in_place(void **state)
{
	(void)state;
	vim_saves("-c 'set nobackup nowritebackup'");
}

/* Onto the bytes that were there, which are copied to a backup before. */
static void vim_saves_over_the_old_bytes(void **state)
{
	(void)state;
	vim_saves("-c 'set backup writebackup backupcopy=yes undofile'");
}

static void vim_saves_as_it_thinks_best(void **state)
{
	(void)state;
	vim_saves("-c 'set nobackup writebackup backupcopy=auto'");
}

/* vim with both files at hand. */
static void vim_open(struct screen *s)
{
	screen_open(s, "vim.tiny -u NONE -N -c 'set hidden' follow_host.c follow_other.c");
	screen_await(s, "#include \"follow.h\"");
}

/* The notes of saves until they say all of it: files that are written one after the other may be one save or several. */
static void await_notes(const char *const *parts, size_t count)
{
	for (size_t found = 0; found < count;) {
		json_t *event = followed_await(&host, "unchanged");
		const char *notes = json_string_value(json_object_get(event, "notes"));
		size_t before = found;
		for (size_t i = found; i < count && notes && strstr(notes, parts[i]); i++)
			found++;
		if (found == before)
			fail_msg("expected: %s\nbut: %s", parts[found], notes ? notes : "nothing");
		json_decref(event);
	}
}

static void await_live(const char *first, const char *second)
{
	bool seen[2] = {false, false};

	while (!seen[0] || !seen[1]) {
		json_t *event = followed_await(&host, "live"), *row;
		size_t i;
		json_array_foreach(json_object_get(event, "functions"), i, row) {
			const char *name = json_string_value(json_object_get(row, "function"));
			seen[0] |= strcmp(name, first) == 0;
			seen[1] |= strcmp(name, second) == 0;
			assert_true(strcmp(name, first) == 0 || strcmp(name, second) == 0);
		}
		json_decref(event);
	}
}

static void vim_writes_all_files(void **state)
{
	struct screen s;

	(void)state;
	vim_open(&s);
	tmux(&s,
	     "send-keys ':%s/n \\* FACTOR/n * 5/' Enter ':n' Enter ':%s/n + 5/n + 50/' Enter ':wa' Enter");
	await_live("scaled", "other");
	followed_assert_call(&host, "scaled", 1, 5);
	followed_assert_call(&host, "other", 1, 51);
	screen_close(&s);
}

/* The first function of the one file becomes one of the other's. */
static void vim_moves_a_function_to_another_file(void **state)
{
	static const char *const notes[] = {
		"other is in follow_host.c now: that counts when the program is built again",
		"follow_host.c does, which counts when the program is built again"};
	struct screen s;

	(void)state;
	vim_open(&s);
	tmux(&s, "send-keys ':n' Enter ':/^REALTIMEFUNC/,/^}/d' Enter ':N' Enter '/^static int plain' Enter "
		 "':-1put' Enter ':wa' Enter");
	await_notes(notes, 2);
	followed_assert_call(&host, "other", 1, 6); /* as it was built */
	tmux(&s, "send-keys ':%s/n + 5/n + 7/' Enter ':w' Enter");
	followed_assert_unchanged(&host, notes[0]);
	followed_assert_call(&host, "other", 1, 6);
	screen_close(&s);
}

static void vim_breaks_and_mends_a_function(void **state)
{
	struct screen s;

	(void)state;
	vim_open(&s);
	tmux(&s, "send-keys ':%s/n \\* FACTOR/n * FACTOOR/' Enter ':w' Enter");
	followed_assert_refused(&host, "use of undeclared identifier 'FACTOOR'");
	followed_assert_call(&host, "scaled", 1, 3);
	tmux(&s, "send-keys ':w' Enter"); /* again */
	followed_assert_refused(&host, "use of undeclared identifier 'FACTOOR'");
	tmux(&s, "send-keys 'u' ':w' Enter");
	followed_assert_unchanged(&host, "follow_host.c is in order again");
	tmux(&s, "send-keys ':%s/n \\* FACTOR/n * 5/' Enter ':w' Enter");
	followed_assert_live(&host, "scaled");
	screen_close(&s);
}

static void vim_renames_a_function_and_takes_a_decorator_away(void **state)
{
	static const char *const renamed[] = {"does not define counted any more", "counting is new"};
	struct screen s;

	(void)state;
	vim_open(&s);
	tmux(&s, "send-keys ':%s/\\(int \\|, \\)counted/\\1counting/g' Enter ':w' Enter");
	await_notes(renamed, 2);
	tmux(&s, "send-keys ':n' Enter ':1,/^REALTIMEFUNC/s/^REALTIMEFUNC//' Enter ':w' Enter");
	followed_assert_unchanged(&host, "other is not decorated any more: it is followed all the same");
	tmux(&s, "send-keys ':%s/n + 5/n + 50/' Enter ':w' Enter");
	followed_assert_live(&host, "other");
	screen_close(&s);
}

static void nano_saves(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "nano --ignorercfiles --backup follow_host.c");
	screen_await(&s, "#include \"follow.h\"");
	tmux(&s, "send-keys C-\\\\ 'n * FACTOR' Enter 'n * 5' Enter");
	screen_await(&s, "Replace this instance");
	tmux(&s, "send-keys 'y' C-o Enter");
	followed_assert_live(&host, "scaled");
	followed_assert_call(&host, "scaled", 1, 5);
	screen_close(&s);
}

#define with_host(name)       cmocka_unit_test_setup_teardown(name, start, stop)
#define with_link(name)       cmocka_unit_test_setup_teardown(name, start_with_link, stop)
#define with_repository(name) cmocka_unit_test_setup_teardown(name, start_with_repository, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(a_file_renamed_over_the_source_is_a_save),
		with_host(a_save_that_leaves_a_backup_is_a_save),
		with_host(a_file_written_in_pieces_is_waited_for),
		with_host(half_a_file_changes_nothing_and_the_whole_one_heals),
		with_host(an_emptied_file_is_waited_for),
		with_host(the_last_of_many_saves_counts),
		with_link(what_a_symbolic_link_leads_to_is_followed),
		with_link(a_folder_that_goes_and_comes_back_is_followed),
		with_host(sed_in_place_is_a_save),
		with_repository(a_checkout_of_many_files_is_one_change),
		with_repository(a_checkout_back_is_one_change_too),
		with_repository(a_checkout_with_an_error_changes_nothing),
		with_repository(a_stash_takes_changes_away_and_brings_them_back),
		with_repository(a_locked_index_holds_a_save_up),
		with_host(vim_saves_by_rename),
		with_host(vim_saves_in_place),
		with_host(vim_saves_over_the_old_bytes),
		with_host(vim_saves_as_it_thinks_best),
		with_host(vim_writes_all_files),
		with_host(vim_moves_a_function_to_another_file),
		with_host(vim_breaks_and_mends_a_function),
		with_host(vim_renames_a_function_and_takes_a_decorator_away),
		with_host(nano_saves),
	};

	return cmocka_run_group_tests_name("system: editors", tests, NULL, NULL);
}
