/* Processes that the program forks follow its changes, keep data of their own, and leave nothing to what they run. */
#include "followed.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 4 };

static struct followed host;

static int start(void **state)
{
	(void)state;
	followed_init_host(&host, &(struct compiled_how){.sources = {"follow_workers.c"}});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	followed_fini(&host);
	return 0;
}

static void assert_worker(int worker, const char *what, const char *answer)
{
	char line[64];

	snprintf(line, sizeof(line), "%d %s", worker, what);
	compiled_assert_answer(&host.subject, line, answer);
}

static void one_save_reaches_all_workers(void **state)
{
	(void)state;
	followed_edit(&host, "follow_workers.c", "return 1;", "return 2;");
	followed_assert_live(&host, "answer");
	for (int i = 0; i <= WORKERS; i++)
		assert_worker(i, "answer", "2");
	compiled_assert_says(&host.subject, 0, "\\undo", "answer");
	for (int i = 0; i <= WORKERS; i++)
		assert_worker(i, "answer", "1");
}

static void data_that_a_version_adds_is_each_workers_own(void **state)
{
	(void)state;
	followed_edit(&host, "follow_workers.c", "return 1;", "static int n = 40;\n\n\treturn ++n;");
	followed_assert_live(&host, "answer");
	assert_worker(1, "answer", "41");
	assert_worker(1, "answer", "42");
	assert_worker(2, "answer", "41");
	assert_worker(0, "answer", "41");
	followed_edit(&host, "follow_workers.c", "return ++n;", "return n += 10;");
	followed_assert_live(&host, "answer");
	assert_worker(1, "answer", "52");
	assert_worker(2, "answer", "51");
	assert_worker(3, "answer", "50");
}

static void what_a_worker_runs_inherits_nothing(void **state)
{
	(void)state;
	assert_worker(1, "exec", "0 0");
	assert_worker(0, "exec", "0 0");
	assert_worker(2, "sync", "1"); /* not connected, and says so */
	assert_worker(0, "sync", "0");
}

/* Records and what is parked are the first process's. */
static void what_is_not_watched_in_workers_is_told(void **state)
{
	static const char *const commands[][2] = {
		{"\\trace answer", "calls in the 4 processes that the program has forked are not traced"},
		{"\\guard answer", "calls in the 4 processes that the program has forked are not guarded"},
		{"\\cover answer", "calls in the 4 processes that the program has forked are not counted"},
	};

	(void)state;
	assert_worker(WORKERS, "answer", "1"); /* all are there */
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		compiled_assert_says(&host.subject, 0, commands[i][0], commands[i][1]);
	json_t *data = compiled_data(&host.subject, "\\trace answer"),
	       *unwatched = json_object_get(data, "unwatched");
	assert_int_equal(json_integer_value(json_object_get(unwatched, "forked")), WORKERS);
	assert_int_equal(json_array_size(json_object_get(unwatched, "inlined_in")), 0);
	json_decref(data);
}

static bool is_open(const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	bool open = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return open;
}

/* The parent has ended; the engine that it had says so, and the child opens the console again though it has nothing to do. */
static void a_program_that_becomes_a_daemon_keeps_its_console(void **state)
{
	static const struct compiled_how how = {.sources = {"follow_daemon.c"}};
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	(void)state;
	host = (struct followed){.events = {.fd = -1}};
	followed_prepare_host(&host, &how);
	compiled_start(&host.subject);
	compiled_await_end(host.subject.program.pid); /* until then it may be its console that answers */
	for (; !is_open(host.subject.socket); poll(NULL, 0, 5))
		if (child_clock() > deadline)
			fail_msg("nobody has taken the console over");
	followed_listen(&host);
	json_t *status = compiled_data(&host.subject, "\\status");
	char pid[32];
	snprintf(pid, sizeof(pid), "%d", (int)json_integer_value(json_object_get(status, "pid")));
	json_decref(status);
	compiled_assert_answer(&host.subject, "pid", pid);
	assert_int_not_equal(atoi(pid), host.subject.program.pid);
	followed_edit(&host, "follow_daemon.c", "return a + b", "return 1000 + a + b");
	followed_assert_live(&host, "answer");
	compiled_assert_answer(&host.subject, "answer", "1115.88");
}

/* A signal may have come in the middle of malloc(), which nobody must call then: neither for a thread of the child that the
 * handler makes, nor when the console is to be taken over. */
static void a_console_is_not_taken_over_in_a_signal_handler(void **state)
{
	static const struct compiled_how how = {.sources = {"follow_daemon.c"}};

	(void)state;
	host = (struct followed){.events = {.fd = -1}};
	followed_prepare_host(&host, &how);
	setenv("FOLLOW_LATER", "1", 1);
	compiled_start(&host.subject);
	unsetenv("FOLLOW_LATER");
	pid_t engine = compiled_engine(&host.subject);
	compiled_assert_answer(&host.subject, "daemon", "0");
	compiled_await_end(host.subject.program.pid);
	compiled_await_end(engine); /* it has left the console to the child by then */
	compiled_assert_answer(&host.subject, "handler", "1");
	assert_false(is_open(host.subject.socket));
	compiled_assert_answer(&host.subject, "answer", "115.875");
	assert_true(is_open(host.subject.socket));
	compiled_assert_answer(&host.subject, "handler", "2");
}

/* --- workers that stay behind ---------------------------------------------------------------------------------------- */

static void note_workers(pid_t pids[WORKERS])
{
	char line[16];

	for (int i = 0; i < WORKERS; i++) {
		snprintf(line, sizeof(line), "%d pid", i + 1);
		pids[i] = atoi(subject_ask(&host.subject, line));
		assert_true(pids[i] > 0);
	}
}

static pid_t console_pid(void)
{
	json_t *status = compiled_data(&host.subject, "\\status");
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "pid"));

	json_decref(status);
	return pid;
}

/* Until one of them has the console. */
static void await_console_of(const pid_t pids[WORKERS])
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	for (bool found = false; !found; poll(NULL, 0, 5)) {
		if (child_clock() > deadline)
			fail_msg("no worker has the console");
		pid_t pid = is_open(host.subject.socket) ? console_pid() : 0;
		for (int i = 0; i < WORKERS; i++)
			found |= pids[i] == pid;
	}
}

static void end_workers(const pid_t pids[WORKERS])
{
	for (int i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		compiled_await_end(pids[i]);
	}
}

/* A program that has ended, and those of its workers that have its console now. */
static void leave_console_to(pid_t workers[WORKERS])
{
	host = (struct followed){.events = {.fd = -1}};
	followed_prepare_host(&host, &(struct compiled_how){.sources = {"follow_workers.c"}});
	setenv("FOLLOW_STAY", "1", 1);
	compiled_start(&host.subject);
	note_workers(workers);
	compiled_kill(&host.subject);
	await_console_of(workers);
}

static void a_program_that_is_started_again_has_its_console(void **state)
{
	pid_t first[WORKERS], second[WORKERS];

	(void)state;
	leave_console_to(first);
	compiled_start(&host.subject);
	assert_int_equal(console_pid(), host.subject.program.pid);
	compiled_assert_says(&host.subject, 0, "static int answer(void) { return 7; }", "is now version");
	assert_worker(0, "answer", "7");
	note_workers(second);
	compiled_kill(&host.subject);
	await_console_of(second);
	end_workers(second);
	await_console_of(first); /* which has it back */
	end_workers(first);
	unsetenv("FOLLOW_STAY");
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(rename(address.sun_path, path), 0);
	return fd;
}

static int count_connections(int listening)
{
	int count = 0;

	for (int fd; (fd = accept(listening, NULL, NULL)) >= 0; count++)
		close(fd);
	return count;
}

/* Wakes the process that has the console, which looks what became of its name. */
static void redefine(struct wire *w, int value)
{
	char command[64];

	snprintf(command, sizeof(command), "static int answer(void) { return %d; }", value);
	json_t *answer = wire_ask(w, value, command);
	assert_true(json_boolean_value(json_object_get(answer, "ok")));
	json_decref(answer);
}

static void who_has_the_name_of_a_kept_console_is_left_in_peace(void **state)
{
	pid_t workers[WORKERS];
	struct wire w;

	(void)state;
	leave_console_to(workers);
	wire_open(&w, host.subject.socket);
	redefine(&w, 2);
	int listening = listen_at(host.subject.socket);
	for (int i = 3; i < 6; i++)
		redefine(&w, i);
	int connections = count_connections(listening);
	unlink(host.subject.socket);
	close(listening);
	await_console_of(workers); /* which has it back, though we go on */
	wire_close(&w);
	end_workers(workers);
	unsetenv("FOLLOW_STAY");
	compiled_start(&host.subject); /* for stop() to end */
	assert_in_range(connections, 0, 1);
}

static void await_connection(int listening)
{
	struct pollfd p = {.fd = listening, .events = POLLIN};

	assert_int_equal(poll(&p, 1, COMPILED_DEADLINE_MS), 1);
	count_connections(listening);
}

static void a_console_that_is_left_while_its_name_is_taken_finds_an_heir(void **state)
{
	pid_t workers[WORKERS], keeper;

	(void)state;
	leave_console_to(workers);
	keeper = console_pid();
	int listening = listen_at(host.subject.socket);
	await_connection(listening); /* the keeper's */
	kill(keeper, SIGKILL);
	await_connection(listening); /* its heir's */
	unlink(host.subject.socket);
	close(listening);
	await_console_of(workers);
	assert_int_not_equal(console_pid(), keeper);
	end_workers(workers);
	unsetenv("FOLLOW_STAY");
	compiled_start(&host.subject); /* for stop() to end */
}

#define with_host(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(one_save_reaches_all_workers),
		with_host(data_that_a_version_adds_is_each_workers_own),
		cmocka_unit_test_teardown(a_program_that_becomes_a_daemon_keeps_its_console, stop),
		cmocka_unit_test_teardown(a_console_is_not_taken_over_in_a_signal_handler, stop),
		cmocka_unit_test_teardown(a_program_that_is_started_again_has_its_console, stop),
		cmocka_unit_test_teardown(who_has_the_name_of_a_kept_console_is_left_in_peace, stop),
		cmocka_unit_test_teardown(a_console_that_is_left_while_its_name_is_taken_finds_an_heir, stop),
		with_host(what_a_worker_runs_inherits_nothing),
		with_host(what_is_not_watched_in_workers_is_told),
	};

	return cmocka_run_group_tests_name("system: workers", tests, NULL, NULL);
}
