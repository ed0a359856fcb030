#include "host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* The next line that is of interest: an answer with that id or, with `kind`, an event. */
static json_t *receive(struct host *h, int id, const char *kind, const char *function)
{
	static char line[CHILD_LINE_MAX];

	while (child_read_line(&h->console, DEADLINE_MS, line, sizeof(line))) {
		json_t *answer = json_loads(line, 0, NULL);
		json_t *got = json_object_get(answer, "id");
		const char *event = json_string_value(json_object_get(answer, "event"));
		const char *about = json_string_value(json_object_get(answer, "function"));

		if (!kind && json_is_integer(got) && json_integer_value(got) == id)
			return answer;
		if (kind && event && !strcmp(event, kind) && about && !strcmp(about, function))
			return answer;
		if (kind && event && !strcmp(event, "not-optimised"))
			die("%s", line);
		json_decref(answer);
	}
	die("the console of %s gave no answer", h->socket);
}

static void connect_console(struct host *h)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(h->socket) >= sizeof(address.sun_path))
		die("the path is too long for a socket: %s", h->socket);
	strcpy(address.sun_path, h->socket);
	h->console.input = h->console.output = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(h->console.output, (struct sockaddr *)&address, sizeof(address)))
		die("cannot connect to %s", h->socket);
	child_send(&h->console, "{\"id\":0,\"hello\":{\"version\":1,\"text\":false,\"events\":true}}\n");
	json_t *hello = receive(h, 0, NULL, NULL);
	h->engine = (pid_t)json_integer_value(json_object_get(json_object_get(hello, "data"), "engine_pid"));
	json_decref(hello);
}

void host_start_command(struct host *h, const char *const *argv, const char *ready)
{
	const char *const *last = argv;

	*h = (struct host){0};
	while (last[1])
		last++;
	h->socket = text("%s", *last);
	if (!child_start(&h->program, argv) ||
	    !child_read_until(&h->program, ready, DEADLINE_MS, h->ready, sizeof(h->ready)))
		die("%s did not start", argv[0]);
	connect_console(h);
}

void host_start(struct host *h, const char *name, const char *ready)
{
	static int serial;
	char *path = text("%s/%s", build_folder, name), *socket = text("%s/%d.sock", scratch, ++serial);

	host_start_command(h, (const char *const[]){path, socket, NULL}, ready);
	free(socket);
	free(path);
}

void host_stop(struct host *h)
{
	struct pollfd engine = {.fd = (int)syscall(SYS_pidfd_open, h->engine, 0), .events = POLLIN};

	close(h->console.output);
	free(h->console.buffer);
	child_stop(&h->program, STOP_MS);
	/* Without a descriptor it has ended already. Whether anybody reaps it is not our business. */
	if (engine.fd >= 0 && poll(&engine, 1, DEADLINE_MS) != 1)
		die("the engine of %s did not end", h->socket);
	if (engine.fd >= 0)
		close(engine.fd);
	free(h->socket);
}

json_t *host_command(struct host *h, const char *command)
{
	int id = ++h->serial;
	json_t *request = json_pack("{s:i, s:s}", "id", id, "command", command);
	char *line = json_dumps(request, JSON_COMPACT);

	child_send(&h->console, line);
	child_send(&h->console, "\n");
	free(line);
	json_decref(request);

	json_t *answer = receive(h, id, NULL, NULL);
	if (!json_is_true(json_object_get(answer, "ok")))
		die("refused: %s\n%s", command, json_dumps(answer, JSON_INDENT(2)));
	return answer;
}

double host_define_price(struct host *h, const char *price, int number)
{
	char *new = text("return %d + with_tax(", number);
	char *definition = child_replace(price, "return with_tax(", new);

	if (!definition)
		die("price() is not as expected: %s", price);
	double begin = clock_us();
	json_decref(host_define(h, definition));
	double took = clock_us() - begin;
	free(definition);
	free(new);
	return took;
}

json_t *host_event(struct host *h, const char *kind, const char *function)
{
	return receive(h, 0, kind, function);
}

const char *host_ask(struct host *h, const char *line)
{
	static char answer[256];

	if (!child_send(&h->program, line) || !child_send(&h->program, "\n") ||
	    !child_read_line(&h->program, DEADLINE_MS, answer, sizeof(answer)))
		die("the program did not answer to %s", line);
	return answer;
}

json_t *host_define(struct host *h, const char *definition)
{
	json_t *answer = host_command(h, definition);
	json_t *result = json_incref(json_array_get(json_object_get(answer, "data"), 0));

	if (!result)
		die("not live: %s", definition);
	json_decref(answer);
	return result;
}
