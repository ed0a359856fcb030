/* A session with a console that is this test: what it keeps for one that does not read. */
#include "session.h"

#include <malloc.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { EVENT_SIZE = 4 << 20 };

/* The sanitizers' allocators count for themselves and leave mallinfo2() at nothing. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* A console that wants events; returns its end. */
static int join(struct host *host, struct session **session)
{
	static const char request[] = "{\"id\":1,\"command\":\"\\\\events\"}\n";
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_null(session_new(host, ends[1], session));
	assert_int_equal(write(ends[0], request, sizeof(request) - 1), sizeof(request) - 1);
	assert_true(session_serve(*session, POLLIN));
	assert_true(host_is_heard(host));
	return ends[0];
}

/* Bytes that are allocated and not freed. */
static size_t kept(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static json_t *long_event(void)
{
	char *text = malloc(EVENT_SIZE);

	assert_non_null(text);
	memset(text, 'x', EVENT_SIZE - 1);
	text[EVENT_SIZE - 1] = '\0';
	json_t *event = json_pack("{s:s, s:s}", "event", "log", "text", text);
	free(text);
	return event;
}

static void a_console_that_stopped_is_over_and_keeps_no_more(void **state)
{
	struct host host = {0};
	struct session *session;
	json_t *event = long_event();
	int console = join(&host, &session);

	(void)state;
	for (int told = 0; told <= SESSION_BACKLOG; told += EVENT_SIZE)
		host_broadcast(&host, json_incref(event));
	size_t before = kept();
	for (int told = 0; told <= SESSION_BACKLOG; told += EVENT_SIZE)
		host_broadcast(&host, json_incref(event));
	assert_true(kept() < before + 2 * EVENT_SIZE);
	assert_false(session_tick(session));
	session_free(session);
	close(console);
	json_decref(event);
}

/* Takes what there is, but for the last of it. */
static size_t read_some(int console, size_t size)
{
	static char bytes[1 << 16];
	size_t taken = 0;

	while (taken < size) {
		ssize_t n = recv(console, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0)
			break;
		taken += (size_t)n;
	}
	return taken;
}

static void a_console_that_is_always_late_costs_what_it_has_not_read(void **state)
{
	struct host host = {0};
	struct session *session;
	json_t *event = long_event();
	int console = join(&host, &session);
	size_t before = 0, left = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		host_broadcast(&host, json_incref(event));
		left += EVENT_SIZE;
		while (left > EVENT_SIZE) {
			left -= read_some(console, left - EVENT_SIZE);
			assert_true(session_serve(session, POLLOUT));
		}
		if (i == 5)
			before = kept();
	}
	assert_true(kept() < before + 4 * EVENT_SIZE);
	session_free(session);
	close(console);
	json_decref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_console_that_stopped_is_over_and_keeps_no_more),
		cmocka_unit_test(a_console_that_is_always_late_costs_what_it_has_not_read),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
