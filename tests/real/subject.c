#include "subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STOP_MS = 10000 };

static char *path_in(const char *variable, const char *fallback, const char *name)
{
	const char *folder = getenv(variable);
	char *path;

	assert_true(asprintf(&path, "%s/%s", folder && *folder ? folder : fallback, name) > 0);
	return path;
}

char *subject_built(const char *name)
{
	return path_in("RTF_BUILD", "build", name);
}

char *subject_source(const char *name)
{
	return path_in("RTF_REAL", "build/real", name);
}

/* The program and its engine inherit these. */
static void set_environment(const char *directory)
{
	char *engine = subject_built("rtf-engine");
	char *absolute = realpath(engine, NULL);

	assert_non_null(absolute);
	setenv("RTF_ENGINE", absolute, 1);
	setenv("XDG_STATE_HOME", directory, 1);
	unsetenv("RTF_HISTORY");
	unsetenv("RTF_SOCKET");
	free(absolute);
	free(engine);
}

void subject_init(struct subject *s)
{
	*s = (struct subject){.directory = child_directory_new()};
	assert_non_null(s->directory);
	assert_true(asprintf(&s->socket, "%s/console.sock", s->directory) > 0);
	set_environment(s->directory);
}

void subject_start(struct subject *s, const char *host, const char *extra)
{
	char *path = subject_built(host);
	char line[256];

	assert_true(child_start(&s->program, (const char *const[]){path, s->socket, extra, NULL}));
	if (!child_read_line(&s->program, SUBJECT_DEADLINE_MS, line, sizeof(line)) || strcmp(line, "ready"))
		fail_msg("%s did not get ready", path);
	free(path);
}

void subject_fini(struct subject *s)
{
	child_stop(&s->program, STOP_MS);
	child_directory_remove(s->directory);
	free(s->socket);
	*s = (struct subject){0};
}

const char *subject_ask(struct subject *s, const char *line)
{
	static char answer[4096];

	assert_true(child_send(&s->program, line));
	assert_true(child_send(&s->program, "\n"));
	if (!child_read_line(&s->program, SUBJECT_DEADLINE_MS, answer, sizeof(answer)))
		fail_msg("no answer to: %s", line);
	return answer;
}

json_t *subject_command(struct subject *s, const char *command, int status)
{
	char *console = subject_built("rtf-console");
	char *output = NULL;
	const char *const argv[] = {console, "--json", "-c", command, s->socket, NULL};
	int got = child_run(argv, NULL, SUBJECT_DEADLINE_MS, &output);
	json_t *answer = json_loads(output ? output : "", JSON_DISABLE_EOF_CHECK, NULL);

	if (got != status || !answer)
		fail_msg("exit status %d, expected %d, and this answer: %.600s\nto: %.200s", got, status,
			 output ? output : "", command); /* cmocka cuts at 1,024 bytes */
	free(output);
	free(console);
	return answer;
}

int subject_define(struct subject *s, const char *function, const char *text)
{
	json_t *answer = subject_command(s, text, 0);
	json_t *defined = json_array_get(json_object_get(answer, "data"), 0);
	int version = (int)json_integer_value(json_object_get(defined, "version"));

	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_string_equal(json_string_value(json_object_get(defined, "function")), function);
	assert_true(version > 0);
	print_message("%s is now version %d, by %s in %lld us\n", function, version,
		      json_string_value(json_object_get(defined, "backend")),
		      json_integer_value(json_object_get(json_object_get(defined, "latency_us"), "total")));
	json_decref(answer);
	return version;
}

void subject_rollback(struct subject *s, const char *function, int version)
{
	char command[256];

	snprintf(command, sizeof(command), "\\rollback %s %d", function, version);
	json_t *answer = subject_command(s, command, 0);
	json_t *data = json_object_get(answer, "data");
	assert_string_equal(json_string_value(json_object_get(data, "function")), function);
	assert_int_equal(json_integer_value(json_object_get(data, "version")), version);
	json_decref(answer);
}
