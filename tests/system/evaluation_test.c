/* Evaluations in a real program: which version is called, in which thread, and what becomes of one that faults or does not end. */
#include "looked.h"

#include <sys/socket.h>
#include <sys/wait.h>

/* --- versions -------------------------------------------------------------------------------------------------------------- */

static void any_version_can_be_called_and_compared(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(4)", "40");
	json_decref(data_of(&w, "int scaled(int n) { return n * 100; }"));
	assert_text(&w, "scaled(4)", "400");
	assert_text(&w, "scaled@0(4) + scaled@1(4)", "440");
	json_t *data = data_of(&w, "\\compare scaled 0 1 (4)"), *results = json_object_get(data, "results");
	assert_true(json_is_false(json_object_get(data, "same")));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 0), "value")), 40);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(results, 1), "value")), 400);
	json_decref(data);
	json_decref(data_of(&w, "int scaled(int n) { return 7 / (n - 4); }"));
	data = error_of(&w, "\\compare scaled 1 2 (4)", "fault");
	json_decref(data);
	assert_error(&w, "scaled@9(1)", "unknown", "no version 9");
	json_decref(data_of(&w, "\\rollback scaled 0"));
	assert_host_says("4", "40");
	wire_close(&w);
}

/* --- faults ---------------------------------------------------------------------------------------------------------------- */

static void every_fault_is_contained(void **state)
{
	static const struct {
		const char *expression, *signal, *part;
	} faults[] = {
		{"through(0)", "SIGSEGV", "at address 0x0 in dereference (look_host.c:"},
		{"*(int *)8 = 3", "SIGSEGV", "address 0x8"},
		{"strlen((char *)16)", "SIGSEGV", "address 0x10"},
		{"((void (*)(void))0)()", "SIGSEGV", "address 0x0"},
		{"bus_error()", "SIGBUS", "SIGBUS"},
		{"divide(1, 0)", "SIGFPE", "division by zero"},
		{"illegal()", "SIGILL", "in illegal"},
		{"give_up()", "SIGABRT", "abort() was called"},
		{"recurse(1)", "SIGSEGV", "the stack was used up"},
		{"exit(3)", NULL, "exit(3) was called"},
		{"leave(4)", NULL, "exit(4) was called"},
		{"_exit(5)", NULL, "exit(5) was called"},
		{"pthread_exit(0)", NULL, "pthread_exit() was called"},
	};
	char before[256];
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(1)", "10");
	snprintf(before, sizeof(before), "%s", subject_ask(&host, "state"));
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
			json_t *error = error_of(&w, faults[i].expression, "fault");
			const char *message = json_string_value(json_object_get(error, "message"));
			const char *name = json_string_value(json_object_get(error, "signal"));
			if (!strstr(message, faults[i].part) ||
			    strcmp(name ? name : "", faults[i].signal ? faults[i].signal : ""))
				fail_msg("%s: %s", faults[i].expression, message);
			json_decref(error);
			assert_text(&w, "1 + 1", "2");
		}
	}
	assert_host_says("state", before);
	assert_host_says("4", "40");
	wire_close(&w);
}

static void a_fault_has_a_backtrace(void **state)
{
	static const char *const functions[] = {"dereference", "through", "this entry"};
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	json_t *error = error_of(&w, "through(0)", "fault"), *frames = json_object_get(error, "backtrace");
	assert_int_equal(json_array_size(frames), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(json_string_value(json_object_get(json_array_get(frames, i), "function")),
				    functions[i]);
	json_decref(error);
	/* Through the C library, which has no frame pointers. */
	error = error_of(&w, "give_up()", "fault");
	frames = json_object_get(error, "backtrace");
	size_t i, found = 0;
	json_t *frame;
	json_array_foreach(frames, i, frame)
		found += strcmp(json_string_value(json_object_get(frame, "function")), "give_up") == 0;
	assert_int_equal(found, 1);
	json_decref(error);
	/* A live version is named with its number. */
	json_decref(data_of(&w, "int scaled(int n) { return *(volatile int *)(long)n; }"));
	error = error_of(&w, "scaled(8)", "fault");
	frame = json_array_get(json_object_get(error, "backtrace"), 0);
	assert_memory_equal(json_string_value(json_object_get(frame, "function")), "scaled@", 7);
	json_decref(error);
	json_decref(data_of(&w, "\\rollback scaled 0"));
	wire_close(&w);
}

static void a_fault_ends_a_script_with_status_4(void **state)
{
	(void)state;
	compiled_assert_says(&host, 4, "through(0)", "SIGSEGV at address 0x0");
	compiled_assert_says(&host, 4, "exit(3)", "only the evaluation ended");
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "loop()", NULL));
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "sleep(1000)", NULL));
	free(compiled_console(&host, 4, NULL, "-t", "0.3", "-c", "loop_in_malloc()", NULL));
	compiled_assert_says(&host, 3, "nothing_like_it", "undeclared");
	compiled_assert_says(&host, 0, "scaled(2)", "$1 = (int) 20");
	assert_host_says("5", "50");
}

/* The engine goes on while one console's evaluation does not end, and the others' wait for their turn. */
static void an_endless_loop_is_its_console_alone(void **state)
{
	static const char interrupt[] = "{\"id\":8,\"interrupt\":7}\n";
	struct wire w, other;

	(void)state;
	wire_open(&w, host.socket);
	wire_open(&other, host.socket);
	wire_command(&w, 7, "loop()");
	json_decref(data_of(&other, "\\list"));
	json_decref(data_of(&other, "int scaled(int n) { return n * 11; }"));
	assert_host_says("4", "44");
	json_decref(data_of(&other, "\\rollback scaled 0"));
	wire_command(&other, 9, "scaled(3)");
	wire_send(&w, interrupt, sizeof(interrupt) - 1);
	json_t *answer = wire_receive(&w);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
			    "interrupted");
	json_decref(answer);
	answer = wire_receive(&other);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "data"), "value")), 30);
	json_decref(answer);
	wire_close(&w);
	wire_close(&other);
}

static void a_console_that_leaves_takes_its_evaluation_along(void **state)
{
	struct wire w;

	(void)state;
	for (int i = 0; i < 5; i++) {
		wire_open(&w, host.socket);
		wire_command(&w, 1, i % 2 ? "loop()" : "sleep(1000)");
		json_t *status = compiled_data(&host, "\\status");
		json_decref(status);
		wire_close(&w);
	}
	wire_open(&w, host.socket);
	assert_text(&w, "scaled(6)", "60");
	wire_close(&w);
	assert_host_says("6", "60");
}

/* Where the program uses every signal there is none to interrupt with. */
static void a_console_closes_though_an_evaluation_cannot_be_ended(void **state)
{
	struct wire w;

	(void)state;
	assert_host_says("signals", "taken");
	wire_open(&w, host.socket);
	assert_text(&w, "1", "1");
	wire_command(&w, 7, "loop()");
	json_decref(compiled_data(&host, "\\status"));
	assert_host_says("stop", "stopped");
	assert_host_says("6", "60");
	wire_close(&w);
}

/* A fault of another thread is the program's own, also while an evaluation runs: its handler ends it. */
static void faults_of_other_threads_stay_the_programs(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	assert_text(&w, "1", "1");
	wire_command(&w, 7, "loop()");
	json_decref(compiled_data(&host, "\\list"));
	assert_true(child_send(&host.program, "crash\n"));
	char line[64];
	assert_false(child_read_line(&host.program, COMPILED_DEADLINE_MS, line, sizeof(line)));
	int status = child_stop(&host.program, COMPILED_DEADLINE_MS);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	wire_close(&w);
}

/* --- where it runs ------------------------------------------------------------------------------------------------------- */

static int start_polled(void **state)
{
	setenv("LOOK_POLLED", "1", 1);
	compiled_each_start(state);
	unsetenv("LOOK_POLLED");
	return 0;
}

static void a_polled_program_evaluates_in_its_own_thread_and_nowhere_else(void **state)
{
	struct wire w;

	(void)state;
	wire_open(&w, host.socket);
	for (int i = 0; i < 3; i++) {
		wire_command(&w, 5, i == 1 ? "through(0)" : "pthread_equal(pthread_self(), main_thread)");
		json_decref(compiled_data(&host, "\\status")); /* it has come to the program by now */
		assert_host_says("4", "40");
		json_t *answer = NULL;
		while (!answer) {
			assert_host_says("poll", "polled");
			char byte;
			if (recv(w.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
				answer = wire_receive(&w);
		}
		if (i == 1)
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
				"fault");
		else
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(answer, "data"), "text")),
				"1");
		json_decref(answer);
	}
	static const char interrupt[] = "{\"id\":8,\"interrupt\":7}\n";
	wire_command(&w, 7, "scaled(1)");
	wire_send(&w, interrupt, sizeof(interrupt) - 1);
	json_t *answer = wire_receive(&w);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "error"), "class")),
			    "interrupted");
	json_decref(answer);
	wire_close(&w);
}

/* Has the program come to rtf_poll() until there is an answer, the caller's. */
static json_t *answer_at_a_poll(struct wire *w, const char *how)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;
	char byte;

	while (recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) {
		assert_host_says(how, "polled");
		assert_true(child_clock() < deadline);
	}
	return wire_receive(w);
}

static void an_evaluation_that_ends_the_thread_it_polled_in_is_over(void **state)
{
	static const char *const ends[] = {"pthread_exit(0)",
					   "(pthread_cancel(pthread_self()), pthread_testcancel())"};
	char before[512];
	struct wire w;

	(void)state;
	snprintf(before, sizeof(before), "%s", strstr(subject_ask(&host, "state"), "handlers"));
	wire_open(&w, host.socket);
	for (int i = 0; i < 2; i++) {
		wire_command(&w, 5, ends[i]);
		json_t *answer = answer_at_a_poll(&w, "poll-thread");
		const char *message =
			json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
		if (!message || !strstr(message, "pthread_exit() was called"))
			fail_msg("%s: %s", ends[i], message ? message : "no error");
		json_decref(answer);
		wire_command(&w, 6, "scaled(6)");
		answer = answer_at_a_poll(&w, "poll");
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(answer, "data"), "value")), 60);
		json_decref(answer);
	}
	assert_string_equal(strstr(subject_ask(&host, "state"), "handlers"), before);
	wire_close(&w);
}

static void many_consoles_evaluate_at_once_and_each_gets_its_own(void **state)
{
	enum { CONSOLES = 32, ROUNDS = 10 };
	struct wire w[CONSOLES];

	(void)state;
	for (int i = 0; i < CONSOLES; i++) {
		char command[64];
		wire_open(&w[i], host.socket);
		snprintf(command, sizeof(command), "int mine = %d", i);
		json_decref(data_of(&w[i], command));
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CONSOLES; i++)
			wire_command(&w[i], round, "scaled(mine)");
		for (int i = 0; i < CONSOLES; i++) {
			json_t *answer = wire_receive(&w[i]);
			assert_int_equal(json_integer_value(json_object_get(answer, "id")), round);
			assert_int_equal(
				json_integer_value(json_object_get(json_object_get(answer, "data"), "value")),
				i * 10);
			json_decref(answer);
		}
	}
	for (int i = 0; i < CONSOLES; i++)
		wire_close(&w[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fresh_host(any_version_can_be_called_and_compared),
		with_fresh_host(every_fault_is_contained),
		with_fresh_host(a_fault_has_a_backtrace),
		with_fresh_host(a_fault_ends_a_script_with_status_4),
		with_fresh_host(an_endless_loop_is_its_console_alone),
		with_fresh_host(a_console_that_leaves_takes_its_evaluation_along),
		with_fresh_host(a_console_closes_though_an_evaluation_cannot_be_ended),
		with_fresh_host(faults_of_other_threads_stay_the_programs),
		cmocka_unit_test_setup_teardown(a_polled_program_evaluates_in_its_own_thread_and_nowhere_else,
						start_polled, compiled_each_stop),
		cmocka_unit_test_setup_teardown(an_evaluation_that_ends_the_thread_it_polled_in_is_over,
						start_polled, compiled_each_stop),
		with_fresh_host(many_consoles_evaluate_at_once_and_each_gets_its_own),
	};

	compiled_init(&host, &(struct compiled_how){.sources = {"look_host.c"}, .flags = {"-w", "-O0"}});
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	subject_fini(&host);
	return failed;
}
