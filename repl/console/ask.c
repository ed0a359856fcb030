#include "ask.h"
#include "wake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMMAND_MAX = 16 << 20, /* bytes of one command */
	GRACE_MS = 2000,        /* for the answer of a command that was interrupted because of -t */
};

enum status status_worse(enum status a, enum status b)
{
	return a > b ? a : b;
}

/* --- answers ----------------------------------------------------------------------------------------- */

static enum status class_status(const char *class)
{
	if (class && (strcmp(class, "fault") == 0 || strcmp(class, "timeout") == 0 ||
		      strcmp(class, "interrupted") == 0))
		return STATUS_ENDED;
	return STATUS_FAILED;
}

static enum status reply_status(const json_t *root)
{
	if (json_is_true(json_object_get(root, "ok")))
		return STATUS_DONE;
	return class_status(json_string_value(json_object_get(json_object_get(root, "error"), "class")));
}

/* The first of a socket's failures is what --all tells of it. */
void ask_note_why(struct console *c, const char *class, const char *why)
{
	if (c->why)
		return;
	c->class = class ? strdup(class) : NULL;
	c->why = strdup(why);
}

static void note_failure(struct console *c, const json_t *root)
{
	const json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	ask_note_why(c, json_string_value(json_object_get(error, "class")), message ? message : "failed");
}

static enum status show_answer(struct console *c, const struct answer *answer)
{
	const json_t *text = json_object_get(answer->root, "text");
	enum status status = reply_status(answer->root);

	const json_t *diagnostics = json_object_get(json_object_get(answer->root, "error"), "diagnostics");
	c->error_line = (unsigned)json_integer_value(json_object_get(json_array_get(diagnostics, 0), "line"));
	if (status != STATUS_DONE)
		note_failure(c, answer->root);
	if (c->options->json) {
		output_json(&c->output, answer->raw ? answer->raw : "{}");
		return status;
	}
	if (!json_is_string(text))
		text = json_object_get(json_object_get(answer->root, "error"), "message");
	if (json_is_string(text))
		output_answer(&c->output, status != STATUS_DONE, json_string_value(text),
			      json_string_length(text));
	return status;
}

/* What the answer to it would have as its command: the word that a command begins with, nothing for C. */
static char *command_word(const char *command, size_t size)
{
	size_t length = 0;

	while (length < size && command[0] == '\\' && command[length] > ' ')
		length++;
	bool text = length == size || command[length] >= 0; /* and not a byte that may be no UTF-8 */
	return strndup(command, text ? length : 0);
}

enum status ask_failed(struct console *c, const char *command, size_t size, enum error_class class,
		       const char *message)
{
	char *word = command_word(command, size);

	ask_note_why(c, error_class_name(class), message);
	output_failure(&c->output, word ? word : "", class, message);
	free(word);
	return class_status(error_class_name(class));
}

static void send_interrupt(struct console *c, json_int_t id, bool late)
{
	connection_send(
		&c->connection,
		json_pack("{s:I, s:I, s:b}", "id", ++c->connection.next_id, "interrupt", id, "late", late),
		wake_now_ms() + GRACE_MS);
}

/* Ctrl-C ends a script as a whole, but only the command of an interactive session. */
void ask_note_interrupt(struct console *c)
{
	c->connection.interrupted = false;
	c->stop = true;
}

/* An interactive session says so when it tries to connect again. */
enum status ask_lost(struct console *c, const char *command, size_t size)
{
	if (!c->interactive && !c->lost_reported) {
		struct error *e = connection_lost(&c->connection);
		ask_failed(c, command, size, error_class(e), error_message(e));
		error_free(e);
	}
	c->lost_reported = true;
	return STATUS_LOST;
}

static enum status report_late(struct console *c, const struct asked *asked)
{
	char message[80];

	snprintf(message, sizeof(message), "no answer within %g s: gave up",
		 (double)c->options->limit_ms / 1000);
	return ask_failed(c, asked->command, asked->size, ERROR_TIMEOUT, message);
}

/* Sends `size` bytes. False: `*status` is what that comes to, and it has been said why. */
bool ask_send(struct console *c, const char *command, size_t size, struct asked *asked, enum status *status)
{
	json_t *text = json_stringn(command, size);

	if (!text) {
		*status = ask_failed(c, command, size, ERROR_USAGE, "that is not UTF-8: not sent");
		return false;
	}
	if (c->connection.fd < 0) {
		json_decref(text);
		*status = ask_lost(c, command, size);
		return false;
	}
	*asked = (struct asked){.command = command, .size = size, .id = ++c->connection.next_id};
	asked->deadline = c->options->limit_ms < 0 ? -1 : wake_now_ms() + c->options->limit_ms;
	json_t *request = json_pack("{s:I, s:o}", "id", asked->id, "command", text);
	if (connection_resized(&c->connection))
		json_object_set_new(request, "width", json_integer(c->connection.width));
	switch (connection_send(&c->connection, request, asked->deadline)) {
	case SENT:
		return true;
	case SEND_LOST:
		*status = ask_lost(c, command, size);
		break;
	case SEND_ENDED:
		if (!c->connection.interrupted) {
			*status = report_late(c, asked);
			break;
		}
		ask_note_interrupt(c);
		*status = ask_failed(c, command, size, ERROR_INTERRUPTED, "gave up sending the command");
		break;
	}
	return false;
}

/* Waits for the answer. False as in ask_send. */
bool ask_await(struct console *c, struct asked *asked, struct answer *answer, enum status *status)
{
	for (;;) {
		enum outcome outcome = connection_await(&c->connection, asked->id, asked->deadline, answer);
		if (outcome == OUTCOME_ANSWER)
			return true;
		if (outcome == OUTCOME_LOST || outcome == OUTCOME_NONE) {
			*status = ask_lost(c, asked->command, asked->size);
			return false;
		}
		if (outcome == OUTCOME_LATE) {
			if (asked->late) {
				*status = report_late(c, asked);
				return false;
			}
			asked->late = true;
			asked->deadline = wake_now_ms() + GRACE_MS;
		} else {
			ask_note_interrupt(c);
			if (asked->interrupted) {
				*status = ask_failed(c, asked->command, asked->size, ERROR_INTERRUPTED,
						     "gave up waiting for the answer");
				return false;
			}
			asked->interrupted = true;
		}
		send_interrupt(c, asked->id, asked->late);
	}
}

enum status ask_conclude(struct console *c, const struct asked *asked, const struct answer *answer)
{
	enum status status = show_answer(c, answer);

	if (status != STATUS_DONE && asked->late && !c->options->json)
		output_report(&c->output, "ended by the time limit of %g s",
			      (double)c->options->limit_ms / 1000);
	if ((status != STATUS_DONE && asked->late) || (asked->interrupted && !c->interactive))
		return STATUS_ENDED;
	return status;
}

static bool is_events(const char *command)
{
	return strncmp(command, "\\events", 7) == 0 && (command[7] == '\0' || command[7] == ' ');
}

/* Has the engine run one command, `size` bytes. */
enum status ask(struct console *c, const char *command, size_t size)
{
	struct answer answer = {0};
	struct asked asked;
	enum status status;

	if (size > COMMAND_MAX)
		return ask_failed(c, command, size, ERROR_USAGE,
				  "that is more than 16 MiB for one command: not sent");
	if (memchr(command, '\0', size))
		return ask_failed(c, command, size, ERROR_USAGE,
				  "a NUL byte cannot be part of a command: not sent");
	if (!ask_send(c, command, size, &asked, &status))
		return status;
	c->output.following = is_events(command);
	if (ask_await(c, &asked, &answer, &status))
		status = ask_conclude(c, &asked, &answer);
	c->output.following = false;
	answer_fini(&answer);
	return status;
}
