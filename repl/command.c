#include "command.h"
#include "edit.h"
#include "show.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a command is given. */
struct call {
	struct console_state *state;
	struct live *live;
	char *words[16]; /* behind the command's name, on its line */
	size_t count;
	const char *line; /* the same, unsplit, without space at either end */
	const char *rest; /* everything behind the name, the lines that follow too */
	size_t rest_size;
	struct reply *reply;
};

struct command {
	const char *name, *alias, *arguments, *help;
	struct error *(*run)(struct call *);
	bool changes; /* refused on a read-only connection */
	size_t least, most; /* words */
};

static const struct command commands[];
static const size_t command_count;

/* --- small things ---------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

/* `NAME`, `NAME@N`, `file.c:NAME@N`; *number is -1 without `@N`. */
static struct error *find_version(const struct call *c, const char *word, struct live_function **f, int *number)
{
	char name[512];
	const char *at = strrchr(word, '@');

	*number = -1;
	if (at) {
		char *end;
		long n = strtol(at + 1, &end, 10);
		if (end == at + 1 || *end || n < 0 || n > 1000000000)
			return error_new(ERROR_USAGE, "%s: a version is a number, as in NAME@2", word);
		*number = (int)n;
	}
	snprintf(name, sizeof(name), "%.*s", at ? (int)(at - word) : (int)strlen(word), word);
	return live_find(c->live, name, c->state->file, f);
}

static struct error *parse_number(const char *word, int *number)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (end == word || *end || n < 0 || n > 1000000000)
		return error_new(ERROR_USAGE, "%s is not a version number", word);
	*number = (int)n;
	return NULL;
}

static json_t *latency_json(const struct live_latency *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)t->total, "check", (json_int_t)t->check, "compile",
			 (json_int_t)t->compile, "link", (json_int_t)t->link, "store", (json_int_t)t->store);
}

/* --- \help, \status, \list ------------------------------------------------------------------------------------- */

static struct error *run_help(struct call *c)
{
	const char *wanted = c->count ? c->words[0] : NULL;
	struct text *out = &c->reply->text;

	if (wanted && *wanted == '\\')
		wanted++;
	c->reply->data = json_array();
	if (!wanted)
		text_puts(out, "A line that begins with \\ is a command; anything else is C: a function definition takes the "
			       "place of the one that runs.\n\n");
	for (size_t i = 0; i < command_count; i++) {
		const struct command *k = &commands[i];
		if (wanted && strcmp(k->name, wanted) != 0 && strcmp(k->alias, wanted) != 0)
			continue;
		char usage[128];
		snprintf(usage, sizeof(usage), "\\%s%s%s", k->name, *k->arguments ? " " : "", k->arguments);
		text_printf(out, "  %-34s %s%s%s%s\n", usage, k->help, *k->alias ? "  (\\" : "", k->alias,
			    *k->alias ? ")" : "");
		json_array_append_new(c->reply->data, json_pack("{s:s, s:s, s:s, s:s}", "name", k->name, "short", k->alias,
								"arguments", k->arguments, "help", k->help));
	}
	if (wanted && json_array_size(c->reply->data) == 0)
		return error_new(ERROR_UNKNOWN, "there is no command \\%s", wanted);
	return NULL;
}

static struct error *run_status(struct call *c)
{
	const struct session_host *host = c->state->host;
	struct target *target = live_target(c->live);
	struct text *out = &c->reply->text;
	json_t *changed = json_array();
	long uptime = (long)(time(NULL) - host->started);

	for (size_t i = 0; i < live_count(c->live); i++)
		if (live_function(c->live, i)->live)
			json_array_append_new(changed, json_string(live_function(c->live, i)->at.name));
	const char *history = history_path(live_history(c->live));
	c->reply->data = json_pack("{s:i, s:s, s:s, s:I, s:s, s:i, s:i, s:i, s:O}", "pid", (int)program_pid(host->program),
				   "program", target_program(target), "build_id", target_build_id(target), "uptime_s",
				   (json_int_t)uptime, "history", history, "engine_pid", (int)getpid(), "clients",
				   (int)host->count, "functions", (int)live_count(c->live), "changed", changed);
	text_printf(out, "program   %s, pid %d\nbuild id  %s\nengine    pid %d, up %ld s, %zu %s\nhistory   %s\n",
		    target_program(target), (int)program_pid(host->program), target_build_id(target), (int)getpid(), uptime,
		    host->count, host->count == 1 ? "client" : "clients", history);
	if (live_warning(c->live)) {
		text_printf(out, "warning   %s\n", live_warning(c->live));
		json_object_set_new(c->reply->data, "warning", json_string(live_warning(c->live)));
	}
	text_printf(out, "functions %zu, %zu not as built", live_count(c->live), json_array_size(changed));
	size_t i;
	json_t *name;
	json_array_foreach(changed, i, name)
		text_printf(out, "%s%s", i ? ", " : ": ", json_string_value(name));
	text_puts(out, "\n");
	json_decref(changed);
	return NULL;
}

static bool matches(const struct live_function *f, const char *pattern)
{
	char place[1024];

	snprintf(place, sizeof(place), "%s:%s", base_name(f->at.file), f->at.name);
	return fnmatch(pattern, f->at.name, 0) == 0 || fnmatch(pattern, place, 0) == 0;
}

struct row_cells {
	char place[300], version[32], versions[32];
};

static struct error *run_list(struct call *c)
{
	size_t count = live_count(c->live), rows = 1;
	const char **cells = calloc((count + 1) * 5, sizeof(*cells));
	struct row_cells *strings = calloc(count + 1, sizeof(*strings));

	if (!cells || !strings) {
		free(cells);
		free(strings);
		return error_memory();
	}
	static const char *const heading[] = {"FUNCTION", "FILE", "LIVE", "VERSIONS", "STATE"};
	memcpy(cells, heading, sizeof(heading));
	c->reply->data = json_array();
	for (size_t i = 0; i < count; i++) {
		struct live_function *f = live_function(c->live, i);
		if (c->count && !matches(f, c->words[0]))
			continue;
		struct row_cells *s = &strings[rows];
		const char *state = live_state_name(live_state(c->live, f));
		char *signature = live_signature(c->live, f);
		snprintf(s->place, sizeof(s->place), "%s:%u", base_name(f->at.file), f->at.line);
		snprintf(s->version, sizeof(s->version), "%d", f->live);
		snprintf(s->versions, sizeof(s->versions), "%d", f->versions);
		const char *row[] = {f->at.name, s->place, s->version, s->versions, state};
		memcpy(&cells[rows++ * 5], row, sizeof(row));
		json_array_append_new(c->reply->data,
				      json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s}", "function", f->at.name, "file",
						f->at.file ? f->at.file : "", "line", (int)f->at.line, "module", f->at.module,
						"version", f->live, "versions", f->versions, "state", state, "signature",
						signature ? signature : ""));
		free(signature);
	}
	if (rows > 1)
		show_table(&c->reply->text, cells, rows, 5, c->state->color);
	else
		text_puts(&c->reply->text, c->count ? "no decorated function has a name like that\n"
						    : "the program has no decorated function\n");
	free(cells);
	free(strings);
	return NULL;
}

/* --- \source, \slice, \in -------------------------------------------------------------------------------------- */

static struct error *run_source(struct call *c)
{
	struct live_function *f;
	int number;
	char *text;
	unsigned line;

	struct error *e = find_version(c, c->words[0], &f, &number);
	if (!e && number < 0)
		number = f->live;
	if (!e)
		e = live_version_text(c->live, f, number, &text, &line);
	if (e)
		return e;
	text_printf(&c->reply->text, "%s, version %d%s\n", f->at.name, number, number == f->live ? ", live" : "");
	show_source(&c->reply->text, text, line, c->state->color);
	c->reply->data = json_pack("{s:s, s:i, s:s, s:i, s:s}", "function", f->at.name, "version", number, "file",
				   f->at.file ? f->at.file : "", "line", (int)line, "text", text);
	free(text);
	return NULL;
}

static struct error *run_slice(struct call *c)
{
	struct live_function *f;
	char *text;

	struct error *e = live_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = live_slice(c->live, f, &text);
	if (e)
		return e;
	text_puts(&c->reply->text, text);
	c->reply->data = json_pack("{s:s, s:s}", "function", f->at.name, "text", text);
	free(text);
	return NULL;
}

static bool ends_with_file(const char *path, const char *file)
{
	size_t n = path ? strlen(path) : 0, m = strlen(file);

	return n >= m && strcmp(path + n - m, file) == 0 && (n == m || path[n - m - 1] == '/' || *file == '/');
}

static struct error *run_in(struct call *c)
{
	if (c->count) {
		bool known = false;
		for (size_t i = 0; i < live_count(c->live) && !known; i++)
			known = ends_with_file(live_function(c->live, i)->at.file, c->words[0]);
		if (!known)
			return error_new(ERROR_UNKNOWN, "no decorated function stands in a file %s", c->words[0]);
		free(c->state->file);
		c->state->file = strdup(c->words[0]);
	}
	c->reply->data = c->state->file ? json_pack("{s:s}", "file", c->state->file) : json_pack("{s:n}", "file");
	text_printf(&c->reply->text, c->state->file ? "%s\n" : "no file is chosen: a name decides\n",
		    c->state->file ? c->state->file : "");
	return NULL;
}

/* --- definitions ----------------------------------------------------------------------------------------------- */

static void show_outcome(struct call *c, const struct live_outcome *out, bool checked_only)
{
	c->reply->data = json_array();
	for (size_t i = 0; i < out->count; i++) {
		const struct live_result *r = &out->results[i];
		const char *name = r->function->at.name;
		json_t *row = json_pack("{s:s, s:i, s:s, s:o}", "function", name, "version", r->version, "backend",
					compile_backend_name(r->backend), "latency_us", latency_json(&r->latency));
		if (checked_only) {
			json_object_del(row, "version");
			json_object_del(row, "backend");
			text_printf(&c->reply->text, "%s: nothing against it\n", name);
		} else {
			text_printf(&c->reply->text, "%s is now version %d (%s, %.1f ms)\n", name, r->version,
				    compile_backend_name(r->backend), (double)r->latency.total / 1000);
		}
		if (r->why_cc) {
			json_object_set_new(row, "why_cc", json_string(r->why_cc));
			text_printf(&c->reply->text, "  by cc, not libtcc: %s\n", r->why_cc);
		}
		json_array_append_new(c->reply->data, row);
	}
}

static struct error *define(struct call *c, const char *name, const char *text, size_t size, bool check_only)
{
	struct live_outcome out;
	struct live_request request = {.text = text,
				       .size = size,
				       .name = name,
				       .file = c->state->file,
				       .given_as = "<console>",
				       .origin = "console",
				       .user = c->state->user,
				       .check_only = check_only};

	struct error *e = live_define(c->live, &request, &out);
	if (out.check.count) {
		show_diagnostics(&c->reply->text, &out.check, c->state->color);
		c->reply->diagnostics = show_diagnostics_json(&out.check);
	}
	if (!e)
		show_outcome(c, &out, check_only);
	live_outcome_fini(&out);
	return e;
}

static struct error *run_check(struct call *c)
{
	return define(c, NULL, c->rest, c->rest_size, true);
}

static struct error *run_define(struct call *c)
{
	const char *behind = c->rest + strcspn(c->rest, " \t\n");
	size_t size = c->rest_size - (size_t)(behind - c->rest);

	if (strspn(behind, " \t\r\n") == size)
		return error_new(ERROR_USAGE, "\\define NAME is followed by a definition");
	return define(c, c->words[0], behind, size, false);
}

/* --- \rollback, \undo, \redo ----------------------------------------------------------------------------------- */

static json_t *moved(struct call *c, const struct live_result *r)
{
	const char *name = r->function->at.name;

	text_printf(&c->reply->text, "%s is now version %d%s\n", name, r->version, r->version ? "" : " (as built)");
	return json_pack("{s:s, s:i, s:o}", "function", name, "version", r->version, "latency_us", latency_json(&r->latency));
}

static struct error *refused(struct call *c, struct live_outcome *out, struct error *e)
{
	if (e && out->check.count) {
		show_diagnostics(&c->reply->text, &out->check, c->state->color);
		c->reply->diagnostics = show_diagnostics_json(&out->check);
	}
	return e;
}

static struct error *run_rollback(struct call *c)
{
	struct live_outcome out = {0};
	struct live_function *f;
	int number;

	struct error *e = find_version(c, c->words[0], &f, &number);
	if (!e && c->count == 2)
		e = parse_number(c->words[1], &number);
	if (e)
		return e;
	e = refused(c, &out, live_rollback(c->live, f, number, c->state->user, &out));
	if (!e)
		c->reply->data = moved(c, &out.results[0]);
	live_outcome_fini(&out);
	return e;
}

static struct error *undo_or_redo(struct call *c, bool redo)
{
	struct live_outcome out = {0};

	struct error *e = refused(c, &out, live_undo(c->live, redo, c->state->user, &out));
	if (!e)
		c->reply->data = json_array();
	for (size_t i = 0; !e && i < out.count; i++)
		json_array_append_new(c->reply->data, moved(c, &out.results[i]));
	live_outcome_fini(&out);
	return e;
}

static struct error *run_undo(struct call *c)
{
	return undo_or_redo(c, false);
}

static struct error *run_redo(struct call *c)
{
	return undo_or_redo(c, true);
}

/* --- \log, \diff, \note ---------------------------------------------------------------------------------------- */

static json_t *version_json(const struct live_function *f, const struct history_version *v)
{
	json_t *parent = v->parent < 0 ? json_null() : json_integer(v->parent);

	return json_pack("{s:s, s:i, s:o, s:s, s:s, s:s, s:s, s:b, s:s}", "function", f->at.name, "version", v->number, "parent",
			 parent, "origin", v->origin, "user", v->user, "time", v->time ? v->time : "", "backend", v->backend,
			 "live", f->live == v->number, "note", v->note);
}

static bool add_version(void *context, const struct history_version *v, const struct history_function *key)
{
	struct call *c = context;
	const struct live_function *f = live_by_row(c->live, v->function);

	(void)key;
	if (f)
		json_array_append_new(c->reply->data, version_json(f, v));
	return true;
}

static void show_log(struct call *c)
{
	size_t rows = json_array_size(c->reply->data), i;
	const char **cells = calloc((rows + 1) * 7, sizeof(*cells));
	char(*strings)[2][32] = calloc(rows + 1, sizeof(*strings));
	json_t *row;

	static const char *const heading[] = {"FUNCTION", "VERSION", "FROM", "ORIGIN", "USER", "TIME", "NOTE"};
	if (cells && strings) {
		memcpy(cells, heading, sizeof(heading));
		json_array_foreach(c->reply->data, i, row) {
			json_t *parent = json_object_get(row, "parent");
			char(*s)[32] = strings[i];
			snprintf(s[0], sizeof(s[0]), "%lld%s", (long long)json_integer_value(json_object_get(row, "version")),
				 json_is_true(json_object_get(row, "live")) ? " live" : "");
			if (json_is_integer(parent))
				snprintf(s[1], sizeof(s[1]), "%lld", (long long)json_integer_value(parent));
			const char *line[] = {json_string_value(json_object_get(row, "function")),
					      s[0],
					      s[1],
					      json_string_value(json_object_get(row, "origin")),
					      json_string_value(json_object_get(row, "user")),
					      json_string_value(json_object_get(row, "time")),
					      json_string_value(json_object_get(row, "note"))};
			memcpy(&cells[(i + 1) * 7], line, sizeof(line));
		}
		show_table(&c->reply->text, cells, rows + 1, 7, c->state->color);
	}
	free(cells);
	free(strings);
}

static struct error *run_log(struct call *c)
{
	struct live_function *f = NULL;
	int limit = 100;
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && !e; i++) {
		if (strcmp(c->words[i], "-n") == 0 && i + 1 < c->count)
			e = parse_number(c->words[++i], &limit);
		else if (!f)
			e = live_find(c->live, c->words[i], c->state->file, &f);
		else
			e = error_new(ERROR_USAGE, "\\log [NAME] [-n COUNT]");
	}
	if (e)
		return e;
	c->reply->data = json_array();
	if (!f || f->row)
		e = history_each(live_history(c->live), f ? f->row : 0, 0, limit, add_version, c);
	if (!e && f && json_array_size(c->reply->data) == 0) {
		/* Never touched: what was built is all there is. */
		struct history_version built = {.number = 0, .parent = -1, .origin = "built", .user = "", .backend = "built", .note = ""};
		json_array_append_new(c->reply->data, version_json(f, &built));
	}
	if (!e)
		show_log(c);
	return e;
}

static struct error *run_diff(struct call *c)
{
	struct live_function *f;
	char *from = NULL, *to = NULL, from_name[300], to_name[300];
	int a = -1, b = -1;
	unsigned line;

	struct error *e = find_version(c, c->words[0], &f, &a);
	if (!e && c->count > 1)
		e = parse_number(c->words[1], &a);
	if (!e && c->count > 2)
		e = parse_number(c->words[2], &b);
	if (e)
		return e;
	bool against_file = a < 0;
	if (a < 0)
		a = f->live;
	else if (b < 0)
		b = f->live;
	e = live_version_text(c->live, f, a, &from, &line);
	if (!e)
		e = against_file ? live_file_text(c->live, f, &to, &line) : live_version_text(c->live, f, b, &to, &line);
	snprintf(from_name, sizeof(from_name), "%s@%d", f->at.name, a);
	if (against_file)
		snprintf(to_name, sizeof(to_name), "%s in %s", f->at.name, base_name(f->at.file));
	else
		snprintf(to_name, sizeof(to_name), "%s@%d", f->at.name, b);
	struct text plain = {0};
	if (!e)
		e = show_diff(&plain, from_name, from, to_name, to, false);
	if (!e && c->state->color)
		e = show_diff(&c->reply->text, from_name, from, to_name, to, true);
	else if (!e)
		text_append(&c->reply->text, plain.bytes ? plain.bytes : "", plain.size);
	if (!e && !plain.size)
		text_printf(&c->reply->text, "%s and %s are the same\n", from_name, to_name);
	if (!e)
		c->reply->data = json_pack("{s:s, s:i, s:o, s:s}", "function", f->at.name, "from", a, "to",
					   against_file ? json_string("file") : json_integer(b), "text",
					   plain.bytes ? plain.bytes : "");
	text_fini(&plain);
	free(from);
	free(to);
	return e;
}

static struct error *run_note(struct call *c)
{
	struct live_function *f;
	int number;

	struct error *e = find_version(c, c->words[0], &f, &number);
	if (e)
		return e;
	const char *note = c->line + strcspn(c->line, " \t");
	note += strspn(note, " \t");
	if (number < 0)
		number = f->live;
	e = f->row ? history_note(live_history(c->live), f->row, number, note)
		   : error_new(ERROR_UNKNOWN, "%s has no version in the history yet", f->at.name);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i, s:s}", "function", f->at.name, "version", number, "note", note);
	text_printf(&c->reply->text, "noted with %s@%d\n", f->at.name, number);
	return NULL;
}

static struct error *run_quit(struct call *c)
{
	(void)c; /* the console ends itself; a script's \quit over the protocol is only answered */
	return NULL;
}

/* --- the table ------------------------------------------------------------------------------------------------- */

static const struct command commands[] = {
	{"help", "?", "[CMD]", "this list, or one line of it", run_help, false, 0, 1},
	{"quit", "q", "", "leave; the program goes on", run_quit, false, 0, 0},
	{"status", "", "", "program, engine, history, what is not as built", run_status, false, 0, 0},
	{"list", "l", "[PATTERN]", "decorated functions, their versions and states", run_list, false, 0, 1},
	{"source", "sf", "NAME[@N]", "the text of the live version, or of version N", run_source, false, 1, 1},
	{"in", "", "[FILE]", "the file whose functions are meant where names are not plain", run_in, false, 0, 1},
	{"check", "", "+ definition", "everything but going live", run_check, false, 0, 16},
	{"define", "", "NAME + definition", "redefine exactly this function, however the text spells it", run_define, true, 1, 16},
	{"log", "", "[NAME] [-n COUNT]", "versions, newest first", run_log, false, 0, 3},
	{"diff", "", "NAME [A [B]]", "two versions; by default the live one and the file's", run_diff, false, 1, 3},
	{"rollback", "", "NAME [N]", "make version N live; 0 is what was built; by default the parent", run_rollback, true, 1, 2},
	{"undo", "", "", "take the last change back, however many functions it held", run_undo, true, 0, 0},
	{"redo", "", "", "make the change that was taken back again", run_redo, true, 0, 0},
	{"note", "", "NAME[@N] TEXT", "a remark kept with the version", run_note, true, 2, 16},
	{"slice", "", "NAME", "what its live text is compiled from", run_slice, false, 1, 1},
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
		if (strcmp(commands[i].name, name) == 0 || (*commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

static struct error *unknown_command(const char *name)
{
	const struct command *near = NULL;
	size_t least = 3;

	for (size_t i = 0; i < command_count; i++) {
		size_t d = text_distance(name, commands[i].name);
		bool prefix = *name && strncmp(commands[i].name, name, strlen(name)) == 0;
		if (d >= least && !(prefix && least == 3))
			continue;
		least = d < least ? d : 2;
		near = &commands[i];
	}
	if (near)
		return error_new(ERROR_USAGE, "there is no command \\%s: did you mean \\%s?", name, near->name);
	return error_new(ERROR_USAGE, "there is no command \\%s: \\help lists them", name);
}

static struct error *run_line(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	char name[64], *line, *save = NULL;
	size_t length = strcspn(text + 1, " \t\r\n");

	snprintf(name, sizeof(name), "%.*s", (int)length, text + 1);
	const struct command *k = find_command(name);
	if (!k)
		return unknown_command(name);
	static _Thread_local char long_name[64];
	snprintf(long_name, sizeof(long_name), "\\%s", k->name);
	reply->command = long_name;
	if (k->changes && state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: \\%s changes something", k->name);

	struct call c = {.state = state, .live = state->host->live, .reply = reply};
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
	for (char *word = strtok_r(line, " \t", &save); word && c.count < 16; word = strtok_r(NULL, " \t", &save))
		c.words[c.count++] = word;
	struct error *e;
	if (c.count < k->least || c.count > k->most)
		e = error_new(ERROR_USAGE, "usage: \\%s%s%s", k->name, *k->arguments ? " " : "", k->arguments);
	else
		e = k->run(&c);
	free(line);
	free(unsplit);
	return e;
}

static struct error *run_c(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	struct call c = {.state = state, .live = state->host->live, .reply = reply};

	reply->command = "definition";
	if (state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: it can look but not change");
	return define(&c, NULL, text, size, false);
}

struct error *command_run(struct console_state *state, const char *text, size_t size, struct reply *reply)
{
	static const char *const bare[] = {"help", "quit", "exit"};
	size_t begin = strspn(text, " \t\r\n");

	text += begin;
	size -= begin;
	while (size && strchr(" \t\r\n", text[size - 1]))
		size--;
	if (!size)
		return error_new(ERROR_USAGE, "the entry is empty");
	for (size_t i = 0; i < 3; i++)
		if (strlen(bare[i]) == size && memcmp(bare[i], text, size) == 0)
			return run_line(state, i ? "\\quit" : "\\help", 5, reply);
	if (*text == '\\')
		return run_line(state, text, size, reply);
	return run_c(state, text, size, reply);
}

/* --- completion ------------------------------------------------------------------------------------------------ */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\\';
}

json_t *command_complete(struct console_state *state, const char *line, size_t point, size_t *start)
{
	json_t *matches = json_array();
	char word[256];

	*start = point;
	while (*start > 0 && is_word(line[*start - 1]) && line[*start] != '\\')
		--*start;
	snprintf(word, sizeof(word), "%.*s", (int)(point - *start), line + *start);
	size_t length = strlen(word);
	if (*word == '\\') {
		for (size_t i = 0; i < command_count; i++) {
			char name[64];
			snprintf(name, sizeof(name), "\\%s", commands[i].name);
			if (strncmp(name, word, length) == 0)
				json_array_append_new(matches, json_string(name));
		}
		return matches;
	}
	for (size_t i = 0; i < live_count(state->host->live) && json_array_size(matches) < 1000; i++) {
		const char *name = live_function(state->host->live, i)->at.name;
		if (strncmp(name, word, length) == 0)
			json_array_append_new(matches, json_string(name));
	}
	return matches;
}
