/* The demo's HTTP service, and a fault in one of its request handlers: that request waits, the others are served, and
 * once the function is mended the one that waited gets its answer. */
#include "../real/subject.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWER_SECONDS = 180 };

static struct subject service;
static int port;

static int start_service(void **state)
{
	char line[256];
	char *path = subject_built("tests/demo/orders");

	(void)state;
	subject_init(&service);
	const char *const argv[] = {path, service.socket, NULL};
	assert_true(child_start(&service.program, argv));
	assert_true(child_read_until(&service.program, "listening", SUBJECT_DEADLINE_MS, line, sizeof(line)));
	const char *colon = strrchr(line, ':');
	assert_non_null(colon);
	port = atoi(colon + 1);
	free(path);
	return 0;
}

static int stop_service(void **state)
{
	(void)state;
	subject_fini(&service);
	return 0;
}

/* A request on its way: the connection, to be read from. */
static int request(const char *path)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	char text[256];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	int size =
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
	return fd;
}

/* Everything that comes back must hold `part`. */
static void assert_answered(int fd, const char *part)
{
	char text[4096];
	size_t size = 0;
	ssize_t n;

	while (size < sizeof(text) - 1 && (n = recv(fd, text + size, sizeof(text) - 1 - size, 0)) > 0)
		size += (size_t)n;
	text[size] = '\0';
	close(fd);
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void run(const char *command)
{
	json_decref(subject_command(&service, command, 0));
}

/* Whether a call is parked, as \guard tells. */
static bool is_parked(void)
{
	json_t *answer = subject_command(&service, "\\guard", 0);
	char *text = json_dumps(answer, 0);
	bool parked = text && strstr(text, "SEGV");

	free(text);
	json_decref(answer);
	return parked;
}

static void await_parked(void)
{
	long long deadline = child_clock() + SUBJECT_DEADLINE_MS;

	while (!is_parked())
		assert_true(child_clock() < deadline);
}

#define FAULTY \
	"static const struct item *find_item(const char *name)\n" \
	"{\n\tconst struct item *none = NULL;\n\n" \
	"\treturn strcmp(name, \"coffee\") ? &items[0] : none->name ? none : NULL;\n}"
#define MENDED \
	"static const struct item *find_item(const char *name)\n" \
	"{\n\treturn strcmp(name, \"coffee\") ? &items[0] : &items[1];\n}"

static void a_request_that_faults_waits_while_others_are_served(void **state)
{
	(void)state;
	subject_define(&service, "find_item", FAULTY);
	run("\\guard find_item");
	int waiting = request("/price?item=coffee&qty=2");
	await_parked();
	assert_answered(request("/health"), "200 OK");
	assert_answered(request("/price?item=tea&qty=2"), "\"item\":\"tea\"");
	subject_define(&service, "find_item", MENDED);
	run("\\retry");
	assert_answered(waiting, "\"item\":\"coffee\"");
}

static void a_value_may_be_returned_in_the_calls_place(void **state)
{
	(void)state;
	subject_define(&service, "find_item", FAULTY);
	run("\\guard find_item");
	int waiting = request("/price?item=coffee&qty=2");
	await_parked();
	run("\\return &items[2]");
	assert_answered(waiting, "\"item\":\"cake\"");
	assert_answered(request("/health"), "200 OK");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_that_faults_waits_while_others_are_served,
						start_service, stop_service),
		cmocka_unit_test_setup_teardown(a_value_may_be_returned_in_the_calls_place, start_service,
						stop_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
