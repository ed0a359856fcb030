/* What is typed at a prompt: what could stand there, asked of a real engine; and a real console in a terminal of its own. */
#include "compiled.h"

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

static struct subject host;

/* --- completion ------------------------------------------------------------------------------------------------------ */

/* Completes at the line's end; the matches, the caller's. `start`: where they begin. */
static json_t *matches_of(struct wire *w, const char *line, size_t *start)
{
	json_t *request = json_pack("{s:i, s:{s:s, s:I}}", "id", 5, "complete", "line", line, "point",
				    (json_int_t)strlen(line));
	char *text = json_dumps(request, JSON_COMPACT);

	wire_send(w, text, strlen(text));
	wire_send(w, "\n", 1);
	free(text);
	json_decref(request);
	json_t *answer = wire_receive(w), *data = json_object_get(answer, "data");
	json_t *matches = json_incref(json_object_get(data, "matches"));
	*start = (size_t)json_integer_value(json_object_get(data, "start"));
	json_decref(answer);
	return matches;
}

static bool is_among(const json_t *matches, const char *word)
{
	size_t i;
	json_t *match;

	json_array_foreach((json_t *)matches, i, match)
		if (strcmp(json_string_value(match), word) == 0)
			return true;
	return false;
}

static void assert_completes(struct wire *w, const char *line, const char *word)
{
	size_t start;
	json_t *matches = matches_of(w, line, &start);

	if (!is_among(matches, word)) {
		char *text = json_dumps(matches, 0);
		fail_msg("%s is not completed with %s but with %.600s", line, word, text);
	}
	size_t typed = strlen(line) - start;
	assert_true(typed <= strlen(line));
	assert_memory_equal(line + start, word, typed);
	json_decref(matches);
}

static void assert_completes_not(struct wire *w, const char *line, const char *word)
{
	size_t start;
	json_t *matches = matches_of(w, line, &start);

	if (is_among(matches, word))
		fail_msg("%s is completed with %s", line, word);
	json_decref(matches);
}

static void commands_and_their_words_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "\\ro", "\\rollback");
	assert_completes(&w, "\\rollback sca", "scaled");
	assert_completes_not(&w, "\\rollback int_v", "int_value");
	assert_completes(&w, "\\help rol", "rollback");
	assert_completes(&w, "\\in loo", "look_host.c");
	assert_completes(&w, "\\p/x int_v", "int_value");
	assert_completes(&w, "\\x/2xb &int_v", "int_value");
	assert_completes(&w, "\\d int_v", "int_value");
	assert_completes(&w, "\\types poi", "point_t");
	assert_completes(&w, "\\types oute", "outer");
	assert_completes(&w, "\\probe scaled:70 outer.par", "parts");
	wire_close(&w);
}

static void names_of_every_kind_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "1 + int_v", "int_value");
	assert_completes(&w, "doub", "doubled");
	assert_completes(&w, "sca", "scaled");
	assert_completes(&w, "strn", "strncmp");
	assert_completes(&w, "BLU", "BLUE");
	assert_completes(&w, "EINV", "EINVAL");
	assert_completes(&w, "sizeof(poin", "point_t");
	assert_completes(&w, "uint8", "uint8_t");
	assert_completes(&w, "struct ou", "outer");
	assert_completes(&w, "union num", "number");
	assert_completes_not(&w, "struct num", "number");
	json_decref(wire_ask(&w, 1, "int session_value = 3"));
	assert_completes(&w, "session", "session_value");
	assert_completes(&w, "int f(int parameter)\n{\n\treturn para", "parameter");
	wire_close(&w);
}

static void members_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "outer.", "parts");
	assert_completes(&w, "outer.parts[1].", "letters");
	assert_completes(&w, "outer.parts[1].range.l", "low");
	assert_completes_not(&w, "outer.parts[1].range.l", "letters");
	assert_completes(&w, "outer.list->ne", "next");
	assert_completes(&w, "scaled(outer.list->va", "value");
	assert_completes(&w, "int f(const struct outer *o)\n{\n\tif (o->li", "list");
	assert_completes(&w, "{ struct point p; p.", "x");
	assert_completes(&w, "\\p/x outer.wei", "weight");
	json_decref(wire_ask(&w, 1, "struct mine { int first; } mine = {3}"));
	assert_completes(&w, "mine.", "first");
	json_decref(wire_ask(&w, 1, "outer.parts[0]"));
	assert_completes(&w, "$.", "range");
	assert_completes_not(&w, "nothing_like_it.", "parts");
	assert_completes_not(&w, "3.", "parts");
	wire_close(&w);
}

static void headers_are_completed(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_completes(&w, "#include <std", "stdio.h>");
	assert_completes(&w, "#include <std", "stddef.h>");
	assert_completes(&w, "#include <sy", "sys/");
	assert_completes(&w, "# include <sys/soc", "sys/socket.h>");
	assert_completes(&w, "#include \"look_o", "look_own.h\"");
	wire_close(&w);
}

/* --- a terminal ------------------------------------------------------------------------------------------------------ */

enum { SCREEN_DEADLINE_MS = 60000 };

/* A console under tmux, whose screen comes out of a pipe. */
struct screen {
	char *server;
	int output;
};

/* tmux with these words, up to a NULL; what it printed, the caller's. */
static char *tmux(const struct screen *s, const char *first, ...)
{
	const char *argv[16] = {"tmux", "-S", s->server, "-f", "/dev/null", first};
	size_t count = 6;
	char *output = NULL;
	va_list more;

	va_start(more, first);
	while (count < 15 && (argv[count] = va_arg(more, const char *)))
		count++;
	va_end(more);
	if (child_run(argv, NULL, COMPILED_DEADLINE_MS, &output) != 0)
		fail_msg("tmux %s failed: %s", first, output ? output : "");
	return output;
}

static void keys(const struct screen *s, const char *text)
{
	free(tmux(s, "send-keys", "-l", text, NULL));
}

static void key(const struct screen *s, const char *name)
{
	free(tmux(s, "send-keys", name, NULL));
}

static void enter(const struct screen *s, const char *line)
{
	keys(s, line);
	key(s, "Enter");
}

/* Waits until the screen shows that, with colours as escapes; the screen, the caller's. */
static char *await(const struct screen *s, const char *part)
{
	long long deadline = child_clock() + SCREEN_DEADLINE_MS;
	char drawn[4096];

	for (;;) {
		char *screen = tmux(s, "capture-pane", "-p", "-e", NULL);
		if (screen && strstr(screen, part))
			return screen;
		if (child_clock() > deadline)
			fail_msg("the screen never showed %s but: %.1500s", part, screen ? screen : "");
		free(screen);
		struct pollfd more = {.fd = s->output, .events = POLLIN};
		poll(&more, 1, 200);
		while (read(s->output, drawn, sizeof(drawn)) > 0)
			;
	}
}

static void shows(const struct screen *s, const char *part)
{
	free(await(s, part));
}

static void clear(const struct screen *s)
{
	key(s, "C-l");
}

static unsigned opened;

/* `environment` as a shell's assignments. */
static void screen_open(struct screen *s, const char *environment)
{
	char *fifo = compiled_path(&host, "screen"), *pipe, *command, *state = compiled_path(&host, "state");
	const char *build = getenv("RTF_BUILD");

	char name[32];
	snprintf(name, sizeof(name), "tmux-%u", opened++); /* one that ends may still have its socket */
	s->server = compiled_path(&host, name);
	if (mkfifo(fifo, 0600) && errno != EEXIST)
		fail_msg("no fifo");
	s->output = open(fifo, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_true(s->output >= 0);
	assert_true(asprintf(&pipe, "cat >'%s'", fifo) > 0);
	assert_true(asprintf(&command,
			     "cd '%s' && unset NO_COLOR PAGER VISUAL; export TERM=screen INPUTRC=/dev/null "
			     "XDG_STATE_HOME='%s' %s; exec '%s/rtf-console' '%s'",
			     host.directory, state, environment, build ? build : "build", host.socket) > 0);
	free(tmux(s, "new-session", "-d", "-x", "100", "-y", "30", command, NULL));
	free(tmux(s, "pipe-pane", pipe, NULL));
	shows(s, "for help.");
	shows(s, "\nhost>");
	free(command);
	free(state);
	free(pipe);
	free(fifo);
}

/* The console ends, and with it the server. */
static void screen_close(struct screen *s)
{
	char drawn[4096];

	free(tmux(s, "kill-server", NULL));
	while (read(s->output, drawn, sizeof(drawn)) > 0)
		;
	close(s->output);
	free(s->server);
	child_directory_remove(compiled_path(&host, "state"));
}

static void write_script(const char *name, const char *text)
{
	char *path = compiled_path(&host, name);

	assert_true(child_write_file(path, text));
	assert_int_equal(chmod(path, 0700), 0);
	free(path);
}

static void tab_completes_names_members_types_and_headers(void **state)
{
	struct screen s;

	(void)state;
	compiled_await_read(&host); /* a busy engine does not keep the keyboard waiting */
	screen_open(&s, "A=b");
	keys(&s, "int_va");
	key(&s, "Tab");
	shows(&s, "> int_value");
	keys(&s, " + outer.wei");
	key(&s, "Tab");
	shows(&s, "> int_value + outer.weight");
	key(&s, "C-u");
	keys(&s, "sizeof(matr");
	key(&s, "Tab");
	shows(&s, "> sizeof(matrix");
	key(&s, "C-u");
	keys(&s, "#include <stdbo");
	key(&s, "Tab");
	shows(&s, "> #include <stdbool.h>");
	key(&s, "C-u");
	keys(&s, "int twisted(struct outer *o)");
	key(&s, "Enter");
	shows(&s, "\nhost-");
	keys(&s, "{ return o->wei");
	key(&s, "Tab");
	shows(&s, "- { return o->weight");
	screen_close(&s);
}

static void a_pasted_function_is_one_entry(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "A=b");
	free(tmux(&s, "set-buffer", "int scaled(int n)\n{\n\tif (n)\n\t\treturn n * 50;\n\n\treturn 0;\n}\n",
		  NULL));
	free(tmux(&s, "paste-buffer", "-p", NULL));
	shows(&s, "return n * 50");
	key(&s, "Enter");
	shows(&s, "scaled is now version 1");
	clear(&s);
	enter(&s, "scaled(3)");
	shows(&s, "150");
	char *path = compiled_path(&host, "state/rtf/line_history"), *history = child_read_file(path);
	assert_non_null(history);
	assert_int_equal(compiled_count(history, "return n * 50"), 1);
	assert_int_equal(*history == '#', 1);
	assert_int_equal(compiled_count(history, "\n#"), 1); /* two entries in all */
	free(history);
	free(path);
	key(&s, "Up");
	key(&s, "Up");
	shows(&s, "int scaled(int n)");
	screen_close(&s);
}

static void what_a_paste_declares_is_in_the_function_behind_it(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "A=b");
	free(tmux(&s, "set-buffer",
		  "#include <limits.h>\n#define TIMES 50\nstruct pair { int a, b; };\nstatic int paste_calls "
		  "= 7;\n"
		  "static int summed(struct pair p)\n{\n\treturn p.a + p.b;\n}\n\n"
		  "int scaled(int n)\n{\n\tstruct pair p = {n * TIMES, paste_calls};\n\n"
		  "\treturn summed(p) + (INT_MAX > 0);\n}\n",
		  NULL));
	free(tmux(&s, "paste-buffer", "-p", NULL));
	shows(&s, "summed(p) + (INT_MAX > 0)");
	key(&s, "Enter");
	shows(&s, "scaled is now version 1");
	clear(&s);
	enter(&s, "scaled(3) * 1000");
	shows(&s, "158000");
	screen_close(&s);
}

static void ctrl_c_clears_a_line_and_ends_a_loop(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "A=b");
	keys(&s, "no_such_thing");
	shows(&s, "> no_such_thing");
	key(&s, "Left"); /* wherever the cursor is */
	key(&s, "C-c");
	shows(&s, "> no_such_thing^C");
	enter(&s, "int_value * 100");
	shows(&s, "-700");
	enter(&s, "for(;;){}");
	key(&s, "C-c");
	shows(&s, "interrupted");
	enter(&s, "int_value * 1000");
	shows(&s, "-7000");
	screen_close(&s);
}

static void what_is_longer_than_the_screen_goes_through_the_pager(void **state)
{
	struct screen s;

	(void)state;
	write_script("pager.sh",
		     "#!/bin/sh\necho \"pages $(wc -l) lines\"\nread key </dev/tty\necho \"left by $key\"\n");
	screen_open(&s, "PAGER=./pager.sh");
	enter(&s, "int_value * 100");
	shows(&s, "-700");
	enter(&s, "\\help");
	char *screen = await(&s, "pages ");
	assert_null(strstr(screen, "\\rollback"));
	free(screen);
	enter(&s, "quitting");
	shows(&s, "left by quitting");
	clear(&s);
	enter(&s, "\\help");
	shows(&s, "pages ");
	key(&s, "C-c");
	shows(&s, "^Chost>"); /* else the pager may have what is typed */
	enter(&s, "int_value * 1000");
	screen = await(&s, "-7000");
	assert_null(strstr(screen, "left by"));
	free(screen);
	screen_close(&s);
	screen_open(&s, "PAGER=");
	enter(&s, "\\help");
	shows(&s, "\\slice");
	screen_close(&s);
	screen_open(&s, "PAGER=there_is_no_such_pager");
	enter(&s, "\\help");
	shows(&s, "\\slice");
	screen_close(&s);
}

static void a_trace_leaves_what_is_typed(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "A=b");
	enter(&s, "\\trace scaled");
	shows(&s, "until \\untrace scaled\nhost>");
	keys(&s, "int_value * 30");
	shows(&s, "> int_value * 30");
	assert_non_null(subject_ask(&host, "4321"));
	free(await(&s, "4321"));
	keys(&s, "0");
	char *screen = await(&s, "\nhost> int_value * 300");
	const char *typed = strstr(screen, "\nhost> int_value * 300");
	assert_true(strstr(screen, "4321") < typed);
	if (compiled_count(screen, "int_value") != 1)
		fail_msg("what is typed stands there twice: %.1500s", screen);
	free(screen);
	key(&s, "Enter");
	shows(&s, "-2100");
	screen_close(&s);
}

static void edit_enters_what_the_editor_leaves(void **state)
{
	struct screen s;

	(void)state;
	write_script("editor.sh", "#!/bin/sh\nfor file; do :; done\nsed 's/return .*/return n * 88;/' "
				  "\"$file\" >edited && cat edited >\"$file\"\n");
	screen_open(&s, "EDITOR=./editor.sh");
	enter(&s, "\\edit scaled");
	shows(&s, "scaled is now version 1");
	enter(&s, "scaled(2)");
	shows(&s, "176");
	screen_close(&s);
}

static void colours_are_shown_unless_no_color_is_set(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, "PAGER=");
	enter(&s, "\\list");
	char *screen = await(&s, "look_host.c:");
	assert_non_null(strstr(screen, "\033["));
	free(screen);
	screen_close(&s);
	screen_open(&s, "PAGER= NO_COLOR=1");
	enter(&s, "\\list");
	screen = await(&s, "look_host.c:");
	assert_null(strstr(screen, "\033["));
	free(screen);
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fresh_host(commands_and_their_words_are_completed),
		with_fresh_host(names_of_every_kind_are_completed),
		with_fresh_host(members_are_completed),
		with_fresh_host(headers_are_completed),
		with_fresh_host(tab_completes_names_members_types_and_headers),
		with_fresh_host(a_pasted_function_is_one_entry),
		with_fresh_host(what_a_paste_declares_is_in_the_function_behind_it),
		with_fresh_host(ctrl_c_clears_a_line_and_ends_a_loop),
		with_fresh_host(what_is_longer_than_the_screen_goes_through_the_pager),
		with_fresh_host(a_trace_leaves_what_is_typed),
		with_fresh_host(edit_enters_what_the_editor_leaves),
		with_fresh_host(colours_are_shown_unless_no_color_is_set),
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"look_host.c"}, .flags = {"-w", "-O0"}});
	char *own = compiled_path(&host, "look_own.h");
	assert_true(child_write_file(own, "/* one of its own */\n"));
	free(own);
	int failed = cmocka_run_group_tests_name("system: prompt", tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
