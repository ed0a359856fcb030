/* What tests of a program that is looked at (look_host.c) ask of it and expect. Failures end the test. */
#ifndef TESTS_LOOKED_H
#define TESTS_LOOKED_H

#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

/* The answer's data; it must be ok. The caller's. */
static inline json_t *data_of(struct wire *w, const char *command)
{
	json_t *answer = wire_ask(w, 1, command);

	if (!json_is_true(json_object_get(answer, "ok"))) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s: %.600s", command, text);
	}
	json_t *data = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	return data;
}

static inline void assert_text(struct wire *w, const char *expression, const char *text)
{
	json_t *data = data_of(w, expression);
	const char *got = json_string_value(json_object_get(data, "text"));

	if (!got || strcmp(got, text) != 0)
		fail_msg("%s is %s, not %s", expression, got ? got : "nothing", text);
	json_decref(data);
}

/* A command that must fail in that class; its error object, the caller's. */
static inline json_t *error_of(struct wire *w, const char *command, const char *class)
{
	json_t *answer = wire_ask(w, 2, command), *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "class"));

	if (!got || strcmp(got, class) != 0) {
		char *text = json_dumps(answer, 0);
		fail_msg("%s is no error of class %s: %.600s", command, class, text);
	}
	json_incref(error);
	json_decref(answer);
	return error;
}

static inline void assert_error(struct wire *w, const char *command, const char *class, const char *part)
{
	json_t *error = error_of(w, command, class);
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!message || !strstr(message, part))
		fail_msg("%s: \"%s\" is not in \"%s\"", command, part, message ? message : "");
	json_decref(error);
}

static inline void assert_host_says(const char *line, const char *answer)
{
	assert_string_equal(subject_ask(&host, line), answer);
}

#endif
