/* rtf-console as scripts use it: options, connections, exit statuses, answers. */
#include "played.h"

/* --- usage and connection --- */

static void help_and_version_need_no_socket(void **state)
{
	(void)state;
	struct run r = RUN("--help");
	assert_int_equal(r.status, 0);
	assert_part(r.out, "--read-only");
	assert_string_equal(r.err, "");
	run_free(&r);
	r = RUN("--version");
	assert_int_equal(r.status, 0);
	assert_part(r.out, "rtf-console 0.");
	run_free(&r);
}

static void bad_usage_exits_1_and_says_what_is_wrong(void **state)
{
	struct server *s = *state;

	expect(run_how((struct how){0}, (const char *const[]){NULL}), 1, "",
	       "no socket given: rtf-console SOCKET, the path that the program gave rtf_start()");
	expect(RUN("--jsn", s->path), 1, "", "unknown option --jsn: did you mean --json?");
	expect(RUN("--readonly", s->path), 1, "", "did you mean --read-only?");
	expect(RUN("--frobnicate", s->path), 1, "",
	       "unknown option --frobnicate (rtf-console --help lists them)");
	expect(RUN("--json=x", s->path), 1, "", "--json takes no argument");
	expect(RUN("-x", s->path), 1, "", "unknown option -x (rtf-console --help lists them)");
	expect(RUN(s->path, "-c"), 1, "", "-c takes an argument");
	expect(RUN("-t", "soon", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("-t", "0", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("-t", "nan", s->path), 1, "", "-t takes a number of seconds");
	expect(RUN("--color=blue", s->path), 1, "", "--color is auto, always or never, not 'blue'");
	expect(RUN(s->path, s->path), 1, "", "one socket at a time, not also ");
	expect(RUN("-f", "/nonexistent/file", s->path), 1, "", "cannot read /nonexistent/file: No such file");
	expect(RUN("-f", "/", s->path), 1, "", "cannot read /: Is a directory");
	assert_int_equal(s->logged, 0);
}

static void a_socket_that_nobody_answers_exits_2_and_says_why(void **state)
{
	struct server *s = *state;
	char path[200], longer[200];

	snprintf(path, sizeof(path), "%s/none.sock", s->folder);
	expect(RUN("-c", "x", path), 2, "", ": no program has opened a console there");
	snprintf(path, sizeof(path), "%s/none/app.sock", s->folder);
	expect(RUN("-c", "x", path), 2, "", ": no program has opened a console there");

	snprintf(path, sizeof(path), "%s/dead.sock", s->folder);
	close(listen_at(path));
	expect(RUN("-c", "x", path), 2, "", "left by a program that has ended");

	snprintf(path, sizeof(path), "%s/file", s->folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	expect(RUN("-c", "x", path), 2, "", " is not a socket\n");

	struct sockaddr_un other = {.sun_family = AF_UNIX};
	snprintf(other.sun_path, sizeof(other.sun_path), "%s/other.sock", s->folder);
	int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(datagrams, (struct sockaddr *)&other, sizeof(other)), 0);
	expect(RUN("-c", "x", other.sun_path), 2, "", " is a socket of another kind, not a console");
	close(datagrams);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	expect(RUN("-c", "x", longer), 2, "", "a socket's path has 1 to 107 bytes, not 199");
	expect(RUN("-c", "x", ""), 2, "", "a socket's path has 1 to 107 bytes");
}

static void another_users_socket_exits_2_and_says_so(void **state)
{
	struct server *s = *state;
	const char *const *arguments = ARGUMENTS("-c", "x", s->path);

	chmod(s->folder, 0755);
	chmod(s->path, 0);
	expect(run_how((struct how){.as_nobody = true}, arguments), 2, "",
	       ": the program runs as another user");
}

static void a_full_backlog_ends_with_the_time_limit(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[16], count = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/busy.sock", s->folder);
	int listener = listen_at(address.sun_path);
	listen(listener, 0);
	do
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	while (connect(fds[count++], (struct sockaddr *)&address, sizeof(address)) == 0 && count < 16);
	expect(RUN("-t", "0.2", "-c", "x", address.sun_path), 2, "", " takes no connections: is it stopped?");
	while (count)
		close(fds[--count]);
	close(listener);
}

static void a_program_without_an_engine_says_so(void **state)
{
	struct server *s = *state;

	s->mode = NO_ENGINE;
	for (int i = 0; i < 20; i++) /* it may be gone before our hello is sent */
		expect(RUN("-c", "x", s->path), 2, "", "rtf-console: no engine found\n");
}

static void what_answers_wrongly_or_not_at_all_exits_2(void **state)
{
	struct server *s = *state;

	s->mode = SILENT;
	expect(RUN("-t", "0.2", "-c", "x", s->path), 2, "", "no answer from ");
	s->mode = CLOSING;
	expect(RUN("-c", "x", s->path), 2, "", "closed the connection");
	s->mode = GARBAGE;
	expect(RUN("-c", "x", s->path), 2, "", "does not speak rtf's protocol");
	s->mode = NEWER;
	expect(RUN("-c", "x", s->path), 2, "", "speaks version 2 of the protocol, this console version ");
}

static void the_shortest_limit_is_no_engines_that_has_to_be_started(void **state)
{
	struct server *s = *state;

	s->mode = STARTING;
	expect(RUN("-t", "0.1", "-c", "x", s->path), 0, "ran x\n", "");
}

static void hello_tells_what_the_options_ask_for(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, false, 80);
	setenv("COLUMNS", "132", 1);
	expect(RUN("--json", "--read-only", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, false, true, false, false, 132);
	unsetenv("COLUMNS");
	expect(RUN("--color=always", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, true, 80);
	expect(RUN("--color", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, true, 80);
	expect(RUN("--color=never", "-c", "x", s->path), 0, NULL, "");
	expect_hello(s, true, false, false, false, 80);
}

/* --- commands --- */

static void commands_run_in_order_and_stop_at_the_first_that_fails(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "\\list", "-c", "x = 3", s->path), 0, "ran \\list\nran x = 3\n", "");
	assert_string_equal(commands_of(s), "\\list\nx = 3\n");
	expect(RUN(s->path, "-c", "one", "-c", "fail compile", "-c", "two"), 3, "ran one\n",
	       "error: so it is\n");
	assert_no_part(commands_of(s), "two");
	expect(RUN("-c", "", "-c", " // x", "-c", "  \\list  ", s->path), 0, "ran \\list\n", "");
}

static void the_exit_status_tells_the_class(void **state)
{
	struct server *s = *state;
	static const struct {
		const char *command;
		int status;
	} cases[] = {
		{"fail usage", 3},       {"fail unknown", 3},   {"fail ambiguous", 3}, {"fail compile", 3},
		{"fail layout", 3},      {"fail signature", 3}, {"fail denied", 3},    {"fail drift", 3},
		{"fail internal", 3},    {"fail anything", 3},  {"fail fault", 4},     {"fail timeout", 4},
		{"fail interrupted", 4}, {"fine", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect(RUN("-c", cases[i].command, s->path), cases[i].status, NULL, NULL);
		expect(RUN("--json", "-c", cases[i].command, s->path), cases[i].status, NULL, "");
	}
}

static void json_answers_are_printed_as_they_came(void **state)
{
	struct server *s = *state;

	expect(RUN("--json", "-c", "bare", s->path), 0,
	       "{ \"id\": 1,  \"ok\": true, \"zeta\": 1.50, \"alpha\": \"\\u00e9\"}\n", "");
	expect(RUN("--json", "-c", "fail compile", s->path), 3,
	       "{\"id\":1,\"ok\":false,\"command\":\"fail "
	       "compile\",\"error\":{\"class\":\"compile\",\"message\":\"so it is\"},"
	       "\"text\":\"error: so it is\\n\"}\n",
	       "");
	expect(RUN_INPUT("a\nfail fault\nb\n", "--json", s->path), 4, NULL, "");
}

/* All that is printed is one object that says so. */
static void expect_failure(struct run r, int status, const char *command, const char *class, const char *part)
{
	json_t *object = json_loads(r.out, 0, NULL);
	const char *got_command, *got_class, *message;

	assert_int_equal(r.status, status);
	assert_string_equal(r.err, "");
	if (json_unpack(object, "{s:s, s:{s:s, s:s}}", "command", &got_command, "error", "class", &got_class,
			"message", &message))
		fail_msg("no failure: %.300s", r.out);
	assert_true(json_is_false(json_object_get(object, "ok")));
	assert_string_equal(got_command, command);
	assert_string_equal(got_class, class);
	assert_part(message, part);
	json_decref(object);
	run_free(&r);
}

static void with_json_every_failure_is_an_object(void **state)
{
	struct server *s = *state;
	char path[200];

	expect_failure(RUN("--frobnicate", "--json", s->path), 1, "", "usage", "unknown option --frobnicate");
	expect_failure(RUN("--json", "-t", "soon", s->path), 1, "", "usage", "-t takes a number");
	expect_failure(RUN("--json", "-c", "x"), 1, "", "usage", "no socket given");
	expect_failure(RUN("--json", "-f", "/nonexistent/file", s->path), 1, "", "usage",
		       "cannot read /nonexistent/file");
	expect_failure(RUN("--json", "-f", "/", s->path), 1, "", "usage", "Is a directory");
	snprintf(path, sizeof(path), "%s/none.sock", s->folder);
	expect_failure(RUN("--json", "-c", "\\list", path), 2, "", "unknown", "no socket at");
	snprintf(path, sizeof(path), "%s/none*.sock", s->folder);
	expect_failure(RUN("--json", "--all", "-c", "\\list", path), 2, "", "unknown", "no socket matches");
	expect_failure(RUN("--json", "-c", "\\source a\xff", s->path), 3, "\\source", "usage", "not UTF-8");
	expect_failure(RUN("--json", "-c", "vanish", s->path), 2, "", "internal", "connection lost");
	s->mode = NO_ENGINE;
	expect_failure(RUN("--json", "-c", "x", s->path), 2, "", "internal", "no engine");
	s->mode = GARBAGE;
	expect_failure(RUN("--json", "-c", "x", s->path), 2, "", "internal", "does not speak rtf's protocol");
}

static void with_json_quit_is_answered_like_any_command(void **state)
{
	struct server *s = *state;
	const char *answer = "{\"ok\":true,\"command\":\"\\\\quit\",\"data\":null}\n";

	expect(RUN("--json", "-c", "\\quit", s->path), 0, answer, "");
	expect(RUN_INPUT("quit\na\n", "--json", s->path), 0, answer, "");
}

static void standard_input_goes_on_after_a_failure_and_exits_with_the_worst(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("a\nfail compile\nb\nfail fault\nfail usage\nc", s->path), 4,
	       "ran a\nran b\nran c\n", "so it is");
	assert_string_equal(commands_of(s), "a\nfail compile\nb\nfail fault\nfail usage\nc\n");
	expect(RUN_INPUT("", s->path), 0, "", "");
}

static void lines_become_entries(void **state)
{
	struct server *s = *state;
	static const char input[] = "\xef\xbb\xbf// prices\n\n"
				    "\\list\r\n"
				    "REALTIMEFUNC\n"
				    "static double price(const struct order *o)\n"
				    "{\n"
				    "\n"
				    "\treturn o->qty; /* } */\n"
				    "}\n"
				    "foo_t *f(a)\n"
				    "\n"
				    "{ return 0; }\n"
				    "if (x)\n"
				    "\ty();\n"
				    "else\n"
				    "\tz();\n"
				    "  \\log price  \n"
				    "\\check\n"
				    "int g(void)\n"
				    "{\n"
				    "}\n"
				    "\\define h\n"
				    "int h(void) { return 3; }\n"
				    "#define X \\\n"
				    "\t3\n"
				    "static int open(int a)\n"
				    "\\status\n"
				    "int last(void) {\n";

	expect(RUN_INPUT(input, s->path), 0, NULL, "");
	assert_string_equal(
		commands_of(s),
		"\\list\n"
		"REALTIMEFUNC|static double price(const struct order *o)|{||\treturn o->qty; /* } */|}\n"
		"foo_t *f(a)||{ return 0; }\n"
		"if (x)|\ty();|else|\tz();\n"
		"\\log price\n"
		"\\check|int g(void)|{|}\n"
		"\\define h|int h(void) { return 3; }\n"
		"#define X \\|\t3\n"
		"static int open(int a)\n"
		"\\status\n"
		"int last(void) {\n");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static void files_and_commands_run_in_the_order_given(void **state)
{
	struct server *s = *state;
	char path[100];

	snprintf(path, sizeof(path), "%s/commands", s->folder);
	write_file(path, "b\nfail usage\nc\n");
	expect(RUN_INPUT("d\n", "-c", "a", "-f", path, "-f", "-", "-c", "e", s->path), 3,
	       "ran a\nran b\nran c\nran d\nran e\n", "so it is");
}

static void bare_words_that_everyone_tries_work(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("help\nquit\nnever\n", s->path), 0, "ran \\help\n", "");
	expect(RUN_INPUT("exit\nnever\n", s->path), 0, "", "");
	expect(RUN_INPUT("a\n  \\q  \nnever\n", s->path), 0, "ran a\n", "");
	expect(RUN("-c", "\\quit", "-c", "never", s->path), 0, "", "");
	expect(RUN_INPUT("fail usage\n\\quit\n", s->path), 3, "", NULL);
	assert_no_part(commands_of(s), "never");
	expect(RUN_INPUT("quit()\nhelp;\n", s->path), 0, "ran quit()\nran help;\n", "");
}

static void a_time_limit_interrupts_the_command_and_exits_4(void **state)
{
	struct server *s = *state;

	expect(RUN("-t", "0.1", "-c", "hang", "-c", "never", s->path), 4, "",
	       "ended by the time limit of 0.1 s");
	wait_for_request(s, "\"interrupt\":1");
	expect(RUN("-t", "0.1", "--json", "-c", "hang", s->path), 4, NULL, "");
	assert_no_part(commands_of(s), "never");
}

static void a_command_that_cannot_be_interrupted_is_given_up(void **state)
{
	struct server *s = *state;

	expect(RUN("-t", "0.1", "-c", "stuck", s->path), 4, "", "no answer within 0.1 s: gave up");
	expect(RUN("-t", "0.1", "--json", "-c", "stuck", s->path), 4,
	       "{\"ok\":false,\"command\":\"\",\"error\":{\"class\":\"timeout\","
	       "\"message\":\"no answer within 0.1 s: gave up\"}}\n",
	       "");
	expect(RUN("-t", "5", "-c", "quick", s->path), 0, "ran quick\n", "");
}

static void a_late_answer_is_not_taken_for_the_next_ones(void **state)
{
	struct server *s = *state;

	expect(RUN_INPUT("late\nnext\n", "-t", "0.1", s->path), 4, "ran next\n", "gave up");
}

static void ctrl_c_interrupts_the_command_and_ends_the_run(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS("-c", "hang", "-c", "never", s->path));
	wait_for_request(s, "\"hang\"");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "error: so it is");

	run_start(&r, (struct how){0}, ARGUMENTS("-f", "-", s->path));
	assert_int_equal(write(r.in_fd, "a\nhang\nnever\n", 13), 13);
	wait_for_request(s, "\"id\":2,\"command\":\"hang\"");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "ran a\n", "so it is");
	assert_no_part(commands_of(s), "never");
}

static void the_source_to_be_edited_can_be_waited_for_too_long(void **state)
{
	struct server *s = *state;
	struct run r;

	setenv("EDITOR", "false", 1);
	run_start(&r, (struct how){0}, ARGUMENTS("-c", "\\edit hang", "-c", "never", s->path));
	wait_for_request(s, "source hang");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "error: so it is");
	assert_no_part(commands_of(s), "never");
	expect(RUN("-t", "0.1", "-c", "\\edit hang", s->path), 4, "", "ended by the time limit of 0.1 s");
	expect(RUN("-t", "0.1", "-c", "\\edit stuck", s->path), 4, "", "no answer within 0.1 s: gave up");
	expect(RUN("-c", "\\edit vanish", s->path), 2, "", "connection lost");
	unsetenv("EDITOR");
}

static void a_second_ctrl_c_gives_up(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS("-c", "stuck", s->path));
	wait_for_request(s, "\"stuck\"");
	kill(r.pid, SIGINT);
	wait_for_request(s, "\"interrupt\":1");
	kill(r.pid, SIGINT);
	run_finish(&r, NULL, 0);
	expect(r, 4, "", "gave up waiting for the answer");
}

static void ctrl_c_ends_the_wait_for_input(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS(s->path));
	assert_int_equal(write(r.in_fd, "a\n", 2), 2);
	while (!strchr(r.out ? r.out : "", '\n'))
		assert_true(take_output(r.out_fd, &r.out, &r.out_size));
	int in = dup(r.in_fd); /* the input does not end */
	kill(r.pid, SIGINT);
	run_finish(&r, "", 0);
	close(in);
	expect(r, 4, "ran a\n", "");
}

static void a_lost_connection_exits_2(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "vanish", "-c", "never", s->path), 2, "", "rtf-console: connection lost\n");
	expect(RUN("-c", "half", s->path), 2, "", "connection lost");
	expect(RUN_INPUT("a\nfail fault\nvanish\nnever\n", s->path), 2, "ran a\n", "connection lost");
	expect(RUN("-c", "last words", s->path), 0, "farewell\n", "");
	expect(RUN("-c", "last words", "-c", "never", s->path), 2, "farewell\n", "connection lost");
	expect(RUN("-c", "garbage", s->path), 2, "", "does not speak rtf's protocol");
}

static void a_connection_lost_while_input_is_awaited_exits_2(void **state)
{
	struct server *s = *state;
	struct run r;

	run_start(&r, (struct how){0}, ARGUMENTS(s->path));
	assert_int_equal(write(r.in_fd, "last words\n", 11), 11);
	int in = dup(r.in_fd); /* the input does not end */
	run_finish(&r, "", 0);
	close(in);
	expect(r, 2, "farewell\n", "connection lost");
}

static void answers_in_pieces_and_huge_ones_arrive_whole(void **state)
{
	struct server *s = *state;

	expect(RUN("-c", "split", "-c", "a", s->path), 0, "whole\nran a\n", "");
	struct run r = RUN("-c", "huge", s->path);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.out_size, (40 << 20) + 1);
	run_free(&r);
}

static void events_do_not_mix_with_the_answers(void **state)
{
	struct server *s = *state;
	struct run r = RUN("-c", "event", "-c", "a", s->path);

	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "answer\nran a\n");
	assert_string_equal(r.err, "before\nmore\nafter\n");
	run_free(&r);
	r = RUN("--json", "-c", "event", "-c", "a", s->path);
	assert_no_part(r.out, "\"event\":");
	assert_part(r.err, "{\"event\":\"log\",\"text\":\"before\"}\n");
	run_free(&r);
	expect(RUN("-t", "0.2", "-c", "\\events", s->path), 4, "price saved\n", NULL);
}

static void what_json_cannot_carry_is_refused_here(void **state)
{
	struct server *s = *state;
	char *big = malloc((17 << 20) + 10);

	expect(RUN_INPUT("x = \"\xff\xfe\"\na\n", s->path), 3, "ran a\n", "that is not UTF-8: not sent");
	expect(RUN_INPUT("x\xc3\n", "--json", s->path), 3,
	       "{\"ok\":false,\"command\":\"\",\"error\":{\"class\":\"usage\",\"message\":\"that is not "
	       "UTF-8: not sent\"}}\n",
	       "");
	expect(RUN("-c", "\xff", s->path), 3, "", "not UTF-8");
	expect(run_how((struct how){.input = "x\0y\na\n", .input_size = 6}, ARGUMENTS(s->path)), 3, "ran a\n",
	       "a NUL byte cannot be part of a command: not sent");

	memset(big, 'x', 17 << 20);
	strcpy(big + (17 << 20), "\na\n");
	expect(RUN_INPUT(big, s->path), 3, "ran a\n", "that is more than 16 MiB for one command: not sent");
	assert_string_equal(commands_of(s), "a\na\na\n");
	strcpy(big + (10 << 20), "\nb\n");
	expect(RUN_INPUT(big, s->path), 0, NULL, "");
	free(big);
}

static void answers_that_cannot_be_written_exit_1(void **state)
{
	struct server *s = *state;

	expect(run_how((struct how){.out_file = "/dev/full"}, ARGUMENTS("-c", "a", s->path)), 1, "",
	       "cannot write the answers");
}

static void all_asks_every_socket_and_exits_with_the_worst(void **state)
{
	struct server *s = *state, *other = server_new("b.sock");
	char pattern[200], path[200], expected[1000];

	/* both in one folder, with a dead one and a file between */
	server_stop(other);
	snprintf(other->path, sizeof(other->path), "%s/z.sock", s->folder);
	server_start(other);
	snprintf(path, sizeof(path), "%s/m.sock", s->folder);
	write_file(path, "");
	snprintf(pattern, sizeof(pattern), "%s/*.sock", s->folder);

	snprintf(expected, sizeof(expected),
		 "==> %s <==\n==> %s <==\n(2 consoles with the same answer)\nran a\nran b\n2 consoles asked: "
		 "all did it\n",
		 s->path, other->path);
	expect(RUN("--all", "-c", "a", "-c", "b", pattern), 0, expected, "");
	expect(RUN_INPUT("a\nb\n", "--all", pattern), 0, expected, "");
	expect(RUN_INPUT("a\nb\n", "--all", s->path, other->path, s->path), 0, expected, "");

	snprintf(path, sizeof(path), "%s/c.sock", s->folder);
	close(listen_at(path));
	struct run dead = RUN("--all", "-c", "a", "-c", "b", pattern);
	assert_int_equal(dead.status, 2);
	assert_part(dead.err, "left by a program that has ended");
	assert_part(dead.out, "3 consoles asked: 2 did it, 1 did not; ");
	assert_part(strstr(dead.out, "did not"), path);
	assert_part(strstr(dead.out, "did not"), "left by a program that has ended");
	run_free(&dead);
	expect(RUN("--all", "-c", "fail fault", pattern), 4, NULL, "left by a program that has ended");
	expect(RUN("--all", "-c", "a", "/nonexistent/*.sock"), 2, "",
	       "no socket matches /nonexistent/*.sock");
	unlink(path);

	snprintf(expected, sizeof(expected), "{\"socket\":\"%s\",\"id\": 1,", s->path);
	struct run r = RUN("--all", "--json", "-c", "bare", pattern);
	assert_int_equal(r.status, 0);
	assert_int_equal(strncmp(r.out, expected, strlen(expected)), 0);
	for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *object = json_loads(line, 0, NULL);
		assert_non_null(json_string_value(json_object_get(object, "socket")));
		json_decref(object);
	}
	run_free(&r);

	/* Why some did not, once for each reason; and the sum for scripts. */
	r = RUN("--all", "-c", "fail fault", pattern);
	assert_part(r.out, "2 consoles asked: 0 did it, 2 did not; ");
	snprintf(expected, sizeof(expected), "%s, %s: ", s->path, other->path);
	assert_part(r.out, expected);
	run_free(&r);
	r = RUN("--all", "--json", "-c", "fail fault", pattern);
	assert_int_equal(r.status, 4);
	const char *sum = strstr(r.out, "\"command\":\"--all\"");
	assert_non_null(sum);
	while (sum > r.out && sum[-1] != '\n')
		sum--;
	json_t *object = json_loads(sum, 0, NULL), *data = json_object_get(object, "data");
	assert_true(json_is_false(json_object_get(object, "ok")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(object, "error"), "class")),
			    "fault");
	assert_int_equal(json_integer_value(json_object_get(data, "asked")), 2);
	assert_int_equal(json_integer_value(json_object_get(data, "done")), 0);
	assert_int_equal(json_array_size(json_object_get(data, "failed")), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(data, "failed"), 0), "socket")),
			    s->path);
	json_decref(object);
	run_free(&r);
	server_free(other);
}

int main(void)
{
	const char *build = getenv("RTF_BUILD");
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, make_server, free_server)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_version_need_no_socket),
		PLAIN(bad_usage_exits_1_and_says_what_is_wrong),
		PLAIN(a_socket_that_nobody_answers_exits_2_and_says_why),
		PLAIN(another_users_socket_exits_2_and_says_so),
		PLAIN(a_full_backlog_ends_with_the_time_limit),
		PLAIN(a_program_without_an_engine_says_so),
		PLAIN(what_answers_wrongly_or_not_at_all_exits_2),
		PLAIN(the_shortest_limit_is_no_engines_that_has_to_be_started),
		PLAIN(hello_tells_what_the_options_ask_for),
		PLAIN(commands_run_in_order_and_stop_at_the_first_that_fails),
		PLAIN(the_exit_status_tells_the_class),
		PLAIN(json_answers_are_printed_as_they_came),
		PLAIN(with_json_every_failure_is_an_object),
		PLAIN(with_json_quit_is_answered_like_any_command),
		PLAIN(standard_input_goes_on_after_a_failure_and_exits_with_the_worst),
		PLAIN(lines_become_entries),
		PLAIN(files_and_commands_run_in_the_order_given),
		PLAIN(bare_words_that_everyone_tries_work),
		PLAIN(a_time_limit_interrupts_the_command_and_exits_4),
		PLAIN(a_command_that_cannot_be_interrupted_is_given_up),
		PLAIN(a_late_answer_is_not_taken_for_the_next_ones),
		PLAIN(ctrl_c_interrupts_the_command_and_ends_the_run),
		PLAIN(the_source_to_be_edited_can_be_waited_for_too_long),
		PLAIN(a_second_ctrl_c_gives_up),
		PLAIN(ctrl_c_ends_the_wait_for_input),
		PLAIN(a_lost_connection_exits_2),
		PLAIN(a_connection_lost_while_input_is_awaited_exits_2),
		PLAIN(answers_in_pieces_and_huge_ones_arrive_whole),
		PLAIN(events_do_not_mix_with_the_answers),
		PLAIN(what_json_cannot_carry_is_refused_here),
		PLAIN(answers_that_cannot_be_written_exit_1),
		PLAIN(all_asks_every_socket_and_exits_with_the_worst),
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
