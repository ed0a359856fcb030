#include "command.h"
#include "archive.h"
#include "completion.h"
#include "describe.h"
#include "export.h"
#include "lookup.h"
#include "show.h"
#include "texts.h"
#include "timeline.h"
#include "unread.h"
#include "expression.h"
#include "follow.h"
#include "functions.h"
#include "habits.h"
#include "history.h"
#include "later.h"
#include "listing.h"
#include "look.h"
#include "parked.h"
#include "stacks.h"
#include "traces.h"
#include "versions.h"
#include "watchers.h"
#include "waits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct command {
	const char *name, *alias, *arguments, *help;
	const char *example; /* as one would type it */
	struct error *(*run)(struct call *);
	bool changes;       /* refused on a read-only connection */
	size_t least, most; /* words */
};

static const struct command commands[];
static const size_t command_count;

/* --- \help, \status, \in, \quit -------------------------------------------------------------------------------------- */

static struct error *unknown_command(enum error_class, const char *name);

enum { HELP_INDENT = 2, HELP_USAGE = 34, HELP_TEXT = HELP_INDENT + HELP_USAGE + 1, HELP_NARROW = 60 };

/* Words in as many lines as the console is wide, the first of which begins in column `column`; the others in `indent`. */
static void put_wrapped(struct text *out, int width, int column, int indent, const char *words)
{
	for (const char *at = words; *at;) {
		int length = (int)strcspn(at, " ");
		if (at > words && width >= HELP_NARROW && column + 1 + length >= width) {
			text_printf(out, "\n%*s", indent, "");
			column = indent;
		} else if (at > words) {
			text_puts(out, " ");
			column++;
		}
		text_append(out, at, (size_t)length);
		column += length;
		at += length;
		at += strspn(at, " ");
	}
	text_puts(out, "\n");
}

static void put_help(struct call *c, const struct command *k)
{
	struct text *out = &c->reply->text;
	char usage[128], help[512];

	snprintf(usage, sizeof(usage), "\\%s%s%s", k->name, *k->arguments ? " " : "", k->arguments);
	snprintf(help, sizeof(help), *k->alias ? "%s  (\\%s)" : "%s", k->help, k->alias);
	if (strlen(usage) > HELP_USAGE)
		text_printf(out, "%*s%s\n%*s", HELP_INDENT, "", usage, HELP_TEXT, "");
	else
		text_printf(out, "%*s%-*s ", HELP_INDENT, "", HELP_USAGE, usage);
	put_wrapped(out, c->state->width, HELP_TEXT, HELP_TEXT, help);
}

static struct error *run_help(struct call *c)
{
	const char *wanted = c->count ? c->words[0] : NULL;
	struct text *out = &c->reply->text;

	if (wanted && *wanted == '\\')
		wanted++;
	c->reply->data = json_array();
	if (!wanted)
		put_wrapped(out, c->state->width, 0, 0,
			    "A line that begins with \\ is a command; anything else is C: a function "
			    "definition takes the place of the one that runs, or is the session's own; "
			    "what was declared before and it names goes into it.\n");
	for (size_t i = 0; i < command_count; i++) {
		const struct command *k = &commands[i];
		if (wanted && strcmp(k->name, wanted) != 0 && strcmp(k->alias, wanted) != 0)
			continue;
		put_help(c, k);
		if (wanted)
			text_printf(out, "%*s%-*s %s\n", HELP_INDENT, "", HELP_USAGE, "for example",
				    k->example);
		json_array_append_new(c->reply->data, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", k->name,
								"short", k->alias, "arguments", k->arguments,
								"help", k->help, "example", k->example));
	}
	if (wanted && json_array_size(c->reply->data) == 0)
		return unknown_command(ERROR_UNKNOWN, wanted);
	return NULL;
}

/* In seconds, whichever engine is asked; 0 once the program has ended. */
static long uptime_of(pid_t pid)
{
	int64_t started = history_process_started(pid); /* in ticks since boot */
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return started ? (long)now.tv_sec - (long)(started / sysconf(_SC_CLK_TCK)) : 0;
}

/* How many functions there are, and which are not as built: the first of them by name, as the data has all. */
static void put_changed(struct text *out, const struct live *l, size_t changed)
{
	enum { NAMED = 8 };
	size_t named = 0;

	text_printf(out, "functions %zu, %zu not as built", live_count(l), changed);
	for (size_t i = 0; i < live_count(l) && named < NAMED; i++)
		if (live_plain(live_function(l, i)))
			text_printf(out, "%s%s", named++ ? ", " : ": ", live_function(l, i)->name);
	if (changed > named)
		text_printf(out, " and %zu more: see \\list", changed - named);
	text_puts(out, "\n");
}

static struct error *run_status(struct call *c)
{
	const struct host *host = c->state->host;
	struct target *target = live_target(c->live);
	struct text *out = &c->reply->text;
	json_t *changed = json_array();
	long uptime = uptime_of(program_pid(host->program));

	for (size_t i = 0; i < live_count(c->live); i++)
		if (live_plain(live_function(c->live, i)))
			json_array_append_new(changed, json_string(live_function(c->live, i)->at.name));
	const char *history = history_path(live_history(c->live));
	c->reply->data = json_pack(
		"{s:i, s:o, s:s, s:I, s:o, s:i, s:i, s:i, s:O}", "pid", (int)program_pid(host->program),
		"program", show_string(target_program(target)), "build_id", target_build_id(target),
		"uptime_s", (json_int_t)uptime, "history", show_string(history), "engine_pid", (int)getpid(),
		"clients", (int)host->count, "functions", (int)live_count(c->live), "changed", changed);
	text_printf(out,
		    "program   %s, pid %d, up %ld s\nbuild id  %s\nengine    pid %d, %zu %s\nhistory   %s\n",
		    target_program(target), (int)program_pid(host->program), uptime, target_build_id(target),
		    (int)getpid(), host->count, host->count == 1 ? "client" : "clients", history);
	json_object_set_new(c->reply->data, "others", timeline_others(c));
	if (live_warning(c->live)) {
		text_printf(out, "warning   %s\n", live_warning(c->live));
		json_object_set_new(c->reply->data, "warning", json_string(live_warning(c->live)));
	}
	size_t unread, ahead = texts_ahead(c->live);
	if (ahead && host->follow)
		text_printf(out, "reading   %zu %s still to be read\n", ahead,
			    ahead == 1 ? "source is" : "sources are");
	json_object_set_new(c->reply->data, "to_read", json_integer(host->follow ? (json_int_t)ahead : 0));
	bool saving = host->follow && follow_is_taking(host->follow);
	if (saving)
		text_puts(out, "saving    what was saved last is neither live nor refused yet\n");
	json_object_set_new(c->reply->data, "saving", json_boolean(saving));
	size_t later = unread_count(c->live);
	if (later)
		text_printf(out, "later     %zu %s read when something of %s is asked for or saved\n", later,
			    later == 1 ? "source is" : "sources are", later == 1 ? "it" : "them");
	json_object_set_new(c->reply->data, "later", json_integer((json_int_t)later));
	const char *why = texts_unread(c->live, &unread);
	if (why) {
		text_printf(out, "unread    the sources of %zu %s: %s\n", unread,
			    unread == 1 ? "function" : "functions", why);
		json_object_set_new(c->reply->data, "unread",
				    json_pack("{s:I, s:s}", "functions", (json_int_t)unread, "why", why));
	}
	put_changed(out, c->live, json_array_size(changed));
	json_decref(changed);
	json_object_set_new(c->reply->data, "parked", parked_list(host->watchers, "waiting   ", out));
	return NULL;
}

static struct error *run_in(struct call *c)
{
	if (c->count && strcmp(c->words[0], "*") == 0) {
		free(c->state->file);
		c->state->file = NULL;
	} else if (c->count) {
		bool known = false;
		for (size_t i = 0; i < live_count(c->live) && !known; i++)
			known = text_path_is(live_function(c->live, i)->at.file, c->words[0]);
		if (!known)
			return error_new(ERROR_UNKNOWN, "no decorated function stands in a file %s",
					 c->words[0]);
		free(c->state->file);
		c->state->file = strdup(c->words[0]);
	}
	c->reply->data = c->state->file ? json_pack("{s:o}", "file", show_string(c->state->file))
					: json_pack("{s:n}", "file");
	text_printf(&c->reply->text, c->state->file ? "%s\n" : "no file is chosen: a name decides\n",
		    c->state->file ? c->state->file : "");
	return NULL;
}

static struct error *run_follow(struct call *c)
{
	struct follow *follow = c->state->host->follow;
	bool on = c->count && strcmp(c->words[0], "on") == 0;

	if (!follow)
		return error_new(
			ERROR_USAGE,
			program_flags(live_program(c->live)) & HELLO_WATCH
				? "saves are not followed in this program: its log and \\status say why"
				: "saves are not followed in this program: it was started with RTF_WATCH=0");
	if (c->count && !on && strcmp(c->words[0], "off") != 0)
		return error_new(ERROR_USAGE, "usage: \\follow on|off");
	if (c->count && c->state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: \\follow changes something");
	if (c->count)
		follow_set(follow, on);
	c->reply->data = json_pack("{s:b}", "follow", follow_is_on(follow));
	text_printf(&c->reply->text, "saving a source file %s\n",
		    follow_is_on(follow) ? "makes it live" : "changes nothing in the program");
	return NULL;
}

/* The console runs the person's editor and enters what comes of it; this answers those who speak the protocol. */
static struct error *run_edit(struct call *c)
{
	(void)c;
	return error_new(
		ERROR_USAGE,
		"\\edit is rtf-console's own: over the protocol, \\source NAME and then the new definition");
}

static struct error *run_quit(struct call *c)
{
	(void)c; /* the console ends itself; a script's \quit over the protocol is only answered */
	return NULL;
}

/* --- the table ------------------------------------------------------------------------------------------------- */

static const struct command commands[] = {
	{"help", "?", "[CMD]", "this list, or one command with an example", "\\help trace", run_help, false,
	 0, 1},
	{"quit", "q", "", "leave; the program goes on", "\\quit", run_quit, false, 0, 0},
	{"status", "", "", "program, engine, history, what is not as built", "\\status", run_status, false, 0,
	 0},
	{"list", "l", "[PATTERN]", "decorated functions, their versions and states", "\\list *_item",
	 versions_list, false, 0, 1},
	{"source", "sf", "NAME[@N]", "the text of the live version, or of version N", "\\source price@1",
	 versions_source, false, 1, 1},
	{"in", "", "[FILE|*]", "the file whose functions are meant where names are not plain; *: none",
	 "\\in orders.c", run_in, false, 0, 1},
	{"edit", "e", "[NAME[@N]]", "change it, or what was typed last, in $VISUAL or $EDITOR",
	 "\\edit price", run_edit, false, 0, 1},
	{"check", "", "+ definition", "everything but going live",
	 "\\check int add(int a, int b) { return a - b; }", versions_check, false, 0, 16},
	{"define", "", "NAME + definition", "redefine exactly this function, however the text spells it",
	 "\\define orders.c:add static int add(int a, int b) { return a - b; }", versions_define, true, 1,
	 16},
	{"log", "", "[NAME] [OPTION]...",
	 "versions, newest first; -n COUNT, --before N, --since TIME, --user USER, --all, --faults, --events",
	 "\\log price -n 5", timeline_log, false, 0, 16},
	{"diff", "", "NAME [A [B]]",
	 "two versions; by default the live one and the file's; A and B may be built or file",
	 "\\diff price 1 2", timeline_diff, false, 1, 3},
	{"rollback", "", "NAME [N]", "make version N live; 0 is what was built; by default the parent",
	 "\\rollback price 0", versions_rollback, true, 1, 2},
	{"undo", "", "", "take the last change back, however many functions it held", "\\undo", versions_undo,
	 true, 0, 0},
	{"redo", "", "", "make the change that was taken back again", "\\redo", versions_redo, true, 0, 0},
	{"note", "", "NAME[@N] TEXT", "a remark kept with the version", "\\note price@2 too cheap",
	 timeline_note, true, 2, 16},
	{"save", "", "NAME [-n]", "write the live version into its source file; -n only shows how",
	 "\\save price -n", archive_save, false, 1, 2},
	{"restore", "", "[--force]", "make live what was live when the last run ended", "\\restore",
	 archive_restore, true, 0, 1},
	{"export", "", "NAME|--all DIR", "versions as files, and as patches for git am",
	 "\\export price /tmp/price", export_run, true, 2, 16},
	{"history", "", "[prune [--days N] [--yes]]", "how much there is; what could go, and letting it go",
	 "\\history prune --days 30", archive_history, false, 0, 4},
	{"follow", "", "[on|off]", "whether saving a source file makes it live", "\\follow off", run_follow,
	 false, 0, 1},
	{"cover", "", "[NAME]", "count its lines and branches; then, or without a name: what came",
	 "\\cover price", watchers_cover, false, 0, 1},
	{"uncover", "", "NAME", "back to the version without counters", "\\uncover price", watchers_uncover,
	 true, 1, 1},
	{"trace", "", "NAME [if COND] [-n COUNT]", "show its calls: arguments, result, thread, time",
	 "\\trace find_item if name[0] == 't' -n 2", traces_trace, true, 1, 16},
	{"untrace", "", "NAME|*", "end this console's traces", "\\untrace find_item", traces_untrace, true, 1,
	 1},
	{"probe", "", "NAME:LINE EXPR... [-n COUNT]", "show values each time that line is reached",
	 "\\probe price:53 o->number o->item->name", traces_probe, true, 2, 16},
	{"unprobe", "", "[NAME[:LINE]|*]", "end this console's probes", "\\unprobe price:53", traces_unprobe,
	 true, 0, 1},
	{"threads", "", "[NAME|THREAD]", "where each thread is, or those that are inside a function",
	 "\\threads find_item", stacks_threads, false, 0, 1},
	{"guard", "", "[NAME [return EXPR]]",
	 "a fault inside parks that call, or returns EXPR; without a name: what waits",
	 "\\guard find_item return NULL", parked_guard, false, 0, 16},
	{"unguard", "", "NAME", "faults inside are the program's own again", "\\unguard find_item",
	 parked_unguard, true, 1, 1},
	{"retry", "", "[CALL]", "have the calls that wait, or one of them, done again", "\\retry 1",
	 watchers_retry, true, 0, 1},
	{"return", "", "[@CALL] [EXPR]", "have the oldest call that waits, or that one, return EXPR",
	 "\\return &items[2]", parked_return, true, 0, 16},
	{"wait", "", "NAME N [SEC]", "return once version N is live", "\\wait price 2 10", waits_wait, false,
	 2, 3},
	{"events", "", "", "follow what happens until interrupted", "\\events", waits_events, false, 0, 0},
	{"print", "p", "[/F] [-elements N] [-from N] [-repeats N] [-depth N] [-pretty] EXPR",
	 "a value in one of gdb's formats, or more or less of it", "\\print/x tax_percent", look_print, false,
	 0, 16},
	{"x", "", "[/NFU] [ADDRESS]", "memory in gdb's formats: N units of size U (b h w g), shown as F",
	 "\\x/4xw items", look_memory, false, 0, 16},
	{"vars", "dv", "[PATTERN]", "globals and statics with their values", "\\vars tax*", listing_vars,
	 false, 0, 1},
	{"types", "dt", "[PATTERN]", "struct, union, enum and typedef names", "\\types order*", listing_types,
	 false, 0, 2},
	{"describe", "d", "NAME|EXPR",
	 "what a function, type, variable or macro is, who uses it and what it uses; the type of an "
	 "expression",
	 "\\describe struct order", describe_name, false, 1, 16},
	{"forget", "", "NAME...|*", "drop what this console has declared", "\\forget o", look_forget, false,
	 1, 16},
	{"compare", "", "NAME A B (ARGS)", "call two versions with the same arguments and show both results",
	 "\\compare price 0 2 (&o)", look_compare, true, 3, 16},
	{"slice", "", "NAME", "what its live text is compiled from", "\\slice price", versions_slice, false,
	 1, 1},
};
static const size_t command_count = sizeof(commands) / sizeof(*commands);

json_t *command_names(void)
{
	json_t *names = json_array();

	for (size_t i = 0; i < command_count; i++) {
		char name[64];
		snprintf(name, sizeof(name), "\\%s", commands[i].name);
		json_array_append_new(names, json_string(name));
	}
	return names;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0 ||
		    (*commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

/* What may have been meant: the same in capitals, the beginning of a name, or one that two edits make of it, of a short
 * name one. */
static const struct command *nearest(const char *name)
{
	const struct command *near = NULL;
	char lower[64];

	snprintf(lower, sizeof(lower), "%s", name);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	size_t length = strlen(lower), least = length > 3 ? 3 : 2;
	for (size_t i = 0; i < command_count && !near; i++)
		if (strncmp(commands[i].name, lower, length) == 0)
			near = &commands[i];
	for (size_t i = 0; i < command_count && !near; i++)
		if (strcmp(commands[i].alias, lower) == 0)
			near = &commands[i];
	if (near)
		return near;
	for (size_t i = 0; i < command_count; i++)
		if (text_is_nearer(lower, commands[i].name, &least))
			near = &commands[i];
	return near;
}

static struct error *unknown_command(enum error_class class, const char *name)
{
	const struct command *near = nearest(name);

	if (!*name)
		return error_new(class, "a command's name is missing behind the \\: \\help lists them");
	if (near)
		return error_new(class, "there is no command \\%s: did you mean \\%s?", name, near->name);
	return error_new(class, "there is no command \\%s: \\help lists them", name);
}

static struct error *run_line(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	char name[64], *line, *save = NULL;
	size_t length = strcspn(text + 1, " \t\r\n");

	size_t slash = strcspn(text + 1, "/ \t\r\n");
	snprintf(name, sizeof(name), "%.*s", (int)(slash < length ? slash : length), text + 1);
	text_cut(name, sizeof(name) - 2);
	const struct command *k = find_command(name);
	static _Thread_local char long_name[72];
	snprintf(long_name, sizeof(long_name), "\\%s", k ? k->name : name);
	reply->command = long_name;
	if (!k)
		return unknown_command(ERROR_USAGE, name);
	if (slash < length && k->run != look_print && k->run != look_memory)
		return error_new(ERROR_USAGE, "\\%s takes no /%.*s", k->name, (int)(length - slash - 1),
				 text + 2 + slash);
	if (k->changes && state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: \\%s changes something",
				 k->name);

	struct call c = {.state = state, .live = state->host->live, .entry = text, .reply = reply};
	if (slash < length)
		snprintf(c.modifier, sizeof(c.modifier), "%.*s", (int)(length - slash - 1), text + 2 + slash);
	c.rest = text + 1 + length;
	c.rest += strspn(c.rest, " \t\r\n");
	c.rest_size = size - (size_t)(c.rest - text);
	const char *first = text + 1 + length + strspn(text + 1 + length, " \t");
	size_t first_size = strcspn(first, "\n");
	while (first_size && strchr(" \t\r", first[first_size - 1]))
		first_size--;
	char *unsplit = strndup(first, first_size);
	line = strndup(first, first_size);
	if (!line || !unsplit) {
		free(line);
		free(unsplit);
		return error_memory();
	}
	c.line = unsplit;
	for (char *word = strtok_r(line, " \t", &save); word && c.count < CALL_WORDS;
	     word = strtok_r(NULL, " \t", &save))
		c.words[c.count++] = word;
	struct error *e;
	if (c.count < k->least || c.count > k->most)
		e = error_new(ERROR_USAGE, "usage: \\%s%s%s", k->name, *k->arguments ? " " : "",
			      k->arguments);
	else
		e = k->run(&c);
	free(line);
	free(unsplit);
	return e;
}

/* Expressions are seen from the file of what was redefined last. */
static void note_unit(struct console_state *state, const struct reply *reply)
{
	json_t *row = json_array_get(reply->data, 0);
	const char *name = json_string_value(json_object_get(row, "function"));
	struct live_function *f = NULL;

	struct error *e = name ? lookup_find(state->host->live, name, state->file, &f) : NULL;
	if (!e && f && f->at.unit)
		state->unit = f->at.unit;
	error_free(e);
}

/* What is no C may be what a debugger calls something: the answer is then what that is called here. */
static struct error *name_habit(const struct console_state *state, const char *text, size_t size,
				struct reply *reply, struct error *e)
{
	bool alone;

	if (!e || error_class(e) != ERROR_COMPILE)
		return e;
	char *says = habits_answer(text, size, reply->diagnostics, program_pid(state->host->program), &alone);
	if (!says)
		return e;
	if (alone) {
		error_free(e);
		e = error_new(ERROR_USAGE, "%s", says);
		text_fini(&reply->text);
		json_decref(reply->diagnostics);
		reply->diagnostics = NULL;
	} else {
		text_printf(&reply->text, "%s\n", says);
	}
	free(says);
	return e;
}

static struct error *run_c(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	struct call c = {.state = state, .live = state->host->live, .entry = text, .reply = reply};

	if (expression_takes(&c, text, size))
		return name_habit(state, text, size, reply, expression_enter(&c, text, size));
	reply->command = "definition";
	if (state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: it can look but not change");
	if (functions_take(&c, text, size))
		return functions_define(&c, text, size);
	struct error *e = versions_redefine(&c, NULL, text, size, false);
	if (!e)
		note_unit(state, reply);
	return e;
}

static struct error *run_entry(struct console_state *state, const char *text, size_t size,
			       struct reply *reply)
{
	static const char *const bare[] = {"help", "quit", "exit"};
	const char *first = text + strspn(text, " \t\r\n");

	while (size && strchr(" \t\r\n", text[size - 1]))
		size--;
	if (first >= text + size)
		return error_new(ERROR_USAGE, "the entry is empty");
	size_t length = size - (size_t)(first - text);
	for (size_t i = 0; i < 3; i++)
		if (strlen(bare[i]) == length && memcmp(bare[i], first, length) == 0)
			return run_line(state, i ? "\\quit" : "\\help", 5, reply);
	if (*first == '\\')
		return run_line(state, first, length, reply);
	return run_c(state, text, size, reply); /* with what stands before it: diagnostics count its lines */
}

struct error *command_run(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	return later_run(state, text, size, run_entry, reply);
}

/* --- completion ------------------------------------------------------------------------------------------------ */

/* What the `nth` word behind that command is, counted from 0. */
static enum completion_kind kind_of(const struct command *k, size_t nth)
{
	if (k->run == run_in)
		return COMPLETION_FILE;
	if (k->run == listing_types)
		return COMPLETION_TYPE;
	if (k->run == describe_name || k->run == listing_vars || k->run == look_forget)
		return COMPLETION_NAME;
	if (nth == 0 && strstr(k->arguments, "NAME"))
		return COMPLETION_FUNCTION;
	return COMPLETION_C;
}

/* `from` is where what is completed begins, behind a backslash perhaps. */
static json_t *complete_command(const char *line, size_t from, size_t point)
{
	json_t *matches = json_array();
	const char *slash = line[from] == '\\' ? "\\" : "";
	size_t skip = strlen(slash), length = point - from - skip;

	for (size_t i = 0; i < command_count; i++)
		if (strncmp(commands[i].name, line + from + skip, length) == 0)
			json_array_append_new(matches, json_sprintf("%s%s", slash, commands[i].name));
	return matches;
}

json_t *command_complete(struct console_state *state, const char *line, size_t point, size_t *start)
{
	size_t from = strspn(line, " \t"), words = 0;

	if (from >= point || line[from] != '\\')
		return completion_find(state, COMPLETION_C, line, 0, point, start);
	size_t name = from + strcspn(line + from, " \t\n/");
	*start = from;
	if (point <= name)
		return complete_command(line, from, point);
	char word[64];
	snprintf(word, sizeof(word), "%.*s", (int)(name - from - 1), line + from + 1);
	const struct command *k = find_command(word);
	if (!k)
		return json_array();
	/* The word at the point begins at `at`; C begins behind the command, or behind the name that it is about. */
	size_t at = from + strcspn(line + from, " \t\n"), end = at, c = at;
	while (end < point && line[end] != '\n') {
		at = end + strspn(line + end, " \t");
		if (at >= point || line[at] == '\n')
			break;
		end = at + strcspn(line + at, " \t\n");
		if (end >= point)
			break;
		if (words++ == 0 && kind_of(k, 0) == COMPLETION_FUNCTION)
			c = end;
	}
	*start = at < point ? at : point;
	if (k->run == run_help && words == 0)
		return complete_command(line, *start, point);
	const char *newline = memchr(line, '\n', point);
	if (newline)
		return completion_find(state, COMPLETION_C, line, (size_t)(newline - line), point, start);
	return completion_find(state, kind_of(k, words), line, c, point, start);
}
