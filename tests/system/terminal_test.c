/* rtf-console as people use it, at a terminal. */
#include "played.h"

struct terminal {
	int fd;
	pid_t pid;
	char *text; /* all that was shown */
	size_t size, seen;
};

static void terminal_start(struct terminal *t, const char *const *arguments)
{
	struct winsize size = {.ws_row = 24, .ws_col = 100};

	*t = (struct terminal){.text = calloc(1, 1)};
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		exec_console(arguments, false);
}

/* Waits until `part` is shown behind what was waited for before. */
static void terminal_expect(struct terminal *t, const char *part)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	for (;;) {
		const char *found = strstr(t->text + t->seen, part);
		if (found) {
			t->seen = (size_t)(found - t->text) + strlen(part);
			return;
		}
		struct pollfd fd = {.fd = t->fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		if (left <= 0 || poll(&fd, 1, (int)left) <= 0 || !take_output(t->fd, &t->text, &t->size))
			fail_msg("'%s' is not shown; after what was expected before: '%s'", part,
				 t->text + t->seen);
	}
}

static void terminal_type(struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

static void terminal_paste(struct terminal *t, const char *text)
{
	terminal_type(t, "\033[200~");
	terminal_type(t, text);
	terminal_type(t, "\033[201~");
}

static void terminal_end(struct terminal *t, int status)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct pollfd fd = {.fd = t->fd, .events = POLLIN};
	int found;

	while (poll(&fd, 1, (int)(deadline - now_ms())) > 0 && take_output(t->fd, &t->text, &t->size))
		;
	if (now_ms() >= deadline)
		kill(t->pid, SIGKILL);
	assert_int_equal(waitpid(t->pid, &found, 0), t->pid);
	if (exit_status(found) != status)
		fail_msg("exit status %d, not %d: %s", exit_status(found), status, t->text + t->seen);
	close(t->fd);
	free(t->text);
}

static int make_terminal_server(void **state)
{
	struct server *s = server_new("app.sock");

	setenv("XDG_STATE_HOME", s->folder, 1);
	setenv("TERM", "xterm", 1);
	setenv("INPUTRC", "/dev/null", 1);
	*state = s;
	return 0;
}

static void a_session_has_a_banner_and_a_prompt(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, ", connected to orders (pid 123), 7 functions. \\help for help.");
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, false, true, true, 100);
	terminal_type(&t, "\\list\r");
	terminal_expect(&t, "ran \\list\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "fail compile\r");
	terminal_expect(&t, "error: so it is\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\\q\r");
	terminal_end(&t, 0);

	terminal_start(&t, ARGUMENTS("--read-only", s->path));
	terminal_expect(&t, "7 functions, read-only.");
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, true, true, true, 100);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void no_color_is_honoured(void **state)
{
	struct server *s = *state;
	struct terminal t;

	setenv("NO_COLOR", "1", 1);
	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	expect_hello(s, true, false, true, false, 100);
	terminal_type(&t, "quit\r");
	terminal_end(&t, 0);
	unsetenv("NO_COLOR");
}

static void an_entry_of_several_lines_is_typed_recalled_and_kept(void **state)
{
	struct server *s = *state;
	struct terminal t;
	static const char twice[] = "int f(int a)|{|\treturn a;|}\nint f(int a)|{|\treturn a;|}\n";

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(int a)\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "{\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\026\treturn a;\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "}\r");
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\033[A");
	terminal_expect(&t, "return a;");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), twice);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\020\r"); /* Ctrl-P */
	terminal_expect(&t, "ran int f(int a)");
	terminal_expect(&t, "orders> ");
	assert_int_equal(strlen(commands_of(s)), strlen(twice) / 2 * 3);
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void empty_lines_inside_an_entry_are_kept(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\r");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(void) {\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "return 1; }\r");
	terminal_expect(&t, "ran int f");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "int f(void) {||return 1; }\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_pasted_function_is_one_entry(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "static int\r\tf(int a)\r{\r\r\treturn a;\r}\r");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran static int");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "static int|\tf(int a)|{||\treturn a;|}\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void several_entries_in_one_paste_run_in_order(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "x = 3\nint f(a)\n{\n}\n\n\\log f\nint g(");
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran x = 3");
	terminal_expect(&t, "ran int f(a)");
	terminal_expect(&t, "ran \\log f");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "void);\r");
	terminal_expect(&t, "ran int g(");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "x = 3\nint f(a)|{|}\n\\log f\nint g(|void);\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_c_clears_the_entry(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "wrong");
	terminal_expect(&t, "wrong");
	terminal_type(&t, "\003");
	terminal_expect(&t, "^C");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\003");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "right\r");
	terminal_expect(&t, "ran right");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "right\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_c_interrupts_the_command_and_keeps_the_session(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_paste(&t, "hang\nnever");
	terminal_type(&t, "\r");
	wait_for_request(s, "\"hang\"");
	terminal_type(&t, "\003");
	terminal_expect(&t, "error: so it is");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "stuck\r");
	wait_for_request(s, "\"stuck\"");
	terminal_type(&t, "\003");
	wait_for_request(s, "\"interrupt\":3");
	terminal_type(&t, "\003");
	terminal_expect(&t, "gave up waiting for the answer");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	assert_no_part(commands_of(s), "never");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void ctrl_d_drops_an_open_entry_first(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\004");
	terminal_expect(&t, "was not complete and has not been run");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int g(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\\list\r");
	terminal_expect(&t, "was not complete");
	terminal_expect(&t, "ran \\list");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "\\list\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void tab_completes_what_the_engine_knows(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "pri\t");
	wait_for_request(s, "\"complete\":{\"line\":\"pri\",\"point\":3}");
	terminal_expect(&t, "ce");
	terminal_type(&t, "\t\t"); /* readline lists at the second Tab that adds nothing */
	terminal_expect(&t, "price_all");
	terminal_type(&t, "(&o)\r");
	terminal_expect(&t, "ran price(&o)");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\\li\tx\r");
	terminal_expect(&t, "ran \\list x");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "o.q\t\r");
	terminal_expect(&t, "ran o.qty");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "zzz\t\r");
	terminal_expect(&t, "ran zzz");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void tab_in_front_of_a_line_is_one(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(void)\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "{\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "\t\t return 1;\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "}\r");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "int f(void)|{|\t\t return 1;|}\n");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void an_event_is_shown_above_what_is_typed(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "soon\r");
	terminal_expect(&t, "wait for it");
	terminal_expect(&t, "something happened\r\n");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_lost_connection_is_made_anew_and_what_is_typed_stays(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "int f(\r");
	terminal_expect(&t, "orders- ");
	terminal_type(&t, "void");
	terminal_expect(&t, "void");
	server_stop(s);
	server_start(s);
	terminal_expect(&t, "connection lost, trying again");
	terminal_expect(&t, "connected again to orders (pid 123)");
	terminal_expect(&t, "orders- void");
	terminal_type(&t, ");\r");
	terminal_expect(&t, "ran int f(");
	terminal_expect(&t, "orders> ");
	assert_string_equal(commands_of(s), "int f(|void);\n");

	terminal_type(&t, "half typ");
	terminal_expect(&t, "half typ");
	server_stop(s);
	terminal_expect(&t, "connection lost: nobody listens at");
	terminal_end(&t, 2);

	server_start(s);
	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\020");
	terminal_expect(&t, "half typ");
	terminal_type(&t, "\003\004");
	terminal_end(&t, 0);
}

static void a_command_that_ends_the_connection_leaves_the_session(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "vanish\r");
	terminal_expect(&t, "connected again");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a\r");
	terminal_expect(&t, "ran a");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void the_window_may_change_its_size(void **state)
{
	struct server *s = *state;
	struct terminal t;
	struct winsize size = {.ws_row = 10, .ws_col = 20};

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "a_long_name_for_twenty_columns");
	terminal_expect(&t, "columns");
	assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &size), 0);
	terminal_expect(&t, "orders> a_long_name"); /* drawn anew, broken at the edge */
	terminal_type(&t, "\r");
	terminal_expect(&t, "ran a_long_name_for_twenty_columns");
	terminal_expect(&t, "orders> ");
	wait_for_request(s, "\"command\":\"a_long_name_for_twenty_columns\",\"width\":20}");
	terminal_type(&t, "once_more\r");
	terminal_expect(&t, "orders> ");
	wait_for_request(s, "\"command\":\"once_more\"}"); /* it is told once */
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void a_stopped_session_goes_on(void **state)
{
	struct server *s = *state;
	struct terminal t;
	int status;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "half");
	terminal_expect(&t, "half");
	terminal_type(&t, "\032"); /* Ctrl-Z */
	assert_int_equal(waitpid(t.pid, &status, WUNTRACED), t.pid);
	assert_true(WIFSTOPPED(status));
	terminal_expect(&t, "\033[?2004l"); /* bracketed paste off: the terminal is the shell's */
	kill(t.pid, SIGCONT);
	terminal_expect(&t, "orders> half");
	terminal_type(&t, " done\r");
	terminal_expect(&t, "ran half done");
	terminal_expect(&t, "orders> ");
	terminal_type(&t, "\004");
	terminal_end(&t, 0);
}

static void the_terminal_is_given_back_on_a_signal(void **state)
{
	struct server *s = *state;
	struct terminal t;

	terminal_start(&t, ARGUMENTS(s->path));
	terminal_expect(&t, "orders> ");
	kill(t.pid, SIGTERM);
	terminal_expect(&t, "\033[?2004l"); /* bracketed paste off */
	terminal_end(&t, 128 + SIGTERM);
}

int main(void)
{
	const char *build = getenv("RTF_BUILD");
#define TERMINAL(name) cmocka_unit_test_setup_teardown(name, make_terminal_server, free_server)
	const struct CMUnitTest tests[] = {
		TERMINAL(a_session_has_a_banner_and_a_prompt),
		TERMINAL(no_color_is_honoured),
		TERMINAL(an_entry_of_several_lines_is_typed_recalled_and_kept),
		TERMINAL(empty_lines_inside_an_entry_are_kept),
		TERMINAL(a_pasted_function_is_one_entry),
		TERMINAL(several_entries_in_one_paste_run_in_order),
		TERMINAL(ctrl_c_clears_the_entry),
		TERMINAL(ctrl_c_interrupts_the_command_and_keeps_the_session),
		TERMINAL(ctrl_d_drops_an_open_entry_first),
		TERMINAL(tab_completes_what_the_engine_knows),
		TERMINAL(tab_in_front_of_a_line_is_one),
		TERMINAL(an_event_is_shown_above_what_is_typed),
		TERMINAL(a_lost_connection_is_made_anew_and_what_is_typed_stays),
		TERMINAL(a_command_that_ends_the_connection_leaves_the_session),
		TERMINAL(the_window_may_change_its_size),
		TERMINAL(a_stopped_session_goes_on),
		TERMINAL(the_terminal_is_given_back_on_a_signal),
	};

	snprintf(console_path, sizeof(console_path), "%s/rtf-console", build ? build : "build");
	if (access(console_path, X_OK) != 0) {
		fprintf(stderr, "%s: %s\n", console_path, strerror(errno));
		return 1;
	}
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
