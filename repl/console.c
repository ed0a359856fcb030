/* rtf-console: what is done with the options: commands out, answers in, one-shot and interactive.
 *
 * The engine renders what people read; this program prints it. */
#include "ask.h"
#include "editor.h"
#include "entry.h"
#include "error.h"
#include "input.h"
#include "line.h"
#include "options.h"
#include "output.h"
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

enum {
	HELLO_MS = 30000,      /* a large program's engine may be reading its symbols */
	HELLO_LEAST_MS = 2000, /* and with the shortest -t one may have to be started first */
	RECONNECT_MS = 2000,
	COMPLETE_MS = 1500,
};

/* --- commands ---------------------------------------------------------------------------------------- */

static bool trimmed_is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* --- \\edit ------------------------------------------------------------------------------------------ */

static void keep_c(struct console *c, const char *text, size_t size)
{
	free(c->typed);
	c->typed = strndup(text, size);
}

/* The text of NAME[@N], asked for without showing it; the caller's. NULL: it has been said why. */
static char *fetch_source(struct console *c, const char *name, enum status *status)
{
	struct answer answer = {0};
	struct asked asked;
	char *command = NULL, *text = NULL;

	if (asprintf(&command, "\\source %s", name) < 0)
		return NULL;
	if (ask_send(c, command, strlen(command), &asked, status) && ask_await(c, &asked, &answer, status)) {
		const json_t *found = json_object_get(json_object_get(answer.root, "data"), "text");
		if (!json_is_true(json_object_get(answer.root, "ok")))
			*status = ask_conclude(c, &asked, &answer);
		else if (asked.interrupted)
			*status = STATUS_ENDED; /* too late, but it was meant */
		else if (json_is_string(found))
			text = strdup(json_string_value(found));
	}
	answer_fini(&answer);
	free(command);
	return text;
}

/* What was edited is entered as if it had been typed; with a file's name before it, for exactly that function. */
static enum status enter_edited(struct console *c, const char *name)
{
	const char *colon = strrchr(name, ':');
	char *command = NULL;

	if (!colon)
		return ask(c, c->typed, strlen(c->typed));
	if (asprintf(&command, "\\define %.*s\n%s", (int)strcspn(name, "@"), name, c->typed) < 0)
		return ask_failed(c, "\\edit", 5, ERROR_INTERNAL, "out of memory");
	enum status status = ask(c, command, strlen(command));
	free(command);
	return status;
}

/* \\edit NAME[@N], or \\edit alone: what was entered last, at its first error. */
static enum status edit(struct console *c, const char *name)
{
	enum status status = STATUS_FAILED;
	unsigned line = *name ? 0 : c->error_line;
	char *before = *name ? fetch_source(c, name, &status) : strdup(c->typed ? c->typed : ""),
	     *after = NULL;

	if (!before)
		return status;
	struct error *e = editor_run(before, line, &after);
	if (e) {
		status = ask_failed(c, "\\edit", 5, error_class(e), error_message(e));
		error_free(e);
	} else if (strcmp(before, after) == 0 || (strncmp(before, after, strlen(before)) == 0 &&
						  strcmp(after + strlen(before), "\n") == 0)) {
		output_complain("nothing was changed");
		status = STATUS_DONE;
	} else {
		keep_c(c, after, strlen(after));
		status = enter_edited(c, name);
	}
	free(before);
	free(after);
	return status;
}

/* Whether the command is \\edit or \\e: *name is then what stands behind it, in `room`. */
static bool is_edit(const char *text, size_t size, char *room, size_t room_size)
{
	size_t word = strcspn(text, " \t\n");

	if (word > size)
		word = size;
	if (!trimmed_is(text, word, "\\edit") && !trimmed_is(text, word, "\\e"))
		return false;
	while (word < size && strchr(" \t\n", text[word]))
		word++;
	snprintf(room, room_size, "%.*s", (int)(size - word), text + word);
	return true;
}

/* Runs one entry or one -c: what is ours here, the rest in the engine. */
static enum status run_command(struct console *c, const char *text, size_t size)
{
	static const char blanks[] = " \t\r\n\f\v";
	const char *start = text;
	size_t length = size;

	while (length && memchr(blanks, *start, sizeof(blanks) - 1)) {
		start++;
		length--;
	}
	while (length && memchr(blanks, start[length - 1], sizeof(blanks) - 1))
		length--;

	if (trimmed_is(start, length, "\\quit") || trimmed_is(start, length, "\\q") ||
	    trimmed_is(start, length, "quit") || trimmed_is(start, length, "exit")) {
		c->quit = true;
		if (c->options->json)
			output_json(&c->output, "{\"ok\":true,\"command\":\"\\\\quit\",\"data\":null}");
		return STATUS_DONE;
	}
	if (trimmed_is(start, length, "help"))
		return ask(c, "\\help", 5);
	char name[512];
	if (is_edit(start, length, name, sizeof(name)))
		return edit(c, name);
	if (length && *start == '\\')
		return ask(c, start, length);
	keep_c(c, text, size);
	return ask(c, text, size); /* C as typed: the engine tells lines and columns of it */
}

/* A -c's text. Nothing but white space and comments is nothing to do. */
static enum status run_text(struct console *c, const char *text)
{
	size_t size = strlen(text);

	if (entry_judge(text, size) == ENTRY_EMPTY)
		return STATUS_DONE;
	return run_command(c, text, size);
}

/* --- entries ----------------------------------------------------------------------------------------- */

/* Waits for the socket and for `input`. */
static unsigned wait_for(struct console *c, int input)
{
	return wake_wait(c->connection.fd, POLLIN, input, -1, &c->connection.interrupted);
}

static void take_socket(struct console *c)
{
	if (!connection_fill(&c->connection))
		connection_close(&c->connection);
	connection_take(&c->connection);
}

/* Waits for the next line. False at the end, after Ctrl-C and when the connection is lost. */
static bool next_line(struct console *c, struct input *in, const char **text, size_t *size)
{
	while (!input_take(in, text, size)) {
		if (in->fd < 0 || in->ended)
			return false;
		connection_take(&c->connection);
		unsigned wake = wait_for(c, in->fd);
		if (wake & WAKE_SOCKET)
			take_socket(c);
		if (c->connection.fd < 0)
			return false;
		if (c->connection.interrupted) {
			ask_note_interrupt(c);
			return false;
		}
		if ((wake & WAKE_INPUT) && !input_fill(in) && in->buffer.begin >= in->buffer.end)
			return false;
	}
	return true;
}

static enum status run_entry(struct console *c, struct entry *e)
{
	if (c->interactive)
		line_remember(e->text);
	enum status status = run_command(c, e->text, e->size);
	entry_clear(e);
	return status;
}

/* An entry that cannot be completed any more: a script's is sent, so that the compiler says what is missing;
 * a person's is kept in the line history. */
static enum status end_open_entry(struct console *c, struct entry *e)
{
	if (e->state != ENTRY_OPEN) {
		entry_clear(e);
		return STATUS_DONE;
	}
	if (!c->interactive)
		return run_entry(c, e);
	output_complain("the entry was not complete and has not been run (it is in the line history)");
	line_remember(e->text);
	entry_clear(e);
	return STATUS_DONE;
}

/* Runs the entries that the lines of `in` make up, the first going on in `e`, where the last may stay open.
 * Returns the worst status. */
static enum status run_entries(struct console *c, struct input *in, struct entry *e)
{
	enum status status = STATUS_DONE;
	const char *text;
	size_t size;

	while (!c->quit && !c->stop && next_line(c, in, &text, &size)) {
		if (entry_is_ended_by(e, text, size)) {
			status = status_worse(status, end_open_entry(c, e));
			if (c->stop || c->connection.fd < 0)
				break;
		}
		if (!entry_add(e, text, size)) {
			status = status_worse(
				status, ask_failed(c, "", 0, ERROR_USAGE, "out of memory for that entry"));
			entry_clear(e);
			continue;
		}
		if (e->state == ENTRY_EMPTY)
			entry_clear(e);
		if (e->state != ENTRY_COMPLETE)
			continue;
		if (input_peek(in, &text, &size) && entry_goes_on_with(e, text, size))
			continue;
		status = status_worse(status, run_entry(c, e));
		if (c->connection.fd < 0)
			break;
	}
	return status;
}

/* What was read until then has been run. */
static enum status report_unread(struct console *c, const struct input *in)
{
	struct error *e = input_error(in);

	ask_failed(c, "", 0, error_class(e), error_message(e));
	error_free(e);
	return STATUS_LOCAL;
}

/* A file or standard input: goes on after a failure, as psql and sqlite3 do. */
static enum status run_input(struct console *c, struct input *in)
{
	struct entry e;

	entry_init(&e);
	enum status status = run_entries(c, in, &e);
	if (!c->stop && c->connection.fd >= 0 && !c->quit)
		status = status_worse(status, end_open_entry(c, &e));
	if (c->stop)
		status = STATUS_ENDED;
	else if (in->failed)
		status = status_worse(status, report_unread(c, in));
	else if (c->connection.fd < 0 && !c->quit)
		status = ask_lost(c, "", 0); /* whatever failed before: the rest has not been run */
	entry_fini(&e);
	return status;
}

/* --- interactive ------------------------------------------------------------------------------------- */

static void print_banner(const struct console *c)
{
	printf("rtf %s, connected to %s (pid %" JSON_INTEGER_FORMAT "), %" JSON_INTEGER_FORMAT
	       " function%s%s. \\help for help.\n",
	       RTF_VERSION, c->connection.program, c->connection.pid, c->connection.functions,
	       c->connection.functions == 1 ? "" : "s", c->options->read_only ? ", read-only" : "");
	fflush(stdout);
}

static char **words_of(const json_t *matches)
{
	size_t count = json_array_size(matches);
	char **words = count ? calloc(count + 1, sizeof(*words)) : NULL;

	for (size_t i = 0, kept = 0; words && i < count; i++) {
		const char *word = json_string_value(json_array_get(matches, i));
		if (word && (words[kept] = strdup(word)))
			kept++;
	}
	return words;
}

/* line_completer: asks the engine, but does not let a busy one keep the keyboard waiting. */
static char **complete(void *context, const char *text, size_t point, size_t *start)
{
	struct console *c = context;
	struct answer answer = {0};
	json_int_t id = ++c->connection.next_id;
	int64_t deadline = wake_now_ms() + COMPLETE_MS;
	size_t before = c->entry && c->entry->size ? c->entry->size + 1 : 0; /* the entry's lines so far */
	char **words = NULL, *whole;

	if (c->connection.fd < 0 ||
	    asprintf(&whole, "%s%s%s", before ? c->entry->text : "", before ? "\n" : "", text) < 0)
		return NULL;
	json_t *request = json_pack("{s:I, s:{s:s, s:I}}", "id", id, "complete", "line", whole, "point",
				    (json_int_t)(before + point));
	free(whole);
	if (!request || connection_send(&c->connection, request, deadline) != SENT ||
	    connection_await(&c->connection, id, deadline, &answer) != OUTCOME_ANSWER)
		return NULL;

	const json_t *data = json_object_get(answer.root, "data");
	json_int_t from = json_integer_value(json_object_get(data, "start"));
	if (from >= (json_int_t)before && (size_t)from <= before + point) {
		*start = (size_t)from - before;
		words = words_of(json_object_get(data, "matches"));
	}
	answer_fini(&answer);
	return words;
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	line_print(text, (size_t)n);
	free(text);
}

/* What is typed and will not be run, for the session after this one. */
static void keep_typed(struct entry *e)
{
	const char *typed = line_typed();

	if (*typed && !entry_add(e, typed, strlen(typed)))
		return;
	if (e->size)
		line_remember(e->text);
	entry_clear(e);
}

/* The engine may have been started anew by the program, or the program by its author. If nobody answers, what
 * is typed goes to the line history. */
static bool reconnect(struct console *c, struct entry *typed)
{
	int64_t deadline = wake_now_ms() + RECONNECT_MS;
	json_int_t pid = c->connection.pid;
	struct error *e = NULL;

	say("rtf-console: connection lost, trying again");
	do {
		error_free(e);
		e = connection_connect(&c->connection, c->options, true, HELLO_MS);
		if (e)
			connection_pause(&c->connection);
	} while (e && !c->connection.interrupted && wake_now_ms() < deadline);
	if (e) {
		keep_typed(typed);
		line_discard();
		output_complain("connection lost: %s", error_message(e));
		error_free(e);
		return false;
	}
	say("rtf-console: connected again to %s (pid %" JSON_INTEGER_FORMAT "%s)", c->connection.program,
	    c->connection.pid, c->connection.pid == pid ? "" : ", another process than before");
	return true;
}

static void show_prompt(const struct console *c, const struct entry *e)
{
	char prompt[300];

	snprintf(prompt, sizeof(prompt), "%.250s%c ", c->connection.program,
		 e->state == ENTRY_OPEN ? '-' : '>');
	line_start(prompt);
}

static void clear_typed(struct console *c, struct entry *e)
{
	c->connection.interrupted = c->stop = false;
	line_cancel();
	entry_clear(e);
}

static void run_typed(struct console *c, struct entry *e, char *text)
{
	if (!*text) { /* an empty line is a line: those behind it keep their numbers */
		free(text);
		text = strdup("\n");
	}
	struct input in = {.fd = -1, .buffer = {.data = text, .end = text ? strlen(text) : 0}};

	run_entries(c, &in, e);
	if (c->connection.fd < 0 && in.buffer.begin < in.buffer.end)
		line_remember(text + in.buffer.begin);
	c->stop = false;
	input_fini(&in);
}

static void take_keys(struct console *c, struct entry *e)
{
	char *text;

	c->output.holding = true;
	enum line_event event = line_read(&text);
	output_release(&c->output);
	if (event == LINE_TEXT) {
		run_typed(c, e, text);
	} else if (event == LINE_END) {
		putchar('\n');
		c->quit = e->state != ENTRY_OPEN;
		end_open_entry(c, e);
	}
}

static enum status run_interactive(struct console *c)
{
	char *history = line_history_path();
	enum status status = STATUS_DONE;
	struct entry e;

	entry_init(&e);
	c->entry = &e;
	if (!line_init(history, complete, c))
		output_complain("the line history %s cannot be kept: %s", history, strerror(errno));
	if (!c->options->json)
		print_banner(c);
	while (!c->quit) {
		connection_take(&c->connection);
		if (c->connection.fd < 0 && !reconnect(c, &e)) {
			status = STATUS_LOST;
			break;
		}
		show_prompt(c, &e);
		unsigned wake = wait_for(c, STDIN_FILENO);
		if (wake & WAKE_SOCKET)
			take_socket(c);
		if (c->connection.interrupted)
			clear_typed(c, &e);
		else if (wake & WAKE_INPUT)
			take_keys(c, &e);
	}
	line_fini();
	c->entry = NULL;
	entry_fini(&e);
	free(history);
	return status;
}

/* --- runs -------------------------------------------------------------------------------------------- */

/* What the options ask for, in order; `inputs` has the open file of each -f. A -c that fails is the last. */
static enum status run_actions(struct console *c, struct input *inputs)
{
	enum status status = STATUS_DONE;

	for (size_t i = 0; i < c->options->action_count && !c->quit && !c->stop; i++) {
		const struct action *action = &c->options->actions[i];
		enum status one = action->text ? run_text(c, action->text) : run_input(c, &inputs[i]);
		status = status_worse(status, one);
		if (one == STATUS_LOST)
			return STATUS_LOST;
		if (action->text && one != STATUS_DONE)
			break;
	}
	return c->stop ? STATUS_ENDED : status;
}

static int64_t hello_limit(const struct options *options)
{
	if (options->limit_ms < 0)
		return HELLO_MS;
	return options->limit_ms > HELLO_LEAST_MS ? options->limit_ms : HELLO_LEAST_MS;
}

static enum status report_unreachable(struct console *c, struct error *e)
{
	enum status status = error_class(e) == ERROR_INTERRUPTED ? STATUS_ENDED : STATUS_LOST;

	ask_failed(c, "", 0, error_class(e), error_message(e));
	error_free(e);
	return status;
}

/* `gather`: with --all, else NULL. */
static enum status run_socket(const struct options *options, const char *socket, struct input *inputs,
			      struct gather *gather, bool *stop)
{
	bool interactive = options->action_count == 0;
	struct console c = {
		.options = options,
		.connection = {.socket = socket, .fd = -1, .event = output_event, .context = &c.output},
		.output = {.options = options,
			   .socket = socket,
			   .interactive = interactive,
			   .gather = gather},
		.interactive = interactive,
	};
	enum status status;

	if (gather)
		gather_begin(gather, socket);
	struct error *e = connection_connect(&c.connection, options, c.interactive, hello_limit(options));
	if (e)
		status = report_unreachable(&c, e);
	else if (c.interactive)
		status = run_interactive(&c);
	else
		status = run_actions(&c, inputs);
	*stop = c.stop || c.connection.interrupted;
	if (gather)
		gather_end(gather, status, c.class, c.why);
	free(c.class);
	free(c.why);
	free(c.typed);
	connection_fini(&c.connection);
	return status;
}

/* A failure that is no socket's. */
static enum status fail(const struct options *options, struct error *e, enum status status)
{
	struct output output = {.options = options};

	output_failure(&output, "", error_class(e), error_message(e));
	error_free(e);
	return status;
}

/* With --all the inputs are read to their ends first: each socket gets all of them. */
static struct error *slurp_inputs(struct input *inputs, size_t count)
{
	struct error *e = NULL;

	for (size_t i = 0; i < count && !e; i++)
		e = input_slurp(&inputs[i]);
	return e;
}

static bool is_among(const char *path, char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(paths[i], path) == 0)
			return true;
	}
	return false;
}

static enum status fail_pattern(const struct options *options, const char *pattern)
{
	return fail(options, error_new(ERROR_UNKNOWN, "no socket matches %s", pattern), STATUS_LOST);
}

/* Runs everything on each socket that a pattern names, but for those named before and what is no socket. */
static enum status run_pattern(const struct options *options, size_t nth, struct input *inputs,
			       struct gather *gather, bool *stop)
{
	const char *pattern = options->sockets[nth];
	enum status status = STATUS_DONE;
	size_t run = 0;
	glob_t found;

	if (is_among(pattern, options->sockets, nth))
		return STATUS_DONE;
	if (glob(pattern, GLOB_NOMAGIC, NULL, &found) != 0)
		return fail_pattern(options, pattern);
	for (size_t i = 0; i < found.gl_pathc && !*stop; i++) {
		const char *path = found.gl_pathv[i];
		struct stat st;
		bool named = strcmp(path, pattern) == 0;
		if (!named && (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode)))
			continue;
		run++;
		if (!named && is_among(path, options->sockets, options->socket_count))
			continue; /* named by itself too */
		for (size_t n = 0; n < options->action_count; n++)
			input_rewind(&inputs[n]);
		status = status_worse(status, run_socket(options, path, inputs, gather, stop));
	}
	globfree(&found);
	if (run)
		return status;
	return fail_pattern(options, pattern);
}

/* As they were given, with blanks between them; the caller's. */
static char *join_sockets(const struct options *options)
{
	size_t size = 1;

	for (size_t i = 0; i < options->socket_count; i++)
		size += strlen(options->sockets[i]) + 1;
	char *all = calloc(1, size), *end = all;
	for (size_t i = 0; all && i < options->socket_count; i++)
		end += sprintf(end, "%s%s", i ? " " : "", options->sockets[i]);
	return all;
}

static enum status run_all(const struct options *options, struct input *inputs)
{
	struct gather *gather = gather_new(options->json);
	enum status status = STATUS_DONE;
	bool stop = false;

	struct error *e = gather ? slurp_inputs(inputs, options->action_count) : error_memory();
	if (e) {
		gather_free(gather);
		return fail(options, e, STATUS_LOCAL);
	}
	wake_take_signals(false); /* until now Ctrl-C ends this program like any other */
	for (size_t i = 0; i < options->socket_count && !stop; i++)
		status = status_worse(status, run_pattern(options, i, inputs, gather, &stop));
	char *asked = join_sockets(options);
	gather_show(gather, asked ? asked : "");
	free(asked);
	gather_free(gather);
	return status;
}

static enum status run_one(const struct options *options, struct input *inputs)
{
	bool stop;

	wake_take_signals(options->action_count == 0);
	return run_socket(options, options->sockets[0], inputs, NULL, &stop);
}

static enum status run(const struct options *options)
{
	struct input *inputs = calloc(options->action_count + 1, sizeof(*inputs));
	enum status status = STATUS_DONE;
	struct error *e = inputs ? NULL : error_memory();
	size_t opened = 0;

	for (; !e && opened < options->action_count; opened++) {
		const struct action *action = &options->actions[opened];
		inputs[opened].fd = -1;
		e = action->file ? input_open(&inputs[opened], action->file) : NULL;
	}
	if (e)
		status = fail(options, e, STATUS_LOCAL);
	else if (options->all)
		status = run_all(options, inputs);
	else
		status = run_one(options, inputs);
	for (size_t i = 0; i < opened; i++)
		input_fini(&inputs[i]);
	free(inputs);
	return status;
}

/* So that what a socket, a pipe or a file of ours is never gets a number that stdio uses. */
static void open_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
			_exit(STATUS_LOCAL);
	}
}

int main(int argc, char **argv)
{
	struct options options;

	open_standard_files();
	struct error *e = options_init(&options, argc, argv);
	if (e)
		return fail(&options, e, STATUS_LOCAL);
	enum status status = run(&options);
	options_fini(&options);
	if (fflush(stdout) || ferror(stdout)) {
		output_complain("cannot write the answers: %s", strerror(errno));
		status = status_worse(status, STATUS_LOCAL);
	}
	return status;
}
