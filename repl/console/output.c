#include "output.h"
#include "line.h"
#include "pager.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void output_complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rtf-console: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void output_text(FILE *out, const char *text, size_t size)
{
	if (out == stderr)
		fflush(stdout);
	fwrite(text, 1, size, out);
	if (size && text[size - 1] != '\n')
		fputc('\n', out);
	fflush(out);
}

void output_answer(struct output *o, bool failed, const char *text, size_t size)
{
	if (o->gather && !o->following)
		gather_put(o->gather, failed, text, size);
	else if (failed || !o->interactive || !pager_show(text, size))
		output_text(failed ? stderr : stdout, text, size);
}

void output_report(struct output *o, const char *format, ...)
{
	va_list args;
	char *message = NULL, *line = NULL;

	va_start(args, format);
	int n = vasprintf(&message, format, args);
	va_end(args);
	if (n < 0)
		return;
	if (asprintf(&line, "rtf-console: %s\n", message) >= 0)
		output_answer(o, true, line, strlen(line));
	free(line);
	free(message);
}

void output_json(const struct output *o, const char *raw)
{
	const char *rest = strchr(raw, '{');

	if (!o->options->all || !o->socket || !rest) {
		output_text(stdout, raw, strlen(raw));
		return;
	}
	json_t *name = json_string(o->socket);
	char *quoted = json_dumps(name, JSON_ENCODE_ANY);
	rest += 1 + strspn(rest + 1, " \t\r");
	printf("{\"socket\":%s%s%s\n", quoted ? quoted : "null", *rest == '}' ? "" : ",", rest);
	fflush(stdout);
	free(quoted);
	json_decref(name);
}

void output_failure(struct output *o, const char *command, enum error_class class, const char *message)
{
	if (!o->options->json) {
		output_report(o, "%s", message);
		return;
	}
	json_t *reply = json_pack("{s:b, s:s, s:{s:s, s:s}}", "ok", false, "command", command, "error",
				  "class", error_class_name(class), "message", message);
	char *raw = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	if (raw)
		output_json(o, raw);
	free(raw);
	json_decref(reply);
}

static void show_event_text(struct output *o, const char *text, size_t size)
{
	if (o->interactive)
		line_print(text, size);
	else
		output_text(o->following ? stdout : stderr, text, size);
}

/* An event, or an error that answers no request: for people its text, for scripts the object. Outside an
 * interactive session and \events standard output belongs to the answers alone. */
static void show_event(struct output *o, const json_t *root, const char *raw)
{
	if (o->following && o->options->json) {
		output_json(o, raw);
		return;
	}

	const json_t *text = json_object_get(root, "text");
	const json_t *message = json_object_get(json_object_get(root, "error"), "message");

	if (!text)
		text = message;
	if (o->options->json || !json_is_string(text))
		show_event_text(o, raw, strlen(raw));
	else
		show_event_text(o, json_string_value(text), json_string_length(text));
}

static void hold_event(struct output *o, const char *raw)
{
	char **held = realloc(o->held, (o->held_count + 1) * sizeof(*held));

	if (!held)
		return;
	o->held = held;
	held[o->held_count] = strdup(raw);
	if (held[o->held_count])
		o->held_count++;
}

void output_event(void *context, const json_t *root, const char *raw)
{
	struct output *o = context;

	if (o->holding)
		hold_event(o, raw);
	else
		show_event(o, root, raw);
}

void output_release(struct output *o)
{
	o->holding = false;
	for (size_t i = 0; i < o->held_count; i++) {
		json_t *root = json_loads(o->held[i], JSON_ALLOW_NUL, NULL);
		show_event(o, root, o->held[i]);
		json_decref(root);
		free(o->held[i]);
	}
	free(o->held);
	o->held = NULL;
	o->held_count = 0;
}
