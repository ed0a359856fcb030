/* hiredis talking to a redis-server of our own on a unix socket; what goes over the wire is read with
 * MONITOR. */
#include "subject.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { STOP_MS = 10000 };

static struct subject client;
static struct child server;
static char *server_socket;
static struct child monitor; /* only its output and buffer are used: a connection, not a process */

static void start_server(void)
{
	const char *const argv[] = {
		"redis-server", "--port", "0", "--unixsocket", server_socket, "--dir", client.directory,
		"--save", "", "--appendonly", "no", "--logfile", "", NULL,
	};
	char line[1024];

	assert_true(child_start(&server, argv));
	if (!child_read_until(&server, "ready to accept", SUBJECT_DEADLINE_MS, line, sizeof(line)))
		fail_msg("redis-server did not get ready");
}

static void start_monitor(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char line[256];

	assert_true(strlen(server_socket) < sizeof(address.sun_path));
	strcpy(address.sun_path, server_socket);
	monitor.output = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(monitor.output, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(monitor.output, "MONITOR\r\n", 9), 9);
	assert_true(child_read_until(&monitor, "+OK", SUBJECT_DEADLINE_MS, line, sizeof(line)));
}

/* Sends `line` through hiredis, requires `answer`, and that the server saw a command that ends with
 * `wire`. */
static void assert_on_the_wire(const char *line, const char *answer, const char *wire)
{
	char seen[1024];

	assert_string_equal(subject_ask(&client, line), answer);
	assert_true(child_read_until(&monitor, "] ", SUBJECT_DEADLINE_MS, seen, sizeof(seen)));
	if (!strstr(seen, wire))
		fail_msg("%s went out as %s, expected %s", line, seen, wire);
}

/* redisvFormatCommand as it stands in hiredis.c, but writing every key in capitals. The caller's. */
static char *shouting_format(void)
{
	char *path = subject_source("hiredis/hiredis.c");
	char *text = child_read_file(path);
	char *function = text ? child_cut_function(text, "int redisvFormatCommand(") : NULL;
	char *changed = function ? child_replace(function, "    cmd = malloc(totlen+1);\n",
						   "    if (argc > 1)\n        sdstoupper(curargv[1]);\n"
						   "    cmd = malloc(totlen+1);\n")
				 : NULL;

	if (!changed)
		fail_msg("%s has no redisvFormatCommand as expected", path);
	free(function);
	free(text);
	free(path);
	return changed;
}

static void a_redefined_format_shows_on_the_wire_and_rolls_back(void **state)
{
	char *shouting = shouting_format();

	(void)state;
	assert_on_the_wire("set greeting hello", "OK", "\"SET\" \"greeting\" \"hello\"");

	subject_define(&client, "redisvFormatCommand", shouting);
	assert_on_the_wire("get greeting", "(nil)", "\"GET\" \"GREETING\"");
	assert_on_the_wire("set greeting bye", "OK", "\"SET\" \"GREETING\" \"bye\"");
	assert_on_the_wire("get greeting", "bye", "\"GET\" \"GREETING\"");

	subject_rollback(&client, "redisvFormatCommand", 0);
	assert_on_the_wire("get greeting", "hello", "\"GET\" \"greeting\"");
	free(shouting);
}

static void a_redefined_static_helper_shows_in_the_reply(void **state)
{
	(void)state;
	assert_on_the_wire("set count one", "OK", "\"SET\" \"count\" \"one\"");
	subject_define(&client, "createNilObject",
		       "static void *createNilObject(const redisReadTask *task)\n"
		       "{\n"
		       "    redisReadTask text = *task;\n"
		       "    char nothing[] = \"nothing\";\n"
		       "\n"
		       "    text.type = REDIS_REPLY_STRING;\n"
		       "    return createStringObject(&text, nothing, sizeof(nothing) - 1);\n"
		       "}\n");
	assert_on_the_wire("get missing", "nothing", "\"GET\" \"missing\"");
	assert_on_the_wire("get count", "one", "\"GET\" \"count\"");

	subject_rollback(&client, "createNilObject", 0);
	assert_on_the_wire("get missing", "(nil)", "\"GET\" \"missing\"");
}

static int start_all(void **state)
{
	(void)state;
	subject_init(&client);
	assert_true(asprintf(&server_socket, "%s/redis.sock", client.directory) > 0);
	start_server();
	start_monitor();
	subject_start(&client, "tests/real/hiredis_host", server_socket);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	close(monitor.output);
	free(monitor.buffer);
	child_stop(&server, STOP_MS);
	subject_fini(&client);
	free(server_socket);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_redefined_format_shows_on_the_wire_and_rolls_back),
		cmocka_unit_test(a_redefined_static_helper_shows_in_the_reply),
	};

	return cmocka_run_group_tests_name("real programs: hiredis", tests, start_all, stop_all);
}
